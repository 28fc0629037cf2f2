// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * A switch as the timely side has it. Before TIMELY_START the flags and policies of the maps stay
 * as an earlier daemon left them, and nothing runs; from then on every command is followed by what
 * it changes.
 */
#include "timely/internal.h"

#include <assert.h>

/* ---- life cycle ---- */
static void on_event(void *userdata, const char *switch_name, enum event_code code,
		     const char *object, const char *text)
{
	struct timely_switch *sw = userdata;
	struct timely_report report = { .kind = TIMELY_EVENT, .id = sw->id, .code = code };

	(void)switch_name;
	snprintf(report.object, sizeof(report.object), "%s", object);
	snprintf(report.text, sizeof(report.text), "%s", text);
	sw->report(sw->userdata, &report);
}

static void take_set(struct timely_switch *sw, const struct dataplane *dp)
{
	sw->dp = *dp;
	sw->dp.errors = &sw->errors;
}

static int compose(struct timely_switch *sw, const struct timely_set *set)
{
	struct channel_callbacks callbacks = publish_channel_callbacks;
	int r;

	callbacks.userdata = sw;
	sw->teaming = teaming_new();
	if (!sw->teaming)
		return context_fail(&sw->context, -ENOMEM, "uplinks");
	teaming_adopt(sw->teaming, sw->dp.uplinks, dataplane_n_uplinks(&sw->dp), sw->dp.policies);
	r = channel_new(&sw->context, &callbacks, &sw->channel);
	return r < 0 ? r : notifier_new(&sw->context, set->send, set->send_userdata, &sw->notifier);
}

/* The first message of the list; all are removed. */
static void take_errors(struct timely_switch *sw, struct timely_answer *answer)
{
	if (sw->errors.n)
		snprintf(answer->text, sizeof(answer->text), "%s", sw->errors.messages[0]);
	errors_done(&sw->errors);
}

int timely_switch_new(const struct timely_set *set, uint32_t id,
		      void (*report)(void *userdata, const struct timely_report *report),
		      void *userdata, struct timely_answer *answer, struct timely_switch **ret)
{
	struct timely_switch *sw = calloc(1, sizeof(*sw));
	int r;

	if (!sw)
		return -ENOMEM;
	sw->id = id;
	sw->statistics = set->statistics;
	sw->report = report;
	sw->userdata = userdata;
	take_set(sw, set->dp);
	sw->context = (struct switch_context){
		.cfg = &sw->cfg,
		.dp = &sw->dp,
		.errors = &sw->errors,
		.report = on_event,
		.userdata = sw,
	};
	memcpy(sw->context.name, set->name, sizeof(sw->context.name));
	memcpy(sw->cfg.name, set->name, sizeof(sw->cfg.name));
	r = compose(sw, set);
	take_errors(sw, answer);
	if (r < 0) {
		timely_switch_free(sw);
		return r;
	}
	*ret = sw;
	return 0;
}

void timely_switch_free(struct timely_switch *sw)
{
	channel_free(sw->channel);
	notifier_free(sw->notifier);
	teaming_free(sw->teaming);
	errors_done(&sw->errors);
	free(sw);
}

/* ---- commands ---- */
static void exchange(struct timely_switch *sw, const struct dataplane *dp)
{
	sw->former = sw->dp;
	take_set(sw, dp);
	sw->has_former = sw->former_policies = true;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		sw->former_index[i] = (uint8_t)i;
	/* What changed since the worker copied the contents. */
	publish_all(sw);
	meta_write_lacp_system(&sw->dp, sw->former.meta->lacp_system,
			       sw->former.meta->lacp_system_given);
	meta_write_lease(&sw->dp, sw->former.meta->lease_ns);
	channel_rewrite(sw->channel);
}

