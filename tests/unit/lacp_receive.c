// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Receive machine: conformance cases R and M. */
#include <criterion/criterion.h>

#include "lacp_rig.h"

RIG_SUITE(lacp_receive);

Test(lacp_receive, R1_enabled_is_expired_and_transmits_every_second)
{
	rig_open(&rig, &config, 1);
	cr_assert_eq(lacp_next_wakeup(rig.lacp), 0);
	rig_run(&rig);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_EXPIRED);
	cr_assert_eq(rig_sent(&rig, 1), 1, "transmits at once");
	cr_assert_eq(rig_last(&rig, 1).actor.state,
		     LACP_ACTIVITY | LACP_AGGREGATION | LACP_DEFAULTED | LACP_EXPIRED);
	cr_assert_eq(rig_last(&rig, 1).partner.state, LACP_TIMEOUT);
	rig_pass(&rig, 2 * LACP_FAST_PERIODIC_MS);
	cr_assert_eq(rig_sent(&rig, 1), 3);
}

Test(lacp_receive, R2_silence_is_defaulted_and_transmits_every_second)
{
	rig_open(&rig, &config, 1);
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS - 1);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_EXPIRED);
	rig_pass(&rig, 1);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_DEFAULTED);
	cr_assert_eq(rig_info(&rig, 1).actor.state,
		     LACP_ACTIVITY | LACP_AGGREGATION | LACP_DEFAULTED);
	rig_forget(&rig);
	rig_pass(&rig, 10 * LACP_FAST_PERIODIC_MS);
	cr_assert_eq(rig_sent(&rig, 1), 10,
		     "so that a repaired link recovers within three seconds");
	cr_assert_eq(rig_last(&rig, 1).actor.state,
		     LACP_ACTIVITY | LACP_AGGREGATION | LACP_DEFAULTED);
}

Test(lacp_receive, R3_lacpdu_is_current_from_each_state)
{
	static const uint64_t silence_ms[] = { 0, LACP_SHORT_TIMEOUT_MS + 10,
					       LACP_SHORT_TIMEOUT_MS + LACP_LONG_TIMEOUT_MS };

	rig_open(&rig, &config, 1);
	for (size_t i = 0; i < ARRAY_SIZE(silence_ms); i++) {
		rig_pass(&rig, silence_ms[i]);
		cr_assert_neq(rig_info(&rig, 1).receive_state, LACP_RX_CURRENT);
		rig_hear(&rig, 1, SYNCED);
		cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_CURRENT);
		cr_assert_eq(rig_info(&rig, 1).actor.state & (LACP_DEFAULTED | LACP_EXPIRED), 0);
		cr_assert_eq(rig_info(&rig, 1).partner.key, 7);
		rig_link(&rig, 1, false);
		rig_link(&rig, 1, true);
	}
}

Test(lacp_receive, R4_R5_expiry_counts_from_the_last_lacpdu)
{
	static const uint64_t timeout_ms[] = { LACP_LONG_TIMEOUT_MS, LACP_SHORT_TIMEOUT_MS };

	for (int fast = 0; fast <= 1; fast++) {
		config.fast = fast;
		rig_open(&rig, &config, 1);
		rig_join(&rig, 1, 0);
		rig_pass(&rig, timeout_ms[fast] - 1);
		cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_CURRENT);
		rig_hear(&rig, 1, UP);
		rig_pass(&rig, timeout_ms[fast] - 1);
		cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_CURRENT,
			     "an LACPDU re-arms the timer");
		cr_assert(rig.distributing[1]);
		rig_pass(&rig, 1);
		cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_EXPIRED);
		rig_pass(&rig, LACP_SHORT_TIMEOUT_MS);
		cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_DEFAULTED);
		rig_done(&rig);
	}
}

Test(lacp_receive, R6_expired_stops_the_data_plane_before_the_lacpdu)
{
	size_t changed = 0, sent = 0;

	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_pass(&rig, LACP_LONG_TIMEOUT_MS - 1);
	rig_forget(&rig);
	rig_pass(&rig, 1);
	cr_assert_not(rig.collecting[1] || rig.distributing[1]);
	cr_assert_eq(rig_info(&rig, 1).partner.state & (LACP_SYNCHRONIZATION | LACP_TIMEOUT),
		     LACP_TIMEOUT);
	for (size_t i = 0; i < rig.n_log; i++) {
		changed = rig.log[i].kind == LOG_CHANGED ? i : changed;
		sent = rig.log[i].kind == LOG_SENT ? i : sent;
	}
	cr_assert_lt(changed, sent, "the data plane changes first");
	cr_assert_eq(rig_last(&rig, 1).actor.state &
			     (LACP_COLLECTING | LACP_DISTRIBUTING | LACP_EXPIRED),
		     LACP_EXPIRED);
}

