// SPDX-License-Identifier: GPL-2.0
#include "ctl/records.h"

#include "config/model.h"
#include "flow_hash.h"
#include "match_table.h"

/* ---- parts
 * ---------------------------------------------------------------------------------------------------------
 */
/* Names come from maps: cut at their size, and never invalid JSON. */
static json_t *name_of(const char *name, size_t size)
{
	json_t *string = json_stringn(name, strnlen(name, size));

	return string ? string : json_string("?");
}

static json_t *mac_of(const uint8_t mac[6])
{
	static const uint8_t unknown[6];
	char text[MAC_TEXT_LEN];

	return memcmp(mac, unknown, sizeof(unknown)) ? json_string(mac_format(mac, text)) :
						       json_null();
}

const char *uplink_name(const struct snapshot *snapshot, uint32_t index)
{
	return index < snapshot->n_uplinks ? snapshot->uplinks[index].raw.name : NULL;
}

json_t *uplink_names(const struct snapshot *snapshot, uint32_t mask)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		if (mask >> i & 1)
			json_array_append_new(names,
					      name_of(snapshot->uplinks[i].raw.name, UL_NAME_LEN));
	return names;
}

/* tx: what left by it or was delivered to it; rx: everything that came in, also what was dropped
 * then. */
static int add_traffic(json_t *record, const struct ul_stats *stats)
{
	struct ul_count rx = stats_received(stats), dropped = stats_dropped(stats);
	json_auto_t *traffic = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "tx_packets",
					 (json_int_t)stats->sent.packets, "tx_bytes",
					 (json_int_t)stats->sent.bytes, "rx_packets",
					 (json_int_t)rx.packets, "rx_bytes", (json_int_t)rx.bytes,
					 "dropped_packets", (json_int_t)dropped.packets,
					 "dropped_bytes", (json_int_t)dropped.bytes);

	return json_object_update(record, traffic);
}

/* ---- uplinks
 * -------------------------------------------------------------------------------------------------------
 */
static uint64_t traffic_of(const struct ul_stats *stats)
{
	return stats->sent.bytes + stats_received(stats).bytes;
}

json_t *record_uplinks(const struct snapshot *snapshot)
{
	static const char *const xdp_modes[] = {
		[UL_XDP_NONE] = "none", [UL_XDP_NATIVE] = "native", [UL_XDP_GENERIC] = "generic"
	};
	json_t *records = json_array();
	uint64_t total = 0;

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		total += traffic_of(&snapshot->uplinks[i].stats);

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		const struct uplink_view *uplink = &snapshot->uplinks[i];
		const struct ul_uplink *raw = &uplink->raw;
		const char *xdp = raw->xdp_mode < ARRAY_SIZE(xdp_modes) ? xdp_modes[raw->xdp_mode] :
									  "none";
		json_t *record = json_pack(
			"{s:o, s:o, s:i, s:i, s:o, s:b, s:b, s:b, s:b, s:s, s:i}", "switch",
			name_of(snapshot->view->name, UL_NAME_LEN), "name",
			name_of(raw->name, UL_NAME_LEN), "index", (int)i, "ifindex",
			(int)raw->ifindex, "mac", mac_of(raw->mac), "carrier", uplink->carrier,
			"admin_up", uplink->admin_up, "usable", uplink->usable, "drained",
			uplink->drained, "xdp_mode", xdp, "speed_mbps", (int)raw->speed_mbps);

		add_traffic(record, &uplink->stats);
		json_object_set_new(record, "state", json_string(uplink_state_name(uplink->state)));
		json_object_set_new(
			record, "share",
			json_real(total ? (double)traffic_of(&uplink->stats) / (double)total : 0));
		json_object_set_new(record, "receiving", json_boolean(raw->flags & UL_UP_RECEIVE));
		json_array_append_new(records, record);
	}
	return records;
}

/* ---- ports
 * ---------------------------------------------------------------------------------------------------------
 */
/* The uplink that a port's own frames take, where that does not depend on the frame. */
static json_t *pinned_uplink(const struct snapshot *snapshot, const struct ul_port *port,
			     const struct ul_group *group)
{
	const struct ul_policy *policy = policy_of(snapshot, group);
	struct ul_flow flow = {};
	const char *name;
	uint32_t hash;

	if (!policy || !policy->n_buckets || policy->flags & UL_POLICY_ANY_UPLINK)
		return json_null();
	memcpy(flow.src_mac, port->mac, 6);
	hash = ul_hash(policy->method, policy->flags, &flow, port->number);
	name = uplink_name(snapshot, policy_uplink(snapshot, policy, hash % policy->n_buckets));
	return name ? json_string(name) : json_null();
}

