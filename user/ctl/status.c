// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* status: findings, uplinks and port groups of each switch. On a terminal the text is folded step
 * by step until it fits the screen. */
#include "ctl/findings.h"

/* clang-format off */
static const struct column uplink_columns[] = {
	{ "UPLINK", "name", CELL_TEXT, NULL, 0 },	{ "STATE", "state", CELL_STATE, NULL, 0 },
	{ "SPEED", "speed_mbps", CELL_SPEED, NULL, 0 },	{ "SHARE OF TRAFFIC", "share", CELL_SHARE, NULL, 2 },
	{ "SENT", "tx_bytes", CELL_BYTES, NULL, 3 },	{ "RECEIVED", "rx_bytes", CELL_BYTES, NULL, 3 },
	{ "DROPPED", "dropped_packets", CELL_COUNT, NULL, 1 },
};
/* clang-format on */

/* clang-format off */
static const struct column group_columns[] = {
	{ "GROUP", "name", CELL_TEXT, NULL, 0 },	{ "VLAN", "vlan", CELL_TEXT, NULL, 2 },
	{ "LOAD BALANCING", "load_balancing", CELL_TEXT, NULL, 1 }, { "SERVED BY", "serving", CELL_LIST, NULL, 0 },
	{ "STANDBY", "standby", CELL_LIST, NULL, 2 },	{ "PORTS", "ports", CELL_COUNT, NULL, 1 },
};
/* clang-format on */

/* ---- text ---- */
/* One step of folding. */
struct fold {
	struct findings_fold findings;
	bool groups, uplinks; /* like ones in one line */
	bool no_tables;
};

static const struct fold folds[] = {
	{},
	{ .groups = true },
	{ .groups = true, .findings = { .same_code = true } },
	{ .groups = true, .uplinks = true, .findings = { .same_code = true } },
	{ .groups = true, .uplinks = true, .findings = { .same_code = true, .no_notes = true } },
	{ .no_tables = true, .findings = { .same_code = true, .no_notes = true } },
	{ .no_tables = true, .findings = { .same_code = true, .no_notes = true, .max = 4 } },
	{ .no_tables = true, .findings = { .same_code = true, .no_notes = true, .max = 2 } },
	{ .no_tables = true, .findings = { .same_code = true, .no_notes = true, .max = 1 } },
};

/* Wrapped on a terminal, so that its lines can be counted. */
static void print_line(struct ctl *ctl, const char *line)
{
	text_wrap(ctl->out, "", 0, 2, ctl->style.height ? ctl->style.width : 0, line);
}

static void print_timely(struct ctl *ctl, json_t *daemon)
{
	json_int_t dropped = ctl_number(daemon, "log_lines_dropped");
	char line[256];

	snprintf(line, sizeof(line), "LACP and failover: longest round %.1f ms",
		 (double)ctl_number(daemon, "worst_timely_turn_us") / 1000);
	print_line(ctl, line);
	if (strcmp(ctl_word(daemon, "carriers"), "netlink") == 0)
		print_line(
			ctl,
			"carriers are read by netlink: a cut is not seen while other software holds the kernel's RTNL");
	if (json_is_false(json_object_get(daemon, "sandboxed")))
		print_line(ctl,
			   "the system calls of the LACP thread are not restricted (no seccomp)");
	if (!dropped)
		return;
	snprintf(line, sizeof(line),
		 "%" JSON_INTEGER_FORMAT
		 " lines of the log were dropped, because its reader was too slow",
		 dropped);
	print_line(ctl, line);
}

