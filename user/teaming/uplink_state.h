/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The decisions of one switch: which uplinks are usable, and which uplink serves each bucket of
 * each teaming policy. Pure: no clock, timer, map or log, and no allocation after teaming_new().
 *
 *   uplink_state.c   the funnel: interface, carrier, admin state, up-delay, LACP or PAgP, drain
 *   policies.c       up to 64 policies: slots, failback, renumbering
 *   policy.c         settings and usable uplinks -> the record that the programs read
 *
 * Inputs (teaming_set_*(), teaming_configure(), ...) are recorded at once. The decisions (sends,
 * receives, is a spare) follow with the next teaming_run(); only teaming_detach() takes effect
 * immediately. The owner calls teaming_run() after each input and at teaming_next_wakeup(), and
 * publishes the result in this order:
 *
 *	teaming_flags() of every uplink, without a newly set UL_UP_FOR_ALL;
 *	teaming_policy() of every slot in changes.policies;
 *	teaming_flags() again;
 *	announcements for every slot in changes.used, and the events
 *
 * Life cycle: teaming_new(), teaming_adopt() with the contents of the maps, then for each
 * configuration teaming_configure(), teaming_renumber(), inputs of links, LACP and PAgP,
 * teaming_assign(), teaming_prune(), teaming_run(). After a restart the flags and records of the
 * previous process stay in force until the first run: the state of LACP or PAgP is taken from the
 * flags, failback from UL_UP_SPARE.
 *
 * Up-delay: a link that comes up is usable when it has been up for up-delay-ms. The delay does not
 * apply to a link that is up when it is first seen, and it ends early when a policy has no other
 * uplink. With LACP and PAgP the delay starts when they start to distribute and other uplinks are
 *in use.
 *
 * Failback without a channel: a usable uplink that does not serve any longer stays in in_use for 8
 *s (POLICY_GRACE_MS), because the physical switch sends there until it has learned the addresses at
 * the active uplink.
 *
 * Callers: vswitch/. Tests: tests/unit/teaming_*.c.
 */
#ifndef UL_TEAMING_UPLINK_STATE_H
#define UL_TEAMING_UPLINK_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "config/model.h"
#include "voters.h"

#define TEAMING_NEVER UINT64_MAX

struct teaming_state;

/* The usability of an uplink changed: old -> new. Uplinks without an interface make no event. */
struct teaming_event {
	uint32_t uplink;
	enum ul_voter from, to; /* UL_VOTER_NONE: usable */
};

struct teaming_changes {
	/* bit i: the record of slot i differs from the one that the owner has last taken */
	uint64_t policies;
	/* bit i: this run changed buckets of slot i */
	uint64_t moved;
	uint64_t used; /* bit i: slot i is in use */
	/* bit i: uplink i served a policy, is not usable any longer, and others are: its flows fail
	 * over. Not for an uplink that is drained or leaves the switch. */
	uint32_t failed_over;
	uint32_t n_events;
	struct teaming_event events[UL_MAX_UPLINKS];
};

/* NULL: out of memory. */
struct teaming_state *teaming_new(void);
void teaming_free(struct teaming_state *state); /* NULL allowed */

/* ---- configuration ---- */
/*
 * What the maps contain when this process opens them: n uplinks, UL_MAX_POLICIES policies. Once,
 * before every other input.
 */
void teaming_adopt(struct teaming_state *state, const struct ul_uplink *uplinks, uint32_t n,
		   const struct ul_policy *policies);
/*
 * An uplink that already waits for its up-delay waits no longer than up_delay_ms from now. Without
 * LACP and PAgP, or after a change between them, their state of all uplinks is forgotten.
 */
void teaming_configure(struct teaming_state *state, enum ul_channel channel, uint32_t up_delay_ms,
		       uint64_t now_ms);
/*
 * New indexes: to[old] is the new one, or UL_NO_UPLINK for an uplink that left; n is the new number
 * of uplinks. A remaining uplink keeps its state, its delay included; a new one has none. If an
 * uplink moved, the policies are rewritten to the new indexes and stand in teaming_take_policies().
 * To accept frames from both indexes meanwhile, the owner first writes in_use of the map's record
 * OR in_use of teaming_policy(), then moves the records of the uplinks, then writes the policies.
 */
void teaming_renumber(struct teaming_state *state, const uint8_t to[UL_MAX_UPLINKS], uint32_t n);
/*
 * Finds or fills a policy slot for each group. Slots of the former configuration stay valid until
 * teaming_prune(), except when all are taken: then one that no group uses changes. Write
 * teaming_take_policies() before the groups refer to the slots. 0, or -ENOSPC: the groups have more
 * than UL_MAX_POLICIES different settings.
 */
int teaming_assign(struct teaming_state *state, const struct group_cfg *groups, size_t n_groups,
		   uint32_t *ret_slots);
/* Clears the slots that are not in slots[0 .. n - 1]; then write teaming_take_policies(). */
void teaming_prune(struct teaming_state *state, const uint32_t *slots, size_t n);
/* Bit i: the record of slot i changed since the last call or run. */
uint64_t teaming_take_policies(struct teaming_state *state);

/* ---- inputs of an uplink ---- */
/* The attached interface. Returns whether carrier or admin_up changed. */
bool teaming_set_link(struct teaming_state *state, uint32_t index, bool carrier, bool admin_up,
		      uint64_t now_ms);
/*
 * The interface is about to be detached, for whatever reason: teaming_flags() has only the drain
 * afterwards, and must be published before the programs are detached. The up-delay is not affected:
 * an interface that takes the place of another at once needs none.
 */
void teaming_detach(struct teaming_state *state, uint32_t index);
/* The interface disappeared: teaming_detach() if not done yet, and the link counts as down. */
void teaming_set_gone(struct teaming_state *state, uint32_t index);
/* Of LACP or PAgP; ignored with other channels. Returns whether it changed. */
bool teaming_set_negotiated(struct teaming_state *state, uint32_t index, bool collecting,
			    bool distributing, uint64_t now_ms);
/* 0 or -EALREADY. A released uplink is detached and undrained. */
int teaming_set_drained(struct teaming_state *state, uint32_t index, bool drained);

/* ---- decisions ---- */
/* Decides on all inputs together. ret is overwritten. */
void teaming_run(struct teaming_state *state, uint64_t now_ms, struct teaming_changes *ret);
/* When teaming_run() is due without an input, in the clock of now_ms; or TEAMING_NEVER. */
uint64_t teaming_next_wakeup(const struct teaming_state *state);

uint32_t teaming_flags(const struct teaming_state *state, uint32_t index); /* enum ul_uplink_flag */
const struct ul_policy *teaming_policy(const struct teaming_state *state, uint32_t slot);
/* Settings of a used slot, else NULL. */
const struct teaming *teaming_settings(const struct teaming_state *state, uint32_t slot);
uint32_t teaming_n_uplinks(const struct teaming_state *state);
/* The first voter that objects to the uplink as of the last run, or UL_VOTER_NONE. */
enum ul_voter teaming_voter(const struct teaming_state *state, uint32_t index);
/* Remaining up-delay, at least 1; 0: the uplink does not wait. */
uint64_t teaming_wait_ms(const struct teaming_state *state, uint32_t index, uint64_t now_ms);

/* "no carrier", "in use", ... */
const char *teaming_voter_text(enum ul_voter voter);

#endif
