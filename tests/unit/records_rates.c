// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Rates from two readings of the counters. */
#include "record_shapes.h"
#include "records/rates.h"

TestSuite(records_rates, .timeout = 300);

static struct fake fake;
static struct view view;

static struct ul_stats *port_stats(uint32_t slot)
{
	return &fake.stats[UL_ENDPOINT_PORT0 + slot];
}

static void start(void)
{
	fake_init(&fake, 2);
	for (uint32_t slot = 1; slot < 4; slot++) {
		char name[16];

		snprintf(name, sizeof(name), "vnet%u", slot);
		fake_port(&fake, slot, name, 0, (uint8_t)(slot + 1));
	}
}

/* The counters at a moment. */
static json_t *read_at(uint64_t second)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = take_snapshot(&fake, &view);

	snapshot->taken_ns = second * 1000000000;
	return record_traffic(snapshot);
}

static void send(struct ul_stats *stats, uint64_t packets)
{
	stats->sent.packets += packets;
	stats->sent.bytes += packets * 1000;
}

static json_t *row(json_t *rates, const char *kind, const char *name)
{
	json_t *record;
	size_t i;

	json_array_foreach(json_object_get(rates, kind), i, record)
		if (strcmp(text(record, "name"), name) == 0)
			return record;
	cr_assert_fail("%s: no %s", kind, name);
	return NULL;
}

Test(records_rates, are_per_second_and_in_bits)
{
	start();
	port_stats(1)->too_big.packets = 4;
	json_auto_t *before = read_at(10), *now = NULL, *rates = NULL;

	send(&fake.stats[1], 10);
	send(port_stats(0), 4);
	send(port_stats(2), 6);
	port_stats(2)->forged_source.packets += 8;
	port_stats(1)->too_big.packets += 20;
	now = read_at(12);
	rates = record_rates(now, before);
	cr_expect_str_eq(text(rates, "switch"), "vswitch0");
	cr_expect_eq(number(rates, "interval_ms"), 2000);
	expect_keys(
		"uplink", row(rates, "uplinks", "eth1"),
		"name:s state:s speed_mbps:i lacp:sn tx_bps:i rx_bps:i tx_pps:i rx_pps:i dropped_pps:i");
	expect_keys("port", row(rates, "ports", "vnet2"),
		    "name:s group:s uplink:sn tx_bps:i rx_bps:i tx_pps:i rx_pps:i dropped_pps:i");
	expect_keys(
		"group", row(rates, "groups", "prod"),
		"name:s vlan:s load_balancing:s ports:i buckets:o tx_bps:i rx_bps:i tx_pps:i rx_pps:i dropped_pps:i");
	cr_expect_eq(number(row(rates, "uplinks", "eth0"), "tx_bps"), 0);
	cr_expect_eq(number(row(rates, "uplinks", "eth1"), "tx_bps"), 40000);
	cr_expect_eq(number(row(rates, "uplinks", "eth1"), "tx_pps"), 5);
	cr_expect_eq(number(row(rates, "ports", "vnet2"), "tx_bps"), 24000);
	cr_expect_eq(number(row(rates, "ports", "vnet2"), "dropped_pps"), 4);
	cr_expect_eq(number(row(rates, "groups", "prod"), "tx_bps"), 40000, "the sum of its ports");
	cr_expect_eq(number(row(rates, "groups", "prod"), "dropped_pps"), 14);
	cr_expect_eq(number(row(rates, "groups", "prod"), "ports"), 4);
	/* the largest first, also a reason that had not occurred before */
	cr_assert_eq(json_array_size(json_object_get(rates, "drops")), 2);
	cr_expect_str_eq(text(json_array_get(json_object_get(rates, "drops"), 0), "reason"),
			 "too_big");
	cr_expect_eq(number(row(rates, "drops", "vnet1"), "pps"), 10);
	cr_expect_eq(number(row(rates, "drops", "vnet2"), "pps"), 4);
}

Test(records_rates, of_counters_that_were_reset_and_of_new_objects_are_zero)
{
	start();
	send(&fake.stats[0], 50);
	json_auto_t *before = read_at(10), *now = NULL, *rates = NULL;

	fake.stats[0] = (struct ul_stats){};
	send(&fake.stats[0], 3);
	fake_port(&fake, 5, "vnet5", 0, 9);
	send(port_stats(5), 100);
	now = read_at(11);
	rates = record_rates(now, before);
	cr_expect_eq(number(row(rates, "uplinks", "eth0"), "tx_pps"), 0);
	cr_expect_eq(number(row(rates, "ports", "vnet5"), "tx_pps"), 0);
}

Test(records_rates, of_counters_that_another_program_wrote_are_numbers)
{
	start();
	json_auto_t *before = read_at(10), *now = NULL, *rates = NULL;

	for (uint32_t slot = 0; slot < 3; slot++)
		port_stats(slot)->sent.bytes = INT64_MAX;
	fake.stats[0].sent.bytes = INT64_MAX;
	now = read_at(11);
	rates = record_rates(now, before);
	cr_expect_eq(number(row(rates, "uplinks", "eth0"), "tx_bps"), 1000000000000000);
	cr_expect_eq(number(row(rates, "ports", "vnet0"), "tx_bps"), 1000000000000000);
	cr_expect_gt(number(row(rates, "groups", "prod"), "tx_bps"), 1000000000000000);
}

Test(records_rates, without_an_earlier_reading_are_zero)
{
	start();
	send(&fake.stats[0], 50);
	json_auto_t *now = read_at(10), *rates = record_rates(now, NULL);

	cr_expect_eq(number(rates, "interval_ms"), 0);
	cr_expect_eq(number(row(rates, "uplinks", "eth0"), "tx_pps"), 0);
	cr_expect_eq(json_array_size(json_object_get(rates, "drops")), 0);
}

Test(records_rates, the_letters_of_the_partner)
{
	start();
	fake.lacp_ports[1] =
		(struct ul_lacp_port){ .updated_ms = 1, .partner = { .key = 5, .state = 0x3f } };
	json_auto_t *now = read_at(10);

	cr_expect(json_is_null(json_object_get(row(now, "uplinks", "eth0"), "lacp")));
	cr_expect_eq(strlen(text(row(now, "uplinks", "eth1"), "lacp")), 8, "%s",
		     text(row(now, "uplinks", "eth1"), "lacp"));
}
