// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "daemon/loop_delay.h"

TestSuite(loop_delay);

Test(loop_delay, keeps_the_longest_round_of_a_minute_and_of_all)
{
	static const struct {
		uint64_t at_ms, took_us;		   /* a round */
		uint64_t minute_us, worst_us, worst_at_ms; /* afterwards */
							   /* clang-format off */
	} rows[] = {
		{ 5000,   100,  100, 100,  5000 },
		{ 5400,   300,  300, 300,  5400 },
		{ 5900,   200,  300, 300,  5400 },
		{ 64999,  50,   300, 300,  5400 },
		{ 65000,  50,   50,  300,  5400 }, /* second 5 is a minute old, and its slot is reused */
		{ 65100,  700,  700, 700,  65100 },
		{ 400000, 10,   10,  700,  65100 },
		{ 400001, 1ULL << 40, UINT32_MAX, 1ULL << 40, 400001 },
	};
	/* clang-format on */
	struct loop_delay delay = {};

	cr_expect_eq(loop_delay_minute_us(&delay, 5000), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		loop_delay_record(&delay, rows[i].at_ms, rows[i].took_us);
		cr_expect_eq(loop_delay_minute_us(&delay, rows[i].at_ms), rows[i].minute_us,
			     "row %zu", i);
		cr_expect_eq(delay.worst_us, rows[i].worst_us, "row %zu", i);
		cr_expect_eq(delay.worst_at_ms, rows[i].worst_at_ms, "row %zu", i);
	}
}

/* Slots that were never written must not look like second 0. */
Test(loop_delay, shortly_after_boot)
{
	struct loop_delay delay = {};

	loop_delay_record(&delay, 10, 5);
	cr_expect_eq(loop_delay_minute_us(&delay, 20), 5);
	cr_expect_eq(loop_delay_minute_us(&delay, 59999), 5);
	cr_expect_eq(loop_delay_minute_us(&delay, 60000), 0);
}
