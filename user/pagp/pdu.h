/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Wire format of PAgP, for the files of pagp/ and their tests only. */
#ifndef UL_PAGP_PDU_H
#define UL_PAGP_PDU_H

#include "pagp/pagp.h"

/*
 * A frame: Ethernet header with an 802.3 length, LLC and SNAP (aa aa 03, 00 00 0c, 01 04), and the
 * PDU; no checksum but the FCS. Offsets from the destination address on.
 */
enum pagp_offset {
	PAGP_OFF_LENGTH = 12,
	PAGP_OFF_SNAP = 14,
	PAGP_OFF_PDU = 22,
	/* of the PDU */
	PAGP_OFF_VERSION = 0,
	PAGP_OFF_FLAGS = 1,
	PAGP_OFF_LOCAL = 2,
	PAGP_OFF_PARTNER = 22,
	PAGP_OFF_COUNT = 42,
	PAGP_OFF_N_TLVS = 44,
	PAGP_OFF_TLVS = 46,
	/* of a flush PDU: the device that sends it, the one that returns it */
	PAGP_OFF_FLUSH_LOCAL = 2,
	PAGP_OFF_FLUSH_PARTNER = 8,
	PAGP_FLUSH_LEN = 18,
};

enum pagp_version { PAGP_INFO = 1, PAGP_FLUSH = 2 };
enum pagp_tlv { PAGP_TLV_DEVICE_NAME = 1, PAGP_TLV_PORT_NAME = 2 };

/* An information PDU as its sender describes the link. */
struct pagp_pdu {
	uint8_t flags;		  /* enum pagp_flag */
	struct pagp_side local;	  /* the sender */
	struct pagp_side partner; /* what the sender has received from the other side; or zero */
	uint16_t count;		  /* devices that the sender receives on this link */
};

struct pagp_flush {
	uint8_t local[6], partner[6];
};

enum pagp_frame_kind { PAGP_FRAME_ILLEGAL, PAGP_FRAME_OTHER, PAGP_FRAME_INFO, PAGP_FRAME_FLUSH };

union pagp_frame {
	struct pagp_pdu info;
	struct pagp_flush flush;
};

/* PAGP_FRAME_ILLEGAL: *why and *value name the field and its value. *ret is set for INFO and FLUSH
 * only. */
enum pagp_frame_kind pagp_frame_parse(const uint8_t *frame, size_t length, union pagp_frame *ret,
				      const char **why, unsigned int *value);
bool pagp_pdu_equal(const struct pagp_pdu *a, const struct pagp_pdu *b);
/* Returns the length of the frame. Names of length 0 are left out. */
size_t pagp_frame_build(uint8_t frame[PAGP_MAX_FRAME], const uint8_t source[6],
			const struct pagp_pdu *pdu, const char *device_name, const char *port_name);

#endif
