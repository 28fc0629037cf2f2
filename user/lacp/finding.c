// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Diagnosis for operators: the reason why a port is out of the channel (aAggPortDebugMuxReason),
 * and the findings about the partner and the cabling. Reads the machines and changes none.
 *
 * A finding is reported once it has lasted settle_ms(), and reported as cleared when it ends. Its
 * text exists once: lacp_describe_finding() for those that follow from actor, partner and gaps,
 * which uplinkctl calls with the values of the map; the text of all others is the port's reason.
 */
#include <stdarg.h>

#include "common/util.h"
#include "lacp/port.h"

struct text {
	char *at;
	size_t size, length;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
	va_list ap;
	int n;

	if (text->length >= text->size)
		return;
	va_start(ap, format);
	n = vsnprintf(text->at + text->length, text->size - text->length, format, ap);
	va_end(ap);
	text->length += n > 0 ? (size_t)n : 0;
}

static unsigned long long seconds(uint64_t ms)
{
	return (ms + 500) / 1000;
}

/* Remaining time of a running timer, rounded up so that it never reads "0 s more". */
static unsigned long long seconds_left(uint64_t at_ms, uint64_t now_ms)
{
	return lacp_due(at_ms, now_ms) ? 0 : (at_ms - now_ms + 999) / 1000;
}

/* ---- explanations ---- */

static void explain_silence(struct text *text, const struct lacp_port *port, uint64_t now_ms)
{
	if (port->heard)
		add(text, "no LACPDU for %llu s", seconds(now_ms - port->rx_ms));
	else
		add(text, "no LACPDU since the link came up %llu s ago",
		    seconds(now_ms - port->up_ms));
	if (!(port->actor_state & LACP_ACTIVITY))
		add(text, ", and this side is passive: with a passive partner LACP never starts");
	else if (port->receive == LACP_RX_DEFAULTED)
		add(text, ": the switch port has no LACP, or a static channel");
}

static void explain_other_partner(struct text *text, const struct lacp_port *port)
{
	const struct lacp_lag *chosen = &port->lacp->lag;
	const struct lacp_info *partner = &port->partner;
	char selected_mac[MAC_TEXT_LEN], partner_mac[MAC_TEXT_LEN];
	bool same_system = partner->system_priority == chosen->system_priority &&
			   memcmp(partner->system, chosen->system, sizeof(chosen->system)) == 0;

	add(text, "partner system %s key %u differs from the selected %s key %u (%s)",
	    mac_format(partner->system, partner_mac), partner->key,
	    mac_format(chosen->system, selected_mac), chosen->key,
	    same_system ? "probably two channels of one switch" :
			  "probably two switches without MLAG");
}

static bool has_other_partner(const struct lacp_port *port)
{
	struct lacp_lag own = lacp_lag_of(port);

	return port->receive == LACP_RX_CURRENT && !port->loopback &&
	       port->partner.state & LACP_AGGREGATION && port->lacp->lag_valid &&
	       !lacp_lag_equal(&own, &port->lacp->lag);
}

static void explain_view(struct text *text, const struct lacp_port *port)
{
	const struct lacp_info actor = lacp_actor(port), *view = &port->view;
	char mac[MAC_TEXT_LEN];

	add(text, "the partner describes another actor: ");
	if (memcmp(view->system, actor.system, sizeof(actor.system)) != 0)
		add(text, "system %s", mac_format(view->system, mac));
	else if (view->system_priority != actor.system_priority)
		add(text, "system priority %u instead of %u", view->system_priority,
		    actor.system_priority);
	else if (view->key != actor.key)
		add(text, "key %u instead of %u", view->key, actor.key);
	else if (view->port != actor.port)
		add(text, "port %u instead of %u", view->port, actor.port);
	else if (view->port_priority != actor.port_priority)
		add(text, "port priority %u instead of %u", view->port_priority,
		    actor.port_priority);
	else
		add(text, "no aggregation (AGG=0)");
}

static void explain_unselected(struct text *text, const struct lacp_port *port, uint64_t now_ms)
{
	if (!(port->partner.state & LACP_AGGREGATION))
		add(text, "the partner does not aggregate this link (AGG=0)");
	else if (has_other_partner(port))
		explain_other_partner(text, port);
	else if (lacp_restore_holds(port, now_ms))
		add(text, "waiting %llu s more after a failure (wait-to-restore)",
		    seconds_left(port->restore_at_ms, now_ms));
	else
		add(text, "not selected yet");
}

static void explain_min_links(struct text *text, uint32_t links, const struct lacp *lacp)
{
	add(text, "%u link%s ready, but min-links is %u: the whole channel is held down", links,
	    links == 1 ? " is" : "s are", lacp_min_links(lacp));
}

