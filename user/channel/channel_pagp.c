// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* PAgP of a switch: the protocol core (pagp/pagp.h) with the uplinks, the sockets and its records.
 */
#include "channel/internal.h"
#include "dataplane/records.h"

/* ---- callbacks of the protocol core ---- */
/* A frame that is not sent is like a lost one: the core repeats it. */
static void on_send(void *userdata, uint16_t number, const uint8_t *frame, size_t length)
{
	const struct channel_port *port = channel_port_by_number(userdata, number);

	if (port && port->fd[LACP_IO_CISCO] >= 0)
		lacp_io_send(port->fd[LACP_IO_CISCO], frame, length);
}

static void on_changed(void *userdata, uint16_t number, bool collecting, bool distributing)
{
	struct channel *channel = userdata;
	const struct channel_port *port = channel_port_by_number(channel, number);

	channel->record_due_ms = 0;
	if (port && channel->context->cfg->channel == UL_CHANNEL_PAGP)
		channel->callbacks.on_negotiated(channel->callbacks.userdata, port->index,
						 collecting, distributing);
}

static enum event_code code_of(enum pagp_event_kind kind)
{
	if (kind == PAGP_EVENT_FINDING)
		return EVENT_CHANNEL_FINDING;
	return kind == PAGP_EVENT_CLEARED ? EVENT_CHANNEL_CLEARED : EVENT_PAGP;
}

static void on_event(void *userdata, uint16_t number, enum pagp_event_kind kind, const char *text)
{
	struct channel *channel = userdata;
	const struct channel_port *port = channel_port_by_number(channel, number);

	channel->record_due_ms = 0;
	if (port)
		channel_report(channel, port, code_of(kind), "PAgP %s: %s",
			       pagp_name(PAGP_NAMES_EVENT, kind), text);
}

/* ---- ports ---- */
int channel_pagp_configure_port(struct channel *channel, struct channel_port *port)
{
	const struct ul_uplink *uplink = &channel->context->dp->uplinks[port->index];
	struct pagp_port_config config = { .number = port->number };

	memcpy(config.mac, uplink->mac, sizeof(config.mac));
	snprintf(config.name, sizeof(config.name), "%.*s", UL_NAME_LEN, uplink->name);
	if (!port->in_pagp)
		return pagp_port_add(channel->pagp, &config);
	pagp_port_set_drained(channel->pagp, port->number, uplink->flags & UL_UP_DRAINED, now_ms());
	return pagp_port_configure(channel->pagp, &config);
}

void channel_pagp_receive(struct channel *channel, struct channel_port *port, const uint8_t *frame,
			  size_t length)
{
	if (pagp_receive(channel->pagp, port->number, frame, length, now_ms()) != -ENETDOWN)
		return;
	/* A frame arrived, so the link is up, and its change has not been seen yet. */
	channel_port_refresh(channel, port);
	pagp_receive(channel->pagp, port->number, frame, length, now_ms());
}

void channel_pagp_record(struct channel *channel, struct channel_port *port, uint64_t now)
{
	const struct channel_callbacks *callbacks = &channel->callbacks;
	struct ul_pagp_port record = {};

	if (channel->pagp && port->in_pagp) {
		if (port->fd[LACP_IO_CISCO] >= 0)
			port->cisco_dropped += lacp_io_dropped(port->fd[LACP_IO_CISCO]);
		pagp_record(channel->pagp, port->number, now, &record);
		record.counters.excess_rx += port->cisco_dropped;
		channel_describe_delay(callbacks->uplink_wait_ms(callbacks->userdata, port->index),
				       record.flags & UL_PAGP_OUT, record.reason,
				       sizeof(record.reason));
	} else if (!channel->context->dp->pagp_ports[port->index].version) {
		return;
	}
	pagp_record_write(channel->context->dp, port->index, &record);
}

/* ---- restart ---- */
struct saved_pagp {
	struct ul_pagp_port port[UL_MAX_UPLINKS];
};

/* The port numbers are the same as before the restart, even if the uplinks have changed places.
 * Not restored: a new uplink with the number of one that left, and an uplink whose name belongs to
 * another NIC now. */
