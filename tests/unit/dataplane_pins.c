// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Paths, locks and renames of pin directories, in a temporary directory of an ordinary file system:
 * pins are files to this code. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/file.h"
#include "dataplane/internal.h"

static char bpffs[64], dir[PATH_MAX], next[PATH_MAX], old[PATH_MAX];
static struct errors errors;

static void setup(void)
{
	char root[PATH_MAX];

	strcpy(bpffs, "/tmp/ul-pins-XXXXXX");
	cr_assert_not_null(mkdtemp(bpffs));
	cr_assert_eq(pin_path(root, bpffs, UL_PIN_ROOT), 0);
	cr_assert_eq(pins_make_dir(root), 0);
	cr_assert_eq(pin_switch_dir(dir, bpffs, "sw", PINS_CURRENT), 0);
	cr_assert_eq(pin_switch_dir(next, bpffs, "sw", PINS_NEXT), 0);
	cr_assert_eq(pin_switch_dir(old, bpffs, "sw", PINS_OLD), 0);
}

static void teardown(void)
{
	char root[PATH_MAX];

	pins_remove_dir(dir);
	pins_remove_dir(next);
	pins_remove_dir(old);
	cr_assert_eq(pin_path(root, bpffs, UL_PIN_ROOT), 0);
	cr_expect_eq(rmdir(root), 0);
	cr_expect_eq(rmdir(bpffs), 0);
	errors_done(&errors);
}

TestSuite(dataplane_pins, .init = setup, .fini = teardown, .timeout = 300);

static void add_file(const char *directory, const char *name)
{
	char path[PATH_MAX];

	cr_assert_eq(pins_make_dir(directory), 0);
	cr_assert_eq(pin_path(path, directory, name), 0);
	_cleanup_close_ int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
}

static bool has_file(const char *directory, const char *name)
{
	char path[PATH_MAX];

	return pin_path(path, directory, name) == 0 && access(path, F_OK) == 0;
}

static void remove_file(const char *directory, const char *name)
{
	char path[PATH_MAX];

	cr_assert_eq(pin_path(path, directory, name), 0);
	cr_assert_eq(unlink(path), 0);
}

Test(dataplane_pins, paths)
{
	char path[PATH_MAX], expected[PATH_MAX], long_name[PATH_MAX];

	snprintf(expected, sizeof(expected), "%s/uplinkd/sw", bpffs);
	cr_expect_str_eq(dir, expected);
	snprintf(expected, sizeof(expected), "%s/uplinkd/sw_next", bpffs);
	cr_expect_str_eq(next, expected);
	cr_assert_eq(pin_sibling_dir(path, dir, PINS_NEXT), 0);
	cr_expect_str_eq(path, next);
	cr_assert_eq(pin_sibling_dir(path, dir, PINS_OLD), 0);
	cr_expect_str_eq(path, old);
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	cr_expect_eq(pin_path(path, dir, long_name), -ENAMETOOLONG);
	cr_expect_eq(pin_sibling_dir(path, long_name, PINS_OLD), -ENAMETOOLONG);
	cr_expect_eq(pin_switch_dir(path, long_name, "sw", PINS_CURRENT), -ENAMETOOLONG);
}

Test(dataplane_pins, directories)
{
	cr_expect_eq(pins_make_dir(dir), 0);
	cr_expect_eq(pins_make_dir(dir), 0, "an existing directory is no failure");
	cr_expect_eq(pins_make_dir("/tmp/no-such-directory/sub"), -ENOENT);
	add_file(dir, "ul_meta");
	add_file(dir, "prog_port_tc");
	pins_remove_dir(dir);
	cr_expect_lt(access(dir, F_OK), 0);
	pins_remove_dir(dir);
}

/* An unlinked link is detached, and its interface may be a member. */
Test(dataplane_pins, links_are_not_removed_with_their_directory)
{
	add_file(dir, "ul_meta");
	add_file(dir, "tc_7");
	add_file(dir, "xdp_8");
	pins_remove_dir(dir);
	cr_expect_not(has_file(dir, "ul_meta"));
	cr_expect(has_file(dir, "tc_7"));
	cr_expect(has_file(dir, "xdp_8"));
	remove_file(dir, "tc_7");
	remove_file(dir, "xdp_8");
}

