// SPDX-License-Identifier: GPL-2.0
/* What people want to know: why a port is out (aAggPortDebugMuxReason), and what is wrong on the
 * wire. Reads the machines, changes none. */
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

/* Of a timer that runs: never "0 s more". */
static unsigned long long seconds_left(uint64_t at_ms, uint64_t now_ms)
{
	return lacp_due(at_ms, now_ms) ? 0 : (at_ms - now_ms + 999) / 1000;
}

/* ---- explanations
 * -----------------------------------------------------------------------------------------------------------------
 */

static void explain_silence(struct text *text, const struct lacp_port *port, uint64_t now_ms)
{
	if (port->heard)
		add(text, "no LACPDU for %llu s", seconds(now_ms - port->rx_ms));
	else
		add(text, "no LACPDU since the link came up %llu s ago",
		    seconds(now_ms - port->up_ms));
	if (!(port->actor_state & LACP_ACTIVITY))
		add(text, ", and we are passive: if the partner is passive too, nobody starts");
	else if (port->receive == LACP_RX_DEFAULTED)
		add(text, ": is the switch port without LACP, or a static channel?");
}

static void explain_other_partner(struct text *text, const struct lacp_port *port)
{
	const struct lacp_lag *chosen = &port->lacp->lag;
	const struct lacp_info *partner = &port->partner;
	char ours[MAC_TEXT_LEN], theirs[MAC_TEXT_LEN];
	bool same_system = partner->system_priority == chosen->system_priority &&
			   memcmp(partner->system, chosen->system, sizeof(chosen->system)) == 0;

	add(text, "partner system %s key %u differs from the selected %s key %u (%s)",
	    mac_format(partner->system, theirs), partner->key, mac_format(chosen->system, ours),
	    chosen->key,
	    same_system ? "two channels of one switch?" : "two switches without MLAG?");
}

static bool other_partner(const struct lacp_port *port)
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

	add(text, "the partner does not speak of us: it knows ");
	if (memcmp(view->system, actor.system, sizeof(actor.system)) != 0)
		add(text, "system %s", mac_format(view->system, mac));
	else if (view->system_priority != actor.system_priority)
		add(text, "system priority %u, ours is %u", view->system_priority,
		    actor.system_priority);
	else if (view->key != actor.key)
		add(text, "key %u, ours is %u", view->key, actor.key);
	else if (view->port != actor.port)
		add(text, "port %u, ours is %u", view->port, actor.port);
	else if (view->port_priority != actor.port_priority)
		add(text, "port priority %u, ours is %u", view->port_priority, actor.port_priority);
	else
		add(text, "us as not aggregating");
}

static void explain_unselected(struct text *text, const struct lacp_port *port, uint64_t now_ms)
{
	if (!(port->partner.state & LACP_AGGREGATION))
		add(text, "the partner does not aggregate this link (AGG=0)");
	else if (other_partner(port))
		explain_other_partner(text, port);
	else if (lacp_restore_holds(port, now_ms))
		add(text,
		    "waiting %llu s more until it has been well long enough (wait-to-restore)",
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
			add(text, "waiting %llu s more for other ports to join with it",
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
			add(text, "the partner holds the port out of its aggregation (its SYNC=0)");
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
		add(text, "our own system id %s is received: looped back, or cabled to this host",
		    mac_format(port->lacp->config.system, mac));
	else if (port->draining)
		add(text, "being drained: the partner is told to move away");
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

/* ---- findings
 * -----------------------------------------------------------------------------------------------------------------------
 */

void lacp_findings_init(struct lacp_finding_log *log)
{
	log->told = 0;
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

		if (since_ms != LACP_NEVER && !(log->told & 1U << i) &&
		    since_ms + settle_ms(i) < wakeup_ms)
			wakeup_ms = since_ms + settle_ms(i);
	}
	return wakeup_ms;
}

/* Whether the finding begins to be true (1), ends (-1), or nothing is to be told (0). */
static int update(struct lacp_finding_log *log, enum lacp_finding finding, bool now_so,
		  uint64_t now_ms)
{
	const uint32_t bit = 1U << finding;

	if (!now_so) {
		bool was_told = log->told & bit;

		log->since_ms[finding] = LACP_NEVER;
		log->told &= ~bit;
		return was_told ? -1 : 0;
	}
	if (log->since_ms[finding] == LACP_NEVER)
		log->since_ms[finding] = now_ms;
	if (log->told & bit || !lacp_due(log->since_ms[finding] + settle_ms(finding), now_ms))
		return 0;
	log->told |= bit;
	return 1;
}

static bool same_port_elsewhere(const struct lacp_port *port)
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

static bool is_so(const struct lacp_port *port, enum lacp_finding finding)
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
		return other_partner(port);
	case LACP_FIND_TIMEOUT:
		return current && (port->actor_state ^ port->partner.state) & LACP_TIMEOUT;
	case LACP_FIND_JITTER:
		return current && port->late;
	case LACP_FIND_LOOPBACK:
		return port->loopback;
	case LACP_FIND_SAME_PORT:
		return same_port_elsewhere(port);
	case LACP_FIND_MIN_LINKS:
	case LACP_N_FINDINGS:
		break;
	}
	return false;
}

static void describe(struct text *text, const struct lacp_port *port, enum lacp_finding finding,
		     uint64_t now_ms)
{
	const bool fast = port->actor_state & LACP_TIMEOUT;

	switch (finding) {
	case LACP_FIND_PASSIVE:
		add(text,
		    "passive here and no active partner: nobody starts LACP; set one side to active");
		return;
	case LACP_FIND_NO_PDU:
		explain_silence(text, port, now_ms);
		return;
	case LACP_FIND_TWO_PARTNERS:
		explain_other_partner(text, port);
		return;
	case LACP_FIND_TIMEOUT:
		add(text,
		    "we ask for %s timeouts, the partner for %s: a silent failure is noticed here after %d s, there after %d s",
		    fast ? "short" : "long", fast ? "long" : "short", fast ? 3 : 90, fast ? 90 : 3);
		return;
	case LACP_FIND_JITTER:
		add(text,
		    "LACPDUs come up to %llu ms apart, the partner counts as lost after %u ms",
		    (unsigned long long)port->gap_max_ms, port->timeout_ms);
		return;
	case LACP_FIND_LOOPBACK:
		explain_out(text, port, now_ms);
		return;
	case LACP_FIND_SAME_PORT:
		add(text,
		    "partner port %u is heard on more than one uplink (a hub, or an MLAG pair with equal port numbers)",
		    port->partner.port);
		return;
	case LACP_FIND_MIN_LINKS:
	case LACP_N_FINDINGS:
		return;
	}
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
	char buffer[LACP_TEXT_LEN];
	struct lacp_port *port;

	lacp_for_each_port(lacp, port)
	{
		for (enum lacp_finding finding = 0; finding < LACP_N_FINDINGS; finding++) {
			struct text text = { .at = buffer, .size = sizeof(buffer) };

			switch (update(&port->findings, finding, is_so(port, finding), now_ms)) {
			case 1:
				describe(&text, port, finding, now_ms);
				lacp_event(port, LACP_EVENT_FINDING, "%s", buffer);
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
