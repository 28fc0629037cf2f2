/* SPDX-License-Identifier: GPL-2.0 */
/* Small helpers that every part of user/ may use: ownership, logging, time. */
#ifndef UL_COMMON_UTIL_H
#define UL_COMMON_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- ownership: a variable frees or closes itself at the end of its scope, unless it is taken
 * --------------------- */
static inline void ul_freep(void *pp)
{
	free(*(void **)pp);
}

static inline void ul_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
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
 * terminal ---------------- */
enum log_level {
	LOG_LEVEL_ERROR = 3, /* values are syslog's */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_set_level(enum log_level level);
int log_level_from_string(const char *name, enum log_level *ret); /* 0 or -EINVAL */

/* Writes one line and returns error, which is saved before anything is written: `return
 * log_error(r, "...")`. When error is negative, ": " and its text are appended. */
int log_full(enum log_level level, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(error, ...) log_full(LOG_LEVEL_ERROR, (error), __VA_ARGS__)
#define log_warning(error, ...) log_full(LOG_LEVEL_WARNING, (error), __VA_ARGS__)
#define log_info(...) ((void)log_full(LOG_LEVEL_INFO, 0, __VA_ARGS__))
#define log_debug(...) ((void)log_full(LOG_LEVEL_DEBUG, 0, __VA_ARGS__))

/* ---- time
 * ----------------------------------------------------------------------------------------------------------
 */
uint64_t now_ns(void); /* CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns() */

static inline uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

/* ---- text
 * ----------------------------------------------------------------------------------------------------------
 */
#define MAC_TEXT_LEN 18 /* "52:54:00:12:34:56" and NUL */

int mac_parse(const char *text, uint8_t mac[6]); /* 0 or -EINVAL; nothing else than six pairs */
const char *mac_format(const uint8_t mac[6], char text[MAC_TEXT_LEN]); /* returns text */

/* Parses a whole decimal number within [min, max]: 0, -EINVAL (not a number) or -ERANGE. *ret
 * untouched on failure. */
int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

#endif
