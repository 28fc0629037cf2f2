// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The files of the history: appending, rotation, and what is found at a start. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <zlib.h>

#include "history/internal.h"

static char directory[32];
static struct history_store store;

static void setup(void)
{
	strcpy(directory, "/tmp/ul-history-XXXXXX");
	cr_assert(mkdtemp(directory));
	cr_assert_eq(history_store_init(&store, directory), 0);
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void teardown(void)
{
	static const char *const names[] = { "history", "history.1", "history.new",
					     "history.damaged", "history.1.damaged" };

	history_store_close(&store);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)remove(path_of(names[i]));
	cr_expect_eq(rmdir(directory), 0);
}

TestSuite(history_store, .init = setup, .fini = teardown, .timeout = 120);

static void append(const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "{\"text\":\"%s\"}\n", text);
	cr_assert_eq(history_store_append(&store, line, strlen(line)), 0);
}

/* As a restart of the daemon does. */
static void reopen(void)
{
	history_store_close(&store);
	cr_assert_eq(history_store_init(&store, directory), 0);
}

static void read_page(uint64_t after, size_t max, struct history_page *page)
{
	*page = (struct history_page){};
	cr_assert_eq(history_read(directory, after, max, page), 0);
}

/* The texts of all records, each with a blank after it. */
static void expect_texts(const char *expected)
{
	struct history_page page;
	char texts[512] = "";
	json_t *record;
	size_t i;

	read_page(0, HISTORY_PAGE_MAX, &page);
	json_array_foreach(page.records, i, record)
		snprintf(texts + strlen(texts), sizeof(texts) - strlen(texts), "%s ",
			 json_string_value(json_object_get(record, "text")));
	json_decref(page.records);
	cr_expect_str_eq(texts, expected);
}

static void overwrite(const char *name, off_t offset, const char *bytes, size_t length)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, length, offset), (ssize_t)length);
	close(fd);
}

Test(history_store, numbers_go_on_after_a_restart)
{
	struct history_page page;

	append("a");
	append("b");
	reopen();
	append("c");
	expect_texts("a b c ");
	read_page(2, 10, &page);
	cr_assert_eq(json_array_size(page.records), 1);
	cr_expect_eq(json_integer_value(json_object_get(json_array_get(page.records, 0), "number")),
		     3);
	json_decref(page.records);
	cr_expect_eq(store.damaged, 0);
}

/* The repaired copy of a line has eight digits. Fewer would make it longer than the line. */
Test(history_store, a_checksum_without_its_leading_zeros_is_damage)
{
	char line[64], summed[48];
	uLong crc = 0;
	size_t n = 0;

	append("a");
	for (int i = 0; !n || crc > 0xffff; i++) {
		n = (size_t)sprintf(summed, "2 {\"text\":\"%d\"}", i);
		crc = crc32(0, (const Bytef *)summed, (uInt)n);
	}
	n = (size_t)sprintf(line, "%lx %s\n", crc, summed);
	overwrite("history", (off_t)store.size, line, n);
	expect_texts("a ");
	reopen();
	append("b");
	expect_texts("a b ");
	cr_expect_eq(store.damaged, 1);
}

Test(history_store, pages_follow_each_other)
{
	struct history_page page;

	for (int i = 0; i < 5; i++)
		append("x");
	read_page(0, 2, &page);
	cr_expect_eq(json_array_size(page.records), 2);
	cr_expect(page.more);
	json_decref(page.records);
	read_page(2, 3, &page);
	cr_expect_eq(json_array_size(page.records), 3);
	cr_expect_not(page.more);
	json_decref(page.records);
}

Test(history_store, the_file_is_bounded_and_the_latest_records_stay)
{
	static char lines[100 * 32];
	struct history_page page;
	uint64_t after = 0, first = 0, n = 0;
	size_t length = 0;
	struct stat st;

	for (int i = 0; i < 100; i++)
		length += (size_t)sprintf(lines + length, "{\"text\":\"%d\"}\n", i);
	for (int i = 0; i < 3 * HISTORY_EVENTS / 100 + 1; i++)
		cr_assert_eq(history_store_append(&store, lines, length), 0);
	do {
		read_page(after, HISTORY_PAGE_MAX, &page);
		for (size_t i = 0; i < json_array_size(page.records); i++) {
			after = (uint64_t)json_integer_value(
				json_object_get(json_array_get(page.records, i), "number"));
			first = first ? first : after;
			n++;
		}
		json_decref(page.records);
	} while (page.more);
	cr_expect_eq(n, HISTORY_EVENTS);
	cr_expect_eq(after, 3 * HISTORY_EVENTS + 100);
	cr_expect_eq(first, after - HISTORY_EVENTS + 1);
	cr_assert_eq(stat(path_of("history.1"), &st), 0);
	cr_expect_lt(st.st_size, HISTORY_EVENTS * 40);
	reopen();
	append("z");
	cr_expect_eq(store.next, after + 2);
}

