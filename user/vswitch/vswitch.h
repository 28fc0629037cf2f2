/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * One switch at run time: the composition of uplink/, port/, channel/ and teaming/ around one set
 * of maps. The daemon sees a switch only through this header.
 *
 * The maps hold the state. A switch compares the configuration with the maps and writes the
 * difference, so start, restart, reload and link events follow the same path. What must not wait,
 * LACP and the decisions about uplinks, is on the timely side (timely/timely.h).
 *
 *   vswitch.c        life cycle, the order of an apply, larger maps
 *   groups.c         port groups: records by name
 *   vlans.c          VLAN flags and flood lists
 *   preflight.c      what would be refused, found before anything is changed
 *   links.c          interfaces and sockets of the uplinks to the timely side, reports from it
 *   usage.c          the guard: uplinks that the host uses
 *   runtime_ports.c  ports that `uplinkctl port add` made
 *   attachments.c    ports of attachment bridges (attachments.h)
 *
 * Life cycle: vswitch_new() opens or adopts the maps and changes nothing. vswitch_apply() brings
 * maps and interfaces to a configuration; it may be called again at any time. vswitch_free() leaves
 * the data plane running; vswitch_teardown() removes it.
 *
 * Failures append their reason to vswitch_context.errors and return a negative errno; nothing here
 * writes to the log.
 *
 * Callers: daemon/ only. Tests: tests/unit/vswitch_*.c, tests/netns/test_lifecycle.py,
 * test_switches.py.
 */
#ifndef UL_VSWITCH_VSWITCH_H
#define UL_VSWITCH_VSWITCH_H

#include <systemd/sd-event.h>

#include "common/errors.h"
#include "config/model.h"
#include "events.h"
#include "link/link.h"
#include "timely/command.h"

struct announce_socket;
struct timely;
struct vswitch;

/* What a switch needs from the daemon. The pointers must stay valid for the life of the switch. */
struct vswitch_context {
	sd_event *event;
	struct link_monitor *links;
	struct timely *timely;			 /* NULL: without its thread, to remove switches */
	struct announce_socket *announce_socket; /* port/announce.h */
	const char *bpffs;
	/*
	 * Failures of requests, link events and timers. The daemon empties the list after each
	 * request and after each round of the event loop.
	 */
	struct errors *errors;
	/* An event for the log and for `uplinkctl monitor`. object: an uplink, a port, or the
	 * switch itself. */
	void (*report)(void *userdata, const char *switch_name, enum event_code code,
		       const char *object, const char *text);
	/* This instance made a switch of this name, now or in an earlier run. */
	bool (*owns)(void *userdata, const char *switch_name);
	void *userdata;
};

/* Opens or adopts the data plane of cfg's switch. Nothing is changed. 0 or negative errno. */
int vswitch_new(const struct vswitch_context *context, const struct switch_cfg *cfg,
		struct vswitch **ret);
/* Frees what this process holds; the data plane continues. NULL allowed. */
void vswitch_free(struct vswitch *vs);
/* Ports that the maps have now, connected or not. */
size_t vswitch_count_ports(const struct vswitch *vs);
const char *vswitch_name(const struct vswitch *vs);
/* Something of an interface that left could not be detached, restored or deleted yet. */
bool vswitch_is_releasing(const struct vswitch *vs);
/* Carriers are read by a program. Otherwise by netlink, which does not answer while another process
 * holds the RTNL. */
bool vswitch_has_carrier_program(const struct vswitch *vs);
/* Counters of the uplink at an index since this process opened the switch; its name, or NULL: there
 * is no such uplink. */
const char *vswitch_uplink_statistics(const struct vswitch *vs, uint32_t index,
				      struct timely_uplink_statistics *ret);

/*
 * Finds what would make vswitch_apply() fail half-way: an interface of another program or bridge,
 * or one that refuses a setting. before: the applied configuration of the same switch, or NULL;
 * only differences from it are checked. model: the model that cfg belongs to. Changes nothing. 0 or
 * negative errno with messages in errors.
 */
int vswitch_check(const struct vswitch_context *context, const struct switch_cfg *cfg,
		  const struct switch_cfg *before, const struct model *model,
		  struct errors *errors);
/*
 * Interfaces that a member of the control group must not add as a port: those that the host uses
 * (context_check_unused()). One that does not exist passes, and is checked when it appears. 0 or
 * negative errno with messages in errors.
 */
int vswitch_check_runtime_port(struct link_monitor *links, const char *switch_name,
			       const char *interface, struct errors *errors);
/*
 * The part of these checks that needs neither privileges nor a running switch: kinds of interfaces,
 * and one interface under two names. For all switches of the model. 0 or negative errno with
 * messages in errors.
 */
int vswitch_check_interfaces(struct link_monitor *links, const struct model *model,
			     struct errors *errors);
/* Loads the programs of each switch for trial, as a start would; nothing stays. 0 or negative errno
 * with messages in errors. */
int vswitch_try_programs(const struct model *model, struct errors *errors);
/* Releases the uplinks and ports that cfg does not have, so that another switch can connect them.
 */
void vswitch_release_removed(struct vswitch *vs, const struct switch_cfg *cfg);
/*
 * Brings maps and interfaces to cfg, which must live until the next call. 0 or negative errno;
 * after a failure the switch is between two configurations, and the caller applies the former one
 * again.
 */
int vswitch_apply(struct vswitch *vs, const struct switch_cfg *cfg);
/*
 * Reverts vswitch_new() and a first vswitch_apply(): adopted maps continue as they are, new ones
 * are removed. Frees vs.
 */
void vswitch_abandon(struct vswitch *vs);
/* Restores the interfaces and removes everything from the kernel. vs is only good for
 * vswitch_free() afterwards. 0 or negative errno: something is left in the kernel. */
int vswitch_teardown(struct vswitch *vs);
/*
 * The same for a switch that exists only in the kernel, of any version. 0, also when there is none,
 * or negative errno: it is still there.
 */
int vswitch_remove(const struct vswitch_context *context, const char *name);

/* A run-time port whose interface has been gone for long (ports_next_forgotten()). */
bool vswitch_next_forgotten(struct vswitch *vs, uint64_t now_ms, char ret_name[UL_NAME_LEN]);
/* Events of interfaces that are not members of this switch are ignored. changes: OR of enum
 * link_change. */
void vswitch_link_event(struct vswitch *vs, const struct link_info *info, unsigned int changes);
/* 1: the uplink carries traffic; 0: it does not; -ENOENT: no such uplink. */
int vswitch_uplink_is_usable(const struct vswitch *vs, const char *uplink);
/* 0, -ENOENT: no such uplink, or -EALREADY. */
int vswitch_drain(struct vswitch *vs, const char *uplink, bool drain);

/*
 * Adds to the model the ports that were added at run time and exist in the maps but not in the
 * file. A port that does not fit the model is left out with a message in errors. 0, or the error of
 * a shortage, with a message: the maps cannot be read now. A set that cannot be used has no ports.
 */
int vswitch_collect_runtime_ports(const char *bpffs, struct model *model, struct errors *errors);

#endif
