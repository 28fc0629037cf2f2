// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/names.h"

#include "abi.h"
#include "common/util.h"
#include "records/finding_rows.h"
#include "records/findings.h"
#include "records/snapshot.h"

/* clang-format off */
static const char *const uplink_states[] = {
	[UPLINK_IN_USE] = "in use",
	[UPLINK_STANDBY] = "standby",
	[UPLINK_UNUSED] = "unused",
	[UPLINK_SPARE] = "spare",
	[UPLINK_WAITING] = "waiting",
	[UPLINK_DRAINED] = "drained",
	[UPLINK_NO_CARRIER] = "no carrier",
	[UPLINK_DOWN] = "down",
	[UPLINK_MISSING] = "missing",
	[UPLINK_FAILED] = "failed",
};

static const char *const severities[] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_NOTE] = "note",
};

static const char *const certainties[] = {
	[CERTAINTY_PROVEN] = "proven",
	[CERTAINTY_LIKELY] = "likely",
};

static const char *const xdp_modes[] = {
	[UL_XDP_NONE] = "none",
	[UL_XDP_NATIVE] = "native",
	[UL_XDP_GENERIC] = "generic",
};

static const char *const vlan_modes[] = {
	[UL_VLAN_EST] = "est",
	[UL_VLAN_VST] = "vst",
	[UL_VLAN_VGT] = "vgt",
};

static const char *const reason_kinds[] = {
	[UL_KIND_FORWARD] = "forward",
	[UL_KIND_DROP] = "drop",
	[UL_KIND_NOTE] = "note",
};

static const char *const neighbours[] = {
	[UL_NEIGHBOUR_NONE] = "none",
	[UL_NEIGHBOUR_LLDP] = "lldp",
	[UL_NEIGHBOUR_CDP] = "cdp",
	[UL_NEIGHBOUR_PAGP] = "pagp",
};

static const char *const pagp_modes[] = {
	[UL_PAGP_DESIRABLE] = "desirable",
	[UL_PAGP_AUTO] = "auto",
};

_Static_assert(ARRAY_SIZE(uplink_states) == N_UPLINK_STATES, "a name for each state");
_Static_assert(ARRAY_SIZE(certainties) == N_CERTAINTIES, "a name for each certainty");
_Static_assert(ARRAY_SIZE(severities) == N_SEVERITIES, "a name for each severity");

#define TABLE(names) { names, ARRAY_SIZE(names) }
static const struct {
	const char *const *names;
	unsigned int count;
} tables[] = {
	[RECORD_UPLINK_STATES] = TABLE(uplink_states),
	[RECORD_SEVERITIES] = TABLE(severities),
	[RECORD_CERTAINTIES] = TABLE(certainties),
	[RECORD_XDP_MODES] = TABLE(xdp_modes),
	[RECORD_VLAN_MODES] = TABLE(vlan_modes),
	[RECORD_REASON_KINDS] = TABLE(reason_kinds),
	[RECORD_NEIGHBOURS] = TABLE(neighbours),
	[RECORD_PAGP_MODES] = TABLE(pagp_modes),
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(tables) == N_RECORD_TABLES, "a row for each table");

unsigned int record_name_count(enum record_table table)
{
	return tables[table].count;
}

const char *record_name(enum record_table table, unsigned int value)
{
	return value < tables[table].count ? tables[table].names[value] : NULL;
}

int record_value(enum record_table table, const char *name)
{
	for (unsigned int i = 0; i < tables[table].count; i++)
		if (tables[table].names[i] && strcmp(tables[table].names[i], name) == 0)
			return (int)i;
	return -EINVAL;
}
