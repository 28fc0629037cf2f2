// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "vswitch/internal.h"

static const char *describe(struct link_usage usage)
{
	static char text[USAGE_TEXT_LEN];

	return usage_describe(&usage, text, sizeof(text));
}

Test(vswitch_usage, texts)
{
	cr_expect_str_eq(describe((struct link_usage){ 0 }), "");
	cr_expect_str_eq(
		describe((struct link_usage){ .n_addresses = 1, .address = "192.0.2.1/24" }),
		"1 address (192.0.2.1/24)");
	cr_expect_str_eq(describe((struct link_usage){ .n_addresses = 3,
						       .address = "192.0.2.1/24",
						       .n_routes = 1,
						       .route = "default",
						       .n_uppers = 2,
						       .upper = "vlan eth0.7",
						       .n_vfs = 1 }),
			 "3 addresses (192.0.2.1/24, ...), 1 route (default), "
			 "2 interfaces on top (vlan eth0.7, ...), "
			 "1 SR-IOV virtual function with a driver");
	cr_expect_str_eq(describe((struct link_usage){ .n_vfs = 4 }),
			 "4 SR-IOV virtual functions with a driver");
}

Test(vswitch_usage, the_longest_text_fits)
{
	struct link_usage usage = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, "", "", "" };

	memset(usage.address, 'a', sizeof(usage.address) - 1);
	memset(usage.route, 'r', sizeof(usage.route) - 1);
	memset(usage.upper, 'u', sizeof(usage.upper) - 1);
	cr_expect(strstr(describe(usage), "with a driver"), "%s", describe(usage));
}