/* brief: for the smallest screens, one line. */
static void print_daemon(struct ctl *ctl, json_t *daemon, bool brief)
{
	const char *version = ctl_text(daemon, "version");
	json_int_t worst_us = ctl_number(daemon, "worst_loop_delay_us");
	char uptime[TEXT_NUMBER_LEN], age[TEXT_NUMBER_LEN], line[256];
	size_t n;

	if (!json_is_true(json_object_get(daemon, "running")))
		return; /* a finding reports it */
	snprintf(line, sizeof(line), "uplinkd %s, up %s, PID %" JSON_INTEGER_FORMAT,
		 version ? version : "",
		 text_duration((uint64_t)ctl_number(daemon, "uptime_ms"), uptime),
		 ctl_number(daemon, "pid"));
	fputc('\n', ctl->out);
	if (brief) {
		print_line(ctl, line);
		return;
	}
	n = strlen(line);
	/* a daemon of an older version reports the longest only */
	if (json_object_get(daemon, "minute_loop_delay_us"))
		snprintf(line + n, sizeof(line) - n,
			 "; event loop: longest round %.1f ms in the last minute, %.1f ms %s ago",
			 (double)ctl_number(daemon, "minute_loop_delay_us") / 1000,
			 (double)worst_us / 1000,
			 text_duration((uint64_t)ctl_number(daemon, "worst_loop_delay_age_ms"),
				       age));
	else
		snprintf(line + n, sizeof(line) - n, "; event loop: longest round %.1f ms",
			 (double)worst_us / 1000);
	print_line(ctl, line);
	if (json_object_get(daemon, "worst_timely_turn_us"))
		print_timely(ctl, daemon);
}

/* Groups that the same uplinks serve in the same way become one row. */
static json_t *fold_groups(json_t *groups)
{
	static const char *const keys[] = { "load_balancing", "serving", "standby" };
	json_t *folded = json_array(), *group, *row;
	size_t i, r;

	json_array_foreach(groups, i, group) {
		json_int_t n;

		json_array_foreach(folded, r, row) {
			bool same = true;

			for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
				same &= json_equal(json_object_get(group, keys[k]),
						   json_object_get(row, keys[k]));
			if (same)
				break;
		}
		if (r == json_array_size(folded)) {
			json_array_append_new(folded, json_copy(group));
			json_object_set_new(json_array_get(folded, r), "n", json_integer(1));
			continue;
		}
		row = json_array_get(folded, r);
		n = ctl_number(row, "n") + 1;
		json_object_set_new(row, "n", json_integer(n));
		json_object_set_new(row, "name",
				    json_sprintf("%" JSON_INTEGER_FORMAT " groups", n));
		json_object_set_new(row, "vlan", json_null());
		json_object_set_new(
			row, "ports",
			json_integer(ctl_number(row, "ports") + ctl_number(group, "ports")));
	}
	return folded;
}

/* Without the uplinks in use; their number. */
static json_t *fold_uplinks(json_t *uplinks, size_t *ret_in_use)
{
	json_t *folded = json_array(), *uplink;
	size_t i;

	*ret_in_use = 0;
	json_array_foreach(uplinks, i, uplink) {
		if (strcmp(ctl_word(uplink, "state"), "in use") == 0)
			(*ret_in_use)++;
		else
			json_array_append(folded, uplink);
	}
	return folded;
}

