// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "control/event_ring.h"

#include <time.h>

const char *event_code_name(enum event_code code)
{
	/* clang-format off */
	static const char *const names[N_EVENT_CODES] = {
#define X(NAME, code, level, help) [EVENT_##NAME] = code,
		UL_EVENTS(X)
#undef X
	};
	/* clang-format on */

	return names[code];
}

/* Drops the oldest event of the code that has the most. */
static void drop_one(struct event_ring *ring)
{
	size_t most = 0, at = 0;

	for (size_t code = 1; code < N_EVENT_CODES; code++)
		if (ring->n_of_code[code] > ring->n_of_code[most])
			most = code;
	while (ring->kept[at].code != (enum event_code)most)
		at++;
	json_decref(ring->kept[at].event);
	ring->n_of_code[most]--;
	ring->n_kept--;
	memmove(&ring->kept[at], &ring->kept[at + 1], (ring->n_kept - at) * sizeof(ring->kept[0]));
}

json_t *event_record(const char *switch_name, enum event_code code, const char *object,
		     const char *text)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return json_pack("{s:f, s:s, s:s, s:s, s:s}", "time",
			 (double)now.tv_sec + (double)now.tv_nsec / 1e9, "switch", switch_name,
			 "code", event_code_name(code), "object", object, "text", text);
}

json_t *event_ring_add(struct event_ring *ring, const char *switch_name, enum event_code code,
		       const char *object, const char *text)
{
	json_t *event = event_record(switch_name, code, object, text);

	if (!event)
		return NULL;
	json_object_set_new(event, "number", json_integer((json_int_t)ring->n));
	if (ring->n_kept == EVENT_RING_SIZE)
		drop_one(ring);
	ring->n++;
	ring->n_of_code[code]++;
	ring->kept[ring->n_kept++] =
		(struct kept_event){ .event = json_incref(event), .code = code };
	return event;
}

json_t *event_ring_list(const struct event_ring *ring)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ring->n_kept; i++)
		json_array_append(list, ring->kept[i].event);
	return list;
}

void event_ring_done(struct event_ring *ring)
{
	for (size_t i = 0; i < ring->n_kept; i++)
		json_decref(ring->kept[i].event);
	ring->n_kept = 0;
}
