// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Where the load goes: by port exactly, by flow as an estimate. */
#include "flow_hash.h"
#include "record_shapes.h"
#include "records/what_if.h"

TestSuite(what_if, .timeout = 300);

static struct fake fake;
static struct view view;
static struct snapshot *before, *now;

static void start(void)
{
	before = take_snapshot(&fake, &view);
}

/* One second after start(). */
static json_t *answer(struct what_if_query query)
{
	json_t *record;

	now = take_snapshot(&fake, &view);
	now->taken_ns = before->taken_ns + 1000000000;
	record = record_what_if(now, before, &query);
	expect_keys("what-if", record,
		    "switch:s interval_ms:i certainty:s without:a load_balancing:sn uplinks:a "
		    "moves:a");
	return record;
}

static void finish(void)
{
	snapshot_free(before);
	snapshot_free(now);
}

static json_t *uplink(json_t *record, size_t index)
{
	json_t *row = json_array_get(json_object_get(record, "uplinks"), index);

	expect_keys("uplinks", row,
		    "uplink:s speed_mbps:i removed:b now_bps:i then_bps:i use:rn exceeds:b");
	return row;
}

/* bits per second through port slot and the uplink that it uses */
static void send_by(uint32_t slot, uint32_t index, uint64_t bps)
{
	fake.stats[UL_ENDPOINT_PORT0 + slot].to_uplink.bytes += bps / 8;
	fake.stats[index].sent.bytes += bps / 8;
}

Test(what_if, the_load_of_a_flow_method_spreads_over_the_survivors)
{
	fake_init(&fake, 3);
	start();
	send_by(0, 0, 3000000);
	send_by(0, 1, 6000000);
	send_by(0, 2, 9000000);
	json_auto_t *record = answer((struct what_if_query){ .without = 1 << 2 });
	json_t *moves = json_object_get(record, "moves"), *move;
	json_int_t total =
		number(uplink(record, 0), "then_bps") + number(uplink(record, 1), "then_bps");
	uint32_t expected[2] = {};
	size_t i;

	cr_expect_str_eq(text(record, "certainty"), "likely");
	cr_expect_eq(number(uplink(record, 2), "then_bps"), 0);
	cr_expect_eq(number(uplink(record, 2), "now_bps"), 9000000);
	cr_expect(json_is_true(json_object_get(uplink(record, 2), "removed")));
	cr_expect_geq(total, 17999990);
	cr_expect_leq(total, 18000000);

	/* the buckets that move are those that the programs move */
	for (uint32_t b = 0; b < fake.policies[0].n_buckets; b++)
		if (b % 3 == 2)
			expected[ul_serving_position(fake.policies[0].flags, 3, 3, b, 3)]++;
	cr_assert_eq(json_array_size(moves), 2);
	json_array_foreach(moves, i, move) {
		expect_keys("moves", move, "from:sn to:sn buckets:i ports:a bps:i certainty:s");
		cr_expect_str_eq(text(move, "from"), "eth2");
		cr_expect_eq(number(move, "buckets"), expected[i], "%s: %d buckets, not %u",
			     text(move, "to"), (int)number(move, "buckets"), expected[i]);
	}
	finish();
}

Test(what_if, the_load_of_ports_moves_with_them)
{
	fake_init(&fake, 2);
	fake.meta.channel = UL_CHANNEL_NONE;
	fake.policies[0].method = UL_M_PORT_ID;
	fake.policies[0].flags = 0;
	fake_port(&fake, 1, "vnet1", 0, 2);
	start();
	send_by(0, 0, 8000000);
	send_by(1, 1, 2000000000);
	fake.uplinks[0].speed_mbps = 1000;
	json_auto_t *record = answer((struct what_if_query){ .without = 1 << 1 });
	json_t *move = json_array_get(json_object_get(record, "moves"), 0);

	cr_expect_str_eq(text(record, "certainty"), "proven");
	cr_expect_eq(number(uplink(record, 0), "then_bps"), 2008000000);
	cr_expect(json_is_true(json_object_get(uplink(record, 0), "exceeds")));
	cr_expect_eq(json_array_size(json_object_get(record, "moves")), 1);
	cr_expect_str_eq(text(move, "from"), "eth1");
	cr_expect_str_eq(text(move, "to"), "eth0");
	cr_expect_eq(number(move, "bps"), 2000000000);
	cr_expect_str_eq(json_string_value(json_array_get(json_object_get(move, "ports"), 0)),
			 "vnet1");
	/* with 10 Gb/s it does not exceed */
	fake.uplinks[0].speed_mbps = 10000;
	snapshot_free(now);
	json_auto_t *fast = answer((struct what_if_query){ .without = 1 << 1 });

	cr_expect(json_is_false(json_object_get(uplink(fast, 0), "exceeds")));
	finish();
}

