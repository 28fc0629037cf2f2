// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The thread that writes the history. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "control/event_ring.h"
#include "history/history.h"

static char directory[40];
static struct history_writer *writer;
static atomic_int reports;

static void on_report(void *userdata, const char *text)
{
	reports++;
}

static void setup(void)
{
	strcpy(directory, "/tmp/ul-history-XXXXXX");
	cr_assert(mkdtemp(directory));
	cr_assert_eq(history_writer_new(directory, on_report, NULL, &writer), 0);
}

static void teardown(void)
{
	char path[64];

	history_writer_stop(writer, 10000);
	snprintf(path, sizeof(path), "%s/history", directory);
	(void)remove(path);
	(void)rmdir(directory);
}

TestSuite(history_writer, .init = setup, .fini = teardown, .timeout = 120);

static void add(const char *text, json_t *details)
{
	json_auto_t *record = event_record("vswitch0", EVENT_UPLINK_STATE, "eth0", text);

	if (details)
		json_object_set_new(record, "details", details);
	history_writer_add(writer, record);
}

static json_t *wait_for_records(size_t n)
{
	for (;;) {
		struct history_page page = {};
		int r = history_read(directory, 0, HISTORY_PAGE_MAX, &page);

		if (r == 0 && json_array_size(page.records) >= n)
			return page.records;
		if (r == 0)
			json_decref(page.records);
		usleep(1000);
	}
}

Test(history_writer, records_arrive_in_order_with_all_members)
{
	json_auto_t *records = NULL;
	struct history_status status;

	add("one", json_pack("[s, s]", "- a", "+ b"));
	add("two", NULL);
	records = wait_for_records(2);
	json_t *first = json_array_get(records, 0);

	cr_expect_str_eq(json_string_value(json_object_get(first, "text")), "one");
	cr_expect_str_eq(json_string_value(json_object_get(first, "code")), "uplink-state");
	cr_expect_eq(json_array_size(json_object_get(first, "details")), 2);
	cr_expect_gt(json_real_value(json_object_get(first, "time")), 1.7e9);
	do
		history_writer_get_status(writer, &status);
	while (status.written < 2);
	cr_expect(status.error == 0 && status.lost == 0 && status.failures == 0);
}

Test(history_writer, a_record_that_is_too_long_loses_its_details)
{
	json_auto_t *records = NULL;
	json_t *details = json_array();

	for (int i = 0; i < 2000; i++)
		json_array_append_new(details, json_string("0123456789"));
	add("long", details);
	records = wait_for_records(1);
	cr_expect_null(json_object_get(json_array_get(records, 0), "details"));
}

/* As on a disk that is full or read-only: nothing waits, records without room in memory are
 * counted, and the others are written when the disk is writable again. */
Test(history_writer, a_directory_that_cannot_be_written)
{
	char text[2000], moved[48];
	struct history_status status;
	json_auto_t *records = NULL;
	FILE *file;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(moved, sizeof(moved), "%s.moved", directory);
	cr_assert_eq(rename(directory, moved), 0);
	file = fopen(directory, "w"); /* not a directory */
	cr_assert(file);
	fclose(file);
	for (int i = 0; i < 2000; i++)
		add(text, NULL);
	do {
		usleep(1000);
		history_writer_get_status(writer, &status);
	} while (!status.failures);
	cr_expect_eq(status.error, -ENOTDIR);
	cr_expect_gt(status.lost, 0);
	cr_expect_eq(status.written, 0);
	cr_expect_eq(reports, 1, "reported once");
	cr_assert_eq(remove(directory), 0);
	cr_assert_eq(rename(moved, directory), 0);
	records = wait_for_records(3);
	cr_expect_str_eq(json_string_value(json_object_get(json_array_get(records, 0), "code")),
			 "history");
}
