/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Addresses of ports: the only code that changes ul_fdb (table_set(), table_remove() and
 * table_evict() on dp->fdb) and a port's MAC address (port_write_mac()). Only files of port/
 * include this.
 *
 * ul_fdb has two kinds of entries. A port's own address is the MAC in its record; it is in the
 * table while the port has an interface, under these keys:
 *
 *   access port                                    {VID of the group, MAC}
 *   trunk port                                     {UL_VLAN_TRUNK, MAC}
 *   trunk port that shares its MAC with another    {VID, MAC} for each VLAN of its list, also with
 *                                                  UL_VID_SERVICE
 *
 * Of trunk ports with one MAC, which have disjoint lists, the one with the longest list keeps the
 * short form (port_state.exact_keys is false). All other entries have UL_FDB_LEARNED and the key
 * {VID, MAC} of the frame; struct mac_ages lists them. An own address has precedence: it replaces a
 * learned entry of the same key, and it evicts one if the table is full.
 */
#ifndef UL_PORT_ADDRESSES_H
#define UL_PORT_ADDRESSES_H

#include "port/ports.h"

/* Whether key is one of the keys of the port's own address. */
bool address_is_own(const struct ports *ports, uint32_t slot, uint64_t key);
/*
 * Slot of another port whose own address this is in a VLAN of the port in slot, or -ENOENT. Ports
 * without an interface count. vid: the VLAN, with or without UL_VID_SERVICE; UL_VLAN_TRUNK: any
 * VLAN of the port.
 */
int address_other_owner(const struct ports *ports, uint32_t slot, uint16_t vid,
			const uint8_t mac[6]);
/* Decides which trunk ports have exact keys, from the records of all ports. */
void address_assign_keys(struct ports *ports);
/* The same for one port: exact keys if another trunk port has its MAC. */
void address_assign_keys_of(struct ports *ports, uint32_t slot);

/* Writes the port's MAC alone. address_add_own() or ports_apply_addresses() must follow, which
 * bring the address table up to date. */
void address_write_mac(struct ports *ports, uint32_t slot, const uint8_t mac[6]);
/* Adds the port's own address, if it has one. 0 or -ENOSPC. */
int address_add_own(struct ports *ports, uint32_t slot);
/*
 * Gives the port another own address: adds the new entries, writes the MAC, removes the old
 * entries, so that a frame to either address finds the port meanwhile. mac may be the present
 * address. 0, or -ENOSPC: the port has its new MAC, but the table lacks an entry.
 */
int address_change_own(struct ports *ports, uint32_t slot, const uint8_t mac[6]);
/* Removes all addresses of the port, own and learned, from the table. */
void address_remove_port(struct ports *ports, uint32_t slot);
/* Removes the learned ones. */
void address_forget_learned(struct ports *ports, uint32_t slot);

/*
 * Adds a learned address, or moves it to this port. contested: it is in use outside. 0; -EEXIST: it
 * is an own address; -EMFILE: the port has as many as it may; -ENOSPC: the table is full; -ENOMEM.
 */
int address_learn(struct ports *ports, uint32_t slot, uint64_t key, bool contested,
		  uint64_t now_ms);
/* Slot of the port at which the address is learned, or -ENOENT. */
int address_learned_at(const struct ports *ports, uint64_t key);
/* Lists the learned addresses that an earlier daemon left in the table. */
void address_adopt_learned(struct ports *ports, uint64_t now_ms);
/* Removes learned addresses that were not used for the age of their group. Returns when to call it
 * again, or UINT64_MAX. */
uint64_t address_expire(struct ports *ports, uint64_t now_ms);

#endif
