/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Part of the reference model: what a frame is, without the switch. */
#ifndef UL_TESTS_BPF_MODEL_FRAME_H
#define UL_TESTS_BPF_MODEL_FRAME_H

#include "flow_hash.h"
#include "model.h"

struct view { /* what the model sees of a frame */
	const uint8_t *dst, *src;
	bool tagged, service;
	uint16_t tci, vid;
	uint16_t type; /* behind the outer tag */
	uint32_t l3;
};

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

bool tag_type(uint16_t type);
bool is_group(const uint8_t *mac);
bool is_zero(const uint8_t *mac);
bool is_reserved(const uint8_t *mac);

/* false: the frame ends before. */
bool model_see(const struct model_input *in, struct view *f);
struct ul_flow model_flow(const struct model_input *in, const struct view *f, bool with_ports);
bool model_is_tcp(const struct model_input *in, const struct view *f);

/* A tag that is none of ours in front of the frame. */
bool has_foreign_tag(const struct view *f);
/* A switch that takes a priority tag off would obey the one behind it. */
bool hides_tag(const struct view *f);
/* From an uplink: for the daemon or the host. */
bool is_control(const struct view *f);
/* From a port: the reason against what only switches send, or UL_R_SENT. */
enum ul_reason model_switch_protocol(const struct model_input *in, const struct view *f);

#endif
