/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The state of an address, from the fields that headers/abi.h describes. Pure; the programs have
 * the same conditions in bpf/ownership.bpf.h. */
#ifndef UL_DATAPLANE_OWNERSHIP_H
#define UL_DATAPLANE_OWNERSHIP_H

#include "abi.h"

enum address_state {
	ADDRESS_ABSENT,	   /* not on this host */
	ADDRESS_TENTATIVE, /* own: no frame from it since the port has carrier */
	ADDRESS_CONFIRMED, /* own: the machine has sent from it */
	ADDRESS_HERE,	   /* learned */
	ADDRESS_CONTESTED, /* learned: in use here, and outside within UL_CONTEST_S */
	ADDRESS_ELSEWHERE, /* learned: last heard from outside */
	N_ADDRESS_STATES,
};

/* Of the port's own address. */
enum address_state own_address_state(const struct ul_port *port);
/* Of a learned address of the port. here, outside, now: jiffies; hz: jiffies per second. */
enum address_state learned_address_state(const struct ul_port *port, __u64 here, __u64 outside,
					 __u64 now, __u32 hz);

#endif
