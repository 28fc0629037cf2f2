// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The channel: its ports, its inputs, and the order in which the state machines run. */
#include "common/util.h"
#include "lacp/port.h"

/*
 * The machines of all ports settle within a few rounds, since each changes its state only a few
 * times before it waits for a timer or a frame. The bound turns a defect into a wrong state instead
 * of an endless loop.
 */
#define MAX_ROUNDS 64

struct lacp *lacp_new(const struct lacp_config *config, const struct lacp_callbacks *callbacks)
{
	struct lacp *lacp = calloc(1, sizeof(*lacp));

	if (!lacp)
		return NULL;
	lacp->config = *config;
	lacp->callbacks = *callbacks;
	lacp_findings_init(&lacp->findings);
	return lacp;
}

void lacp_free(struct lacp *lacp)
{
	if (!lacp)
		return;
	for (unsigned int i = 0; i < lacp->n_ports; i++)
		free(lacp->ports[i]);
	free(lacp);
}

/*
 * Actor_Admin_Port_State. Aggregation is always set, because some switches disable a port after one
 * LACPDU without it.
 */
static uint8_t admin_state(const struct lacp_config *config)
{
	return (uint8_t)(LACP_AGGREGATION | (config->active ? LACP_ACTIVITY : 0) |
			 (config->fast ? LACP_TIMEOUT : 0));
}

void lacp_configure(struct lacp *lacp, const struct lacp_config *config, uint64_t now_ms)
{
	const struct lacp_config old = lacp->config;
	const bool identity = config->system_priority != old.system_priority ||
			      config->key != old.key ||
			      memcmp(config->system, old.system, sizeof(old.system)) != 0;
	struct lacp_port *port;

	lacp->config = *config;
	lacp->dirty = true;
	lacp_for_each_port(lacp, port)
	{
		if (identity)
			port->stats.actor_changes++;
		if (port->restore_at_ms > now_ms + config->wait_to_restore_ms)
			port->restore_at_ms = now_ms + config->wait_to_restore_ms;
		if (!identity && config->active == old.active && config->fast == old.fast)
			continue;
		port->actor_state =
			(uint8_t)((port->actor_state & ~(LACP_ACTIVITY | LACP_TIMEOUT)) |
				  admin_state(config));
		port->ntt = true;
		/*
		 * The partner may switch to the slow rate with the next LACPDU, so the timeout
		 * grows at once. In the other direction the partner's next LACPDU shortens it.
		 */
		if (old.fast && !config->fast && port->receive == LACP_RX_CURRENT) {
			port->timeout_ms = lacp_timeout_ms(port);
			port->current_while_at_ms = now_ms + port->timeout_ms;
		}
	}
}

/* ---- ports ---- */

int lacp_port_add(struct lacp *lacp, const struct lacp_port_config *config)
{
	struct lacp_port *port;
	unsigned int at = lacp->n_ports;

	if (config->number == 0)
		return -EINVAL;
	if (lacp_find(lacp, config->number))
		return -EEXIST;
	if (lacp->n_ports == LACP_MAX_PORTS)
		return -ENOSPC;
	port = calloc(1, sizeof(*port));
	if (!port)
		return -ENOMEM;

	port->lacp = lacp;
	port->config = *config;
	port->actor_state = admin_state(&lacp->config);
	port->periodic_at_ms = port->wait_while_at_ms = LACP_NEVER;
	port->actor_churn.at_ms = port->partner_churn.at_ms = LACP_NEVER;
	lacp_window_init(&port->tx_window, LACP_TX_LIMIT);
	lacp_window_init(&port->rx_window, LACP_RX_LIMIT);
	lacp_window_init(&port->marker_window, LACP_MARKER_LIMIT);
	lacp_findings_init(&port->findings);

	for (; at > 0 && lacp->ports[at - 1]->config.number > config->number; at--)
		lacp->ports[at] = lacp->ports[at - 1];
	lacp->ports[at] = port;
	lacp->n_ports++;

	/* BEGIN. The link is down, so INITIALIZE goes on to PORT_DISABLED (6.4.12). */
	lacp_enter_receive(port, LACP_RX_INITIALIZE, NULL, 0);
	lacp_receive_machine(port, 0);
	lacp->dirty = true;
	return 0;
}

int lacp_port_configure(struct lacp *lacp, const struct lacp_port_config *config)
{
	struct lacp_port *port = lacp_find(lacp, config->number);

	if (!port)
		return -ENOENT;
	if (port->config.priority != config->priority) {
		port->stats.actor_changes++;
		port->ntt = true;
	}
	port->config = *config;
	lacp->dirty = true;
	return 0;
}