Test(dataplane_pins, another_file_system_is_refused_with_a_remedy)
{
	cr_expect_eq(pins_prepare_root(bpffs, &errors), -ENODEV);
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], "mount -t bpf bpf"), "%s", errors.messages[0]);
	cr_expect_eq(pins_prepare_root("/tmp/no-such-directory", &errors), -ENOENT);
	cr_assert_eq(errors.n, 2);
	cr_expect(strstr(errors.messages[1], "mount -t bpf bpf /tmp/no-such-directory"), "%s",
		  errors.messages[1]);
}

Test(dataplane_pins, lock)
{
	int first = -1, second = -1;

	cr_expect_eq(pins_lock(dir, "sw", &errors, &first), -ENOENT);
	cr_expect_eq(first, -1);
	cr_expect_eq(errors.n, 0, "a switch that does not exist is no failure");
	cr_assert_eq(pins_make_dir(dir), 0);
	cr_assert_eq(pins_lock(dir, "sw", &errors, &first), 0);
	cr_expect_eq(pins_lock(dir, "sw", &errors, &second), -EWOULDBLOCK);
	cr_expect_eq(second, -1);
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], "sw: another uplinkd serves this switch"), "%s",
		  errors.messages[0]);
	close(first);
	cr_assert_eq(pins_lock(dir, "sw", &errors, &second), 0);
	close(second);
}

Test(dataplane_pins, exchange)
{
	char moved[PATH_MAX];

	add_file(dir, "of_the_old_set");
	add_file(next, "of_the_new_set");
	add_file(old, "of_an_exchange_that_was_killed");
	cr_assert_eq(pins_exchange(dir, next, moved), 0);
	cr_expect_str_eq(moved, old);
	cr_expect(has_file(dir, "of_the_new_set"));
	cr_expect(has_file(old, "of_the_old_set"));
	cr_expect_not(has_file(old, "of_an_exchange_that_was_killed"));
	cr_expect_lt(access(next, F_OK), 0);
}

Test(dataplane_pins, the_lock_stays_with_the_set_that_is_renamed)
{
	int fd = -1, second = -1;
	char moved[PATH_MAX];

	add_file(dir, "of_the_old_set");
	add_file(next, "of_the_new_set");
	cr_assert_eq(pins_lock(next, "sw", &errors, &fd), 0);
	cr_assert_eq(pins_exchange(dir, next, moved), 0);
	cr_expect_eq(pins_lock(dir, "sw", &errors, &second), -EWOULDBLOCK);
	close(fd);
}

Test(dataplane_pins, exchange_without_a_next_set_fails)
{
	char moved[PATH_MAX];

	add_file(dir, "of_the_old_set");
	cr_expect_eq(pins_exchange(dir, next, moved), -ENOENT);
	cr_expect(has_file(dir, "of_the_old_set"), "the next attempt must find it");
}

/* The first rename was made, and the second one failed. */
Test(dataplane_pins, an_exchange_that_stopped_between_the_renames_goes_on)
{
	char moved[PATH_MAX];

	add_file(next, "of_the_new_set");
	cr_assert_eq(pins_exchange(dir, next, moved), 0);
	cr_expect(has_file(dir, "of_the_new_set"));
}

Test(dataplane_pins, the_common_directory_is_locked_while_a_set_is_opened)
{
	int fd = -1;

	cr_assert_eq(pins_lock_root(bpffs, &errors, &fd), 0);
	cr_expect_geq(fd, 0);
	close(fd);
	cr_expect_lt(pins_lock_root("/tmp/no-such-directory", &errors, &fd), 0);
	cr_expect(strstr(errors.messages[0], "cannot be locked"), "%s", errors.messages[0]);
}

/* Only "no such file" means that there is no set. Here the path leads through a file. */
Test(dataplane_pins, an_unknown_state_is_no_absence)
{
	char path[PATH_MAX];

	add_file(dir, "file");
	cr_assert_eq(pin_path(path, dir, "file/below"), 0);
	cr_expect_eq(pins_find_dir(path), -ENOTDIR);
	cr_expect_eq(pins_find_dir(next), -ENOENT);
	cr_expect_eq(pins_find_dir(dir), 0);
	cr_assert_eq(pin_path(path, dir, "file"), 0);
	cr_expect(dataplane_is_pinned(path, "sw"));
}

