// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Records of 0.1.0 into a new set and into the settings journal. The whole upgrade is in
 * tests/netns/test_upgrade.py. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <sys/stat.h>

#include "dataplane/journal.h"
#include "dataplane/set_v2.h"
#include "dataplane_fake.h"
#include "view_fake.h"

static const uint8_t mac_own[6] = { 0x52, 0x54, 0, 0, 0, 1 };
static const uint8_t mac_learned[6] = { 0x52, 0x54, 0, 0, 0, 2 };

#define PORTS 4
#define ROWS 64

static struct ul_uplink_v2 uplinks[UL_MAX_UPLINKS_V2];
static struct ul_port_v2 ports[PORTS];
static struct ul_group_v2 groups[2];
static struct ul_policy_v2 policies[UL_MAX_POLICIES_V2];
static struct ul_match_row_v2 fdb[ROWS];
static struct ul_lacp_answer_v2 answers[UL_MAX_UPLINKS_V2];
static struct lacp_saved_v2 lacp[UL_MAX_UPLINKS_V2];
static struct set_v2 set;
static struct dataplane_fake fake;

static void setup(void)
{
	dataplane_fake_init(&fake, 256, 64);
	set = (struct set_v2){
		.meta = { .abi_version = UL_ABI_VERSION_V2, .n_uplinks = 2, .channel = 2 },
		.uplinks = uplinks,
		.ports = ports,
		.groups = groups,
		.policies = policies,
		.fdb = fdb,
		.answers = answers,
		.lacp = lacp,
		.n_ports = PORTS,
		.n_groups = 2,
		.n_fdb_rows = ROWS,
		.stats_fd = -1,
	};
}

static void teardown(void)
{
	dataplane_fake_done(&fake);
}

TestSuite(dataplane_set_v2, .init = setup, .fini = teardown);

static void put_port(uint32_t slot, uint32_t ifindex, uint32_t flags)
{
	ports[slot] = (struct ul_port_v2){ .ifindex = ifindex,
					   .flags = UL_PORT_USED_V2 | flags,
					   .vlan = { .mode = UL_VLAN_VST_V2, .vid = 100 },
					   .group = 1,
					   .number = 5,
					   .max_frame = 1518 };
	memcpy(ports[slot].mac, mac_own, sizeof(mac_own));
	snprintf(ports[slot].name, sizeof(ports[slot].name), "p%u", slot);
}

static void put_address(uint32_t row, uint16_t vid, const uint8_t mac[6], uint32_t slot)
{
	fdb[row].key[1] = ul_fdb_key(vid, mac);
	fdb[row].value[1] = slot + 1;
}

Test(dataplane_set_v2, uplinks)
{
	const struct ul_uplink *uplink = &fake.dp.uplinks[1];
	uint32_t index = 0;

	uplinks[1] = (struct ul_uplink_v2){ .ifindex = 7,
					    .flags = UL_UP_CARRIER_V2 | UL_UP_DRAINED_V2,
					    .xdp_mode = 1,
					    .saved = UL_SAVED_ARP_V2,
					    .lacp_port = 3,
					    .max_frame = 1518,
					    .name = "eth1" };
	lacp[1].version = LACP_SAVED_VERSION_V2;
	lacp[1].actor.port = 3;
	answers[1].answered = 9;
	cr_assert_eq(set_v2_carry_over(&set, &fake.dp), 0);
	cr_expect_eq(fake.dp.meta->n_uplinks, 2);
	cr_expect_eq(fake.dp.meta->channel, 2);
	cr_expect_eq(fake.dp.meta->abi_version, UL_ABI_VERSION);
	cr_expect_eq(uplink->ifindex, 7);
	cr_expect_eq(uplink->flags, UL_UP_CARRIER | UL_UP_DRAINED);
	cr_expect_eq(uplink->xdp_mode, UL_XDP_NATIVE);
	cr_expect_eq(uplink->lacp_port, 3);
	cr_expect_str_eq(uplink->name, "eth1");
	cr_expect_eq(fake.lacp[1].actor.port, 3);
	cr_expect_eq(fake.dp.lacp_answers[1].answered, 9);
	cr_assert_eq(table_get(&fake.dp.ifaces, ul_iface_key(7), &index), 0);
	cr_expect_eq(index, 1);
}

Test(dataplane_set_v2, ports_keep_their_slots)
{
	const struct ul_port *port = &fake.dp.ports[2];
	uint32_t endpoint = 0;

	put_port(2, 9, UL_PORT_RUNTIME_V2 | UL_PORT_XDP_V2 | UL_PORT_SAVED_IPV6_V2);
	snprintf(groups[1].name, sizeof(groups[1].name), "prod");
	cr_assert_eq(set_v2_carry_over(&set, &fake.dp), 0);
	cr_expect_eq(port->flags, UL_PORT_USED | UL_PORT_RUNTIME | UL_PORT_XDP);
	cr_expect_eq(port->vlan.vid, 100);
	cr_expect_eq(port->number, 5);
	cr_expect_eq(port->life, port->seen, "its address is confirmed");
	cr_expect_str_eq(port->name, "p2");
	cr_expect_str_eq(fake.dp.groups[1].name, "prod");
	cr_assert_eq(table_get(&fake.dp.ifaces, ul_iface_key(9), &endpoint), 0);
	cr_expect_eq(endpoint, UL_ENDPOINT_PORT0 + 2);
	cr_expect_eq(fake.dp.ports[0].flags, 0);
}

