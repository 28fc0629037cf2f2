// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "port/host_port.h"

#include <systemd/sd-id128.h>

#include "context/saved_settings.h"
#include "port/internal.h"

/* The machine's id itself is confidential (machine-id(5)). */
#define MACHINE_APPLICATION \
	SD_ID128_MAKE(5c, 1e, 0a, 27, 61, 9d, 4b, 8f, 9e, 35, d0, 48, f1, 7b, c2, 06)

/* ---- the pair ---- */
/* Refreshed: the kernel reports the first end of a new pair before it has a peer. */
static int find_veth(struct link_monitor *links, const char *name, struct link_info *ret)
{
	int r = link_refresh_get_by_name(links, name, ret);

	return r == 0 && strcmp(ret->kind, "veth") != 0 ? -ENODEV : r;
}

int host_port_find_pair(struct link_monitor *links, const char *host_end, const char *far_end)
{
	struct link_info host, far;
	int r = find_veth(links, far_end, &far);

	if (r == 0)
		r = find_veth(links, host_end, &host);
	if (r < 0)
		return r;
	return host.peer == far.ifindex && far.peer == host.ifindex ? 0 : -ENODEV;
}

/* FNV-1a with 64 bits */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	for (const uint8_t *byte = bytes; n--; byte++)
		hash = (hash ^ *byte) * 0x100000001b3ULL;
	return hash;
}

void host_port_derive_mac(const uint8_t machine_id[16], const char *bpffs, const char *name,
			  uint8_t ret[6])
{
	uint64_t hash = hash_bytes(0xcbf29ce484222325ULL, machine_id, 16);

	hash = hash_bytes(hash, bpffs, strlen(bpffs) + 1);
	hash = hash_bytes(hash, name, strlen(name));
	/* The upper bits of a product depend on all of the lower ones. */
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15ULL;
	for (size_t i = 0; i < 6; i++)
		ret[i] = (uint8_t)(hash >> (56 - 8 * i));
	ret[0] = (uint8_t)((ret[0] & 0xfe) | 0x02); /* unicast, locally administered */
}

/*
 * The MAC address is the same from creation on and after every restart, because neighbours have it
 * in their tables and IPv6 addresses are made from it. The kernel marks it as set, so udev leaves
 * it alone. All zero: the kernel's choice, because this machine has no id. 0 or negative errno.
 */
static int mac_of_pair(const struct switch_context *context, const struct ul_port *port,
		       const struct port_cfg *cfg, uint8_t ret[6])
{
	sd_id128_t machine;
	int r;

	memset(ret, 0, 6);
	if (cfg->has_mac || !mac_is_zero(port->mac)) {
		memcpy(ret, cfg->has_mac ? cfg->mac : port->mac, 6);
		return 0;
	}
	r = sd_id128_get_machine_app_specific(MACHINE_APPLICATION, &machine);
	/* no file; empty; "uninitialized"; no /proc */
	if (r == -ENOENT || r == -ENOMEDIUM || r == -ENOPKG || r == -ENOSYS)
		return 0;
	if (r < 0)
		return r;
	host_port_derive_mac(machine.bytes, context->bpffs ?: "", cfg->interface, ret);
	return 0;
}

/* Recorded before and after, so that a daemon that is killed leaves no pair without a record. 0;
 * -EEXIST: a name is in use; other negative errno. */
static int create_pair(struct ports *ports, const struct ul_port *port, const struct port_cfg *cfg,
		       const char *far_end)
{
	const struct switch_context *context = ports->context;
	struct link_monitor *links = context->links;
	struct link_info info;
	uint8_t mac[6];
	int r;

	if (link_get_by_name(links, cfg->interface, &info) == 0 ||
	    link_get_by_name(links, far_end, &info) == 0)
		return -EEXIST;
	r = mac_of_pair(context, port, cfg, mac);
	if (r < 0)
		return context_fail(
			context, r,
			"host port %s: cannot read the id of the machine, which its MAC address is made from",
			cfg->interface);
	r = saved_settings_note_made(context, SAVED_PAIR, cfg->interface, 0);
	if (r < 0)
		return r;
	r = link_create_veth(links, far_end, cfg->interface, mac_is_zero(mac) ? NULL : mac);
	if (r == 0 && link_get_by_name(links, cfg->interface, &info) == 0)
		(void)saved_settings_note_made(context, SAVED_PAIR, cfg->interface, info.ifindex);
	else if (r < 0 && link_refresh_get_by_name(links, cfg->interface, &info) == -ENODEV)
		saved_settings_forget_made(context, SAVED_PAIR, cfg->interface);
	return r;
}

