// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "common/repair.h"

#include "common/backoff.h"

/* After this time without a repair the next one is a first one again. */
#define REPAIR_QUIET_MS 120000

bool repair_is_due(const struct repair *repair, uint64_t now_ms)
{
	return now_ms >= repair->due_ms;
}

void repair_made(struct repair *repair, uint64_t now_ms)
{
	if (now_ms - repair->last_ms >= REPAIR_QUIET_MS)
		repair->interval_ms = 0;
	repair->interval_ms = backoff_next_ms(repair->interval_ms);
	repair->last_ms = now_ms;
	repair->due_ms = now_ms + repair->interval_ms;
}
