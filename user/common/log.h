/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The writer of the log. Without it log_full() (util.h) writes to standard error and waits for its
 * reader. With it log_full() puts the line into a ring and returns; a thread writes the lines and
 * is the only one that waits. A line that finds the ring full is dropped, and the next line that is
 * written reports how many were.
 *
 * Tests: tests/unit/common_log.c, tests/netns/test_timely.py.
 */
#ifndef UL_COMMON_LOG_H
#define UL_COMMON_LOG_H

#include <stdint.h>

/* Starts the thread. Once, before other threads write to the log. 0 or negative errno: lines are
 * then written by the caller as before. */
int log_writer_start(void);
/* Waits at most timeout_ms until all lines are written. The thread ends if they are; otherwise the
 * end of the process ends it. */
void log_writer_stop(uint32_t timeout_ms);
/* Lines dropped since the start. */
uint64_t log_writer_dropped(void);

#endif
