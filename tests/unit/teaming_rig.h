/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The teaming state of one switch on a stopped clock. */
#ifndef TESTS_UNIT_TEAMING_RIG_H
#define TESTS_UNIT_TEAMING_RIG_H

#include "teaming_testing.h"

#include "teaming/uplink_state.h"

#define T0 1000000
#define DELAY 100

static struct teaming_state *state;
static struct teaming_changes changes;
static struct group_cfg groups[UL_MAX_POLICIES + 1];
static uint32_t slots[UL_MAX_POLICIES + 1];
static uint64_t now;

static inline void run(void)
{
	teaming_run(state, now, &changes);
}

static inline void run_at(uint64_t at)
{
	now = at;
	run();
}

static inline void link_is(uint32_t uplink, bool up)
{
	teaming_set_link(state, uplink, up, true, now);
	run();
}

static inline void lacp_is(uint32_t uplink, bool distributing)
{
	teaming_set_negotiated(state, uplink, distributing, distributing, now);
	run();
}

static inline bool is_usable(uint32_t uplink)
{
	return teaming_flags(state, uplink) & UL_UP_SEND;
}

static inline uint32_t usable(uint32_t n)
{
	uint32_t uplinks = 0;

	for (uint32_t i = 0; i < n; i++)
		uplinks |= (uint32_t)is_usable(i) << i;
	return uplinks;
}

static inline void apply_groups(size_t n)
{
	cr_assert_eq(teaming_assign(state, groups, n, slots), 0);
	teaming_prune(state, slots, n);
	run();
}

/* A new switch: n uplinks without an interface, one group over all of them. */
static inline void start(enum ul_channel channel, uint32_t n)
{
	uint8_t to[UL_MAX_UPLINKS];

	memset(to, UL_NO_UPLINK, sizeof(to));
	now = T0;
	state = teaming_new();
	cr_assert_not_null(state);
	teaming_configure(state, channel, DELAY, now);
	teaming_renumber(state, to, n);
	groups[0].teaming = teaming_over((1u << n) - 1);
	apply_groups(1);
}

/* The same, all links up. */
static inline void start_up(enum ul_channel channel, uint32_t n)
{
	start(channel, n);
	for (uint32_t i = 0; i < n; i++)
		link_is(i, true);
}

static inline void stop(void)
{
	teaming_free(state);
}

static inline void expect_event(uint32_t uplink, enum ul_voter from, enum ul_voter to)
{
	cr_assert_eq(changes.n_events, 1, "%u events", changes.n_events);
	cr_expect_eq(changes.events[0].uplink, uplink);
	cr_expect_eq(changes.events[0].from, from, "%s",
		     teaming_voter_text(changes.events[0].from));
	cr_expect_eq(changes.events[0].to, to, "%s", teaming_voter_text(changes.events[0].to));
}

#endif
