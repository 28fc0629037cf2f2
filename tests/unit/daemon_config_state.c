// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>
#include <sys/resource.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/util.h"
#include "daemon/config_state.h"

#define ORIGIN "/etc/uplinkd/uplinkd.yaml"
#define BOOT "11111111-2222-4333-8444-555555555555"

static char folder[] = "/tmp/uplinkd-state-XXXXXX", path[PATH_MAX];

static void set_up(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/lib/configuration.json", folder);
}

static void tear_down(void)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_expect_eq(system(command), 0);
}

TestSuite(daemon_config_state, .init = set_up, .fini = tear_down);

static struct config_source source_of(const char *name, const char *text)
{
	struct config_source source = { 0 };

	cr_assert_eq(config_source_add(&source, name, text, strlen(text)), 0);
	return source;
}

/* Confirmed text "a"; a change to text "b", from the files or from another file, waits. */
static struct config_state waiting(const char *name)
{
	struct config_source a = source_of(ORIGIN, "a"), files = source_of(ORIGIN, "a");
	struct config_state state = { 0 };

	config_state_confirm(&state, &a, &files);
	state.pending = source_of(name, "b");
	state.pending_files = source_of(ORIGIN, strcmp(name, ORIGIN) == 0 ? "b" : "a");
	state.deadline_ms = 5000;
	snprintf(state.boot_id, sizeof(state.boot_id), BOOT);
	return state;
}

static bool is_text(const struct config_source *source, const char *text)
{
	return source->n == 1 && source->documents[0].length == strlen(text) &&
	       memcmp(source->documents[0].text, text, strlen(text)) == 0;
}

Test(daemon_config_state, a_missing_file_and_another_origin_are_an_empty_state)
{
	struct config_state state = waiting(ORIGIN), read;

	cr_expect_eq(config_state_read(path, ORIGIN, &read), 0);
	cr_expect_eq(read.confirmed.n + read.pending.n, 0);
	cr_assert_eq(config_state_write(path, ORIGIN, &state), 0);
	cr_expect_eq(config_state_read(path, "/etc/other.yaml", &read), 0);
	cr_expect_eq(read.confirmed.n + read.pending.n, 0);
	config_state_done(&state);
}

Test(daemon_config_state, everything_reads_back)
{
	struct config_state state = waiting("new.yaml"), read;
	struct stat st;

	state.rolled_back = true;
	state.switch_over = json_pack("{s:s}", "phase", "cut");
	cr_assert_eq(config_source_add(&state.confirmed, "x\"y", "tab\t\xc3\xa9\0z", 7), 0);
	cr_assert_eq(config_state_write(path, ORIGIN, &state), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	cr_assert_eq(config_state_read(path, ORIGIN, &read), 0);
	cr_expect(config_source_equal(&read.confirmed, &state.confirmed));
	cr_expect(config_source_equal(&read.files, &state.files));
	cr_expect(config_source_equal(&read.pending, &state.pending));
	cr_expect(config_source_equal(&read.pending_files, &state.pending_files));
	cr_expect(read.rolled_back);
	cr_expect(json_equal(read.switch_over, state.switch_over));
	cr_expect_eq(read.deadline_ms, 5000);
	cr_expect_str_eq(read.boot_id, BOOT);
	config_state_done(&read);
	config_state_done(&state);
}

Test(daemon_config_state, the_deadline_ends_with_its_boot)
{
	struct config_state state = waiting(ORIGIN);

	cr_expect(config_state_is_waiting(&state, BOOT, 4999));
	cr_expect_not(config_state_is_waiting(&state, BOOT, 5000));
	cr_expect_not(config_state_is_waiting(&state, "another boot", 10));
	state.deadline_ms = 10 + RELOAD_CONFIRM_MAX_S * 1000ULL;
	cr_expect(config_state_is_waiting(&state, BOOT, 10), "the longest time");
	cr_expect_not(config_state_is_waiting(&state, BOOT, 9), "no request has such a deadline");
	state.deadline_ms = UINT64_MAX;
	cr_expect_not(config_state_is_waiting(&state, BOOT, 10));
	state.deadline_ms = 5000;
	state.boot_id[0] = '\0';
	cr_expect_not(config_state_is_waiting(&state, "", 10), "an unknown boot is another one");
	config_state_drop_pending(&state);
	cr_expect_not(config_state_is_waiting(&state, "", 0));
	config_state_done(&state);
}

Test(daemon_config_state, a_rollback_of_the_files_ignores_them_until_they_change)
{
	struct config_state state = waiting(ORIGIN);

	config_state_roll_back(&state);
	cr_expect(is_text(&state.confirmed, "a"));
	cr_expect(is_text(&state.files, "b"));
	cr_expect(state.rolled_back);
	cr_expect_eq(state.pending.n, 0);
	config_state_done(&state);
}

Test(daemon_config_state, a_rollback_of_another_file_leaves_the_files)
{
	struct config_state state = waiting("new.yaml");

	config_state_roll_back(&state);
	cr_expect(is_text(&state.confirmed, "a"));
	cr_expect(is_text(&state.files, "a"));
	cr_expect_not(state.rolled_back);
	config_state_done(&state);
}

Test(daemon_config_state, a_confirmed_change_is_the_new_configuration)
{
	struct config_state state = waiting("new.yaml");

	state.switch_over = json_object();
	config_state_confirm_pending(&state);
	cr_expect_null(state.switch_over, "the switch-over is final");
	cr_expect(is_text(&state.confirmed, "b"));
	cr_expect(is_text(&state.files, "a"), "it stands for the files of that time");
	cr_expect_eq(state.pending.n + state.deadline_ms, 0);
	config_state_done(&state);
}

static void write_text(const char *text)
{
	FILE *file = fopen(path, "we");

	cr_assert(file);
	fputs(text, file);
	fclose(file);
}

Test(daemon_config_state, damaged_files_are_refused_and_leave_nothing)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"version\": 2, \"origin\": \"" ORIGIN "\"}",
		"{\"version\": 1}",
		"{\"version\": 1, \"origin\": \"" ORIGIN "\"}",
		"{\"version\": 1, \"origin\": \"" ORIGIN "\", \"confirmed\": [7]}",
		"{\"version\": 1, \"origin\": \"" ORIGIN "\", \"confirmed\": [{\"name\": \"f\"}]}",
		"{\"version\": 1, \"origin\": \"" ORIGIN
		"\", \"confirmed\": [{\"name\": \"f\", \"text\": \"\"}], \"pending\": {}}",
		"{\"version\": 1, \"origin\": \"" ORIGIN
		"\", \"confirmed\": [{\"name\": \"f\", \"text\": \"\"}],"
		" \"pending\": {\"deadline_ms\": 1, \"boot_id\": \"x\"}}",
		"{\"version\": 1, \"origin\": \"" ORIGIN
		"\", \"confirmed\": [{\"name\": \"f\", \"text\": \"\"}],"
		" \"pending\": {\"deadline_ms\": -1, \"boot_id\": \"x\","
		" \"documents\": [{\"name\": \"f\", \"text\": \"\"}]}}",
	};
	struct config_state state = waiting(ORIGIN), read;

	cr_assert_eq(config_state_write(path, ORIGIN, &state), 0);
	config_state_done(&state);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_text(texts[i]);
		cr_expect_eq(config_state_read(path, ORIGIN, &read), -EBADMSG, "row %zu", i);
		cr_expect_eq(read.confirmed.n + read.pending.n, 0, "row %zu", i);
	}
}

