// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Frames as lines of text; every prefix of them is a frame that was cut. */
#include "capture/frame_text.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/util.h"

#define HEAD "\x52\x54\x00\x00\x00\x02\x52\x54\x00\x00\x00\x01"
#define ENDS "52:54:00:00:00:01 > 52:54:00:00:00:02"
#define IPV4(protocol, fragment) \
	"\x45\0\0\x1c\0\0" fragment "\x40" protocol "\0\0\xc0\0\x02\x01\xc0\0\x02\x02"

static const struct {
	const char *bytes;
	size_t n;
	const char *text;
	/* clang-format off */
} frames[] = {
#define ROW(bytes, text) { bytes, sizeof(bytes) - 1, text }
	ROW(HEAD "\x08\0" IPV4("\x11", "\0\0") "\0\x50\x01\xbb",
	    ENDS ", IPv4 192.0.2.1 port 80 > 192.0.2.2 port 443 UDP, length 100"),
	ROW(HEAD "\x08\0" IPV4("\x11", "\0\x10") "\0\x50\x01\xbb",
	    ENDS ", IPv4 192.0.2.1 > 192.0.2.2 UDP, fragment, length 100"),
	ROW(HEAD "\x08\0" IPV4("\xfd", "\0\0"), ENDS ", IPv4 192.0.2.1 > 192.0.2.2 protocol 253, length 100"),
	ROW(HEAD "\x81\0\x60\x64\x08\x06\0\x01\x08\0\x06\x04\0\x01\x52\x54\0\0\0\x01\xc0\0\x02\x01\0\0\0\0\0\0\xc0\0\x02\x02",
	    ENDS ", vlan 100 priority 3, ARP request 192.0.2.1 > 192.0.2.2, length 100"),
	ROW(HEAD "\x88\xa8\0\x05\x81\0\0\x06\x88\xcc", ENDS ", service vlan 5, vlan 6, LLDP, length 100"),
	ROW(HEAD "\x86\xdd\x60\0\0\0\0\x08\x06\x40\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\x01\0\x02",
	    ENDS ", IPv6 fe80::1 port 1 > fe80::2 port 2 TCP, length 100"),
	ROW(HEAD "\0\x26\x42\x42\x03", ENDS ", 802.3, length 100"),
	ROW(HEAD "\x12\x34", ENDS ", type 0x1234, length 100"),
	ROW(HEAD "\x08\0\x4f", ENDS ", IPv4, cut, length 100"),
	ROW(HEAD, "truncated frame, length 100"),
#undef ROW
};
/* clang-format on */

Test(capture_text, lines)
{
	char text[FRAME_TEXT_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		cr_expect_str_eq(frame_text((const uint8_t *)frames[i].bytes, frames[i].n, 100,
					    text),
				 frames[i].text);
}

Test(capture_text, cut_frames_are_read_no_further)
{
	char text[FRAME_TEXT_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		for (size_t n = 0; n < frames[i].n; n++) {
			/* of that size, so that ASan finds a read behind the end */
			_cleanup_free_ uint8_t *copy = malloc(n ? n : 1);

			memcpy(copy, frames[i].bytes, n);
			cr_expect_not_null(strstr(frame_text(copy, n, 100, text), "length 100"));
		}
}
