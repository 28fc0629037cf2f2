/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Attachment bridges. A port group, or a switch, names an empty Linux bridge; other software
 * (libvirt, Proxmox, CNI) enslaves interfaces of machines to it, and they become ports
 * (vswitch/attachments.h decides which). The bridge forwards nothing: the program of a port takes
 * its frames before the bridge, a bridge that uplinkd creates stays down, and the interfaces are
 * isolated in it.
 *
 * An attached port has no configured address. Its own address is the first source that the machine
 * uses; a group with mac-learning learns instead. libvirt gives a tap the address of the guest with
 * the first byte fe, which is a hint at the address. attachment.c has the bridges, attached.c the
 * addresses.
 */
#ifndef UL_PORT_ATTACHMENT_H
#define UL_PORT_ATTACHMENT_H

#include "context/context.h"

/*
 * Whether the bridge can be an attachment bridge: 0, also when it does not exist; -EEXIST: another
 * interface has the name; -EBUSY: it has an address or routes of the host, or an interface that is
 * no machine's; -EOPNOTSUPP: vlan_aware, but it filters no VLANs; other negative errno. Explained
 * in errors.
 */
int attachment_check_bridge(struct link_monitor *links, const char *switch_name, const char *bridge,
			    bool vlan_aware, struct errors *errors);
/* Whether interfaces of this kind may belong to machines. */
bool attachment_is_machine(const struct link_info *info);
/* Creates the bridges of context->cfg that do not exist. A failure does not affect the others and
 * is explained in context->errors. */
void attachment_bridges_apply(const struct switch_context *context);
/*
 * Sets a bridge of this name down that uplinkd created: other software (the CNI plugin `bridge`)
 * sets it up. A bridge that is down ignores the frames of an interface that is enslaved to it until
 * the program of the port takes them.
 */
void attachment_keep_down(const struct switch_context *context, const char *name);
/* The same for all bridges of context->cfg. */
void attachment_bridges_keep_down(const struct switch_context *context);

#endif
