// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Periodic and transmit machines, marker responder, changes at run time: conformance cases P, T, K
 * and D3.
 */
#include <criterion/criterion.h>

#include "lacp_rig.h"

RIG_SUITE(lacp_periodic);

Test(lacp_periodic, P1_active_transmits_passive_does_not)
{
	for (int active = 0; active <= 1; active++) {
		config.active = active;
		rig_open(&rig, &config, 1);
		rig_pass(&rig, 1000);
		cr_assert_eq(rig_sent(&rig, 1) > 0, active);
		rig_pass(&rig, 200000);
		cr_assert_eq(rig_sent(&rig, 1) > 0, active);
		rig_done(&rig);
	}
	rig_open(&rig, &config, 1);
}

Test(lacp_periodic, P2_passive_answers_an_active_partner)
{
	config.active = false;
	rig_open(&rig, &config, 1);
	rig_pass(&rig, 60000);
	cr_assert_eq(rig_sent(&rig, 1), 0);
	rig_hear_view(&rig, 1, WILLING | LACP_TIMEOUT, &(struct lacp_info){ 0 });
	cr_assert_eq(rig_sent(&rig, 1), 1, "answers at once");
	cr_assert_eq(rig_last(&rig, 1).partner.port, 1, "with the recorded partner");
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	cr_assert(rig.distributing[1]);
	rig_pass(&rig, 1000);
	rig_forget(&rig);
	rig_pass_hearing(&rig, 10 * LACP_FAST_PERIODIC_MS, LACP_FAST_PERIODIC_MS, 1,
			 UP | LACP_TIMEOUT);
	cr_assert_eq(rig_sent(&rig, 1), 10);
	rig_pass(&rig, LACP_LONG_TIMEOUT_MS + LACP_SHORT_TIMEOUT_MS);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_DEFAULTED);
	rig_forget(&rig);
	rig_pass(&rig, 60000);
	cr_assert_eq(rig_sent(&rig, 1), 0, "no transmission without a partner");
}

Test(lacp_periodic, P3_passive_on_both_sides_never_sends)
{
	config.active = false;
	rig_open(&rig, &config, 1);
	rig_hear(&rig, 1, SYNCED & ~LACP_ACTIVITY);
	rig_pass(&rig, 60000);
	cr_assert_eq(rig_sent(&rig, 1), 0);
	cr_assert_not(rig.distributing[1]);
	cr_assert(rig_info(&rig, 1).findings & 1 << LACP_FIND_PASSIVE);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_FINDING), 1);
}

Test(lacp_periodic, P4_rate_follows_the_partner)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_pass_hearing(&rig, 3 * LACP_SLOW_PERIODIC_MS, 1000, 1, UP);
	cr_assert_eq(rig_sent(&rig, 1), 3, "%zu in %d ms", rig_sent(&rig, 1),
		     3 * LACP_SLOW_PERIODIC_MS);
	rig_forget(&rig);
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_sent(&rig, 1), 1, "slow to fast sends at once");
	rig_pass_hearing(&rig, 10 * LACP_FAST_PERIODIC_MS, LACP_FAST_PERIODIC_MS, 1,
			 UP | LACP_TIMEOUT);
	cr_assert_eq(rig_sent(&rig, 1), 11);
	cr_assert_eq(rig_info(&rig, 1).periodic_state, LACP_FAST_PERIODIC);
	rig_hear(&rig, 1, UP);
	rig_forget(&rig);
	rig_pass_hearing(&rig, LACP_SLOW_PERIODIC_MS - 1, 1000, 1, UP);
	cr_assert_eq(rig_sent(&rig, 1), 0, "fast to slow does not");
}

Test(lacp_periodic, T1_at_most_three_lacpdus_per_second)
{
	struct lacp_info view;
	uint64_t first_ms;

	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	view = rig_info(&rig, 1).actor;
	view.key = 99;
	first_ms = rig.now_ms;
	for (int i = 0; i < 10; i++) {
		rig_hear_view(&rig, 1, UP, &view);
		cr_assert_eq(rig_sent(&rig, 1), i < 3 ? (size_t)i + 1 : 3,
			     "the first LACPDUs at once");
		rig_pass(&rig, 50);
	}
	cr_assert_eq(lacp_next_wakeup(rig.lacp), first_ms + LACP_WINDOW_MS,
		     "the next when the window admits it");
	rig_pass(&rig, 5000);
	cr_assert_eq(rig_sent(&rig, 1), 4,
		     "one LACPDU with the current state replaces all pending ones");
}

