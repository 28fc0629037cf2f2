/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Pieces of configuration files for the tests of user/config/. */
#ifndef TESTS_UNIT_CONFIG_TEXT_H
#define TESTS_UNIT_CONFIG_TEXT_H

/* Flow style is YAML too: one switch, one group, one port per macro, so that a row of a table shows
 * only what it is about. */
#define SWITCHES(list) "switches: [" list "]\n"
#define SWITCH(rest) "{name: s0, uplinks: [eth0, eth1], " rest "}"
#define STATIC(rest) "{name: s0, uplinks: [eth0, eth1], channel: static, " rest "}"
#define LACP(rest) "{name: s0, uplinks: [eth0, eth1], channel: lacp, " rest "}"
#define TWO(a, b) a ", " b
#define GROUPS(list) "port-groups: [" list "]"
#define GROUP(rest) "{name: g0, " rest "}"
#define PORTS(list) "ports: [" list "]"
#define PORT(interface, mac) "{interface: " interface ", mac: '" mac "'}"

#define MAC_A "52:54:00:00:00:0a"
#define MAC_B "52:54:00:00:00:0b"

#endif
