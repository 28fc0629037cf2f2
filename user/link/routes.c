// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Routes by an interface. The protocol number marks those of uplinkd, so that they are found after
 * a restart with another configuration, and routes of other software stay untouched.
 */
#include <linux/rtnetlink.h>

#include "common/util.h"
#include "link/internal.h"

#define REQUEST_BYTES 256
/* What an IPv6 route gets that is added without a metric. */
#define DEFAULT_METRIC_IPV6 1024

struct found_routes {
	uint32_t ifindex, table;
	uint8_t protocol; /* RTPROT_UNSPEC: of all */
	struct route *routes;
	size_t n;
};

/* ---- comparison ---- */
static uint32_t table_of(const struct route *route)
{
	return route->table ? route->table : (uint32_t)RT_TABLE_MAIN;
}

static uint32_t effective_metric(const struct route *route)
{
	return route->metric || route->to.family == AF_INET ? route->metric : DEFAULT_METRIC_IPV6;
}

/* Destination and gateway; the tables are the same. */
static bool same_path(const struct route *a, const struct route *b)
{
	return a->to.prefix_length == b->to.prefix_length &&
	       address_same_prefix(&a->to, &b->to, a->to.prefix_length) &&
	       a->has_via == b->has_via &&
	       (!a->has_via || (a->via.family == b->via.family &&
				memcmp(a->via.bytes, b->via.bytes, address_length(&a->via)) == 0));
}

static bool same_route(const struct route *a, const struct route *b)
{
	return same_path(a, b) && effective_metric(a) == effective_metric(b);
}

static bool is_among(const struct route *route, const struct route *list, size_t n,
		     bool (*same)(const struct route *a, const struct route *b))
{
	for (size_t i = 0; i < n; i++)
		if (same(route, &list[i]))
			return true;
	return false;
}

/* ---- requests ---- */
static void put_metrics(struct nlmsghdr *request, const struct route *route)
{
	struct nlattr *metrics;

	if (!route->mtu && !route->advmss)
		return;
	metrics = mnl_attr_nest_start(request, RTA_METRICS);
	if (route->mtu)
		mnl_attr_put_u32(request, RTAX_MTU, route->mtu);
	if (route->advmss)
		mnl_attr_put_u32(request, RTAX_ADVMSS, route->advmss);
	mnl_attr_nest_end(request, metrics);
}

static struct nlmsghdr *route_request(void *buffer, uint16_t type, uint16_t flags, uint32_t ifindex,
				      uint8_t protocol, const struct route *route)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));

	request->nlmsg_type = type;
	request->nlmsg_flags = flags;
	rtm->rtm_family = (uint8_t)route->to.family;
	rtm->rtm_dst_len = route->to.prefix_length;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = protocol;
	rtm->rtm_type = RTN_UNICAST;
	if (route->has_scope)
		rtm->rtm_scope = route->scope;
	else if (!route->has_via && route->to.family == AF_INET)
		rtm->rtm_scope = RT_SCOPE_LINK;
	if (route->to.prefix_length)
		mnl_attr_put(request, RTA_DST, address_length(&route->to), route->to.bytes);
	if (route->has_via)
		mnl_attr_put(request, RTA_GATEWAY, address_length(&route->via), route->via.bytes);
	mnl_attr_put_u32(request, RTA_OIF, ifindex);
	if (route->metric)
		mnl_attr_put_u32(request, RTA_PRIORITY, route->metric);
	if (route->table)
		mnl_attr_put_u32(request, RTA_TABLE, route->table);
	put_metrics(request, route);
	return request;
}

/* ---- existing routes ---- */
static void take_attribute(const struct nlattr *attr, struct route *route, uint32_t *ret_ifindex)
{
	uint16_t type = mnl_attr_get_type(attr), length = mnl_attr_get_payload_len(attr);

	if (type == RTA_OIF && length == sizeof(uint32_t))
		*ret_ifindex = mnl_attr_get_u32(attr);
	else if (type == RTA_PRIORITY && length == sizeof(uint32_t))
		route->metric = mnl_attr_get_u32(attr);
	else if (type == RTA_TABLE && length == sizeof(uint32_t))
		route->table = mnl_attr_get_u32(attr);
	else if (type == RTA_DST && length == address_length(&route->to))
		memcpy(route->to.bytes, mnl_attr_get_payload(attr), length);
	else if (type == RTA_GATEWAY && length == address_length(&route->via)) {
		memcpy(route->via.bytes, mnl_attr_get_payload(attr), length);
		route->has_via = true;
	}
}

