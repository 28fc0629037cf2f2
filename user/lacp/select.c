// SPDX-License-Identifier: GPL-2.0
/* Selection logic (6.4.14). A channel has one aggregator. Ports whose partner is the same system
 * with the same key form one aggregation; the policy says which of several aggregations has the
 * aggregator, max-links how many of its ports, the rest waits as STANDBY. Without any aggregation,
 * fallback: individual puts the best port into use alone.
 *
 * A port that changes its aggregation always passes DETACHED, so that its SYNC=0 is told. Two
 * aggregations are never attached at once: those of the old one leave within the run in which those
 * of the new one only begin to wait. */
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

/* ---- who may take part
 * -------------------------------------------------------------------------------------------------------
 */

static bool usable(const struct lacp_port *port)
{
	return port->enabled && port->lacp_enabled && !port->loopback && !port->drained &&
	       !port->draining;
}

static bool hears_partner(const struct lacp_port *port)
{
	return port->receive == LACP_RX_CURRENT && port->partner.state & LACP_AGGREGATION;
}

/* A member that is silent for the moment keeps its place until it is DEFAULTED, but gets none. */
static bool keeps_place(const struct lacp_port *port)
{
	return port->receive == LACP_RX_EXPIRED && port->selected == LACP_SELECTED &&
	       !port->individual;
}

static bool drain_lasts(const struct lacp_port *port, uint64_t now_ms)
{
	const uint8_t sends = LACP_SYNCHRONIZATION | LACP_DISTRIBUTING;

	return port->draining && port->selected == LACP_SELECTED &&
	       !lacp_due(port->drain_at_ms, now_ms) && (port->partner.state & sends) == sends;
}

/* wait_to_restore protects ports in use from one that may fail again; with nothing to protect it
 * would only cost time. In use is what the mux will leave in use in this round. */
bool lacp_restore_holds(const struct lacp_port *port, uint64_t now_ms)
{
	struct lacp_port *other;

	if (port->selected != LACP_UNSELECTED || lacp_due(port->restore_at_ms, now_ms))
		return false;
	lacp_for_each_port(port->lacp, other)
	{
		if (other != port && usable(other) && other->selected == LACP_SELECTED &&
		    other->actor_state & LACP_DISTRIBUTING && lacp_partner_in_sync(other))
			return true;
	}
	return false;
}

/* ---- order of the ports of one aggregation
 * -------------------------------------------------------------------------------------- */

/* 6.7.1: the system with the numerically lower identifier decides. Priorities compare as numbers,
 * addresses as bytes. */
static bool partner_decides(const struct lacp *lacp, const struct lacp_lag *lag)
{
	if (lag->system_priority != lacp->config.system_priority)
		return lag->system_priority < lacp->config.system_priority;
	return memcmp(lag->system, lacp->config.system, sizeof(lag->system)) < 0;
}

static uint32_t port_rank(uint16_t priority, uint16_t number)
{
	return (uint32_t)priority << 16 | number;
}

/* Lower is better. Silent members come last; when the decision is ours and the policy does not rank
 * ports, those in use come first, so that a returning port displaces nobody. In use means with the
 * partner's consent: what it refuses (its own limit on links) gives way. */
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
	const bool by_partner = partner_decides(lacp, lag);
	uint64_t ranks[LACP_MAX_PORTS];
	struct lacp_port *port;
	unsigned int n = 0;

	lacp_for_each_port(lacp, port)
	{
		struct lacp_lag own = lacp_lag_of(port);
		uint64_t rank = member_rank(port, by_partner);
		unsigned int at = n;

		if (!usable(port) || !(hears_partner(port) || keeps_place(port)) ||
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

/* ---- which aggregation
 * ------------------------------------------------------------------------------------------------------------
 */

struct candidate {
	struct lacp_lag lag;
	bool present;	    /* has the aggregator now */
	uint64_t bandwidth; /* Mbit/s of the ports that would be used */
	uint64_t count;
	uint32_t best_port; /* unique, so that no comparison ends undecided */
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

static bool better(enum lacp_policy policy, const struct candidate *a, const struct candidate *b)
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

		if (!usable(port) || !hears_partner(port) || lacp_restore_holds(port, now_ms))
			continue;
		weigh(lacp, &lag, &candidate, now_ms);
		if (!found || better(lacp->config.policy, &candidate, &best))
			best = candidate;
		found = true;
	}
	if (found)
		*ret = best.lag;
	return found;
}

/* ---- fallback
 * ----------------------------------------------------------------------------------------------------------------------
 */

static bool has_partner(const struct lacp *lacp)
{
	struct lacp_port *port;

	lacp_for_each_port(lacp, port)
	{
		bool knows =
			port->receive == LACP_RX_CURRENT ||
			(port->receive == LACP_RX_EXPIRED && !(port->actor_state & LACP_DEFAULTED));

		if (port->enabled && !port->loopback && knows &&
		    port->partner.state & LACP_AGGREGATION)
			return true;
	}
	return false;
}

/* A partner that answers but refuses to aggregate is a better choice than silence. */
static struct lacp_port *fallback_port(const struct lacp *lacp)
{
	struct lacp_port *port, *best = NULL;
	uint64_t best_rank = UINT64_MAX;

	if (lacp->config.fallback != LACP_FALLBACK_INDIVIDUAL || has_partner(lacp))
		return NULL;
	lacp_for_each_port(lacp, port)
	{
		uint64_t rank = port_rank(port->config.priority, port->config.number);

		if (!usable(port) ||
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

/* ---- the whole
 * ----------------------------------------------------------------------------------------------------------------------
 */

struct wish {
	enum lacp_selected selected[LACP_MAX_PORTS]; /* by place in lacp->ports */
	struct lacp_port *alone;
};

static void make_wish(struct lacp *lacp, struct wish *wish, uint64_t now_ms)
{
	struct lacp_port *members[LACP_MAX_PORTS], *port;
	unsigned int n = 0,
		     limit = lacp->config.max_links ? lacp->config.max_links : LACP_MAX_PORTS;
	bool kept = false;

	*wish = (struct wish){ .alone = NULL };
	lacp_for_each_port(lacp, port)
		kept = kept || (lacp->lag_valid && usable(port) && keeps_place(port));
	/* An aggregation that is silent as a whole keeps the aggregator until another one, or
	 * DEFAULTED, ends it. */
	lacp->lag_valid = choose_lag(lacp, &lacp->lag, now_ms) || kept;
	if (lacp->lag_valid)
		n = members_of(lacp, &lacp->lag, members);
	else
		wish->alone = fallback_port(lacp);

	for (unsigned int place = 0; place < lacp->n_ports; place++) {
		port = lacp->ports[place];
		if (port == wish->alone || drain_lasts(port, now_ms))
			wish->selected[place] = LACP_SELECTED;
		for (unsigned int i = 0, used = 0; i < n; i++) {
			if (lacp_restore_holds(members[i], now_ms))
				continue;
			if (members[i] == port)
				wish->selected[place] = used < limit ? LACP_SELECTED : LACP_STANDBY;
			used++;
		}
	}
}

/* Below min-links the whole channel goes out of sync, so that the partner stops sending too. */
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
	struct wish wish;

	make_wish(lacp, &wish, now_ms);
	for (unsigned int place = 0; place < lacp->n_ports; place++) {
		struct lacp_port *port = lacp->ports[place];

		if (port->selected != LACP_UNSELECTED || port->mux == LACP_MUX_DETACHED)
			lacp_set_selected(port, wish.selected[place], port == wish.alone);
	}
	enforce_min_links(lacp, now_ms);
}
