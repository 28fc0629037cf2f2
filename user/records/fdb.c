// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/fdb.h"

#include "dataplane/clock.h"
#include "match_table.h"
#include "records/records.h"

#define CELLS 4

const char *address_state_name(enum address_state state)
{
	static const char *const names[N_ADDRESS_STATES] = {
		[ADDRESS_ABSENT] = "absent",	   [ADDRESS_TENTATIVE] = "tentative",
		[ADDRESS_CONFIRMED] = "confirmed", [ADDRESS_HERE] = "here",
		[ADDRESS_CONTESTED] = "contested", [ADDRESS_ELSEWHERE] = "elsewhere",
	};

	return state < N_ADDRESS_STATES ? names[state] : NULL;
}

static int compare_entries(const void *a, const void *b)
{
	const struct fdb_entry *x = a, *y = b;

	if (ul_fdb_key_vid(x->key) != ul_fdb_key_vid(y->key))
		return ul_fdb_key_vid(x->key) < ul_fdb_key_vid(y->key) ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

static struct fdb_entry entry_of(const struct snapshot *snapshot, uint64_t key, uint32_t value,
				 uint64_t here, uint64_t outside)
{
	const struct view *view = snapshot->view;
	uint32_t hz = kernel_hz();
	struct fdb_entry entry = {
		.key = key,
		.slot = (value & UL_FDB_SLOT) - 1,
		.learned = value & UL_FDB_LEARNED,
		.here = here,
		.outside = outside,
		.age_s = -1,
	};
	struct ul_port port;

	if (entry.slot >= view->max_ports)
		return entry;
	port = view->ports[entry.slot];
	if (!entry.learned) {
		entry.state = own_address_state(&port);
		return entry;
	}
	entry.state = learned_address_state(&port, here, outside, snapshot->jiffies, hz);
	if (here && snapshot->jiffies)
		entry.age_s =
			here < snapshot->jiffies ? (int64_t)((snapshot->jiffies - here) / hz) : 0;
	return entry;
}

/* Another process writes: each word is read once. A key with value 0 is being added or removed. */
static size_t read_row(const struct snapshot *snapshot, uint32_t index, struct fdb_entry *ret)
{
	const struct view *view = snapshot->view;
	const volatile struct ul_match_row *row = &view->fdb[index];
	const volatile struct ul_use_row *use = view->fdb_use ? &view->fdb_use[index] : NULL;
	size_t n = 0;

	for (int i = 0; i < CELLS; i++) {
		uint64_t key = row->key[i];
		uint32_t value = row->value[i];

		if (key && value)
			ret[n++] = entry_of(snapshot, key, value, use ? use->here[i] : 0,
					    use ? use->outside[i] : 0);
	}
	return n;
}

int fdb_read(const struct snapshot *snapshot, struct fdb_entry **ret, size_t *ret_n)
{
	const struct view *view = snapshot->view;
	struct fdb_entry *entries = calloc((size_t)view->fdb_buckets * CELLS + 1, sizeof(*entries));
	size_t n = 0, kept = 0;

	if (!entries)
		return -ENOMEM;
	for (uint32_t row = 0; row < view->fdb_buckets; row++)
		n += read_row(snapshot, row, &entries[n]);
	qsort(entries, n, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < n; i++)
		/* a key that is being moved is in two rows */
		if (i == 0 || entries[i].key != entries[kept - 1].key)
			entries[kept++] = entries[i];
	*ret = entries;
	*ret_n = kept;
	return 0;
}

static json_t *record_of(const struct snapshot *snapshot, const struct fdb_entry *entry)
{
	const struct view *view = snapshot->view;
	const struct ul_port *port = entry->slot < view->max_ports ? &view->ports[entry->slot] :
								     NULL;
	const struct ul_group *group =
		port && port->group < view->max_groups ? &view->groups[port->group] : NULL;
	uint32_t vid = entry->key & 0xfff;
	uint8_t mac[6];

	mac_from_key(entry->key, mac);
	return json_pack("{s:o, s:i, s:b, s:b, s:o, s:o, s:i, s:o, s:b, s:s, s:o}", "switch",
			 record_text(view->name, UL_NAME_LEN), "vlan", (int)vid, "trunk",
			 vid == UL_VLAN_TRUNK, "service", !!(entry->key & UL_VID_SERVICE), "mac",
			 record_mac(mac), "port",
			 port ? record_text(port->name, UL_NAME_LEN) : json_null(), "ifindex",
			 port ? (int)port->ifindex : 0, "group",
			 group ? record_text(group->name, UL_GROUP_NAME_LEN) : json_null(),
			 "learned", entry->learned, "state", address_state_name(entry->state),
			 "age_s", entry->age_s < 0 ? json_null() : json_integer(entry->age_s));
}

json_t *record_fdb(const struct snapshot *snapshot)
{
	_cleanup_free_ struct fdb_entry *entries = NULL;
	json_t *records;
	size_t n;

	if (fdb_read(snapshot, &entries, &n) < 0)
		return NULL;
	records = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(records, record_of(snapshot, &entries[i]));
	return records;
}
