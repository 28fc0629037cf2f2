/* SPDX-License-Identifier: GPL-2.0 */
/* Mistakes with the place that they were found in. */
#ifndef UL_CONFIG_REPORT_H
#define UL_CONFIG_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "config/model.h"

#define REPORT_PATH_LEN 256
#define REPORT_MISTAKE_LEN 640 /* of a message that must hold a list of uplinks */
#define REPORT_MAX_MISTAKES \
	1000 /* what nobody would read; bounds the memory that a hostile file takes */

struct report {
	struct config_errors *errors;
	const char *file; /* NULL: a request, not a file; places are then told by name and not by
			     path */
	size_t n;	  /* mistakes so far, also when one could not be kept for want of memory */
	size_t length;	  /* of path */
	char path[REPORT_PATH_LEN]; /* "switches[0].port-groups[1]" */
};

/* Appends to the path; returns the length to give to report_leave(). */
size_t report_enter(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void report_leave(struct report *report, size_t length);

/* Adds "FILE: PATH.KEY: ...". key may be NULL. */
void report_mistake(struct report *report, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
