// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The slots of the teaming policies. A slot belongs to a set of settings as long as a group of the
 * applied configuration has them. Between two configurations the slots of both are used, so that
 * the groups can move one by one.
 */
#include "teaming/policies.h"

#include "config/model.h"

static uint64_t slot_bit(uint32_t slot)
{
	return UINT64_C(1) << slot;
}

/* Returns whether a bucket changed. */
static bool set_record(struct policies *policies, uint32_t slot, const struct ul_policy *record)
{
	struct ul_policy *old = &policies->slot[slot].record;
	bool moved = memcmp(old->bucket, record->bucket, sizeof(old->bucket)) != 0;

	if (memcmp(old, record, sizeof(*old)) != 0)
		policies->changed |= slot_bit(slot);
	*old = *record;
	return moved;
}

/* ---- failback: the uplinks that served until now ---- */
static uint32_t grace_of(const struct policy_slot *slot)
{
	uint32_t uplinks = 0;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		uplinks |= (uint32_t)(slot->grace_until_ms[i] != 0) << i;
	return uplinks;
}

/* serving: those that serve now. */
static void update_grace(struct policy_slot *slot, const struct policies_input *input,
			 uint32_t serving)
{
	/* Nothing arrives from an uplink that failed; a drained one is accepted anyway. */
	uint32_t left = slot->record.in_use & ~serving & input->usable & ~input->draining;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		uint64_t *until = &slot->grace_until_ms[i];
		bool over = *until && *until <= input->now_ms;

		if (!(left >> i & 1) || over)
			*until = 0;
		else if (!*until)
			*until = input->now_ms + POLICY_GRACE_MS;
	}
}

static void build(const struct policy_slot *slot, const struct policies_input *input,
		  struct ul_policy *ret)
{
	policy_build(&slot->teaming, input->channel, input->usable & ~slot->failback_held,
		     input->draining, ret);
}

/* The record with the uplinks in grace. The slot's record is the one before. */
static void build_next(struct policy_slot *slot, const struct policies_input *input,
		       struct ul_policy *ret)
{
	build(slot, input, ret);
	if (input->channel != UL_CHANNEL_NONE) {
		memset(slot->grace_until_ms, 0, sizeof(slot->grace_until_ms));
		return;
	}
	update_grace(slot, input, ret->in_use);
	ret->in_use |= grace_of(slot) & teaming_uplinks(&slot->teaming);
}

uint64_t policies_next_wakeup(const struct policies *policies)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		const struct policy_slot *slot = &policies->slot[i];

		for (uint32_t u = 0; slot->used && u < UL_MAX_UPLINKS; u++)
			if (slot->grace_until_ms[u] && slot->grace_until_ms[u] < next)
				next = slot->grace_until_ms[u];
	}
	return next;
}

void policies_adopt(struct policies *policies, const struct ul_policy *records)
{
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		policies->slot[i].record = records[i];
}

/* ---- slots ---- */
static bool is_wanted(const struct group_cfg *groups, size_t n_groups,
		      const struct teaming *teaming)
{
	for (size_t g = 0; g < n_groups; g++)
		if (teaming_equal(&groups[g].teaming, teaming))
			return true;
	return false;
}

/* The slots of both configurations do not fit: one that the new configuration does not use changes
 * under its groups. There is one, because a configuration has at most UL_MAX_POLICIES settings. */
static int slot_to_change(const struct policies *policies, const struct group_cfg *groups,
			  size_t n_groups)
{
	for (int i = 0; i < UL_MAX_POLICIES; i++)
		if (!policies->slot[i].used ||
		    !is_wanted(groups, n_groups, &policies->slot[i].teaming))
			return i;
	return -ENOSPC;
}

/* After a restart the slot whose record has the same settings, else the first empty one. */
static int unused_slot(const struct policies *policies, const struct ul_policy *record)
{
	int empty = -ENOSPC;

	for (int i = UL_MAX_POLICIES - 1; i >= 0; i--) {
		const struct policy_slot *slot = &policies->slot[i];

		if (slot->used)
			continue;
		if (!slot->record.n_buckets)
			empty = i;
		else if (policy_same_settings(&slot->record, record))
			return i;
	}
	return empty;
}

static int find_slot(struct policies *policies, const struct policies_input *input,
		     const struct group_cfg *groups, size_t n_groups, const struct teaming *teaming)
{
	struct policy_slot wanted = { .used = true, .teaming = *teaming };
	struct ul_policy record;
	int slot;

	for (int i = 0; i < UL_MAX_POLICIES; i++)
		if (policies->slot[i].used && teaming_equal(&policies->slot[i].teaming, teaming))
			return i;
	if (!teaming->failback)
		wanted.failback_held = input->spare & teaming_uplinks(teaming);
	build(&wanted, input, &record);
	slot = unused_slot(policies, &record);
	if (slot < 0)
		slot = slot_to_change(policies, groups, n_groups);
	if (slot < 0)
		return slot;
	wanted.record = policies->slot[slot].record;
	/* After a restart the record may still accept frames from an uplink that served before. */
	if (policy_same_settings(&wanted.record, &record))
		build_next(&wanted, input, &record);
	policies->slot[slot] = wanted;
	set_record(policies, (uint32_t)slot, &record);
	return slot;
}

