/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The flight recorder: the latest events of the daemon in a file that survives restarts and power
 * cuts.
 *
 *   segment.c  the file format, and reading a file
 *   store.c    appending, rotation, recovery of a damaged file; may wait for the disk
 *   writer.c   the thread that appends
 *   read.c     the latest records, page by page
 *
 * Two files in the state directory, `history` and the full one before it, `history.1`, have at
 * least the last HISTORY_EVENTS records. A file has a header line and one line for each record:
 *
 *   CRC NUMBER JSON    CRC-32 (zlib's crc32()) of the rest of the line, 8 hexadecimal digits;
 *                      number of the record, counted over restarts; the object
 *
 * A file with a damaged line is replaced by one with its valid records and kept as
 * `NAME.damaged`. Any other file is only set aside. The daemon hands its records to
 * the thread and never waits (common/line_writer.h). While the disk is full, records wait in
 * memory, and those that do not fit are counted; the count is recorded when writing succeeds again.
 *
 * A record is {"time" (s, real), "switch", "code", "object", "text", "details" (optional list of
 * lines)}. Callers: daemon/ writes and serves History, ctl/ reads the files of a stopped daemon.
 * Tests: tests/unit/history_*.c, tests/netns/test_history.py.
 */
#ifndef UL_HISTORY_HISTORY_H
#define UL_HISTORY_HISTORY_H

#include <jansson.h>

#include "common/util.h"

#define HISTORY_NAME "history" /* in the state directory */
#define HISTORY_EVENTS 10000   /* that are kept at least, unless the bytes come first */
#define HISTORY_SEGMENT_BYTES (8U << 20)
#define HISTORY_MAX_RECORD (16U << 10) /* bytes of a line */
#define HISTORY_PAGE_MAX 1000	       /* records per call of history_read() */

/* ---- writer.c ---- */
struct history_writer;

struct history_status {
	uint64_t written;  /* records since the start */
	uint64_t lost;	   /* that did not fit into memory while the disk was not writable */
	uint64_t failures; /* attempts to write that failed */
	uint64_t damaged;  /* files that were found damaged and kept aside */
	int error;	   /* of the last attempt; 0: it succeeded */
};

/*
 * Starts the thread. directory: is made if it is missing. report: called by the thread with one
 * sentence about a damaged file, a failure that begins or one that ends. 0 or negative errno.
 */
int history_writer_new(const char *directory, void (*report)(void *userdata, const char *text),
		       void *userdata, struct history_writer **ret);
/* record: borrowed. Does not wait. A record that is longer than HISTORY_MAX_RECORD loses its
 * details. NULL writer: nothing is done. */
void history_writer_add(struct history_writer *writer, json_t *record);
void history_writer_get_status(struct history_writer *writer, struct history_status *ret);
/* Waits at most timeout_ms until everything is written. NULL allowed. */
void history_writer_stop(struct history_writer *writer, uint32_t timeout_ms);

/* ---- read.c ---- */
struct history_page {
	json_t *records;  /* with "number"; the oldest first */
	bool more;	  /* there are later ones */
	uint64_t damaged; /* lines that were skipped in both files */
};

/* The records after a number (0: from the beginning), at most max. 0, -ENOENT: there is no history,
 * -EUCLEAN: the file is not a history, or another negative errno. */
int history_read(const char *directory, uint64_t after, size_t max, struct history_page *ret);

#endif
