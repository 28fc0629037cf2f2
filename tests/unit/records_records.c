// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The records of `show`, from switches built in memory. */
#include "match_table.h"
#include "record_shapes.h"
#include "records/fdb.h"
#include "records/records.h"

TestSuite(records, .timeout = 300);

static struct fake fake;
static struct view view;

static struct snapshot *take(void)
{
	return take_snapshot(&fake, &view);
}

Test(records, uplinks)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *records = NULL;
	json_t *eth0, *eth1;

	fake_init(&fake, 2);
	fake.stats[0].sent = (struct ul_count){ 10, 6000 };
	fake.stats[0].to_port = (struct ul_count){ 5, 500 };
	fake.stats[0].flooded = (struct ul_count){ 1, 60 };
	fake.stats[0].control = (struct ul_count){ 2, 240 };
	fake.stats[0].unknown_unicast = (struct ul_count){ 3, 200 };
	/* a note: counted in addition to another reason */
	fake.stats[0].failover = (struct ul_count){ 1000, 1000000 };
	fake.stats[1].sent = (struct ul_count){ 1, 3000 };
	fake_cut(&fake, 1);
	snapshot = take();
	records = record_uplinks(snapshot);
	cr_assert_eq(json_array_size(records), 2);
	eth0 = json_array_get(records, 0);
	eth1 = json_array_get(records, 1);
	expect_keys("show uplinks", eth0, UPLINK_KEYS);
	expect_keys("show uplinks", eth1, UPLINK_KEYS);
	cr_expect_str_eq(text(eth0, "switch"), "vswitch0");
	cr_expect_str_eq(text(eth0, "name"), "eth0");
	cr_expect_str_eq(text(eth1, "mac"), "02:00:00:00:00:01");
	cr_expect_eq(number(eth1, "index"), 1);
	cr_expect_eq(number(eth1, "ifindex"), 1001);
	cr_expect_str_eq(text(eth0, "xdp_mode"), "native");
	cr_expect_eq(number(eth0, "speed_mbps"), 10000);
	cr_expect_eq(number(eth0, "tx_packets"), 10);
	cr_expect_eq(number(eth0, "tx_bytes"), 6000);
	cr_expect_eq(number(eth0, "rx_packets"), 5 + 1 + 2 + 3,
		     "all that came in, drops too, notes not: %lld",
		     (long long)number(eth0, "rx_packets"));
	cr_expect_eq(number(eth0, "rx_bytes"), 1000);
	cr_expect_eq(number(eth0, "dropped_packets"), 3);
	cr_expect_float_eq(json_number_value(json_object_get(eth0, "share")), 0.7, 1e-9);
	cr_expect(json_is_true(json_object_get(eth0, "carrier")) &&
		  json_is_true(json_object_get(eth0, "usable")));
	cr_expect(json_is_false(json_object_get(eth1, "carrier")) &&
		  json_is_false(json_object_get(eth1, "usable")));
	cr_expect(json_is_true(json_object_get(eth1, "admin_up")));
	cr_expect_str_eq(text(eth0, "state"), "in use");
	cr_expect_str_eq(text(eth1, "state"), "no carrier");
}

Test(records, uplink_states)
{
	const uint32_t works = UL_UP_SEND | UL_UP_RECEIVE | UL_UP_CARRIER | UL_UP_ADMIN;
	static const char *const states[] = { "in use",	 "standby", "unused",	  "spare",
					      "waiting", "drained", "no carrier", "down",
					      "missing", "failed" };
	const uint8_t active[] = { 0 }, standby[] = { 1 };
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *records = NULL;

	_Static_assert(ARRAY_SIZE(states) == N_UPLINK_STATES, "each state");
	fake_init(&fake, N_UPLINK_STATES);
	fake_policy(&fake, 0, UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, active, 1, standby, 1);
	fake.uplinks[3].flags = (works & ~(uint32_t)UL_UP_SEND) | UL_UP_SPARE;
	fake.uplinks[4].flags = works & ~(uint32_t)UL_UP_SEND;
	fake.uplinks[5].flags = (works & ~(uint32_t)UL_UP_SEND) | UL_UP_DRAINED;
	fake.uplinks[6].flags = UL_UP_ADMIN;
	fake.uplinks[7].flags = 0;
	fake.uplinks[8] = (struct ul_uplink){ .name = "eth8" };
	fake.uplinks[9] = (struct ul_uplink){ .name = "eth9", .error = EIO };
	snapshot = take();
	records = record_uplinks(snapshot);
	for (size_t i = 0; i < N_UPLINK_STATES; i++)
		cr_expect_str_eq(text(json_array_get(records, i), "state"), states[i], "eth%zu", i);
	cr_expect(json_is_null(json_object_get(json_array_get(records, 8), "mac")),
		  "no MAC is null, not zeros");
	cr_expect_str_eq(text(json_array_get(records, 9), "error"), "Input/output error");
}

