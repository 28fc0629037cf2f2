// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Mux machine and churn detection: conformance cases X and C; drain. */
#include <criterion/criterion.h>

#include "lacp_rig.h"

RIG_SUITE(lacp_mux);

/*
 * The log of one port in short form: data plane changes as "c-", "cd", "--", LACPDUs as their mux
 * bits in capitals.
 */
static const char *story(uint16_t port)
{
	static char text[256];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < rig.n_log && at < sizeof(text) - 8; i++) {
		const struct log_entry *entry = &rig.log[i];

		if (entry->port != port || entry->kind == LOG_EVENT)
			continue;
		if (entry->kind == LOG_CHANGED) {
			at += (size_t)sprintf(text + at, "%s%c%c", at ? " " : "",
					      entry->collecting ? 'c' : '-',
					      entry->distributing ? 'd' : '-');
		} else {
			uint8_t state = entry->frame[LACP_OFF_ACTOR + LACP_OFF_INFO_STATE];

			at += (size_t)sprintf(text + at, "%s%c%c%c", at ? " " : "",
					      state & LACP_SYNCHRONIZATION ? 'S' : '-',
					      state & LACP_COLLECTING ? 'C' : '-',
					      state & LACP_DISTRIBUTING ? 'D' : '-');
		}
	}
	return text;
}

#define EXPECT_STORY(port, want) \
	cr_assert_str_eq(story(port), want, "port %u: %s", (unsigned int)(port), story(port))

Test(lacp_mux, X1_waiting_lasts_two_seconds)
{
	rig_open(&rig, &config, 1);
	rig_hear(&rig, 1, SYNCED);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_WAITING);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS - 1);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_WAITING);
	cr_assert(strstr(rig_why(&rig, 1), "waiting 1 s more"));
	rig_pass(&rig, 1);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_COLLECTING_DISTRIBUTING);
}

Test(lacp_mux, X1_ports_of_one_aggregator_join_at_the_same_time)
{
	rig_open(&rig, &config, 3);
	rig_hear(&rig, 1, SYNCED);
	rig_pass(&rig, 1500);
	rig_hear(&rig, 2, SYNCED);
	rig_pass(&rig, 1999);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_WAITING,
		     "waits for port 2, which is in WAITING");
	rig_pass(&rig, 1);
	cr_assert(rig.distributing[1] && rig.distributing[2]);
	rig_forget(&rig);
	rig_hear(&rig, 3, SYNCED);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	cr_assert(rig.distributing[3]);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_MUX) + rig_events(&rig, 2, LACP_EVENT_MUX), 0,
		     "a late port has no effect on others");
}

/* A port that enters WAITING repeatedly does not exclude the others indefinitely. */
Test(lacp_mux, X1_a_flapping_port_delays_the_others_once_at_most)
{
	rig_open(&rig, &config, 2);
	rig_hear(&rig, 1, SYNCED);
	for (unsigned int at_ms = 500; !rig.distributing[1]; at_ms += 1500) {
		cr_assert_leq(at_ms, 2 * LACP_AGGREGATE_WAIT_MS, "still waiting");
		rig_pass(&rig, at_ms == 500 ? 500 : 1500);
		rig_link(&rig, 2, false);
		rig_link(&rig, 2, true);
		rig_hear(&rig, 2, SYNCED);
	}
	cr_assert_eq(rig_info(&rig, 2).mux_state, LACP_MUX_WAITING);
}

Test(lacp_mux, X2_coupled_order)
{
	rig_open(&rig, &config, 1);
	rig_hear(&rig, 1, WILLING);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS + 500);
	rig_forget(&rig);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_ATTACHED);
	cr_assert(strstr(rig_why(&rig, 1), "SYNC=0"));
	rig_hear(&rig, 1, SYNCED);
	EXPECT_STORY(1, "cd SCD");
	rig_hear(&rig, 1, UP);
	EXPECT_STORY(1, "cd SCD");
}

