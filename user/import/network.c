// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "import/network.h"

#include <arpa/inet.h>
#include <search.h>
#include <stdarg.h>

#include "common/util.h"
#include "config/value.h"

void network_init(struct network *network, struct errors *errors)
{
	*network = (struct network){ .errors = errors };
}

static void keep(void *node)
{
	(void)node;
}

void network_done(struct network *network)
{
	tdestroy(network->by_name, keep);
	for (size_t i = 0; i < network->n_interfaces; i++) {
		free(network->interfaces[i]->addresses);
		free(network->interfaces[i]);
	}
	for (size_t i = 0; i < network->n_remarks; i++)
		free(network->remarks[i].text);
	for (size_t i = 0; i < network->n_files; i++)
		free(network->files[i]);
	free(network->interfaces);
	free(network->routes);
	free(network->remarks);
	free(network->files);
	*network = (struct network){ 0 };
}

/* Room for one more entry in an array that doubles. */
static void *make_room(struct network *network, void *array, size_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	array = reallocarray(array, n ? n * 2 : 1, size);
	if (!array)
		network->failed = network->failed ?: -ENOMEM;
	return array;
}

const char *network_add_file(struct network *network, const char *path)
{
	char **files;

	if (network->n_files == NET_MAX_FILES) {
		network_error(network, (struct net_place){}, -E2BIG, "%s: more than %d files", path,
			      NET_MAX_FILES);
		return NULL;
	}
	files = make_room(network, network->files, network->n_files, sizeof(*files));
	if (!files)
		return NULL;
	network->files = files;
	files[network->n_files] = strdup(path);
	if (!files[network->n_files]) {
		network->failed = network->failed ?: -ENOMEM;
		return NULL;
	}
	return files[network->n_files++];
}

/* ---- messages ---- */
/* "PLACE: TEXT" on one line, whatever the text contains; NULL: no memory. */
static char *format_text(struct net_place place, const char *format, va_list ap)
{
	_cleanup_free_ char *text = NULL;
	char *line = NULL;
	int n;

	if (vasprintf(&text, format, ap) < 0) {
		text = NULL;
		return NULL;
	}
	if (!place.file)
		n = asprintf(&line, "%s", text);
	else if (place.line)
		n = asprintf(&line, "%s:%u: %s", place.file, place.line, text);
	else
		n = asprintf(&line, "%s: %s", place.file, text);
	if (n < 0)
		return NULL;
	return text_make_ascii(line);
}

int network_error(struct network *network, struct net_place place, int error, const char *format,
		  ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	if (!network->failed)
		network->failed = error;
	va_start(ap, format);
	text = format_text(place, format, ap);
	va_end(ap);
	if (text && network->errors->n < NET_MAX_REMARKS)
		errors_add(network->errors, 0, "%s", text);
	return error;
}

static void add_remark(struct network *network, struct net_place place, bool unmapped,
		       const char *format, va_list ap)
{
	struct net_remark *remarks;
	char *text;

	if (network->n_remarks > NET_MAX_REMARKS)
		return;
	remarks = make_room(network, network->remarks, network->n_remarks, sizeof(*remarks));
	if (!remarks)
		return;
	network->remarks = remarks;
	text = network->n_remarks == NET_MAX_REMARKS ?
		       strdup("more remarks than these; the others are not shown") :
		       format_text(place, format, ap);
	if (!text) {
		network->failed = network->failed ?: -ENOMEM;
		return;
	}
	for (size_t i = 0; i < network->n_remarks; i++) {
		if (strcmp(remarks[i].text, text) == 0) {
			free(text);
			return;
		}
	}
	network->remarks[network->n_remarks++] =
		(struct net_remark){ .text = text, .unmapped = unmapped };
}

void network_unmapped(struct network *network, struct net_place place, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_remark(network, place, true, format, ap);
	va_end(ap);
}

void network_moves(struct network *network, struct net_place place, const char *format, ...)
{
	size_t before = network->n_remarks;
	va_list ap;

	va_start(ap, format);
	add_remark(network, place, true, format, ap);
	va_end(ap);
	if (network->n_remarks > before)
		network->remarks[before].moves = true;
}

void network_note(struct network *network, struct net_place place, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_remark(network, place, false, format, ap);
	va_end(ap);
}

