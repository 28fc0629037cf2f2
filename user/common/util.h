/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Small helpers that every part of user/ may use: ownership, logging, time. */
#ifndef UL_COMMON_UTIL_H
#define UL_COMMON_UTIL_H

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- ownership: a variable frees or closes itself at the end of its scope, unless it is taken
 * ---- */
static inline void ul_freep(void *pp)
{
	free(*(void **)pp);
}

static inline void ul_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Whether another attempt at the same may succeed, and nothing is known about its object. */
static inline bool error_is_shortage(int error)
{
	return error == -ENOMEM || error == -ENOBUFS || error == -EMFILE || error == -ENFILE;
}

/* The same of a file, which a disk may fail to read once. */
static inline bool error_may_pass(int error)
{
	return error == -EIO || error_is_shortage(error);
}

static inline void ul_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(ul_freep)
#define _cleanup_close_ _cleanup_(ul_closep)
#define _cleanup_fclose_ _cleanup_(ul_fclosep)

static inline void ul_closedirp(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static inline int ul_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define TAKE_FD(fd) ul_take_fd(&(fd))
#define TAKE_PTR(p)                          \
	({                                   \
		__typeof__(p) *pp_ = &(p);   \
		__typeof__(p) taken_ = *pp_; \
		*pp_ = NULL;                 \
		taken_;                      \
	})

/* A word that programs or other processes read at any moment: written whole, after everything that
 * was written before it. */
#define STORE(lvalue, value) __atomic_store_n(&(lvalue), (value), __ATOMIC_RELEASE)

/* ---- logging: standard error with sd-daemon priority prefixes ("<3>...") when it is not a
 * terminal; log.h has the thread that writes it ---- */
enum log_level {
	LOG_LEVEL_ERROR = 3, /* values are syslog's */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_set_level(enum log_level level);
int log_level_from_string(const char *name, enum log_level *ret); /* 0 or -EINVAL */

/* Writes one line, or queues it for the writer (log.h), and returns error: `return log_error(r,
 * "...")`. When error is negative, ": " and its text are appended. */
int log_full(enum log_level level, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(error, ...) log_full(LOG_LEVEL_ERROR, (error), __VA_ARGS__)
#define log_warning(error, ...) log_full(LOG_LEVEL_WARNING, (error), __VA_ARGS__)
#define log_info(...) ((void)log_full(LOG_LEVEL_INFO, 0, __VA_ARGS__))
#define log_debug(...) ((void)log_full(LOG_LEVEL_DEBUG, 0, __VA_ARGS__))

/* ---- time ---- */
uint64_t now_ns(void); /* CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns() */

static inline uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

/* ---- files ---- */
/* 1: *ret is the next entry; 0: there are no more; or negative errno. An error is not the end: what
 * was not listed may exist. */
static inline int dir_next(DIR *stream, struct dirent **ret)
{
	errno = 0;
	*ret = readdir(stream);
	return *ret ? 1 : -errno;
}

/* ---- text ---- */
#define MAC_TEXT_LEN 18 /* "52:54:00:12:34:56" and NUL */

/* 0 or -EINVAL; nothing else than six pairs */
int mac_parse(const char *text, uint8_t mac[6]);
const char *mac_format(const uint8_t mac[6], char text[MAC_TEXT_LEN]); /* returns text */

/* A character that may reach terminals, logs and files of others without an encoding: not a control
 * character, not DEL, nothing above ASCII; whatever the locale. */
static inline bool is_printable_ascii(char c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* Replaces control characters and what is not UTF-8 by '?': text that quotes names of others must
 * not forge a line of the log, reach a terminal as an escape sequence, or fail to become JSON.
 * Returns text. */
char *text_make_printable(char *text);
/* Replaces all but printable ASCII by '?', for comments of YAML and shell. Returns text. */
char *text_make_ascii(char *text);

/* All six bytes are zero: the address is not set. */
static inline bool mac_is_zero(const uint8_t mac[6])
{
	return !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

/* Numbers in network byte order at any alignment. put_be16() returns the byte behind. */
static inline uint8_t *put_be16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static inline uint16_t get_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void put_be32(uint8_t *at, uint32_t value)
{
	put_be16(put_be16(at, value >> 16), value & 0xffff);
}

static inline uint32_t get_be32(const uint8_t *at)
{
	return (uint32_t)get_be16(at) << 16 | get_be16(at + 2);
}

/* The address in a key of the forwarding table; the inverse of ul_fdb_key() (match_table.h). */
static inline void mac_from_key(uint64_t key, uint8_t mac[6])
{
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)(key >> (56 - 8 * i));
}

/* Parses a whole decimal number within [min, max]: 0, -EINVAL (not a number) or -ERANGE. *ret
 * untouched on failure. */
int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

#endif
