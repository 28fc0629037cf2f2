// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Podman allocates the addresses itself, so no IPAM plugin is executed: static_ips of the container
 * have the prefix length and the gateway of the subnet that contains them.
 */
#include "integration/net/netavark.h"

#include "common/util.h"
#include "config/value.h"
#include "integration/net/attach.h"
#include "integration/net/json_input.h"

#define API_VERSION "1.0.0"

struct request {
	json_t *network, *options; /* options: of the network, may be NULL */
	struct attachment want;
	struct setup setup;
};

/* ---- options of the network ---- */
static const char *const option_names[] = { "switch", "portGroup", "socket",
					    "mtu",    "metric",	   "no_default_route" };

static bool is_option(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_names); i++)
		if (strcmp(option_names[i], name) == 0)
			return true;
	return false;
}

static int read_option(const struct request *request, const char *key, const char **ret,
		       struct failure *failure)
{
	return json_input_string(request->options, "options.", key, ret, failure);
}

/* All options are strings. */
static int read_number(const struct request *request, const char *key, uint32_t *ret,
		       struct failure *failure)
{
	const char *text = NULL;
	uint64_t value = 0;
	int r = read_option(request, key, &text, failure);

	if (r < 0 || !text)
		return r;
	if (parse_u64(text, 0, UINT32_MAX, &value) < 0)
		return failure_set(failure, FAILURE_CONFIG, 0,
				   "option %s: '%.32s': must be a number of 0-4294967295", key,
				   text);
	*ret = (uint32_t)value;
	return 0;
}

static int check_name(const char *key, const char *text, size_t max, struct failure *failure)
{
	if (!text || !*text || strlen(text) > max)
		return failure_set(failure, FAILURE_CONFIG, 0,
				   "option %s: '%.64s': must have 1-%zu characters; set it with "
				   "--opt %s=NAME",
				   key, text ? text : "", max, key);
	return 0;
}

static int read_place(struct request *request, struct failure *failure)
{
	struct port_place *place = &request->want.place;
	int r = read_option(request, "switch", &place->switch_name, failure);

	place->socket = DAEMON_SOCKET;
	if (r == 0)
		r = read_option(request, "portGroup", &place->group, failure);
	if (r == 0)
		r = read_option(request, "socket", &place->socket, failure);
	if (r == 0 && place->socket[0] != '/')
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"option socket: '%.64s': must be an absolute path", place->socket);
	if (r == 0)
		r = check_name("switch", place->switch_name, UL_NAME_LEN - 1, failure);
	if (r == 0)
		r = check_name("portGroup", place->group, UL_GROUP_NAME_LEN - 1, failure);
	return r == 0 ? read_number(request, "mtu", &request->want.mtu, failure) : r;
}

/* ---- create ---- */
static int check_options(const struct request *request, struct failure *failure)
{
	const char *name, *driver = NULL;
	json_t *value, *ipam = NULL;
	int r;

	json_object_foreach(request->options, name, value)
		if (!is_option(name))
			return failure_set(failure, FAILURE_CONFIG, 0,
					   "option %.64s: is unknown; the options are switch, "
					   "portGroup, socket, mtu, metric and no_default_route",
					   name);
	r = json_input_object(request->network, "", "ipam_options", &ipam, failure);
	if (r == 0)
		r = json_input_string(ipam, "ipam_options.", "driver", &driver, failure);
	if (r == 0 && driver && strcmp(driver, "dhcp") == 0)
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"ipam driver dhcp: is not available here; use host-local or none");
	return r;
}

/* object: consumed. 0 or negative errno with a reason: standard output is closed. */
static int print_json(FILE *out, json_t *object, struct failure *failure)
{
	int r = object ? json_dumpf(object, out, JSON_INDENT(2)) : -1;

	json_decref(object);
	if (r == 0 && fputc('\n', out) != EOF && fflush(out) == 0)
		return 0;
	return failure_set(failure, FAILURE_IO, errno ? -errno : -EIO, "cannot write the result");
}

