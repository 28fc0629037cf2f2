// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

#include "history/internal.h"

/* ---- reading ---- */
/* Up to one byte more than the size, so that a file that grows meanwhile is read to its end. */
static int read_all(int fd, struct segment *segment)
{
	for (;;) {
		ssize_t n = pread(fd, segment->data + segment->size,
				  SEGMENT_MAX_BYTES - segment->size, (off_t)segment->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		segment->size += (size_t)n;
	}
}

int segment_load(int directory_fd, const char *name, struct segment *ret)
{
	/* O_NONBLOCK: a FIFO must not stop the reader */
	_cleanup_close_ int fd =
		openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct segment segment = {};
	struct stat st;
	int r;

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EUCLEAN : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > SEGMENT_MAX_BYTES)
		return -EUCLEAN;
	segment.data = malloc(SEGMENT_MAX_BYTES);
	if (!segment.data)
		return -ENOMEM;
	r = read_all(fd, &segment);
	if (r == 0 && (segment.size < SEGMENT_HEADER_LEN ||
		       memcmp(segment.data, SEGMENT_HEADER, SEGMENT_HEADER_LEN) != 0))
		r = -EUCLEAN;
	if (r < 0) {
		segment_done(&segment);
		return r;
	}
	*ret = segment;
	return 0;
}

void segment_done(struct segment *segment)
{
	free(segment->data);
	*segment = (struct segment){ 0 };
}

/* ---- lines ---- */
#define CRC_DIGITS 8

static bool parse_digits(const char **at, const char *end, unsigned int base, size_t max,
			 uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; *at < end && **at != ' '; (*at)++, n++) {
		char c = **at;
		unsigned int digit = c >= '0' && c <= '9' ? (unsigned int)(c - '0') :
				     c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 :
							    base;

		if (digit >= base || n == max)
			return false;
		value = value * base + digit;
	}
	if (*at == end || !n)
		return false;
	(*at)++;
	*ret = value;
	return true;
}

/* line: without its line feed. */
static bool parse_line(const char *line, size_t length, struct segment_record *ret)
{
	const char *at = line, *end = line + length, *summed;
	uint64_t crc, number;

	/* Exactly the digits that segment_format() writes: the copy of a record is not longer. */
	if (!parse_digits(&at, end, 16, CRC_DIGITS, &crc) || at - line != CRC_DIGITS + 1)
		return false;
	summed = at;
	/* 19 digits fit */
	if (!parse_digits(&at, end, 10, 19, &number) || !number)
		return false;
	if (crc32(0, (const Bytef *)summed, (uInt)(end - summed)) != crc)
		return false;
	*ret = (struct segment_record){ number, at, (size_t)(end - at) };
	return true;
}

bool segment_next(const struct segment *segment, struct segment_cursor *cursor,
		  struct segment_record *ret)
{
	if (!cursor->offset)
		cursor->offset = SEGMENT_HEADER_LEN;
	while (cursor->offset < segment->size) {
		const char *line = segment->data + cursor->offset;
		const char *end = memchr(line, '\n', segment->size - cursor->offset);
		struct segment_record record;

		if (!end) {
			cursor->torn = true;
			return false;
		}
		cursor->offset += (size_t)(end - line) + 1;
		if (parse_line(line, (size_t)(end - line), &record) &&
		    record.number > cursor->last) {
			cursor->last = record.number;
			*ret = record;
			return true;
		}
		cursor->damaged++;
	}
	return false;
}

size_t segment_format(uint64_t number, const char *json, size_t length, char *at)
{
	char prefix[SEGMENT_PREFIX_MAX + 1];
	int n = snprintf(prefix, sizeof(prefix), "%llu ", (unsigned long long)number);
	uLong crc = crc32(0, (const Bytef *)prefix, (uInt)n);

	crc = crc32(crc, (const Bytef *)json, (uInt)length);
	n = sprintf(at, "%0*lx %s", CRC_DIGITS, crc, prefix);
	memcpy(at + n, json, length);
	at[(size_t)n + length] = '\n';
	return (size_t)n + length + 1;
}
