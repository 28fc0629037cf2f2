/* SPDX-License-Identifier: GPL-2.0 */
/* The protocol state of one uplink, as it outlives the daemon: an opaque value per uplink in a
 * pinned map.
 *
 * Writer: daemon, by lacp_save() and one BPF_MAP_UPDATE_ELEM, which neither a signal nor a crash
 * can interrupt halfway. Readers: the next daemon (lacp_restore()), and uplink_xdp, which while
 * there is no daemon answers a received LACPDU that still says what the partner last said with the
 * LACPDU that the daemon would have sent. Numbers are in host byte order, addresses and frames in
 * wire order.
 *
 * Fixed-width types only, explicit padding, asserted sizes; change anything: raise
 * LACP_SAVED_VERSION. */
#ifndef UL_LACP_ABI_H
#define UL_LACP_ABI_H

#include <linux/types.h>

#define LACP_SAVED_VERSION 1
#define LACP_FRAME_LEN \
	124 /* bytes of an LACPDU or Marker PDU from the destination address on, without FCS */
#define LACP_MATCH_LEN \
	64 /* bytes of a received frame, from its destination address on, that are compared */

/* One side of a link as an LACPDU describes it (802.1AX 6.4.2.3). */
struct lacp_saved_info {
	__u16 system_priority;
	__u16 key;
	__u16 port_priority;
	__u16 port;
	__u8 system[6];
	__u8 state; /* enum lacp_state_bit */
	__u8 reserved;
};
_Static_assert(sizeof(struct lacp_saved_info) == 16, "map ABI");

struct lacp_saved {
	__u32 version;	     /* LACP_SAVED_VERSION; 0: nothing saved */
	__u32 flags;	     /* enum lacp_saved_flag */
	__u64 tx_ms;	     /* CLOCK_MONOTONIC of the last LACPDU sent; 0: none yet */
	__u64 rx_ms;	     /* CLOCK_MONOTONIC of the last LACPDU received; 0: none yet */
	__u64 restore_at_ms; /* CLOCK_MONOTONIC until which wait-to-restore holds the port; 0: it
				does not */
	struct lacp_saved_info actor;
	struct lacp_saved_info partner;
	/* A received frame of at least LACP_FRAME_LEN bytes is what the partner last said when
	 * (frame[i] & mask[i]) == match[i] for each i. Compared: destination, EtherType, subtype,
	 * all TLV headers, the partner's identity and state, and the partner's view of us without
	 * the bits that never make a reply due (6.4.9 update_NTT). Not compared: source, version,
	 * reserved fields. */
	__u8 match[LACP_MATCH_LEN];
	__u8 mask[LACP_MATCH_LEN];
	__u8 pdu[LACP_FRAME_LEN]; /* the whole frame that answers it */
	__u8 reserved[4];
};
_Static_assert(sizeof(struct lacp_saved) == 320, "map ABI");

enum lacp_saved_flag {
	LACP_SAVED_SELECTED = 1 << 0,
	LACP_SAVED_STANDBY = 1 << 1,
	/* Both sides collect and distribute, nothing is about to change: only such a record may be
	   answered from. */
	LACP_SAVED_HEALTHY = 1 << 2,
	LACP_SAVED_INDIVIDUAL = 1 << 3, /* in use alone, by fallback: individual; then not
					   LACP_SAVED_SELECTED */
};

#endif
