/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Observes the frames of one interface, also those that XDP redirects and that no packet socket
 * sees, without a change to the data plane (bpf/capture/). Everything ends with the process: the
 * programs are held by descriptors only.
 *
 * Tests: tests/netns/test_capture.py.
 */
#ifndef UL_DATAPLANE_OBSERVER_H
#define UL_DATAPLANE_OBSERVER_H

#include "capture_abi.h"
#include "common/errors.h"
#include "common/util.h"

struct observer_options {
	uint32_t ifindex;
	bool is_uplink;	      /* otherwise a port */
	uint32_t xdp_program; /* id of uplink_xdp in the set of the switch; 0: none is pinned */
	uint32_t max_bytes;   /* of a frame, 1 to UL_CAPTURE_MAX_BYTES */
	bool has_vlan, has_mac;
	uint32_t vlan;
	uint8_t mac[6];
};

struct observer;

/* bytes has frame->captured bytes, UL_CAPTURE_MAX_BYTES at most. */
typedef int (*observer_frame)(void *userdata, const struct ul_captured *frame,
			      const uint8_t *bytes);

/*
 * notes: sentences about frames that cannot be observed on this kernel, with the reason. 0 or
 * negative errno with a message in errors.
 */
int observer_open(const struct observer_options *options, struct errors *notes,
		  struct errors *errors, struct observer **ret);
void observer_close(struct observer *observer); /* NULL allowed */

/* Waits at most timeout_ms for frames and calls on_frame for each. A negative result ends the round
 * and is returned. -EINTR: a signal arrived. */
int observer_poll(struct observer *observer, int timeout_ms, observer_frame on_frame,
		  void *userdata);
/* A record of the ring: calls on_frame and returns its result; 0: the record is malformed. */
int observer_parse(const void *record, size_t size, observer_frame on_frame, void *userdata);
/* The bytes with a tag that the kernel keeps outside the frame; `to` has room for 4 bytes more.
 * Returns their number. */
uint32_t observer_add_tag(const struct ul_captured *frame, const uint8_t *bytes, uint8_t *to);
/* Frames that were selected and found no room in the ring. */
uint64_t observer_lost(const struct observer *observer);
/* False: the program on the uplink was replaced, and incoming frames are no longer observed. */
bool observer_is_current(const struct observer *observer);

#endif
