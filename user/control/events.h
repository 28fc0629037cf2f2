/* SPDX-License-Identifier: GPL-2.0 */
/* What happened lately, for those who look later. */
#ifndef UL_CONTROL_EVENTS_H
#define UL_CONTROL_EVENTS_H

#include <jansson.h>

#include "common/util.h"

#define EVENTS_KEPT 1024

struct events {
	json_t *kept[EVENTS_KEPT]; /* ring; NULL: not used yet */
	uint64_t n;		   /* of all since the start: the number of the next one */
};

/* A new {"number", "time", "switch", "object", "text"}, which is kept too; NULL without memory. */
json_t *events_add(struct events *events, const char *switch_name, const char *object,
		   const char *text);
/* A new array of those that are kept, the oldest first. */
json_t *events_list(const struct events *events);
void events_done(struct events *events);

#endif
