/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What identifies an attachment: network, container and the name of the interface in it. The name
 * of the host's end, its alias and the default MAC address follow from it, so that a later command
 * finds what an interrupted one left, without a file.
 */
#ifndef UL_INTEGRATION_NET_IDENTITY_H
#define UL_INTEGRATION_NET_IDENTITY_H

#include <stdbool.h>

#include "integration/net/failure.h"
#include "link/link.h"

#define IDENTITY_MAX_NETWORK 96
#define IDENTITY_MAX_CONTAINER 128

struct identity {
	const char *network, *container, *ifname;
};

/* Each is valid in the terms of the CNI specification, and not longer than above. 0 or -EINVAL. */
int identity_check_network(const char *network, struct failure *failure);
int identity_check_container(const char *container, struct failure *failure);
int identity_check_ifname(const char *ifname, struct failure *failure);
int identity_check(const struct identity *identity, struct failure *failure);

/* "ul", four characters of the network and nine of all three. Names may collide, see
 * identity_alias(). */
void identity_host_end(const struct identity *identity, char ret[UL_NAME_LEN]);
/* Whether the name is one of identity_host_end() for this network. */
bool identity_is_host_end_of(const char *name, const char *network);
/* A locally administered unicast address. */
void identity_mac(const struct identity *identity, uint8_t ret[6]);
/* "uplinkd-net NETWORK CONTAINER IFNAME", the alias of the host's end, which makes a collision
 * visible. identity: checked. */
void identity_alias(const struct identity *identity, char ret[LINK_ALIAS_LEN]);
bool identity_alias_is_of(const char *alias, const char *network);

#endif
