// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* history: the latest events, from the daemon, or from its files while it is stopped. */
#include <limits.h>
#include <time.h>

#include "common/paths.h"
#include "control/client.h"
#include "ctl/events.h"
#include "ctl/history.h"
#include "history/history.h"

/* ---- pages ---- */
struct source {
	const char *directory; /* NULL: the daemon */
	uint64_t after;
	json_int_t damaged;
};

static int read_file_page(struct ctl *ctl, struct source *source, json_t **ret, bool *ret_more)
{
	struct history_page page = {};
	int r = history_read(source->directory, source->after, HISTORY_PAGE_MAX, &page);

	if (r == -ENOENT)
		return ctl_fail(ctl, CTL_SYSTEM, "%s: no history, and uplinkd is not running",
				source->directory);
	if (r == -EUCLEAN)
		return ctl_fail(ctl, CTL_SYSTEM, "%s/" HISTORY_NAME ": is not a history of uplinkd",
				source->directory);
	if (r < 0)
		return ctl_fail(ctl, CTL_SYSTEM, "%s/" HISTORY_NAME ": cannot be read: %s%s",
				source->directory, strerror(-r),
				r == -EACCES ? "; run as root, or start uplinkd" : "");
	*ret = page.records;
	*ret_more = page.more;
	source->damaged = (json_int_t)page.damaged;
	return CTL_DONE;
}

static int read_daemon_page(struct ctl *ctl, struct source *source, json_t **ret, bool *ret_more)
{
	json_auto_t *reply = NULL;
	int status = ctl_request(ctl, "History",
				 json_pack("{s:I}", "after", (json_int_t)source->after), &reply);
	json_t *records = json_object_get(reply, "records");

	if (status)
		return status;
	if (!json_is_array(records))
		return ctl_fail(ctl, CTL_SYSTEM, "history: uplinkd sent no records");
	*ret = json_incref(records);
	*ret_more = json_is_true(json_object_get(reply, "more"));
	source->damaged = json_integer_value(json_object_get(reply, "damaged"));
	return CTL_DONE;
}

static int read_page(struct ctl *ctl, struct source *source, json_t **ret, bool *ret_more)
{
	json_t *last;
	uint64_t number;
	int status = source->directory ? read_file_page(ctl, source, ret, ret_more) :
					 read_daemon_page(ctl, source, ret, ret_more);

	if (status)
		return status;
	last = json_array_get(*ret, json_array_size(*ret) - 1);
	number = (uint64_t)json_integer_value(json_object_get(last, "number"));
	/* more without progress would never end */
	if (*ret_more && number <= source->after) {
		json_decref(*ret);
		return ctl_fail(ctl, CTL_SYSTEM, "history: uplinkd repeats record %llu",
				(unsigned long long)number);
	}
	source->after = number;
	return CTL_DONE;
}

bool ctl_daemon_runs(const struct ctl *ctl)
{
	struct control_result result;
	char path[256];
	int r = control_call(ctl_socket_path(ctl, path, sizeof(path)),
			     "org.varlink.service.GetInfo", NULL, CTL_CALL_TIMEOUT_MS, &result);

	control_result_done(&result);
	return r != -ENOENT && r != -ECONNREFUSED;
}

int ctl_read_history(struct ctl *ctl, json_t **ret, json_int_t *ret_damaged)
{
	json_auto_t *all = json_array();
	struct source source = {};
	char standard[PATH_MAX];
	bool more = true;

	if (ctl->state_dir)
		source.directory = ctl->state_dir;
	else if (!ctl_daemon_runs(ctl))
		source.directory = paths_state_dir(ctl->run_dir, standard);
	while (more) {
		json_auto_t *page = NULL;
		int status = read_page(ctl, &source, &page, &more);

		if (status)
			return status;
		json_array_extend(all, page);
	}
	*ret = TAKE_PTR(all);
	*ret_damaged = source.damaged;
	return CTL_DONE;
}

/* ---- selection ---- */
struct selection {
	const char *switch_name, *object, *codes; /* NULL: all */
	double since, until;			  /* s since 1970 */
	uint64_t last;				  /* number of records; 0: all */
};

