// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "port/addresses.h"

#include "dataplane/clock.h"
#include "dataplane/dataplane.h"
#include "dataplane/records.h"
#include "port/internal.h"

#define MSEC_PER_SEC 1000
/* Keys that fit a row of the table on average; insertions do not fail below that. */
#define KEYS_PER_ROW 3

static struct table *fdb(struct ports *ports)
{
	return &ports->context->dp->fdb;
}

static const struct ul_group *group_of(const struct ports *ports, uint32_t slot)
{
	const struct dataplane *dp = ports->context->dp;

	return &dp->groups[dp->ports[slot].group];
}

static bool is_trunk(const struct ports *ports, uint32_t slot)
{
	return group_of(ports, slot)->vlan_mode == UL_VLAN_VGT;
}

static bool list_has(const struct ul_group *group, uint32_t vid)
{
	return vid < UL_VLAN_TRUNK && UL_LIST_HAS(group->vlans, vid);
}

/* ---- keys of own addresses ---- */
bool address_is_own(const struct ports *ports, uint32_t slot, uint64_t key)
{
	const struct dataplane *dp = ports->context->dp;
	const struct ul_group *group;
	uint32_t vid = ul_fdb_key_vid(key);

	if (slot >= dp->max_ports || !port_is_used(ports, slot) ||
	    mac_is_zero(dp->ports[slot].mac) || key != ul_fdb_key(vid, dp->ports[slot].mac))
		return false;
	group = group_of(ports, slot);
	if (group->vlan_mode != UL_VLAN_VGT)
		return vid == group->vid;
	return ports->state[slot].exact_keys ? list_has(group, vid & 0xfff) : vid == UL_VLAN_TRUNK;
}

/* Calls each for every key of the address at this port; stops at the first failure. */
static int for_own_keys(struct ports *ports, uint32_t slot, const uint8_t mac[6], bool exact,
			int (*each)(struct ports *ports, uint64_t key, uint32_t slot))
{
	const struct ul_group *group = group_of(ports, slot);
	int r = 0;

	if (group->vlan_mode != UL_VLAN_VGT)
		return each(ports, ul_fdb_key(group->vid, mac), slot);
	if (!exact)
		return each(ports, ul_fdb_key(UL_VLAN_TRUNK, mac), slot);
	for (uint32_t vid = 0; r == 0 && vid < UL_VLAN_TRUNK; vid++) {
		if (!list_has(group, vid))
			continue;
		r = each(ports, ul_fdb_key(vid, mac), slot);
		if (r == 0)
			r = each(ports, ul_fdb_key(vid | UL_VID_SERVICE, mac), slot);
	}
	return r;
}

/* Whether a frame in a VLAN of one group can reach the other group. */
static bool share_a_vlan(const struct ul_group *a, const struct ul_group *b)
{
	if (a->vlan_mode != UL_VLAN_VGT && b->vlan_mode != UL_VLAN_VGT)
		return a->vid == b->vid;
	if (a->vlan_mode != UL_VLAN_VGT)
		return list_has(b, a->vid);
	if (b->vlan_mode != UL_VLAN_VGT)
		return list_has(a, b->vid);
	for (size_t i = 0; i < ARRAY_SIZE(a->vlans); i++)
		if (a->vlans[i] & b->vlans[i])
			return true;
	return false;
}

static bool group_has(const struct ul_group *group, uint32_t vid)
{
	return group->vlan_mode == UL_VLAN_VGT ? list_has(group, vid) : group->vid == vid;
}

int address_other_owner(const struct ports *ports, uint32_t slot, uint16_t vid,
			const uint8_t mac[6])
{
	const struct dataplane *dp = ports->context->dp;

	for (uint32_t other = 0; other < dp->max_ports; other++) {
		if (other == slot || !port_is_used(ports, other) ||
		    memcmp(dp->ports[other].mac, mac, 6) != 0)
			continue;
		if (vid == UL_VLAN_TRUNK ?
			    share_a_vlan(group_of(ports, slot), group_of(ports, other)) :
			    group_has(group_of(ports, other), vid & 0xfff))
			return (int)other;
	}
	return -ENOENT;
}

