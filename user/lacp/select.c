// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Selection logic (6.4.14). A channel has one aggregator. Ports with the same partner system and
 * key form one aggregation; the policy selects the aggregation that gets the aggregator, max-links
 * limits its ports, and further ports are STANDBY. Without any aggregation, fallback: individual
 * selects the best port alone.
 *
 * A port that changes its aggregation always passes DETACHED, so that its SYNC=0 is sent. Two
 * aggregations are never attached at once: the ports of the old one detach in the same run in which
 * those of the new one start wait_while.
 */
#include "common/util.h"
#include "lacp/port.h"

void lacp_set_selected(struct lacp_port *port, enum lacp_selected selected, bool individual)
{
	enum lacp_selected old = port->selected;

	port->individual = individual;
	if (selected == old)
		return;
	port->selected = selected;
	if (selected == LACP_SELECTED)
		port->restore_at_ms = 0;
	port->lacp->changes++;
	lacp_event(port, LACP_EVENT_SELECTED, "%s -> %s%s", lacp_name(LACP_NAMES_SELECTED, old),
		   lacp_name(LACP_NAMES_SELECTED, selected), individual ? " alone (fallback)" : "");
}

struct lacp_lag lacp_lag_of(const struct lacp_port *port)
{
	struct lacp_lag lag = { .system_priority = port->partner.system_priority,
				.key = port->partner.key };

	memcpy(lag.system, port->partner.system, sizeof(lag.system));
	return lag;
}

bool lacp_lag_equal(const struct lacp_lag *a, const struct lacp_lag *b)
{
	return a->system_priority == b->system_priority && a->key == b->key &&
	       memcmp(a->system, b->system, sizeof(a->system)) == 0;
}

/* ---- eligible ports ---- */

static bool is_usable(const struct lacp_port *port)
{
	return port->enabled && port->lacp_enabled && !port->loopback && !port->drained &&
	       !port->draining;
}

static bool has_lacp_partner(const struct lacp_port *port)
{
	return port->receive == LACP_RX_CURRENT && port->partner.state & LACP_AGGREGATION;
}

/* A selected member in EXPIRED stays a member until DEFAULTED; it cannot become one. */
static bool stays_member(const struct lacp_port *port)
{
	return port->receive == LACP_RX_EXPIRED && port->selected == LACP_SELECTED &&
	       !port->individual;
}

static bool is_draining(const struct lacp_port *port, uint64_t now_ms)
{
	const uint8_t sends = LACP_SYNCHRONIZATION | LACP_DISTRIBUTING;

	return port->draining && port->selected == LACP_SELECTED &&
	       !lacp_due(port->drain_at_ms, now_ms) && (port->partner.state & sends) == sends;
}

/*
 * wait_to_restore applies only while another port is in use, as it would otherwise prolong an
 * outage. In use are the ports that the mux machine leaves in use in this round.
 */
bool lacp_restore_holds(const struct lacp_port *port, uint64_t now_ms)
{
	struct lacp_port *other;

	if (port->selected != LACP_UNSELECTED || lacp_due(port->restore_at_ms, now_ms))
		return false;
	lacp_for_each_port(port->lacp, other)
	{
		if (other != port && is_usable(other) && other->selected == LACP_SELECTED &&
		    other->actor_state & LACP_DISTRIBUTING && lacp_partner_in_sync(other))
			return true;
	}
	return false;
}

/* ---- order of the ports of one aggregation ---- */

/*
 * 6.7.1: the port priorities of the system with the numerically lower identifier apply. Priorities
 * compare as numbers, addresses as bytes.
 */
static bool is_partner_preferred(const struct lacp *lacp, const struct lacp_lag *lag)
{
	if (lag->system_priority != lacp->config.system_priority)
		return lag->system_priority < lacp->config.system_priority;
	return memcmp(lag->system, lacp->config.system, sizeof(lag->system)) < 0;
}

static uint32_t port_rank(uint16_t priority, uint16_t number)
{
	return (uint32_t)priority << 16 | number;
}

/*
 * Lower is better. Members in EXPIRED come last. By the local priorities, ports in use come first
 * unless the policy ranks ports, so that a returning port displaces none. In use requires the
 * partner's consent: a port that the partner refuses (its own limit on links) has no precedence.
 */
