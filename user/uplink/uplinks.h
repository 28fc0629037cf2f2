/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The uplinks of a switch as interfaces: membership, order, NIC settings, attachment.
 *
 * An uplink is a name in the configuration and a record in ul_uplinks. This component connects the
 * record to the interface of that name: it applies the NIC settings, attaches the programs, follows
 * link events, retries with back-off after a failure, and restores the settings at the end. It does
 * not decide whether an uplink is usable. It reports what it sees by on_link_state(), and the owner
 * passes that to timely/, which decides and writes the flags.
 *
 *   uplinks.c       membership: creation, names, release, the limiter of reports
 *   interface.c     connect, disconnect, retry, link events
 *   nic_settings.c  settings that an uplink needs; their restoration: context/saved_settings.h
 *   guard.c         other software that changes settings, bridges the NIC or attaches programs
 *   renumber.c      the order of the records follows the configuration
 *
 * Life cycle: uplinks_new() changes nothing. For every applied configuration, uplinks_release() of
 * those that left, uplinks_renumber() and uplinks_connect() bring records and interfaces to
 * context->cfg. uplinks_free() leaves maps and interfaces as they are, so that the next daemon
 * adopts them.
 *
 * Callers: vswitch/ only. Tests: tests/unit/uplink_*.c, tests/netns/test_lifecycle.py,
 * test_interfaces.py.
 */
#ifndef UL_UPLINK_UPLINKS_H
#define UL_UPLINK_UPLINKS_H

#include "context/context.h"

struct uplinks;

struct uplinks_callbacks {
	/* State of the connected interface now (IFF_LOWER_UP, IFF_UP); also called without a
	 * change. A negative errno, with a reason, when the owner could not do all that the uplink
	 * needs; then it is called again, with back-off. */
	int (*on_link_state)(void *userdata, uint32_t index, bool carrier, bool admin_up);
	/*
	 * The interface is about to be detached. UL_UP_SEND must be cleared before the callback
	 * returns, so that no program sends to a record that loses its interface.
	 */
	void (*on_detach)(void *userdata, uint32_t index);
	/* The interface disappeared; on_detach() follows. */
	void (*on_gone)(void *userdata, uint32_t index);
	void *userdata;
};

/* context must outlive the uplinks and have its data plane. 0 or -ENOMEM, with a reason in
 * context->errors. */
int uplinks_new(const struct switch_context *context, const struct uplinks_callbacks *callbacks,
		struct uplinks **ret);
/* Interfaces and maps stay as they are. NULL allowed. */
void uplinks_free(struct uplinks *uplinks);

/* Index in ul_uplinks, or -ENOENT. */
int uplinks_index(const struct uplinks *uplinks, const char *name);
/* The uplink that an interface belongs to by one of its names, or to which it is connected; or
 * -ENOENT. */
int uplinks_index_of_link(const struct uplinks *uplinks, const struct link_info *info);
/* The interface is another one than the uplink had when this process started. */
bool uplinks_is_replaced(const struct uplinks *uplinks, uint32_t index);

/*
 * Ends the membership: detaches the programs, restores the NIC settings and clears the record. The
 * records keep their places until uplinks_renumber().
 */
void uplinks_release(struct uplinks *uplinks, uint32_t index);

/*
 * The order of context->cfg as a renumbering of the present one. ret_to: old index -> new index,
 * UL_NO_UPLINK for an uplink that cfg does not have. Returns whether an uplink changes its index.
 */
bool uplinks_new_order(const struct uplinks *uplinks, uint8_t ret_to[UL_MAX_UPLINKS]);
/*
 * Follows the records, which uplinks_reorder() (dataplane/records.h) has brought to the order of
 * context->cfg: a remaining uplink takes along its state and its timers. Uplinks that cfg does not
 * have must have been released. to: the result of uplinks_new_order().
 */
void uplinks_renumber(struct uplinks *uplinks, const uint8_t to[UL_MAX_UPLINKS]);

/*
 * Connects all uplinks of context->cfg to their interfaces, or brings the connections up to date. A
 * missing interface is not a failure: it is connected when it appears. started: a configuration has
 * been applied before. Without it a failure does not count either, because the other uplinks are
 * better than none. 0, or the errno of the last failure; the reasons are in context->errors.
 */
int uplinks_connect(struct uplinks *uplinks, bool started);

/* An event of the interface with the uplink's name. */
void uplinks_link_event(struct uplinks *uplinks, uint32_t index, const struct link_info *info,
			unsigned int changes);

/*
 * context_report() for events that a peer can cause at any rate: a burst of 60, then one every 5 s.
 * The number of suppressed events is added to the next one.
 */
void uplinks_report(struct uplinks *uplinks, uint32_t index, enum event_code code,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Reports text, the present state, if events of this uplink were suppressed and one is due. */
void uplinks_report_suppressed(struct uplinks *uplinks, uint32_t index, enum event_code code,
			       const char *text);

#endif
