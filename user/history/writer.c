// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <pthread.h>
#include <stdarg.h>
#include <time.h>

#include "common/backoff.h"
#include "common/line_writer.h"
#include "control/event_ring.h"
#include "history/internal.h"

#define RING_BYTES (1U << 20) /* some thousand records, while the disk is not writable */
#define BATCH_BYTES (64U << 10)

struct history_writer {
	struct line_writer *lines;
	void (*report)(void *userdata, const char *text);
	void *userdata;
	/* of the thread */
	struct history_store store;
	uint32_t retry_ms;
	uint64_t noted_lost, noted_damaged;
	/* of both */
	pthread_mutex_t mutex;
	struct history_status status;
};

static void report(struct history_writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void report(struct history_writer *writer, const char *format, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	writer->report(writer->userdata, text);
}

/* ---- the thread ---- */
/* A record of the writer. */
static int append_note(struct history_writer *writer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int append_note(struct history_writer *writer, const char *format, ...)
{
	_cleanup_free_ char *line = NULL;
	json_auto_t *record = NULL;
	char text[400];
	va_list ap;
	int r;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	record = event_record("uplinkd", EVENT_HISTORY, "uplinkd", text);
	line = history_line(record);
	if (!line)
		return -ENOMEM;
	r = history_store_append(&writer->store, line, strlen(line));
	return r;
}

static int append(struct history_writer *writer, const char *lines, size_t length, uint64_t dropped)
{
	int r = 0;

	if (dropped > writer->noted_lost)
		r = append_note(writer,
				"%llu events were not recorded, because the file could not be "
				"written",
				(unsigned long long)(dropped - writer->noted_lost));
	if (r < 0)
		return r;
	writer->noted_lost = dropped;
	return history_store_append(&writer->store, lines, length);
}

static void note_damage(struct history_writer *writer)
{
	if (writer->store.damaged == writer->noted_damaged)
		return;
	writer->noted_damaged = writer->store.damaged;
	report(writer, "%s", writer->store.note);
	(void)append_note(writer, "%s", writer->store.note);
}

static void set_status(struct history_writer *writer, int error, uint64_t n)
{
	pthread_mutex_lock(&writer->mutex);
	writer->status.error = error;
	writer->status.failures += error < 0;
	writer->status.written += error < 0 ? 0 : n;
	writer->status.damaged = writer->store.damaged;
	pthread_mutex_unlock(&writer->mutex);
}

static uint32_t on_write(void *userdata, const char *lines, size_t length, uint64_t dropped)
{
	struct history_writer *writer = userdata;
	bool failed = writer->retry_ms;
	uint64_t n = 0;
	int r = append(writer, lines, length, dropped);

	for (size_t i = 0; i < length; i++)
		n += lines[i] == '\n';
	note_damage(writer);
	set_status(writer, r, n);
	if (r < 0) {
		if (!failed)
			report(writer, "%s: the history cannot be written: %s; it is tried again",
			       writer->store.directory, strerror(-r));
		writer->retry_ms = backoff_next_ms(writer->retry_ms);
		return writer->retry_ms;
	}
	if (failed)
		report(writer, "%s: the history is written again", writer->store.directory);
	writer->retry_ms = 0;
	writer->noted_lost = 0;
	return 0;
}

/* ---- the callers ---- */
int history_writer_new(const char *directory, void (*report_)(void *userdata, const char *text),
		       void *userdata, struct history_writer **ret)
{
	struct history_writer *writer = calloc(1, sizeof(*writer));
	struct line_writer_options options = { .name = "uplinkd/history",
					       .ring_bytes = RING_BYTES,
					       .batch_bytes = BATCH_BYTES,
					       .write = on_write,
					       .userdata = writer };
	int r;

	if (!writer)
		return -ENOMEM;
	writer->report = report_;
	writer->userdata = userdata;
	pthread_mutex_init(&writer->mutex, NULL);
	r = history_store_init(&writer->store, directory);
	if (r == 0)
		r = line_writer_new(&options, &writer->lines);
	if (r < 0) {
		pthread_mutex_destroy(&writer->mutex);
		free(writer);
		return r;
	}
	*ret = writer;
	return 0;
}

char *history_line(json_t *record)
{
	_cleanup_free_ char *text =
		record ? json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(13)) : NULL;
	char *line = NULL;

	return text && asprintf(&line, "%s\n", text) >= 0 ? line : NULL;
}

void history_writer_add(struct history_writer *writer, json_t *record)
{
	_cleanup_free_ char *line = writer ? history_line(record) : NULL;
	json_auto_t *shorter = NULL;

	if (line && strlen(line) > HISTORY_MAX_RECORD) {
		shorter = json_copy(record);
		json_object_del(shorter, "details");
		free(line);
		line = history_line(shorter);
	}
	if (line)
		line_writer_put(writer->lines, line, strlen(line));
}

void history_writer_get_status(struct history_writer *writer, struct history_status *ret)
{
	*ret = (struct history_status){};
	if (!writer)
		return;
	pthread_mutex_lock(&writer->mutex);
	*ret = writer->status;
	pthread_mutex_unlock(&writer->mutex);
	ret->lost = line_writer_dropped(writer->lines);
}

void history_writer_stop(struct history_writer *writer, uint32_t timeout_ms)
{
	/* A thread that waits for the disk uses the writer until the process ends. */
	if (!writer || !line_writer_stop(writer->lines, timeout_ms))
		return;
	history_store_close(&writer->store);
	pthread_mutex_destroy(&writer->mutex);
	free(writer);
}
