/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The only writer of ul_stats. */
#ifndef UL_COUNT_BPF_H
#define UL_COUNT_BPF_H

#include "maps.bpf.h"
#include "verdict.bpf.h"

/* The weight of a frame in a counter: its segments, and its bytes as it came in. */
struct size {
	__u32 packets;
	__u32 bytes;
};

static __always_inline void count(__u32 endpoint, enum ul_reason reason, const struct size *size)
{
	struct ul_stats *stats = bpf_map_lookup_elem(&ul_stats, &endpoint);

	if (stats) {
		struct ul_count *counter =
			(struct ul_count *)stats + (reason & (UL_REASON_SLOTS - 1));

		counter->packets += size->packets;
		counter->bytes += size->bytes;
	}
}

#endif
