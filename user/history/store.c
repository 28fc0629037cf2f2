// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Appending to the file. A batch of records is written at the known end of the file, so a write
 * that fails or ends in the middle is repeated at the same place. A power cut leaves at most a torn
 * line at the end, which the next start finds.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "history/internal.h"

#define NEW_NAME HISTORY_NAME ".new"

int history_store_init(struct history_store *store, const char *directory)
{
	*store = (struct history_store){ .directory_fd = -1, .fd = -1, .next = 1 };
	if ((size_t)snprintf(store->directory, sizeof(store->directory), "%s", directory) >=
	    sizeof(store->directory))
		return -ENAMETOOLONG;
	return 0;
}

void history_store_close(struct history_store *store)
{
	ul_closep(&store->fd);
	ul_closep(&store->directory_fd);
	store->fd = store->directory_fd = -1;
}

/* ---- bytes ---- */
static int write_at(int fd, const char *bytes, size_t length, size_t offset)
{
	while (length) {
		ssize_t n = pwrite(fd, bytes, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes += n;
		length -= (size_t)n;
		offset += (size_t)n;
	}
	return fdatasync(fd) < 0 ? -errno : 0;
}

/* Creates NEW_NAME with its header. */
static int create(int directory_fd, int *ret)
{
	_cleanup_close_ int fd = openat(directory_fd, NEW_NAME,
					O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
					0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_at(fd, SEGMENT_HEADER, SEGMENT_HEADER_LEN, 0);
	if (r < 0)
		return r;
	*ret = TAKE_FD(fd);
	return 0;
}

/* The file gets its name when it has its header: one without is not a history. */
static int create_named(int directory_fd, int *ret)
{
	_cleanup_close_ int fd = -1;
	int r = create(directory_fd, &fd);

	if (r < 0)
		return r;
	if (renameat(directory_fd, NEW_NAME, directory_fd, HISTORY_NAME) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

/* ---- damaged files ---- */
static void note(struct history_store *store, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct history_store *store, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(store->note, sizeof(store->note), format, ap);
	va_end(ap);
	store->damaged++;
}

static int set_aside(struct history_store *store, const char *name)
{
	char aside[32];

	snprintf(aside, sizeof(aside), "%s.damaged", name);
	if (renameat(store->directory_fd, name, store->directory_fd, aside) < 0)
		return -errno;
	note(store, "%s/%s: is not a history of uplinkd; kept as %s", store->directory, name,
	     aside);
	return 0;
}

/* Writes the valid records of a segment to a new file. */
static int copy_valid(struct history_store *store, const struct segment *segment)
{
	struct segment_cursor cursor = {};
	struct segment_record record;
	size_t offset = SEGMENT_HEADER_LEN, length = 0;
	_cleanup_free_ char *lines = malloc(segment->size + SEGMENT_PREFIX_MAX);
	_cleanup_close_ int fd = -1;
	int r = lines ? create(store->directory_fd, &fd) : -ENOMEM;

	if (r < 0)
		return r;
	while (segment_next(segment, &cursor, &record))
		length += segment_format(record.number, record.json, record.length, lines + length);
	return write_at(fd, lines, length, offset);
}

/* Replaces a damaged file by its valid records. At any moment one of the two has the name. */
static int repair(struct history_store *store, const char *name, const struct segment *segment,
		  uint64_t n_valid)
{
	int directory = store->directory_fd, r = copy_valid(store, segment);
	char aside[32];

	if (r < 0)
		return r;
	snprintf(aside, sizeof(aside), "%s.damaged", name);
	if (unlinkat(directory, aside, 0) < 0 && errno != ENOENT)
		return -errno;
	/* without hard links: the name is missing for a moment */
	if (linkat(directory, name, directory, aside, 0) < 0 &&
	    renameat(directory, name, directory, aside) < 0)
		return -errno;
	if (renameat(directory, NEW_NAME, directory, name) < 0)
		return -errno;
	note(store, "%s/%s: was damaged; its %llu valid records are used, the file is kept as %s",
	     store->directory, name, (unsigned long long)n_valid, aside);
	return 0;
}

/* ---- opening ---- */
/* Takes over the numbers of a file, which is repaired if necessary. 0, -ENOENT or another negative
 * errno. */
static int check_file(struct history_store *store, const char *name)
{
	struct segment_cursor cursor = {};
	struct segment_record record;
	struct segment segment;
	uint64_t n = 0;
	int r = segment_load(store->directory_fd, name, &segment);

	if (r == -EUCLEAN) {
		r = set_aside(store, name);
		return r < 0 ? r : -ENOENT;
	}
	if (r < 0)
		return r;
	while (segment_next(&segment, &cursor, &record))
		n++;
	if (cursor.damaged || cursor.torn)
		r = repair(store, name, &segment, n);
	segment_done(&segment);
	if (r < 0)
		return r;
	store->n = n;
	if (cursor.last >= store->next)
		store->next = cursor.last + 1;
	return 0;
}

static int open_directory(struct history_store *store)
{
	if (mkdir(store->directory, 0700) < 0 && errno != EEXIST)
		return -errno;
	store->directory_fd = open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store->directory_fd < 0 ? -errno : 0;
}

static int open_files(struct history_store *store)
{
	struct stat st;
	int r = open_directory(store);

	if (r == 0)
		r = check_file(store, HISTORY_OLD_NAME);
	if (r == 0 || r == -ENOENT)
		r = check_file(store, HISTORY_NAME);
	if (r == -ENOENT) {
		store->n = 0;
		r = create_named(store->directory_fd, &store->fd);
	} else if (r == 0) {
		store->fd = openat(store->directory_fd, HISTORY_NAME,
				   O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
		r = store->fd < 0 ? -errno : 0;
	}
	if (r == 0 && fstat(store->fd, &st) < 0)
		r = -errno;
	if (r == 0)
		store->size = (size_t)st.st_size;
	if (r < 0)
		history_store_close(store);
	return r;
}

/* The file was removed or replaced. */
static bool is_gone(const struct history_store *store)
{
	struct stat own, named;

	return fstat(store->fd, &own) < 0 ||
	       fstatat(store->directory_fd, HISTORY_NAME, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	       own.st_ino != named.st_ino || own.st_dev != named.st_dev ||
	       (uint64_t)own.st_size < store->size;
}

static int rotate(struct history_store *store)
{
	if (renameat(store->directory_fd, HISTORY_NAME, store->directory_fd, HISTORY_OLD_NAME) < 0)
		return -errno;
	ul_closep(&store->fd);
	store->fd = -1;
	store->n = 0;
	store->size = SEGMENT_HEADER_LEN;
	return create_named(store->directory_fd, &store->fd);
}

static int make_ready(struct history_store *store)
{
	int r = 0;

	if (store->fd >= 0 && is_gone(store))
		history_store_close(store);
	if (store->fd < 0) {
		history_store_close(store);
		r = open_files(store);
	}
	if (r == 0 && (store->n >= HISTORY_EVENTS || store->size >= HISTORY_SEGMENT_BYTES))
		r = rotate(store);
	return r;
}

/* ---- appending ---- */
/* Formats the lines into out, which is large enough. */
static size_t format_lines(const struct history_store *store, const char *lines, size_t length,
			   char *out, uint64_t *ret_n)
{
	const char *end = lines + length;
	size_t n_bytes = 0;

	*ret_n = 0;
	while (lines < end) {
		const char *feed = memchr(lines, '\n', (size_t)(end - lines));

		n_bytes += segment_format(store->next + *ret_n, lines, (size_t)(feed - lines),
					  out + n_bytes);
		lines = feed + 1;
		++*ret_n;
	}
	return n_bytes;
}

static size_t count_lines(const char *lines, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
		n += lines[i] == '\n';
	return n;
}

int history_store_append(struct history_store *store, const char *lines, size_t length)
{
	_cleanup_free_ char *out =
		malloc(length + count_lines(lines, length) * SEGMENT_PREFIX_MAX + 1);
	uint64_t n;
	size_t n_bytes;
	int r = out ? make_ready(store) : -ENOMEM;

	if (r < 0)
		return r;
	n_bytes = format_lines(store, lines, length, out, &n);
	r = write_at(store->fd, out, n_bytes, store->size);
	if (r < 0) {
		/* a partial line is not a record; the next attempt overwrites it */
		if (ftruncate(store->fd, (off_t)store->size) < 0)
			history_store_close(store);
		return r;
	}
	store->size += n_bytes;
	store->n += n;
	store->next += n;
	return 0;
}
