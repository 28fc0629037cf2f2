/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The host's own ports: a veth pair each. The host uses the end with the port's name; the other end
 * (host_port_far_end()) belongs to the switch and connects the port. uplinkd creates the pair when
 * it is missing, also after a user deleted it, and deletes it with the port.
 */
#ifndef UL_PORT_HOST_PORT_H
#define UL_PORT_HOST_PORT_H

#include "context/context.h"

struct ports;

/* 0: the two names are the ends of one veth pair in this network namespace; -ENODEV: they are not;
 * other negative errno: the kernel did not answer. */
int host_port_find_pair(struct link_monitor *links, const char *host_end, const char *far_end);

/* ---- for port/ only ---- */

/* Creates the pair if it is missing and applies MTU, MAC, IP addresses and routes. 0, also when
 * only the switch's end is in this network namespace; negative errno with a reason in
 * context->errors: the port cannot be connected. */
int host_port_make(struct ports *ports, uint32_t slot, const struct port_cfg *cfg);
/*
 * What other software changed at either end: adds addresses and routes again that are missing, and
 * sets the MTU, each with a back-off. Returns the problems (enum ul_problem) that remain.
 */
uint32_t host_port_guard(struct ports *ports, uint32_t slot, uint64_t now_ms);
/* From the id of the machine, the instance of uplinkd and the name of the port; pure. */
void host_port_derive_mac(const uint8_t machine_id[16], const char *bpffs, const char *name,
			  uint8_t ret[6]);
/* info: the host's end. A new MAC address becomes the port's, unless the configuration has one. */
void host_port_changed(struct ports *ports, uint32_t slot, const struct link_info *info);

#endif
