// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The two state tables of headers/abi.h. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "dataplane/ownership.h"

#define HZ 250

Test(dataplane_ownership, states_of_an_own_address)
{
	static const struct {
		uint32_t life, seen, flags;
		enum address_state state;
	} table[] = {
		{ 0, 0, 0, ADDRESS_CONFIRMED },
		{ 7, 7, 0, ADDRESS_CONFIRMED },
		{ 7, 7, UL_PORT_ABSENT, ADDRESS_CONFIRMED }, /* a frame overtook the link event */
		{ 7, 6, 0, ADDRESS_TENTATIVE },
		{ 7, 6, UL_PORT_ABSENT, ADDRESS_ABSENT },
		{ 0, UINT32_MAX, 0, ADDRESS_TENTATIVE }, /* life wrapped */
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct ul_port port = { .life = table[i].life,
					.seen = table[i].seen,
					.flags = table[i].flags };

		cr_expect_eq(own_address_state(&port), table[i].state, "row %zu", i);
	}
}

Test(dataplane_ownership, states_of_a_learned_address)
{
	static const struct {
		uint64_t here, outside;
		uint32_t flags;
		enum address_state state;
	} table[] = {
		{ 1000, 0, 0, ADDRESS_HERE },
		{ 1000, 0, UL_PORT_ABSENT, ADDRESS_ABSENT },
		{ 1000, 1001, UL_PORT_ABSENT, ADDRESS_ABSENT },
		{ 1000, 1001, 0, ADDRESS_ELSEWHERE },
		{ 1000, 1000, 0, ADDRESS_ELSEWHERE },
		{ 9999, 10000 - UL_CONTEST_S * HZ + 1, 0, ADDRESS_CONTESTED },
		{ 9999, 10000 - UL_CONTEST_S * HZ, 0, ADDRESS_HERE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct ul_port port = { .flags = table[i].flags };

		cr_expect_eq(learned_address_state(&port, table[i].here, table[i].outside, 10000,
						   HZ),
			     table[i].state, "row %zu", i);
	}
}
