// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "lacp/io.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "common/util.h"

static const struct {
	uint16_t ethertype;
	uint8_t group[6];
	/* clang-format off */
} protocols[] = {
	[LACP_IO_SLOW] = { ETH_P_SLOW, { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x02 } },
	[LACP_IO_LLDP] = { 0x88cc, { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e } },
	[LACP_IO_CISCO] = { ETH_P_802_2, { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc } },
};
/* clang-format on */

/* Excess frames of a flood are dropped here; a larger buffer would only hold outdated frames. */
#define RECEIVE_BUFFER_BYTES (128 * 1024)

int lacp_io_open(uint32_t ifindex, enum lacp_io_protocol protocol)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocols[protocol].ethertype),
		.sll_ifindex = (int)ifindex,
	};
	struct packet_mreq group = { .mr_ifindex = (int)ifindex,
				     .mr_type = PACKET_MR_MULTICAST,
				     .mr_alen = 6 };
	int size = RECEIVE_BUFFER_BYTES;
	_cleanup_close_ int fd = -1;

	/* Protocol 0: the socket receives nothing before it is bound to its interface. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	memcpy(group.mr_address, protocols[protocol].group, 6);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

ssize_t lacp_io_receive(int fd, uint8_t *frame, size_t size)
{
	for (;;) {
		struct sockaddr_ll from = {};
		socklen_t from_length = sizeof(from);
		ssize_t n = recvfrom(fd, frame, size, MSG_TRUNC, (struct sockaddr *)&from,
				     &from_length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (from.sll_pkttype != PACKET_OUTGOING)
			return n;
	}
}

uint32_t lacp_io_dropped(int fd)
{
	struct tpacket_stats stats = {};
	socklen_t length = sizeof(stats);

	/* Reading resets the counter. */
	return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length) < 0 ? 0 :
										    stats.tp_drops;
}

int lacp_io_send(int fd, const uint8_t *frame, size_t length)
{
	ssize_t n;

	do {
		n = send(fd, frame, length, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
