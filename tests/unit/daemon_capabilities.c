// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>
#include <linux/capability.h>

#include "daemon/state.h"

#define BIT(capability) (1ULL << (capability))
#define ALL (BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW))

/* clang-format off */
static const struct {
	const char *what;
	uint64_t effective;
	const char *missing[4];
} cases[] = {
	{ "those of the unit", ALL, {} },
	{ "root", ~0ULL, {} },
	{ "no others", ALL & ~BIT(CAP_NET_RAW), { "CAP_NET_RAW" } },
	{ "without BPF", ALL & ~BIT(CAP_BPF), { "CAP_BPF" } },
	{ "a container with SYS_ADMIN", BIT(CAP_SYS_ADMIN) | BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW), {} },
	{ "SYS_ADMIN alone", BIT(CAP_SYS_ADMIN), { "CAP_NET_ADMIN", "CAP_NET_RAW" } },
	{ "nothing", 0, { "CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_NET_RAW" } },
};
/* clang-format on */

Test(daemon_capabilities, each_missing_one_is_named)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct errors errors = {};
		size_t n = 0;
		int r = capabilities_check(cases[i].effective, &errors);

		while (n < ARRAY_SIZE(cases[i].missing) && cases[i].missing[n])
			n++;
		cr_expect_eq(r, n ? -EPERM : 0, "%s: %d", cases[i].what, r);
		cr_assert_eq(errors.n, n, "%s: %zu messages", cases[i].what, errors.n);
		for (size_t m = 0; m < n; m++) {
			cr_expect(strstr(errors.messages[m], cases[i].missing[m]), "%s: %s",
				  cases[i].what, errors.messages[m]);
			cr_expect(strstr(errors.messages[m], "AmbientCapabilities="));
		}
		errors_done(&errors);
	}
}
