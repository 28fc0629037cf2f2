// SPDX-License-Identifier: GPL-2.0
#include "common/util.h"
#include "lacp/lacp.h"

static const char *const state_bits[] = { "activity",	     "short_timeout", "aggregation",
					  "synchronization", "collecting",    "distributing",
					  "defaulted",	     "expired" };

static const char *const receive[] = {
	[LACP_RX_INITIALIZE] = "initialize", [LACP_RX_PORT_DISABLED] = "port_disabled",
	[LACP_RX_EXPIRED] = "expired",	     [LACP_RX_LACP_DISABLED] = "lacp_disabled",
	[LACP_RX_DEFAULTED] = "defaulted",   [LACP_RX_CURRENT] = "current",
};

static const char *const periodic[] = {
	[LACP_NO_PERIODIC] = "no_periodic",
	[LACP_FAST_PERIODIC] = "fast_periodic",
	[LACP_SLOW_PERIODIC] = "slow_periodic",
	[LACP_PERIODIC_TX] = "periodic_tx",
};

static const char *const selected[] = {
	[LACP_UNSELECTED] = "unselected",
	[LACP_STANDBY] = "standby",
	[LACP_SELECTED] = "selected",
};

static const char *const mux[] = {
	[LACP_MUX_DETACHED] = "detached",
	[LACP_MUX_WAITING] = "waiting",
	[LACP_MUX_ATTACHED] = "attached",
	[LACP_MUX_COLLECTING] = "collecting",
	[LACP_MUX_DISTRIBUTING] = "distributing",
	[LACP_MUX_COLLECTING_DISTRIBUTING] = "collecting_distributing",
};

static const char *const churn[] = {
	[LACP_CHURN_MONITOR] = "monitoring",
	[LACP_CHURN] = "churned",
	[LACP_NO_CHURN] = "none",
};

static const char *const policies[] = {
	[LACP_STABLE] = "stable",
	[LACP_BANDWIDTH] = "bandwidth",
	[LACP_COUNT] = "count",
	[LACP_PORT_PRIORITY] = "port-priority",
};

static const char *const fallbacks[] = {
	[LACP_FALLBACK_NONE] = "none",
	[LACP_FALLBACK_INDIVIDUAL] = "individual",
};

static const char *const events[] = {
	[LACP_EVENT_RECEIVE] = "receive", [LACP_EVENT_SELECTED] = "selected",
	[LACP_EVENT_MUX] = "mux",	  [LACP_EVENT_CHURN] = "churn",
	[LACP_EVENT_PARTNER] = "partner", [LACP_EVENT_REJECTED] = "rejected",
	[LACP_EVENT_FINDING] = "finding", [LACP_EVENT_CLEARED] = "cleared",
};

static const char *const findings[] = {
	[LACP_FIND_PASSIVE] = "passive",
	[LACP_FIND_NO_PDU] = "no_lacpdu",
	[LACP_FIND_TWO_PARTNERS] = "two_partners",
	[LACP_FIND_TIMEOUT] = "timeout_mismatch",
	[LACP_FIND_JITTER] = "late_lacpdus",
	[LACP_FIND_LOOPBACK] = "loopback",
	[LACP_FIND_SAME_PORT] = "same_partner_port",
	[LACP_FIND_MIN_LINKS] = "min_links",
};

_Static_assert(ARRAY_SIZE(state_bits) == 8, "one name per bit");
_Static_assert(ARRAY_SIZE(receive) == LACP_N_RX, "one name per value");
_Static_assert(ARRAY_SIZE(periodic) == LACP_N_PERIODIC, "one name per value");
_Static_assert(ARRAY_SIZE(selected) == LACP_N_SELECTED, "one name per value");
_Static_assert(ARRAY_SIZE(mux) == LACP_N_MUX, "one name per value");
_Static_assert(ARRAY_SIZE(churn) == LACP_N_CHURN, "one name per value");
_Static_assert(ARRAY_SIZE(policies) == LACP_N_POLICIES, "one name per value");
_Static_assert(ARRAY_SIZE(fallbacks) == LACP_N_FALLBACKS, "one name per value");
_Static_assert(ARRAY_SIZE(events) == LACP_N_EVENTS, "one name per value");
_Static_assert(ARRAY_SIZE(findings) == LACP_N_FINDINGS, "one name per value");

#define TABLE(names)                     \
	{                                \
		names, ARRAY_SIZE(names) \
	}

static const struct {
	const char *const *names;
	unsigned int count;
} tables[] = {
	[LACP_NAMES_STATE_BIT] = TABLE(state_bits),
	[LACP_NAMES_RECEIVE] = TABLE(receive),
	[LACP_NAMES_PERIODIC] = TABLE(periodic),
	[LACP_NAMES_SELECTED] = TABLE(selected),
	[LACP_NAMES_MUX] = TABLE(mux),
	[LACP_NAMES_CHURN] = TABLE(churn),
	[LACP_NAMES_POLICY] = TABLE(policies),
	[LACP_NAMES_FALLBACK] = TABLE(fallbacks),
	[LACP_NAMES_EVENT] = TABLE(events),
	[LACP_NAMES_FINDING] = TABLE(findings),
};
_Static_assert(ARRAY_SIZE(tables) == LACP_N_NAMES, "one row per table");

unsigned int lacp_name_count(enum lacp_table table)
{
	return tables[table].count;
}

const char *lacp_name(enum lacp_table table, unsigned int value)
{
	return value < tables[table].count ? tables[table].names[value] : NULL;
}

int lacp_value(enum lacp_table table, const char *name)
{
	for (unsigned int i = 0; i < tables[table].count; i++) {
		if (strcmp(tables[table].names[i], name) == 0)
			return (int)i;
	}
	return -EINVAL;
}
