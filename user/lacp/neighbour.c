// SPDX-License-Identifier: GPL-2.0
#include "lacp/neighbour.h"

#include <ctype.h>

#include "common/util.h"

#define ETH_HLEN_BYTES 14
#define SNAP_END 22	     /* Ethernet, LLC AA AA 03, OUI, protocol */
#define NAME_STALE_MS 180000 /* a better protocol that has been silent for so long gives way */

/* The rest of a frame. Every take checks; after the first that fails all fail. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static const uint8_t *take(struct cursor *cursor, size_t n)
{
	const uint8_t *at = cursor->at;

	if (cursor->bad || n > cursor->left) {
		cursor->bad = true;
		return NULL;
	}
	cursor->at += n;
	cursor->left -= n;
	return at;
}

static uint32_t take_be16(struct cursor *cursor)
{
	const uint8_t *at = take(cursor, 2);

	return at ? (uint32_t)at[0] << 8 | at[1] : 0;
}

/* Printable or '?': what a neighbour says ends up on terminals and in the journal. */
static void set_text(char *to, size_t size, const uint8_t *from, size_t length)
{
	size_t n = length < size - 1 ? length : size - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = isprint(from[i]) && from[i] < 0x80 ? (char)from[i] : '?';
	to[n] = '\0';
}

static void set_id(char *to, size_t size, bool is_mac, const uint8_t *id, size_t length)
{
	char mac[MAC_TEXT_LEN];

	if (is_mac && length == 6)
		snprintf(to, size, "%s", mac_format(id, mac));
	else
		set_text(to, size, id, length);
}

/* ---- LLDP: 802.1AB 8.4 and 8.5; a TLV is 7 bits of type and 9 bits of length
 * ---------------------------------------------------- */
enum {
	LLDP_END = 0,
	LLDP_CHASSIS_ID = 1,
	LLDP_PORT_ID = 2,
	LLDP_TIME_TO_LIVE = 3,
	LLDP_SYSTEM_NAME = 5
};
enum { LLDP_CHASSIS_MAC = 4, LLDP_PORT_MAC = 3 };

/* 1: the neighbour goes away (802.1AB 9.2.7.7: time to live 0). */
static int read_lldp(struct cursor *cursor, struct ul_neighbour *found)
{
	bool leaves = false;

	while (cursor->left >= 2) {
		uint32_t header = take_be16(cursor), type = header >> 9, length = header & 0x1ff;
		const uint8_t *value = take(cursor, length);

		if (!value)
			return -EBADMSG;
		if (type == LLDP_END)
			break;
		if (type == LLDP_TIME_TO_LIVE && length >= 2)
			leaves = !value[0] && !value[1];
		if (type == LLDP_CHASSIS_ID && length > 1 && !found->device[0])
			set_id(found->device, sizeof(found->device), value[0] == LLDP_CHASSIS_MAC,
			       value + 1, length - 1);
		if (type == LLDP_SYSTEM_NAME && length)
			set_text(found->device, sizeof(found->device), value, length);
		if (type == LLDP_PORT_ID && length > 1)
			set_id(found->port, sizeof(found->port), value[0] == LLDP_PORT_MAC,
			       value + 1, length - 1);
	}
	return found->device[0] || found->port[0] ? leaves : -EBADMSG;
}

/* ---- CDP and PAgP: a TLV is two bytes of type and two of length, which count as well
 * -------------------------------------------- */
static int read_tlvs(struct cursor *cursor, uint32_t device_type, uint32_t port_type,
		     struct ul_neighbour *found)
{
	while (cursor->left >= 4) {
		uint32_t type = take_be16(cursor), length = take_be16(cursor);
		const uint8_t *value;

		if (length < 4)
			return -EBADMSG;
		value = take(cursor, length - 4);
		if (!value)
			return -EBADMSG;
		if (type == device_type)
			set_text(found->device, sizeof(found->device), value, length - 4);
		if (type == port_type)
			set_text(found->port, sizeof(found->port), value, length - 4);
	}
	return 0;
}

static int read_cdp(struct cursor *cursor, struct ul_neighbour *found)
{
	/* version, time to live, checksum */
	return take(cursor, 4) ? read_tlvs(cursor, 1, 3, found) : -EBADMSG;
}

enum { PAGP_INFO = 1, PAGP_AUTO = 0x02, PAGP_FIXED_BYTES = 46 };

static int read_pagp(struct cursor *cursor, struct ul_neighbour *found)
{
	const uint8_t *fixed = take(cursor, PAGP_FIXED_BYTES);

	if (!fixed || fixed[0] != PAGP_INFO)
		return -EBADMSG;
	found->pagp = fixed[1] & PAGP_AUTO ? UL_PAGP_AUTO : UL_PAGP_DESIRABLE;
	return read_tlvs(cursor, 1, 2, found);
}

/* ---- which protocol
 * -----------------------------------------------------------------------------------------------------------------
 */
static int read_frame(const uint8_t *frame, size_t length, struct ul_neighbour *found)
{
	static const uint8_t snap_cisco[] = { 0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c };
	struct cursor cursor = { .at = frame, .left = length };
	uint32_t type, protocol;

	if (!take(&cursor, ETH_HLEN_BYTES - 2))
		return -EBADMSG;
	type = take_be16(&cursor);
	if (cursor.bad)
		return -EBADMSG;
	if (type == 0x88cc) {
		found->protocol = UL_NEIGHBOUR_LLDP;
		return read_lldp(&cursor, found);
	}
	/* An 802.3 length: what follows it is padding. */
	if (type > 1500)
		return -EPROTONOSUPPORT;
	if (type < SNAP_END - ETH_HLEN_BYTES || type > cursor.left)
		return -EBADMSG;
	cursor.left = type;
	if (memcmp(take(&cursor, sizeof(snap_cisco)), snap_cisco, sizeof(snap_cisco)) != 0)
		return -EPROTONOSUPPORT;
	protocol = take_be16(&cursor);
	if (protocol == 0x2000) {
		found->protocol = UL_NEIGHBOUR_CDP;
		return read_cdp(&cursor, found);
	}
	if (protocol == 0x0104) {
		found->protocol = UL_NEIGHBOUR_PAGP;
		return read_pagp(&cursor, found);
	}
	return -EPROTONOSUPPORT;
}

int neighbour_receive(struct ul_neighbour *neighbour, const __u8 *frame, size_t length,
		      __u64 now_ms)
{
	struct ul_neighbour found = {};
	int r = read_frame(frame, length, &found);

	if (r < 0)
		return r;
	if (r > 0) {
		if (neighbour->protocol == found.protocol)
			*neighbour = (struct ul_neighbour){ .pagp = neighbour->pagp,
							    .pagp_ms = neighbour->pagp_ms };
		return 0;
	}
	if (found.protocol == UL_NEIGHBOUR_PAGP) {
		neighbour->pagp = found.pagp;
		neighbour->pagp_ms = now_ms;
	}
	if (neighbour->seen_ms && neighbour->protocol < found.protocol &&
	    now_ms - neighbour->seen_ms < NAME_STALE_MS)
		return 0;
	neighbour->protocol = found.protocol;
	neighbour->seen_ms = now_ms;
	memcpy(neighbour->device, found.device, sizeof(neighbour->device));
	memcpy(neighbour->port, found.port, sizeof(neighbour->port));
	return 0;
}
