/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* State of the ports of a switch, for the files of port/ and their tests only. */
#ifndef UL_PORT_INTERNAL_H
#define UL_PORT_INTERNAL_H

#include "common/rate_limit.h"
#include "common/repair.h"
#include "port/addresses.h"
#include "port/host_port.h"
#include "port/mac_aging.h"
#include "port/notifier.h"
#include "port/ports.h"
#include "port/presence.h"

/* between two reports that the address table is full: machines must not fill the log */
#define FULL_REPORT_INTERVAL_MS 60000

/* Reports of all ports together, which their machines can cause: enough for a start of all of them,
 * then ten in a second. */
#define ALL_REPORT_BURST 1024
#define ALL_REPORT_INTERVAL_MS 100

/* Reports of ports that change their uplink: a burst, then ten in a second. */
#define MOVE_REPORT_BURST 128
#define MOVE_REPORT_INTERVAL_MS 100

struct ring_buffer;

/* State of a port in addition to its record in the map. */
struct port_state {
	bool unmade;	   /* the veth pair of a host port could not be made and is tried again */
	uint32_t attached; /* ifindex that this process has prepared and attached; 0: none */
	uint32_t isolated; /* ifindex of the bridge in which this process has isolated it; or 0 */
	/* ifindex that could not be attached or brought up to date, and is tried again; 0: none */
	uint32_t refused;
	uint32_t not_up; /* ifindex that could not be set up when it was connected; or 0 */
	/* the host's end could not be set up, or given its MAC address, or keeps addresses and
	 * routes that the configuration does not have */
	bool host_unset;
	uint32_t retry_ms;	    /* the delay before the next attempt */
	uint64_t retry_due_ms;	    /* when it is made */
	uint32_t reported_problems; /* for which its interface is not connected */
	uint64_t may_change_ms;	    /* when the machine may change its address again */
	/* allowances of what the machine can cause: reports, events of the programs, moves of
	 * learned addresses to the port */
	struct rate_limit reports, events, moves;
	enum learning_policy learning_policy;
	/* a trunk port whose own address has an entry for each VLAN (addresses.h) */
	bool exact_keys;
	/* second look after the port became absent, end of a mute (presence.c); 0: none */
	uint64_t look_at_ms, unmute_at_ms;
	uint64_t gone_since_ms; /* without an interface; 0: it has one */
	/* repairs of what other software changes, and the last reported error of a route */
	struct repair address_repair, mtu_repair, ipv6_repair;
	int route_error;
};

struct ports {
	const struct switch_context *context;
	struct ports_callbacks callbacks;
	struct port_state state[UL_MAX_PORTS]; /* index: slot */
	/* where port_by_interface() begins: ports are mostly looked up in their order */
	uint32_t next_slot;
	sd_event_source *retry_timer;  /* at or before the first retry_due_ms; NULL: none is due */
	struct rate_limit all_reports; /* of all ports */
	sd_event_source *guard_timer;  /* NULL: no configuration was applied */
	uint32_t guard_slot;	       /* the next one to be checked */

	/* ports_start_learning() to ports_stop_learning() */
	struct mac_ages *ages;
	struct ring_buffer *events;
	sd_event_source *event_source;	/* of events */
	sd_event_source *age_timer;	/* at or before the end of the oldest address */
	sd_event_source *look_timer;	/* presence.c */
	uint64_t turn_end_ms;		/* of the present turn of reading events */
	struct rate_limit full_reports; /* that the address table is full */
	struct rate_limit bridges_down; /* attachment bridges that other software sets up */
};

/* ---- port_table.c ---- */
bool port_is_used(const struct ports *ports, uint32_t slot);
/* A slot that no port has, or -ENOSPC. */
int port_free_slot(const struct ports *ports);
/* The interface that connects the port: of its name, or the switch's end of a host port. */
void port_interface(const struct ul_port *port, char name[UL_NAME_LEN]);
/* Slot of the port with this name, or of the host port with this far end; or -ENOENT. */
int port_by_interface(struct ports *ports, const char *name);
/* The same by the name of the port alone: a configuration may give the name of a host port's far
 * end to another port. */
int port_slot_by_name(struct ports *ports, const char *name);
/* port-id: the number of a port that is new in a policy. */
uint32_t port_choose_number(const struct ports *ports, uint32_t slot, uint32_t policy);

