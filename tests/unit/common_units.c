// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "common/units.h"
#include "common/util.h"

TestSuite(common_units);

Test(common_units, counts)
{
	static const struct {
		uint64_t count;
		const char *text;
		/* clang-format off */
	} rows[] = {
		{ 0, "0" }, { 1, "1" }, { 9999, "9999" }, { 10000, "10.0 k" }, { 12345, "12.3 k" }, { 99949, "99.9 k" }, { 99950, "100 k" },
		{ 999499, "999 k" }, { 999500, "1.00 M" }, { 1234567, "1.23 M" }, { 9994999, "9.99 M" }, { 9995000, "10.0 M" },
		{ 1000000000000ULL, "1.00 T" }, { UINT64_MAX, "18.4 E" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[TEXT_NUMBER_LEN];

		cr_expect_str_eq(text_count(rows[i].count, text), rows[i].text, "%llu: %s",
				 (unsigned long long)rows[i].count, text);
	}
}

Test(common_units, bytes_speeds_and_durations)
{
	char text[TEXT_NUMBER_LEN];

	cr_expect_str_eq(text_bytes(0, text), "0 B");
	cr_expect_str_eq(text_bytes(999, text), "999 B");
	cr_expect_str_eq(text_bytes(1000, text), "1.00 kB");
	cr_expect_str_eq(text_bytes(3456789012ULL, text), "3.46 GB");
	cr_expect_str_eq(text_speed(0, text), "-");
	cr_expect_str_eq(text_speed(10, text), "10 Mb/s");
	cr_expect_str_eq(text_speed(1000, text), "1 Gb/s");
	cr_expect_str_eq(text_speed(2500, text), "2.5 Gb/s");
	cr_expect_str_eq(text_speed(100000, text), "100 Gb/s");
	cr_expect_str_eq(text_duration(999, text), "0 s");
	cr_expect_str_eq(text_duration(59999, text), "59 s");
	cr_expect_str_eq(text_duration(185000, text), "3 min 5 s");
	cr_expect_str_eq(text_duration(8040000, text), "2 h 14 min");
	cr_expect_str_eq(text_duration(86400000ULL * 5 + 3600000 * 3, text), "5 d 3 h");
}
