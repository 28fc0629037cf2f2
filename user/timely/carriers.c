// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The carriers of the uplinks, from the program carrier_read. Nothing else has them while a task
 * holds the RTNL: linkwatch needs the lock, so there is no link event, and netlink does not answer.
 * Uplinks without a kernel address, and all if the program fails, have the carrier that the worker
 * reported last.
 */
#include "timely/internal.h"

static uint32_t read_all(struct timely_switch *sw, struct ul_carrier_query *query)
{
	uint32_t readable = 0;

	*query = (struct ul_carrier_query){};
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		const struct timely_link *link = &sw->member[i].link;

		if (!link->ifindex || !link->netdev)
			continue;
		query->uplink[i].netdev = link->netdev;
		query->uplink[i].ifindex = link->ifindex;
		readable |= 1U << i;
	}
	return readable && dataplane_read_carriers(&sw->dp, query) == 0 ? readable : 0;
}

/* A lost carrier counts at once, a new one when the kernel transmits again. */
static void take(struct timely_link *link, uint32_t state)
{
	link->carrier = state & UL_CARRIER_UP && (link->carrier || state & UL_CARRIER_READY);
	link->admin_up = state & UL_CARRIER_ADMIN;
}

bool carriers_refresh(struct timely_switch *sw, uint32_t index)
{
	struct ul_carrier_query query;

	if (!sw->cfg.carrier_poll_ms || !(read_all(sw, &query) >> index & 1))
		return false;
	take(&sw->member[index].link, query.uplink[index].state);
	return true;
}

static void report_carrier(struct timely_switch *sw, uint32_t index)
{
	const struct timely_report report = { .kind = TIMELY_CARRIER,
					      .id = sw->id,
					      .ifindex = sw->member[index].link.ifindex };

	sw->report(sw->userdata, &report);
}

void carriers_run(struct timely_switch *sw, uint64_t now_ms)
{
	struct ul_carrier_query query;
	uint32_t readable, changed = 0;

	if (now_ms < carriers_next_ms(sw))
		return;
	sw->carriers_due_ms = now_ms + sw->cfg.carrier_poll_ms;
	readable = read_all(sw, &query);
	for (uint32_t i = 0; i < teaming_n_uplinks(sw->teaming); i++) {
		struct timely_link *link = &sw->member[i].link;

		if (!(readable >> i & 1))
			continue;
		take(link, query.uplink[i].state);
		if (publish_link(sw, i, link->carrier, link->admin_up))
			changed |= 1U << i;
	}
	if (!changed)
		return;
	publish(sw);
	for (uint32_t i = 0; i < teaming_n_uplinks(sw->teaming); i++) {
		if (!(changed >> i & 1))
			continue;
		channel_link_changed(sw->channel, i);
		report_carrier(sw, i);
	}
}

uint64_t carriers_next_ms(const struct timely_switch *sw)
{
	return sw->started && sw->cfg.carrier_poll_ms ? sw->carriers_due_ms : UINT64_MAX;
}
