// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/records.h"

#include <assert.h>
#include <stddef.h>

#include "dataplane/internal.h"
#include "frame_digest.h"

/* Members that programs load together. */
typedef uint32_t __attribute__((may_alias)) word32;
typedef uint64_t __attribute__((may_alias)) word64;

/* A MAC address with the two bytes behind it, as programs load it. */
union mac_word {
	struct {
		uint8_t mac[6], rest[2];
	};
	uint64_t word;
};

_Static_assert(offsetof(struct ul_port, mac) % 8 == 0, "one aligned word");
_Static_assert(offsetof(struct ul_uplink, mac) % 8 == 0, "one aligned word");
_Static_assert(offsetof(struct ul_uplink, xdp_mode) == offsetof(struct ul_uplink, mac) + 6,
	       "in the word of the address");
_Static_assert(offsetof(struct ul_meta, lacp_system) % 8 == 0, "one aligned word");
_Static_assert(offsetof(struct ul_meta, lacp_system_given) ==
		       offsetof(struct ul_meta, lacp_system) + 6,
	       "in the word of the address");
_Static_assert(offsetof(struct ul_group, vlan_mode) % 4 == 0 &&
		       offsetof(struct ul_group, vid) == offsetof(struct ul_group, vlan_mode) + 2,
	       "one aligned word");

static union mac_word load_mac(const uint8_t *at)
{
	return (union mac_word){ .word = __atomic_load_n((const word64 *)(const void *)at,
							 __ATOMIC_RELAXED) };
}

static void store_mac(uint8_t *at, union mac_word next)
{
	STORE(*(word64 *)(void *)at, next.word);
}

static void write_name(char *at, size_t size, const char *name)
{
	if (strncmp(at, name, size - 1) == 0)
		return;
	memset(at, 0, size);
	memcpy(at, name, strnlen(name, size - 1));
}

/* ---- ul_uplinks ---- */
static struct ul_uplink *uplink_at(struct dataplane *dp, uint32_t index)
{
	struct ul_uplink *uplinks = dp->mapping[UL_MAP_UPLINKS];

	assert(index < UL_MAX_UPLINKS);
	return &uplinks[index];
}

void uplink_write_flags(struct dataplane *dp, uint32_t index, uint32_t flags)
{
	STORE(uplink_at(dp, index)->flags, flags);
}

void uplink_write_ifindex(struct dataplane *dp, uint32_t index, uint32_t ifindex)
{
	STORE(uplink_at(dp, index)->ifindex, ifindex);
}

void uplink_write_netdev(struct dataplane *dp, uint32_t index, uint64_t netdev)
{
	STORE(uplink_at(dp, index)->netdev, netdev);
}

void uplink_write_mac(struct dataplane *dp, uint32_t index, const uint8_t mac[6])
{
	struct ul_uplink *uplink = uplink_at(dp, index);
	union mac_word next = load_mac(uplink->mac);

	memcpy(next.mac, mac, sizeof(next.mac));
	store_mac(uplink->mac, next);
}

static uint8_t error_byte(int error)
{
	return error < -255 ? 255 : (uint8_t)-error;
}

void uplink_write_error(struct dataplane *dp, uint32_t index, int error)
{
	STORE(uplink_at(dp, index)->error, error_byte(error));
}

void port_write_error(struct dataplane *dp, uint32_t slot, int error)
{
	port_write_flags(dp, slot,
			 (dp->ports[slot].flags & ~UL_PORT_ERROR_MASK) |
				 (uint32_t)error_byte(error) << UL_PORT_ERROR_SHIFT);
}

void uplink_write_xdp_mode(struct dataplane *dp, uint32_t index, enum ul_xdp_mode mode)
{
	STORE(uplink_at(dp, index)->xdp_mode, (uint8_t)mode);
}

void uplink_write_speed(struct dataplane *dp, uint32_t index, uint32_t speed_mbps)
{
	STORE(uplink_at(dp, index)->speed_mbps, speed_mbps);
}