Test(lacp_periodic, T2_only_the_standards_bits_make_a_reply_due)
{
	static const struct {
		uint8_t bit;
		bool due;
	} bits[] = {
		{ LACP_ACTIVITY, true },    { LACP_TIMEOUT, true },
		{ LACP_AGGREGATION, true }, { LACP_SYNCHRONIZATION, true },
		{ LACP_COLLECTING, false }, { LACP_DISTRIBUTING, false },
		{ LACP_DEFAULTED, false },  { LACP_EXPIRED, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		struct lacp_info view;

		rig_open(&rig, &config, 1);
		rig_join(&rig, 1, 0);
		view = rig_info(&rig, 1).actor;
		view.state ^= bits[i].bit;
		rig_hear_view(&rig, 1, UP, &view);
		cr_assert_eq(rig_sent(&rig, 1), bits[i].due, "bit %02x", bits[i].bit);
		rig_done(&rig);
	}
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_hear(&rig, 1, UP & ~LACP_DISTRIBUTING);
	rig_hear(&rig, 1, UP & ~LACP_COLLECTING);
	cr_assert_eq(rig_sent(&rig, 1), 0, "no reply for the partner's own state");
}

/* ---- K: markers ---- */

static void marker(uint8_t frame[LACP_FRAME_LEN], uint8_t tlv, uint8_t transaction)
{
	static const uint8_t body[16] = { 0,	22,   0x12, 0x34, 0x00, 0x1c, 0x73, 0xaa,
					  0xbb, 0xcc, 0xde, 0xad, 0xbe, 0,    0x56, 0x78 };

	memset(frame, 0x77, LACP_FRAME_LEN); /* reserved fields are not zero */
	memcpy(frame, "\x01\x80\xc2\x00\x00\x02\x00\x1c\x73\xaa\xbb\xcc\x88\x09\x02\x01", 16);
	memcpy(frame + 16, body, sizeof(body));
	frame[16] = tlv;
	frame[29] = transaction;
	frame[32] = frame[33] = 0;
}

/* length: 22 in the first editions and in kernel bonding, 16 by the TLV's real length. */
static void expect_answered(uint8_t length)
{
	uint8_t request[LACP_FRAME_LEN], want[LACP_FRAME_LEN] = { 0 };

	rig_open(&rig, &config, 1);
	rig_run(&rig);
	rig_forget(&rig);
	marker(request, 1, 0xef);
	request[17] = length;
	memcpy(want, request, 34);
	memcpy(want + 6, "\x02\x00\x00\x00\x01\x01", 6); /* our MAC */
	want[16] = 2;
	cr_assert_eq(rig_receive(&rig, 1, request, sizeof(request)), 0);
	cr_assert_eq(rig.n_log, 1, "answered within the call");
	cr_assert_eq(rig.log[0].kind, LOG_SENT);
	for (int i = 0; i < LACP_FRAME_LEN; i++)
		cr_assert_eq(rig.log[0].frame[i], want[i], "byte %d is %02x, expected %02x", i,
			     rig.log[0].frame[i], want[i]);
	cr_assert_eq(rig_info(&rig, 1).stats.marker_rx, 1);
	cr_assert_eq(rig_info(&rig, 1).stats.marker_response_tx, 1);
	cr_assert_eq(rig_info(&rig, 1).stats.marker_tx, 0);
}

Test(lacp_periodic, K1_marker_is_answered_with_all_fields)
{
	expect_answered(22);
}

Test(lacp_periodic, K1_response_has_the_length_of_the_marker)
{
	expect_answered(16);
}

Test(lacp_periodic, K1_response_is_ignored_and_flood_is_bounded)
{
	uint8_t frame[LACP_FRAME_LEN];

	rig_open(&rig, &config, 1);
	rig_run(&rig);
	rig_forget(&rig);
	marker(frame, 2, 1);
	cr_assert_eq(rig_receive(&rig, 1, frame, sizeof(frame)), 0);
	cr_assert_eq(rig.n_log, 0);
	cr_assert_eq(rig_info(&rig, 1).stats.marker_response_rx, 1);

	marker(frame, 3, 1);
	cr_assert_eq(rig_receive(&rig, 1, frame, sizeof(frame)), -EBADMSG);
	marker(frame, 1, 1);
	frame[17] = 20;
	cr_assert_eq(rig_receive(&rig, 1, frame, sizeof(frame)), -EBADMSG);
	cr_assert_eq(rig_info(&rig, 1).stats.illegal_rx, 2);

	marker(frame, 1, 1);
	for (int ms = 0; ms < 3000; ms++) {
		rig.now_ms++;
		cr_assert_eq(rig_receive(&rig, 1, frame, sizeof(frame)),
			     ms % 1000 < LACP_MARKER_LIMIT ? 0 : -EBUSY, "at %d ms", ms);
	}
	cr_assert_eq(rig_info(&rig, 1).stats.marker_response_tx, 3 * LACP_MARKER_LIMIT);
	cr_assert_eq(rig_info(&rig, 1).stats.marker_rx, 3000);
	cr_assert_eq(rig_info(&rig, 1).stats.excess_rx, 3000 - 3 * LACP_MARKER_LIMIT);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_REJECTED), 1, "events are rate-limited");
}

