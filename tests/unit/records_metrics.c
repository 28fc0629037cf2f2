// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Rules of the two formats that need no parser (tests/integration/test_metrics.py has those of
 * others), hostile names, and the list of docs/metrics.md. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "records/metrics.h"

TestSuite(records_metrics);

static char *render(const struct metrics_input *input, enum metrics_format format)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert(out);
	cr_assert_eq(metrics_write(input, format, out), 0);
	fclose(out);
	return text;
}

static bool has_unit(const struct metric_family *family)
{
	size_t name = strlen(family->name), unit = strlen(family->unit);

	return name > unit && strcmp(family->name + name - unit, family->unit) == 0;
}

Test(records_metrics, families_follow_the_rules_of_openmetrics)
{
	size_t n;
	const struct metric_family *families = metric_families(&n);

	for (size_t i = 0; i < n; i++) {
		const char *name = families[i].name;

		cr_expect(strncmp(name, "uplinkd_", 8) == 0, "%s", name);
		cr_expect(!strstr(name, "_total") && !strstr(name, "_info"), "%s: the type adds it",
			  name);
		cr_expect(!families[i].unit || has_unit(&families[i]),
			  "%s: must end with its unit %s", name, families[i].unit);
		cr_expect_eq(families[i].help[strlen(families[i].help) - 1], '.', "%s", name);
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(name, families[k].name, "twice");
	}
}

/* The rows of the list, in order: name, type and meaning. */
Test(records_metrics, the_documentation_has_each_metric)
{
	static const char *const types[] = {
		[METRIC_GAUGE] = "gauge",	  [METRIC_COUNTER] = "counter",
		[METRIC_INFO] = "info",		  [METRIC_STATESET] = "stateset",
		[METRIC_HISTOGRAM] = "histogram",
	};
	static const char *const suffixes[N_METRIC_TYPES] = {
		[METRIC_COUNTER] = "_total", [METRIC_INFO] = "_info"
	};
	_cleanup_fclose_ FILE *file = fopen("docs/metrics.md", "re");
	char line[1024], name[80], type[16], expected[80];
	size_t n, i = 0;
	const struct metric_family *families = metric_families(&n);

	cr_assert_not_null(file, "docs/metrics.md: the tests run in the top folder");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "| `%79[a-z_]` | %15[a-z] |", name, type) != 2)
			continue;
		cr_assert_lt(i, n, "%s: a row too many", name);
		snprintf(expected, sizeof(expected), "%s%s", families[i].name,
			 suffixes[families[i].type] ? suffixes[families[i].type] : "");
		cr_expect_str_eq(name, expected, "row %zu", i);
		cr_expect_str_eq(type, types[families[i].type], "%s", name);
		snprintf(expected, sizeof(expected), "%.70s", families[i].help);
		expected[strcspn(expected, ".")] = '\0';
		cr_expect(strstr(line, expected), "%s: '%s' is missing: %s", name, expected, line);
		i++;
	}
	cr_expect_eq(i, n, "%zu of %zu metrics", i, n);
}

Test(records_metrics, nothing_but_a_missing_daemon)
{
	const struct metrics_input input = { .read_seconds = 0.25, .failed_reads = 1 };
	_cleanup_free_ char *open = render(&input, METRICS_OPENMETRICS),
			    *old = render(&input, METRICS_PROMETHEUS);

	cr_expect_str_eq(open,
			 "# TYPE uplinkd_up gauge\n"
			 "# HELP uplinkd_up Whether uplinkd answers on its control socket.\n"
			 "uplinkd_up 0\n"
			 "# TYPE uplinkd_read_duration_seconds gauge\n"
			 "# UNIT uplinkd_read_duration_seconds seconds\n"
			 "# HELP uplinkd_read_duration_seconds How long reading these metrics "
			 "took.\n"
			 "uplinkd_read_duration_seconds 0.25\n"
			 "# TYPE uplinkd_read_failures gauge\n"
			 "# HELP uplinkd_read_failures Reads of these metrics that failed this "
			 "time.\n"
			 "uplinkd_read_failures 1\n"
			 "# EOF\n");
	cr_expect(!strstr(old, "# UNIT") && !strstr(old, "# EOF"), "%s", old);
}

