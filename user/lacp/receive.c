// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Receive machine (6.4.12) with its functions (6.4.9), and the steps in front of it: counters, rate
 * limits, markers (6.5), loopback detection.
 */
#include "common/util.h"
#include "lacp/port.h"

/*
 * Partner_Admin_*: no partner. The short timeout, which the standard leaves to the administrator,
 * makes a port without partner transmit every second, so that a repaired link returns within 3 s
 * instead of 30 s.
 */
static const struct lacp_info partner_admin = { .state = LACP_TIMEOUT };

uint32_t lacp_timeout_ms(const struct lacp_port *port)
{
	return port->actor_state & LACP_TIMEOUT ? LACP_SHORT_TIMEOUT_MS : LACP_LONG_TIMEOUT_MS;
}

/* ---- 6.4.9 functions ---- */

/*
 * Whether two descriptions have the same port, system, key and AGG: the comparison of
 * update_Selected, update_NTT and recordPDU.
 */
static bool is_same_identity(const struct lacp_info *a, const struct lacp_info *b)
{
	return a->port == b->port && a->port_priority == b->port_priority &&
	       a->system_priority == b->system_priority && a->key == b->key &&
	       memcmp(a->system, b->system, sizeof(a->system)) == 0 &&
	       !((a->state ^ b->state) & LACP_AGGREGATION);
}

static bool is_same_partner_port(const struct lacp_info *a, const struct lacp_info *b)
{
	return a->port == b->port && a->port_priority == b->port_priority &&
	       a->system_priority == b->system_priority &&
	       memcmp(a->system, b->system, sizeof(a->system)) == 0;
}

static void update_selected(struct lacp_port *port, const struct lacp_info *partner)
{
	if (!is_same_identity(partner, &port->partner))
		lacp_set_selected(port, LACP_UNSELECTED, false);
}

static void update_ntt(struct lacp_port *port, const struct lacp_pdu *pdu)
{
	const uint8_t compared = LACP_ACTIVITY | LACP_TIMEOUT | LACP_SYNCHRONIZATION |
				 LACP_AGGREGATION;
	struct lacp_info actor = lacp_actor(port);

	if (!is_same_identity(&pdu->partner, &actor) ||
	    (pdu->partner.state ^ actor.state) & compared)
		port->ntt = true;
}

static void record_default(struct lacp_port *port)
{
	port->partner = partner_admin;
	port->view = (struct lacp_info){ 0 };
	port->matched = false;
	port->actor_state |= LACP_DEFAULTED;
}

/*
 * The partner's SYNC is valid only if its LACPDU describes this port correctly (or the partner does
 * not aggregate), and if an active side maintains LACP.
 */
static void record_pdu(struct lacp_port *port, const struct lacp_pdu *pdu)
{
	struct lacp_info actor = lacp_actor(port);
	bool was_in_sync = port->partner.state & LACP_SYNCHRONIZATION;
	bool maintained = pdu->actor.state & LACP_ACTIVITY ||
			  (actor.state & LACP_ACTIVITY && pdu->partner.state & LACP_ACTIVITY);

	port->matched = is_same_identity(&pdu->partner, &actor);
	port->view = pdu->partner;
	port->partner = pdu->actor;
	if (!maintained || !(port->matched || !(pdu->actor.state & LACP_AGGREGATION)))
		port->partner.state &= (uint8_t)~LACP_SYNCHRONIZATION;
	port->actor_state &= (uint8_t)~LACP_DEFAULTED;

	if (!was_in_sync && port->partner.state & LACP_SYNCHRONIZATION)
		port->stats.partner_sync_transitions++;
}

/* ---- 6.4.12 Receive machine ---- */

/*
 * wait_to_restore starts when a port that failed in use receives its partner again, and restarts
 * with the next failure.
 */
