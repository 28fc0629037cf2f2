// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Life of a port. A slot is filled by the configuration (port_apply()), connected to its interface
 * when that exists (port_connect()), disconnected when the interface disappears, and cleared when
 * the configuration does not have the port any longer (port_release()).
 */
#include "port/ports.h"

#include <stdarg.h>

#include "config/value.h"
#include "context/saved_settings.h"
#include "dataplane/dataplane.h"
#include "dataplane/records.h"
#include "link/netdev_uapi.h"
#include "port/attachment.h"
#include "port/internal.h"

#define FRAME_OVERHEAD 18 /* Ethernet header and one tag */
#define DELIVERY_FLAGS (UL_PORT_XDP | UL_PORT_XDP_TCP)
#define KEPT_FLAGS                                                                      \
	(DELIVERY_FLAGS | UL_PORT_PROBLEM_FLAGS | UL_PORT_ERROR_MASK | UL_PORT_ABSENT | \
	 UL_PORT_MUTED | UL_PORT_LIMITED)
/* Events of unknown sources: enough for a nested hypervisor that starts; then 200 per second. */
#define EVENT_BURST 4096
#define EVENT_INTERVAL_MS 5
#define BRIDGE_BURST 32 /* containers that a CNI plugin starts at once */
#define BRIDGE_INTERVAL_MS 1000
#define MOVE_BURST 512
#define MOVE_INTERVAL_MS 50

void port_report(struct ports *ports, uint32_t slot, enum event_code code, const char *format, ...)
{
	struct rate_limit *own = &ports->state[slot].reports;
	char text[256], note[RATE_LIMIT_NOTE_LEN];
	uint64_t suppressed, others;
	va_list ap;

	if (!rate_limit_admit(own, now_ms(), &suppressed))
		return;
	/* Its own count is exact; that of all ports is not reported, because each has its own. */
	if (!rate_limit_admit(&ports->all_reports, now_ms(), &others)) {
		own->suppressed = suppressed + 1;
		return;
	}
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	context_report(ports->context, code, ports->context->dp->ports[slot].name, "%s%s", text,
		       rate_limit_note(suppressed, note));
}

/* ---- delivery ---- */
/* XDP_REDIRECT loses frames silently when the driver does not accept them. The kernel reports that
 * from 6.3 on; taps have accepted them in all supported versions. */
static bool accepts_xdp(const struct ports *ports, uint32_t slot, const struct link_info *info)
{
	/* All frames of a port go the same way, or they would overtake each other: a port for jumbo
	 * frames, which XDP cannot redirect, gets all frames by TC. */
	if (ports->context->cfg->receive == UL_RECEIVE_TC ||
	    ports->context->dp->ports[slot].max_frame > UL_MAX_XDP_FRAME)
		return false;
	if (info->xdp_features_known)
		return info->xdp_features & NETDEV_XDP_ACT_NDO_XMIT;
	return strcmp(info->kind, "tun") == 0;
}

/* The devmap entry stays when the flag goes: a program that has just read the flag may use it. 0,
 * also when the kernel has no such entries for this interface, or negative errno; then the port
 * gets its frames by TC. */
static int update_xdp(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	struct dataplane *dp = ports->context->dp;
	uint32_t flags = dp->ports[slot].flags & ~(uint32_t)DELIVERY_FLAGS;
	bool accepts = accepts_xdp(ports, slot, info);
	int r = accepts ? dataplane_set_xdp_target(dp, slot, info->ifindex) : 0;

	if (accepts && r == 0)
		flags |= UL_PORT_XDP |
			 (ports->context->cfg->receive == UL_RECEIVE_XDP ? UL_PORT_XDP_TCP : 0);
	port_write_flags(dp, slot, flags);
	return r == -EINVAL || r == -ENODEV ? 0 : r;
}

/* Frame length and way of delivery; they depend on MTU and features of the interface. 0 or negative
 * errno, as update_xdp(). */
static int update_delivery(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	uint32_t limit = ports->context->cfg->mtu, mtu = info->mtu < limit ? info->mtu : limit;

	port_write_max_frame(ports->context->dp, slot, mtu + FRAME_OVERHEAD);
	return update_xdp(ports, slot, info);
}

