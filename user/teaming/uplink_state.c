// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The funnel: everything that decides about an uplink is an input of find_voter(), and its flags
 * come from flags_of() and nowhere else.
 */
#include "teaming/uplink_state.h"

#include <assert.h>

#include "teaming/policies.h"

struct uplink {
	bool present; /* has an attached interface */
	bool adopted; /* had one when this process started */
	/* enum ul_uplink_flag. Carrier, admin state and drain are inputs; the others are decisions
	 * of the last run. */
	uint32_t flags;
	bool link_seen;	   /* the first sight of a link needs no up-delay */
	bool link_settled; /* up for long enough */
	bool waiting;	   /* up, and waits until wait_until_ms to be settled */
	uint64_t wait_until_ms;
	bool collecting, distributing; /* of a negotiated channel */
	enum ul_voter voter;	       /* as of the last run */
};

struct teaming_state {
	enum ul_channel channel;
	uint32_t up_delay_ms;
	uint64_t configured_ms; /* time of the last teaming_configure() */
	uint32_t n_uplinks;
	struct uplink uplink[UL_MAX_UPLINKS];
	uint32_t sending; /* bit i: uplink i was usable in the last run */
	struct policies policies;
};

struct teaming_state *teaming_new(void)
{
	return calloc(1, sizeof(struct teaming_state));
}

void teaming_free(struct teaming_state *state)
{
	free(state);
}

static const struct uplink *uplink_of(const struct teaming_state *state, uint32_t index)
{
	assert(index < state->n_uplinks);
	return &state->uplink[index];
}

static struct uplink *change_uplink(struct teaming_state *state, uint32_t index)
{
	assert(index < state->n_uplinks);
	return &state->uplink[index];
}

/* ---- voters ---- */
static enum ul_voter find_voter(const struct teaming_state *state, const struct uplink *uplink)
{
	const bool objects[UL_N_VOTERS] = {
		[UL_VOTER_INTERFACE] = !uplink->present,
		[UL_VOTER_DRAIN] = uplink->flags & UL_UP_DRAINED,
		[UL_VOTER_ADMIN] = !(uplink->flags & UL_UP_ADMIN),
		[UL_VOTER_CARRIER] = !(uplink->flags & UL_UP_CARRIER),
		[UL_VOTER_LACP] = state->channel == UL_CHANNEL_LACP && !uplink->distributing,
		[UL_VOTER_PAGP] = state->channel == UL_CHANNEL_PAGP && !uplink->distributing,
		[UL_VOTER_UP_DELAY] = !uplink->link_settled,
	};
	uint32_t voter = 0;

	while (voter < UL_N_VOTERS && !objects[voter])
		voter++;
	return (enum ul_voter)voter;
}

const char *teaming_voter_text(enum ul_voter voter)
{
	static const char *const texts[] = {
#define X(NAME, name, text) [UL_VOTER_##NAME] = text,
		UL_VOTERS(X)
#undef X
			[UL_VOTER_NONE] = "in use",
	};

	assert(voter <= UL_VOTER_NONE);
	return texts[voter];
}

static uint32_t flags_of(const struct teaming_state *state, const struct uplink *uplink)
{
	uint32_t flags = uplink->flags & ~(uint32_t)(UL_UP_SEND | UL_UP_RECEIVE);

	if (!uplink->present)
		return flags & UL_UP_DRAINED;
	if (!UL_IS_NEGOTIATED(state->channel) || uplink->collecting)
		flags |= UL_UP_RECEIVE;
	if (uplink->voter == UL_VOTER_NONE)
		flags |= UL_UP_SEND;
	return flags;
}

static uint32_t uplinks_with(const struct teaming_state *state, uint32_t flags)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < state->n_uplinks; i++)
		if ((state->uplink[i].flags & flags) == flags)
			mask |= 1u << i;
	return mask;
}

