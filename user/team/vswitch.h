/* SPDX-License-Identifier: GPL-2.0 */
/* One switch at run time: the funnel from configuration, links, LACP and the operator to the maps.
 *
 * The maps hold the state; this holds what cannot be read from them: timers, and which configuration is meant. Everything works by comparing
 * what should be with what the maps say and writing the difference, so a start, a restart, a reload and a changed link are one thing.
 *
 *   vswitch.c   life cycle; groups, ports, VLANs and addresses          ports.c    one port's interface
 *   uplinks.c   which uplink may send and receive, and the policies     prepare.c  an uplink's NIC settings
 *   channel.c   LACP of the uplinks, and their neighbours               learn.c    addresses that machines use; learned.c since when
 */
#ifndef UL_TEAM_VSWITCH_H
#define UL_TEAM_VSWITCH_H

#include <systemd/sd-event.h>

#include "config/model.h"
#include "dataplane/dataplane.h"
#include "link/link.h"
#include "team/learned.h"
#include "team/notify.h"
#include "team/policy.h"

/* What the switch needs from its surroundings. */
struct vswitch_context {
	sd_event *event;
	struct link_monitor *links;
	struct notify_socket *notify_socket;
	const char *bpffs;
	/* A line for `uplinkctl monitor`: what happened, to which object. */
	void (*report)(void *userdata, const char *switch_name, const char *object, const char *text);
	void *userdata;
};

struct uplink_state {
	struct vswitch *vs;
	uint32_t index;
	sd_event_source *up_timer;	/* runs while a link is up but not yet for up-delay-ms */
	bool seen;			/* was there since the start; the first sight needs no up-delay */
	bool counted;			/* carrier and IFF_UP for up-delay-ms */
	bool lacp_collecting, lacp_distributing;
};

struct policy_slot {
	bool used;
	struct teaming teaming;
	uint32_t benched;		/* failback: false: recovered uplinks that wait */
};

struct channel;	/* channel.h */

struct vswitch {
	struct vswitch_context context;
	char name[UL_NAME_LEN];
	struct dataplane *dp;
	const struct switch_cfg *cfg;	/* of the daemon's model */
	struct notifier *notifier;	/* port moved to another uplink: RARP */
	struct uplink_state uplink[UL_MAX_UPLINKS];
	struct policy_slot policy[UL_MAX_POLICIES];
	uint32_t sending;		/* bit i: uplink i could send when the policies were last written */
	uint8_t port_uplink[UL_MAX_PORTS];	/* where the port's own bucket is served; to see that it moved */
	uint32_t port_attached[UL_MAX_PORTS];	/* ifindex that this process has prepared and attached; 0: none yet */
	uint32_t next_port;		/* slot where port_find() begins: ports are mostly asked for in their order */
	sd_event_source *event_source;	/* ring buffer of the programs */
	struct ring_buffer *events;
	struct learned *learned;	/* since when */
	sd_event_source *age_timer;	/* when the oldest of these is to be forgotten */
	uint64_t learn_until_ms;	/* end of this turn of working off events */
	uint64_t may_change_ms[UL_MAX_PORTS];	/* slot -> when the port may change its address again */
	struct channel *channel;	/* LACP and neighbours */
	bool carrier_check;		/* the programs look at the carrier themselves */
};

/* Opens or adopts the data plane of cfg's switch; nothing is changed yet. */
int vswitch_new(const struct vswitch_context *context, const struct switch_cfg *cfg, struct vswitch **ret);
/* Frees what this process holds; the data plane goes on. NULL allowed. */
void vswitch_free(struct vswitch *vs);

/* Things that would make applying cfg fail half-way: an interface that another program or bridge owns. 0 or negative errno with messages. Changes nothing. */
int vswitch_check(const struct vswitch_context *context, const struct switch_cfg *cfg, const struct model *model,
		  struct config_errors *errors);
/* Releases the uplinks and ports that cfg has no more, so that another switch can take them. */
void vswitch_let_go(struct vswitch *vs, const struct switch_cfg *cfg);
/* Makes the maps and interfaces what cfg says. cfg must live until the next call. */
int vswitch_apply(struct vswitch *vs, const struct switch_cfg *cfg);
/* Restores the interfaces and removes everything from the kernel. */
void vswitch_teardown(struct vswitch *vs);
/* The same for a switch that is only in the kernel, of whichever version. */
int vswitch_remove(const struct vswitch_context *context, const char *name);

void vswitch_link_event(struct vswitch *vs, const struct link_info *info, unsigned int changes);
/* drain: 0, -ENOENT: no such uplink, -EALREADY. */
int vswitch_drain(struct vswitch *vs, const char *uplink, bool drain);
/* LACP: what the mux machine of an uplink says. Takes effect in the maps before it returns. */
void vswitch_set_lacp(struct vswitch *vs, uint32_t uplink, bool collecting, bool distributing);
/* Promises to be alive for so long. */
void vswitch_renew_lease(struct vswitch *vs, uint64_t until_ns);

/* Ports that were added at run time and are in the maps but not in the file: adds them to the model's switch. */
int vswitch_collect_runtime_ports(const char *bpffs, struct model *model);

/* ---- between the files of team/ --------------------------------------------------------------------------------------------- */
int uplinks_apply(struct vswitch *vs);			/* uplink table of cfg, by name */
void uplinks_release_all(struct vswitch *vs);
int uplinks_index(const struct vswitch *vs, const char *name);	/* or -ENOENT */
void uplinks_let_go(struct vswitch *vs, const struct switch_cfg *cfg);
void uplink_link_event(struct vswitch *vs, uint32_t index, const struct link_info *info, unsigned int changes);
void uplinks_update(struct vswitch *vs);		/* flags of all uplinks -> policies -> notify */
int policies_apply(struct vswitch *vs, uint32_t *ret_slots);	/* group index in cfg -> policy slot; frees the unused ones later */
void policies_prune(struct vswitch *vs, const uint32_t *slots);

/* 0; 1: but its VLAN tags are invisible to XDP; or negative errno. */
int uplink_prepare(struct vswitch *vs, uint32_t index, const struct link_info *info);
void uplink_release(struct vswitch *vs, struct ul_uplink *uplink);

int port_find(struct vswitch *vs, const char *name);	/* slot, or -ENOENT */
int port_apply(struct vswitch *vs, const struct port_cfg *cfg, uint32_t group);	/* slot, or negative errno */
void port_release(struct vswitch *vs, uint32_t slot);
/* The interface of the switch's own end: the port's, or the far end of a host port. */
void port_interface(const struct ul_port *port, char name[UL_NAME_LEN]);
void port_link_event(struct vswitch *vs, uint32_t slot, const struct link_info *info, unsigned int changes);
void port_notify_moves(struct vswitch *vs, uint32_t policy_slot);

int learn_start(struct vswitch *vs);
void learn_stop(struct vswitch *vs);
void learn_adopt(struct vswitch *vs);		/* learned addresses that are in the table already */
void learn_forget_port(struct vswitch *vs, uint32_t slot);

void vswitch_report(struct vswitch *vs, const char *object, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
