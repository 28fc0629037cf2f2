// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings and explanations. A finding is reported once, and once more when it ends. */
#include <criterion/criterion.h>

#include "lacp_rig.h"

RIG_SUITE(lacp_finding);

#define EXPECT_WHY(port, text)                                                            \
	cr_assert(strstr(rig_why(&rig, port), text), "port %u: %s", (unsigned int)(port), \
		  rig_why(&rig, port))

static void expect_reported(uint16_t port, enum lacp_finding finding, const char *text)
{
	cr_assert_eq(rig_events(&rig, port, LACP_EVENT_FINDING), 1, "%zu findings",
		     rig_events(&rig, port, LACP_EVENT_FINDING));
	cr_assert(strstr(rig_event(&rig, port, LACP_EVENT_FINDING)->text, text), "%s",
		  rig_event(&rig, port, LACP_EVENT_FINDING)->text);
	cr_assert_eq(rig_info(&rig, port).findings, 1U << finding);
}

static void expect_cleared(uint16_t port, enum lacp_finding finding)
{
	cr_assert_eq(rig_events(&rig, port, LACP_EVENT_CLEARED), 1);
	cr_assert_str_eq(rig_event(&rig, port, LACP_EVENT_CLEARED)->text,
			 lacp_name(LACP_NAMES_FINDING, finding));
	cr_assert_eq(rig_info(&rig, port).findings, 0);
}

Test(lacp_finding, no_lacpdu_at_all)
{
	rig_open(&rig, &config, 1);
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS + LACP_SETTLE_MS - 1);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_FINDING), 0);
	rig_pass(&rig, 600000);
	expect_reported(
		1, LACP_FIND_NO_PDU,
		"no LACPDU since the link came up 6 s ago: the switch port has no LACP, or a static channel");
	EXPECT_WHY(1, "no LACPDU since the link came up 606 s ago");
	rig_hear(&rig, 1, SYNCED);
	expect_cleared(1, LACP_FIND_NO_PDU);
}

Test(lacp_finding, passive_without_an_active_partner)
{
	config.active = false;
	rig_open(&rig, &config, 1);
	rig_pass(&rig, 60000);
	expect_reported(1, LACP_FIND_PASSIVE, "no side is active");
	EXPECT_WHY(1, "this side is passive");
	config.active = true;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_run(&rig);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_CLEARED), 1);
}

Test(lacp_finding, timeout_mismatch)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_pass_hearing(&rig, 10000, 500, 1, UP);
	expect_reported(1, LACP_FIND_TIMEOUT, "detected here after 3 s, there after 90 s");
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	expect_cleared(1, LACP_FIND_TIMEOUT);
}

Test(lacp_finding, late_lacpdus)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, LACP_TIMEOUT);
	rig_pass_hearing(&rig, 10000, 1000, 1, UP | LACP_TIMEOUT);
	rig_pass(&rig, 1400);
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_FINDING), 0, "2.4 s are tolerable");
	rig_pass(&rig, 2600);
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	expect_reported(1, LACP_FIND_JITTER,
			"up to 2600 ms between LACPDUs, the partner expires after 3000 ms");
	rig_pass_hearing(&rig, 9000, 1000, 1, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_CLEARED), 0);
	rig_pass_hearing(&rig, 3000, 1000, 1, UP | LACP_TIMEOUT);
	expect_cleared(1, LACP_FIND_JITTER);
}

/* A partner like RTLPlayground: an interval of 3.2 s with a timeout of 3 s. */
Test(lacp_finding, late_lacpdus_of_a_port_that_flaps)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, LACP_TIMEOUT);
	for (int i = 0; i < 20; i++) {
		rig_pass(&rig, 3200);
		rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	}
	cr_assert(rig_info(&rig, 1).findings & 1 << LACP_FIND_JITTER);
}

/*
 * SIGSTOP: LACPDUs wait in the socket, and uplink_xdp has answered others. None of them counts as
 * late.
 */
