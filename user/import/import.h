/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Import: from the network configuration of other software to a configuration of uplinkd.
 *
 *   import_read()   sources -> struct network (network.h), one reader per kind of source
 *   import_map()    struct network -> struct plan (plan.h); pure
 *   import_write()  struct plan -> YAML with comments; pure
 *
 * Each object that has no counterpart becomes a remark with the reason, so that an import never
 * loses something silently. A source with a mistake is refused as a whole. user/ctl/import.c is
 * the only caller.
 *
 *   source.c        names of sources, files within limits, output of programs
 *   network.c       the neutral model; bond.c: options of bonding by their kernel names
 *   read_ip.c       `ip -d -j address|link|route`, `bridge -j vlan`
 *   read_bonding.c  /proc/net/bonding and /sys/class/net/BOND/bonding
 *   read_ovs.c      `ovsdb-client -f json dump`
 *   read_ifupdown.c, read_netplan.c, read_networkd.c
 *   map.c           switches and uplinks; map_bond.c: modes; map_ports.c: port groups and ports;
 *                   map_bridges.c: attachment bridges
 *   write.c         YAML
 *   adopt.c         steps of a switch-over (adopt.h); filters.c: filters that it bypasses
 *
 * Tests: tests/unit/import_*.c, with the golden files of tests/unit/data/import/.
 */
#ifndef UL_IMPORT_IMPORT_H
#define UL_IMPORT_IMPORT_H

#include "import/network.h"

#define IMPORT_NM_FOLDER "/etc/NetworkManager/system-connections"
#define IMPORT_OVS_SOCKET "/var/run/openvswitch/db.sock"
#define IMPORT_MAX_BYTES (16U << 20) /* of a file or of the output of a program */

/* Reads "KIND[:PATH]" into the network. 0 or a negative errno with messages; -EINVAL: the source
 * has a mistake. */
int import_read(struct network *network, const char *source);
/* The interfaces that NetworkManager's connections in a folder name, with file and line. */
int import_read_nm(struct network *network, const char *folder);

#endif