void uplink_write_max_frame(struct dataplane *dp, uint32_t index, uint32_t bytes)
{
	STORE(uplink_at(dp, index)->max_frame, bytes);
}

void uplink_write_lacp_port(struct dataplane *dp, uint32_t index, uint32_t number)
{
	STORE(uplink_at(dp, index)->lacp_port, number);
}

void uplink_write_problems(struct dataplane *dp, uint32_t index, uint32_t problems)
{
	STORE(uplink_at(dp, index)->problems, problems);
}

void uplink_write(struct dataplane *dp, uint32_t index, const struct ul_uplink *next)
{
	struct ul_uplink *uplink = uplink_at(dp, index);

	if (memcmp(uplink, next, sizeof(*next)) == 0)
		return;
	STORE(uplink->flags, uplink->flags & next->flags);
	STORE(uplink->netdev, next->netdev);
	STORE(uplink->ifindex, next->ifindex);
	store_mac(uplink->mac, load_mac(next->mac));
	STORE(uplink->speed_mbps, next->speed_mbps);
	STORE(uplink->max_frame, next->max_frame);
	STORE(uplink->lacp_port, next->lacp_port);
	STORE(uplink->problems, next->problems);
	write_name(uplink->name, sizeof(uplink->name), next->name);
	STORE(uplink->flags, next->flags);
}

void uplink_clear(struct dataplane *dp, uint32_t index)
{
	static const struct ul_uplink none;

	uplink_write(dp, index, &none);
}

/* ---- ul_ports ---- */
static struct ul_port *port_at(struct dataplane *dp, uint32_t slot)
{
	struct ul_port *ports = dp->mapping[UL_MAP_PORTS];

	assert(slot < dp->max_ports);
	return &ports[slot];
}

void port_write_flags(struct dataplane *dp, uint32_t slot, uint32_t flags)
{
	STORE(port_at(dp, slot)->flags, flags);
}

void port_write_ifindex(struct dataplane *dp, uint32_t slot, uint32_t ifindex)
{
	STORE(port_at(dp, slot)->ifindex, ifindex);
}

void port_write_mac(struct dataplane *dp, uint32_t slot, const uint8_t mac[6])
{
	struct ul_port *port = port_at(dp, slot);
	union mac_word next = load_mac(port->mac);

	memcpy(next.mac, mac, sizeof(next.mac));
	store_mac(port->mac, next);
}

void port_write_changed_from(struct dataplane *dp, uint32_t slot, uint16_t digest)
{
	STORE(port_at(dp, slot)->changed_from, digest);
}

void port_write_vlan(struct dataplane *dp, uint32_t slot, struct ul_port_vlan vlan)
{
	__atomic_store(&port_at(dp, slot)->vlan, &vlan, __ATOMIC_RELEASE);
}

void port_write_group(struct dataplane *dp, uint32_t slot, uint32_t group)
{
	STORE(port_at(dp, slot)->group, group);
}

void port_write_policy(struct dataplane *dp, uint32_t slot, uint32_t policy)
{
	STORE(port_at(dp, slot)->policy, policy);
}

void port_write_number(struct dataplane *dp, uint32_t slot, uint32_t number)
{
	STORE(port_at(dp, slot)->number, number);
}

void port_write_max_frame(struct dataplane *dp, uint32_t slot, uint32_t bytes)
{
	STORE(port_at(dp, slot)->max_frame, bytes);
}

void port_write_name(struct dataplane *dp, uint32_t slot, const char *name)
{
	struct ul_port *port = port_at(dp, slot);

	write_name(port->name, sizeof(port->name), name);
}

