// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/cni_result.h"

#include <limits.h>

#include "common/util.h"
#include "integration/net/json_input.h"

const char *const cni_version_names[CNI_N_VERSIONS] = {
	[CNI_0_3_1] = "0.3.1",
	[CNI_0_4_0] = "0.4.0",
	[CNI_1_0_0] = "1.0.0",
	[CNI_1_1_0] = "1.1.0",
};

int cni_version_find(const char *name)
{
	for (int i = 0; i < CNI_N_VERSIONS; i++)
		if (strcmp(name, cni_version_names[i]) == 0)
			return i;
	return -1;
}

/* ---- reading ---- */
/* An address with or without prefix length; missing or "": *ret_has is false. */
static int read_address(const json_t *object, const char *path, const char *key, bool with_length,
			struct address *ret, bool *ret_has, struct failure *failure)
{
	const char *text = NULL;
	int r = json_input_string(object, path, key, &text, failure);

	*ret_has = text && *text;
	if (r < 0 || !*ret_has)
		return r;
	if (!strchr(text, '/') == with_length || address_from_text(text, ret) < 0)
		return failure_set(failure, FAILURE_CONFIG, 0, "%s%s: %.64s: must be such as %s",
				   path, key, text,
				   with_length ? "192.0.2.10/24 or 2001:db8::1/64" :
						 "192.0.2.1 or 2001:db8::1");
	return 0;
}

static int read_ip(json_t *object, size_t i, int interface, struct setup *setup,
		   struct failure *failure)
{
	struct setup_address *ip = &setup->addresses[setup->n_addresses];
	json_t *index = json_object_get(object, "interface");
	char path[32];
	bool has;
	int r;

	snprintf(path, sizeof(path), "ips[%zu].", i);
	if (!json_is_object(object))
		return failure_set(failure, FAILURE_CONFIG, 0, "%s must be an object", path);
	if (interface >= 0 && json_is_integer(index) && json_integer_value(index) != interface)
		return 0;
	if (setup->n_addresses == SETUP_MAX_ADDRESSES)
		return failure_set(failure, FAILURE_CONFIG, 0, "ips: more than %d",
				   SETUP_MAX_ADDRESSES);
	*ip = (struct setup_address){};
	r = read_address(object, path, "address", true, &ip->address, &has, failure);
	if (r == 0 && !has)
		r = failure_set(failure, FAILURE_CONFIG, 0, "%saddress: is missing", path);
	if (r == 0)
		r = read_address(object, path, "gateway", false, &ip->gateway, &ip->has_gateway,
				 failure);
	if (r == 0 && ip->has_gateway && ip->gateway.family != ip->address.family)
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"%sgateway: must be of the family of the address", path);
	if (r == 0)
		setup->n_addresses++;
	return r;
}

static void default_gateway(const struct setup *setup, struct route *route)
{
	for (size_t i = 0; i < setup->n_addresses && !route->has_via; i++) {
		const struct setup_address *ip = &setup->addresses[i];

		if (!ip->has_gateway || ip->address.family != route->to.family)
			continue;
		route->via = ip->gateway;
		route->has_via = true;
	}
}

static int read_numbers(json_t *object, const char *path, struct route *route,
			struct failure *failure)
{
	uint32_t scope = 0;
	int r = json_input_uint32(object, path, "mtu", &route->mtu, failure);

	if (r == 0)
		r = json_input_uint32(object, path, "advmss", &route->advmss, failure);
	if (r == 0)
		r = json_input_uint32(object, path, "priority", &route->metric, failure);
	if (r == 0)
		r = json_input_uint32(object, path, "table", &route->table, failure);
	if (r == 0)
		r = json_input_uint32(object, path, "scope", &scope, failure);
	if (r == 0 && scope > UINT8_MAX)
		r = failure_set(failure, FAILURE_CONFIG, 0, "%sscope: %u: must be 0-255", path,
				scope);
	route->has_scope = json_is_integer(json_object_get(object, "scope"));
	route->scope = (uint8_t)scope;
	return r;
}

static int read_route(json_t *object, size_t i, struct setup *setup, struct failure *failure)
{
	struct route *route = &setup->routes[setup->n_routes];
	char path[32];
	bool has;
	int r;

	snprintf(path, sizeof(path), "routes[%zu].", i);
	if (!json_is_object(object))
		return failure_set(failure, FAILURE_CONFIG, 0, "%s must be an object", path);
	if (setup->n_routes == SETUP_MAX_ROUTES)
		return failure_set(failure, FAILURE_CONFIG, 0, "routes: more than %d",
				   SETUP_MAX_ROUTES);
	*route = (struct route){};
	r = read_address(object, path, "dst", true, &route->to, &has, failure);
	if (r == 0 && !has)
		r = failure_set(failure, FAILURE_CONFIG, 0, "%sdst: is missing", path);
	if (r == 0)
		r = read_address(object, path, "gw", false, &route->via, &route->has_via, failure);
	if (r == 0 && route->has_via && route->via.family != route->to.family)
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"%sgw: must be of the family of the destination", path);
	if (r == 0)
		r = read_numbers(object, path, route, failure);
	if (r < 0)
		return r;
	default_gateway(setup, route);
	setup->n_routes++;
	return 0;
}