static uint64_t member_rank(const struct lacp_port *port, bool by_partner)
{
	const struct lacp_info *partner = &port->partner;
	bool sticky = !by_partner && port->lacp->config.policy != LACP_PORT_PRIORITY;
	uint64_t rank = by_partner ? port_rank(partner->port_priority, partner->port) :
				     port_rank(port->config.priority, port->config.number);

	if (sticky && !(port->actor_state & LACP_COLLECTING))
		rank |= 1ULL << 32;
	if (port->receive != LACP_RX_CURRENT)
		rank |= 1ULL << 33;
	return rank;
}

/* The ports of an aggregation, best first; returns how many. */
static unsigned int members_of(const struct lacp *lacp, const struct lacp_lag *lag,
			       struct lacp_port *members[LACP_MAX_PORTS])
{
	const bool by_partner = is_partner_preferred(lacp, lag);
	uint64_t ranks[LACP_MAX_PORTS];
	struct lacp_port *port;
	unsigned int n = 0;

	lacp_for_each_port(lacp, port)
	{
		struct lacp_lag own = lacp_lag_of(port);
		uint64_t rank = member_rank(port, by_partner);
		unsigned int at = n;

		if (!is_usable(port) || !(has_lacp_partner(port) || stays_member(port)) ||
		    !lacp_lag_equal(&own, lag))
			continue;
		for (; at > 0 && ranks[at - 1] > rank; at--) {
			ranks[at] = ranks[at - 1];
			members[at] = members[at - 1];
		}
		ranks[at] = rank;
		members[at] = port;
		n++;
	}
	return n;
}

/* ---- choice of the aggregation ---- */

struct candidate {
	struct lacp_lag lag;
	bool present;	    /* has the aggregator now */
	uint64_t bandwidth; /* Mbit/s of the ports that would be used */
	uint64_t count;
	uint32_t best_port; /* unique, so that every comparison is decided */
};

static void weigh(const struct lacp *lacp, const struct lacp_lag *lag, struct candidate *ret,
		  uint64_t now_ms)
{
	struct lacp_port *members[LACP_MAX_PORTS];
	unsigned int n = members_of(lacp, lag, members);

	*ret = (struct candidate){ .lag = *lag,
				   .present = lacp->lag_valid && lacp_lag_equal(lag, &lacp->lag),
				   .best_port = UINT32_MAX };
	for (unsigned int i = 0; i < n; i++) {
		uint32_t rank = port_rank(members[i]->config.priority, members[i]->config.number);

		if (members[i]->receive != LACP_RX_CURRENT ||
		    lacp_restore_holds(members[i], now_ms))
			continue;
		ret->best_port = rank < ret->best_port ? rank : ret->best_port;
		if (lacp->config.max_links && ret->count >= lacp->config.max_links)
			continue;
		ret->count++;
		ret->bandwidth += members[i]->speed_mbps;
	}
}

static bool is_better(enum lacp_policy policy, const struct candidate *a, const struct candidate *b)
{
	if (policy == LACP_STABLE && a->present != b->present)
		return a->present;
	if (policy == LACP_COUNT && a->count != b->count)
		return a->count > b->count;
	if (policy != LACP_PORT_PRIORITY) {
		if (a->bandwidth != b->bandwidth)
			return a->bandwidth > b->bandwidth;
		if (a->count != b->count)
			return a->count > b->count;
		if (a->present != b->present)
			return a->present;
	}
	return a->best_port < b->best_port;
}

static bool choose_lag(const struct lacp *lacp, struct lacp_lag *ret, uint64_t now_ms)
{
	struct candidate best = { 0 }, candidate;
	struct lacp_port *port;
	bool found = false;

	lacp_for_each_port(lacp, port)
	{
		struct lacp_lag lag = lacp_lag_of(port);

		if (!is_usable(port) || !has_lacp_partner(port) || lacp_restore_holds(port, now_ms))
			continue;
		weigh(lacp, &lag, &candidate, now_ms);
		if (!found || is_better(lacp->config.policy, &candidate, &best))
			best = candidate;
		found = true;
	}
	if (found)
		*ret = best.lag;
	return found;
}

