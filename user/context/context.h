/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * What the components of one switch share: its name, its configuration, its data plane, the event
 * loop, the interfaces, and the two ways to say something upwards. A component (uplink/, port/,
 * channel/, ...) keeps a pointer to the context and owns everything else that it needs in its own
 * struct; it never sees struct vswitch or another component's state. Calls to a component further
 * up are callbacks that the owner passes when it creates the component.
 *
 * vswitch/ fills the context and changes cfg and dp; everyone else reads.
 */
#ifndef UL_CONTEXT_CONTEXT_H
#define UL_CONTEXT_CONTEXT_H

#include <systemd/sd-event.h>

#include "abi.h"
#include "common/errors.h"
#include "common/util.h"
#include "config/model.h"
#include "dataplane/dataplane.h"
#include "events.h"
#include "link/link.h"

struct journal;

struct switch_context {
	char name[UL_NAME_LEN];	      /* of the switch */
	const struct switch_cfg *cfg; /* in force, or being applied; of the daemon's model */
	struct dataplane *dp;
	struct journal *journal; /* former settings of interfaces: saved_settings.h */
	sd_event *event;
	struct link_monitor *links;
	const char *bpffs;
	/* the program carrier_read works, so carriers are known while the RTNL is held */
	bool carrier_program;
	/* Failures of the running request or event. The daemon logs them and sends them to the
	 * client that made the request. */
	struct errors *errors;
	/* An event for the log and for `uplinkctl monitor`. object: an uplink, a port, or the
	 * switch itself. */
	void (*report)(void *userdata, const char *switch_name, enum event_code code,
		       const char *object, const char *text);
	void *userdata;
	/* Something of an interface that left could not be detached, restored or deleted, and is
	 * to be tried again. NULL: the switch is about to end. */
	void (*on_unreleased)(void *userdata);
	void *unreleased_userdata;
};

/* Calls on_unreleased. */
void context_unreleased(const struct switch_context *context);

/* Appends to context->errors, prefixed by the switch's name; returns error. */
int context_fail(const struct switch_context *context, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Whether an interface may be connected: 0; -EMEDIUMTYPE: it carries no Ethernet frames (lo, tun,
 * WireGuard, IPsec), which never changes; -EBUSY: it belongs to a bridge or bond, which would get
 * its frames first. Explained in errors.
 */
int context_check_interface(struct errors *errors, const char *switch_name,
			    const struct link_info *info);

/*
 * Whether the host itself uses an interface: -EBUSY: it has an address, or another interface is on
 * top of it (the VLAN of an uplink, for example), whose frames a port would take. A run-time port
 * must not be such an interface, because members of the control group add ports; the file may name
 * it. 0 or negative errno, explained in errors.
 */
int context_check_unused(struct errors *errors, const char *switch_name, struct link_monitor *links,
			 const struct link_info *info);

void context_report(const struct switch_context *context, enum event_code code, const char *object,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Reports the problems (enum ul_problem) that an interface has now and did not have before, and
 * those that are gone; one event each.
 */
void context_report_problems(const struct switch_context *context, const char *object,
			     uint32_t before, uint32_t now);
/* The problems that keep an interface from being connected: not Ethernet, enslaved. */
uint32_t context_problems_of(const struct link_info *info);

/*
 * The interface with this name, which may be an alternative one. The kernel sends no event when an
 * interface that is down gets an alternative name, so a name that is not in the table is looked up
 * in the kernel. 0 or negative errno.
 */
int context_find_interface(struct link_monitor *links, const char *name, struct link_info *ret);

#endif
