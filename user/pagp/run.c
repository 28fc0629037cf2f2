// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * A run: which ports form the aggregation, what the data plane does with each, and what is sent.
 *
 * The order on a port: the partner is received; it has received this port (bidirectional); this
 * side attaches the port, announces its group and accepts data frames; each side confirms what the
 * other announces (consistent state); the partner has aggregated its port; this side sends. So no
 * data frame leaves on a link that the partner has not aggregated, and none is lost that the
 * partner sends on one it has.
 *
 * Everything here follows from the inputs of the ports and from the last run, which only decides
 * between equals. One pass is therefore enough.
 */
#include <string.h>

#include "common/util.h"
#include "pagp/port.h"

/* ---- facts about a port ---- */
struct pagp_side pagp_actor(const struct pagp_port *port)
{
	struct pagp_side side = {
		.learn = PAGP_LEARN_AGGREGATION,
		.priority = PAGP_PRIORITY,
		.port = port->config.number,
		.capability = PAGP_CAPABILITY,
		.group = port->attached ? PAGP_GROUP : 0,
	};

	memcpy(side.device, port->pagp->config.device, sizeof(side.device));
	return side;
}

bool pagp_is_crowded(const struct pagp_port *port, uint64_t now_ms)
{
	return now_ms < port->other_until_ms;
}

bool pagp_is_loop(const struct pagp_port *port, uint64_t now_ms)
{
	return now_ms < port->own_until_ms;
}

bool pagp_is_seen(const struct pagp_port *port)
{
	const struct pagp_side actor = pagp_actor(port);

	return port->has_partner && port->heard.partner.port == actor.port &&
	       memcmp(port->heard.partner.device, actor.device, sizeof(actor.device)) == 0;
}

/* The partner describes the actor as it announces itself now. Learn method and priority are the
 * actor's own business. */
static bool is_confirmed(const struct pagp_port *port)
{
	const struct pagp_side actor = pagp_actor(port), *view = &port->heard.partner;

	return pagp_is_seen(port) && view->capability == actor.capability &&
	       view->group == actor.group;
}

static bool is_consistent(const struct pagp_port *port)
{
	return port->attached && is_confirmed(port);
}

bool pagp_may_send(const struct pagp_port *port)
{
	if (!port->enabled || port->half_duplex)
		return false;
	return !port->pagp->config.auto_mode ||
	       (port->has_partner && !(port->heard.flags & PAGP_AUTO_MODE));
}

/* ---- aggregation ---- */
/* Two links to one port of the partner: a hub is between. Only the first is used. */
static bool repeats_partner_port(const struct pagp_port *port)
{
	for (const struct pagp_port *p = port->pagp->port; p < port; p++)
		if (p->has_partner && p->heard.local.port == port->heard.local.port &&
		    memcmp(p->heard.local.device, port->heard.local.device, 6) == 0)
			return true;
	return false;
}

static bool is_candidate(const struct pagp_port *port, uint64_t now_ms)
{
	return port->enabled && !port->half_duplex && !port->drained &&
	       !pagp_is_crowded(port, now_ms) && !pagp_is_loop(port, now_ms) &&
	       pagp_is_seen(port) && !repeats_partner_port(port);
}

static bool is_selected(const struct pagp_port *port, uint64_t now_ms)
{
	return port->pagp->has_selected && is_candidate(port, now_ms) &&
	       same_partner(&port->pagp->selected, &port->heard.local);
}

static unsigned int count_candidates(const struct pagp *pagp, const struct pagp_side *partner,
				     uint64_t now_ms)
{
	unsigned int n = 0;

	for (size_t i = 0; i < pagp->n_ports; i++)
		n += is_candidate(&pagp->port[i], now_ms) &&
		     same_partner(partner, &pagp->port[i].heard.local);
	return n;
}