/* Collects the routes of the interface; malformed messages are skipped. */
static int on_route(const struct nlmsghdr *message, void *userdata)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	struct found_routes *found = userdata;
	struct route route = { 0 }, *routes;
	const struct nlattr *attr;
	uint32_t ifindex = 0;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*rtm) ||
	    (found->protocol && rtm->rtm_protocol != found->protocol) ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6))
		return 0;
	route.to.family = route.via.family = rtm->rtm_family;
	route.to.prefix_length = rtm->rtm_dst_len;
	route.table = rtm->rtm_table;
	mnl_attr_for_each(attr, message, sizeof(*rtm)) take_attribute(attr, &route, &ifindex);
	if (ifindex != found->ifindex || route.table != found->table)
		return 0;
	routes = reallocarray(found->routes, found->n + 1, sizeof(*routes));
	if (!routes)
		return -ENOMEM;
	found->routes = routes;
	routes[found->n++] = route;
	return 0;
}

static int dump_family(struct link_monitor *monitor, uint8_t family, struct found_routes *found)
{
	uint8_t buffer[REQUEST_BYTES];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));
	int r;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_DUMP;
	rtm->rtm_family = family;
	rtm->rtm_protocol = found->protocol;
	mnl_attr_put_u32(request, RTA_TABLE, found->table);
	mnl_attr_put_u32(request, RTA_OIF, found->ifindex);
	r = netlink_query(&monitor->dump, request, on_route, found);
	/* a kernel without IPv6; a table without routes */
	return r == -EOPNOTSUPP || r == -EAFNOSUPPORT || r == -ENOENT ? 0 : r;
}

static int find_routes(struct link_monitor *monitor, struct found_routes *found)
{
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		found->n = 0;
		r = dump_family(monitor, AF_INET, found);
		if (r == 0)
			r = dump_family(monitor, AF_INET6, found);
	}
	return r;
}

/* ---- interface ---- */
int link_find_missing_routes(struct link_monitor *monitor, uint32_t ifindex,
			     const struct route *wanted, size_t n, uint64_t *ret_missing)
{
	struct found_routes found = { .ifindex = ifindex, .table = RT_TABLE_MAIN };
	uint64_t missing = 0;
	int r = find_routes(monitor, &found);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!is_among(&wanted[i], found.routes, found.n, same_route))
			missing |= 1ULL << i;
	free(found.routes);
	if (r == 0)
		*ret_missing = missing;
	return r;
}

int link_has_route(struct link_monitor *monitor, uint32_t ifindex, const struct route *route,
		   bool *ret_has)
{
	struct found_routes found = { .ifindex = ifindex, .table = table_of(route) };
	int r = find_routes(monitor, &found);

	if (r == 0)
		*ret_has = is_among(route, found.routes, found.n, same_path);
	free(found.routes);
	return r;
}

int link_add_route(struct link_monitor *monitor, uint32_t ifindex, uint8_t protocol,
		   const struct route *route)
{
	uint8_t buffer[REQUEST_BYTES];

	if ((route->to.family != AF_INET && route->to.family != AF_INET6) ||
	    route->to.prefix_length > 8 * address_length(&route->to) ||
	    (route->has_via && route->via.family != route->to.family))
		return -EINVAL;
	return netlink_query(&monitor->query,
			     route_request(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, ifindex,
					   protocol, route),
			     NULL, NULL);
}

int link_add_own_route(struct link_monitor *monitor, uint32_t ifindex, const struct route *route)
{
	int r = link_add_route(monitor, ifindex, LINK_ROUTE_PROTOCOL, route);
	uint64_t missing;

	if (r != -EEXIST)
		return r;
	r = link_find_missing_routes(monitor, ifindex, route, 1, &missing);
	return r < 0 ? r : missing ? -EEXIST : 0;
}

int link_remove_own_routes(struct link_monitor *monitor, uint32_t ifindex, const struct route *keep,
			   size_t n_keep)
{
	struct found_routes found = { .ifindex = ifindex,
				      .table = RT_TABLE_MAIN,
				      .protocol = LINK_ROUTE_PROTOCOL };
	int r = find_routes(monitor, &found);

	if (r == -ENODEV)
		r = 0;
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		uint8_t buffer[REQUEST_BYTES];

		if (is_among(&found.routes[i], keep, n_keep, same_route))
			continue;
		r = netlink_query(&monitor->query,
				  route_request(buffer, RTM_DELROUTE, 0, ifindex,
						LINK_ROUTE_PROTOCOL, &found.routes[i]),
				  NULL, NULL);
		if (r == -ESRCH) /* removed by another program, or with its address */
			r = 0;
	}
	free(found.routes);
	return r;
}
