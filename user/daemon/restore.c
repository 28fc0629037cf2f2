// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* A change that failed half-way, and whose rollback failed as well: the configuration in force is
 * applied again until it succeeds. */
#include "daemon/state.h"

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;
	char former[sizeof(daemon->switches.incomplete)];
	int r;

	(void)source;
	(void)usec;
	if (!daemon->switches.incomplete[0])
		return 0; /* another change has succeeded meanwhile */
	memcpy(former, daemon->switches.incomplete, sizeof(former));
	r = switches_restore(&daemon->switches);
	if (r == 0) {
		daemon->restore_retry_ms = 0;
		log_info("the configuration in force is restored completely");
	} else if (strcmp(former, daemon->switches.incomplete) == 0) {
		errors_done(&daemon->errors); /* they are in the log */
	}
	if (r < 0)
		daemon_restore_later(daemon);
	daemon_log_errors(daemon, LOG_LEVEL_WARNING);
	return 0;
}

void daemon_restore_later(void *userdata)
{
	struct daemon *daemon = userdata;

	daemon_arm_retry(daemon, &daemon->restore_timer, &daemon->restore_retry_ms, on_timer,
			 "no timer for the next attempt to restore the configuration");
}
