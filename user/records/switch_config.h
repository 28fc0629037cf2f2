/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The configuration of the physical switch that matches a vSwitch: port-channel, trunk with exactly
 * the VLANs in use, LACP rate, load balancing, spanning-tree edge. Each vendor is a table of lines
 * with conditions and placeholders (switch_vendors.c), so that a further vendor is a further table.
 *
 * Names that neighbours announce end up in text that an operator pastes into a switch. Only names
 * of letters, digits and "/._:-" are taken; all others stay placeholders.
 */
#ifndef UL_RECORDS_SWITCH_CONFIG_H
#define UL_RECORDS_SWITCH_CONFIG_H

#include <stdio.h>

#include "common/errors.h"
#include "records/snapshot.h"

/* The switch port of an uplink. */
struct peer_port {
	char port[64];	 /* "PORT-eth0": not known */
	char device[64]; /* "": not known */
};

/* Conditions of a line: all must hold. */
enum line_condition {
	WHEN_CHANNEL = 1 << 0,
	WHEN_STATIC = 1 << 1,
	WHEN_LACP = 1 << 2,
	WHEN_NO_CHANNEL = 1 << 3,
	WHEN_FAST = 1 << 4,
	WHEN_SLOW = 1 << 5,
	WHEN_TAGGED = 1 << 6,	     /* some VLAN is tagged */
	WHEN_UNTAGGED = 1 << 7,	     /* some group sends untagged */
	WHEN_ONLY_UNTAGGED = 1 << 8, /* no VLAN is tagged */
	WHEN_MLAG = 1 << 9,	     /* the ports belong to several devices */
	WHEN_METHOD = 1 << 10,	     /* the vendor has the load balancing */
	WHEN_NO_METHOD = 1 << 11,
	WHEN_JUMBO = 1 << 12, /* MTU above 1500 */
	WHEN_ONE_DEVICE = 1 << 13,
	WHEN_PAGP = 1 << 14,
};

struct config_line {
	uint32_t when;
	bool each_port; /* once for each port of the device */
	/* placeholders: {id} {switch} {uplink} {port} {ports} {vlans} {vlans-blank} {method} {mtu}
	 */
	const char *text;
};

struct vendor {
	const char *name, *comment; /* comment: what starts a comment line */
	bool has_pagp;
	const char *no_mlag; /* NULL, or what several devices must be, as a comment */
	/* for each method the keyword; NULL: none */
	const char *methods[UL_N_METHODS];
	const struct config_line *lines;
	size_t n_lines;
};

const struct vendor *vendors(size_t *ret_n);
const struct vendor *vendor_find(const char *name); /* or NULL */
/* "cisco-ios, ... or mikrotik"; returns text */
const char *vendor_names(char *text, size_t size);

/* The ports that LLDP or CDP announced. */
void peer_ports_heard(const struct snapshot *snapshot, struct peer_port ret[UL_MAX_UPLINKS]);
/* list: "PORT[@DEVICE],...", one for each uplink in their order; an empty one keeps what is there.
 * 0 or -EINVAL with a message; ret is unchanged then. */
int peer_ports_parse(const struct snapshot *snapshot, const char *list,
		     struct peer_port ret[UL_MAX_UPLINKS], struct errors *errors);

/* Not a placeholder. */
bool peer_port_known(const struct peer_port *port);

/* VLANs of all port groups, a bit per VID; bit 0: untagged. */
void vlans_in_use(const struct snapshot *snapshot, uint64_t ret[UL_N_VLANS / 64]);
/* Prints "10,20-30", separator between the ranges; without untagged. */
void vlan_list_print(const uint64_t vlans[UL_N_VLANS / 64], const char *separator, FILE *out);

/* Names of the devices in the order of the uplinks; "" when none is known. Returns their number, at
 * least 1. */
size_t peer_devices(const struct snapshot *snapshot, const struct peer_port ports[UL_MAX_UPLINKS],
		    const char *ret[UL_MAX_UPLINKS]);
/* The configuration of one device. id: number of the port-channel. 0 or -ENOMEM. */
int switch_config_write(const struct snapshot *snapshot, const struct vendor *vendor,
			const struct peer_port ports[UL_MAX_UPLINKS], const char *device,
			uint32_t id, FILE *out);

#endif
