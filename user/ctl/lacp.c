// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* show lacp: a table of both ends, a sentence and the findings per uplink, and the counters. */
#include "ctl/ctl.h"
#include "lacp/lacp.h"

/* clang-format off */
static const struct column columns[] = {
	{ "UPLINK", "uplink", CELL_TEXT, NULL, 0 },	  { "PORT", "port", CELL_TEXT, NULL, 4 },
	{ "STATE", "state", CELL_TEXT, NULL, 0 },	  { "MUX", "mux", CELL_TEXT, NULL, 1 },
	{ "SELECTED", "selected", CELL_TEXT, NULL, 5 },	  { "PARTNER", "partner", CELL_TEXT, NULL, 0 },
	{ "KEY", "key", CELL_TEXT, NULL, 2 },		  { "PORT", "partner_port", CELL_TEXT, NULL, 4 },
	{ "STATE", "partner_state", CELL_TEXT, NULL, 0 }, { "CHURN", "churn", CELL_TEXT, NULL, 6 },
	{ "LAST", "last", CELL_TEXT, NULL, 3 },		  { "GAPS MIN/AVG/MAX", "gaps", CELL_TEXT, NULL, 7 },
	{ "NEIGHBOUR", "neighbour", CELL_TEXT, NULL, 8 },
};
/* clang-format on */

/* clang-format off */
static const struct column counters[] = {
	{ "UPLINK", "uplink", CELL_TEXT, NULL, 0 },	{ "LACPDUS IN", "lacpdu_rx", CELL_TEXT, NULL, 0 },
	{ "OUT", "lacpdu_tx", CELL_TEXT, NULL, 0 },	{ "MARKERS", "marker_rx", CELL_TEXT, NULL, 3 },
	{ "ILLEGAL", "illegal_rx", CELL_TEXT, NULL, 1 }, { "UNKNOWN", "unknown_rx", CELL_TEXT, NULL, 2 },
	{ "EXCESS", "excess_rx", CELL_TEXT, NULL, 1 },	{ "LINK DOWN", "link_down_rx", CELL_TEXT, NULL, 3 },
	{ "PARTNERS", "partner_changes", CELL_TEXT, NULL, 1 }, { "ANSWERED", "answered", CELL_TEXT, NULL, 1 },
};
/* clang-format on */

/* bit: number of a bit of the state octet. */
static bool has_state(json_t *side, unsigned int bit)
{
	const char *wanted = lacp_name(LACP_NAMES_STATE_BIT, bit);
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(side, "state"), i, name)
		if (wanted && json_is_string(name) && strcmp(json_string_value(name), wanted) == 0)
			return true;
	return false;
}

/* One letter per bit, as in "ATGSCD--". */
static json_t *state_letters(json_t *side)
{
	char letters[LACP_LETTERS_LEN];
	uint8_t state = 0;

	for (unsigned int bit = 0; bit < 8; bit++)
		state |= (uint8_t)(has_state(side, bit) << bit);
	return json_string(lacp_state_letters(state, letters));
}

json_t *ctl_seconds(json_t *age_ms)
{
	return json_is_integer(age_ms) ?
		       json_sprintf("%.1f s", (double)json_integer_value(age_ms) / 1000) :
		       json_null();
}

static json_t *churn_text(json_t *churn)
{
	const char *actor = ctl_text(churn, "actor"), *partner = ctl_text(churn, "partner");

	return actor && partner ? json_sprintf("%s/%s", actor, partner) : json_null();
}

static json_t *gaps_text(json_t *gaps)
{
	if (!ctl_number(gaps, "count"))
		return json_null();
	return json_sprintf("%.1f/%.1f/%.1f s", (double)ctl_number(gaps, "min_ms") / 1000,
			    (double)ctl_number(gaps, "avg_ms") / 1000,
			    (double)ctl_number(gaps, "max_ms") / 1000);
}

json_t *ctl_neighbour(json_t *neighbour)
{
	if (!json_is_object(neighbour))
		return json_null();
	return json_sprintf("%s %s (%s)", ctl_word(neighbour, "device"),
			    ctl_word(neighbour, "port"), ctl_word(neighbour, "protocol"));
}

static json_t *row_of(json_t *record)
{
	json_t *actor = json_object_get(record, "actor"),
	       *partner = json_object_get(record, "partner"), *row = json_object();
	bool running = json_is_true(json_object_get(record, "running"));

#define SET(key, value) json_object_set_new(row, (key), (value))
	json_object_set(row, "uplink", json_object_get(record, "uplink"));
	json_object_set(row, "mux", json_object_get(record, "mux_state"));
	json_object_set(row, "selected", json_object_get(record, "selected"));
	SET("port", running ? json_integer(ctl_number(actor, "port")) : json_null());
	SET("state", running ? state_letters(actor) : json_null());
	if (ctl_number(partner, "system_priority") || ctl_number(partner, "port")) {
		SET("partner", json_sprintf("%d,%s", (int)ctl_number(partner, "system_priority"),
					    ctl_word(partner, "system")));
		SET("key", json_integer(ctl_number(partner, "key")));
		SET("partner_port", json_sprintf("%d,%d", (int)ctl_number(partner, "port_priority"),
						 (int)ctl_number(partner, "port")));
		SET("partner_state", state_letters(partner));
	}
	SET("churn", churn_text(json_object_get(record, "churn")));
	SET("last", ctl_seconds(json_object_get(record, "last_rx_age_ms")));
	SET("gaps", gaps_text(json_object_get(record, "gaps")));
	SET("neighbour", ctl_neighbour(json_object_get(record, "neighbour")));
#undef SET
	return row;
}

