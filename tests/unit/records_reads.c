// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The table of reads: each row is described, and wrong parameters are refused with a reason.
 * tests/netns/test_reads.py compares the replies of a daemon with the types. */
#include <criterion/criterion.h>

#include "record_shapes.h"
#include "records/reads.h"

TestSuite(records_reads);

static struct fake fake;
static struct view view;

static const char *const methods[] = {
#define X(method, ...) #method,
	RECORD_READS(X)
#undef X
};

Test(records_reads, each_row_is_described)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		const struct record_read *row = record_read_find(methods[i]);
		char start[64], *at;

		cr_assert(row, "%s", methods[i]);
		snprintf(start, sizeof(start), "\nmethod %s(", methods[i]);
		at = strstr(record_description, start);
		cr_assert(at, "%s is not described", methods[i]);
		snprintf(start, sizeof(start), "-> (%s: ", row->member);
		at = strstr(at + 1, "->");
		cr_expect(at && strncmp(at, start, strlen(start)) == 0, "%s: %.40s", methods[i],
			  at);
		cr_expect_eq(row->single, at[strlen(start)] != '[', "%s", methods[i]);
	}
	cr_expect_null(record_read_find("Reload"));
}

/* The answer of one fake switch; NULL: it was refused, with the reason in errors. */
static json_t *ask(const char *method, const char *parameters, struct errors *errors)
{
	_cleanup_(snapshot_freep) struct snapshot *before = NULL, *now = NULL;
	_cleanup_(sample_freep) struct sample *sample = NULL;
	const struct record_read *row = record_read_find(method);
	json_auto_t *object = json_loads(parameters, 0, NULL);
	struct view *views[] = { &view };
	struct switches first = { .n = 1, .views = views }, second = first;
	struct read_request request = { .now = &first, .parameters = object };
	json_t *value = NULL;
	int r;

	cr_assert(row && object, "%s %s", method, parameters);
	fake_init(&fake, 2);
	before = take_snapshot(&fake, &view);
	now = take_snapshot(&fake, &view);
	first.snapshots = &before;
	second.snapshots = &now;
	r = row->check ? row->check(&request, errors) : 0;
	if (row->interval == READ_SAMPLED)
		cr_assert_eq(sample_start(now, &sample), 0);
	request.sample = sample;
	request.now = &second;
	request.before = row->interval == READ_ONCE ? NULL : &first;
	if (r == 0)
		r = record_read_answer(row, &request, &value, errors);
	cr_expect_eq(r, value ? 0 : -EINVAL, "%s %s", method, parameters);
	return value;
}

