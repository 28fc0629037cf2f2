/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Frames for the tests: built from a line of text, or at random. */
#ifndef UL_TESTS_BPF_FRAMES_H
#define UL_TESTS_BPF_FRAMES_H

#include <stddef.h>

#include "sw.h"

#define FRAME_MAX 9100

struct frame_buf {
	uint32_t len;
	uint32_t segments; /* 0: not a super-frame */
	uint8_t data[FRAME_MAX];
};

/* A name of a MAC address that a test defines in addition to the fixed ones. */
struct frame_name {
	const char *name;
	const uint8_t *mac;
};

/*
 * "SRC>DST [TAG ...] [PAYLOAD] [len=N] [gso=N]"; unknown words fail the test.
 *
 *   addresses  one of names, or a fixed one of frames.c: x, y (of strangers), bcast, stp, ...
 *   tags       outer first: v100 (802.1Q), s100 (802.1ad), n100, o100, p100 (0x9100, 0x9200,
 *              0x9300); v100p5 (priority 5), v100d (drop eligible)
 *   payload    udp4:A>B, tcp4, frag4, udp6, tcp6, with A, B: the last two bytes of the address in
 *              decimal (10.0.0.0/16, 2001:db8::); hd.tcp6: with extension headers, a letter each (h
 *              hop-by-hop, d destination, r routing, a authentication, f fragment, t atomic
 *              fragment); arp; t88cc (EtherType in hex); snap2000 (Cisco's protocol in hex).
 *              Default: udp4:1>2
 *   len        bytes on the wire; the frame is cut or padded; default 64
 */
void frame_build(const struct frame_name *names, const char *text, struct frame_buf *ret);

/* The tags in front of a frame's payload replaced by those of text ("" none, "v100p5 v7"). */
void frame_retag(const struct frame_buf *frame, const char *tags, struct frame_buf *ret);

uint64_t frame_random(uint64_t *state); /* xorshift */

struct frame_hints {
	/* goes over a real interface: the kernel refuses tagged frames below 20 bytes, and empty
	 * ones, itself */
	bool live;
	bool from_uplink;  /* which side it comes from, so that many frames find their way */
	uint32_t endpoint; /* where it comes in */
	uint32_t max_len;
};

/* Mostly sensible frames of the switch's small world, some mutated. id: marks the frame so that
 * captures can be told apart. */
void frame_make_random(const struct sw *sw, const struct frame_hints *hints, uint64_t *state,
		       uint32_t id, struct frame_buf *ret);

/* hex, for messages */
void frame_dump(const uint8_t *data, uint32_t len, char *text, size_t size);

#endif