static void explain_mux(struct text *text, const struct lacp_port *port, uint64_t now_ms)
{
	const struct lacp *lacp = port->lacp;
	uint32_t links = lacp_ready_links(lacp, now_ms);

	switch (port->mux) {
	case LACP_MUX_WAITING:
		if (!lacp_due(port->wait_while_at_ms, now_ms))
			add(text,
			    "waiting %llu s more so that other ports can join at the same time",
			    seconds_left(port->wait_while_at_ms, now_ms));
		else if (links < lacp_min_links(lacp))
			explain_min_links(text, links, lacp);
		else
			add(text, "waiting for the other ports to be ready");
		return;
	case LACP_MUX_ATTACHED:
		if (!lacp_partner_in_sync(port) && !port->matched && !port->individual)
			explain_view(text, port);
		else if (!lacp_partner_in_sync(port))
			add(text, "the partner excludes the port from its aggregation (SYNC=0)");
		else
			explain_min_links(text, lacp_synced_links(lacp, false), lacp);
		return;
	case LACP_MUX_COLLECTING:
		if (port->partner.state & LACP_COLLECTING)
			explain_min_links(text, lacp_synced_links(lacp, true), lacp);
		else
			add(text, "the partner does not collect yet");
		return;
	default:
		add(text, "about to join");
		return;
	}
}

static void explain_out(struct text *text, const struct lacp_port *port, uint64_t now_ms)
{
	char mac[MAC_TEXT_LEN];

	if (!port->enabled)
		add(text, "the link is down");
	else if (!port->lacp_enabled)
		add(text, "the link is half duplex");
	else if (port->loopback)
		add(text, "LACPDUs with the own system id %s received: loop, or cable to this host",
		    mac_format(port->lacp->config.system, mac));
	else if (port->draining)
		add(text, "being drained: the partner moves its traffic to other links");
	else if (port->drained)
		add(text, "drained by the operator");
	else if (port->receive != LACP_RX_CURRENT && !port->individual)
		explain_silence(text, port, now_ms);
	else if (port->selected == LACP_UNSELECTED)
		explain_unselected(text, port, now_ms);
	else if (port->selected == LACP_STANDBY)
		add(text, "standby: max-links %u are in use", port->lacp->config.max_links);
	else
		explain_mux(text, port, now_ms);

	if (port->actor_churn.state == LACP_CHURN || port->partner_churn.state == LACP_CHURN)
		add(text, "; out of sync for more than 60 s (%s churned)",
		    port->actor_churn.state == LACP_CHURN ? "actor" : "partner");
}

int lacp_explain(const struct lacp *lacp, uint16_t number, uint64_t now_ms, char *text, size_t size)
{
	const struct lacp_port *port = lacp_find(lacp, number);
	struct text out = { .at = text, .size = size };

	if (!port)
		return -ENOENT;
	if (!(port->actor_state & LACP_DISTRIBUTING)) {
		explain_out(&out, port, now_ms);
		return 1;
	}
	add(&out, port->individual ? "in use alone (fallback: individual)" :
				     "collecting and distributing");
	return 0;
}

/* ---- findings ---- */

void lacp_findings_init(struct lacp_finding_log *log)
{
	log->reported = 0;
	for (int i = 0; i < LACP_N_FINDINGS; i++)
		log->since_ms[i] = LACP_NEVER;
}

static uint64_t settle_ms(enum lacp_finding finding)
{
	return finding == LACP_FIND_LOOPBACK || finding == LACP_FIND_JITTER ? 0 : LACP_SETTLE_MS;
}

uint64_t lacp_findings_wakeup(const struct lacp_finding_log *log)
{
	uint64_t wakeup_ms = LACP_NEVER;

	for (int i = 0; i < LACP_N_FINDINGS; i++) {
		uint64_t since_ms = log->since_ms[i];

		if (since_ms != LACP_NEVER && !(log->reported & 1U << i) &&
		    since_ms + settle_ms(i) < wakeup_ms)
			wakeup_ms = since_ms + settle_ms(i);
	}
	return wakeup_ms;
}

/* Records whether the finding is true now. 1: report it; -1: report its end; 0: neither. */
static int update(struct lacp_finding_log *log, enum lacp_finding finding, bool is_true,
		  uint64_t now_ms)
{
	const uint32_t bit = 1U << finding;

	if (!is_true) {
		bool was_reported = log->reported & bit;

		log->since_ms[finding] = LACP_NEVER;
		log->reported &= ~bit;
		return was_reported ? -1 : 0;
	}
	if (log->since_ms[finding] == LACP_NEVER)
		log->since_ms[finding] = now_ms;
	if (log->reported & bit || !lacp_due(log->since_ms[finding] + settle_ms(finding), now_ms))
		return 0;
	log->reported |= bit;
	return 1;
}

static bool is_same_port_elsewhere(const struct lacp_port *port)
{
	const struct lacp_info *mine = &port->partner;
	struct lacp_port *other;

	if (port->receive != LACP_RX_CURRENT || port->loopback)
		return false;
	lacp_for_each_port(port->lacp, other)
	{
		if (other != port && other->receive == LACP_RX_CURRENT &&
		    other->partner.port == mine->port &&
		    other->partner.port_priority == mine->port_priority &&
		    other->partner.system_priority == mine->system_priority &&
		    memcmp(other->partner.system, mine->system, sizeof(mine->system)) == 0)
			return true;
	}
	return false;
}

