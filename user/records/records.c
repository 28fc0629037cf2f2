// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/records.h"

#include "config/model.h"
#include "flow_hash.h"
#include "records/fdb.h"
#include "records/names.h"

/* ---- parts ---- */
json_t *record_text(const char *name, size_t size)
{
	json_t *string = json_stringn(name, strnlen(name, size));

	return string ? string : json_string("?");
}

double record_rate(uint64_t growth, unsigned int factor, double seconds)
{
	const double max = 1e15;
	double rate = seconds > 0 ? (double)growth * factor / seconds : 0;

	return rate < max ? rate : max;
}

json_t *record_mac(const uint8_t mac[6])
{
	char text[MAC_TEXT_LEN];

	return mac_is_zero(mac) ? json_null() : json_string(mac_format(mac, text));
}

json_t *record_uplink_names(const struct snapshot *snapshot, uint32_t mask)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		if (mask >> i & 1)
			json_array_append_new(names, record_text(snapshot->uplinks[i].raw.name,
								 UL_NAME_LEN));
	return names;
}

/* tx: frames sent by the object; rx: frames that came in, dropped ones included. */
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

/* ---- uplinks ---- */
static uint64_t traffic_of(const struct ul_stats *stats)
{
	return stats->sent.bytes + stats_received(stats).bytes;
}

/* Why the interface was not connected at the last attempt; null: it was. */
static json_t *error_text(uint32_t error)
{
	return error ? json_string(strerror((int)error)) : json_null();
}

json_t *record_uplinks(const struct snapshot *snapshot)
{
	json_t *records = json_array();
	uint64_t total = 0;

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		total += traffic_of(&snapshot->uplinks[i].stats);

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		const struct uplink_view *uplink = &snapshot->uplinks[i];
		const struct ul_uplink *raw = &uplink->raw;
		const char *xdp = record_name(RECORD_XDP_MODES, raw->xdp_mode);
		json_t *record =
			json_pack("{s:o, s:o, s:i, s:i, s:o, s:b, s:b, s:b, s:b, s:s, s:i}",
				  "switch", record_text(snapshot->view->name, UL_NAME_LEN), "name",
				  record_text(raw->name, UL_NAME_LEN), "index", (int)i, "ifindex",
				  (int)raw->ifindex, "mac", record_mac(raw->mac), "carrier",
				  uplink->carrier, "admin_up", uplink->admin_up, "usable",
				  uplink->usable, "drained", uplink->drained, "xdp_mode",
				  xdp ? xdp : "none", "speed_mbps", (int)raw->speed_mbps);

		add_traffic(record, &uplink->stats);
		json_object_set_new(record, "state",
				    json_string(record_name(RECORD_UPLINK_STATES, uplink->state)));
		json_object_set_new(
			record, "share",
			json_real(total ? (double)traffic_of(&uplink->stats) / (double)total : 0));
		json_object_set_new(record, "error", error_text(raw->error));
		json_object_set_new(record, "receiving", json_boolean(raw->flags & UL_UP_RECEIVE));
		json_array_append_new(records, record);
	}
	return records;
}

/* ---- ports ---- */
/* The uplink of all frames from a port; null: it depends on the frame, or there is none. */
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

/* null: the port has no address. */
static json_t *port_address_state(const struct ul_port *port)
{
	if (mac_is_zero(port->mac))
		return json_null();
	return json_string(address_state_name(own_address_state(port)));
}

