// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/units.h"

#include "common/util.h"

static const char *with_prefix(uint64_t value, uint64_t exact_below, const char *unit,
			       char text[TEXT_NUMBER_LEN])
{
	static const char *const prefixes[] = { "k", "M", "G", "T", "P", "E" };
	double scaled = (double)value;
	size_t i = 0;

	if (value < exact_below) {
		snprintf(text, TEXT_NUMBER_LEN, "%llu%s%s", (unsigned long long)value,
			 *unit ? " " : "", unit);
		return text;
	}
	/* 999.5 would be printed as 1000 */
	for (scaled /= 1000; scaled >= 999.5 && i + 1 < ARRAY_SIZE(prefixes); i++)
		scaled /= 1000;
	snprintf(text, TEXT_NUMBER_LEN, "%.*f %s%s",
		 scaled < 9.995 ? 2 :
		 scaled < 99.95 ? 1 :
				  0,
		 scaled, prefixes[i], unit);
	return text;
}

const char *text_count(uint64_t count, char text[TEXT_NUMBER_LEN])
{
	return with_prefix(count, 10000, "", text);
}

const char *text_bytes(uint64_t bytes, char text[TEXT_NUMBER_LEN])
{
	return with_prefix(bytes, 1000, "B", text);
}

const char *text_speed(uint32_t speed_mbps, char text[TEXT_NUMBER_LEN])
{
	if (!speed_mbps)
		return strcpy(text, "-");
	if (speed_mbps % 100 == 0 && speed_mbps >= 1000)
		snprintf(text, TEXT_NUMBER_LEN, "%g Gb/s", speed_mbps / 1000.0);
	else
		snprintf(text, TEXT_NUMBER_LEN, "%u Mb/s", speed_mbps);
	return text;
}

const char *text_duration(uint64_t ms, char text[TEXT_NUMBER_LEN])
{
	unsigned long long s = ms / 1000;

	if (s < 60)
		snprintf(text, TEXT_NUMBER_LEN, "%llu s", s);
	else if (s < 3600)
		snprintf(text, TEXT_NUMBER_LEN, "%llu min %llu s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, TEXT_NUMBER_LEN, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		snprintf(text, TEXT_NUMBER_LEN, "%llu d %llu h", s / 86400, s / 3600 % 24);
	return text;
}

const char *text_rate(uint64_t bps, char text[TEXT_NUMBER_LEN])
{
	char count[TEXT_NUMBER_LEN];

	text_count(bps, count);
	snprintf(text, TEXT_NUMBER_LEN, "%.16s%sb/s", count, strchr(count, ' ') ? "" : " ");
	return text;
}
