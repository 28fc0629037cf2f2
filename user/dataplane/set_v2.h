/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A set of maps of ABI version 2 (0.1.0), read to carry its run-time state over. */
#ifndef UL_DATAPLANE_SET_V2_H
#define UL_DATAPLANE_SET_V2_H

#include "abi_v2.h"
#include "common/util.h"

struct dataplane;
struct journal;

/* Copies of the records. */
struct set_v2 {
	struct ul_meta_v2 meta;
	struct ul_uplink_v2 *uplinks;	   /* UL_MAX_UPLINKS_V2 */
	struct ul_port_v2 *ports;	   /* n_ports */
	struct ul_group_v2 *groups;	   /* n_groups */
	struct ul_policy_v2 *policies;	   /* UL_MAX_POLICIES_V2 */
	struct ul_match_row_v2 *fdb;	   /* n_fdb_rows */
	struct ul_lacp_answer_v2 *answers; /* UL_MAX_UPLINKS_V2 */
	struct lacp_saved_v2 *lacp;	   /* UL_MAX_UPLINKS_V2 */
	uint32_t n_ports, n_groups, n_fdb_rows;
	int stats_fd;	  /* -1: without counters, in tests */
	uint32_t n_stats; /* entries of the counters; endpoints without one begin at 0 */
};

/* The set of the switch. 0; -ENOENT: there is none of this version; other negative errno. */
int set_v2_open(const char *bpffs, const char *switch_name, struct set_v2 **ret);
void set_v2_close(struct set_v2 *set); /* NULL allowed */

/* The steps of set_v2_open() behind reading: names end, whatever wrote them; 0, or -EPROTO: there
 * are numbers that cannot be used, or names that are not printable. */
void set_v2_end_names(struct set_v2 *set);
int set_v2_check(const struct set_v2 *set);

/*
 * Into a new set that is to replace it: uplinks with drains and LACP state, ports in their slots,
 * groups, policies, addresses, counters. The next apply brings the rest to the configuration.
 * Learned addresses of trunk ports are not taken over, because version 2 does not have their VLAN.
 * 0 or negative errno.
 */
int set_v2_carry_over(const struct set_v2 *set, struct dataplane *dp);
/* The settings to restore into the journal; records of the same interfaces stay. 0 or negative
 * errno. */
int set_v2_note_settings(const struct set_v2 *set, struct journal *journal);

#endif
