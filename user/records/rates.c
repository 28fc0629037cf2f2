// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/rates.h"

#include "lacp/lacp.h"
#include "records/records.h"

/* Rates, in the order of their records. */
static const struct {
	const char *counter, *rate;
	uint32_t factor; /* bytes to bits */
			 /* clang-format off */
} fields[] = {
	{ "tx_bytes", "tx_bps", 8 },
	{ "rx_bytes", "rx_bps", 8 },
	{ "tx_packets", "tx_pps", 1 },
	{ "rx_packets", "rx_pps", 1 },
	{ "dropped_packets", "dropped_pps", 1 },
};
/* clang-format on */

static json_int_t number(json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

static json_int_t rate_of(json_int_t now, json_int_t before, uint32_t factor, double seconds)
{
	return now > before && seconds > 0 ?
		       (json_int_t)((double)(now - before) * factor / seconds) :
		       0;
}

/* Copies keys of the present record. */
static void copy_keys(json_t *to, json_t *from, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_object_set(to, keys[i], json_object_get(from, keys[i]));
}

/* Records by name. */
static json_t *index_of(json_t *records)
{
	json_t *index = json_object(), *record;
	size_t i;

	json_array_foreach(records, i, record)
		json_object_set(index, json_string_value(json_object_get(record, "name")), record);
	return index;
}

/* Takes both lists. An object without an earlier record has just appeared: rate 0. */
static json_t *rates_of(json_t *now, json_t *before, double seconds, const char *const *keys,
			size_t n_keys)
{
	json_auto_t *records = now, *earlier = before, *index = index_of(earlier);
	json_t *rates = json_array(), *record;
	size_t i;

	json_array_foreach(records, i, record) {
		const char *name = json_string_value(json_object_get(record, "name"));
		json_t *old = json_object_get(index, name), *rate = json_object();

		copy_keys(rate, record, keys, n_keys);
		for (size_t f = 0; f < ARRAY_SIZE(fields); f++) {
			json_int_t value = number(record, fields[f].counter);

			json_object_set_new(
				rate, fields[f].rate,
				json_integer(rate_of(value,
						     old ? number(old, fields[f].counter) : value,
						     fields[f].factor, seconds)));
		}
		json_array_append_new(rates, rate);
	}
	return rates;
}

static void add_lacp(const struct snapshot *snapshot, json_t *uplinks)
{
	json_t *uplink;
	size_t i;

	json_array_foreach(uplinks, i, uplink) {
		const struct ul_lacp_port *port = &snapshot->uplinks[i].lacp;
		char letters[LACP_LETTERS_LEN];
		bool known = port->updated_ms && port->partner.key;

		json_object_set_new(
			uplink, "lacp",
			known ? json_string(lacp_state_letters(port->partner.state, letters)) :
				json_null());
	}
}

static json_t *group_rates(const struct snapshot *now, json_t *ports)
{
	static const char *const keys[] = { "name", "vlan", "load_balancing", "ports", "buckets" };
	json_auto_t *records = record_groups(now), *index = NULL;
	json_t *groups = json_array(), *record, *port;
	size_t i;

	json_array_foreach(records, i, record) {
		json_t *group = json_object();

		copy_keys(group, record, keys, ARRAY_SIZE(keys));
		for (size_t f = 0; f < ARRAY_SIZE(fields); f++)
			json_object_set_new(group, fields[f].rate, json_integer(0));
		json_array_append_new(groups, group);
	}
	index = index_of(groups);
	json_array_foreach(ports, i, port) {
		const char *name = json_string_value(json_object_get(port, "group"));
		json_t *group = name ? json_object_get(index, name) : NULL;

		for (size_t f = 0; group && f < ARRAY_SIZE(fields); f++)
			json_object_set_new(group, fields[f].rate,
					    json_integer(number(group, fields[f].rate) +
							 number(port, fields[f].rate)));
	}
	return groups;
}

/* ---- drops ---- */
static int compare_drops(const void *a, const void *b)
{
	json_t *const *first = a, *const *second = b;
	json_int_t x = number(*first, "pps"), y = number(*second, "pps");

	return (x < y) - (x > y);
}

static json_t *sorted(json_t *list)
{
	size_t n = json_array_size(list);
	json_t **items = calloc(n ? n : 1, sizeof(*items)), *result = json_array();

	for (size_t i = 0; items && i < n; i++)
		items[i] = json_array_get(list, i);
	if (items)
		qsort(items, n, sizeof(*items), compare_drops);
	for (size_t i = 0; items && i < n; i++)
		json_array_append(result, items[i]);
	free(items);
	json_decref(list);
	return result;
}

static void add_drops(json_t *drops, const char *name, const struct ul_stats *now,
		      const struct ul_stats *before, double seconds)
{
	for (uint32_t reason = 0; reason < UL_N_REASONS; reason++) {
		json_int_t pps;

		if (!reason_name(reason) || reason_kind(reason) != UL_KIND_DROP)
			continue;
		pps = rate_of((json_int_t)stats_of(now, reason).packets,
			      (json_int_t)stats_of(before, reason).packets, 1, seconds);
		if (pps)
			json_array_append_new(drops,
					      json_pack("{s:o, s:s, s:I}", "name",
							record_text(name, UL_NAME_LEN), "reason",
							reason_name(reason), "pps", pps));
	}
}

static json_t *drop_rates(const struct snapshot *now, const struct snapshot *before, double seconds)
{
	const struct view *view = now->view;
	json_t *drops = json_array();

	for (uint32_t i = 0; i < now->n_uplinks && i < before->n_uplinks; i++)
		add_drops(drops, now->uplinks[i].raw.name, &now->uplinks[i].stats,
			  &before->uplinks[i].stats, seconds);
	for (uint32_t slot = 0; slot < view->meta->max_ports; slot++)
		if (view->ports[slot].flags & UL_PORT_USED)
			add_drops(drops, view->ports[slot].name, &now->port_stats[slot],
				  &before->port_stats[slot], seconds);
	return sorted(drops);
}

json_t *record_rates(const struct snapshot *now, const struct snapshot *before)
{
	static const char *const uplink_keys[] = { "name", "state", "speed_mbps" };
	static const char *const port_keys[] = { "name", "group", "uplink" };
	double seconds = (double)(now->taken_ns - before->taken_ns) / 1e9;
	json_t *uplinks = rates_of(record_uplinks(now), record_uplinks(before), seconds,
				   uplink_keys, ARRAY_SIZE(uplink_keys));
	json_t *ports = rates_of(record_ports(now, NULL), record_ports(before, NULL), seconds,
				 port_keys, ARRAY_SIZE(port_keys));

	add_lacp(now, uplinks);
	return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}", "switch",
			 record_text(now->view->name, UL_NAME_LEN), "interval_ms",
			 (json_int_t)(seconds * 1000), "uplinks", uplinks, "groups",
			 group_rates(now, ports), "ports", ports, "drops",
			 drop_rates(now, before, seconds));
}
