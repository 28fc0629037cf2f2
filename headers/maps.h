/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The catalogue of a switch's maps: the one place with their names, types and sizes.
 * bpf/maps.bpf.h defines them from it; user/dataplane/ sizes, checks, maps and reads them by it.
 *
 *   kind   MAPPED: array that the daemon maps (BPF_F_MMAPABLE). ARRAY, HASH, PERCPU_ARRAY, DEVMAP:
 *          accessed by system call. RINGBUF: no keys; entries is its size in bytes, value the
 *          record. PROG_ARRAY: belongs to a load of the programs, not to the set.
 *   count  number of entries: FIXED, or set when the set is loaded: PORTS, GROUPS (room for them),
 *          ENDPOINTS (UL_ENDPOINT_PORT0 and the ports), FDB_ROWS, IFACE_ROWS (a power of two).
 *          entries is then only the default of the object file.
 *   writer who stores into it; everyone may read.
 *
 * Keys and values are described in abi.h.
 */
#ifndef UL_MAPS_H
#define UL_MAPS_H

#include "abi.h"

/* clang-format off */
/* X(ID, name, kind, key, value, entries, count, writer, help) */
#define UL_MAPS(X) \
	X(META,         ul_meta,         MAPPED,       __u32, struct ul_meta,        1,                       FIXED,      daemon,     "the set: version, sizes, settings, lease") \
	X(UPLINKS,      ul_uplinks,      MAPPED,       __u32, struct ul_uplink,      UL_MAX_UPLINKS,          FIXED,      daemon,     "index in the configuration -> uplink") \
	X(PORTS,        ul_ports,        MAPPED,       __u32, struct ul_port,        256,                     PORTS,      daemon,     "slot -> port") \
	X(GROUPS,       ul_groups,       MAPPED,       __u32, struct ul_group,       64,                      GROUPS,     daemon,     "index -> port group") \
	X(POLICIES,     ul_policies,     MAPPED,       __u32, struct ul_policy,      UL_MAX_POLICIES,         FIXED,      daemon,     "index -> teaming policy with its buckets") \
	X(VLANS,        ul_vlans,        MAPPED,       __u32, struct ul_vlan,        UL_N_VLANS,              FIXED,      daemon,     "VID -> flags and length of the flood list") \
	X(IFACES,       ul_ifaces,       MAPPED,       __u32, struct ul_match_row,   64,                      IFACE_ROWS, daemon,     "exact-match table: interface -> endpoint") \
	X(FDB,          ul_fdb,          MAPPED,       __u32, struct ul_match_row,   64,                      FDB_ROWS,   daemon,     "exact-match table: {VID, MAC} -> port slot") \
	X(FDB_USE,      ul_fdb_use,      MAPPED,       __u32, struct ul_use_row,     64,                      FDB_ROWS,   programs,   "row of ul_fdb -> when its learned addresses were used") \
	X(SENT,         ul_sent,         MAPPED,       __u32, __u64,                 UL_RECENT,               FIXED,      programs,   "digests of frames to group addresses that left, and of foreign sources; the daemon notes its announcements") \
	X(OUTSIDE,      ul_outside,      MAPPED,       __u32, __u64,                 UL_RECENT,               FIXED,      programs,   "sources that were heard from outside") \
	X(FLOODED,      ul_flooded,      MAPPED,       __u32, __u64,                 UL_RECENT,               FIXED,      port_tc,    "unknown addresses whose frames were copied to learning ports") \
	X(LACP_ANSWERS, ul_lacp_answers, MAPPED,       __u32, struct ul_lacp_answer, UL_MAX_UPLINKS,          FIXED,      uplink_xdp, "uplink -> answers given while the daemon is away") \
	X(LACP_PORTS,   ul_lacp_ports,   MAPPED,       __u32, struct ul_lacp_port,   UL_MAX_UPLINKS,          FIXED,      daemon,     "uplink -> LACP state for uplinkctl; no program reads it") \
	X(PAGP_PORTS,   ul_pagp_ports,   MAPPED,       __u32, struct ul_pagp_port,   UL_MAX_UPLINKS,          FIXED,      daemon,     "uplink -> PAgP state, for uplinkctl and the next daemon; no program reads it") \
	X(LACP,         ul_lacp,         ARRAY,        __u32, struct lacp_saved,     UL_MAX_UPLINKS,          FIXED,      daemon,     "uplink -> LACP state that outlives the daemon") \
	X(MEMBERS,      ul_members,      HASH,         struct ul_member_key, __u32,  UL_MAX_PORTS,            FIXED,      daemon,     "{VID, place} -> port slot: the flood lists") \
	X(STATS,        ul_stats,        PERCPU_ARRAY, __u32, struct ul_stats,       UL_ENDPOINT_PORT0 + 256, ENDPOINTS,  programs,   "endpoint -> counters") \
	X(DEVMAP,       ul_devmap,       DEVMAP,       __u32, __u32,                 256,                     PORTS,      daemon,     "slot -> interface of a port that takes XDP frames") \
	X(EVENTS,       ul_events,       RINGBUF,      __u32, struct ul_event,       64 * 1024,               FIXED,      programs,   "struct ul_event for the daemon") \
	X(SLOW,         ul_slow,         PROG_ARRAY,   __u32, __u32,                 1,                       FIXED,      daemon,     "the slow path of port_tc; one array per load of the programs")
/* clang-format on */

enum ul_map {
#define X(ID, name, kind, key, value, entries, count, writer, help) UL_MAP_##ID,
	UL_MAPS(X)
#undef X
		N_UL_MAPS,
};

#endif