/* ---- interfaces ---- */
static int compare_names(const void *a, const void *b)
{
	const struct net_interface *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct net_interface *network_find(const struct network *network, const char *name)
{
	struct net_interface wanted;
	struct net_interface *const *found;

	if (strlen(name) >= sizeof(wanted.name))
		return NULL;
	strcpy(wanted.name, name);
	found = tfind(&wanted, &network->by_name, compare_names);
	return found ? *found : NULL;
}

bool network_set_name(struct network *network, struct net_place place, char field[NET_NAME_LEN],
		      const char *name)
{
	size_t n = strlen(name);
	bool good = n > 0 && n < NET_NAME_LEN;

	for (size_t i = 0; good && i < n; i++)
		good = is_printable_ascii(name[i]) && !strchr(" /\"'\\", name[i]);
	if (!good) {
		network_error(
			network, place, -EINVAL,
			"\"%.80s\": must be the name of an interface, 1-%d printable characters without blanks, '/' and quotes",
			name, NET_NAME_LEN - 1);
		return false;
	}
	memcpy(field, name, n + 1);
	return true;
}

struct net_interface *network_get(struct network *network, struct net_place place, const char *name)
{
	struct net_interface *interface = network_find(network, name), **all;

	if (interface)
		return interface;
	if (network->n_interfaces == NET_MAX_INTERFACES) {
		network_error(network, place, -E2BIG, "%.80s: more than %d interfaces", name,
			      NET_MAX_INTERFACES);
		return NULL;
	}
	all = make_room(network, network->interfaces, network->n_interfaces, sizeof(*all));
	if (!all)
		return NULL;
	network->interfaces = all;
	interface = calloc(1, sizeof(*interface));
	if (!interface) {
		network->failed = network->failed ?: -ENOMEM;
		return NULL;
	}
	if (!network_set_name(network, place, interface->name, name)) {
		free(interface);
		return NULL;
	}
	interface->place = place;
	interface->order = network->n_interfaces;
	interface->vlans.pvid = -1;
	interface->default_pvid = 1; /* the kernel's */
	interface->bond.mode = NET_BOND_UNREAD;
	if (!tsearch(interface, &network->by_name, compare_names)) {
		network->failed = network->failed ?: -ENOMEM;
		free(interface);
		return NULL;
	}
	all[network->n_interfaces++] = interface;
	return interface;
}

void net_set_kind(struct net_interface *interface, enum net_kind kind)
{
	if (interface->kind == NET_UNKNOWN || interface->kind == NET_OTHER)
		interface->kind = kind;
}

void net_set_other(struct net_interface *interface, const char *kind)
{
	if (interface->kind != NET_UNKNOWN)
		return;
	interface->kind = NET_OTHER;
	snprintf(interface->kind_text, sizeof(interface->kind_text), "%s", kind);
}

/* ---- addresses, routes ---- */
static bool is_link_local(const struct address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

/* As the configuration requires: no wildcard, no multicast. */
static bool is_of_a_host(const struct address *address)
{
	char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];
	struct address parsed;

	inet_ntop(address->family, address->bytes, host, sizeof(host));
	snprintf(text, sizeof(text), "%s/%u", host, address->prefix_length);
	return address_parse(text, &parsed) == 0;
}

void network_add_address(struct network *network, struct net_place place,
			 struct net_interface *interface, const char *text)
{
	struct address address, *all;

	if (address_from_text(text, &address) < 0) {
		network_error(network, place, -EINVAL,
			      "%s: address %.80s: must be an address such as 192.0.2.10/24",
			      interface->name, text);
		return;
	}
	/* the kernel makes these itself */
	if (is_link_local(&address))
		return;
	if (!is_of_a_host(&address)) {
		network_unmapped(network, place,
				 "%s: address %s: not mapped: it is not a host address",
				 interface->name, text);
		return;
	}
	for (size_t i = 0; i < interface->n_addresses; i++)
		if (interface->addresses[i].family == address.family &&
		    memcmp(interface->addresses[i].bytes, address.bytes, 16) == 0)
			return;
	if (interface->n_addresses == NET_MAX_ADDRESSES) {
		network_error(network, place, -E2BIG, "%s: more than %d addresses", interface->name,
			      NET_MAX_ADDRESSES);
		return;
	}
	all = make_room(network, interface->addresses, interface->n_addresses, sizeof(*all));
	if (!all)
		return;
	interface->addresses = all;
	all[interface->n_addresses++] = address;
}

static void add_route(struct network *network, struct net_place place, const char *interface,
		      const char *to, const char *via, unsigned int metric, bool is_dns)
{
	struct net_route route = { .place = place, .metric = metric, .is_dns = is_dns }, *all;
	struct address address;

	if ((strcmp(to, "default") != 0 && address_from_text(to, &address) < 0) ||
	    (via[0] && address_from_text(via, &address) < 0)) {
		network_error(network, place, -EINVAL,
			      "%s: %s %.80s%s%.80s: must be IPv4 or IPv6 addresses", interface,
			      is_dns ? "name server" : "route to", to, via[0] ? " via " : "", via);
		return;
	}
	if (!network_set_name(network, place, route.interface, interface))
		return;
	snprintf(route.to, sizeof(route.to), "%s", to);
	snprintf(route.via, sizeof(route.via), "%s", via);
	for (size_t i = 0; i < network->n_routes; i++) {
		const struct net_route *other = &network->routes[i];

		if (strcmp(other->to, route.to) == 0 && strcmp(other->via, route.via) == 0 &&
		    strcmp(other->interface, route.interface) == 0)
			return;
	}
	if (network->n_routes == NET_MAX_ROUTES) {
		network_error(network, place, -E2BIG, "more than %d routes", NET_MAX_ROUTES);
		return;
	}
	all = make_room(network, network->routes, network->n_routes, sizeof(*all));
	if (!all)
		return;
	network->routes = all;
	all[network->n_routes++] = route;
}

void network_add_route(struct network *network, struct net_place place, const char *interface,
		       const char *to, const char *via, unsigned int metric)
{
	if (strcmp(to, "0.0.0.0/0") == 0 || strcmp(to, "::/0") == 0 || strcmp(to, "::0/0") == 0)
		to = "default";
	add_route(network, place, interface, to, via, metric, false);
}

void network_add_dns(struct network *network, struct net_place place, const char *interface,
		     const char *address)
{
	add_route(network, place, interface, address, "", 0, true);
}

/* ---- VLANs ---- */
bool net_vlan_set(uint64_t vlans[UL_N_VLANS / 64], unsigned int vid)
{
	if (vid > 4094)
		return false;
	vlans[vid / 64] |= 1ULL << vid % 64;
	return true;
}

bool net_vlan_has(const uint64_t vlans[UL_N_VLANS / 64], unsigned int vid)
{
	return vlans[vid / 64] >> vid % 64 & 1;
}
