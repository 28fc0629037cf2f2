/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A configuration as a transaction over all switches: check, open, apply, and roll back on failure.
 *
 *   check   finds what would fail half-way, too few descriptors included; nothing is changed
 *   open    opens or adopts the maps of new switches, and locks them; nothing is attached
 *   apply   removes switches that left the configuration, releases interfaces that change their
 *           switch, then brings each switch to its configuration
 *
 * A failure before `apply` closes what was opened. A failure in `apply` applies the former
 * configuration again, and restore.c repeats what of it fails; at the start there is none, and new
 * maps are removed while adopted ones continue.
 *
 * Callers: daemon.c, reload.c, methods.c. Tests: tests/unit/daemon_apply.c with fake switches,
 * tests/netns/test_switches.py and test_lifecycle.py.
 */
#ifndef UL_DAEMON_APPLY_H
#define UL_DAEMON_APPLY_H

#include "config/model.h"
#include "daemon/switch_registry.h"
#include "dataplane/rcu_expedite.h"
#include "vswitch/vswitch.h"

/* What a transaction needs of a switch: vswitch/vswitch.h, or fakes in tests. */
struct switch_ops {
	int (*check)(const struct vswitch_context *context, const struct switch_cfg *cfg,
		     const struct switch_cfg *before, const struct model *model,
		     struct errors *errors);
	int (*open)(const struct vswitch_context *context, const struct switch_cfg *cfg,
		    struct vswitch **ret);
	void (*release_removed)(struct vswitch *vs, const struct switch_cfg *cfg);
	int (*apply)(struct vswitch *vs, const struct switch_cfg *cfg);
	void (*abandon)(struct vswitch *vs);
	int (*teardown)(struct vswitch *vs);
	void (*close)(struct vswitch *vs);
	int (*remove)(const struct vswitch_context *context, const char *name);
	const char *(*name)(const struct vswitch *vs);
	bool (*is_pinned)(const char *bpffs, const char *name);
	size_t (*count_ports)(const struct vswitch *vs); /* that its maps have now */
};

extern const struct switch_ops vswitch_ops;

struct running_switches {
	const struct switch_ops *ops;
	struct vswitch_context context; /* also has the list of errors */
	const char *registry_path;
	struct rcu_expedite rcu;
	bool rcu_reported; /* that it cannot be switched on */
	struct switch_registry registry;
	struct model *model; /* in force; NULL before the first one */
	struct vswitch **list;
	size_t n;
	/* after each successful change, with context.userdata; NULL allowed */
	void (*applied)(void *userdata, const struct model *model);
	/* why a failed change could not be rolled back completely; empty: it was */
	char incomplete[256];
	/* then, with context.userdata: switches_restore() is due; NULL allowed */
	void (*restore_later)(void *userdata);
	/* After each change: whether switches are in the kernel that the configuration does not
	 * have, for switches_remove_left(). NULL allowed. */
	void (*on_left)(void *userdata, bool left);
};

/*
 * Brings the switches to model and takes ownership of it, on success only. On failure the former
 * state is restored as far as possible. 0 or negative errno; context.errors has the reasons, and
 * may have some on success too: of an interface that could not be connected, for example.
 */
int switches_apply(struct running_switches *switches, struct model *model);

/* After an incomplete rollback: brings the switches to the model in force. 0 or negative errno with
 * reasons; `incomplete` has the first one. */
int switches_restore(struct running_switches *switches);
/* Tries to remove the switches again that could not be removed when they left the configuration. */
void switches_remove_left(struct running_switches *switches);
/* The name of such a switch, from the index on, which is moved behind it; or NULL. */
const char *switches_next_left(const struct running_switches *switches, size_t *index);

/* NULL: none with this name is open. */
struct vswitch *switches_find(const struct running_switches *switches, const char *name);
/* Removes all registered switches from the kernel. One that cannot be removed does not stop the
 * others. 0 or negative errno with reasons. */
int switches_remove_all(struct running_switches *switches);

/* Closes the switches; their data planes continue. */
void switches_done(struct running_switches *switches);

#endif
