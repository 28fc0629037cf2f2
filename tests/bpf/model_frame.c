// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "model_frame.h"

#include <string.h>

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

bool tag_type(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8;
}

bool is_group(const uint8_t *mac)
{
	return mac[0] & 1;
}

bool is_zero(const uint8_t *mac)
{
	static const uint8_t zero[6];

	return memcmp(mac, zero, 6) == 0;
}

bool is_reserved(const uint8_t *mac)
{
	static const uint8_t first[5] = { 0x01, 0x80, 0xc2, 0, 0 };

	return memcmp(mac, first, 5) == 0 && mac[5] < 16;
}

bool model_see(const struct model_input *in, struct view *f)
{
	const uint8_t *d = in->data;

	if (in->len < 14)
		return false;
	*f = (struct view){ .dst = d, .src = d + 6, .type = be16(d + 12), .l3 = 14 };
	if (tag_type(f->type)) {
		if (in->len < 18)
			return false;
		f->tagged = true;
		f->service = f->type == 0x88a8;
		f->tci = be16(d + 14);
		f->vid = f->tci & 0xfff;
		f->type = be16(d + 16);
		f->l3 = 18;
		/* With the outer tag apart, an inner one that is cut off is what the program meets
		 * first. */
		if (in->offloaded_tag && tag_type(f->type) && in->len < 22)
			return false;
	}
	return true;
}

bool has_foreign_tag(const struct view *f)
{
	return !f->tagged && (f->type == 0x9100 || f->type == 0x9200 || f->type == 0x9300);
}

bool hides_tag(const struct view *f)
{
	return f->tagged && !f->vid &&
	       (tag_type(f->type) || f->type == 0x9100 || f->type == 0x9200 || f->type == 0x9300);
}

/* ---- layer 3 ---- */
static void find_layer3(const struct model_input *in, const struct view *f, uint16_t *type,
			uint32_t *l3)
{
	*type = f->type;
	*l3 = f->l3;
	if (tag_type(*type) && *l3 + 4 <= in->len) {
		*type = be16(in->data + *l3 + 2);
		*l3 += 4;
	}
}

/* The transport header behind the IPv6 header at l3: its protocol, or 0 where a walk over at most
 * six extension headers of 256 bytes together does not reach it, or where it is a fragment's. */
static uint8_t ipv6_transport(const struct model_input *in, uint32_t l3, uint32_t *l4)
{
	static const uint8_t extensions[] = { 0, 43, 44, 51, 60, 135, 139, 140 };
	const uint8_t *d = in->data;
	uint8_t protocol = d[l3 + 6];
	uint32_t at = l3 + 40;

	for (int walked = 0; memchr(extensions, protocol, sizeof(extensions)); walked++) {
		uint32_t length;

		if (walked == 6 || at + 8 > in->len)
			return 0;
		length = protocol == 51 ? 4u * (d[at + 1] + 2u) : 8u * (d[at + 1] + 1u);
		if (protocol == 44) {
			bool more = d[at + 3] & 1, first = be16(d + at + 2) < 8;

			if (more || !first)
				return 0;
			length = 8;
		}
		protocol = d[at];
		at += length;
		if (at > l3 + 40 + 256)
			return 0;
	}
	*l4 = at;
	return protocol;
}

struct ul_flow model_flow(const struct model_input *in, const struct view *f, bool with_ports)
{
	struct ul_flow flow = { 0 };
	uint16_t type;
	uint32_t l3, l4 = 0;
	const uint8_t *ip;
	uint8_t protocol = 0;

	memcpy(flow.src_mac, f->src, 6);
	memcpy(flow.dst_mac, f->dst, 6);
	find_layer3(in, f, &type, &l3);
	ip = in->data + l3;
	if (type == 0x0800 && l3 + 20 <= in->len) {
		flow.is_ip = 1;
		flow.src = be32(ip + 12);
		flow.dst = be32(ip + 16);
		if (!(be16(ip + 6) & 0x3fff)) {
			protocol = ip[9];
			l4 = l3 + (ip[0] & 15) * 4u;
		}
	} else if (type == 0x86dd && l3 + 40 <= in->len) {
		flow.is_ip = 1;
		for (int i = 0; i < 16; i += 4) {
			flow.src ^= be32(ip + 8 + i);
			flow.dst ^= be32(ip + 24 + i);
		}
		protocol = ipv6_transport(in, l3, &l4);
	}
	if (with_ports && (protocol == 6 || protocol == 17) && l4 + 4 <= in->len) {
		flow.src_port = be16(in->data + l4);
		flow.dst_port = be16(in->data + l4 + 2);
	}
	return flow;
}

bool model_is_tcp(const struct model_input *in, const struct view *f)
{
	uint16_t type;
	uint32_t l3, l4;

	find_layer3(in, f, &type, &l3);
	if (type == 0x0800 && l3 + 20 <= in->len)
		return in->data[l3 + 9] == 6;
	if (type == 0x86dd && l3 + 40 <= in->len)
		return ipv6_transport(in, l3, &l4) == 6;
	return false;
}

