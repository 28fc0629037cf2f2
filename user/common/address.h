/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* IP addresses with their prefix length, as the configuration, rtnetlink and the integrations share
 * them, their text, and routes. */
#ifndef UL_COMMON_ADDRESS_H
#define UL_COMMON_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ADDRESS_TEXT_LEN (INET6_ADDRSTRLEN + 4)

struct address {
	int family; /* AF_INET or AF_INET6 */
	uint8_t prefix_length;
	uint8_t bytes[16]; /* network order; IPv4: the first four */
};

/* A route through one interface. */
struct route {
	struct address to; /* prefix length 0: default */
	bool has_via;	   /* otherwise the destination is on the link */
	struct address via;
	uint32_t metric; /* 0: the kernel's default */
	/* of containers only */
	uint32_t table;	      /* 0: main */
	uint32_t mtu, advmss; /* bytes; 0: not set */
	bool has_scope;
	uint8_t scope; /* RT_SCOPE_* */
};

/* Bytes of an address of its family. */
static inline size_t address_length(const struct address *address)
{
	return address->family == AF_INET ? 4 : 16;
}

/* Whether the first bits of both addresses are the same; false for different families. */
static inline bool address_same_prefix(const struct address *a, const struct address *b,
				       uint8_t bits)
{
	uint8_t rest = bits % 8, mask = (uint8_t)(0xff << (8 - rest));

	return a->family == b->family && memcmp(a->bytes, b->bytes, bits / 8) == 0 &&
	       (!rest || !((a->bytes[bits / 8] ^ b->bytes[bits / 8]) & mask));
}

static inline bool address_is_link_local(const struct address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

/* Family, bits and prefix length. */
bool address_equal(const struct address *a, const struct address *b);

/* "192.0.2.10/24", "2001:db8::/32"; without a length it is 32 or 128. 0 or -EINVAL; *ret is
 * untouched on failure. */
int address_from_text(const char *text, struct address *ret);
/* With the prefix length or without. Returns text. */
const char *address_to_text(const struct address *address, bool with_length,
			    char text[ADDRESS_TEXT_LEN]);

#endif
