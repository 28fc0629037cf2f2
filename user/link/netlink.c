// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Netlink sockets: queries with their answers, and notifications with the detection of loss. */
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/util.h"
#include "link/internal.h"

#define MAX_RECEIVE_ERRORS 8 /* of one answer; lost datagrams */
#define QUERY_TIMEOUT_S 5    /* the kernel answers at once unless the RTNL lock is held for long */

int netlink_open(struct netlink *nl, int bus, bool for_events)
{
	const struct timeval timeout = { .tv_sec = QUERY_TIMEOUT_S };
	int r, one = 1;

	*nl = (struct netlink){ .sequence = (uint32_t)now_ms() };
	nl->buffer = malloc(NETLINK_BUFFER_BYTES);
	nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC | (for_events ? SOCK_NONBLOCK : 0));
	if (!nl->buffer || !nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		goto fail;
	/* Errors without a copy of the request; ignored by kernels without the option. */
	(void)mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &one, sizeof(one));
	if (!for_events &&
	    setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		goto fail;
	return 0;

fail:
	r = nl->buffer ? -errno : -ENOMEM;
	netlink_close(nl);
	return r;
}

void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl->buffer);
	*nl = (struct netlink){ 0 };
}

int netlink_open_events(struct netlink *nl, int bus, uint32_t group, int receive_bytes)
{
	int r;

	r = netlink_open(nl, bus, true);
	if (r < 0)
		return r;
	r = netlink_set_receive_buffer(nl, receive_bytes);
	if (r >= 0)
		r = mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)) < 0 ?
			    -errno :
			    0;
	if (r < 0)
		netlink_close(nl);
	return r;
}

int netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->socket);
}

int netlink_set_receive_buffer(struct netlink *nl, int receive_bytes)
{
	int fd = netlink_fd(nl), granted = 0;
	socklen_t size = sizeof(granted);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof(receive_bytes)) < 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes)) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size) < 0)
		return -errno;
	return granted;
}

/*
 * Receives one datagram. flags: of recvmsg(). Returns its length; 0 with *ret_foreign: not from the
 * kernel; -ENOBUFS: lost or truncated.
 */
static ssize_t receive(struct netlink *nl, int flags, bool *ret_foreign)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = nl->buffer, .iov_len = NETLINK_BUFFER_BYTES };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t n;

	do
		n = recvmsg(netlink_fd(nl), &message, flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (message.msg_flags & MSG_TRUNC)
		return -ENOBUFS;
	*ret_foreign = message.msg_namelen != sizeof(from) || from.nl_pid != 0;
	return *ret_foreign ? 0 : n;
}

/* The status at the start of NLMSG_ERROR and NLMSG_DONE. */
static int status_of(const struct nlmsghdr *message)
{
	int status = 0;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(status))
		return message->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&status, mnl_nlmsg_get_payload(message), sizeof(status));
	return status > 0 ? -EBADMSG : status;
}

struct answer {
	int error; /* the first one of the handler */
	bool done, interrupted;
};

static void take_answers(const struct netlink *nl, size_t length, netlink_handler handler,
			 void *userdata, struct answer *answer)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)nl->buffer;
	int left = (int)length, r;

	for (; !answer->done && netlink_fits(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_seq != nl->sequence) /* late answer after a timeout */
			continue;
		if (message->nlmsg_flags & NLM_F_DUMP_INTR)
			answer->interrupted = true;
		if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
			r = status_of(message);
			answer->done = true;
		} else {
			r = handler && message->nlmsg_type >= NLMSG_MIN_TYPE ?
				    handler(message, userdata) :
				    0;
		}
		if (r < 0 && answer->error == 0)
			answer->error = r;
	}
}

/* Reads what is left of an answer after an error. As long as a dump is not at its end, the kernel
 * refuses the next one with EBUSY. */
static void discard_answer(struct netlink *nl)
{
	struct answer answer = { 0 };
	int failures = 0;
	bool foreign;

	while (!answer.done && failures < MAX_RECEIVE_ERRORS) {
		ssize_t n = receive(nl, MSG_DONTWAIT, &foreign);

		if (n == -EAGAIN)
			return;
		if (n < 0)
			failures++;
		else
			take_answers(nl, (size_t)n, NULL, NULL, &answer);
	}
}

int netlink_query(struct netlink *nl, struct nlmsghdr *request, netlink_handler handler,
		  void *userdata)
{
	struct answer answer = { 0 };
	bool foreign;
	ssize_t n;

	request->nlmsg_flags |= NLM_F_REQUEST;
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->nlmsg_flags |= NLM_F_ACK;
	request->nlmsg_seq = ++nl->sequence;
	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
		return -errno;

	while (!answer.done) {
		n = receive(nl, 0, &foreign);
		if (n < 0) {
			discard_answer(nl);
			return n == -EAGAIN ? -ETIMEDOUT : (int)n;
		}
		take_answers(nl, (size_t)n, handler, userdata, &answer);
	}
	if (answer.error < 0)
		return answer.error;
	return answer.interrupted ? -EINTR : 0;
}

int netlink_read_events(struct netlink *nl, netlink_handler handler, void *userdata)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)nl->buffer;
	bool foreign = false;
	int left, r;
	ssize_t n;

	n = receive(nl, 0, &foreign);
	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return (int)n;
	for (left = (int)n; netlink_fits(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type < NLMSG_MIN_TYPE)
			continue;
		r = handler(message, userdata);
		if (r < 0)
			return r;
	}
	return 1;
}
