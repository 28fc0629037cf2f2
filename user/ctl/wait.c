// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* wait: until each switch has a usable uplink, for services that need the network
 * (uplinkd-wait-online.service). The maps are read in intervals: the wait ends with frames that can
 * be sent, whether or not the daemon answers. */
#include "ctl/ctl.h"

#define WAIT_DEFAULT_S 120
#define WAIT_MAX_S 86400
#define WAIT_SAMPLE_MS 200

/* 0: each switch has a usable uplink; -EAGAIN: those in text do not ("storage, vswitch0"). */
static int without_uplink(const struct switches *switches, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < switches->n && length < size; i++) {
		if (switches->snapshots[i]->usable)
			continue;
		length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "",
					   switches->views[i]->name);
	}
	return length ? -EAGAIN : 0;
}

int cmd_wait(struct ctl *ctl)
{
	uint64_t seconds = WAIT_DEFAULT_S, deadline_ms;

	if (ctl->timeout && parse_u64(ctl->timeout, 0, WAIT_MAX_S, &seconds) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--timeout %s: must be a number of seconds, 0-%d", ctl->timeout,
				WAIT_MAX_S);
	deadline_ms = now_ms() + seconds * 1000;
	for (;;) {
		_cleanup_(switches_close) struct switches switches = {};
		_cleanup_(errors_done) struct errors errors = {};
		char names[512];
		int r = switches_open(ctl->bpffs, ctl->arguments[0], &switches, &errors);

		if (r == -EACCES || r == -EPERM)
			return ctl_fail(ctl, CTL_SYSTEM, "%s", errors.messages[0]);
		if (r == 0)
			r = without_uplink(&switches, names, sizeof(names));
		if (r == 0)
			return CTL_DONE;
		if (now_ms() >= deadline_ms) {
			if (r == -EAGAIN)
				return ctl_fail(
					ctl, CTL_SYSTEM,
					"%s: no usable uplink after %llu s; see 'uplinkctl status'",
					names, (unsigned long long)seconds);
			return ctl_fail(ctl, CTL_SYSTEM, "%s",
					errors.n ? errors.messages[0] : strerror(-r));
		}
		usleep(WAIT_SAMPLE_MS * 1000);
	}
}
