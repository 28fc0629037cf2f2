// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* What of quoted text reaches logs, terminals and JSON. */
#include <criterion/criterion.h>
#include <jansson.h>

#include "common/errors.h"
#include "common/util.h"

static const struct {
	const char *text, *printable;
} rows[] = {
	{ "", "" },
	{ "eth0: gone", "eth0: gone" },
	{ "a\tb\nc\rd\x7f", "a?b?c?d?" },
	{ "\033[2J", "?[2J" },
	{ "B\xc3\xbcro \xe2\x86\x92 \xf0\x9f\x94\x8c",
	  "B\xc3\xbcro \xe2\x86\x92 \xf0\x9f\x94\x8c" },
	{ "\xc2\x9b"
	  "2J",
	  "??2J" },
	{ "\xc2\xa0", "\xc2\xa0" },
	/* cut, overlong, a surrogate, above U+10FFFF, a continuation alone */
	{ "\xe2\x86", "??" },
	{ "\xf0\x9f\x94", "???" },
	{ "\xc0\xaf", "??" },
	{ "\xe0\x80\xaf", "???" },
	{ "\xf0\x80\x80\xaf", "????" },
	{ "\xed\xa0\x80", "???" },
	{ "\xed\x9f\xbf", "\xed\x9f\xbf" },
	{ "\xf4\x90\x80\x80", "????" },
	{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
	{ "\xf5\x80\x80\x80", "????" },
	{ "\x80", "?" },
	{ "\xc3(", "?(" },
};

Test(common_text, only_printable_utf8_is_kept)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[32];

		strcpy(text, rows[i].text);
		cr_expect_str_eq(text_make_printable(text), rows[i].printable, "row %zu", i);
	}
}

/* jansson is the reference. All texts of one and two bytes, and each seventh of three. */
Test(common_text, what_is_kept_becomes_json, .timeout = 60)
{
	for (uint32_t value = 1; value < 1 << 24; value += value < 1 << 16 ? 1 : 7) {
		char text[4] = { (char)value, (char)(value >> 8), (char)(value >> 16) }, before[4];
		json_t *string;

		memcpy(before, text, sizeof(text));
		string = json_string(text_make_printable(text));
		cr_assert(string, "%06x", value);
		json_decref(string);
		string = json_string(before);
		/* what jansson takes is changed at control characters only */
		if (string && strcmp(before, text) != 0)
			cr_assert(strpbrk(before, "\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r"
						  "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18"
						  "\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xc2"),
				  "%06x", value);
		json_decref(string);
	}
}

Test(common_text, comments_are_ascii)
{
	char text[] = "a\tB\xc3\xbcro ~\x7f";

	cr_expect_str_eq(text_make_ascii(text), "a?B??ro ~?");
}

Test(common_text, an_error_quotes_no_escape_sequence)
{
	_cleanup_(errors_done) struct errors errors = {};

	errors_add(&errors, -ENODEV, "%s: cannot attach", "a\033[2J\nb");
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(errors.messages[0], "a?[2J?b: cannot attach: No such device");
}
