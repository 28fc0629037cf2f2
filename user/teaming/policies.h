/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The teaming policies of one switch: a slot for each different set of settings, with the record
 * that the programs read. Internal to teaming/; the rest of the daemon uses uplink_state.h.
 */
#ifndef UL_TEAMING_POLICIES_H
#define UL_TEAMING_POLICIES_H

#include "teaming/policy.h"

/*
 * How long frames are accepted from an uplink that does not serve any longer although it is usable,
 * as after a failback: the physical switch may send there until it has learned the addresses at the
 * active uplink. It includes the last announcement (port/announce.h, after 7 s).
 */
#define POLICY_GRACE_MS 8000

struct policy_slot {
	bool used;
	struct teaming teaming; /* settings; only in a used slot */
	/* failback: false: recovered uplinks that wait until another one fails */
	uint32_t failback_held;
	/* uplink -> until when its frames are accepted after it has served; 0: no such time */
	uint64_t grace_until_ms[UL_MAX_UPLINKS];
	struct ul_policy record; /* as in the map, or to be written there */
};

struct policies {
	struct policy_slot slot[UL_MAX_POLICIES];
	/* bit i: the record of slot i is to be written */
	uint64_t changed;
};

/* What the uplinks contribute; bit i of each mask is uplink i. */
struct policies_input {
	enum ul_channel channel;
	uint32_t usable;
	uint32_t draining; /* drained with carrier: they still receive */
	uint32_t spare;	   /* held back by failback: false */
	uint64_t now_ms;
};

/* The records of the maps; no slot is used until policies_assign(). */
void policies_adopt(struct policies *policies, const struct ul_policy *records);
/* As teaming_assign(). */
int policies_assign(struct policies *policies, const struct policies_input *input,
		    const struct group_cfg *groups, size_t n_groups, uint32_t *ret_slots);
/* As teaming_prune(). */
void policies_clear_unused(struct policies *policies, const uint32_t *slots, size_t n);
/* As teaming_renumber(). */
void policies_renumber(struct policies *policies, const uint8_t to[UL_MAX_UPLINKS]);
/*
 * The usable uplinks changed from before to input->usable: new buckets in every used slot. Returns
 * the slots of which a bucket changed. ret_held: uplinks that failback: false holds back in a slot.
 */
uint64_t policies_update(struct policies *policies, const struct policies_input *input,
			 uint32_t before, uint32_t *ret_held);
/* When policies_update() is due because a time of grace ends; UINT64_MAX: never. */
uint64_t policies_next_wakeup(const struct policies *policies);
/* Uplinks of waiting that a used policy needs because it has none in sending. */
uint32_t policies_needed(const struct policies *policies, uint32_t sending, uint32_t waiting);
/* Uplinks that serve a used policy. */
uint32_t policies_serving(const struct policies *policies);
/* Uplinks from which every policy accepts frames. */
uint32_t policies_accepted(const struct policies *policies);
uint64_t policies_used(const struct policies *policies);

#endif
