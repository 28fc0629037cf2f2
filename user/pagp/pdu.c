// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* PAgP frames: received ones are untrusted input. */
#include "pagp/pdu.h"

#include <string.h>

#include "common/util.h"

static const uint8_t group_address[6] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc };
static const uint8_t snap_pagp[8] = { 0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x01, 0x04 };

/* ---- receiving ---- */
static enum pagp_frame_kind illegal(const char *what, unsigned int number, const char **why,
				    unsigned int *value)
{
	*why = what;
	*value = number;
	return PAGP_FRAME_ILLEGAL;
}

static void read_side(const uint8_t *from, struct pagp_side *ret)
{
	memcpy(ret->device, from, 6);
	ret->learn = from[6];
	ret->priority = from[7];
	ret->port = get_be32(from + 8);
	ret->capability = get_be32(from + 12);
	ret->group = get_be32(from + 16);
}

static bool is_device(const uint8_t device[6])
{
	return !(device[0] & 1) && !mac_is_zero(device);
}

/* A TLV is two bytes of type and two of length, which includes both. Unknown types are ignored. */
static bool tlvs_fit(const uint8_t *pdu, size_t length)
{
	size_t at = PAGP_OFF_TLVS;

	for (unsigned int n = get_be16(pdu + PAGP_OFF_N_TLVS); n; n--) {
		size_t tlv;

		if (length - at < 4)
			return false;
		tlv = get_be16(pdu + at + 2);
		if (tlv < 4 || tlv > length - at)
			return false;
		at += tlv;
	}
	return true;
}

static enum pagp_frame_kind parse_info(const uint8_t *pdu, size_t length, struct pagp_pdu *ret,
				       const char **why, unsigned int *value)
{
	if (length < PAGP_OFF_TLVS)
		return illegal("length", (unsigned int)length, why, value);
	if (!is_device(pdu + PAGP_OFF_LOCAL))
		return illegal("device id", pdu[PAGP_OFF_LOCAL], why, value);
	if (!tlvs_fit(pdu, length))
		return illegal("number of TLVs", get_be16(pdu + PAGP_OFF_N_TLVS), why, value);
	ret->flags = pdu[PAGP_OFF_FLAGS];
	read_side(pdu + PAGP_OFF_LOCAL, &ret->local);
	read_side(pdu + PAGP_OFF_PARTNER, &ret->partner);
	ret->count = get_be16(pdu + PAGP_OFF_COUNT);
	return PAGP_FRAME_INFO;
}

static enum pagp_frame_kind parse_flush(const uint8_t *pdu, size_t length, struct pagp_flush *ret,
					const char **why, unsigned int *value)
{
	if (length < PAGP_FLUSH_LEN)
		return illegal("length", (unsigned int)length, why, value);
	memcpy(ret->local, pdu + PAGP_OFF_FLUSH_LOCAL, 6);
	memcpy(ret->partner, pdu + PAGP_OFF_FLUSH_PARTNER, 6);
	return PAGP_FRAME_FLUSH;
}

enum pagp_frame_kind pagp_frame_parse(const uint8_t *frame, size_t length, union pagp_frame *ret,
				      const char **why, unsigned int *value)
{
	size_t described;

	if (length < PAGP_OFF_PDU || memcmp(frame, group_address, 6) != 0 ||
	    memcmp(frame + PAGP_OFF_SNAP, snap_pagp, sizeof(snap_pagp)) != 0)
		return PAGP_FRAME_OTHER;
	/* An 802.3 length; padding may follow. */
	described = get_be16(frame + PAGP_OFF_LENGTH);
	if (described <= sizeof(snap_pagp) || described > length - PAGP_OFF_SNAP)
		return illegal("802.3 length", (unsigned int)described, why, value);
	frame += PAGP_OFF_PDU;
	length = described - sizeof(snap_pagp);
	switch (frame[PAGP_OFF_VERSION]) {
	case PAGP_INFO:
		return parse_info(frame, length, &ret->info, why, value);
	case PAGP_FLUSH:
		return parse_flush(frame, length, &ret->flush, why, value);
	default:
		return illegal("version", frame[PAGP_OFF_VERSION], why, value);
	}
}

bool pagp_pdu_equal(const struct pagp_pdu *a, const struct pagp_pdu *b)
{
	return a->flags == b->flags && a->count == b->count &&
	       memcmp(&a->local, &b->local, sizeof(a->local)) == 0 &&
	       memcmp(&a->partner, &b->partner, sizeof(a->partner)) == 0;
}

/* ---- sending ---- */
static void write_side(uint8_t *to, const struct pagp_side *side)
{
	memcpy(to, side->device, 6);
	to[6] = side->learn;
	to[7] = side->priority;
	put_be32(to + 8, side->port);
	put_be32(to + 12, side->capability);
	put_be32(to + 16, side->group);
}

static size_t write_name(uint8_t *to, enum pagp_tlv type, const char *name, unsigned int *n_tlvs)
{
	size_t length = strnlen(name, PAGP_NAME_LEN - 1);

	if (!length)
		return 0;
	put_be16(to, (uint16_t)type);
	put_be16(to + 2, (uint16_t)(length + 4));
	memcpy(to + 4, name, length);
	++*n_tlvs;
	return length + 4;
}

size_t pagp_frame_build(uint8_t frame[PAGP_MAX_FRAME], const uint8_t source[6],
			const struct pagp_pdu *info, const char *device_name, const char *port_name)
{
	uint8_t *pdu = frame + PAGP_OFF_PDU;
	size_t length = PAGP_OFF_TLVS;
	unsigned int n_tlvs = 0;

	_Static_assert(PAGP_OFF_PDU + PAGP_OFF_TLVS + 2 * (PAGP_NAME_LEN + 4) <= PAGP_MAX_FRAME,
		       "the names fit");
	memset(frame, 0, PAGP_MAX_FRAME);
	memcpy(frame, group_address, 6);
	memcpy(frame + 6, source, 6);
	memcpy(frame + PAGP_OFF_SNAP, snap_pagp, sizeof(snap_pagp));
	pdu[PAGP_OFF_VERSION] = PAGP_INFO;
	pdu[PAGP_OFF_FLAGS] = info->flags;
	write_side(pdu + PAGP_OFF_LOCAL, &info->local);
	write_side(pdu + PAGP_OFF_PARTNER, &info->partner);
	put_be16(pdu + PAGP_OFF_COUNT, info->count);
	length += write_name(pdu + length, PAGP_TLV_DEVICE_NAME, device_name, &n_tlvs);
	length += write_name(pdu + length, PAGP_TLV_PORT_NAME, port_name, &n_tlvs);
	put_be16(pdu + PAGP_OFF_N_TLVS, (uint16_t)n_tlvs);
	put_be16(frame + PAGP_OFF_LENGTH, (uint16_t)(length + sizeof(snap_pagp)));
	return PAGP_OFF_PDU + length;
}
