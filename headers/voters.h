/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What can keep an uplink from being used for sending. Each voter is one row; the uplink is usable
 * when no voter objects. The first objecting voter in the order of the table is the one reported,
 * so that the cause stands before its consequences. A new voter is a row here and an input in
 * user/teaming/uplink_state.c.
 */
#ifndef UL_VOTERS_H
#define UL_VOTERS_H

/* X(NAME, name, text): name is stable, for programs; text completes "UPLINK: ...". */
/* clang-format off */
#define UL_VOTERS(X) \
	X(INTERFACE, "interface", "no interface") \
	X(DRAIN,     "drain",     "drained") \
	X(ADMIN,     "admin",     "administratively down") \
	X(CARRIER,   "carrier",   "no carrier") \
	X(LACP,      "lacp",      "up, LACP does not distribute yet") \
	X(PAGP,      "pagp",      "up, PAgP does not distribute yet") \
	X(UP_DELAY,  "up-delay",  "up, waiting for up-delay-ms")
/* clang-format on */

enum ul_voter {
#define X(NAME, name, text) UL_VOTER_##NAME,
	UL_VOTERS(X)
#undef X
		UL_N_VOTERS,
	/* no voter objects */
	UL_VOTER_NONE = UL_N_VOTERS,
};

#endif