static int run_create(const char *argument, json_t *input, FILE *out, struct failure *failure)
{
	struct request request = { .network = input };
	uint32_t number;
	int r = json_input_object(input, "", "options", &request.options, failure);

	if (r == 0)
		r = read_place(&request, failure);
	if (r == 0)
		r = read_number(&request, "metric", &number, failure);
	if (r == 0)
		r = check_options(&request, failure);
	if (r < 0)
		return r;
	/* The name server of netavark listens on a bridge of the host, which does not exist. */
	json_object_set_new(input, "dns_enabled", json_false());
	return print_json(out, json_incref(input), failure);
}

/* ---- addresses ---- */
static bool contains(const struct address *subnet, const struct address *address)
{
	unsigned int bytes = subnet->prefix_length / 8, bits = subnet->prefix_length % 8;

	return subnet->family == address->family &&
	       memcmp(subnet->bytes, address->bytes, bytes) == 0 &&
	       (!bits || (subnet->bytes[bytes] ^ address->bytes[bytes]) >> (8 - bits) == 0);
}

static int read_subnet(const json_t *object, struct address *ret_subnet, struct setup_address *ret,
		       struct failure *failure)
{
	const char *subnet = NULL, *gateway = NULL;
	int r = json_input_string(object, "subnets[].", "subnet", &subnet, failure);

	if (r == 0)
		r = json_input_string(object, "subnets[].", "gateway", &gateway, failure);
	if (r == 0 && (!subnet || address_from_text(subnet, ret_subnet) < 0))
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"subnets[].subnet: '%.64s': must be a subnet",
				subnet ? subnet : "");
	ret->has_gateway = gateway && *gateway;
	if (r == 0 && ret->has_gateway &&
	    (address_from_text(gateway, &ret->gateway) < 0 ||
	     ret->gateway.family != ret_subnet->family))
		r = failure_set(failure, FAILURE_CONFIG, 0,
				"subnets[].gateway: '%.64s': must be an address of the subnet",
				gateway);
	return r;
}

static int read_static_ip(struct request *request, const json_t *subnets, const char *text,
			  struct failure *failure)
{
	struct setup_address *ip = &request->setup.addresses[request->setup.n_addresses];
	struct address subnet;
	json_t *object;
	size_t i;

	*ip = (struct setup_address){};
	if (!text || strchr(text, '/') || address_from_text(text, &ip->address) < 0)
		return failure_set(failure, FAILURE_CONFIG, 0,
				   "static_ips: '%.64s': must be an IP address", text ? text : "");
	json_array_foreach(subnets, i, object) {
		int r = read_subnet(object, &subnet, ip, failure);

		if (r < 0)
			return r;
		if (!contains(&subnet, &ip->address))
			continue;
		ip->address.prefix_length = subnet.prefix_length;
		request->setup.n_addresses++;
		return 0;
	}
	return failure_set(failure, FAILURE_CONFIG, 0,
			   "static_ips: %s: is in no subnet of the network", text);
}

static int read_addresses(struct request *request, const json_t *options, struct failure *failure)
{
	json_t *ips = NULL, *subnets = NULL, *ip;
	size_t i;
	int r = json_input_array(options, "network_options.", "static_ips", &ips, failure);

	if (r == 0)
		r = json_input_array(request->network, "network.", "subnets", &subnets, failure);
	if (r == 0 && json_array_size(ips) > SETUP_MAX_ADDRESSES)
		r = failure_set(failure, FAILURE_CONFIG, 0, "static_ips: more than %d",
				SETUP_MAX_ADDRESSES);
	json_array_foreach(ips, i, ip)
		if (r == 0)
			r = read_static_ip(request, subnets, json_string_value(ip), failure);
	return r;
}

