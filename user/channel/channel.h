/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * LACP or PAgP of a switch: connects the protocol cores (lacp/lacp.h, pagp/pagp.h) with the
 * sockets, the uplinks and the records in the maps. It also receives LLDP, CDP and PAgP from the
 * physical switch, with any kind of channel, and reports settings of the two ends that do not
 * match.
 *
 *   channel.c           running: frames, links, records, reports
 *   channel_apply.c     configuration: ports follow the uplinks, start, stop, restart
 *   channel_identity.c  system id, port numbers, configuration of the protocol core
 *   channel_record.c    the record of an uplink in ul_lacp_ports, as uplinkctl shows it
 *   channel_pagp.c      all of that for PAgP: frames, ports, records, restart
 *   channel_sockets.c   opening and closing of packet sockets, for the owner
 *
 * The channel never waits: it sends on sockets that the owner opened and stores into maps. It asks
 * the owner for the interface of an uplink and has no timers; the owner calls channel_receive() and
 * channel_run() when a socket of channel_poll_fds() is readable and at channel_next_ms().
 *
 * Life cycle: channel_new() creates an idle channel. channel_apply() follows every applied
 * configuration, whatever its kind of channel; its first call resumes the state that an earlier
 * daemon saved. channel_free() sends nothing, so that a restart goes unnoticed.
 *
 * Callers: timely/; vswitch/ opens the sockets. Failures go to context->errors.
 * Tests: tests/unit/channel_*.c, tests/netns/test_channel.py, test_lacp.py, test_lacp_members.py.
 */
#ifndef UL_CHANNEL_CHANNEL_H
#define UL_CHANNEL_CHANNEL_H

#include <poll.h>

#include "context/context.h"

#define CHANNEL_SOCKETS 3 /* LACP, LLDP, CDP and PAgP */

struct channel;

/* The interface of an uplink. */
struct channel_link {
	uint32_t ifindex;	 /* 0: none, and fd is not used */
	int fd[CHANNEL_SOCKETS]; /* bound to it; they stay open until the channel has another link
				  */
	bool up;		 /* carrier and administratively up */
	uint32_t speed_mbps;	 /* 0: unknown */
	bool full_duplex;
};

/* Calls upward. uplink: index in ul_uplinks. They must not call the channel. */
struct channel_callbacks {
	/*
	 * Only with LACP or PAgP. Present state of the uplink; also called without a change.
	 * The flags of the uplink must be published before it returns, because the partner hears
	 * of it after the data plane has stopped. When the protocol stops, the owner resets the
	 * state by itself.
	 */
	void (*on_negotiated)(void *userdata, uint32_t uplink, bool collecting, bool distributing);
	/* An event that the partner can cause at any rate: the owner limits it. */
	void (*on_report)(void *userdata, uint32_t uplink, enum event_code code, const char *text);
	/* The records of all uplinks were written: about once a second, and after each change. */
	void (*on_recorded)(void *userdata);
	/* Rest of the up-delay of an uplink in ms; 0: it does not wait. */
	uint64_t (*uplink_wait_ms)(void *userdata, uint32_t uplink);
	/* The uplink has another interface than the one whose state was saved. */
	bool (*is_replaced)(void *userdata, uint32_t uplink);
	/* The present interface. fresh: a frame arrived although the link was down, so the owner
	 * reads the carrier before it answers. */
	void (*link_of)(void *userdata, uint32_t uplink, bool fresh, struct channel_link *ret);
	void *userdata;
};

/* context must outlive the channel; its cfg and dp may change between calls. 0 or negative errno
 * with a reason in context->errors. */
int channel_new(const struct switch_context *context, const struct channel_callbacks *callbacks,
		struct channel **ret);
/* Nothing is sent. NULL allowed. */
void channel_free(struct channel *channel);

/* The ports take the order of the uplinks in the maps, in a channel that channel_apply() has
 * started. 0 or -ENOMEM with a reason in context->errors. */
int channel_reorder(struct channel *channel);
/*
 * Starts, changes or stops LACP as context->cfg says. Call it when the uplinks are connected and
 * before their flags are published. Uplinks that cfg does not have must have been removed by
 * channel_remove_uplink(). 0 or negative errno with a reason in context->errors.
 */
int channel_apply(struct channel *channel);

/* The uplink leaves the switch. Call it while its interface is still connected: the partner gets
 * SYNC=0. */
void channel_remove_uplink(struct channel *channel, uint32_t uplink);
/* The uplink's interface appeared or disappeared, or its carrier, speed or address changed. Not for
 * an uplink that channel_apply() has not seen yet: such a call has no effect. */
void channel_link_changed(struct channel *channel, uint32_t uplink);
/* The other set is in context->dp from now on: writes there what the channel writes. */
void channel_rewrite(struct channel *channel);
/* Reads the waiting LACPDUs. Call it first after the process has slept. NULL allowed. */
void channel_poll(struct channel *channel);
/* Reads the waiting frames of all protocols. */
void channel_receive(struct channel *channel);
/* Runs the machines and records their state. */
void channel_run(struct channel *channel);
/* When channel_receive() and channel_run() are due without a frame; UINT64_MAX: never. */
uint64_t channel_next_ms(const struct channel *channel);
/* Fills ret with at most n sockets to be polled; returns their number. */
#define CHANNEL_MAX_FDS (UL_MAX_UPLINKS * CHANNEL_SOCKETS)
size_t channel_poll_fds(const struct channel *channel, struct pollfd *ret, size_t n);
/* The times between the LACPDUs of an uplink's partner, as lacp_port_gaps(). NULL: no LACP. */
const struct histogram *channel_gaps(const struct channel *channel, uint32_t uplink);
/* Maintenance of an uplink starts or ends, as lacp_port_set_drained(). */
void channel_drain(struct channel *channel, uint32_t uplink, bool drain);

/* ---- channel_sockets.c: for the owner; both wait for the RTNL ---- */
/* 0 or negative errno. */
int channel_sockets_open(uint32_t ifindex, int ret[CHANNEL_SOCKETS]);
/* Negative ones are skipped; all are -1 afterwards. */
void channel_sockets_close(int fds[CHANNEL_SOCKETS]);

#endif