/* 0: the pair exists. 1: only its far end does, which connects the port already. Negative errno
 * with a reason. */
static int make_pair(struct ports *ports, uint32_t slot, const struct port_cfg *cfg,
		     const char *far_end)
{
	const struct switch_context *context = ports->context;
	const struct ul_port *port = &context->dp->ports[slot];
	struct link_monitor *links = context->links;
	struct link_info far, host;
	int r = create_pair(ports, port, cfg, far_end);

	if (r == -EEXIST) {
		r = host_port_find_pair(links, cfg->interface, far_end);
		if (r == -ENODEV)
			r = -EEXIST;
	}
	if (r == 0)
		return 0;
	if (r != -EEXIST)
		return context_fail(context, r, "host port %s: cannot create the veth pair",
				    cfg->interface);
	if (link_get_by_name(links, far_end, &far) == 0 && far.ifindex == port->ifindex &&
	    link_get_by_name(links, cfg->interface, &host) < 0) {
		port_report(
			ports, slot, EVENT_HOST_PORT,
			"has another name now or is in another network namespace; it stays connected, but its settings are not applied");
		return 1;
	}
	return context_fail(
		context, r,
		"host port %s: cannot create the veth pair %s and %s: a name belongs to another interface; rename that interface or the port",
		cfg->interface, cfg->interface, far_end);
}

/* Returns error. */
static int report_setting(const struct switch_context *context, const struct port_cfg *cfg,
			  const char *what, int error)
{
	if (error < 0)
		context_report(context, EVENT_PORT_SETTING, cfg->interface, "cannot %s: %s", what,
			       strerror(-error));
	return error;
}

/* Removed first: IPv6 accepts no address a second time with another prefix length, and with the
 * first IPv4 address of a subnet the kernel may remove its others and the routes through them. 0 or
 * negative errno. */
static int remove_others(const struct switch_context *context, uint32_t ifindex,
			 const struct port_cfg *cfg, const struct route *routes, size_t n_routes)
{
	int route =
		report_setting(context, cfg, "remove a route that is not in the configuration",
			       link_remove_own_routes(context->links, ifindex, routes, n_routes));
	int address = report_setting(
		context, cfg, "remove an address that is not in the configuration",
		link_remove_addresses(context->links, ifindex, cfg->addresses, cfg->n_addresses));

	return route < 0 ? route : address;
}

/* The report of an error once, because the guard tries again. */
static void report_route(struct ports *ports, uint32_t slot, const struct port_cfg *cfg,
			 const struct route *route, int error)
{
	struct port_state *state = &ports->state[slot];
	char text[ADDRESS_TEXT_LEN];

	if (error == 0 || error == state->route_error)
		return;
	state->route_error = error;
	address_to_text(&route->to, true, text);
	if (error == -EEXIST)
		context_report(
			ports->context, EVENT_PORT_SETTING, cfg->interface,
			"cannot add the route to %s: another route to it has this metric; remove that one, or add the route under routes with a metric",
			text);
	else
		context_report(ports->context, EVENT_PORT_SETTING, cfg->interface,
			       "cannot add the route to %s: %s", text, strerror(-error));
}

