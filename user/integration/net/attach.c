// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/attach.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "common/util.h"

/* ---- life cycle ---- */
static int open_host(sd_event **ret_event, struct link_monitor **ret_links, struct failure *failure)
{
	int r = sd_event_new(ret_event);

	if (r >= 0)
		r = link_monitor_new(*ret_event, netns_ignore_change, NULL, ret_links);
	return r < 0 ? failure_set(failure, FAILURE_SYSTEM, r, "cannot list the interfaces") : 0;
}

/* *attach is always to be closed. */
static int attach_open(struct attach *attach, const struct attachment *want,
		       struct failure *failure)
{
	*attach = (struct attach){ .want = want, .netns = NETNS_CLOSED };
	identity_host_end(&want->id, attach->host_end);
	if (want->has_mac)
		memcpy(attach->mac, want->mac, sizeof(attach->mac));
	else
		identity_mac(&want->id, attach->mac);
	return open_host(&attach->event, &attach->links, failure);
}

static void attach_close(struct attach *attach)
{
	netns_close(&attach->netns);
	link_monitor_free(attach->links);
	sd_event_unref(attach->event);
}

static int run_open(const struct attachment *want, attach_step step, void *userdata,
		    struct failure *failure)
{
	struct attach attach;
	int r = attach_open(&attach, want, failure);

	if (r == 0)
		r = step(&attach, userdata, failure);
	attach_close(&attach);
	return r;
}

/* ---- the host's end ---- */
/* Whether the interface with the name of the host's end is one of this attachment. 1: yes, *ret is
 * it; 0: there is none. -EEXIST with a reason: it belongs to something else. */
static int find_host_end(struct attach *attach, struct link_info *ret, struct link_veth *ret_veth,
			 struct failure *failure)
{
	char alias[LINK_ALIAS_LEN];
	struct link_veth veth = {};
	struct link_info info;
	int r = link_refresh_get_by_name(attach->links, attach->host_end, &info);

	if (r == -ENODEV)
		return 0;
	if (r == 0)
		r = link_get_veth(attach->links, info.ifindex, &veth);
	if (r == -ENODEV)
		return 0;
	identity_alias(&attach->want->id, alias);
	/* Without an alias: killed between its creation and the alias. */
	if (r == -ENXIO || (r == 0 && veth.alias[0] && strcmp(veth.alias, alias) != 0)) {
		failure_set(failure, FAILURE_COLLISION, 0,
			    "interface %s, the name of the host's end, belongs to other software "
			    "(alias '%s')",
			    attach->host_end, veth.alias);
		return -EEXIST;
	}
	if (r < 0)
		return failure_set(failure, FAILURE_SYSTEM, r, "interface %s", attach->host_end);
	*ret = info;
	*ret_veth = veth;
	return 1;
}

static int delete_host_end(struct attach *attach, uint32_t ifindex, struct failure *failure)
{
	int r = link_delete(attach->links, ifindex);

	return r < 0 ? failure_set(failure, FAILURE_SYSTEM, r, "cannot delete interface %s",
				   attach->host_end) :
		       0;
}

/* ---- ADD ---- */
static int remove_rest(struct attach *attach, struct failure *failure)
{
	struct port_state state;
	struct link_veth veth;
	struct link_info info;
	int r, found = find_host_end(attach, &info, &veth, failure);

	if (found < 0)
		return found;
	r = daemon_find_port(&attach->want->place, attach->host_end, &state, failure);
	if (r < 0)
		return r;
	if (state.exists && !state.runtime)
		return failure_set(failure, FAILURE_COLLISION, 0,
				   "port %s, the name of the host's end, is in the configuration "
				   "of uplinkd",
				   attach->host_end);
	if (state.exists) {
		r = daemon_detach_port(attach->want->place.socket, attach->host_end, failure);
		if (r < 0)
			return r;
	}
	return found ? delete_host_end(attach, info.ifindex, failure) : 0;
}

