/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A histogram with fixed bounds. One thread adds; others may copy it at any time: each word is
 * stored at once, and the sum may be one observation ahead of the counts or behind them.
 */
#ifndef UL_COMMON_HISTOGRAM_H
#define UL_COMMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 12

struct histogram {
	/* observations up to bounds[i] and above bounds[i - 1]; the last: above all bounds */
	uint64_t count[HISTOGRAM_BOUNDS + 1];
	uint64_t sum; /* of all observations, in the unit of the bounds */
};

/* Upper bounds in ascending order: of the time between two LACPDUs, around the two rates and their
 * timeouts, and of the time that a thread is busy. */
extern const uint64_t histogram_gap_ms[HISTOGRAM_BOUNDS];
extern const uint64_t histogram_busy_us[HISTOGRAM_BOUNDS];

void histogram_add(struct histogram *histogram, const uint64_t bounds[HISTOGRAM_BOUNDS],
		   uint64_t value);
/* A copy, while another thread may add. */
void histogram_copy(struct histogram *to, const struct histogram *from);

#endif
