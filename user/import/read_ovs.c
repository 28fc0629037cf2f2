// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Open vSwitch: `ovsdb-client -f json dump unix:.../db.sock Open_vSwitch`, one JSON object per
 * table with "caption", "headings" and "data". A value is an atom, ["uuid", U], ["set", [...]] or
 * ["map", [[key, value], ...]] (RFC 7047, 5.1). Rows have no order, so ports are sorted by name.
 *
 * A fake bridge is a port with fake_bridge and a tag; its ports are ports of its parent with the
 * same tag, so it is an internal port that only gives the VLAN its name.
 */
#include <jansson.h>

#include "common/util.h"
#include "import/reader.h"

enum { TABLE_BRIDGE, TABLE_PORT, TABLE_INTERFACE, N_TABLES };

static const char *const captions[] = {
	[TABLE_BRIDGE] = "Bridge table",
	[TABLE_PORT] = "Port table",
	[TABLE_INTERFACE] = "Interface table",
};

struct ovs_reader {
	struct network *network;
	struct net_place place;
	json_t *table[N_TABLES];   /* as dumped */
	json_t *by_uuid[N_TABLES]; /* UUID -> row */
};

/* ---- values ---- */
static json_t *column(const struct ovs_reader *reader, int table, const json_t *row,
		      const char *name)
{
	const json_t *headings = json_object_get(reader->table[table], "headings");
	size_t i;
	json_t *heading;

	json_array_foreach(headings, i, heading)
		if (json_is_string(heading) && strcmp(json_string_value(heading), name) == 0)
			return json_array_get(row, i);
	return NULL;
}

/* The entries of ["set", [...]] or ["map", [...]]; NULL: the value is of another type. */
static json_t *entries(const json_t *value, const char *type)
{
	const char *tag = json_string_value(json_array_get(value, 0));

	return tag && strcmp(tag, type) == 0 ? json_array_get(value, 1) : NULL;
}

/* The atom itself, or the only entry of a set; NULL: empty. */
static const json_t *atom(const json_t *value)
{
	const json_t *set = entries(value, "set");

	return set ? json_array_get(set, 0) : value;
}

static const char *text_of(const struct ovs_reader *reader, int table, const json_t *row,
			   const char *name)
{
	return json_string_value(atom(column(reader, table, row, name)));
}