/* ---- interface ---- */
static void report_setting(struct ports *ports, uint32_t slot, const char *what, const char *name,
			   int error)
{
	if (error < 0)
		port_report(ports, slot, EVENT_PORT_SETTING, "cannot %s %s: %s", what, name,
			    strerror(-error));
}

/* The addresses go first: frames to the machine must not be sent to its former interface. */
static void port_disconnect(struct ports *ports, uint32_t slot)
{
	struct dataplane *dp = ports->context->dp;
	uint32_t ifindex = dp->ports[slot].ifindex;

	if (!ports->state[slot].gone_since_ms)
		ports->state[slot].gone_since_ms = now_ms();
	if (!ifindex)
		return;
	address_remove_port(ports, slot);
	port_write_flags(dp, slot, dp->ports[slot].flags & ~(uint32_t)DELIVERY_FLAGS);
	table_remove(&dp->ifaces, ul_iface_key(ifindex));
	if (dataplane_detach(dp, ifindex) < 0)
		context_unreleased(ports->context);
	dataplane_set_xdp_target(dp, slot, 0);
	ports->state[slot].attached = 0;
	ports->state[slot].isolated = 0;
	ports->state[slot].refused = 0;
	port_write_error(dp, slot, 0);
	port_write_ifindex(dp, slot, 0);
	presence_lost(ports, slot);
	saved_settings_restore(ports->context, ifindex, NULL);
}

/*
 * MTU of a host port's far end, administrative state, IPv6: the switch's end of a port must not
 * send by itself, and neighbour discovery into the machine would. info is brought up to date. 0,
 * also when a setting cannot be made, or negative errno with a reason. *ret_retry: negative errno
 * when the interface could not be set up, or isolated in its bridge; other settings are made again
 * by the guards. A host port is deleted with its port, so its settings are not recorded. An
 * attached interface is set up by its owner; master: its bridge or 0.
 */
static int apply_settings(struct ports *ports, uint32_t slot, bool fresh, uint32_t master,
			  struct link_info *info, int *ret_retry)
{
	const struct switch_context *context = ports->context;
	struct port_state *state = &ports->state[slot];
	bool host = context->dp->ports[slot].flags & UL_PORT_HOST, ipv6 = false;
	bool set_up = !info->admin_up && (fresh || state->not_up == info->ifindex) &&
		      !(context->dp->ports[slot].flags & UL_PORT_ATTACHED);
	bool isolate = master && ports->state[slot].isolated != master;
	uint32_t settings = 0;
	int r;

	if (ports->state[slot].attached != info->ifindex) {
		r = link_get_ipv6(context->links, info->ifindex, &ipv6);
		/* After a failure for a moment the value of before would be lost. */
		if (r < 0 && r != -EOPNOTSUPP && r != -ENODEV)
			r = link_get_ipv6(context->links, info->ifindex, &ipv6);
		if (r != -EOPNOTSUPP)
			report_setting(ports, slot, "read disable_ipv6 of", info->name, r);
	}
	settings |= ipv6 ? UL_SAVED_IPV6 : 0;
	settings |= set_up ? UL_SAVED_DOWN : 0;
	settings |= isolate ? UL_SAVED_NOT_ISOLATED : 0;
	r = host || !settings ? 0 : saved_settings_note(context, info, SAVED_PORT, settings);
	if (r < 0)
		return r;
	if (ipv6)
		report_setting(ports, slot, "disable IPv6 on", info->name,
			       link_set_ipv6(context->links, info->ifindex, false));
	if (isolate) {
		r = link_isolate_bridge_port(context->links, info->ifindex, true);
		report_setting(ports, slot, "isolate in its bridge", info->name, r);
		ports->state[slot].isolated = r == 0 ? master : 0;
		/* -EOPNOTSUPP: it has left the bridge, which is an event */
		*ret_retry = r == -ENODEV || r == -EOPNOTSUPP ? 0 : r;
	}
	if (host && info->mtu != context->cfg->mtu &&
	    link_set_mtu(context->links, info->ifindex, context->cfg->mtu) == 0)
		info->mtu = context->cfg->mtu;
	state->not_up = 0;
	if (!set_up)
		return 0;
	r = link_set_up(context->links, info->ifindex, true);
	report_setting(ports, slot, "set up", info->name, r);
	if (r < 0 && r != -ENODEV) {
		state->not_up = info->ifindex;
		*ret_retry = r;
	}
	(void)link_refresh_get(context->links, info->ifindex, info);
	return 0;
}

