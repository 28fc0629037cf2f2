/* SPDX-License-Identifier: GPL-2.0 */
/* What LLDP (802.1AB), CDP and PAgP frames say of the switch port at the other end: as far as it
 * names it. Pure; the frames are hostile input. */
#ifndef UL_LACP_NEIGHBOUR_H
#define UL_LACP_NEIGHBOUR_H

#include <stddef.h>

#include "abi.h"

/* Takes what a frame (from its destination address on) tells into *neighbour. LLDP's names are
 * preferred to CDP's, those to PAgP's, as long as they are heard at all. 0; -EBADMSG: ends before
 * its fields do; -EPROTONOSUPPORT: another protocol. *neighbour is unchanged on failure. */
int neighbour_receive(struct ul_neighbour *neighbour, const __u8 *frame, size_t length,
		      __u64 now_ms);

#endif