json_t *record_ports(const struct snapshot *snapshot)
{
	const struct view *view = snapshot->view;
	json_t *records = json_array();

	for (uint32_t slot = 0; slot < view->meta->max_ports; slot++) {
		struct ul_port port = view->ports[slot];
		const struct ul_group *group =
			port.group < view->meta->max_groups ? &view->groups[port.group] : NULL;
		json_t *record;

		if (!(port.flags & UL_PORT_USED))
			continue;
		record = json_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:b, s:s, s:b, s:b}", "switch",
				   name_of(view->name, UL_NAME_LEN), "group",
				   group ? name_of(group->name, UL_GROUP_NAME_LEN) : json_null(),
				   "name", name_of(port.name, UL_NAME_LEN), "slot", (int)slot,
				   "ifindex", (int)port.ifindex, "mac", mac_of(port.mac), "present",
				   port.ifindex != 0, "delivery",
				   port.flags & UL_PORT_XDP ? "xdp" : "tc", "host",
				   !!(port.flags & UL_PORT_HOST), "runtime",
				   !!(port.flags & UL_PORT_RUNTIME));
		json_object_set_new(record, "state",
				    json_string(port.ifindex ? "present" : "missing"));
		json_object_set_new(record, "uplink",
				    group ? pinned_uplink(snapshot, &port, group) : json_null());
		add_traffic(record, &snapshot->port_stats[slot]);
		json_array_append_new(records, record);
	}
	return records;
}

/* ---- groups
 * --------------------------------------------------------------------------------------------------------
 */
static json_t *positions(const struct snapshot *snapshot, const struct ul_policy *policy,
			 uint32_t from, uint32_t to)
{
	json_t *names = json_array();

	for (uint32_t p = from; p < to && p < UL_MAX_UPLINKS; p++) {
		const char *name = uplink_name(snapshot, policy->member[p]);

		if (name)
			json_array_append_new(names, json_string(name));
	}
	return names;
}

static int add_policy(json_t *record, const struct snapshot *snapshot,
		      const struct ul_policy *policy)
{
	json_t *buckets = json_object();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		uint32_t n = 0;

		for (uint32_t b = 0; b < policy->n_buckets && b < UL_MAX_BUCKETS; b++)
			n += policy->bucket[b] == i;
		if (n)
			json_object_set_new(buckets, snapshot->uplinks[i].raw.name,
					    json_integer(n));
	}
	return json_object_update_new(
		record,
		json_pack("{s:o?, s:o, s:o, s:o, s:o, s:b}", "load_balancing",
			  method_name(policy->method) ? json_string(method_name(policy->method)) :
							NULL,
			  "active", positions(snapshot, policy, 0, policy->n_active), "standby",
			  positions(snapshot, policy, policy->n_active, policy->n_members),
			  "serving", uplink_names(snapshot, policy_serving(snapshot, policy)),
			  "buckets", buckets, "last_octet",
			  !!(policy->flags & UL_POLICY_LAST_OCTET)));
}

static uint32_t ports_of(const struct view *view, uint32_t group)
{
	uint32_t n = 0;

	for (uint32_t slot = 0; slot < view->meta->max_ports; slot++)
		n += view->ports[slot].flags & UL_PORT_USED && view->ports[slot].group == group;
	return n;
}

json_t *record_groups(const struct snapshot *snapshot)
{
	static const char *const modes[] = {
		[UL_VLAN_EST] = "est", [UL_VLAN_VST] = "vst", [UL_VLAN_VGT] = "vgt"
	};
	const struct view *view = snapshot->view;
	json_t *records = json_array();

	for (uint32_t i = 0; i < view->meta->max_groups; i++) {
		const struct ul_group *group = &view->groups[i];
		const struct ul_policy *policy = policy_of(snapshot, group);
		uint64_t vlans[UL_N_VLANS / 64];
		char vlan[256] = "";
		json_t *record;

		if (!(group->flags & UL_GROUP_USED))
			continue;
		memcpy(vlans, group->vlans, sizeof(vlans));
		vlan_describe(group->vlan_mode, group->vid, vlans, vlan, sizeof(vlan));
		record = json_pack(
			"{s:o, s:o, s:i, s:s, s:s, s:i, s:b, s:b, s:b, s:b, s:i}", "switch",
			name_of(view->name, UL_NAME_LEN), "name",
			name_of(group->name, UL_GROUP_NAME_LEN), "index", (int)i, "vlan_mode",
			group->vlan_mode < ARRAY_SIZE(modes) ? modes[group->vlan_mode] : "?",
			"vlan", vlan, "ports", (int)ports_of(view, i), "promiscuous",
			!!(group->flags & UL_GROUP_PROMISCUOUS), "mac_changes",
			!!(group->flags & UL_GROUP_MAC_CHANGES), "forged_transmits",
			!!(group->flags & UL_GROUP_FORGED_OK), "mac_learning",
			!!(group->flags & UL_GROUP_LEARNING), "policy", (int)group->policy);
		if (policy)
			add_policy(record, snapshot, policy);
		json_array_append_new(records, record);
	}
	return records;
}

