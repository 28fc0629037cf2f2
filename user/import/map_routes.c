// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Routes and name servers of an interface to the keys of its host port. What the rules of the
 * configuration would refuse stays unmapped. */
#include "common/util.h"
#include "config/value.h"
#include "import/plan.h"

#define DEFAULT_METRIC_IPV6 1024

static int parse_destination(const char *text, const struct address *via, struct address *ret)
{
	char with_length[80];

	if (strcmp(text, "default") == 0) {
		*ret = (struct address){ .family = via->family ? via->family : AF_INET };
		return 0;
	}
	if (strchr(text, '/'))
		return address_parse_network(text, ret);
	snprintf(with_length, sizeof(with_length), "%s/%d", text, strchr(text, ':') ? 128 : 32);
	return address_parse_network(with_length, ret);
}

static int parse(const struct net_route *route, struct route *ret)
{
	struct route parsed = { .metric = route->metric, .has_via = route->via[0] };
	int r = parsed.has_via ? address_parse_host(route->via, &parsed.via) : 0;

	if (r == 0 && route->is_dns)
		r = address_parse_host(route->to, &parsed.to);
	else if (r == 0)
		r = parse_destination(route->to, &parsed.via, &parsed.to);
	/* as the kernel shows a route that was added without a metric */
	if (parsed.to.family == AF_INET6 && parsed.metric == DEFAULT_METRIC_IPV6)
		parsed.metric = 0;
	if (r == 0)
		*ret = parsed;
	return r;
}

static bool is_reachable(const struct net_interface *origin, const struct route *route)
{
	struct port_cfg port = { .addresses = origin->addresses,
				 .n_addresses = origin->n_addresses };

	if (!route->has_via)
		return true;
	if (route->via.family != route->to.family)
		return false;
	return port_reaches(&port, &route->via) || (route->via.family == AF_INET && origin->dhcp);
}

static enum net_route_kind kind_of(const struct net_interface *origin,
				   const struct net_route *route, const struct route *parsed)
{
	if (route->is_dns)
		return ROUTE_DNS;
	if (!is_reachable(origin, parsed))
		return ROUTE_UNMAPPED;
	if (parsed->to.prefix_length)
		return ROUTE_STATIC;
	if (origin->dhcp && parsed->to.family == AF_INET)
		return ROUTE_IMPLIED;
	return parsed->metric || !parsed->has_via ? ROUTE_STATIC : ROUTE_GATEWAY;
}

static bool same_key(enum net_route_kind kind, const struct route *a, const struct route *b)
{
	return a->to.family == b->to.family && a->to.prefix_length == b->to.prefix_length &&
	       memcmp(a->to.bytes, b->to.bytes, sizeof(a->to.bytes)) == 0 &&
	       (kind == ROUTE_DNS || a->metric == b->metric);
}

/* The route that key gateway makes; key routes may not have another. */
static bool is_gateways(const struct network *network, const struct net_interface *origin,
			const struct net_route *route, const struct route *parsed)
{
	if (parsed->to.prefix_length || parsed->metric)
		return false;
	for (size_t i = 0; i < network->n_routes; i++) {
		const struct net_route *other = &network->routes[i];
		struct route gateway;

		if (other != route && strcmp(other->interface, route->interface) == 0 &&
		    parse(other, &gateway) == 0 &&
		    kind_of(origin, other, &gateway) == ROUTE_GATEWAY &&
		    gateway.to.family == parsed->to.family)
			return true;
	}
	return false;
}

enum net_route_kind route_kind(const struct network *network, const struct net_interface *origin,
			       const struct net_route *route, struct route *ret_parsed)
{
	enum net_route_kind kind;
	size_t n = 0;

	if (parse(route, ret_parsed) < 0)
		return ROUTE_UNMAPPED;
	kind = kind_of(origin, route, ret_parsed);
	if (kind == ROUTE_STATIC && is_gateways(network, origin, route, ret_parsed))
		return ROUTE_UNMAPPED;
	/* The earlier ones of its kind: a key has each destination once, and a number of entries.
	 */
	for (const struct net_route *other = network->routes; other < route; other++) {
		struct route parsed;

		if (strcmp(other->interface, route->interface) != 0 || parse(other, &parsed) < 0 ||
		    other->is_dns != route->is_dns || kind_of(origin, other, &parsed) != kind)
			continue;
		n++;
		if (same_key(kind, &parsed, ret_parsed))
			return ROUTE_UNMAPPED;
	}
	if ((kind == ROUTE_DNS && n >= CONFIG_MAX_DNS) ||
	    (kind == ROUTE_STATIC && n >= CONFIG_MAX_ROUTES))
		return ROUTE_UNMAPPED;
	return kind;
}
