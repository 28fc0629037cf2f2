// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * State that outlives the daemon: conformance cases D1 and D2, and the record for answers of the
 * data plane without the daemon.
 */
#include <criterion/criterion.h>

#include "lacp_rig.h"

static struct rig rig, after;
static struct lacp_config config;

static void setup(void)
{
	config = rig_config();
}

static void teardown(void)
{
	rig_done(&rig);
	rig_done(&after);
}

TestSuite(lacp_restore, .init = setup, .fini = teardown);

/*
 * The daemon is killed and started again after gap_ms. Returns the result of lacp_restore() of the
 * last port.
 */
static int restart(uint16_t n_ports, uint64_t gap_ms)
{
	int r = 0;

	rig_init(&after, &config);
	after.now_ms = rig.now_ms + gap_ms;
	for (uint16_t port = 1; port <= n_ports; port++) {
		struct lacp_saved saved;

		rig_add(&after, port);
		cr_assert_eq(lacp_save(rig.lacp, port, &saved), 0);
		r = lacp_restore(after.lacp, port, &saved, gap_ms);
	}
	for (uint16_t port = 1; port <= n_ports; port++)
		rig_link(&after, port, true);
	rig_run(&after);
	return r;
}

Test(lacp_restore, D1_first_lacpdu_has_the_state_from_before)
{
	for (int independent = 0; independent <= 1; independent++) {
		struct lacp_pdu before;
		struct lacp_port_info info;

		config.fast = true;
		config.independent = independent;
		rig_open(&rig, &config, 2);
		rig_join(&rig, 2, LACP_TIMEOUT);
		rig_pass_hearing(&rig, LACP_FAST_PERIODIC_MS, 450, 2, UP | LACP_TIMEOUT);
		before = rig_last(&rig, 1);
		cr_assert_eq(restart(2, 900), 0);

		cr_assert_eq(after.log[0].kind, LOG_EVENT);
		cr_assert_eq(rig_sent(&after, 1), 1, "at once");
		cr_assert_eq(rig_last(&after, 1).actor.state, before.actor.state);
		cr_assert_eq(rig_last(&after, 1).actor.state, UP | LACP_TIMEOUT);
		cr_assert_eq(memcmp(rig_last(&after, 1).partner.system, before.partner.system, 6),
			     0);
		cr_assert_eq(rig_last(&after, 1).partner.port, 1);
		cr_assert_eq(rig_last(&after, 1).partner.state, UP | LACP_TIMEOUT);
		cr_assert(after.collecting[1] && after.distributing[1] && after.distributing[2]);
		info = rig_info(&after, 1);
		cr_assert_eq(info.receive_state, LACP_RX_CURRENT);
		cr_assert_eq(info.selected, LACP_SELECTED);
		cr_assert_eq(info.mux_state, independent ? LACP_MUX_DISTRIBUTING :
							   LACP_MUX_COLLECTING_DISTRIBUTING);

		rig_forget(&after);
		rig_pass(&after, LACP_SHORT_TIMEOUT_MS - 1);
		cr_assert_eq(rig_info(&after, 1).receive_state, LACP_RX_CURRENT,
			     "the partner has the full timeout");
		rig_hear(&after, 1, UP | LACP_TIMEOUT);
		rig_pass(&after, 1);
		cr_assert(after.distributing[1]);
		cr_assert_not(after.distributing[2], "no LACPDU since the restart");
		for (size_t i = 0; i < after.n_log; i++)
			cr_assert(after.log[i].kind != LOG_CHANGED || after.log[i].port == 2);
		rig_done(&rig);
		rig_done(&after);
	}
}

Test(lacp_restore, D1_with_min_links_and_standby)
{
	config.min_links = 2;
	config.max_links = 2;
	config.system_priority = 1;
	rig_open(&rig, &config, 3);
	rig_pass_hearing(&rig, 3000, 500, 3, UP);
	cr_assert_eq(rig_info(&rig, 3).selected, LACP_STANDBY);
	cr_assert_eq(restart(3, 100), 0);
	cr_assert(after.distributing[1] && after.distributing[2]);
	cr_assert_eq(rig_info(&after, 3).selected, LACP_STANDBY);
	cr_assert_eq(rig_last(&after, 3).actor.state & LACP_SYNCHRONIZATION, 0);
	cr_assert_eq(rig_last(&after, 3).partner.port, 3);
}

