/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Folders that uplinkd and uplinkctl must agree on. */
#ifndef UL_COMMON_PATHS_H
#define UL_COMMON_PATHS_H

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PATHS_RUN_DIR "/run/uplinkd"
#define PATHS_STATE_DIR "/var/lib/uplinkd"

/* The state directory of an instance. One with another run directory has its own, because it must
 * not take this host's configuration for its last confirmed one. Returns path. */
static inline const char *paths_state_dir(const char *run_dir, char path[PATH_MAX])
{
	if (strcmp(run_dir, PATHS_RUN_DIR) == 0)
		snprintf(path, PATH_MAX, PATHS_STATE_DIR);
	else
		snprintf(path, PATH_MAX, "%s/state", run_dir);
	return path;
}

#endif
