// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* IP settings of host ports: what can be judged without the system. A router must be on the link of
 * a static address, because the kernel would refuse the route. */
#include "common/util.h"
#include "config/reader.h"
#include "config/value.h"

typedef int (*parse_fn)(const char *text, struct address *ret);

#define HOST_RULE "must be a host address such as 192.0.2.1 or 2001:db8::1"

static bool has_address(const struct address *list, size_t n, const struct address *address)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].family == address->family &&
		    memcmp(list[i].bytes, address->bytes, sizeof(address->bytes)) == 0)
			return true;
	return false;
}

/* rule: for the message about an item that parse() refuses. Returns the number of stored items. */
static size_t read_list(struct reader *reader, const char *key, const struct tree_node *list,
			parse_fn parse, const char *rule, struct address *ret)
{
	size_t n = 0;

	for (size_t i = 0; ret && i < list_length(list); i++) {
		const struct tree_node *item = list_item(reader, list, i);
		const char *text = item ? tree_text(item) : NULL;
		struct address address;

		if (!item)
			break;
		if (!text || parse(text, &address) < 0)
			item_mistake(reader, key, i, item, "%s", rule);
		else if (has_address(ret, n, &address))
			item_mistake(reader, key, i, item, "is given twice: must be given once");
		else
			ret[n++] = address;
	}
	return n;
}

static void read_addresses(struct reader *reader, struct section *section, struct port_cfg *port)
{
	const struct tree_node *list = section_list(reader, section, "address");

	if (!list)
		return;
	port->addresses = reader_calloc(reader, list_length(list), sizeof(*port->addresses));
	port->n_addresses = read_list(
		reader, "address", list, address_parse,
		"must be a host address with prefix length such as 192.0.2.10/24 or 2001:db8::10/64",
		port->addresses);
}

static void read_dns(struct reader *reader, struct section *section, struct port_cfg *port)
{
	const struct tree_node *list = section_list(reader, section, "dns");

	if (!list)
		return;
	port->dns = reader_calloc(reader, list_length(list), sizeof(*port->dns));
	port->n_dns = read_list(reader, "dns", list, address_parse_host, HOST_RULE, port->dns);
}

/* ---- routers ---- */
static bool is_automatic(const struct port_cfg *port, int family)
{
	return family == AF_INET ? port->dhcp : port->ipv6_ra;
}

/* addresses_bad: the subnets are not known. */
static bool may_reach(const struct port_cfg *port, const struct address *via, bool addresses_bad)
{
	return addresses_bad || is_automatic(port, via->family) || port_reaches(port, via);
}

static void check_gateways(struct reader *reader, const struct port_cfg *port, bool addresses_bad)
{
	char text[ADDRESS_TEXT_LEN];

	for (size_t i = 0; i < port->n_gateways; i++) {
		const struct address *gateway = &port->gateways[i];
		const char *automatic = gateway->family == AF_INET ? "dhcp" : "ipv6-ra";

		address_to_text(gateway, false, text);
		if (!addresses_bad && is_automatic(port, gateway->family))
			mistakes_add(
				&reader->mistakes, "gateway",
				"%s: needs %s: false, because %s: true provides the gateway: remove one of them",
				text, automatic, automatic);
		else if (!may_reach(port, gateway, addresses_bad))
			mistakes_add(
				&reader->mistakes, "gateway",
				"%s: is in no network of the port: must be in that of an address",
				text);
		if (i && gateway->family == port->gateways[0].family)
			mistakes_add(
				&reader->mistakes, "gateway",
				"%s: is the second one of its family: must be one IPv4 and one IPv6 address",
				text);
	}
}

static void read_gateways(struct reader *reader, struct section *section, struct port_cfg *port)
{
	const struct tree_node *node = section_value(section, "gateway"), *list;
	const char *text =
		node && node->type == TREE_SCALAR && !tree_is_null(node) ? tree_text(node) : NULL;

	if (!text) {
		list = section_list(reader, section, "gateway");
		port->n_gateways = read_list(reader, "gateway", list, address_parse_host, HOST_RULE,
					     port->gateways);
		return;
	}
	if (address_parse_host(text, &port->gateways[0]) == 0)
		port->n_gateways = 1;
	else
		mistakes_add_at(&reader->mistakes, node->line, "gateway", "%s: " HOST_RULE, text);
}

/* ---- routes ---- */
static bool same_destination(const struct route *a, const struct route *b)
{
	return a->metric == b->metric && a->to.prefix_length == b->to.prefix_length &&
	       address_same_prefix(&a->to, &b->to, a->to.prefix_length);
}

static void check_route(struct reader *reader, const struct port_cfg *port,
			const struct route *route, bool addresses_bad)
{
	char text[ADDRESS_TEXT_LEN];

	if (route->has_via && route->via.family != route->to.family)
		mistakes_add(&reader->mistakes, "via",
			     "%s: must be of the family of the destination",
			     address_to_text(&route->via, false, text));
	else if (route->has_via && !may_reach(port, &route->via, addresses_bad))
		mistakes_add(&reader->mistakes, "via",
			     "%s: is in no network of the port: must be in that of an address",
			     address_to_text(&route->via, false, text));
	for (const struct route *other = port->routes; other < route; other++)
		if (same_destination(other, route))
			mistakes_add(
				&reader->mistakes, "to",
				"%s: has the same metric as routes[%zu]: must be another metric",
				address_to_text(&route->to, true, text),
				(size_t)(other - port->routes));
	for (size_t i = 0; i < port->n_gateways; i++)
		if (!route->to.prefix_length && !route->metric &&
		    route->to.family == port->gateways[i].family)
			mistakes_add(&reader->mistakes, "to",
				     "%s: is the gateway's route: must have a metric",
				     address_to_text(&route->to, true, text));
}

static void read_routes(struct reader *reader, struct section *section, struct port_cfg *port,
			bool addresses_bad)
{
	const struct tree_node *list = section_list(reader, section, "routes");

	if (!list)
		return;
	port->routes = reader_calloc(reader, list_length(list), sizeof(*port->routes));
	for (size_t i = 0; port->routes && i < list_length(list); i++) {
		const struct tree_node *node = list_item(reader, list, i);
		struct route *route = &port->routes[port->n_routes];
		struct mistakes_scope outside;
		struct section own;

		if (!node)
			return;
		outside = mistakes_enter(&reader->mistakes, "routes[%zu]", i);
		section_read(reader, node, SECTION_ROUTE, route, true, &own);
		if (own.bad == 0) {
			route->has_via = section_given(&own, "via");
			check_route(reader, port, route, addresses_bad);
			port->n_routes++;
		}
		mistakes_leave(&reader->mistakes, outside);
	}
}

void host_keys_read(struct reader *reader, struct section *section, struct port_cfg *port)
{
	size_t before = reader->mistakes.n;
	bool bad;

	read_addresses(reader, section, port);
	bad = reader->mistakes.n != before || section_bad(section, "host") || !port->host ||
	      section_bad(section, "dhcp") || section_bad(section, "ipv6-ra");
	read_gateways(reader, section, port);
	check_gateways(reader, port, bad);
	read_dns(reader, section, port);
	read_routes(reader, section, port, bad);
}
