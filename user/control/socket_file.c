// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "control/socket_file.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/file.h"
#include "common/util.h"

/* Removes a socket file without a server. 0; -EADDRINUSE: it has a server; -EEXIST: it is not a
 * socket. */
static int remove_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return file_remove(address->sun_path);
}

/* The socket file as a descriptor: nothing that another user puts into its place is changed. */
static int open_file(const char *path)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISSOCK(st.st_mode) && st.st_uid == geteuid() ? TAKE_FD(fd) : -EPERM;
}

/* fchmod() refuses such a descriptor. */
static int change_mode(int fd, mode_t mode)
{
	char path[sizeof("/proc/self/fd/") + 11];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, mode) < 0 ? -errno : 0;
}

static int change_group(int fd, gid_t group)
{
	return fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int give_to_group(int fd, const char *path, const struct group *group, struct errors *errors)
{
	int r = change_group(fd, group->gr_gid);

	if (r == 0)
		r = change_mode(fd, 0660);
	if (r == -EPERM)
		return errors_add(
			errors, r,
			"%s: group %s gets no access, because this process is not a member of it; add SupplementaryGroups=%s to the service, or use uplinkd.socket",
			path, group->gr_name, group->gr_name);
	return r < 0 ? errors_add(errors, r, "%s: group %s gets no access", path, group->gr_name) :
		       0;
}

void socket_file_set_group(const char *path, const char *name, struct errors *errors)
{
	const struct group *group = name ? getgrnam(name) : NULL;
	_cleanup_close_ int fd = open_file(path);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		errors_add(errors, fd < 0 ? fd : -errno, "%s: cannot set its group", path);
		return;
	}
	if (group && st.st_gid == group->gr_gid && (st.st_mode & 07777) == 0660)
		return;
	/* The former group loses access first, whether or not the next steps succeed. */
	r = change_mode(fd, 0600);
	if (r == 0)
		r = change_group(fd, getegid());
	if (r < 0)
		errors_add(errors, r, "%s: the former group keeps access", path);
	if (group)
		(void)give_to_group(fd, path, group, errors);
	else if (name)
		errors_add(
			errors, 0,
			"%s: group %s does not exist: only root has access; groupadd --system %s",
			path, name, name);
}

int socket_file_listen(const char *path, int *ret_fd, struct socket_file *ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	r = remove_stale(&address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The file gets the mode of the unbound socket, so it is never accessible to others. */
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (listen(fd, 16) < 0) {
		r = -errno;
		unlink(path);
		return r;
	}
	*ret = (struct socket_file){};
	if (lstat(path, &st) == 0)
		*ret = (struct socket_file){ .device = st.st_dev, .inode = st.st_ino };
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void socket_file_remove(const char *path, const struct socket_file *file)
{
	struct stat st;

	if (file->inode && lstat(path, &st) == 0 && st.st_dev == file->device &&
	    st.st_ino == file->inode)
		unlink(path);
}
