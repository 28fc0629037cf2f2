// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* what-if: where the load would go without some uplinks, or with another load balancing. */
#include "ctl/ctl.h"

/* clang-format off */
static const struct column uplink_columns[] = {
	{ "UPLINK", "uplink", CELL_TEXT, NULL, 0 },	{ "SPEED", "speed_mbps", CELL_SPEED, NULL, 0 },
	{ "SENT NOW", "now_bps", CELL_RATE, NULL, 0 },	{ "THEN", "then_bps", CELL_RATE, NULL, 0 },
	{ "OF SPEED", "use", CELL_PERCENT, NULL, 0 },	{ "NOTE", "note", CELL_TEXT, NULL, 0 },
};

static const struct column move_columns[] = {
	{ "FROM", "from", CELL_TEXT, NULL, 0 },		{ "TO", "to", CELL_TEXT, NULL, 0 },
	{ "BUCKETS", "buckets", CELL_EXACT, NULL, 0 },	{ "LOAD", "bps", CELL_RATE, NULL, 0 },
	{ "CERTAINTY", "certainty", CELL_TEXT, NULL, 0 }, { "PORTS", "ports", CELL_LIST, NULL, 0 },
};
/* clang-format on */

static void add_notes(json_t *uplinks)
{
	json_t *uplink;
	size_t i;

	json_array_foreach(uplinks, i, uplink) {
		if (json_is_true(json_object_get(uplink, "removed")))
			json_object_set_new(uplink, "note", json_string("taken away"));
		else if (json_is_true(json_object_get(uplink, "exceeds")))
			json_object_set_new(uplink, "note", json_string("exceeds its speed"));
	}
}

static int print_answer(struct ctl *ctl, json_t *record)
{
	json_t *moves = json_object_get(record, "moves");
	const char *certainty = ctl_text(record, "certainty");
	int status;

	fprintf(ctl->out, "%s, load of the last %.1f s\n\n", ctl_word(record, "switch"),
		(double)ctl_number(record, "interval_ms") / 1000);
	add_notes(json_object_get(record, "uplinks"));
	status = ctl_print_table(ctl, json_object_get(record, "uplinks"), uplink_columns,
				 ARRAY_SIZE(uplink_columns), 2);
	if (status == CTL_DONE && json_array_size(moves)) {
		fputc('\n', ctl->out);
		status = ctl_print_table(ctl, moves, move_columns, ARRAY_SIZE(move_columns), 2);
	}
	if (certainty && strcmp(certainty, "likely") == 0)
		fputs("\n  likely: the load of an uplink is taken as equal on all of its buckets\n",
		      ctl->out);
	return status;
}

int cmd_what_if(struct ctl *ctl)
{
	json_auto_t *record = NULL;
	int status;

	if (!ctl->without && !ctl->load_balancing)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"what-if: --without or --load-balancing is missing");
	status = ctl_read(ctl, "WhatIf", ctl->arguments[0],
			  json_pack("{s:s*, s:s*}", "without", ctl->without, "load_balancing",
				    ctl->load_balancing),
			  &record);
	if (status)
		return status;
	return ctl->json ? ctl_print_json(ctl, TAKE_PTR(record)) : print_answer(ctl, record);
}
