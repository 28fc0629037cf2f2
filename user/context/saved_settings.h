/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Settings of interfaces that uplinkd changes, and their restoration: the rules of the settings
 * journal (dataplane/journal.h). A record is made before the first setting of an interface is
 * changed and deleted when the last one is restored, so a daemon that is killed in between leaves
 * nothing that the next start or teardown does not restore.
 *
 * A NIC that leaves for another network namespace keeps its settings. Its record is marked and
 * found again by the permanent address, or by the present one if the driver has none, under
 * whatever name and ifindex it returns.
 *
 * Callers: uplink/ and port/ around their changes, vswitch/ for interfaces that are not members.
 * Tests: tests/unit/context_saved_settings.c, tests/netns/test_journal.py.
 */
#ifndef UL_CONTEXT_SAVED_SETTINGS_H
#define UL_CONTEXT_SAVED_SETTINGS_H

#include "context/context.h"

enum saved_owner { SAVED_UPLINK, SAVED_PORT };

/*
 * Records settings (enum ul_saved) that the interface has now and that are about to be changed;
 * the MTU is info->mtu. Settings that are recorded already keep their recorded value. UL_SAVED_DOWN
 * is recorded with the first record of an interface only, because a NIC that returns from another
 * network namespace was set down by the move. 0, or negative errno with a reason: nothing may be
 * changed.
 */
int saved_settings_note(const struct switch_context *context, const struct link_info *info,
			enum saved_owner owner, uint32_t settings);

/*
 * Restores what is recorded of an interface that is no longer a member. mac: its last known
 * address. A setting that cannot be restored for a reason that may pass stays recorded, and is
 * tried again by saved_settings_sweep(), which context_unreleased() requests. Failures are reported
 * as events.
 */
void saved_settings_restore(const struct switch_context *context, uint32_t ifindex,
			    const uint8_t mac[6]);

/* Interfaces that uplinkd makes: a veth pair for a host port, an attachment bridge. */
enum saved_made { SAVED_PAIR = UL_SAVED_ABSENT, SAVED_BRIDGE = UL_SAVED_NO_BRIDGE };

/* Before one is created, with ifindex 0, and after; of a pair: name and ifindex of the host's end.
 * 0 or negative errno with a reason. */
int saved_settings_note_made(const struct switch_context *context, enum saved_made made,
			     const char *name, uint32_t ifindex);
/* It was deleted, or was not created. */
void saved_settings_forget_made(const struct switch_context *context, enum saved_made made,
				const char *name);
/* Whether uplinkd created this interface. */
bool saved_settings_has_made(const struct switch_context *context, enum saved_made made,
			     const char *name, uint32_t ifindex);

/* An interface appeared that is not a member: restores it if it left as an uplink while it was
 * missing. */
void saved_settings_returned(const struct switch_context *context, const struct link_info *info);
/* Whether settings of the missing uplink of this name are recorded. */
bool saved_settings_has_missing(const struct switch_context *context, const char *name);

/* After a configuration was applied: restores all interfaces that are not members of the set, and
 * deletes the veth pairs of host ports, and the attachment bridges, that it does not have. What
 * fails is tried again: context_unreleased(). */
void saved_settings_sweep(const struct switch_context *context);
/* At the end of the switch; context->dp is not used. Records of missing interfaces are deleted
 * with a report. 0, or -EIO with a reason: something could not be restored. */
int saved_settings_restore_all(const struct switch_context *context);

#endif