/* Version 2 has no mark of learned addresses: those that are not the port's are. */
Test(dataplane_set_v2, addresses)
{
	uint32_t slot = 0;

	put_port(2, 9, 0);
	put_address(0, 100, mac_own, 2);
	put_address(1, 100, mac_learned, 2);
	put_address(2, UL_VLAN_TRUNK, mac_learned, 2);
	put_address(3, 200, mac_learned, 77); /* of no port */
	cr_assert_eq(set_v2_carry_over(&set, &fake.dp), 0);
	cr_assert_eq(table_get(&fake.dp.fdb, ul_fdb_key(100, mac_own), &slot), 0);
	cr_expect_eq(slot, 2);
	cr_assert_eq(table_get(&fake.dp.fdb, ul_fdb_key(100, mac_learned), &slot), 0);
	cr_expect_eq(slot, 2 | UL_FDB_LEARNED);
	cr_expect_eq(table_get(&fake.dp.fdb, ul_fdb_key(UL_VLAN_TRUNK, mac_learned), &slot),
		     -ENOENT);
	cr_expect_eq(table_get(&fake.dp.fdb, ul_fdb_key(200, mac_learned), &slot), -ENOENT);
}

/* Whatever is pinned is input: numbers are compared with the sizes of the new maps. */
Test(dataplane_set_v2, references_outside_the_new_maps_are_left_out)
{
	put_port(0, 9, 0);
	ports[0].group = 100000;
	put_port(1, 10, 0);
	ports[1].policy = UL_MAX_POLICIES;
	cr_assert_eq(set_v2_carry_over(&set, &fake.dp), 0);
	cr_expect_eq(fake.dp.ports[0].flags, 0);
	cr_expect_eq(fake.dp.ports[1].flags, 0);
}

static int accept_write(void *userdata, __u32 id, const struct ul_saved_settings *record)
{
	(void)userdata;
	(void)id;
	(void)record;
	return 0;
}

static int accept_erase(void *userdata, __u32 id)
{
	(void)userdata;
	(void)id;
	return 0;
}

/* A second start after a kill finds the records of the first one. */
Test(dataplane_set_v2, settings)
{
	struct journal *journal =
		journal_new(&(struct journal_store){ accept_write, accept_erase, NULL });
	const struct ul_saved_settings *record;

	uplinks[0] = (struct ul_uplink_v2){
		.ifindex = 7, .saved = UL_SAVED_ARP_V2, .saved_mtu = 1400, .name = "eth0"
	};
	uplinks[1] = (struct ul_uplink_v2){ .saved = UL_SAVED_DOWN_V2, .name = "eth1" };
	put_port(1, 9, UL_PORT_SAVED_IPV6_V2);
	put_port(2, 10, 0);
	put_port(3, 11, UL_PORT_HOST_V2 | UL_PORT_SAVED_IPV6_V2);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(set_v2_note_settings(&set, journal), 0);
		cr_assert_eq(journal_count(journal), 4);
	}
	record = journal_at(journal, 0);
	cr_expect_eq(record->settings, UL_SAVED_ARP | UL_SAVED_MTU);
	cr_expect_eq(record->mtu, 1400);
	cr_expect_eq(record->flags, 0);
	record = journal_at(journal, 1);
	cr_expect_eq(record->flags, UL_SAVED_AWAY);
	cr_expect_str_eq(record->name, "eth1");
	record = journal_at(journal, 2);
	cr_expect_eq(record->settings, UL_SAVED_IPV6);
	cr_expect_eq(record->flags, UL_SAVED_OF_PORT);
	cr_expect_eq(record->ifindex, 9);
	record = journal_at(journal, 3);
	cr_expect_eq(record->settings, UL_SAVED_ABSENT);
	cr_expect_str_eq(record->name, "p3");
	journal_free(journal);
}

/* They reach the log and other programs. */
Test(dataplane_set_v2, names_that_are_not_printable_are_refused)
{
	put_port(2, 9, 0);
	snprintf(uplinks[1].name, sizeof(uplinks[1].name), "eth1");
	cr_expect_eq(set_v2_check(&set), 0);
	ports[2].name[1] = '\n';
	cr_expect_eq(set_v2_check(&set), -EPROTO);
	ports[2].flags = 0;
	cr_expect_eq(set_v2_check(&set), 0, "a free slot");
	uplinks[1].name[0] = '\x1b';
	cr_expect_eq(set_v2_check(&set), -EPROTO);
	uplinks[1].name[0] = '\xe4';
	cr_expect_eq(set_v2_check(&set), -EPROTO);
}