Test(daemon_config_state, a_file_that_cannot_be_opened_now_is_not_a_damaged_one)
{
	struct config_state state = waiting(ORIGIN), read;
	struct rlimit limit, none;

	cr_assert_eq(config_state_write(path, ORIGIN, &state), 0);
	config_state_done(&state);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(config_state_read(path, ORIGIN, &read), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(config_state_read(path, ORIGIN, &read), 0);
	config_state_done(&read);
}

/* ---- memory ---- */
static size_t n_left; /* allocations until one fails */

static void *allocate(size_t size)
{
	if (n_left && --n_left == 0) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc(size);
}

Test(daemon_config_state, without_memory_a_file_is_not_damaged)
{
	struct config_state state = waiting(ORIGIN), read;
	size_t n_failed = 0;
	int r = -ENOMEM;

	state.switch_over = json_pack("{s:s, s:[i,i]}", "phase", "cut", "links", 1, 2);
	cr_assert_eq(config_state_write(path, ORIGIN, &state), 0);
	json_set_alloc_funcs(allocate, free);
	for (size_t i = 1; r < 0; i++) {
		n_left = i;
		r = config_state_read(path, ORIGIN, &read);
		if (n_left)
			break;
		cr_assert_eq(r, -ENOMEM, "allocation %zu: %d", i, r);
		n_failed++;
	}
	cr_expect_gt(n_failed, 10u);
	cr_assert_eq(r, 0);
	cr_expect(json_equal(read.switch_over, state.switch_over));
	config_state_done(&read);
	config_state_done(&state);
}

Test(daemon_config_state, a_failed_write_leaves_the_former_file)
{
	struct config_state state = waiting(ORIGIN), read;
	char next[PATH_MAX + 8];

	cr_assert_eq(config_state_write(path, ORIGIN, &state), 0);
	config_state_drop_pending(&state);
	cr_assert_eq(config_source_add(&state.confirmed, "f", "\xff", 1), 0);
	cr_expect_eq(config_state_write(path, ORIGIN, &state), -EILSEQ);
	snprintf(next, sizeof(next), "%s.new", path);
	cr_assert_eq(mkdir(next, 0700), 0);
	state.confirmed.documents[1].text[0] = 'x';
	cr_expect_eq(config_state_write(path, ORIGIN, &state), -EISDIR);
	cr_assert_eq(config_state_read(path, ORIGIN, &read), 0);
	cr_expect(is_text(&read.pending, "b"));
	config_state_done(&read);
	config_state_done(&state);
}
