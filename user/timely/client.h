/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* What client.c and thread.c share. */
#ifndef UL_TIMELY_CLIENT_H
#define UL_TIMELY_CLIENT_H

#include <pthread.h>

#include "timely/internal.h"

#define TIMELY_MAX_SWITCHES 256

/* Used by the thread alone, but for the words that are marked. */
struct timely {
	pthread_t thread;
	int notify_fd;
	uint64_t watchdog_us;
	/* sequenced packets: commands and answers; reports in one direction */
	int command_fd, worker_command_fd;
	int report_fd, worker_report_fd;

	struct timely_switch *sw[TIMELY_MAX_SWITCHES]; /* index: id */
	struct timely_command command;		       /* being executed */
	struct timely_answer answer;
	struct pollfd *fds;
	size_t fds_room;
	uint64_t lease_due_ms, watchdog_due_ms;
	bool stopping;
	bool answer_pending; /* it could not be sent yet */

	/* stored by the thread, read by the worker */
	struct timely_statistics statistics;
	struct histogram turns; /* how long each took */
	/* stored by the worker, read by the thread: when its turn began; 0: it is between two */
	uint64_t worker_busy_ms;

	/* of the worker */
	sd_event_source *report_source;
	struct timely_client *clients;
	struct timely_command request;
};

struct timely_client {
	struct timely *timely; /* NULL: local executes the commands */
	struct timely_client *next;
	struct timely_uplink_statistics statistics[UL_MAX_UPLINKS];
	uint32_t id;
	const struct switch_context *context;
	struct timely_callbacks callbacks;
	struct timely_switch *local;
	struct timely_command local_request;
};

/* ---- thread.c ---- */
void *timely_thread(void *timely);

#endif
