// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Aggregation, data plane and transmission of PAgP. */
#include <criterion/criterion.h>

#include "pagp_rig.h"

RIG_SUITE(pagp_run);

/* ---- modes ---- */
Test(pagp_run, desirable_sends_at_once_and_every_second)
{
	prig_open(&rig, &config, 1);
	prig_run(&rig);
	cr_assert_eq(rig.n_sent[1], 1);
	cr_assert_eq(rig.sent[1].flags, 0);
	cr_assert_arr_eq(rig.sent[1].local.device, prig_device, 6);
	cr_assert_eq(rig.sent[1].local.port, 1);
	cr_assert_eq(rig.sent[1].local.learn, PAGP_LEARN_AGGREGATION);
	cr_assert_eq(rig.sent[1].local.group, 0, "not aggregated");
	cr_assert_eq(rig.sent[1].count, 0);
	cr_assert(mac_is_zero(rig.sent[1].partner.device));
	prig_pass(&rig, 10000);
	cr_assert_eq(rig.n_sent[1], 11);
	cr_assert_eq(prig_in_use(&rig), 0);
	cr_assert_eq(prig_receiving(&rig), 0);
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_PORT_UP);
}

Test(pagp_run, auto_is_silent_until_a_desirable_partner_is_received)
{
	config.auto_mode = true;
	prig_open(&rig, &config, 1);
	prig_pass(&rig, 60000);
	cr_assert_eq(rig.n_sent[1], 0);
	prig_hear_raw(&rig, 1);
	cr_assert_eq(rig.n_sent[1], 1, "answers at once");
	cr_assert_eq(rig.sent[1].flags, PAGP_AUTO_MODE);
	cr_assert_arr_eq(rig.sent[1].partner.device, prig_switch, 6);
	prig_join(&rig, 1, 0);
	cr_assert_eq(prig_in_use(&rig), 1 << 1);
	prig_pass(&rig, 10000);
	cr_assert_eq(prig_in_use(&rig), 0);
	rig.n_sent[1] = 0;
	prig_pass(&rig, 60000);
	cr_assert_eq(rig.n_sent[1], 0, "silent again without a partner");
}

Test(pagp_run, auto_at_both_ends_never_sends)
{
	config.auto_mode = true;
	prig_open(&rig, &config, 1);
	rig.partner[1].flags = PAGP_AUTO_MODE;
	for (int i = 0; i < 20; i++) {
		prig_hear_raw(&rig, 1);
		prig_pass(&rig, 1000);
	}
	cr_assert_eq(rig.n_sent[1], 0);
	cr_assert_eq(prig_in_use(&rig), 0);
}

Test(pagp_run, desirable_joins_an_auto_partner)
{
	prig_open(&rig, &config, 1);
	prig_join(&rig, 1, PAGP_AUTO_MODE);
	cr_assert_eq(prig_in_use(&rig), 1 << 1);
}

/* ---- steps of a bring-up ---- */
Test(pagp_run, each_step_of_a_bring_up)
{
	prig_open(&rig, &config, 1);
	prig_run(&rig);

	/* The partner has not received this port. */
	prig_hear_raw(&rig, 1);
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_RECEIVED);
	cr_assert_eq(rig.sent[1].partner.port, 101, "echo of the partner");
	cr_assert_eq(rig.sent[1].count, 1);
	cr_assert_eq(rig.sent[1].local.group, 0);
	cr_assert_eq(prig_receiving(&rig), 0);

	/* It has now, and has not aggregated its port. */
	prig_hear(&rig, 1, 0, 0);
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_BIDIRECTIONAL);
	cr_assert_eq(rig.sent[1].local.group, PAGP_GROUP, "announced");
	cr_assert_eq(rig.sent[1].flags, 0, "the partner has not confirmed the group");
	cr_assert_eq(prig_receiving(&rig), 1 << 1, "ready before the partner sends");
	cr_assert_eq(prig_in_use(&rig), 0);

	/* It confirms the group. */
	prig_hear(&rig, 1, 0, 0);
	cr_assert_eq(rig.sent[1].flags, C);
	cr_assert_eq(prig_in_use(&rig), 0);
	/* It is consistent, but its port is not in use. */
	prig_hear(&rig, 1, C, 0);
	cr_assert_eq(prig_in_use(&rig), 0);
	/* It has aggregated its port, but is not consistent. */
	prig_hear(&rig, 1, 0, SWITCH_GROUP);
	cr_assert_eq(prig_in_use(&rig), 0);
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_BIDIRECTIONAL);
	/* Both. */
	prig_hear(&rig, 1, C, SWITCH_GROUP);
	cr_assert_eq(prig_in_use(&rig), 1 << 1);
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_UP_PAGP);
	cr_assert_eq(rig.sent[1].flags, C);
	cr_assert_eq(rig.sent[1].partner.group, SWITCH_GROUP);
}

