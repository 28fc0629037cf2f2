/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Packet sockets of diagnosis: the frames of one interface that pass a filter. */
#ifndef UL_LINK_PACKET_SOCKET_H
#define UL_LINK_PACKET_SOCKET_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet {
	size_t length;	      /* bytes in the buffer, without the outer tag */
	uint32_t wire_length; /* bytes, before the filter cut the frame */
	uint32_t vid;	      /* of the outer 802.1Q tag; 0: none */
};

/* incoming_only: not the frames that the interface sends. *ret does not block. 0 or negative errno;
 * -EPERM: CAP_NET_RAW is missing. */
int packet_socket_open(uint32_t ifindex, const struct sock_fprog *filter, bool incoming_only,
		       int *ret);
/* The next frame, its outer tag cut, whether the kernel had removed it or not. False: none is
 * queued, or the interface is down. */
bool packet_socket_receive(int fd, uint8_t *frame, size_t size, struct packet *ret);

#endif