json_t *record_ports(const struct snapshot *snapshot, const char *name)
{
	const struct view *view = snapshot->view;
	json_t *records = json_array();

	for (uint32_t slot = 0; slot < view->max_ports; slot++) {
		struct ul_port port = view->ports[slot];
		const struct ul_group *group =
			port.group < view->max_groups ? &view->groups[port.group] : NULL;
		json_t *record;

		if (!(port.flags & UL_PORT_USED) ||
		    (name && strncmp(port.name, name, sizeof(port.name)) != 0))
			continue;
		record = json_pack(
			"{s:o, s:o, s:o, s:i, s:i, s:o, s:b, s:s, s:b, s:b, s:b}", "switch",
			record_text(view->name, UL_NAME_LEN), "group",
			group ? record_text(group->name, UL_GROUP_NAME_LEN) : json_null(), "name",
			record_text(port.name, UL_NAME_LEN), "slot", (int)slot, "ifindex",
			(int)port.ifindex, "mac", record_mac(port.mac), "present",
			port.ifindex != 0, "delivery", port.flags & UL_PORT_XDP ? "xdp" : "tc",
			"host", !!(port.flags & UL_PORT_HOST), "runtime",
			!!(port.flags & UL_PORT_RUNTIME), "attached",
			!!(port.flags & UL_PORT_ATTACHED));
		json_object_set_new(record, "state",
				    json_string(port.ifindex			? "present" :
						port.flags & UL_PORT_ERROR_MASK ? "failed" :
										  "missing"));
		json_object_set_new(record, "error",
				    error_text((port.flags & UL_PORT_ERROR_MASK) >>
					       UL_PORT_ERROR_SHIFT));
		json_object_set_new(record, "address_state", port_address_state(&port));
		json_object_set_new(record, "uplink",
				    group ? pinned_uplink(snapshot, &port, group) : json_null());
		add_traffic(record, &snapshot->port_stats[slot]);
		json_array_append_new(records, record);
	}
	return records;
}

/* ---- groups ---- */
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

		for (uint32_t b = 0; b < policy->n_buckets; b++)
			n += policy->bucket[b] == i;
		if (n)
			json_object_set_new(buckets, snapshot->uplinks[i].raw.name,
					    json_integer(n));
	}
	return json_object_update_new(
		record,
		json_pack(
			"{s:o?, s:o, s:o, s:o, s:o, s:b}", "load_balancing",
			method_name(policy->method) ? json_string(method_name(policy->method)) :
						      NULL,
			"active", positions(snapshot, policy, 0, policy->n_active), "standby",
			positions(snapshot, policy, policy->n_active, policy->n_members), "serving",
			record_uplink_names(snapshot, policy_serving(snapshot, policy)), "buckets",
			buckets, "last_octet", !!(policy->flags & UL_POLICY_LAST_OCTET)));
}

/* Number of ports by group index, counted in one pass; NULL: no memory. */
static uint32_t *count_ports(const struct view *view)
{
	uint32_t *ports = calloc(view->max_groups ? view->max_groups : 1, sizeof(*ports));

	for (uint32_t slot = 0; ports && slot < view->max_ports; slot++)
		if (view->ports[slot].flags & UL_PORT_USED &&
		    view->ports[slot].group < view->max_groups)
			ports[view->ports[slot].group]++;
	return ports;
}

json_t *record_groups(const struct snapshot *snapshot)
{
	const struct view *view = snapshot->view;
	_cleanup_free_ uint32_t *ports = count_ports(view);
	json_t *records = ports ? json_array() : NULL;

	for (uint32_t i = 0; ports && i < view->max_groups; i++) {
		const struct ul_group *group = &view->groups[i];
		const struct ul_policy *policy = policy_of(snapshot, group);
		uint64_t vlans[UL_N_VLANS / 64];
		const char *mode = record_name(RECORD_VLAN_MODES, group->vlan_mode);
		char vlan[256] = "";
		json_t *record;

		if (!(group->flags & UL_GROUP_USED))
			continue;
		memcpy(vlans, group->vlans, sizeof(vlans));
		vlan_describe(group->vlan_mode, group->vid, vlans, vlan, sizeof(vlan));
		record = json_pack(
			"{s:o, s:o, s:i, s:i, s:s, s:s, s:i, s:b, s:b, s:b, s:b, s:b, s:b, s:i}",
			"switch", record_text(view->name, UL_NAME_LEN), "name",
			record_text(group->name, UL_GROUP_NAME_LEN), "index", (int)i, "mtu",
			(int)view->meta->mtu, "vlan_mode", mode ? mode : "?", "vlan", vlan, "ports",
			(int)ports[i], "promiscuous", !!(group->flags & UL_GROUP_PROMISCUOUS),
			"mac_changes", !!(group->flags & UL_GROUP_MAC_CHANGES), "forged_transmits",
			!!(group->flags & UL_GROUP_FORGED_OK), "mac_learning",
			!!(group->flags & UL_GROUP_LEARNING), "guest_control_frames",
			!!(group->flags & UL_GROUP_CONTROL_OK), "qinq",
			!!(group->flags & UL_GROUP_QINQ), "policy", (int)group->policy);
		if (policy)
			add_policy(record, snapshot, policy);
		json_array_append_new(records, record);
	}
	return records;
}

