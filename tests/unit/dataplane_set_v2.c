// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Records of 0.1.0 into a new set and into the settings journal. The whole upgrade is in
 * tests/netns/test_upgrade.py. */
#include <criterion/criterion.h>

#include "dataplane/journal.h"
#include "dataplane/set_v2.h"
#include "dataplane_fake.h"

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