/* 0 or negative errno with a reason. Then an interface that was not connected is as it was found,
 * and one that was connected (by the daemon before this one, or in the set that is to be replaced)
 * still is. */
static int attach(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	struct dataplane *dp = ports->context->dp;
	uint64_t key = ul_iface_key(info->ifindex);
	bool connected = dp->ports[slot].ifindex == info->ifindex;
	int r = table_set(&dp->ifaces, key, UL_ENDPOINT_PORT0 + slot);

	if (r < 0) {
		context_fail(ports->context, r, "port %s: cannot add it to the interface table",
			     dp->ports[slot].name);
	} else if (ports->state[slot].attached != info->ifindex) {
		r = dataplane_attach_port(dp, info->ifindex, info->name);
		if (r < 0 && !connected)
			table_remove(&dp->ifaces, key);
	}
	/* in a set that is to be replaced it may be connected, and forwards until then */
	if (r < 0 && !connected && !dp->staged)
		saved_settings_restore(ports->context, info->ifindex, NULL);
	if (r == 0)
		ports->state[slot].attached = info->ifindex;
	return r;
}

/* Negative errno also when the port is connected and something is left to be done. */
static int connect_interface(struct ports *ports, uint32_t slot, uint32_t master,
			     const struct link_info *seen)
{
	const struct switch_context *context = ports->context;
	const struct ul_port *port = &context->dp->ports[slot];
	struct link_info info = *seen;
	bool fresh = port->ifindex != info.ifindex;
	int r, retry = 0, delivery;

	if (fresh) {
		port_disconnect(ports, slot);
		attached_begin(ports, slot, &info);
	}
	r = apply_settings(ports, slot, fresh, master, &info, &retry);
	if (r == 0)
		r = attach(ports, slot, &info);
	if (r < 0)
		return r;
	/* Before the ifindex: writing the table may wait for a grace period, and a port with an
	 * interface must be found. */
	if (address_add_own(ports, slot) < 0)
		port_report(ports, slot, EVENT_TABLE_FULL,
			    "the address table is full: frames to this port are flooded");
	port_write_ifindex(context->dp, slot, info.ifindex);
	ports->state[slot].gone_since_ms = 0;
	delivery = update_delivery(ports, slot, &info);
	report_setting(ports, slot, "deliver by XDP to", info.name, delivery);
	presence_update(ports, slot, &info);
	return retry ? retry : delivery;
}

/* ---- host ports and interfaces ---- */
/* Makes the pair of a host port, or brings it up to date. A name that is in use becomes free with
 * an event; other failures are tried again. 0 or negative errno with a reason. */
static int make_host_port(struct ports *ports, uint32_t slot, const struct port_cfg *cfg)
{
	struct port_state *state = &ports->state[slot];
	int r = host_port_make(ports, slot, cfg);

	port_write_error(ports->context->dp, slot, r);
	state->unmade = r < 0 && r != -EEXIST;
	if (state->unmade)
		port_schedule_retry(ports, slot);
	else if (r == 0 && !state->refused)
		state->retry_ms = 0;
	return r;
}

void port_recreate_pair(struct ports *ports, uint32_t slot)
{
	const struct switch_context *context = ports->context;
	const struct port_cfg *cfg = switch_find_port(context->cfg, context->dp->ports[slot].name);

	ports->state[slot].unmade = false;
	if (!cfg || !cfg->host || make_host_port(ports, slot, cfg) < 0)
		return;
	/* The switch's end is connected when its event arrives. */
	port_report(ports, slot, EVENT_HOST_PORT, "the veth pair was created again");
	if (address_add_own(ports, slot) < 0)
		port_report(ports, slot, EVENT_TABLE_FULL, "the address table is full");
}

