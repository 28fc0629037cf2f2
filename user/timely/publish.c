// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Between the decisions of teaming/ and everything else: inputs come from the worker's commands,
 * from the carriers and from channel/, outputs go to the maps. Nothing else writes the flags of an
 * uplink or the buckets of a policy.
 *
 * The order of a run: flags, policies, flags. A frame is accepted by UL_UP_FOR_ALL without a look
 * at its policy, so that flag is set only when all policies are written, and cleared before.
 */
#include <assert.h>

#include "timely/internal.h"

/* ---- outputs ---- */
static void write_flags_of(struct timely_switch *sw, uint32_t index, uint32_t flags)
{
	uint8_t former = sw->former_index[index];

	if (flags != sw->dp.uplinks[index].flags)
		uplink_write_flags(&sw->dp, index, flags);
	if (sw->has_former && former != UL_NO_UPLINK && flags != sw->former.uplinks[former].flags)
		uplink_write_flags(&sw->former, former, flags);
}

static void write_flags(struct timely_switch *sw, uint32_t except_new)
{
	const struct dataplane *dp = &sw->dp;

	for (uint32_t i = 0; i < teaming_n_uplinks(sw->teaming); i++) {
		uint32_t old = dp->uplinks[i].flags, flags = teaming_flags(sw->teaming, i);

		flags &= ~(except_new & ~old);
		assert(!(flags & UL_UP_SEND) || dp->uplinks[i].ifindex);
		write_flags_of(sw, i, flags);
	}
}

static void write_policies(struct timely_switch *sw, uint64_t slots)
{
	for (uint32_t slot = 0; slot < UL_MAX_POLICIES; slot++) {
		const struct ul_policy *record = teaming_policy(sw->teaming, slot);

		if (!(slots >> slot & 1))
			continue;
		policy_write(&sw->dp, slot, record);
		if (sw->has_former && sw->former_policies)
			policy_write(&sw->former, slot, record);
	}
}

static void report_uplink(struct timely_switch *sw, uint32_t index, enum event_code code,
			  const char *text)
{
	struct timely_report report = { .kind = TIMELY_UPLINK_EVENT, .id = sw->id, .code = code };

	sw->member[index].reported_ms = now_ms();
	snprintf(report.object, sizeof(report.object), "%s", sw->dp.uplinks[index].name);
	snprintf(report.text, sizeof(report.text), "%s", text);
	sw->report(sw->userdata, &report);
}

static void report(struct timely_switch *sw, const struct teaming_changes *changes)
{
	for (uint32_t i = 0; i < changes->n_events; i++)
		report_uplink(sw, changes->events[i].uplink, EVENT_UPLINK_STATE,
			      teaming_voter_text(changes->events[i].to));
}

static void count_failovers(struct timely_switch *sw, const struct teaming_changes *changes)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (changes->failed_over >> i & 1)
			__atomic_store_n(&sw->statistics[i].failovers,
					 sw->statistics[i].failovers + 1, __ATOMIC_RELAXED);
}

void publish_gaps(struct timely_switch *sw)
{
	for (uint32_t i = 0; i < teaming_n_uplinks(sw->teaming); i++) {
		const struct histogram *gaps = channel_gaps(sw->channel, i);

		if (gaps)
			histogram_copy(&sw->statistics[i].lacp_gaps, gaps);
	}
}

/* A channel is one link to the physical switch, so there a move is not announced. */
static void announce(struct timely_switch *sw, const struct teaming_changes *changes)
{
	bool channel = sw->cfg.channel != UL_CHANNEL_NONE;

	for (uint32_t slot = 0; slot < UL_MAX_POLICIES; slot++) {
		const struct teaming *settings = teaming_settings(sw->teaming, slot);

		if (changes->used >> slot & 1)
			notifier_moved(sw->notifier, slot,
				       !channel && settings && settings->notify_switches,
				       changes->moved >> slot & 1);
	}
}

void publish(struct timely_switch *sw)
{
	struct teaming_changes changes;

	teaming_run(sw->teaming, now_ms(), &changes);
	write_flags(sw, UL_UP_FOR_ALL);
	write_policies(sw, changes.policies);
	write_flags(sw, 0);
	count_failovers(sw, &changes);
	report(sw, &changes);
	announce(sw, &changes);
}