/* The selected partner stays for as long as it is received. */
static void select_partner(struct pagp *pagp, uint64_t now_ms)
{
	unsigned int most = 0;

	for (size_t i = 0; i < pagp->n_ports; i++)
		if (pagp->has_selected && pagp->port[i].has_partner &&
		    same_partner(&pagp->selected, &pagp->port[i].heard.local))
			return;
	pagp->has_selected = false;
	for (size_t i = 0; i < pagp->n_ports; i++) {
		const struct pagp_port *port = &pagp->port[i];
		unsigned int n;

		if (!is_candidate(port, now_ms))
			continue;
		n = count_candidates(pagp, &port->heard.local, now_ms);
		if (n <= most)
			continue;
		most = n;
		pagp->has_selected = true;
		pagp->selected = port->heard.local;
	}
}

/* The partner uses the port as a single link. */
static bool is_alone(const struct pagp_port *port)
{
	return port->heard.local.group == port->heard.local.port;
}

/* How good a group of the partner is: 0: none; 1: a single link; more: an aggregation port. */
static unsigned int rate_group(const struct pagp *pagp, uint32_t group, uint64_t now_ms)
{
	unsigned int n = 0;
	bool alone = false;

	if (!group)
		return 0;
	for (size_t i = 0; i < pagp->n_ports; i++) {
		const struct pagp_port *port = &pagp->port[i];

		if (!is_selected(port, now_ms) || port->heard.local.group != group)
			continue;
		n++;
		alone |= is_alone(port);
	}
	return n && alone ? 1 : n ? n + 1 : 0;
}

/* The aggregation port in use stays, a single link only until there is an aggregation port. */
static void select_group(struct pagp *pagp, uint64_t now_ms)
{
	unsigned int best = rate_group(pagp, pagp->group, now_ms);

	if (best > 1)
		return;
	if (!best)
		pagp->group = 0;
	for (size_t i = 0; i < pagp->n_ports; i++) {
		const struct pagp_port *port = &pagp->port[i];
		unsigned int rating;

		if (!is_selected(port, now_ms))
			continue;
		rating = rate_group(pagp, port->heard.local.group, now_ms);
		if (rating <= best)
			continue;
		best = rating;
		pagp->group = port->heard.local.group;
	}
}

bool pagp_is_elsewhere(const struct pagp_port *port)
{
	const struct pagp *pagp = port->pagp;
	uint32_t group = port->heard.local.group;

	if (!port->has_partner || !pagp->has_selected)
		return false;
	return !same_partner(&pagp->selected, &port->heard.local) ||
	       (group && group != pagp->group && !is_alone(port));
}

/* A port that the partner has not aggregated, or uses alone, is announced as well: it may be
 * aggregated next. */
static void attach_ports(struct pagp *pagp, uint64_t now_ms)
{
	for (size_t i = 0; i < pagp->n_ports; i++) {
		struct pagp_port *port = &pagp->port[i];

		port->attached = is_selected(port, now_ms) && !pagp_is_elsewhere(port);
	}
	for (size_t i = 0; i < pagp->n_ports; i++) {
		struct pagp_port *port = &pagp->port[i];

		port->agreed = is_consistent(port) && port->heard.flags & PAGP_CONSISTENT_STATE &&
			       port->heard.count <= 1 && port->heard.local.group &&
			       port->heard.local.group == pagp->group;
	}
}

/* A partner that learns by physical port would see addresses move between the ports, so one port
 * sends for all, unless the hash keeps each source address to one port. */
static void choose_standby(struct pagp *pagp)
{
	const struct pagp_port *sender = NULL;
	bool learner = false;

	for (size_t i = 0; i < pagp->n_ports; i++) {
		const struct pagp_port *port = &pagp->port[i];

		if (!port->agreed)
			continue;
		learner |= port->heard.local.learn == PAGP_LEARN_PHYSICAL;
		if (!sender || (port->distributing && !sender->distributing))
			sender = port;
	}
	for (size_t i = 0; i < pagp->n_ports; i++) {
		struct pagp_port *port = &pagp->port[i];

		port->standby = port->agreed && learner && !pagp->config.source_based &&
				port != sender;
	}
}

