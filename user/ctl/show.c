// SPDX-License-Identifier: GPL-2.0
/* show uplinks|ports|groups|fdb|counters */
#include "ctl/ctl.h"
#include "ctl/records.h"

static const char *const security_flags[] = { "promiscuous", "mac_changes", "forged_transmits",
					      "mac_learning", NULL };
static const char *const port_flags[] = { "host", "runtime", NULL };

static const struct column uplink_columns[] = {
	{ "SWITCH", "switch", CELL_TEXT, NULL },
	{ "INDEX", "index", CELL_TEXT, NULL },
	{ "UPLINK", "name", CELL_TEXT, NULL },
	{ "STATE", "state", CELL_STATE, NULL },
	{ "SPEED", "speed_mbps", CELL_SPEED, NULL },
	{ "XDP", "xdp_mode", CELL_TEXT, NULL },
	{ "MAC", "mac", CELL_TEXT, NULL },
	{ "TX PACKETS", "tx_packets", CELL_COUNT, NULL },
	{ "TX BYTES", "tx_bytes", CELL_BYTES, NULL },
	{ "RX PACKETS", "rx_packets", CELL_COUNT, NULL },
	{ "RX BYTES", "rx_bytes", CELL_BYTES, NULL },
	{ "DROPPED", "dropped_packets", CELL_COUNT, NULL },
};

static const struct column port_columns[] = {
	{ "SWITCH", "switch", CELL_TEXT, NULL },
	{ "GROUP", "group", CELL_TEXT, NULL },
	{ "PORT", "name", CELL_TEXT, NULL },
	{ "STATE", "state", CELL_STATE, NULL },
	{ "MAC", "mac", CELL_TEXT, NULL },
	{ "DELIVERY", "delivery", CELL_TEXT, NULL },
	{ "UPLINK", "uplink", CELL_TEXT, NULL },
	{ "FLAGS", NULL, CELL_FLAGS, port_flags },
	{ "TO PORT", "tx_packets", CELL_COUNT, NULL },
	{ "BYTES", "tx_bytes", CELL_BYTES, NULL },
	{ "FROM PORT", "rx_packets", CELL_COUNT, NULL },
	{ "BYTES", "rx_bytes", CELL_BYTES, NULL },
	{ "DROPPED", "dropped_packets", CELL_COUNT, NULL },
};

static const struct column group_columns[] = {
	{ "SWITCH", "switch", CELL_TEXT, NULL },
	{ "GROUP", "name", CELL_TEXT, NULL },
	{ "VLAN", "vlan", CELL_TEXT, NULL },
	{ "LOAD BALANCING", "load_balancing", CELL_TEXT, NULL },
	{ "ACTIVE", "active", CELL_LIST, NULL },
	{ "STANDBY", "standby", CELL_LIST, NULL },
	{ "SERVED BY", "serving", CELL_LIST, NULL },
	{ "PORTS", "ports", CELL_COUNT, NULL },
	{ "ALLOWS", NULL, CELL_FLAGS, security_flags },
};

static const struct column fdb_columns[] = {
	{ "SWITCH", "switch", CELL_TEXT, NULL }, { "VLAN", "vlan", CELL_VLAN, NULL },
	{ "MAC", "mac", CELL_TEXT, NULL },	 { "PORT", "port", CELL_TEXT, NULL },
	{ "GROUP", "group", CELL_TEXT, NULL },
};

static const struct column counter_columns[] = {
	{ "SWITCH", "switch", CELL_TEXT, NULL }, { "SCOPE", "scope", CELL_TEXT, NULL },
	{ "NAME", "name", CELL_TEXT, NULL },	 { "REASON", "reason", CELL_TEXT, NULL },
	{ "KIND", "kind", CELL_TEXT, NULL },	 { "PACKETS", "packets", CELL_EXACT, NULL },
	{ "BYTES", "bytes", CELL_EXACT, NULL },	 { "MEANING", "help", CELL_TEXT, NULL },
};

/* The records of all switches asked for, one after the other; text or JSON. nothing: what to say
 * when there are none. */
static int show(struct ctl *ctl, json_t *(*record)(const struct snapshot *snapshot),
		const struct column *columns, size_t n_columns, const char *nothing)
{
	_cleanup_(switches_close) struct switches switches = {};
	json_auto_t *records = json_array();
	int status;

	status = switches_open(ctl, ctl->arguments[0], &switches);
	if (status)
		return status;
	for (size_t i = 0; i < switches.n; i++) {
		json_auto_t *more = record(switches.snapshots[i]);

		json_array_extend(records, more);
	}
	if (ctl->json)
		return ctl_print_json(ctl, TAKE_PTR(records));
	if (json_array_size(records) == 0) {
		fprintf(ctl->out, "%s\n", nothing);
		return CTL_DONE;
	}
	return records_print(records, columns, n_columns, &ctl->style, 0, ctl->out) < 0 ?
		       CTL_SYSTEM :
		       CTL_DONE;
}

int cmd_show_uplinks(struct ctl *ctl)
{
	return show(ctl, record_uplinks, uplink_columns, ARRAY_SIZE(uplink_columns), "no uplinks");
}

int cmd_show_ports(struct ctl *ctl)
{
	return show(ctl, record_ports, port_columns, ARRAY_SIZE(port_columns), "no ports");
}

int cmd_show_groups(struct ctl *ctl)
{
	return show(ctl, record_groups, group_columns, ARRAY_SIZE(group_columns), "no port groups");
}

int cmd_show_fdb(struct ctl *ctl)
{
	return show(ctl, record_fdb, fdb_columns, ARRAY_SIZE(fdb_columns), "no addresses");
}

static json_t *record_some_counters(const struct snapshot *snapshot)
{
	return record_counters(snapshot, false);
}

static json_t *record_all_counters(const struct snapshot *snapshot)
{
	return record_counters(snapshot, true);
}

int cmd_show_counters(struct ctl *ctl)
{
	return show(ctl, ctl->all ? record_all_counters : record_some_counters, counter_columns,
		    ARRAY_SIZE(counter_columns), "no frames yet (--all shows the zeros too)");
}
