// SPDX-License-Identifier: GPL-2.0
#include "config/report.h"

#include <stdarg.h>

#include "common/util.h"

static void errors_append(struct config_errors *errors, char *message)
{
	char **messages = reallocarray(errors->messages, errors->n + 1, sizeof(*messages));

	if (!messages) {
		free(message);
		return;
	}
	errors->messages = messages;
	errors->messages[errors->n++] = message;
}

void config_error_add(struct config_errors *errors, const char *format, ...)
{
	va_list ap;
	char *message;
	int n;

	if (!errors)
		return;
	va_start(ap, format);
	n = vasprintf(&message, format, ap);
	va_end(ap);
	if (n >= 0)
		errors_append(errors, message);
}

void config_errors_done(struct config_errors *errors)
{
	if (!errors)
		return;
	for (size_t i = 0; i < errors->n; i++)
		free(errors->messages[i]);
	free(errors->messages);
	*errors = (struct config_errors){ 0 };
}

size_t report_enter(struct report *report, const char *format, ...)
{
	size_t before = report->length, left = sizeof(report->path) - before;
	va_list ap;
	int n;

	if (before > 0 && format[0] != '[' && left > 1) {
		report->path[report->length++] = '.';
		left--;
	}
	va_start(ap, format);
	n = vsnprintf(report->path + report->length, left, format, ap);
	va_end(ap);
	if (n > 0)
		report->length += (size_t)n < left ? (size_t)n : left - 1;
	return before;
}

void report_leave(struct report *report, size_t length)
{
	report->length = length;
	report->path[length] = '\0';
}

void report_mistake(struct report *report, const char *key, const char *format, ...)
{
	const char *dot = key && report->length ? "." : "";
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	if (report->n++ >= REPORT_MAX_MISTAKES) {
		if (report->n == REPORT_MAX_MISTAKES + 1)
			config_error_add(report->errors,
					 "%s: more than %d mistakes; the others are not shown",
					 report->file ? report->file : report->path,
					 REPORT_MAX_MISTAKES);
		return;
	}

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}
	config_error_add(report->errors, "%s%s%s%s%s%s%s", report->file ? report->file : "",
			 report->file ? ": " : "", report->path, dot, key ? key : "",
			 report->length || key ? ": " : "", text);
}
