/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * How the physical switch bundles the uplinks. One row each, for the configuration, uplinkctl and
 * the tests. Numbers stand in the maps and are never reused; new rows go to the end.
 */
#ifndef UL_CHANNELS_H
#define UL_CHANNELS_H

/* X(NAME, number, name, help): name as in the configuration */
/* clang-format off */
#define UL_CHANNELS(X) \
	X(NONE,   0, "none",   "independent links; the switch learns each MAC address on one of them") \
	X(STATIC, 1, "static", "a channel without negotiation") \
	X(LACP,   2, "lacp",   "a channel that both ends negotiate (IEEE 802.1AX)") \
	X(PAGP,   3, "pagp",   "a channel that both ends negotiate by Cisco's PAgP")
/* clang-format on */

enum ul_channel {
#define X(NAME, number, name, help) UL_CHANNEL_##NAME = (number),
	UL_CHANNELS(X)
#undef X
		UL_N_CHANNELS,
};

/* A protocol decides on which uplinks frames are sent and received. */
#define UL_IS_NEGOTIATED(channel) ((channel) == UL_CHANNEL_LACP || (channel) == UL_CHANNEL_PAGP)

#endif