static void restore(struct channel *channel, const struct channel_port *port,
		    const struct saved_pagp *from)
{
	const struct channel_callbacks *callbacks = &channel->callbacks;

	if (!port->known || callbacks->is_replaced(callbacks->userdata, port->index))
		return;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (from->port[i].version && from->port[i].actor.port == port->number)
			pagp_restore(channel->pagp, port->number, &from->port[i], now_ms());
}

/* ---- configuration ---- */
static void make_config(const struct switch_context *context, struct pagp_config *ret)
{
	channel_choose_system(context);
	*ret = (struct pagp_config){
		.auto_mode = context->cfg->pagp.mode == CFG_PAGP_AUTO,
		.fallback = context->cfg->pagp.fallback,
		.source_based = context->cfg->teaming.method == UL_M_SRC_MAC,
	};
	memcpy(ret->device, context->dp->meta->lacp_system, sizeof(ret->device));
	snprintf(ret->name, sizeof(ret->name), "%s", context->name);
}

void channel_pagp_update_device(struct channel *channel)
{
	struct pagp_config config;

	make_config(channel->context, &config);
	pagp_configure(channel->pagp, &config);
}

static int start(struct channel *channel, const struct pagp_config *config)
{
	const struct pagp_callbacks callbacks = {
		.send = on_send, .changed = on_changed, .event = on_event, .userdata = channel
	};

	channel->pagp = pagp_new(config, &callbacks);
	return channel->pagp ? 0 : context_fail(channel->context, -ENOMEM, "cannot start PAgP");
}

static int apply_port(struct channel *channel, struct channel_port *port,
		      const struct saved_pagp *saved)
{
	int r = channel_pagp_configure_port(channel, port);

	if (r < 0)
		return context_fail(channel->context, r, "%s: cannot add PAgP port %u",
				    channel->context->dp->uplinks[port->index].name, port->number);
	if (port->in_pagp)
		return 0;
	port->in_pagp = true;
	if (channel->starting)
		restore(channel, port, saved);
	return channel_pagp_configure_port(channel, port); /* drained or not */
}

static int apply_ports(struct channel *channel)
{
	struct dataplane *dp = channel->context->dp;
	struct saved_pagp saved;
	int r = 0;

	memcpy(saved.port, dp->pagp_ports, sizeof(saved.port));
	for (uint32_t i = 0; r == 0 && i < channel->context->cfg->n_uplinks; i++)
		r = apply_port(channel, channel->port[i], &saved);
	for (uint32_t i = 0; r == 0 && i < channel->context->cfg->n_uplinks; i++)
		channel_port_connect(channel, channel->port[i]);
	return r;
}

int channel_pagp_apply(struct channel *channel)
{
	bool is_new = !channel->pagp;
	struct pagp_config config;
	int r = 0;

	make_config(channel->context, &config);
	if (is_new)
		r = start(channel, &config);
	else
		pagp_configure(channel->pagp, &config);
	if (r < 0)
		return r;
	channel->starting = is_new;
	r = apply_ports(channel);
	channel->starting = false;
	if (r < 0)
		return r;
	channel->record_due_ms = 0; /* at the present indexes */
	channel_run(channel);
	channel_pagp_clear_records(channel, channel->context->cfg->n_uplinks);
	return 0;
}

void channel_pagp_clear_records(struct channel *channel, uint32_t from)
{
	struct dataplane *dp = channel->context->dp;

	for (uint32_t i = from; i < UL_MAX_UPLINKS; i++)
		if (dp->pagp_ports[i].version)
			pagp_record_write(dp, i, &(struct ul_pagp_port){});
}

void channel_pagp_remove_port(struct channel *channel, struct channel_port *port)
{
	if (!port->in_pagp)
		return;
	pagp_port_remove(channel->pagp, port->number, now_ms());
	port->in_pagp = false;
}

/* With a static channel the partner may go on until it expires these ports: time to set it to
 * static, too. Otherwise it must stop bundling the links. */
void channel_pagp_stop(struct channel *channel)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		struct channel_port *port = channel->port[i];

		if (!port)
			continue;
		if (channel->context->cfg->channel != UL_CHANNEL_STATIC)
			channel_pagp_remove_port(channel, port);
		port->in_pagp = false;
	}
	pagp_free(TAKE_PTR(channel->pagp));
}