static struct policies_input policies_input(const struct teaming_state *state, uint64_t now_ms)
{
	return (struct policies_input){
		.channel = state->channel,
		.usable = uplinks_with(state, UL_UP_SEND),
		.draining = uplinks_with(state, UL_UP_DRAINED | UL_UP_CARRIER),
		.spare = uplinks_with(state, UL_UP_SPARE),
		.now_ms = now_ms,
	};
}

/* ---- up-delay ---- */
static void settle(struct uplink *uplink)
{
	uplink->waiting = false;
	uplink->link_settled = true;
}

static void link_down(struct uplink *uplink)
{
	uplink->waiting = false;
	uplink->link_settled = false;
}

static void start_waiting(const struct teaming_state *state, struct uplink *uplink, uint64_t now_ms)
{
	uplink->waiting = true;
	uplink->link_settled = false;
	uplink->wait_until_ms = now_ms + state->up_delay_ms;
}

static void evaluate_link(const struct teaming_state *state, struct uplink *uplink, bool up,
			  uint64_t now_ms)
{
	/* Of a negotiated channel the delay starts in teaming_set_negotiated(). */
	bool at_once = !uplink->link_seen || !state->up_delay_ms ||
		       UL_IS_NEGOTIATED(state->channel);

	if (!up)
		link_down(uplink);
	else if (!uplink->link_settled && !uplink->waiting) {
		if (at_once)
			settle(uplink);
		else
			start_waiting(state, uplink, now_ms);
	}
	uplink->link_seen = true;
}

/* Ends the delays that are over, and those of uplinks that a policy needs now: without another
 * uplink there is nothing that a delay could protect. */
static void end_delays(struct teaming_state *state, uint64_t now_ms)
{
	uint32_t sending = 0, waiting = 0, needed;

	for (uint32_t i = 0; i < state->n_uplinks; i++) {
		struct uplink *uplink = &state->uplink[i];
		enum ul_voter voter;

		if (uplink->waiting && uplink->wait_until_ms <= now_ms)
			settle(uplink);
		voter = find_voter(state, uplink);
		if (voter == UL_VOTER_NONE)
			sending |= 1u << i;
		else if (voter == UL_VOTER_UP_DELAY && uplink->waiting)
			waiting |= 1u << i;
	}
	needed = policies_needed(&state->policies, sending, waiting);
	for (uint32_t i = 0; i < state->n_uplinks; i++)
		if (needed >> i & 1)
			settle(&state->uplink[i]);
}

uint64_t teaming_next_wakeup(const struct teaming_state *state)
{
	uint64_t next = policies_next_wakeup(&state->policies);

	for (uint32_t i = 0; i < state->n_uplinks; i++)
		if (state->uplink[i].waiting && state->uplink[i].wait_until_ms < next)
			next = state->uplink[i].wait_until_ms;
	return next;
}

uint64_t teaming_wait_ms(const struct teaming_state *state, uint32_t index, uint64_t now_ms)
{
	const struct uplink *uplink = uplink_of(state, index);

	if (!uplink->waiting)
		return 0;
	return uplink->wait_until_ms > now_ms ? uplink->wait_until_ms - now_ms : 1;
}

/* ---- configuration ---- */
uint32_t teaming_n_uplinks(const struct teaming_state *state)
{
	return state->n_uplinks;
}

void teaming_adopt(struct teaming_state *state, const struct ul_uplink *uplinks, uint32_t n,
		   const struct ul_policy *policies)
{
	assert(n <= UL_MAX_UPLINKS && !state->n_uplinks);
	state->n_uplinks = n;
	for (uint32_t i = 0; i < n; i++) {
		struct uplink *uplink = &state->uplink[i];

		uplink->present = uplink->adopted = uplinks[i].ifindex;
		uplink->flags = uplinks[i].flags;
		uplink->collecting = uplink->flags & UL_UP_RECEIVE;
		uplink->distributing = uplink->flags & UL_UP_SEND;
		uplink->voter = uplink->flags & UL_UP_SEND ? UL_VOTER_NONE :
							     find_voter(state, uplink);
	}
	policies_adopt(&state->policies, policies);
}