static void note_failure(struct lacp_port *port, enum lacp_receive_state to, uint64_t now_ms)
{
	if (port->receive == LACP_RX_CURRENT && to != LACP_RX_CURRENT) {
		if (port->actor_state & LACP_DISTRIBUTING || !lacp_due(port->restore_at_ms, now_ms))
			port->failed = true;
		port->restore_at_ms = 0;
	} else if (port->receive != LACP_RX_CURRENT && to == LACP_RX_CURRENT && port->failed) {
		port->failed = false;
		port->restore_at_ms = now_ms + port->lacp->config.wait_to_restore_ms;
	}
}

void lacp_enter_receive(struct lacp_port *port, enum lacp_receive_state state,
			const struct lacp_pdu *pdu, uint64_t now_ms)
{
	enum lacp_receive_state old = port->receive;

	note_failure(port, state, now_ms);
	port->receive = state;
	port->current_while_at_ms = LACP_NEVER;

	switch (state) {
	case LACP_RX_INITIALIZE:
		lacp_set_selected(port, LACP_UNSELECTED, false);
		record_default(port);
		port->actor_state &= (uint8_t)~LACP_EXPIRED;
		break;
	case LACP_RX_PORT_DISABLED:
		port->partner.state &= (uint8_t)~LACP_SYNCHRONIZATION;
		/*
		 * Beyond the standard, which keeps Selected: a returning link starts without SYNC.
		 */
		lacp_set_selected(port, LACP_UNSELECTED, false);
		port->loopback = false;
		break;
	case LACP_RX_EXPIRED:
		port->partner.state &= (uint8_t)~LACP_SYNCHRONIZATION;
		port->partner.state |= LACP_TIMEOUT;
		port->current_while_at_ms = now_ms + LACP_SHORT_TIMEOUT_MS;
		port->actor_state |= LACP_EXPIRED;
		if (old == LACP_RX_PORT_DISABLED)
			/* beyond the standard: transmit at once, not after the first period */
			port->ntt = true;
		break;
	case LACP_RX_LACP_DISABLED:
		lacp_set_selected(port, LACP_UNSELECTED, false);
		record_default(port);
		port->partner.state &= (uint8_t)~LACP_AGGREGATION;
		port->actor_state &= (uint8_t)~LACP_EXPIRED;
		break;
	case LACP_RX_DEFAULTED:
		update_selected(port, &partner_admin); /* update_Default_Selected */
		record_default(port);
		port->actor_state &= (uint8_t)~LACP_EXPIRED;
		port->loopback = false;
		break;
	case LACP_RX_CURRENT:
		if (pdu) {
			update_selected(port, &pdu->actor);
			update_ntt(port, pdu);
			record_pdu(port, pdu);
		}
		port->timeout_ms = lacp_timeout_ms(port);
		port->current_while_at_ms = now_ms + port->timeout_ms;
		port->actor_state &= (uint8_t)~LACP_EXPIRED;
		break;
	case LACP_N_RX:
		break;
	}

	if (old != state) {
		port->lacp->changes++;
		lacp_event(port, LACP_EVENT_RECEIVE, "%s -> %s", lacp_name(LACP_NAMES_RECEIVE, old),
			   lacp_name(LACP_NAMES_RECEIVE, state));
	}
}

static bool is_own_system(const struct lacp_port *port, const struct lacp_info *partner)
{
	return memcmp(partner->system, port->lacp->config.system, sizeof(partner->system)) == 0;
}

static void resume_partner(struct lacp_port *port, uint64_t now_ms)
{
	const uint64_t longest_ms = now_ms + port->lacp->config.wait_to_restore_ms,
		       rx_ms = port->resume.rx_ms;

	port->partner = port->resume.partner;
	port->last_partner = port->partner;
	port->known = true;
	port->heard = true;
	port->matched = true;
	port->rx_ms = rx_ms && rx_ms < now_ms ? rx_ms : now_ms;
	port->gap_unknown = true; /* LACPDUs may have arrived while no process ran */
	port->loopback = is_own_system(port, &port->partner);
	port->actor_state &= (uint8_t)~LACP_DEFAULTED;
	lacp_enter_receive(port, LACP_RX_CURRENT, NULL, now_ms);
	port->restore_at_ms = port->resume.restore_at_ms < longest_ms ? port->resume.restore_at_ms :
									longest_ms;
}