/* ---- trunk ports that share an address ---- */
/* All own addresses in the order of MAC, length of the list (longest first) and slot. */
struct owner {
	uint64_t mac;
	uint32_t n_vlans, slot;
	bool trunk;
};

struct owners {
	struct owner *list;
	size_t n;
};

static void owners_done(struct owners *owners)
{
	free(owners->list);
}

static uint64_t mac_number(const uint8_t mac[6])
{
	return ul_fdb_key(0, mac) >> 16;
}

static int compare_owners(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->mac != y->mac)
		return x->mac < y->mac ? -1 : 1;
	if (x->n_vlans != y->n_vlans)
		return x->n_vlans > y->n_vlans ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static uint32_t count_vlans(const struct ul_group *group)
{
	uint32_t n = 0;

	if (group->vlan_mode != UL_VLAN_VGT)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(group->vlans); i++)
		n += (uint32_t)__builtin_popcountll(group->vlans[i]);
	return n;
}

static int owners_collect(const struct ports *ports, struct owners *ret)
{
	const struct dataplane *dp = ports->context->dp;
	struct owners owners = { .list = calloc(dp->max_ports, sizeof(*owners.list)) };

	if (!owners.list)
		return -ENOMEM;
	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		if (port_is_used(ports, slot) && !mac_is_zero(dp->ports[slot].mac))
			owners.list[owners.n++] = (struct owner){
				.mac = mac_number(dp->ports[slot].mac),
				.n_vlans = count_vlans(group_of(ports, slot)),
				.slot = slot,
				.trunk = is_trunk(ports, slot),
			};
	qsort(owners.list, owners.n, sizeof(*owners.list), compare_owners);
	*ret = owners;
	return 0;
}

/* The first owner of the address, or owners->n. */
static size_t owners_find(const struct owners *owners, uint64_t mac)
{
	size_t low = 0, high = owners->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (owners->list[middle].mac < mac)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void assign_keys(struct ports *ports, const struct owners *owners)
{
	bool holder_found = false;

	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++)
		ports->state[slot].exact_keys = false;
	for (size_t i = 0; i < owners->n; i++) {
		const struct owner *owner = &owners->list[i];

		if (i == 0 || owner->mac != owners->list[i - 1].mac)
			holder_found = false;
		if (!owner->trunk)
			continue;
		ports->state[owner->slot].exact_keys = holder_found;
		holder_found = true;
	}
}

void address_assign_keys(struct ports *ports)
{
	_cleanup_(owners_done) struct owners owners = {};

	if (owners_collect(ports, &owners) == 0)
		assign_keys(ports, &owners);
}

static bool has_sharer(const struct ports *ports, uint32_t slot, const uint8_t mac[6])
{
	const struct dataplane *dp = ports->context->dp;

	if (!is_trunk(ports, slot))
		return false;
	for (uint32_t other = 0; other < dp->max_ports; other++)
		if (other != slot && port_is_used(ports, other) && is_trunk(ports, other) &&
		    memcmp(dp->ports[other].mac, mac, 6) == 0 && !ports->state[other].exact_keys)
			return true;
	return false;
}

void address_assign_keys_of(struct ports *ports, uint32_t slot)
{
	ports->state[slot].exact_keys =
		has_sharer(ports, slot, ports->context->dp->ports[slot].mac);
}

void ports_exact_vlans(const struct ports *ports, uint64_t ret[UL_N_VLANS / 64])
{
	const struct dataplane *dp = ports->context->dp;

	memset(ret, 0, UL_N_VLANS / 8);
	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		for (size_t i = 0; ports->state[slot].exact_keys && port_is_used(ports, slot) &&
				   i < UL_N_VLANS / 64;
		     i++)
			ret[i] |= group_of(ports, slot)->vlans[i];
}

