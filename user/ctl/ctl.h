/* SPDX-License-Identifier: GPL-2.0 */
/* uplinkctl: one table of subcommands (commands.c), one file per family. main.c only calls
 * ctl_main(), so that tests can do the same. */
#ifndef UL_CTL_CTL_H
#define UL_CTL_CTL_H

#include <jansson.h>

#include "ctl/snapshot.h"
#include "ctl/text.h"

/* Exit statuses: promised. */
enum { CTL_DONE = 0, CTL_WRONG_REQUEST = 1, CTL_SYSTEM = 2 };

#define CTL_MAX_ARGUMENTS 8
#define CTL_CALL_TIMEOUT_MS 15000 /* the daemon may have to wait for NICs to reset */

/* One call of uplinkctl: options, the subcommand's arguments, where to print. */
struct ctl {
	const char *run_dir, *bpffs, *socket; /* socket NULL: RUN_DIR/uplinkd.sock */
	bool json, all, past, help, version;
	const char *mac, *source_port, *destination_port; /* NULL: not given */
	const char *arguments[CTL_MAX_ARGUMENTS]; /* after the words of the subcommand; NULL: not
						     given */
	FILE *out, *err;
	struct style style;
};

/* Runs the command line; returns the exit status. */
int ctl_main(int argc, char *const argv[], FILE *out, FILE *err);

/* "uplinkctl: TEXT" on err; returns status: `return ctl_fail(ctl, CTL_WRONG_REQUEST, "...")`. */
int ctl_fail(struct ctl *ctl, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints a JSON value and frees it; CTL_DONE, or CTL_SYSTEM without memory. */
int ctl_print_json(struct ctl *ctl, json_t *value);

/* ---- switches.c: reading the maps
 * --------------------------------------------------------------------------------- */
struct switches {
	size_t n;
	struct view **views;
	struct snapshot **snapshots;
};

/* Opens one switch (name) or all (NULL) and takes a snapshot of each. Returns an exit status; what
 * is wrong has been printed then. */
int switches_open(struct ctl *ctl, const char *name, struct switches *ret);
void switches_close(struct switches *switches);

/* ---- request.c: asking the daemon
 * --------------------------------------------------------------------------------- */
/* Calls io.uplinkd.METHOD; parameters are freed. Returns an exit status; what the daemon said
 * against it has been printed. ret_reply may be NULL. */
int ctl_request(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret_reply);
/* The socket's path, in text. */
const char *ctl_socket_path(const struct ctl *ctl, char *text, size_t size);

/* ---- the subcommands: exit statuses
 * -------------------------------------------------------------------------------- */
int cmd_status(struct ctl *ctl);
int cmd_show_uplinks(struct ctl *ctl);
int cmd_show_ports(struct ctl *ctl);
int cmd_show_groups(struct ctl *ctl);
int cmd_show_lacp(struct ctl *ctl);
int cmd_show_fdb(struct ctl *ctl);
int cmd_show_counters(struct ctl *ctl);
int cmd_which(struct ctl *ctl);
int cmd_port_add(struct ctl *ctl);
int cmd_port_del(struct ctl *ctl);
int cmd_uplink_drain(struct ctl *ctl);
int cmd_uplink_undrain(struct ctl *ctl);
int cmd_monitor(struct ctl *ctl);
int cmd_reload(struct ctl *ctl);
int cmd_check(struct ctl *ctl);

#endif
