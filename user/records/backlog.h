/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The kernel's per-CPU queue of frames for veth interfaces. A flooded frame is queued once per veth
 * port of its VLAN before the first copy is received, so copies above the limit are lost. Newer
 * kernels report that to the programs, which count queue_full; no helper returns the length of the
 * queue, so the programs cannot wait for room.
 */
#ifndef UL_RECORDS_BACKLOG_H
#define UL_RECORDS_BACKLOG_H

#include <stdint.h>

struct backlog {
	uint64_t limit;	  /* frames per CPU: net.core.netdev_max_backlog; 0: cannot be read */
	uint64_t dropped; /* frames since boot, over all CPUs and by all software */
};

void backlog_read(struct backlog *ret);

#endif