/* ---- own addresses ---- */
/* The slot in a value of the table, which others may have written; -ENOENT: not learned. */
static int learned_slot(const struct ports *ports, uint32_t value)
{
	uint32_t slot = value & UL_FDB_SLOT;

	return value & UL_FDB_LEARNED && slot < ports->context->dp->max_ports ? (int)slot : -ENOENT;
}

static void forget_age(struct ports *ports, uint32_t value, uint64_t key)
{
	int slot = learned_slot(ports, value);

	if (ports->ages && slot >= 0)
		mac_ages_remove(ports->ages, (uint32_t)slot, key);
}

static bool may_evict(void *userdata, uint64_t key, uint32_t value)
{
	return value & UL_FDB_LEARNED;
}

/* Configured addresses have precedence over learned ones: a machine can fill the table, but it
 * cannot keep a port out of it. */
static int set_own(struct ports *ports, uint64_t key, uint32_t slot)
{
	uint32_t before;
	int r;

	if (table_get(fdb(ports), key, &before) == 0)
		forget_age(ports, before, key);
	r = table_set(fdb(ports), key, slot);
	if (r == -ENOSPC && table_evict(fdb(ports), key, may_evict, ports) == 0)
		r = table_set(fdb(ports), key, slot);
	return r;
}

/* Keys that the port has no longer; another port may have the same key now. */
static int remove_former(struct ports *ports, uint64_t key, uint32_t slot)
{
	uint32_t present;

	if (table_get(fdb(ports), key, &present) == 0 && present == slot &&
	    !address_is_own(ports, slot, key))
		table_remove(fdb(ports), key);
	return 0;
}

void address_write_mac(struct ports *ports, uint32_t slot, const uint8_t mac[6])
{
	port_write_mac(ports->context->dp, slot, mac);
}

int address_add_own(struct ports *ports, uint32_t slot)
{
	const uint8_t *mac = ports->context->dp->ports[slot].mac;

	if (mac_is_zero(mac))
		return 0;
	return for_own_keys(ports, slot, mac, ports->state[slot].exact_keys, set_own);
}

/* An own address of a trunk port must not be hidden by what was learned in one of its VLANs. */
static int remove_learned(struct ports *ports, uint64_t key, uint32_t slot)
{
	uint32_t present;

	if (table_get(fdb(ports), key, &present) < 0 || !(present & UL_FDB_LEARNED))
		return 0;
	forget_age(ports, present, key);
	table_remove(fdb(ports), key);
	return 0;
}

int address_change_own(struct ports *ports, uint32_t slot, const uint8_t mac[6])
{
	const struct ul_port *port = &ports->context->dp->ports[slot];
	bool was_exact = ports->state[slot].exact_keys, exact = has_sharer(ports, slot, mac);
	uint8_t old[6];
	int r;

	memcpy(old, port->mac, sizeof(old));
	if (is_trunk(ports, slot))
		for_own_keys(ports, slot, mac, true, remove_learned);
	r = for_own_keys(ports, slot, mac, exact, set_own);
	port_write_mac(ports->context->dp, slot, mac);
	ports->state[slot].exact_keys = exact;
	if (!mac_is_zero(old))
		for_own_keys(ports, slot, old, was_exact, remove_former);
	return r;
}

struct port_walk {
	struct ports *ports;
	uint32_t slot;
};

static int remove_if_of_port(void *userdata, uint64_t key, uint32_t value)
{
	const struct port_walk *walk = userdata;

	if ((value & UL_FDB_SLOT) == walk->slot)
		table_remove(fdb(walk->ports), key);
	return 0;
}

void address_remove_port(struct ports *ports, uint32_t slot)
{
	struct port_walk walk = { ports, slot };

	table_foreach(fdb(ports), remove_if_of_port, &walk);
	if (ports->ages) {
		mac_ages_remove_port(ports->ages, slot);
		mac_learning_update_limits(ports);
	}
}

