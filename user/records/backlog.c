// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/backlog.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"

void backlog_read(struct backlog *ret)
{
	_cleanup_fclose_ FILE *limit = fopen("/proc/sys/net/core/netdev_max_backlog", "re");
	_cleanup_fclose_ FILE *cpus = fopen("/proc/net/softnet_stat", "re");
	char line[512];
	uint64_t dropped;

	*ret = (struct backlog){};
	if (limit && fscanf(limit, "%" SCNu64, &ret->limit) != 1)
		ret->limit = 0;
	/* a line per CPU: processed, dropped, ... in hexadecimal */
	while (cpus && fgets(line, sizeof(line), cpus))
		if (sscanf(line, "%*x %" SCNx64, &dropped) == 1)
			ret->dropped += dropped;
}