/* ---- fallback ---- */

static bool has_partner(const struct lacp *lacp)
{
	struct lacp_port *port;

	lacp_for_each_port(lacp, port)
	{
		bool has_lacp =
			port->receive == LACP_RX_CURRENT ||
			(port->receive == LACP_RX_EXPIRED && !(port->actor_state & LACP_DEFAULTED));

		if (port->enabled && !port->loopback && has_lacp &&
		    port->partner.state & LACP_AGGREGATION)
			return true;
	}
	return false;
}

/* A port whose partner answers with AGG=0 is preferred to one without partner. */
static struct lacp_port *fallback_port(const struct lacp *lacp)
{
	struct lacp_port *port, *best = NULL;
	uint64_t best_rank = UINT64_MAX;

	if (lacp->config.fallback != LACP_FALLBACK_INDIVIDUAL || has_partner(lacp))
		return NULL;
	lacp_for_each_port(lacp, port)
	{
		uint64_t rank = port_rank(port->config.priority, port->config.number);

		if (!is_usable(port) ||
		    (port->receive != LACP_RX_CURRENT && port->receive != LACP_RX_DEFAULTED))
			continue;
		if (port->receive == LACP_RX_DEFAULTED)
			rank |= 1ULL << 32;
		if (rank < best_rank) {
			best_rank = rank;
			best = port;
		}
	}
	return best;
}

/* ---- selection of all ports ---- */

struct selection {
	enum lacp_selected selected[LACP_MAX_PORTS]; /* by index in lacp->ports */
	struct lacp_port *individual;
};

static void compute_selection(struct lacp *lacp, struct selection *ret, uint64_t now_ms)
{
	struct lacp_port *members[LACP_MAX_PORTS], *port;
	unsigned int n = 0,
		     limit = lacp->config.max_links ? lacp->config.max_links : LACP_MAX_PORTS;
	bool kept = false;

	*ret = (struct selection){ .individual = NULL };
	lacp_for_each_port(lacp, port)
		kept = kept || (lacp->lag_valid && is_usable(port) && stays_member(port));
	/*
	 * An aggregation with all members in EXPIRED keeps the aggregator until another one has a
	 * partner or its members are DEFAULTED.
	 */
	lacp->lag_valid = choose_lag(lacp, &lacp->lag, now_ms) || kept;
	if (lacp->lag_valid)
		n = members_of(lacp, &lacp->lag, members);
	else
		ret->individual = fallback_port(lacp);

	for (unsigned int i = 0; i < lacp->n_ports; i++) {
		port = lacp->ports[i];
		if (port == ret->individual || is_draining(port, now_ms))
			ret->selected[i] = LACP_SELECTED;
		for (unsigned int m = 0, used = 0; m < n; m++) {
			if (lacp_restore_holds(members[m], now_ms))
				continue;
			if (members[m] == port)
				ret->selected[i] = used < limit ? LACP_SELECTED : LACP_STANDBY;
			used++;
		}
	}
}

/* Below min-links the whole channel goes out of sync, so that the partner stops sending as well. */
static void enforce_min_links(struct lacp *lacp, uint64_t now_ms)
{
	struct lacp_port *port;

	if (lacp_min_links(lacp) == 1 || lacp_ready_links(lacp, now_ms) >= lacp_min_links(lacp))
		return;
	lacp_for_each_port(lacp, port)
	{
		if (port->selected == LACP_SELECTED && !port->individual && !port->draining &&
		    lacp_attached(port))
			lacp_set_selected(port, LACP_UNSELECTED, false);
	}
}

void lacp_select(struct lacp *lacp, uint64_t now_ms)
{
	struct selection selection;

	compute_selection(lacp, &selection, now_ms);
	for (unsigned int i = 0; i < lacp->n_ports; i++) {
		struct lacp_port *port = lacp->ports[i];

		if (port->selected != LACP_UNSELECTED || port->mux == LACP_MUX_DETACHED)
			lacp_set_selected(port, selection.selected[i],
					  port == selection.individual);
	}
	enforce_min_links(lacp, now_ms);
}
