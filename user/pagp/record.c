// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The record of a port: what uplinkctl shows, and what the next daemon resumes from. */
#include <errno.h>
#include <string.h>

#include "pagp/port.h"

static uint8_t flags_of(const struct pagp_port *port, uint64_t now_ms)
{
	return (uint8_t)((port->enabled ? UL_PAGP_ENABLED : 0) |
			 (port->drained ? UL_PAGP_DRAINED : 0) |
			 (pagp_is_loop(port, now_ms) ? UL_PAGP_LOOPBACK : 0) |
			 (port->individual ? UL_PAGP_INDIVIDUAL : 0) |
			 (port->standby ? UL_PAGP_STANDBY : 0) |
			 (port->collecting ? UL_PAGP_COLLECTING : 0) |
			 (port->distributing ? UL_PAGP_DISTRIBUTING : 0));
}

int pagp_record(const struct pagp *pagp, uint16_t number, uint64_t now_ms, struct ul_pagp_port *ret)
{
	const struct pagp_port *port = pagp_find_const(pagp, number);

	if (!port)
		return -ENOENT;
	memset(ret, 0, sizeof(*ret));
	ret->version = PAGP_RECORD_VERSION;
	ret->updated_ms = now_ms;
	ret->tx_ms = port->tx_ms;
	ret->rx_ms = port->rx_ms;
	ret->actor = pagp_actor(port);
	ret->partner = port->heard.local;
	ret->actor_flags = pagp_make_pdu(port, now_ms).flags;
	ret->partner_flags = port->heard.flags;
	ret->state = (uint8_t)port->state;
	ret->flags = flags_of(port, now_ms);
	ret->findings = port->findings;
	ret->counters = port->counters;
	if (pagp_explain(port, now_ms, ret->reason, sizeof(ret->reason)) > 0)
		ret->flags |= UL_PAGP_OUT;
	return 0;
}

int pagp_restore(struct pagp *pagp, uint16_t number, const struct ul_pagp_port *record,
		 uint64_t now_ms)
{
	struct pagp_port *port = (struct pagp_port *)pagp_find_const(pagp, number);
	uint64_t age_ms;

	if (!port)
		return -ENOENT;
	if (record->version != PAGP_RECORD_VERSION || record->writing ||
	    memcmp(record->actor.device, pagp->config.device, sizeof(record->actor.device)) != 0 ||
	    record->actor.port != number || record->actor.capability != PAGP_CAPABILITY ||
	    now_ms < record->tx_ms)
		return -EINVAL;
	/* The partner expires this side after the timeout that fits its own rate. */
	age_ms = now_ms - record->tx_ms;
	if (record->state != PAGP_UP_PAGP || !record->tx_ms ||
	    age_ms >= timeout_of(record->partner_flags))
		return -ESTALE;
	port->saved = *record;
	return 0;
}
