// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/notify.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/util.h"

int notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	size_t length;

	if (!path || !path[0])
		return -ENOENT;
	length = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || length >= sizeof(address.sun_path))
		return -EAFNOSUPPORT;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@') /* an abstract name has no NUL at its end */
		address.sun_path[0] = '\0';
	else
		length++;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int notify_send(int fd, const char *message)
{
	if (fd < 0)
		return 0;
	return send(fd, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
