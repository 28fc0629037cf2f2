/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Hash index of the names in a model: interfaces of the whole model, port groups of each switch,
 * MAC addresses of each switch and VLAN. The reader fills it while it reads; a request fills it
 * from a finished model. A struct name_index of zeros is empty.
 */
#ifndef UL_CONFIG_NAME_INDEX_H
#define UL_CONFIG_NAME_INDEX_H

#include "config/model.h"

/* Where an interface or a MAC address is used: uplink `at` of the switch, or with a group, its port
 * `at`. The index keeps the pointers, so switches and groups must not move. */
struct location {
	const struct switch_cfg *sw;
	const struct group_cfg *group;
	size_t at;
	bool bridge;  /* an attachment bridge, of the group or of the switch */
	bool far_end; /* of a host port's veth pair, whose name is derived from the port's */
};

struct name_use;

struct name_index {
	struct name_use **buckets;
	size_t n_buckets, n;
};

void name_index_done(struct name_index *index);
/* All names of a valid model. 0 or -ENOMEM. */
int name_index_fill(struct name_index *index, const struct model *model);

/* NULL: not in use. */
const struct location *name_index_find_interface(const struct name_index *index, const char *name);
const struct location *name_index_find_group(const struct name_index *index,
					     const struct switch_cfg *sw, const char *name);
/* A use of the address in a VLAN of location->group; *ret_vid: the lowest one. NULL: none. */
const struct location *name_index_find_mac(const struct name_index *index, const uint8_t mac[6],
					   const struct location *location, unsigned int *ret_vid);

/* Notes a use. A name that is noted already keeps its first location. 0 or -ENOMEM. */
int name_index_add_interface(struct name_index *index, const char *name,
			     const struct location *location);
int name_index_add_group(struct name_index *index, const struct location *location);
int name_index_add_mac(struct name_index *index, const uint8_t mac[6],
		       const struct location *location);

#endif
