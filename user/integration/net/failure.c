// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/failure.h"

#include <stdarg.h>

#include "common/util.h"

static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? "; " : "", more);
	text_make_ascii(text + used);
}

int failure_set(struct failure *failure, unsigned int code, int error, const char *format, ...)
{
	char text[sizeof(failure->message)];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (error < 0 && n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror(-error));
	if (failure->code) {
		append(failure->details, sizeof(failure->details), text);
	} else {
		failure->code = code;
		append(failure->message, sizeof(failure->message), text);
	}
	return error < 0 ? error : -EINVAL;
}
