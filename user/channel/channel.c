// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The running channel: frames and link changes go to the protocol core, its outputs go to the
 * sockets, the maps and the owner.
 *
 * All waiting LACPDUs are read before the machines run, and saved state is restored before they
 * run: otherwise a partner whose frames wait, or whose state is not restored yet, would expire.
 */
#include "channel/channel.h"

#include <stdarg.h>

#include "channel/internal.h"
#include "dataplane/records.h"

#define FRAMES_PER_ROUND 32 /* of one socket, before others get their turn */
#define PAUSE_MS 20	    /* for a socket that had more: a flood must not delay the others */
/* Ages and counters in the records are at most so old ... */
#define RECORD_INTERVAL_MS 1000
/* ... and so old after a frame. A change of state is recorded at once. */
#define RECORD_FRAME_MS 100

struct channel_port *channel_port_by_number(struct channel *channel, uint16_t number)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i] && channel->port[i]->number == number)
			return channel->port[i];
	return NULL;
}

void channel_report(struct channel *channel, const struct channel_port *port, enum event_code code,
		    const char *format, ...)
{
	char text[LACP_TEXT_LEN + 64];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	channel->callbacks.on_report(channel->callbacks.userdata, port->index, code, text);
}

/* ---- callbacks of the protocol core ---- */
/* A frame that is not sent is like a lost one: the core repeats it. */
static void on_send(void *userdata, uint16_t number, const uint8_t *frame, size_t length)
{
	const struct channel_port *port = channel_port_by_number(userdata, number);

	if (port && port->fd[LACP_IO_SLOW] >= 0)
		lacp_io_send(port->fd[LACP_IO_SLOW], frame, length);
}

static void on_changed(void *userdata, uint16_t number, bool collecting, bool distributing)
{
	struct channel *channel = userdata;
	const struct channel_port *port = channel_port_by_number(channel, number);

	channel->record_due_ms = 0;
	if (port && channel->context->cfg->channel == UL_CHANNEL_LACP)
		channel->callbacks.on_negotiated(channel->callbacks.userdata, port->index,
						 collecting, distributing);
}

static enum event_code code_of(enum lacp_event_kind kind)
{
	if (kind == LACP_EVENT_FINDING)
		return EVENT_CHANNEL_FINDING;
	return kind == LACP_EVENT_CLEARED ? EVENT_CHANNEL_CLEARED : EVENT_LACP;
}

static void on_event(void *userdata, uint16_t number, enum lacp_event_kind kind, const char *text)
{
	struct channel *channel = userdata;
	const struct channel_port *port = channel_port_by_number(channel, number);
	const char *name = lacp_name(LACP_NAMES_EVENT, kind);

	channel->record_due_ms = 0;
	if (port)
		channel_report(channel, port, code_of(kind), "LACP %s: %s", name, text);
	else
		context_report(channel->context, code_of(kind), channel->context->name,
			       "LACP %s: %s", name, text);
}

const struct lacp_callbacks channel_lacp_callbacks = {
	.send = on_send,
	.changed = on_changed,
	.event = on_event,
};

/* ---- saved state and records ---- */
static void save(struct channel *channel, struct channel_port *port)
{
	struct lacp_saved saved;

	memset(&saved, 0, sizeof(saved));
	if (lacp_save(channel->lacp, port->number, &saved) < 0 ||
	    memcmp(&saved, &port->saved, sizeof(saved)) == 0)
		return;
	if (dataplane_save_lacp(channel->context->dp, port->index, &saved) == 0)
		port->saved = saved;
}

static void record_port(struct channel *channel, struct channel_port *port, uint64_t now)
{
	const struct channel_callbacks *callbacks = &channel->callbacks;
	struct ul_lacp_port record = { .neighbour = port->neighbour };

	if (port->fd[LACP_IO_SLOW] >= 0)
		port->dropped += lacp_io_dropped(port->fd[LACP_IO_SLOW]);
	if (channel->lacp && port->added) {
		channel_record_lacp(channel->lacp, port->number, now, &record);
		record.counters.excess_rx += port->dropped;
		channel_describe_delay(callbacks->uplink_wait_ms(callbacks->userdata, port->index),
				       record.flags & UL_LACP_OUT, record.reason,
				       sizeof(record.reason));
	}
	channel_pagp_record(channel, port, now);
	channel_record_mismatch(&port->mismatch, channel->context->cfg->channel, &record);
	lacp_record_write(channel->context->dp, port->index, &record);
}

