// SPDX-License-Identifier: GPL-2.0
#include "control/events.h"

#include <time.h>

json_t *events_add(struct events *events, const char *switch_name, const char *object,
		   const char *text)
{
	json_t **place = &events->kept[events->n % EVENTS_KEPT];
	struct timespec now;
	json_t *event;

	clock_gettime(CLOCK_REALTIME, &now);
	event = json_pack("{s:I, s:f, s:s, s:s, s:s}", "number", (json_int_t)events->n, "time",
			  (double)now.tv_sec + (double)now.tv_nsec / 1e9, "switch", switch_name,
			  "object", object, "text", text);
	if (!event)
		return NULL;
	events->n++;
	json_decref(*place);
	*place = json_incref(event);
	return event;
}

json_t *events_list(const struct events *events)
{
	json_t *list = json_array();
	uint64_t first = events->n > EVENTS_KEPT ? events->n - EVENTS_KEPT : 0;

	for (uint64_t i = first; i < events->n; i++)
		json_array_append(list, events->kept[i % EVENTS_KEPT]);
	return list;
}

void events_done(struct events *events)
{
	for (size_t i = 0; i < EVENTS_KEPT; i++)
		json_decref(events->kept[i]);
}