/*
 * After lacp_restore(), instead of PORT_DISABLED -> EXPIRED: the port has its saved state, and the
 * first LACPDU announces it.
 */
static void resume(struct lacp_port *port, uint64_t now_ms)
{
	const uint8_t mux_bits = port->resume.actor_state &
				 (LACP_SYNCHRONIZATION | LACP_COLLECTING | LACP_DISTRIBUTING);

	port->resume.valid = false;
	if (port->resume.actor_state & LACP_DEFAULTED)
		lacp_enter_receive(port, LACP_RX_DEFAULTED, NULL, now_ms);
	else
		resume_partner(port, now_ms);
	port->ntt = true;

	if (port->resume.flags & LACP_SAVED_INDIVIDUAL &&
	    port->lacp->config.fallback == LACP_FALLBACK_INDIVIDUAL) {
		lacp_set_selected(port, LACP_SELECTED, true);
	} else if (port->resume.flags & LACP_SAVED_SELECTED) {
		port->lacp->lag_valid = true;
		port->lacp->lag = lacp_lag_of(port);
		lacp_set_selected(port, LACP_SELECTED, false);
	}
	if (port->selected == LACP_SELECTED && mux_bits & LACP_SYNCHRONIZATION) {
		if (!(mux_bits & LACP_COLLECTING))
			lacp_enter_mux(port, LACP_MUX_ATTACHED, now_ms);
		else if (!(mux_bits & LACP_DISTRIBUTING))
			lacp_enter_mux(port, LACP_MUX_COLLECTING, now_ms);
		else
			lacp_enter_mux(port,
				       port->lacp->config.independent ?
					       LACP_MUX_DISTRIBUTING :
					       LACP_MUX_COLLECTING_DISTRIBUTING,
				       now_ms);
	}
	if (port->receive == LACP_RX_CURRENT)
		port->view = lacp_actor(port);
}

/* The transitions that need no LACPDU, in the order of precedence of 6.4.12. */
void lacp_receive_machine(struct lacp_port *port, uint64_t now_ms)
{
	if (port->receive == LACP_RX_INITIALIZE ||
	    (!port->enabled && port->receive != LACP_RX_PORT_DISABLED))
		lacp_enter_receive(port, LACP_RX_PORT_DISABLED, NULL, now_ms);

	switch (port->receive) {
	case LACP_RX_PORT_DISABLED:
		if (!port->enabled)
			return;
		if (!port->lacp_enabled)
			return lacp_enter_receive(port, LACP_RX_LACP_DISABLED, NULL, now_ms);
		if (port->resume.valid)
			return resume(port, now_ms);
		return lacp_enter_receive(port, LACP_RX_EXPIRED, NULL, now_ms);
	case LACP_RX_EXPIRED:
		if (lacp_due(port->current_while_at_ms, now_ms))
			lacp_enter_receive(port, LACP_RX_DEFAULTED, NULL, now_ms);
		return;
	case LACP_RX_CURRENT:
		if (lacp_due(port->current_while_at_ms, now_ms))
			lacp_enter_receive(port, LACP_RX_EXPIRED, NULL, now_ms);
		return;
	default:
		return;
	}
}

/* ---- received frames ---- */

static int reject(struct lacp_port *port, int error, const char *why, unsigned int value,
		  uint64_t now_ms)
{
	port->rejects++;
	if (lacp_due(port->reject_at_ms, now_ms)) {
		lacp_event(port, LACP_EVENT_REJECTED, "rejected %llu frames, last: bad %s (%u)",
			   (unsigned long long)port->rejects, why, value);
		port->reject_at_ms = now_ms + LACP_REJECT_QUIET_MS;
		port->rejects = 0;
	}
	return error;
}

