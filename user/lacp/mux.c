// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Mux machine, coupled and independent control (6.4.15), and churn detection (6.4.17). */
#include "common/util.h"
#include "lacp/port.h"

/* clang-format off */
static const uint8_t mux_bits[] = {
	[LACP_MUX_DETACHED] = 0,
	[LACP_MUX_WAITING] = 0,
	[LACP_MUX_ATTACHED] = LACP_SYNCHRONIZATION,
	[LACP_MUX_COLLECTING] = LACP_SYNCHRONIZATION | LACP_COLLECTING,
	[LACP_MUX_DISTRIBUTING] = LACP_SYNCHRONIZATION | LACP_COLLECTING | LACP_DISTRIBUTING,
	[LACP_MUX_COLLECTING_DISTRIBUTING] = LACP_SYNCHRONIZATION | LACP_COLLECTING | LACP_DISTRIBUTING,
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(mux_bits) == LACP_N_MUX, "one row per state");

void lacp_enter_mux(struct lacp_port *port, enum lacp_mux_state state, uint64_t now_ms)
{
	const uint8_t data = LACP_COLLECTING | LACP_DISTRIBUTING, all = data | LACP_SYNCHRONIZATION;
	const struct lacp_callbacks *callbacks = &port->lacp->callbacks;
	enum lacp_mux_state old = port->mux;
	uint8_t old_bits = port->actor_state & all, bits = mux_bits[state];

	if (state == LACP_MUX_COLLECTING && port->draining)
		bits &= (uint8_t)~LACP_SYNCHRONIZATION;
	if (state == LACP_MUX_DETACHED)
		port->draining = false;

	port->mux = state;
	port->wait_while_at_ms = state == LACP_MUX_WAITING ? now_ms + LACP_AGGREGATE_WAIT_MS :
							     LACP_NEVER;
	port->actor_state = (uint8_t)((port->actor_state & ~all) | bits);
	if (bits & LACP_SYNCHRONIZATION && !(old_bits & LACP_SYNCHRONIZATION))
		port->stats.actor_sync_transitions++;

	/* The LACPDU that announces the change follows at the end of lacp_run(). */
	if ((old_bits ^ bits) & data)
		callbacks->changed(callbacks->userdata, port->config.number, bits & LACP_COLLECTING,
				   bits & LACP_DISTRIBUTING);
	/*
	 * Beyond the standard also in DISTRIBUTING: otherwise the partner would see the old state
	 * until the next period.
	 */
	if (state != LACP_MUX_WAITING)
		port->ntt = true;

	port->lacp->changes++;
	lacp_event(port, LACP_EVENT_MUX, "%s -> %s", lacp_name(LACP_NAMES_MUX, old),
		   lacp_name(LACP_NAMES_MUX, state));
}

/* A port in use by fallback needs no consent of a partner. */
static bool needs_no_partner(const struct lacp_port *port)
{
	return port->individual && port->receive == LACP_RX_DEFAULTED;
}

bool lacp_partner_in_sync(const struct lacp_port *port)
{
	return port->partner.state & LACP_SYNCHRONIZATION || needs_no_partner(port);
}

static bool is_partner_collecting(const struct lacp_port *port)
{
	return port->partner.state & LACP_COLLECTING || needs_no_partner(port);
}

/*
 * ---- min-links ----
 * Checked in steps, because SYNC of one side must not wait for SYNC of the other. Ready for SYNC:
 * selected ports in CURRENT whose wait_while has expired. Ready for data: attached ports with the
 * partner in sync. Ready to distribute with independent control: those whose partner collects.
 */

static bool has_waited(const struct lacp_port *port, uint64_t now_ms)
{
	return lacp_attached(port) ||
	       (port->mux == LACP_MUX_WAITING && lacp_due(port->wait_while_at_ms, now_ms));
}

uint32_t lacp_ready_links(const struct lacp *lacp, uint64_t now_ms)
{
	struct lacp_port *port;
	uint32_t n = 0;

	lacp_for_each_port(lacp, port) n += port->selected == LACP_SELECTED &&
					    port->receive == LACP_RX_CURRENT && !port->draining &&
					    has_waited(port, now_ms);
	return n;
}

uint32_t lacp_synced_links(const struct lacp *lacp, bool and_collecting)
{
	struct lacp_port *port;
	uint32_t n = 0;

	lacp_for_each_port(lacp, port)
		n += port->selected == LACP_SELECTED && lacp_attached(port) && !port->draining &&
		     lacp_partner_in_sync(port) && (!and_collecting || is_partner_collecting(port));
	return n;
}

static bool has_enough_links(const struct lacp_port *port, bool and_collecting)
{
	return port->individual ||
	       lacp_synced_links(port->lacp, and_collecting) >= lacp_min_links(port->lacp);
}

/*
 * 6.4.8 Ready: wait_while has expired for every port that waits for the aggregator (Ready_N), so
 * that all of them join at the same time.
 */
static bool is_ready(const struct lacp_port *port, uint64_t now_ms)
{
	const struct lacp *lacp = port->lacp;
	struct lacp_port *other;

	if (port->individual)
		return has_waited(port, now_ms);
	lacp_for_each_port(lacp, other)
	{
		if (other->selected == LACP_SELECTED && other->mux == LACP_MUX_WAITING &&
		    !has_waited(other, now_ms))
			return false;
	}
	return lacp_ready_links(lacp, now_ms) >= lacp_min_links(lacp);
}