/* ---- routes ---- */
static int read_route(struct setup *setup, const json_t *object, struct failure *failure)
{
	struct route *route = &setup->routes[setup->n_routes];
	const char *to = NULL, *via = NULL;
	int r = json_input_string(object, "routes[].", "destination", &to, failure);

	*route = (struct route){ .has_via = true };
	if (r == 0)
		r = json_input_string(object, "routes[].", "gateway", &via, failure);
	if (r == 0)
		r = json_input_uint32(object, "routes[].", "metric", &route->metric, failure);
	if (r < 0)
		return r;
	if (!to || address_from_text(to, &route->to) < 0 || !via ||
	    address_from_text(via, &route->via) < 0 || route->via.family != route->to.family)
		return failure_set(
			failure, FAILURE_CONFIG, 0,
			"routes[]: destination '%.64s', gateway '%.64s': must be a subnet "
			"and an address of its family",
			to ? to : "", via ? via : "");
	setup->n_routes++;
	return 0;
}

/* One per family, by the gateway of the first subnet that has one. */
static void add_default_routes(struct setup *setup, uint32_t metric)
{
	bool has[2] = {};

	for (size_t i = 0; i < setup->n_addresses; i++) {
		const struct setup_address *ip = &setup->addresses[i];
		int six = ip->address.family == AF_INET6;

		if (!ip->has_gateway || has[six] || setup->n_routes == SETUP_MAX_ROUTES)
			continue;
		has[six] = true;
		setup->routes[setup->n_routes++] = (struct route){
			.to.family = ip->address.family,
			.has_via = true,
			.via = ip->gateway,
			.metric = metric,
		};
	}
}

static int read_routes(struct request *request, struct failure *failure)
{
	struct setup *setup = &request->setup;
	const char *no_default = "false";
	json_t *routes = NULL, *route;
	uint32_t metric = 0;
	size_t i;
	int r = read_option(request, "no_default_route", &no_default, failure);

	if (r == 0)
		r = read_number(request, "metric", &metric, failure);
	if (r == 0)
		r = json_input_array(request->network, "network.", "routes", &routes, failure);
	if (r == 0 && json_array_size(routes) > SETUP_MAX_ROUTES - 2)
		r = failure_set(failure, FAILURE_CONFIG, 0, "routes: more than %d",
				SETUP_MAX_ROUTES - 2);
	json_array_foreach(routes, i, route)
		if (r == 0)
			r = read_route(setup, route, failure);
	if (r == 0 && strcmp(no_default, "true") != 0 && strcmp(no_default, "1") != 0 &&
	    !json_is_true(json_object_get(request->network, "internal")))
		add_default_routes(setup, metric);
	return r;
}

/* ---- setup and teardown ---- */
static int read_request(json_t *input, const char *netns, struct request *ret,
			struct failure *failure)
{
	struct identity *id = &ret->want.id;
	json_t *options = NULL;
	const char *mac = NULL;
	int r;

	*ret = (struct request){ .want = { .netns = netns, .id = { "", "", "" } } };
	r = json_input_object(input, "", "network", &ret->network, failure);
	if (r == 0)
		r = json_input_object(input, "", "network_options", &options, failure);
	if (r == 0)
		r = json_input_object(ret->network, "network.", "options", &ret->options, failure);
	if (r == 0)
		r = json_input_string(ret->network, "network.", "name", &id->network, failure);
	if (r == 0)
		r = json_input_string(input, "", "container_id", &id->container, failure);
	if (r == 0)
		r = json_input_string(options, "network_options.", "interface_name", &id->ifname,
				      failure);
	if (r == 0)
		r = json_input_string(options, "network_options.", "static_mac", &mac, failure);
	if (r == 0)
		r = identity_check(id, failure);
	if (r == 0)
		r = read_place(ret, failure);
	if (r == 0 && mac && *mac) {
		ret->want.has_mac = true;
		if (mac_parse(mac, ret->want.mac) < 0 || !mac_is_unicast(ret->want.mac))
			r = failure_set(failure, FAILURE_CONFIG, 0,
					"static_mac: '%.32s': must be a unicast address such as "
					"52:54:00:12:34:56",
					mac);
	}
	if (r == 0)
		r = read_addresses(ret, options, failure);
	return r == 0 ? read_routes(ret, failure) : r;
}