static int choose_mtu(struct attach *attach, struct failure *failure)
{
	const struct attachment *want = attach->want;
	uint32_t max;
	int r = daemon_find_group(&want->place, &max, failure);

	if (r < 0)
		return r;
	/* less than 1280 is no IPv6, less than 68 no IPv4 */
	if (want->mtu && (want->mtu < 68 || want->mtu > max))
		return failure_set(failure, FAILURE_CONFIG, 0,
				   "mtu: %u: must be 68-%u, which is the MTU of switch %s",
				   want->mtu, max, want->place.switch_name);
	attach->mtu = want->mtu ? want->mtu : max;
	return 0;
}

static int create_pair(struct attach *attach, struct failure *failure)
{
	const char *ifname = attach->want->id.ifname;
	const struct link_veth_end host = { .name = attach->host_end,
					    .mtu = attach->mtu,
					    .netns_fd = -1 },
				   container = { .name = ifname,
						 .mac = attach->mac,
						 .mtu = attach->mtu,
						 .netns_fd = attach->netns.fd };
	struct link_info info;
	int r = link_create_veth_pair(attach->links, &host, &container);

	if (r < 0)
		return failure_set(failure, FAILURE_SYSTEM, r,
				   "cannot create the veth pair %s and, in the container, %s",
				   attach->host_end, ifname);
	attach->created = true;
	r = link_refresh_get_by_name(attach->netns.links, ifname, &info);
	if (r < 0)
		return failure_set(failure, FAILURE_SYSTEM, r, "interface %s in the container",
				   ifname);
	attach->ifindex = info.ifindex;
	return 0;
}

/* The container's end receives XDP frames while GRO is on. */
static int prepare_pair(struct attach *attach, struct failure *failure)
{
	char alias[LINK_ALIAS_LEN];
	struct link_info info;
	int r = link_refresh_get_by_name(attach->links, attach->host_end, &info);

	identity_alias(&attach->want->id, alias);
	if (r == 0)
		r = link_set_alias(attach->links, info.ifindex, alias);
	if (r < 0)
		return failure_set(failure, FAILURE_SYSTEM, r, "cannot set the alias of %s",
				   attach->host_end);
	memcpy(attach->host_mac, info.mac, sizeof(attach->host_mac));
	r = link_set_gro(attach->netns.links, attach->ifindex, true);
	return r < 0 ? failure_set(failure, FAILURE_SYSTEM, r,
				   "cannot turn on GRO of %s in the container",
				   attach->want->id.ifname) :
		       0;
}

static int add_port(struct attach *attach, struct failure *failure)
{
	const struct port_place *place = &attach->want->place;
	struct port_state state;
	char mac[MAC_TEXT_LEN];
	int r;

	attach->port_added = true; /* a reply that does not come says nothing */
	r = daemon_attach_port(place, attach->host_end, mac_format(attach->mac, mac), failure);
	if (r == 0)
		r = daemon_find_port(place, attach->host_end, &state, failure);
	if (r == 0 && !state.connected)
		r = failure_set(failure, FAILURE_REFUSED, 0,
				"uplinkd cannot attach port %s: %s; see 'uplinkctl show ports'",
				attach->host_end, state.error);
	return r;
}

static int add_steps(struct attach *attach, struct failure *failure)
{
	const struct attachment *want = attach->want;
	struct link_info info;
	int r = choose_mtu(attach, failure);

	if (r == 0)
		r = remove_rest(attach, failure);
	if (r == 0)
		r = netns_open(&attach->netns, want->netns, attach->event, failure);
	if (r < 0)
		return r;
	r = link_get_by_name(attach->netns.links, want->id.ifname, &info);
	if (r == 0)
		return failure_set(failure, FAILURE_ENVIRONMENT, 0,
				   "the container has an interface %s already", want->id.ifname);
	r = create_pair(attach, failure);
	if (r == 0)
		r = prepare_pair(attach, failure);
	return r == 0 ? add_port(attach, failure) : r;
}