static json_t *counters_of(json_t *record)
{
	json_t *row = json_copy(json_object_get(record, "stats"));

	json_object_set(row, "uplink", json_object_get(record, "uplink"));
	json_object_set(row, "answered",
			json_object_get(json_object_get(record, "headless"), "answered"));
	return row;
}

void ctl_print_sentences(struct ctl *ctl, json_t *record)
{
	bool out = json_is_true(json_object_get(record, "out"));
	const char *reason = ctl_text(record, "reason");
	const struct style *style = &ctl->style;
	json_t *finding;
	size_t i;

	if (reason)
		fprintf(ctl->out, "  %s%s: %s%s\n", tint_start(style, out ? TINT_WARN : TINT_NONE),
			ctl_word(record, "uplink"), reason,
			tint_end(style, out ? TINT_WARN : TINT_NONE));
	json_array_foreach(json_object_get(record, "finding_texts"), i, finding) {
		const char *text = ctl_word(finding, "text");
		bool same = reason && strcmp(text, reason) == 0;

		fprintf(ctl->out, "  %s%s %s%s%s%s\n", tint_start(style, TINT_WARN),
			style->utf8 ? "▲" : "!", ctl_word(finding, "finding"),
			tint_end(style, TINT_WARN), same ? "" : ": ", same ? "" : text);
		fprintf(ctl->out, "    %s%s %s%s\n", tint_start(style, TINT_DIM),
			style->utf8 ? "→" : "->", ctl_word(finding, "remedy"),
			tint_end(style, TINT_DIM));
	}
}

/* "eth0, eth1" */
static void print_names(struct ctl *ctl, json_t *names)
{
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
		fprintf(ctl->out, "%s%s", i ? ", " : "", json_string_value(name));
}

/* Until when LACPDUs are answered while the daemon is stopped. */
static void print_headless(struct ctl *ctl, json_t *sw)
{
	json_t *without_xdp = json_object_get(sw, "headless_without_xdp");
	json_int_t headless_ms = ctl_number(sw, "headless_ms");
	char text[TEXT_NUMBER_LEN];

	fputs("  uplinkd is not running, this is the last known state; ", ctl->out);
	if (!headless_ms) {
		fputs("LACPDUs are no longer answered\n", ctl->out);
	} else if (json_array_size(without_xdp)) {
		fputs("LACPDUs are not answered on ", ctl->out);
		print_names(ctl, without_xdp);
		fputs(" (no XDP program attached)\n", ctl->out);
	} else {
		fprintf(ctl->out, "uplink_xdp answers LACPDUs for another %s\n",
			text_duration((uint64_t)headless_ms, text));
	}
}

static void print_title(struct ctl *ctl, json_t *sw)
{
	json_t *actor = json_object_get(json_array_get(json_object_get(sw, "uplinks"), 0), "actor");
	const char *channel = ctl_word(sw, "channel");

	fprintf(ctl->out, "%s%s%s  ", tint_start(&ctl->style, TINT_BOLD), ctl_word(sw, "switch"),
		tint_end(&ctl->style, TINT_BOLD));
	if (strcmp(channel, "lacp") != 0) {
		fprintf(ctl->out, "%s channel, no LACP\n",
			strcmp(channel, "none") == 0 ? "no" : channel);
		return;
	}
	fprintf(ctl->out, "LACP %s, %s rate, system %d,%s key %d\n",
		has_state(actor, 0) ? "active" : "passive", has_state(actor, 1) ? "fast" : "slow",
		(int)ctl_number(actor, "system_priority"), ctl_word(actor, "system"),
		(int)ctl_number(actor, "key"));
	if (json_is_false(json_object_get(sw, "daemon_alive")))
		print_headless(ctl, sw);
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
		if (json_is_true(json_object_get(record, "running")))
			json_array_append_new(counts, counters_of(record));
	}
	fputc('\n', ctl->out);
	status = ctl_print_table(ctl, rows, columns, ARRAY_SIZE(columns), 2);
	if (status || ctl->columns)
		return status;
	fputc('\n', ctl->out);
	json_array_foreach(records, i, record)
		ctl_print_sentences(ctl, record);
	if (json_array_size(counts) == 0)
		return CTL_DONE;
	fputc('\n', ctl->out);
	return ctl_print_table(ctl, counts, counters, ARRAY_SIZE(counters), 2);
}

int cmd_show_lacp(struct ctl *ctl)
{
	json_auto_t *switches = NULL, *all = json_array();
	int status;
	json_t *sw;
	size_t i;

	if (ctl_columns_help(ctl, columns, ARRAY_SIZE(columns)))
		return CTL_DONE;
	status = ctl_read(ctl, "Lacp", ctl->arguments[0], NULL, &switches);
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
