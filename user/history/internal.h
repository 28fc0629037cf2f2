/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* What the files of history/ share. */
#ifndef UL_HISTORY_INTERNAL_H
#define UL_HISTORY_INTERNAL_H

#include "history/history.h"

#define SEGMENT_HEADER "uplinkd-history 1\n"
#define SEGMENT_HEADER_LEN (sizeof(SEGMENT_HEADER) - 1)
/* Largest file that is read: a segment may exceed its limit by one batch. */
#define SEGMENT_MAX_BYTES (HISTORY_SEGMENT_BYTES + (1U << 20))
#define HISTORY_OLD_NAME HISTORY_NAME ".1"
/* "CRC NUMBER " */
#define SEGMENT_PREFIX_MAX (8 + 1 + 20 + 1)

/* ---- segment.c ---- */
/* The content of a file. */
struct segment {
	char *data;
	size_t size;
};

struct segment_record {
	uint64_t number;
	const char *json; /* length bytes, not terminated */
	size_t length;
};

/* Where a scan is. Zero at its beginning. */
struct segment_cursor {
	size_t offset;
	uint64_t last;	  /* number of the last valid record */
	uint64_t damaged; /* lines that are not records, or not in order */
	bool torn;	  /* the last line has no end: it is being written, or never was */
};

/* 0; -ENOENT; -EUCLEAN: no regular file, too large, or without the header; other negative errno.
 * *ret is to be freed by segment_done() on success. */
int segment_load(int directory_fd, const char *name, struct segment *ret);
void segment_done(struct segment *segment);
/* The next valid record; false: there is none. */
bool segment_next(const struct segment *segment, struct segment_cursor *cursor,
		  struct segment_record *ret);
/* Writes the line of a record to at, which has room for SEGMENT_PREFIX_MAX + length + 1 bytes.
 * Returns its length. */
size_t segment_format(uint64_t number, const char *json, size_t length, char *at);

/* ---- writer.c ---- */
/* The record as a line with its line feed, to be freed; NULL: no record, or no memory. */
char *history_line(json_t *record);

/* ---- store.c ---- */
struct history_store {
	char directory[256];
	int directory_fd, fd; /* -1: not open */
	uint64_t next;	      /* number of the next record */
	uint64_t n;	      /* records in the file */
	size_t size;	      /* its bytes */
	uint64_t damaged;     /* files that were kept aside since the start */
	char note[256];	      /* about the last of them; "": reported already */
};

/* 0 or -ENAMETOOLONG. Opens nothing. */
int history_store_init(struct history_store *store, const char *directory);
/* Appends records: objects of JSON in one line each. All or none of them. 0 or negative errno. */
int history_store_append(struct history_store *store, const char *lines, size_t length);
void history_store_close(struct history_store *store);

#endif
