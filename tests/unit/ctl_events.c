// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Times of the command line, in UTC. */
#include "ctl/events.h"

#include <criterion/criterion.h>
#include <time.h>

#define NOW 1763800200.5 /* 2025-11-22 08:30:00.5 */

static void setup(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
}

TestSuite(ctl_events, .init = setup);

Test(ctl_events, times)
{
	static const struct {
		const char *text;
		double time;
		/* clang-format off */
	} rows[] = {
		{ "03:00", 1763780400 },
		{ "08:30", 1763800200 },
		{ "08:31", 1763800260 - 86400 }, /* yesterday */
		{ "08:29:59", 1763800199 },
		{ "2025-11-22", 1763769600 },
		{ "2025-11-22 03:00", 1763780400 },
		{ "2025-11-22T03:00:01", 1763780401 },
		{ "90s", NOW - 90 },
		{ "15m", NOW - 900 },
		{ "2h", NOW - 7200 },
		{ "3d", NOW - 3 * 86400 },
		{ "@1763800000", 1763800000 },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double time = 0;

		cr_expect_eq(event_time_parse(rows[i].text, NOW, &time), 0, "%s", rows[i].text);
		cr_expect_eq(time, rows[i].time, "%s: %f", rows[i].text, time);
	}
}

Test(ctl_events, what_is_no_time)
{
	static const char *const texts[] = { "",	  "3",	    "25:00", "03:00x", "2025-13-01",
					     "h",	  "2w",	    "-5m",   "@",      "@-1",
					     "yesterday", "03:00 ", "1h2" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		double time = 7;

		cr_expect_eq(event_time_parse(texts[i], NOW, &time), -EINVAL, "%s", texts[i]);
		cr_expect_eq(time, 7, "%s", texts[i]);
	}
}

Test(ctl_events, text)
{
	char text[EVENT_TIME_LEN];

	cr_expect_str_eq(event_time_text(NOW, text), "2025-11-22 08:30:00.500");
}
