// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Reasons and findings of PAgP, each beside a situation that differs by one fact. */
#include <criterion/criterion.h>

#include "pagp_rig.h"

RIG_SUITE(pagp_explain);

static const char *reason(uint16_t port)
{
	static char text[PAGP_TEXT_LEN];
	struct ul_pagp_port record = prig_record(&rig, port);

	snprintf(text, sizeof(text), "%s", record.reason);
	return text;
}

static bool is_out(uint16_t port)
{
	return prig_record(&rig, port).flags & UL_PAGP_OUT;
}

static bool has(uint16_t port, enum pagp_finding finding)
{
	return prig_record(&rig, port).findings >> finding & 1;
}

Test(pagp_explain, reasons_on_the_way_into_the_channel)
{
	prig_open(&rig, &config, 1);
	prig_link(&rig, 1, false);
	prig_run(&rig);
	cr_assert_str_eq(reason(1), "the link is down");
	prig_link(&rig, 1, true);
	prig_run(&rig);
	cr_assert_str_eq(
		reason(1),
		"no PAgP is received: the switch port has no PAgP, or LACP or a static channel");
	prig_hear_raw(&rig, 1);
	cr_assert_str_eq(reason(1), "the partner has not received this port yet");
	prig_hear(&rig, 1, C, 0);
	cr_assert_str_eq(reason(1), "the partner has not aggregated this port");
	prig_hear(&rig, 1, 0, SWITCH_GROUP);
	cr_assert_str_eq(reason(1), "the two sides do not yet describe each other alike");
	cr_assert(is_out(1));
	prig_hear(&rig, 1, C, SWITCH_GROUP);
	cr_assert_str_eq(reason(1), "in the channel");
	cr_assert_not(is_out(1));
	rig.partner[1].count = 3;
	prig_hear(&rig, 1, C, SWITCH_GROUP);
	cr_assert_str_eq(reason(1), "the partner receives more than one device on this link");
	pagp_port_set_drained(rig.pagp, 1, true, rig.now_ms);
	prig_run(&rig);
	cr_assert_str_eq(reason(1), "drained");
	pagp_port_set_link(rig.pagp, 1, true, 1000, false, rig.now_ms);
	cr_assert_str_eq(reason(1), "the link is half duplex");
}

Test(pagp_explain, reasons_that_name_the_partner)
{
	prig_open(&rig, &config, 4);
	memcpy(rig.partner[2].local.device, prig_other, 6);
	rig.partner[4].local.port = rig.partner[1].local.port;
	prig_join(&rig, 4, 0);
	prig_hear(&rig, 3, C, 31);
	cr_assert_str_eq(
		reason(2),
		"the partner is device 00:0a:b7:5f:31:30 with group capability 0x10001, that of the channel is 00:0a:8a:45:43:60 with 0x10001");
	cr_assert_str_eq(reason(3),
			 "the partner aggregates this port with interface 31, the others with 29");
	cr_assert_str_eq(reason(4), "another uplink leads to the same port of the partner");
	prig_hear(&rig, 3, C, 103);
	prig_hear(&rig, 3, C, 103);
	cr_assert_str_eq(reason(3), "the partner uses this port alone, not in its channel");
}

Test(pagp_explain, silent_partner)
{
	prig_open(&rig, &config, 1);
	prig_pass(&rig, 9999);
	cr_assert_not(has(1, PAGP_FIND_SILENT));
	prig_pass(&rig, 1);
	cr_assert(has(1, PAGP_FIND_SILENT));
	cr_assert_eq(rig.n_events[1][PAGP_EVENT_FINDING], 1);
	prig_pass(&rig, 60000);
	cr_assert_eq(rig.n_events[1][PAGP_EVENT_FINDING], 1);
	prig_hear_raw(&rig, 1);
	cr_assert_not(has(1, PAGP_FIND_SILENT));
	cr_assert_eq(rig.n_events[1][PAGP_EVENT_CLEARED], 1);
	cr_assert_not(has(1, PAGP_FIND_AUTO));
}

Test(pagp_explain, a_link_that_is_down_is_no_finding)
{
	prig_open(&rig, &config, 1);
	prig_link(&rig, 1, false);
	prig_pass(&rig, 60000);
	cr_assert_eq(prig_record(&rig, 1).findings, 0);
}