void port_connect(struct ports *ports, uint32_t slot, const struct link_info *seen)
{
	const struct switch_context *context = ports->context;
	struct port_state *state = &ports->state[slot];
	uint32_t master = attached_master(ports, slot, seen);
	struct link_info own = *seen, *info = &own;
	int r;

	(void)attached_hide_master(ports, slot, info);
	r = port_check_interface(ports, slot, info);

	/* No retry: an event follows when the interface leaves its bridge, and what is no Ethernet
	 * stays so. */
	if (r == 0) {
		r = port_check_unused(ports, slot, info);
		if (r == 0)
			r = connect_interface(ports, slot, master, info);
		/* Until a staged set takes over, the former one forwards. */
		if (r < 0 && r != -ENODEV && context->dp->staged)
			r = connect_interface(ports, slot, master, info);
		if (r < 0) {
			state->refused = info->ifindex;
			port_schedule_retry(ports, slot);
		} else {
			state->refused = 0;
			state->retry_ms = 0;
		}
	}
	port_write_error(context->dp, slot, r);
}

/* ---- slot ---- */
/* Never 0. */
static uint16_t mac_digest(const uint8_t mac[6])
{
	uint64_t h = (ul_fdb_key(0, mac) >> 16) * 0x9e3779b97f4a7c15ULL;

	return (uint16_t)(h >> 48) | 1;
}

void port_note_change(struct ports *ports, uint32_t slot)
{
	struct dataplane *dp = ports->context->dp;
	const struct ul_port *port = &dp->ports[slot];
	const struct port_cfg *cfg = switch_find_port(ports->context->cfg, port->name);
	bool changed = cfg && cfg->has_mac && memcmp(cfg->mac, port->mac, 6) != 0;

	port_write_changed_from(dp, slot, changed ? mac_digest(cfg->mac) : 0);
}

/* Whether the configuration gives the address to another port in a VLAN of the group. */
static bool is_configured_elsewhere(const struct switch_cfg *cfg, const struct group_cfg *group,
				    const struct port_cfg *port, const uint8_t mac[6])
{
	for (size_t g = 0; g < cfg->n_groups; g++) {
		const struct group_cfg *other = &cfg->groups[g];
		unsigned int vid;

		for (size_t p = 0; p < other->n_ports; p++)
			if (&other->ports[p] != port && other->ports[p].has_mac &&
			    memcmp(other->ports[p].mac, mac, 6) == 0 &&
			    vlans_overlap(group, other, &vid))
				return true;
	}
	return false;
}

/* An address that the machine has changed stays while the configured one is the same. */
static void fill_mac(struct ports *ports, uint32_t slot, const struct port_cfg *cfg,
		     const struct group_cfg *group, bool fresh)
{
	struct dataplane *dp = ports->context->dp;
	const struct ul_port *port = &dp->ports[slot];

	if (!cfg->has_mac ||
	    (!fresh && group->security.mac_changes && port->changed_from == mac_digest(cfg->mac) &&
	     !is_configured_elsewhere(ports->context->cfg, group, cfg, port->mac)))
		return;
	port_write_changed_from(dp, slot, 0);
	if (memcmp(port->mac, cfg->mac, sizeof(port->mac)) == 0)
		return;
	address_write_mac(ports, slot, cfg->mac);
	/* No frame has come from the new address. */
	if (!fresh)
		port_raise_life(dp, slot);
}

static void fill_learning(struct ports *ports, uint32_t slot, const struct learning_cfg *cfg)
{
	ports->state[slot].learning_policy = cfg->policy;
	if (ports->ages)
		mac_ages_set_limit(ports->ages, slot, cfg->limit, (uint64_t)cfg->age_s * 1000);
}