struct mismatch {
	const char *what;
	void (*change)(struct pagp_pdu *pdu);
	bool receiving; /* the port stays announced */
};

static void other_device(struct pagp_pdu *pdu)
{
	pdu->partner.device[5] ^= 1;
}

static void other_port(struct pagp_pdu *pdu)
{
	pdu->partner.port++;
}

static void other_capability(struct pagp_pdu *pdu)
{
	pdu->partner.capability++;
}

static void other_group(struct pagp_pdu *pdu)
{
	pdu->partner.group = 0;
}

static void not_consistent(struct pagp_pdu *pdu)
{
	pdu->flags = 0;
}

static void not_aggregated(struct pagp_pdu *pdu)
{
	pdu->local.group = 0;
}

static void many_partners(struct pagp_pdu *pdu)
{
	pdu->count = 2;
}

Test(pagp_run, any_mismatch_takes_the_port_out)
{
	static const struct mismatch mismatches[] = {
		{ "device", other_device, false },	  { "port", other_port, false },
		{ "capability", other_capability, true }, { "group", other_group, true },
		{ "consistent", not_consistent, true },	  { "aggregated", not_aggregated, true },
		{ "count", many_partners, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mismatches); i++) {
		struct pagp_pdu good;

		prig_open(&rig, &config, 2);
		prig_join(&rig, 2, 0);
		cr_assert_eq(prig_in_use(&rig), 0x6);
		prig_pass(&rig, 1000);
		rig.partner[1].partner = rig.sent[1].local;
		good = rig.partner[1];
		mismatches[i].change(&rig.partner[1]);
		cr_assert_eq(prig_hear_raw(&rig, 1), 0);
		cr_assert_eq(prig_in_use(&rig), 0x4, "%s", mismatches[i].what);
		cr_assert_eq(prig_receiving(&rig), mismatches[i].receiving ? 0x6 : 0x4, "%s",
			     mismatches[i].what);
		prig_pass(&rig, 500);
		rig.partner[1] = good;
		prig_hear(&rig, 1, C, SWITCH_GROUP);
		prig_hear(&rig, 1, C, SWITCH_GROUP);
		cr_assert_eq(prig_in_use(&rig), 0x6, "%s: back", mismatches[i].what);
		prig_done(&rig);
	}
	prig_open(&rig, &config, 1);
}

/* ---- timeouts and rates ---- */
Test(pagp_run, a_fast_partner_expires_after_three_and_a_half_seconds)
{
	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, 0);
	prig_pass(&rig, 3000);
	prig_hear(&rig, 2, C, SWITCH_GROUP);
	prig_pass(&rig, 499);
	cr_assert_eq(prig_in_use(&rig), 0x6);
	prig_pass(&rig, 1);
	cr_assert_eq(prig_in_use(&rig), 0x4, "the other port is not affected");
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_PORT_UP);
	cr_assert_eq(prig_record(&rig, 1).counters.expired, 1);
	cr_assert_eq(rig.sent[1].local.group, 0);
	cr_assert_eq(rig.sent[1].count, 0);
}

Test(pagp_run, a_slow_partner_expires_after_105_seconds_and_is_sent_slow_hellos)
{
	prig_open(&rig, &config, 1);
	prig_join(&rig, 1, SLOW);
	cr_assert_eq(prig_in_use(&rig), 1 << 1);
	cr_assert_eq(rig.sent[1].flags, C | SLOW);
	rig.n_sent[1] = 0;
	prig_pass(&rig, 104999);
	cr_assert_eq(rig.n_sent[1], 3);
	cr_assert_eq(prig_in_use(&rig), 1 << 1);
	prig_pass(&rig, 1);
	cr_assert_eq(prig_in_use(&rig), 0);
	cr_assert_eq(rig.sent[1].flags, 0, "fast again");
	rig.n_sent[1] = 0;
	prig_pass(&rig, 10000);
	cr_assert_eq(rig.n_sent[1], 10);
}

Test(pagp_run, hellos_stay_fast_while_the_partner_is_fast)
{
	prig_open(&rig, &config, 1);
	prig_join(&rig, 1, 0);
	prig_pass(&rig, 1000);
	rig.n_sent[1] = 0;
	prig_pass_hearing(&rig, 20000, 1000, 1, C, SWITCH_GROUP);
	cr_assert_eq(rig.n_sent[1], 20);
	cr_assert_not(rig.sent[1].flags & SLOW);
	cr_assert_eq(prig_in_use(&rig), 1 << 1);
}

Test(pagp_run, a_slow_flag_before_the_agreement_does_not_slow_this_side)
{
	prig_open(&rig, &config, 1);
	prig_run(&rig);
	prig_hear(&rig, 1, SLOW, 0);
	cr_assert_not(rig.sent[1].flags & SLOW);
	rig.n_sent[1] = 0;
	prig_pass(&rig, 10000);
	cr_assert_eq(rig.n_sent[1], 10);
}

