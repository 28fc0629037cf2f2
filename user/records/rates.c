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

#define KEY_LEN 176

/* Members that are no counters; NULL ends a list. */
static const char *const uplink_keys[] = { "name", "state", "speed_mbps", "lacp", NULL };
static const char *const port_keys[] = { "name", "group", "uplink", NULL };
static const char *const group_keys[] = {
	"name", "vlan", "load_balancing", "ports", "buckets", NULL
};

static json_int_t number(json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

static void copy_keys(json_t *to, json_t *from, const char *const *keys)
{
	for (; *keys; keys++)
		json_object_set(to, *keys, json_object_get(from, *keys));
}

/* ---- counters ---- */
/* Takes the records. */
static json_t *traffic_of(json_t *records, const char *const *keys, bool with_counters)
{
	json_auto_t *owned = records;
	json_t *list = json_array(), *record;
	size_t i;

	json_array_foreach(owned, i, record) {
		json_t *part = json_object();

		copy_keys(part, record, keys);
		for (size_t f = 0; with_counters && f < ARRAY_SIZE(fields); f++)
			json_object_set(part, fields[f].counter,
					json_object_get(record, fields[f].counter));
		json_array_append_new(list, part);
	}
	return list;
}

static json_t *uplinks_with_lacp(const struct snapshot *snapshot)
{
	json_t *uplinks = record_uplinks(snapshot), *uplink;
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
	return uplinks;
}

static void add_drops(json_t *drops, const char *name, const struct ul_stats *stats)
{
	for (uint32_t reason = 0; reason < UL_N_REASONS; reason++) {
		uint64_t packets = stats_of(stats, reason).packets;

		if (packets && reason_name(reason) && reason_kind(reason) == UL_KIND_DROP)
			json_array_append_new(drops, json_pack("{s:o, s:s, s:I}", "name",
							       record_text(name, UL_NAME_LEN),
							       "reason", reason_name(reason),
							       "packets", (json_int_t)packets));
	}
}

static json_t *drops_of(const struct snapshot *snapshot)
{
	const struct view *view = snapshot->view;
	json_t *drops = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		add_drops(drops, snapshot->uplinks[i].raw.name, &snapshot->uplinks[i].stats);
	for (uint32_t slot = 0; slot < view->max_ports; slot++)
		if (view->ports[slot].flags & UL_PORT_USED)
			add_drops(drops, view->ports[slot].name, &snapshot->port_stats[slot]);
	return drops;
}

json_t *record_traffic(const struct snapshot *snapshot)
{
	return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}", "switch",
			 record_text(snapshot->view->name, UL_NAME_LEN), "time_ns",
			 (json_int_t)snapshot->taken_ns, "uplinks",
			 traffic_of(uplinks_with_lacp(snapshot), uplink_keys, true), "groups",
			 traffic_of(record_groups(snapshot), group_keys, false), "ports",
			 traffic_of(record_ports(snapshot, NULL), port_keys, true), "drops",
			 drops_of(snapshot));
}

/* ---- rates ---- */
static json_int_t rate_of(json_int_t now, json_int_t before, uint32_t factor, double seconds)
{
	return now > before ?
		       (json_int_t)record_rate((uint64_t)now - (uint64_t)before, factor, seconds) :
		       0;
}

/* The key of a record among those of its list; text has room for it. */
static const char *key_of(json_t *record, char text[KEY_LEN])
{
	const char *name = json_string_value(json_object_get(record, "name")),
		   *reason = json_string_value(json_object_get(record, "reason"));

	snprintf(text, KEY_LEN, "%.80s %.80s", name ? name : "", reason ? reason : "");
	return text;
}

static json_t *index_of(json_t *records)
{
	json_t *index = json_object(), *record;
	char key[KEY_LEN];
	size_t i;

	json_array_foreach(records, i, record)
		json_object_set(index, key_of(record, key), record);
	return index;
}

/* An object without an earlier record has just appeared: rate 0. */
static json_t *rates_of(json_t *records, json_t *earlier, double seconds, const char *const *keys)
{
	json_auto_t *index = index_of(earlier);
	json_t *rates = json_array(), *record;
	char key[KEY_LEN];
	size_t i;

	json_array_foreach(records, i, record) {
		json_t *old = json_object_get(index, key_of(record, key)), *rate = json_object();

		copy_keys(rate, record, keys);
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

/* The sums of the ports. */
static json_t *group_rates(json_t *records, json_t *ports)
{
	json_t *groups = rates_of(records, NULL, 0, group_keys), *port;
	json_auto_t *index = index_of(groups);
	char key[KEY_LEN];
	size_t i;

	json_array_foreach(ports, i, port) {
		const char *name = json_string_value(json_object_get(port, "group"));
		json_auto_t *named = json_pack("{s:s?}", "name", name);
		json_t *group = json_object_get(index, key_of(named, key));

		for (size_t f = 0; group && f < ARRAY_SIZE(fields); f++)
			json_object_set_new(group, fields[f].rate,
					    json_integer(number(group, fields[f].rate) +
							 number(port, fields[f].rate)));
	}
	return groups;
}

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

/* A reason that did not occur before has no earlier record. */
static json_t *drop_rates(json_t *records, json_t *earlier, double seconds)
{
	json_auto_t *index = index_of(earlier);
	json_t *drops = json_array(), *record;
	char key[KEY_LEN];
	size_t i;

	json_array_foreach(records, i, record) {
		json_t *old = json_object_get(index, key_of(record, key));
		json_int_t pps =
			rate_of(number(record, "packets"), number(old, "packets"), 1, seconds);

		if (pps)
			json_array_append_new(
				drops, json_pack("{s:O, s:O, s:I}", "name",
						 json_object_get(record, "name"), "reason",
						 json_object_get(record, "reason"), "pps", pps));
	}
	return sorted(drops);
}

json_t *record_rates(json_t *now, json_t *before)
{
	json_t *earlier = before ? before : now;
	double seconds = (double)(number(now, "time_ns") - number(earlier, "time_ns")) / 1e9;
	json_t *ports = rates_of(json_object_get(now, "ports"), json_object_get(earlier, "ports"),
				 seconds, port_keys);

	return json_pack("{s:O, s:I, s:o, s:o, s:o, s:o}", "switch", json_object_get(now, "switch"),
			 "interval_ms", (json_int_t)(seconds * 1000), "uplinks",
			 rates_of(json_object_get(now, "uplinks"),
				  json_object_get(earlier, "uplinks"), seconds, uplink_keys),
			 "groups", group_rates(json_object_get(now, "groups"), ports), "ports",
			 ports, "drops",
			 drop_rates(json_object_get(now, "drops"),
				    json_object_get(earlier, "drops"), seconds));
}