int lacp_port_remove(struct lacp *lacp, uint16_t number, uint64_t now_ms)
{
	struct lacp_port *port = lacp_find(lacp, number);
	unsigned int at = 0;

	if (!port)
		return -ENOENT;
	/* First the data plane, then the LACPDU. */
	lacp_set_selected(port, LACP_UNSELECTED, false);
	lacp_mux_machine(port, now_ms);
	lacp_transmit_machine(port, now_ms);

	while (lacp->ports[at] != port)
		at++;
	lacp->n_ports--;
	memmove(&lacp->ports[at], &lacp->ports[at + 1],
		(lacp->n_ports - at) * sizeof(lacp->ports[0]));
	free(port);
	lacp->dirty = true;
	return 0;
}

int lacp_port_set_link(struct lacp *lacp, uint16_t number, bool enabled, uint32_t speed_mbps,
		       bool full_duplex, uint64_t now_ms)
{
	struct lacp_port *port = lacp_find(lacp, number);
	const bool lacp_enabled = full_duplex || speed_mbps == 0;

	if (!port)
		return -ENOENT;
	lacp->dirty = true;

	/* A link with another duplex mode passes PORT_DISABLED like a new link. */
	if (port->enabled && enabled && lacp_enabled != port->lacp_enabled) {
		port->enabled = false;
		lacp_receive_machine(port, now_ms);
	}
	if (enabled && !port->enabled) {
		port->up_ms = now_ms;
		port->heard = port->gap_unknown = false;
		port->gaps = port->gap_sum_ms = port->gap_min_ms = port->gap_max_ms = 0;
		port->late = 0;
	}
	port->enabled = enabled;
	port->lacp_enabled = lacp_enabled;
	port->speed_mbps = speed_mbps;
	if (!enabled)
		port->resume.valid = false;
	lacp_receive_machine(port, now_ms);
	return 0;
}

int lacp_port_set_drained(struct lacp *lacp, uint16_t number, bool drained, uint64_t now_ms)
{
	struct lacp_port *port = lacp_find(lacp, number);

	if (!port)
		return -ENOENT;
	if (drained && !port->drained && port->actor_state & LACP_DISTRIBUTING) {
		port->draining = true;
		port->drain_at_ms = now_ms + LACP_DRAIN_MS;
	}
	port->drained = drained;
	lacp->dirty = true;
	return 0;
}

/* ---- the machines ---- */

void lacp_run(struct lacp *lacp, uint64_t now_ms)
{
	struct lacp_port *port;

	for (int round = 0; round < MAX_ROUNDS; round++) {
		uint64_t before = lacp->changes;

		lacp_for_each_port(lacp, port) lacp_receive_machine(port, now_ms);
		lacp_select(lacp, now_ms);
		lacp_for_each_port(lacp, port) lacp_mux_machine(port, now_ms);
		if (lacp->changes == before)
			break;
	}

	lacp_for_each_port(lacp, port)
	{
		lacp_churn_machines(port, now_ms);
		lacp_periodic_machine(port, now_ms);
	}
	lacp_check_findings(lacp, now_ms);
	lacp->ran_ms = now_ms;
	lacp->dirty = false;

	lacp_for_each_port(lacp, port) lacp_transmit_machine(port, now_ms);
}

int lacp_port_info(const struct lacp *lacp, uint16_t number, uint64_t now_ms,
		   struct lacp_port_info *ret)
{
	const struct lacp_port *port = lacp_find(lacp, number);

	if (!port)
		return -ENOENT;
	*ret = (struct lacp_port_info){
		.actor = lacp_actor(port),
		.partner = port->partner,
		.view = port->view,
		.enabled = port->enabled,
		.drained = port->drained,
		.loopback = port->loopback,
		.individual = port->individual,
		.receive_state = port->receive,
		.periodic_state = port->periodic,
		.selected = port->selected,
		.mux_state = port->mux,
		.actor_churn = port->actor_churn.state,
		.partner_churn = port->partner_churn.state,
		.stats = port->stats,
		.last_rx_age_ms = port->rx_ms ? now_ms - port->rx_ms : LACP_NEVER,
		.gaps = port->gaps,
		.gap_min_ms = port->gap_min_ms,
		.gap_avg_ms = port->gaps ? port->gap_sum_ms / port->gaps : 0,
		.gap_max_ms = port->gap_max_ms,
		.speed_mbps = port->speed_mbps,
		.findings = port->findings.reported | lacp->findings.reported,
	};
	return 0;
}

const struct histogram *lacp_port_gaps(const struct lacp *lacp, uint16_t number)
{
	const struct lacp_port *port = lacp_find(lacp, number);

	return port ? &port->gap_histogram : NULL;
}
