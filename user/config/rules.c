// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/rules.h"

#include "common/util.h"
#include "config/value.h"

/* "switches[0].port-groups[1].ports[2]" in a file, followed by " of FILE" in another one;
 * "vswitch0, group prod" in a request */
static const char *location_text(const struct rules *rules, const struct location *location,
				 char text[MISTAKE_PATH_LEN])
{
	size_t index = (size_t)(location->sw - rules->model->switches), sw;
	const char *file;

	sw = mistakes_locate_switch(rules->mistakes, index, &file);
	if (!rules->mistakes->file && location->group)
		snprintf(text, MISTAKE_PATH_LEN, "%s, group %s", location->sw->name,
			 location->group->name);
	else if (!rules->mistakes->file)
		snprintf(text, MISTAKE_PATH_LEN, "%s", location->sw->name);
	else if (location->bridge && location->group)
		snprintf(text, MISTAKE_PATH_LEN, "switches[%zu].port-groups[%zu].bridge%s%s", sw,
			 (size_t)(location->group - location->sw->groups), file ? " of " : "",
			 file ? file : "");
	else if (location->bridge)
		snprintf(text, MISTAKE_PATH_LEN, "switches[%zu].bridge%s%s", sw, file ? " of " : "",
			 file ? file : "");
	else if (location->group)
		snprintf(text, MISTAKE_PATH_LEN, "switches[%zu].port-groups[%zu].ports[%zu]%s%s",
			 sw, (size_t)(location->group - location->sw->groups), location->at,
			 file ? " of " : "", file ? file : "");
	else
		snprintf(text, MISTAKE_PATH_LEN, "switches[%zu].uplinks[%zu]%s%s", sw, location->at,
			 file ? " of " : "", file ? file : "");
	return text;
}

/* ---- interfaces ---- */
static void refuse_interface(struct rules *rules, const char *name, const struct location *location,
			     const struct location *other, const char *key)
{
	char where[MISTAKE_PATH_LEN];

	location_text(rules, other, where);
	if (other->far_end)
		mistakes_add(rules->mistakes, key,
			     "%s: is already the far end of a host port (%s): must be another name",
			     name, where);
	else if (other->bridge)
		mistakes_add(rules->mistakes, key,
			     "%s: is already an attachment bridge (%s): must be another name", name,
			     where);
	else if (location->bridge)
		mistakes_add(rules->mistakes, key, "%s: is already %s (%s): must be another name",
			     name, other->group ? "a port" : "an uplink", where);
	else if (!other->group && !location->group)
		mistakes_add(rules->mistakes, key, "%s: is already an uplink (%s)", name, where);
	else if (other->group && location->group)
		mistakes_add(rules->mistakes, key, "%s: is already a port (%s)", name, where);
	else
		mistakes_add(rules->mistakes, key,
			     "%s: is already %s (%s): must be either an uplink or a port", name,
			     other->group ? "a port" : "an uplink", where);
}

int rules_check_interface(struct rules *rules, const char *name, const struct location *location,
			  const char *key)
{
	const struct location *other = name_index_find_interface(rules->names, name);

	if (!other)
		return name_index_add_interface(rules->names, name, location);
	refuse_interface(rules, name, location, other, key);
	return -EEXIST;
}

/* The name of the far end must not be used elsewhere either. */
static int check_far_end(struct rules *rules, const struct port_cfg *port)
{
	char name[UL_NAME_LEN], where[MISTAKE_PATH_LEN];
	const struct location *other;
	const char *what;

	host_port_far_end(port->interface, name);
	if (strcmp(name, port->interface) == 0) {
		mistakes_add(rules->mistakes, "interface",
			     "%s: its far end would have the same name: must be another name",
			     name);
		return -EEXIST;
	}
	other = name_index_find_interface(rules->names, name);
	if (!other)
		return 0;
	what = other->far_end ? "the far end of another host port" :
	       other->group   ? "a port" :
				"an uplink";
	mistakes_add(rules->mistakes, "interface",
		     "%s: its far end would be %s, which is already %s (%s): must be another name",
		     port->interface, name, what, location_text(rules, other, where));
	return -EEXIST;
}

