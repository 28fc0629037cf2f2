// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The channel follows the configuration: its ports follow the uplinks, and after a restart they
 * resume the state that the previous daemon saved.
 */
#include "channel/internal.h"
#include "dataplane/records.h"

static const struct lacp_saved no_record;

/* ---- ports ---- */
static struct channel_port *make_port(struct channel *channel, uint32_t index)
{
	struct channel_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	port->channel = channel;
	port->index = index;
	for (size_t i = 0; i < CHANNEL_SOCKETS; i++)
		port->fd[i] = -1;
	return port;
}

/* The core sends SYNC=0 after the data plane has stopped, so the port must still have its index,
 * its sockets and its interface. */
static void remove_port(struct channel *channel, uint32_t index)
{
	if (channel->port[index] && channel->port[index]->added)
		lacp_port_remove(channel->lacp, channel->port[index]->number, now_ms());
	if (channel->port[index])
		channel_pagp_remove_port(channel, channel->port[index]);
	free(TAKE_PTR(channel->port[index]));
}

void channel_remove_uplink(struct channel *channel, uint32_t uplink)
{
	if (!channel->port[uplink])
		return;
	remove_port(channel, uplink);
	dataplane_save_lacp(channel->context->dp, uplink, &no_record);
}

static struct channel_port *take_port(struct channel *channel, uint16_t number)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i] && channel->port[i]->number == number)
			return TAKE_PTR(channel->port[i]);
	return NULL;
}

/* The counters at this index belong to the uplink that had it before. */
static void clear_answers(struct channel_port *port)
{
	lacp_answers_clear(port->channel->context->dp, port->index);
	port->answers_seen = 0;
}

/* Moves the ports to the present indexes of their uplinks and creates those of new uplinks. */
static int collect_ports(struct channel *channel, struct channel_port *ret[UL_MAX_UPLINKS])
{
	const struct switch_context *context = channel->context;
	struct dataplane *dp = context->dp;
	int r = 0;

	for (uint32_t i = 0; i < context->cfg->n_uplinks; i++) {
		bool new = channel_assign_number(context, i);
		uint16_t number = (uint16_t)dp->uplinks[i].lacp_port;

		ret[i] = take_port(channel, number);
		if (ret[i])
			continue;
		ret[i] = make_port(channel, i);
		if (!ret[i]) {
			r = context_fail(context, -ENOMEM, "cannot create LACP port %u", number);
			continue;
		}
		ret[i]->number = number;
		ret[i]->known = !new;
		ret[i]->answers_seen = dp->lacp_answers[i].answered;
	}
	return r;
}

static int arrange_ports(struct channel *channel)
{
	struct channel_port *arranged[UL_MAX_UPLINKS] = {};
	int r = collect_ports(channel, arranged);

	/* What is left belongs to uplinks that lost their number. */
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		remove_port(channel, i);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		channel->port[i] = arranged[i];
		if (!arranged[i] || arranged[i]->index == i)
			continue;
		arranged[i]->index = i;
		clear_answers(arranged[i]);
		/* the map has the record at the old index */
		arranged[i]->saved = no_record;
	}
	return r;
}

/* ---- restart ---- */
/* State that the previous daemon saved, by the indexes that the uplinks had then. */
struct saved_channel {
	struct lacp_saved saved[UL_MAX_UPLINKS];
	uint64_t answered_ms[UL_MAX_UPLINKS];
};

/* A record that cannot be read is no missing one: without it the uplink would leave the channel. */
static int load_saved(const struct switch_context *context, struct saved_channel *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		int r = dataplane_load_lacp(context->dp, i, &ret->saved[i]);

		if (r < 0)
			return context_fail(context, r,
					    "the saved LACP state of uplink %u cannot be read", i);
		ret->answered_ms[i] = context->dp->lacp_answers[i].last_ns / 1000000;
	}
	return 0;
}

/* No uplink has a record from index i on. A stale record would be restored for the next uplink with
 * its number. */
static void clear_saved_from(struct dataplane *dp, uint32_t i)
{
	for (; i < UL_MAX_UPLINKS; i++)
		dataplane_save_lacp(dp, i, &no_record);
}

/* Since the partner last received an LACPDU from here. A time that has not come yet says nothing:
 * the partner may have expired this port. */
static uint64_t age_of(const struct lacp_saved *saved, uint64_t answered_ms, uint64_t now)
{
	uint64_t heard_ms = saved->tx_ms <= now ? saved->tx_ms : 0;

	if (answered_ms <= now && answered_ms > heard_ms)
		heard_ms = answered_ms;
	return heard_ms ? now - heard_ms : UINT64_MAX;
}

/* The port numbers are the same as before the restart, even if the uplinks have changed places in
 * the configuration. Not restored: a new uplink with the number of one that left, and an uplink
 * whose name belongs to another NIC now. */
static void restore(struct channel *channel, struct channel_port *port,
		    const struct saved_channel *from)
{
	const struct channel_callbacks *callbacks = &channel->callbacks;
	uint64_t now = now_ms();

	if (!port->known || callbacks->is_replaced(callbacks->userdata, port->index))
		return;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		const struct lacp_saved *saved = &from->saved[i];

		if (!saved->version || saved->actor.port != port->number)
			continue;
		lacp_restore(channel->lacp, port->number, saved,
			     age_of(saved, from->answered_ms[i], now));
		if (i != port->index)
			clear_answers(port);
	}
}

