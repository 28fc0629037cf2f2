/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The loaded programs and their maps. */
#ifndef UL_TESTS_BPF_LOADED_H
#define UL_TESTS_BPF_LOADED_H

#include "uplinkd.skel.h"

#define MAX_PORTS 16
#define MAX_GROUPS 16
#define FDB_BUCKETS 64		   /* small, so that keys spill in the random tests */
#define SEED 0x5bd1e995a3c59ac3ULL /* of the exact-match tables */
#define IFACE_BUCKETS 64

/*
 * The programs with empty maps. They are loaded once in a test, because a kernel needs a second to
 * verify them, and an emulated one ten. limits_floods: see WORLD_FLOOD_LIMIT; n_cpus: of
 * libbpf_num_possible_cpus().
 */
struct uplinkd_bpf *loaded_programs(bool limits_floods, int n_cpus);
/* The values of a map with BPF_F_MMAPABLE. */
void *loaded_map_memory(const struct bpf_map *map);

#endif