/* Adds what is missing. Returns whether everything is there now. */
static bool add_missing(struct ports *ports, uint32_t slot, uint32_t ifindex,
			const struct port_cfg *cfg, uint64_t addresses, uint64_t routes)
{
	struct link_monitor *links = ports->context->links;
	struct route list[PORT_MAX_ROUTES];
	size_t n = port_routes(cfg, false, list);
	bool complete = true;

	for (size_t i = 0; i < cfg->n_addresses; i++) {
		int r = addresses & 1ULL << i ?
				link_add_address(links, ifindex, &cfg->addresses[i], 0) :
				0;

		report_setting(ports->context, cfg, "add an address", r);
		complete = complete && r == 0;
	}
	for (size_t i = 0; i < n; i++) {
		int r = routes & 1ULL << i ? link_add_own_route(links, ifindex, &list[i]) : 0;

		report_route(ports, slot, cfg, &list[i], r);
		complete = complete && r == 0;
	}
	if (complete)
		ports->state[slot].route_error = 0;
	return complete;
}

static void set_mtu(const struct switch_context *context, const struct link_info *info,
		    const struct port_cfg *cfg)
{
	if (info->mtu != context->cfg->mtu)
		report_setting(context, cfg, "set the MTU",
			       link_set_mtu(context->links, info->ifindex, context->cfg->mtu));
}

/* The guard tries again what fails. */
static void apply_settings(struct ports *ports, uint32_t slot, const struct link_info *host,
			   const struct port_cfg *cfg)
{
	const struct switch_context *context = ports->context;
	struct link_monitor *links = context->links;
	struct route routes[PORT_MAX_ROUTES];
	int mac = 0, up = 0, others;

	if (cfg->has_mac && memcmp(host->mac, cfg->mac, sizeof(host->mac)) != 0)
		mac = link_set_mac(links, host->ifindex, cfg->mac);
	report_setting(context, cfg, "set the MAC address", mac);
	set_mtu(context, host, cfg);
	if (!host->admin_up)
		up = link_set_up(links, host->ifindex, true);
	report_setting(context, cfg, "set the interface up", up);
	others =
		remove_others(context, host->ifindex, cfg, routes, port_routes(cfg, false, routes));
	ports->state[slot].host_unset = mac < 0 || up < 0 || others < 0;
	(void)add_missing(ports, slot, host->ifindex, cfg, UINT64_MAX, UINT64_MAX);
}

int host_port_make(struct ports *ports, uint32_t slot, const struct port_cfg *cfg)
{
	const struct switch_context *context = ports->context;
	char far_end[UL_NAME_LEN];
	struct link_info host;
	int r;

	port_interface(&context->dp->ports[slot], far_end);
	r = make_pair(ports, slot, cfg, far_end);
	if (r != 0)
		return r < 0 ? r : 0;
	r = link_get_by_name(context->links, cfg->interface, &host);
	if (r < 0)
		return context_fail(context, r, "host port %s: the veth pair is gone again",
				    cfg->interface);
	apply_settings(ports, slot, &host, cfg);
	if (link_get(context->links, host.ifindex, &host) == 0)
		address_write_mac(ports, slot, host.mac);
	return 0;
}

/* ---- events ---- */
void host_port_changed(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	const struct switch_context *context = ports->context;
	const struct ul_port *port = &context->dp->ports[slot];
	const struct port_cfg *cfg = switch_find_port(context->cfg, port->name);
	char mac[MAC_TEXT_LEN];
	int owner;

	if (!cfg || memcmp(port->mac, info->mac, sizeof(port->mac)) == 0)
		return;
	mac_format(info->mac, mac);
	owner = address_other_owner(ports, slot, UL_VLAN_TRUNK, info->mac);
	if (cfg->has_mac || owner >= 0) {
		port_report(ports, slot, EVENT_ADDRESS_REFUSED,
			    "has the address %s, which %s; its frames are dropped as forged_source",
			    mac,
			    owner >= 0 ? "belongs to another port" :
					 "is not the address in the configuration");
		return;
	}
	if (address_change_own(ports, slot, info->mac) < 0)
		port_report(ports, slot, EVENT_TABLE_FULL, "the address table is full");
	port_report(ports, slot, EVENT_PORT_ADDRESS, "changed its address to %s", mac);
}

