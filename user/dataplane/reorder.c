// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The index of an uplink is its place in the configuration. When that changes, records move while
 * frames pass. A record is copied to its new place before its old place is overwritten: first the
 * uplinks that move to a higher index, from the highest one downwards, then all others upwards. The
 * interface table follows each copy, so a frame finds its uplink under the old or the new index.
 */
#include <assert.h>

#include "dataplane/dataplane.h"
#include "dataplane/records.h"

/* The key of a connected interface is in the table, so this is one store and no grace period. */
static void write_record(struct dataplane *dp, uint32_t index, const struct ul_uplink *record)
{
	uint64_t key = ul_iface_key(record->ifindex);
	uint32_t before;

	uplink_write(dp, index, record);
	if (record->ifindex && table_get(&dp->ifaces, key, &before) == 0)
		table_set(&dp->ifaces, key, index);
}

void uplinks_reorder(struct dataplane *dp, const uint8_t to[UL_MAX_UPLINKS],
		     const char names[][UL_NAME_LEN], uint32_t n)
{
	struct ul_uplink records[UL_MAX_UPLINKS] = {};
	uint8_t from[UL_MAX_UPLINKS];

	assert(n <= UL_MAX_UPLINKS);
	memset(from, UL_NO_UPLINK, sizeof(from));
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (to[i] == UL_NO_UPLINK)
			continue;
		from[to[i]] = (uint8_t)i;
		records[to[i]] = dp->uplinks[i];
	}
	for (uint32_t i = 0; i < n; i++)
		snprintf(records[i].name, sizeof(records[i].name), "%s", names[i]);
	for (uint32_t i = UL_MAX_UPLINKS; i-- > 0;)
		if (from[i] < i)
			write_record(dp, i, &records[i]);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (from[i] >= i)
			write_record(dp, i, &records[i]);
	meta_write_n_uplinks(dp, n);
}
