// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/rate_limit.h"

#include <criterion/criterion.h>

#define NONE UINT64_MAX /* *ret_suppressed before a call that must not change it */

static uint32_t admitted(struct rate_limit *limit, uint64_t now_ms, uint32_t events)
{
	uint64_t suppressed;
	uint32_t n = 0;

	for (uint32_t i = 0; i < events; i++)
		n += rate_limit_admit(limit, now_ms, &suppressed);
	return n;
}

Test(common_rate_limit, a_burst_passes_then_one_event_per_interval)
{
	struct rate_limit limit = RATE_LIMIT(3, 1000);

	cr_assert_eq(admitted(&limit, 5000, 10), 3);
	cr_assert_eq(admitted(&limit, 5999, 10), 0, "the interval is not over");
	cr_assert_eq(admitted(&limit, 6000, 10), 1);
	cr_assert_eq(admitted(&limit, 7999, 10), 1);
	cr_assert_eq(admitted(&limit, 8000, 10), 1);
}

Test(common_rate_limit, a_pause_restores_the_burst_and_no_more)
{
	struct rate_limit limit = RATE_LIMIT(3, 1000);

	cr_assert_eq(admitted(&limit, 0, 10), 3);
	cr_assert_eq(admitted(&limit, 2000, 10), 2);
	cr_assert_eq(admitted(&limit, 1000000, 10), 3);
}

Test(common_rate_limit, the_next_event_carries_the_number_of_suppressed_ones)
{
	struct rate_limit limit = RATE_LIMIT(1, 1000);
	uint64_t suppressed = NONE;

	cr_assert(rate_limit_admit(&limit, 0, &suppressed));
	cr_assert_eq(suppressed, 0);
	suppressed = NONE;
	cr_assert_not(rate_limit_admit(&limit, 1, &suppressed));
	cr_assert_not(rate_limit_admit(&limit, 2, &suppressed));
	cr_assert_eq(suppressed, NONE);
	cr_assert(rate_limit_admit(&limit, 1000, &suppressed));
	cr_assert_eq(suppressed, 2);
	cr_assert(rate_limit_admit(&limit, 2000, &suppressed));
	cr_assert_eq(suppressed, 0, "counted once");
}

Test(common_rate_limit, flush_reports_suppressed_events_when_the_allowance_is_back)
{
	struct rate_limit limit = RATE_LIMIT(1, 1000);
	uint64_t suppressed = NONE;

	cr_assert_not(rate_limit_flush(&limit, 0, &suppressed), "no event yet");
	cr_assert_eq(admitted(&limit, 0, 1), 1);
	cr_assert_not(rate_limit_flush(&limit, 5000, &suppressed), "nothing was suppressed");
	cr_assert_eq(admitted(&limit, 5000, 4), 1);
	cr_assert_not(rate_limit_flush(&limit, 5999, &suppressed));
	cr_assert_eq(suppressed, NONE);
	cr_assert(rate_limit_flush(&limit, 6000, &suppressed));
	cr_assert_eq(suppressed, 3);
	cr_assert_eq(admitted(&limit, 6000, 1), 0, "the flush used the allowance");
}

Test(common_rate_limit, the_note_is_empty_without_suppressed_events)
{
	char note[RATE_LIMIT_NOTE_LEN];

	cr_assert_str_eq(rate_limit_note(0, note), "");
	cr_assert_str_eq(rate_limit_note(12, note), " (12 events before this were suppressed)");
	cr_assert_str_eq(rate_limit_note(UINT64_MAX, note),
			 " (18446744073709551615 events before this were suppressed)");
}
