/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The pinned maps of a switch, read without the daemon. Everything is mapped or copied read-only.
 */
#ifndef UL_DATAPLANE_VIEW_H
#define UL_DATAPLANE_VIEW_H

#include <stddef.h>

#include "abi.h"
#include "common/util.h"
#include "maps.h"

/* The programs that are attached to interfaces. */
enum view_program { VIEW_PORT_TC, VIEW_UPLINK_TC, VIEW_UPLINK_XDP, N_VIEW_PROGRAMS };

struct view {
	char name[UL_NAME_LEN];		 /* of the switch */
	const struct ul_meta *meta;	 /* mapped, live */
	const struct ul_uplink *uplinks; /* meta->n_uplinks of them are configured */
	const struct ul_port *ports;	 /* max_ports entries; used: UL_PORT_USED */
	const struct ul_group *groups;	 /* max_groups entries; used: UL_GROUP_USED */
	/* of meta, as checked when the view was opened: the maps may be written by anyone */
	uint32_t max_ports, max_groups;
	/* UL_MAX_POLICIES entries; used: n_buckets > 0 or method set by a group */
	const struct ul_policy *policies;
	const struct ul_vlan *vlans;	/* UL_N_VLANS entries */
	const struct ul_match_row *fdb; /* fdb_buckets rows */
	uint32_t fdb_buckets;
	/* rows parallel to fdb; NULL in tests */
	const struct ul_use_row *fdb_use;
	/* UL_MAX_UPLINKS entries, NULL in tests; read them by view_lacp_port() */
	const struct ul_lacp_port *lacp_ports;
	/* likewise by view_pagp_port() */
	const struct ul_pagp_port *pagp_ports;
	/* UL_MAX_UPLINKS entries, NULL in tests */
	const struct ul_lacp_answer *lacp_answers;
	uint32_t program_id[N_VIEW_PROGRAMS]; /* that are pinned; 0: none */
	/* view_has_stale_programs(), or a test's; NULL: not known */
	bool (*has_stale_programs)(const struct view *view, uint32_t ifindex);
	bool former_stays; /* the set that an exchange replaced is still pinned */
	int stats_fd;
	int clock_fd;	       /* -1: the program clock_read is not pinned, or in tests */
	void *maps[N_UL_MAPS]; /* to unmap; NULL: not shown */
	size_t sizes[N_UL_MAPS];
};

/* Names of the switches that are pinned below <bpffs>/uplinkd, sorted. 0 or negative errno; -ENOENT
 * when there are none. */
int view_list(const char *bpffs, char (**ret_names)[UL_NAME_LEN], size_t *ret_n);

/* 0; -ENOENT: no such switch; -EACCES, -EPERM: not root; -EPROTO: another ABI version is pinned.
 * *ret untouched on failure. */
int view_open(const char *bpffs, const char *switch_name, struct view **ret);
void view_close(struct view *view); /* NULL allowed */

/* Sum over all CPUs of an endpoint's counters. 0 or negative errno. */
int view_stats(const struct view *view, uint32_t endpoint, struct ul_stats *ret);

/* The clock of fdb_use; 0: not known. */
uint64_t view_jiffies(const struct view *view);

/* Whether a program of uplinkd is attached that belongs to another set of maps, in which the daemon
 * writes nothing. false also if the kernel does not answer. */
bool view_has_stale_programs(const struct view *view, uint32_t ifindex);

/* A consistent copy of the record of an uplink. All zero: there is none. */
void view_lacp_port(const struct view *view, uint32_t uplink, struct ul_lacp_port *ret);
void view_pagp_port(const struct view *view, uint32_t uplink, struct ul_pagp_port *ret);

/* Name and kind of a reason, from the X-macro. NULL when the number is not in use. */
const char *reason_name(uint32_t reason);
const char *reason_help(uint32_t reason);
enum ul_reason_kind reason_kind(uint32_t reason);

#endif
