/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A list of error messages. Library code appends the reason of a failure and returns the errno;
 * the entry points (daemon, uplinkctl) print or send the list. Messages have the form
 * "OBJECT: what failed: reason; remedy".
 */
#ifndef UL_COMMON_ERRORS_H
#define UL_COMMON_ERRORS_H

#include <stddef.h>

struct errors {
	char **messages;
	size_t n;
};

/*
 * Appends a message and returns error, so that "return errors_add(errors, r, ...)" works. A
 * negative error appends ": " and its text; with 0 the message stands alone. errors may be NULL.
 * A message that cannot be stored for lack of memory is dropped.
 */
int errors_add(struct errors *errors, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Moves all messages of from to the end of to; from is empty afterwards. */
void errors_move(struct errors *to, struct errors *from);

/* Frees all messages; the list is empty afterwards. NULL allowed. */
void errors_done(struct errors *errors);

#endif
