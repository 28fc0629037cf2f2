// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Wire format of LACPDUs and Marker PDUs (6.4.2, 6.5.3, 802.3 Annex 57A). */
#include "lacp/pdu.h"

#include <string.h>

#include "common/util.h"

/* 802.3 Annex 57A: 0 and above 10 are illegal values */
enum { SUBTYPE_LACP = 1, SUBTYPE_MARKER = 2, SUBTYPE_LAST = 10 };
enum {
	TLV_ACTOR = 1,
	TLV_PARTNER = 2,
	TLV_COLLECTOR = 3,
	TLV_INFO_LEN = 20,
	TLV_COLLECTOR_LEN = 16
};
enum { TLV_MARKER = 1, TLV_MARKER_RESPONSE = 2, TLV_MARKER_LEN = 22, TLV_MARKER_REAL_LEN = 16 };

static const uint8_t slow_protocols[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x02 };

/* tlv: 20 bytes from the TLV's type on */
static void get_info(const uint8_t *tlv, struct lacp_info *ret)
{
	*ret = (struct lacp_info){
		.system_priority = get_be16(tlv + 2),
		.key = get_be16(tlv + 10),
		.port_priority = get_be16(tlv + 12),
		.port = get_be16(tlv + 14),
		.state = tlv[LACP_OFF_INFO_STATE],
	};
	memcpy(ret->system, tlv + 4, 6);
}

static void put_info(uint8_t *tlv, uint8_t type, const struct lacp_info *info)
{
	tlv[0] = type;
	tlv[1] = TLV_INFO_LEN;
	put_be16(tlv + 2, info->system_priority);
	memcpy(tlv + 4, info->system, 6);
	put_be16(tlv + 10, info->key);
	put_be16(tlv + 12, info->port_priority);
	put_be16(tlv + 14, info->port);
	tlv[LACP_OFF_INFO_STATE] = info->state;
}

/*
 * 6.2.10: nearest customer bridge (..:00), slow protocols (..:02), nearest non-TPMR bridge (..:03)
 */
static bool is_group_address(const uint8_t *destination)
{
	return memcmp(destination, slow_protocols, 5) == 0 &&
	       (destination[5] == 0x00 || destination[5] == 0x02 || destination[5] == 0x03);
}

/* A field with its only valid value. */
struct expect {
	uint8_t offset, value;
	const char *what;
};

/* clang-format off */
static const struct expect lacpdu_fields[] = {
	{ LACP_OFF_ACTOR,         TLV_ACTOR,         "actor TLV type" },
	{ LACP_OFF_ACTOR + 1,     TLV_INFO_LEN,      "actor TLV length" },
	{ LACP_OFF_PARTNER,       TLV_PARTNER,       "partner TLV type" },
	{ LACP_OFF_PARTNER + 1,   TLV_INFO_LEN,      "partner TLV length" },
	{ LACP_OFF_COLLECTOR,     TLV_COLLECTOR,     "collector TLV type" },
	{ LACP_OFF_COLLECTOR + 1, TLV_COLLECTOR_LEN, "collector TLV length" },
};
/* clang-format on */

static enum lacp_frame_kind parse_lacpdu(const uint8_t *frame, struct lacp_pdu *ret,
					 const char **ret_why, unsigned int *ret_value)
{
	for (size_t i = 0; i < ARRAY_SIZE(lacpdu_fields); i++) {
		const struct expect *field = &lacpdu_fields[i];

		if (frame[field->offset] != field->value) {
			*ret_why = field->what;
			*ret_value = frame[field->offset];
			return LACP_FRAME_ILLEGAL;
		}
	}

	ret->version = frame[LACP_OFF_VERSION];
	get_info(frame + LACP_OFF_ACTOR, &ret->actor);
	get_info(frame + LACP_OFF_PARTNER, &ret->partner);
	ret->collector_max_delay = get_be16(frame + LACP_OFF_COLLECTOR + 2);
	return LACP_FRAME_LACPDU;
}