Test(lacp_restore, D1_wait_to_restore_continues)
{
	config.wait_to_restore_ms = 10000;
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, 0);
	rig_link(&rig, 1, false);
	rig_run(&rig);
	rig_link(&rig, 1, true);
	rig_pass_hearing(&rig, 4000, 500, 2, UP);
	cr_assert_eq(restart(2, 1000), 0);
	cr_assert(after.distributing[2]);
	rig_pass_hearing(&after, 5000 + LACP_AGGREGATE_WAIT_MS - 100, 450, 2, UP);
	cr_assert_not(after.distributing[1]);
	rig_pass_hearing(&after, 200, 50, 2, UP);
	cr_assert(after.distributing[1]);
}

/* A port in ATTACHED that waits for its partner continues to wait. */
Test(lacp_restore, D1_attached_stays_attached)
{
	rig_open(&rig, &config, 1);
	rig_pass_hearing(&rig, 5000, 500, 1, WILLING);
	cr_assert_eq(restart(1, 100), 0);
	cr_assert_eq(rig_info(&after, 1).mux_state, LACP_MUX_ATTACHED);
	cr_assert_not(after.collecting[1]);
	rig_hear(&after, 1, SYNCED);
	cr_assert(after.distributing[1]);
}

Test(lacp_restore, D2_a_stale_record_is_a_clean_join)
{
	static const struct {
		uint8_t timeout;
		uint64_t gap_ms;
		int result;
	} cases[] = {
		{ LACP_TIMEOUT, LACP_SHORT_TIMEOUT_MS - 1, 0 },
		{ LACP_TIMEOUT, LACP_SHORT_TIMEOUT_MS, -ESTALE },
		{ 0, LACP_LONG_TIMEOUT_MS - 1, 0 },
		{ 0, LACP_LONG_TIMEOUT_MS, -ESTALE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* the partner's timeout applies */
		config.fast = !cases[i].timeout;
		rig_open(&rig, &config, 1);
		rig_join(&rig, 1, cases[i].timeout);
		cr_assert_eq(restart(1, cases[i].gap_ms), cases[i].result, "case %zu", i);
		cr_assert_eq(after.distributing[1], cases[i].result == 0, "case %zu", i);
		if (cases[i].result) {
			cr_assert_eq(rig_info(&after, 1).receive_state, LACP_RX_EXPIRED);
			cr_assert_eq(rig_last(&after, 1).actor.state &
					     (LACP_SYNCHRONIZATION | LACP_COLLECTING |
					      LACP_DISTRIBUTING),
				     0);
			cr_assert_eq(rig_last(&after, 1).partner.port, 0);
			rig_hear(&after, 1, SYNCED);
			rig_pass(&after, LACP_AGGREGATE_WAIT_MS);
			cr_assert(after.distributing[1]);
		}
		rig_done(&rig);
		rig_done(&after);
	}
}

/* Without a partner no timeout applies: in use alone before and after. */
Test(lacp_restore, D1_in_use_alone)
{
	/* the partner is silent, or answers and does not aggregate */
	for (int answers = 0; answers <= 1; answers++) {
		config.fallback = LACP_FALLBACK_INDIVIDUAL;
		rig_open(&rig, &config, 2);
		rig_pass_hearing(&rig, 10000, 500, answers ? 1 : 0,
				 LACP_ACTIVITY | LACP_SYNCHRONIZATION);
		cr_assert(rig.distributing[1] && rig_info(&rig, 1).individual);
		restart(2, answers ? 1000 : 1000000);
		cr_assert(after.distributing[1] && rig_info(&after, 1).individual);
		cr_assert_eq(rig_info(&after, 1).receive_state,
			     answers ? LACP_RX_CURRENT : LACP_RX_DEFAULTED);
		cr_assert_not(after.distributing[2]);
		cr_assert_eq(rig_last(&after, 1).actor.state & LACP_SYNCHRONIZATION,
			     LACP_SYNCHRONIZATION);
		rig_forget(&after);
		rig_pass_hearing(&after, 10000, 500, answers ? 1 : 0,
				 LACP_ACTIVITY | LACP_SYNCHRONIZATION);
		for (size_t i = 0; i < after.n_log; i++)
			cr_assert_neq(after.log[i].kind, LOG_CHANGED);
		/* the first partner with AGG=1 ends it */
		rig_pass_hearing(&after, 5000, 500, 2, UP);
		cr_assert(after.distributing[1] && after.distributing[2] &&
			  !rig_info(&after, 1).individual);
		rig_done(&rig);
		rig_done(&after);
	}
}

Test(lacp_restore, D2_in_use_alone_but_fallback_removed)
{
	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	rig_open(&rig, &config, 1);
	rig_pass(&rig, 10000);
	config.fallback = LACP_FALLBACK_NONE;
	cr_assert_eq(restart(1, 100), -ESTALE);
	cr_assert_not(after.distributing[1]);
	rig_done(&rig);
	rig_done(&after);

	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	rig_open(&rig, &config, 1);
	rig_pass_hearing(&rig, 10000, 500, 1, LACP_ACTIVITY | LACP_SYNCHRONIZATION);
	config.fallback = LACP_FALLBACK_NONE;
	cr_assert_eq(restart(1, 100), 0);
	for (size_t i = 0; i < after.n_log; i++)
		cr_assert_neq(after.log[i].kind, LOG_CHANGED);
}

/*
 * The age of the last LACPDU is correct, and a gap that began before this process is not counted.
 */
Test(lacp_restore, D1_last_lacpdu_and_gaps)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, LACP_TIMEOUT);
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	rig_pass(&rig, 400);
	cr_assert_eq(restart(1, 2300), 0);
	cr_assert_eq(rig_info(&after, 1).last_rx_age_ms, 2700);
	rig_pass(&after, 100);
	rig_hear(&after, 1, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_info(&after, 1).gaps, 0);
	rig_pass(&after, 900);
	rig_hear(&after, 1, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_info(&after, 1).gaps, 1);
	cr_assert_eq(rig_info(&after, 1).gap_max_ms, 900);
	cr_assert_eq(rig_info(&after, 1).findings & 1U << LACP_FIND_JITTER, 0);
}

