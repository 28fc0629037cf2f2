// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/rcu_expedite.h"

#include <fcntl.h>

#include "common/file.h"
#include "common/util.h"

static int make_marker(const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : 0;
}

/* The setting before the marker: a kill between the two leaves too much, not too little. With a
 * marker that stays, the next start would switch off what the administrator has switched on. */
static int switch_off(const struct rcu_expedite *rcu, int fd)
{
	int r;

	if (pwrite(fd, "0", 1, 0) != 1)
		return -errno;
	r = file_remove(rcu->marker);
	return r < 0 ? file_remove(rcu->marker) : 0;
}

int rcu_expedite_begin(const struct rcu_expedite *rcu)
{
	_cleanup_close_ int fd = open(rcu->setting, O_RDWR | O_CLOEXEC);
	char value;
	int r;

	if (fd < 0)
		return -errno;
	if (pread(fd, &value, 1, 0) != 1)
		return -EIO;
	if (value != '0')
		return -EALREADY;
	r = make_marker(rcu->marker);
	if (r < 0)
		return r;
	if (pwrite(fd, "1", 1, 0) != 1) {
		r = -errno;
		(void)file_remove(rcu->marker);
		return r;
	}
	return TAKE_FD(fd);
}

int rcu_expedite_end(const struct rcu_expedite *rcu, int fd)
{
	_cleanup_close_ int setting = fd;

	return setting < 0 ? 0 : switch_off(rcu, setting);
}

int rcu_expedite_restore(const struct rcu_expedite *rcu)
{
	_cleanup_close_ int fd = -1;

	if (access(rcu->marker, F_OK) < 0)
		return errno == ENOENT ? 0 : -errno;
	fd = open(rcu->setting, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : switch_off(rcu, fd);
}

int rcu_expedite_give(const struct rcu_expedite *rcu, uid_t uid)
{
	return fchownat(AT_FDCWD, rcu->setting, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 ? -errno :
											   0;
}
