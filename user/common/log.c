// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/log.h"

#include <stdarg.h>

#include "common/line_writer.h"
#include "common/util.h"

#define RING_BYTES (128 * 1024)
#define LINE_BYTES 1024

static enum log_level log_threshold = LOG_LEVEL_INFO;

static struct line_writer *writer; /* NULL: the caller writes */

void log_set_level(enum log_level level)
{
	log_threshold = level;
}

int log_level_from_string(const char *name, enum log_level *ret)
{
	static const struct {
		const char *name;
		enum log_level level;
		/* clang-format off */
	} levels[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*ret = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- one line ---- */
/* As one write, so that lines of several processes on one journal do not mix. */
static void write_line(const char *line, size_t length)
{
	ssize_t n;

	do
		n = write(STDERR_FILENO, line, length);
	while (n < 0 && errno == EINTR);
}

static size_t make_line(char line[LINE_BYTES], enum log_level level, const char *text)
{
	int n = isatty(STDERR_FILENO) ? snprintf(line, LINE_BYTES, "%s", text) :
					snprintf(line, LINE_BYTES, "<%d>%s", (int)level, text);
	size_t length = n < LINE_BYTES - 1 ? (size_t)n : LINE_BYTES - 2;

	line[length++] = '\n';
	line[length] = '\0';
	return length;
}

/* ---- the thread ---- */
static uint32_t write_lines(void *userdata, const char *lines, size_t length, uint64_t dropped)
{
	char note[LINE_BYTES], text[128];

	(void)userdata;
	if (dropped) {
		snprintf(text, sizeof(text),
			 "log: dropped %llu lines, because its reader was too slow",
			 (unsigned long long)dropped);
		write_line(note, make_line(note, LOG_LEVEL_WARNING, text));
	}
	write_line(lines, length);
	return 0;
}

int log_writer_start(void)
{
	const struct line_writer_options options = { .name = "uplinkd/log",
						     .ring_bytes = RING_BYTES,
						     .batch_bytes = LINE_BYTES,
						     .write = write_lines };

	return line_writer_new(&options, &writer);
}

void log_writer_stop(uint32_t timeout_ms)
{
	if (writer)
		(void)line_writer_stop(writer, timeout_ms);
	writer = NULL;
}

uint64_t log_writer_dropped(void)
{
	return writer ? line_writer_dropped(writer) : 0;
}

/* ---- for everyone ---- */
int log_full(enum log_level level, int error, const char *format, ...)
{
	char text[LINE_BYTES], line[LINE_BYTES];
	size_t length;
	va_list ap;
	int n;

	if (level > log_threshold)
		return error;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0)
		return error;
	if (error < 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror(-error));
	length = make_line(line, level, text_make_printable(text));
	if (writer)
		line_writer_put(writer, line, length);
	else
		write_line(line, length);
	return error;
}
