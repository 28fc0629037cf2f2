// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Requests that read the maps, for those who cannot read them: members of the control group, and
 * the exporter. They read the pins as uplinkctl does, on the worker, so LACP and failover do not
 * wait for them.
 *
 * A read that compares counters needs snapshots of two moments. The reply comes later then, and the
 * loop goes on meanwhile. Requests within BASELINE_MS share the first snapshot, so many clients do
 * not keep many of them. A sample of frames costs the fast path a little while its sockets are
 * open: requests of SAMPLE_KEEP_MS share one, so clients cannot make it last.
 */
#include "daemon/state.h"

#include <sys/epoll.h>

#include "records/reads.h"

#define BASELINE_MS (2 * READ_INTERVAL_MS)
#define SAMPLE_KEEP_MS 10000

/* The first snapshots. */
struct read_baseline {
	uint32_t refs;
	char name[UL_NAME_LEN]; /* of the switch; "": all */
	uint64_t taken_ms;
	struct switches switches;
};

/* Frames that leave by the uplinks of one switch. */
struct read_sample {
	struct daemon *daemon;
	struct read_sample *next;
	uint32_t refs;
	uint64_t started_ms;
	struct switches switches;
	struct sample *sample;
	sd_event_source *source; /* of its sockets; NULL: it has ended */
	sd_event_source *timer;	 /* of its end, then of SAMPLE_KEEP_MS */
};

/* A request that waits for the second ones, or for the end of a sample. */
struct read_wait {
	struct daemon *daemon;
	const struct record_read *row;
	json_t *parameters;
	struct control_pending *pending;
	struct read_baseline *baseline; /* NULL: waits for the sample */
	struct read_sample *sample;	/* NULL: waits for the second snapshots */
	sd_event_source *timer;
};

static void baseline_unref(struct read_baseline *baseline)
{
	if (!baseline || --baseline->refs)
		return;
	switches_close(&baseline->switches);
	free(baseline);
}

static void sample_unref(struct read_sample *sample)
{
	if (!sample || --sample->refs)
		return;
	sd_event_source_disable_unref(sample->source);
	sd_event_source_disable_unref(sample->timer);
	sample_free(sample->sample);
	switches_close(&sample->switches);
	free(sample);
}

/* Takes it from the list: it serves no further requests. */
static void drop_sample(struct read_sample *sample)
{
	struct read_sample **at = &sample->daemon->samples;

	while (*at != sample)
		at = &(*at)->next;
	*at = sample->next;
	sample_unref(sample);
}

void daemon_reads_done(struct daemon *daemon)
{
	baseline_unref(daemon->baseline);
	daemon->baseline = NULL;
	while (daemon->samples)
		drop_sample(daemon->samples);
}

static void wait_free(struct read_wait *wait)
{
	sd_event_source_disable_unref(wait->timer);
	json_decref(wait->parameters);
	baseline_unref(wait->baseline);
	sample_unref(wait->sample);
	free(wait);
}

static void on_gone(void *userdata)
{
	wait_free(userdata);
}

/* ---- answers ---- */
/* r: of switches_open() and of the functions of records/reads.h. Returns r. */
static int fail(int r, const struct errors *errors, json_t **ret_parameters, const char **ret_error)
{
	if (errors->n)
		*ret_parameters = control_error_list(errors->messages, errors->n);
	*ret_error = r == -EINVAL || r == -ENODEV ? CONTROL_E_INVALID_REQUEST : CONTROL_E_FAILED;
	return r;
}

static int open_switches(const struct daemon *daemon, const char *name, struct switches *ret,
			 struct errors *errors)
{
	_cleanup_(errors_done) struct errors found = {};
	int r = switches_open(daemon->options.bpffs, name, ret, &found);

	/* a configuration without switches */
	if (r == -ENOENT && !name)
		return 0;
	errors_move(errors, &found);
	return r == -ENOENT ? -ENODEV : r;
}