void port_write_problems(struct dataplane *dp, uint32_t slot, uint32_t problems)
{
	uint32_t flags = port_at(dp, slot)->flags & ~UL_PORT_PROBLEM_FLAGS;

	assert(problems <= UL_PORT_PROBLEM_FLAGS >> UL_PORT_PROBLEM_SHIFT);
	port_write_flags(dp, slot, flags | problems << UL_PORT_PROBLEM_SHIFT);
}

void port_raise_life(struct dataplane *dp, uint32_t slot)
{
	struct ul_port *port = port_at(dp, slot);

	STORE(port->life, port->life + 1);
}

void port_clear(struct dataplane *dp, uint32_t slot)
{
	struct ul_port *port = port_at(dp, slot);

	STORE(port->flags, 0);
	STORE(port->ifindex, 0);
	port_write_vlan(dp, slot, (struct ul_port_vlan){ 0 });
	STORE(port->group, 0);
	STORE(port->number, 0);
	store_mac(port->mac, (union mac_word){ .word = 0 });
	STORE(port->max_frame, 0);
	STORE(port->policy, 0);
	memset(port->name, 0, sizeof(port->name));
}

/* ---- ul_groups ---- */
static struct ul_group *group_at(struct dataplane *dp, uint32_t index)
{
	struct ul_group *groups = dp->mapping[UL_MAP_GROUPS];

	assert(index < dp->max_groups);
	return &groups[index];
}

void group_write(struct dataplane *dp, uint32_t index, const struct ul_group *next)
{
	struct ul_group *group = group_at(dp, index);
	union {
		struct {
			uint16_t mode, vid;
		};
		uint32_t word;
	} vlan = { { .mode = next->vlan_mode, .vid = next->vid } };

	write_name(group->name, sizeof(group->name), next->name);
	for (size_t i = 0; i < ARRAY_SIZE(group->vlans); i++)
		STORE(group->vlans[i], next->vlans[i]);
	STORE(*(word32 *)(void *)&group->vlan_mode, vlan.word);
	STORE(group->policy, next->policy);
	STORE(group->flags, next->flags);
}

void group_clear(struct dataplane *dp, uint32_t index)
{
	struct ul_group *group = group_at(dp, index);

	STORE(group->flags, 0);
	memset(group, 0, sizeof(*group));
}

/* ---- ul_policies ---- */
static struct ul_policy *policy_at(struct dataplane *dp, uint32_t index)
{
	struct ul_policy *policies = dp->mapping[UL_MAP_POLICIES];

	assert(index < UL_MAX_POLICIES);
	return &policies[index];
}

uint32_t policy_write(struct dataplane *dp, uint32_t index, const struct ul_policy *next)
{
	struct ul_policy *live = policy_at(dp, index);
	uint32_t changed = 0;

	for (uint32_t b = 0; b < UL_MAX_BUCKETS; b++) {
		if (live->bucket[b] == next->bucket[b])
			continue;
		STORE(live->bucket[b], next->bucket[b]);
		changed++;
	}
	for (uint32_t p = 0; p < sizeof(live->member); p++)
		STORE(live->member[p], next->member[p]);
	STORE(live->n_active, next->n_active);
	STORE(live->n_members, next->n_members);
	STORE(live->method, next->method);
	STORE(live->flags, next->flags);
	STORE(live->in_use, next->in_use);
	STORE(live->n_buckets, next->n_buckets);
	return changed;
}

void policy_write_in_use(struct dataplane *dp, uint32_t index, uint32_t in_use)
{
	STORE(policy_at(dp, index)->in_use, in_use);
}

/* ---- ul_vlans ---- */
void vlan_write(struct dataplane *dp, uint32_t vid, uint32_t flags, uint32_t n_members)
{
	struct ul_vlan *vlans = dp->mapping[UL_MAP_VLANS];

	assert(vid < UL_N_VLANS);
	STORE(vlans[vid].n_members, n_members);
	STORE(vlans[vid].flags, flags);
}

/* ---- ul_meta ---- */
static struct ul_meta *meta_of(struct dataplane *dp)
{
	return dp->mapping[UL_MAP_META];
}

