// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* show uplinks|ports|groups|fdb|counters */
#include "ctl/ctl.h"

static const char *const security_flags[] = {
	"promiscuous", "mac_changes", "forged_transmits", "mac_learning", "guest_control_frames",
	"qinq",	       NULL
};
static const char *const port_flags[] = { "host", "runtime", "attached", NULL };

#define REQUEST COLUMN_ON_REQUEST
#define SWITCH                                                      \
	{                                                           \
		"SWITCH", "switch", CELL_TEXT, NULL, COLUMN_IF_MANY \
	}

/* clang-format off */
static const struct column uplink_columns[] = {
	SWITCH,
	{ "INDEX", "index", CELL_TEXT, NULL, 7 },	{ "UPLINK", "name", CELL_TEXT, NULL, 0 },
	{ "STATE", "state", CELL_STATE, NULL, 0 },	{ "SPEED", "speed_mbps", CELL_SPEED, NULL, 0 },
	{ "XDP", "xdp_mode", CELL_TEXT, NULL, 4 },	{ "MAC", "mac", CELL_TEXT, NULL, 5 },
	{ "TX PACKETS", "tx_packets", CELL_COUNT, NULL, 6 }, { "TX BYTES", "tx_bytes", CELL_BYTES, NULL, 2 },
	{ "RX PACKETS", "rx_packets", CELL_COUNT, NULL, 6 }, { "RX BYTES", "rx_bytes", CELL_BYTES, NULL, 2 },
	{ "DROPPED", "dropped_packets", CELL_COUNT, NULL, 1 },
	{ "SHARE", "share", CELL_PERCENT, NULL, REQUEST }, { "IFINDEX", "ifindex", CELL_TEXT, NULL, REQUEST },
	{ "ERROR", "error", CELL_TEXT, NULL, REQUEST },
};
/* clang-format on */

/* clang-format off */
static const struct column port_columns[] = {
	SWITCH,
	{ "GROUP", "group", CELL_TEXT, NULL, 0 },	{ "PORT", "name", CELL_TEXT, NULL, 0 },
	{ "STATE", "state", CELL_STATE, NULL, 0 },	{ "MAC", "mac", CELL_TEXT, NULL, 0 },
	{ "ADDRESS", "address_state", CELL_TEXT, NULL, 4 }, { "DELIVERY", "delivery", CELL_TEXT, NULL, 6 },
	{ "UPLINK", "uplink", CELL_TEXT, NULL, 1 },	{ "FLAGS", "flags", CELL_FLAGS, port_flags, 5 },
	{ "TO PORT", "tx_packets", CELL_COUNT, NULL, 3 }, { "BYTES", "tx_bytes", CELL_BYTES, NULL, 7 },
	{ "FROM PORT", "rx_packets", CELL_COUNT, NULL, 3 }, { "BYTES", "rx_bytes", CELL_BYTES, NULL, 7 },
	{ "DROPPED", "dropped_packets", CELL_COUNT, NULL, 2 },
	{ "SLOT", "slot", CELL_TEXT, NULL, REQUEST },	{ "IFINDEX", "ifindex", CELL_TEXT, NULL, REQUEST },
	{ "ERROR", "error", CELL_TEXT, NULL, REQUEST },
};
/* clang-format on */

/* clang-format off */
static const struct column group_columns[] = {
	SWITCH,
	{ "GROUP", "name", CELL_TEXT, NULL, 0 },	{ "VLAN", "vlan", CELL_TEXT, NULL, 0 },
	{ "LOAD BALANCING", "load_balancing", CELL_TEXT, NULL, 0 },
	{ "ACTIVE", "active", CELL_LIST, NULL, 4 },	{ "STANDBY", "standby", CELL_LIST, NULL, 2 },
	{ "SERVED BY", "serving", CELL_LIST, NULL, 0 },	{ "PORTS", "ports", CELL_COUNT, NULL, 1 },
	{ "ALLOWS", "allows", CELL_FLAGS, security_flags, 3 },
	{ "INDEX", "index", CELL_TEXT, NULL, REQUEST },	{ "POLICY", "policy", CELL_TEXT, NULL, REQUEST },
};
/* clang-format on */

/* clang-format off */
static const struct column fdb_columns[] = {
	SWITCH,
	{ "VLAN", "vlan", CELL_VLAN, NULL, 0 },		{ "MAC", "mac", CELL_TEXT, NULL, 0 },
	{ "PORT", "port", CELL_TEXT, NULL, 0 },		{ "GROUP", "group", CELL_TEXT, NULL, 2 },
	{ "STATE", "state", CELL_TEXT, NULL, 0 },	{ "AGE S", "age_s", CELL_EXACT, NULL, 1 },
};
/* clang-format on */

/* clang-format off */
static const struct column counter_columns[] = {
	SWITCH,
	{ "SCOPE", "scope", CELL_TEXT, NULL, 2 },	{ "NAME", "name", CELL_TEXT, NULL, 0 },
	{ "REASON", "reason", CELL_TEXT, NULL, 0 },	{ "KIND", "kind", CELL_TEXT, NULL, 1 },
	{ "PACKETS", "packets", CELL_EXACT, NULL, 0 },	{ "BYTES", "bytes", CELL_EXACT, NULL, 0 },
	{ "MEANING", "help", CELL_TEXT, NULL, 3 },
};
/* clang-format on */

/* What one `show` prints. */
struct table {
	const char *method; /* of records/reads.h */
	const struct column *columns;
	size_t n_columns;
	const char *nothing; /* text for an empty table */
};

/* Takes parameters. */
static int show(struct ctl *ctl, const struct table *table, json_t *parameters)
{
	json_auto_t *records = NULL, *owned = parameters;
	int status;

	if (ctl_columns_help(ctl, table->columns, table->n_columns))
		return CTL_DONE;
	status = ctl_read(ctl, table->method, ctl->arguments[0], TAKE_PTR(owned), &records);
	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, TAKE_PTR(records));
	if (json_array_size(records) == 0) {
		fprintf(ctl->out, "%s\n", table->nothing);
		return CTL_DONE;
	}
	return ctl_print_table(ctl, records, table->columns, table->n_columns, 0);
}

int cmd_show_uplinks(struct ctl *ctl)
{
	static const struct table table = { "Uplinks", uplink_columns, ARRAY_SIZE(uplink_columns),
					    "no uplinks" };

	return show(ctl, &table, NULL);
}

int cmd_show_ports(struct ctl *ctl)
{
	static const struct table table = { "Ports", port_columns, ARRAY_SIZE(port_columns),
					    "no ports" };

	return show(ctl, &table, NULL);
}

int cmd_show_groups(struct ctl *ctl)
{
	static const struct table table = { "Groups", group_columns, ARRAY_SIZE(group_columns),
					    "no port groups" };

	return show(ctl, &table, NULL);
}

int cmd_show_fdb(struct ctl *ctl)
{
	static const struct table table = { "Addresses", fdb_columns, ARRAY_SIZE(fdb_columns),
					    "no addresses" };

	return show(ctl, &table, NULL);
}

int cmd_show_counters(struct ctl *ctl)
{
	static const struct table table = {
		"Counters", counter_columns, ARRAY_SIZE(counter_columns),
		"no frames counted yet; --all shows counters that are zero"
	};

	return show(ctl, &table, json_pack("{s:b}", "zeros", ctl->all));
}