Test(lacp_receive, R6_a_late_partner_recovers_at_once)
{
	config.fast = true;
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, LACP_TIMEOUT);
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS + 500);
	cr_assert_not(rig.distributing[1] || rig.distributing[2]);
	cr_assert_eq(rig_info(&rig, 1).selected, LACP_SELECTED, "stays selected until DEFAULTED");
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	rig_hear(&rig, 2, UP | LACP_TIMEOUT);
	cr_assert(rig.distributing[1] && rig.distributing[2]);
}

Test(lacp_receive, R7_a_returning_link_has_no_stale_state)
{
	/* with and without a lacp_run() while it is down */
	for (int between = 0; between <= 1; between++) {
		rig_open(&rig, &config, 2);
		rig_join(&rig, 2, 0);
		rig_link(&rig, 1, false);
		if (between)
			rig_pass(&rig, 5);
		rig_link(&rig, 1, true);
		rig_run(&rig);
		cr_assert_eq(rig_last(&rig, 1).actor.state &
				     (LACP_SYNCHRONIZATION | LACP_COLLECTING | LACP_DISTRIBUTING),
			     0);
		cr_assert_eq(rig_last(&rig, 1).partner.state & LACP_SYNCHRONIZATION, 0);
		cr_assert_not(rig.collecting[1] || rig.distributing[1]);
		cr_assert(rig.distributing[2], "no effect on the other member");
		cr_assert_eq(rig_sent(&rig, 2), 0);
		rig_pass(&rig, LACP_AGGREGATE_WAIT_MS + 1);
		cr_assert_eq(rig_info(&rig, 1).actor.state & LACP_SYNCHRONIZATION, 0,
			     "no SYNC before the first LACPDU of the partner");
		rig_done(&rig);
	}
}

Test(lacp_receive, R8_nothing_is_processed_while_the_link_is_down)
{
	struct lacp_info actor = { .port = 5, .state = SYNCED }, partner = { 0 };
	uint8_t frame[LACP_FRAME_LEN];

	rig_init(&rig, &config);
	rig_add(&rig, 1);
	rig_run(&rig);
	lacp_frame_build(frame, switch_a, &actor, &partner);
	cr_assert_eq(rig_receive(&rig, 1, frame, sizeof(frame)), -ENETDOWN);
	cr_assert_eq(rig_receive(&rig, 2, frame, sizeof(frame)), -ENOENT);
	rig_pass(&rig, 200000);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_PORT_DISABLED);
	cr_assert_eq(rig_info(&rig, 1).stats.link_down_rx, 1);
	cr_assert_eq(rig_info(&rig, 1).stats.lacpdu_rx, 0);
	cr_assert_eq(rig_sent(&rig, 1), 0);
	cr_assert_eq(lacp_next_wakeup(rig.lacp), LACP_NEVER);
}

Test(lacp_receive, R9_own_system_id_is_never_selected)
{
	config.fallback = LACP_FALLBACK_INDIVIDUAL;
	rig_open(&rig, &config, 1);
	memcpy(rig.partner[1].system, rig_system, 6);
	rig_pass_hearing(&rig, 20000, 1000, 1, SYNCED);
	cr_assert(rig_info(&rig, 1).loopback);
	cr_assert_eq(rig_info(&rig, 1).selected, LACP_UNSELECTED);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_DETACHED);
	cr_assert_eq(rig_info(&rig, 1).stats.loopback_rx, 20);
	cr_assert(strstr(rig_why(&rig, 1), "the own system id"));
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_FINDING), 1, "reported once");

	memcpy(rig.partner[1].system, switch_a, 6);
	rig_hear(&rig, 1, SYNCED);
	cr_assert_not(rig_info(&rig, 1).loopback);
	cr_assert_eq(rig_info(&rig, 1).selected, LACP_SELECTED);
	cr_assert_str_eq(rig_event(&rig, 1, LACP_EVENT_CLEARED)->text, "loopback");
}

Test(lacp_receive, R10_partner_port_that_moved)
{
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, 0);
	rig_link(&rig, 1, false);
	rig_run(&rig);
	cr_assert_eq(rig_info(&rig, 1).partner.port, 1, "PORT_DISABLED remembers the partner");
	rig.partner[2] = rig.partner[1];
	rig_hear(&rig, 2, UP);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_PORT_DISABLED);
	cr_assert_eq(rig_info(&rig, 1).partner.port, 0, "forgotten");
	cr_assert_eq(rig_info(&rig, 1).selected, LACP_UNSELECTED);
	cr_assert_eq(rig_info(&rig, 2).partner.port, 1);
}

