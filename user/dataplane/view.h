/* SPDX-License-Identifier: GPL-2.0 */
/* Reading a switch's pinned maps without the daemon: what uplinkctl shows. Everything is mapped or
 * copied read-only. */
#ifndef UL_DATAPLANE_VIEW_H
#define UL_DATAPLANE_VIEW_H

#include <stddef.h>

#include "abi.h"
#include "common/util.h"

struct view {
	char name[UL_NAME_LEN];		  /* of the switch */
	const struct ul_meta *meta;	  /* mapped, live */
	const struct ul_uplink *uplinks;  /* meta->n_uplinks of them are configured */
	const struct ul_port *ports;	  /* meta->max_ports entries; used: UL_PORT_USED */
	const struct ul_group *groups;	  /* meta->max_groups entries; used: UL_GROUP_USED */
	const struct ul_policy *policies; /* UL_MAX_POLICIES entries; used: n_buckets > 0 or method
					     set by a group */
	const struct ul_vlan *vlans;	  /* UL_N_VLANS entries */
	const struct ul_slot4 *fdb;	  /* fdb_buckets entries */
	uint32_t fdb_buckets;
	const struct ul_lacp_port *lacp_ports; /* UL_MAX_UPLINKS entries, NULL in tests; read them
						  by view_lacp_port() */
	const struct ul_lacp_answer *lacp_answers; /* UL_MAX_UPLINKS entries, NULL in tests */
	int stats_fd;
	void *maps[9]; /* what to unmap */
	size_t sizes[9];
};

/* Names of the switches that are pinned below <bpffs>/uplinkd, sorted. 0 or negative errno; -ENOENT
 * when there are none. */
int view_list(const char *bpffs, char (**ret_names)[UL_NAME_LEN], size_t *ret_n);

/* 0; -ENOENT: no such switch; -EACCES, -EPERM: not root; -EPROTO: another ABI version is pinned.
 * *ret untouched on failure. */
int view_open(const char *bpffs, const char *switch_name, struct view **ret);
void view_close(struct view *view); /* NULL allowed */

/* Sum over all CPUs of an object's counters (abi.h: uplink index, or UL_OBJECT_PORT0 + slot). 0 or
 * negative errno. */
int view_stats(const struct view *view, uint32_t object, struct ul_stats *ret);

/* The record of an uplink as the daemon wrote it in one go. Zero: there is none. */
void view_lacp_port(const struct view *view, uint32_t uplink, struct ul_lacp_port *ret);

/* Name and kind of a reason, from the X-macro. NULL when the number is not in use. */
const char *reason_name(uint32_t reason);
const char *reason_help(uint32_t reason);
enum ul_reason_kind reason_kind(uint32_t reason);

#endif