static void record_all(struct channel *channel, uint64_t now)
{
	for (uint32_t i = 0; i < channel->context->cfg->n_uplinks; i++)
		if (channel->port[i])
			record_port(channel, channel->port[i], now);
	channel->callbacks.on_recorded(channel->callbacks.userdata);
	channel->recorded_ms = now;
	channel->record_due_ms = now + RECORD_INTERVAL_MS;
}

/* A frame arrived. */
static void record_soon(struct channel *channel)
{
	if (channel->record_due_ms > channel->recorded_ms + RECORD_FRAME_MS)
		channel->record_due_ms = channel->recorded_ms + RECORD_FRAME_MS;
}

static void report_mismatch(struct channel *channel, struct channel_port *port, uint64_t now)
{
	enum ul_channel kind = channel->context->cfg->channel;
	uint32_t found = peer_mismatch_findings(&port->mismatch, &port->neighbour, kind, now),
		 changed = found ^ port->mismatch.reported;

	for (unsigned int i = UL_FIND_LACP_UNUSED; changed && i < UL_N_FINDINGS; i++) {
		char text[LACP_TEXT_LEN];

		if (!(changed >> i & 1))
			continue;
		channel->record_due_ms = 0;
		if (!(found >> i & 1)) {
			channel_report(channel, port, EVENT_CHANNEL_CLEARED, "channel cleared: %s",
				       peer_mismatch_finding_name(i));
			continue;
		}
		peer_mismatch_describe(&port->mismatch, &port->neighbour, kind, i, text,
				       sizeof(text));
		channel_report(channel, port, EVENT_CHANNEL_FINDING, "channel finding: %s", text);
	}
	port->mismatch.reported = found;
}

/* ---- running ---- */
/* LACPDUs that uplink_xdp answered while this process did not run. A time that has not come yet
 * would keep a silent partner from expiring. */
static void read_answers(struct channel *channel)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		struct channel_port *port = channel->port[i];
		const struct ul_lacp_answer *answer = &channel->context->dp->lacp_answers[i];
		uint64_t at_ms;

		if (!port || !port->added || answer->answered == port->answers_seen)
			continue;
		port->answers_seen = answer->answered;
		at_ms = answer->last_ns / 1000000;
		if (at_ms <= now_ms())
			lacp_port_heard(channel->lacp, port->number, at_ms);
	}
}

static void end_pauses(struct channel *channel)
{
	uint64_t now = now_ms();

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		struct channel_port *port = channel->port[i];

		for (size_t p = 0; port && p < CHANNEL_SOCKETS; p++)
			if (now >= port->pause_end_ms[p])
				port->pause_end_ms[p] = 0;
	}
}

static uint64_t next_pause_end_ms(const struct channel *channel)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		const struct channel_port *port = channel->port[i];

		for (size_t p = 0; port && p < CHANNEL_SOCKETS; p++)
			if (port->pause_end_ms[p] && port->pause_end_ms[p] < next)
				next = port->pause_end_ms[p];
	}
	return next;
}

uint64_t channel_next_ms(const struct channel *channel)
{
	uint64_t due = channel->record_due_ms, pause_end = next_pause_end_ms(channel);

	if (!channel->applied)
		return UINT64_MAX;
	if (pause_end < due)
		due = pause_end;
	if (channel->lacp && lacp_next_wakeup(channel->lacp) < due)
		due = lacp_next_wakeup(channel->lacp);
	if (channel->pagp && pagp_next_wakeup(channel->pagp) < due)
		due = pagp_next_wakeup(channel->pagp);
	return due;
}