static int answer(const struct record_read *row, const struct read_request *request,
		  json_t **ret_parameters, const char **ret_error)
{
	_cleanup_(errors_done) struct errors errors = {};
	json_t *value = NULL;
	int r = record_read_answer(row, request, &value, &errors);

	if (r < 0)
		return fail(r, &errors, ret_parameters, ret_error);
	*ret_parameters = json_pack("{s:o}", row->member, value);
	return *ret_parameters ? 0 : -ENOMEM;
}

/* ---- two snapshots ---- */
static int on_second(sd_event_source *source, uint64_t usec, void *userdata)
{
	_cleanup_(switches_close) struct switches now = {};
	_cleanup_(errors_done) struct errors errors = {};
	struct read_wait *wait = userdata;
	struct read_request request = { .now = &now,
					.before = &wait->baseline->switches,
					.parameters = wait->parameters };
	const char *name = wait->baseline->name, *error = NULL;
	json_t *parameters = NULL;
	int r;

	(void)source;
	(void)usec;
	r = open_switches(wait->daemon, name[0] ? name : NULL, &now, &errors);
	if (r < 0)
		fail(r, &errors, &parameters, &error);
	else
		r = answer(wait->row, &request, &parameters, &error);
	control_pending_reply(wait->pending, r, parameters, error);
	wait_free(wait);
	return 0;
}

/* Takes the snapshots if no others are recent enough. NULL: no memory. */
static struct read_baseline *find_baseline(struct daemon *daemon, const char *name,
					   struct switches *switches)
{
	struct read_baseline *baseline = daemon->baseline;

	name = name ? name : "";
	if (baseline && strcmp(baseline->name, name) == 0 &&
	    now_ms() - baseline->taken_ms < BASELINE_MS) {
		baseline->refs++;
		return baseline;
	}
	baseline = calloc(1, sizeof(*baseline));
	if (!baseline)
		return NULL;
	baseline->refs = 2;
	snprintf(baseline->name, sizeof(baseline->name), "%s", name);
	baseline->taken_ms = now_ms();
	baseline->switches = *switches;
	*switches = (struct switches){};
	baseline_unref(daemon->baseline);
	daemon->baseline = baseline;
	return baseline;
}

static int wait_for_second(struct daemon *daemon, const struct record_read *row,
			   const struct read_request *request, const char *name,
			   struct switches *switches, struct control_pending *pending)
{
	uint32_t interval_ms = record_read_interval_ms(row, switches);
	struct read_wait *wait = calloc(1, sizeof(*wait));
	uint64_t age_ms;
	int r;

	if (!wait)
		return -ENOMEM;
	*wait = (struct read_wait){ .daemon = daemon,
				    .row = row,
				    .parameters = json_incref(request->parameters),
				    .pending = pending,
				    .baseline = find_baseline(daemon, name, switches) };
	age_ms = wait->baseline ? now_ms() - wait->baseline->taken_ms : 0;
	r = !wait->baseline ? -ENOMEM :
			      sd_event_add_time_relative(
				      daemon->event, &wait->timer, CLOCK_MONOTONIC,
				      age_ms < interval_ms ? (interval_ms - age_ms) * 1000ULL : 0,
				      1, on_second, wait);
	if (r < 0) {
		wait_free(wait);
		return r;
	}
	control_pending_watch(pending, on_gone, wait);
	return -EINPROGRESS;
}

/* ---- a sample ---- */
static int on_frames(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct read_sample *sample = userdata;

	(void)source;
	(void)fd;
	(void)events;
	sample_receive(sample->sample);
	return 0;
}

static void end_sample(struct read_sample *sample)
{
	sample->source = sd_event_source_disable_unref(sample->source);
	sample_stop(sample->sample);
}

/* Also when the clients have gone. */
static int on_sample_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct read_sample *sample = userdata;
	uint64_t age_ms = now_ms() - sample->started_ms;

	(void)usec;
	end_sample(sample);
	if (age_ms >= SAMPLE_KEEP_MS) {
		drop_sample(sample);
		return 0;
	}
	(void)sd_event_source_set_time_relative(source, (SAMPLE_KEEP_MS - age_ms) * 1000ULL);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_sampled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct read_wait *wait = userdata;
	struct read_sample *sample = wait->sample;
	struct read_request request = { .now = &sample->switches,
					.sample = sample->sample,
					.parameters = wait->parameters };
	const char *error = NULL;
	json_t *parameters = NULL;
	int r;

	(void)source;
	(void)usec;
	end_sample(sample);
	r = answer(wait->row, &request, &parameters, &error);
	control_pending_reply(wait->pending, r, parameters, error);
	wait_free(wait);
	return 0;
}

