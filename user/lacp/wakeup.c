// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The timers of a channel: the next time at which lacp_run() is due. */
#include "lacp/port.h"

/* Timers that had expired at the last lacp_run() were handled there. */
static void sooner(const struct lacp *lacp, uint64_t *wakeup_ms, uint64_t at_ms)
{
	if (at_ms > lacp->ran_ms && at_ms < *wakeup_ms)
		*wakeup_ms = at_ms;
}

static uint64_t next_timer(const struct lacp *lacp)
{
	uint64_t wakeup_ms = LACP_NEVER;
	const struct lacp_port *port;

	lacp_for_each_port(lacp, port)
	{
		sooner(lacp, &wakeup_ms, port->current_while_at_ms);
		sooner(lacp, &wakeup_ms, port->periodic_at_ms);
		sooner(lacp, &wakeup_ms, port->wait_while_at_ms);
		sooner(lacp, &wakeup_ms, port->actor_churn.at_ms);
		sooner(lacp, &wakeup_ms, port->partner_churn.at_ms);
		sooner(lacp, &wakeup_ms, lacp_findings_wakeup(&port->findings));
		if (port->restore_at_ms)
			sooner(lacp, &wakeup_ms, port->restore_at_ms);
		if (port->draining)
			sooner(lacp, &wakeup_ms, port->drain_at_ms);
		if (port->ntt)
			sooner(lacp, &wakeup_ms, port->tx_window.free_at_ms[port->tx_window.next]);
	}
	sooner(lacp, &wakeup_ms, lacp_findings_wakeup(&lacp->findings));
	return wakeup_ms;
}

uint64_t lacp_next_wakeup(const struct lacp *lacp)
{
	return lacp->dirty ? 0 : next_timer(lacp);
}

bool lacp_overslept(const struct lacp *lacp, uint64_t now_ms)
{
	uint64_t due_ms = next_timer(lacp);

	return due_ms != LACP_NEVER && now_ms > due_ms + LACP_OVERSLEPT_MS;
}
