// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* What may stand at the path of the socket when its group is set: the directory may belong to
 * another user. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/util.h"
#include "control/socket_file.h"

static char directory[32], path[64], target[64];
static struct socket_file file;
static struct errors errors;
static int fd = -1;

static void setup(void)
{
	strcpy(directory, "/tmp/ul-socket-XXXXXX");
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sock", directory);
	snprintf(target, sizeof(target), "%s/target", directory);
	cr_assert_eq(socket_file_listen(path, &fd, &file), 0);
	if (geteuid() != 0)
		cr_skip_test("needs root to change a group");
}

static void teardown(void)
{
	errors_done(&errors);
	close(fd);
	unlink(path);
	unlink(target);
	cr_expect_eq(rmdir(directory), 0);
}

TestSuite(control_socket_file, .init = setup, .fini = teardown, .timeout = 300);

static void expect_untouched(const char *which, mode_t mode)
{
	struct stat st;

	cr_assert_eq(lstat(which, &st), 0);
	cr_expect_eq(st.st_gid, 0);
	cr_expect_eq(st.st_mode & 07777, mode, "mode %o", st.st_mode & 07777);
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], "cannot set its group"), "%s", errors.messages[0]);
}

Test(control_socket_file, the_target_of_a_symbolic_link_stays_as_it_is)
{
	cr_assert_eq(rename(path, target), 0);
	cr_assert_eq(symlink(target, path), 0);
	socket_file_set_group(path, "daemon", &errors);
	expect_untouched(target, 0600);
}

Test(control_socket_file, another_kind_of_file_stays_as_it_is)
{
	_cleanup_close_ int other = -1;

	unlink(path);
	other = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
	cr_assert_geq(other, 0);
	socket_file_set_group(path, "daemon", &errors);
	expect_untouched(path, 0640);
}

Test(control_socket_file, a_socket_of_another_user_stays_as_it_is)
{
	cr_assert_eq(chown(path, 65534, 0), 0);
	socket_file_set_group(path, "daemon", &errors);
	expect_untouched(path, 0600);
}

Test(control_socket_file, a_group_of_which_the_process_is_no_member_is_refused_with_the_remedy)
{
	pid_t child = fork();
	int status;

	cr_assert_geq(child, 0);
	if (child == 0) {
		struct stat st;

		if (chown(path, 65534, 65534) < 0 || chmod(directory, 0711) < 0 ||
		    setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		socket_file_set_group(path, "daemon", &errors);
		if (stat(path, &st) < 0 || st.st_gid != 65534 || (st.st_mode & 07777) != 0600)
			_exit(3);
		_exit(errors.n == 1 && strstr(errors.messages[0],
					      "add SupplementaryGroups=daemon to the service") ?
			      0 :
			      4);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", status);
}

Test(control_socket_file, a_file_that_took_the_place_of_ours_is_not_removed)
{
	_cleanup_close_ int other = -1;

	unlink(path);
	other = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert_geq(other, 0);
	socket_file_remove(path, &file);
	cr_expect_eq(access(path, F_OK), 0);
}
