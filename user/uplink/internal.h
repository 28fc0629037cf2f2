/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The state of uplink/, for its own files and their tests. */
#ifndef UL_UPLINK_INTERNAL_H
#define UL_UPLINK_INTERNAL_H

#include "common/rate_limit.h"
#include "common/repair.h"
#include "dataplane/records.h"
#include "uplink/uplinks.h"

#define N_REPAIRS 6 /* the settings, and the attachments */

struct uplink {
	struct uplinks *uplinks;
	uint32_t index;
	/* runs while an interface exists that could not be connected */
	sd_event_source *retry_timer;
	uint32_t retry_ms;
	uint32_t refused; /* ifindex of that interface; 0: none */
	/* was a member before the configuration that is being applied */
	bool known;
	/* the interface is another one than the uplink had at the start */
	bool replaced;
	struct rate_limit reports;
	/* offloads (enum ul_saved) that stay on, because the driver does not change them */
	uint32_t fixed_offloads;
	struct repair repair[N_REPAIRS];
};

struct uplinks {
	const struct switch_context *context;
	struct uplinks_callbacks callbacks;
	struct uplink uplink[UL_MAX_UPLINKS];
	sd_event_source *guard_timer; /* NULL: no configuration was applied */
};

/* ---- uplinks.c ---- */
void uplink_init(struct uplinks *uplinks, uint32_t index);

/* ---- interface.c ---- */
/*
 * Connects the uplink to the interface, or brings the connection up to date, and reports its link.
 * 0, or negative errno with a reason: not connected, and a retry is due.
 */
int uplink_connect(struct uplinks *uplinks, uint32_t index, const struct link_info *info);
/* Detaches the interface, if there is one, and restores its settings. Name, drain and LACP port
 * number stay in the record. */
void uplink_disconnect(struct uplinks *uplinks, uint32_t index);
/* The interface disappeared: an event, and the uplink waits for the next one of its name. */
void uplink_gone(struct uplinks *uplinks, uint32_t index);
/* Applies the settings and attaches the programs of the connected interface again. After a failure
 * of native XDP, which it can do without, a retry is due. 0 or negative errno with a reason. */
int uplink_renew(struct uplinks *uplinks, uint32_t index, const struct link_info *info);
void uplink_cancel_retry(struct uplink *uplink);
int uplink_on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* ---- nic_settings.c ---- */
/*
 * Applies the settings that a NIC needs as an uplink. fresh: the interface was not connected
 * before. with_note: the former values are recorded in the settings journal first. 0; 1: XDP cannot
 * see its VLAN tags; or negative errno with a reason.
 */
int nic_settings_apply(const struct switch_context *context, const struct link_info *info,
		       bool fresh, bool with_note);
/* The offloads that an uplink of this kind must not have. */
uint32_t nic_settings_offloads(const struct link_info *info);
/*
 * The settings (UL_PROBLEM_SETTINGS) that differ from what nic_settings_apply() sets. info: as the
 * kernel has it now; fixed_offloads: those that the driver does not change.
 */
uint32_t nic_settings_find_problems(const struct switch_context *context,
				    const struct link_info *info, uint32_t fixed_offloads);

/* ---- guard.c ---- */
/* Starts the check of all uplinks once a second, if it is not running. 0 or negative errno with a
 * reason. */
int uplinks_guard_start(struct uplinks *uplinks);
/*
 * Compares a connected interface with what an uplink needs, repairs what is due, and writes and
 * reports the rest. info: as the kernel has it now; brought up to date after a repair.
 */
void uplink_guard(struct uplinks *uplinks, uint32_t index, struct link_info *info, uint64_t now_ms);
/* Writes and reports the problems of the uplink (enum ul_problem). */
void uplink_set_problems(struct uplinks *uplinks, uint32_t index, uint32_t problems);

#endif