static bool is_true_now(const struct lacp_port *port, enum lacp_finding finding)
{
	const bool current = port->receive == LACP_RX_CURRENT,
		   silent = port->receive == LACP_RX_DEFAULTED;
	const bool active = port->actor_state & LACP_ACTIVITY;

	switch (finding) {
	case LACP_FIND_PASSIVE:
		return !active && (silent || (current && !(port->partner.state & LACP_ACTIVITY)));
	case LACP_FIND_NO_PDU:
		return active && silent;
	case LACP_FIND_TWO_PARTNERS:
		return has_other_partner(port);
	case LACP_FIND_TIMEOUT:
		return current && (port->actor_state ^ port->partner.state) & LACP_TIMEOUT;
	case LACP_FIND_JITTER:
		return current && port->late;
	case LACP_FIND_LOOPBACK:
		return port->loopback;
	case LACP_FIND_SAME_PORT:
		return is_same_port_elsewhere(port);
	case LACP_FIND_MIN_LINKS:
	case LACP_N_FINDINGS:
		break;
	}
	return false;
}

bool lacp_describe_finding(enum lacp_finding finding, const struct lacp_info *actor,
			   const struct lacp_info *partner, uint64_t gap_max_ms, char *text,
			   size_t size)
{
	const bool is_short = actor->state & LACP_TIMEOUT;

	switch (finding) {
	case LACP_FIND_PASSIVE:
		snprintf(text, size, "no side is active, so LACP does not start");
		return true;
	case LACP_FIND_TIMEOUT:
		snprintf(
			text, size,
			"%s timeout requested here, %s timeout by the partner: a silent failure is detected here after %d s, there after %d s",
			is_short ? "short" : "long", is_short ? "long" : "short", is_short ? 3 : 90,
			is_short ? 90 : 3);
		return true;
	case LACP_FIND_JITTER:
		snprintf(text, size,
			 "up to %llu ms between LACPDUs, the partner expires after %d ms",
			 (unsigned long long)gap_max_ms,
			 is_short ? LACP_SHORT_TIMEOUT_MS : LACP_LONG_TIMEOUT_MS);
		return true;
	case LACP_FIND_SAME_PORT:
		snprintf(
			text, size,
			"partner port %u received on more than one uplink (a hub, or an MLAG pair with equal port numbers)",
			partner->port);
		return true;
	case LACP_FIND_NO_PDU:
	case LACP_FIND_TWO_PARTNERS:
	case LACP_FIND_LOOPBACK:
	case LACP_FIND_MIN_LINKS:
	case LACP_N_FINDINGS:
		break;
	}
	return false;
}

static void report_finding(const struct lacp_port *port, enum lacp_finding finding, uint64_t now_ms)
{
	const struct lacp_info actor = lacp_actor(port);
	char buffer[LACP_TEXT_LEN];
	struct text text = { .at = buffer, .size = sizeof(buffer) };

	if (finding == LACP_FIND_NO_PDU)
		explain_silence(&text, port, now_ms);
	else if (finding == LACP_FIND_TWO_PARTNERS)
		explain_other_partner(&text, port);
	else if (!lacp_describe_finding(finding, &actor, &port->partner, port->gap_max_ms, buffer,
					sizeof(buffer)))
		explain_out(&text, port, now_ms);
	lacp_event(port, LACP_EVENT_FINDING, "%s", buffer);
}

static void check_min_links(struct lacp *lacp, uint64_t now_ms)
{
	const struct lacp_callbacks *callbacks = &lacp->callbacks;
	uint32_t ready = lacp_ready_links(lacp, now_ms),
		 synced = lacp_synced_links(lacp, lacp->config.independent);
	uint32_t links = ready < lacp_min_links(lacp) ? ready : synced;
	char buffer[LACP_TEXT_LEN];
	struct text text = { .at = buffer, .size = sizeof(buffer) };

	switch (update(&lacp->findings, LACP_FIND_MIN_LINKS,
		       links > 0 && links < lacp_min_links(lacp), now_ms)) {
	case 1:
		explain_min_links(&text, links, lacp);
		callbacks->event(callbacks->userdata, 0, LACP_EVENT_FINDING, buffer);
		return;
	case -1:
		callbacks->event(callbacks->userdata, 0, LACP_EVENT_CLEARED,
				 lacp_name(LACP_NAMES_FINDING, LACP_FIND_MIN_LINKS));
		return;
	}
}

void lacp_check_findings(struct lacp *lacp, uint64_t now_ms)
{
	struct lacp_port *port;

	lacp_for_each_port(lacp, port)
	{
		for (enum lacp_finding finding = 0; finding < LACP_N_FINDINGS; finding++) {
			switch (update(&port->findings, finding, is_true_now(port, finding),
				       now_ms)) {
			case 1:
				report_finding(port, finding, now_ms);
				break;
			case -1:
				lacp_event(port, LACP_EVENT_CLEARED, "%s",
					   lacp_name(LACP_NAMES_FINDING, finding));
				break;
			}
		}
	}
	check_min_links(lacp, now_ms);
}
