// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Addresses and routes of one interface, as they are looked for. */
#include <linux/rtnetlink.h>

#include "link_testing.h"

static struct route route_of(const char *to, const char *via)
{
	struct route route = { .has_via = via };

	cr_assert_eq(address_from_text(to, &route.to), 0);
	if (via)
		cr_assert_eq(address_from_text(via, &route.via), 0);
	return route;
}

static bool has_route(struct link_monitor *m, uint32_t ifindex, const struct route *route)
{
	bool has = false;

	cr_assert_eq(link_has_route(m, ifindex, route, &has), 0);
	return has;
}

static uint32_t start(struct record *t)
{
	struct address address;
	uint32_t ifindex;

	cr_assert_eq(link_create_veth(t->monitor, "va", "vb", NULL), 0);
	ifindex = info_of(t->monitor, "va")->ifindex;
	cr_assert_eq(address_from_text("192.0.2.10/24", &address), 0);
	cr_assert_eq(link_add_address(t->monitor, ifindex, &address, 0), 0);
	cr_assert_eq(link_set_up(t->monitor, ifindex, true), 0);
	return ifindex;
}

Test(link_routes, added_and_found, .timeout = 300)
{
	struct record *t = record_new();
	struct link_monitor *m = t->monitor;
	uint32_t ifindex = start(t), other = info_of(m, "vb")->ifindex;
	struct route by_default = route_of("0.0.0.0/0", "192.0.2.1"),
		     link = route_of("198.51.100.0/24", NULL),
		     table = route_of("203.0.113.0/24", "192.0.2.2"),
		     wrong = route_of("0.0.0.0/0", "192.0.2.3");

	by_default.metric = 70;
	by_default.mtu = 1400;
	by_default.advmss = 1300;
	table.table = 1000;
	cr_assert(!has_route(m, ifindex, &by_default));
	cr_assert(!has_route(m, ifindex, &table), "in a table that does not exist");
	for (int i = 0; i < 2; i++) {
		const int expected = i ? -EEXIST : 0;

		cr_assert_eq(link_add_route(m, ifindex, RTPROT_STATIC, &by_default), expected);
		cr_assert_eq(link_add_route(m, ifindex, RTPROT_STATIC, &link), expected);
		cr_assert_eq(link_add_route(m, ifindex, RTPROT_STATIC, &table), expected);
	}
	cr_assert(has_route(m, ifindex, &by_default));
	cr_assert(has_route(m, ifindex, &link));
	cr_assert(has_route(m, ifindex, &table));
	cr_assert(!has_route(m, other, &by_default), "of another interface");
	cr_assert(!has_route(m, ifindex, &wrong), "by another gateway");
	table.table = 0;
	cr_assert(!has_route(m, ifindex, &table), "in another table");
	link.to.prefix_length = 25;
	cr_assert(!has_route(m, ifindex, &link), "to another network");
	record_free(t);
}

Test(link_routes, own_ones_are_removed, .timeout = 300)
{
	struct record *t = record_new();
	struct link_monitor *m = t->monitor;
	uint32_t ifindex = start(t);
	struct route by_default = route_of("0.0.0.0/0", "192.0.2.1"),
		     table = route_of("203.0.113.0/24", "192.0.2.2");

	table.table = 1001;
	by_default.metric = 70;
	cr_assert_eq(link_add_route(m, ifindex, RTPROT_STATIC, &by_default), 0);
	cr_assert_eq(link_add_own_route(m, ifindex, &by_default), 0, "exists");
	cr_assert_eq(link_add_route(m, ifindex, LINK_ROUTE_PROTOCOL, &table), 0);
	by_default.metric = 0;
	cr_assert(has_route(m, ifindex, &by_default), "of any metric");
	cr_assert_eq(link_add_own_route(m, ifindex, &by_default), 0);
	cr_assert_eq(link_remove_own_routes(m, ifindex, NULL, 0), 0);
	cr_assert(has_route(m, ifindex, &by_default), "of another protocol");
	cr_assert(has_route(m, ifindex, &table), "of another table");
	record_free(t);
}

Test(link_routes, refused, .timeout = 300)
{
	struct record *t = record_new();
	uint32_t ifindex = start(t);
	struct route route = route_of("0.0.0.0/0", "203.0.113.1");

	cr_assert_eq(link_add_route(t->monitor, ifindex, RTPROT_STATIC, &route), -ENETUNREACH);
	route.via.family = AF_INET6;
	cr_assert_eq(link_add_route(t->monitor, ifindex, RTPROT_STATIC, &route), -EINVAL,
		     "two families");
	route = route_of("192.0.2.0/24", NULL);
	route.to.prefix_length = 33;
	cr_assert_eq(link_add_route(t->monitor, ifindex, RTPROT_STATIC, &route), -EINVAL);
	route.to.prefix_length = 24;
	cr_assert_eq(link_add_route(t->monitor, 12345, RTPROT_STATIC, &route), -ENODEV);
	record_free(t);
}

static bool has_address(struct link_monitor *m, const char *name, const struct address *address)
{
	uint64_t missing = 0;

	cr_assert_eq(
		link_find_missing_addresses(m, info_of(m, name)->ifindex, address, 1, &missing), 0);
	return !missing;
}

Test(link_routes, address_with_its_length, .timeout = 300)
{
	struct record *t = record_new();
	struct address address;

	start(t);
	cr_assert_eq(address_from_text("192.0.2.10/24", &address), 0);
	cr_assert(has_address(t->monitor, "va", &address));
	cr_assert(!has_address(t->monitor, "vb", &address));
	address.prefix_length = 25;
	cr_assert(!has_address(t->monitor, "va", &address));
	record_free(t);
}
