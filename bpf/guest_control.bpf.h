/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Protocols that only switches and their controllers speak. From a machine they would change the
 * physical switch or its neighbours: a root bridge, a trunk, a disabled link. They are recognised
 * by EtherType to any address where they have one, else by destination. */
#ifndef UL_GUEST_CONTROL_BPF_H
#define UL_GUEST_CONTROL_BPF_H

#include "parse.bpf.h"
#include "verdict.bpf.h"

#define UL_ETH_P_MVRP 0x88f5
#define UL_ETH_P_MMRP 0x88f6

#define UL_MAC_PROVIDER_STP 0x0180c2000008ULL
#define UL_MAC_MRP 0x0180c2000020ULL /* first of the sixteen of GARP and MRP */
#define UL_MAC_UPLINKFAST 0x01000ccdcdcdULL
#define UL_MAC_EDP 0x00e02b000000ULL /* first of sixteen; not a group address */
#define UL_MAC_FDP 0x01e052ccccccULL
#define UL_MAC_SONMP 0x010081000100ULL	      /* and the next one */
#define UL_MAC_FOUNDRY_RING 0x030480000000ULL /* and the next one */
#define UL_OUI_CISCO 0x01000c
#define UL_OUI_ERPS 0x0119a7 /* G.8032 */
#define UL_OUI_MRP 0x01154e  /* IEC 62439-2 */

#define UL_SNAP_LEN 8
#define UL_PID_CDP 0x2000

/* Ordinary unicast, which needs no closer look: all these protocols have a group address, an
 * EtherType 88xx, or an IEEE 802.3 length. For IP and ARP one comparison decides. */
static __always_inline bool is_no_guest_control(const struct frame *frame)
{
	return !is_group_address(frame->dst) &&
	       ((__u32)frame->ethertype - ETH_P_802_3_MIN < 0x8800 - ETH_P_802_3_MIN ||
		frame->ethertype >= 0x8900);
}

static __always_inline enum ul_reason cisco_kind(const void *l3, const void *end, __u64 dst)
{
	if (dst == UL_MAC_PVST || dst == UL_MAC_UPLINKFAST)
		return UL_R_GUEST_BPDU;
	if (dst == UL_MAC_CISCO && l3 + UL_SNAP_LEN <= end && load_be16(l3 + 6) == UL_PID_CDP)
		return UL_R_GUEST_DISCOVERY;
	return UL_R_GUEST_TRUNKING;
}

/* The reason to drop the frame, or UL_R_SENT. l3: what follows the EtherType. */
static __noinline enum ul_reason guest_control_kind(const void *l3, const void *end, __u64 dst,
						    __u32 ethertype)
{
	switch (ethertype) {
	case ETH_P_PAUSE:
		return UL_R_GUEST_PAUSE;
	case UL_ETH_P_SLOW:
		return UL_R_GUEST_LACP;
	case UL_ETH_P_LLDP:
		return UL_R_GUEST_DISCOVERY;
	case UL_ETH_P_MVRP:
	case UL_ETH_P_MMRP:
		return UL_R_GUEST_REGISTRATION;
	}
	if (dst >> 24 == UL_OUI_CISCO)
		return cisco_kind(l3, end, dst);
	if (dst == UL_MAC_STP || dst == UL_MAC_PROVIDER_STP || dst >> 24 == UL_OUI_ERPS ||
	    dst >> 24 == UL_OUI_MRP || (dst & ~1ULL) == UL_MAC_FOUNDRY_RING)
		return UL_R_GUEST_BPDU;
	if ((dst & ~0xfULL) == UL_MAC_MRP)
		return UL_R_GUEST_REGISTRATION;
	if (dst == UL_MAC_EDP || dst == UL_MAC_FDP || (dst & ~1ULL) == UL_MAC_SONMP)
		return UL_R_GUEST_DISCOVERY;
	if ((dst & ~0xfULL) == UL_MAC_EDP)
		return UL_R_GUEST_BPDU; /* EAPS and ESRP */
	return is_reserved_address(dst) ? UL_R_RESERVED_ADDRESS : UL_R_SENT;
}

/* guest-control-frames: pass. Pause would stop the link to the switch in each case. */
static __always_inline bool may_pass(enum ul_reason kind)
{
	return kind != UL_R_GUEST_PAUSE && kind != UL_R_RESERVED_ADDRESS;
}

#endif