/* ---- fallback ---- */
static bool fallback_applies(const struct pagp *pagp)
{
	if (pagp->config.fallback != PAGP_FALLBACK_INDIVIDUAL)
		return false;
	for (size_t i = 0; i < pagp->n_ports; i++)
		if (pagp->port[i].has_partner)
			return false;
	return true;
}

static bool may_be_individual(const struct pagp_port *port)
{
	return port->enabled && !port->half_duplex && !port->drained;
}

/* The port in use stays; otherwise the first one that has been up for long enough. */
static void choose_individual(struct pagp *pagp, uint64_t now_ms)
{
	struct pagp_port *chosen = NULL;

	for (size_t i = 0; fallback_applies(pagp) && i < pagp->n_ports; i++) {
		struct pagp_port *port = &pagp->port[i];

		if (!may_be_individual(port))
			continue;
		if (port->individual || (!chosen && now_ms >= port->enabled_ms + FALLBACK_MS))
			chosen = port;
	}
	for (size_t i = 0; i < pagp->n_ports; i++)
		pagp->port[i].individual = &pagp->port[i] == chosen;
}

/* ---- consequences ---- */
static void expire(struct pagp_port *port, uint64_t now_ms)
{
	if (now_ms >= port->other_until_ms)
		port->other_until_ms = 0;
	if (now_ms >= port->own_until_ms)
		port->own_until_ms = 0;
	if (!port->has_partner || now_ms < port->expire_ms)
		return;
	port->has_partner = false;
	memset(&port->heard, 0, sizeof(port->heard));
	port->counters.expired++;
	port->enabled_ms = now_ms;
}

static void end_drain(struct pagp_port *port, uint64_t now_ms)
{
	if (!port->drain_until_ms)
		return;
	if (!port->enabled || !port->has_partner || !port->heard.partner.group ||
	    now_ms >= port->drain_until_ms)
		port->drain_until_ms = 0;
}

static void publish(struct pagp_port *port)
{
	const struct pagp_callbacks *callbacks = &port->pagp->callbacks;
	uint32_t group = port->heard.local.group;
	bool collecting, distributing;

	distributing = port->individual || (port->agreed && !port->standby);
	collecting = distributing || port->agreed ||
		     (port->attached && (!group || group == port->pagp->group)) ||
		     (port->drain_until_ms && port->collecting);
	if (port->published && port->collecting == collecting && port->distributing == distributing)
		return;
	port->published = true;
	port->collecting = collecting;
	port->distributing = distributing;
	callbacks->changed(callbacks->userdata, port->config.number, collecting, distributing);
}

static enum pagp_state state_of(const struct pagp_port *port)
{
	if (!port->enabled || port->half_duplex)
		return PAGP_PORT_DOWN;
	if (port->individual)
		return PAGP_UP_DATA;
	if (!port->has_partner)
		return PAGP_PORT_UP;
	if (!pagp_is_seen(port))
		return PAGP_RECEIVED;
	return port->agreed ? PAGP_UP_PAGP : PAGP_BIDIRECTIONAL;
}

static void set_state(struct pagp_port *port, enum pagp_state state)
{
	if (port->state == state)
		return;
	pagp_event(port, PAGP_EVENT_STATE, "%s -> %s", pagp_name(PAGP_NAMES_STATE, port->state),
		   pagp_name(PAGP_NAMES_STATE, state));
	port->state = state;
}

/* ---- transmission ---- */
struct pagp_pdu pagp_make_pdu(const struct pagp_port *port, uint64_t now_ms)
{
	struct pagp_pdu pdu = { .local = pagp_actor(port) };

	if (port->pagp->config.auto_mode)
		pdu.flags |= PAGP_AUTO_MODE;
	if (is_consistent(port))
		pdu.flags |= PAGP_CONSISTENT_STATE;
	/* Slow only towards a partner that is slow itself and so expires slowly. */
	if (port->agreed && port->heard.flags & PAGP_SLOW_HELLO)
		pdu.flags |= PAGP_SLOW_HELLO;
	if (port->has_partner) {
		pdu.partner = port->heard.local;
		pdu.count = pagp_is_crowded(port, now_ms) ? 2 : 1;
	}
	return pdu;
}