static void undo(struct attach *attach, struct failure *failure)
{
	struct link_info info;

	if (attach->port_added &&
	    daemon_detach_port(attach->want->place.socket, attach->host_end, failure) == 0)
		attach->port_added = false;
	if (attach->created &&
	    (link_refresh_get_by_name(attach->links, attach->host_end, &info) < 0 ||
	     delete_host_end(attach, info.ifindex, failure) == 0))
		attach->created = false;
}

struct addition {
	attach_step configure;
	void *userdata;
};

static int add(struct attach *attach, void *userdata, struct failure *failure)
{
	const struct addition *addition = userdata;
	int r = add_steps(attach, failure);

	if (r == 0)
		r = addition->configure(attach, addition->userdata, failure);
	if (r < 0)
		undo(attach, failure);
	return r;
}

int attach_add(const struct attachment *want, attach_step configure, void *userdata,
	       struct failure *failure)
{
	struct addition addition = { configure, userdata };

	return run_open(want, add, &addition, failure);
}

/* ---- addresses and routes ---- */
static int prepare_ip(struct attach *attach, const struct setup *setup, struct failure *failure)
{
	struct link_monitor *links = attach->netns.links;
	bool six = false;
	int r;

	for (size_t i = 0; i < setup->n_addresses; i++)
		six = six || setup->addresses[i].address.family == AF_INET6;
	/* Announce the addresses when the interface goes up. Unimportant: the neighbours learn
	 * them with the first packet, too. */
	(void)link_set_conf(links, attach->ifindex, "ipv4/arp_notify", "1");
	if (!six)
		return 0;
	r = link_set_ipv6(links, attach->ifindex, true);
	if (r < 0)
		return failure_set(failure, FAILURE_SYSTEM, r,
				   "cannot enable IPv6 on %s in the container",
				   attach->want->id.ifname);
	(void)link_set_conf(links, attach->ifindex, "ipv6/ndisc_notify", "1");
	/* The link-local address is usable soon; assigned ones have no detection of duplicates. */
	(void)link_set_conf(links, attach->ifindex, "ipv6/accept_dad", "0");
	return 0;
}

static int set_ip(struct attach *attach, const struct setup *setup, struct failure *failure)
{
	struct link_monitor *links = attach->netns.links;
	char text[ADDRESS_TEXT_LEN];
	int r;

	for (size_t i = 0; i < setup->n_addresses; i++) {
		const struct address *address = &setup->addresses[i].address;

		r = link_add_address(links, attach->ifindex, address, IFA_F_NODAD);
		if (r < 0)
			return failure_set(failure, FAILURE_SYSTEM, r, "cannot add address %s",
					   address_to_text(address, true, text));
	}
	r = link_set_up(links, attach->ifindex, true);
	if (r < 0)
		return failure_set(failure, FAILURE_SYSTEM, r, "cannot set %s up in the container",
				   attach->want->id.ifname);
	for (size_t i = 0; i < setup->n_routes; i++) {
		const struct route *route = &setup->routes[i];

		/* of two equal ones the first stays, as with the plugins of the CNI project */
		r = link_add_route(links, attach->ifindex, RTPROT_STATIC, route);
		if (r < 0 && r != -EEXIST)
			return failure_set(failure, FAILURE_SYSTEM, r, "cannot add route %s",
					   address_to_text(&route->to, true, text));
	}
	return 0;
}

int attach_configure(struct attach *attach, const struct setup *setup, struct failure *failure)
{
	int r = netns_enter(&attach->netns, failure);

	if (r < 0)
		return r;
	r = prepare_ip(attach, setup, failure);
	if (r == 0)
		r = set_ip(attach, setup, failure);
	return netns_leave(&attach->netns, failure) < 0 ? -EIO : r;
}

