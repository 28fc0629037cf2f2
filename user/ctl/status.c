// SPDX-License-Identifier: GPL-2.0
/* status: one screen that answers "is all well, and if not, what do I do?" */
#include "config/model.h"
#include "control/client.h"
#include "ctl/ctl.h"
#include "ctl/problems.h"
#include "ctl/records.h"

#define SECOND_LOOK_MS 250
#define STATUS_TIMEOUT_MS 300 /* a stopped daemon must not hold up the screen */

static const struct column uplink_columns[] = {
	{ "UPLINK", "name", CELL_TEXT, NULL },
	{ "STATE", "state", CELL_STATE, NULL },
	{ "SPEED", "speed_mbps", CELL_SPEED, NULL },
	{ "SHARE OF TRAFFIC", "share", CELL_SHARE, NULL },
	{ "SENT", "tx_bytes", CELL_BYTES, NULL },
	{ "RECEIVED", "rx_bytes", CELL_BYTES, NULL },
	{ "DROPPED", "dropped_packets", CELL_COUNT, NULL },
};

static const struct column group_columns[] = {
	{ "GROUP", "name", CELL_TEXT, NULL },
	{ "VLAN", "vlan", CELL_TEXT, NULL },
	{ "LOAD BALANCING", "load_balancing", CELL_TEXT, NULL },
	{ "SERVED BY", "serving", CELL_LIST, NULL },
	{ "STANDBY", "standby", CELL_LIST, NULL },
	{ "PORTS", "ports", CELL_COUNT, NULL },
};

/* {"running": bool, ...what the daemon tells about itself} */
static json_t *ask_daemon(struct ctl *ctl)
{
	struct control_result result;
	char path[256];
	json_t *daemon;
	int r;

	r = control_call(ctl_socket_path(ctl, path, sizeof(path)), CONTROL_INTERFACE ".Status",
			 NULL, STATUS_TIMEOUT_MS, &result);
	daemon = r == 0 ? json_incref(result.parameters) : json_object();
	json_object_set_new(daemon, "running", json_boolean(r == 0));
	control_result_done(&result);
	return daemon;
}

/* Finds the problems; where a counter asks for it, after a second look. */
static json_t *find_problems(const struct snapshot *first)
{
	_cleanup_(snapshot_freep) struct snapshot *second = NULL;

	if (!problems_want_second_look(first))
		return problems_find(first, NULL);
	usleep(SECOND_LOOK_MS * 1000);
	if (snapshot_take(first->view, &second) < 0)
		return problems_find(first, NULL);
	return problems_find(second, first);
}

static json_t *switch_record(const struct snapshot *snapshot)
{
	const struct ul_meta *meta = snapshot->view->meta;
	json_auto_t *ports = record_ports(snapshot);

	return json_pack("{s:s, s:s?, s:s?, s:i, s:I, s:i, s:b, s:i, s:o, s:o, s:o}", "name",
			 snapshot->view->name, "channel", channel_name(meta->channel), "receive",
			 receive_name(meta->receive), "mtu", (int)meta->mtu, "generation",
			 (json_int_t)meta->generation, "abi_version", (int)meta->abi_version,
			 "daemon_alive", snapshot->daemon_alive, "ports",
			 (int)json_array_size(ports), "uplinks", record_uplinks(snapshot), "groups",
			 record_groups(snapshot), "problems", find_problems(snapshot));
}

/* ---- text
 * ----------------------------------------------------------------------------------------------------------
 */
static void print_daemon(struct ctl *ctl, json_t *daemon)
{
	const char *version = json_string_value(json_object_get(daemon, "version"));
	char text[TEXT_NUMBER_LEN];

	if (!json_is_true(json_object_get(daemon, "running")))
		return; /* the problems say so */
	fprintf(ctl->out,
		"uplinkd %s, running for %s, process %" JSON_INTEGER_FORMAT
		", longest turn of its event loop %.1f ms\n\n",
		version ? version : "",
		text_duration((uint64_t)json_integer_value(json_object_get(daemon, "uptime_ms")),
			      text),
		json_integer_value(json_object_get(daemon, "pid")),
		(double)json_integer_value(json_object_get(daemon, "worst_loop_delay_us")) / 1000);
}

static void print_problems(struct ctl *ctl, json_t *problems)
{
	static const struct {
		const char *severity, *utf8, *ascii;
		enum tint tint;
	} marks[] = { { "error", "✗", "!!", TINT_BAD },
		      { "warning", "▲", "!", TINT_WARN },
		      { "note", "•", "-", TINT_NONE } };
	const struct style *style = &ctl->style;
	json_t *problem;
	size_t i;

	if (json_array_size(problems) == 0)
		fprintf(ctl->out, "  %s%s no problems found%s\n", tint_start(style, TINT_GOOD),
			style->utf8 ? "✓" : "ok:", tint_end(style, TINT_GOOD));
	json_array_foreach(problems, i, problem) {
		const char *severity = json_string_value(json_object_get(problem, "severity"));

		for (size_t m = 0; m < ARRAY_SIZE(marks); m++)
			if (strcmp(marks[m].severity, severity) == 0)
				fprintf(ctl->out, "  %s%s%s %s\n", tint_start(style, marks[m].tint),
					style->utf8 ? marks[m].utf8 : marks[m].ascii,
					tint_end(style, marks[m].tint),
					json_string_value(json_object_get(problem, "message")));
		fprintf(ctl->out, "    %s%s %s%s\n", tint_start(style, TINT_DIM),
			style->utf8 ? "→" : "->",
			json_string_value(json_object_get(problem, "remedy")),
			tint_end(style, TINT_DIM));
	}
}

static const char *text_of(json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text ? text : "?";
}

static void print_switch(struct ctl *ctl, json_t *record)
{
	const struct style *style = &ctl->style;
	const char *channel = text_of(record, "channel");
	json_t *groups = json_object_get(record, "groups");

	fprintf(ctl->out, "%s%s%s  %s%s, MTU %" JSON_INTEGER_FORMAT ", receive %s\n\n",
		tint_start(style, TINT_BOLD), text_of(record, "name"), tint_end(style, TINT_BOLD),
		strcmp(channel, "none") == 0 ? "no" : channel, " channel",
		json_integer_value(json_object_get(record, "mtu")), text_of(record, "receive"));
	records_print(json_object_get(record, "uplinks"), uplink_columns,
		      ARRAY_SIZE(uplink_columns), style, 2, ctl->out);
	fputc('\n', ctl->out);
	if (json_array_size(groups)) {
		records_print(groups, group_columns, ARRAY_SIZE(group_columns), style, 2, ctl->out);
		fputc('\n', ctl->out);
	}
	print_problems(ctl, json_object_get(record, "problems"));
}

int cmd_status(struct ctl *ctl)
{
	_cleanup_(switches_close) struct switches switches = {};
	json_auto_t *records = json_array(), *daemon = NULL;
	json_t *record;
	size_t i;
	int status;

	status = switches_open(ctl, ctl->arguments[0], &switches);
	if (status)
		return status;
	daemon = ask_daemon(ctl);
	for (i = 0; i < switches.n; i++)
		json_array_append_new(records, switch_record(switches.snapshots[i]));
	if (ctl->json)
		return ctl_print_json(ctl, json_pack("{s:O, s:O}", "daemon", daemon, "switches",
						     records));

	print_daemon(ctl, daemon);
	json_array_foreach(records, i, record) {
		if (i > 0)
			fputc('\n', ctl->out);
		print_switch(ctl, record);
	}
	return CTL_DONE;
}
