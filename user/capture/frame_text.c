// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "capture/frame_text.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <stdarg.h>

#include "common/util.h"

#define MAX_TAGS 4
#define ETHERTYPE_SLOW 0x8809
#define ETHERTYPE_LLDP 0x88cc
#define ETHERTYPE_QINQ 0x88a8

struct writer {
	char *text;
	size_t n;
};

static void put(struct writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct writer *writer, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(writer->text + writer->n, FRAME_TEXT_LEN - writer->n, format, ap);
	va_end(ap);
	if (n > 0)
		writer->n += (size_t)n < FRAME_TEXT_LEN - writer->n ?
				     (size_t)n :
				     FRAME_TEXT_LEN - writer->n - 1;
}

struct named {
	uint32_t number;
	const char *name;
};

static const char *name_of(const struct named *rows, size_t n, uint32_t number)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].number == number)
			return rows[i].name;
	return NULL;
}

static void put_number_or_name(struct writer *writer, const char *name, const char *what,
			       uint32_t number)
{
	if (name)
		put(writer, ", %s", name);
	else
		put(writer, ", %s 0x%04x", what, number);
}

/* ---- IP ---- */
/* address, and the port of TCP, UDP and SCTP where it was captured */
static void put_ends(struct writer *writer, int family, const uint8_t *source,
		     const uint8_t *destination, const uint8_t *ports)
{
	char from[INET6_ADDRSTRLEN] = "?", to[INET6_ADDRSTRLEN] = "?";

	inet_ntop(family, source, from, sizeof(from));
	inet_ntop(family, destination, to, sizeof(to));
	if (ports)
		put(writer, " %s port %u > %s port %u", from, get_be16(ports), to,
		    get_be16(ports + 2));
	else
		put(writer, " %s > %s", from, to);
}

static void put_transport(struct writer *writer, uint8_t protocol)
{
	static const struct named rows[] = { { 1, "ICMP" },    { 2, "IGMP" },	{ 6, "TCP" },
					     { 17, "UDP" },    { 47, "GRE" },	{ 50, "ESP" },
					     { 58, "ICMPv6" }, { 112, "VRRP" }, { 132, "SCTP" } };
	const char *name = name_of(rows, ARRAY_SIZE(rows), protocol);

	if (name)
		put(writer, " %s", name);
	else
		put(writer, " protocol %u", protocol);
}

static bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132;
}

static void put_ipv4(struct writer *writer, const uint8_t *ip, size_t n)
{
	size_t header = n ? (size_t)(ip[0] & 15) * 4 : 0;
	const uint8_t *ports = NULL;
	bool first;

	if (n < 20 || header < 20) {
		put(writer, ", IPv4, cut");
		return;
	}
	first = !(get_be16(ip + 6) & 0x1fff);
	if (first && has_ports(ip[9]) && n >= header + 4)
		ports = ip + header;
	put(writer, ", IPv4");
	put_ends(writer, AF_INET, ip + 12, ip + 16, ports);
	put_transport(writer, ip[9]);
	if (!first)
		put(writer, ", fragment");
}

static void put_ipv6(struct writer *writer, const uint8_t *ip, size_t n)
{
	if (n < 40) {
		put(writer, ", IPv6, cut");
		return;
	}
	put(writer, ", IPv6");
	put_ends(writer, AF_INET6, ip + 8, ip + 24, has_ports(ip[6]) && n >= 44 ? ip + 40 : NULL);
	put_transport(writer, ip[6]);
}

static void put_arp(struct writer *writer, const char *name, const uint8_t *arp, size_t n)
{
	put(writer, ", %s", name);
	/* Ethernet and IPv4 only */
	if (n < 28 || get_be16(arp + 2) != ETHERTYPE_IP || arp[4] != 6 || arp[5] != 4)
		return;
	put(writer, " %s",
	    get_be16(arp + 6) == 1 ? "request" :
	    get_be16(arp + 6) == 2 ? "reply" :
				     "op");
	put_ends(writer, AF_INET, arp + 14, arp + 24, NULL);
}

static void put_payload(struct writer *writer, uint32_t ethertype, const uint8_t *at, size_t n)
{
	static const struct named rows[] = { { ETHERTYPE_SLOW, "LACP or marker" },
					     { ETHERTYPE_LLDP, "LLDP" } };

	if (ethertype == ETHERTYPE_IP)
		put_ipv4(writer, at, n);
	else if (ethertype == ETHERTYPE_IPV6)
		put_ipv6(writer, at, n);
	else if (ethertype == ETHERTYPE_ARP)
		put_arp(writer, "ARP", at, n);
	else if (ethertype == ETHERTYPE_REVARP)
		put_arp(writer, "RARP", at, n);
	else if (ethertype < 1536)
		put(writer, ", 802.3");
	else
		put_number_or_name(writer, name_of(rows, ARRAY_SIZE(rows), ethertype), "type",
				   ethertype);
}

const char *frame_text(const uint8_t *bytes, size_t captured, uint32_t length,
		       char text[FRAME_TEXT_LEN])
{
	struct writer writer = { .text = text };
	char from[MAC_TEXT_LEN], to[MAC_TEXT_LEN];
	size_t at = 14;
	uint32_t type;

	text[0] = '\0';
	if (captured < at) {
		put(&writer, "truncated frame, length %u", length);
		return text;
	}
	put(&writer, "%s > %s", mac_format(bytes + 6, from), mac_format(bytes, to));
	type = get_be16(bytes + 12);
	for (int tags = 0; (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) && tags < MAX_TAGS &&
			   captured >= at + 4;
	     tags++) {
		uint32_t tci = get_be16(bytes + at);

		put(&writer, ", %s %u", type == ETHERTYPE_VLAN ? "vlan" : "service vlan",
		    tci & 0xfff);
		if (tci >> 13)
			put(&writer, " priority %u", tci >> 13);
		type = get_be16(bytes + at + 2);
		at += 4;
	}
	put_payload(&writer, type, bytes + at, captured - at);
	put(&writer, ", length %u", length);
	return text;
}