static int excess(struct lacp_port *port, unsigned int limit, uint64_t now_ms)
{
	port->stats.excess_rx++;
	return reject(port, -EBUSY, "rate, limit in frames per second", limit, now_ms);
}

/* 6.5 Marker responder */
static int receive_marker(struct lacp_port *port, const uint8_t *frame, uint64_t now_ms)
{
	const struct lacp_callbacks *callbacks = &port->lacp->callbacks;
	uint8_t response[LACP_FRAME_LEN];

	port->stats.marker_rx++;
	if (!lacp_window_admit(&port->marker_window, now_ms))
		return excess(port, LACP_MARKER_LIMIT, now_ms);
	port->stats.marker_response_tx++;
	lacp_marker_respond(response, port->config.mac, frame);
	callbacks->send(callbacks->userdata, port->config.number, response, sizeof(response));
	return 0;
}

/*
 * Records the interval between LACPDUs; above five sixths of the timeout it is late. After this
 * process has slept, the arrival time of the LACPDU is unknown and the gap is not counted.
 */
static void note_gap(struct lacp_port *port, uint64_t now_ms)
{
	uint64_t gap_ms = now_ms - port->rx_ms;

	if (port->heard && !port->gap_unknown && !lacp_overslept(port->lacp, now_ms)) {
		port->gap_min_ms = port->gaps && port->gap_min_ms < gap_ms ? port->gap_min_ms :
									     gap_ms;
		port->gap_max_ms = port->gap_max_ms > gap_ms ? port->gap_max_ms : gap_ms;
		histogram_add(&port->gap_histogram, histogram_gap_ms, gap_ms);
		port->gap_sum_ms += gap_ms;
		port->gaps++;
		if ((port->receive == LACP_RX_CURRENT || port->receive == LACP_RX_EXPIRED) &&
		    gap_ms * 6 > (uint64_t)port->timeout_ms * 5)
			port->late = 10;
		else if (port->late)
			port->late--;
	}
	port->heard = true;
	port->gap_unknown = false;
	port->rx_ms = now_ms;
}

static void note_partner(struct lacp_port *port, const struct lacp_info *partner)
{
	char old_system[MAC_TEXT_LEN], new_system[MAC_TEXT_LEN];
	const struct lacp_info *old = &port->last_partner;

	if (port->known && is_same_identity(old, partner))
		return;
	mac_format(partner->system, new_system);
	if (port->known) {
		port->stats.partner_changes++;
		lacp_event(port, LACP_EVENT_PARTNER,
			   "%u,%s key %u port %u,%u -> %u,%s key %u port %u,%u",
			   old->system_priority, mac_format(old->system, old_system), old->key,
			   old->port_priority, old->port, partner->system_priority, new_system,
			   partner->key, partner->port_priority, partner->port);
	} else {
		lacp_event(port, LACP_EVENT_PARTNER, "%u,%s key %u port %u,%u",
			   partner->system_priority, new_system, partner->key,
			   partner->port_priority, partner->port);
	}
	port->last_partner = *partner;
	port->known = true;
}

/* The summary of LACPDUs whose state differs from that of the LACPDUs before them. */
static void note_state(struct lacp_port *port, const struct lacp_pdu *pdu)
{
	char old[LACP_LETTERS_LEN], new[LACP_LETTERS_LEN], view[LACP_LETTERS_LEN];
	char system[MAC_TEXT_LEN];

	if (port->told && port->told_state == pdu->actor.state)
		return;
	lacp_event(port, LACP_EVENT_LACPDU, "state %s%s%s; it has us as %s key %u port %u state %s",
		   port->told ? lacp_state_letters(port->told_state, old) : "",
		   port->told ? " -> " : "", lacp_state_letters(pdu->actor.state, new),
		   mac_format(pdu->partner.system, system), pdu->partner.key, pdu->partner.port,
		   lacp_state_letters(pdu->partner.state, view));
	port->told = true;
	port->told_state = pdu->actor.state;
}

