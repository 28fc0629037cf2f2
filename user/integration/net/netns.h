/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The network namespace of a container. */
#ifndef UL_INTEGRATION_NET_NETNS_H
#define UL_INTEGRATION_NET_NETNS_H

#include "integration/net/failure.h"
#include "link/link.h"

struct netns {
	int fd, own_fd; /* of the container and of this process; -1: not open */
	bool entered;
	struct link_monitor *links; /* in the container */
};

#define NETNS_CLOSED                   \
	{                              \
		.fd = -1, .own_fd = -1 \
	}

/* Opens the namespace at path, which must be one and not that of this process. 0 or negative errno
 * with a reason; -ENOENT: there is no such file, or it is no namespace any longer. */
int netns_open(struct netns *netns, const char *path, sd_event *event, struct failure *failure);
/* The calling thread is in the container's namespace until netns_leave(). 0 or negative errno with
 * a reason. */
int netns_enter(struct netns *netns, struct failure *failure);
int netns_leave(struct netns *netns, struct failure *failure);
void netns_close(struct netns *netns);

/* For link_monitor_new(): the table is enough. */
void netns_ignore_change(void *userdata, const struct link_info *info, unsigned int changes);

#endif
