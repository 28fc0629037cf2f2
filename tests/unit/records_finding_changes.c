// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings that begin and end, on a stopped clock. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "records/finding_changes.h"

static struct finding_changes changes;
static char log_[4096]; /* "+OBJECT: TEXT|" and "-...|" */
static uint64_t now;

static void setup(void)
{
	cr_assert_eq(finding_changes_init(&changes), 0);
	now = 1000000;
}

static void teardown(void)
{
	finding_changes_done(&changes);
}

TestSuite(finding_changes, .init = setup, .fini = teardown);

static json_t *finding(const char *severity, const char *code, const char *object)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s]}", "switch", "vs", "severity", severity,
			 "code", code, "object", object, "message", "M", "evidence", "E");
}

static void on_change(void *userdata, const struct finding_change *change)
{
	size_t n = strlen(log_);

	cr_assert_eq(userdata, &changes);
	snprintf(log_ + n, sizeof(log_) - n, "%c%s: %s%s|", change->raised ? '+' : '-',
		 change->object, change->text,
		 json_array_size(change->details) > 1 ? " (many)" : "");
}

/* Takes the list. */
static void expect(json_t *findings, const char *expected)
{
	log_[0] = '\0';
	finding_changes_update(&changes, findings, now, on_change, &changes);
	json_decref(findings);
	cr_expect_str_eq(log_, expected);
}

Test(finding_changes, is_raised_once_and_cleared_after_a_while)
{
	expect(json_pack("[o]", finding("warning", "c", "eth0")), "+eth0: warning c: M|");
	now += 10000;
	expect(json_pack("[o]", finding("warning", "c", "eth0")), "");
	now += FINDING_CLEAR_MS - 1;
	expect(json_array(), "");
	now += 1;
	expect(json_array(), "-eth0: warning c: M|");
	now += FINDING_CLEAR_MS;
	expect(json_array(), "");
}

Test(finding_changes, one_that_comes_and_goes_does_not_flap)
{
	expect(json_pack("[o]", finding("note", "c", "p")), "+p: note c: M|");
	for (int i = 0; i < 20; i++) {
		now += FINDING_CLEAR_MS / 2;
		expect(i % 2 ? json_pack("[o]", finding("note", "c", "p")) : json_array(), "");
	}
}

Test(finding_changes, severity_rises_at_once_and_falls_late)
{
	expect(json_pack("[o]", finding("note", "c", "p")), "+p: note c: M|");
	now += 1000;
	expect(json_pack("[o]", finding("error", "c", "p")), "+p: error c: M|");
	now += 1000;
	expect(json_pack("[o]", finding("note", "c", "p")), "");
	now += FINDING_CLEAR_MS;
	expect(json_pack("[o]", finding("note", "c", "p")), "-p: error c: M|");
	now += FINDING_CLEAR_MS;
	expect(json_array(), "-p: note c: M|");
}

Test(finding_changes, many_of_a_code_are_one_change)
{
	json_t *findings = json_array();
	char object[16];

	for (int i = 0; i <= FINDING_FOLD; i++) {
		snprintf(object, sizeof(object), "p%d", i);
		json_array_append_new(findings, finding("note", "port_missing", object));
	}
	json_array_append_new(findings, finding("note", "other", "p0"));
	expect(findings, "+vs: note port_missing: 9 objects (many)|+p0: note other: M|");
	now += FINDING_CLEAR_MS;
	expect(json_array(), "-vs: note port_missing: 9 objects (many)|-p0: note other: M|");
}