static int check_port_interface(struct rules *rules, const struct port_cfg *port,
				const struct location *location)
{
	const struct location *other;

	if (!interface_name_valid(port->interface)) {
		mistakes_add(
			rules->mistakes, "interface",
			"%s: must be an interface name: 1-15 characters without '/', ':' and spaces",
			port->interface[0] ? port->interface : "\"\"");
		return -EINVAL;
	}
	other = name_index_find_interface(rules->names, port->interface);
	if (other) {
		refuse_interface(rules, port->interface, location, other, "interface");
		return -EEXIST;
	}
	return 0;
}

/* ---- MAC addresses ---- */
static int check_mac_unused(struct rules *rules, const struct port_cfg *port,
			    const struct location *location)
{
	char where[MISTAKE_PATH_LEN], mac[MAC_TEXT_LEN];
	const struct location *other;
	unsigned int vid = 0;

	other = name_index_find_mac(rules->names, port->mac, location, &vid);
	if (!other)
		return 0;
	mac_format(port->mac, mac);
	location_text(rules, other, where);
	if (vid)
		mistakes_add(rules->mistakes, "mac", "%s: is already used in VLAN %u (%s)", mac,
			     vid, where);
	else
		mistakes_add(rules->mistakes, "mac",
			     "%s: is already used in the untagged VLAN (%s)", mac, where);
	return -EEXIST;
}

static int check_mac(struct rules *rules, const struct port_cfg *port,
		     const struct location *location, unsigned int skip)
{
	char mac[MAC_TEXT_LEN];

	if (!port->has_mac) {
		if (port->host || port->attached || location->group->security.mac_learning ||
		    skip & (SKIP_HOST | SKIP_LEARNING))
			return 0;
		mistakes_add(
			rules->mistakes, "mac",
			"missing: must be given, or mac-learning: true for the group, or host: true");
		return -EINVAL;
	}
	if (!mac_is_unicast(port->mac)) {
		mistakes_add(rules->mistakes, "mac",
			     "%s: must be a unicast MAC address and not zero",
			     mac_format(port->mac, mac));
		return -EINVAL;
	}
	return skip & SKIP_VLAN ? 0 : check_mac_unused(rules, port, location);
}

/* ---- ports ---- */
/* Keys that need an interface of the host. */
static int check_host_keys(struct rules *rules, const struct port_cfg *port)
{
	const struct {
		const char *key;
		bool given;
	} rows[] = {
		{ "address", port->n_addresses }, { "gateway", port->n_gateways },
		{ "dns", port->n_dns },		  { "routes", port->n_routes },
		{ "dhcp", port->dhcp },		  { "ipv6-ra", port->ipv6_ra },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].given)
			continue;
		mistakes_add(rules->mistakes, rows[i].key,
			     "needs host: true, but host is false: set host: true, or remove %s",
			     rows[i].key);
		r = -EINVAL;
	}
	return r;
}

static int note_port(struct rules *rules, const struct port_cfg *port, struct location location,
		     bool interface, bool far_end, bool mac)
{
	int r = 0;

	if (interface)
		r = name_index_add_interface(rules->names, port->interface, &location);
	if (r == 0 && mac)
		r = name_index_add_mac(rules->names, port->mac, &location);
	if (r == 0 && far_end) {
		char name[UL_NAME_LEN];

		host_port_far_end(port->interface, name);
		location.far_end = true;
		r = name_index_add_interface(rules->names, name, &location);
	}
	return r;
}

int rules_check_port(struct rules *rules, const struct port_cfg *port,
		     const struct location *location, unsigned int skip)
{
	bool has_interface = !(skip & SKIP_INTERFACE), has_mac = !(skip & SKIP_MAC);
	int interface = 0, far_end = 0, mac = 0, address = 0, result;

	if (has_interface)
		interface = check_port_interface(rules, port, location);
	if (has_interface && interface == 0 && port->host)
		far_end = check_far_end(rules, port);
	if (has_mac)
		mac = check_mac(rules, port, location, skip);
	if (!port->host && !(skip & SKIP_HOST))
		address = check_host_keys(rules, port);

	result = interface ? interface : far_end ? far_end : mac ? mac : address;
	if (result == 0 || rules->mistakes->file) {
		int r = note_port(rules, port, *location, has_interface && interface == 0,
				  has_interface && interface == 0 && far_end == 0 && port->host,
				  has_mac && mac == 0 && port->has_mac && !(skip & SKIP_VLAN));

		if (r < 0)
			return r;
	}
	return result;
}
