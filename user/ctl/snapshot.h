/* SPDX-License-Identifier: GPL-2.0 */
/* A switch at one moment: what its maps say, its counters, and what is true of its uplinks while no
 * daemon keeps the maps up to date. Everything that uplinkctl shows is made from this, so it needs
 * neither daemon nor root in the tests. */
#ifndef UL_CTL_SNAPSHOT_H
#define UL_CTL_SNAPSHOT_H

#include "dataplane/view.h"

enum uplink_state {
	UPLINK_IN_USE,	/* serves at least one policy */
	UPLINK_STANDBY, /* usable, waits for its turn */
	UPLINK_UNUSED,	/* in no policy's lists */
	UPLINK_SPARE,	/* recovered, failback is off */
	UPLINK_WAITING, /* has carrier, but may not be used yet: up-delay, or LACP is not
			   distributing */
	UPLINK_DRAINED,
	UPLINK_NO_CARRIER,
	UPLINK_DOWN,	/* administratively */
	UPLINK_MISSING, /* no such interface */
	N_UPLINK_STATES,
};

struct uplink_view {
	struct ul_uplink raw; /* copied once, so that its fields belong together */
	bool present, admin_up, carrier, usable, drained;
	enum uplink_state state;
	struct ul_stats stats;
};

struct snapshot {
	const struct view *view;
	uint64_t taken_ns;	   /* CLOCK_MONOTONIC */
	bool daemon_alive;	   /* its lease had not run out */
	uint64_t daemon_silent_ms; /* since it ran out; 0: alive, or it ended in order */
	uint32_t n_uplinks;
	struct uplink_view uplinks[UL_MAX_UPLINKS];
	uint32_t usable;	      /* bit i: uplink i */
	struct ul_stats *port_stats;  /* view->meta->max_ports, zero for free slots */
	struct ul_stats nobody_stats; /* UL_OBJECT_NONE */
};

/* 0 or negative errno. The view must outlive the snapshot. With a view without counters (stats_fd <
 * 0, in tests) they are zero. */
int snapshot_take(const struct view *view, struct snapshot **ret);
void snapshot_free(struct snapshot *snapshot); /* NULL allowed */

static inline void snapshot_freep(struct snapshot **snapshot)
{
	snapshot_free(*snapshot);
}

/* As in tables and JSON: "in use", "no carrier", ... */
const char *uplink_state_name(enum uplink_state state);

/* What a policy does now: bit i = uplink i. The serving ones as the programs see them: as written
 * by the daemon as long as all of those are usable. */
uint32_t policy_serving(const struct snapshot *snapshot, const struct ul_policy *policy);
uint32_t policy_members(const struct ul_policy *policy); /* active and standby */
/* Who serves a bucket now: uplink index or UL_NO_UPLINK. */
uint32_t policy_uplink(const struct snapshot *snapshot, const struct ul_policy *policy,
		       uint32_t bucket);
/* Whose bucket it is while everything works. */
uint32_t policy_home(const struct ul_policy *policy, uint32_t bucket);
/* A policy that some group uses. NULL: the group names none that exists. */
const struct ul_policy *policy_of(const struct snapshot *snapshot, const struct ul_group *group);

/* "eth0", "eth0 and eth1", "eth0, eth1 and eth2"; bit i of mask: uplink i. Returns text. */
const char *snapshot_uplink_names(const struct snapshot *snapshot, uint32_t mask, char *text,
				  size_t size);
/* Index of the group, or -1. */
int group_by_name(const struct snapshot *snapshot, const char *name);
/* Slot of the port, or -1. */
int port_by_name(const struct snapshot *snapshot, const char *name);

/* Everything that came in at an object: all that went on, and all drops. */
struct ul_count stats_received(const struct ul_stats *stats);
struct ul_count stats_dropped(const struct ul_stats *stats);
struct ul_count stats_of(const struct ul_stats *stats, uint32_t reason);

/* An interface as the kernel has it now. */
struct live_interface {
	uint32_t ifindex;
	bool admin_up, carrier;
};

/* 0, or -ENODEV: not in this network namespace; other negative errno. */
int live_interface(const char *name, struct live_interface *ret);

#endif
