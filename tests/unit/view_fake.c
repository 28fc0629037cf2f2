// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "view_fake.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "flow_hash.h"
#include "match_table.h"

void fake_policy(struct fake *fake, uint32_t index, enum ul_method method, uint32_t flags,
		 const uint8_t *active, uint32_t n_active, const uint8_t *standby,
		 uint32_t n_standby)
{
	struct ul_policy *policy = &fake->policies[index];

	*policy = (struct ul_policy){ .method = method,
				      .flags = flags,
				      .n_buckets = ul_n_buckets(n_active),
				      .n_active = (uint8_t)n_active,
				      .n_members = (uint8_t)(n_active + n_standby) };
	memset(policy->bucket, UL_NO_UPLINK, sizeof(policy->bucket));
	for (uint32_t i = 0; i < n_active; i++) {
		policy->member[i] = active[i];
		if (i == 0 || !(flags & UL_POLICY_ORDERED))
			policy->in_use |= 1u << active[i];
	}
	for (uint32_t i = 0; i < n_standby; i++)
		policy->member[n_active + i] = standby[i];
	for (uint32_t b = 0; b < policy->n_buckets; b++)
		policy->bucket[b] = flags & UL_POLICY_ORDERED ? active[0] : active[b % n_active];
}

void fake_group(struct fake *fake, uint32_t index, const char *name, uint16_t vid, uint32_t policy)
{
	struct ul_group *group = &fake->groups[index];

	*group = (struct ul_group){ .flags = UL_GROUP_USED,
				    .vlan_mode = vid ? UL_VLAN_VST : UL_VLAN_EST,
				    .vid = vid,
				    .policy = policy };
	strncpy(group->name, name, UL_GROUP_NAME_LEN - 1);
}

static void put_key(struct fake *fake, uint64_t key, uint32_t value, uint64_t here,
		    uint64_t outside)
{
	uint32_t row = ul_first_row(key, fake->meta.seed, FAKE_FDB - 1);

	for (int i = 0; i < 4; i++) {
		if (fake->fdb[row].key[i])
			continue;
		fake->fdb[row].key[i] = key;
		fake->fdb[row].value[i] = value;
		fake->fdb_use[row].here[i] = here;
		fake->fdb_use[row].outside[i] = outside;
		return;
	}
	cr_assert_fail("no room in the table of the fake");
}

void fake_port(struct fake *fake, uint32_t slot, const char *name, uint32_t group, uint8_t mac_tail)
{
	struct ul_port *port = &fake->ports[slot];
	uint64_t key;

	*port = (struct ul_port){ .ifindex = 2000 + slot,
				  .flags = UL_PORT_USED | UL_PORT_XDP,
				  .group = group,
				  .number = slot,
				  .mac = { 0x52, 0x54, 0, 0, 0, mac_tail },
				  .max_frame = 1518 };
	strncpy(port->name, name, UL_NAME_LEN - 1);
	key = ul_fdb_key(fake->groups[group].vid, port->mac);
	put_key(fake, key, slot + 1, 0, 0);
}

void fake_learned(struct fake *fake, uint32_t slot, uint16_t vid, uint8_t mac_tail, uint64_t here,
		  uint64_t outside)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, mac_tail };

	put_key(fake, ul_fdb_key(vid, mac), (slot + 1) | UL_FDB_LEARNED, here, outside);
}

void fake_init(struct fake *fake, uint32_t n_uplinks)
{
	uint8_t all[UL_MAX_UPLINKS];

	memset(fake, 0, sizeof(*fake));
	fake->meta = (struct ul_meta){ .abi_version = UL_ABI_VERSION,
				       .n_uplinks = n_uplinks,
				       .generation = 3,
				       .lease_ns = now_ns() + 3600000000000ULL,
				       .name = "vswitch0",
				       .channel = UL_CHANNEL_STATIC,
				       .mtu = 1500,
				       .max_ports = FAKE_PORTS,
				       .max_groups = FAKE_GROUPS };
	for (uint32_t i = 0; i < n_uplinks; i++) {
		fake->uplinks[i] = (struct ul_uplink){ .ifindex = 1000 + i,
						       .flags = UL_UP_SEND | UL_UP_RECEIVE |
								UL_UP_CARRIER | UL_UP_ADMIN,
						       .mac = { 2, 0, 0, 0, 0, (uint8_t)i },
						       .xdp_mode = UL_XDP_NATIVE,
						       .speed_mbps = 10000 };
		snprintf(fake->uplinks[i].name, UL_NAME_LEN, "eth%u", i);
		all[i] = (uint8_t)i;
	}
	fake_policy(fake, 0, UL_M_SRC_DST_IP, UL_POLICY_ANY_UPLINK, all, n_uplinks, NULL, 0);
	fake_group(fake, 0, "prod", 100, 0);
	fake_port(fake, 0, "vnet0", 0, 1);
}

void fake_cut(struct fake *fake, uint32_t uplink)
{
	fake->uplinks[uplink].flags &= ~(uint32_t)(UL_UP_SEND | UL_UP_CARRIER);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		struct ul_policy *policy = &fake->policies[i];
		uint32_t alive = 0, serving;

		if (!policy->n_buckets)
			continue;
		for (uint32_t p = 0; p < policy->n_members; p++)
			if (fake->uplinks[policy->member[p]].flags & UL_UP_SEND)
				alive |= 1u << p;
		for (uint32_t b = 0; b < policy->n_buckets; b++) {
			int position = ul_serving_position(policy->flags, policy->n_active,
							   policy->n_members, b, alive);

			policy->bucket[b] = position < 0 ? UL_NO_UPLINK : policy->member[position];
		}
		serving = ul_serving_positions(policy->flags, policy->n_active, policy->n_members,
					       alive);
		policy->in_use = 0;
		for (uint32_t p = 0; p < policy->n_members; p++)
			if (serving >> p & 1)
				policy->in_use |= 1u << policy->member[p];
	}
}

