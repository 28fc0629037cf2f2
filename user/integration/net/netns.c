// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/netns.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "common/util.h"

void netns_ignore_change(void *userdata, const struct link_info *info, unsigned int changes)
{
}

/* A mount point whose namespace was unmounted is a plain file. */
static int check_kind(int fd, const char *path, struct failure *failure)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return failure_set(failure, FAILURE_SYSTEM, -errno, "network namespace %s", path);
	if (fs.f_type != NSFS_MAGIC)
		return failure_set(failure, FAILURE_ENVIRONMENT, -ENOENT,
				   "network namespace %s: no namespace is mounted here", path);
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return failure_set(failure, FAILURE_ENVIRONMENT, 0,
				   "network namespace %s: is a namespace of another kind", path);
	return 0;
}

static int check_other(const struct netns *netns, const char *path, struct failure *failure)
{
	struct stat container, own;

	if (fstat(netns->fd, &container) < 0 || fstat(netns->own_fd, &own) < 0)
		return failure_set(failure, FAILURE_SYSTEM, -errno, "network namespace %s", path);
	if (container.st_dev == own.st_dev && container.st_ino == own.st_ino)
		return failure_set(failure, FAILURE_ENVIRONMENT, 0,
				   "network namespace %s: is that of the host", path);
	return 0;
}

int netns_open(struct netns *netns, const char *path, sd_event *event, struct failure *failure)
{
	int r;

	/* a FIFO would wait for its writer */
	netns->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (netns->fd < 0)
		return failure_set(failure, FAILURE_ENVIRONMENT, -errno, "network namespace %s",
				   path);
	netns->own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (netns->own_fd < 0)
		return failure_set(failure, FAILURE_SYSTEM, -errno, "/proc/self/ns/net");
	r = check_kind(netns->fd, path, failure);
	if (r == 0)
		r = check_other(netns, path, failure);
	if (r == 0)
		r = netns_enter(netns, failure);
	if (r < 0)
		return r;
	r = link_monitor_new(event, netns_ignore_change, NULL, &netns->links);
	if (r < 0)
		failure_set(failure, FAILURE_SYSTEM, r,
			    "network namespace %s: cannot list its interfaces", path);
	if (netns_leave(netns, failure) < 0)
		return -EIO;
	return r;
}

static int change(int fd, struct failure *failure)
{
	if (setns(fd, CLONE_NEWNET) < 0)
		return failure_set(failure, FAILURE_SYSTEM, -errno,
				   "cannot change the network namespace");
	return 0;
}

int netns_enter(struct netns *netns, struct failure *failure)
{
	int r = netns->entered ? 0 : change(netns->fd, failure);

	netns->entered = r == 0;
	return r;
}

int netns_leave(struct netns *netns, struct failure *failure)
{
	int r = netns->entered ? change(netns->own_fd, failure) : 0;

	if (r == 0)
		netns->entered = false;
	return r;
}

void netns_close(struct netns *netns)
{
	link_monitor_free(netns->links);
	ul_closep(&netns->fd);
	ul_closep(&netns->own_fd);
	*netns = (struct netns)NETNS_CLOSED;
}
