/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The flight recorder: events to the history (history/history.h), and the evaluation of findings,
 * whose start and end are events.
 *
 * Findings are evaluated on the worker thread from the pinned maps, as `uplinkctl diagnose` does:
 * every RECORDER_INTERVAL_MS, and RECORDER_SOON_MS after an event. An evaluation that took long
 * delays the next ones, so that they use at most one percent of a CPU.
 */
#ifndef UL_DAEMON_RECORDER_H
#define UL_DAEMON_RECORDER_H

#include <systemd/sd-event.h>

#include "common/rate_limit.h"
#include "events.h"
#include "history/history.h"
#include "records/finding_changes.h"

#define RECORDER_INTERVAL_MS 10000
#define RECORDER_SOON_MS 1000
/* Events of one code that are recorded: a burst, then one per interval. A machine that causes
 * events at any rate must not push everything else out of the history. */
#define RECORDER_BURST 1000
#define RECORDER_LIMIT_MS 30000

struct recorder {
	struct history_writer *history; /* NULL: no thread; events are only logged */
	struct rate_limit limits[N_EVENT_CODES];
	struct finding_changes findings;
	struct evaluated *last; /* switches of the last evaluation; NULL: none yet */
	const char *bpffs;
	sd_event_source *timer;
	uint64_t evaluated_ms; /* when the last evaluation ended; 0: none yet */
	uint64_t took_ms;
	void (*on_finding)(void *userdata, const struct finding_change *change);
	void *userdata;
};

/* 0 or negative errno. Failures to write later are reported by status and log. */
int recorder_start(struct recorder *recorder, sd_event *event, const char *state_dir);
/* Waits at most timeout_ms for the disk. Also for a recorder that was not started. */
void recorder_stop(struct recorder *recorder, uint32_t timeout_ms);

/* Records an event. details: list of lines, borrowed; NULL: none. Evaluates the findings soon,
 * unless the event is about them. */
void recorder_add(struct recorder *recorder, enum event_code code, json_t *event, json_t *details);

#endif