size_t channel_poll_fds(const struct channel *channel, struct pollfd *ret, size_t n)
{
	size_t found = 0;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		const struct channel_port *port = channel->port[i];

		for (size_t p = 0; port && port->ifindex && p < CHANNEL_SOCKETS; p++)
			if (!port->pause_end_ms[p] && found < n)
				ret[found++] =
					(struct pollfd){ .fd = port->fd[p], .events = POLLIN };
	}
	return found;
}

void channel_run(struct channel *channel)
{
	uint64_t now;

	if (channel->starting || channel->polling)
		return;
	if (channel->lacp) {
		lacp_run(channel->lacp, now_ms());
		for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
			if (channel->port[i] && channel->port[i]->added)
				save(channel, channel->port[i]);
	}
	if (channel->pagp)
		pagp_run(channel->pagp, now_ms());
	now = now_ms();
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i])
			report_mismatch(channel, channel->port[i], now);
	if (now >= channel->record_due_ms)
		record_all(channel, now);
}

void channel_rewrite(struct channel *channel)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		struct channel_port *port = channel->port[i];

		if (!port)
			continue;
		dataplane_save_lacp(channel->context->dp, i, &port->saved);
		port->answers_seen = channel->context->dp->lacp_answers[i].answered;
	}
	channel->record_due_ms = 0;
}

/* ---- frames ---- */
static void connect_port(struct channel *channel, struct channel_port *port, bool fresh);

static void receive_slow(struct channel *channel, struct channel_port *port, const uint8_t *frame,
			 size_t length)
{
	uint16_t number = port->number;

	record_soon(channel);
	if (!port->added) {
		peer_mismatch_receive(&port->mismatch, frame, length, now_ms());
		return;
	}
	if (lacp_receive(channel->lacp, number, frame, length, now_ms()) != -ENETDOWN)
		return;
	/* A frame arrived, so the link is up, and its change has not been seen yet. */
	connect_port(channel, port, true);
	lacp_receive(channel->lacp, number, frame, length, now_ms());
}

static void receive_frame(struct channel_port *port, enum lacp_io_protocol protocol,
			  const uint8_t *frame, size_t length)
{
	if (protocol == LACP_IO_SLOW) {
		receive_slow(port->channel, port, frame, length);
		return;
	}
	if (protocol == LACP_IO_CISCO && port->in_pagp)
		channel_pagp_receive(port->channel, port, frame, length);
	if (neighbour_receive(&port->neighbour, frame, length, now_ms()) == 0)
		record_soon(port->channel);
}

static void receive(struct channel_port *port, enum lacp_io_protocol protocol)
{
	uint8_t frame[LACP_IO_MAX_FRAME];

	if (port->pause_end_ms[protocol])
		return;
	for (int i = 0; i < FRAMES_PER_ROUND && port->fd[protocol] >= 0; i++) {
		ssize_t n = lacp_io_receive(port->fd[protocol], frame, sizeof(frame));

		if (n < 0)
			return;
		receive_frame(port, protocol, frame,
			      (size_t)n < sizeof(frame) ? (size_t)n : sizeof(frame));
	}
	if (port->fd[protocol] < 0)
		return;
	port->pause_end_ms[protocol] = now_ms() + PAUSE_MS;
}

void channel_poll(struct channel *channel)
{
	if (!channel)
		return;
	channel->polling = true;
	if (channel->lacp)
		read_answers(channel);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i]) {
			receive(channel->port[i], LACP_IO_SLOW);
			if (channel->pagp)
				receive(channel->port[i], LACP_IO_CISCO);
		}
	channel->polling = false;
}

void channel_receive(struct channel *channel)
{
	end_pauses(channel);
	channel_poll(channel);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		struct channel_port *port = channel->port[i];

		if (!port || !port->ifindex)
			continue;
		receive(port, LACP_IO_LLDP);
		receive(port, LACP_IO_CISCO);
	}
}

void channel_port_unbind(struct channel_port *port)
{
	for (size_t i = 0; i < CHANNEL_SOCKETS; i++) {
		port->fd[i] = -1;
		port->pause_end_ms[i] = 0;
	}
	port->ifindex = 0;
}