Test(what_if, another_method)
{
	fake_init(&fake, 2);
	fake_port(&fake, 1, "vnet1", 0, 2);
	start();
	send_by(0, 0, 4000000);
	send_by(1, 0, 4000000);
	/* by flow: nothing is known of the new buckets */
	json_auto_t *even = answer(
		(struct what_if_query){ .has_method = true, .method = UL_M_SRC_DST_IP_PORT });

	cr_expect_eq(number(uplink(even, 0), "then_bps"), 4000000);
	cr_expect_eq(number(uplink(even, 1), "then_bps"), 4000000);
	cr_expect_str_eq(text(even, "load_balancing"), "src-dst-ip-port");
	cr_expect_eq(json_array_size(json_object_get(even, "moves")), 0);
	snapshot_free(now);
	json_auto_t *both = answer((struct what_if_query){
		.without = 1, .has_method = true, .method = UL_M_SRC_DST_IP_PORT });

	cr_expect_eq(number(uplink(both, 0), "then_bps"), 0);
	cr_expect_eq(number(uplink(both, 1), "then_bps"), 8000000);
	finish();
}

/* src-mac is exact as long as machines send from one address. */
Test(what_if, ports_with_several_addresses_are_an_estimate)
{
	fake_init(&fake, 2);
	fake.policies[0].method = UL_M_SRC_MAC;
	start();
	send_by(0, 1, 1000000);
	json_auto_t *exact = answer((struct what_if_query){ .without = 2 });

	cr_expect_str_eq(text(exact, "certainty"), "proven");
	fake.groups[0].flags |= UL_GROUP_LEARNING;
	snapshot_free(now);
	json_auto_t *estimate = answer((struct what_if_query){ .without = 2 });

	cr_expect_str_eq(text(estimate, "certainty"), "likely");
	finish();
}

Test(what_if, without_all_uplinks_the_load_is_dropped)
{
	fake_init(&fake, 2);
	start();
	send_by(0, 0, 1000000);
	json_auto_t *record = answer((struct what_if_query){ .without = 3 });
	json_t *move = json_array_get(json_object_get(record, "moves"), 0);

	cr_expect_eq(number(uplink(record, 0), "then_bps"), 0);
	cr_expect_eq(number(uplink(record, 1), "then_bps"), 0);
	cr_expect_str_eq(text(move, "from"), "eth0");
	cr_expect(json_is_null(json_object_get(move, "to")));
	finish();
}

/* Without an uplink that serves nothing, nothing moves; nor with counters that were reset. */
Test(what_if, nothing_moves)
{
	const uint8_t active[] = { 0 }, standby[] = { 1 };

	fake_init(&fake, 2);
	fake_policy(&fake, 0, UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, active, 1, standby, 1);
	fake.stats[0].sent.bytes = 1000;
	start();
	fake.stats[0].sent.bytes = 0;
	json_auto_t *record = answer((struct what_if_query){ .without = 2 });

	cr_expect_eq(json_array_size(json_object_get(record, "moves")), 0);
	cr_expect_eq(number(uplink(record, 0), "now_bps"), 0);
	snapshot_free(now);
	json_auto_t *takeover = answer((struct what_if_query){ .without = 1 });

	cr_expect_str_eq(text(json_array_get(json_object_get(takeover, "moves"), 0), "to"), "eth1");
	finish();
}
