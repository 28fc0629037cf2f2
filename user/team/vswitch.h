/* SPDX-License-Identifier: GPL-2.0 */
/* One switch at run time: the funnel from configuration, links, LACP and the operator to the maps.
 *
 * The maps hold the state; this holds what cannot be read from them: timers, and which
 * configuration is meant. Everything works by comparing what should be with what the maps say and
 * writing the difference, so a start, a restart, a reload and a changed link are one thing.
 *
 *   vswitch.c   life cycle; groups, ports, VLANs and addresses          ports.c    one port's
 * interface uplinks.c   which uplink may send and receive, and the policies     prepare.c  an
 * uplink's NIC settings channel.c, channel_apply.c   LACP of the uplinks, and neighbours    learn.c
 * addresses that machines use; learned.c since when uplink_interface.c   an uplink's interface
 *   host_port.c the host's own ports                                    check.c    what would be
 * refused
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
	void (*report)(void *userdata, const char *switch_name, const char *object,
		       const char *text);
	/* Has this instance made a switch of this name, now or in an earlier run? */
	bool (*owns)(void *userdata, const char *switch_name);
	void *userdata;
};

struct uplink_state {
	struct vswitch *vs;
	uint32_t index;
	sd_event_source *up_timer; /* runs while a link is up, or LACP distributes, but not yet for
				      up-delay-ms */
	sd_event_source *retry_timer; /* runs while an interface is there that could not be taken */
	uint32_t retry_ms;
	uint32_t refused; /* ifindex of that interface; 0: none */
	bool known;	  /* was an uplink before the configuration that is being applied */
	bool seen;	  /* was there since the start; the first sight needs no up-delay */
	bool counted;	  /* carrier and IFF_UP for up-delay-ms */
	bool lacp_collecting, lacp_distributing;
	bool replaced; /* it is another interface than the one before of this name */
	uint64_t reports_until_ms, left_out; /* uplink_report(): allowance, and what exceeded it */
};

struct policy_slot {
	bool used;
	struct teaming teaming;
	uint32_t benched; /* failback: false: recovered uplinks that wait */
};

struct channel; /* channel.h */

struct vswitch {
	struct vswitch_context context;
	char name[UL_NAME_LEN];
	struct dataplane *dp;
	const struct switch_cfg *cfg; /* of the daemon's model */
	struct notifier *notifier;    /* port moved to another uplink: RARP */
	struct uplink_state uplink[UL_MAX_UPLINKS];
	struct policy_slot policy[UL_MAX_POLICIES];
	uint32_t sending; /* bit i: uplink i could send when the policies were last written */
	uint8_t port_uplink[UL_MAX_PORTS]; /* where the port's own bucket is served, or was last; to
					      see that it moved */
	uint32_t port_attached[UL_MAX_PORTS]; /* ifindex that this process has prepared and
						 attached; 0: none yet */
	uint32_t next_port; /* slot where port_find() begins: ports are mostly asked for in their
			       order */
	sd_event_source *event_source; /* ring buffer of the programs */
	struct ring_buffer *events;
	struct learned *learned;	      /* since when */
	sd_event_source *age_timer;	      /* when the oldest of these is to be forgotten */
	uint64_t learn_until_ms;	      /* end of this turn of working off events */
	uint64_t may_change_ms[UL_MAX_PORTS]; /* slot -> when the port may change its address again
					       */
	uint64_t may_warn_ms;	 /* when learn.c may say again that the address table is full */
	struct channel *channel; /* LACP and neighbours */
	bool started;		 /* a configuration has been applied by this process */
	bool carrier_check;	 /* the programs look at the carrier themselves */
};

/* Opens or adopts the data plane of cfg's switch; nothing is changed yet. */
int vswitch_new(const struct vswitch_context *context, const struct switch_cfg *cfg,
		struct vswitch **ret);
/* Frees what this process holds; the data plane goes on. NULL allowed. */
void vswitch_free(struct vswitch *vs);

/* Things that would make applying cfg fail half-way: an interface that another program or bridge
 * owns, or that does not take what is set. before: of the same switch as it is applied now, or
 * NULL; only what differs is looked at. model: what cfg is of. 0 or negative errno with messages.
 * Changes nothing. */
int vswitch_check(const struct vswitch_context *context, const struct switch_cfg *cfg,
		  const struct switch_cfg *before, const struct model *model,
		  struct config_errors *errors);
/* Releases the uplinks and ports that cfg has no more, so that another switch can take them. */
void vswitch_let_go(struct vswitch *vs, const struct switch_cfg *cfg);
/* Makes the maps and interfaces what cfg says. cfg must live until the next call. */
int vswitch_apply(struct vswitch *vs, const struct switch_cfg *cfg);
/* Takes back vswitch_new(), and what vswitch_apply() has done of a first configuration: a set that
 * was found goes on, one that was made is gone. Frees vs. */
void vswitch_abandon(struct vswitch *vs);
/* Restores the interfaces and removes everything from the kernel. */
void vswitch_teardown(struct vswitch *vs);
/* The same for a switch that is only in the kernel, of whichever version. 0, also when there is
 * none; negative errno: it is there still. */
int vswitch_remove(const struct vswitch_context *context, const char *name);