/* ---- changes by other software ---- */
/* Without an answer of the kernel nothing counts as missing. */
static bool find_missing(const struct switch_context *context, uint32_t ifindex,
			 const struct port_cfg *cfg, uint64_t *ret_addresses, uint64_t *ret_routes)
{
	struct route routes[PORT_MAX_ROUTES];
	size_t n = port_routes(cfg, false, routes);

	*ret_addresses = *ret_routes = 0;
	if (cfg->n_addresses && link_find_missing_addresses(context->links, ifindex, cfg->addresses,
							    cfg->n_addresses, ret_addresses) < 0)
		return false;
	if (n && link_find_missing_routes(context->links, ifindex, routes, n, ret_routes) < 0)
		return false;
	return *ret_addresses || *ret_routes;
}

static void report_repair(struct ports *ports, uint32_t slot, struct repair *repair,
			  const char *what, uint64_t now_ms)
{
	repair_made(repair, now_ms);
	port_report(ports, slot, EVENT_SETTING_CHANGED,
		    "other software changed %s; set again, the next time after %u s", what,
		    repair->interval_ms / 1000);
}

/* An administrator who sets the interface down removes its routes and IPv6 addresses on purpose. */
static uint32_t guard_addresses(struct ports *ports, uint32_t slot, const struct link_info *host,
				const struct port_cfg *cfg, uint64_t now_ms)
{
	struct repair *repair = &ports->state[slot].address_repair;
	uint64_t addresses, routes;

	if (!host->admin_up ||
	    !find_missing(ports->context, host->ifindex, cfg, &addresses, &routes))
		return 0;
	if (!repair_is_due(repair, now_ms))
		return UL_PROBLEM_HOST_ADDRESS;
	if (!add_missing(ports, slot, host->ifindex, cfg, addresses, routes)) {
		repair_made(repair, now_ms);
		return UL_PROBLEM_HOST_ADDRESS;
	}
	report_repair(ports, slot, repair, "an address or a route", now_ms);
	return 0;
}

/* What could not be set, or removed, when the port was made or its configuration changed. */
static uint32_t guard_settings(struct ports *ports, uint32_t slot, const struct link_info *host,
			       const struct port_cfg *cfg, uint64_t now_ms)
{
	struct port_state *state = &ports->state[slot];

	if (state->host_unset && repair_is_due(&state->address_repair, now_ms)) {
		repair_made(&state->address_repair, now_ms);
		apply_settings(ports, slot, host, cfg);
	}
	return state->host_unset ? UL_PROBLEM_HOST_ADDRESS : 0;
}

static uint32_t guard_mtu(struct ports *ports, uint32_t slot, const struct link_info *host,
			  const struct port_cfg *cfg, uint64_t now_ms)
{
	const struct switch_context *context = ports->context;
	struct repair *repair = &ports->state[slot].mtu_repair;
	struct link_info far;

	if (link_get(context->links, context->dp->ports[slot].ifindex, &far) < 0)
		far = *host;
	if (host->mtu == context->cfg->mtu && far.mtu == context->cfg->mtu)
		return 0;
	if (!repair_is_due(repair, now_ms))
		return UL_PROBLEM_PORT_MTU;
	set_mtu(context, host, cfg);
	set_mtu(context, &far, cfg);
	report_repair(ports, slot, repair, "the MTU", now_ms);
	return 0;
}

uint32_t host_port_guard(struct ports *ports, uint32_t slot, uint64_t now_ms)
{
	const struct switch_context *context = ports->context;
	const struct ul_port *port = &context->dp->ports[slot];
	const struct port_cfg *cfg = switch_find_port(context->cfg, port->name);
	char far_end[UL_NAME_LEN];
	struct link_info host;

	if (!cfg || !cfg->host)
		return 0;
	port_interface(port, far_end);
	/* Renamed or moved, it is left alone. */
	if (host_port_find_pair(context->links, cfg->interface, far_end) < 0 ||
	    link_get_by_name(context->links, cfg->interface, &host) < 0)
		return 0;
	return guard_settings(ports, slot, &host, cfg, now_ms) |
	       guard_addresses(ports, slot, &host, cfg, now_ms) |
	       guard_mtu(ports, slot, &host, cfg, now_ms);
}