void teaming_configure(struct teaming_state *state, enum ul_channel channel, uint32_t up_delay_ms,
		       uint64_t now_ms)
{
	const enum ul_channel former = state->channel;

	state->channel = channel;
	state->up_delay_ms = up_delay_ms;
	state->configured_ms = now_ms;
	for (uint32_t i = 0; i < state->n_uplinks; i++) {
		struct uplink *uplink = &state->uplink[i];

		if (uplink->wait_until_ms > now_ms + up_delay_ms)
			uplink->wait_until_ms = now_ms + up_delay_ms;
		/* What one protocol agreed is nothing to another. */
		if (!UL_IS_NEGOTIATED(channel) || (UL_IS_NEGOTIATED(former) && channel != former))
			uplink->collecting = uplink->distributing = false;
	}
}

void teaming_renumber(struct teaming_state *state, const uint8_t to[UL_MAX_UPLINKS], uint32_t n)
{
	struct uplink uplinks[UL_MAX_UPLINKS] = {};
	bool moved = false;

	assert(n <= UL_MAX_UPLINKS);
	for (uint32_t i = 0; i < state->n_uplinks; i++) {
		if (to[i] == UL_NO_UPLINK)
			continue;
		assert(to[i] < n);
		uplinks[to[i]] = state->uplink[i];
		moved = moved || to[i] != i;
	}
	memcpy(state->uplink, uplinks, sizeof(uplinks));
	state->n_uplinks = n;
	state->sending = uplinks_with(state, UL_UP_SEND);
	if (moved)
		policies_renumber(&state->policies, to);
}

int teaming_assign(struct teaming_state *state, const struct group_cfg *groups, size_t n_groups,
		   uint32_t *ret_slots)
{
	struct policies_input input = policies_input(state, state->configured_ms);

	return policies_assign(&state->policies, &input, groups, n_groups, ret_slots);
}

void teaming_prune(struct teaming_state *state, const uint32_t *slots, size_t n)
{
	policies_clear_unused(&state->policies, slots, n);
}

uint64_t teaming_take_policies(struct teaming_state *state)
{
	uint64_t changed = state->policies.changed;

	state->policies.changed = 0;
	return changed;
}

/* ---- inputs of an uplink ---- */
bool teaming_set_link(struct teaming_state *state, uint32_t index, bool carrier, bool admin_up,
		      uint64_t now_ms)
{
	struct uplink *uplink = change_uplink(state, index);
	uint32_t link = (carrier ? UL_UP_CARRIER : 0) | (admin_up ? UL_UP_ADMIN : 0);
	uint32_t flags = (uplink->flags & ~(uint32_t)(UL_UP_CARRIER | UL_UP_ADMIN)) | link;
	bool changed = flags != uplink->flags;

	uplink->present = true;
	uplink->flags = flags;
	evaluate_link(state, uplink, carrier && admin_up, now_ms);
	return changed;
}

void teaming_detach(struct teaming_state *state, uint32_t index)
{
	struct uplink *uplink = change_uplink(state, index);

	uplink->present = false;
	uplink->flags &= UL_UP_DRAINED;
	uplink->voter = UL_VOTER_INTERFACE;
}

void teaming_set_gone(struct teaming_state *state, uint32_t index)
{
	struct uplink *uplink = change_uplink(state, index);

	/* An interface that was never there is still to be seen for the first time. */
	uplink->link_seen = uplink->link_seen || uplink->adopted;
	link_down(uplink);
	teaming_detach(state, index);
}

