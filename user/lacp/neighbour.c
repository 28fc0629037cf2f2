// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* LLDP, CDP and PAgP decoding: the switch port at the other end, and what it announces. */
#include "lacp/neighbour.h"

#include "common/util.h"

#define ETH_HLEN_BYTES 14
#define SNAP_END 22	     /* Ethernet, LLC AA AA 03, OUI, protocol */
#define NAME_STALE_MS 180000 /* silence after which a less preferred protocol takes over */

/* The unread rest of a frame. After a read beyond the end all further reads fail. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static const uint8_t *read_bytes(struct cursor *cursor, size_t n)
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

static uint32_t read_be16(struct cursor *cursor)
{
	const uint8_t *at = read_bytes(cursor, 2);

	return at ? get_be16(at) : 0;
}

/* Replaces unprintable bytes by '?', because the text reaches terminals and the journal. */
static void set_text(char *to, size_t size, const uint8_t *from, size_t length)
{
	size_t n = length < size - 1 ? length : size - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = is_printable_ascii((char)from[i]) ? (char)from[i] : '?';
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

/* ---- vendors ---- */
/* True: text has word, in this case. text has no NUL. */
static bool has_word(const uint8_t *text, size_t length, const char *word)
{
	return memmem(text, length, word, strlen(word)) != NULL;
}

/* From the system description of LLDP, such as "HP J9729A 2920-48G-POE+ Switch, revision WB.16.04"
 * and "Aruba JL635A  GL.10.04.0001", or the platform of CDP. */
static enum ul_neighbour_vendor vendor_of(const uint8_t *text, size_t length)
{
	bool hp = has_word(text, length, "HP") || has_word(text, length, "Hewlett"),
	     aruba = has_word(text, length, "Aruba");

	if (has_word(text, length, "Comware"))
		return UL_VENDOR_COMWARE;
	if (has_word(text, length, "ProCurve") ||
	    ((hp || aruba) && has_word(text, length, "Switch, revision")))
		return UL_VENDOR_HP_SWITCH;
	if (aruba && (has_word(text, length, " JL") || has_word(text, length, "AOS-CX") ||
		      has_word(text, length, "ArubaOS-CX")))
		return UL_VENDOR_ARUBA_CX;
	return UL_VENDOR_OTHER;
}

/* ---- LLDP: 802.1AB 8.4 and 8.5; a TLV is 7 bits of type and 9 bits of length ---- */
enum {
	LLDP_END = 0,
	LLDP_CHASSIS_ID = 1,
	LLDP_PORT_ID = 2,
	LLDP_TIME_TO_LIVE = 3,
	LLDP_SYSTEM_NAME = 5,
	LLDP_SYSTEM_DESCRIPTION = 6,
	LLDP_ORGANIZATION = 127
};
enum { LLDP_CHASSIS_MAC = 4, LLDP_PORT_MAC = 3 };

/* 802.1Q D.2.1: port VLAN id; 802.3 79.3.1: MAC/PHY configuration, whose operational MAU type gives
 * the duplex of the copper types up to 1000BASE-T (RFC 4836 dot3MauType). */
static void read_organization(const uint8_t *value, size_t length, struct ul_neighbour *found)
{
	static const uint8_t oui_8021[] = { 0x00, 0x80, 0xc2 }, oui_8023[] = { 0x00, 0x12, 0x0f };
	uint32_t mau;

	if (length >= 6 && memcmp(value, oui_8021, 3) == 0 && value[3] == 1)
		found->native_vlan = get_be16(value + 4) & 0xfff;
	if (length < 9 || memcmp(value, oui_8023, 3) != 0 || value[3] != 1)
		return;
	mau = get_be16(value + 7);
	if (mau == 10 || mau == 15 || mau == 29)
		found->duplex = UL_DUPLEX_HALF;
	else if (mau == 11 || mau == 16 || mau == 30)
		found->duplex = UL_DUPLEX_FULL;
}

/* 1: the neighbour shuts down (802.1AB 9.2.7.7: time to live 0). */
static int read_lldp(struct cursor *cursor, struct ul_neighbour *found)
{
	bool shuts_down = false;

	while (cursor->left >= 2) {
		uint32_t header = read_be16(cursor), type = header >> 9, length = header & 0x1ff;
		const uint8_t *value = read_bytes(cursor, length);

		if (!value)
			return -EBADMSG;
		if (type == LLDP_END)
			break;
		if (type == LLDP_TIME_TO_LIVE && length >= 2)
			shuts_down = !value[0] && !value[1];
		if (type == LLDP_CHASSIS_ID && length > 1 && !found->device[0])
			set_id(found->device, sizeof(found->device), value[0] == LLDP_CHASSIS_MAC,
			       value + 1, length - 1);
		if (type == LLDP_SYSTEM_NAME && length)
			set_text(found->device, sizeof(found->device), value, length);
		if (type == LLDP_PORT_ID && length > 1)
			set_id(found->port, sizeof(found->port), value[0] == LLDP_PORT_MAC,
			       value + 1, length - 1);
		if (type == LLDP_SYSTEM_DESCRIPTION)
			found->vendor = vendor_of(value, length);
		if (type == LLDP_ORGANIZATION)
			read_organization(value, length, found);
	}
	return found->device[0] || found->port[0] ? shuts_down : -EBADMSG;
}

/* ---- CDP and PAgP: a TLV is two bytes of type and two of length, which includes both ---- */
enum { CDP_PLATFORM = 6, CDP_NATIVE_VLAN = 10, CDP_DUPLEX = 11 };

static void read_cdp_value(uint32_t type, const uint8_t *value, size_t length,
			   struct ul_neighbour *found)
{
	if (type == CDP_PLATFORM)
		found->vendor = vendor_of(value, length);
	if (type == CDP_NATIVE_VLAN && length >= 2)
		found->native_vlan = get_be16(value) & 0xfff;
	if (type == CDP_DUPLEX && length >= 1)
		found->duplex = value[0] ? UL_DUPLEX_FULL : UL_DUPLEX_HALF;
}

static int read_tlvs(struct cursor *cursor, uint32_t device_type, uint32_t port_type,
		     struct ul_neighbour *found)
{
	while (cursor->left >= 4) {
		uint32_t type = read_be16(cursor), length = read_be16(cursor);
		const uint8_t *value;

		if (length < 4)
			return -EBADMSG;
		value = read_bytes(cursor, length - 4);
		if (!value)
			return -EBADMSG;
		if (type == device_type)
			set_text(found->device, sizeof(found->device), value, length - 4);
		if (type == port_type)
			set_text(found->port, sizeof(found->port), value, length - 4);
		if (found->protocol == UL_NEIGHBOUR_CDP)
			read_cdp_value(type, value, length - 4, found);
	}
	return 0;
}

static int read_cdp(struct cursor *cursor, struct ul_neighbour *found)
{
	/* version, time to live, checksum */
	return read_bytes(cursor, 4) ? read_tlvs(cursor, 1, 3, found) : -EBADMSG;
}

enum { PAGP_INFO = 1, PAGP_AUTO = 0x02, PAGP_FIXED_BYTES = 46 };

static int read_pagp(struct cursor *cursor, struct ul_neighbour *found)
{
	const uint8_t *fixed = read_bytes(cursor, PAGP_FIXED_BYTES);

	if (!fixed || fixed[0] != PAGP_INFO)
		return -EBADMSG;
	found->pagp = fixed[1] & PAGP_AUTO ? UL_PAGP_AUTO : UL_PAGP_DESIRABLE;
	return read_tlvs(cursor, 1, 2, found);
}

/* ---- protocol of a frame ---- */
static int read_frame(const uint8_t *frame, size_t length, struct ul_neighbour *found)
{
	static const uint8_t snap_cisco[] = { 0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c };
	struct cursor cursor = { .at = frame, .left = length };
	uint32_t type, protocol;

	if (!read_bytes(&cursor, ETH_HLEN_BYTES - 2))
		return -EBADMSG;
	type = read_be16(&cursor);
	if (cursor.bad)
		return -EBADMSG;
	if (type == 0x88cc) {
		found->protocol = UL_NEIGHBOUR_LLDP;
		return read_lldp(&cursor, found);
	}
	/* An 802.3 length; padding follows. */
	if (type > 1500)
		return -EPROTONOSUPPORT;
	if (type < SNAP_END - ETH_HLEN_BYTES || type > cursor.left)
		return -EBADMSG;
	cursor.left = type;
	if (memcmp(read_bytes(&cursor, sizeof(snap_cisco)), snap_cisco, sizeof(snap_cisco)) != 0)
		return -EPROTONOSUPPORT;
	protocol = read_be16(&cursor);
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
	neighbour->vendor = found.vendor;
	neighbour->duplex = found.duplex;
	neighbour->native_vlan = found.native_vlan;
	memcpy(neighbour->device, found.device, sizeof(neighbour->device));
	memcpy(neighbour->port, found.port, sizeof(neighbour->port));
	return 0;
}