Test(pagp_run, at_most_eight_pdus_in_any_second)
{
	unsigned int sent;

	prig_open(&rig, &config, 1);
	prig_run(&rig);
	for (uint32_t i = 0; i < 9; i++) {
		rig.partner[1].local.priority = (uint8_t)i;
		prig_hear_raw(&rig, 1);
	}
	cr_assert_eq(rig.n_sent[1], 8);
	prig_pass(&rig, 999);
	cr_assert_eq(rig.n_sent[1], 8);
	prig_pass(&rig, 1);
	sent = rig.n_sent[1];
	cr_assert_eq(sent, 9);
	cr_assert_eq(rig.sent[1].partner.priority, 8, "the present state");
}

/* ---- aggregation ---- */
Test(pagp_run, ports_of_another_partner_stay_out)
{
	prig_open(&rig, &config, 3);
	memcpy(rig.partner[1].local.device, prig_other, 6);
	prig_join(&rig, 3, 0);
	/* Port 1 was heard first, so its partner was selected; it is still received. */
	cr_assert_eq(prig_in_use(&rig), 0x2);
	cr_assert_eq(rig.sent[2].local.group, 0);
	prig_link(&rig, 1, false);
	for (int i = 0; i < 2; i++) {
		prig_hear(&rig, 2, C, SWITCH_GROUP);
		prig_hear(&rig, 3, C, SWITCH_GROUP);
	}
	cr_assert_eq(prig_in_use(&rig), 0xc);
}

Test(pagp_run, the_partner_with_most_ports_is_selected)
{
	prig_open(&rig, &config, 3);
	memcpy(rig.partner[1].local.device, prig_other, 6);
	prig_run(&rig);
	for (uint16_t i = 1; i <= 3; i++) {
		rig.partner[i].partner = rig.sent[i].local;
		prig_link(&rig, i, true);
	}
	/* All in one moment. */
	for (uint16_t i = 1; i <= 3; i++) {
		uint8_t frame[PAGP_MAX_FRAME];
		size_t length = pagp_frame_build(frame, prig_switch, &rig.partner[i], "", "");

		cr_assert_eq(pagp_receive(rig.pagp, i, frame, length, rig.now_ms), 0);
	}
	prig_run(&rig);
	cr_assert_eq(prig_receiving(&rig), 0xc);
}

Test(pagp_run, another_group_capability_is_another_aggregation)
{
	prig_open(&rig, &config, 2);
	rig.partner[2].local.capability = 0x00020001;
	prig_join(&rig, 2, 0);
	cr_assert_eq(prig_in_use(&rig), 0x2);
	cr_assert_eq(prig_receiving(&rig), 0x2);
}

Test(pagp_run, ports_in_two_groups_of_the_partner_are_not_mixed)
{
	prig_open(&rig, &config, 3);
	prig_join(&rig, 3, 0);
	prig_hear(&rig, 3, C, SWITCH_GROUP + 1);
	prig_hear(&rig, 3, C, SWITCH_GROUP + 1);
	cr_assert_eq(prig_in_use(&rig), 0x6);
	cr_assert_eq(rig.sent[3].local.group, 0);
	prig_hear(&rig, 3, C, SWITCH_GROUP);
	prig_hear(&rig, 3, C, SWITCH_GROUP);
	cr_assert_eq(prig_in_use(&rig), 0xe);
}

Test(pagp_run, of_ports_that_the_partner_uses_alone_one_is_used)
{
	prig_open(&rig, &config, 2);
	prig_run(&rig);
	for (int n = 0; n < 3; n++)
		for (uint16_t i = 1; i <= 2; i++)
			prig_hear(&rig, i, C, 100 + i);
	cr_assert_eq(prig_in_use(&rig), 0x2);
	cr_assert_eq(prig_receiving(&rig), 0x2, "no copies of what the switch floods");
	cr_assert_eq(rig.sent[2].local.group, PAGP_GROUP, "the partner may aggregate it");
	/* It does: first port 2, which replaces the single link. */
	prig_pass(&rig, 1000);
	prig_hear(&rig, 2, C, SWITCH_GROUP);
	cr_assert_eq(prig_in_use(&rig), 0x4);
	prig_hear(&rig, 1, C, SWITCH_GROUP);
	cr_assert_eq(prig_in_use(&rig), 0x6);
}

Test(pagp_run, two_links_to_one_port_of_the_partner_are_one)
{
	prig_open(&rig, &config, 2);
	rig.partner[2].local.port = rig.partner[1].local.port;
	prig_join(&rig, 2, 0);
	cr_assert_eq(prig_in_use(&rig), 0x2);
	cr_assert_eq(prig_receiving(&rig), 0x2);
}

