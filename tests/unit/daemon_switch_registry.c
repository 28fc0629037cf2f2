// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The list of switches that an instance created, in memory and in its file. */
#include <criterion/criterion.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/switch_registry.h"

static char directory[32], path[64];
static struct switch_registry registry;

static void setup(void)
{
	strcpy(directory, "/tmp/ul-registry-XXXXXX");
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/switches", directory);
}

static void teardown(void)
{
	switch_registry_done(&registry);
	unlink(path);
	rmdir(directory);
}

TestSuite(daemon_switch_registry, .init = setup, .fini = teardown);

static void write_text(const char *text)
{
	FILE *file = fopen(path, "we");

	cr_assert(file);
	fputs(text, file);
	fclose(file);
}

Test(daemon_switch_registry, names_are_kept_once)
{
	cr_expect_eq(switch_registry_add(&registry, "a"), 0);
	cr_expect_eq(switch_registry_add(&registry, "b"), 0);
	cr_expect_eq(switch_registry_add(&registry, "a"), 0);
	cr_assert_eq(registry.n, 2);
	cr_expect(switch_registry_has(&registry, "a") && switch_registry_has(&registry, "b"));
	switch_registry_remove_at(&registry, 0);
	cr_expect(!switch_registry_has(&registry, "a"));
	cr_assert_eq(registry.n, 1);
	cr_expect_str_eq(registry.name[0], "b");
}

/* A name becomes a directory below the BPF file system. */
Test(daemon_switch_registry, names_that_are_paths_are_refused)
{
	static const char *const names[] = { "", ".", "..", "a/b", "/", "name-of-16-bytes" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		cr_expect_eq(switch_registry_add(&registry, names[i]), -EINVAL, "%s", names[i]);
	cr_expect_eq(registry.n, 0);
}

Test(daemon_switch_registry, file_both_ways)
{
	struct switch_registry read = {};

	cr_assert_eq(switch_registry_add(&registry, "vswitch0"), 0);
	cr_assert_eq(switch_registry_add(&registry, "storage"), 0);
	cr_assert_eq(switch_registry_write(path, &registry), 0);
	cr_assert_eq(switch_registry_read(path, &read), 0);
	cr_assert_eq(read.n, 2);
	cr_expect_str_eq(read.name[0], "vswitch0");
	cr_expect_str_eq(read.name[1], "storage");
	switch_registry_done(&read);
}

Test(daemon_switch_registry, no_names_no_file)
{
	write_text("a\n");
	cr_expect_eq(switch_registry_write(path, &registry), 0);
	cr_expect_eq(access(path, F_OK), -1);
	cr_expect_eq(switch_registry_write(path, &registry), 0, "again");
	cr_expect_eq(switch_registry_read(path, &registry), 0);
	cr_expect_eq(registry.n, 0);
}

/* Lines of a damaged file that cannot be names are left out. */
Test(daemon_switch_registry, damaged_file)
{
	write_text("a\n../../etc\n\nthis line is longer than the name of a switch can be\nb");
	cr_assert_eq(switch_registry_read(path, &registry), 0);
	cr_assert_eq(registry.n, 2);
	cr_expect_str_eq(registry.name[0], "a");
	cr_expect_str_eq(registry.name[1], "b");
}

Test(daemon_switch_registry, failed_write_keeps_the_file)
{
	char missing[96];
	struct switch_registry read = {};

	write_text("old\n");
	cr_assert_eq(switch_registry_add(&registry, "new"), 0);
	snprintf(missing, sizeof(missing), "%s/nowhere/switches", directory);
	cr_expect_eq(switch_registry_write(missing, &registry), -ENOENT);

	/* The new file cannot be created, because its name is taken by a directory. */
	snprintf(missing, sizeof(missing), "%s.new", path);
	cr_assert_eq(mkdir(missing, 0755), 0);
	cr_expect_lt(switch_registry_write(path, &registry), 0);
	cr_assert_eq(switch_registry_read(path, &read), 0);
	cr_assert_eq(read.n, 1);
	cr_expect_str_eq(read.name[0], "old");
	switch_registry_done(&read);
	rmdir(missing);
}

/* What is pinned at DIRECTORY/uplinkd. */
static void with_pins(int (*change)(const char *path, mode_t mode))
{
	static const char *const names[] = { "", "/vs", "/other_next", "/.hidden" };
	char pin[96];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t at = change == mkdir ? i : ARRAY_SIZE(names) - 1 - i;

		snprintf(pin, sizeof(pin), "%s/uplinkd%s", directory, names[at]);
		cr_assert_eq(change(pin, 0755), 0);
	}
}

static int remove_dir(const char *pin, mode_t mode)
{
	(void)mode;
	return rmdir(pin);
}

/* A switch that is left out of the list would stay in the kernel. */
Test(daemon_switch_registry, a_list_that_cannot_be_read_now_fails_the_start)
{
	struct errors errors = {};
	struct rlimit limit;
	int r;

	write_text("vs\n");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, limit.rlim_max }), 0);
	r = switch_registry_start(path, directory, &registry, &errors);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(r, -EMFILE, "%d", r);
	cr_assert_eq(errors.n, 1u);
	cr_expect(strstr(errors.messages[0], "switches: cannot be read"));
	errors_done(&errors);

	/* EIO */
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("/proc/self/mem", path), 0);
	cr_expect_eq(switch_registry_start(path, directory, &registry, &errors), -EIO);
	cr_expect_eq(errors.n, 1u);
	errors_done(&errors);
}

Test(daemon_switch_registry, what_is_pinned_replaces_a_list_that_is_unreadable)
{
	struct errors errors = {};

	with_pins(mkdir);
	cr_assert_eq(mkdir(path, 0755), 0);
	cr_expect_eq(switch_registry_start(path, directory, &registry, &errors), 0);
	cr_expect_eq(errors.n, 1u);
	cr_expect_eq(registry.n, 2u);
	cr_expect(switch_registry_has(&registry, "vs") && switch_registry_has(&registry, "other"));
	errors_done(&errors);
	switch_registry_done(&registry);
	cr_assert_eq(rmdir(path), 0);

	cr_expect_eq(switch_registry_start(path, directory, &registry, &errors), 0);
	cr_expect_eq(registry.n + errors.n, 0, "no list: this instance created none");
	with_pins(remove_dir);
}