Test(lacp_mux, X2_independent_order)
{
	config.independent = true;
	rig_open(&rig, &config, 1);
	rig_hear(&rig, 1, WILLING);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS + 1500);
	rig_forget(&rig);
	rig_hear(&rig, 1, SYNCED);
	EXPECT_STORY(1, "c- SC-");
	cr_assert(strstr(rig_why(&rig, 1), "does not collect"));
	rig_pass(&rig, 1500);
	rig_hear(&rig, 1, SYNCED | LACP_COLLECTING);
	EXPECT_STORY(1, "c- SC- cd SCD");
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_DISTRIBUTING);
}

Test(lacp_mux, X3_partner_drops_sync)
{
	static const char *const stories[] = { "-- S--", "c- -- S--" };

	for (int independent = 0; independent <= 1; independent++) {
		config.independent = independent;
		rig_open(&rig, &config, 2);
		rig_join(&rig, 2, 0);
		rig_hear(&rig, 1, UP & ~LACP_SYNCHRONIZATION);
		EXPECT_STORY(1, stories[independent]);
		EXPECT_STORY(2, "");
		rig_pass(&rig, 5000);
		rig_forget(&rig);
		rig_hear(&rig, 1, UP);
		cr_assert(rig.distributing[1], "joins at once, without wait_while");
		rig_done(&rig);
	}
}

Test(lacp_mux, X4_partner_drops_collecting)
{
	config.independent = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_hear(&rig, 1, SYNCED);
	EXPECT_STORY(1, "c- SC-");
	rig_done(&rig);

	config.independent = false;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_hear(&rig, 1, SYNCED);
	EXPECT_STORY(1, "");
}

Test(lacp_mux, mode_changes_while_in_use)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	config.independent = true;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_DISTRIBUTING);
	config.independent = false;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_COLLECTING_DISTRIBUTING);
	cr_assert(rig.distributing[1]);
	for (size_t i = 0; i < rig.n_log; i++)
		cr_assert_neq(rig.log[i].kind, LOG_CHANGED);
}

Test(lacp_mux, drain_stops_sending_then_collecting)
{
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, 0);
	lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
	rig_run(&rig);
	EXPECT_STORY(1, "c- -C-");
	cr_assert(strstr(rig_why(&rig, 1), "being drained"));
	rig_pass(&rig, LACP_DRAIN_MS / 2);
	cr_assert(rig.collecting[1], "frames in flight are still accepted");
	/* the partner has stopped distributing */
	rig_hear(&rig, 1, WILLING | LACP_SYNCHRONIZATION);
	EXPECT_STORY(1, "c- -C- -- ---");
	cr_assert_str_eq(rig_why(&rig, 1), "drained by the operator");
	rig_pass(&rig, LACP_CHURN_DETECTION_MS + 10000);
	cr_assert_not(rig.collecting[1]);
	cr_assert_eq(rig_info(&rig, 1).actor_churn, LACP_CHURN_MONITOR,
		     "a drained port is not churned");
	cr_assert_eq(rig_sent(&rig, 2), 2, "only periodic LACPDUs on the other member");
	cr_assert(rig.distributing[2]);

	rig_hear(&rig, 1, SYNCED);
	lacp_port_set_drained(rig.lacp, 1, false, rig.now_ms);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	cr_assert(rig.distributing[1]);
}

Test(lacp_mux, drain_ends_without_a_reaction_of_the_partner)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
	rig_pass(&rig, LACP_DRAIN_MS - 1);
	cr_assert(rig.collecting[1]);
	rig_pass(&rig, 1);
	cr_assert_not(rig.collecting[1]);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_DETACHED);
}

Test(lacp_mux, undrained_while_draining_goes_through_detached)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	lacp_port_set_drained(rig.lacp, 1, true, rig.now_ms);
	rig_run(&rig);
	lacp_port_set_drained(rig.lacp, 1, false, rig.now_ms);
	rig_hear(&rig, 1, WILLING);
	rig_hear(&rig, 1, SYNCED);
	cr_assert_eq(rig_info(&rig, 1).mux_state, LACP_MUX_WAITING);
	rig_pass(&rig, LACP_AGGREGATE_WAIT_MS);
	cr_assert(rig.distributing[1]);
}

