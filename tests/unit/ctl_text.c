// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "ctl/text.h"

TestSuite(ctl_text);

static const struct style plain = {}, utf8 = { .utf8 = true };

Test(ctl_text, bars)
{
	static const struct {
		const struct style *style;
		double share;
		int width;
		const char *bar;
		/* clang-format off */
	} rows[] = {
		{ &plain, 0, 10, "" }, { &plain, 0.5, 10, "#####" }, { &plain, 1, 10, "##########" }, { &plain, 0.001, 10, "#" }, { &plain, 2, 4, "####" },
		{ &utf8, 0, 10, "" }, { &utf8, 0.5, 4, "██" }, { &utf8, 1, 4, "████" }, { &utf8, 0.0001, 4, "▏" }, { &utf8, 0.15625, 4, "▋" },
		{ &utf8, 0.28125, 4, "█▏" }, { &utf8, -1, 4, "" }, { &plain, 1, 1000, "########################################" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char bar[TEXT_BAR_MAX * 3 + 1];

		cr_expect_str_eq(text_bar(rows[i].style, rows[i].share, rows[i].width, bar),
				 rows[i].bar, "row %zu: '%s', expected '%s'", i, bar, rows[i].bar);
	}
}

Test(ctl_text, width_counts_characters)
{
	cr_expect_eq(text_width(""), 0);
	cr_expect_eq(text_width("eth0"), 4);
	cr_expect_eq(text_width("█▌ 50 %"), 7);
	cr_expect_eq(text_width("büro"), 4);
}

Test(ctl_text, lines_are_wrapped_at_blanks)
{
	static const struct {
		const char *prefix;
		int prefix_width, indent, width;
		const char *text, *lines;
		int n;
	} rows[] = {
		{ "", 0, 0, 80, "one line", "one line\n", 1 },
		{ "- ", 2, 2, 11, "two words here", "- two words\n  here\n", 2 },
		{ "- ", 2, 2, 10, "two words here", "- two\n  words\n  here\n", 3 },
		{ "", 0, 1, 4, "eleven-long x", "eleven-long\n x\n", 2 },
		{ "", 0, 0, 0, "never wrapped text", "never wrapped text\n", 1 },
		{ "", 0, 0, 7, "büro ös", "büro ös\n", 1 },
		{ "> ", 2, 2, 20, "", "> \n", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		int n = text_wrap(out, rows[i].prefix, rows[i].prefix_width, rows[i].indent,
				  rows[i].width, rows[i].text);

		fclose(out);
		cr_expect_eq(n, rows[i].n, "row %zu: %d lines", i, n);
		cr_expect_str_eq(text, rows[i].lines, "row %zu: %s", i, text);
	}
}

Test(ctl_text, width_without_a_terminal)
{
	char path[] = "/tmp/ul-text-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	unlink(path);
	unsetenv("COLUMNS");
	cr_expect_eq(style_detect(fd).width, 80);
	cr_expect_eq(style_detect(fd).height, 0);
	setenv("COLUMNS", "132", 1);
	cr_expect_eq(style_detect(fd).width, 132);
	setenv("COLUMNS", "wide", 1);
	cr_expect_eq(style_detect(fd).width, 80);
	setenv("COLUMNS", "-1", 1);
	cr_expect_eq(style_detect(fd).width, 80);
}

Test(ctl_text, style_follows_the_environment)
{
	/* without a terminal only the conditions that turn colour off are testable */
	int terminal = STDOUT_FILENO;

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	cr_expect_eq(style_detect(terminal).colour, isatty(terminal));
	setenv("NO_COLOR", "1", 1);
	cr_expect_not(style_detect(terminal).colour);

	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	setenv("LANG", "de_DE.UTF-8", 1);
	cr_expect(style_detect(terminal).utf8);
	setenv("LC_ALL", "C", 1);
	cr_expect_not(style_detect(terminal).utf8, "LC_ALL goes before LANG");
	setenv("LC_ALL", "C.utf8", 1);
	cr_expect(style_detect(terminal).utf8);
	unsetenv("LC_ALL");
	unsetenv("LANG");
	cr_expect(style_detect(terminal).utf8, "without any locale");
}
