/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Active tests of the links to the physical switch (`uplinkctl diagnose --probe`), without sockets:
 * which frames are sent, which received frames are answers, and what follows from them.
 *
 *   pairs      In each VLAN under test a frame of EtherType 88b5 (for local experiments, IEEE 802)
 *              goes from the address of an uplink to that of another one. A switch whose ports are
 *              independent delivers it; one that bundles them does not, because both addresses are
 *              behind the same channel. A frame of the length of the MTU follows.
 *   addresses  An ARP probe (RFC 5227, sender 0.0.0.0) or neighbour solicitation (RFC 4862 5.4) for
 *              an address in its VLAN by each uplink, then an ARP probe padded to the MTU.
 *
 * Each frame is sent PROBE_TRIES times, or until it is answered. Frames between uplinks have a
 * random nonce of the run, and must be in every byte what was sent, by the right uplink and in the
 * right VLAN. Answers of ARP and ND have no place for a nonce: one counts for an address that was
 * asked for, in its VLAN; that of ARP for the uplink to whose address it is sent.
 */
#ifndef UL_RECORDS_PROBE_H
#define UL_RECORDS_PROBE_H

#include <jansson.h>

#include "records/snapshot.h"

#define PROBE_ETHERTYPE 0x88b5
#define PROBE_MAX_VLANS 16
#define PROBE_MAX_TARGETS 16
#define PROBE_TRIES 3
#define PROBE_NONCE_LEN 16
#define PROBE_MAX_FRAME (14 + 4 + 9216)

struct probe_target {
	uint16_t vid; /* 0: untagged */
	bool ipv6;
	uint8_t address[16]; /* IPv4: the first four bytes */
};

struct probe {
	const struct snapshot *snapshot;
	uint8_t nonce[PROBE_NONCE_LEN];
	uint32_t uplinks; /* bit i: uplink i takes part, because it sends and receives */
	uint32_t mtu;	  /* of the switch */
	uint32_t n_vlans, n_targets, n_left_out; /* left out: VLANs beyond PROBE_MAX_VLANS */
	uint16_t vlan[PROBE_MAX_VLANS];
	struct probe_target target[PROBE_MAX_TARGETS];

	/* results; [from][to] */
	bool came[PROBE_MAX_VLANS][UL_MAX_UPLINKS][UL_MAX_UPLINKS];
	bool long_came[UL_MAX_UPLINKS][UL_MAX_UPLINKS]; /* in vlan[0] */
	bool answered[PROBE_MAX_TARGETS][UL_MAX_UPLINKS];
	bool long_answered[PROBE_MAX_TARGETS][UL_MAX_UPLINKS];
	uint32_t forged; /* frames of the EtherType without the nonce or not as they were sent */
};

/* A frame of the plan. target UINT32_MAX: to the uplink `to`, in the VLAN with index vlan. */
struct probe_step {
	uint32_t from, to, vlan, target;
	bool is_long;
};

/* Chooses uplinks and VLANs (of the groups, in order; fewer where the frames would be too many).
 * nonce: random. */
void probe_init(struct probe *probe, const struct snapshot *snapshot,
		const uint8_t nonce[PROBE_NONCE_LEN]);
/* text: "[VLAN:]ADDRESS,..." ; IPv6 as VLAN:[ADDRESS] or with VLAN "0:". 0; -EINVAL: *ret_bad is
 * the wrong part. */
int probe_add_targets(struct probe *probe, const char *text, char ret_bad[64]);

/* The step with this number, in order; false: there are no more. Long frames are last. */
bool probe_step_at(const struct probe *probe, uint32_t number, struct probe_step *ret);
/* Frames that all steps send at most. */
uint32_t probe_count_frames(const struct probe *probe);
/* False: the result of earlier steps makes this one useless (a long frame where short ones do not
 * pass). */
bool probe_is_needed(const struct probe *probe, const struct probe_step *step);
/* Writes the frame, from its destination on, for try 0 - PROBE_TRIES - 1. Returns its length. */
size_t probe_frame(const struct probe *probe, const struct probe_step *step, uint32_t attempt,
		   uint8_t frame[PROBE_MAX_FRAME]);
/* A frame that arrived at an uplink while step was the current one, its outer tag removed: vid is
 * that of the tag, 0 without one. True: it is an answer. Other frames are ignored; those of the
 * EtherType are counted as forged. */
bool probe_receive(struct probe *probe, const struct probe_step *step, uint32_t uplink,
		   uint32_t vid, const uint8_t *frame, size_t length);

/* New array of findings, as of findings_find(). */
json_t *probe_findings(const struct probe *probe);

#endif