static void fill_slot(struct ports *ports, uint32_t slot, const struct port_cfg *cfg,
		      const struct group_cfg *group_cfg, uint32_t group, bool fresh)
{
	struct dataplane *dp = ports->context->dp;
	const struct ul_port *port = &dp->ports[slot];
	const struct ul_group *to = &dp->groups[group];
	uint32_t kept = fresh ? UL_PORT_ABSENT : port->flags & KEPT_FLAGS;
	struct ul_port_vlan vlan = {
		.mode = to->vlan_mode,
		.vid = to->vid,
		/* The flag of the VLAN is brought up to date with the VLANs. */
		.group_flags = to->flags | (port->vlan.group_flags & UL_GROUP_VLAN_NEEDS_COPIES),
	};

	if (cfg->attached && attached_waits(port, to, fresh))
		vlan.group_flags |= UL_GROUP_MAC_CHANGES;

	if (fresh)
		port_write_name(dp, slot, cfg->interface);
	fill_mac(ports, slot, cfg, group_cfg, fresh);
	fill_learning(ports, slot, &group_cfg->security.learning);
	if (fresh || port->policy != to->policy)
		port_write_number(dp, slot, port_choose_number(ports, slot, to->policy));
	if (!port->ifindex)
		port_write_max_frame(dp, slot, ports->context->cfg->mtu + FRAME_OVERHEAD);
	port_write_group(dp, slot, group);
	port_write_policy(dp, slot, to->policy);
	port_write_vlan(dp, slot, vlan);
	if (fresh || !ports->state[slot].exact_keys)
		address_assign_keys_of(ports, slot);
	port_write_flags(dp, slot,
			 UL_PORT_USED | kept | (cfg->host ? UL_PORT_HOST : 0) |
				 (cfg->runtime ? UL_PORT_RUNTIME : 0) |
				 (cfg->attached ? UL_PORT_ATTACHED : 0));
}

static int take_slot(struct ports *ports, const struct port_cfg *cfg, bool *ret_fresh)
{
	struct dataplane *dp = ports->context->dp;
	int slot = port_slot_by_name(ports, cfg->interface);

	*ret_fresh = slot < 0;
	if (slot >= 0)
		return slot;
	slot = port_free_slot(ports);
	if (slot < 0)
		return context_fail(ports->context, slot, "port %s: no free slot", cfg->interface);
	port_clear(dp, (uint32_t)slot);
	/* The address of the former port may be confirmed. */
	port_raise_life(dp, (uint32_t)slot);
	dataplane_reset_stats(dp, UL_ENDPOINT_PORT0 + (uint32_t)slot);
	port_state_reset(&ports->state[slot]);
	return slot;
}

static int port_apply(struct ports *ports, const struct group_cfg *group_cfg,
		      const struct port_cfg *cfg, uint32_t group)
{
	char interface[UL_NAME_LEN];
	struct link_info info;
	bool fresh, there;
	int slot = take_slot(ports, cfg, &fresh), r = 0, found;

	if (slot < 0)
		return slot;
	fill_slot(ports, (uint32_t)slot, cfg, group_cfg, group, fresh);
	port_interface(&ports->context->dp->ports[slot], interface);
	if (cfg->host)
		r = make_host_port(ports, (uint32_t)slot, cfg);
	/* An interface that is connected stays so when its pair could not be brought up to date. */
	found = context_find_interface(ports->context->links, interface, &info);
	if (found < 0 && found != -ENODEV)
		return context_fail(ports->context, found, "port %s: cannot look for %s",
				    cfg->interface, interface);
	there = found == 0 && (r == 0 || info.ifindex == ports->context->dp->ports[slot].ifindex);
	if (there) {
		port_connect(ports, (uint32_t)slot, &info);
	} else {
		port_disconnect(ports, (uint32_t)slot);
		port_forget_problems(ports, (uint32_t)slot);
	}
	if (r < 0)
		port_write_error(ports->context->dp, (uint32_t)slot, r);
	if (!there && fresh && !cfg->host)
		context_report(ports->context, EVENT_PORT_WAITING, cfg->interface,
			       "interface not found; the port is connected when it appears");
	return 0;
}

static void port_release(struct ports *ports, uint32_t slot)
{
	struct dataplane *dp = ports->context->dp;
	const struct ul_port *port = &dp->ports[slot];
	char interface[UL_NAME_LEN];
	struct link_info info;

	port_interface(port, interface);
	port_disconnect(ports, slot);
	if (port->flags & UL_PORT_HOST &&
	    (link_get_by_name(ports->context->links, interface, &info) < 0 ||
	     link_delete(ports->context->links, info.ifindex) == 0))
		saved_settings_forget_made(ports->context, SAVED_PAIR, port->name);
	port_clear(dp, slot);
	port_state_reset(&ports->state[slot]);
	ports->callbacks.on_left(ports->callbacks.userdata, slot);
}

