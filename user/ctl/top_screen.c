// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Uplinks, groups and drops come first and keep their place; ports fill the rest of the screen. On
 * a screen that is too low the last sections shrink first.
 */
#include "ctl/top_screen.h"

#include <stdarg.h>

#define BAR_WIDTH 8
#define LINE_LEN 1024
#define MAX_DROPS 5 /* lines on a screen */
#define MAX_GROUPS 8

struct screen {
	const struct top_options *options;
	void (*on_line)(void *userdata, enum tint tint, const char *text);
	void *userdata;
	int lines;
};

const char *top_sort_name(enum top_sort sort)
{
	static const char *const names[] = {
		[TOP_BY_RATE] = "rate", [TOP_BY_DROPS] = "drops", [TOP_BY_NAME] = "name"
	};

	return sort < N_TOP_SORTS ? names[sort] : "?";
}

/* ---- lines ---- */
static bool is_full(const struct screen *screen, int reserved)
{
	return screen->options->height && screen->lines >= screen->options->height - reserved;
}

/* Cuts UTF-8 text to columns. */
static void cut(char *text, int columns)
{
	int width = 0;
	char *at = text;

	for (; *at; at++)
		if ((*at & 0xc0) != 0x80 && ++width > columns)
			break;
	*at = '\0';
}