void meta_write_lease(struct dataplane *dp, uint64_t until_ns)
{
	STORE(meta_of(dp)->lease_ns, until_ns);
}

void meta_write_headless(struct dataplane *dp, uint64_t duration_ns)
{
	STORE(meta_of(dp)->headless_ns, duration_ns);
}

void meta_write_n_uplinks(struct dataplane *dp, uint32_t n)
{
	assert(n <= UL_MAX_UPLINKS);
	STORE(meta_of(dp)->n_uplinks, n);
}

void meta_write_settings(struct dataplane *dp, enum ul_channel channel, enum ul_receive receive,
			 uint32_t mtu)
{
	struct ul_meta *meta = meta_of(dp);

	STORE(meta->channel, channel);
	STORE(meta->receive, receive);
	STORE(meta->mtu, mtu);
}

void meta_write_version(struct dataplane *dp, const char *version)
{
	struct ul_meta *meta = meta_of(dp);

	write_name(meta->version, sizeof(meta->version), version);
}

void meta_raise_generation(struct dataplane *dp)
{
	struct ul_meta *meta = meta_of(dp);

	STORE(meta->generation, meta->generation + 1);
}

void meta_write_lacp_system(struct dataplane *dp, const uint8_t system[6], bool given)
{
	union mac_word next = { .word = 0 };

	memcpy(next.mac, system, sizeof(next.mac));
	next.rest[0] = given;
	store_mac(meta_of(dp)->lacp_system, next);
}

/* ---- ul_sent ---- */
static uint64_t get_be(const uint8_t *at, int n)
{
	uint64_t word = 0;

	for (int i = 0; i < n; i++)
		word = word << 8 | at[i];
	return word;
}

void sent_note(struct dataplane *dp, const uint8_t *frame, uint64_t jiffies)
{
	uint64_t *sent = dp->mapping[UL_MAP_SENT], dst = get_be(frame, 6),
		 src = get_be(frame + 6, 6);
	const uint8_t *type = frame + 12;
	uint32_t vid = 0;
	uint64_t digest;

	if (get_be(type, 2) == 0x8100) {
		vid = (uint32_t)get_be(type + 2, 2) & 0xfff;
		type += 4;
	}
	digest = ul_digest_of_header(ul_source_digest(vid, src), dst, (uint32_t)get_be(type, 2));
	for (int i = 0; i < UL_DIGEST_LEN; i += 8)
		digest = ul_digest_mix(digest, get_be(type + 2 + i, 8));
	STORE(sent[digest & (UL_RECENT - 1)], ul_recent_word(digest, jiffies));
}

/* ---- ul_lacp_ports, ul_pagp_ports, ul_lacp_answers ---- */
void lacp_record_write(struct dataplane *dp, uint32_t uplink, const struct ul_lacp_port *record)
{
	struct ul_lacp_port *records = dp->mapping[UL_MAP_LACP_PORTS];

	assert(uplink < UL_MAX_UPLINKS);
	memcpy(&records[uplink], record, sizeof(*record));
}

/* A process that is killed in between leaves a record that says so. */
void pagp_record_write(struct dataplane *dp, uint32_t uplink, const struct ul_pagp_port *record)
{
	struct ul_pagp_port *records = dp->mapping[UL_MAP_PAGP_PORTS], next = *record;

	assert(uplink < UL_MAX_UPLINKS);
	next.writing = 1;
	STORE(records[uplink].writing, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(&records[uplink], &next, sizeof(next));
	STORE(records[uplink].writing, 0);
}

void lacp_answers_clear(struct dataplane *dp, uint32_t uplink)
{
	struct ul_lacp_answer *answers = dp->mapping[UL_MAP_LACP_ANSWERS];

	assert(uplink < UL_MAX_UPLINKS);
	memset(&answers[uplink], 0, sizeof(answers[uplink]));
}
