/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Replaces addresses in text, each address by the same one everywhere: the n-th MAC address by
 * 02:00:00:00:00:00 + n, the n-th IPv4 address by 198.18.0.0 + n, the n-th IPv6 address by
 * 2001:db8:: + n. Group, zero, loopback and broadcast addresses stay, and so does a prefix length.
 *
 * Tests: tests/unit/ctl_mask.c.
 */
#ifndef UL_CTL_MASK_H
#define UL_CTL_MASK_H

#include <jansson.h>
#include <stddef.h>

struct mask {
	json_t *addresses; /* text of an address in one form -> its replacement */
	size_t n_mac, n_ipv4, n_ipv6;
};

/* 0 or -ENOMEM. */
int mask_init(struct mask *mask);
void mask_done(struct mask *mask);

/* *ret: the text with replaced addresses, to be freed. 0 or -ENOMEM. */
int mask_text(struct mask *mask, const char *text, size_t length, char **ret, size_t *ret_length);

#endif
