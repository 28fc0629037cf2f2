// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Periodic transmission (6.4.13), transmit machine (6.4.16), and what the machines of a port share.
 */
#include <stdarg.h>

#include "common/util.h"
#include "lacp/port.h"

struct lacp_port *lacp_find(const struct lacp *lacp, uint16_t number)
{
	struct lacp_port *port;

	lacp_for_each_port(lacp, port)
	{
		if (port->config.number == number)
			return port;
	}
	return NULL;
}

/* Actor_Oper_* (6.4.7): the actor as sent LACPDUs describe it. */
struct lacp_info lacp_actor(const struct lacp_port *port)
{
	const struct lacp_config *config = &port->lacp->config;
	struct lacp_info actor = {
		.system_priority = config->system_priority,
		.key = config->key,
		.port_priority = port->config.priority,
		.port = port->config.number,
		.state = port->actor_state,
	};

	memcpy(actor.system, config->system, sizeof(actor.system));
	return actor;
}

void lacp_event(const struct lacp_port *port, enum lacp_event_kind kind, const char *format, ...)
{
	const struct lacp_callbacks *callbacks = &port->lacp->callbacks;
	char text[LACP_TEXT_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	callbacks->event(callbacks->userdata, port->config.number, kind, text);
}

void lacp_window_init(struct lacp_window *window, uint8_t size)
{
	*window = (struct lacp_window){ .size = size };
}

bool lacp_window_admit(struct lacp_window *window, uint64_t now_ms)
{
	if (!lacp_due(window->free_at_ms[window->next], now_ms))
		return false;
	window->free_at_ms[window->next] = now_ms + LACP_WINDOW_MS;
	window->next = (uint8_t)((window->next + 1) % window->size);
	return true;
}

/* ---- 6.4.13 Periodic Transmission machine ---- */

void lacp_enter_periodic(struct lacp_port *port, enum lacp_periodic_state state, uint64_t now_ms)
{
	port->periodic = state;
	port->periodic_at_ms = LACP_NEVER;

	switch (state) {
	case LACP_FAST_PERIODIC:
		port->periodic_at_ms = now_ms + LACP_FAST_PERIODIC_MS;
		break;
	case LACP_SLOW_PERIODIC:
		port->periodic_at_ms = now_ms + LACP_SLOW_PERIODIC_MS;
		break;
	case LACP_PERIODIC_TX:
		port->ntt = true;
		break;
	case LACP_NO_PERIODIC:
	case LACP_N_PERIODIC:
		break;
	}
}

static enum lacp_periodic_state next_periodic(const struct lacp_port *port, uint64_t now_ms)
{
	bool partner_short = port->partner.state & LACP_TIMEOUT;
	bool timer = lacp_due(port->periodic_at_ms, now_ms);

	if (!port->enabled || !port->lacp_enabled || !lacp_is_maintained(port))
		return LACP_NO_PERIODIC;

	switch (port->periodic) {
	case LACP_NO_PERIODIC:
		return LACP_FAST_PERIODIC;
	case LACP_FAST_PERIODIC:
		if (timer)
			return LACP_PERIODIC_TX;
		return partner_short ? LACP_FAST_PERIODIC : LACP_SLOW_PERIODIC;
	case LACP_SLOW_PERIODIC:
		return timer || partner_short ? LACP_PERIODIC_TX : LACP_SLOW_PERIODIC;
	default:
		return partner_short ? LACP_FAST_PERIODIC : LACP_SLOW_PERIODIC;
	}
}

void lacp_periodic_machine(struct lacp_port *port, uint64_t now_ms)
{
	enum lacp_periodic_state next;

	while ((next = next_periodic(port, now_ms)) != port->periodic)
		lacp_enter_periodic(port, next, now_ms);
}

/* ---- 6.4.16 Transmit machine ---- */

void lacp_transmit_machine(struct lacp_port *port, uint64_t now_ms)
{
	const struct lacp_callbacks *callbacks = &port->lacp->callbacks;
	struct lacp_info actor = lacp_actor(port);
	uint8_t frame[LACP_FRAME_LEN];

	/* 6.4.16: in NO_PERIODIC nothing is sent and NTT is cleared. */
	if (port->periodic == LACP_NO_PERIODIC) {
		port->ntt = false;
		return;
	}
	/*
	 * Above the limit NTT stays set until the window admits it; the LACPDU then carries the
	 * state of that moment.
	 */
	if (!port->ntt || !lacp_window_admit(&port->tx_window, now_ms))
		return;

	port->ntt = false;
	port->tx_ms = now_ms;
	port->stats.lacpdu_tx++;
	lacp_frame_build(frame, port->config.mac, &actor, &port->partner);
	callbacks->send(callbacks->userdata, port->config.number, frame, sizeof(frame));
}
