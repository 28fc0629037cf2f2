// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The table of interfaces, by ifindex and by name, and the queue of notices for the handler.
 *
 * Every change allocates its notices before it modifies the table: a failed allocation leaves the
 * old state, so that the next full dump finds the difference.
 */
#include "common/util.h"
#include "link/internal.h"

void link_table_init(struct link_table *table)
{
	memset(table, 0, sizeof(*table));
	table->last = &table->first;
}

void link_table_done(struct link_table *table)
{
	struct link_notice *notice;
	struct link_entry *entry;

	while ((notice = link_table_pop(table)))
		free(notice);
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		while ((entry = table->by_ifindex[i])) {
			table->by_ifindex[i] = entry->next_by_ifindex;
			free(entry);
		}
	}
	link_table_init(table);
}

static size_t ifindex_bucket(uint32_t ifindex)
{
	return ifindex % LINK_BUCKETS;
}

/* FNV-1a, which spreads names that differ in their last characters only (vnet1, vnet2). */
static size_t name_bucket(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash % LINK_BUCKETS;
}

struct link_entry *link_table_by_ifindex(const struct link_table *table, uint32_t ifindex)
{
	struct link_entry *entry = table->by_ifindex[ifindex_bucket(ifindex)];

	while (entry && entry->info.ifindex != ifindex)
		entry = entry->next_by_ifindex;
	return entry;
}

struct link_entry *link_table_by_name(const struct link_table *table, const char *name)
{
	struct link_entry *entry = table->by_name[name_bucket(name)];

	while (entry && strcmp(entry->info.name, name) != 0)
		entry = entry->next_by_name;
	return entry;
}

bool link_has_name(const struct link_info *info, const char *name)
{
	if (strcmp(info->name, name) == 0)
		return true;
	for (size_t i = 0; i < LINK_MAX_ALT_NAMES && info->alt_names[i][0]; i++) {
		if (strcmp(info->alt_names[i], name) == 0)
			return true;
	}
	return false;
}

struct link_entry *link_table_find(const struct link_table *table, const char *name)
{
	struct link_entry *entry = link_table_by_name(table, name);

	if (entry || !name[0])
		return entry;
	for (entry = table->with_alt; entry; entry = entry->next_with_alt) {
		if (link_has_name(&entry->info, name))
			break;
	}
	return entry;
}

static void unlink_alt(struct link_table *table, struct link_entry *entry)
{
	struct link_entry **place = &table->with_alt;

	while (*place && *place != entry)
		place = &(*place)->next_with_alt;
	if (*place)
		*place = entry->next_with_alt;
}

/* Every change of an entry's description: keeps the list of entries with alternative names. */
static void set_info(struct link_table *table, struct link_entry *entry,
		     const struct link_info *info)
{
	bool had = entry->info.alt_names[0][0], has = info->alt_names[0][0];

	entry->info = *info;
	if (had && !has) {
		unlink_alt(table, entry);
	} else if (has && !had) {
		entry->next_with_alt = table->with_alt;
		table->with_alt = entry;
	}
}

static void insert_name(struct link_table *table, struct link_entry *entry)
{
	struct link_entry **bucket = &table->by_name[name_bucket(entry->info.name)];

	entry->next_by_name = *bucket;
	*bucket = entry;
}

static void unlink_name(struct link_table *table, struct link_entry *entry)
{
	struct link_entry **place = &table->by_name[name_bucket(entry->info.name)];

	while (*place != entry)
		place = &(*place)->next_by_name;
	*place = entry->next_by_name;
}

static void insert_ifindex(struct link_table *table, struct link_entry *entry)
{
	struct link_entry **bucket = &table->by_ifindex[ifindex_bucket(entry->info.ifindex)];

	entry->next_by_ifindex = *bucket;
	*bucket = entry;
}

static void unlink_ifindex(struct link_table *table, struct link_entry *entry)
{
	struct link_entry **place = &table->by_ifindex[ifindex_bucket(entry->info.ifindex)];

	while (*place != entry)
		place = &(*place)->next_by_ifindex;
	*place = entry->next_by_ifindex;
}

static struct link_notice *notice_new(const struct link_info *info, unsigned int changes)
{
	struct link_notice *notice = calloc(1, sizeof(*notice));

	if (notice) {
		notice->info = *info;
		notice->changes = changes;
	}
	return notice;
}

static void push(struct link_table *table, struct link_notice *notice)
{
	*table->last = notice;
	table->last = &notice->next;
}

struct link_notice *link_table_pop(struct link_table *table)
{
	struct link_notice *notice = table->first;
	struct link_entry *entry;

	if (!notice)
		return NULL;
	table->first = notice->next;
	if (!table->first)
		table->last = &table->first;
	if (notice->changes & LINK_ADDED) {
		entry = link_table_by_ifindex(table, notice->info.ifindex);
		if (entry && entry->added == notice)
			entry->added = NULL;
	}
	return notice;
}

