/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The packet sockets of the control protocols: the only file of lacp/ with descriptors. */
#ifndef UL_LACP_IO_H
#define UL_LACP_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* bytes; longer frames are invalid in these protocols and are returned truncated */
#define LACP_IO_MAX_FRAME 1600

enum lacp_io_protocol {
	LACP_IO_SLOW,  /* LACP and marker: EtherType 0x8809 */
	LACP_IO_LLDP,  /* EtherType 0x88cc */
	LACP_IO_CISCO, /* 802.2 frames to 01:00:0c:cc:cc:cc: CDP and PAgP */
};

/*
 * Opens a non-blocking packet socket for this protocol's multicast frames on one interface. Returns
 * a descriptor or a negative errno.
 */
int lacp_io_open(uint32_t ifindex, enum lacp_io_protocol protocol);
/*
 * Reads one frame from its destination address on; own transmissions are skipped. Returns its
 * length on the wire, which may exceed size; -EAGAIN: no frame waits; or another negative errno.
 */
ssize_t lacp_io_receive(int fd, uint8_t *frame, size_t size);
/* Number of frames dropped for a full buffer since the last call. */
uint32_t lacp_io_dropped(int fd);
/* 0 or negative errno. */
int lacp_io_send(int fd, const uint8_t *frame, size_t length);

#endif
