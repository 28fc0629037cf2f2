/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Ports that another uplink serves than before: reports them, and announces their addresses to the
 * physical switches (announce.h).
 *
 * The notifier shares only the maps with struct ports. It remembers by slot which uplink served the
 * port, and it finds learned addresses in ul_fdb. It has no timers and never waits, so it can run
 * in another thread than the one that writes the ports.
 *
 * Callers: timely/. Tests: tests/unit/port_notifier.c.
 */
#ifndef UL_PORT_NOTIFIER_H
#define UL_PORT_NOTIFIER_H

#include "context/context.h"
#include "port/announce.h"

struct notifier;

/*
 * context must outlive the notifier; its dp may change between calls. send: sends an announcement,
 * usually announce_socket_send() with userdata a struct announce_socket. 0 or -ENOMEM with a reason
 * in context->errors.
 */
int notifier_new(const struct switch_context *context, announce_send send, void *userdata,
		 struct notifier **ret);
void notifier_free(struct notifier *notifier); /* NULL allowed */

/*
 * A policy in ul_policies was written: reports the ports of the policy that another uplink serves
 * than at the last call, and, if notify is set, announces their addresses. buckets_changed: the
 * result of policy_write() was not 0; learned addresses whose buckets moved are announced, too.
 * Announcements are sent at once and 1, 2, 4 and 7 s later, each time with the addresses that are
 * known then. notify: the policy has notify-switches, and there is no channel.
 */
void notifier_moved(struct notifier *notifier, uint32_t policy, bool notify, bool buckets_changed);
/* The uplinks have new indexes. to: old index -> new index, UL_NO_UPLINK: the uplink left, and
 * ports that it served count as moved. Call it before policies with the new indexes are written. */
void notifier_renumber(struct notifier *notifier, const uint8_t to[UL_MAX_UPLINKS]);
/* The port of the slot left the switch: the next one with this slot is another port. */
void notifier_forget(struct notifier *notifier, uint32_t slot);

/* Sends what is due at now_ms (CLOCK_MONOTONIC). */
void notifier_run(struct notifier *notifier, uint64_t now_ms);
/* When to run next; UINT64_MAX: nothing is to be announced. */
uint64_t notifier_next_ms(const struct notifier *notifier);

#endif
