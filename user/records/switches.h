/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
#ifndef UL_RECORDS_SWITCHES_H
#define UL_RECORDS_SWITCHES_H

#include "common/errors.h"
#include "records/snapshot.h"

/* Opened switches, sorted by name, with a snapshot of each. */
struct switches {
	size_t n;
	struct view **views;
	struct snapshot **snapshots;
};

/*
 * Opens the switch of this name, or all (NULL), below bpffs and takes a snapshot of each. 0;
 * -ENOENT: no switch is pinned; -ENODEV: none has this name; -EACCES, -EPERM: not root; -EPROTO:
 * the maps have another ABI version; other negative errno. On failure the reason is appended to
 * errors and *ret is untouched.
 */
int switches_open(const char *bpffs, const char *name, struct switches *ret, struct errors *errors);
void switches_close(struct switches *switches);

#endif
