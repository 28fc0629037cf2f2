/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Delays between the attempts at an operation that the system refused. */
#ifndef UL_COMMON_BACKOFF_H
#define UL_COMMON_BACKOFF_H

#include <stdint.h>

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000

/* The delay before the next attempt: 1, 2, 4 ... 60 s. last_ms: the one before; 0: none. */
static inline uint32_t backoff_next_ms(uint32_t last_ms)
{
	uint32_t next_ms = last_ms ? last_ms * 2 : BACKOFF_MIN_MS;

	return next_ms < BACKOFF_MAX_MS ? next_ms : BACKOFF_MAX_MS;
}

#endif