/* ---- after a configuration ---- */
struct prune_walk {
	struct ports *ports;
	const struct owners *owners;
};

static bool is_configured_elsewhere(const struct prune_walk *walk, uint32_t slot, uint64_t key)
{
	const struct owners *owners = walk->owners;
	uint64_t mac = key >> 16;

	for (size_t i = owners_find(owners, mac); i < owners->n && owners->list[i].mac == mac; i++)
		if (owners->list[i].slot != slot &&
		    group_has(group_of(walk->ports, owners->list[i].slot), key & 0xfff))
			return true;
	return false;
}

/* Learned at a port that is still in that VLAN and may still learn, and no other port's own. */
static bool may_stay_learned(const struct prune_walk *walk, uint32_t slot, uint64_t key)
{
	const struct ul_group *group = group_of(walk->ports, slot);
	uint32_t vid = ul_fdb_key_vid(key);

	return group->flags & UL_GROUP_LEARNING && group_has(group, vid & 0xfff) &&
	       (group->vlan_mode == UL_VLAN_VGT || !(vid & UL_VID_SERVICE)) &&
	       !is_configured_elsewhere(walk, slot, key);
}

/* Addresses of a port without an interface go: its machine may run on another host now, which an
 * uplink reaches. */
static int prune_entry(void *userdata, uint64_t key, uint32_t value)
{
	const struct prune_walk *walk = userdata;
	struct ports *ports = walk->ports;
	const struct dataplane *dp = ports->context->dp;
	uint32_t slot = value & UL_FDB_SLOT;

	if (slot < dp->max_ports && port_is_used(ports, slot) && dp->ports[slot].ifindex &&
	    (value & UL_FDB_LEARNED ? may_stay_learned(walk, slot, key) :
				      address_is_own(ports, slot, key)))
		return 0;
	forget_age(ports, value, key);
	table_remove(fdb(ports), key);
	return 0;
}

/* Own addresses do not count against the learned ones, but their room does. */
static void set_capacity(struct ports *ports, const struct owners *owners)
{
	const struct dataplane *dp = ports->context->dp;
	uint32_t n_learning = 0, rows = dp->fdb.mask + 1;
	uint64_t n_own = 0, room = (uint64_t)rows * KEYS_PER_ROW;

	if (!ports->ages)
		return;
	for (size_t i = 0; i < owners->n; i++)
		n_own += ports->state[owners->list[i].slot].exact_keys ?
				 2 * owners->list[i].n_vlans :
				 1;
	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		n_learning += port_is_used(ports, slot) &&
			      group_of(ports, slot)->flags & UL_GROUP_LEARNING;
	mac_ages_set_capacity(ports->ages, room > n_own ? (uint32_t)(room - n_own) : 0, n_learning);
}

int ports_apply_addresses(struct ports *ports)
{
	_cleanup_(owners_done) struct owners owners = {};
	const struct dataplane *dp = ports->context->dp;
	struct prune_walk walk = { ports, &owners };
	int r = owners_collect(ports, &owners);

	if (r < 0)
		return context_fail(ports->context, r, "addresses of the ports");
	assign_keys(ports, &owners);
	table_foreach(fdb(ports), prune_entry, &walk);
	for (uint32_t slot = 0; slot < dp->max_ports; slot++) {
		if (!port_is_used(ports, slot) || !dp->ports[slot].ifindex)
			continue;
		r = address_add_own(ports, slot);
		if (r < 0)
			return context_fail(ports->context, r,
					    "port %s: cannot add its MAC to the address table",
					    dp->ports[slot].name);
	}
	set_capacity(ports, &owners);
	address_adopt_learned(ports, now_ms());
	mac_learning_update_limits(ports);
	mac_learning_arm(ports);
	return 0;
}