Test(lacp_periodic, flood_of_lacpdus)
{
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, 0);
	/* repetitions are not limited */
	for (int i = 0; i < 5000; i++)
		rig_hear(&rig, 1, UP);
	cr_assert_eq(rig_info(&rig, 1).stats.excess_rx, 0);
	cr_assert_eq(rig.n_log, 0);
	/* differing ones: ten are processed, further ones in the window are dropped */
	for (int i = 0; i < 5000; i++) {
		struct lacp_info actor = rig.partner[1], us = rig_info(&rig, 1).actor;
		uint8_t frame[LACP_FRAME_LEN];

		actor.key = (uint16_t)(100 + i);
		actor.state = UP;
		lacp_frame_build(frame, switch_a, &actor, &us);
		cr_assert_eq(rig_receive(&rig, 1, frame, sizeof(frame)),
			     i < LACP_RX_LIMIT ? 0 : -EBUSY);
		rig_run(&rig);
	}
	cr_assert_leq(rig_sent(&rig, 1), 3);
	cr_assert_lt(rig.n_log, 200);
	cr_assert(rig.distributing[2], "no effect on the other member");
	cr_assert_eq(rig_sent(&rig, 2), 0);
}

/* ---- D3: changes at run time ---- */

Test(lacp_periodic, D3_rate_changes_without_a_flap)
{
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, 0);
	rig_pass(&rig, 25000);
	config.fast = true;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(rig_sent(&rig, 1), 1, "announced at once");
	cr_assert_eq(rig_last(&rig, 1).actor.state & LACP_TIMEOUT, LACP_TIMEOUT);
	rig_pass(&rig, 10000);
	cr_assert(rig.distributing[1], "the partner's next LACPDU may be 30 s away");
	rig_pass_hearing(&rig, 10000, 1000, 2, UP);

	config.fast = false;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_pass(&rig, LACP_LONG_TIMEOUT_MS - 1);
	cr_assert(rig.distributing[1] && rig.distributing[2],
		  "the partner may use the slow rate from now on");
	rig_pass(&rig, 1);
	cr_assert_not(rig.distributing[1]);
}

Test(lacp_periodic, D3_members_come_and_go)
{
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, 0);
	rig_add(&rig, 3);
	rig_link(&rig, 3, true);
	rig_hear(&rig, 3, SYNCED);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	cr_assert(rig.distributing[3]);
	lacp_port_remove(rig.lacp, 3, rig.now_ms);
	lacp_port_remove(rig.lacp, 2, rig.now_ms);
	rig_pass(&rig, 100);
	cr_assert(rig.distributing[1]);
	cr_assert_eq(rig_sent(&rig, 1), 0);
	cr_assert_eq(rig_links(&rig), 1);
}

Test(lacp_periodic, D3_key_and_priority_are_announced_at_once)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	config.key = 77;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(rig_last(&rig, 1).actor.key, 77);
	cr_assert_eq(rig_info(&rig, 1).stats.actor_changes, 1);
	cr_assert(rig.distributing[1], "in use until the partner reacts");
	lacp_port_configure(rig.lacp, &(struct lacp_port_config){ .number = 1, .priority = 9 });
	rig_run(&rig);
	cr_assert_eq(rig_last(&rig, 1).actor.port_priority, 9);
	cr_assert_eq(lacp_port_configure(rig.lacp, &(struct lacp_port_config){ .number = 9 }),
		     -ENOENT);
}

Test(lacp_periodic, ports_are_limited_and_distinct)
{
	rig_init(&rig, &config);
	for (uint16_t port = 24; port >= 1; port--)
		rig_add(&rig, port);
	cr_assert_eq(lacp_port_add(rig.lacp, &(struct lacp_port_config){ .number = 5 }), -EEXIST);
	cr_assert_eq(lacp_port_add(rig.lacp, &(struct lacp_port_config){ .number = 25 }), -ENOSPC);
	cr_assert_eq(lacp_port_add(rig.lacp, &(struct lacp_port_config){ .number = 0 }), -EINVAL);
	for (uint16_t port = 1; port <= 24; port++)
		rig_link(&rig, port, true);
	rig_join(&rig, 24, 0);
	cr_assert_eq(rig_links(&rig), 24);
}
