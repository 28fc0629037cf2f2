/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Typed writers of the records in mapped memory (headers/abi.h). They are the only stores into the
 * maps of a switch; everyone else reads through the const pointers of struct dataplane. The daemon
 * is the only writer of these records, so a writer may read, change and store a word.
 *
 * Programs on other CPUs and uplinkctl read at any moment, without a lock. Each word below is
 * stored once, whole, and after everything that was stored before it (release order). A reader
 * therefore sees the old or the new value of a word, but may see the new value of one word and the
 * old value of the next one. Where two words belong together, the writer states the order.
 *
 *   ul_uplink   4 bytes: ifindex, flags, speed_mbps, max_frame, lacp_port, problems
 *               8 bytes: netdev; mac with xdp_mode and error
 *   ul_port     2 bytes: changed_from
 *               4 bytes: ifindex, flags, group, number, max_frame, policy, life
 *               8 bytes: mac with changed_from behind it; vlan (mode, VID, group flags)
 *   ul_group    4 bytes: flags, policy; vlan_mode with vid.  8 bytes: each word of vlans
 *   ul_policy   1 byte: each bucket, each member, n_active, n_members
 *               4 bytes: method, flags, n_buckets, in_use
 *   ul_vlan     4 bytes: flags, n_members
 *   ul_meta     4 bytes: n_uplinks, channel, mtu, receive.  8 bytes: generation, lease_ns,
 *               headless_ns; lacp_system with lacp_system_given
 *   ul_sent     8 bytes: each word, which port_tc may store at the same time; one of both stays
 *
 * Names, struct ul_lacp_port and struct ul_pagp_port are written byte by byte. No program reads
 * them; uplinkctl reads a ul_lacp_port until two copies are equal (view_lacp_port()).
 *
 * Indexes must be below the number of entries of the map (UL_MAX_UPLINKS, max_ports, ...);
 * this is asserted. Tests: tests/unit/dataplane_records.c.
 */
#ifndef UL_DATAPLANE_RECORDS_H
#define UL_DATAPLANE_RECORDS_H

#include "abi.h"
#include "common/util.h"

struct dataplane;

/* ---- ul_uplinks ---- */
/* flags: enum ul_uplink_flag, all of them. The next frame sees the new flags. */
void uplink_write_flags(struct dataplane *dp, uint32_t index, uint32_t flags);
/* 0: no interface. Clear UL_UP_SEND before the interface goes. */
void uplink_write_ifindex(struct dataplane *dp, uint32_t index, uint32_t ifindex);
/* netdev: the result of dataplane_find_netdev(). */
void uplink_write_netdev(struct dataplane *dp, uint32_t index, uint64_t netdev);
void uplink_write_mac(struct dataplane *dp, uint32_t index, const uint8_t mac[6]);
void uplink_write_xdp_mode(struct dataplane *dp, uint32_t index, enum ul_xdp_mode mode);
/* error: negative errno of the last attempt to connect the interface, or 0. For display. */
void uplink_write_error(struct dataplane *dp, uint32_t index, int error);
void uplink_write_speed(struct dataplane *dp, uint32_t index, uint32_t speed_mbps);
void uplink_write_max_frame(struct dataplane *dp, uint32_t index, uint32_t bytes);
void uplink_write_lacp_port(struct dataplane *dp, uint32_t index, uint32_t number);
/* problems: enum ul_problem, all of them. */
void uplink_write_problems(struct dataplane *dp, uint32_t index, uint32_t problems);
/*
 * The whole record, for an uplink whose index changes. Order: flags that the new record does not
 * have are cleared, then all other words, then the flags. Between them the carrier of one
 * interface may be checked for a frame that leaves by the other. A record that is equal already is
 * not written.
 */
void uplink_write(struct dataplane *dp, uint32_t index, const struct ul_uplink *next);
/*
 * Brings the records to another order, and n_uplinks with them. to: old index -> new index,
 * UL_NO_UPLINK: the uplink left, and its record is clear. names: of the n uplinks in the new order.
 * A remaining uplink takes along its record, and every frame finds a valid record throughout.
 */
void uplinks_reorder(struct dataplane *dp, const uint8_t to[UL_MAX_UPLINKS],
		     const char names[][UL_NAME_LEN], uint32_t n);
/* Zeroes the record, flags first. */
void uplink_clear(struct dataplane *dp, uint32_t index);

/* ---- ul_ports ---- */
void port_write_flags(struct dataplane *dp, uint32_t slot, uint32_t flags);
/* error: as in uplink_write_error(); a part of the flags. */
void port_write_error(struct dataplane *dp, uint32_t slot, int error);
/* 0: no interface; frames to the port are then dropped. */
void port_write_ifindex(struct dataplane *dp, uint32_t slot, uint32_t ifindex);
/* One aligned word: port_tc compares the source address of each frame with it. mac may point into
 * the record. */
