/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Lines that a thread writes, so that the threads that make them never wait for a disk or for a
 * reader: the log (log.h) and the history (history/history.h). A line goes into a ring of bytes; a
 * line that finds the ring full is dropped and counted.
 *
 * Tests: tests/unit/common_log.c, tests/unit/history_writer.c.
 */
#ifndef UL_COMMON_LINE_WRITER_H
#define UL_COMMON_LINE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_writer;

struct line_writer_options {
	const char *name; /* of the thread, at most 15 characters */
	size_t ring_bytes;
	size_t batch_bytes; /* longest line, and most that write() gets at once */
	/*
	 * Called by the thread with one or more whole lines, each with its line feed, and with the
	 * number of lines that were dropped before them. Returns 0, or after how many ms the same
	 * lines are to be written again.
	 */
	uint32_t (*write)(void *userdata, const char *lines, size_t length, uint64_t dropped);
	void *userdata;
};

/* Starts the thread. 0 or negative errno. */
int line_writer_new(const struct line_writer_options *options, struct line_writer **ret);
/* line: length bytes, the last of which is the only line feed. Does not wait. */
void line_writer_put(struct line_writer *writer, const char *line, size_t length);
/* Lines dropped since the start. */
uint64_t line_writer_dropped(struct line_writer *writer);
/*
 * Waits at most timeout_ms until all lines are written. True: the thread has ended and the writer
 * is freed. False: the thread still runs and uses userdata until the end of the process; nothing is
 * to be put any longer.
 */
bool line_writer_stop(struct line_writer *writer, uint32_t timeout_ms);

#endif
