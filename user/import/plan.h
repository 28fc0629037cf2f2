/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The configuration that an import results in, with the origin of each part, which comments and
 * `uplinkctl adopt` name. Pointers to interfaces belong to the network.
 */
#ifndef UL_IMPORT_PLAN_H
#define UL_IMPORT_PLAN_H

#include <stdio.h>

#include "config/model.h"
#include "import/network.h"

struct plan_port {
	char interface[UL_NAME_LEN];
	bool host, has_mac;
	bool by_bridge; /* it stays in the attachment bridge, so the configuration does not name it
			 */
	uint8_t mac[6];
	const struct net_interface *origin; /* of a host port: what has its addresses now */
};

/* How a route or name server of the origin of a host port stands in the configuration. */
enum net_route_kind {
	ROUTE_UNMAPPED,
	ROUTE_IMPLIED, /* by dhcp */
	ROUTE_GATEWAY,
	ROUTE_DNS,
	ROUTE_STATIC,
};

/* parsed: destination, router and metric; of a name server, its address is `to`. */
enum net_route_kind route_kind(const struct network *network, const struct net_interface *origin,
			       const struct net_route *route, struct route *ret_parsed);

struct plan_group {
	char name[UL_GROUP_NAME_LEN];
	char bridge[UL_NAME_LEN]; /* attachment bridge; "": none */
	enum ul_vlan_mode vlan_mode;
	uint16_t vid;
	uint64_t vlans[UL_N_VLANS / 64];
	struct plan_port *ports;
	size_t n_ports;
};

struct plan_switch {
	char name[UL_NAME_LEN];
	char bridge[UL_NAME_LEN];	  /* VLAN-aware attachment bridge; "": none */
	const struct net_interface *bond; /* NULL: none */
	const struct net_interface *uplinks[UL_MAX_UPLINKS];
	uint32_t n_uplinks;
	unsigned int mtu; /* 0: not known */
	enum ul_channel channel;
	enum ul_method method;
	bool failback, learning;
	uint32_t n_active; /* of the uplinks; the others are standby */
	unsigned int up_delay_ms;
	/* channel: lacp */
	bool fast, passive, fallback;
	unsigned int min_links, max_links, system_priority, selection, key; /* 0: default */
	bool has_system_id;
	uint8_t system_id[6];
	struct plan_group *groups;
	size_t n_groups, n_ports;
};

struct plan {
	struct plan_switch *switches;
	size_t n_switches;
	unsigned int n_host_ports;
	/* bonds, bridges and VLAN devices that the switches replace */
	const struct net_interface **replaced;
	size_t n_replaced;
};

/* Maps the network; what has no counterpart becomes a remark of the network. uplinks: names,
 * comma-separated, of interfaces that are uplinks although their kind does not show it; NULL: none.
 * 0, -ENODATA (there is nothing to map) or -ENOMEM, with a message. */
int import_map(struct network *network, const char *uplinks, struct plan **ret);
void plan_free(struct plan *plan); /* NULL allowed */

/* Whether the bridge of this name goes on as an attachment bridge. */
bool plan_keeps_bridge(const struct plan *plan, const char *name);
/* The attachment bridge that a bond or VLAN device of the former set-up has to leave; NULL: none.
 */
const char *plan_bridge_to_leave(const struct plan *plan, const struct net_interface *interface);

/* The configuration as YAML, with the remarks as comments. source: for the first line. */
void import_write(const struct plan *plan, const struct network *network, const char *source,
		  FILE *out);

/* ---- between the files of the mapping ---- */
/* Where frames of an interface go: a VLAN of a switch. */
struct attachment {
	struct plan_switch *sw;		  /* NULL: none */
	unsigned int vid;		  /* 0: untagged */
	const struct net_interface *port; /* the uplink's side: a root or a VLAN device */
};

/* map_bond.c: channel, load balancing and order of uplinks from a bond. */
void map_bond(struct network *network, const struct net_interface *bond, struct plan_switch *sw);

/* map_ports.c: port groups and ports. at[i] belongs to interface i of the network. */
int map_ports(struct network *network, struct plan *plan, const struct attachment *at);

/* map_bridges.c: which bridges of the host become attachment bridges. After map_ports(). */
void map_bridges(struct network *network, struct plan *plan, const struct attachment *at);

#endif
