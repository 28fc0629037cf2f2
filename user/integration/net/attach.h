/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Attaches a container to a port group, for both protocols: a veth pair whose one end is in the
 * container and whose other end is a run-time port.
 *
 * The steps of attach_add() are undone when one fails. A process that is killed between two of
 * them leaves a host's end, a port, or both under the name that follows from the identity;
 * attach_add(), attach_remove() and attach_collect() find them by that name. The alias of the
 * host's end identifies its owner: one with another alias is never touched.
 *
 * All functions return 0 or a negative errno with a reason.
 */
#ifndef UL_INTEGRATION_NET_ATTACH_H
#define UL_INTEGRATION_NET_ATTACH_H

#include "integration/net/daemon_ports.h"
#include "integration/net/identity.h"
#include "integration/net/netns.h"

#define SETUP_MAX_ADDRESSES 64
#define SETUP_MAX_ROUTES 256

/* What the container's end gets. */
struct setup {
	struct setup_address {
		struct address address, gateway;
		bool has_gateway;
	} addresses[SETUP_MAX_ADDRESSES];
	size_t n_addresses;
	struct route routes[SETUP_MAX_ROUTES];
	size_t n_routes;
};

struct attachment {
	struct identity id; /* checked */
	struct port_place place;
	const char *netns; /* path; "" or NULL: the container's end is not looked at */
	uint32_t mtu;	   /* bytes; 0: of the switch */
	bool has_mac;	   /* otherwise derived from the identity */
	uint8_t mac[6];
};

struct attach {
	const struct attachment *want;
	char host_end[UL_NAME_LEN];
	uint8_t mac[6]; /* of both the container's end and the port */
	uint32_t mtu;
	sd_event *event;
	struct link_monitor *links; /* of the host */
	struct netns netns;
	bool created, port_added; /* to be taken back */
	uint32_t ifindex;	  /* of the container's end, in the container */
	uint8_t host_mac[6];
};

/* A part of a command, in which the attachment is open. */
typedef int (*attach_step)(struct attach *attach, void *userdata, struct failure *failure);

/*
 * Removes the rest of an interrupted call, makes the pair and the port, and calls configure(). When
 * that fails, pair and port are removed; what cannot be removed is appended to the failure.
 */
int attach_add(const struct attachment *want, attach_step configure, void *userdata,
	       struct failure *failure);
/* In configure(): addresses, up, routes. */
int attach_configure(struct attach *attach, const struct setup *setup, struct failure *failure);
/* Removes port and pair; 0 also if there is none. Without uplinkd the pair goes, and uplinkd
 * forgets the port by itself. */
int attach_remove(const struct attachment *want, struct failure *failure);
/* The pair, its MAC address, the port, and what setup contains. */
int attach_check(const struct attachment *want, const struct setup *setup, struct failure *failure);

/*
 * Removes all ports and pairs of the network except those of the valid host's ends. valid: is it
 * one that is to stay.
 */
int attach_collect(const char *socket, const char *network,
		   bool (*is_valid)(const void *userdata, const char *host_end),
		   const void *userdata, struct failure *failure);

#endif
