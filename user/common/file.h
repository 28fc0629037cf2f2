/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Whole files. */
#ifndef UL_COMMON_FILE_H
#define UL_COMMON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads to the end, also of pipes and of files in /proc, but at most max + 1 bytes: *ret_length >
 * max shows that there are more. *ret has a NUL behind them; the caller frees it. 0 or negative
 * errno.
 */
int file_read(int fd, size_t max, char **ret, size_t *ret_length);
/*
 * The text of a regular file of at most max bytes, not through a symbolic link. Without waiting at
 * a FIFO. dir: what the path is relative to, or AT_FDCWD. 0 with *ret, which the caller frees;
 * -EINVAL: another kind of file, or a larger one; other negative errno.
 */
int file_read_regular(int dir, const char *path, size_t max, char **ret);
/*
 * Replaces the file, or creates it, by renaming "PATH.new", never a file or link that existed; a
 * reader sees the former text or the whole new one. mode: less the umask. durable: a power cut
 * leaves one of the two as well. 0, or negative errno: the former file is still there; a failure to
 * make the name durable leaves the new one.
 */
int file_replace(const char *path, const char *text, mode_t mode, bool durable);
/* The same relative to a directory. */
int file_replace_at(int dir, const char *path, const char *text, mode_t mode, bool durable);
/* 0, also when nothing has this path, or negative errno. */
int file_remove(const char *path);

#endif
