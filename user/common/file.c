// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/file.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util.h"

#define FIRST_BYTES 4096

int file_read(int fd, size_t max, char **ret, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room = 0; /* without the NUL */

	for (;;) {
		ssize_t n;

		if (length == room) {
			char *larger;

			room = room ? room * 2 : FIRST_BYTES;
			if (room > max + 1)
				room = max + 1;
			larger = realloc(text, room + 1);
			if (!larger)
				return -ENOMEM;
			text = larger;
		}
		n = read(fd, text + length, room - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		length += (size_t)n;
		if (n == 0 || length > max)
			break;
	}
	text[length] = '\0';
	*ret = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int file_read_regular(int dir, const char *path, size_t max, char **ret)
{
	_cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	r = file_read(fd, max, &text, &length);
	if (r == 0 && length > max)
		r = -EINVAL;
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}

static int write_new(int dir, const char *path, const char *text, mode_t mode, bool durable)
{
	_cleanup_close_ int fd =
		openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	size_t left = strlen(text);

	if (fd < 0)
		return -errno;
	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return durable && fsync(fd) < 0 ? -errno : 0;
}

static int sync_folder(int dir, const char *path)
{
	_cleanup_close_ int fd = -1;
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	fd = openat(dir, dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int file_replace_at(int dir, const char *path, const char *text, mode_t mode, bool durable)
{
	char next[PATH_MAX];
	int r;

	if ((size_t)snprintf(next, sizeof(next), "%s.new", path) >= sizeof(next))
		return -ENAMETOOLONG;
	if (unlinkat(dir, next, 0) < 0 && errno != ENOENT)
		return -errno;
	r = write_new(dir, next, text, mode, durable);
	if (r == 0 && renameat(dir, next, dir, path) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dir, next, 0);
		return r;
	}
	return durable ? sync_folder(dir, path) : 0;
}

int file_replace(const char *path, const char *text, mode_t mode, bool durable)
{
	return file_replace_at(AT_FDCWD, path, text, mode, durable);
}

int file_remove(const char *path)
{
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
