/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The channel of a switch in the terms of `show etherchannel summary`. */
#ifndef UL_RECORDS_CHANNEL_RECORDS_H
#define UL_RECORDS_CHANNEL_RECORDS_H

#include <jansson.h>

#include "records/snapshot.h"

/* X(NAME, letter, help): the flag of an uplink. Letters that Cisco has mean the same. */
/* clang-format off */
#define CHANNEL_FLAGS(X) \
	X(BUNDLED,    'P', "bundled") \
	X(DOWN,       'D', "down") \
	X(INDIVIDUAL, 'I', "stand-alone") \
	X(SUSPENDED,  's', "suspended") \
	X(STANDBY,    'H', "hot-standby") \
	X(WAITING,    'w', "waiting for up-delay") \
	X(DRAINED,    'x', "drained")
/* clang-format on */

enum channel_flag {
#define X(NAME, letter, help) CHANNEL_##NAME,
	CHANNEL_FLAGS(X)
#undef X
		N_CHANNEL_FLAGS,
};

enum channel_flag channel_flag_of(const struct snapshot *snapshot, uint32_t uplink);
char channel_flag_letter(enum channel_flag flag);
const char *channel_flag_help(enum channel_flag flag);

/* New object {switch, channel, protocol (null: none), in_use, min_links_missed, uplinks: [{uplink,
 * flag, meaning, state, neighbour_device, neighbour_port, reason}]}. */
json_t *record_channel(const struct snapshot *snapshot);

#endif
