/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The reference model: what must become of a frame, by the semantics of the design and not by the
 * programs' sources. */
#ifndef UL_TESTS_BPF_MODEL_H
#define UL_TESTS_BPF_MODEL_H

#include "sw.h"

enum model_program { MODEL_PORT_TC, MODEL_UPLINK_XDP, MODEL_UPLINK_TC };

#define MODEL_GSO_SIZE 1448 /* of the super-frames that TEST_RUN gets */

enum model_verdict { MODEL_DROP, MODEL_PASS, MODEL_REDIRECT };

struct model_input {
	enum model_program program;
	/* UL_ENDPOINT_NONE: an interface that is not a member in the program's role */
	uint32_t endpoint;
	const uint8_t *data; /* the frame as on the wire, tags included */
	uint32_t len;
	uint32_t segments; /* of a GSO or GRO super-frame; 0: an ordinary frame */
	/* the kernel keeps the outer tag apart from the data: it does not count as length */
	bool offloaded_tag;
	/* from an uplink: a port sent this group-addressed frame, or a unicast frame with this
	 * source, in this VLAN just now */
	bool sent;
	bool heard; /* from a port: this source was heard from outside just now */
};

/* A frame that leaves: the one that came in, without its outer tag (strip), then with another one
 * (push). */
struct model_copy {
	uint32_t endpoint;
	bool strip, push;
	uint16_t tci;
};

struct model_count {
	uint32_t endpoint;
	enum ul_reason reason;
};

struct model_result {
	enum model_verdict verdict;
	bool strips;	   /* MODEL_PASS: the frame loses its priority tag */
	uint32_t n_copies; /* MODEL_REDIRECT: the last one is the frame itself */
	struct model_copy copy[SW_UPLINKS + SW_PORTS];
	uint32_t n_counts;
	struct model_count count[SW_UPLINKS + SW_PORTS + 6];
	uint64_t packets, bytes; /* that each of the counters grows by */
	uint32_t event_kind;	 /* enum ul_event_kind; 0: no struct ul_event is sent */
	uint32_t event_port;
	uint16_t event_vid;
	/* what the programs record of addresses */
	bool confirms;			/* the own address of the port */
	int used_here, used_outside;	/* index in sw.learned; -1: none */
	bool notes_sent, notes_outside; /* the frame or source in ul_sent, ul_outside */
};

void model_run(const struct sw *sw, const struct model_input *in, struct model_result *out);

/* Writes the frame that leaves by a copy; room for in->len + 4. Returns its length. */
uint32_t model_materialize(const struct model_input *in, const struct model_copy *copy,
			   uint8_t *out);

#endif