Test(lacp_mux, remove_stops_the_data_plane_before_the_lacpdu)
{
	rig_open(&rig, &config, 2);
	rig_join(&rig, 2, 0);
	cr_assert_eq(lacp_port_remove(rig.lacp, 1, rig.now_ms), 0);
	EXPECT_STORY(1, "-- ---");
	cr_assert_eq(lacp_port_remove(rig.lacp, 1, rig.now_ms), -ENOENT);
	rig_pass(&rig, 10000);
	EXPECT_STORY(2, "");
	cr_assert(rig.distributing[2]);
}

Test(lacp_mux, sync_transitions_are_counted)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	cr_assert_eq(rig_info(&rig, 1).stats.actor_sync_transitions, 1);
	cr_assert_eq(rig_info(&rig, 1).stats.partner_sync_transitions, 1);
	rig_hear(&rig, 1, WILLING);
	rig_hear(&rig, 1, SYNCED);
	cr_assert_eq(rig_info(&rig, 1).stats.actor_sync_transitions, 1);
	cr_assert_eq(rig_info(&rig, 1).stats.partner_sync_transitions, 2);
}

/* ---- C ---- */

Test(lacp_mux, C1_partner_without_sync_for_a_minute)
{
	rig_open(&rig, &config, 1);
	rig_run(&rig);
	rig_pass_hearing(&rig, LACP_CHURN_DETECTION_MS - 1, 1000, 1, WILLING);
	cr_assert_eq(rig_info(&rig, 1).partner_churn, LACP_CHURN_MONITOR);
	cr_assert_eq(rig_info(&rig, 1).actor_churn, LACP_NO_CHURN);
	rig_pass(&rig, 1);
	cr_assert_eq(rig_info(&rig, 1).partner_churn, LACP_CHURN);
	cr_assert_eq(rig_info(&rig, 1).stats.partner_churn_count, 1);
	cr_assert_eq(rig_info(&rig, 1).stats.actor_churn_count, 0);
	cr_assert(strstr(rig_why(&rig, 1), "partner churned"));
	rig_hear(&rig, 1, SYNCED);
	cr_assert_eq(rig_info(&rig, 1).partner_churn, LACP_NO_CHURN);
	rig_hear(&rig, 1, WILLING);
	cr_assert_eq(rig_info(&rig, 1).partner_churn, LACP_CHURN_MONITOR);
	rig_pass(&rig, LACP_CHURN_DETECTION_MS - 1);
	cr_assert_eq(rig_info(&rig, 1).partner_churn, LACP_CHURN_MONITOR, "another full minute");
	rig_pass(&rig, 1);
	cr_assert_eq(rig_info(&rig, 1).stats.partner_churn_count, 2);
}

Test(lacp_mux, C1_actor_without_sync_for_a_minute)
{
	rig_open(&rig, &config, 2);
	rig_join(&rig, 1, 0);
	/* never selected, as port 1 has another partner */
	memcpy(rig.partner[2].system, switch_b, 6);
	rig_pass_hearing(&rig, LACP_CHURN_DETECTION_MS, 1000, 2, UP);
	cr_assert_eq(rig_info(&rig, 2).actor_churn, LACP_CHURN);
	cr_assert_eq(rig_info(&rig, 2).partner_churn, LACP_NO_CHURN);
	cr_assert_eq(rig_info(&rig, 2).stats.actor_churn_count, 1);
	cr_assert_eq(rig_info(&rig, 1).actor_churn, LACP_NO_CHURN);
	rig_link(&rig, 2, false);
	rig_run(&rig);
	cr_assert_eq(rig_info(&rig, 2).actor_churn, LACP_CHURN_MONITOR, "restarts with the link");
}