void vswitch_link_event(struct vswitch *vs, const struct link_info *info, unsigned int changes);
/* drain: 0, -ENOENT: no such uplink, -EALREADY. */
int vswitch_drain(struct vswitch *vs, const char *uplink, bool drain);
/* LACP: what the mux machine of an uplink says. Takes effect in the maps before it returns. */
void vswitch_set_lacp(struct vswitch *vs, uint32_t uplink, bool collecting, bool distributing);
/* Promises to be alive for so long. */
void vswitch_renew_lease(struct vswitch *vs, uint64_t until_ns);

/* Ports that were added at run time and are in the maps but not in the file: adds them to the
 * model's switch. */
int vswitch_collect_runtime_ports(const char *bpffs, struct model *model);

/* ---- between the files of team/
 * --------------------------------------------------------------------------------------------- */
int uplinks_apply(struct vswitch *vs); /* uplink table of cfg, by name */
void uplinks_release_all(struct vswitch *vs);
void uplinks_stop_timers(struct vswitch *vs);
int uplinks_index(const struct vswitch *vs, const char *name); /* or -ENOENT */
void uplinks_let_go(struct vswitch *vs, const struct switch_cfg *cfg);
void uplink_link_event(struct vswitch *vs, uint32_t index, const struct link_info *info,
		       unsigned int changes);
/* Like vswitch_report(), for what happens on the wire: its rate is limited. */
void uplink_report(struct vswitch *vs, uint32_t index, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void uplink_report_rest(struct vswitch *vs); /* of what was left out; call it from time to time */
uint64_t uplink_waits_ms(const struct vswitch *vs, uint32_t index); /* up-delay: for so long yet; 0:
								       it does not wait */
void uplink_take_link_state(struct vswitch *vs, uint32_t index, const struct link_info *info); /* without
												  uplinks_update()
												*/
void uplink_evaluate_link(struct vswitch *vs, uint32_t index, bool up); /* up-delay */
void uplinks_update(struct vswitch *vs); /* flags of all uplinks -> policies -> notify */
int policies_apply(struct vswitch *vs, uint32_t *ret_slots); /* group index in cfg -> policy slot;
								frees the unused ones later */
void policies_prune(struct vswitch *vs, const uint32_t *slots);

/* uplink_interface.c: takes the interface and its state, or brings it up to date. 0 or negative
 * errno: it is not taken, and will be tried again. */
int uplink_take(struct vswitch *vs, uint32_t index, const struct link_info *info);
void uplink_gone(struct vswitch *vs, uint32_t index);
void uplink_forget_refusal(struct uplink_state *state);

/* fresh: the interface was not this uplink's before. 0; 1: but its VLAN tags are invisible to XDP;
 * or negative errno. */
int uplink_prepare(struct vswitch *vs, uint32_t index, const struct link_info *info, bool fresh);
/* Lets go of the interface, if there is one, and puts its settings back, if it is still there under
 * whatever name. Name, drain and LACP port number stay. */
void uplink_disconnect(struct vswitch *vs, struct ul_uplink *uplink);

int port_find(struct vswitch *vs, const char *name); /* slot, or -ENOENT */
int port_apply(struct vswitch *vs, const struct port_cfg *cfg, uint32_t group); /* slot, or negative
										   errno */
void port_release(struct vswitch *vs, uint32_t slot);
/* The interface of the switch's own end: the port's, or the far end of a host port. */
void port_interface(const struct ul_port *port, char name[UL_NAME_LEN]);
void port_link_event(struct vswitch *vs, uint32_t slot, const struct link_info *info,
		     unsigned int changes);
/* buckets_changed: since the last time. */
void port_notify_moves(struct vswitch *vs, uint32_t policy_slot, bool buckets_changed);
int vswitch_set_address(struct vswitch *vs, uint64_t key, uint32_t slot); /* of a port: in ul_fdb,
									     if need be in place of
									     a learned one; 0 or
									     -ENOSPC */
bool port_has_mac(const struct ul_port *port);
int port_by_address(const struct vswitch *vs, uint16_t vid, const uint8_t mac[6]); /* slot of the
										      port whose own
										      address it is
										      in this VLAN,
										      or -ENOENT */

/* check.c: the part of vswitch_check() that is about MTU and ports */
int check_settings(const struct vswitch_context *context, const struct switch_cfg *cfg,
		   const struct switch_cfg *before, struct config_errors *errors);

/* host_port.c: the pair of interfaces, as the configuration says. 0, also when only the switch's
 * end is in sight; negative errno: not to be connected. */
int host_port_make(struct vswitch *vs, uint32_t slot, const struct port_cfg *cfg);
void host_port_gone(struct vswitch *vs, uint32_t slot); /* makes it again */
void host_port_changed(struct vswitch *vs, uint32_t slot, const struct link_info *info); /* of the
											    host's
											    end */
bool host_port_is_pair(struct link_monitor *links, const char *host_end, const char *far_end);

int learn_start(struct vswitch *vs);
void learn_stop(struct vswitch *vs);
void learn_adopt(struct vswitch *vs); /* learned addresses that are in the table already */
void learn_forget_port(struct vswitch *vs, uint32_t slot);

void vswitch_report(struct vswitch *vs, const char *object, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
