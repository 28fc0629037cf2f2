// SPDX-License-Identifier: GPL-2.0
#include <criterion/criterion.h>

#include "ctl/text.h"

TestSuite(ctl_text);

static const struct style plain = {}, utf8 = { .utf8 = true },
			  colour = { .colour = true, .utf8 = true };

Test(ctl_text, counts)
{
	static const struct {
		uint64_t count;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 9999, "9999" },
		{ 10000, "10.0 k" },
		{ 12345, "12.3 k" },
		{ 99949, "99.9 k" },
		{ 99950, "100 k" },
		{ 999499, "999 k" },
		{ 999500, "1.00 M" },
		{ 1234567, "1.23 M" },
		{ 9994999, "9.99 M" },
		{ 9995000, "10.0 M" },
		{ 1000000000000ULL, "1.00 T" },
		{ UINT64_MAX, "18.4 E" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[TEXT_NUMBER_LEN];

		cr_expect_str_eq(text_count(rows[i].count, text), rows[i].text, "%llu: %s",
				 (unsigned long long)rows[i].count, text);
	}
}

Test(ctl_text, units)
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

Test(ctl_text, bars)
{
	static const struct {
		const struct style *style;
		double share;
		int width;
		const char *bar;
	} rows[] = {
		{ &plain, 0, 10, "" },
		{ &plain, 0.5, 10, "#####" },
		{ &plain, 1, 10, "##########" },
		{ &plain, 0.001, 10, "#" },
		{ &plain, 2, 4, "####" },
		{ &utf8, 0, 10, "" },
		{ &utf8, 0.5, 4, "██" },
		{ &utf8, 1, 4, "████" },
		{ &utf8, 0.0001, 4, "▏" },
		{ &utf8, 0.15625, 4, "▋" },
		{ &utf8, 0.28125, 4, "█▏" },
		{ &utf8, -1, 4, "" },
		{ &plain, 1, 1000, "########################################" },
	};

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

static char *print(const struct grid *grid, const struct style *style, int indent)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	grid_print(grid, style, indent, out);
	fclose(out);
	return text;
}

static struct grid *example(void)
{
	static const struct grid_column columns[] = {
		{ "NAME", false }, { "PACKETS", true }, { "BAR", false }, { "NOTE", false }
	};
	struct grid *grid = grid_new(columns, ARRAY_SIZE(columns));

	grid_add(grid, TINT_NONE, "a-long-name");
	grid_add(grid, TINT_NONE, "7");
	grid_add(grid, TINT_GOOD, "█▌");
	grid_add(grid, TINT_NONE, "");
	grid_add(grid, TINT_NONE, "büro");
	grid_add(grid, TINT_NONE, "12345678");
	grid_add(grid, TINT_BAD, "");
	grid_add(grid, TINT_NONE, "last");
	return grid;
}

Test(ctl_text, table_lines_up)
{
	_cleanup_(grid_freep) struct grid *grid = example();
	_cleanup_free_ char *text = print(grid, &utf8, 2);

	cr_expect_eq(grid_rows(grid), 2);
	cr_expect_str_eq(text,
			 "  NAME          PACKETS  BAR  NOTE\n"
			 "  a-long-name         7  █▌\n"
			 "  büro         12345678       last\n",
			 "%s", text);
}

Test(ctl_text, colour_does_not_move_columns)
{
	_cleanup_(grid_freep) struct grid *grid = example();
	_cleanup_free_ char *text = print(grid, &colour, 0);

	cr_expect(strstr(text, "7  \033[32m█▌\033[0m\n"), "%s", text);
	cr_expect(strstr(text, "12345678       last\n"), "an empty cell has no escape sequence: %s",
		  text);
}

Test(ctl_text, empty_table_has_titles)
{
	static const struct grid_column columns[] = { { "A", false }, { "B", true } };
	_cleanup_(grid_freep) struct grid *grid = grid_new(columns, 2);
	_cleanup_free_ char *text = print(grid, &plain, 0);

	cr_expect_str_eq(text, "A  B\n");
}

Test(ctl_text, style_follows_the_environment)
{
	int terminal = STDOUT_FILENO; /* no terminal here: only what must turn colour off can be
					 seen */

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
