/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* How long the rounds of the event loop take: the longest of the last minute, and the longest since
 * the start with its time. A long round delays LACP and failover. */
#ifndef UL_DAEMON_LOOP_DELAY_H
#define UL_DAEMON_LOOP_DELAY_H

#include <stdint.h>

#include "common/histogram.h"

#define LOOP_DELAY_SECONDS 60

struct loop_delay {
	uint64_t worst_us, worst_at_ms; /* since the start */
	struct histogram rounds;	/* all; bounds: histogram_busy_us */
	/* slot second % LOOP_DELAY_SECONDS: longest round of that second */
	uint32_t second_us[LOOP_DELAY_SECONDS];
	uint64_t second[LOOP_DELAY_SECONDS];
};

/* now_ms: CLOCK_MONOTONIC at the end of the round. */
void loop_delay_record(struct loop_delay *delay, uint64_t now_ms, uint64_t took_us);
/* The longest round of the last minute; 0: none was recorded. */
uint64_t loop_delay_minute_us(const struct loop_delay *delay, uint64_t now_ms);

#endif
