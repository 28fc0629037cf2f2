// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: the two files of the history as a crash, another program or a defect left them.
 * Input: the size of a page (one byte), then lines for either file. A line: a byte (1: of the
 * former file; 2: bytes as they are, else a record with its checksum; 4: without its end), the
 * number of the record (two bytes) or nothing, the length of the text (one byte), the text. After
 * the next append the files are in order and every valid record is still there.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "history/internal.h"

enum line_flag { LINE_FORMER = 1, LINE_RAW = 2, LINE_TORN = 4, LINE_BAD_HEADER = 8 };

static char directory[64];

static void remove_directory(void)
{
	static const char *const names[] = { HISTORY_NAME, HISTORY_OLD_NAME, HISTORY_NAME ".new",
					     HISTORY_NAME ".damaged", HISTORY_OLD_NAME ".damaged" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
}

static void remove_at_exit(void)
{
	remove_directory();
	(void)rmdir(directory);
}

static void put_line(struct input *input, char **text, size_t *n)
{
	uint8_t flags = take(input);
	size_t which = flags & LINE_FORMER, length;
	char line[512];
	uint64_t number = flags & LINE_RAW ? 0 : take_u16(input);
	char json[256];

	length = take(input);
	length = length < input->left ? length : input->left;
	take_bytes(input, json, length);
	if (flags & LINE_BAD_HEADER && n[which])
		text[which][0] ^= 1;
	if (flags & LINE_RAW) {
		memcpy(line, json, length);
		line[length++] = '\n';
	} else {
		for (size_t i = 0; i < length; i++)
			json[i] = json[i] == '\n' ? ' ' : json[i];
		length = segment_format(number, json, length, line);
	}
	if (flags & LINE_TORN)
		length--;
	text[which] = realloc(text[which], n[which] + length);
	CHECK(text[which]);
	memcpy(text[which] + n[which], line, length);
	n[which] += length;
}

static void write_file(const char *name, const char *text, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	close(fd);
}

/* All pages; returns the number of records, or a negative errno. */
static long read_all(size_t most, uint64_t *ret_last, uint64_t *ret_damaged)
{
	struct history_page page = { .more = true };
	uint64_t after = 0;
	long n = 0;

	while (page.more) {
		int r = history_read(directory, after, most, &page);
		json_t *record;
		size_t i;

		if (r < 0)
			return r;
		CHECK(json_array_size(page.records) <= most &&
		      (!page.more || json_array_size(page.records)));
		json_array_foreach(page.records, i, record) {
			uint64_t number =
				(uint64_t)json_integer_value(json_object_get(record, "number"));

			CHECK(number > after);
			after = number;
			n++;
		}
		*ret_damaged = page.damaged;
		json_decref(page.records);
	}
	*ret_last = after;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char line[] = "{\"text\": \"next\"}\n";
	struct input input = { .at = data, .left = size };
	char *text[2] = { strdup(SEGMENT_HEADER), strdup(SEGMENT_HEADER) };
	size_t n[2] = { SEGMENT_HEADER_LEN, SEGMENT_HEADER_LEN };
	uint64_t last = 0, last_now = 0, damaged = 0;
	struct history_store store;
	long before, after;
	size_t most = 1 + take(&input);

	if (!directory[0]) {
		snprintf(directory, sizeof(directory), "/dev/shm/ul-history-fuzz-XXXXXX");
		CHECK(mkdtemp(directory));
		atexit(remove_at_exit);
	}
	while (input.left)
		put_line(&input, text, n);
	write_file(HISTORY_NAME, text[0], n[0]);
	write_file(HISTORY_OLD_NAME, text[1], n[1]);
	before = read_all(most, &last, &damaged);
	CHECK(history_store_init(&store, directory) == 0);
	CHECK(history_store_append(&store, line, sizeof(line) - 1) == 0);
	history_store_close(&store);
	after = read_all(most, &last_now, &damaged);
	CHECK(after > 0 && (before < 0 || (after == before + 1 && last_now > last)));
	remove_directory();
	free(text[0]);
	free(text[1]);
	return 0;
}