/* A directory in the place of a pin cannot be unlinked; everything else goes. */
Test(dataplane_pins, a_pin_that_stays_is_the_reason)
{
	char obstacle[PATH_MAX], moved[PATH_MAX];

	add_file(old, "ul_fdb");
	add_file(old, "ul_ports");
	cr_assert_eq(pin_path(obstacle, old, "prog_x"), 0);
	cr_expect_eq(file_remove(obstacle), 0, "nothing is there");
	cr_assert_eq(mkdir(obstacle, 0700), 0);
	cr_expect_eq(file_remove(obstacle), -EISDIR);
	cr_expect_eq(pins_remove_dir(old), -EISDIR, "and not that the directory is not empty");
	cr_expect(has_file(old, "prog_x") && !has_file(old, "ul_fdb") &&
		  !has_file(old, "ul_ports"));
	/* and nothing is renamed then */
	add_file(dir, "current");
	add_file(next, "next");
	cr_expect_eq(pins_exchange(dir, next, moved), -EISDIR);
	cr_expect(has_file(dir, "current") && has_file(next, "next"));
	cr_assert_eq(rmdir(obstacle), 0);
	cr_expect_eq(pins_exchange(dir, next, moved), 0);
	cr_expect(has_file(old, "current") && has_file(dir, "next"));
}

Test(dataplane_pins, the_common_directory_goes_with_its_last_pin)
{
	char root[PATH_MAX];

	cr_assert_eq(pin_path(root, bpffs, UL_PIN_ROOT), 0);
	add_file(dir, "file");
	cr_expect_eq(pins_remove_root(bpffs, &errors), 0);
	cr_expect_eq(pins_find_dir(root), 0, "it is not empty");
	cr_assert_eq(pins_remove_dir(dir), 0);
	cr_expect_eq(pins_remove_root(bpffs, &errors), 0);
	cr_expect_eq(pins_find_dir(root), -ENOENT);
	cr_expect_eq(pins_remove_root(bpffs, &errors), 0, "it is absent");
	cr_expect_eq(errors.n, 0);
	add_file(bpffs, UL_PIN_ROOT);
	cr_expect_eq(pins_remove_root(bpffs, &errors), -ENOTDIR);
	cr_expect(strstr(errors.messages[0], "uplinkd: cannot be removed"), "%s",
		  errors.messages[0]);
	remove_file(bpffs, UL_PIN_ROOT);
	cr_assert_eq(pins_make_dir(root), 0);
}

Test(dataplane_pins, a_switch_is_pinned_in_any_role)
{
	cr_expect_not(dataplane_is_pinned(bpffs, "sw"));
	cr_assert_eq(pins_make_dir(old), 0);
	cr_expect(dataplane_is_pinned(bpffs, "sw"));
	pins_remove_dir(old);
	cr_assert_eq(pins_make_dir(next), 0);
	cr_expect(dataplane_is_pinned(bpffs, "sw"));
	cr_expect_not(dataplane_is_pinned(bpffs, "s"));
}

static int note(void *userdata, const char *switch_name)
{
	char *names = userdata;

	strcat(strcat(names, switch_name), " ");
	return strcmp(switch_name, "stop") == 0 ? -ENOMEM : 0;
}

Test(dataplane_pins, the_switches_of_all_pins_are_listed)
{
	char names[256] = "", nowhere[PATH_MAX], stop[PATH_MAX];

	cr_assert_eq(pin_path(nowhere, bpffs, "nowhere"), 0);
	cr_expect_eq(dataplane_list_pinned(nowhere, note, names), 0, "without a directory: none");
	cr_expect_eq(dataplane_list_pinned(bpffs, note, names), 0);
	cr_expect_str_eq(names, "");
	cr_assert_eq(pins_make_dir(next), 0);
	cr_expect_eq(dataplane_list_pinned(bpffs, note, names), 0);
	cr_expect_str_eq(names, "sw ", "in any role");
	add_file(dir, "file");
	cr_expect_eq(dataplane_list_pinned(dir, note, names), 0);
	cr_assert_eq(pins_remove_dir(next), 0);
	cr_assert_eq(pin_switch_dir(stop, bpffs, "stop", PINS_CURRENT), 0);
	cr_assert_eq(pins_make_dir(stop), 0);
	names[0] = '\0';
	cr_expect_eq(dataplane_list_pinned(bpffs, note, names), -ENOMEM);
	cr_expect(strstr(names, "stop "));
	cr_assert_eq(pins_remove_dir(stop), 0);
}
