// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/identity.h"

#include <criterion/criterion.h>

#include "common/util.h"
#include "config/value.h"

static const struct identity id = { "net1", "c1", "eth0" };

/* A name that changes from one version to the next would make DEL miss what ADD made. */
Test(integration_net_identity, names_are_fixed)
{
	char name[UL_NAME_LEN], alias[LINK_ALIAS_LEN], text[MAC_TEXT_LEN];
	uint8_t mac[6];

	identity_host_end(&id, name);
	cr_expect_str_eq(name, "uljnqca9py8vcsd");
	cr_expect(interface_name_valid(name));
	identity_mac(&id, mac);
	cr_expect_str_eq(mac_format(mac, text), "12:2d:71:c0:f2:e2");
	cr_expect(mac_is_unicast(mac) && mac[0] & 2);
	identity_alias(&id, alias);
	cr_expect_str_eq(alias, "uplinkd-net net1 c1 eth0");
}

Test(integration_net_identity, every_part_makes_a_difference)
{
	static const struct identity others[] = {
		{ "net2", "c1", "eth0" }, { "net1", "c2", "eth0" }, { "net1", "c1", "eth1" },
		{ "net1", "c1e", "th0" }, { "net1c", "1", "eth0" },
	};
	char name[UL_NAME_LEN], other[UL_NAME_LEN];
	uint8_t mac[6], other_mac[6];

	identity_host_end(&id, name);
	identity_mac(&id, mac);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		identity_host_end(&others[i], other);
		identity_mac(&others[i], other_mac);
		cr_expect_str_neq(name, other);
		cr_expect_arr_neq(mac, other_mac, 6);
		cr_expect_eq(identity_is_host_end_of(other, "net1"),
			     strcmp(others[i].network, "net1") == 0);
	}
}

Test(integration_net_identity, names_of_many_containers_differ)
{
	enum { N = 20000 };
	char(*names)[UL_NAME_LEN] = calloc(N, sizeof(*names));

	cr_assert(names);
	for (int i = 0; i < N; i++) {
		char container[16];
		const struct identity one = { "net1", container, "eth0" };

		snprintf(container, sizeof(container), "c%d", i);
		identity_host_end(&one, names[i]);
		cr_assert(identity_is_host_end_of(names[i], "net1"));
	}
	qsort(names, N, sizeof(*names), (int (*)(const void *, const void *))strcmp);
	for (int i = 1; i < N; i++)
		cr_assert_str_neq(names[i - 1], names[i]);
	free(names);
}

Test(integration_net_identity, alias_of_a_network)
{
	cr_expect(identity_alias_is_of("uplinkd-net net1 c1 eth0", "net1"));
	cr_expect(!identity_alias_is_of("uplinkd-net net10 c1 eth0", "net1"));
	cr_expect(!identity_alias_is_of("uplinkd-net net1", "net10"));
	cr_expect(!identity_alias_is_of("my cable", "net1"));
	cr_expect(!identity_alias_is_of("", "net1"));
	cr_expect(!identity_is_host_end_of("ul0", "net1"));
	cr_expect(!identity_is_host_end_of("", "net1"));
}

Test(integration_net_identity, the_longest_names_fit_the_alias)
{
	char network[IDENTITY_MAX_NETWORK + 2], container[IDENTITY_MAX_CONTAINER + 2],
		alias[LINK_ALIAS_LEN];
	struct identity longest = { network, container, "a23456789012345" };
	struct failure failure = {};

	memset(network, 'n', sizeof(network));
	memset(container, 'c', sizeof(container));
	network[IDENTITY_MAX_NETWORK] = container[IDENTITY_MAX_CONTAINER] = '\0';
	cr_assert_eq(identity_check(&longest, &failure), 0);
	identity_alias(&longest, alias);
	cr_assert_eq(strlen(alias),
		     strlen("uplinkd-net   ") + IDENTITY_MAX_NETWORK + IDENTITY_MAX_CONTAINER + 15);
	network[IDENTITY_MAX_NETWORK] = 'n';
	network[IDENTITY_MAX_NETWORK + 1] = '\0';
	cr_assert_lt(identity_check(&longest, &failure), 0);
	cr_assert_eq(failure.code, FAILURE_CONFIG);
	network[1] = '\0';
	container[IDENTITY_MAX_CONTAINER] = 'c';
	container[IDENTITY_MAX_CONTAINER + 1] = '\0';
	failure = (struct failure){};
	cr_assert_lt(identity_check(&longest, &failure), 0);
	cr_assert_eq(failure.code, FAILURE_ENVIRONMENT);
}

Test(integration_net_failure, first_reason_and_details)
{
	struct failure failure = {};
	char long_text[4096];

	cr_expect_eq(failure_set(&failure, 7, 0, "key: %s", "bad\n\xff"), -EINVAL);
	cr_expect_eq(failure_set(&failure, 100, -ENODEV, "second"), -ENODEV);
	failure_set(&failure, 100, 0, "third");
	cr_expect_eq(failure.code, 7u);
	cr_expect_str_eq(failure.message, "key: bad??");
	cr_expect_str_eq(failure.details, "second: No such device; third");
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	for (int i = 0; i < 3; i++)
		failure_set(&failure, 100, -EIO, "%s", long_text);
	cr_expect_eq(strlen(failure.details), sizeof(failure.details) - 1);
}
