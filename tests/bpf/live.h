/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Frames over the real interfaces of a world: what left where, with which tag, exactly. */
#ifndef UL_TESTS_BPF_LIVE_H
#define UL_TESTS_BPF_LIVE_H

#include "world.h"

/* A frame that came out of the switch: at the far end of endpoint's veth pair. */
struct live_frame {
	uint32_t endpoint;
	uint32_t len;
	uint32_t gso_size; /* 0: not a super-frame */
	bool unfinished_checksum;
	const uint8_t *data;
};

struct live_list {
	struct live_frame *frame;
	size_t n, room;
	uint8_t *bytes; /* what data points into */
	size_t used;
};

#define LIVE_BYTES (64 << 20)

void live_open(struct world *world); /* sockets; before the first of the others */

/* Sends from the far end of endpoint's veth pair. */
void live_send(struct world *world, uint32_t endpoint, const struct frame_buf *frame);
/* A TCP over IPv4 super-frame with an unfinished checksum, as a guest or GRO makes it; frame->len
 * may be up to FRAME_MAX. */
void live_send_super_frame(struct world *world, uint32_t endpoint, const struct frame_buf *frame,
			   uint16_t gso_size);

void live_list_init(struct live_list *list);
void live_list_free(struct live_list *list);
void live_expect(struct live_list *list, uint32_t endpoint, const uint8_t *data, uint32_t len);

/* Waits until n frames came out, at most two seconds; then takes what else there is. */
void live_collect(struct world *world, size_t n, struct live_list *ret);
/* Waits until the counters have grown by want, at most two seconds; *got is the growth. */
bool live_wait_counters(struct world *world, const struct world_counters *want,
			struct world_counters *got);

/* Compares without order. false: text says what is missing and what is too much. */
bool live_same(struct live_list *expected, struct live_list *got, char *text, size_t size);

/* The kernel puts the queue of an interface to work some time after its carrier came; until then it
 * drops. Waits for that, at most two seconds. */
void live_wait_link(struct world *world, uint32_t uplink);

/* Was a frame of this EtherType, or EtherType 4 (802.2), handed to the stack at an uplink? Waits at
 * most two seconds; *ret_endpoint: which uplink. */
bool live_passed(struct world *world, uint16_t protocol, uint32_t *ret_endpoint);

/* n frames, each at its endpoint, through programs and model; fails the test when anything differs.
 * At most 512. */
void check_live(struct world *world, const struct sw *sw, const uint32_t *endpoints,
		const struct frame_buf *frames, size_t n, uint64_t seed);

/* The same; then judge is called with each frame that came out. */
void check_live_judged(struct world *world, const struct sw *sw, const uint32_t *endpoints,
		       const struct frame_buf *frames, size_t n, uint64_t seed,
		       void (*judge)(void *userdata, const struct live_frame *frame),
		       void *userdata);

#endif
