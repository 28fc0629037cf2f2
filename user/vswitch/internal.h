/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The composition of a switch, for the files of vswitch/ and their tests. */
#ifndef UL_VSWITCH_INTERNAL_H
#define UL_VSWITCH_INTERNAL_H

#include "channel/channel.h"
#include "context/context.h"
#include "dataplane/records.h"
#include "port/ports.h"
#include "timely/timely.h"
#include "uplink/uplinks.h"
#include "vswitch/vswitch.h"

/* The timely side reads and sends on them; opening and closing waits for the RTNL. */
struct uplink_sockets {
	uint32_t ifindex; /* 0: not open */
	int fd[CHANNEL_SOCKETS];
	struct link_speed speed; /* of the interface, when it could be read last */
};

struct vswitch {
	struct switch_context context;
	struct timely_client *timely; /* LACP and decisions about the uplinks */
	struct uplinks *uplinks;
	struct ports *ports;
	/* of the next attempt to replace the former maps; NULL: they are replaced */
	sd_event_source *exchange_timer;
	uint32_t exchange_retry_ms;
	/* of the next attempt to release what interfaces that left still have; NULL: nothing */
	sd_event_source *release_timer;
	uint32_t release_retry_ms;
	struct uplink_sockets sockets[UL_MAX_UPLINKS];
	/* while context.dp is to replace it: the set whose programs the links still run */
	struct dataplane *former_dp;
	bool started; /* this process has applied a configuration */
};

/* ---- vswitch.c ---- */
/*
 * Puts the components around context.dp, which must be open. context.dp may be a fake one
 * (tests/unit/dataplane_fake.h). timely NULL: without a thread. 0 or negative errno with a reason
 * in context.errors.
 */
int vswitch_compose(struct vswitch *vs, struct timely *timely, announce_send send,
		    void *send_userdata);
/* Frees the components; context.dp stays open. */
void vswitch_decompose(struct vswitch *vs);
/* Brings the open maps, which must be large enough, to context.cfg. */
int vswitch_apply_all(struct vswitch *vs);
/* Detaches, restores and deletes what was left of interfaces that are not members; after a failure,
 * again with back-off. */
void vswitch_release_left(struct vswitch *vs);

/* ---- groups.c ---- */
#define GROUP_NO_RECORD UINT32_MAX

/* The groups of a configuration and the records of the same names. */
struct group_match {
	uint32_t *record;   /* group of the configuration -> index in ul_groups, GROUP_NO_RECORD */
	bool *stays;	    /* index in ul_groups -> the configuration has a group of that name */
	uint32_t n_leaving; /* records in use without one */
};

/* 0 or -ENOMEM. Free the result with group_match_done(). */
int groups_match(const struct switch_context *context, const struct switch_cfg *cfg,
		 struct group_match *ret);
void group_match_done(struct group_match *match);
/*
 * Writes the record of each group of context->cfg. policies: group -> slot in ul_policies. Groups
 * without a record get a free one, which is entered in match. 0, or -ENOSPC with a reason.
 */
int groups_apply(const struct switch_context *context, const uint32_t *policies,
		 struct group_match *match);
/* Clears the records of groups that left. No port may refer to them any longer. */
void groups_prune(const struct switch_context *context, const struct group_match *match);

/* ---- vlans.c ---- */
/* Writes ul_vlans, the flood lists and the ports' copies of a VLAN flag. exact: VLANs in which
 * trunk ports share an address, as from ports_exact_vlans(). 0 or negative errno with a reason. */
int vlans_apply(const struct switch_context *context, const uint64_t exact[UL_N_VLANS / 64]);

/* ---- needs.c ---- */
/* The room that the ports of cfg need in the maps: slots, addresses, learned addresses. groups of
 * *ret is the number of groups of cfg. 0 or -ENOMEM. */
int needs_of(const struct switch_cfg *cfg, struct dataplane_needs *ret);

/* ---- usage.c ---- */
#define USAGE_TEXT_LEN 384
/* What the host uses an interface for, "" for nothing; returns text. */
const char *usage_describe(const struct link_usage *usage, char *text, size_t size);
/* Whether a pinned switch has this uplink: 1, 0, or negative errno: one cannot be read. */
int preflight_is_uplink(const char *bpffs, uint32_t ifindex);
/* 0; -EBUSY: the host uses the interface, which is not an uplink yet; other negative errno.
 * Explained in errors. */
int preflight_check_usage(const struct vswitch_context *context, const char *switch_name,
			  const struct link_info *info, struct errors *errors);

/* ---- links.c: userdata is the switch ---- */
extern const struct uplinks_callbacks links_uplinks_callbacks;
extern const struct timely_callbacks links_timely_callbacks;
extern const struct ports_callbacks links_ports_callbacks;

void links_init(struct vswitch *vs);
/* Closes all sockets. The timely side must not use them any longer. */
void links_close(struct vswitch *vs);
/* The uplink leaves the switch; its partner gets SYNC=0 while its interface is still attached. */
void links_leave(struct vswitch *vs, uint32_t index);
void links_renumber(struct vswitch *vs, const uint8_t to[UL_MAX_UPLINKS]);
/* The timely side gets the interfaces that it does not have yet, such as one that an earlier daemon
 * connected and that cannot be brought up to date. */
void links_complete(struct vswitch *vs);

#endif
