// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/rate_limit.h"

#include <stdio.h>

static bool use(struct rate_limit *limit, uint64_t now_ms)
{
	if (limit->used_until_ms < now_ms)
		limit->used_until_ms = now_ms;
	if (limit->used_until_ms - now_ms > (uint64_t)(limit->burst - 1) * limit->interval_ms)
		return false;
	limit->used_until_ms += limit->interval_ms;
	return true;
}

static uint64_t take_suppressed(struct rate_limit *limit)
{
	uint64_t suppressed = limit->suppressed;

	limit->suppressed = 0;
	return suppressed;
}

bool rate_limit_admit(struct rate_limit *limit, uint64_t now_ms, uint64_t *ret_suppressed)
{
	if (!use(limit, now_ms)) {
		limit->suppressed++;
		return false;
	}
	*ret_suppressed = take_suppressed(limit);
	return true;
}

bool rate_limit_flush(struct rate_limit *limit, uint64_t now_ms, uint64_t *ret_suppressed)
{
	if (!limit->suppressed || !use(limit, now_ms))
		return false;
	*ret_suppressed = take_suppressed(limit);
	return true;
}

const char *rate_limit_note(uint64_t suppressed, char note[RATE_LIMIT_NOTE_LEN])
{
	note[0] = '\0';
	if (suppressed)
		snprintf(note, RATE_LIMIT_NOTE_LEN, " (%llu events before this were suppressed)",
			 (unsigned long long)suppressed);
	return note;
}
