/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* What LLDP and CDP report of the switch ports. */
#ifndef UL_RECORDS_NEIGHBOURS_H
#define UL_RECORDS_NEIGHBOURS_H

#include "records/snapshot.h"

/* What LLDP or CDP reported on the uplink; NULL: nothing, or not for 180 s, or no carrier. */
const struct ul_neighbour *heard_neighbour(const struct snapshot *now, uint32_t index);

/* What switches of this vendor call the channel: one sentence; NULL: nothing special. */
const char *vendor_channel_hint(enum ul_neighbour_vendor vendor, enum ul_channel channel);
/* The hint for the first uplink that has one; *ret_uplink is its index. NULL: none has. */
const char *find_channel_hint(const struct snapshot *now, uint32_t *ret_uplink);

#endif