/* ---- counters ---- */
static void add_counters(json_t *records, const struct snapshot *snapshot, const char *scope,
			 const char *name, const struct ul_stats *stats, bool zeros_too)
{
	for (uint32_t reason = 0; reason < UL_N_REASONS; reason++) {
		struct ul_count count = stats_of(stats, reason);

		if (!reason_name(reason) || (!zeros_too && !count.packets))
			continue;
		json_array_append_new(
			records,
			json_pack("{s:o, s:s, s:o, s:s, s:I, s:I, s:s, s:s}", "switch",
				  record_text(snapshot->view->name, UL_NAME_LEN), "scope", scope,
				  "name", record_text(name, UL_NAME_LEN), "reason",
				  reason_name(reason), "packets", (json_int_t)count.packets,
				  "bytes", (json_int_t)count.bytes, "kind",
				  record_name(RECORD_REASON_KINDS, reason_kind(reason)), "help",
				  reason_help(reason)));
	}
}

json_t *record_counters(const struct snapshot *snapshot, bool zeros_too)
{
	const struct view *view = snapshot->view;
	json_t *records = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		add_counters(records, snapshot, "uplink", snapshot->uplinks[i].raw.name,
			     &snapshot->uplinks[i].stats, zeros_too);
	for (uint32_t slot = 0; slot < view->max_ports; slot++)
		if (view->ports[slot].flags & UL_PORT_USED)
			add_counters(records, snapshot, "port", view->ports[slot].name,
				     &snapshot->port_stats[slot], zeros_too);
	/* rare, so never as zeros */
	add_counters(records, snapshot, "switch", view->name, &snapshot->unassigned_stats, false);
	return records;
}

/* ---- drops ---- */
static void sum_stats(struct ul_count sum[UL_N_REASONS], const struct ul_stats *stats)
{
	for (uint32_t reason = 0; reason < UL_N_REASONS; reason++) {
		struct ul_count count = stats_of(stats, reason);

		sum[reason].packets += count.packets;
		sum[reason].bytes += count.bytes;
	}
}

static int add_drops(json_t *records, const char *name, const char *scope,
		     const struct ul_count sum[UL_N_REASONS])
{
	for (uint32_t reason = 0; reason < UL_N_REASONS; reason++) {
		if (!reason_name(reason) || reason_kind(reason) != UL_KIND_DROP)
			continue;
		if (json_array_append_new(records,
					  json_pack("{s:o, s:s, s:s, s:I, s:I}", "switch",
						    record_text(name, UL_NAME_LEN), "scope", scope,
						    "reason", reason_name(reason), "packets",
						    (json_int_t)sum[reason].packets, "bytes",
						    (json_int_t)sum[reason].bytes)) < 0)
			return -ENOMEM;
	}
	return 0;
}

json_t *record_drops(const struct snapshot *snapshot)
{
	struct ul_count uplinks[UL_N_REASONS] = {}, ports[UL_N_REASONS] = {},
			rest[UL_N_REASONS] = {};
	const struct view *view = snapshot->view;
	json_auto_t *records = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		sum_stats(uplinks, &snapshot->uplinks[i].stats);
	for (uint32_t slot = 0; slot < view->max_ports; slot++)
		if (view->ports[slot].flags & UL_PORT_USED)
			sum_stats(ports, &snapshot->port_stats[slot]);
	sum_stats(rest, &snapshot->unassigned_stats);
	if (add_drops(records, view->name, "uplink", uplinks) < 0 ||
	    add_drops(records, view->name, "port", ports) < 0 ||
	    add_drops(records, view->name, "switch", rest) < 0)
		return NULL;
	return TAKE_PTR(records);
}
