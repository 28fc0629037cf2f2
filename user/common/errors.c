// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/errors.h"

#include <stdarg.h>

#include "common/util.h"

static int append(struct errors *errors, char *message)
{
	char **messages = reallocarray(errors->messages, errors->n + 1, sizeof(*messages));

	if (!messages)
		return -ENOMEM;
	errors->messages = messages;
	errors->messages[errors->n++] = message;
	return 0;
}

int errors_add(struct errors *errors, int error, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	char *message = NULL;
	va_list ap;
	int n;

	if (!errors)
		return error;
	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return error;
	}
	if (error < 0) {
		if (asprintf(&message, "%s: %s", text, strerror(-error)) < 0)
			return error;
	} else {
		message = TAKE_PTR(text);
	}
	if (append(errors, text_make_printable(message)) < 0)
		free(message);
	return error;
}

void errors_move(struct errors *to, struct errors *from)
{
	for (size_t i = 0; i < from->n; i++) {
		if (append(to, from->messages[i]) < 0)
			free(from->messages[i]);
	}
	free(from->messages);
	*from = (struct errors){ 0 };
}

void errors_done(struct errors *errors)
{
	if (!errors)
		return;
	for (size_t i = 0; i < errors->n; i++)
		free(errors->messages[i]);
	free(errors->messages);
	*errors = (struct errors){ 0 };
}
