/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets of control protocols: the only file of lacp/ that has descriptors. */
#ifndef UL_LACP_IO_H
#define UL_LACP_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LACP_IO_MAX_FRAME                                                                          \
	1600 /* bytes; longer ones of these protocols are not valid and come truncated, with their \
		real length */

enum lacp_io_protocol {
	LACP_IO_SLOW,  /* LACP and marker: EtherType 0x8809 */
	LACP_IO_LLDP,  /* EtherType 0x88cc */
	LACP_IO_CISCO, /* 802.2 frames to 01:00:0c:cc:cc:cc: CDP and PAgP */
};

/* A non-blocking packet socket that gets this protocol's multicast on one interface. A descriptor,
 * or negative errno. */
int lacp_io_open(uint32_t ifindex, enum lacp_io_protocol protocol);
/* One frame from its destination address on. Its real length, which may be more than size; -EAGAIN:
 * none waits; other negative errno. Our own transmissions are not returned. */
ssize_t lacp_io_receive(int fd, uint8_t *frame, size_t size);
/* Frames that came while the buffer was full, since the last call. */
uint32_t lacp_io_dropped(int fd);
/* 0 or negative errno. */
int lacp_io_send(int fd, const uint8_t *frame, size_t length);

#endif
