/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The requests to uplinkd about port groups and run-time ports. Each returns 0 or a negative errno
 * with a reason; -EAGAIN and code FAILURE_LATER: uplinkd did not answer. */
#ifndef UL_INTEGRATION_NET_DAEMON_PORTS_H
#define UL_INTEGRATION_NET_DAEMON_PORTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "integration/net/failure.h"

#define DAEMON_SOCKET "/run/uplinkd/uplinkd.sock"

/* Where a port is attached. */
struct port_place {
	const char *socket; /* path of the control socket */
	const char *switch_name, *group;
};

struct port_state {
	bool exists, elsewhere, runtime, connected; /* elsewhere: in another group */
	char error[128];			    /* why it is not connected */
};

/* *ret_mtu: bytes, of the switch. A port group that does not exist is FAILURE_CONFIG. */
int daemon_find_group(const struct port_place *place, uint32_t *ret_mtu, struct failure *failure);
/* The port with this name, in any group of any switch; 0 also if there is none. */
int daemon_find_port(const struct port_place *place, const char *interface, struct port_state *ret,
		     struct failure *failure);
/* The interface exists; it is attached on return. */
int daemon_attach_port(const struct port_place *place, const char *interface, const char *mac,
		       struct failure *failure);
/* 0 also if there is no such port. -ENOTCONN without a reason: uplinkd does not run. */
int daemon_detach_port(const char *socket, const char *interface, struct failure *failure);
/* An array of the names of all run-time ports, owned by the caller. */
int daemon_list_runtime_ports(const char *socket, json_t **ret, struct failure *failure);

#endif
