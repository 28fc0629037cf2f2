// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The screen of `top`, made from rates. */
#include <criterion/criterion.h>
#include <locale.h>

#include "ctl/top_screen.h"
#include "records/rates.h"
#include "view_fake.h"

#define LINES_MAX 64

static struct fake fake;
static struct view view;
static struct snapshot *before, *now;
static char lines[LINES_MAX][1024];
static int n_lines;

static void setup(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	fake_init(&fake, 2);
	for (uint32_t slot = 1; slot < FAKE_PORTS; slot++) {
		char name[16];

		snprintf(name, sizeof(name), "vnet%u", slot);
		fake_port(&fake, slot, name, 0, (uint8_t)(slot + 1));
	}
	fake_view(&fake, &view);
	cr_assert_eq(snapshot_take(&view, &before), 0);
	cr_assert_eq(snapshot_take(&view, &now), 0);
	now->taken_ns = before->taken_ns + 2000000000;
}

static void teardown(void)
{
	snapshot_free(before);
	snapshot_free(now);
}

TestSuite(ctl_top, .init = setup, .fini = teardown);

static void send(struct ul_stats *stats, uint64_t packets)
{
	stats->sent.packets += packets;
	stats->sent.bytes += packets * 1000;
}

static json_t *rates(void)
{
	json_t *list = json_array();

	json_auto_t *last = record_traffic(now), *first = record_traffic(before);

	json_array_append_new(list, record_rates(last, first));
	return list;
}

static void on_line(void *userdata, enum tint tint, const char *text)
{
	cr_assert_lt(n_lines, LINES_MAX);
	snprintf(lines[n_lines++], sizeof(lines[0]), "%s", text);
}

static size_t draw(const struct top_options *options)
{
	json_auto_t *list = rates();

	n_lines = 0;
	return top_screen(list, options, on_line, NULL);
}

/* The line that begins with a name; -1: none. */
static int line_of(const char *name)
{
	for (int i = 0; i < n_lines; i++)
		if (strncmp(lines[i], name, strlen(name)) == 0)
			return i;
	return -1;
}

Test(ctl_top, ports_are_sorted_and_filtered)
{
	struct top_options options = { .style = { .utf8 = true } };

	send(&now->port_stats[5], 100);
	now->port_stats[3].forged_source.packets += 8;
	cr_expect_eq(draw(&options), FAKE_PORTS);
	cr_expect_lt(line_of("vnet5"), line_of("vnet0"));
	cr_expect(strstr(lines[line_of("vnet5")], "████████"), "%s", lines[line_of("vnet5")]);
	cr_expect_geq(line_of("DROPS"), 0);
	options.sort = TOP_BY_DROPS;
	draw(&options);
	cr_expect_lt(line_of("vnet3 "), line_of("vnet5"));
	options.sort = TOP_BY_NAME;
	options.filter = "net6";
	cr_expect_eq(draw(&options), 1);
	cr_expect(line_of("vnet6") > 0 && line_of("vnet5") < 0);
}

Test(ctl_top, no_line_is_wider_and_the_screen_is_full)
{
	struct top_options options = { .style = { .utf8 = true } };

	send(&now->port_stats[5], 100000000);
	for (options.height = 1; options.height < 40; options.height += 3)
		for (options.width = 10; options.width < 120; options.width += 7) {
			draw(&options);
			cr_assert_eq(n_lines, options.height, "%d lines at %d", n_lines,
				     options.height);
			for (int i = 0; i < n_lines; i++)
				cr_assert_leq(text_width(lines[i]), (size_t)options.width);
		}
}
