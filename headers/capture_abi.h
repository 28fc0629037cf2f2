/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Records that the observers of `uplinkctl capture` pass to user space. They are not part of a
 * switch's maps: both sides belong to one program. */
#ifndef UL_CAPTURE_ABI_H
#define UL_CAPTURE_ABI_H

#include <linux/types.h>

/* Bytes of a frame that are copied at most; a power of two. */
#define UL_CAPTURE_MAX_BYTES 16384

enum ul_capture_direction { UL_CAPTURE_IN, UL_CAPTURE_OUT };

/* A record of the ring buffer; captured bytes of the frame follow. Numbers in host byte order. */
struct ul_captured {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 length;  /* of the frame, without the tag below */
	__u32 captured;
	__u32 direction; /* enum ul_capture_direction, as seen by the interface */
	__u16 tpid;	 /* a tag that is not in the bytes; 0: none */
	__u16 tci;
};

/* Constants of a load. */
struct ul_capture_filter {
	__u32 ifindex;
	__u32 max_bytes; /* 1 to UL_CAPTURE_MAX_BYTES */
	__u32 xdp_in;	 /* frames that come in are observed by observe_xdp */
	__u32 has_vlan;
	__u32 vlan; /* VID of the outer tag; 0: no tag, or a priority tag */
	__u32 has_mac;
	__u8 mac[8]; /* source or destination */
};

#endif
