/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Whether the numbers and names in the records of a pinned set can be used: indexes and VLANs are
 * in range, names end and are printable. Maps of the right version may still have been written by
 * another program. The records of a daemon that was killed pass at any moment, so nothing is
 * compared that two stores write.
 *
 * Callers: adopting a set, reading one, and carrying over one of 0.1.0. Tests:
 * tests/unit/dataplane_check.c, tests/fuzz/maps_fuzz.c.
 */
#ifndef UL_DATAPLANE_CHECK_H
#define UL_DATAPLANE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

/* The mapped records, and the entries that their maps have. */
struct check_records {
	const struct ul_meta *meta;
	const struct ul_uplink *uplinks;  /* UL_MAX_UPLINKS */
	const struct ul_port *ports;	  /* n_ports */
	const struct ul_group *groups;	  /* n_groups */
	const struct ul_policy *policies; /* UL_MAX_POLICIES */
	const struct ul_vlan *vlans;	  /* UL_N_VLANS */
	__u32 n_ports, n_groups;
};

/* 0 or -EPROTO. */
int check_records(const struct check_records *records);

/* Uplinks that are configured, at most UL_MAX_UPLINKS, whatever another program writes. */
static inline __u32 check_n_uplinks(const struct ul_meta *meta)
{
	__u32 n = __atomic_load_n(&meta->n_uplinks, __ATOMIC_RELAXED);

	return n < UL_MAX_UPLINKS ? n : UL_MAX_UPLINKS;
}

/* Whether a name ends and is printable ASCII, as the configuration permits: names reach terminals,
 * logs and JSON. */
bool check_name(const char *name, size_t size);
bool check_group(const struct ul_group *group);
bool check_policy(const struct ul_policy *policy);

#endif
