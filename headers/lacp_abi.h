/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The part of the map ABI that belongs to LACP: the saved protocol state of an uplink, the counters
 * of a port, and the settings that the configuration and the protocol core share.
 *
 * struct lacp_saved is the protocol state of one uplink, as it outlives the daemon: an opaque value
 * per uplink in a pinned map. Writer: daemon, by lacp_save() and one BPF_MAP_UPDATE_ELEM, which
 * neither a signal nor a crash can interrupt halfway. Readers: the next daemon (lacp_restore()),
 * and uplink_xdp: without a daemon it compares a received LACPDU with the last one of the partner
 * and answers a match with the LACPDU that the daemon would have sent. Numbers are in host byte
 * order, addresses and frames in wire order.
 *
 * Fixed-width types only, explicit padding, asserted sizes. Any change of struct lacp_saved raises
 * LACP_SAVED_VERSION.
 */
#ifndef UL_LACP_ABI_H
#define UL_LACP_ABI_H

#include <linux/types.h>

#define LACP_SAVED_VERSION 1
/* bytes of an LACPDU or Marker PDU from the destination address on, without FCS */
#define LACP_FRAME_LEN 124
/* bytes of a received frame, from its destination address on, that are compared */
#define LACP_MATCH_LEN 64

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
	__u32 version; /* LACP_SAVED_VERSION; 0: nothing saved */
	__u32 flags;   /* enum lacp_saved_flag */
	__u64 tx_ms;   /* CLOCK_MONOTONIC of the last LACPDU sent; 0: none yet */
	__u64 rx_ms;   /* CLOCK_MONOTONIC of the last LACPDU received; 0: none yet */
	/* CLOCK_MONOTONIC until which wait-to-restore holds the port; 0: it does not */
	__u64 restore_at_ms;
	struct lacp_saved_info actor;
	struct lacp_saved_info partner;
	/*
	 * A received frame of at least LACP_FRAME_LEN bytes repeats the partner's last LACPDU when
	 * (frame[i] & mask[i]) == match[i] for each i. Compared: destination, EtherType, subtype,
	 * all TLV headers, the partner's identity and state, and the partner's view of the actor
	 * without the bits that never make a reply due (6.4.9 update_NTT). Not compared: source,
	 * version, reserved fields.
	 */
	__u8 match[LACP_MATCH_LEN];
	__u8 mask[LACP_MATCH_LEN];
	__u8 pdu[LACP_FRAME_LEN]; /* the whole frame that answers it */
	__u8 reserved[4];
};
_Static_assert(sizeof(struct lacp_saved) == 320, "map ABI");

/* Bit 1 was written by older versions and is ignored. */
enum lacp_saved_flag {
	LACP_SAVED_SELECTED = 1 << 0,
	/*
	 * Both sides collect and distribute, and no change is pending: the condition for an answer
	 * without the daemon.
	 */
	LACP_SAVED_HEALTHY = 1 << 2,
	/* in use alone, by fallback: individual; then not LACP_SAVED_SELECTED */
	LACP_SAVED_INDIVIDUAL = 1 << 3,
};

/*
 * The counters of a port: X(member, help). The dot3adAggPortStats (7.3.3.1) and Debug (7.3.4.1)
 * counters carry their names in the standard, the others are additions. The order is part of the
 * map ABI.
 */
/* clang-format off */
#define LACP_COUNTERS(X) \
	X(lacpdu_rx,                "LACPDUs received (aAggPortStatsLACPDUsRx)") \
	X(marker_rx,                "Marker PDUs received (aAggPortStatsMarkerPDUsRx)") \
	X(marker_response_rx,       "Marker Response PDUs received (aAggPortStatsMarkerResponsePDUsRx)") \
	X(unknown_rx,               "frames of other slow protocols received (aAggPortStatsUnknownRx)") \
	X(illegal_rx,               "malformed frames received (aAggPortStatsIllegalRx)") \
	X(lacpdu_tx,                "LACPDUs sent (aAggPortStatsLACPDUsTx)") \
	X(marker_tx,                "Marker PDUs sent, always 0 (aAggPortStatsMarkerPDUsTx)") \
	X(marker_response_tx,       "Marker Response PDUs sent (aAggPortStatsMarkerResponsePDUsTx)") \
	X(actor_churn_count,        "entries into actor churn (aAggPortDebugActorChurnCount)") \
	X(partner_churn_count,      "entries into partner churn (aAggPortDebugPartnerChurnCount)") \
	X(actor_sync_transitions,   "times the actor came in sync (aAggPortDebugActorSyncTransitionCount)") \
	X(partner_sync_transitions, "times the partner came in sync (aAggPortDebugPartnerSyncTransitionCount)") \
	X(actor_changes,            "changes of the actor's identity (aAggPortDebugActorChangeCount)") \
	X(partner_changes,          "changes of the partner's identity (aAggPortDebugPartnerChangeCount)") \
	X(link_down_rx,             "frames received before the link-up event") \
	X(excess_rx,                "frames above the receive rate limits") \
	X(loopback_rx,              "LACPDUs received with the own system id") \
	X(answered,                 "LACPDUs answered by the data plane without the daemon")
/* clang-format on */

struct ul_lacp_counters {
#define X(member, help) __u64 member;
	LACP_COUNTERS(X)
#undef X
};
_Static_assert(sizeof(struct ul_lacp_counters) == 18 * 8, "map ABI");

/* lacp: selection: which of several aggregations gets the aggregator */
enum lacp_policy { LACP_STABLE, LACP_BANDWIDTH, LACP_COUNT, LACP_PORT_PRIORITY, LACP_N_POLICIES };
/* lacp: fallback: what happens without any LACP partner */
enum lacp_fallback { LACP_FALLBACK_NONE, LACP_FALLBACK_INDIVIDUAL, LACP_N_FALLBACKS };

#endif