static void move_members(struct timely_switch *sw, const uint8_t to[UL_MAX_UPLINKS])
{
	struct timely_uplink_statistics statistics[UL_MAX_UPLINKS] = {};
	struct member members[UL_MAX_UPLINKS] = {};
	uint8_t former[UL_MAX_UPLINKS];

	memset(former, UL_NO_UPLINK, sizeof(former));
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (to[i] == UL_NO_UPLINK)
			continue;
		members[to[i]] = sw->member[i];
		members[to[i]].link.uplink = to[i];
		statistics[to[i]] = sw->statistics[i];
		former[to[i]] = sw->former_index[i];
		sw->former_policies = sw->former_policies && to[i] == i;
	}
	memcpy(sw->member, members, sizeof(members));
	/* The worker waits for the answer and reads nothing meanwhile. */
	memcpy(sw->statistics, statistics, sizeof(statistics));
	memcpy(sw->former_index, former, sizeof(former));
}

static int order(struct timely_switch *sw, const struct timely_order *order)
{
	sw->cfg.channel = order->channel;
	sw->cfg.lacp = order->lacp;
	sw->cfg.pagp = order->pagp;
	sw->cfg.teaming.method = order->method;
	sw->cfg.up_delay_ms = order->up_delay_ms;
	sw->cfg.carrier_poll_ms = order->carrier_poll_ms;
	sw->cfg.n_uplinks = order->n_uplinks;
	teaming_configure(sw->teaming, order->channel, order->up_delay_ms, now_ms());
	teaming_renumber(sw->teaming, order->to, order->n_uplinks);
	publish_both_orders(sw);
	uplinks_reorder(&sw->dp, order->to, order->names, order->n_uplinks);
	move_members(sw, order->to);
	notifier_renumber(sw->notifier, order->to);
	publish_policies(sw);
	return channel_reorder(sw->channel);
}

/* The carrier that is read now is newer than that of the command, which counts for an interface
 * that is new, or that cannot be read. */
static void set_link(struct timely_switch *sw, const struct timely_link *link)
{
	uint32_t index = link->uplink;
	struct timely_link *now = &sw->member[index].link, before = *now;

	*now = *link;
	if (before.ifindex == link->ifindex)
		now->carrier = before.carrier;
	if (!carriers_refresh(sw, index))
		now->carrier = link->carrier;
	publish_link(sw, index, now->carrier, now->admin_up);
	if (!sw->started)
		return;
	publish(sw);
	channel_link_changed(sw->channel, index);
}

static void detach(struct timely_switch *sw, const struct timely_detach *detach)
{
	uint32_t index = detach->uplink;

	/* The sockets are still there, and SYNC=0 is sent. */
	if (detach->leaving)
		channel_remove_uplink(sw->channel, index);
	if (detach->gone)
		teaming_set_gone(sw->teaming, index);
	publish_detached(sw, index);
	sw->member[index] = (struct member){ .reported_ms = sw->member[index].reported_ms };
	if (detach->leaving) {
		(void)teaming_set_drained(sw->teaming, index, false);
		publish_detached(sw, index);
	}
	if (!sw->started)
		return;
	publish(sw);
	channel_link_changed(sw->channel, index);
}

static int start(struct timely_switch *sw)
{
	int r = channel_apply(sw->channel);

	if (r == 0)
		sw->started = true;
	return r;
}

static int assign(struct timely_switch *sw, const struct timely_teamings *teamings,
		  struct timely_slots *ret)
{
	_cleanup_free_ struct group_cfg *groups = calloc(teamings->n + 1, sizeof(*groups));
	int r;

	if (!groups)
		return context_fail(&sw->context, -ENOMEM, "teaming policies");
	for (uint32_t i = 0; i < teamings->n; i++)
		groups[i].teaming = teamings->list[i];
	r = teaming_assign(sw->teaming, groups, teamings->n, ret->list);
	if (r < 0)
		return context_fail(&sw->context, r, "more than %d different teaming settings",
				    UL_MAX_POLICIES);
	ret->n = teamings->n;
	publish_policies(sw);
	return 0;
}

