/* SPDX-License-Identifier: GPL-2.0 */
/* The one place that counts. */
#ifndef UL_COUNT_BPF_H
#define UL_COUNT_BPF_H

#include "maps.bpf.h"

/* How much a frame counts for: its segments, and its bytes as it came in. */
struct size {
	__u32 packets;
	__u32 bytes;
};

static __always_inline void count(__u32 object, enum ul_reason reason, const struct size *size)
{
	struct ul_stats *stats = bpf_map_lookup_elem(&ul_stats, &object);

	if (stats) {
		struct ul_count *counter =
			(struct ul_count *)stats + (reason & (UL_REASON_SLOTS - 1));

		counter->packets += size->packets;
		counter->bytes += size->bytes;
	}
}

#endif
