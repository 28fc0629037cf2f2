/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The part of the map ABI that belongs to PAgP: the protocol state of an uplink, for uplinkctl and
 * for the next daemon, and the settings that the configuration and the protocol core share.
 *
 * Writer: daemon, in place. `writing` is set while it stores, so a record that a killed daemon left
 * half-written is recognised. Readers: uplinkctl, which reads until two copies are equal, and the
 * next daemon (pagp_restore()). Numbers are in host byte order, addresses in wire order.
 *
 * Fixed-width types only, explicit padding, asserted sizes. A change of the meaning of struct
 * ul_pagp_port raises PAGP_RECORD_VERSION.
 */
#ifndef UL_PAGP_ABI_H
#define UL_PAGP_ABI_H

#include <linux/types.h>

#define PAGP_RECORD_VERSION 1

/* One side of a link as an information PDU describes it. */
struct pagp_side {
	__u8 device[6];	  /* of a device, together with port unique in the network */
	__u8 learn;	  /* enum pagp_learn */
	__u8 priority;	  /* for hot standby; higher is better */
	__u32 port;	  /* ifIndex of the port */
	__u32 capability; /* only ports of a device with equal ones can be aggregated */
	/* ifIndex of the aggregation port; 0: not aggregated, no data frames are sent or received;
	 * equal to port: used as a single link */
	__u32 group;
};
_Static_assert(sizeof(struct pagp_side) == 20, "map ABI");

/* Flags of an information PDU. */
enum pagp_flag {
	PAGP_SLOW_HELLO = 0x01,
	PAGP_AUTO_MODE = 0x02,
	PAGP_CONSISTENT_STATE = 0x04,
};

/*
 * The counters of a port: X(member, help). Those of CISCO-PAGP-MIB carry its names. The order is
 * part of the map ABI.
 */
/* clang-format off */
#define PAGP_COUNTERS(X) \
	X(info_rx,         "information PDUs received (pagpInPackets)") \
	X(info_tx,         "information PDUs sent (pagpOutPackets)") \
	X(flush_rx,        "flush PDUs received (pagpInFlushes)") \
	X(flush_tx,        "flush PDUs returned to the partner") \
	X(illegal_rx,      "malformed PDUs received (pagpInErrors)") \
	X(link_down_rx,    "PDUs received before the link-up event") \
	X(excess_rx,       "PDUs above the receive rate limits") \
	X(loopback_rx,     "information PDUs received with the own device id") \
	X(other_rx,        "information PDUs received from another port than the partner's") \
	X(expired,         "times the partner was silent for too long") \
	X(partner_changes, "changes of the partner's device, port or group capability")
/* clang-format on */

struct ul_pagp_counters {
#define X(member, help) __u64 member;
	PAGP_COUNTERS(X)
#undef X
};
_Static_assert(sizeof(struct ul_pagp_counters) == 11 * 8, "map ABI");

struct ul_pagp_port {
	__u32 version;	  /* PAGP_RECORD_VERSION; 0: PAgP does not run on this uplink */
	__u32 writing;	  /* 1 while the daemon stores the record */
	__u64 updated_ms; /* this and the next two: CLOCK_MONOTONIC; 0: never */
	__u64 tx_ms;	  /* last information PDU sent */
	__u64 rx_ms;	  /* last one of the partner received */
	struct pagp_side actor, partner;
	__u8 actor_flags, partner_flags; /* enum pagp_flag */
	__u8 state;			 /* enum pagp_state of user/pagp/pagp.h */
	__u8 flags;			 /* enum ul_pagp_flag */
	__u32 findings;			 /* bit n: enum pagp_finding n */
	struct ul_pagp_counters counters;
	char reason[256]; /* one sentence: why the port is out, or that it is in */
};
_Static_assert(sizeof(struct ul_pagp_port) == 32 + 40 + 8 + 88 + 256, "map ABI");

enum ul_pagp_flag {
	UL_PAGP_ENABLED = 1 << 0,
	UL_PAGP_DRAINED = 1 << 1,
	UL_PAGP_LOOPBACK = 1 << 2,
	UL_PAGP_INDIVIDUAL = 1 << 3, /* in use alone, by fallback: individual */
	UL_PAGP_OUT = 1 << 4,
	UL_PAGP_STANDBY = 1 << 5, /* in the channel, but another port sends for all */
	UL_PAGP_COLLECTING = 1 << 6,
	UL_PAGP_DISTRIBUTING = 1 << 7,
};

/* pagp: fallback: what happens without any PAgP partner */
enum pagp_fallback { PAGP_FALLBACK_NONE, PAGP_FALLBACK_INDIVIDUAL, PAGP_N_FALLBACKS };

#endif
