// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The state of the configuration for people and for Status. */
#include "daemon/state.h"

#include <stdarg.h>

const char *daemon_source_name(const struct config_source *source)
{
	return source->n ? source->documents[0].name : "?";
}

const char *daemon_origin_text(const struct daemon *daemon)
{
	static const char *const texts[] = {
		[CONFIG_FILES] = "the files",
		[CONFIG_COPY] = "a confirmed copy, not the files",
		[CONFIG_ROLLED_BACK] = "the files have a change that was rolled back",
		[CONFIG_FALLBACK] = "the files could not be applied",
		[CONFIG_UNCONFIRMED] = "a change waits for its confirmation",
	};

	return texts[daemon->origin];
}

static const char *origin_name(enum config_origin origin)
{
	static const char *const names[] = {
		[CONFIG_FILES] = "files",
		[CONFIG_COPY] = "copy",
		[CONFIG_ROLLED_BACK] = "rolled_back",
		[CONFIG_FALLBACK] = "fallback",
		[CONFIG_UNCONFIRMED] = "unconfirmed",
	};

	return names[origin];
}

json_t *daemon_configuration_record(const struct daemon *daemon)
{
	const struct config_state *saved = &daemon->saved;
	bool waits = daemon->origin == CONFIG_UNCONFIRMED;
	json_t *record = json_pack("{s:s, s:s, s:s}", "state", origin_name(daemon->origin), "file",
				   daemon_source_name(waits ? &saved->pending : &saved->confirmed),
				   "configured", daemon->options.config);

	if (record && daemon_adopt_state(daemon))
		json_object_set_new(record, "switch_over", json_string(daemon_adopt_state(daemon)));
	if (record && waits)
		json_object_set_new(record, "rollback_in_ms",
				    json_integer((json_int_t)daemon_deadline_in_ms(daemon)));
	return record;
}

static json_t *problem(const char *severity, const char *code, const char *remedy,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

static json_t *problem(const char *severity, const char *code, const char *remedy,
		       const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return json_pack("{s:s, s:s, s:s, s:s}", "severity", severity, "code", code, "message",
			 text, "remedy", remedy);
}

static json_t *find_problem(const struct daemon *daemon)
{
	const struct config_state *saved = &daemon->saved;
	const char *path = daemon->options.config;

	switch (daemon->origin) {
	case CONFIG_COPY:
		return problem("note", "configuration_copy",
			       "copy the settings to the file, or 'uplinkctl reload' to apply it",
			       "the configuration of %s is in force until %s changes",
			       daemon_source_name(&saved->confirmed), path);
	case CONFIG_ROLLED_BACK:
		return problem(
			"warning", "configuration_rolled_back",
			"compare with 'uplinkctl diff', correct the file, 'uplinkctl reload'",
			"%s has a change that was not confirmed and was rolled back", path);
	case CONFIG_FALLBACK:
		return problem(
			"error", "configuration_fallback",
			daemon->fallback_timer ?
				"correct the cause; it is tried again, at once by 'uplinkctl reload'" :
				"correct the file, then 'uplinkctl reload'",
			"%s could not be applied at the start, and the last confirmed configuration is in force: %s",
			path, daemon->fallback_reason ?: "");
	case CONFIG_UNCONFIRMED:
		return problem("warning", "configuration_unconfirmed",
			       "'uplinkctl confirm' keeps it, 'uplinkctl rollback' reverts it now",
			       "the change of %s is rolled back in %llu s",
			       daemon_source_name(&saved->pending),
			       (unsigned long long)(daemon_deadline_in_ms(daemon) + 999) / 1000);
	default:
		return NULL;
	}
}

static void add_drop_in_problems(const struct daemon *daemon, json_t *list)
{
	_cleanup_free_ char *text = daemon_drop_in_problems(daemon);
	char *rest = text, *line;

	if (daemon->publish_problem)
		json_array_append_new(list, problem("warning", "network_managers",
						    "it is tried again; see the log of uplinkd",
						    "%s", daemon->publish_problem));
	while ((line = strsep(&rest, "\n")))
		if (line[0])
			json_array_append_new(
				list,
				problem("warning", "network_managers",
					"correct the cause, then 'systemctl restart uplinkd-interfaces'",
					"%s", line));
}

static json_t *find_history_problem(const struct history_status *history, const char *directory)
{
	if (history->error)
		return problem("warning", "history_failed",
			       "free space on the disk of the state directory, or make it writable",
			       "the history in %s cannot be written: %s (%llu events lost so far)",
			       directory, strerror(-history->error),
			       (unsigned long long)history->lost);
	if (history->damaged)
		return problem("note", "history_damaged",
			       "look at the '.damaged' files in that directory, then remove them",
			       "%llu files of the history in %s were damaged and are kept aside",
			       (unsigned long long)history->damaged, directory);
	return NULL;
}

static void add_release_problems(const struct daemon *daemon, json_t *list)
{
	const struct running_switches *switches = &daemon->switches;
	const char *name;
	size_t index = 0;

	for (size_t i = 0; i < switches->n; i++)
		if (vswitch_is_releasing(switches->list[i]))
			json_array_append_new(
				list,
				problem("warning", "not_released",
					"it is tried again; see the log of uplinkd",
					"%s: an interface that left could not be detached, restored or deleted",
					vswitch_name(switches->list[i])));
	while ((name = switches_next_left(switches, &index)))
		json_array_append_new(
			list, problem("warning", "switch_not_removed",
				      "it is tried again; see the log of uplinkd",
				      "%s left the configuration and could not be removed", name));
}

json_t *daemon_problems(const struct daemon *daemon)
{
	json_t *list = json_array(), *found = find_problem(daemon);
	struct history_status history;

	if (found)
		json_array_append_new(list, found);
	if (daemon->switches.incomplete[0])
		json_array_append_new(
			list,
			problem("error", "configuration_incomplete",
				"it is tried again, at once by 'uplinkctl reload'",
				"a change failed and the configuration in force is not restored completely: %s",
				daemon->switches.incomplete));
	daemon_attachment_problems(daemon, list);
	add_release_problems(daemon, list);
	add_drop_in_problems(daemon, list);
	history_writer_get_status(daemon->recorder.history, &history);
	found = find_history_problem(&history, daemon->options.state_dir);
	if (found)
		json_array_append_new(list, found);
	return list;
}

json_t *daemon_history_record(const struct daemon *daemon)
{
	struct history_status status;

	history_writer_get_status(daemon->recorder.history, &status);
	return json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:o}", "running",
			 daemon->recorder.history != NULL, "directory", daemon->options.state_dir,
			 "written", (json_int_t)status.written, "lost", (json_int_t)status.lost,
			 "failures", (json_int_t)status.failures, "damaged",
			 (json_int_t)status.damaged, "error",
			 status.error ? json_string(strerror(-status.error)) : json_null());
}