Test(lacp_receive, R10_partner_port_that_moved_from_a_silent_port)
{
	config.fast = true;
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, LACP_TIMEOUT);
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS / 2);
	rig_hear(&rig, 2, UP | LACP_TIMEOUT);
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS / 2);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_EXPIRED);
	cr_assert_eq(rig_info(&rig, 1).selected, LACP_SELECTED);
	rig.partner[2] = rig.partner[1];
	rig_hear(&rig, 2, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_EXPIRED);
	cr_assert_eq(rig_info(&rig, 1).partner.port, 0);
	cr_assert_eq(rig_info(&rig, 1).selected, LACP_UNSELECTED);
}

Test(lacp_receive, half_duplex_has_no_lacp)
{
	rig_init(&rig, &config);
	rig_add(&rig, 1);
	lacp_port_set_link(rig.lacp, 1, true, 100, false, rig.now_ms);
	rig_pass(&rig, 10000);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_LACP_DISABLED);
	cr_assert_eq(rig_sent(&rig, 1), 0);
	cr_assert(strstr(rig_why(&rig, 1), "half duplex"));
	rig_hear(&rig, 1, SYNCED);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_LACP_DISABLED);

	lacp_port_set_link(rig.lacp, 1, true, 1000, true, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_EXPIRED);
	lacp_port_set_link(rig.lacp, 1, true, 0, false, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_EXPIRED,
		     "neither speed nor duplex known: a virtual NIC");
}

/* ---- M: the partner's view of the actor ---- */

#define FIELD(member, change)                                       \
	{                                                           \
#member, offsetof(struct lacp_info, member), change \
	}

static const struct {
	const char *name;
	size_t offset;
	uint8_t change; /* XORed into the field's first byte */
} view_fields[] = {
	FIELD(port, 1), FIELD(port_priority, 1),	FIELD(system, 1), FIELD(system_priority, 1),
	FIELD(key, 1),	FIELD(state, LACP_AGGREGATION),
};

Test(lacp_receive, M1_wrong_view_of_the_actor_is_no_sync)
{
	for (size_t i = 0; i < ARRAY_SIZE(view_fields); i++) {
		struct lacp_info view;

		rig_open(&rig, &config, 1);
		rig_join(&rig, 1, 0);
		view = rig_info(&rig, 1).actor;
		((uint8_t *)&view)[view_fields[i].offset] ^= view_fields[i].change;
		rig_hear_view(&rig, 1, UP, &view);
		cr_assert_eq(rig_info(&rig, 1).partner.state & LACP_SYNCHRONIZATION, 0, "%s",
			     view_fields[i].name);
		cr_assert_not(rig.collecting[1] || rig.distributing[1], "%s", view_fields[i].name);
		cr_assert_eq(rig_sent(&rig, 1), 1, "%s: the partner is told", view_fields[i].name);
		cr_assert_eq(rig_info(&rig, 1).selected, LACP_SELECTED, "%s", view_fields[i].name);
		cr_assert(strstr(rig_why(&rig, 1), "describes another actor"), "%s: %s",
			  view_fields[i].name, rig_why(&rig, 1));
		rig_hear(&rig, 1, UP);
		cr_assert(rig.distributing[1], "%s: back at once", view_fields[i].name);
		rig_done(&rig);
	}
}

Test(lacp_receive, M1_lacp_needs_an_active_side)
{
	struct lacp_info view;

	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_hear(&rig, 1, UP & ~LACP_ACTIVITY);
	cr_assert(rig.distributing[1], "the actor is active in the partner's view");
	view = rig_info(&rig, 1).actor;
	view.state &= ~LACP_ACTIVITY;
	rig_hear_view(&rig, 1, UP & ~LACP_ACTIVITY, &view);
	cr_assert_not(rig.distributing[1], "no side is active in the partner's view");
}

Test(lacp_receive, M2_individual_partner_is_not_joined)
{
	rig_open(&rig, &config, 2);
	rig_hear(&rig, 1, SYNCED);
	rig_hear(&rig, 2, SYNCED & ~LACP_AGGREGATION);
	rig_pass_hearing(&rig, 5000, 1000, 1, UP);
	rig_hear(&rig, 2, UP & ~LACP_AGGREGATION);
	cr_assert(rig.distributing[1]);
	cr_assert_eq(rig_info(&rig, 2).selected, LACP_UNSELECTED);
	cr_assert_eq(rig_info(&rig, 2).actor.state & LACP_AGGREGATION, LACP_AGGREGATION,
		     "AGG is always sent");
	cr_assert(strstr(rig_why(&rig, 2), "AGG=0"));
}

static const struct {
	const char *name;
	size_t offset;
	uint8_t change;
	/* clang-format off */
} partner_fields[] = {
	{ "system", offsetof(struct lacp_info, system) + 3, 1 },
	{ "system priority", offsetof(struct lacp_info, system_priority), 1 },
	{ "key", offsetof(struct lacp_info, key), 1 },
	{ "port", offsetof(struct lacp_info, port), 4 },
	{ "port priority", offsetof(struct lacp_info, port_priority), 1 },
};
/* clang-format on */

