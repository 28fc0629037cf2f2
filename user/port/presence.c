// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Whether the machine of a port is on this host, as far as the interface shows it: with carrier it
 * may be; without it is not, and the port's own address becomes absent (headers/abi.h).
 *
 * A frame that was on its way when the carrier was lost may confirm the address after life was
 * raised. A second look a second later raises life again, because no frame is on its way then.
 */
#include "dataplane/ownership.h"
#include "dataplane/records.h"
#include "port/internal.h"

#define LOOK_AGAIN_MS 1000
#define LOOK_ACCURACY_USEC 100000

/* ---- the timer of second looks ---- */
static bool is_due(uint64_t at_ms, uint64_t now_ms)
{
	return at_ms && at_ms <= now_ms;
}

bool presence_look_again(struct ports *ports, uint64_t now_ms)
{
	struct dataplane *dp = ports->context->dp;
	bool pending = false;

	for (uint32_t slot = 0; slot < dp->max_ports; slot++) {
		struct port_state *state = &ports->state[slot];

		if (is_due(state->look_at_ms, now_ms)) {
			state->look_at_ms = 0;
			if (port_is_used(ports, slot) && dp->ports[slot].flags & UL_PORT_ABSENT &&
			    own_address_state(&dp->ports[slot]) == ADDRESS_CONFIRMED)
				port_raise_life(dp, slot);
		}
		if (is_due(state->unmute_at_ms, now_ms)) {
			state->unmute_at_ms = 0;
			mac_learning_update_limit(ports, slot);
		}
		pending |= state->look_at_ms || state->unmute_at_ms;
	}
	return pending;
}

void presence_arm(struct ports *ports)
{
	int enabled = SD_EVENT_ON;

	if (!ports->look_timer || sd_event_source_get_enabled(ports->look_timer, &enabled) < 0 ||
	    enabled != SD_EVENT_OFF)
		return;
	sd_event_source_set_time_relative(ports->look_timer, LOOK_AGAIN_MS * 1000);
	sd_event_source_set_enabled(ports->look_timer, SD_EVENT_ONESHOT);
}

static int on_look_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct ports *ports = userdata;

	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (ports->context->dp && presence_look_again(ports, now_ms()))
		presence_arm(ports);
	return 0;
}

int presence_start(struct ports *ports)
{
	int r;

	if (!ports->context->event)
		return 0;
	r = sd_event_add_time(ports->context->event, &ports->look_timer, CLOCK_MONOTONIC, 0,
			      LOOK_ACCURACY_USEC, on_look_timer, ports);
	if (r >= 0)
		r = sd_event_source_set_enabled(ports->look_timer, SD_EVENT_OFF);
	return r < 0 ? r : 0;
}

/* ---- states ---- */
void presence_lost(struct ports *ports, uint32_t slot)
{
	struct dataplane *dp = ports->context->dp;

	/* The flag first: from the new life on the address is absent and never tentative. */
	port_write_flags(dp, slot, dp->ports[slot].flags | UL_PORT_ABSENT);
	port_raise_life(dp, slot);
	ports->state[slot].look_at_ms = now_ms() + LOOK_AGAIN_MS;
	presence_arm(ports);
}

/* life stays: a frame that overtook the link event has confirmed the address. */
static void on_carrier(struct ports *ports, uint32_t slot)
{
	struct dataplane *dp = ports->context->dp;

	/* Whatever was learned may be elsewhere now. */
	address_forget_learned(ports, slot);
	attached_restart(ports, slot);
	port_write_flags(dp, slot, dp->ports[slot].flags & ~(uint32_t)UL_PORT_ABSENT);
}

void presence_update(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	bool absent = ports->context->dp->ports[slot].flags & UL_PORT_ABSENT;

	if (info->admin_up && info->carrier) {
		if (absent)
			on_carrier(ports, slot);
	} else if (!absent) {
		presence_lost(ports, slot);
	}
}