static enum lacp_mux_state next_mux(const struct lacp_port *port, uint64_t now_ms)
{
	const bool independent = port->lacp->config.independent;
	const bool selected = port->selected == LACP_SELECTED;
	const bool in_sync = selected && lacp_partner_in_sync(port) &&
			     has_enough_links(port, false);
	const bool may_distribute = in_sync && (!independent || (is_partner_collecting(port) &&
								 has_enough_links(port, true)));

	switch (port->mux) {
	case LACP_MUX_DETACHED:
		return port->selected == LACP_UNSELECTED ? LACP_MUX_DETACHED : LACP_MUX_WAITING;
	case LACP_MUX_WAITING:
		if (port->selected == LACP_UNSELECTED)
			return LACP_MUX_DETACHED;
		return selected && is_ready(port, now_ms) ? LACP_MUX_ATTACHED : LACP_MUX_WAITING;
	case LACP_MUX_ATTACHED:
		if (!selected)
			return LACP_MUX_DETACHED;
		if (!in_sync)
			return LACP_MUX_ATTACHED;
		return independent ? LACP_MUX_COLLECTING : LACP_MUX_COLLECTING_DISTRIBUTING;
	case LACP_MUX_COLLECTING:
		if (port->draining) /* stays selected until the partner has stopped */
			return selected ? LACP_MUX_COLLECTING : LACP_MUX_DETACHED;
		if (!in_sync)
			return LACP_MUX_ATTACHED;
		if (!independent)
			return LACP_MUX_COLLECTING_DISTRIBUTING;
		return may_distribute ? LACP_MUX_DISTRIBUTING : LACP_MUX_COLLECTING;
	case LACP_MUX_DISTRIBUTING:
		if (port->draining || !may_distribute)
			return LACP_MUX_COLLECTING;
		return independent ? LACP_MUX_DISTRIBUTING : LACP_MUX_COLLECTING_DISTRIBUTING;
	case LACP_MUX_COLLECTING_DISTRIBUTING:
		if (port->draining)
			return LACP_MUX_COLLECTING;
		if (!in_sync)
			return LACP_MUX_ATTACHED;
		return independent ? LACP_MUX_DISTRIBUTING : LACP_MUX_COLLECTING_DISTRIBUTING;
	case LACP_N_MUX:
		break;
	}
	return LACP_MUX_DETACHED;
}

void lacp_mux_machine(struct lacp_port *port, uint64_t now_ms)
{
	enum lacp_mux_state next;

	while ((next = next_mux(port, now_ms)) != port->mux)
		lacp_enter_mux(port, next, now_ms);
}

/* ---- 6.4.17 Actor and Partner Churn Detection machines ---- */

void lacp_enter_churn(struct lacp_port *port, struct lacp_churn_machine *machine,
		      enum lacp_churn_state state, uint64_t now_ms)
{
	const bool actor = machine == &port->actor_churn;
	enum lacp_churn_state old = machine->state;

	machine->state = state;
	machine->at_ms = state == LACP_CHURN_MONITOR ? now_ms + LACP_CHURN_DETECTION_MS :
						       LACP_NEVER;
	if (state == LACP_CHURN)
		(*(actor ? &port->stats.actor_churn_count : &port->stats.partner_churn_count))++;
	if (old != state)
		lacp_event(port, LACP_EVENT_CHURN, "%s: %s -> %s", actor ? "actor" : "partner",
			   lacp_name(LACP_NAMES_CHURN, old), lacp_name(LACP_NAMES_CHURN, state));
}

static void churn_machine(struct lacp_port *port, struct lacp_churn_machine *machine, bool in_sync,
			  bool begin, uint64_t now_ms)
{
	if (begin) {
		if (machine->state != LACP_CHURN_MONITOR)
			lacp_enter_churn(port, machine, LACP_CHURN_MONITOR, now_ms);
		machine->at_ms = LACP_NEVER;
		return;
	}

	switch (machine->state) {
	case LACP_CHURN_MONITOR:
		if (machine->at_ms == LACP_NEVER)
			machine->at_ms = now_ms + LACP_CHURN_DETECTION_MS;
		if (in_sync)
			lacp_enter_churn(port, machine, LACP_NO_CHURN, now_ms);
		else if (lacp_due(machine->at_ms, now_ms))
			lacp_enter_churn(port, machine, LACP_CHURN, now_ms);
		return;
	case LACP_CHURN:
		if (in_sync)
			lacp_enter_churn(port, machine, LACP_NO_CHURN, now_ms);
		return;
	case LACP_NO_CHURN:
		if (!in_sync)
			lacp_enter_churn(port, machine, LACP_CHURN_MONITOR, now_ms);
		return;
	case LACP_N_CHURN:
		return;
	}
}

/*
 * Standby and drained ports are out of sync on purpose; by the standard they would be churned after
 * one minute.
 */
void lacp_churn_machines(struct lacp_port *port, uint64_t now_ms)
{
	const bool begin = !port->enabled || port->drained || port->selected == LACP_STANDBY;

	churn_machine(port, &port->actor_churn, port->actor_state & LACP_SYNCHRONIZATION, begin,
		      now_ms);
	churn_machine(port, &port->partner_churn, port->partner.state & LACP_SYNCHRONIZATION, begin,
		      now_ms);
}
