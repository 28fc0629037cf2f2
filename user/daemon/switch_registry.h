/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The switches that this instance created, in this or an earlier run. The list is a file in the run
 * directory, so that the next run also removes switches that left the configuration while no daemon
 * was running. A name leaves the list when its switch is gone from the kernel.
 */
#ifndef UL_DAEMON_SWITCH_REGISTRY_H
#define UL_DAEMON_SWITCH_REGISTRY_H

#include <stddef.h>

#include "abi.h"
#include "common/errors.h"
#include "common/util.h"

struct switch_registry {
	char (*name)[UL_NAME_LEN];
	size_t n;
};

bool switch_registry_has(const struct switch_registry *registry, const char *name);
/* Adds a name once. 0, -EINVAL: not a valid name of a switch, or -ENOMEM. */
int switch_registry_add(struct switch_registry *registry, const char *name);
void switch_registry_remove_at(struct switch_registry *registry, size_t index);
void switch_registry_done(struct switch_registry *registry);

/* Adds all names that are pinned. 0 or negative errno with a message. */
int switch_registry_add_pinned(struct switch_registry *registry, const char *bpffs,
			       struct errors *errors);
/* The list of an earlier run; if it is unreadable, all names that are pinned stand for it, with a
 * message. 0 or negative errno with a message: a repeated start may succeed. */
int switch_registry_start(const char *path, const char *bpffs, struct switch_registry *registry,
			  struct errors *errors);

/* One name per line. A missing file is an empty list. 0 or negative errno. */
int switch_registry_read(const char *path, struct switch_registry *registry);
/* Replaces path atomically, or removes it when there are no names. On failure the former file
 * stays. 0 or negative errno. */
int switch_registry_write(const char *path, const struct switch_registry *registry);

#endif