static void print_tables(struct ctl *ctl, json_t *record, const struct fold *fold)
{
	json_t *uplinks = json_object_get(record, "uplinks"),
	       *groups = json_object_get(record, "groups");
	json_auto_t *some_uplinks = NULL, *some_groups = NULL;
	size_t in_use = 0;

	if (fold->uplinks) {
		some_uplinks = fold_uplinks(uplinks, &in_use);
		uplinks = some_uplinks;
	}
	if (fold->groups) {
		some_groups = fold_groups(groups);
		groups = some_groups;
	}
	fputc('\n', ctl->out);
	if (json_array_size(uplinks) || !fold->uplinks)
		ctl_print_table(ctl, uplinks, uplink_columns, ARRAY_SIZE(uplink_columns), 2);
	if (fold->uplinks)
		fprintf(ctl->out, "  %zu %suplink%s in use\n", in_use,
			json_array_size(uplinks) ? "more " : "", in_use == 1 ? "" : "s");
	if (json_array_size(groups) == 0)
		return;
	fputc('\n', ctl->out);
	ctl_print_table(ctl, groups, group_columns, ARRAY_SIZE(group_columns), 2);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_switch(struct ctl *ctl, json_t *record, const struct fold *fold)
{
	const char *channel = ctl_word(record, "channel"), *receive = ctl_word(record, "receive");
	size_t uplinks = json_array_size(json_object_get(record, "uplinks")),
	       groups = json_array_size(json_object_get(record, "groups")),
	       ports = (size_t)ctl_number(record, "ports");
	char line[256];

	snprintf(line, sizeof(line),
		 "%s: %s channel, MTU %" JSON_INTEGER_FORMAT
		 ", receive %s; %zu uplink%s, %zu group%s, %zu port%s",
		 ctl_word(record, "name"), strcmp(channel, "none") == 0 ? "no" : channel,
		 ctl_number(record, "mtu"), receive, uplinks, plural(uplinks), groups,
		 plural(groups), ports, plural(ports));
	fputc('\n', ctl->out);
	print_line(ctl, line);
	if (fold->no_tables)
		return;
	if (json_is_string(json_object_get(record, "channel_hint"))) {
		snprintf(line, sizeof(line), "HP or Aruba switch: %s",
			 ctl_word(record, "channel_hint"));
		print_line(ctl, line);
	}
	print_tables(ctl, record, fold);
}

static void print_screen(struct ctl *ctl, json_t *records, json_t *daemon, const struct fold *fold)
{
	json_t *record, *problems = json_object_get(daemon, "problems");
	size_t i;

	if (json_array_size(problems)) {
		print_findings_title(ctl, "uplinkd", problems);
		print_findings(ctl, problems, &fold->findings);
	}
	json_array_foreach(records, i, record) {
		print_findings_title(ctl, ctl_word(record, "name"),
				     json_object_get(record, "problems"));
		print_findings(ctl, json_object_get(record, "problems"), &fold->findings);
	}
	json_array_foreach(records, i, record)
		print_switch(ctl, record, fold);
	print_daemon(ctl, daemon, fold->no_tables);
}

/* The same into memory; *ret to be freed. Returns the number of lines, or -ENOMEM. */
static int render(struct ctl *ctl, json_t *records, json_t *daemon, const struct fold *fold,
		  char **ret)
{
	struct ctl copy = *ctl;
	_cleanup_free_ char *text = NULL;
	size_t size;
	int lines = 0;

	copy.out = open_memstream(&text, &size);
	if (!copy.out)
		return -ENOMEM;
	print_screen(&copy, records, daemon, fold);
	if (fclose(copy.out) != 0)
		return -ENOMEM;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	*ret = TAKE_PTR(text);
	return lines;
}

/* With the first fold that leaves a line for the prompt. */
static int print_folded(struct ctl *ctl, json_t *records, json_t *daemon)
{
	for (size_t i = 0; i < ARRAY_SIZE(folds); i++) {
		_cleanup_free_ char *text = NULL;
		int lines = render(ctl, records, daemon, &folds[i], &text);

		if (lines < 0)
			return ctl_fail(ctl, CTL_SYSTEM, "%s", strerror(-lines));
		if (lines >= ctl->style.height && i + 1 < ARRAY_SIZE(folds))
			continue;
		fputs(text, ctl->out);
		break;
	}
	return CTL_DONE;
}

/* Errors and warnings of a switch, or of the daemon. */
static size_t count_problems(json_t *record)
{
	json_t *problems = json_object_get(record, "problems");

	return findings_count(problems, SEVERITY_ERROR) +
	       findings_count(problems, SEVERITY_WARNING);
}

int cmd_status(struct ctl *ctl)
{
	json_auto_t *records = NULL, *daemon = NULL;
	json_t *record;
	size_t problems, i;
	int status;

	status = ctl_read(ctl, "Switches", ctl->arguments[0], NULL, &records);
	if (status)
		return status;
	daemon = ctl_daemon_status(ctl);
	problems = count_problems(daemon);
	json_array_foreach(records, i, record)
		problems += count_problems(record);
	if (ctl->json)
		status = ctl_print_json(ctl, json_pack("{s:O, s:O}", "daemon", daemon, "switches",
						       records));
	else if (ctl->style.height && !ctl->all)
		status = print_folded(ctl, records, daemon);
	else
		print_screen(ctl, records, daemon, &folds[0]);
	return status == CTL_DONE && ctl->check && problems ? CTL_FINDINGS : status;
}