/* ---- learned addresses ---- */
int address_learned_at(const struct ports *ports, uint64_t key)
{
	uint32_t value;

	return table_get(&ports->context->dp->fdb, key, &value) < 0 ? -ENOENT :
								      learned_slot(ports, value);
}

int address_learn(struct ports *ports, uint32_t slot, uint64_t key, bool contested, uint64_t now_ms)
{
	uint64_t now = dataplane_jiffies(ports->context->dp);
	uint32_t before = UL_FDB_LEARNED | slot;
	bool known = table_get(fdb(ports), key, &before) == 0;
	int r;

	if (!(before & UL_FDB_LEARNED))
		return -EEXIST;
	r = mac_ages_add(ports->ages, slot, key, now_ms);
	if (r < 0)
		return r;
	r = table_set_used(fdb(ports), key, slot | UL_FDB_LEARNED, now, contested ? now : 0);
	if (r < 0)
		mac_ages_remove(ports->ages, slot, key);
	else if (known && (before & UL_FDB_SLOT) != slot)
		forget_age(ports, before, key);
	return r;
}

void address_forget_learned(struct ports *ports, uint32_t slot)
{
	if (!ports->ages)
		return;
	for (uint32_t i = mac_ages_count(ports->ages, slot); i-- > 0;) {
		uint64_t key = mac_ages_key(ports->ages, slot, i);

		if (address_learned_at(ports, key) == (int)slot)
			table_remove(fdb(ports), key);
	}
	mac_ages_remove_port(ports->ages, slot);
	mac_learning_update_limits(ports);
}

/* ---- expiry ---- */
struct use_clock {
	struct ports *ports;
	uint64_t now_ms, now_jiffies;
	uint32_t hz;
};

static struct use_clock clock_now(struct ports *ports, uint64_t now_ms)
{
	return (struct use_clock){ .ports = ports,
				   .now_ms = now_ms,
				   .now_jiffies = dataplane_jiffies(ports->context->dp),
				   .hz = kernel_hz() };
}

/* A time of use in the table as milliseconds of the daemon's clock; 0: long ago or never. */
static uint64_t used_ms(const struct use_clock *clock, uint64_t key)
{
	uint64_t here, outside, ago_ms;

	if (table_get_use(fdb(clock->ports), key, &here, &outside) < 0 || !here)
		return 0;
	if (here >= clock->now_jiffies)
		return clock->now_ms;
	ago_ms = (clock->now_jiffies - here) * MSEC_PER_SEC / clock->hz;
	return ago_ms < clock->now_ms ? clock->now_ms - ago_ms : 0;
}

static int adopt_entry(void *userdata, uint64_t key, uint32_t value)
{
	const struct use_clock *clock = userdata;
	uint64_t used = used_ms(clock, key);
	int slot = learned_slot(clock->ports, value);

	if (slot >= 0)
		mac_ages_adopt(clock->ports->ages, (uint32_t)slot, key,
			       used ? used : clock->now_ms);
	return 0;
}

void address_adopt_learned(struct ports *ports, uint64_t now_ms)
{
	struct use_clock clock = clock_now(ports, now_ms);

	if (ports->ages)
		table_foreach(fdb(ports), adopt_entry, &clock);
}

static uint64_t last_used(void *userdata, uint32_t slot, uint64_t key)
{
	return used_ms(userdata, key);
}

/* Meanwhile the address may have become the port's own, or another port's. */
static void on_expired(void *userdata, uint32_t slot, uint64_t key)
{
	const struct use_clock *clock = userdata;

	if (address_learned_at(clock->ports, key) == (int)slot)
		table_remove(fdb(clock->ports), key);
}

uint64_t address_expire(struct ports *ports, uint64_t now_ms)
{
	struct use_clock clock = clock_now(ports, now_ms);
	const struct mac_ages_callbacks callbacks = { last_used, on_expired, &clock };
	uint64_t next = mac_ages_expire(ports->ages, now_ms, &callbacks);

	mac_learning_update_limits(ports);
	return next;
}
