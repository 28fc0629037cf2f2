// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Names of the values of the LACP enums. */
#include "common/util.h"
#include "lacp/lacp.h"

static const char *const state_bits[] = { "activity",	     "short_timeout", "aggregation",
					  "synchronization", "collecting",    "distributing",
					  "defaulted",	     "expired" };

/* clang-format off */
static const char *const receive[] = {
	[LACP_RX_INITIALIZE] = "initialize",
	[LACP_RX_PORT_DISABLED] = "port_disabled",
	[LACP_RX_EXPIRED] = "expired",
	[LACP_RX_LACP_DISABLED] = "lacp_disabled",
	[LACP_RX_DEFAULTED] = "defaulted",
	[LACP_RX_CURRENT] = "current",
};
/* clang-format on */

/* clang-format off */
static const char *const periodic[] = {
	[LACP_NO_PERIODIC] = "no_periodic",
	[LACP_FAST_PERIODIC] = "fast_periodic",
	[LACP_SLOW_PERIODIC] = "slow_periodic",
	[LACP_PERIODIC_TX] = "periodic_tx",
};
/* clang-format on */

/* clang-format off */
static const char *const selected[] = {
	[LACP_UNSELECTED] = "unselected",
	[LACP_STANDBY] = "standby",
	[LACP_SELECTED] = "selected",
};
/* clang-format on */

/* clang-format off */
static const char *const mux[] = {
	[LACP_MUX_DETACHED] = "detached",
	[LACP_MUX_WAITING] = "waiting",
	[LACP_MUX_ATTACHED] = "attached",
	[LACP_MUX_COLLECTING] = "collecting",
	[LACP_MUX_DISTRIBUTING] = "distributing",
	[LACP_MUX_COLLECTING_DISTRIBUTING] = "collecting_distributing",
};
/* clang-format on */

/* clang-format off */
static const char *const churn[] = {
	[LACP_CHURN_MONITOR] = "monitoring",
	[LACP_CHURN] = "churned",
	[LACP_NO_CHURN] = "none",
};
/* clang-format on */

/* clang-format off */
static const char *const events[] = {
	[LACP_EVENT_RECEIVE] = "receive",
	[LACP_EVENT_SELECTED] = "selected",
	[LACP_EVENT_MUX] = "mux",
	[LACP_EVENT_CHURN] = "churn",
	[LACP_EVENT_PARTNER] = "partner",
	[LACP_EVENT_REJECTED] = "rejected",
	[LACP_EVENT_FINDING] = "finding",
	[LACP_EVENT_CLEARED] = "cleared",
	[LACP_EVENT_LACPDU] = "lacpdu",
};
/* clang-format on */

/* clang-format off */
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
/* clang-format on */

_Static_assert(ARRAY_SIZE(state_bits) == 8, "one name per bit");
_Static_assert(ARRAY_SIZE(receive) == LACP_N_RX, "one name per value");
_Static_assert(ARRAY_SIZE(periodic) == LACP_N_PERIODIC, "one name per value");
_Static_assert(ARRAY_SIZE(selected) == LACP_N_SELECTED, "one name per value");
_Static_assert(ARRAY_SIZE(mux) == LACP_N_MUX, "one name per value");
_Static_assert(ARRAY_SIZE(churn) == LACP_N_CHURN, "one name per value");
_Static_assert(ARRAY_SIZE(events) == LACP_N_EVENTS, "one name per value");
_Static_assert(ARRAY_SIZE(findings) == LACP_N_FINDINGS, "one name per value");

#define TABLE(names)                     \
	{                                \
		names, ARRAY_SIZE(names) \
	}

static const struct {
	const char *const *names;
	unsigned int count;
	/* clang-format off */
} tables[] = {
	[LACP_NAMES_STATE_BIT] = TABLE(state_bits),
	[LACP_NAMES_RECEIVE] = TABLE(receive),
	[LACP_NAMES_PERIODIC] = TABLE(periodic),
	[LACP_NAMES_SELECTED] = TABLE(selected),
	[LACP_NAMES_MUX] = TABLE(mux),
	[LACP_NAMES_CHURN] = TABLE(churn),
	[LACP_NAMES_EVENT] = TABLE(events),
	[LACP_NAMES_FINDING] = TABLE(findings),
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(tables) == LACP_N_NAMES, "one row per table");

const char *lacp_name(enum lacp_table table, unsigned int value)
{
	return value < tables[table].count ? tables[table].names[value] : NULL;
}

const char *lacp_state_letters(uint8_t state, char text[LACP_LETTERS_LEN])
{
	memcpy(text, "ATGSCDFE", LACP_LETTERS_LEN);
	for (int bit = 0; bit < 8; bit++)
		if (!(state >> bit & 1))
			text[bit] = '-';
	return text;
}