Test(records_reads, each_row_answers)
{
	/* clang-format off */
	static const struct { const char *method, *parameters; } rows[] = {
		{ "Which", "{\"group\": \"prod\", \"source\": \"10.0.0.1\", \"destination\": \"10.0.0.2\", \"source_port\": 5}" },
		{ "WhatIf", "{\"without\": \"eth0\"}" },
		{ "Imbalance", "{\"uplink\": \"eth0\"}" },
		{ "SwitchConfiguration", "{\"vendor\": \"arista-eos\"}" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		_cleanup_(errors_done) struct errors errors = {};
		const char *parameters = "{}";
		json_auto_t *value = NULL;

		for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
			if (strcmp(rows[k].method, methods[i]) == 0)
				parameters = rows[k].parameters;
		value = ask(methods[i], parameters, &errors);
		cr_expect(value, "%s: %s", methods[i], errors.n ? errors.messages[0] : "");
		cr_expect_eq(record_read_find(methods[i])->single, json_is_object(value), "%s",
			     methods[i]);
	}
}

Test(records_reads, one_port_by_its_name)
{
	static const struct {
		const char *parameters;
		size_t n;
	} rows[] = {
		{ "{}", 1 },
		{ "{\"name\": \"vnet0\"}", 1 },
		{ "{\"name\": \"vnet\"}", 0 },
		{ "{\"name\": \"\"}", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(errors_done) struct errors errors = {};
		json_auto_t *ports = ask("Ports", rows[i].parameters, &errors);

		cr_expect_eq(json_array_size(ports), rows[i].n, "%s", rows[i].parameters);
	}
}

Test(records_reads, wrong_parameters)
{
	/* clang-format off */
	static const struct { const char *method, *parameters, *reason; } rows[] = {
		{ "Ports", "{\"name\": 7}", "name: must be a string" },
		{ "Counters", "{\"zeros\": 1}", "zeros: must be true or false" },
		{ "Which", "{\"group\": \"prod\"}", "needs the strings switch, group and source" },
		{ "Which", "{\"group\": \"prod\", \"source\": \"10.0.0.1\", \"destination\": \"10.0.0.2\", \"source_port\": 65536}", "must be 0-65535" },
		{ "Which", "{\"group\": \"prod\", \"source\": \"10.0.0.1\", \"destination\": \"10.0.0.2\", \"destination_port\": -5}", "must be 0-65535" },
		{ "Which", "{\"group\": \"no\", \"source\": \"10.0.0.1\"}", "no: no such port group" },
		{ "Imbalance", "{}", "uplink: must be a string" },
		{ "Imbalance", "{\"uplink\": \"eth9\"}", "eth9: is not an uplink of vswitch0" },
		{ "WhatIf", "{}", "--without or --load-balancing is missing" },
		{ "WhatIf", "{\"without\": 5}", "must be strings" },
		{ "WhatIf", "{\"without\": \"eth0,,\"}", ": is not an uplink of" },
		{ "WhatIf", "{\"load_balancing\": \"x\"}", "must be one of the methods" },
		{ "SwitchConfiguration", "{}", "--vendor is missing" },
		{ "SwitchConfiguration", "{\"vendor\": \"x\"}", "must be cisco-ios" },
		{ "SwitchConfiguration", "{\"vendor\": \"cisco-ios\", \"ports\": \"a\"}", "--ports" },
		{ "Findings", "{\"ports\": \"a,b\"}", "needs --switch-output" },
		{ "Findings", "{\"switch_output\": \"\"}", "none of the known outputs" },
		{ "Findings", "{\"switch_output\": []}", "must be strings" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(errors_done) struct errors errors = {};
		json_auto_t *value = ask(rows[i].method, rows[i].parameters, &errors);

		cr_expect_null(value, "%s %s", rows[i].method, rows[i].parameters);
		cr_assert_eq(errors.n, 1, "%s %s", rows[i].method, rows[i].parameters);
		cr_expect(strstr(errors.messages[0], rows[i].reason), "%s %s: %s", rows[i].method,
			  rows[i].parameters, errors.messages[0]);
	}
}

Test(records_reads, the_switch_is_a_string)
{
	/* clang-format off */
	static const struct { const char *parameters, *name; int result; } rows[] = {
		{ "{}", NULL, 0 }, { "{\"switch\": null}", NULL, 0 }, { "{\"switch\": \"vs\"}", "vs", 0 },
		{ "{\"switch\": 5}", NULL, -EINVAL }, { "{\"switch\": [\"vs\"]}", NULL, -EINVAL },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(errors_done) struct errors errors = {};
		json_auto_t *parameters = json_loads(rows[i].parameters, 0, NULL);
		const char *name = "before";

		cr_expect_eq(record_read_switch(parameters, &name, &errors), rows[i].result, "%s",
			     rows[i].parameters);
		cr_expect(rows[i].name ? name && strcmp(name, rows[i].name) == 0 : !name, "%s",
			  rows[i].parameters);
	}
}

/* The set of the former snapshot had fewer slots. */
Test(records_reads, a_switch_that_grew_has_no_former_counters)
{
	_cleanup_(snapshot_freep) struct snapshot *before = NULL, *now = NULL;
	_cleanup_(errors_done) struct errors errors = {};
	json_auto_t *without = json_pack("{s:s}", "without", "eth0"), *value = NULL;
	struct view small, *views[] = { &view }, *former[] = { &small };
	struct switches first = { .n = 1, .views = former }, second = { .n = 1, .views = views };
	struct read_request request = { .now = &second, .before = &first, .parameters = without };

	fake_init(&fake, 2);
	fake.meta.max_ports = 1;
	before = take_snapshot(&fake, &small);
	fake.meta.max_ports = FAKE_PORTS;
	now = take_snapshot(&fake, &view);
	cr_expect_not(snapshot_follows(now, before));
	cr_expect(snapshot_follows(now, now));
	first.snapshots = &before;
	second.snapshots = &now;
	cr_expect_eq(record_read_answer(record_read_find("WhatIf"), &request, &value, &errors),
		     -EINVAL);
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], "vswitch0: was created, or has grown, during"), "%s",
		  errors.messages[0]);
	cr_expect_eq(record_read_answer(record_read_find("Findings"), &request, &value, &errors),
		     0);
}
