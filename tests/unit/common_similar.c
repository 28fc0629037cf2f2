// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "common/similar.h"
#include "common/util.h"

Test(common_similar, distance)
{
	cr_expect_eq(text_distance("", ""), 0);
	cr_expect_eq(text_distance("abc", "abc"), 0);
	cr_expect_eq(text_distance("abc", "acb"), 1, "a swap is one mistake");
	cr_expect_eq(text_distance("abc", "abxc"), 1);
	cr_expect_eq(text_distance("abc", "bc"), 1);
	cr_expect_eq(text_distance("abc", "xyz"), 3);
	cr_expect_eq(text_distance("0123456789012345678901234567890x", "0"), TEXT_FAR);
}

Test(common_similar, the_nearest_name_within_the_limit)
{
	static const char *const names[] = { "uplinks", "port-groups", "mtu", "name" };

	cr_expect_str_eq(most_similar("uplink", names, ARRAY_SIZE(names)), "uplinks");
	cr_expect_str_eq(most_similar("port-gruops", names, ARRAY_SIZE(names)), "port-groups");
	cr_expect_str_eq(most_similar("nmae", names, ARRAY_SIZE(names)), "name");
	cr_expect_null(most_similar("vlan", names, ARRAY_SIZE(names)));
	cr_expect_null(most_similar("uplinks", names, 0));
}
