/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * uplinkctl: the command line on top of user/records (pinned maps -> records and findings) and
 * user/control (requests to the daemon).
 *
 * commands.c has the table of subcommands and of options; one file per family implements them:
 * status.c, diagnose.c, show.c, channel.c, lacp.c, which.c, top.c and metrics.c read maps through
 * read.c, probe.c, capture.c and wait.c directly; port.c, uplink.c, changes.c, monitor.c, history.c
 * call the daemon through request.c; import.c needs neither, adopt.c both. Tables are made from
 * JSON records by columns.c, so text and --json agree. commands.h has the tables of subcommands and
 * options, from which completion.c makes scripts for shells. A subcommand gets a struct ctl, prints
 * to ctl->out and ctl->err, and returns an exit status; it neither exits nor keeps state. main.c
 * only calls ctl_main(), as the tests do.
 *
 * Errors are printed as "uplinkctl: OBJECT: what failed: reason; remedy". Tests:
 * tests/unit/ctl_*.c (with a real server on a socket, or maps on a bpffs), tests/netns/test_ctl.py.
 */
#ifndef UL_CTL_CTL_H
#define UL_CTL_CTL_H

#include <jansson.h>

#include "ctl/columns.h"
#include "records/switches.h"

/* Exit statuses: a promise to scripts, uplinkctl(8). */
enum { CTL_DONE = 0, CTL_WRONG_REQUEST = 1, CTL_FINDINGS = 1, CTL_SYSTEM = 2 };

#define CTL_MAX_ARGUMENTS 8
#define CTL_CALL_TIMEOUT_MS 15000   /* attaching XDP resets NICs */
#define CTL_CHANGE_TIMEOUT_MS 60000 /* of a configuration, which may load the programs again */

/* One run of uplinkctl: options, arguments of the subcommand, output. */
struct ctl {
	const char *run_dir, *bpffs, *socket; /* socket NULL: RUN_DIR/uplinkd.sock */
	const char *state_dir;		      /* NULL: that of a daemon with this run_dir */
	bool json, all, past, help, version, check, dry_run, kernel, may_exist, if_exists, probe;
	bool mask;						    /* of support-bundle */
	bool once;						    /* of top */
	bool leave, yes, undo;					    /* of adopt */
	const char *mac, *source_port, *destination_port, *confirm; /* NULL: not given */
	const char *vendor, *ports;				    /* of switch-config */
	const char *output;					    /* likewise */
	const char *format;					    /* of metrics */
	const char *switch_output, *address;			    /* of diagnose */
	const char *without, *load_balancing;			    /* of what-if */
	const char *uplinks;					    /* of import and adopt */
	const char *timeout;					    /* of wait */
	const char *vlan, *count, *snaplen, *write;		    /* of capture */
	const char *interval, *sort, *filter;			    /* of top */
	/* of history */
	const char *since, *until, *uplink, *port, *code, *lines;
	const char *columns; /* of a table; "help": list them */
	/* those after the name of the subcommand; NULL: not given */
	const char *arguments[CTL_MAX_ARGUMENTS];
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

/* Prints records with the columns of -o, or those that fit. Returns an exit status; an error has
 * been printed. */
int ctl_print_table(struct ctl *ctl, json_t *records, const struct column *columns,
		    size_t n_columns, int indent);
/* True: `-o help` was given and has been answered. */
bool ctl_columns_help(struct ctl *ctl, const struct column *columns, size_t n_columns);

/* Opens one switch (name) or all (NULL). Returns an exit status; errors have been printed. */
int ctl_open_switches(struct ctl *ctl, const char *name, struct switches *ret);

/* ---- read.c ---- */
/*
 * The answer to a read of records/reads.h, from the maps, or from the daemon if this user cannot
 * read them. switch_name NULL: all switches. Takes the reference to parameters (NULL: none).
 * Returns an exit status; an error has been printed. *ret: a list, or one object.
 */
int ctl_read(struct ctl *ctl, const char *method, const char *switch_name, json_t *parameters,
	     json_t **ret);
/* A member of a record; NULL, 0, "?": it is absent or null. */
const char *ctl_text(json_t *record, const char *key);
const char *ctl_word(json_t *record, const char *key);
json_int_t ctl_number(json_t *record, const char *key);

/* ---- request.c ---- */
/* Calls io.uplinkd.METHOD; takes the reference to parameters. Returns an exit status; an error has
 * been printed. ret_reply may be NULL. */
int ctl_request(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret_reply);
int ctl_request_within(struct ctl *ctl, const char *method, json_t *parameters, uint64_t timeout_ms,
		       json_t **ret_reply);
/* New object: the reply of io.uplinkd.Status with "running": true; when the daemon does not answer,
 * only "running": false. */
json_t *ctl_daemon_status(struct ctl *ctl);
/* The path of the daemon's socket, in text. */
const char *ctl_socket_path(const struct ctl *ctl, char *text, size_t size);

/* ---- the subcommands: exit statuses ---- */
int cmd_status(struct ctl *ctl);
int cmd_show_uplinks(struct ctl *ctl);
int cmd_show_ports(struct ctl *ctl);
int cmd_show_groups(struct ctl *ctl);
int cmd_show_lacp(struct ctl *ctl);
int cmd_show_fdb(struct ctl *ctl);
int cmd_show_counters(struct ctl *ctl);
int cmd_show_channel(struct ctl *ctl);
int cmd_diagnose(struct ctl *ctl);
int cmd_switch_config(struct ctl *ctl);
int cmd_what_if(struct ctl *ctl);
int cmd_which(struct ctl *ctl);
int cmd_port_add(struct ctl *ctl);
int cmd_port_del(struct ctl *ctl);
int cmd_uplink_drain(struct ctl *ctl);
int cmd_uplink_undrain(struct ctl *ctl);
int cmd_metrics(struct ctl *ctl);
int cmd_monitor(struct ctl *ctl);
int cmd_history(struct ctl *ctl);
int cmd_top(struct ctl *ctl);
int cmd_capture(struct ctl *ctl);
int cmd_support_bundle(struct ctl *ctl);
int cmd_reload(struct ctl *ctl);
int cmd_confirm(struct ctl *ctl);
int cmd_rollback(struct ctl *ctl);
int cmd_diff(struct ctl *ctl);
int cmd_show_config(struct ctl *ctl);
int cmd_completion(struct ctl *ctl);
int cmd_schema(struct ctl *ctl);
int cmd_check(struct ctl *ctl);
int cmd_import(struct ctl *ctl);
int cmd_adopt(struct ctl *ctl);
int cmd_wait(struct ctl *ctl);

#endif
