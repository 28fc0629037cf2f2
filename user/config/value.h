/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Text to value and back, for single scalars of the file and of control requests. */
#ifndef UL_CONFIG_VALUE_H
#define UL_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/keys.h"
#include "config/model.h"

/* as the kernel's dev_valid_name(), and without the % of its name templates */
bool interface_name_valid(const char *name);
bool mac_is_unicast(const uint8_t mac[6]); /* and not zero */

/* "192.0.2.10/24": 0 or -EINVAL; no wildcard or multicast address. */
int address_parse(const char *text, struct address *ret);
/* "192.0.2.1": a host's address, prefix length 0 */
int address_parse_host(const char *text, struct address *ret);
/* "198.51.100.0/24" or "::/0": no host bits, no multicast */
int address_parse_network(const char *text, struct address *ret);

/* "0", "100", "4095" or "10,20-30" into the three fields of the group: 0 or -EINVAL. */
int vlan_parse(const char *text, struct group_cfg *group);

/* Whether two groups have a VLAN in common. Untagged frames are VLAN 0. *ret_vid: the lowest one.
 */
bool vlans_overlap(const struct group_cfg *a, const struct group_cfg *b, unsigned int *ret_vid);

/* NULL: none of them */
const struct choice *choice_find(const struct choice *choices, const char *name);
/* NULL: none of them */
const char *choice_name(const struct choice *choices, int value);

/* Parses text and writes the key's field in base, the struct of its section. plain: not quoted in
 * the file; numbers and booleans must be. 0, -EINVAL (nothing is written) or -ENOMEM. */
int value_store(const struct config_key *key, const char *text, bool plain, void *base);

/* The inverse: the field as text for a plain or quoted scalar of YAML, quoted where other readers
 * of YAML would take it for another type. "": a string that is not set. Returns text. */
#define VALUE_TEXT_LEN 16384 /* a list of 1365 VLAN ranges */
const char *value_text(const struct config_key *key, const void *base, char text[VALUE_TEXT_LEN]);

#endif