Test(records, ports_and_groups)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *ports = NULL, *groups = NULL;
	const uint8_t both[] = { 0, 1 };
	json_t *vnet0, *vnet3, *prod, *dmz;

	fake_init(&fake, 2);
	fake.meta.channel = UL_CHANNEL_NONE;
	fake_policy(&fake, 0, UL_M_SRC_DST_IP, UL_POLICY_ANY_UPLINK, both, 2, NULL, 0);
	fake_policy(&fake, 1, UL_M_PORT_ID, 0, both, 2, NULL, 0);
	fake_group(&fake, 1, "dmz", 0, 1);
	fake.groups[1].flags |= UL_GROUP_PROMISCUOUS | UL_GROUP_FORGED_OK;
	fake_port(&fake, 3, "vnet3", 1, 4);
	fake.ports[3].flags = UL_PORT_USED | UL_PORT_RUNTIME;
	fake.ports[3].ifindex = 0;
	fake.stats[UL_ENDPOINT_PORT0 + 3].to_uplink.packets = 4;
	fake.stats[UL_ENDPOINT_PORT0 + 3].forged_source.packets = 5;
	fake.stats[UL_ENDPOINT_PORT0 + 3].sent.packets = 6;
	snapshot = take();
	ports = record_ports(snapshot, NULL);
	groups = record_groups(snapshot);
	cr_assert_eq(json_array_size(ports), 2);
	vnet0 = json_array_get(ports, 0);
	vnet3 = json_array_get(ports, 1);
	expect_keys("show ports", vnet0, PORT_KEYS);
	expect_keys("show ports", vnet3, PORT_KEYS);
	cr_expect(json_is_null(json_object_get(vnet0, "uplink")), "depends on the frame");
	cr_expect_str_eq(text(vnet3, "uplink"), "eth1", "port-id: port number 3 of 2 uplinks");
	cr_expect_str_eq(text(vnet0, "delivery"), "xdp");
	cr_expect_str_eq(text(vnet3, "delivery"), "tc");
	cr_expect_str_eq(text(vnet3, "group"), "dmz");
	cr_expect_str_eq(text(vnet3, "state"), "missing");
	cr_expect(json_is_true(json_object_get(vnet3, "runtime")));
	cr_expect_eq(number(vnet3, "rx_packets"), 9);
	cr_expect_eq(number(vnet3, "tx_packets"), 6);
	cr_expect_eq(number(vnet3, "dropped_packets"), 5);

	cr_assert_eq(json_array_size(groups), 2);
	prod = json_array_get(groups, 0);
	dmz = json_array_get(groups, 1);
	expect_keys("show groups", prod, GROUP_KEYS);
	cr_expect_str_eq(text(prod, "vlan"), "100");
	cr_expect_str_eq(text(prod, "vlan_mode"), "vst");
	cr_expect_str_eq(text(prod, "load_balancing"), "src-dst-ip");
	cr_expect_eq(number(json_object_get(prod, "buckets"), "eth1"), 512);
	cr_expect_str_eq(text(dmz, "vlan"), "0");
	cr_expect_str_eq(text(dmz, "load_balancing"), "port-id");
	cr_expect(json_is_true(json_object_get(dmz, "promiscuous")) &&
		  json_is_false(json_object_get(dmz, "mac_learning")));
	cr_expect_eq(number(dmz, "ports"), 1);
}