/* Names come from the configuration and from the kernel; codes from the daemon. */
Test(records_metrics, values_of_labels_are_escaped)
{
	json_auto_t *switches = json_pack("[{s:s, s:i, s:[{s:s, s:b}], s:[{s:s, s:s}]}]", "name",
					  "a\"b\\c\nd", "ports", 3, "uplinks", "name",
					  "eth0\"} 1\nx 2", "usable", 1, "problems", "code", "x\n",
					  "severity", "error");
	const struct metrics_input input = { .switches = switches };
	_cleanup_free_ char *text = render(&input, METRICS_OPENMETRICS);

	cr_expect(strstr(text, "\nuplinkd_switch_ports{switch=\"a\\\"b\\\\c\\nd\"} 3\n"), "%s",
		  text);
	cr_expect(strstr(text, "uplink=\"eth0\\\"} 1\\nx 2\"} 1\n"), "%s", text);
	cr_expect(strstr(text, "code=\"x\\n\""), "%s", text);
	for (const char *line = text; (line = strchr(line, '\n')) && line[1]; line++)
		cr_expect(strncmp(line + 1, "uplinkd_", 8) == 0 || line[1] == '#', "%.60s",
			  line + 1);
}

/* A reply of another version or a hostile one: what is not as expected makes no sample. */
Test(records_metrics, replies_of_another_shape)
{
	/* clang-format off */
	static const char *const texts[] = {
		"{}", "[]", "[5, null, \"x\", {}]", "{\"uplinks\": 5, \"control\": []}",
		"[{\"name\": 5, \"uplinks\": [{}, 5], \"groups\": {}, \"problems\": [{}, 7, {\"code\": 1}]}]",
		"{\"worker\": {\"bounds\": [1], \"counts\": [1]}, \"uplinks\": [{\"lacp_pdu_gaps\": 5, \"failovers\": \"x\"}]}",
		"{\"version\": [], \"uptime_ms\": {}, \"configuration\": 7, \"problems\": 9}",
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_auto_t *value = json_loads(texts[i], 0, NULL);
		const struct metrics_input input = { value, value, value, value, value,
						     value, value, 0,	  0 };
		_cleanup_free_ char *text = render(&input, METRICS_OPENMETRICS);

		cr_assert(value, "%s", texts[i]);
		cr_expect(strstr(text, "# EOF\n"));
		cr_expect(!strstr(text, "(null)"), "%s: %s", texts[i], text);
	}
}

Test(records_metrics, a_histogram_is_cumulative)
{
	json_auto_t *statistics = json_pack("{s:{s:[f,f], s:[i,i,i], s:f}}", "timely", "bounds",
					    0.5, 1.0, "counts", 3, 2, 1, "sum", 4.5);
	const struct metrics_input input = { .statistics = statistics };
	_cleanup_free_ char *text = render(&input, METRICS_PROMETHEUS);

	cr_expect(strstr(text,
			 "uplinkd_loop_delay_seconds_bucket{thread=\"timely\",le=\"0.5\"} 3\n"
			 "uplinkd_loop_delay_seconds_bucket{thread=\"timely\",le=\"1.0\"} 5\n"
			 "uplinkd_loop_delay_seconds_bucket{thread=\"timely\",le=\"+Inf\"} 6\n"
			 "uplinkd_loop_delay_seconds_count{thread=\"timely\"} 6\n"
			 "uplinkd_loop_delay_seconds_sum{thread=\"timely\"} 4.5\n"),
		  "%s", text);
}

Test(records_metrics, negotiation)
{
	/* clang-format off */
	static const struct { const char *accept; enum metrics_format format; } rows[] = {
		{ NULL, METRICS_PROMETHEUS }, { "", METRICS_PROMETHEUS }, { "*/*", METRICS_PROMETHEUS },
		{ "application/openmetrics-text", METRICS_OPENMETRICS },
		{ "Application/OpenMetrics-Text; Version=1.0.0", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;version=0.0.1", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0.5,text/plain;q=0.6", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0.5,*/*;q=0.6", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=0.5,*/*;q=0.1", METRICS_OPENMETRICS },
		{ "application/openmetrics-text;q=0", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=nan", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=2", METRICS_PROMETHEUS },
		{ "application/openmetrics-text;q=", METRICS_PROMETHEUS },
		{ ",;,;q;=,application/openmetrics-text", METRICS_OPENMETRICS },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_expect_eq(metrics_negotiate(rows[i].accept), rows[i].format, "%s",
			     rows[i].accept ? rows[i].accept : "NULL");
}