int cni_result_read(const json_t *result, int interface, struct setup *ret, struct failure *failure)
{
	json_t *ips = NULL, *routes = NULL, *entry;
	size_t i;
	int r = json_input_array(result, "", "ips", &ips, failure);

	if (r == 0)
		r = json_input_array(result, "", "routes", &routes, failure);
	if (r < 0)
		return r;
	ret->n_addresses = ret->n_routes = 0;
	json_array_foreach(ips, i, entry) {
		r = read_ip(entry, i, interface, ret, failure);
		if (r < 0)
			return r;
	}
	json_array_foreach(routes, i, entry) {
		r = read_route(entry, i, ret, failure);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_text(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value && strcmp(value, text) == 0;
}

int cni_result_find_interface(const json_t *result, const char *ifname, const char *netns)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(result, "interfaces"), i, entry)
		if (i < INT_MAX && has_text(entry, "name", ifname) &&
		    has_text(entry, "sandbox", netns))
			return (int)i;
	return -1;
}

/* ---- writing ---- */
static json_t *make_interface(const struct cni_result *result, const char *name, const uint8_t *mac,
			      const char *sandbox)
{
	char text[MAC_TEXT_LEN];
	json_t *object = json_pack("{s:s, s:s, s:s*}", "name", name, "mac", mac_format(mac, text),
				   "sandbox", sandbox);

	if (result->version >= CNI_1_1_0)
		json_object_set_new(object, "mtu", json_integer(result->mtu));
	return object;
}

static json_t *make_ip(const struct cni_result *result, const struct setup_address *ip,
		       size_t interface)
{
	char address[ADDRESS_TEXT_LEN], gateway[ADDRESS_TEXT_LEN];
	json_t *object = json_pack(
		"{s:s, s:i, s:s*}", "address", address_to_text(&ip->address, true, address),
		"interface", (int)interface, "gateway",
		ip->has_gateway ? address_to_text(&ip->gateway, false, gateway) : NULL);

	if (result->version < CNI_1_0_0)
		json_object_set_new(object, "version",
				    json_string(ip->address.family == AF_INET ? "4" : "6"));
	return object;
}

static void set_number(json_t *object, const char *key, uint32_t value, bool is_set)
{
	if (is_set)
		json_object_set_new(object, key, json_integer(value));
}

static json_t *make_route(const struct cni_result *result, const struct route *route)
{
	char to[ADDRESS_TEXT_LEN], via[ADDRESS_TEXT_LEN];
	json_t *object =
		json_pack("{s:s, s:s*}", "dst", address_to_text(&route->to, true, to), "gw",
			  route->has_via ? address_to_text(&route->via, false, via) : NULL);

	if (result->version < CNI_1_1_0)
		return object;
	set_number(object, "mtu", route->mtu, route->mtu);
	set_number(object, "advmss", route->advmss, route->advmss);
	set_number(object, "priority", route->metric, route->metric);
	set_number(object, "table", route->table, route->table);
	set_number(object, "scope", route->scope, route->has_scope);
	return object;
}

/* The list of a copy of prevResult, or a new one. */
static json_t *list_of(json_t *object, const char *key)
{
	json_t *list = json_object_get(object, key);

	if (json_is_array(list))
		return list;
	json_object_set_new(object, key, json_array());
	return json_object_get(object, key);
}

json_t *cni_result_make(const struct cni_result *result)
{
	json_t *object = result->previous ? json_deep_copy(result->previous) : json_object(),
	       *interfaces = list_of(object, "interfaces"), *ips = list_of(object, "ips"),
	       *routes = list_of(object, "routes"), *dns = NULL;

	json_object_set_new(object, "cniVersion", json_string(cni_version_names[result->version]));
	json_array_append_new(interfaces,
			      make_interface(result, result->host_end, result->host_mac, NULL));
	json_array_append_new(interfaces,
			      make_interface(result, result->ifname, result->mac, result->netns));
	for (size_t i = 0; i < result->setup->n_addresses; i++)
		json_array_append_new(ips, make_ip(result, &result->setup->addresses[i],
						   json_array_size(interfaces) - 1));
	for (size_t i = 0; i < result->setup->n_routes; i++)
		json_array_append_new(routes, make_route(result, &result->setup->routes[i]));
	if (json_object_size(result->dns) > 0)
		dns = json_deep_copy(result->dns);
	else if (json_is_object(json_object_get(result->ipam, "dns")))
		dns = json_deep_copy(json_object_get(result->ipam, "dns"));
	if (dns)
		json_object_set_new(object, "dns", dns);
	else if (!json_is_object(json_object_get(object, "dns")))
		json_object_set_new(object, "dns", json_object());
	return object;
}