/* ---- links ---- */
static void set_link(struct channel *channel, struct channel_port *port,
		     const struct channel_link *link)
{
	bool up = port->ifindex && link->up;

	if (!up) {
		/* The next cable may lead to another switch. report_mismatch() clears findings. */
		memset(&port->neighbour, 0, sizeof(port->neighbour));
		port->mismatch.lacp_ms = 0;
	}
	if (port->added)
		lacp_port_set_link(channel->lacp, port->number, up, up ? link->speed_mbps : 0,
				   up && link->full_duplex, now_ms());
	if (port->in_pagp)
		pagp_port_set_link(channel->pagp, port->number, up, up ? link->speed_mbps : 0,
				   up && link->full_duplex, now_ms());
}

static void bind_port(struct channel *channel, struct channel_port *port,
		      const struct channel_link *link)
{
	bool bound = port->ifindex;

	if (port->ifindex == link->ifindex)
		return;
	channel_port_unbind(port);
	/* Another interface is another link, even if both are up: the state of the old link does
	 * not apply to it. */
	if (bound)
		set_link(channel, port, link);
	if (!link->ifindex)
		return;
	memcpy(port->fd, link->fd, sizeof(port->fd));
	port->ifindex = link->ifindex;
}

int channel_port_configure(struct channel *channel, const struct channel_port *port)
{
	const struct ul_uplink *uplink = &channel->context->dp->uplinks[port->index];
	struct lacp_port_config config = {
		.number = port->number,
		.priority = channel->context->cfg->lacp.port_priority,
	};

	memcpy(config.mac, uplink->mac, sizeof(config.mac));
	if (!port->added)
		return lacp_port_add(channel->lacp, &config);
	lacp_port_set_drained(channel->lacp, port->number, uplink->flags & UL_UP_DRAINED, now_ms());
	return lacp_port_configure(channel->lacp, &config);
}

static void connect_port(struct channel *channel, struct channel_port *port, bool fresh)
{
	const struct channel_callbacks *callbacks = &channel->callbacks;
	struct channel_link link = {};

	callbacks->link_of(callbacks->userdata, port->index, fresh, &link);
	bind_port(channel, port, &link);
	if (port->added)
		channel_port_configure(channel, port);
	if (port->in_pagp)
		channel_pagp_configure_port(channel, port);
	set_link(channel, port, &link);
}

void channel_port_connect(struct channel *channel, struct channel_port *port)
{
	connect_port(channel, port, false);
}

void channel_port_refresh(struct channel *channel, struct channel_port *port)
{
	connect_port(channel, port, true);
}

void channel_link_changed(struct channel *channel, uint32_t uplink)
{
	if (!channel->port[uplink])
		return;
	channel_poll(channel);
	channel_update_system(channel);
	channel_port_connect(channel, channel->port[uplink]);
	channel_run(channel);
}

void channel_drain(struct channel *channel, uint32_t uplink, bool drain)
{
	const struct channel_port *port = channel->port[uplink];

	if (!port || !(port->added || port->in_pagp))
		return;
	channel_poll(channel);
	if (port->added)
		lacp_port_set_drained(channel->lacp, port->number, drain, now_ms());
	if (port->in_pagp)
		pagp_port_set_drained(channel->pagp, port->number, drain, now_ms());
	channel_run(channel);
}

/* ---- life cycle ---- */
int channel_new(const struct switch_context *context, const struct channel_callbacks *callbacks,
		struct channel **ret)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return context_fail(context, -ENOMEM, "cannot create the channel");
	channel->context = context;
	channel->callbacks = *callbacks;
	*ret = channel;
	return 0;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		free(channel->port[i]);
	lacp_free(channel->lacp);
	pagp_free(channel->pagp);
	free(channel);
}

const struct histogram *channel_gaps(const struct channel *channel, uint32_t uplink)
{
	const struct channel_port *port = channel->port[uplink];

	return channel->lacp && port && port->added ? lacp_port_gaps(channel->lacp, port->number) :
						      NULL;
}
