// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <fcntl.h>

#include "history/internal.h"

/* Number of the last record and of the lines that are skipped. */
static uint64_t scan(const struct segment *segment, uint64_t *damaged)
{
	struct segment_cursor cursor = {};
	struct segment_record record;

	while (segment_next(segment, &cursor, &record))
		;
	*damaged += cursor.damaged;
	return cursor.last;
}

static int add_records(const struct segment *segment, uint64_t *after, size_t max,
		       struct history_page *page)
{
	struct segment_cursor cursor = {};
	struct segment_record record;

	while (segment_next(segment, &cursor, &record)) {
		json_t *object;

		if (record.number <= *after)
			continue;
		if (json_array_size(page->records) == max) {
			page->more = true;
			return 0;
		}
		*after = record.number;
		object = json_loadb(record.json, record.length, 0, NULL);
		if (!json_is_object(object)) {
			json_decref(object);
			page->damaged++;
			continue;
		}
		json_object_set_new(object, "number", json_integer((json_int_t)record.number));
		if (json_array_append_new(page->records, object) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Both files: present first, because a rotation in between moves it to the other name. */
static int load(const char *directory, struct segment *present, struct segment *former)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r, r_former;

	if (fd < 0)
		return -errno;
	r = segment_load(fd, HISTORY_NAME, present);
	if (r < 0 && r != -ENOENT)
		return r;
	r_former = segment_load(fd, HISTORY_OLD_NAME, former);
	/* without the former file there are still the latest records */
	return r == 0 || r_former == 0 ? 0 : r;
}

int history_read(const char *directory, uint64_t after, size_t max, struct history_page *ret)
{
	struct history_page page = { .records = json_array() };
	struct segment present = {}, former = {};
	uint64_t last = 0, last_former = 0;
	int r = page.records ? load(directory, &present, &former) : -ENOMEM;

	if (r == 0) {
		last_former = scan(&former, &page.damaged);
		last = scan(&present, &page.damaged);
		last = last > last_former ? last : last_former;
		if (last > HISTORY_EVENTS && after < last - HISTORY_EVENTS)
			after = last - HISTORY_EVENTS;
		r = add_records(&former, &after, max, &page);
	}
	if (r == 0)
		r = add_records(&present, &after, max, &page);
	segment_done(&present);
	segment_done(&former);
	if (r < 0) {
		json_decref(page.records);
		return r;
	}
	*ret = page;
	return 0;
}