/* ---- protocols of switches ---- */
/* What only switches send, the more special first. 0x10000: any EtherType. */
static const struct {
	uint8_t dst[6], n; /* first n bytes; the last one within 2^mask_bits */
	uint8_t mask_bits;
	uint32_t type;
	int pid; /* of Cisco's SNAP header; -1: any */
	enum ul_reason reason;
	/* clang-format off */
} switch_protocols[] = {
	{ { 0 }, 0, 0, 0x8808, -1, UL_R_GUEST_PAUSE },
	{ { 0 }, 0, 0, 0x8809, -1, UL_R_GUEST_LACP },
	{ { 0 }, 0, 0, 0x88cc, -1, UL_R_GUEST_DISCOVERY },
	{ { 0 }, 0, 0, 0x88f5, -1, UL_R_GUEST_REGISTRATION },
	{ { 0 }, 0, 0, 0x88f6, -1, UL_R_GUEST_REGISTRATION },
	{ { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd }, 6, 0, 0x10000, -1, UL_R_GUEST_BPDU },
	{ { 0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd }, 6, 0, 0x10000, -1, UL_R_GUEST_BPDU },
	{ { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc }, 6, 0, 0x10000, 0x2000, UL_R_GUEST_DISCOVERY },
	{ { 0x01, 0x00, 0x0c }, 3, 0, 0x10000, -1, UL_R_GUEST_TRUNKING },
	{ { 0x01, 0x80, 0xc2, 0, 0, 0x00 }, 6, 0, 0x10000, -1, UL_R_GUEST_BPDU },
	{ { 0x01, 0x80, 0xc2, 0, 0, 0x08 }, 6, 0, 0x10000, -1, UL_R_GUEST_BPDU },
	{ { 0x01, 0x19, 0xa7 }, 3, 0, 0x10000, -1, UL_R_GUEST_BPDU },
	{ { 0x01, 0x15, 0x4e }, 3, 0, 0x10000, -1, UL_R_GUEST_BPDU },
	{ { 0x03, 0x04, 0x80, 0, 0, 0 }, 6, 1, 0x10000, -1, UL_R_GUEST_BPDU },
	{ { 0x01, 0x80, 0xc2, 0, 0, 0x20 }, 6, 4, 0x10000, -1, UL_R_GUEST_REGISTRATION },
	{ { 0x01, 0xe0, 0x52, 0xcc, 0xcc, 0xcc }, 6, 0, 0x10000, -1, UL_R_GUEST_DISCOVERY },
	{ { 0x01, 0x00, 0x81, 0x00, 0x01, 0x00 }, 6, 1, 0x10000, -1, UL_R_GUEST_DISCOVERY },
	{ { 0x01, 0x80, 0xc2, 0, 0, 0x00 }, 6, 4, 0x10000, -1, UL_R_RESERVED_ADDRESS },
};
/* clang-format on */

enum ul_reason model_switch_protocol(const struct model_input *in, const struct view *f)
{
	static const uint8_t extreme[5] = { 0x00, 0xe0, 0x2b, 0, 0 };
	uint32_t snap = f->l3 + 6;
	int pid = snap + 2 <= in->len ? be16(in->data + snap) : -2;

	for (size_t i = 0; i < sizeof(switch_protocols) / sizeof(switch_protocols[0]); i++) {
		uint8_t dst[6];

		memcpy(dst, f->dst, 6);
		dst[5] &= (uint8_t)(0xff << switch_protocols[i].mask_bits);
		if (memcmp(dst, switch_protocols[i].dst, switch_protocols[i].n) == 0 &&
		    (switch_protocols[i].type == 0x10000 || switch_protocols[i].type == f->type) &&
		    (switch_protocols[i].pid < 0 || switch_protocols[i].pid == pid))
			return switch_protocols[i].reason;
	}
	/* Extreme's have the form of unicast addresses, so IP from another address stays IP. */
	if (memcmp(f->dst, extreme, 5) == 0 && f->dst[5] < 16 &&
	    (f->type < 1536 || f->type >> 8 == 0x88))
		return f->dst[5] ? UL_R_GUEST_BPDU : UL_R_GUEST_DISCOVERY;
	return UL_R_SENT;
}

bool is_control(const struct view *f)
{
	static const uint8_t cisco[6] = { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc };

	/* A priority tag does not make it another frame. */
	if (f->vid || f->service || hides_tag(f))
		return false;
	if (!is_reserved(f->dst))
		return memcmp(f->dst, cisco, 6) == 0;
	/* 802.1X and the peer delay of PTP have one address each. */
	return f->type == 0x8809 || f->type == 0x88cc || (f->type == 0x888e && f->dst[5] == 3) ||
	       (f->type == 0x88f7 && f->dst[5] == 14);
}