Test(records, fdb)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *records = NULL;
	uint64_t previous = 0;
	size_t i;
	json_t *record;

	fake_init(&fake, 2);
	fake_group(&fake, 1, "trunk", UL_VLAN_TRUNK, 0);
	for (uint8_t port = 1; port < FAKE_PORTS; port++) {
		char name[UL_NAME_LEN];

		snprintf(name, sizeof(name), "vnet%u", port);
		fake_port(&fake, port, name, port % 2, (uint8_t)(port + 1));
	}
	/* a key whose value is not written yet */
	fake.fdb[63].key[3] = 1ULL << 63 | 0x8000;
	snapshot = take();
	records = record_fdb(snapshot);
	cr_assert_eq(json_array_size(records), FAKE_PORTS);
	json_array_foreach(records, i, record) {
		uint64_t order = (uint64_t)number(record, "vlan");

		expect_keys("show fdb", record, FDB_KEYS);
		cr_expect_geq(order, previous, "sorted by VLAN");
		previous = order;
		cr_expect_eq(json_is_true(json_object_get(record, "trunk")),
			     order == UL_VLAN_TRUNK);
	}
	cr_expect_str_eq(text(json_array_get(records, 0), "mac"), "52:54:00:00:00:01");
	cr_expect_str_eq(text(json_array_get(records, 0), "port"), "vnet0");
	cr_expect_str_eq(text(json_array_get(records, 7), "port"), "vnet7");
}

/* The writer copies an entry that it moves, so the key is in two rows. */
Test(records, fdb_entry_that_is_learned_tagged_by_8021ad_and_being_moved)
{
	const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0x99, 1 };
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *records = NULL;
	json_t *record;

	fake_init(&fake, 2);
	for (uint32_t row = 62; row < 64; row++) {
		fake.fdb[row].key[3] = ul_fdb_key(UL_VID_SERVICE | 100, mac);
		fake.fdb[row].value[3] = 1 | UL_FDB_LEARNED; /* slot 0 */
	}
	snapshot = take();
	records = record_fdb(snapshot);
	cr_assert_eq(json_array_size(records), 2);
	cr_expect(json_is_false(json_object_get(json_array_get(records, 0), "service")));
	cr_expect(json_is_false(json_object_get(json_array_get(records, 0), "learned")));
	record = json_array_get(records, 1);
	cr_expect_str_eq(text(record, "mac"), "52:54:00:00:99:01");
	cr_expect_str_eq(text(record, "port"), "vnet0");
	cr_expect_eq(number(record, "vlan"), 100);
	cr_expect(json_is_true(json_object_get(record, "service")));
	cr_expect(json_is_true(json_object_get(record, "learned")));
}

Test(records, counters)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *some = NULL, *all = NULL;
	json_t *record;
	size_t i;

	fake_init(&fake, 2);
	fake.stats[1].reflected = (struct ul_count){ 3, 180 };
	fake.stats[UL_ENDPOINT_PORT0].sent = (struct ul_count){ UINT32_MAX + 7ULL, 1 };
	fake.stats[UL_ENDPOINT_NONE].unknown_port = (struct ul_count){ 1, 60 };
	snapshot = take();
	some = record_counters(snapshot, false);
	all = record_counters(snapshot, true);
	cr_assert_eq(json_array_size(some), 3);
	json_array_foreach(some, i, record)
		expect_keys("show counters", record, COUNTER_KEYS);
	record = json_array_get(some, 0);
	cr_expect_str_eq(text(record, "scope"), "uplink");
	cr_expect_str_eq(text(record, "name"), "eth1");
	cr_expect_str_eq(text(record, "reason"), "reflected");
	cr_expect_str_eq(text(record, "kind"), "drop");
	cr_expect_eq(number(record, "packets"), 3);
	record = json_array_get(some, 1);
	cr_expect_str_eq(text(record, "scope"), "port");
	cr_expect_eq(number(record, "packets"), (json_int_t)UINT32_MAX + 7, "64 bits");
	cr_expect_str_eq(text(json_array_get(some, 2), "scope"), "switch");
	cr_expect_eq(json_array_size(all), 3 * UL_N_REASONS + 1);
}
