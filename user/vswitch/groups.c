// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Port groups: a group of the configuration keeps the record of its name. The names are matched
 * once per apply, in n log n steps, because a switch may have 4,160 groups. */
#include <assert.h>

#include "vswitch/internal.h"

struct named {
	const char *name;
	size_t index;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

void group_match_done(struct group_match *match)
{
	free(match->record);
	free(match->stays);
	*match = (struct group_match){};
}

int groups_match(const struct switch_context *context, const struct switch_cfg *cfg,
		 struct group_match *ret)
{
	const struct dataplane *dp = context->dp;
	_cleanup_free_ struct named *names = calloc(cfg->n_groups + 1, sizeof(*names));
	struct group_match match = {
		.record = calloc(cfg->n_groups + 1, sizeof(*match.record)),
		.stays = calloc(dp->max_groups, sizeof(*match.stays)),
	};

	if (!names || !match.record || !match.stays) {
		group_match_done(&match);
		return context_fail(context, -ENOMEM, "port groups");
	}
	for (size_t g = 0; g < cfg->n_groups; g++) {
		names[g] = (struct named){ .name = cfg->groups[g].name, .index = g };
		match.record[g] = GROUP_NO_RECORD;
	}
	qsort(names, cfg->n_groups, sizeof(*names), compare_names);
	for (uint32_t i = 0; i < dp->max_groups; i++) {
		struct named key = { .name = dp->groups[i].name };
		const struct named *found;

		if (!(dp->groups[i].flags & UL_GROUP_USED))
			continue;
		found = bsearch(&key, names, cfg->n_groups, sizeof(*names), compare_names);
		match.stays[i] = found;
		if (found)
			match.record[found->index] = i;
		else
			match.n_leaving++;
	}
	*ret = match;
	return 0;
}

static uint32_t flags_of(const struct switch_cfg *sw, const struct group_cfg *cfg)
{
	const struct security *security = &cfg->security;

	return UL_GROUP_USED | (security->promiscuous ? UL_GROUP_PROMISCUOUS : 0) |
	       (security->mac_changes ? UL_GROUP_MAC_CHANGES : 0) |
	       (security->forged_transmits ? UL_GROUP_FORGED_OK : 0) |
	       (security->mac_learning ? UL_GROUP_LEARNING : 0) |
	       (security->mac_learning && security->learning.unicast_flooding ? UL_GROUP_FLOODED :
										0) |
	       (security->guest_control_pass ? UL_GROUP_CONTROL_OK : 0) |
	       (cfg->qinq ? UL_GROUP_QINQ : 0) |
	       (sw->bridge[0] || cfg->bridge[0] ? UL_GROUP_ATTACHES : 0);
}

static void write_group(struct dataplane *dp, uint32_t index, const struct switch_cfg *sw,
			const struct group_cfg *cfg, uint32_t policy)
{
	struct ul_group group = { .flags = flags_of(sw, cfg),
				  .vlan_mode = (uint16_t)cfg->vlan_mode,
				  .vid = cfg->vid,
				  .policy = policy };

	for (size_t i = 0; i < ARRAY_SIZE(group.vlans); i++)
		group.vlans[i] = cfg->vlans[i];
	snprintf(group.name, sizeof(group.name), "%s", cfg->name);
	group_write(dp, index, &group);
}

int groups_apply(const struct switch_context *context, const uint32_t *policies,
		 struct group_match *match)
{
	struct dataplane *dp = context->dp;
	uint32_t next = 0;

	for (size_t g = 0; g < context->cfg->n_groups; g++) {
		const struct group_cfg *cfg = &context->cfg->groups[g];

		if (match->record[g] == GROUP_NO_RECORD) {
			while (next < dp->max_groups && dp->groups[next].flags & UL_GROUP_USED)
				next++;
			if (next == dp->max_groups)
				return context_fail(context, -ENOSPC, "no room for port group %s",
						    cfg->name);
			match->record[g] = next;
			match->stays[next] = true;
		}
		write_group(dp, match->record[g], context->cfg, cfg, policies[g]);
	}
	return 0;
}

void groups_prune(const struct switch_context *context, const struct group_match *match)
{
	struct dataplane *dp = context->dp;

	for (uint32_t i = 0; i < dp->max_groups; i++)
		if (dp->groups[i].flags & UL_GROUP_USED && !match->stays[i])
			group_clear(dp, i);
}