void port_write_mac(struct dataplane *dp, uint32_t slot, const uint8_t mac[6]);
/* Digest of the configured address that the machine changed; 0: it did not. */
void port_write_changed_from(struct dataplane *dp, uint32_t slot, uint16_t digest);
/* One word: mode and VID always belong together. */
void port_write_vlan(struct dataplane *dp, uint32_t slot, struct ul_port_vlan vlan);
void port_write_group(struct dataplane *dp, uint32_t slot, uint32_t group);
void port_write_policy(struct dataplane *dp, uint32_t slot, uint32_t policy);
void port_write_number(struct dataplane *dp, uint32_t slot, uint32_t number);
void port_write_max_frame(struct dataplane *dp, uint32_t slot, uint32_t bytes);
/* Cut to UL_NAME_LEN - 1 bytes. Only of a slot without UL_PORT_USED. */
void port_write_name(struct dataplane *dp, uint32_t slot, const char *name);
/* problems: enum ul_problem, all of them, bits 0-7 only. They are flags of the port. */
void port_write_problems(struct dataplane *dp, uint32_t slot, uint32_t problems);
/* Adds 1 to life: after a loss of carrier or interface, when UL_PORT_ABSENT is set. */
void port_raise_life(struct dataplane *dp, uint32_t slot);
/* Zeroes the record, flags first, but for life and seen, which continue (abi.h). The address table
 * must not lead to the slot any longer. */
void port_clear(struct dataplane *dp, uint32_t slot);

/* ---- ul_groups ---- */
/* Order: name, list of VLANs, mode with VID, policy, flags. */
void group_write(struct dataplane *dp, uint32_t index, const struct ul_group *next);
/* Zeroes the record, flags first. */
void group_clear(struct dataplane *dp, uint32_t index);

/* ---- ul_policies ---- */
/* Brings the record to the state of next, buckets first: each byte is valid with the old and the
 * new value of any other. Returns the number of buckets that changed. */
uint32_t policy_write(struct dataplane *dp, uint32_t index, const struct ul_policy *next);
/* Bit i: frames from uplink i are accepted. */
void policy_write_in_use(struct dataplane *dp, uint32_t index, uint32_t in_use);

/* ---- ul_vlans ---- */
/* n_members first. Entries of ul_members must exist before n_members covers them, and may go when
 * it does not cover them any longer. */
void vlan_write(struct dataplane *dp, uint32_t vid, uint32_t flags, uint32_t n_members);

/* ---- ul_meta ---- */
/* CLOCK_MONOTONIC in ns; 0: no daemon, and none is expected. */
void meta_write_lease(struct dataplane *dp, uint64_t until_ns);
/* How long after the lease uplink_xdp may answer for the daemon; 0: not at all. */
void meta_write_headless(struct dataplane *dp, uint64_t duration_ns);
void meta_write_n_uplinks(struct dataplane *dp, uint32_t n);
/* What the applied configuration says. mtu in bytes, without Ethernet header and tag. */
void meta_write_settings(struct dataplane *dp, enum ul_channel channel, enum ul_receive receive,
			 uint32_t mtu);
/* Of the daemon; cut to UL_NAME_LEN - 1 bytes. */
void meta_write_version(struct dataplane *dp, const char *version);
void meta_raise_generation(struct dataplane *dp);
/* given: the system id is from the configuration. One word with it. */
void meta_write_lacp_system(struct dataplane *dp, const uint8_t system[6], bool given);

/* ---- ul_sent ---- */
/* Notes a frame that the daemon sends on an uplink, so that the programs recognise its reflection.
 * frame: from its destination on, at least UL_DIGEST_LEN bytes behind the EtherType, with at most
 * one 802.1Q tag. jiffies: dataplane_jiffies(). */
void sent_note(struct dataplane *dp, const uint8_t *frame, uint64_t jiffies);

/* ---- ul_lacp_ports, ul_pagp_ports, ul_lacp_answers ---- */
/* record: as uplinkctl shows it. */
void lacp_record_write(struct dataplane *dp, uint32_t uplink, const struct ul_lacp_port *record);
/* record->writing is ignored: it is set while the record is stored. */
void pagp_record_write(struct dataplane *dp, uint32_t uplink, const struct ul_pagp_port *record);
/* Zeroes the counters of answers before the index is used for another uplink. uplink_xdp writes
 * this record too: an answer that is counted at the same moment may survive. */
void lacp_answers_clear(struct dataplane *dp, uint32_t uplink);

#endif