/*
 * 6.4.8 port_moved: this partner port was last received on a port that is down or, beyond the
 * standard, in EXPIRED.
 */
static void partner_moved_here(struct lacp_port *here, const struct lacp_info *partner,
			       uint64_t now_ms)
{
	struct lacp_port *port;

	lacp_for_each_port(here->lacp, port)
	{
		if (port == here || port->actor_state & LACP_DEFAULTED ||
		    !is_same_partner_port(&port->partner, partner))
			continue;
		if (port->receive == LACP_RX_PORT_DISABLED || port->receive == LACP_RX_EXPIRED) {
			lacp_enter_receive(port, LACP_RX_INITIALIZE, NULL, now_ms);
			lacp_receive_machine(port, now_ms);
		}
	}
}

static int receive_lacpdu(struct lacp_port *port, const uint8_t *frame, const struct lacp_pdu *pdu,
			  uint64_t now_ms)
{
	bool repeated = memcmp(port->last_rx, frame + LACP_OFF_SUBTYPE, sizeof(port->last_rx)) == 0;

	port->stats.lacpdu_rx++;
	if (port->receive == LACP_RX_LACP_DISABLED)
		return 0;
	/*
	 * A repetition only re-arms the timer and is not counted against the limit, so that a flood
	 * of one LACPDU cannot displace another.
	 */
	if (!(repeated && port->receive == LACP_RX_CURRENT) &&
	    !lacp_window_admit(&port->rx_window, now_ms))
		return excess(port, LACP_RX_LIMIT, now_ms);

	port->lacp->dirty = true;
	memcpy(port->last_rx, frame + LACP_OFF_SUBTYPE, sizeof(port->last_rx));
	note_gap(port, now_ms);
	note_partner(port, &pdu->actor);
	note_state(port, pdu);
	port->loopback = is_own_system(port, &pdu->actor);
	port->stats.loopback_rx += port->loopback;
	partner_moved_here(port, &pdu->actor, now_ms);
	lacp_enter_receive(port, LACP_RX_CURRENT, pdu, now_ms);
	return 0;
}

int lacp_receive(struct lacp *lacp, uint16_t number, const uint8_t *frame, size_t length,
		 uint64_t now_ms)
{
	struct lacp_port *port = lacp_find(lacp, number);
	struct lacp_pdu pdu;
	unsigned int value;
	const char *why;

	if (!port)
		return -ENOENT;
	if (!port->enabled) {
		port->stats.link_down_rx++;
		return -ENETDOWN;
	}

	switch (lacp_frame_parse(frame, length, &pdu, &why, &value)) {
	case LACP_FRAME_LACPDU:
		return receive_lacpdu(port, frame, &pdu, now_ms);
	case LACP_FRAME_MARKER:
		return receive_marker(port, frame, now_ms);
	case LACP_FRAME_MARKER_RESPONSE:
		port->stats.marker_response_rx++;
		return 0;
	case LACP_FRAME_UNKNOWN:
		port->stats.unknown_rx++;
		return -EPROTONOSUPPORT;
	case LACP_FRAME_ILLEGAL:
		break;
	}
	port->stats.illegal_rx++;
	return reject(port, -EBADMSG, why, value, now_ms);
}

int lacp_port_heard(struct lacp *lacp, uint16_t number, uint64_t at_ms)
{
	struct lacp_port *port = lacp_find(lacp, number);

	if (!port)
		return -ENOENT;
	if (port->receive != LACP_RX_CURRENT || at_ms <= port->rx_ms)
		return 0;
	port->stats.answered++;
	port->rx_ms = at_ms;
	if (at_ms + port->timeout_ms > port->current_while_at_ms)
		port->current_while_at_ms = at_ms + port->timeout_ms;
	return 0;
}
