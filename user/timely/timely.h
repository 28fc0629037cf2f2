/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What must not wait: LACP, carriers, usable uplinks, bucket tables, announcements, the lease and
 * the watchdog. It runs in a separate thread, which makes no system call that waits for a lock of
 * the kernel, for a disk or for another process. The rest of the daemon, the worker, may wait.
 *
 *   command.h   what passes between the two: plain data
 *   client.c    the worker's side: commands and their answers, reports
 *   thread.c    the thread: one ppoll() loop over commands, sockets and the next deadline
 *   sandbox.c   the system calls that the thread may make
 *   switch.c    a switch: life cycle and execution of commands
 *   publish.c   decisions of teaming/ to the maps
 *   carriers.c  carriers by a BPF program, without the RTNL
 *
 * Ownership. The timely side writes flags of ul_uplinks, ul_policies, ul_lacp, ul_lacp_ports, LACP
 * port numbers, the LACP system id, lease and headless time. While the worker waits for the answer
 * to TIMELY_ORDER it also moves the records of ul_uplinks. Everything else in the maps is written
 * by the worker. The worker opens and closes the packet sockets, because both wait for the RTNL;
 * the timely side reads and sends.
 *
 * Life cycle: timely_new() starts the thread. timely_open() for each switch; for every applied
 * configuration timely_order(), timely_link() of each connected uplink, timely_start(),
 * timely_assign(), timely_prune() and timely_publish(). timely_close() sends nothing. Without a
 * struct timely the caller's thread executes the commands, and nothing runs between them: for
 * teardown and for tests.
 *
 * Callers: vswitch/; daemon/ owns the thread. Tests: tests/unit/timely_*.c,
 * tests/netns/test_timely.py.
 */
#ifndef UL_TIMELY_TIMELY_H
#define UL_TIMELY_TIMELY_H

#include "context/context.h"
#include "timely/command.h"

struct timely;
struct timely_client;

struct timely_options {
	sd_event *event; /* of the worker: reports arrive there */
	int notify_fd;	 /* of notify_open() */
	/* How often the service manager expects a sign of life; 0: never. It gets one as long as
	 * the thread runs and the worker does not take longer than TIMELY_WORKER_MAX_MS for one
	 * turn. */
	uint64_t watchdog_us;
};

/* Removing thousands of ports without expedited grace periods takes minutes. */
#define TIMELY_WORKER_MAX_MS 300000

/* Starts the thread. 0 or negative errno. */
int timely_new(const struct timely_options *options, struct timely **ret);
/* Stops the thread. All clients must be closed. NULL allowed. */
void timely_free(struct timely *timely);
/* The worker begins and ends a turn of its event loop. */
void timely_worker_begins(struct timely *timely);
void timely_worker_ends(struct timely *timely);

struct timely_statistics {
	uint64_t worst_turn_us;	  /* longest turn of the thread */
	uint64_t worst_late_us;	  /* how late it ran after a deadline */
	uint64_t reports_dropped; /* the worker did not read them in time */
	int sandbox_error;	  /* negative errno: system calls are not restricted */
};
struct timely_statistics timely_get_statistics(const struct timely *timely);
/* How long the turns of the thread took; bounds: histogram_busy_us. */
void timely_get_turns(const struct timely *timely, struct histogram *ret);

/* ---- a switch; userdata is passed on ---- */
struct timely_callbacks {
	void (*on_event)(void *userdata, enum event_code code, const char *object,
			 const char *text);
	/* An event that a peer can cause at any rate: the owner limits it. */
	void (*on_uplink_event)(void *userdata, const char *uplink, enum event_code code,
				const char *text);
	/* The present state of an uplink with recent events, about once a second. */
	void (*on_uplink_state)(void *userdata, const char *uplink, const char *text);
	void (*on_carrier)(void *userdata, uint32_t ifindex);
	void *userdata;
};

/*
 * context: of the worker; its dp is opened, and must stay open as in struct timely_set. timely
 * NULL: without a thread. Here and below: 0 or negative errno with a reason in context->errors.
 */
int timely_open(struct timely *timely, const struct switch_context *context,
		const struct timely_callbacks *callbacks, announce_send send, void *send_userdata,
		struct timely_client **ret);
void timely_close(struct timely_client *client); /* NULL allowed */

/*
 * context->dp is a second set, filled with the contents of the first one: from now on the timely
 * side works in the second one and writes flags and policies to both. timely_exchanged() ends that;
 * the first set can be closed then.
 */
int timely_exchange(struct timely_client *client);
void timely_exchanged(struct timely_client *client);

/* The records of the uplinks are in the order of context->cfg afterwards. to: old index -> new
 * index; uplinks that left were detached. */
int timely_order(struct timely_client *client, const uint8_t to[UL_MAX_UPLINKS]);
int timely_link(struct timely_client *client, const struct timely_link *link);
/* The sockets of the uplink are not used any longer, and no program sends to its interface. */
void timely_detach(struct timely_client *client, uint32_t uplink, bool gone);
/* The same for an uplink that leaves the switch. */
void timely_leave(struct timely_client *client, uint32_t uplink);
int timely_start(struct timely_client *client);
/* ret_slots: a policy slot for each group of context->cfg. -ENOSPC: there are too many different
 * settings. */
int timely_assign(struct timely_client *client, uint32_t *ret_slots);
/* slots: of all groups of context->cfg. */
void timely_prune(struct timely_client *client, const uint32_t *slots);
void timely_publish(struct timely_client *client);
/* 0 or -EALREADY, without a reason. */
int timely_drain(struct timely_client *client, uint32_t uplink, bool on);
/* Since the switch was opened; without a command, so the thread does nothing for it. uplink: index
 * in ul_uplinks. */
void timely_get_uplink_statistics(const struct timely_client *client, uint32_t uplink,
				  struct timely_uplink_statistics *ret);
void timely_forget(struct timely_client *client, uint32_t slot);

#endif
