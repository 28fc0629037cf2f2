// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Carrier polling: one timer for all polled interfaces.
 *
 * The answer to RTM_GETLINK has the current carrier bit, without the delay of linkwatch, and is
 * independent of renames and of a mounted sysfs. ETHTOOL_GLINK is not an alternative: some drivers
 * answer it from the hardware, which may differ from the bit that the BPF programs read.
 */
#include "common/util.h"
#include "link/internal.h"

#define ACCURACY_USEC 500

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static struct link_poll *find(const struct link_monitor *monitor, uint32_t ifindex)
{
	for (size_t i = 0; i < monitor->n_polls; i++) {
		if (monitor->polls[i].ifindex == ifindex)
			return &monitor->polls[i];
	}
	return NULL;
}

static void remove_poll(struct link_monitor *monitor, struct link_poll *poll)
{
	*poll = monitor->polls[--monitor->n_polls];
}

/* Sets the timer to the earliest due time, or off. */
static int arm(struct link_monitor *monitor)
{
	uint64_t next_ms = UINT64_MAX;
	int r;

	for (size_t i = 0; i < monitor->n_polls; i++) {
		if (monitor->polls[i].due_ms < next_ms)
			next_ms = monitor->polls[i].due_ms;
	}
	if (next_ms == UINT64_MAX)
		return monitor->poll_source ?
			       sd_event_source_set_enabled(monitor->poll_source, SD_EVENT_OFF) :
			       0;
	if (!monitor->poll_source) {
		r = sd_event_add_time(monitor->event, &monitor->poll_source, CLOCK_MONOTONIC,
				      next_ms * 1000, ACCURACY_USEC, on_timer, monitor);
		if (r < 0)
			return r;
		return sd_event_source_set_priority(monitor->poll_source,
						    SD_EVENT_PRIORITY_IMPORTANT);
	}
	r = sd_event_source_set_time(monitor->poll_source, next_ms * 1000);
	return r < 0 ? r : sd_event_source_set_enabled(monitor->poll_source, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct link_monitor *monitor = userdata;
	uint64_t now = now_ms();
	int r;

	/* Waiting events are older than the answers. */
	r = link_read_events(monitor);
	for (size_t i = 0; r == 0 && i < monitor->n_polls; i++) {
		struct link_poll *poll = &monitor->polls[i];

		if (poll->due_ms > now)
			continue;
		/* relative to now: missed polls are not repeated */
		poll->due_ms = now + poll->interval_ms;
		if (link_ask(monitor, poll->ifindex) == -ENODEV) {
			remove_poll(monitor, poll);
			i--;
		}
	}
	link_recover(monitor);
	link_deliver(monitor);
	r = arm(monitor);
	if (r < 0)
		link_fail(monitor, r, "interfaces: cannot poll the carrier");
	return 0;
}

int link_monitor_poll_carrier(struct link_monitor *monitor, uint32_t ifindex, uint32_t interval_ms)
{
	struct link_poll *poll = find(monitor, ifindex), *grown;

	if (interval_ms == 0) {
		if (poll)
			remove_poll(monitor, poll);
		return arm(monitor);
	}
	if (!link_table_by_ifindex(&monitor->table, ifindex))
		return -ENODEV;
	if (!poll) {
		grown = realloc(monitor->polls, (monitor->n_polls + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		monitor->polls = grown;
		poll = &monitor->polls[monitor->n_polls++];
	}
	*poll = (struct link_poll){ .ifindex = ifindex,
				    .interval_ms = interval_ms,
				    .due_ms = now_ms() + interval_ms };
	return arm(monitor);
}

void link_poll_done(struct link_monitor *monitor)
{
	sd_event_source_disable_unref(monitor->poll_source);
	monitor->poll_source = NULL;
	free(monitor->polls);
	monitor->polls = NULL;
	monitor->n_polls = 0;
}
