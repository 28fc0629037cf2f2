/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Wire format of slow protocol frames (802.1AX 6.4.2 LACPDU, 6.5.3 Marker PDU; 802.3 Annex 57A).
 * Frames are byte arrays from the destination address on, without FCS and never VLAN-tagged; the
 * structs are in host byte order.
 */
#ifndef UL_LACP_PDU_H
#define UL_LACP_PDU_H

#include "lacp/lacp.h"

/* offsets within a frame */
enum {
	LACP_OFF_SOURCE = 6,
	LACP_OFF_TYPE = 12,
	LACP_OFF_SUBTYPE = 14,
	LACP_OFF_VERSION = 15,
	LACP_OFF_ACTOR = 16, /* TLV header, then the seven fields */
	LACP_OFF_PARTNER = 36,
	LACP_OFF_COLLECTOR = 56,
	LACP_OFF_MORE = 72,	  /* terminator in version 1, further TLVs later */
	LACP_OFF_INFO_STATE = 16, /* of an actor or partner TLV */
	LACP_OFF_MARKER = 16,
	/* port, system, transaction: returned unchanged */
	LACP_OFF_MARKER_BODY = 18,
	LACP_MARKER_BODY_LEN = 14, /* with the pad */
};

struct lacp_pdu {
	uint8_t version; /* 1 and later */
	/* from the sender's point of view: actor is the sender */
	struct lacp_info actor, partner;
	uint16_t collector_max_delay; /* 10 µs units */
};

enum lacp_frame_kind {
	LACP_FRAME_LACPDU,
	LACP_FRAME_MARKER,
	LACP_FRAME_MARKER_RESPONSE,
	LACP_FRAME_UNKNOWN, /* another slow protocol: OAM, OSSP */
	LACP_FRAME_ILLEGAL,
};

/*
 * Classifies a frame and decodes LACPDUs into *ret (otherwise untouched). For unknown and illegal
 * frames *ret_why names the field and *ret_value is its value. Versions 1 to 255 are accepted;
 * reserved bytes and everything behind the collector's TLV are ignored.
 */
enum lacp_frame_kind lacp_frame_parse(const uint8_t *frame, size_t length, struct lacp_pdu *ret,
				      const char **ret_why, unsigned int *ret_value);

/* Writes a whole version 1 frame. */
void lacp_frame_build(uint8_t frame[LACP_FRAME_LEN], const uint8_t source[6],
		      const struct lacp_info *actor, const struct lacp_info *partner);
/* Writes the response to a frame of kind LACP_FRAME_MARKER. */
void lacp_marker_respond(uint8_t response[LACP_FRAME_LEN], const uint8_t source[6],
			 const uint8_t *marker);

#endif