void publish_policies(struct timely_switch *sw)
{
	write_policies(sw, teaming_take_policies(sw->teaming));
}

void publish_both_orders(struct timely_switch *sw)
{
	for (uint32_t slot = 0; slot < UL_MAX_POLICIES; slot++) {
		uint32_t in_use = sw->dp.policies[slot].in_use;
		uint32_t both = in_use | teaming_policy(sw->teaming, slot)->in_use;

		if (both != in_use)
			policy_write_in_use(&sw->dp, slot, both);
	}
}

void publish_all(struct timely_switch *sw)
{
	for (uint32_t i = 0; i < dataplane_n_uplinks(&sw->former); i++)
		uplink_write_flags(&sw->dp, i, sw->former.uplinks[i].flags);
	for (uint32_t slot = 0; slot < UL_MAX_POLICIES; slot++)
		policy_write(&sw->dp, slot, &sw->former.policies[slot]);
}

/* ---- inputs ---- */
void publish_detached(struct timely_switch *sw, uint32_t index)
{
	teaming_detach(sw->teaming, index);
	write_flags_of(sw, index, teaming_flags(sw->teaming, index));
}

bool publish_link(struct timely_switch *sw, uint32_t index, bool carrier, bool admin_up)
{
	if (!teaming_set_link(sw->teaming, index, carrier, admin_up, now_ms()))
		return false;
	report_uplink(sw, index, EVENT_UPLINK_LINK, carrier && admin_up ? "link up" : "link down");
	return true;
}

static void on_negotiated(void *userdata, uint32_t index, bool collecting, bool distributing)
{
	struct timely_switch *sw = userdata;

	if (teaming_set_negotiated(sw->teaming, index, collecting, distributing, now_ms()))
		publish(sw);
}

static void on_report(void *userdata, uint32_t index, enum event_code code, const char *text)
{
	report_uplink(userdata, index, code, text);
}

/* Longer than the limiter of the worker suppresses events. */
#define RECENT_MS 15000

static void on_recorded(void *userdata)
{
	struct timely_switch *sw = userdata;
	uint64_t now = now_ms();

	for (uint32_t i = 0; i < teaming_n_uplinks(sw->teaming); i++) {
		struct timely_report state = { .kind = TIMELY_UPLINK_STATE, .id = sw->id };

		if (!sw->member[i].reported_ms || now - sw->member[i].reported_ms > RECENT_MS)
			continue;
		snprintf(state.object, sizeof(state.object), "%s", sw->dp.uplinks[i].name);
		snprintf(state.text, sizeof(state.text), "%s",
			 teaming_voter_text(teaming_voter(sw->teaming, i)));
		sw->report(sw->userdata, &state);
	}
}

static uint64_t uplink_wait_ms(void *userdata, uint32_t index)
{
	const struct timely_switch *sw = userdata;

	return teaming_wait_ms(sw->teaming, index, now_ms());
}

static bool is_replaced(void *userdata, uint32_t index)
{
	const struct timely_switch *sw = userdata;

	return sw->member[index].link.replaced;
}

static void link_of(void *userdata, uint32_t index, bool fresh, struct channel_link *ret)
{
	struct timely_switch *sw = userdata;
	const struct timely_link *link = &sw->member[index].link;

	/* The next carriers_run() publishes it. */
	if (fresh && carriers_refresh(sw, index))
		sw->carriers_due_ms = 0;
	*ret = (struct channel_link){
		.ifindex = link->fd[0] < 0 ? 0 : link->ifindex,
		.up = link->carrier && link->admin_up,
		.speed_mbps = link->speed_mbps,
		.full_duplex = link->full_duplex,
	};
	memcpy(ret->fd, link->fd, sizeof(ret->fd));
}

const struct channel_callbacks publish_channel_callbacks = { .on_negotiated = on_negotiated,
							     .on_report = on_report,
							     .on_recorded = on_recorded,
							     .uplink_wait_ms = uplink_wait_ms,
							     .is_replaced = is_replaced,
							     .link_of = link_of };
