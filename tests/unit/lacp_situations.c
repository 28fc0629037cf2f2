// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings of LACP from frames on a stopped clock, each with an innocent situation that differs by
 * one fact. records_diagnosis.c continues with the record of the map. */
#include <criterion/criterion.h>

#include "finding_cases.h"
#include "lacp/neighbour.h"
#include "lacp/peer_mismatch.h"
#include "lacp_rig.h"

RIG_SUITE(lacp_situations);

#define FAST_UP (UP | LACP_TIMEOUT)

/* The partner must be active where this side is passive. */
static void passive(bool guilty)
{
	config.active = false;
	rig_open(&rig, &config, 1);
	if (guilty)
		rig_pass(&rig, 60000);
	else
		rig_pass_hearing(&rig, 60000, 1000, 1, UP);
}

/* A switch port that starts LACP a moment before the silence counts. */
static void no_lacpdu(bool guilty)
{
	rig_open(&rig, &config, 1);
	rig_pass(&rig, LACP_SHORT_TIMEOUT_MS + LACP_SETTLE_MS - 1);
	if (!guilty)
		rig_hear(&rig, 1, SYNCED);
	rig_pass(&rig, 1000);
}

/* An MLAG pair has one system id. */
static void two_partners(bool guilty)
{
	rig_open(&rig, &config, 2);
	memcpy(rig.partner[2].system, guilty ? switch_b : switch_a, 6);
	rig_pass_hearing(&rig, 10000, 500, 2, UP);
}

static void timeouts(bool guilty)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_pass_hearing(&rig, 10000, 500, 1, guilty ? UP : FAST_UP);
}

/* Up to five sixths of the timeout of 3 s are tolerable; the last one came a second ago. */
static void late(bool guilty)
{
	config.fast = true;
	rig_open(&rig, &config, 1);
	rig_join(&rig, 1, LACP_TIMEOUT);
	rig_pass_hearing(&rig, 10000, 1000, 1, FAST_UP);
	rig_pass(&rig, guilty ? 1600 : 1400);
	rig_hear(&rig, 1, FAST_UP);
}

/* Another host with the same partner is none of ours. */
static void loopback(bool guilty)
{
	rig_open(&rig, &config, 1);
	memcpy(rig.partner[1].system, guilty ? rig_system : switch_a, 6);
	rig_pass_hearing(&rig, 10000, 500, 1, UP);
}

static void same_port(bool guilty)
{
	rig_open(&rig, &config, 2);
	rig.partner[2].port = guilty ? rig.partner[1].port : 9;
	rig_pass_hearing(&rig, 10000, 500, 2, UP);
}

static void min_links(bool guilty)
{
	config.min_links = 2;
	rig_open(&rig, &config, 3);
	rig_link(&rig, 3, false);
	rig_pass_hearing(&rig, 10000, 500, guilty ? 1 : 2, UP);
}

/* clang-format off */
static const struct {
	const char *code;
	void (*make)(bool guilty);
	enum lacp_finding finding;
	uint16_t port;
} situations[] = {
	{ "lacp_passive", passive, LACP_FIND_PASSIVE, 1 }, { "lacp_no_lacpdu", no_lacpdu, LACP_FIND_NO_PDU, 1 },
	{ "lacp_two_partners", two_partners, LACP_FIND_TWO_PARTNERS, 2 }, { "lacp_timeout_mismatch", timeouts, LACP_FIND_TIMEOUT, 1 },
	{ "lacp_late_lacpdus", late, LACP_FIND_JITTER, 1 }, { "lacp_loopback", loopback, LACP_FIND_LOOPBACK, 1 },
	{ "lacp_same_partner_port", same_port, LACP_FIND_SAME_PORT, 2 }, { "lacp_min_links", min_links, LACP_FIND_MIN_LINKS, 1 },
};
/* clang-format on */

/* ---- frames that the channel does not expect ---- */
/* LACPDUs on a static channel; on one with LACP the channel itself receives them. */
static uint32_t unused(bool guilty)
{
	struct lacp_info actor = { .system = { 0, 0x1c, 0x73, 0xaa, 0xbb, 0xcc }, .key = 5 };
	struct peer_mismatch mismatch = {};
	struct ul_neighbour neighbour = {};
	uint8_t frame[LACP_FRAME_LEN];

	lacp_frame_build(frame, (const uint8_t[6]){ 0, 0x1c }, &actor, &actor);
	cr_assert_eq(peer_mismatch_receive(&mismatch, frame, sizeof(frame), T0), 0);
	return peer_mismatch_findings(&mismatch, &neighbour,
				      guilty ? UL_CHANNEL_STATIC : UL_CHANNEL_LACP, T0 + 1);
}

/* PAgP and VTP have the same destination and differ by the SNAP protocol. */
static uint32_t pagp(bool guilty)
{
	uint8_t frame[128] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc, 0,	 1,    2,    3,
			       4,    5,	   0,	 54,   0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c };
	struct peer_mismatch mismatch = {};
	struct ul_neighbour neighbour = {};

	put_be16(frame + 20, guilty ? 0x0104 : 0x2003);
	frame[22] = 1; /* an information PDU */
	(void)neighbour_receive(&neighbour, frame, 14 + 54, T0);
	return peer_mismatch_findings(&mismatch, &neighbour, UL_CHANNEL_STATIC, T0 + 1);
}

static const struct {
	const char *code;
	uint32_t (*find)(bool guilty);
	enum ul_setup_finding finding;
} mismatches[] = { { "lacp_lacp_unused", unused, UL_FIND_LACP_UNUSED },
		   { "lacp_pagp", pagp, UL_FIND_PAGP } };

const char *lacp_case(size_t i)
{
	size_t n = ARRAY_SIZE(situations);

	return i < n			      ? situations[i].code :
	       i - n < ARRAY_SIZE(mismatches) ? mismatches[i - n].code :
						NULL;
}

Test(lacp_situations, each_finding_and_its_innocent_twin)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++)
		for (int guilty = 0; guilty < 2; guilty++) {
			config = rig_config();
			situations[i].make(guilty);
			cr_expect_eq(rig_info(&rig, situations[i].port).findings,
				     guilty ? 1U << situations[i].finding : 0, "%s, %s: %#x",
				     situations[i].code, guilty ? "guilty" : "innocent",
				     rig_info(&rig, situations[i].port).findings);
			rig_done(&rig);
		}
}

Test(lacp_situations, each_mismatch_and_its_innocent_twin)
{
	for (size_t i = 0; i < ARRAY_SIZE(mismatches); i++) {
		cr_expect_eq(mismatches[i].find(true), 1U << mismatches[i].finding, "%s",
			     mismatches[i].code);
		cr_expect_eq(mismatches[i].find(false), 0, "%s", mismatches[i].code);
	}
}