Test(lacp_receive, M3_another_partner_detaches_and_rejoins_after_the_wait)
{
	for (size_t i = 0; i < ARRAY_SIZE(partner_fields); i++) {
		rig_open(&rig, &config, 1);
		rig_join(&rig, 1, 0);
		((uint8_t *)&rig.partner[1])[partner_fields[i].offset] ^= partner_fields[i].change;
		rig_hear(&rig, 1, UP);
		cr_assert_not(rig.collecting[1] || rig.distributing[1], "%s",
			      partner_fields[i].name);
		cr_assert_eq(rig_last(&rig, 1).actor.state & LACP_SYNCHRONIZATION, 0, "%s",
			     partner_fields[i].name);
		cr_assert_eq(rig_info(&rig, 1).stats.partner_changes, 1, "%s",
			     partner_fields[i].name);
		cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_WAITING, "%s",
			     partner_fields[i].name);
		rig_pass(&rig, LACP_AGGREGATE_WAIT_MS - 1);
		cr_assert_not(rig.distributing[1], "%s: too early", partner_fields[i].name);
		rig_pass(&rig, 1);
		cr_assert(rig.distributing[1], "%s: not back", partner_fields[i].name);
		rig_done(&rig);
	}
}

Test(lacp_receive, M3_change_of_one_member_has_no_effect_on_others)
{
	rig_open(&rig, &config, 3);
	rig_join(&rig, 3, 0);
	rig.partner[2].key = 8;
	rig_hear(&rig, 2, UP);
	rig_pass(&rig, 10000);
	cr_assert_not(rig.distributing[2]);
	cr_assert(rig.distributing[1] && rig.distributing[3]);
	cr_assert_eq(rig_sent(&rig, 1) + rig_sent(&rig, 3), 0);
	rig.partner[2].key = 7;
	rig_hear(&rig, 2, UP);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	cr_assert(rig.distributing[2]);
}

Test(lacp_receive, partner_that_returns_unchanged_is_no_change)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_pass(&rig, 10000);
	cr_assert_eq(rig_info(&rig, 1).receive_state, LACP_RX_DEFAULTED);
	rig_hear(&rig, 1, UP);
	cr_assert_eq(rig_info(&rig, 1).stats.partner_changes, 0);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_PARTNER), 0);
}

Test(lacp_receive, lacpdus_are_summarised_when_their_state_changes)
{
	rig_open(&rig, &config, 1);
	for (int i = 0; i < 3; i++)
		rig_hear(&rig, 1, UP);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_LACPDU), 1);
	rig_forget(&rig);
	rig_hear(&rig, 1, UP & (uint8_t)~LACP_DISTRIBUTING);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_LACPDU), 1);
	cr_assert(strstr(rig_event(&rig, 1, LACP_EVENT_LACPDU)->text, "CD-- -> A"), "%s",
		  rig_event(&rig, 1, LACP_EVENT_LACPDU)->text);
}

Test(lacp_receive, gaps_between_lacpdus)
{
	rig_open(&rig, &config, 1);
	rig_hear(&rig, 1, SYNCED);
	cr_assert_eq(rig_info(&rig, 1).gaps, 0);
	rig_pass(&rig, 1000);
	rig_hear(&rig, 1, SYNCED);
	rig_pass(&rig, 500);
	rig_hear(&rig, 1, SYNCED);
	rig_pass(&rig, 3000);
	rig_hear(&rig, 1, SYNCED);
	rig_pass(&rig, 40);
	cr_assert_eq(rig_info(&rig, 1).gaps, 3);
	cr_assert_eq(rig_info(&rig, 1).gap_min_ms, 500);
	cr_assert_eq(rig_info(&rig, 1).gap_avg_ms, 1500);
	cr_assert_eq(rig_info(&rig, 1).gap_max_ms, 3000);
	cr_assert_eq(rig_info(&rig, 1).last_rx_age_ms, 40);
}

Test(lacp_receive, gaps_restart_with_the_link)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_hear(&rig, 1, SYNCED | LACP_TIMEOUT);
	rig_pass(&rig, 2800);
	rig_hear(&rig, 1, SYNCED | LACP_TIMEOUT);
	cr_assert_eq(rig_info(&rig, 1).findings, 1U << LACP_FIND_JITTER);
	rig_link(&rig, 1, false);
	rig_run(&rig);
	rig_pass(&rig, 20000);
	rig_link(&rig, 1, true);
	rig_hear(&rig, 1, SYNCED | LACP_TIMEOUT);
	cr_assert_eq(rig_info(&rig, 1).findings, 0);
	cr_assert_eq(rig_info(&rig, 1).gaps, 0);
	cr_assert_eq(rig_info(&rig, 1).gap_max_ms, 0);
}
