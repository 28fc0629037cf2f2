// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Attempts at what the system refused: connecting an interface, and creating the veth pair of a
 * host port. Each port has its own back-off. */
#include "common/backoff.h"
#include "port/internal.h"

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	port_retry_due(userdata, now_ms());
	return 0;
}

static bool is_retried(const struct port_state *state)
{
	return state->refused || state->unmade;
}

/* One timer for all ports, at the first attempt that is due. */
static void arm_retries(struct ports *ports)
{
	uint64_t due_ms = UINT64_MAX;
	int r;

	for (uint32_t slot = 0; slot < ports->context->dp->max_ports; slot++)
		if (is_retried(&ports->state[slot]) && ports->state[slot].retry_due_ms < due_ms)
			due_ms = ports->state[slot].retry_due_ms;
	ports->retry_timer = sd_event_source_disable_unref(ports->retry_timer);
	if (due_ms == UINT64_MAX)
		return;
	r = sd_event_add_time(ports->context->event, &ports->retry_timer, CLOCK_MONOTONIC,
			      due_ms * 1000, 0, on_retry, ports);
	if (r < 0)
		context_fail(ports->context, r,
			     "ports: no timer; the next attempt follows their next event");
}

void port_schedule_retry(struct ports *ports, uint32_t slot)
{
	struct port_state *state = &ports->state[slot];

	state->retry_ms = backoff_next_ms(state->retry_ms);
	state->retry_due_ms = now_ms() + state->retry_ms;
	arm_retries(ports);
}

void port_retry_due(struct ports *ports, uint64_t now_ms)
{
	struct link_monitor *links = ports->context->links;

	for (uint32_t slot = 0; slot < ports->context->dp->max_ports; slot++) {
		struct port_state *state = &ports->state[slot];
		char interface[UL_NAME_LEN];
		struct link_info info;
		int r;

		if (!is_retried(state) || state->retry_due_ms > now_ms)
			continue;
		if (state->unmade)
			port_recreate_pair(ports, slot);
		if (!state->refused)
			continue;
		port_interface(&ports->context->dp->ports[slot], interface);
		r = link_refresh_get(links, state->refused, &info);
		/* Another interface of the name is connected at its own event. */
		if (r == -ENODEV || (r == 0 && !link_has_name(&info, interface)))
			state->refused = 0;
		else if (r < 0)
			port_schedule_retry(ports, slot);
		else
			port_connect(ports, slot, &info);
	}
	arm_retries(ports);
}