bool teaming_set_negotiated(struct teaming_state *state, uint32_t index, bool collecting,
			    bool distributing, uint64_t now_ms)
{
	struct uplink *uplink = change_uplink(state, index);
	uint32_t others = uplinks_with(state, UL_UP_SEND) & ~(1u << index);

	if (!UL_IS_NEGOTIATED(state->channel) ||
	    (uplink->collecting == collecting && uplink->distributing == distributing))
		return false;
	/* The partner has agreed, but may need a moment to open its side; other uplinks carry the
	 * traffic meanwhile. The delay belongs to this agreement: the next one starts another. */
	if (distributing && !uplink->distributing && uplink->link_settled && others &&
	    state->up_delay_ms)
		start_waiting(state, uplink, now_ms);
	else if (!distributing && uplink->waiting)
		settle(uplink);
	uplink->collecting = collecting;
	uplink->distributing = distributing;
	return true;
}

int teaming_set_drained(struct teaming_state *state, uint32_t index, bool drained)
{
	struct uplink *uplink = change_uplink(state, index);

	if (!!(uplink->flags & UL_UP_DRAINED) == drained)
		return -EALREADY;
	uplink->flags ^= UL_UP_DRAINED;
	return 0;
}

/* ---- decisions ---- */
static void decide(const struct teaming_state *state, uint32_t index, struct uplink *uplink,
		   struct teaming_changes *changes)
{
	enum ul_voter from = uplink->voter;

	uplink->voter = find_voter(state, uplink);
	uplink->flags = flags_of(state, uplink);
	if (uplink->present && (from == UL_VOTER_NONE) != (uplink->voter == UL_VOTER_NONE))
		changes->events[changes->n_events++] = (struct teaming_event){
			.uplink = index, .from = from, .to = uplink->voter
		};
}

/* held: bit i: failback: false holds uplink i back. */
static void mark_uplinks(struct teaming_state *state, uint32_t held)
{
	/* With a channel the links do not change what a policy accepts. */
	uint32_t accepted = state->channel == UL_CHANNEL_NONE ? 0 :
								policies_accepted(&state->policies);

	for (uint32_t i = 0; i < state->n_uplinks; i++) {
		struct uplink *uplink = &state->uplink[i];

		uplink->flags &= ~(uint32_t)(UL_UP_SPARE | UL_UP_FOR_ALL);
		if (held >> i & 1)
			uplink->flags |= UL_UP_SPARE;
		if (uplink->present && accepted >> i & 1)
			uplink->flags |= UL_UP_FOR_ALL;
	}
}

void teaming_run(struct teaming_state *state, uint64_t now_ms, struct teaming_changes *ret)
{
	uint32_t held, serving = policies_serving(&state->policies);
	struct policies_input input;

	*ret = (struct teaming_changes){};
	end_delays(state, now_ms);
	for (uint32_t i = 0; i < state->n_uplinks; i++)
		decide(state, i, &state->uplink[i], ret);
	input = policies_input(state, now_ms);
	if (input.usable)
		ret->failed_over = serving & state->sending & ~input.usable &
				   ~uplinks_with(state, UL_UP_DRAINED);
	ret->moved = policies_update(&state->policies, &input, state->sending, &held);
	mark_uplinks(state, held);
	state->sending = input.usable;
	ret->policies = teaming_take_policies(state);
	ret->used = policies_used(&state->policies);
}

uint32_t teaming_flags(const struct teaming_state *state, uint32_t index)
{
	return uplink_of(state, index)->flags;
}

enum ul_voter teaming_voter(const struct teaming_state *state, uint32_t index)
{
	return uplink_of(state, index)->voter;
}

const struct ul_policy *teaming_policy(const struct teaming_state *state, uint32_t slot)
{
	assert(slot < UL_MAX_POLICIES);
	return &state->policies.slot[slot].record;
}

const struct teaming *teaming_settings(const struct teaming_state *state, uint32_t slot)
{
	assert(slot < UL_MAX_POLICIES);
	return state->policies.slot[slot].used ? &state->policies.slot[slot].teaming : NULL;
}