Test(lacp_restore, D2_link_that_was_lost_meanwhile)
{
	struct lacp_saved saved;

	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	lacp_save(rig.lacp, 1, &saved);
	rig_init(&after, &config);
	rig_add(&after, 1);
	cr_assert_eq(lacp_restore(after.lacp, 1, &saved, 10), 0);
	rig_link(&after, 1, false);
	rig_run(&after);
	rig_link(&after, 1, true);
	rig_run(&after);
	cr_assert_eq(rig_info(&after, 1).receive_state, LACP_RX_EXPIRED);
	cr_assert_not(after.distributing[1]);
}

Test(lacp_restore, D2_record_of_another_identity)
{
	struct lacp_saved good, bad;

	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	lacp_save(rig.lacp, 1, &good);
	rig_init(&after, &config);
	rig_add(&after, 1);
#define REFUSED(error, member, value)                                                \
	do {                                                                         \
		bad = good;                                                          \
		bad.member = (value);                                                \
		cr_assert_eq(lacp_restore(after.lacp, 1, &bad, 10), error, #member); \
	} while (0)
	REFUSED(-EINVAL, version, 0);
	REFUSED(-EINVAL, version, LACP_SAVED_VERSION + 1);
	REFUSED(-EINVAL, actor.key, 2);
	REFUSED(-EINVAL, actor.port, 2);
	REFUSED(-EINVAL, actor.port_priority, 2);
	REFUSED(-EINVAL, actor.system_priority, 2);
	REFUSED(-EINVAL, actor.system[0], 4);
	REFUSED(-ESTALE, actor.state, UP | LACP_EXPIRED);
	REFUSED(-ESTALE, actor.state, LACP_ACTIVITY | LACP_DEFAULTED);
	cr_assert_eq(lacp_restore(after.lacp, 2, &good, 10), -ENOENT);
	cr_assert_eq(lacp_save(after.lacp, 2, &good), -ENOENT);
	rig_link(&after, 1, true);
	rig_run(&after);
	cr_assert_eq(rig_info(&after, 1).receive_state, LACP_RX_EXPIRED, "joins like a new port");
}

/* If the partner changed during the restart, its next LACPDU ends the restored state. */
Test(lacp_restore, D2_partner_changed_during_the_restart)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	cr_assert_eq(restart(1, 100), 0);
	after.partner[1].key = 99;
	rig_hear(&after, 1, WILLING);
	cr_assert_not(after.distributing[1]);
	cr_assert_eq(rig_info(&after, 1).stats.partner_changes, 1);
	cr_assert_eq(rig_last(&after, 1).actor.state & LACP_SYNCHRONIZATION, 0);
}

Test(lacp_restore, configuration_may_change_over_the_restart)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	config.fast = true;
	config.independent = true;
	cr_assert_eq(restart(1, 100), 0);
	cr_assert(after.distributing[1]);
	cr_assert_eq(rig_last(&after, 1).actor.state, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_info(&after, 1).mux_state, LACP_MUX_DISTRIBUTING);
}

/* ---- answering without the daemon ---- */

static bool matches(const struct lacp_saved *saved, const uint8_t *frame)
{
	for (size_t i = 0; i < LACP_MATCH_LEN; i++) {
		if ((frame[i] & saved->mask[i]) != saved->match[i])
			return false;
	}
	return true;
}

