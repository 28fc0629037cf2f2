/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The latest events, for `uplinkctl monitor --past`. Full, the ring drops the oldest event of the
 * code that has the most: a flood of one kind of event pushes out its own kind only, and each code
 * keeps at least its latest EVENT_RING_SIZE / N_EVENT_CODES.
 */
#ifndef UL_CONTROL_EVENT_RING_H
#define UL_CONTROL_EVENT_RING_H

#include <jansson.h>

#include "common/util.h"
#include "events.h"

#define EVENT_RING_SIZE 1024

struct kept_event {
	json_t *event;
	enum event_code code;
};

struct event_ring {
	struct kept_event kept[EVENT_RING_SIZE]; /* the first n_kept, the oldest first */
	size_t n_kept;
	uint32_t n_of_code[N_EVENT_CODES]; /* among them */
	uint64_t n;			   /* since the start: the number of the next one */
};

/* The stable name of a code, such as "uplink-state". */
const char *event_code_name(enum event_code code);

/* A new {"time" (s), "switch", "code", "object", "text"} of this moment. NULL: out of memory. */
json_t *event_record(const char *switch_name, enum event_code code, const char *object,
		     const char *text);

/* A new {"number", ...} with the members of event_record(), which is also kept. NULL: out of
 * memory. */
json_t *event_ring_add(struct event_ring *ring, const char *switch_name, enum event_code code,
		       const char *object, const char *text);
/* A new array of the kept events, the oldest first. */
json_t *event_ring_list(const struct event_ring *ring);
void event_ring_done(struct event_ring *ring);

#endif
