// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Tables: alignment, and which columns a width has room for. */
#include <criterion/criterion.h>
#include <locale.h>

#include "ctl/columns.h"

static void set_locale(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

TestSuite(ctl_columns, .init = set_locale);

/* clang-format off */
static const struct column columns[] = {
	{ "SWITCH", "switch", CELL_TEXT, NULL, COLUMN_IF_MANY },
	{ "NAME", "name", CELL_TEXT, NULL, 0 },
	{ "PACKETS", "packets", CELL_EXACT, NULL, 1 },
	{ "STATE", "state", CELL_STATE, NULL, 2 },
	{ "NOTE", "note", CELL_TEXT, NULL, COLUMN_ON_REQUEST },
};
/* clang-format on */

static json_t *example(const char *second_switch)
{
	return json_pack("[{s:s, s:s, s:i, s:s}, {s:s, s:s, s:i, s:s, s:s}]", "switch", "one",
			 "name", "a-long-name", "packets", 7, "state", "in use", "switch",
			 second_switch, "name", "büro", "packets", 12345678, "state", "no carrier",
			 "note", "last");
}

static char *print(json_t *records, int width, bool colour, const char *chosen, int indent,
		   struct errors *errors)
{
	const struct style style = { .utf8 = true, .width = width, .colour = colour };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	records_print(records, columns, ARRAY_SIZE(columns), &style, indent, chosen, errors, out);
	fclose(out);
	return text;
}

static void expect_table(const char *second_switch, int width, const char *chosen, int indent,
			 const char *expected)
{
	_cleanup_(errors_done) struct errors errors = {};
	json_auto_t *records = example(second_switch);
	_cleanup_free_ char *text = print(records, width, false, chosen, indent, &errors);

	cr_expect_str_eq(text, expected, "width %d:\n%s", width, text);
	cr_expect_eq(errors.n, 0);
}

Test(ctl_columns, those_that_fit_in_the_order_of_their_ranks)
{
	expect_table("two", 80, NULL, 2,
		     "  SWITCH  NAME          PACKETS  STATE\n"
		     "  one     a-long-name         7  in use\n"
		     "  two     büro         12345678  no carrier\n");
	expect_table("two", 41, NULL, 0,
		     "SWITCH  NAME          PACKETS  STATE\n"
		     "one     a-long-name         7  in use\n"
		     "two     büro         12345678  no carrier\n");
	expect_table("two", 40, NULL, 0,
		     "SWITCH  NAME          PACKETS\n"
		     "one     a-long-name         7\n"
		     "two     büro         12345678\n");
	/* one switch only: its name is the first to go */
	expect_table("one", 33, NULL, 0,
		     "NAME          PACKETS  STATE\n"
		     "a-long-name         7  in use\n"
		     "büro         12345678  no carrier\n");
	/* what is always shown is cut */
	expect_table("two", 14, NULL, 0,
		     "SWITCH  NAME\n"
		     "one     a-long\n"
		     "two     büro\n");
}

Test(ctl_columns, chosen_ones_are_shown_in_full_and_in_their_order)
{
	expect_table("one", 10, "note,packets,NAME", 0,
		     "NOTE   PACKETS  NAME\n"
		     "-            7  a-long-name\n"
		     "last  12345678  büro\n");
}

Test(ctl_columns, unknown_name)
{
	static const char *const wrong[] = { "colour", "", "name,", "name,,note", "nam" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(errors_done) struct errors errors = {};
		json_auto_t *records = example("one");
		_cleanup_free_ char *text = print(records, 80, false, wrong[i], 0, &errors);

		cr_expect_str_eq(text, "", "%s", wrong[i]);
		cr_assert_eq(errors.n, 1, "%s", wrong[i]);
		cr_expect(strstr(errors.messages[0],
				 "unknown column: must be switch, name, packets, state, note"),
			  "%s", errors.messages[0]);
	}
}

Test(ctl_columns, colour_does_not_move_columns)
{
	json_auto_t *records = example("one");
	_cleanup_free_ char *text = print(records, 80, true, "state,name", 0, NULL);

	cr_expect(strstr(text, "\033[32min use    \033[0m  a-long-name\n"), "%s", text);
	cr_expect(strstr(text, "\033[1;31mno carrier\033[0m  büro\n"), "%s", text);
}

Test(ctl_columns, control_characters_do_not_reach_the_terminal)
{
	json_auto_t *records = json_pack("[{s:s}]", "name", "a\033[31mb");
	_cleanup_free_ char *text = print(records, 80, false, "name", 0, NULL);

	cr_expect_str_eq(text, "NAME\na\\x1b[31mb\n", "%s", text);
}

Test(ctl_columns, empty_table_has_titles)
{
	json_auto_t *records = json_array();
	_cleanup_free_ char *text = print(records, 80, false, "name,note", 1, NULL);

	cr_expect_str_eq(text, " NAME  NOTE\n", "%s", text);
}
