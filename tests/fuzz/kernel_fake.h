/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A kernel whose netlink messages are the input of a fuzz target, in place of sockets. A target
 * includes this header once. Where kernel.ends_in_success is set, queries behind the end of the
 * input succeed; ioctl() reports that there is no interface, or then that the setting was made.
 * Packet sockets are refused.
 *
 * A datagram: a byte of enum datagram_flag, its length (two bytes, low one first), its bytes. Event
 * sockets have a datagram only where this byte has its highest bit; queries read until one of them
 * has DATAGRAM_END, or the input ends (a timeout).
 */
#ifndef TESTS_FUZZ_KERNEL_FAKE_H
#define TESTS_FUZZ_KERNEL_FAKE_H

#include <dlfcn.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "link/internal.h"

enum datagram_flag {
	DATAGRAM_LATE = 1 << 0,	   /* numbers of the messages stay as they are */
	DATAGRAM_END = 1 << 1,	   /* the messages end with a success */
	DATAGRAM_FOREIGN = 1 << 2, /* from another process */
	DATAGRAM_CUT = 1 << 3,
	DATAGRAM_LOST = 1 << 4,	 /* no datagram: an overflow */
	DATAGRAM_ERROR = 1 << 5, /* the messages end with an error, which is the next byte */
	DATAGRAM_EVENT = 1 << 7,
};

struct mnl_socket {
	int fd;
	bool for_events;
	uint32_t sequence; /* of the last request */
};

#define KERNEL_SOCKETS 16
static struct {
	struct input *input;
	struct mnl_socket *sockets[KERNEL_SOCKETS];
	bool ends_in_success;
	/* for ioctl(); NULL: no interface has a name */
	const char *(*name_of)(uint32_t ifindex);
} kernel;

/* ---- sockets ---- */
struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus;
	for (size_t i = 0; i < KERNEL_SOCKETS; i++) {
		struct mnl_socket *socket_;

		if (kernel.sockets[i])
			continue;
		socket_ = calloc(1, sizeof(*socket_));
		CHECK(socket_);
		socket_->for_events = flags & SOCK_NONBLOCK;
		socket_->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		CHECK(socket_->fd >= 0);
		kernel.sockets[i] = socket_;
		return socket_;
	}
	abort();
}

int mnl_socket_bind(struct mnl_socket *socket_, unsigned int groups, pid_t pid)
{
	(void)socket_;
	(void)groups;
	(void)pid;
	return 0;
}

int mnl_socket_setsockopt(const struct mnl_socket *socket_, int type, void *buffer, socklen_t size)
{
	(void)socket_;
	(void)type;
	(void)buffer;
	(void)size;
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *socket_)
{
	return socket_->fd;
}

int mnl_socket_close(struct mnl_socket *socket_)
{
	for (size_t i = 0; i < KERNEL_SOCKETS; i++)
		if (kernel.sockets[i] == socket_)
			kernel.sockets[i] = NULL;
	close(socket_->fd);
	free(socket_);
	return 0;
}

/* A request is well-formed, whatever was received before. */
ssize_t mnl_socket_sendto(const struct mnl_socket *socket_, const void *request, size_t length)
{
	const struct nlmsghdr *message = request;

	CHECK(length >= sizeof(*message) && message->nlmsg_len == length &&
	      message->nlmsg_flags & NLM_F_REQUEST);
	for (size_t i = 0; i < length; i++) /* all of it is initialized memory of its size */
		CHECK(((const volatile uint8_t *)request)[i] <= 0xff);
	((struct mnl_socket *)socket_)->sequence = message->nlmsg_seq;
	return (ssize_t)length;
}

/* ---- answers ---- */
static size_t end_answer(uint8_t *at, uint16_t type, int32_t status)
{
	struct nlmsghdr message = { .nlmsg_len = sizeof(message) + sizeof(status),
				    .nlmsg_type = type };

	memcpy(at, &message, sizeof(message));
	memcpy(at + sizeof(message), &status, sizeof(status));
	return message.nlmsg_len;
}

static void number_messages(uint8_t *buffer, size_t length, uint32_t sequence)
{
	struct nlmsghdr *message = (struct nlmsghdr *)buffer;
	int left = (int)length;

	for (; netlink_fits(message, left); message = mnl_nlmsg_next(message, &left))
		message->nlmsg_seq = sequence;
}

static size_t next_datagram(const struct mnl_socket *socket_, uint8_t flags, uint8_t *buffer,
			    size_t room)
{
	size_t length = take_u16(kernel.input), end = 0;

	if (length > kernel.input->left)
		length = kernel.input->left;
	if (length > room - 64)
		length = room - 64;
	take_bytes(kernel.input, buffer, length);
	end = (length + 3) & ~(size_t)3;
	memset(buffer + length, 0, end - length);
	if (flags & DATAGRAM_ERROR)
		length = end + end_answer(buffer + end, NLMSG_ERROR, -(int32_t)take(kernel.input));
	else if (flags & DATAGRAM_END)
		length = end + end_answer(buffer + end, NLMSG_DONE, 0);
	if (!(flags & DATAGRAM_LATE))
		number_messages(buffer, length, socket_->sequence);
	return length;
}

static const struct mnl_socket *socket_of(int fd)
{
	for (size_t i = 0; i < KERNEL_SOCKETS; i++)
		if (kernel.sockets[i] && kernel.sockets[i]->fd == fd)
			return kernel.sockets[i];
	abort();
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags_)
{
	const struct mnl_socket *socket_ = socket_of(fd);
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };
	size_t length = 0;
	uint8_t flags;

	(void)flags_;
	message->msg_flags = 0;
	message->msg_namelen = sizeof(from);
	if (!kernel.input->left && kernel.ends_in_success && !socket_->for_events) {
		memcpy(message->msg_name, &from, sizeof(from));
		length = end_answer(message->msg_iov[0].iov_base, NLMSG_ERROR, 0);
		number_messages(message->msg_iov[0].iov_base, length, socket_->sequence);
		return (ssize_t)length;
	}
	if (!kernel.input->left || (socket_->for_events && !(*kernel.input->at & DATAGRAM_EVENT))) {
		errno = EAGAIN;
		return -1;
	}
	flags = take(kernel.input);
	if (flags & DATAGRAM_LOST) {
		errno = ENOBUFS;
		return -1;
	}
	length = next_datagram(socket_, flags, message->msg_iov[0].iov_base,
			       message->msg_iov[0].iov_len);
	from.nl_pid = flags & DATAGRAM_FOREIGN ? 7 : 0;
	memcpy(message->msg_name, &from, sizeof(from));
	message->msg_flags = flags & DATAGRAM_CUT ? MSG_TRUNC : 0;
	return (ssize_t)length;
}

int ioctl(int fd, unsigned long request, ...)
{
	const char *name = NULL;
	struct ifreq *ifr;
	va_list ap;

	(void)fd;
	va_start(ap, request);
	ifr = va_arg(ap, struct ifreq *);
	va_end(ap);
	if (request == SIOCGIFNAME && kernel.name_of)
		name = kernel.name_of((uint32_t)ifr->ifr_ifindex);
	if (name)
		snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	if (name || (kernel.ends_in_success && request != SIOCETHTOOL && request != SIOCGIFNAME))
		return 0;
	errno = request == SIOCETHTOOL ? EOPNOTSUPP : ENODEV;
	return -1;
}

int socket(int domain, int type, int protocol)
{
	static int (*real)(int domain, int type, int protocol);

	if (domain == AF_PACKET) {
		errno = EPERM;
		return -1;
	}
	if (!real)
		real = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
	return real(domain, type, protocol);
}

#endif