static const char *word(json_t *record, const char *key)
{
	const char *text = ctl_text(record, key);

	return text ? text : "";
}

/* list: "a,b" */
static bool is_listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; n && (at = strstr(at, word)); at++)
		if ((at == list || at[-1] == ',') && (!at[n] || at[n] == ','))
			return true;
	return false;
}

static bool is_selected(const struct selection *selection, json_t *record)
{
	double time = json_number_value(json_object_get(record, "time"));
	const char *switch_name = word(record, "switch");

	/* events of the daemon concern all switches */
	if (selection->switch_name && strcmp(switch_name, selection->switch_name) != 0 &&
	    strcmp(switch_name, "uplinkd") != 0)
		return false;
	return (!selection->object || strcmp(word(record, "object"), selection->object) == 0) &&
	       (!selection->codes || is_listed(selection->codes, word(record, "code"))) &&
	       time >= selection->since && time <= selection->until;
}

static int parse_time(struct ctl *ctl, const char *option, const char *text, double now,
		      double *ret)
{
	if (!text || event_time_parse(text, now, ret) == 0)
		return CTL_DONE;
	return ctl_fail(
		ctl, CTL_WRONG_REQUEST,
		"--%s %s: must be a time such as 03:00, '2026-11-22 03:00', 2h (ago) or @1763800000",
		option, text);
}

static int parse_selection(struct ctl *ctl, struct selection *ret)
{
	struct selection selection = { .switch_name = ctl->arguments[0],
				       .object = ctl->uplink ? ctl->uplink : ctl->port,
				       .codes = ctl->code };
	struct timespec now;
	double now_s;

	clock_gettime(CLOCK_REALTIME, &now);
	now_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	/* a clock that was set back makes records of the future */
	selection.until = now_s + 1e9;
	if (ctl->uplink && ctl->port)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--port: cannot be combined with --uplink");
	if (ctl->lines && parse_u64(ctl->lines, 1, HISTORY_EVENTS, &selection.last) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "-n %s: must be 1-%d", ctl->lines,
				HISTORY_EVENTS);
	if (parse_time(ctl, "since", ctl->since, now_s, &selection.since) ||
	    parse_time(ctl, "until", ctl->until, now_s, &selection.until))
		return CTL_WRONG_REQUEST;
	*ret = selection;
	return CTL_DONE;
}

static json_t *select_records(const struct selection *selection, json_t *records)
{
	json_t *selected = json_array(), *record;
	size_t i, n;

	json_array_foreach(records, i, record)
		if (is_selected(selection, record))
			json_array_append(selected, record);
	n = json_array_size(selected);
	if (selection->last && n > selection->last) {
		json_t *last = json_array();

		for (i = n - selection->last; i < n; i++)
			json_array_append(last, json_array_get(selected, i));
		json_decref(selected);
		selected = last;
	}
	return selected;
}

/* ---- output ---- */
static void print_record(struct ctl *ctl, json_t *record)
{
	json_t *line;
	size_t i;

	event_print(ctl, record);
	json_array_foreach(json_object_get(record, "details"), i, line)
		fprintf(ctl->out, "    %s\n", json_is_string(line) ? json_string_value(line) : "?");
}

int cmd_history(struct ctl *ctl)
{
	json_auto_t *all = NULL, *selected = NULL;
	struct selection selection = {};
	json_int_t damaged = 0;
	json_t *record;
	size_t i;
	int status = parse_selection(ctl, &selection);

	if (status == CTL_DONE)
		status = ctl_read_history(ctl, &all, &damaged);
	if (status)
		return status;
	if (damaged)
		ctl_fail(ctl, 0, "history: %lld damaged records were skipped", (long long)damaged);
	selected = select_records(&selection, all);
	if (ctl->json)
		return json_dumpf(selected, ctl->out, JSON_INDENT(2) | JSON_REAL_PRECISION(13)) <
					       0 ||
				       fputc('\n', ctl->out) == EOF ?
			       CTL_SYSTEM :
			       CTL_DONE;
	json_array_foreach(selected, i, record)
		print_record(ctl, record);
	return CTL_DONE;
}
