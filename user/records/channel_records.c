// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/channel_records.h"

#include "config/model.h"
#include "lacp/lacp.h"
#include "records/names.h"
#include "records/records.h"

/* clang-format off */
static const struct {
	char letter;
	const char *help;
} flags[] = {
#define X(NAME, letter, help) { letter, help },
	CHANNEL_FLAGS(X)
#undef X
};
/* clang-format on */

char channel_flag_letter(enum channel_flag flag)
{
	return flags[flag].letter;
}

const char *channel_flag_help(enum channel_flag flag)
{
	return flags[flag].help;
}

static enum channel_flag pagp_flag_of(const struct ul_pagp_port *port)
{
	if (port->flags & UL_PAGP_STANDBY)
		return CHANNEL_STANDBY;
	return port->version && !(port->flags & UL_PAGP_OUT) ? CHANNEL_WAITING : CHANNEL_SUSPENDED;
}

enum channel_flag channel_flag_of(const struct snapshot *snapshot, uint32_t index)
{
	const struct uplink_view *uplink = &snapshot->uplinks[index];
	enum ul_channel channel = snapshot->view->meta->channel;

	switch (uplink->state) {
	case UPLINK_NO_CARRIER:
	case UPLINK_DOWN:
	case UPLINK_MISSING:
	case UPLINK_FAILED:
		return CHANNEL_DOWN;
	case UPLINK_DRAINED:
		return CHANNEL_DRAINED;
	case UPLINK_WAITING:
		if (channel == UL_CHANNEL_PAGP)
			return pagp_flag_of(&uplink->pagp);
		if (channel != UL_CHANNEL_LACP)
			return CHANNEL_WAITING;
		if (uplink->lacp.selected == LACP_STANDBY)
			return CHANNEL_STANDBY;
		return uplink->lacp.updated_ms && !(uplink->lacp.flags & UL_LACP_OUT) ?
			       CHANNEL_WAITING :
			       CHANNEL_SUSPENDED;
	case UPLINK_STANDBY:
	case UPLINK_SPARE:
		return CHANNEL_STANDBY;
	default:
		break;
	}
	if (channel == UL_CHANNEL_NONE || uplink->lacp.flags & UL_LACP_INDIVIDUAL ||
	    uplink->pagp.flags & UL_PAGP_INDIVIDUAL)
		return CHANNEL_INDIVIDUAL;
	return CHANNEL_BUNDLED;
}

static json_t *text_or_null(const char *text, size_t size)
{
	return text[0] ? record_text(text, size) : json_null();
}

static json_t *uplink_record(const struct snapshot *snapshot, uint32_t index)
{
	const struct uplink_view *uplink = &snapshot->uplinks[index];
	const struct ul_neighbour *neighbour = &uplink->lacp.neighbour;
	bool pagp = snapshot->view->meta->channel == UL_CHANNEL_PAGP;
	enum channel_flag flag = channel_flag_of(snapshot, index);

	return json_pack("{s:o, s:s#, s:s, s:s, s:o, s:o, s:o}", "uplink",
			 record_text(uplink->raw.name, UL_NAME_LEN), "flag", &flags[flag].letter, 1,
			 "meaning", flags[flag].help, "state",
			 record_name(RECORD_UPLINK_STATES, uplink->state), "neighbour_device",
			 text_or_null(neighbour->device, sizeof(neighbour->device)),
			 "neighbour_port", text_or_null(neighbour->port, sizeof(neighbour->port)),
			 "reason",
			 pagp ? text_or_null(uplink->pagp.reason, sizeof(uplink->pagp.reason)) :
				text_or_null(uplink->lacp.reason, sizeof(uplink->lacp.reason)));
}

json_t *record_channel(const struct snapshot *snapshot)
{
	enum ul_channel channel = snapshot->view->meta->channel;
	const char *protocol = channel == UL_CHANNEL_LACP ? "LACP" :
			       channel == UL_CHANNEL_PAGP ? "PAgP" :
							    NULL;
	bool min_links = false;
	json_t *uplinks = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		json_array_append_new(uplinks, uplink_record(snapshot, i));
		min_links |= snapshot->uplinks[i].lacp.findings >> LACP_FIND_MIN_LINKS & 1;
	}
	return json_pack("{s:o, s:s?, s:s?, s:b, s:b, s:o}", "switch",
			 record_text(snapshot->view->name, UL_NAME_LEN), "channel",
			 channel_name(channel), "protocol", protocol, "in_use",
			 snapshot->usable != 0, "min_links_missed", min_links, "uplinks", uplinks);
}
