// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/util.h"

TestSuite(common_file);

static char folder[] = "/tmp/common-file-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void expect_text(const char *name, size_t max, const char *expected)
{
	_cleanup_close_ int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;

	cr_assert_geq(fd, 0);
	cr_assert_eq(file_read(fd, max, &text, &length), 0);
	cr_expect_eq(length, strlen(expected));
	cr_expect_str_eq(text, expected);
}

Test(common_file, replaced_and_read)
{
	char *file;

	cr_assert(mkdtemp(folder));
	file = strdup(path_of("a"));
	cr_assert(file);
	for (int durable = 0; durable < 2; durable++) {
		cr_assert_eq(file_replace(file, "first", 0600, durable), 0);
		cr_assert_eq(file_replace(file, "second", 0600, durable), 0);
		expect_text("a", 6, "second");
		expect_text("a", 2, "sec");
		cr_assert_eq(file_replace(file, "", 0600, durable), 0);
		expect_text("a", 2, "");
	}
	/* what an interrupted call leaves, or a link of another user, is not written through */
	cr_assert_eq(symlink("elsewhere", path_of("a.new")), 0);
	cr_assert_eq(file_replace(file, "third", 0640, false), 0);
	expect_text("a", 100, "third");
	cr_expect_eq(access(path_of("elsewhere"), F_OK), -1);
	cr_expect_eq(access(path_of("a.new"), F_OK), -1);

	/* a failure leaves the former file and nothing else */
	cr_assert_eq(mkdir(path_of("a.new"), 0700), 0);
	cr_expect_eq(file_replace(file, "fourth", 0600, true), -EISDIR);
	expect_text("a", 100, "third");
	cr_assert_eq(rmdir(path_of("a.new")), 0);
	cr_expect_eq(file_replace(path_of("no/b"), "", 0600, true), -ENOENT);
	cr_assert_eq(unlink(file), 0);
	cr_assert_eq(rmdir(folder), 0);
	free(file);
}

Test(common_file, a_pipe_is_read_to_its_end)
{
	enum { N = 50000 };
	_cleanup_free_ char *text = NULL;
	char part[N];
	size_t length = 0;
	int fds[2];

	memset(part, 'x', sizeof(part));
	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], part, N), N);
	close(fds[1]);
	cr_assert_eq(file_read(fds[0], 1 << 20, &text, &length), 0);
	cr_expect_eq(length, (size_t)N);
	cr_expect_eq(strlen(text), (size_t)N);
	close(fds[0]);
	cr_expect_eq(file_read(-1, 5, &text, &length), -EBADF);
}

Test(common_file, only_regular_files_are_read)
{
	char root[] = "/tmp/common-file-XXXXXX";
	_cleanup_free_ char *text = NULL;
	int dir;

	cr_assert(mkdtemp(root));
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(dir, 0);
	cr_assert_eq(file_replace_at(dir, "a", "text", 0600, true), 0);
	cr_expect_eq(file_read_regular(dir, "a", 3, &text), -EINVAL);
	cr_assert_eq(symlinkat("a", dir, "link"), 0);
	cr_expect_eq(file_read_regular(dir, "link", 9, &text), -ELOOP);
	cr_assert_eq(mkfifoat(dir, "fifo", 0600), 0);
	cr_expect_eq(file_read_regular(dir, "fifo", 9, &text), -EINVAL);
	cr_expect_eq(file_read_regular(dir, ".", 9, &text), -EINVAL);
	cr_expect_eq(file_read_regular(dir, "none", 9, &text), -ENOENT);
	cr_expect_null(text);
	cr_assert_eq(file_read_regular(dir, "a", 4, &text), 0);
	cr_expect_str_eq(text, "text");
	for (const char *const *name = (const char *const[]){ "a", "link", "fifo", NULL }; *name;
	     name++)
		cr_assert_eq(unlinkat(dir, *name, 0), 0);
	close(dir);
	cr_assert_eq(rmdir(root), 0);
}