/* ---- learn method ---- */
Test(pagp_run, one_port_sends_to_a_physical_learner)
{
	prig_open(&rig, &config, 2);
	rig.partner[1].local.learn = rig.partner[2].local.learn = PAGP_LEARN_PHYSICAL;
	prig_join(&rig, 2, SLOW);
	cr_assert_eq(prig_in_use(&rig), 0x2);
	cr_assert_eq(prig_receiving(&rig), 0x6);
	cr_assert(prig_record(&rig, 2).flags & UL_PAGP_STANDBY);
	cr_assert_eq(rig.sent[2].flags, C | SLOW, "agreed as well");
	prig_link(&rig, 1, false);
	prig_run(&rig);
	cr_assert_eq(prig_in_use(&rig), 0x4, "takes over at once");
	prig_link(&rig, 1, true);
	prig_join(&rig, 1, SLOW);
	cr_assert_eq(prig_in_use(&rig), 0x4, "and stays");
}

Test(pagp_run, a_hash_over_sources_suits_a_physical_learner)
{
	config.source_based = true;
	prig_open(&rig, &config, 2);
	rig.partner[1].local.learn = rig.partner[2].local.learn = PAGP_LEARN_PHYSICAL;
	prig_join(&rig, 2, 0);
	cr_assert_eq(prig_in_use(&rig), 0x6);
	config.source_based = false;
	pagp_configure(rig.pagp, &config);
	prig_run(&rig);
	cr_assert_eq(prig_in_use(&rig), 0x2);
}

/* ---- fallback ---- */
Test(pagp_run, without_fallback_a_silent_partner_means_no_link)
{
	prig_open(&rig, &config, 2);
	prig_pass(&rig, 600000);
	cr_assert_eq(prig_in_use(&rig), 0);
}

Test(pagp_run, fallback_uses_one_link_until_pagp_is_received)
{
	config.fallback = PAGP_FALLBACK_INDIVIDUAL;
	prig_open(&rig, &config, 2);
	prig_pass(&rig, 6999);
	cr_assert_eq(prig_in_use(&rig), 0);
	prig_pass(&rig, 1);
	cr_assert_eq(prig_in_use(&rig), 0x2);
	cr_assert_eq(prig_receiving(&rig), 0x2);
	cr_assert_eq(prig_record(&rig, 1).state, PAGP_UP_DATA);
	cr_assert_eq(rig.sent[1].local.group, 0);
	prig_link(&rig, 1, false);
	prig_run(&rig);
	cr_assert_eq(prig_in_use(&rig), 0x4);
	prig_link(&rig, 1, true);
	prig_pass(&rig, 20000);
	cr_assert_eq(prig_in_use(&rig), 0x4, "the one in use stays");
	prig_hear_raw(&rig, 1);
	cr_assert_eq(prig_in_use(&rig), 0);
}

/* ---- drain ---- */
Test(pagp_run, a_drained_port_receives_until_the_partner_has_stopped)
{
	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, 0);
	cr_assert_eq(pagp_port_set_drained(rig.pagp, 1, true, rig.now_ms), 0);
	prig_run(&rig);
	cr_assert_eq(prig_in_use(&rig), 0x4);
	cr_assert_eq(prig_receiving(&rig), 0x6);
	cr_assert_eq(rig.sent[1].local.group, 0);
	cr_assert_not(rig.sent[1].flags & C);
	prig_hear(&rig, 1, 0, 0);
	cr_assert_eq(prig_receiving(&rig), 0x4);
	prig_pass(&rig, 1000);
	cr_assert_eq(pagp_port_set_drained(rig.pagp, 1, false, rig.now_ms), 0);
	prig_join(&rig, 2, 0);
	cr_assert_eq(prig_in_use(&rig), 0x6);
}

Test(pagp_run, a_drain_ends_without_an_answer)
{
	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, 0);
	pagp_port_set_drained(rig.pagp, 1, true, rig.now_ms);
	prig_pass(&rig, PAGP_DRAIN_MS - 1);
	cr_assert_eq(prig_receiving(&rig), 0x6);
	prig_pass(&rig, 1);
	cr_assert_eq(prig_receiving(&rig), 0x4);
}

Test(pagp_run, the_data_plane_stops_before_the_pdu_that_says_so)
{
	prig_open(&rig, &config, 1);
	prig_join(&rig, 1, 0);
	rig.n_sent[1] = 0;
	cr_assert_eq(pagp_port_remove(rig.pagp, 1, rig.now_ms), 0);
	cr_assert_eq(prig_in_use(&rig), 0);
	cr_assert_eq(prig_receiving(&rig), 0);
	cr_assert_eq(rig.n_sent[1], 1);
	cr_assert_eq(rig.sent[1].local.group, 0);
}