static uint64_t hello_due_ms(const struct pagp_port *port)
{
	return port->tx_ms + (port->sent.flags & PAGP_SLOW_HELLO ? HELLO_SLOW_MS : HELLO_FAST_MS);
}

static void transmit(struct pagp_port *port, uint64_t now_ms)
{
	const struct pagp *pagp = port->pagp;
	struct pagp_pdu pdu = pagp_make_pdu(port, now_ms);
	uint8_t frame[PAGP_MAX_FRAME];
	size_t length;

	port->delayed = false;
	if (!pagp_may_send(port) ||
	    (port->tx_ms && now_ms < hello_due_ms(port) && pagp_pdu_equal(&pdu, &port->sent)))
		return;
	if (!limit_permits(&port->sending, MAX_SENT, now_ms)) {
		port->delayed = true;
		return;
	}
	length = pagp_frame_build(frame, port->config.mac, &pdu, pagp->config.name,
				  port->config.name);
	port->sent = pdu;
	port->tx_ms = now_ms;
	port->counters.info_tx++;
	pagp->callbacks.send(pagp->callbacks.userdata, port->config.number, frame, length);
}

/* ---- run ---- */
void pagp_run(struct pagp *pagp, uint64_t now_ms)
{
	pagp->due = false;
	for (size_t i = 0; i < pagp->n_ports; i++)
		expire(&pagp->port[i], now_ms);
	select_partner(pagp, now_ms);
	select_group(pagp, now_ms);
	attach_ports(pagp, now_ms);
	choose_standby(pagp);
	choose_individual(pagp, now_ms);
	for (size_t i = 0; i < pagp->n_ports; i++) {
		end_drain(&pagp->port[i], now_ms);
		publish(&pagp->port[i]);
	}
	for (size_t i = 0; i < pagp->n_ports; i++) {
		set_state(&pagp->port[i], state_of(&pagp->port[i]));
		pagp_update_findings(&pagp->port[i], now_ms);
		transmit(&pagp->port[i], now_ms);
	}
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t transmit_due_ms(const struct pagp_port *port)
{
	if (!pagp_may_send(port))
		return PAGP_NEVER;
	return port->delayed ? limit_end_ms(&port->sending, MAX_SENT) : hello_due_ms(port);
}

static uint64_t timers_due_ms(const struct pagp_port *port)
{
	uint64_t due = PAGP_NEVER;

	if (port->has_partner)
		due = sooner(due, port->expire_ms);
	if (port->other_until_ms)
		due = sooner(due, port->other_until_ms);
	if (port->own_until_ms)
		due = sooner(due, port->own_until_ms);
	if (port->drain_until_ms)
		due = sooner(due, port->drain_until_ms);
	return due;
}

static uint64_t fallback_due_ms(const struct pagp *pagp)
{
	uint64_t due = PAGP_NEVER;

	for (size_t i = 0; fallback_applies(pagp) && i < pagp->n_ports; i++) {
		const struct pagp_port *port = &pagp->port[i];

		if (port->individual)
			return PAGP_NEVER;
		if (may_be_individual(port))
			due = sooner(due, port->enabled_ms + FALLBACK_MS);
	}
	return due;
}

uint64_t pagp_next_wakeup(const struct pagp *pagp)
{
	uint64_t due = fallback_due_ms(pagp);

	if (pagp->due)
		return 0;
	for (size_t i = 0; i < pagp->n_ports; i++) {
		const struct pagp_port *port = &pagp->port[i];

		due = sooner(due, timers_due_ms(port));
		due = sooner(due, transmit_due_ms(port));
		due = sooner(due, pagp_findings_due_ms(port));
	}
	return due;
}
