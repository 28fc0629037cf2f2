/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The switch-over of a running host from bonds and bridges (`uplinkctl adopt`): what is moved, the
 * former state, and the rollback.
 *
 * The request names interfaces that leave their bridge or bond, and interfaces whose addresses,
 * routes, neighbours and rules move to a host port. switch_over_record() reads the present state
 * of all of them; the journal that results is on disk before the first step. Nothing of the former
 * set-up is deleted: bonds, bridges and VLAN devices stay, empty. switch_over_undo() moves
 * everything back after any number of steps, and may be repeated.
 *
 *   first    a part of the uplinks of each bond leaves it. They connect to the switch, and a
 *            channel negotiates, while the other members of the bond carry the traffic
 *   cut      addresses and routes move, ports and the other uplinks leave
 *   done     the deadline for the confirmation runs
 *
 * adopt.c has the sequence. Tests: tests/unit/daemon_switch_over.c,
 * tests/netns/test_adopt.py, vmtest/peers/test_adopt.py.
 */
#ifndef UL_DAEMON_SWITCH_OVER_H
#define UL_DAEMON_SWITCH_OVER_H

#include <jansson.h>

#include "config/model.h"
#include "link/transfer.h"

enum switch_over_phase { SWITCH_OVER_FIRST, SWITCH_OVER_CUT, SWITCH_OVER_DONE };

/* An uplink, a port, or a member of an attachment bridge, and the bridge or bond that it leaves.
 * stays: a machine in a bridge that goes on as its attachment bridge; only its settings there are
 * restored. */
struct switch_over_link {
	char name[UL_NAME_LEN], master[UL_NAME_LEN]; /* master "": it had none */
	bool first, up, stays;
	struct link_membership membership;
};

/* An interface with its former state. to: the host port that gets its addresses and routes; "": it
 * has none, and is set down (down), or only its MAC address is recorded. */
struct switch_over_owner {
	char name[UL_NAME_LEN], to[UL_NAME_LEN];
	uint32_t ifindex; /* in the messages */
	uint8_t mac[6];
	bool down, up;
};

struct switch_over {
	enum switch_over_phase phase;
	char boot_id[37];
	struct switch_over_link *links;
	size_t n_links;
	struct switch_over_owner *owners;
	size_t n_owners;
	struct link_messages messages;
};

void switch_over_free(struct switch_over *over); /* NULL allowed */

/*
 * From the parameters of a request: {links: [{name, first, bridge, stays}], owners: [{name, to}],
 * down: [name]}. links must be uplinks or ports of the model, or have one of its attachment bridges
 * as bridge; `to` is one of its host ports. 0, -EINVAL or -ENOMEM with a message; *ret is untouched
 * on failure.
 */
int switch_over_new(const json_t *request, const struct model *model, struct switch_over **ret,
		    struct errors *errors);
/* Reads the present state. 0 or negative errno with a message: nothing may be moved. */
int switch_over_record(struct switch_over *over, struct link_monitor *links, struct errors *errors);

/* The journal; NULL: no memory. */
json_t *switch_over_write(const struct switch_over *over);
/* 0, -EBADMSG or -ENOMEM. */
int switch_over_read(const json_t *journal, struct switch_over **ret);

bool switch_over_has_first(const struct switch_over *over);
/* Moves the first uplinks, or all the rest. 0 or negative errno with messages: the caller takes
 * everything back. */
int switch_over_move(const struct switch_over *over, struct link_monitor *links, bool first,
		     struct errors *errors);
/*
 * Puts everything back; the switches have released the interfaces. An interface that does not exist
 * any longer is left out with a message. 0, or negative errno with messages: something has not come
 * back for a reason that may pass.
 */
int switch_over_undo(const struct switch_over *over, struct link_monitor *links,
		     struct errors *errors);

#endif
