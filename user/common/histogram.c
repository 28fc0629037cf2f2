// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/histogram.h"

/* 1 s and 30 s: the two rates; 3 s and 90 s: their timeouts */
const uint64_t histogram_gap_ms[HISTOGRAM_BOUNDS] = { 500,  900,   1100,  1500,	 2000,	2500,
						      3000, 15000, 29000, 31000, 60000, 90000 };

const uint64_t histogram_busy_us[HISTOGRAM_BOUNDS] = { 100,    500,	1000,	 5000,
						       10000,  50000,	100000,	 250000,
						       500000, 1000000, 5000000, 30000000 };

/* The only writer. */
static void increase(uint64_t *word, uint64_t by)
{
	__atomic_store_n(word, *word + by, __ATOMIC_RELAXED);
}

void histogram_add(struct histogram *histogram, const uint64_t bounds[HISTOGRAM_BOUNDS],
		   uint64_t value)
{
	size_t i = 0;

	while (i < HISTOGRAM_BOUNDS && value > bounds[i])
		i++;
	increase(&histogram->count[i], 1);
	increase(&histogram->sum, value);
}

void histogram_copy(struct histogram *to, const struct histogram *from)
{
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		__atomic_store_n(&to->count[i], __atomic_load_n(&from->count[i], __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	__atomic_store_n(&to->sum, __atomic_load_n(&from->sum, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}
