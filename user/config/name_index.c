// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/name_index.h"

#include "common/util.h"
#include "config/value.h"

enum use_kind { USE_INTERFACE, USE_GROUP, USE_MAC };

/* Several ports of a switch may have one address in different VLANs. */
struct mac_user {
	struct mac_user *next;
	struct location location;
};

struct name_use {
	struct name_use *next; /* of the bucket */
	uint64_t hash;
	enum use_kind kind;
	struct location location;
	union {
		char interface[UL_NAME_LEN];
		struct {
			uint8_t mac[6];
			struct mac_user *users, **last;
			/* VLANs of all users; its vlan_mode is VGT */
			struct group_cfg *vlans;
		};
	};
};

#define FIRST_BUCKETS 64

/* ---- the table ---- */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;

	/* FNV-1a */
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3ULL;
	return hash;
}

static uint64_t hash_name(enum use_kind kind, const struct switch_cfg *sw, const void *bytes,
			  size_t n)
{
	uint64_t hash = hash_bytes(0xcbf29ce484222325ULL ^ (uint64_t)kind, &sw, sizeof(sw));

	return hash_bytes(hash, bytes, n);
}

static bool is_use_of(const struct name_use *use, enum use_kind kind, uint64_t hash,
		      const struct switch_cfg *sw, const void *bytes, size_t n)
{
	if (use->hash != hash || use->kind != kind)
		return false;
	if (kind == USE_INTERFACE)
		return strcmp(use->interface, bytes) == 0;
	if (use->location.sw != sw)
		return false;
	if (kind == USE_GROUP)
		return strcmp(use->location.group->name, bytes) == 0;
	return memcmp(use->mac, bytes, n) == 0;
}

static struct name_use *find(const struct name_index *index, enum use_kind kind, uint64_t hash,
			     const struct switch_cfg *sw, const void *bytes, size_t n)
{
	struct name_use *use = index->n ? index->buckets[hash & (index->n_buckets - 1)] : NULL;

	while (use && !is_use_of(use, kind, hash, sw, bytes, n))
		use = use->next;
	return use;
}

static int grow(struct name_index *index)
{
	size_t n_buckets = index->n_buckets ? index->n_buckets * 2 : FIRST_BUCKETS;
	struct name_use **buckets = calloc(n_buckets, sizeof(struct name_use *));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < index->n_buckets; i++) {
		struct name_use *next;

		for (struct name_use *use = index->buckets[i]; use; use = next) {
			struct name_use **bucket = &buckets[use->hash & (n_buckets - 1)];

			next = use->next;
			use->next = *bucket;
			*bucket = use;
		}
	}
	free(index->buckets);
	index->buckets = buckets;
	index->n_buckets = n_buckets;
	return 0;
}

static struct name_use *add(struct name_index *index, enum use_kind kind, uint64_t hash,
			    const struct location *location)
{
	struct name_use *use, **bucket;

	if (index->n >= index->n_buckets && grow(index) < 0)
		return NULL;
	use = calloc(1, sizeof(*use));
	if (!use)
		return NULL;
	use->kind = kind;
	use->hash = hash;
	use->location = *location;
	bucket = &index->buckets[hash & (index->n_buckets - 1)];
	use->next = *bucket;
	*bucket = use;
	index->n++;
	return use;
}

static void free_use(struct name_use *use)
{
	struct mac_user *next;

	if (use->kind == USE_MAC) {
		for (struct mac_user *user = use->users; user; user = next) {
			next = user->next;
			free(user);
		}
		free(use->vlans);
	}
	free(use);
}

void name_index_done(struct name_index *index)
{
	for (size_t i = 0; i < index->n_buckets; i++) {
		struct name_use *next;

		for (struct name_use *use = index->buckets[i]; use; use = next) {
			next = use->next;
			free_use(use);
		}
	}
	free(index->buckets);
	*index = (struct name_index){ 0 };
}

/* ---- interfaces and port groups ---- */
const struct location *name_index_find_interface(const struct name_index *index, const char *name)
{
	uint64_t hash = hash_name(USE_INTERFACE, NULL, name, strlen(name));
	const struct name_use *use = find(index, USE_INTERFACE, hash, NULL, name, 0);

	return use ? &use->location : NULL;
}

int name_index_add_interface(struct name_index *index, const char *name,
			     const struct location *location)
{
	uint64_t hash = hash_name(USE_INTERFACE, NULL, name, strlen(name));
	struct name_use *use;

	if (find(index, USE_INTERFACE, hash, NULL, name, 0))
		return 0;
	use = add(index, USE_INTERFACE, hash, location);
	if (!use)
		return -ENOMEM;
	snprintf(use->interface, sizeof(use->interface), "%s", name);
	return 0;
}

