/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Back-off of one kind of repair: what other software changes again and again is set again after 1,
 * 2, 4 ... 60 s. Pure. */
#ifndef UL_COMMON_REPAIR_H
#define UL_COMMON_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

struct repair {
	uint64_t due_ms, last_ms;
	uint32_t interval_ms;
};

/* Whether a repair may be tried now. */
bool repair_is_due(const struct repair *repair, uint64_t now_ms);
/* A repair was made now. */
void repair_made(struct repair *repair, uint64_t now_ms);

#endif
