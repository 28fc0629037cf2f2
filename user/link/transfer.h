/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What the host has on an interface, as messages of rtnetlink: addresses, permanent neighbour
 * entries, routes and rules. They are collected from one interface, and added to another one or to
 * the same again with all attributes (metrics, sources, tables, labels, lifetimes), because only
 * the interfaces in them are replaced. membership.c does the same for the place of a port in its
 * bridge or bond.
 *
 * Not collected is what the kernel makes by itself: link-local and temporary IPv6 addresses,
 * routes of addresses, neighbours that were resolved.
 *
 * Caller: daemon/switch_over.c. Tests: tests/unit/link_transfer.c.
 */
#ifndef UL_LINK_TRANSFER_H
#define UL_LINK_TRANSFER_H

#include <linux/netlink.h>

#include "common/errors.h"
#include "link/link.h"

/* An interface in the messages, and the one that takes its place. */
struct link_move {
	uint32_t from, to; /* ifindex */
	char from_name[UL_NAME_LEN], to_name[UL_NAME_LEN];
};

/* In the order in which they are added: addresses, neighbours, routes, rules. */
struct link_messages {
	struct nlmsghdr **list; /* each from malloc() */
	size_t n;
};

#define LINK_MESSAGE_BYTES 8192 /* of one message at most */

void link_messages_done(struct link_messages *messages);
/* Copies the message. 0; -EBADMSG: not one of the four kinds, or malformed; -ENOMEM. */
int link_messages_add(struct link_messages *messages, const void *bytes, size_t length);

/*
 * What the host has on the interfaces `from` of the moves. 0; -EOPNOTSUPP with a message: a route
 * that cannot be moved; other negative errno. *ret is untouched on failure.
 */
int link_collect(const struct link_move *moves, size_t n, struct link_messages *ret,
		 struct errors *errors);

/*
 * Adds or removes all messages with the interfaces replaced; n 0: as they are. What exists, or is
 * absent, already counts as done. The others are attempted in any case. 0 or the first negative
 * errno, with a message for each.
 */
int link_messages_apply(const struct link_messages *messages, const struct link_move *moves,
			size_t n, bool add, struct errors *errors);

/*
 * Makes the request that adds or removes the message, pure. buffer: LINK_MESSAGE_BYTES. 0;
 * -EOPNOTSUPP: it refers to a nexthop object; -EBADMSG: the request is larger.
 */
int link_message_make(const struct nlmsghdr *message, const struct link_move *moves, size_t n,
		      bool add, void *buffer);
/* Whether a collected message is about an interface `from` of the moves, or has it as next hop. */
bool link_message_refers_to(const struct nlmsghdr *message, const struct link_move *moves,
			    size_t n);
/* "address 192.0.2.10/24", "route default", for messages to people; returns text. */
const char *link_message_describe(const struct nlmsghdr *message, char text[LINK_USAGE_TEXT_LEN]);

/* ---- membership ---- */
/* Settings of a port of a bridge: attributes of IFLA_INFO_SLAVE_DATA, and of IFLA_AF_SPEC (its
 * VLANs). Empty for a member of a bond. */
struct link_membership {
	char kind[16]; /* "bridge", "bond"; "": no master */
	void *settings, *vlans;
	size_t n_settings, n_vlans; /* bytes */
};

void link_membership_done(struct link_membership *membership);
/* 0 or negative errno; *ret is untouched on failure. */
int link_get_membership(uint32_t ifindex, struct link_membership *ret);
/* The interface leaves its bridge or bond. 0, also if it has none, or negative errno. */
int link_release(struct link_monitor *monitor, uint32_t ifindex);
/*
 * The interface becomes a member of master, with these settings. A bond accepts only members that
 * are down, and sets them up. 0, or negative errno: nothing is known about its settings.
 */
int link_enslave(struct link_monitor *monitor, uint32_t ifindex, uint32_t master,
		 const struct link_membership *membership);

#endif