Test(lacp_finding, a_stopped_process_does_not_make_lacpdus_late)
{
	uint64_t longest_ms;

	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, LACP_TIMEOUT);
	rig_pass_hearing(&rig, 10000, 1000, 1, UP | LACP_TIMEOUT);
	longest_ms = rig_info(&rig, 1).gap_max_ms;
	rig.now_ms += 12850;
	for (int i = 0; i < 3; i++)
		rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	rig.now_ms += 12850;
	cr_assert_eq(lacp_port_heard(rig.lacp, 1, rig.now_ms - 100), 0);
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	rig_pass_hearing(&rig, 3000, 1000, 1, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_events(&rig, 1, LACP_EVENT_FINDING), 0, "%s",
		     rig_event(&rig, 1, LACP_EVENT_FINDING)->text);
	cr_assert_eq(rig_info(&rig, 1).findings, 0);
	cr_assert_eq(rig_info(&rig, 1).gap_max_ms, longest_ms);
	cr_assert(rig.distributing[1]);
}

Test(lacp_finding, a_change_of_rate_is_not_late)
{
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	rig_pass(&rig, 28000);
	config.fast = true;
	lacp_configure(rig.lacp, &config, rig.now_ms);
	rig_run(&rig);
	rig_hear(&rig, 1, UP | LACP_TIMEOUT);
	cr_assert_eq(rig_info(&rig, 1).findings, 0);
}

Test(lacp_finding, one_partner_port_on_two_uplinks)
{
	rig_open(&rig, &config, 2);
	rig.partner[2] = rig.partner[1];
	rig_pass_hearing(&rig, 5000, 500, 2, UP);
	expect_reported(1, LACP_FIND_SAME_PORT, "partner port 1 received on more than one uplink");
	expect_reported(2, LACP_FIND_SAME_PORT, "partner port 1 received on more than one uplink");
	cr_assert(rig.distributing[1] && rig.distributing[2],
		  "reported only: some MLAG pairs have equal port numbers");
	rig.partner[2].port = 2;
	rig_hear(&rig, 2, UP);
	expect_cleared(1, LACP_FIND_SAME_PORT);
}

Test(lacp_finding, short_problems_are_not_reported)
{
	rig_open(&rig, &config, 2);
	memcpy(rig.partner[2].system, switch_b, 6);
	rig_pass_hearing(&rig, LACP_SETTLE_MS - 500, 500, 2, UP);
	memcpy(rig.partner[2].system, switch_a, 6);
	rig_pass_hearing(&rig, 5000, 500, 2, UP);
	cr_assert_eq(rig_events(&rig, 2, LACP_EVENT_FINDING), 0);
	cr_assert_eq(rig_events(&rig, 2, LACP_EVENT_CLEARED), 0);
}

Test(lacp_finding, explanations_of_silence)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	EXPECT_WHY(1, "no LACPDU since the link came up 0 s ago");
	rig_join(&rig, 1, 0);
	cr_assert_str_eq(rig_why(&rig, 1), "collecting and distributing");
	rig_pass(&rig, 4000);
	cr_assert_str_eq(rig_why(&rig, 1), "no LACPDU for 4 s");
	rig_pass(&rig, 16000);
	EXPECT_WHY(1, "no LACPDU for 20 s: the switch port has no LACP");
	rig_link(&rig, 1, false);
	rig_run(&rig);
	cr_assert_str_eq(rig_why(&rig, 1), "the link is down");
	cr_assert_eq(lacp_explain(rig.lacp, 7, rig.now_ms, (char[8]){ 0 }, 8), -ENOENT);
}

Test(lacp_finding, explanation_fits_any_buffer)
{
	char text[16];

	rig_open(&rig, &config, 1);
	memset(text, 'x', sizeof(text));
	cr_assert_eq(lacp_explain(rig.lacp, 1, rig.now_ms, text, 8), 1);
	cr_assert_eq(strlen(text), 7);
	cr_assert_eq(text[8], 'x');
}

/* The text names each wrong field of the partner's view with both values. */
Test(lacp_finding, explanations_of_a_wrong_view)
{
	struct lacp_info us, view;

	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, 0);
	us = rig_info(&rig, 1).actor;
#define WRONG(member, value, text)                 \
	do {                                       \
		view = us;                         \
		view.member = (value);             \
		rig_hear_view(&rig, 1, UP, &view); \
		EXPECT_WHY(1, text);               \
	} while (0)
	WRONG(key, 5, "another actor: key 5 instead of 1");
	WRONG(port, 5, "port 5 instead of 1");
	WRONG(port_priority, 5, "port priority 5 instead of 255");
	WRONG(system_priority, 5, "system priority 5 instead of 65535");
	WRONG(system[5], 5, "another actor: system 02:00:00:00:00:05");
	WRONG(state, UP & ~LACP_AGGREGATION, "no aggregation (AGG=0)");
}
