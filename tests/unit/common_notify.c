// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/notify.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/util.h"

static int make_manager(const char *name, size_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, length);
	cr_assert_geq(fd, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address,
			  (socklen_t)(sizeof(address.sun_family) + length)),
		     0);
	return fd;
}

Test(common_notify, a_full_queue_loses_the_message_and_waits_for_no_one, .timeout = 60)
{
	char name[64], text[64] = "";
	_cleanup_close_ int manager = -1, fd = -1;
	int length = snprintf(name, sizeof(name), "@uplinkd-test-%d", getpid()), r = 0;

	setenv("NOTIFY_SOCKET", name, 1);
	name[0] = '\0';
	manager = make_manager(name, (size_t)length);
	fd = notify_open();
	cr_assert_geq(fd, 0);
	for (int i = 0; r == 0 && i < 100000; i++)
		r = notify_send(fd, "WATCHDOG=1");
	cr_expect_eq(r, -EAGAIN);
	cr_expect_eq(recv(manager, text, sizeof(text), 0), 10);
	cr_expect_str_eq(text, "WATCHDOG=1");
}

Test(common_notify, without_a_service_manager_nothing_is_sent)
{
	unsetenv("NOTIFY_SOCKET");
	cr_expect_eq(notify_open(), -ENOENT);
	setenv("NOTIFY_SOCKET", "relative", 1);
	cr_expect_eq(notify_open(), -EAFNOSUPPORT);
	cr_expect_eq(notify_send(-ENOENT, "READY=1"), 0);
}
