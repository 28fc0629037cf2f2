// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "common/histogram.h"

TestSuite(common_histogram);

Test(common_histogram, bounds_ascend)
{
	const uint64_t *const tables[] = { histogram_gap_ms, histogram_busy_us };

	for (size_t t = 0; t < 2; t++)
		for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
			cr_expect_gt(tables[t][i], tables[t][i - 1], "table %zu, %zu", t, i);
}

Test(common_histogram, an_observation_counts_in_the_bucket_that_its_bound_ends)
{
	struct histogram histogram = {}, copy = {};

	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++)
		histogram_add(&histogram, histogram_gap_ms, histogram_gap_ms[i]);
	histogram_add(&histogram, histogram_gap_ms, histogram_gap_ms[0] + 1);
	histogram_add(&histogram, histogram_gap_ms, histogram_gap_ms[HISTOGRAM_BOUNDS - 1] + 1);
	histogram_add(&histogram, histogram_gap_ms, 0);
	histogram_copy(&copy, &histogram);
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		cr_expect_eq(copy.count[i], i < 2 ? 2 : 1, "bucket %zu", i);
	cr_expect_eq(copy.sum, 500 + 900 + 1100 + 1500 + 2000 + 2500 + 3000 + 15000 + 29000 +
				       31000 + 60000 + 90000 + 501 + 90001);
}
