/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The state of one open map set, and the table of its operations that make system calls. */
#ifndef UL_DATAPLANE_SET_H
#define UL_DATAPLANE_SET_H

#include <limits.h>

#include "abi.h"
#include "common/util.h"
#include "dataplane/table.h"
#include "maps.h"

struct dataplane;
struct errors;

enum dataplane_program {
	PROG_PORT_TC,
	PROG_UPLINK_TC,
	PROG_UPLINK_XDP,
	PROG_NETDEV_FIND,
	PROG_CARRIER_READ,
	PROG_CLOCK_READ,
	N_PROGRAMS
};

/* Result of dataplane_attach_uplink(). */
struct dataplane_attachment {
	enum ul_xdp_mode xdp_mode;
	/* XDP was requested and is not native: one sentence for the operator. Else empty. */
	char note[192];
	/* Negative errno: XDP failed for a reason that may pass, and another attempt is worth it.
	 */
	int retry;
	bool taken; /* -EBUSY is returned because another XDP program is attached */
};

/* What makes system calls apart from opening and replacing a set, so that unit tests can put
 * something else there (tests/unit/dataplane_fake.h). Contracts: dataplane.h. */
struct dataplane_ops {
	int (*attach_port)(struct dataplane *dp, uint32_t ifindex, const char *name);
	int (*attach_uplink)(struct dataplane *dp, uint32_t ifindex, const char *name,
			     bool want_xdp, bool allow_generic, bool generic_now,
			     struct dataplane_attachment *ret);
	int (*check_xdp)(struct dataplane *dp, uint32_t ifindex, const char *name);
	int (*detach)(struct dataplane *dp, uint32_t ifindex);
	int (*detach_strays)(struct dataplane *dp);
	uint32_t (*find_problems)(struct dataplane *dp, uint32_t ifindex, enum dataplane_program tc,
				  bool with_xdp, uint32_t xdp_id);
	uint64_t (*jiffies)(struct dataplane *dp);
	int (*find_netdev)(struct dataplane *dp, uint32_t ifindex, uint64_t *ret_netdev,
			   bool *ret_visible);
	int (*read_carriers)(struct dataplane *dp, struct ul_carrier_query *query);
	int (*load_lacp)(struct dataplane *dp, uint32_t uplink, struct lacp_saved *ret);
	int (*save_lacp)(struct dataplane *dp, uint32_t uplink, const struct lacp_saved *saved);
	int (*set_member)(struct dataplane *dp, uint16_t vid, uint16_t place, uint32_t slot);
	void (*remove_member)(struct dataplane *dp, uint16_t vid, uint16_t place);
	int (*set_xdp_target)(struct dataplane *dp, uint32_t slot, uint32_t ifindex);
	int (*reset_stats)(struct dataplane *dp, uint32_t endpoint);
};

struct dataplane {
	char name[UL_NAME_LEN]; /* of the switch */
	char dir[PATH_MAX];	/* of the pins */
	/* staged: of the pins that are to be replaced; else empty */
	char old_dir[PATH_MAX];
	bool adopted; /* the maps existed */
	/* adopted: programs of another build were pinned, and were replaced in all links */
	bool programs_replaced;
	/* Made while an older set is in use; until dataplane_take_over() the links run the programs
	 * of that one. */
	bool staged;
	/* an interface that left may still run programs of the set */
	bool detach_failed;
	bool former_stays;	  /* the pins of the set that was replaced could not be removed */
	int lock_fd, old_lock_fd; /* of dir and old_dir: one daemon per switch */
	int program_fd[N_PROGRAMS];
	const struct dataplane_ops *ops;
	/* where failures are explained; the owner may change it between two calls; NULL: nowhere */
	struct errors *errors;

	/* The mapped records, to be read. The functions of records.h store into them, and programs
	 * store into lacp_answers and ports[].seen. */
	const struct ul_meta *meta;
	const struct ul_uplink *uplinks;
	const struct ul_port *ports;   /* max_ports */
	const struct ul_group *groups; /* max_groups */
	/* of meta when the set was made or checked: the maps may be written by anyone */
	uint32_t max_ports, max_groups;
	const struct ul_policy *policies;
	const struct ul_vlan *vlans;
	struct table ifaces, fdb;
	const struct ul_lacp_answer *lacp_answers;
	const struct ul_lacp_port *lacp_ports;
	const struct ul_pagp_port *pagp_ports;

	/* of the maps that are not mapped; -1: mapped, or not open */
	int map_fd[N_UL_MAPS];
	/* writable; only the files of dataplane/ use it */
	void *mapping[N_UL_MAPS];
	size_t mapping_size[N_UL_MAPS];
};

/* Whether the records of an open set can be used (check.h). 0 or -EPROTO. */
int set_check(const struct dataplane *dp);

#endif
