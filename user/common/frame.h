/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Parts of frames that uplinkd sends. The put functions return the byte behind what they wrote. */
#ifndef UL_COMMON_FRAME_H
#define UL_COMMON_FRAME_H

#include <net/ethernet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "common/util.h"

static inline uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

/* The Ethernet header, with an 802.1Q tag of priority 0 unless vid is 0. */
static inline uint8_t *put_ethernet(uint8_t *at, const uint8_t dst[6], const uint8_t src[6],
				    uint16_t vid, uint16_t ethertype)
{
	at = put_bytes(at, dst, 6);
	at = put_bytes(at, src, 6);
	if (vid) {
		at = put_be16(at, ETHERTYPE_VLAN);
		at = put_be16(at, vid);
	}
	return put_be16(at, ethertype);
}

/* The length of a frame that ends with the byte before end, with the padding up to Ethernet's
 * shortest frame; the buffer is zeroed and large enough. */
static inline size_t frame_length(const uint8_t *frame, const uint8_t *end, uint16_t vid)
{
	size_t length = (size_t)(end - frame), least = vid ? ETH_ZLEN + 4 : ETH_ZLEN;

	return length < least ? least : length;
}

/* ---- the Internet checksum (RFC 1071) ---- */
/* n: even; sum: of what precedes. At most 128 KiB in all. */
static inline uint32_t checksum_add(uint32_t sum, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i += 2)
		sum += get_be16(bytes + i);
	return sum;
}

static inline uint16_t checksum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* Of an ICMPv6 message of even length with the pseudo header of its IPv6 header (RFC 8200 8.1). */
static inline uint16_t icmpv6_checksum(const uint8_t *ip, const uint8_t *message, size_t length)
{
	uint32_t sum = checksum_add((uint32_t)length + IPPROTO_ICMPV6, ip + 8, 32);

	return checksum_finish(checksum_add(sum, message, length));
}

#endif