Test(dataplane_set_v2, a_free_slot_has_no_settings)
{
	struct journal *journal =
		journal_new(&(struct journal_store){ accept_write, accept_erase, NULL });

	put_port(1, 9, UL_PORT_SAVED_IPV6_V2);
	put_port(2, 0, UL_PORT_HOST_V2);
	ports[1].flags &= ~(uint32_t)UL_PORT_USED_V2;
	ports[2].flags &= ~(uint32_t)UL_PORT_USED_V2;
	cr_assert_eq(set_v2_note_settings(&set, journal), 0);
	cr_expect_eq(journal_count(journal), 0);
	journal_free(journal);
}

/* ---- pinned maps ---- */
static void pin_array(const struct fake_fs *fs, const char *name, uint32_t value_size, uint32_t n,
		      const void *values)
{
	fake_pin_map(fs->path, name, BPF_MAP_TYPE_ARRAY, value_size, n, 0, values);
}

static void pin_set(struct fake_fs *fs)
{
	fake_mount(fs);
	snprintf(fs->path, sizeof(fs->path), "%s/uplinkd", fs->directory);
	cr_assert_eq(mkdir(fs->path, 0700), 0);
	snprintf(fs->path, sizeof(fs->path), "%s/uplinkd/sw", fs->directory);
	cr_assert_eq(mkdir(fs->path, 0700), 0);
	pin_array(fs, "ul_meta", sizeof(set.meta), 1, &set.meta);
	pin_array(fs, "ul_uplinks", sizeof(*uplinks), UL_MAX_UPLINKS_V2, uplinks);
	pin_array(fs, "ul_ports", sizeof(*ports), PORTS, ports);
	pin_array(fs, "ul_groups", sizeof(*groups), 2, groups);
	pin_array(fs, "ul_policies", sizeof(*policies), UL_MAX_POLICIES_V2, policies);
	pin_array(fs, "ul_fdb", sizeof(*fdb), ROWS, fdb);
	pin_array(fs, "ul_lacp_answers", sizeof(*answers), UL_MAX_UPLINKS_V2, answers);
	pin_array(fs, "ul_lacp", sizeof(*lacp), UL_MAX_UPLINKS_V2, lacp);
}

/* A look-up fills a value for each CPU. */
Test(dataplane_set_v2, counters_of_another_layout_are_refused)
{
	static const struct {
		int type;
		uint32_t value_size;
		int expect;
	} rows[] = {
		{ BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct ul_stats_v2), 0 },
		{ BPF_MAP_TYPE_PERCPU_ARRAY, 2 * sizeof(struct ul_stats_v2), -ENOENT },
		{ BPF_MAP_TYPE_PERCPU_ARRAY, 8, -ENOENT },
		{ BPF_MAP_TYPE_ARRAY, sizeof(struct ul_stats_v2), -ENOENT },
		{ BPF_MAP_TYPE_PERCPU_HASH, sizeof(struct ul_stats_v2), -ENOENT },
	};
	struct fake_fs fs;

	pin_set(&fs);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct set_v2 *found = NULL;

		fake_pin_map(fs.path, "ul_stats", rows[i].type, rows[i].value_size,
			     UL_ENDPOINT_PORT0_V2 + PORTS, 0, NULL);
		cr_expect_eq(set_v2_open(fs.directory, "sw", &found), rows[i].expect, "row %zu", i);
		set_v2_close(found);
	}
	fake_unmount(&fs);
}

Test(dataplane_set_v2, counters_of_fewer_endpoints)
{
	int n_cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct ul_stats *to = calloc((size_t)n_cpus, sizeof(*to));
	_cleanup_free_ struct ul_stats_v2 *from = calloc((size_t)n_cpus, sizeof(*from));
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "ul_stats", 4,
						sizeof(*to), UL_ENDPOINT_PORT0 + PORTS, NULL);
	struct set_v2 *found = NULL;
	struct fake_fs fs;
	uint32_t key = 1;

	cr_assert(to && from);
	pin_set(&fs);
	fake_pin_map(fs.path, "ul_stats", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(*from), 2, 0, NULL);
	cr_assert_eq(set_v2_open(fs.directory, "sw", &found), 0);
	from[0].reason[0].packets = 7;
	cr_assert_eq(bpf_map_update_elem(found->stats_fd, &key, from, 0), 0);
	fake.dp.map_fd[UL_MAP_STATS] = fd;
	cr_expect_eq(set_v2_carry_over(found, &fake.dp), 0);
	fake.dp.map_fd[UL_MAP_STATS] = -1;
	cr_assert_eq(bpf_map_lookup_elem(fd, &key, to), 0);
	cr_expect_eq(*(const uint64_t *)(const void *)&to[0], 7);
	set_v2_close(found);
	fake_unmount(&fs);
}