static void prune(struct timely_switch *sw, const struct timely_slots *slots)
{
	uint64_t changed;

	teaming_prune(sw->teaming, slots->list, slots->n);
	changed = teaming_take_policies(sw->teaming);
	/* The former set's groups still refer to them. */
	if (changed)
		sw->former_policies = false;
	for (uint32_t slot = 0; slot < UL_MAX_POLICIES; slot++)
		if (changed >> slot & 1)
			policy_write(&sw->dp, slot, teaming_policy(sw->teaming, slot));
}

static int drain(struct timely_switch *sw, const struct timely_drain *drain)
{
	int r = teaming_set_drained(sw->teaming, drain->uplink, drain->on);

	if (r < 0)
		return r;
	publish(sw);
	channel_drain(sw->channel, drain->uplink, drain->on);
	return 0;
}

/* The worker reads the number of uplinks in the maps, which another program may write. */
static bool has_uplink(const struct timely_switch *sw, const struct timely_command *command)
{
	uint32_t n = teaming_n_uplinks(sw->teaming);

	return (command->kind != TIMELY_LINK || command->link.uplink < n) &&
	       (command->kind != TIMELY_DETACH || command->detach.uplink < n) &&
	       (command->kind != TIMELY_DRAIN || command->drain.uplink < n);
}

static int execute(struct timely_switch *sw, const struct timely_command *command,
		   struct timely_answer *answer)
{
	if (!has_uplink(sw, command))
		return -ENOENT;
	switch (command->kind) {
	case TIMELY_EXCHANGE:
		exchange(sw, command->set.dp);
		return 0;
	case TIMELY_EXCHANGED:
		sw->has_former = false;
		return 0;
	case TIMELY_ORDER:
		return order(sw, &command->order);
	case TIMELY_LINK:
		set_link(sw, &command->link);
		return 0;
	case TIMELY_DETACH:
		detach(sw, &command->detach);
		return 0;
	case TIMELY_START:
		return start(sw);
	case TIMELY_ASSIGN:
		return assign(sw, &command->teamings, &answer->slots);
	case TIMELY_PRUNE:
		prune(sw, &command->slots);
		return 0;
	case TIMELY_PUBLISH:
		publish(sw);
		return 0;
	case TIMELY_DRAIN:
		return drain(sw, &command->drain);
	case TIMELY_FORGET:
		notifier_forget(sw->notifier, command->slot);
		return 0;
	case TIMELY_OPEN:
	case TIMELY_CLOSE:
	case TIMELY_STOP:
		break;
	}
	return -ENOSYS;
}

void timely_switch_execute(struct timely_switch *sw, const struct timely_command *command,
			   struct timely_answer *answer)
{
	answer->error = execute(sw, command, answer);
	take_errors(sw, answer);
}

/* ---- running ---- */
void timely_switch_run(struct timely_switch *sw, uint64_t now_ms, bool readable)
{
	if (!sw->started)
		return;
	carriers_run(sw, now_ms);
	if (readable || now_ms >= channel_next_ms(sw->channel)) {
		channel_receive(sw->channel);
		channel_run(sw->channel);
		publish_gaps(sw);
	}
	if (now_ms >= teaming_next_wakeup(sw->teaming))
		publish(sw);
	if (now_ms >= notifier_next_ms(sw->notifier))
		notifier_run(sw->notifier, now_ms);
	for (size_t i = 0; i < sw->errors.n; i++) {
		struct timely_report failure = { .kind = TIMELY_FAILURE, .id = sw->id };

		snprintf(failure.text, sizeof(failure.text), "%s", sw->errors.messages[i]);
		sw->report(sw->userdata, &failure);
	}
	errors_done(&sw->errors);
}

uint64_t timely_switch_next_ms(const struct timely_switch *sw)
{
	uint64_t next[] = { carriers_next_ms(sw), channel_next_ms(sw->channel),
			    teaming_next_wakeup(sw->teaming), notifier_next_ms(sw->notifier) };
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; sw->started && i < ARRAY_SIZE(next); i++)
		if (next[i] < first)
			first = next[i];
	return first;
}