Test(lacp_restore, record_matches_the_repetition_of_the_partner)
{
	/*
	 * bytes of the partner's LACPDU that may differ: source, version, reserved, and the bits of
	 * its view that make no reply due
	 */
	static const bool free_byte[LACP_MATCH_LEN] = {
		[6 ... 11] = true,  [15] = true,	[33 ... 35] = true,
		[53 ... 55] = true, [58 ... 63] = true,
	};
	struct lacp_info partner, us;
	struct lacp_saved saved;
	uint8_t frame[LACP_FRAME_LEN];

	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, LACP_TIMEOUT);
	rig_pass(&rig, 1000);
	cr_assert_eq(lacp_save(rig.lacp, 1, &saved), 0);
	cr_assert_eq(saved.version, LACP_SAVED_VERSION);
	cr_assert_eq(saved.flags, LACP_SAVED_SELECTED | LACP_SAVED_HEALTHY);
	cr_assert_eq(saved.actor.port, 1);
	cr_assert_eq(saved.partner.key, 7);

	partner = rig.partner[1];
	partner.state = UP | LACP_TIMEOUT;
	us = rig_info(&rig, 1).actor;
	lacp_frame_build(frame, switch_b, &partner, &us);
	cr_assert(matches(&saved, frame));
	for (size_t i = 0; i < LACP_MATCH_LEN; i++) {
		for (int bit = 0; bit < 8; bit++) {
			bool allowed = free_byte[i] || (i == 52 && bit >= 4);

			frame[i] ^= (uint8_t)(1 << bit);
			cr_assert_eq(matches(&saved, frame), allowed, "byte %zu bit %d", i, bit);
			frame[i] ^= (uint8_t)(1 << bit);
		}
	}

	/* the answer equals the next LACPDU of the daemon */
	rig_forget(&rig);
	rig_pass(&rig, LACP_FAST_PERIODIC_MS);
	for (size_t i = 0; i < rig.n_log; i++) {
		if (rig.log[i].kind == LOG_SENT)
			cr_assert_eq(memcmp(rig.log[i].frame, saved.pdu, LACP_FRAME_LEN), 0);
	}
	cr_assert_geq(rig_sent(&rig, 1), 1);
}

static bool healthy(uint16_t port)
{
	struct lacp_saved saved;

	cr_assert_eq(lacp_save(rig.lacp, port, &saved), 0);
	return saved.flags & LACP_SAVED_HEALTHY;
}

Test(lacp_restore, only_a_healthy_port_may_be_answered_for)
{
	struct lacp_saved saved;

	rig_open(&rig, &config, 1);
	cr_assert_not(healthy(1));
	rig_run(&rig);
	rig_hear(&rig, 1, SYNCED);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	cr_assert(rig.distributing[1]);
	cr_assert_not(healthy(1), "the partner does not distribute yet");
	rig_hear(&rig, 1, UP);
	cr_assert(healthy(1));
	rig_hear(&rig, 1, UP | LACP_EXPIRED);
	cr_assert_not(healthy(1));
	rig_hear(&rig, 1, UP);
	lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
	cr_assert_not(healthy(1), "draining has begun");
	rig_run(&rig);
	cr_assert_eq(lacp_save(rig.lacp, 1, &saved), 0);
	cr_assert_eq(saved.flags, 0, "not resumed as a member");
	rig_done(&rig);

	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	rig_open(&rig, &config, 1);
	rig_pass(&rig, 10000);
	cr_assert(rig.distributing[1]);
	cr_assert_not(healthy(1), "no partner");
}

Test(lacp_restore, passive_on_both_sides_is_not_kept_alive)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_hear(&rig, 1, UP & ~LACP_ACTIVITY);
	cr_assert(healthy(1), "the actor is active");
	config.active = false;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_run(&rig);
	cr_assert_not(healthy(1), "the partner's next LACPDU would end it (6.4.9 recordPDU)");
}

Test(lacp_restore, answered_by_the_data_plane)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, LACP_TIMEOUT);
	rig.now_ms += 60000; /* the process was stopped */
	cr_assert_eq(lacp_port_heard(rig.lacp, 1, rig.now_ms - 700), 0);
	rig_run(&rig);
	cr_assert(rig.distributing[1]);
	cr_assert_eq(rig_info(&rig, 1).stats.answered, 1);
	cr_assert_eq(rig_info(&rig, 1).last_rx_age_ms, 700);
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS - 701);
	cr_assert(rig.distributing[1]);
	rig_pass(&rig, 1);
	cr_assert_not(rig.distributing[1]);
	lacp_port_heard(rig.lacp, 1, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_EXPIRED, "too late");
	cr_assert_eq(lacp_port_heard(rig.lacp, 2, rig.now_ms), -ENOENT);
	rig_init(&after, &config);
}
