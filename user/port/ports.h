/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The ports of a switch: slots, interfaces, addresses.
 *
 * A port is a name in the configuration and a record in ul_ports, its slot, which it keeps as long
 * as it is a member. This component connects the record to the interface of that name and
 * maintains the address table (ul_fdb) with the ports' own and learned addresses. It reads the
 * selections of teaming/ from ul_policies and decides nothing about uplinks.
 *
 *   ports.c         life of a port: apply, connect, disconnect, release, link events
 *   retry.c         back-off after a refusal of the system
 *   port_table.c    slots and look-ups
 *   guard.c         interfaces that other software uses
 *   host_port.c     the host's own ports: a veth pair each
 *   attachment.c    attachment bridges; attached.c: the addresses of their ports
 *   presence.c      carrier and life: whether the machine of a port is on this host
 *   addresses.c     the only writer of ul_fdb and of a port's MAC address
 *   mac_learning.c  events of the programs about unknown source addresses
 *   mac_aging.c     limits and expiry of learned addresses; pure
 *   notifier.c      which ports moved to another uplink, and what is announced for them; a
 *                   component by itself, which another thread may run (notifier.h)
 *   announce.c      RARP frames, their schedule (pure) and their socket
 *
 * Life cycle: ports_new() touches neither maps nor interfaces. ports_start_learning() reads the
 * events of context->dp; call ports_stop_learning() before that data plane is freed. For every
 * applied configuration: ports_apply(), then, when the groups are final, ports_apply_addresses().
 * ports_free() leaves maps and interfaces as they are, so that the next daemon adopts them.
 *
 * Callers: vswitch/; daemon/ creates the announce_socket. Failures go to context->errors,
 * everything else that is worth reporting goes to context->report(). Tests: tests/unit/port_*.c,
 * tests/netns/test_ports.py, test_host_port.py, test_failover.py.
 */
#ifndef UL_PORT_PORTS_H
#define UL_PORT_PORTS_H

#include "context/context.h"

struct ports;

struct ports_callbacks {
	/* The port of the slot left the switch; the next one with this slot is another port. */
	void (*on_left)(void *userdata, uint32_t slot);
	void *userdata;
};

/*
 * context must outlive the ports; its cfg and dp may change between calls. Without context->event
 * nothing is aged. 0 or negative errno with a reason in context->errors.
 */
int ports_new(const struct switch_context *context, const struct ports_callbacks *callbacks,
	      struct ports **ret);
/* Maps and interfaces stay as they are. NULL allowed. */
void ports_free(struct ports *ports);

/* Does nothing while it runs. 0 or negative errno with a reason in context->errors. */
int ports_start_learning(struct ports *ports);
/* Also forgets when addresses were learned. Allowed without ports_start_learning(). */
void ports_stop_learning(struct ports *ports);

/*
 * Brings the ports to context->cfg: releases those that it does not have, fills the slots of the
 * others and connects them to their interfaces. A missing interface is not a failure: it is
 * connected when it appears. group_index: group of cfg -> index in ul_groups, whose records must be
 * written. 0 or negative errno with a reason in context->errors.
 */
int ports_apply(struct ports *ports, const uint32_t *group_index);
/*
 * Brings the address table to the ports: removes addresses that no port may have any longer, and
 * adds every port's own address. Call it when the groups are final. 0, or -ENOSPC with a reason in
 * context->errors.
 */
int ports_apply_addresses(struct ports *ports);

/* Bit v of word v / 64: trunk ports have entries for VLAN v alone, because they share their address
 * with another one. Valid after ports_apply_addresses(). */
void ports_exact_vlans(const struct ports *ports, uint64_t ret[UL_N_VLANS / 64]);

/* A run-time port whose interface has been gone for RUNTIME_PORT_KEPT_MS, as far as this process
 * has seen it. false: there is none. */
#define RUNTIME_PORT_KEPT_MS 3600000
bool ports_next_forgotten(const struct ports *ports, uint64_t now_ms, char ret_name[UL_NAME_LEN]);

/* Releases the ports that cfg does not have, so that another switch can connect their interfaces.
 * 0 or -ENOMEM with a reason in context->errors. */
int ports_release_removed(struct ports *ports, const struct switch_cfg *cfg);
/* Disconnects all ports, removes the interfaces of host ports and clears the slots. */
void ports_release_all(struct ports *ports);

/* An event of an interface. Returns whether it belongs to a port of this switch; other events are
 * ignored. changes: OR of enum link_change. */
bool ports_link_event(struct ports *ports, const struct link_info *info, unsigned int changes);

#endif