int policies_assign(struct policies *policies, const struct policies_input *input,
		    const struct group_cfg *groups, size_t n_groups, uint32_t *ret_slots)
{
	for (size_t g = 0; g < n_groups; g++) {
		int slot = find_slot(policies, input, groups, n_groups, &groups[g].teaming);

		if (slot < 0)
			return slot;
		ret_slots[g] = (uint32_t)slot;
	}
	return 0;
}

void policies_clear_unused(struct policies *policies, const uint32_t *slots, size_t n)
{
	static const struct ul_policy none;
	uint64_t wanted = 0;

	for (size_t i = 0; i < n; i++)
		wanted |= slot_bit(slots[i]);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		if (wanted & slot_bit(i))
			continue;
		policies->slot[i].used = false;
		set_record(policies, i, &none);
	}
}

/* ---- renumbering ---- */
static uint32_t renumber_mask(const uint8_t to[UL_MAX_UPLINKS], uint32_t uplinks)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (uplinks >> i & 1 && to[i] != UL_NO_UPLINK)
			mask |= 1u << to[i];
	return mask;
}

/* Without the uplinks that left. Returns the new length. */
static uint32_t renumber_list(const uint8_t to[UL_MAX_UPLINKS], uint8_t *list, uint32_t n)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < n; i++)
		if (to[list[i]] != UL_NO_UPLINK)
			list[left++] = to[list[i]];
	return left;
}

static uint8_t renumber_uplink(const uint8_t to[UL_MAX_UPLINKS], uint8_t uplink)
{
	return uplink < UL_MAX_UPLINKS ? to[uplink] : UL_NO_UPLINK;
}

/* The record keeps its method, members and buckets until policies_update(): the new configuration
 * may take a while to come into force, and frames pass meanwhile. */
static void renumber_record(const uint8_t to[UL_MAX_UPLINKS], struct ul_policy *record)
{
	record->in_use = renumber_mask(to, record->in_use);
	for (uint32_t p = 0; p < record->n_members; p++)
		record->member[p] = renumber_uplink(to, record->member[p]);
	for (uint32_t b = 0; b < record->n_buckets; b++)
		record->bucket[b] = renumber_uplink(to, record->bucket[b]);
}

static void renumber_grace(const uint8_t to[UL_MAX_UPLINKS], uint64_t until_ms[UL_MAX_UPLINKS])
{
	uint64_t next[UL_MAX_UPLINKS] = {};

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (to[i] != UL_NO_UPLINK)
			next[to[i]] = until_ms[i];
	memcpy(until_ms, next, sizeof(next));
}

void policies_renumber(struct policies *policies, const uint8_t to[UL_MAX_UPLINKS])
{
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		struct policy_slot *slot = &policies->slot[i];
		struct teaming *teaming = &slot->teaming;
		struct ul_policy record = slot->record;

		teaming->n_active = renumber_list(to, teaming->active, teaming->n_active);
		teaming->n_standby = renumber_list(to, teaming->standby, teaming->n_standby);
		slot->failback_held = renumber_mask(to, slot->failback_held);
		renumber_grace(to, slot->grace_until_ms);
		renumber_record(to, &record);
		set_record(policies, i, &record);
	}
}

/* ---- failback: false ---- */
/*
 * A recovered uplink waits as a spare until another one fails. At least one usable member always
 * serves, also after the uplink in use left the configuration.
 */
static void hold_back(struct policy_slot *slot, uint32_t before, uint32_t now)
{
	uint32_t members = teaming_uplinks(&slot->teaming), held = slot->failback_held;
	uint32_t lost = before & ~now & members, gained = now & ~before & members;

	if (lost & ~held)
		held = 0;
	held = (held | gained) & now;
	if (slot->teaming.failback || !(now & members & ~held))
		held = 0;
	slot->failback_held = held;
}

/* ---- update ---- */
uint64_t policies_update(struct policies *policies, const struct policies_input *input,
			 uint32_t before, uint32_t *ret_held)
{
	uint64_t moved = 0;
	uint32_t held = 0;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		struct policy_slot *slot = &policies->slot[i];
		struct ul_policy record;

		if (!slot->used)
			continue;
		hold_back(slot, before, input->usable);
		held |= slot->failback_held;
		build_next(slot, input, &record);
		if (set_record(policies, i, &record))
			moved |= slot_bit(i);
	}
	*ret_held = held;
	return moved;
}

uint32_t policies_needed(const struct policies *policies, uint32_t sending, uint32_t waiting)
{
	uint32_t needed = sending ? 0 : waiting;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		uint32_t members = teaming_uplinks(&policies->slot[i].teaming);

		if (policies->slot[i].used && !(members & sending))
			needed |= members & waiting;
	}
	return needed;
}

uint32_t policies_serving(const struct policies *policies)
{
	uint32_t serving = 0;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		if (policies->slot[i].used)
			serving |= policies->slot[i].record.in_use;
	return serving;
}

uint32_t policies_accepted(const struct policies *policies)
{
	uint32_t accepted = UINT32_MAX;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		if (policies->slot[i].record.n_buckets)
			accepted &= policies->slot[i].record.in_use;
	return accepted;
}

uint64_t policies_used(const struct policies *policies)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		if (policies->slot[i].used)
			used |= slot_bit(i);
	return used;
}
