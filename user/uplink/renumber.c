// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The state of the uplinks follows the order of the configuration. */
#include <assert.h>

#include "uplink/internal.h"

bool uplinks_new_order(const struct uplinks *uplinks, uint8_t ret_to[UL_MAX_UPLINKS])
{
	const struct switch_cfg *cfg = uplinks->context->cfg;
	bool moved = false;

	memset(ret_to, UL_NO_UPLINK, UL_MAX_UPLINKS);
	for (uint32_t i = 0; i < cfg->n_uplinks; i++) {
		int old = uplinks_index(uplinks, cfg->uplinks[i]);

		if (old < 0)
			continue;
		assert(ret_to[old] == UL_NO_UPLINK);
		ret_to[old] = (uint8_t)i;
		moved = moved || old != (int)i;
	}
	return moved;
}

/* Moves the timer along; nothing that would be freed stays behind. */
static struct uplink take_uplink(struct uplink *from)
{
	struct uplink uplink = *from;

	uplink.known = true;
	from->retry_timer = NULL;
	return uplink;
}

static void put_uplink(struct uplinks *uplinks, uint32_t index, const struct uplink *uplink)
{
	struct uplink *to = &uplinks->uplink[index];

	*to = *uplink;
	to->index = index;
	if (to->retry_timer)
		sd_event_source_set_userdata(to->retry_timer, to);
}

void uplinks_renumber(struct uplinks *uplinks, const uint8_t to[UL_MAX_UPLINKS])
{
	const struct switch_context *context = uplinks->context;
	struct uplink moving[UL_MAX_UPLINKS] = {};
	uint8_t from[UL_MAX_UPLINKS];

	memset(from, UL_NO_UPLINK, sizeof(from));
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (to[i] == UL_NO_UPLINK)
			continue;
		from[to[i]] = (uint8_t)i;
		moving[to[i]] = take_uplink(&uplinks->uplink[i]);
	}
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		uplink_cancel_retry(&uplinks->uplink[i]);
		if (from[i] == UL_NO_UPLINK)
			uplink_init(uplinks, i);
		else
			put_uplink(uplinks, i, &moving[i]);
		if (i < context->cfg->n_uplinks && from[i] != i)
			dataplane_reset_stats(context->dp, i);
	}
}
