/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A frame as one line of text: addresses, tags, protocol, and the addresses and ports of IP and
 * ARP. Analysis in depth is for programs that read pcapng. Tests: tests/unit/capture_text.c. */
#ifndef UL_CAPTURE_FRAME_TEXT_H
#define UL_CAPTURE_FRAME_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_TEXT_LEN 256

/* "52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, vlan 100, ARP 192.0.2.1 > 192.0.2.2, length 60". bytes:
 * hostile, captured of them. length: of the whole frame. Returns text. */
const char *frame_text(const uint8_t *bytes, size_t captured, uint32_t length,
		       char text[FRAME_TEXT_LEN]);

#endif