const struct location *name_index_find_group(const struct name_index *index,
					     const struct switch_cfg *sw, const char *name)
{
	uint64_t hash = hash_name(USE_GROUP, sw, name, strlen(name));
	const struct name_use *use = find(index, USE_GROUP, hash, sw, name, 0);

	return use ? &use->location : NULL;
}

int name_index_add_group(struct name_index *index, const struct location *location)
{
	const char *name = location->group->name;
	uint64_t hash = hash_name(USE_GROUP, location->sw, name, strlen(name));

	if (find(index, USE_GROUP, hash, location->sw, name, 0))
		return 0;
	return add(index, USE_GROUP, hash, location) ? 0 : -ENOMEM;
}

/* ---- MAC addresses ---- */
const struct location *name_index_find_mac(const struct name_index *index, const uint8_t mac[6],
					   const struct location *location, unsigned int *ret_vid)
{
	uint64_t hash = hash_name(USE_MAC, location->sw, mac, 6);
	const struct name_use *use = find(index, USE_MAC, hash, location->sw, mac, 6);

	if (!use || (use->vlans && !vlans_overlap(location->group, use->vlans, ret_vid)))
		return NULL;
	for (const struct mac_user *user = use->users; user; user = user->next)
		if (vlans_overlap(location->group, user->location.group, ret_vid))
			return &user->location;
	return NULL;
}

static void add_vlans(struct group_cfg *to, const struct group_cfg *from)
{
	if (from->vlan_mode != UL_VLAN_VGT) {
		to->vlans[from->vid / 64] |= 1ULL << (from->vid % 64);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(to->vlans); i++)
		to->vlans[i] |= from->vlans[i];
}

/* The set of VLANs comes with the second user, because most addresses have one. */
static int add_mac_user(struct name_use *use, const struct location *location)
{
	struct mac_user *user = calloc(1, sizeof(*user));

	if (!user)
		return -ENOMEM;
	user->location = *location;
	if (use->users && !use->vlans) {
		use->vlans = calloc(1, sizeof(*use->vlans));
		if (!use->vlans) {
			free(user);
			return -ENOMEM;
		}
		use->vlans->vlan_mode = UL_VLAN_VGT;
		add_vlans(use->vlans, use->users->location.group);
	}
	if (use->vlans)
		add_vlans(use->vlans, location->group);
	*use->last = user;
	use->last = &user->next;
	return 0;
}

int name_index_add_mac(struct name_index *index, const uint8_t mac[6],
		       const struct location *location)
{
	uint64_t hash = hash_name(USE_MAC, location->sw, mac, 6);
	struct name_use *use = find(index, USE_MAC, hash, location->sw, mac, 6);

	if (!use) {
		use = add(index, USE_MAC, hash, location);
		if (!use)
			return -ENOMEM;
		memcpy(use->mac, mac, sizeof(use->mac));
		use->last = &use->users;
	}
	return add_mac_user(use, location);
}

/* ---- a finished model ---- */
static int fill_group(struct name_index *index, struct location location)
{
	const struct group_cfg *group = location.group;
	int r = name_index_add_group(index, &location);

	location.bridge = true;
	if (r == 0 && group->bridge[0])
		r = name_index_add_interface(index, group->bridge, &location);
	location.bridge = false;
	for (size_t i = 0; r == 0 && i < group->n_ports; i++) {
		const struct port_cfg *port = &group->ports[i];

		location.at = i;
		location.far_end = false;
		r = name_index_add_interface(index, port->interface, &location);
		if (r == 0 && port->has_mac)
			r = name_index_add_mac(index, port->mac, &location);
		if (r == 0 && port->host) {
			char far_end[UL_NAME_LEN];

			host_port_far_end(port->interface, far_end);
			location.far_end = true;
			r = name_index_add_interface(index, far_end, &location);
		}
	}
	return r;
}

int name_index_fill(struct name_index *index, const struct model *model)
{
	int r = 0;

	for (size_t s = 0; r == 0 && s < model->n_switches; s++) {
		const struct switch_cfg *sw = &model->switches[s];

		for (size_t i = 0; r == 0 && i < sw->n_uplinks; i++)
			r = name_index_add_interface(index, sw->uplinks[i],
						     &(struct location){ .sw = sw, .at = i });
		if (r == 0 && sw->bridge[0])
			r = name_index_add_interface(
				index, sw->bridge, &(struct location){ .sw = sw, .bridge = true });
		for (size_t g = 0; r == 0 && g < sw->n_groups; g++)
			r = fill_group(index,
				       (struct location){ .sw = sw, .group = &sw->groups[g] });
	}
	return r;
}
