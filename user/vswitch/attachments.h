/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Which interfaces are attached: those that are enslaved to an attachment bridge
 * (port/attachment.h) become run-time ports of a model. The membership in the kernel decides, so
 * the same function serves a start, a reload and an event. Tests: tests/unit/vswitch_attachments.c,
 * tests/netns/test_attachment.py.
 */
#ifndef UL_VSWITCH_ATTACHMENTS_H
#define UL_VSWITCH_ATTACHMENTS_H

#include "common/errors.h"
#include "config/model.h"
#include "link/link.h"

#define ATTACHMENT_REASON_LEN 320

/* An interface in an attachment bridge that is not a port. */
struct attachment_refusal {
	char interface[UL_NAME_LEN], bridge[UL_NAME_LEN], switch_name[UL_NAME_LEN];
	char reason[ATTACHMENT_REASON_LEN];
};

struct attachments {
	struct attachment_refusal *refused;
	size_t n_refused;
	bool passing; /* a reason may pass without an event: an address, a failed query */
};

void attachments_done(struct attachments *attachments);

/* Whether a switch of the model has an attachment bridge. */
bool attachments_any(const struct model *model);

/*
 * Replaces the attached ports of the model by those that the interfaces have now. before: the model
 * in force, whose attached ports are not checked again; NULL at the start. *ret: the interfaces
 * that are not ports, with their reasons. 0 or negative errno with a message in errors; the model
 * may lack attached ports then.
 */
int attachments_update(struct link_monitor *links, const struct model *before, struct model *model,
		       struct attachments *ret, struct errors *errors);
/* Whether two models have the same attached ports. */
bool attachments_equal(const struct model *a, const struct model *b);

/* Calls on_bridge() for each attachment bridge of the model. */
void attachments_for_each_bridge(const struct model *model,
				 void (*on_bridge)(void *userdata, const struct switch_cfg *sw,
						   const char *bridge, bool vlan_aware),
				 void *userdata);

/*
 * The port group for an interface of a VLAN-aware bridge. Without tagged VLANs: the first group
 * whose VLAN is the PVID, or VLAN 0 if the PVID is default_pvid, the bridge's VLAN of untagged
 * frames. With tagged VLANs: the first trunk group with exactly these; VLAN 0 and default_pvid do
 * not count, except that VLAN 0 needs a PVID. NULL: none, with the reason.
 */
const struct group_cfg *attachments_choose_group(const struct switch_cfg *sw,
						 const struct link_bridge_port *port,
						 uint16_t default_pvid,
						 char reason[ATTACHMENT_REASON_LEN]);

#endif
