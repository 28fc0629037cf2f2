// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* show pagp: a table of both ends, a sentence and the findings per uplink, and the counters. */
#include "ctl/ctl.h"

/* clang-format off */
static const struct column columns[] = {
	{ "UPLINK", "uplink", CELL_TEXT, NULL, 0 },	{ "PORT", "port", CELL_TEXT, NULL, 3 },
	{ "STATE", "state", CELL_TEXT, NULL, 0 },	{ "FLAGS", "flags", CELL_TEXT, NULL, 0 },
	{ "PARTNER", "partner", CELL_TEXT, NULL, 0 },	{ "PORT", "partner_port", CELL_TEXT, NULL, 1 },
	{ "GROUP", "partner_group", CELL_TEXT, NULL, 0 }, { "CAPABILITY", "capability", CELL_TEXT, NULL, 4 },
	{ "FLAGS", "partner_flags", CELL_TEXT, NULL, 0 }, { "LEARNS BY", "learn", CELL_TEXT, NULL, 5 },
	{ "LAST", "last", CELL_TEXT, NULL, 2 },		{ "NEIGHBOUR", "neighbour", CELL_TEXT, NULL, 6 },
};

static const struct column counters[] = {
	{ "UPLINK", "uplink", CELL_TEXT, NULL, 0 },	{ "PDUS IN", "info_rx", CELL_TEXT, NULL, 0 },
	{ "OUT", "info_tx", CELL_TEXT, NULL, 0 },	{ "FLUSHES", "flush_rx", CELL_TEXT, NULL, 4 },
	{ "ILLEGAL", "illegal_rx", CELL_TEXT, NULL, 1 }, { "EXCESS", "excess_rx", CELL_TEXT, NULL, 1 },
	{ "OWN", "loopback_rx", CELL_TEXT, NULL, 2 },	{ "OTHER", "other_rx", CELL_TEXT, NULL, 2 },
	{ "EXPIRED", "expired", CELL_TEXT, NULL, 1 },	{ "PARTNERS", "partner_changes", CELL_TEXT, NULL, 3 },
};
/* clang-format on */

/* As Cisco's `show pagp` has them: Slow hello, Auto mode, Consistent state. */
static json_t *flag_letters(json_t *side)
{
	static const struct {
		const char *name;
		char letter;
	} flags[] = { { "slow_hello", 'S' }, { "auto_mode", 'A' }, { "consistent_state", 'C' } };
	char text[ARRAY_SIZE(flags) + 1] = "---";
	json_t *flag;
	size_t k;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		json_array_foreach(json_object_get(side, "flags"), k, flag)
			if (strcmp(json_string_value(flag), flags[i].name) == 0)
				text[i] = flags[i].letter;
	return json_string(text);
}

static json_t *row_of(json_t *record)
{
	json_t *actor = json_object_get(record, "actor"),
	       *partner = json_object_get(record, "partner"), *row = json_object();

#define SET(key, value) json_object_set_new(row, (key), (value))
	json_object_set(row, "uplink", json_object_get(record, "uplink"));
	json_object_set(row, "state", json_object_get(record, "state"));
	if (json_is_true(json_object_get(record, "running"))) {
		SET("port", json_integer(ctl_number(actor, "port")));
		SET("flags", flag_letters(actor));
	}
	if (ctl_number(partner, "group_capability") || ctl_number(partner, "port")) {
		SET("partner", json_string(ctl_word(partner, "device")));
		SET("partner_port", json_integer(ctl_number(partner, "port")));
		SET("partner_group", json_integer(ctl_number(partner, "group")));
		SET("capability", json_sprintf("%llx", (unsigned long long)ctl_number(
							       partner, "group_capability")));
		SET("partner_flags", flag_letters(partner));
		json_object_set(row, "learn", json_object_get(partner, "learn"));
	}
	SET("last", ctl_seconds(json_object_get(record, "last_rx_age_ms")));
	SET("neighbour", ctl_neighbour(json_object_get(record, "neighbour")));
#undef SET
	return row;
}

static json_t *counters_of(json_t *record)
{
	json_t *row = json_copy(json_object_get(record, "stats"));

	json_object_set(row, "uplink", json_object_get(record, "uplink"));
	return row;
}

static void print_title(struct ctl *ctl, json_t *sw)
{
	json_t *first = json_array_get(json_object_get(sw, "uplinks"), 0),
	       *actor = json_object_get(first, "actor");
	const char *mode = ctl_text(first, "mode"), *channel = ctl_word(sw, "channel");

	fprintf(ctl->out, "%s%s%s  ", tint_start(&ctl->style, TINT_BOLD), ctl_word(sw, "switch"),
		tint_end(&ctl->style, TINT_BOLD));
	if (!first) {
		fprintf(ctl->out, "%s channel, no PAgP\n",
			strcmp(channel, "none") == 0 ? "no" : channel);
		return;
	}
	fprintf(ctl->out, "PAgP %s, device %s\n", mode ? mode : "not running",
		ctl_word(actor, "device"));
	if (json_is_false(json_object_get(sw, "daemon_alive")))
		fputs("  uplinkd is not running, this is the last known state; no PAgP is sent\n",
		      ctl->out);
}

/* An exit status; an error has been printed. */
static int print_switch(struct ctl *ctl, json_t *sw)
{
	json_auto_t *rows = json_array(), *counts = json_array();
	json_t *records = json_object_get(sw, "uplinks"), *record;
	int status;
	size_t i;

	print_title(ctl, sw);
	if (json_array_size(records) == 0)
		return CTL_DONE;
	json_array_foreach(records, i, record) {
		json_array_append_new(rows, row_of(record));
		json_array_append_new(counts, counters_of(record));
	}
	fputc('\n', ctl->out);
	status = ctl_print_table(ctl, rows, columns, ARRAY_SIZE(columns), 2);
	if (status || ctl->columns)
		return status;
	fputc('\n', ctl->out);
	json_array_foreach(records, i, record)
		ctl_print_sentences(ctl, record);
	fputc('\n', ctl->out);
	return ctl_print_table(ctl, counts, counters, ARRAY_SIZE(counters), 2);
}

int cmd_show_pagp(struct ctl *ctl)
{
	json_auto_t *switches = NULL, *all = json_array();
	int status;
	json_t *sw;
	size_t i;

	if (ctl_columns_help(ctl, columns, ARRAY_SIZE(columns)))
		return CTL_DONE;
	status = ctl_read(ctl, "Pagp", ctl->arguments[0], NULL, &switches);
	if (status)
		return status;
	json_array_foreach(switches, i, sw) {
		if (ctl->json) {
			json_array_extend(all, json_object_get(sw, "uplinks"));
			continue;
		}
		if (i)
			fputc('\n', ctl->out);
		status = print_switch(ctl, sw);
		if (status)
			return status;
	}
	return ctl->json ? ctl_print_json(ctl, TAKE_PTR(all)) : CTL_DONE;
}
