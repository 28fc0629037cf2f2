/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Tables of cases: one row per thing that a frame may meet, with what must come of it written out
 * by hand. */
#ifndef UL_TESTS_BPF_CASES_H
#define UL_TESTS_BPF_CASES_H

#include "live.h"

/*
 * The switch of the tables. Uplinks u0, u1 on a channel, src-dst-ip: udp4:1>2 goes to u1, udp4:1>3
 * to u0. max_frame is 1518 everywhere. Ports by name:
 *
 *   e0 e1   EST; e1 takes XDP frames
 *   a0 a1   VST 100; a1 takes XDP frames
 *   f0      VST 100 of another group, forged transmits accepted
 *   d0      VST 100, without an interface now: its machine may be on another host
 *   b0      VST 200
 *   t0      VGT 100, 300 and untagged, with 802.1ad tags
 *   q0      VGT 4095, with 802.1ad tags
 *   h0      VST 300, learns sources
 */
void cases_switch(struct sw *ret);

/* Slots of the names */
enum case_port { P_E0, P_E1, P_A0, P_A1, P_B0, P_F0, P_D0, P_T0, P_Q0, P_H0 };

extern const struct frame_name case_names[];

uint32_t case_endpoint(const char *name); /* "u1", "a0", "?" for a stranger */

/* frame: see frames.h. way: how it leaves, "drop", "pass", or where: "redirect u1[v100]"; before
 * that the copies, "a1[] t0[v100]". In brackets: the tags that are then in front. counters:
 * "a0.to_uplink u1.sent"; each is to grow by the frame, and no other. */
struct case_row {
	const char *name, *from, *frame, *way, *counters;
	/* uplink rows: what uplink_xdp says: "pass" (counts nothing), or "drop", "redirect" (counts
	 * what the row says) */
	const char *xdp;
	bool no_wire; /* the kernel itself refuses such a frame on an interface */
};

#define ROW(row_name, row_from, row_frame, row_way, row_counters)                       \
	{                                                                               \
		.name = row_name, .from = row_from, .frame = row_frame, .way = row_way, \
		.counters = row_counters                                                \
	}
#define UPLINK_ROW(row_name, row_from, row_frame, row_xdp, row_way, row_counters)       \
	{                                                                               \
		.name = row_name, .from = row_from, .frame = row_frame, .way = row_way, \
		.counters = row_counters, .xdp = row_xdp                                \
	}

/* Each row by TEST_RUN of the program(s), then all rows over real interfaces. */
void run_cases(const struct sw *sw, const struct case_row *rows, size_t n);

#endif
