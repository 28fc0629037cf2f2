/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * user/records: pinned maps -> typed records, JSON and findings, without the daemon.
 *
 * A snapshot is one switch at one moment: the uplinks, their LACP records and all counters are
 * copied once, so that values which belong together agree, and the policies, whose counts are made
 * to agree with each other; ports and groups are read from the mapped view. While no daemon keeps
 * the maps up to date, the kernel's link state replaces the daemon's. Everything else in this
 * folder is a pure function of one or two snapshots:
 *
 *   switches.h      opens the pinned switches, a snapshot of each
 *   records.h       snapshot -> JSON records of `show` (uplinks, ports, groups, counters)
 *   fdb.h           the address table with the state of each address
 *   lacp_records.h  snapshot -> JSON records of `show lacp`, names and texts of LACP findings
 *   channel_records.h  snapshot -> JSON record of `show channel`
 *   findings.h      one or two snapshots -> what is wrong with the switch; finding_rows.h the codes
 *   switch_config.h snapshot -> configuration of the physical switch, by vendor
 *   what_if.h       two snapshots -> the load without some uplinks or with another method
 *   rates.h         snapshot -> counters; two of them -> rates of uplinks, groups and ports, drops
 *   finding_changes.h  findings -> which begin and end
 *   daemon_findings.h  what is wrong with uplinkd, from its reply to Status
 *   imbalance.h     sampled flows -> the pairs behind an imbalance, and a method that helps
 *   sample.h        the frames for that
 *   probe.h         frames of diagnose --probe, their answers, and what follows from them
 *   switch_output.h pasted output of the physical switch; switch_findings.h compares it
 *   names.h         enumerations <-> text
 *
 * uplinkctl prints these records; an exporter or a diagnosis tool can use the same. Tests:
 * tests/unit/records_*.c, on maps built in memory (view_fake.h), which need neither root nor
 * daemon.
 */
#ifndef UL_RECORDS_SNAPSHOT_H
#define UL_RECORDS_SNAPSHOT_H

#include "dataplane/view.h"
#include "records/backlog.h"

enum uplink_state {
	/* serves at least one policy */
	UPLINK_IN_USE,
	/* usable, and no policy needs it now */
	UPLINK_STANDBY,
	/* not a member of any policy */
	UPLINK_UNUSED,
	/* recovered; failback is off */
	UPLINK_SPARE,
	/* has carrier, but is held back by up-delay, or LACP or PAgP does not distribute on it */
	UPLINK_WAITING,
	UPLINK_DRAINED,
	UPLINK_NO_CARRIER,
	/* administratively down */
	UPLINK_DOWN,
	/* no interface of this name, or not the one that the maps refer to */
	UPLINK_MISSING,
	/* the interface exists and could not be connected (ul_uplink.error) */
	UPLINK_FAILED,
	N_UPLINK_STATES,
};

struct uplink_view {
	struct ul_uplink raw; /* name is NUL-terminated */
	bool present, admin_up, carrier, usable, drained;
	enum uplink_state state;
	struct ul_stats stats;
	struct ul_lacp_port lacp;     /* zero: none */
	struct ul_lacp_answer answer; /* of the data plane; zero: none */
	struct ul_pagp_port pagp;     /* zero: none */
};

struct snapshot {
	const struct view *view;
	uint64_t taken_ns;	   /* CLOCK_MONOTONIC */
	uint64_t jiffies;	   /* the clock of learned addresses; 0: not known */
	bool daemon_alive;	   /* its lease has not expired */
	uint64_t daemon_silent_ms; /* since the lease expired; 0: alive, or stopped in order */
	uint32_t n_uplinks;
	struct uplink_view uplinks[UL_MAX_UPLINKS];
	uint32_t usable; /* bit i: uplink i */
	/* n_members <= UL_MAX_UPLINKS, n_active <= n_members, n_buckets <= UL_MAX_BUCKETS, and 0 if
	 * n_active is */
	struct ul_policy policies[UL_MAX_POLICIES];
	struct ul_stats *port_stats;	  /* view->max_ports, zero for free slots */
	struct backlog backlog;		  /* of the host */
	struct ul_stats unassigned_stats; /* frames of interfaces that belong to no object */
};

/* 0 or negative errno. The view must outlive the snapshot. The counters of a view without a counter
 * map (stats_fd < 0) are zero. */
int snapshot_take(const struct view *view, struct snapshot **ret);
/* Whether the counters of now may be compared with those of before: the same switch with as many
 * slots. It has others after growth. */
bool snapshot_follows(const struct snapshot *now, const struct snapshot *before);
void snapshot_free(struct snapshot *snapshot); /* NULL allowed */

static inline void snapshot_freep(struct snapshot **snapshot)
{
	snapshot_free(*snapshot);
}

/* Uplinks that serve the policy now, as the programs see it; bit i: uplink i. */
uint32_t policy_serving(const struct snapshot *snapshot, const struct ul_policy *policy);
/* Active and standby uplinks; bit i: uplink i. */
uint32_t policy_members(const struct ul_policy *policy);
/* The uplink that serves a bucket now, or UL_NO_UPLINK. */
uint32_t policy_uplink(const struct snapshot *snapshot, const struct ul_policy *policy,
		       uint32_t bucket);
/* The uplink that serves a bucket while all uplinks are usable, or UL_NO_UPLINK. */
uint32_t policy_home(const struct ul_policy *policy, uint32_t bucket);
/* The policy of a group; NULL: its number is out of range. */
const struct ul_policy *policy_of(const struct snapshot *snapshot, const struct ul_group *group);

/* Name of an uplink; NULL: no such index. */
const char *uplink_name(const struct snapshot *snapshot, uint32_t index);
/* "eth0", "eth0 and eth1", "eth0, eth1 and eth2"; bit i of mask: uplink i. Returns text. */
const char *snapshot_uplink_names(const struct snapshot *snapshot, uint32_t mask, char *text,
				  size_t size);
/* Index of the uplink, or -1. */
int uplink_by_name(const struct snapshot *snapshot, const char *name);
/* Index of the group, or -1. */
int group_by_name(const struct snapshot *snapshot, const char *name);
/* Slot of the port, or -1. */
int port_by_name(const struct snapshot *snapshot, const char *name);

/* Frames that came in at an object, dropped ones included. */
struct ul_count stats_received(const struct ul_stats *stats);
struct ul_count stats_dropped(const struct ul_stats *stats);
struct ul_count stats_of(const struct ul_stats *stats, uint32_t reason);

/* The state of an interface as the kernel reports it now. */
struct live_interface {
	uint32_t ifindex;
	bool admin_up, carrier;
};

/* 0; -ENODEV: not in this network namespace; other negative errno. */
int live_interface(const char *name, struct live_interface *ret);

#endif
