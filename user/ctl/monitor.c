// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* monitor: the events of the daemon until it ends or standard output is closed. With --past, the
 * events that it has stored come first. */
#include "control/client.h"
#include "ctl/events.h"

struct monitor {
	struct ctl *ctl;
	json_int_t next; /* number of the first event that has not been printed */
	bool subscribed;
};

/* 0, or -EPIPE: standard output is closed. */
static int print_event(struct monitor *monitor, json_t *event)
{
	json_t *number = json_object_get(event, "number");
	FILE *out = monitor->ctl->out;

	if (json_integer_value(number) < monitor->next)
		return 0;
	monitor->next = json_integer_value(number) + 1;
	if (monitor->ctl->json) {
		json_dumpf(event, out, JSON_COMPACT | JSON_REAL_PRECISION(13));
		fputc('\n', out);
	} else {
		event_print(monitor->ctl, event);
	}
	return fflush(out) < 0 || ferror(out) ? -EPIPE : 0;
}

/* Called once the subscription is confirmed, so that no event is lost between the two. */
static int print_past(struct monitor *monitor)
{
	json_auto_t *reply = NULL;
	json_t *event;
	size_t i;
	int r = 0;

	if (ctl_request(monitor->ctl, "Events", NULL, &reply) != CTL_DONE)
		return -EREMOTEIO;
	json_array_foreach(json_object_get(reply, "events"), i, event) {
		r = print_event(monitor, event);
		if (r < 0)
			break;
	}
	return r;
}

static int on_event(void *userdata, json_t *event)
{
	struct monitor *monitor = userdata;

	if (json_object_get(event, "number"))
		return print_event(monitor, event);
	monitor->subscribed = true;
	return monitor->ctl->past ? print_past(monitor) : 0;
}

int cmd_monitor(struct ctl *ctl)
{
	struct monitor monitor = { .ctl = ctl };
	struct control_result result;
	char path[256];
	int r;

	r = control_monitor(ctl_socket_path(ctl, path, sizeof(path)), CTL_CALL_TIMEOUT_MS,
			    fileno(ctl->out), on_event, &monitor, &result);
	/* The reader of a pipe ends a monitor at any time, as with `head`. */
	if (r != -ECANCELED && !ferror(ctl->out) && monitor.subscribed && r == -EPIPE)
		ctl_fail(ctl, 0, "monitor: connection closed: uplinkd has stopped");
	else if (!ferror(ctl->out) && result.message)
		ctl_fail(ctl, 0, "%s", result.message);
	control_result_done(&result);
	return r == 0 || r == -ECANCELED || ferror(ctl->out) ? CTL_DONE : CTL_SYSTEM;
}