void fake_stop_daemon(struct fake *fake, uint64_t seconds)
{
	fake->meta.lease_ns = now_ns() - seconds * 1000000000;
}

void fake_view(const struct fake *fake, struct view *ret)
{
	*ret = (struct view){ .meta = &fake->meta,
			      .uplinks = fake->uplinks,
			      .ports = fake->ports,
			      .groups = fake->groups,
			      .max_ports = fake->meta.max_ports,
			      .max_groups = fake->meta.max_groups,
			      .policies = fake->policies,
			      .vlans = fake->vlans,
			      .fdb = fake->fdb,
			      .fdb_buckets = FAKE_FDB,
			      .fdb_use = fake->fdb_use,
			      .clock_fd = -1,
			      .lacp_ports = fake->lacp_ports,
			      .lacp_answers = fake->lacp_answers,
			      .pagp_ports = fake->pagp_ports,
			      .stats_fd = -1 };
	strcpy(ret->name, "vswitch0");
}

/* ---- pinned ---- */
void fake_mount(struct fake_fs *fs)
{
	if (geteuid() != 0)
		cr_skip_test("needs root for BPF maps");
	*fs = (struct fake_fs){ .directory = "/tmp/ul-view-XXXXXX" };
	cr_assert_eq(unshare(CLONE_NEWNS), 0, "unshare: %s", strerror(errno));
	cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0, "mount: %s",
		     strerror(errno));
	cr_assert(mkdtemp(fs->directory));
	cr_assert_eq(mount("bpf", fs->directory, "bpf", 0, NULL), 0, "mount bpffs: %s",
		     strerror(errno));
}

void fake_unmount(struct fake_fs *fs)
{
	if (!fs->directory[0])
		return;
	cr_expect_eq(umount2(fs->directory, MNT_DETACH), 0);
	cr_expect_eq(rmdir(fs->directory), 0);
}

void fake_pin_map(const char *directory, const char *name, int type, uint32_t value_size,
		  uint32_t entries, uint32_t flags, const void *values)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	_cleanup_close_ int fd = bpf_map_create((enum bpf_map_type)type, name, sizeof(uint32_t),
						value_size, entries, &opts);
	char path[128];

	cr_assert_geq(fd, 0, "map %s: %s", name, strerror(errno));
	for (uint32_t key = 0; key < entries && values; key++)
		cr_assert_eq(bpf_map_update_elem(fd, &key,
						 (const uint8_t *)values + (size_t)key * value_size,
						 0),
			     0, "map %s: %s", name, strerror(errno));
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
	cr_assert_eq(bpf_obj_pin(fd, path), 0, "pin %s: %s", path, strerror(errno));
}

static void pin_stats(const char *directory, const struct fake *fake)
{
	uint32_t entries = ARRAY_SIZE(fake->stats);
	int n_cpus = libbpf_num_possible_cpus();
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "ul_stats",
						sizeof(uint32_t), sizeof(struct ul_stats), entries,
						NULL);
	_cleanup_free_ struct ul_stats *cpus = calloc((size_t)n_cpus, sizeof(*cpus));
	char path[128];

	cr_assert_geq(fd, 0);
	for (uint32_t object = 0; object < entries; object++) {
		cpus[0] = fake->stats[object];
		cr_assert_eq(bpf_map_update_elem(fd, &object, cpus, 0), 0);
	}
	snprintf(path, sizeof(path), "%s/ul_stats", directory);
	cr_assert_eq(bpf_obj_pin(fd, path), 0);
}

void fake_pin(struct fake_fs *fs, const struct fake *fake, const char *switch_name)
{
	const uint32_t mapped = BPF_F_MMAPABLE;

	snprintf(fs->path, sizeof(fs->path), "%s/uplinkd", fs->directory);
	cr_assert(mkdir(fs->path, 0700) == 0 || errno == EEXIST);
	snprintf(fs->path, sizeof(fs->path), "%s/uplinkd/%s", fs->directory, switch_name);
	cr_assert_eq(mkdir(fs->path, 0700), 0);
	fake_pin_map(fs->path, "ul_meta", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_meta), 1, mapped,
		     &fake->meta);
	fake_pin_map(fs->path, "ul_uplinks", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_uplink),
		     UL_MAX_UPLINKS, mapped, fake->uplinks);
	fake_pin_map(fs->path, "ul_ports", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_port), FAKE_PORTS,
		     mapped, fake->ports);
	fake_pin_map(fs->path, "ul_groups", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_group),
		     FAKE_GROUPS, mapped, fake->groups);
	fake_pin_map(fs->path, "ul_policies", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_policy),
		     UL_MAX_POLICIES, mapped, fake->policies);
	fake_pin_map(fs->path, "ul_vlans", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_vlan), UL_N_VLANS,
		     mapped, fake->vlans);
	fake_pin_map(fs->path, "ul_fdb", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_match_row), FAKE_FDB,
		     mapped, fake->fdb);
	fake_pin_map(fs->path, "ul_fdb_use", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_use_row),
		     FAKE_FDB, mapped, fake->fdb_use);
	fake_pin_map(fs->path, "ul_lacp_ports", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_lacp_port),
		     UL_MAX_UPLINKS, mapped, fake->lacp_ports);
	fake_pin_map(fs->path, "ul_lacp_answers", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_lacp_answer),
		     UL_MAX_UPLINKS, mapped, fake->lacp_answers);
	fake_pin_map(fs->path, "ul_pagp_ports", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_pagp_port),
		     UL_MAX_UPLINKS, mapped, fake->pagp_ports);
	pin_stats(fs->path, fake);
}