/* ---- run-time ports without an interface ---- */
bool ports_next_forgotten(const struct ports *ports, uint64_t now_ms, char ret_name[UL_NAME_LEN])
{
	const struct dataplane *dp = ports->context->dp;

	for (uint32_t slot = 0; slot < dp->max_ports; slot++) {
		uint64_t since = ports->state[slot].gone_since_ms;

		if (!port_is_used(ports, slot) || !(dp->ports[slot].flags & UL_PORT_RUNTIME) ||
		    !since || now_ms < since + RUNTIME_PORT_KEPT_MS)
			continue;
		snprintf(ret_name, UL_NAME_LEN, "%s", dp->ports[slot].name);
		return true;
	}
	return false;
}

/* ---- all ports ---- */
int ports_release_removed(struct ports *ports, const struct switch_cfg *cfg)
{
	uint32_t max = ports->context->dp->max_ports;
	_cleanup_free_ bool *wanted = calloc(max, sizeof(*wanted));

	if (!wanted)
		return context_fail(ports->context, -ENOMEM, "cannot compare the ports");
	for (size_t g = 0; g < cfg->n_groups; g++) {
		for (size_t p = 0; p < cfg->groups[g].n_ports; p++) {
			int slot = port_slot_by_name(ports, cfg->groups[g].ports[p].interface);

			if (slot >= 0)
				wanted[slot] = true;
		}
	}
	for (uint32_t slot = 0; slot < max; slot++)
		if (port_is_used(ports, slot) && !wanted[slot])
			port_release(ports, slot);
	return 0;
}

int ports_apply(struct ports *ports, const uint32_t *group_index)
{
	const struct switch_cfg *cfg = ports->context->cfg;
	int r = ports_release_removed(ports, cfg);

	address_assign_keys(ports);
	if (r == 0)
		r = port_guard_start(ports);
	for (size_t g = 0; r == 0 && g < cfg->n_groups; g++)
		for (size_t p = 0; r == 0 && p < cfg->groups[g].n_ports; p++)
			r = port_apply(ports, &cfg->groups[g], &cfg->groups[g].ports[p],
				       group_index[g]);
	return r;
}

void ports_release_all(struct ports *ports)
{
	for (uint32_t slot = 0; slot < ports->context->dp->max_ports; slot++)
		if (port_is_used(ports, slot))
			port_release(ports, slot);
}

/* ---- events ---- */
static int port_of_link(struct ports *ports, const struct link_info *info)
{
	int slot = port_by_interface(ports, info->name);
	uint32_t endpoint;

	for (size_t i = 0; slot < 0 && i < LINK_MAX_ALT_NAMES && info->alt_names[i][0]; i++)
		slot = port_by_interface(ports, info->alt_names[i]);
	/* It has lost the alternative name by which it was found. */
	if (slot < 0 &&
	    table_get(&ports->context->dp->ifaces, ul_iface_key(info->ifindex), &endpoint) == 0 &&
	    endpoint >= UL_ENDPOINT_PORT0 &&
	    endpoint - UL_ENDPOINT_PORT0 < ports->context->dp->max_ports &&
	    port_is_used(ports, endpoint - UL_ENDPOINT_PORT0))
		slot = (int)(endpoint - UL_ENDPOINT_PORT0);
	return slot;
}

/* The host's end of a host port. When both ends are gone, the event of either creates the pair
 * again. */
static void on_host_end(struct ports *ports, uint32_t slot, const struct link_info *info,
			unsigned int changes)
{
	const struct ul_port *port = &ports->context->dp->ports[slot];
	struct link_info present;

	if (!(changes & LINK_REMOVED))
		host_port_changed(ports, slot, info);
	else if (!port->ifindex &&
		 link_get_by_name(ports->context->links, port->name, &present) < 0)
		port_recreate_pair(ports, slot);
}

