// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "link/packet_socket.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/util.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

int packet_socket_open(uint32_t ifindex, const struct sock_fprog *filter, bool incoming_only,
		       int *ret)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)ifindex };
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1, ignore_outgoing = incoming_only;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(*filter)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &ignore_outgoing,
		       sizeof(ignore_outgoing)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

/* Whether the kernel has removed the outer tag. */
static bool take_auxdata(const struct msghdr *message, struct packet *packet)
{
	struct tpacket_auxdata aux = { 0 };

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR((struct msghdr *)message, part)) {
		if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(part), sizeof(aux));
		packet->wire_length = aux.tp_len;
	}
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return false;
	packet->vid = aux.tp_vlan_tci & 0xfff;
	return true;
}

static void cut_tag(uint8_t *frame, struct packet *packet)
{
	if (packet->length < 18 || get_be16(frame + 12) != ETHERTYPE_VLAN)
		return;
	packet->vid = get_be16(frame + 14) & 0xfff;
	memmove(frame + 12, frame + 16, packet->length - 16);
	packet->length -= 4;
}

bool packet_socket_receive(int fd, uint8_t *frame, size_t size, struct packet *ret)
{
	union {
		struct cmsghdr header;
		uint8_t room[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec part = { frame, size };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0)
		return false;
	*ret = (struct packet){ .length = (size_t)n, .wire_length = (uint32_t)n };
	if (!take_auxdata(&message, ret))
		cut_tag(frame, ret);
	return true;
}