/* -1: not set */
static json_int_t number_of(const struct ovs_reader *reader, int table, const json_t *row,
			    const char *name)
{
	const json_t *value = atom(column(reader, table, row, name));

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static const char *map_value(const struct ovs_reader *reader, int table, const json_t *row,
			     const char *name, const char *key)
{
	const json_t *list = entries(column(reader, table, row, name), "map");
	size_t i;
	json_t *pair;

	json_array_foreach(list, i, pair) {
		const char *entry = json_string_value(json_array_get(pair, 0));

		if (entry && strcmp(entry, key) == 0)
			return json_string_value(json_array_get(pair, 1));
	}
	return NULL;
}

static const char *uuid_of(const json_t *value)
{
	return json_string_value(json_array_get(value, 1));
}

#define MAX_REFERENCES 65536

struct named_row {
	const char *name;
	json_t *row;
};

static int compare_rows(const void *a, const void *b)
{
	const struct named_row *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

/* The rows that a column refers to, a UUID or a set of them, sorted by name; to be freed. */
static size_t find_rows(struct ovs_reader *reader, const json_t *value, int table,
			struct named_row **ret)
{
	json_t *set = entries(value, "set");
	size_t n = set ? json_array_size(set) : 1, found = 0;
	struct named_row *rows;

	*ret = NULL;
	if (!value || n == 0)
		return 0;
	if (n > MAX_REFERENCES) {
		network_error(reader->network, reader->place, -E2BIG,
			      "%zu references in a row: must be at most %d", n, MAX_REFERENCES);
		return 0;
	}
	rows = calloc(n, sizeof(*rows));
	if (!rows) {
		network_error(reader->network, reader->place, -ENOMEM, "no memory");
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		const char *uuid = uuid_of(set ? json_array_get(set, i) : value);
		json_t *row = uuid ? json_object_get(reader->by_uuid[table], uuid) : NULL;
		const char *name = row ? text_of(reader, table, row, "name") : NULL;

		if (name)
			rows[found++] = (struct named_row){ name, row };
		else
			network_error(reader->network, reader->place, -EINVAL,
				      "row %.40s: must be a row of the %s with a name",
				      uuid ? uuid : "without UUID", captions[table]);
	}
	qsort(rows, found, sizeof(*rows), compare_rows);
	*ret = rows;
	return found;
}

/* ---- VLANs of a port ---- */
static void read_trunks(struct ovs_reader *reader, const json_t *row, struct net_vlans *vlans,
			bool *with_untagged)
{
	const json_t *value = column(reader, TABLE_PORT, row, "trunks"),
		     *set = entries(value, "set");
	size_t n = set ? json_array_size(set) : 1;

	*with_untagged = n == 0;
	for (unsigned int vid = 1; n == 0 && vid < UL_VLAN_TRUNK; vid++)
		net_vlan_set(vlans->tagged, vid);
	for (size_t i = 0; i < n; i++) {
		const json_t *vid = set ? json_array_get(set, i) : value;

		if (json_integer_value(vid) == 0)
			*with_untagged = true;
		else if (json_integer_value(vid) > 0 && json_integer_value(vid) < UL_VLAN_TRUNK)
			net_vlan_set(vlans->tagged, (unsigned int)json_integer_value(vid));
	}
}

static void read_vlans(struct ovs_reader *reader, const json_t *row,
		       struct net_interface *interface)
{
	const char *mode = text_of(reader, TABLE_PORT, row, "vlan_mode");
	json_int_t tag = number_of(reader, TABLE_PORT, row, "tag");
	const json_t *trunks = entries(column(reader, TABLE_PORT, row, "trunks"), "set");
	struct net_vlans *vlans = &interface->vlans;
	bool with_untagged;

	if (tag > 4094) {
		network_error(reader->network, reader->place, -EINVAL,
			      "port %s: tag %lld: must be 0-4094", interface->name, (long long)tag);
		return;
	}
	*vlans = (struct net_vlans){ .given = true, .pvid = -1 };
	if (!mode)
		mode = tag >= 0 ? "access" : "trunk";
	vlans->implicit = tag < 0 && !text_of(reader, TABLE_PORT, row, "vlan_mode") && trunks &&
			  json_array_size(trunks) == 0;
	if (strcmp(mode, "access") == 0 || strcmp(mode, "dot1q-tunnel") == 0) {
		vlans->pvid = tag < 0 ? 0 : (int)tag;
		net_vlan_set(vlans->untagged, (unsigned int)vlans->pvid);
		if (strcmp(mode, "access") != 0)
			network_unmapped(
				reader->network, reader->place,
				"%s: vlan_mode dot1q-tunnel: not mapped, the nearest is vlan: %d without tags of machines",
				interface->name, vlans->pvid);
		return;
	}
	read_trunks(reader, row, vlans, &with_untagged);
	if (strncmp(mode, "native", 6) == 0 && tag > 0) {
		vlans->tagged[tag / 64] &= ~(1ULL << tag % 64);
		vlans->pvid = (int)tag;
		net_vlan_set(strcmp(mode, "native-tagged") == 0 ? vlans->tagged : vlans->untagged,
			     (unsigned int)tag);
	} else if (with_untagged || strncmp(mode, "native", 6) == 0) {
		vlans->pvid = 0;
		net_vlan_set(vlans->untagged, 0);
	}
}

/* ---- bonds ---- */
static void read_mode(struct ovs_reader *reader, const json_t *row, struct net_interface *bond)
{
	static const enum net_bond_mode modes[] = { NET_BOND_ACTIVE_BACKUP, NET_BOND_SLB,
						    NET_BOND_TCP };
	const char *mode = text_of(reader, TABLE_PORT, row, "bond_mode");

	bond->bond.mode = NET_BOND_ACTIVE_BACKUP; /* the default */
	for (size_t i = 0; mode && i < ARRAY_SIZE(modes); i++) {
		if (strcmp(net_bond_mode_name(modes[i]), mode) == 0) {
			bond->bond.mode = modes[i];
			return;
		}
	}
	if (mode)
		network_error(
			reader->network, reader->place, -EINVAL,
			"%s: bond_mode %.40s: must be active-backup, balance-slb or balance-tcp",
			bond->name, mode);
}

static void read_bond_options(struct ovs_reader *reader, const json_t *row,
			      struct net_interface *bond)
{
	/* clang-format off */
	static const struct {
		const char *key, *option;
	} options[] = {
		{ "bond-primary", "primary" },
		{ "lacp-time", "lacp_rate" },
		{ "lacp-system-priority", "ad_actor_sys_prio" },
		{ "lacp-system-id", "ad_actor_system" },
	};
	/* clang-format on */
	struct network *network = reader->network;
	const char *value;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		value = map_value(reader, TABLE_PORT, row, "other_config", options[i].key);
		if (value)
			net_bond_set(network, reader->place, bond, options[i].option, value);
	}
	value = map_value(reader, TABLE_PORT, row, "other_config", "lacp-fallback-ab");
	bond->bond.fallback = value && strcmp(value, "true") == 0;
	value = map_value(reader, TABLE_PORT, row, "other_config", "bond-rebalance-interval");
	if (bond->bond.mode != NET_BOND_ACTIVE_BACKUP && (!value || strcmp(value, "0") != 0))
		network_note(network, reader->place,
			     "%s: bond-rebalance-interval: flows do not move by load", bond->name);
}

static void read_bond(struct ovs_reader *reader, const json_t *row, struct net_interface *bond)
{
	const char *lacp = text_of(reader, TABLE_PORT, row, "lacp");
	json_int_t up_delay = number_of(reader, TABLE_PORT, row, "bond_updelay"),
		   down_delay = number_of(reader, TABLE_PORT, row, "bond_downdelay");
	char text[24];

	bond->kind = NET_BOND;
	bond->is_ovs = true;
	read_mode(reader, row, bond);
	read_bond_options(reader, row, bond);
	bond->bond.lacp = lacp && strcmp(lacp, "off") != 0;
	bond->bond.passive = lacp && strcmp(lacp, "passive") == 0;
	if (up_delay > 0 && up_delay <= INT32_MAX)
		bond->bond.up_delay_ms = (unsigned int)up_delay;
	if (down_delay > 0) {
		snprintf(text, sizeof(text), "%lld", (long long)down_delay);
		net_bond_set(reader->network, reader->place, bond, "downdelay", text);
	}
}

/* ---- interfaces ---- */
static void read_interface(struct ovs_reader *reader, const json_t *row,
			   struct net_interface *interface)
{
	const char *type = text_of(reader, TABLE_INTERFACE, row, "type"),
		   *driver = map_value(reader, TABLE_INTERFACE, row, "status", "driver_name"),
		   *mac = map_value(reader, TABLE_INTERFACE, row, "external_ids", "attached-mac");
	json_int_t mtu = number_of(reader, TABLE_INTERFACE, row, "mtu");

	if (type && strcmp(type, "internal") == 0)
		interface->kind = NET_INTERNAL;
	else if (type && type[0] && strcmp(type, "system") != 0 && strcmp(type, "tap") != 0)
		net_set_other(interface, type);
	else if (driver)
		net_set_kind(interface, strcmp(driver, "tun") == 0  ? NET_TAP :
					strcmp(driver, "veth") == 0 ? NET_VETH :
								      NET_PHYSICAL);
	else if (mac)
		net_set_kind(interface, NET_TAP);
	if (mac && mac_parse(mac, interface->guest_mac) == 0)
		interface->has_guest_mac = true;
	if (mtu > 0 && mtu <= INT32_MAX && !interface->mtu)
		interface->mtu = (unsigned int)mtu;
}

static void read_members(struct ovs_reader *reader, const json_t *port_row,
			 struct net_interface *bond)
{
	_cleanup_free_ struct named_row *rows = NULL;
	size_t n = find_rows(reader, column(reader, TABLE_PORT, port_row, "interfaces"),
			     TABLE_INTERFACE, &rows);

	for (size_t i = 0; i < n; i++) {
		struct net_interface *member =
			network_get(reader->network, reader->place, rows[i].name);

		if (!member)
			return;
		read_interface(reader, rows[i].row, member);
		member->is_member = network_set_name(reader->network, reader->place, member->master,
						     bond->name);
	}
}

static void read_port(struct ovs_reader *reader, const struct net_interface *bridge,
		      const struct named_row *port)
{
	_cleanup_free_ struct named_row *rows = NULL;
	size_t n = find_rows(reader, column(reader, TABLE_PORT, port->row, "interfaces"),
			     TABLE_INTERFACE, &rows);
	struct net_interface *interface;

	if (n == 0)
		return;
	interface = network_get(reader->network, reader->place, n > 1 ? port->name : rows[0].name);
	if (!interface)
		return;
	read_vlans(reader, port->row, interface);
	if (strcmp(port->name, bridge->name) == 0) /* the bridge's local port */
		return;
	network_set_name(reader->network, reader->place, interface->master, bridge->name);
	if (n == 1) {
		read_interface(reader, rows[0].row, interface);
		interface->is_fake_bridge =
			json_is_true(column(reader, TABLE_PORT, port->row, "fake_bridge"));
		return;
	}
	read_bond(reader, port->row, interface);
	read_members(reader, port->row, interface);
}

static void read_bridge(struct ovs_reader *reader, const struct named_row *named)
{
	const json_t *row = named->row;
	_cleanup_free_ struct named_row *ports = NULL;
	struct net_interface *bridge = network_get(reader->network, reader->place, named->name);
	size_t n;

	if (!bridge) {
		network_error(reader->network, reader->place, -EINVAL,
			      "a row of the Bridge table has no usable name");
		return;
	}
	bridge->kind = NET_BRIDGE;
	bridge->is_ovs = true;
	if (json_array_size(entries(column(reader, TABLE_BRIDGE, row, "controller"), "set")) > 0)
		network_unmapped(
			reader->network, reader->place,
			"%s: controller: not mapped: uplinkd has no OpenFlow; port groups replace flows",
			bridge->name);
	n = find_rows(reader, column(reader, TABLE_BRIDGE, row, "ports"), TABLE_PORT, &ports);
	for (size_t i = 0; i < n && !reader->network->failed; i++)
		read_port(reader, bridge, &ports[i]);
}

static void read_bridges(struct ovs_reader *reader)
{
	const json_t *data = json_object_get(reader->table[TABLE_BRIDGE], "data");
	size_t n = json_array_size(data);
	_cleanup_free_ struct named_row *bridges = calloc(n + 1, sizeof(*bridges));

	for (size_t i = 0; bridges && i < n; i++) {
		const char *name = text_of(reader, TABLE_BRIDGE, json_array_get(data, i), "name");

		bridges[i] = (struct named_row){ name ? name : "", json_array_get(data, i) };
	}
	if (!bridges) {
		network_error(reader->network, reader->place, -ENOMEM, "no memory");
		return;
	}
	qsort(bridges, n, sizeof(*bridges), compare_rows);
	for (size_t i = 0; i < n && !reader->network->failed; i++)
		read_bridge(reader, &bridges[i]);
}

/* ---- the dump ---- */
static void index_rows(struct ovs_reader *reader, int table)
{
	const json_t *data = json_object_get(reader->table[table], "data");
	size_t i;
	json_t *row;

	json_array_foreach(data, i, row) {
		const char *uuid = uuid_of(column(reader, table, row, "_uuid"));

		if (uuid)
			json_object_set(reader->by_uuid[table], uuid, row);
	}
}

/* Takes the reference. */
static void add_table(struct ovs_reader *reader, json_t *value)
{
	const char *caption = json_string_value(json_object_get(value, "caption"));

	for (int i = 0; caption && i < N_TABLES; i++) {
		if (strcmp(captions[i], caption) == 0 && !reader->table[i]) {
			reader->table[i] = value;
			index_rows(reader, i);
			return;
		}
	}
	json_decref(value);
}

static void load_tables(struct ovs_reader *reader, const char *text)
{
	struct net_place place = reader->place;

	place.line = 1;
	for (;;) {
		json_error_t error;
		json_t *value;

		for (; *text && strchr(" \t\r\n", *text); text++)
			place.line += *text == '\n';
		if (!*text)
			return;
		value = json_loads(text, JSON_DISABLE_EOF_CHECK, &error);
		if (!value) {
			place.line += error.line > 0 ? (unsigned int)error.line - 1 : 0;
			network_error(
				reader->network, place, -EINVAL,
				"no JSON: %s: must be the output of `ovsdb-client -f json dump`",
				error.text);
			return;
		}
		text += error.position;
		add_table(reader, value);
	}
}

void read_ovs(struct network *network, struct net_place place, const char *text)
{
	struct ovs_reader reader = { .network = network, .place = place };
	for (int t = 0; t < N_TABLES; t++)
		reader.by_uuid[t] = json_object();
	load_tables(&reader, text);
	for (int t = 0; t < N_TABLES && !network->failed; t++)
		if (!reader.table[t])
			network_error(
				network, place, -EINVAL,
				"no \"%s\": must be the output of `ovsdb-client -f json dump`",
				captions[t]);
	if (!network->failed)
		read_bridges(&reader);
	for (int t = 0; t < N_TABLES; t++) {
		json_decref(reader.table[t]);
		json_decref(reader.by_uuid[t]);
	}
}