/* For ports whose saved state was not restored: the core reports no change for them. */
static void publish_states(struct channel *channel)
{
	const struct channel_callbacks *callbacks = &channel->callbacks;

	for (uint32_t i = 0; i < channel->context->cfg->n_uplinks; i++) {
		struct lacp_port_info info;

		if (lacp_port_info(channel->lacp, channel->port[i]->number, now_ms(), &info) < 0)
			continue;
		callbacks->on_negotiated(callbacks->userdata, i, info.actor.state & LACP_COLLECTING,
					 info.actor.state & LACP_DISTRIBUTING);
	}
}

/* ---- configuration ---- */
static int start_lacp(struct channel *channel, const struct lacp_config *config)
{
	struct lacp_callbacks callbacks = channel_lacp_callbacks;

	callbacks.userdata = channel;
	channel->lacp = lacp_new(config, &callbacks);
	return channel->lacp ? 0 : context_fail(channel->context, -ENOMEM, "cannot start LACP");
}

/* Without a channel, or with PAgP, the partner must stop bundling the links, so it gets SYNC=0.
 * With a static channel it may go on, and it does until its LACP state expires: time to set it to
 * static, too. */
static void stop_lacp(struct channel *channel)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		struct channel_port *port = channel->port[i];

		if (!port)
			continue;
		if (port->added && channel->context->cfg->channel != UL_CHANNEL_STATIC)
			lacp_port_remove(channel->lacp, port->number, now_ms());
		port->added = false;
		port->saved = no_record;
	}
	lacp_free(TAKE_PTR(channel->lacp));
}

static int apply_port(struct channel *channel, struct channel_port *port,
		      const struct saved_channel *saved)
{
	int r = channel_port_configure(channel, port);

	if (r < 0)
		return context_fail(channel->context, r, "%s: cannot add LACP port %u",
				    channel->context->dp->uplinks[port->index].name, port->number);
	if (port->added)
		return 0;
	port->added = true;
	if (channel->starting)
		restore(channel, port, saved);
	return channel_port_configure(channel, port); /* drained or not */
}

static int configure_lacp(struct channel *channel, const struct lacp_config *config)
{
	if (!channel->lacp)
		return start_lacp(channel, config);
	lacp_configure(channel->lacp, config, now_ms());
	return 0;
}

static int apply_ports(struct channel *channel, const struct saved_channel *saved)
{
	uint32_t n = channel->context->cfg->n_uplinks;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = apply_port(channel, channel->port[i], saved);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		channel_port_connect(channel, channel->port[i]);
	return r;
}

static int apply_lacp(struct channel *channel)
{
	const struct switch_context *context = channel->context;
	bool start = !channel->lacp;
	struct lacp_config config;
	struct saved_channel saved;
	int r = start ? load_saved(context, &saved) : 0;

	if (r < 0)
		return r;
	channel_make_config(context, &config);
	meta_write_headless(context->dp, (uint64_t)context->cfg->lacp.headless_s * 1000000000ULL);
	r = configure_lacp(channel, &config);
	if (r < 0)
		return r;
	channel->starting = start;
	r = apply_ports(channel, &saved);
	channel->starting = false;
	if (r < 0)
		return r;
	/* Before anything is sent: the first LACPDU of a port whose record was refused announces
	 * that it neither collects nor distributes. */
	publish_states(channel);
	channel->record_due_ms = 0; /* at the present indexes */
	channel_run(channel);
	clear_saved_from(context->dp, context->cfg->n_uplinks);
	return 0;
}

static void apply_no_lacp(struct channel *channel, bool first)
{
	struct dataplane *dp = channel->context->dp;

	if (first || channel->lacp)
		clear_saved_from(dp, 0);
	if (channel->lacp)
		stop_lacp(channel);
	channel->record_due_ms = 0;
}

static void apply_no_protocol(struct channel *channel)
{
	for (uint32_t i = 0; i < channel->context->cfg->n_uplinks; i++)
		channel_port_connect(channel, channel->port[i]);
	channel_run(channel);
}

int channel_reorder(struct channel *channel)
{
	return channel->applied ? arrange_ports(channel) : 0;
}

int channel_apply(struct channel *channel)
{
	bool first = !channel->applied;
	int r = arrange_ports(channel);

	if (r < 0)
		return r;
	channel->applied = true;
	if (channel->context->cfg->channel != UL_CHANNEL_PAGP) {
		if (channel->pagp)
			channel_pagp_stop(channel);
		channel_pagp_clear_records(channel, 0);
	}
	if (channel->context->cfg->channel == UL_CHANNEL_LACP)
		return apply_lacp(channel);
	apply_no_lacp(channel, first);
	if (channel->context->cfg->channel == UL_CHANNEL_PAGP)
		return channel_pagp_apply(channel);
	apply_no_protocol(channel);
	return 0;
}
