/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The names of the switch port at the other end, from LLDP (802.1AB), CDP and PAgP frames. Pure;
 * the frames are untrusted input.
 */
#ifndef UL_LACP_NEIGHBOUR_H
#define UL_LACP_NEIGHBOUR_H

#include <stddef.h>

#include "abi.h"

/*
 * Updates *neighbour from a frame (from its destination address on). LLDP names are preferred to
 * CDP names, and those to PAgP names, unless the preferred protocol has been silent for 180 s. 0;
 * -EBADMSG: truncated or malformed; -EPROTONOSUPPORT: another protocol. *neighbour is unchanged on
 * failure.
 */
int neighbour_receive(struct ul_neighbour *neighbour, const __u8 *frame, size_t length,
		      __u64 now_ms);

#endif