/* ---- forwarding table
 * ---------------------------------------------------------------------------------------------- */
static json_t *fdb_entry(const struct snapshot *snapshot, uint64_t key, uint32_t slot)
{
	const struct view *view = snapshot->view;
	const struct ul_port *port = slot < view->meta->max_ports ? &view->ports[slot] : NULL;
	const struct ul_group *group =
		port && port->group < view->meta->max_groups ? &view->groups[port->group] : NULL;
	uint32_t vid = key & 0xfff;
	uint8_t mac[6];

	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)(key >> (56 - 8 * i));
	return json_pack("{s:o, s:i, s:b, s:o, s:o, s:i, s:o, s:b}", "switch",
			 name_of(view->name, UL_NAME_LEN), "vlan", (int)vid, "trunk",
			 vid == UL_VLAN_TRUNK, "mac", mac_of(mac), "port",
			 port ? name_of(port->name, UL_NAME_LEN) : json_null(), "ifindex",
			 port ? (int)port->ifindex : 0, "group",
			 group ? name_of(group->name, UL_GROUP_NAME_LEN) : json_null(), "learned",
			 port && memcmp(port->mac, mac, 6) != 0);
}

static int compare_fdb(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	uint64_t vid_x = *x & 0xfff, vid_y = *y & 0xfff;

	if (vid_x != vid_y)
		return vid_x < vid_y ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

json_t *record_fdb(const struct snapshot *snapshot)
{
	const struct view *view = snapshot->view;
	struct entry {
		uint64_t key;
		uint32_t slot;
	};
	_cleanup_free_ struct entry *entries =
		calloc((size_t)view->fdb_buckets * 4 + 1, sizeof(*entries));
	json_t *records = json_array();
	size_t n = 0;

	if (!entries)
		return records;
	for (uint32_t bucket = 0; bucket < view->fdb_buckets; bucket++) {
		/* The writer is another process: each word is read once. A key whose value is 0 is
		 * not there yet, or not any more. */
		const volatile struct ul_slot4 *four = &view->fdb[bucket];

		for (int i = 0; i < 4; i++) {
			uint64_t key = four->key[i];
			uint32_t value = four->value[i];

			if (key && value)
				entries[n++] = (struct entry){ key, value - 1 };
		}
	}
	qsort(entries, n, sizeof(*entries), compare_fdb);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || entries[i].key != entries[i - 1].key) /* a key that is being moved is
								       there twice */
			json_array_append_new(records,
					      fdb_entry(snapshot, entries[i].key, entries[i].slot));
	return records;
}

/* ---- counters
 * ------------------------------------------------------------------------------------------------------
 */
static void add_counters(json_t *records, const struct snapshot *snapshot, const char *scope,
			 const char *name, const struct ul_stats *stats, bool zeros_too)
{
	static const char *const kinds[] = {
		[UL_KIND_FORWARD] = "forward", [UL_KIND_DROP] = "drop", [UL_KIND_NOTE] = "note"
	};

	for (uint32_t reason = 0; reason < UL_N_REASONS; reason++) {
		struct ul_count count = stats_of(stats, reason);

		if (!reason_name(reason) || (!zeros_too && !count.packets))
			continue;
		json_array_append_new(
			records,
			json_pack("{s:o, s:s, s:o, s:s, s:I, s:I, s:s, s:s}", "switch",
				  name_of(snapshot->view->name, UL_NAME_LEN), "scope", scope,
				  "name", name_of(name, UL_NAME_LEN), "reason", reason_name(reason),
				  "packets", (json_int_t)count.packets, "bytes",
				  (json_int_t)count.bytes, "kind", kinds[reason_kind(reason)],
				  "help", reason_help(reason)));
	}
}

json_t *record_counters(const struct snapshot *snapshot, bool zeros_too)
{
	const struct view *view = snapshot->view;
	json_t *records = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		add_counters(records, snapshot, "uplink", snapshot->uplinks[i].raw.name,
			     &snapshot->uplinks[i].stats, zeros_too);
	for (uint32_t slot = 0; slot < view->meta->max_ports; slot++)
		if (view->ports[slot].flags & UL_PORT_USED)
			add_counters(records, snapshot, "port", view->ports[slot].name,
				     &snapshot->port_stats[slot], zeros_too);
	/* Frames of interfaces that belong to no object: rare, so only when there are any. */
	add_counters(records, snapshot, "switch", view->name, &snapshot->nobody_stats, false);
	return records;
}
