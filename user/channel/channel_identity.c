// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The identity of the switch in LACP and PAgP: system id and port numbers. A partner recognises a
 * link by them (802.1AX 6.3.2, 6.3.4), so both are kept in the maps and survive restarts, reloads
 * and changes of the uplinks.
 */
#include "channel/internal.h"
#include "dataplane/records.h"

/* The first uplink's address, for the life of the switch even if that uplink leaves. A configured
 * system id lasts as long as it is configured. */
void channel_choose_system(const struct switch_context *context)
{
	const struct lacp_cfg *cfg = &context->cfg->lacp;
	struct dataplane *dp = context->dp;
	uint8_t system[6] = {};

	if (cfg->has_system_id) {
		meta_write_lacp_system(dp, cfg->system_id, true);
		return;
	}
	if (!dp->meta->lacp_system_given)
		memcpy(system, dp->meta->lacp_system, sizeof(system));
	for (uint32_t i = 0; i < context->cfg->n_uplinks && mac_is_zero(system); i++)
		memcpy(system, dp->uplinks[i].mac, sizeof(system));
	meta_write_lacp_system(dp, system, false);
}

void channel_make_config(const struct switch_context *context, struct lacp_config *ret)
{
	const struct lacp_cfg *cfg = &context->cfg->lacp;

	channel_choose_system(context);
	*ret = (struct lacp_config){
		.system_priority = cfg->system_priority,
		.key = cfg->key,
		.active = cfg->activity == CFG_LACP_ACTIVE,
		.fast = cfg->rate == CFG_LACP_FAST,
		.independent = cfg->mux == CFG_LACP_INDEPENDENT,
		.policy = cfg->selection,
		.fallback = cfg->fallback,
		.min_links = cfg->min_links,
		.max_links = cfg->max_links,
		.wait_to_restore_ms = context->cfg->up_delay_ms,
	};
	memcpy(ret->system, context->dp->meta->lacp_system, sizeof(ret->system));
}

void channel_update_system(struct channel *channel)
{
	struct lacp_config config;

	if (!mac_is_zero(channel->context->dp->meta->lacp_system))
		return;
	if (channel->pagp)
		channel_pagp_update_device(channel);
	if (!channel->lacp)
		return;
	channel_make_config(channel->context, &config);
	lacp_configure(channel->lacp, &config, now_ms());
}

/* Of two uplinks with one number the one with the lower index has it. A killed daemon may leave
 * such while uplinks change places, and other programs may write anything. */
static bool has_number(const struct dataplane *dp, uint32_t index)
{
	uint32_t number = dp->uplinks[index].lacp_port;

	for (uint32_t i = 0; i < index; i++)
		if (dp->uplinks[i].lacp_port == number)
			return false;
	return number;
}

bool channel_assign_number(const struct switch_context *context, uint32_t index)
{
	struct dataplane *dp = context->dp;
	uint32_t taken = 0, number = 1;

	if (has_number(dp, index))
		return false;
	for (uint32_t i = 0; i < context->cfg->n_uplinks; i++)
		if (dp->uplinks[i].lacp_port)
			taken |= 1u << dp->uplinks[i].lacp_port;
	while (taken >> number & 1)
		number++;
	uplink_write_lacp_port(dp, index, number);
	return true;
}