Test(pagp_explain, auto_here_and_a_silent_or_an_auto_partner)
{
	config.auto_mode = true;
	prig_open(&rig, &config, 2);
	rig.partner[1].flags = PAGP_AUTO_MODE;
	for (int i = 0; i < 12; i++) {
		prig_hear_raw(&rig, 1);
		prig_pass(&rig, 1000);
	}
	cr_assert(has(1, PAGP_FIND_AUTO) && has(2, PAGP_FIND_AUTO));
	cr_assert_not(has(1, PAGP_FIND_SILENT) || has(2, PAGP_FIND_SILENT));
	cr_assert_str_eq(reason(1), "both sides are in mode auto: neither starts");
	prig_join(&rig, 2, 0);
	cr_assert_eq(prig_record(&rig, 1).findings | prig_record(&rig, 2).findings, 0);
	cr_assert_eq(prig_in_use(&rig), 0x6);
}

Test(pagp_explain, two_partners)
{
	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, SLOW);
	prig_hear(&rig, 2, C | SLOW, 31);
	prig_pass(&rig, 2999);
	cr_assert_eq(prig_record(&rig, 2).findings, 0);
	prig_pass(&rig, 1);
	cr_assert(has(2, PAGP_FIND_TWO_PARTNERS));
	cr_assert_not(has(1, PAGP_FIND_TWO_PARTNERS));
	prig_hear(&rig, 2, C | SLOW, SWITCH_GROUP);
	cr_assert_eq(prig_record(&rig, 2).findings, 0);
}

Test(pagp_explain, a_drained_port_of_another_partner_is_no_finding)
{
	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, SLOW);
	pagp_port_set_drained(rig.pagp, 2, true, rig.now_ms);
	prig_hear(&rig, 2, C | SLOW, 31);
	prig_pass(&rig, 60000);
	cr_assert_eq(prig_record(&rig, 2).findings, 0);
}

Test(pagp_explain, many_devices_and_loopback_at_once)
{
	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, SLOW);
	memcpy(rig.partner[1].local.device, prig_other, 6);
	rig.partner[1].flags = 0;
	prig_hear_raw(&rig, 1);
	cr_assert(has(1, PAGP_FIND_MANY_DEVICES));
	cr_assert_str_eq(reason(1), "more than one device or port is received on this link");
	memcpy(rig.partner[2].local.device, prig_device, 6);
	rig.partner[2].flags = 0;
	prig_hear_raw(&rig, 2);
	cr_assert(has(2, PAGP_FIND_LOOPBACK));
	prig_pass(&rig, 3500);
	cr_assert_eq(prig_record(&rig, 1).findings, 0);
	cr_assert_eq(prig_record(&rig, 2).findings, 0);
}

Test(pagp_explain, physical_learner)
{
	prig_open(&rig, &config, 2);
	rig.partner[1].local.learn = rig.partner[2].local.learn = PAGP_LEARN_PHYSICAL;
	prig_join(&rig, 2, SLOW);
	prig_pass(&rig, 3000);
	cr_assert(has(2, PAGP_FIND_LEARNER));
	cr_assert_not(has(1, PAGP_FIND_LEARNER));
	cr_assert_not(is_out(2));
	cr_assert_str_eq(
		reason(2),
		"in the channel; another uplink sends for all, because the partner learns by physical port");
	config.source_based = true;
	pagp_configure(rig.pagp, &config);
	prig_run(&rig);
	cr_assert_eq(prig_record(&rig, 2).findings, 0);
}

Test(pagp_explain, fallback_in_use)
{
	config.fallback = PAGP_FALLBACK_INDIVIDUAL;
	prig_open(&rig, &config, 2);
	prig_pass(&rig, 8000);
	cr_assert_str_eq(reason(1), "used alone, because no PAgP is received (fallback)");
	cr_assert_not(is_out(1));
	cr_assert(is_out(2));
}

Test(pagp_explain, names_both_ways)
{
	static const unsigned int counts[] = { [PAGP_NAMES_STATE] = PAGP_N_STATES,
					       [PAGP_NAMES_EVENT] = PAGP_N_EVENTS,
					       [PAGP_NAMES_FINDING] = PAGP_N_FINDINGS };

	prig_open(&rig, &config, 0);
	for (unsigned int table = 0; table < PAGP_N_NAMES; table++) {
		cr_assert_null(pagp_name(table, counts[table]));
		for (unsigned int i = 0; i < counts[table]; i++)
			for (unsigned int j = 0; pagp_name(table, i) && j < i; j++)
				cr_assert(!pagp_name(table, j) ||
					  strcmp(pagp_name(table, i), pagp_name(table, j)) != 0);
	}
	/* 0 and 3 are not used */
	cr_assert_null(pagp_name(PAGP_NAMES_STATE, 0));
	cr_assert_null(pagp_name(PAGP_NAMES_STATE, 3));
	cr_assert_str_eq(pagp_name(PAGP_NAMES_STATE, PAGP_UP_PAGP), "up_pagp");
}
