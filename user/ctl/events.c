// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl/events.h"

#include <time.h>

const char *event_time_text(double time, char text[EVENT_TIME_LEN])
{
	struct tm local;
	time_t seconds;
	size_t n;
	int ms;

	/* of a file that may be damaged; the largest year has four digits */
	if (!(time >= 0 && time < 253402300800.0))
		return "?";
	seconds = (time_t)time;
	ms = (int)((time - (double)seconds) * 1000);
	if (!localtime_r(&seconds, &local))
		return "?";
	n = strftime(text, EVENT_TIME_LEN, "%Y-%m-%d %H:%M:%S", &local);
	snprintf(text + n, EVENT_TIME_LEN - n, ".%03d", ms);
	return text;
}

void event_print(struct ctl *ctl, json_t *event)
{
	const char *code = ctl_text(event, "code");
	char text[EVENT_TIME_LEN];

	fprintf(ctl->out, "%s %s %s%s%s: %s\n",
		event_time_text(json_number_value(json_object_get(event, "time")), text),
		ctl_word(event, "switch"), ctl_word(event, "object"), code ? " " : "",
		code ? code : "", ctl_word(event, "text"));
}

/* ---- times ---- */
/* The whole text by one of the formats. */
static bool parse_by(const char *text, const char *const *formats, size_t n, struct tm *tm)
{
	for (size_t i = 0; i < n; i++) {
		struct tm parsed = *tm;
		const char *end = strptime(text, formats[i], &parsed);

		if (end && !*end) {
			parsed.tm_isdst = -1;
			*tm = parsed;
			return true;
		}
	}
	return false;
}

static int parse_ago(const char *text, double now, double *ret)
{
	static const struct {
		char unit;
		double seconds;
		/* clang-format off */
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	/* clang-format on */
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 9 || strlen(text) != digits + 1)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (text[digits] == units[i].unit) {
			*ret = now - strtod(text, NULL) * units[i].seconds;
			return 0;
		}
	return -EINVAL;
}

int event_time_parse(const char *text, double now, double *ret)
{
	static const char *const clocks[] = { "%H:%M:%S", "%H:%M" };
	static const char *const dates[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					     "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M" };
	static const char *const days[] = { "%Y-%m-%d" };
	time_t seconds = (time_t)now;
	struct tm tm = {}, today;
	uint64_t since_1970;

	if (text[0] == '@') {
		if (parse_u64(text + 1, 0, 1ULL << 40, &since_1970) < 0)
			return -EINVAL;
		*ret = (double)since_1970;
		return 0;
	}
	if (!localtime_r(&seconds, &today))
		return -EINVAL;
	today.tm_sec = 0;
	if (parse_by(text, clocks, ARRAY_SIZE(clocks), &today)) {
		if ((double)mktime(&today) > now) {
			today.tm_mday--;
			today.tm_isdst = -1;
		}
		*ret = (double)mktime(&today);
		return 0;
	}
	if (parse_by(text, dates, ARRAY_SIZE(dates), &tm) ||
	    parse_by(text, days, ARRAY_SIZE(days), &tm)) {
		*ret = (double)mktime(&tm);
		return 0;
	}
	return parse_ago(text, now, ret);
}
