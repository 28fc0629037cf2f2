/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The execution of adopt. The daemon moves everything and holds the deadline, so uplinkctl may lose
 * its terminal at any moment. uplinkctl, which is root, writes the configuration file, starts the
 * service, and leaves a guard process for a daemon that does not return.
 */
#ifndef UL_CTL_ADOPT_H
#define UL_CTL_ADOPT_H

#include <limits.h>

#include "ctl/ctl.h"

struct adopt_job {
	struct ctl *ctl;
	const char *configuration; /* the text */
	json_t *moves;		   /* adopt_moves() */
	uint32_t confirm_s;
	int64_t left_ms; /* until the deadline, when everything has moved */
	char config_path[PATH_MAX], state_folder[PATH_MAX];
	char program[PATH_MAX]; /* uplinkd */
	FILE *log;		/* a copy of the report, which outlives the terminal; NULL: none */
};

/* Exit statuses; errors have been printed. */
/* Finds the daemon, or starts the service with a configuration without switches. */
int adopt_find_daemon(struct adopt_job *job);
/* Writes the configuration file, moves everything and waits until that is complete. */
int adopt_execute(struct adopt_job *job);
int adopt_undo(struct ctl *ctl);
/* To the terminal and the log. */
void adopt_print(const struct adopt_job *job, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- adopt_guard.c ---- */
/*
 * Starts a process without a terminal that waits for the end of the switch-over. When its time is
 * over and no daemon answers, it runs `uplinkd --teardown`, which puts everything back. Returns the
 * descriptor of a pipe, which is closed when the switch-over has begun, or negative errno.
 */
int adopt_start_guard(const struct adopt_job *job);
/* The state of the switch-over ("moving", "done", "returning"), copied to state; "" for none.
 * *ret_left_ms: until the deadline. 0 or negative errno: no answer. */
int adopt_get_state(const struct ctl *ctl, char state[16], int64_t *ret_left_ms);
/* Runs a program and waits; its exit status, or negative errno. */
int adopt_run(const char *const argv[]);

#endif
