/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A switch as the daemon would write it, made by hand: as memory for what needs no kernel, and as
 * pinned maps on a bpffs of the test's own. */
#ifndef TESTS_UNIT_VIEW_FAKE_H
#define TESTS_UNIT_VIEW_FAKE_H

#include "dataplane/view.h"

#define FAKE_PORTS 8
#define FAKE_GROUPS 4
#define FAKE_FDB 64

struct fake {
	struct ul_meta meta;
	struct ul_uplink uplinks[UL_MAX_UPLINKS];
	struct ul_port ports[FAKE_PORTS];
	struct ul_group groups[FAKE_GROUPS];
	struct ul_policy policies[UL_MAX_POLICIES];
	struct ul_vlan vlans[UL_N_VLANS];
	struct ul_match_row fdb[FAKE_FDB];
	struct ul_use_row fdb_use[FAKE_FDB];
	struct ul_lacp_port lacp_ports[UL_MAX_UPLINKS];
	struct ul_lacp_answer lacp_answers[UL_MAX_UPLINKS];
	struct ul_pagp_port pagp_ports[UL_MAX_UPLINKS];
	struct ul_stats stats[UL_ENDPOINT_PORT0 + FAKE_PORTS]; /* pinned: CPU 0 has all of it */
};

/* vswitch0, static channel, uplinks eth0 ... (ifindex 1000 and up, all working), the daemon alive
 * for an hour; group 0 "prod", VLAN 100, src-dst-ip over all uplinks (policy 0), with port 0
 * "vnet0" 52:54:00:00:00:01, which the forwarding table has. */
void fake_init(struct fake *fake, uint32_t n_uplinks);

/* Policy index: active and standby uplink indexes in order, all buckets at home. */
void fake_policy(struct fake *fake, uint32_t policy, enum ul_method method, uint32_t flags,
		 const uint8_t *active, uint32_t n_active, const uint8_t *standby,
		 uint32_t n_standby);
/* Group index: used, VST. */
void fake_group(struct fake *fake, uint32_t group, const char *name, uint16_t vid, uint32_t policy);
void fake_port(struct fake *fake, uint32_t slot, const char *name, uint32_t group,
	       uint8_t mac_tail);
/* An address 02:00:00:00:00:TAIL that the port has learned, with its times in jiffies. */
void fake_learned(struct fake *fake, uint32_t slot, uint16_t vid, uint8_t mac_tail, uint64_t here,
		  uint64_t outside);
/* Uplink loses its carrier and the daemon rewrites the buckets of all policies. */
void fake_cut(struct fake *fake, uint32_t uplink);
/* The daemon's lease ran out so many seconds ago; then the kernel's word counts for uplinks. */
void fake_stop_daemon(struct fake *fake, uint64_t seconds);

/* without counters: stats_fd is -1 */
void fake_view(const struct fake *fake, struct view *ret);

/* ---- on a real bpffs; needs root (skips the test otherwise) ---- */
struct fake_fs {
	char directory[32]; /* "bpffs" */
	char path[64];	    /* of the switch's folder */
};

/* In a mount namespace of the test's own: nothing is left of it, also when the test dies. */
void fake_mount(struct fake_fs *fs);
void fake_unmount(struct fake_fs *fs);
void fake_pin(struct fake_fs *fs, const struct fake *fake, const char *switch_name);
/* One map: rewritten over what is pinned there. flags: of the map */
void fake_pin_map(const char *directory, const char *name, int type, uint32_t value_size,
		  uint32_t entries, uint32_t flags, const void *values);

#endif