/* ---- ports.c ---- */
/* Of a slot that no port has. */
void port_state_reset(struct port_state *state);
/* context_report() for events that the machine behind the port can cause at any rate. */
void port_report(struct ports *ports, uint32_t slot, enum event_code code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Connects the port to the interface or brings the connection up to date; after a failure, which
 * has a reason in context->errors, again with back-off. */
void port_connect(struct ports *ports, uint32_t slot, const struct link_info *seen);

/* Creates the veth pair of a host port again; after a failure, again with back-off. */
void port_recreate_pair(struct ports *ports, uint32_t slot);

/* ---- retry.c ---- */
/* Arms the next attempt for a port whose state is refused or unmade. */
void port_schedule_retry(struct ports *ports, uint32_t slot);
/* Makes the attempts that are due at now_ms, and arms the timer for the others. */
void port_retry_due(struct ports *ports, uint64_t now_ms);

/* ---- attached.c: ports of attachment bridges ---- */
/* ifindex of the bridge, if the interface is enslaved to one of the port's group or of the switch;
 * or 0. */
uint32_t attached_master(const struct ports *ports, uint32_t slot, const struct link_info *info);
/* Clears info->master if it may have the interface, and returns whether. */
bool attached_hide_master(const struct ports *ports, uint32_t slot, struct link_info *info);
/* The address of the machine as far as the tap shows it; false: it does not. */
bool attached_hint(const struct link_info *info, uint8_t ret[6]);
/* Whether a port that is about to be attached waits for its machine's first source. port: its
 * record so far. */
bool attached_waits(const struct ul_port *port, const struct ul_group *group, bool fresh);
/* Before an interface is connected: the address is the hint or none, and the port waits. */
void attached_begin(struct ports *ports, uint32_t slot, const struct link_info *info);
/* The machine left. */
void attached_restart(struct ports *ports, uint32_t slot);
/* Ends the waiting if the machine has confirmed the address. */
void attached_settle(struct ports *ports, uint32_t slot);
/* Whether the machine may not change its address any longer. */
bool attached_refuses(struct ports *ports, uint32_t slot);
/* Whether the machine may take an address that is in use outside: a guest that moves here. */
bool attached_may_contest(const struct ports *ports, uint32_t slot, const uint8_t mac[6]);
/* The port has a new address. */
void attached_took_address(struct ports *ports, uint32_t slot);

/* ---- guard.c ---- */
/* Whether the port may be connected to this interface: 0, or as context_check_interface(). The
 * record has the problems then, and context->errors the reason, once. */
int port_check_interface(struct ports *ports, uint32_t slot, const struct link_info *info);
/* The same for a run-time port that is not connected and context_check_unused(): the interface may
 * have appeared, or got an address, after the request. */
int port_check_unused(struct ports *ports, uint32_t slot, const struct link_info *info);
/* Writes and reports the problems of a connected interface, and attaches programs again that were
 * detached. */
void port_guard(struct ports *ports, uint32_t slot, const struct link_info *info);
/* The interface is gone. */
void port_forget_problems(struct ports *ports, uint32_t slot);
/* Starts the check once a second, if it is not running. 0 or negative errno with a reason. */
int port_guard_start(struct ports *ports);
/* The check of all connected ports, which the timer makes every second. */
void ports_guard(struct ports *ports);
/* The machine has changed its address: remembers from which configured one. */
void port_note_change(struct ports *ports, uint32_t slot);

/* ---- mac_learning.c ---- */
/* Mutes ports that cannot learn one more address, and no others. */
void mac_learning_update_limit(struct ports *ports, uint32_t slot);
void mac_learning_update_limits(struct ports *ports);
/* Acts on one event of the programs. */
void mac_learning_event(struct ports *ports, const struct ul_event *event);
/* Starts the timer that removes old addresses, if it is off. */
void mac_learning_arm(struct ports *ports);

/* ---- notifier.c ---- */
struct learned;

/* The uplinks that served the buckets of a policy when it was last looked at. */
struct policy_seen {
	uint32_t method, flags, n_buckets; /* n_buckets 0: not looked at yet */
	uint8_t uplink[UL_MAX_BUCKETS];	   /* as in struct notifier */
	uint64_t moved_ms[UL_MAX_BUCKETS]; /* when another uplink took over; 0: never */
};

struct notifier {
	const struct switch_context *context;
	struct announcer *announcer;
	announce_send send;
	void *send_userdata;
	/* slot -> uplink that serves the port's own bucket, or the last one that did; UL_NO_UPLINK:
	 * none yet; UL_MAX_UPLINKS: one that left the switch */
	uint8_t uplink[UL_MAX_PORTS];
	/* slot -> since when the uplinks of buckets count as moved, while the port is announced */
	uint64_t moving_since_ms[UL_MAX_PORTS];
	struct policy_seen seen[UL_MAX_POLICIES];
	struct rate_limit reports; /* of all ports that change their uplink */
	/* the learned addresses as of the last walk over ul_fdb, in the order of the slots */
	struct learned *learned;
	size_t n_learned, room;
	bool stale; /* walk again before they are used */
};

/* Bits of what is announced for a port. */
enum port_announce {
	PORT_ANNOUNCE_OWN = 1 << 0,
	PORT_ANNOUNCE_LEARNED = 1 << 1,
};

#endif