static void put_line(struct screen *screen, enum tint tint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put_line(struct screen *screen, enum tint tint, const char *format, ...)
{
	char text[LINE_LEN];
	size_t length;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (screen->options->width)
		cut(text, screen->options->width);
	length = strlen(text);
	while (length && text[length - 1] == ' ')
		text[--length] = '\0';
	screen->on_line(screen->userdata, tint, text);
	screen->lines++;
}

/* ---- values ---- */
static const char *word(json_t *row, const char *key)
{
	const char *text = ctl_text(row, key);

	return text ? text : "-";
}

static json_int_t both_ways(json_t *row)
{
	return ctl_number(row, "tx_bps") + ctl_number(row, "rx_bps");
}

/* The bar of a rate, padded, and the rate: "████     1.23 Gb/s". */
struct cell {
	char text[(TEXT_BAR_MAX + BAR_WIDTH) * 3 + TEXT_NUMBER_LEN];
};

static struct cell rate_cell(const struct screen *screen, json_int_t bps, json_int_t whole)
{
	char bar[TEXT_BAR_MAX * 3 + 1], rate[TEXT_NUMBER_LEN];
	struct cell cell;

	char *end;
	int n;

	text_bar(&screen->options->style, whole ? (double)bps / (double)whole : 0, BAR_WIDTH, bar);
	end = stpcpy(cell.text, bar);
	for (n = (int)text_width(bar); n < BAR_WIDTH; n++)
		*end++ = ' ';
	snprintf(end, TEXT_NUMBER_LEN + 2, " %10.20s", text_rate((uint64_t)bps, rate));
	return cell;
}

static json_int_t largest(json_t *rows, const char *key)
{
	json_int_t most = 0;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		most = ctl_number(row, key) > most ? ctl_number(row, key) : most;
	return most;
}

/* ---- sections ---- */
static void put_uplinks(struct screen *screen, json_t *uplinks)
{
	json_int_t most_tx = largest(uplinks, "tx_bps"), most_rx = largest(uplinks, "rx_bps");
	json_t *row;
	size_t i;

	if (is_full(screen, 2))
		return;
	put_line(screen, TINT_BOLD, "%-12s %-10s %19s %19s %7s %s", "UPLINK", "STATE", "TX", "RX",
		 "DROPS/s", "LACP");
	json_array_foreach(uplinks, i, row) {
		json_int_t speed = ctl_number(row, "speed_mbps") * 1000000;
		const char *state = word(row, "state");
		enum tint tint = strcmp(state, "in use") == 0 ? TINT_NONE : TINT_WARN;

		if (is_full(screen, 1))
			return;
		put_line(screen, tint, "%-12s %-10s %s %s %7lld %s", word(row, "name"), state,
			 rate_cell(screen, ctl_number(row, "tx_bps"), speed ? speed : most_tx).text,
			 rate_cell(screen, ctl_number(row, "rx_bps"), speed ? speed : most_rx).text,
			 (long long)ctl_number(row, "dropped_pps"), word(row, "lacp"));
	}
}

/* "eth0 4, eth1 4" */
static const char *describe_buckets(json_t *buckets, char *text, size_t size)
{
	const char *uplink;
	json_t *count;
	size_t n = 0;

	text[0] = '\0';
	json_object_foreach(buckets, uplink, count) {
		if (n >= size)
			break;
		n += (size_t)snprintf(text + n, size - n, "%s%s %lld", n ? ", " : "", uplink,
				      (long long)json_integer_value(count));
	}
	return text;
}

static bool passes(const struct top_options *options, json_t *row)
{
	return !options->filter || !options->filter[0] ||
	       strstr(word(row, "name"), options->filter) ||
	       strstr(word(row, "group"), options->filter);
}

static enum top_sort order; /* of compare_rows() */

static int compare_rows(const void *a, const void *b)
{
	json_t *const *first = a, *const *second = b;
	json_int_t x = order == TOP_BY_DROPS ? ctl_number(*first, "dropped_pps") :
					       both_ways(*first);
	json_int_t y = order == TOP_BY_DROPS ? ctl_number(*second, "dropped_pps") :
					       both_ways(*second);

	if (order != TOP_BY_NAME && x != y)
		return (x < y) - (x > y);
	return strcmp(word(*first, "name"), word(*second, "name"));
}

/* The rows that pass the filter, sorted. New array. */
static json_t *select_rows(const struct top_options *options, json_t *rows)
{
	size_t n = json_array_size(rows), n_selected = 0, i;
	json_t **items = calloc(n ? n : 1, sizeof(*items)), *selected = json_array(), *row;

	json_array_foreach(rows, i, row)
		if (items && passes(options, row))
			items[n_selected++] = row;
	order = options->sort;
	if (items)
		qsort(items, n_selected, sizeof(*items), compare_rows);
	for (i = 0; i < n_selected; i++)
		json_array_append(selected, items[i]);
	free(items);
	return selected;
}

static void put_groups(struct screen *screen, json_t *groups)
{
	json_auto_t *rows = select_rows(screen->options, groups);
	json_int_t most_tx = largest(rows, "tx_bps"), most_rx = largest(rows, "rx_bps");
	json_t *row;
	size_t i;

	if (is_full(screen, 2))
		return;
	put_line(screen, TINT_BOLD, "%-12s %-6s %5s %19s %19s %s", "GROUP", "VLAN", "PORTS", "TX",
		 "RX", "BUCKETS");
	json_array_foreach(rows, i, row) {
		char buckets[256];

		if (is_full(screen, 1) || (screen->options->height && i == MAX_GROUPS))
			return;
		put_line(screen, TINT_NONE, "%-12.12s %-6.6s %5lld %s %s %s", word(row, "name"),
			 word(row, "vlan"), (long long)ctl_number(row, "ports"),
			 rate_cell(screen, ctl_number(row, "tx_bps"), most_tx).text,
			 rate_cell(screen, ctl_number(row, "rx_bps"), most_rx).text,
			 describe_buckets(json_object_get(row, "buckets"), buckets,
					  sizeof(buckets)));
	}
}

static void put_drops(struct screen *screen, json_t *drops)
{
	json_t *row;
	size_t i;

	if (!json_array_size(drops) || is_full(screen, 2))
		return;
	put_line(screen, TINT_BOLD, "%-12s %-20s %7s", "DROPS", "REASON", "/s");
	json_array_foreach(drops, i, row) {
		if (is_full(screen, 1) || (screen->options->height && i == MAX_DROPS))
			return;
		put_line(screen, TINT_WARN, "%-12s %-20s %7lld", word(row, "name"),
			 word(row, "reason"), (long long)ctl_number(row, "pps"));
	}
}

static size_t put_ports(struct screen *screen, json_t *ports)
{
	json_auto_t *rows = select_rows(screen->options, ports);
	json_int_t most_tx = largest(rows, "tx_bps"), most_rx = largest(rows, "rx_bps");
	size_t i, n = json_array_size(rows);
	json_t *row;

	if (is_full(screen, 2))
		return n;
	put_line(screen, TINT_BOLD, "%-12s %-10s %19s %19s %7s %s", "PORT", "GROUP", "TX", "RX",
		 "DROPS/s", "UPLINK");
	json_array_foreach(rows, i, row) {
		if (i < screen->options->scroll)
			continue;
		if (is_full(screen, 1))
			break;
		put_line(screen, TINT_NONE, "%-12s %-10.10s %s %s %7lld %s", word(row, "name"),
			 word(row, "group"),
			 rate_cell(screen, ctl_number(row, "tx_bps"), most_tx).text,
			 rate_cell(screen, ctl_number(row, "rx_bps"), most_rx).text,
			 (long long)ctl_number(row, "dropped_pps"), word(row, "uplink"));
	}
	return n;
}

size_t top_screen(json_t *rates, const struct top_options *options,
		  void (*on_line)(void *userdata, enum tint tint, const char *text), void *userdata)
{
	struct screen screen = { .options = options, .on_line = on_line, .userdata = userdata };
	const char *filter = options->filter ? options->filter : "";
	size_t i, n_ports = 0;
	json_t *rate;

	json_array_foreach(rates, i, rate) {
		if (is_full(&screen, 3))
			break;
		put_line(&screen, TINT_BOLD, "%s  %.1f s  sort: %s%s%s%s%s", word(rate, "switch"),
			 (double)ctl_number(rate, "interval_ms") / 1000,
			 top_sort_name(options->sort),
			 filter[0] || options->typing ? "  filter: " : "", filter,
			 options->typing ? "_" : "", options->paused ? "  paused" : "");
		put_uplinks(&screen, json_object_get(rate, "uplinks"));
		put_groups(&screen, json_object_get(rate, "groups"));
		put_drops(&screen, json_object_get(rate, "drops"));
		n_ports += put_ports(&screen, json_object_get(rate, "ports"));
	}
	if (options->height) {
		while (!is_full(&screen, 1))
			put_line(&screen, TINT_NONE, "%s", "");
		put_line(&screen, TINT_DIM,
			 options->typing ? "Enter: done  Esc: no filter" :
					   "q: quit  s: sort  /: filter  p: pause  arrows, PgUp, "
					   "PgDn: ports");
	}
	return n_ports;
}
