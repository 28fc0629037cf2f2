/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Events as text, for `monitor` and `history`, and times of the command line. */
#ifndef UL_CTL_EVENTS_H
#define UL_CTL_EVENTS_H

#include "ctl/ctl.h"

#define EVENT_TIME_LEN 64

/* "2026-11-22 20:16:33.123", in the reader's own time zone. time: s since 1970. Returns text. */
const char *event_time_text(double time, char text[EVENT_TIME_LEN]);

/* One line: TIME SWITCH OBJECT CODE: TEXT. Without CODE from a daemon that does not send codes. */
void event_print(struct ctl *ctl, json_t *event);

/*
 * Parses a time of the past: "03:00" or "03:00:30" (the last time it was that late), "2026-11-22",
 * "2026-11-22 03:00[:30]" (also with T), "90s", "15m", "2h", "3d" (ago), "@1763800000" (s since
 * 1970). now: s since 1970. 0 or -EINVAL; *ret in s since 1970.
 */
int event_time_parse(const char *text, double now, double *ret);

#endif
