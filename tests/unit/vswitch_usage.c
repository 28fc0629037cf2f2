// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>
#include <sys/resource.h>
#include <sys/stat.h>

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

/* "Not an uplink yet" would refuse the start of a switch that runs, with the wrong reason. */
Test(vswitch_usage, an_uplink_that_cannot_be_found_now_is_not_a_new_one)
{
	char root[] = "/tmp/uplinkd-usage-XXXXXX", path[96], command[64];
	static const char *const names[] = { "/uplinkd", "/uplinkd/vs", "/uplinkd/vs/ul_meta" };
	struct rlimit limit;
	int r;

	cr_assert(mkdtemp(root));
	cr_expect_eq(preflight_is_uplink(root, 7), 0, "nothing is pinned");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", root, names[i]);
		cr_assert_eq(mkdir(path, 0700), 0);
	}
	r = preflight_is_uplink(root, 7);
	cr_expect(r < 0 && r != -ENOENT, "a file of another kind is pinned: %d", r);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, limit.rlim_max }), 0);
	r = preflight_is_uplink(root, 7);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(r, -EMFILE, "%d", r);
	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_expect_eq(system(command), 0);
}
