// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "daemon/recorder.h"

#include "common/util.h"
#include "control/event_ring.h"
#include "records/findings.h"
#include "records/switches.h"

struct evaluated {
	struct switches switches;
};

/* ---- history ---- */
/* On the thread of the history. */
static void on_history_report(void *userdata, const char *text)
{
	(void)userdata;
	log_warning(0, "history: %s", text);
}

static void write_event(struct recorder *recorder, json_t *event, json_t *details,
			uint64_t suppressed)
{
	json_auto_t *record = json_copy(event);
	char note[RATE_LIMIT_NOTE_LEN];

	if (!record)
		return;
	/* the history has numbers that survive a restart */
	json_object_del(record, "number");
	if (details && json_array_size(details))
		json_object_set(record, "details", details);
	if (suppressed)
		json_object_set_new(record, "text",
				    json_sprintf("%s%s",
						 json_string_value(json_object_get(event, "text")),
						 rate_limit_note(suppressed, note)));
	history_writer_add(recorder->history, record);
}

/* The number of events that the limit suppressed last. */
static void flush_limits(struct recorder *recorder, uint64_t now)
{
	for (size_t code = 0; code < N_EVENT_CODES; code++) {
		json_auto_t *event = NULL;
		uint64_t suppressed;
		char text[96];

		if (!rate_limit_flush(&recorder->limits[code], now, &suppressed))
			continue;
		snprintf(text, sizeof(text), "%llu events %s were not recorded: too many",
			 (unsigned long long)suppressed, event_code_name(code));
		event = event_record("uplinkd", EVENT_HISTORY, "uplinkd", text);
		write_event(recorder, event, NULL, 0);
	}
}

/* ---- findings ---- */
static void evaluated_free(struct evaluated *evaluated)
{
	if (evaluated)
		switches_close(&evaluated->switches);
	free(evaluated);
}

static const struct snapshot *find_before(const struct evaluated *last, const struct snapshot *now)
{
	for (size_t i = 0; last && i < last->switches.n; i++)
		if (snapshot_follows(now, last->switches.snapshots[i]))
			return last->switches.snapshots[i];
	return NULL;
}

/* At a start, and after the process was suspended, the lease of this daemon may have expired: the
 * snapshots then describe a stopped daemon. */
static bool all_alive(const struct switches *switches)
{
	for (size_t i = 0; i < switches->n; i++)
		if (!switches->snapshots[i]->daemon_alive)
			return false;
	return true;
}

/* False: could not be evaluated now. */
static bool evaluate(struct recorder *recorder)
{
	_cleanup_(errors_done) struct errors errors = {};
	json_auto_t *findings = json_array();
	struct evaluated *now = calloc(1, sizeof(*now));
	int r = now ? switches_open(recorder->bpffs, NULL, &now->switches, &errors) : -ENOMEM;

	/* An error is not the absence of switches; the next evaluation tries again. */
	if (r < 0 && r != -ENOENT) {
		log_debug("findings: not evaluated: %s", errors.n ? errors.messages[0] : "?");
		evaluated_free(now);
		return false;
	}
	if (!all_alive(&now->switches)) {
		evaluated_free(now);
		return false;
	}
	for (size_t i = 0; i < now->switches.n; i++) {
		const struct snapshot *snapshot = now->switches.snapshots[i];
		json_auto_t *found = NULL;

		/* the daemon repairs that by itself, and the question takes long */
		now->switches.views[i]->has_stale_programs = NULL;
		found = findings_find(snapshot, find_before(recorder->last, snapshot));
		json_array_extend(findings, found);
	}
	evaluated_free(recorder->last);
	recorder->last = now;
	finding_changes_update(&recorder->findings, findings, now_ms(), recorder->on_finding,
			       recorder->userdata);
	return true;
}

/* ---- timer ---- */
static void arm(struct recorder *recorder, uint64_t in_ms)
{
	(void)sd_event_source_set_time_relative(recorder->timer, in_ms * 1000);
	(void)sd_event_source_set_enabled(recorder->timer, SD_EVENT_ONESHOT);
}

/* The earliest time of the next evaluation, in ms from now. */
static uint64_t pause_left_ms(const struct recorder *recorder, uint64_t now)
{
	uint64_t end = recorder->evaluated_ms + 100 * recorder->took_ms;

	return end > now ? end - now : 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct recorder *recorder = userdata;
	uint64_t start = now_ms(), pause, interval;

	(void)source;
	(void)usec;
	interval = evaluate(recorder) ? RECORDER_INTERVAL_MS : RECORDER_SOON_MS;
	recorder->evaluated_ms = now_ms();
	recorder->took_ms = recorder->evaluated_ms - start;
	flush_limits(recorder, recorder->evaluated_ms);
	pause = pause_left_ms(recorder, recorder->evaluated_ms);
	arm(recorder, pause > interval ? pause : interval);
	return 0;
}

static void evaluate_soon(struct recorder *recorder)
{
	uint64_t now = now_ms(), pause = pause_left_ms(recorder, now), at, usec;

	if (pause < RECORDER_SOON_MS)
		pause = RECORDER_SOON_MS;
	at = (now + pause) * 1000;
	if (recorder->timer && sd_event_source_get_time(recorder->timer, &usec) >= 0 && usec > at)
		(void)sd_event_source_set_time(recorder->timer, at);
}

/* ---- for the daemon ---- */
int recorder_start(struct recorder *recorder, sd_event *event, const char *state_dir)
{
	int r;

	for (size_t i = 0; i < N_EVENT_CODES; i++)
		recorder->limits[i] = RATE_LIMIT(RECORDER_BURST, RECORDER_LIMIT_MS);
	r = finding_changes_init(&recorder->findings);
	if (r == 0)
		r = sd_event_add_time_relative(event, &recorder->timer, CLOCK_MONOTONIC,
					       RECORDER_SOON_MS * 1000ULL, 0, on_timer, recorder);
	if (r < 0)
		return r;
	return history_writer_new(state_dir, on_history_report, NULL, &recorder->history);
}

void recorder_stop(struct recorder *recorder, uint32_t timeout_ms)
{
	recorder->timer = sd_event_source_disable_unref(recorder->timer);
	finding_changes_done(&recorder->findings);
	evaluated_free(recorder->last);
	recorder->last = NULL;
	history_writer_stop(recorder->history, timeout_ms);
	recorder->history = NULL;
}

void recorder_add(struct recorder *recorder, enum event_code code, json_t *event, json_t *details)
{
	uint64_t suppressed;

	if (recorder->history && rate_limit_admit(&recorder->limits[code], now_ms(), &suppressed))
		write_event(recorder, event, details, suppressed);
	if (code != EVENT_FINDING && code != EVENT_FINDING_CLEARED)
		evaluate_soon(recorder);
}