static json_t *make_status(const struct attach *attach, const struct setup *setup)
{
	json_t *subnets = json_array();
	char mac[MAC_TEXT_LEN];

	for (size_t i = 0; i < setup->n_addresses; i++) {
		const struct setup_address *ip = &setup->addresses[i];
		char address[ADDRESS_TEXT_LEN], gateway[ADDRESS_TEXT_LEN];

		json_array_append_new(
			subnets,
			json_pack("{s:s, s:s*}", "ipnet",
				  address_to_text(&ip->address, true, address), "gateway",
				  ip->has_gateway ? address_to_text(&ip->gateway, false, gateway) :
						    NULL));
	}
	return json_pack("{s:[], s:[], s:{s:{s:s, s:o}}}", "dns_search_domains", "dns_server_ips",
			 "interfaces", attach->want->id.ifname, "mac_address",
			 mac_format(attach->mac, mac), "subnets", subnets);
}

struct setup_output {
	const struct setup *setup;
	FILE *out;
};

static int configure(struct attach *attach, void *userdata, struct failure *failure)
{
	const struct setup_output *output = userdata;
	int r = attach_configure(attach, output->setup, failure);

	return r == 0 ? print_json(output->out, make_status(attach, output->setup), failure) : r;
}

static int run_setup(const char *netns, json_t *input, FILE *out, struct failure *failure)
{
	struct request request;
	struct setup_output output = { &request.setup, out };
	int r = read_request(input, netns, &request, failure);

	return r == 0 ? attach_add(&request.want, configure, &output, failure) : r;
}

static int run_teardown(const char *netns, json_t *input, FILE *out, struct failure *failure)
{
	struct request request;
	int r = read_request(input, netns, &request, failure);

	return r == 0 ? attach_remove(&request.want, failure) : r;
}

static int run_info(const char *argument, json_t *input, FILE *out, struct failure *failure)
{
	return print_json(
		out, json_pack("{s:s, s:s}", "version", UL_VERSION, "api_version", API_VERSION),
		failure);
}

/* ---- dispatch ---- */
static const struct command {
	const char *name;
	int (*run)(const char *argument, json_t *input, FILE *out, struct failure *failure);
	bool needs_netns, needs_input;
	/* clang-format off */
} commands[] = {
	{ "info",	run_info,	false, false },
	{ "create",	run_create,	false, true },
	{ "setup",	run_setup,	true,  true },
	{ "teardown",	run_teardown,	true,  true },
};
/* clang-format on */

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

bool netavark_is_command(const char *name)
{
	return find_command(name);
}

static int execute(const struct command *command, const char *argument, const char *text,
		   size_t size, FILE *out, struct failure *failure)
{
	json_auto_t *input = NULL;

	if (command->needs_netns && (!argument || !*argument))
		return failure_set(failure, FAILURE_ENVIRONMENT, 0,
				   "%s: needs the path of a network namespace", command->name);
	if (command->needs_input) {
		input = json_input_parse(text, size, "standard input", failure);
		if (!input)
			return -EINVAL;
	}
	return command->run(argument, input, out, failure);
}

int netavark_run(const char *name, const char *argument, const char *input, size_t size, FILE *out)
{
	const struct command *command = find_command(name);
	struct failure failure = {}, ignored = {};

	if (!command)
		return 2;
	if (execute(command, argument, input, size, out, &failure) == 0)
		return 0;
	(void)print_json(out, json_pack("{s:s}", "error", failure.message), &ignored);
	return 1;
}
