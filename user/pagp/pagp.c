// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The channel: life cycle, and inputs, which are recorded for the next run. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"
#include "pagp/port.h"

/* ---- helpers ---- */
void pagp_event(const struct pagp_port *port, enum pagp_event_kind kind, const char *format, ...)
{
	const struct pagp_callbacks *callbacks = &port->pagp->callbacks;
	char text[PAGP_TEXT_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	callbacks->event(callbacks->userdata, port->config.number, kind, text);
}

uint64_t limit_end_ms(const struct limit *limit, unsigned int n)
{
	assert(n <= MAX_RECEIVED);
	return limit->count < n ? 0 : limit->at_ms[limit->count % n] + WINDOW_MS;
}

bool limit_permits(struct limit *limit, unsigned int n, uint64_t now_ms)
{
	if (now_ms < limit_end_ms(limit, n))
		return false;
	limit->at_ms[limit->count++ % n] = now_ms;
	return true;
}

const struct pagp_port *pagp_find_const(const struct pagp *pagp, uint16_t number)
{
	for (size_t i = 0; i < pagp->n_ports; i++)
		if (pagp->port[i].config.number == number)
			return &pagp->port[i];
	return NULL;
}

static struct pagp_port *find(struct pagp *pagp, uint16_t number)
{
	return (struct pagp_port *)pagp_find_const(pagp, number);
}

/* ---- life cycle ---- */
struct pagp *pagp_new(const struct pagp_config *config, const struct pagp_callbacks *callbacks)
{
	struct pagp *pagp = calloc(1, sizeof(*pagp));

	if (!pagp)
		return NULL;
	pagp->callbacks = *callbacks;
	pagp->config = *config;
	pagp->due = true;
	return pagp;
}

void pagp_free(struct pagp *pagp)
{
	free(pagp);
}

void pagp_configure(struct pagp *pagp, const struct pagp_config *config)
{
	pagp->config = *config;
	pagp->due = true;
}

int pagp_port_add(struct pagp *pagp, const struct pagp_port_config *config)
{
	size_t at = pagp->n_ports;

	if (!config->number || config->number >= PAGP_GROUP)
		return -EINVAL;
	if (find(pagp, config->number))
		return -EEXIST;
	if (pagp->n_ports == PAGP_MAX_PORTS)
		return -ENOSPC;
	/* By number, because the lowest one wins where all else is equal. */
	for (; at && pagp->port[at - 1].config.number > config->number; at--)
		pagp->port[at] = pagp->port[at - 1];
	pagp->port[at] = (struct pagp_port){
		.pagp = pagp,
		.config = *config,
		.state = PAGP_PORT_DOWN,
	};
	pagp->n_ports++;
	pagp->due = true;
	return 0;
}

int pagp_port_configure(struct pagp *pagp, const struct pagp_port_config *config)
{
	struct pagp_port *port = find(pagp, config->number);

	if (!port)
		return -ENOENT;
	port->config = *config;
	return 0;
}

int pagp_port_remove(struct pagp *pagp, uint16_t number, uint64_t now_ms)
{
	struct pagp_port *port = find(pagp, number);
	const struct pagp_callbacks *callbacks = &pagp->callbacks;
	uint8_t frame[PAGP_MAX_FRAME];
	struct pagp_pdu pdu;
	size_t at;

	if (!port)
		return -ENOENT;
	if (port->collecting || port->distributing)
		callbacks->changed(callbacks->userdata, number, false, false);
	port->attached = port->agreed = port->collecting = port->distributing = false;
	if (port->tx_ms && pagp_may_send(port)) {
		pdu = pagp_make_pdu(port, now_ms);
		callbacks->send(callbacks->userdata, number, frame,
				pagp_frame_build(frame, port->config.mac, &pdu, pagp->config.name,
						 port->config.name));
	}
	at = (size_t)(port - pagp->port);
	pagp->n_ports--;
	memmove(port, port + 1, (pagp->n_ports - at) * sizeof(*port));
	pagp->due = true;
	return 0;
}

/* ---- links ---- */
static void forget_partner(struct pagp_port *port)
{
	port->has_partner = false;
	port->heard = (struct pagp_pdu){};
	port->rx_ms = port->expire_ms = 0;
}

/* The state that the former daemon saved becomes the partner's last PDU: it described the actor as
 * the record does, or the record would not have been accepted. */
static void resume(struct pagp_port *port, uint64_t now_ms)
{
	const struct ul_pagp_port *saved = &port->saved;

	port->has_partner = true;
	port->heard = (struct pagp_pdu){
		.flags = saved->partner_flags,
		.local = saved->partner,
		.partner = saved->actor,
		.count = 1,
	};
	port->rx_ms = saved->rx_ms;
	port->expire_ms = now_ms + timeout_of(saved->partner_flags);
	port->attached = true;
}

int pagp_port_set_link(struct pagp *pagp, uint16_t number, bool enabled, uint32_t speed_mbps,
		       bool full_duplex, uint64_t now_ms)
{
	struct pagp_port *port = find(pagp, number);
	bool half_duplex = enabled && speed_mbps && !full_duplex;

	if (!port)
		return -ENOENT;
	if (port->enabled != enabled || port->half_duplex != half_duplex)
		pagp->due = true;
	if (enabled && !port->enabled) {
		port->enabled_ms = now_ms;
		if (port->saved.version && !half_duplex)
			resume(port, now_ms);
	}
	if (!enabled) {
		/* The next cable may lead to another device. */
		forget_partner(port);
		port->other_until_ms = port->own_until_ms = port->tx_ms = 0;
	}
	port->saved.version = 0;
	port->enabled = enabled;
	port->half_duplex = half_duplex;
	return 0;
}

int pagp_port_set_drained(struct pagp *pagp, uint16_t number, bool drained, uint64_t now_ms)
{
	struct pagp_port *port = find(pagp, number);

	if (!port)
		return -ENOENT;
	if (port->drained == drained)
		return 0;
	port->drained = drained;
	port->drain_until_ms = drained && port->attached ? now_ms + PAGP_DRAIN_MS : 0;
	pagp->due = true;
	return 0;
}

/* ---- frames ---- */
static int reject(struct pagp_port *port, const char *why, unsigned int value, uint64_t now_ms)
{
	port->counters.illegal_rx++;
	port->rejected++;
	if (port->rejected_report_ms && now_ms - port->rejected_report_ms < REJECTED_INTERVAL_MS)
		return -EBADMSG;
	pagp_event(port, PAGP_EVENT_REJECTED, "rejected %llu PDUs, last: bad %s (%u)",
		   port->rejected, why, value);
	port->rejected = 0;
	port->rejected_report_ms = now_ms;
	return -EBADMSG;
}

/* pagpInFlushes: a flush of another device is returned as it was received, behind all data frames
 * that this side has processed. One of this device has come back; none is ever sent. */
static int receive_flush(struct pagp_port *port, const struct pagp_flush *flush,
			 const uint8_t *frame, size_t length, uint64_t now_ms)
{
	const struct pagp *pagp = port->pagp;
	uint8_t answer[PAGP_OFF_PDU + PAGP_FLUSH_LEN];

	port->counters.flush_rx++;
	if (memcmp(flush->partner, pagp->config.device, 6) != 0 ||
	    memcmp(flush->local, pagp->config.device, 6) == 0)
		return 0;
	if (!limit_permits(&port->flushing, MAX_FLUSHES, now_ms)) {
		port->counters.excess_rx++;
		return -EBUSY;
	}
	assert(length >= sizeof(answer));
	memcpy(answer, frame, sizeof(answer));
	memcpy(answer + 6, port->config.mac, 6);
	put_be16(answer + PAGP_OFF_LENGTH, sizeof(answer) - PAGP_OFF_SNAP);
	pagp->callbacks.send(pagp->callbacks.userdata, port->config.number, answer, sizeof(answer));
	port->counters.flush_tx++;
	return 0;
}

static bool same_port(const struct pagp_side *a, const struct pagp_side *b)
{
	return memcmp(a->device, b->device, 6) == 0 && a->port == b->port;
}

static void note_partner(struct pagp_port *port, const struct pagp_side *partner)
{
	char mac[MAC_TEXT_LEN];

	if (port->has_partner && same_port(&port->heard.local, partner) &&
	    port->heard.local.capability == partner->capability)
		return;
	port->counters.partner_changes++;
	pagp_event(port, PAGP_EVENT_PARTNER, "device %s port %u group capability 0x%x",
		   mac_format(partner->device, mac), partner->port, partner->capability);
}

static int receive_info(struct pagp_port *port, const struct pagp_pdu *pdu, uint64_t now_ms)
{
	uint64_t until_ms = now_ms + timeout_of(pdu->flags);
	struct pagp *pagp = port->pagp;

	port->counters.info_rx++;
	if (memcmp(pdu->local.device, pagp->config.device, 6) == 0) {
		port->counters.loopback_rx++;
		port->own_until_ms = until_ms;
		pagp->due = true;
		return 0;
	}
	if (port->has_partner && !same_port(&port->heard.local, &pdu->local)) {
		port->counters.other_rx++;
		port->other_until_ms = until_ms;
		pagp->due = true;
		return 0;
	}
	/* A repetition only moves the timeout. */
	if (!port->has_partner || !pagp_pdu_equal(&port->heard, pdu)) {
		if (!limit_permits(&port->receiving, MAX_RECEIVED, now_ms)) {
			port->counters.excess_rx++;
			return -EBUSY;
		}
		note_partner(port, &pdu->local);
		if (!port->has_partner)
			/* the other device may be this one, now that the partner is gone */
			port->other_until_ms = 0;
		port->heard = *pdu;
		port->has_partner = true;
		pagp->due = true;
	}
	port->rx_ms = now_ms;
	port->expire_ms = until_ms;
	return 0;
}

int pagp_receive(struct pagp *pagp, uint16_t number, const uint8_t *frame, size_t length,
		 uint64_t now_ms)
{
	struct pagp_port *port = find(pagp, number);
	enum pagp_frame_kind kind;
	union pagp_frame parsed;
	unsigned int value = 0;
	const char *why = NULL;

	if (!port)
		return -ENOENT;
	kind = pagp_frame_parse(frame, length, &parsed, &why, &value);
	if (kind == PAGP_FRAME_OTHER)
		return -EPROTONOSUPPORT;
	if (!port->enabled) {
		port->counters.link_down_rx++;
		return -ENETDOWN;
	}
	switch (kind) {
	case PAGP_FRAME_INFO:
		return receive_info(port, &parsed.info, now_ms);
	case PAGP_FRAME_FLUSH:
		return receive_flush(port, &parsed.flush, frame, length, now_ms);
	default:
		return reject(port, why, value, now_ms);
	}
}