/* ---- DEL ---- */
static int remove_both(struct attach *attach, void *userdata, struct failure *failure)
{
	struct failure collision = {};
	struct link_veth veth;
	struct link_info info;
	int r, found = find_host_end(attach, &info, &veth, &collision);

	/* That of another attachment: this one has none. */
	if (found == -EEXIST)
		return 0;
	if (found < 0)
		return failure_set(failure, collision.code, 0, "%s", collision.message);
	r = daemon_detach_port(attach->want->place.socket, attach->host_end, failure);
	if (r == -ENOTCONN)
		r = 0;
	if (found && delete_host_end(attach, info.ifindex, failure) < 0)
		return -EIO;
	return r;
}

int attach_remove(const struct attachment *want, struct failure *failure)
{
	return run_open(want, remove_both, NULL, failure);
}

/* ---- CHECK ---- */
static int check_pair(struct attach *attach, struct failure *failure)
{
	const char *ifname = attach->want->id.ifname;
	struct link_veth host_veth, container_veth;
	struct link_info host, container;
	char mac[MAC_TEXT_LEN];
	int r = find_host_end(attach, &host, &host_veth, failure);

	if (r < 0)
		return r;
	if (r == 0)
		return failure_set(failure, FAILURE_CHECK, 0, "the host's end %s does not exist",
				   attach->host_end);
	r = netns_open(&attach->netns, attach->want->netns, attach->event, failure);
	if (r < 0)
		return r;
	r = link_get_by_name(attach->netns.links, ifname, &container);
	if (r == 0)
		r = link_get_veth(attach->netns.links, container.ifindex, &container_veth);
	if (r == -ENXIO || (r == 0 && (container_veth.peer != host.ifindex ||
				       host_veth.peer != container.ifindex)))
		return failure_set(failure, FAILURE_CHECK, 0,
				   "%s in the container is not the other end of %s", ifname,
				   attach->host_end);
	if (r < 0)
		return failure_set(failure, FAILURE_CHECK, r, "interface %s in the container",
				   ifname);
	if (memcmp(container.mac, attach->mac, sizeof(container.mac)) != 0)
		return failure_set(failure, FAILURE_CHECK, 0,
				   "%s in the container has another MAC address than the port: %s",
				   ifname, mac_format(container.mac, mac));
	attach->ifindex = container.ifindex;
	return 0;
}

/* uplinkd sets the host's end up. */
static int check_up(struct attach *attach, struct failure *failure)
{
	struct link_info host, container;

	if (link_get_by_name(attach->links, attach->host_end, &host) < 0 || !host.admin_up)
		return failure_set(failure, FAILURE_CHECK, 0, "%s is down", attach->host_end);
	if (link_get(attach->netns.links, attach->ifindex, &container) < 0 || !container.admin_up)
		return failure_set(failure, FAILURE_CHECK, 0, "%s is down",
				   attach->want->id.ifname);
	return 0;
}

static int check_port(struct attach *attach, struct failure *failure)
{
	const struct port_place *place = &attach->want->place;
	struct port_state state;
	int r = daemon_find_port(place, attach->host_end, &state, failure);

	if (r < 0)
		return r;
	if (!state.exists || state.elsewhere)
		return failure_set(failure, FAILURE_CHECK, 0, "%s is not a port of %s/%s",
				   attach->host_end, place->switch_name, place->group);
	if (!state.connected)
		return failure_set(failure, FAILURE_CHECK, 0, "port %s is not connected: %s",
				   attach->host_end, state.error);
	return 0;
}

