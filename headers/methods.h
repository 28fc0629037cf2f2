/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Load-balancing methods. One row each, for the configuration, uplinkctl and the tests; the
 * formulas are ul_hash() in flow_hash.h. Numbers stand in the maps and are never reused; new rows
 * go to the end.
 *
 * Channels: a physical switch that bundles the links hashes its frames over all of them and accepts
 * the frames of a machine from any of them, so every hash is allowed, and no method that keeps a
 * machine to one link. Without a bundle it learns each MAC address on one link, so only methods
 * that keep a machine to one uplink are allowed.
 */
#ifndef UL_METHODS_H
#define UL_METHODS_H

#include <linux/types.h>

#include "channels.h"

/* What of a frame enters the hash. */
enum ul_flow_input {
	UL_INPUT_SRC_IP = 1 << 0, /* without IP: the MAC address */
	UL_INPUT_DST_IP = 1 << 1, /* likewise */
	UL_INPUT_PORTS = 1 << 2,  /* of TCP and UDP */
	UL_INPUT_SRC_MAC = 1 << 3,
	UL_INPUT_DST_MAC = 1 << 4,
	UL_INPUT_NUMBER = 1 << 5, /* of the switch port that the frame came from */
};

/* Bit n of a mask: enum ul_channel n. */
#define UL_ON_NONE (1u << UL_CHANNEL_NONE)
#define UL_ON_CHANNEL (1u << UL_CHANNEL_STATIC | 1u << UL_CHANNEL_LACP | 1u << UL_CHANNEL_PAGP)

/* X(NAME, number, name, channels, inputs, help): name as in the configuration */
/* clang-format off */
#define UL_METHODS(X) \
	X(SRC_DST_IP,      0, "src-dst-ip",      UL_ON_CHANNEL,              UL_INPUT_SRC_IP | UL_INPUT_DST_IP, \
	  "source XOR destination IP address (\"route based on IP hash\")") \
	X(SRC_IP,          1, "src-ip",          UL_ON_CHANNEL,              UL_INPUT_SRC_IP, \
	  "source IP address") \
	X(DST_IP,          2, "dst-ip",          UL_ON_CHANNEL,              UL_INPUT_DST_IP, \
	  "destination IP address") \
	X(SRC_MAC,         3, "src-mac",         UL_ON_NONE | UL_ON_CHANNEL, UL_INPUT_SRC_MAC, \
	  "last byte of the source MAC address") \
	X(DST_MAC,         4, "dst-mac",         UL_ON_CHANNEL,              UL_INPUT_DST_MAC, \
	  "last byte of the destination MAC address") \
	X(SRC_DST_MAC,     5, "src-dst-mac",     UL_ON_CHANNEL,              UL_INPUT_SRC_MAC | UL_INPUT_DST_MAC, \
	  "last two bytes of both MAC addresses, XOR") \
	X(SRC_DST_IP_PORT, 6, "src-dst-ip-port", UL_ON_CHANNEL,              UL_INPUT_SRC_IP | UL_INPUT_DST_IP | UL_INPUT_PORTS, \
	  "both IP addresses and the TCP or UDP ports, XOR, folded; fragments by their addresses") \
	X(PORT_ID,         7, "port-id",         UL_ON_NONE,                 UL_INPUT_NUMBER, \
	  "the port of the machine; ports are spread evenly") \
	X(FAILOVER_ORDER,  8, "failover-order",  UL_ON_NONE,                 0, \
	  "the first usable active uplink, else the first usable standby uplink")
/* clang-format on */

enum ul_method {
#define X(NAME, number, name, channels, inputs, help) UL_M_##NAME = (number),
	UL_METHODS(X)
#undef X
		UL_N_METHODS,
};

/* OR of enum ul_flow_input; 0 for a number without a row. */
static inline __u32 ul_method_inputs(__u32 method)
{
	switch (method) {
#define X(NAME, number, name, channels, inputs, help) \
	case UL_M_##NAME:                             \
		return (inputs);
		UL_METHODS(X)
#undef X
	default:
		return 0;
	}
}

/* Whether the physical switch's view of the links allows the method; 0 or 1. */
static inline int ul_method_fits(__u32 method, __u32 channel)
{
	switch (method) {
#define X(NAME, number, name, channels, inputs, help) \
	case UL_M_##NAME:                             \
		return (channels) >> channel & 1;
		UL_METHODS(X)
#undef X
	default:
		return 0;
	}
}

#endif