/* Takes the switches, which are one. NULL: no memory. */
static struct read_sample *start_sample(struct daemon *daemon, struct switches *switches)
{
	struct read_sample *sample = calloc(1, sizeof(*sample));
	int r;

	if (!sample)
		return NULL;
	*sample = (struct read_sample){
		.daemon = daemon, .refs = 1, .started_ms = now_ms(), .switches = *switches
	};
	*switches = (struct switches){};
	r = sample_start(sample->switches.snapshots[0], &sample->sample);
	if (r == 0 && sample_fd(sample->sample) >= 0)
		r = sd_event_add_io(daemon->event, &sample->source, sample_fd(sample->sample),
				    EPOLLIN, on_frames, sample);
	if (r >= 0)
		r = sd_event_add_time_relative(daemon->event, &sample->timer, CLOCK_MONOTONIC,
					       SAMPLE_MS * 1000ULL, 1, on_sample_timer, sample);
	if (r < 0) {
		sample_unref(sample);
		return NULL;
	}
	sample->next = daemon->samples;
	daemon->samples = sample;
	return sample;
}

/* A recent one of the same switch, or a new one. */
static struct read_sample *find_sample(struct daemon *daemon, struct switches *switches)
{
	const char *name = switches->views[0]->name;
	struct read_sample *sample = daemon->samples;

	while (sample && strcmp(sample->switches.views[0]->name, name) != 0)
		sample = sample->next;
	if (!sample)
		sample = start_sample(daemon, switches);
	if (sample)
		sample->refs++;
	return sample;
}

static int wait_for_sample(struct daemon *daemon, const struct record_read *row, json_t *parameters,
			   struct switches *switches, struct control_pending *pending)
{
	struct read_wait *wait = calloc(1, sizeof(*wait));
	uint64_t age_ms;
	int r;

	if (!wait)
		return -ENOMEM;
	*wait = (struct read_wait){ .daemon = daemon,
				    .row = row,
				    .parameters = json_incref(parameters),
				    .pending = pending,
				    .sample = find_sample(daemon, switches) };
	age_ms = wait->sample ? now_ms() - wait->sample->started_ms : 0;
	r = !wait->sample ?
		    -ENOMEM :
		    sd_event_add_time_relative(daemon->event, &wait->timer, CLOCK_MONOTONIC,
					       age_ms < SAMPLE_MS ? (SAMPLE_MS - age_ms) * 1000ULL :
								    0,
					       1, on_sampled, wait);
	if (r < 0) {
		wait_free(wait);
		return r;
	}
	control_pending_watch(pending, on_gone, wait);
	return -EINPROGRESS;
}

int daemon_read(void *userdata, const struct control_method *method, json_t *parameters,
		struct control_pending *pending, json_t **ret_parameters, const char **ret_error)
{
	const struct record_read *row = record_read_find(method->name);
	_cleanup_(switches_close) struct switches switches = {};
	_cleanup_(errors_done) struct errors errors = {};
	struct read_request request = { .now = &switches, .parameters = parameters };
	struct daemon *daemon = userdata;
	const char *name;
	int r;

	r = record_read_switch(parameters, &name, &errors);
	if (r == 0)
		r = open_switches(daemon, name, &switches, &errors);
	if (r == 0 && row->check)
		r = row->check(&request, &errors);
	if (r < 0)
		return fail(r, &errors, ret_parameters, ret_error);
	if (row->interval == READ_SAMPLED)
		return wait_for_sample(daemon, row, parameters, &switches, pending);
	if (record_read_interval_ms(row, &switches))
		return wait_for_second(daemon, row, &request, name, &switches, pending);
	return answer(row, &request, ret_parameters, ret_error);
}