static int check_all(struct attach *attach, void *userdata, struct failure *failure)
{
	const struct setup *setup = *(const struct setup **)userdata;
	char text[ADDRESS_TEXT_LEN];
	int r = check_pair(attach, failure);

	if (r == 0)
		r = check_port(attach, failure);
	if (r == 0)
		r = check_up(attach, failure);
	for (size_t i = 0; r == 0 && i < setup->n_addresses; i++) {
		const struct address *address = &setup->addresses[i].address;
		uint64_t missing = 0;

		r = link_find_missing_addresses(attach->netns.links, attach->ifindex, address, 1,
						&missing);
		if (r < 0 || missing)
			r = failure_set(failure, FAILURE_CHECK, r, "address %s is missing",
					address_to_text(address, true, text));
	}
	for (size_t i = 0; r == 0 && i < setup->n_routes; i++) {
		const struct route *route = &setup->routes[i];
		bool has = false;

		r = link_has_route(attach->netns.links, attach->ifindex, route, &has);
		if (r < 0 || !has)
			r = failure_set(failure, FAILURE_CHECK, r, "route %s is missing",
					address_to_text(&route->to, true, text));
	}
	return r;
}

int attach_check(const struct attachment *want, const struct setup *setup, struct failure *failure)
{
	return run_open(want, check_all, &setup, failure);
}

/* ---- GC ---- */
struct collection {
	const char *network;
	bool (*is_valid)(const void *userdata, const char *host_end);
	const void *userdata;
};

static bool is_stale(const struct collection *collection, const char *name)
{
	return identity_is_host_end_of(name, collection->network) &&
	       !collection->is_valid(collection->userdata, name);
}

static bool is_stale_link(const void *userdata, const struct link_info *info)
{
	return is_stale(userdata, info->name);
}

/* A name may be that of another network: the alias identifies it. */
static int collect_one(struct link_monitor *links, const char *socket,
		       const struct collection *collection, const char *name,
		       struct failure *failure)
{
	struct link_veth veth = {};
	struct link_info info;
	int r = link_refresh_get_by_name(links, name, &info);
	bool exists = r == 0;

	if (exists)
		r = link_get_veth(links, info.ifindex, &veth);
	if (r == -ENXIO ||
	    (veth.alias[0] && !identity_alias_is_of(veth.alias, collection->network)))
		return 0;
	if (r < 0 && r != -ENODEV)
		return failure_set(failure, FAILURE_SYSTEM, r, "interface %s", name);
	r = daemon_detach_port(socket, name, failure);
	if (r < 0 && r != -ENOTCONN)
		return r;
	r = exists ? link_delete(links, info.ifindex) : 0;
	return r < 0 ? failure_set(failure, FAILURE_SYSTEM, r, "cannot delete interface %s", name) :
		       0;
}

/* Goes on after a failure; returns the first one. */
static int collect(struct link_monitor *links, const char *socket,
		   const struct collection *collection, struct failure *failure)
{
	_cleanup_free_ struct link_info *stale = NULL;
	json_auto_t *ports = NULL;
	size_t n_stale = 0, i;
	json_t *name;
	int r = daemon_list_runtime_ports(socket, &ports, failure), first = r;

	r = link_list(links, is_stale_link, collection, &stale, &n_stale);
	if (first == 0 && r < 0)
		first = failure_set(failure, FAILURE_SYSTEM, r, "interfaces");
	for (i = 0; i < n_stale; i++) {
		r = collect_one(links, socket, collection, stale[i].name, failure);
		first = first ? first : r;
	}
	/* and ports without an interface */
	json_array_foreach(ports, i, name) {
		if (!json_is_string(name) || !is_stale(collection, json_string_value(name)))
			continue;
		r = collect_one(links, socket, collection, json_string_value(name), failure);
		first = first ? first : r;
	}
	return first;
}

int attach_collect(const char *socket, const char *network,
		   bool (*is_valid)(const void *userdata, const char *host_end),
		   const void *userdata, struct failure *failure)
{
	const struct collection collection = { network, is_valid, userdata };
	struct link_monitor *links = NULL;
	sd_event *event = NULL;
	int r = open_host(&event, &links, failure);

	if (r == 0)
		r = collect(links, socket, &collection, failure);
	link_monitor_free(links);
	sd_event_unref(event);
	return r;
}
