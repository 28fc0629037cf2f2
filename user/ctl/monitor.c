// SPDX-License-Identifier: GPL-2.0
/* monitor: what the daemon tells as it happens, until the daemon or the reader ends. With --past,
 * first what it remembers. */
#include <time.h>

#include "control/client.h"
#include "ctl/ctl.h"

struct monitor {
	struct ctl *ctl;
	json_int_t next; /* number of the first event that was not printed yet */
	bool subscribed;
};

/* "2026-11-22 20:16:33.123", the reader's own time zone. */
static const char *time_text(double time, char text[64])
{
	time_t seconds = (time_t)time;
	int ms = (int)((time - (double)seconds) * 1000);
	struct tm local;
	size_t n;

	if (!localtime_r(&seconds, &local))
		return "?";
	n = strftime(text, 64, "%Y-%m-%d %H:%M:%S", &local);
	snprintf(text + n, 64 - n, ".%03d", ms);
	return text;
}

static const char *word(json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "?";
}

/* 0, or -EPIPE: nobody reads any more. */
static int print_event(struct monitor *monitor, json_t *event)
{
	json_t *number = json_object_get(event, "number");
	FILE *out = monitor->ctl->out;
	char text[64];

	if (json_integer_value(number) < monitor->next)
		return 0;
	monitor->next = json_integer_value(number) + 1;
	if (monitor->ctl->json) {
		json_dumpf(event, out, JSON_COMPACT | JSON_REAL_PRECISION(13));
		fputc('\n', out);
	} else {
		fprintf(out, "%s %s %s: %s\n",
			time_text(json_real_value(json_object_get(event, "time")), text),
			word(event, "switch"), word(event, "object"), word(event, "text"));
	}
	return fflush(out) < 0 || ferror(out) ? -EPIPE : 0;
}

/* Asked for when the subscription stands, so that no event falls between the two. */
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

static int told(void *userdata, json_t *event)
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

	r = control_monitor(ctl_socket_path(ctl, path, sizeof(path)), CTL_CALL_TIMEOUT_MS, told,
			    &monitor, &result);
	if (!ferror(ctl->out) && monitor.subscribed && r == -EPIPE)
		ctl_fail(ctl, 0, "uplinkd has ended");
	else if (!ferror(ctl->out) && result.message)
		ctl_fail(ctl, 0, "%s", result.message);
	control_result_done(&result);
	return r == 0 || ferror(ctl->out) ? CTL_DONE : CTL_SYSTEM;
}