static enum lacp_frame_kind parse_marker(const uint8_t *frame, const char **ret_why,
					 unsigned int *ret_value)
{
	/*
	 * The first editions of the standard and kernel bonding have 22; the TLV is 16 bytes long,
	 * as test equipment and tshark have it.
	 */
	if (frame[LACP_OFF_MARKER + 1] != TLV_MARKER_LEN &&
	    frame[LACP_OFF_MARKER + 1] != TLV_MARKER_REAL_LEN) {
		*ret_why = "marker TLV length";
		*ret_value = frame[LACP_OFF_MARKER + 1];
		return LACP_FRAME_ILLEGAL;
	}
	switch (frame[LACP_OFF_MARKER]) {
	case TLV_MARKER:
		return LACP_FRAME_MARKER;
	case TLV_MARKER_RESPONSE:
		return LACP_FRAME_MARKER_RESPONSE;
	default:
		*ret_why = "marker TLV type";
		*ret_value = frame[LACP_OFF_MARKER];
		return LACP_FRAME_ILLEGAL;
	}
}

enum lacp_frame_kind lacp_frame_parse(const uint8_t *frame, size_t length, struct lacp_pdu *ret,
				      const char **ret_why, unsigned int *ret_value)
{
	*ret_why = "";
	*ret_value = 0;

	if (length <= LACP_OFF_SUBTYPE) {
		*ret_why = "frame length";
		*ret_value = (unsigned int)length;
		return LACP_FRAME_ILLEGAL;
	}
	if (get_be16(frame + LACP_OFF_TYPE) != 0x8809) {
		*ret_why = "EtherType";
		*ret_value = get_be16(frame + LACP_OFF_TYPE);
		return LACP_FRAME_ILLEGAL;
	}
	if (!is_group_address(frame)) {
		*ret_why = "last byte of the destination";
		*ret_value = frame[5];
		return LACP_FRAME_ILLEGAL;
	}

	uint8_t subtype = frame[LACP_OFF_SUBTYPE];

	if (subtype != SUBTYPE_LACP && subtype != SUBTYPE_MARKER) {
		*ret_why = "slow protocol subtype";
		*ret_value = subtype;
		return subtype == 0 || subtype > SUBTYPE_LAST ? LACP_FRAME_ILLEGAL :
								LACP_FRAME_UNKNOWN;
	}
	if (length < LACP_FRAME_LEN) {
		*ret_why = "frame length";
		*ret_value = (unsigned int)length;
		return LACP_FRAME_ILLEGAL;
	}
	if (frame[LACP_OFF_VERSION] == 0) {
		*ret_why = "version";
		return LACP_FRAME_ILLEGAL;
	}
	return subtype == SUBTYPE_LACP ? parse_lacpdu(frame, ret, ret_why, ret_value) :
					 parse_marker(frame, ret_why, ret_value);
}

static void build_header(uint8_t *frame, const uint8_t source[6], uint8_t subtype)
{
	memset(frame, 0, LACP_FRAME_LEN);
	memcpy(frame, slow_protocols, 6);
	memcpy(frame + LACP_OFF_SOURCE, source, 6);
	put_be16(frame + LACP_OFF_TYPE, 0x8809);
	frame[LACP_OFF_SUBTYPE] = subtype;
	frame[LACP_OFF_VERSION] = 1;
}

void lacp_frame_build(uint8_t frame[LACP_FRAME_LEN], const uint8_t source[6],
		      const struct lacp_info *actor, const struct lacp_info *partner)
{
	build_header(frame, source, SUBTYPE_LACP);
	put_info(frame + LACP_OFF_ACTOR, TLV_ACTOR, actor);
	put_info(frame + LACP_OFF_PARTNER, TLV_PARTNER, partner);
	/* CollectorMaxDelay 0: received frames are delivered at once */
	frame[LACP_OFF_COLLECTOR] = TLV_COLLECTOR;
	frame[LACP_OFF_COLLECTOR + 1] = TLV_COLLECTOR_LEN;
}

void lacp_marker_respond(uint8_t response[LACP_FRAME_LEN], const uint8_t source[6],
			 const uint8_t *marker)
{
	build_header(response, source, SUBTYPE_MARKER);
	response[LACP_OFF_MARKER] = TLV_MARKER_RESPONSE;
	/* 22 or 16, as the sender has it */
	response[LACP_OFF_MARKER + 1] = marker[LACP_OFF_MARKER + 1];
	memcpy(response + LACP_OFF_MARKER_BODY, marker + LACP_OFF_MARKER_BODY,
	       LACP_MARKER_BODY_LEN);
}
