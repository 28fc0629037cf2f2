// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The stored state at a start and at a teardown while the system fails: it is kept. */
#include <criterion/criterion.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/state.h"

#define TEXT "switches: []\n"

static char folder[] = "/tmp/uplinkd-first-XXXXXX", path[PATH_MAX], config[PATH_MAX];
static struct daemon daemon_;

static void set_up(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/" STATE_FILE_NAME, folder);
	snprintf(config, sizeof(config), "%s/uplinkd.yaml", folder);
	daemon_.options.state_dir = folder;
	daemon_.options.config = config;
	daemon_.lock_fd = daemon_.notify_fd = -1;
}

static void tear_down(void)
{
	char command[PATH_MAX];

	errors_done(&daemon_.errors);
	config_state_done(&daemon_.saved);
	switch_over_free(daemon_.switch_over);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_expect_eq(system(command), 0);
}

TestSuite(daemon_first_config, .init = set_up, .fini = tear_down, .timeout = 120);

static void set_files(rlim_t n)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A journal of this boot, as if the process had just read the state. */
static void have_journal(void)
{
	struct switch_over over = { .phase = SWITCH_OVER_DONE };

	cr_assert_eq(read_boot_id(over.boot_id, NULL), 0);
	daemon_.saved.switch_over = switch_over_write(&over);
	cr_assert(daemon_.saved.switch_over);
	snprintf(daemon_.state_path, sizeof(daemon_.state_path), "%s", path);
}

static bool has_message(const char *text)
{
	for (size_t i = 0; i < daemon_.errors.n; i++)
		if (strstr(daemon_.errors.messages[i], text))
			return true;
	return false;
}

Test(daemon_first_config, a_journal_stays_while_the_boot_is_unknown)
{
	struct rlimit limit;
	int resumable, undone;

	have_journal();
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	set_files(0);
	resumable = daemon_adopt_is_resumable(&daemon_);
	undone = daemon_adopt_undo(&daemon_);
	set_files(limit.rlim_cur);
	cr_expect_eq(resumable, -EMFILE);
	cr_expect_eq(undone, -EMFILE);
	cr_expect(has_message("boot_id"));
	cr_expect(daemon_.saved.switch_over);
	cr_expect_eq(daemon_adopt_is_resumable(&daemon_), 1);
}

Test(daemon_first_config, a_journal_of_another_boot_is_dropped)
{
	have_journal();
	json_object_set_new(daemon_.saved.switch_over, "boot_id", json_string("another"));
	cr_expect_eq(daemon_adopt_is_resumable(&daemon_), 0);
	cr_expect_null(daemon_.saved.switch_over);
}

/* /proc/self/mem cannot be read at 0: EIO, as of a disk. */
Test(daemon_first_config, a_state_that_cannot_be_read_may_have_a_journal)
{
	struct first_config first = {};

	cr_assert_eq(symlink("/proc/self/mem", path), 0);
	cr_expect_eq(daemon_take_back(&daemon_), -EIO);
	cr_expect(has_message("cannot be read"));
	errors_done(&daemon_.errors);
	cr_expect_eq(daemon_choose_first(&daemon_, &first), -EIO);
	cr_expect(has_message("cannot be read"));
	first_config_done(&first);
}

Test(daemon_first_config, a_damaged_state_has_no_journal)
{
	FILE *file = fopen(path, "we");

	cr_assert(file);
	fputs("{", file);
	fclose(file);
	cr_expect_eq(daemon_take_back(&daemon_), 0);
	cr_expect_eq(remove(path), 0);
	cr_expect_eq(daemon_take_back(&daemon_), 0, "a missing one");
}

Test(daemon_first_config, a_change_that_waits_is_not_applied_without_its_deadline)
{
	struct first_config first = {};
	struct rlimit limit;
	enum daemon_status status;

	cr_assert_eq(config_source_add(&daemon_.saved.pending, "f", TEXT, strlen(TEXT)), 0);
	cr_assert_eq(config_source_add(&daemon_.saved.confirmed, "f", TEXT, strlen(TEXT)), 0);
	cr_assert_eq(read_boot_id(daemon_.saved.boot_id, NULL), 0);
	daemon_.saved.deadline_ms = boottime_ms() + 3600000;
	snprintf(daemon_.state_path, sizeof(daemon_.state_path), "%s", path);
	cr_assert_eq(config_state_write(path, config, &daemon_.saved), 0);
	config_state_done(&daemon_.saved);
	cr_assert_eq(daemon_choose_first(&daemon_, &first), 0);
	cr_assert_eq(first.candidate[0].origin, CONFIG_UNCONFIRMED);

	cr_assert_eq(sd_event_new(&daemon_.event), 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	set_files(0);
	status = daemon_apply_first(&daemon_, &first); /* without a descriptor for the timer */
	set_files(limit.rlim_cur);
	cr_expect_eq(status, DAEMON_SYSTEM);
	cr_expect(has_message("no timer for its deadline"));
	cr_expect(daemon_.saved.pending.n);
	first_config_done(&first);
	sd_event_unref(daemon_.event);
}
