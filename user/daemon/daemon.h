/* SPDX-License-Identifier: GPL-2.0 */
/* The daemon's parts, wired in daemon.c; methods.c answers the control socket. */
#ifndef UL_DAEMON_DAEMON_H
#define UL_DAEMON_DAEMON_H

#include "control/server.h"
#include "control/events.h"
#include "daemon/names.h"
#include "team/vswitch.h"

struct daemon_options {
	const char *config, *bpffs, *run_dir;
};

struct daemon {
	struct daemon_options options;
	int lock_fd;
	sd_event *event;
	struct link_monitor *links;
	struct notify_socket *notify_socket;
	struct control_server *control;
	sd_event_source *lease_timer;
	struct model *model; /* what is applied now; NULL: nothing yet */
	struct names made; /* switches of this and of earlier runs that are not known to be gone */
	struct vswitch **switches;
	size_t n_switches;
	uint64_t started_ms;
	struct events events;
	uint64_t worst_loop_us; /* longest time that one round of the loop took to handle what was
				   ready */
};

/* What main() returns. */
enum daemon_status { DAEMON_OK = 0, DAEMON_BAD_CONFIG = 1, DAEMON_SYSTEM = 2 };

enum daemon_status daemon_run(const struct daemon_options *options);
enum daemon_status daemon_teardown(const struct daemon_options *options);

/* Reads the file and applies the difference. 0; -EINVAL: the file is wrong; other negative errno:
 * the system refused; each with messages. On failure the old configuration is in force. */
int daemon_reload(struct daemon *daemon, struct config_errors *errors);
/* Makes model the applied one; takes it over on success, and on success only. On failure what was
 * there before is there again: the configuration before, or at the start what was found. 0 or
 * negative errno with messages: the system refused something. */
int daemon_apply(struct daemon *daemon, struct model *model, struct config_errors *errors);

extern const struct control_method daemon_methods[];

#endif