static unsigned int differences(const struct link_info *old, const struct link_info *new)
{
	unsigned int changes = 0;

	if (old->carrier != new->carrier || old->admin_up != new->admin_up)
		changes |= LINK_STATE;
	if (strcmp(old->kind, new->kind) != 0 ||
	    memcmp(old->alt_names, new->alt_names, sizeof(old->alt_names)) != 0 ||
	    old->type != new->type || memcmp(old->mac, new->mac, 6) != 0 ||
	    memcmp(old->permanent_mac, new->permanent_mac, 6) != 0 || old->mtu != new->mtu ||
	    old->max_mtu != new->max_mtu || old->peer != new->peer || old->master != new->master ||
	    old->promiscuous != new->promiscuous || old->arp != new->arp ||
	    old->xdp_prog_id != new->xdp_prog_id || old->xdp_attached != new->xdp_attached ||
	    old->xdp_features != new->xdp_features ||
	    old->xdp_features_known != new->xdp_features_known)
		changes |= LINK_CHANGED;
	return changes;
}

/* Every change of a known interface that keeps its name. */
static int change(struct link_table *table, struct link_entry *entry, const struct link_info *info)
{
	unsigned int changes = differences(&entry->info, info);
	struct link_notice *notice;

	if (!changes) {
		entry->info.ipv6 = info->ipv6;
		return 0;
	}
	if (entry->added) { /* merged into the notice that is still queued */
		entry->added->info = *info;
	} else {
		notice = notice_new(info, changes);
		if (!notice)
			return -ENOMEM;
		push(table, notice);
	}
	set_info(table, entry, info);
	return 0;
}

int link_table_touch(struct link_table *table, uint32_t ifindex)
{
	struct link_entry *entry = link_table_by_ifindex(table, ifindex);
	struct link_notice *notice;

	if (!entry || entry->added)
		return 0;
	notice = notice_new(&entry->info, LINK_BRIDGE_PORT);
	if (!notice)
		return -ENOMEM;
	push(table, notice);
	return 0;
}

static int add(struct link_table *table, const struct link_info *info)
{
	struct link_entry *entry = calloc(1, sizeof(*entry));
	struct link_notice *notice = notice_new(info, LINK_ADDED);

	if (!entry || !notice) {
		free(entry);
		free(notice);
		return -ENOMEM;
	}
	set_info(table, entry, info);
	entry->round = table->round;
	entry->added = notice;
	push(table, notice);
	insert_name(table, entry);
	insert_ifindex(table, entry);
	table->n++;
	return 1;
}

static int rename_entry(struct link_table *table, struct link_entry *entry,
			const struct link_info *info)
{
	struct link_notice *removed = notice_new(&entry->info, LINK_REMOVED);
	struct link_notice *added = notice_new(info, LINK_ADDED);

	if (!removed || !added) {
		free(removed);
		free(added);
		return -ENOMEM;
	}
	push(table, removed);
	unlink_name(table, entry);
	set_info(table, entry, info);
	insert_name(table, entry);
	entry->added = added;
	push(table, added);
	return 0;
}

static int drop(struct link_table *table, struct link_entry *entry)
{
	struct link_notice *notice = notice_new(&entry->info, LINK_REMOVED);

	if (!notice)
		return -ENOMEM;
	push(table, notice);
	unlink_name(table, entry);
	unlink_ifindex(table, entry);
	unlink_alt(table, entry);
	free(entry);
	table->n--;
	return 0;
}

int link_table_update(struct link_table *table, const struct link_info *description)
{
	struct link_entry *entry = link_table_by_ifindex(table, description->ifindex);
	struct link_entry *holder = link_table_by_name(table, description->name);
	struct link_info info = *description;
	int r;

	/*
	 * Names are unique, so the table's holder of this name has another one, whose event is
	 * still to come or was lost.
	 */
	if (holder && holder != entry) {
		r = drop(table, holder);
		if (r < 0)
			return r;
	}
	if (!entry)
		return add(table, &info);

	entry->round = table->round;
	info.xdp_features = entry->info.xdp_features;
	info.xdp_features_known = entry->info.xdp_features_known;
	if (strcmp(entry->info.name, info.name) != 0)
		return rename_entry(table, entry, &info);
	return change(table, entry, &info);
}

int link_table_set_features(struct link_table *table, uint32_t ifindex, bool known,
			    uint32_t features)
{
	struct link_entry *entry = link_table_by_ifindex(table, ifindex);
	struct link_info info;

	if (!entry)
		return 0;
	info = entry->info;
	info.xdp_features_known = known;
	info.xdp_features = known ? features : 0;
	return change(table, entry, &info);
}

int link_table_remove(struct link_table *table, uint32_t ifindex)
{
	struct link_entry *entry = link_table_by_ifindex(table, ifindex);

	return entry ? drop(table, entry) : 0;
}

int link_table_sweep(struct link_table *table)
{
	struct link_entry *entry, *next;
	int r, error = 0;

	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		for (entry = table->by_ifindex[i]; entry; entry = next) {
			next = entry->next_by_ifindex;
			r = entry->round == table->round ? 0 : drop(table, entry);
			if (r < 0)
				error = r;
		}
	}
	return error;
}
