// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/line_writer.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "common/util.h"

struct line_writer {
	struct line_writer_options options;
	pthread_mutex_t mutex;
	pthread_cond_t filled, emptied;
	pthread_t thread;
	bool stopping;
	bool writing;	/* the thread has taken lines and not written them yet */
	size_t head, n; /* of bytes */
	uint64_t dropped, dropped_reported;
	char *batch;
	char ring[];
};

static struct timespec in_ms(uint32_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* ---- the ring; all with the mutex held ---- */
/* Length of the line at an offset, which is whole. */
static size_t line_at(const struct line_writer *writer, size_t offset)
{
	size_t size = writer->options.ring_bytes, at = (writer->head + offset) % size;
	const char *feed = memchr(writer->ring + at, '\n', size - at);

	if (feed)
		return (size_t)(feed - (writer->ring + at)) + 1;
	feed = memchr(writer->ring, '\n', at);
	return size - at + (size_t)(feed - writer->ring) + 1;
}

/* Moves the oldest lines that fit to the batch. */
static size_t take_batch(struct line_writer *writer)
{
	size_t size = writer->options.ring_bytes, length = 0, first;

	while (length < writer->n) {
		size_t line = line_at(writer, length);

		if (length + line > writer->options.batch_bytes)
			break;
		length += line;
	}
	first = size - writer->head < length ? size - writer->head : length;
	memcpy(writer->batch, writer->ring + writer->head, first);
	memcpy(writer->batch + first, writer->ring, length - first);
	writer->head = (writer->head + length) % writer->options.ring_bytes;
	writer->n -= length;
	return length;
}

/* Until the writer is to stop or the time has passed. */
static void pause_ms(struct line_writer *writer, uint32_t ms)
{
	struct timespec end = in_ms(ms);

	while (!writer->stopping)
		if (pthread_cond_timedwait(&writer->filled, &writer->mutex, &end))
			break;
}

/* Writes the batch, however often that takes. Returns false when the writer is to stop and it
 * could not be written. */
static bool write_batch(struct line_writer *writer, size_t length)
{
	for (;;) {
		uint64_t dropped = writer->dropped;
		bool last = writer->stopping;
		uint32_t retry_ms;

		pthread_mutex_unlock(&writer->mutex);
		retry_ms = writer->options.write(writer->options.userdata, writer->batch, length,
						 dropped - writer->dropped_reported);
		pthread_mutex_lock(&writer->mutex);
		if (!retry_ms) {
			writer->dropped_reported = dropped;
			return true;
		}
		if (last)
			return false;
		pause_ms(writer, retry_ms);
	}
}

static void *run(void *userdata)
{
	struct line_writer *writer = userdata;

	prctl(PR_SET_NAME, writer->options.name);
	pthread_mutex_lock(&writer->mutex);
	for (;;) {
		size_t length;
		bool written;

		while (!writer->n && !writer->stopping)
			pthread_cond_wait(&writer->filled, &writer->mutex);
		if (!writer->n)
			break;
		length = take_batch(writer);
		writer->writing = true;
		written = write_batch(writer, length);
		writer->writing = false;
		if (!written)
			writer->n = 0;
		pthread_cond_signal(&writer->emptied);
	}
	pthread_mutex_unlock(&writer->mutex);
	return NULL;
}

/* ---- the callers ---- */
static int start_thread(struct line_writer *writer)
{
	pthread_condattr_t attributes;
	sigset_t all, before;
	int r;

	pthread_mutex_init(&writer->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->filled, &attributes);
	pthread_cond_init(&writer->emptied, &attributes);
	pthread_condattr_destroy(&attributes);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&writer->thread, NULL, run, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static void free_writer(struct line_writer *writer)
{
	free(writer->batch);
	free(writer);
}

int line_writer_new(const struct line_writer_options *options, struct line_writer **ret)
{
	struct line_writer *writer = calloc(1, sizeof(*writer) + options->ring_bytes);
	int r;

	if (!writer)
		return -ENOMEM;
	writer->options = *options;
	writer->batch = malloc(options->batch_bytes);
	r = writer->batch ? start_thread(writer) : -ENOMEM;
	if (r < 0) {
		free_writer(writer);
		return r;
	}
	*ret = writer;
	return 0;
}

void line_writer_put(struct line_writer *writer, const char *line, size_t length)
{
	size_t size = writer->options.ring_bytes, tail, first;

	pthread_mutex_lock(&writer->mutex);
	tail = (writer->head + writer->n) % size;
	first = length < size - tail ? length : size - tail;
	if (length > size - writer->n || length > writer->options.batch_bytes) {
		writer->dropped++;
	} else {
		memcpy(writer->ring + tail, line, first);
		memcpy(writer->ring, line + first, length - first);
		writer->n += length;
		pthread_cond_signal(&writer->filled);
	}
	pthread_mutex_unlock(&writer->mutex);
}

uint64_t line_writer_dropped(struct line_writer *writer)
{
	uint64_t n;

	pthread_mutex_lock(&writer->mutex);
	n = writer->dropped;
	pthread_mutex_unlock(&writer->mutex);
	return n;
}

bool line_writer_stop(struct line_writer *writer, uint32_t timeout_ms)
{
	struct timespec end = in_ms(timeout_ms);
	bool empty;

	pthread_mutex_lock(&writer->mutex);
	writer->stopping = true;
	pthread_cond_signal(&writer->filled);
	while (writer->n || writer->writing)
		if (pthread_cond_timedwait(&writer->emptied, &writer->mutex, &end))
			break;
	empty = !writer->n && !writer->writing;
	pthread_mutex_unlock(&writer->mutex);
	if (!empty) {
		pthread_detach(writer->thread);
		return false;
	}
	pthread_join(writer->thread, NULL);
	pthread_cond_destroy(&writer->filled);
	pthread_cond_destroy(&writer->emptied);
	pthread_mutex_destroy(&writer->mutex);
	free_writer(writer);
	return true;
}
