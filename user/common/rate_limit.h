/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A limit on the rate of events that a peer or a machine can cause: a burst passes at once, then
 * one event per interval. The limiter counts the rest; the next event that passes carries the
 * number. Pure: the caller owns the clock and the reports.
 */
#ifndef UL_COMMON_RATE_LIMIT_H
#define UL_COMMON_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* The limit for reports about one uplink or one port. */
#define REPORT_BURST 60
#define REPORT_INTERVAL_MS 5000

struct rate_limit {
	uint32_t burst; /* at least 1 */
	uint32_t interval_ms;
	/* the part of the allowance that is used, as a point in time */
	uint64_t used_until_ms;
	uint64_t suppressed; /* since the last event that passed */
};

/* clang-format off */
#define RATE_LIMIT(burst_, interval_ms_) \
	((struct rate_limit){ .burst = (burst_), .interval_ms = (interval_ms_) })
/* clang-format on */

/*
 * Returns whether an event passes at now_ms. If it does, *ret_suppressed is the number of events
 * that were suppressed before it; otherwise the event is counted as suppressed and *ret_suppressed
 * keeps its value.
 */
bool rate_limit_admit(struct rate_limit *limit, uint64_t now_ms, uint64_t *ret_suppressed);

/*
 * Returns whether events were suppressed and one may pass now: the caller then reports the current
 * state, so that the state after the last suppressed event is always reported. *ret_suppressed as
 * in rate_limit_admit(). Call it about once a second.
 */
bool rate_limit_flush(struct rate_limit *limit, uint64_t now_ms, uint64_t *ret_suppressed);

#define RATE_LIMIT_NOTE_LEN 64

/* The end of a report: "" or " (12 events before this were suppressed)". Returns note. */
const char *rate_limit_note(uint64_t suppressed, char note[RATE_LIMIT_NOTE_LEN]);

#endif