static void on_removed(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	const struct ul_port *port = &ports->context->dp->ports[slot];

	/* The event may be about a predecessor: another interface of the name is connected. */
	if (port->ifindex && port->ifindex != info->ifindex)
		return;
	if (ports->state[slot].refused == info->ifindex)
		ports->state[slot].refused = 0;
	port_write_error(ports->context->dp, slot, 0);
	port_report(ports, slot, EVENT_PORT_GONE, "the interface disappeared");
	port_disconnect(ports, slot);
	port_forget_problems(ports, slot);
	if (port->flags & UL_PORT_HOST)
		port_recreate_pair(ports, slot);
}

/* Limited, because other software may set it up whenever it is set down. */
static void on_bridge_up(struct ports *ports, const char *name)
{
	uint64_t suppressed;

	if (switch_has_bridge(ports->context->cfg, name) &&
	    rate_limit_admit(&ports->bridges_down, now_ms(), &suppressed))
		attachment_keep_down(ports->context, name);
}

bool ports_link_event(struct ports *ports, const struct link_info *info, unsigned int changes)
{
	int slot = port_of_link(ports, info);
	char interface[UL_NAME_LEN];
	const struct ul_port *port;

	if (slot < 0) {
		if (info->admin_up && strcmp(info->kind, "bridge") == 0)
			on_bridge_up(ports, info->name);
		return false;
	}
	port = &ports->context->dp->ports[slot];
	port_interface(port, interface);
	if (!link_has_name(info, interface) && port->ifindex != info->ifindex) {
		on_host_end(ports, (uint32_t)slot, info, changes);
	} else if (changes & LINK_REMOVED || !link_has_name(info, interface)) {
		on_removed(ports, (uint32_t)slot, info);
	} else if (port->ifindex != info->ifindex) {
		/* The settings that an attempt makes and undoes cause events, too. */
		if (ports->state[slot].refused == info->ifindex && !(changes & LINK_ADDED))
			return true;
		if (!(context_problems_of(info) & ports->state[slot].reported_problems))
			port_report(ports, (uint32_t)slot, EVENT_PORT_PRESENT,
				    "the interface appeared");
		port_connect(ports, (uint32_t)slot, info);
	} else {
		if (port->flags & UL_PORT_ERROR_MASK && !ports->state[slot].refused) {
			/* it may have left its bridge */
			port_connect(ports, (uint32_t)slot, info);
		} else if (changes & (LINK_ADDED | LINK_CHANGED)) {
			if (update_delivery(ports, (uint32_t)slot, info) < 0)
				port_connect(ports, (uint32_t)slot, info);
			port_guard(ports, (uint32_t)slot, info);
		}
		presence_update(ports, (uint32_t)slot, info);
	}
	return true;
}

/* ---- life cycle ---- */
void port_state_reset(struct port_state *state)
{
	*state = (struct port_state){
		.reports = RATE_LIMIT(REPORT_BURST, REPORT_INTERVAL_MS),
		.events = RATE_LIMIT(EVENT_BURST, EVENT_INTERVAL_MS),
		.moves = RATE_LIMIT(MOVE_BURST, MOVE_INTERVAL_MS),
	};
}

int ports_new(const struct switch_context *context, const struct ports_callbacks *callbacks,
	      struct ports **ret)
{
	struct ports *ports = calloc(1, sizeof(*ports));
	int r;

	if (!ports)
		return context_fail(context, -ENOMEM, "cannot create the ports");
	ports->context = context;
	ports->callbacks = *callbacks;
	ports->all_reports = RATE_LIMIT(ALL_REPORT_BURST, ALL_REPORT_INTERVAL_MS);
	ports->bridges_down = RATE_LIMIT(BRIDGE_BURST, BRIDGE_INTERVAL_MS);
	ports->full_reports = RATE_LIMIT(1, FULL_REPORT_INTERVAL_MS);
	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++)
		port_state_reset(&ports->state[slot]);
	r = presence_start(ports);
	if (r < 0) {
		ports_free(ports);
		return context_fail(context, r, "cannot create the timers of the ports");
	}
	*ret = ports;
	return 0;
}

void ports_free(struct ports *ports)
{
	if (!ports)
		return;
	ports_stop_learning(ports);
	sd_event_source_disable_unref(ports->guard_timer);
	sd_event_source_disable_unref(ports->look_timer);
	sd_event_source_disable_unref(ports->retry_timer);
	free(ports);
}
