/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Teaming settings for the tests of user/teaming/. */
#ifndef TESTS_UNIT_TEAMING_TESTING_H
#define TESTS_UNIT_TEAMING_TESTING_H

#include <criterion/criterion.h>

#include "teaming/policy.h"

/* Uplinks 0 .. n_active - 1 are active, the next n_standby standby. */
static inline struct teaming teaming_of(enum ul_method method, uint32_t n_active,
					uint32_t n_standby)
{
	struct teaming t = {
		.method = method, .failback = true, .n_active = n_active, .n_standby = n_standby
	};

	for (uint32_t i = 0; i < n_active; i++)
		t.active[i] = (uint8_t)i;
	for (uint32_t i = 0; i < n_standby; i++)
		t.standby[i] = (uint8_t)(n_active + i);
	return t;
}

/* port-id over the uplinks of a mask, in order. */
static inline struct teaming teaming_over(uint32_t uplinks)
{
	struct teaming t = { .method = UL_M_PORT_ID, .failback = true };

	for (uint8_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (uplinks >> i & 1)
			t.active[t.n_active++] = i;
	return t;
}

static inline uint32_t count_buckets(const struct ul_policy *policy, uint8_t uplink)
{
	uint32_t n = 0;

	for (uint32_t b = 0; b < policy->n_buckets; b++)
		n += policy->bucket[b] == uplink;
	return n;
}

/* The uplinks that serve buckets. */
static inline uint32_t serving(const struct ul_policy *policy)
{
	uint32_t uplinks = 0;

	for (uint32_t b = 0; b < policy->n_buckets; b++)
		if (policy->bucket[b] != UL_NO_UPLINK)
			uplinks |= 1u << policy->bucket[b];
	return uplinks;
}

#endif
