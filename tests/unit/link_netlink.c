// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Queries of real netlink sockets, which any user may make. */
#include <criterion/criterion.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "link/internal.h"

static struct nlmsghdr *dump_request(void *buffer)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_DUMP;
	info->ifi_family = AF_UNSPEC;
	return request;
}

static int count(const struct nlmsghdr *message, void *userdata)
{
	size_t *n = userdata;

	*n += message->nlmsg_type == RTM_NEWLINK;
	return 0;
}

Test(link_netlink, a_dump_that_was_not_read_to_its_end_does_not_stop_the_next_one)
{
	uint8_t buffer[256];
	struct nlmsghdr *request = dump_request(buffer);
	struct netlink nl;
	size_t n = 0;

	cr_assert_eq(netlink_open(&nl, NETLINK_ROUTE, false), 0);
	/* as a query leaves it whose first answer cannot be received */
	request->nlmsg_flags |= NLM_F_REQUEST;
	cr_assert_gt(mnl_socket_sendto(nl.socket, request, request->nlmsg_len), 0);
	nl.unfinished = true;
	cr_expect_eq(netlink_query(&nl, dump_request(buffer), count, &n), 0);
	cr_expect_gt(n, 0, "the loopback interface");
	cr_expect_not(nl.unfinished);
	netlink_close(&nl);
}
