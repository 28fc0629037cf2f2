// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/daemon_findings.h"

#include "common/units.h"
#include "records/finding_rows.h"
#include "records/findings_internal.h"
#include "records/names.h"

static const char *text_in(json_t *record, const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	return text ? text : "?";
}

static void report_problem(struct finder *finder, json_t *daemon, json_t *problem)
{
	int severity = record_value(RECORD_SEVERITIES, text_in(problem, "severity"));
	const char *code = text_in(problem, "code");
	json_t *configuration = json_object_get(daemon, "configuration");

	if (!finding_row(code))
		return;
	finding_report(finder, severity < 0 ? SEVERITY_WARNING : (enum severity)severity, code,
		       "uplinkd", text_in(problem, "remedy"), "%s", text_in(problem, "message"));
	finding_evidence(finder, "uplinkd: configuration %s from %s, configured is %s",
			 text_in(configuration, "state"), text_in(configuration, "file"),
			 text_in(configuration, "configured"));
}

static uint64_t number_in(json_t *record, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(record, key));

	return value > 0 ? (uint64_t)value : 0;
}

static void find_stall(struct finder *finder, json_t *daemon)
{
	uint64_t longest_us = number_in(daemon, "minute_loop_delay_us");
	char text[TEXT_NUMBER_LEN], worst[TEXT_NUMBER_LEN], age[TEXT_NUMBER_LEN];

	if (longest_us < LOOP_STALL_US)
		return;
	finding_report(
		finder, SEVERITY_WARNING, "loop_stall", "uplinkd",
		"look for software that holds the RTNL (many interfaces added or removed), a slow disk, or a host without free CPU time",
		"uplinkd: a round of the event loop took %s in the last minute: MAC learning, hot-plug and requests waited",
		text_duration(longest_us / 1000, text));
	finding_evidence(finder,
			 "longest round %s, %s ago; the thread for LACP ran at most %llu ms late",
			 text_duration(number_in(daemon, "worst_loop_delay_us") / 1000, worst),
			 text_duration(number_in(daemon, "worst_loop_delay_age_ms"), age),
			 (unsigned long long)(number_in(daemon, "worst_timely_late_us") / 1000));
}

json_t *daemon_findings(json_t *daemon)
{
	struct finder finder;
	json_t *problem;
	size_t i;

	finder_init(&finder, NULL, NULL);
	json_array_foreach(json_object_get(daemon, "problems"), i, problem)
		report_problem(&finder, daemon, problem);
	find_stall(&finder, daemon);
	return finder_finish(&finder);
}