Test(history_store, a_torn_line_is_kept_aside_and_the_others_are_used)
{
	struct stat st;

	append("a");
	append("b");
	cr_assert_eq(stat(path_of("history"), &st), 0);
	overwrite("history", st.st_size, "0badc0de 3 {\"te", 15);
	expect_texts("a b ");
	reopen();
	append("c");
	expect_texts("a b c ");
	cr_expect_eq(store.damaged, 1);
	cr_expect(strstr(store.note, "was damaged; its 2 valid records"), "%s", store.note);
	cr_assert_eq(stat(path_of("history.damaged"), &st), 0);
}

Test(history_store, a_changed_byte_is_found)
{
	append("first");
	append("second");
	append("third");
	/* "XXXXXXXX 1 {"text":"first"}" is 27 bytes long */
	overwrite("history", (off_t)SEGMENT_HEADER_LEN + 28 + 21, "S", 1);
	expect_texts("first third ");
	reopen();
	append("fourth");
	expect_texts("first third fourth ");
	cr_expect_eq(store.damaged, 1);
}

Test(history_store, a_foreign_file_is_set_aside)
{
	char text[16] = "";
	int fd;

	overwrite("history", 0, "not a history\n", 14);
	append("a");
	expect_texts("a ");
	cr_expect_eq(store.damaged, 1);
	fd = open(path_of("history.damaged"), O_RDONLY);
	cr_assert_geq(fd, 0);
	cr_expect_eq(read(fd, text, 15), 14);
	cr_expect_str_eq(text, "not a history\n");
	close(fd);
}

Test(history_store, what_is_no_file_does_not_stop_the_writer)
{
	struct history_page page = {};

	cr_assert_eq(mkfifo(path_of("history"), 0600), 0);
	cr_expect_eq(history_read(directory, 0, 1, &page), -EUCLEAN);
	append("a");
	expect_texts("a ");
	history_store_close(&store);
	cr_assert_eq(remove(path_of("history")), 0);
	cr_assert_eq(symlink("/etc/passwd", path_of("history")), 0);
	cr_expect_eq(history_read(directory, 0, 1, &page), -EUCLEAN);
	append("b");
	expect_texts("b ");
}

Test(history_store, a_removed_file_is_made_again)
{
	append("a");
	cr_assert_eq(remove(path_of("history")), 0);
	append("b");
	expect_texts("b ");
	cr_expect_eq(store.next, 3);
}

Test(history_store, a_full_disk_loses_no_record_and_leaves_no_part)
{
	const struct rlimit small = { .rlim_cur = SEGMENT_HEADER_LEN + 40, .rlim_max = 1 << 20 },
			    large = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };
	static const char line[] = "{\"text\":\"b\"}\n";
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	append("a");
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	cr_expect_eq(history_store_append(&store, line, strlen(line)), -EFBIG);
	cr_expect_eq(history_store_append(&store, line, strlen(line)), -EFBIG);
	cr_assert_eq(stat(path_of("history"), &st), 0);
	cr_expect_eq((size_t)st.st_size, store.size);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &large), 0);
	append("b");
	append("c");
	expect_texts("a b c ");
	reopen();
	append("d");
	cr_expect_eq(store.damaged, 0);
}

Test(history_store, a_file_without_its_header_does_not_get_the_name)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 1 << 20 },
			    large = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };
	static const char line[] = "{\"text\":\"a\"}\n";

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	cr_expect_eq(history_store_append(&store, line, strlen(line)), -EFBIG);
	cr_expect_eq(access(path_of("history"), F_OK), -1);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &large), 0);
	reopen();
	append("a");
	expect_texts("a ");
	cr_expect_eq(store.damaged, 0);
}

Test(history_store, a_missing_directory_is_no_history)
{
	struct history_page page;

	cr_expect_eq(history_read("/nonexistent", 0, 1, &page), -ENOENT);
	cr_expect_eq(history_read(directory, 0, 1, &page), -ENOENT);
}
