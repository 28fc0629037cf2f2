// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* VLANs of a switch: which kinds of port groups each one has, and its flood list. Both follow from
 * the group and port records. Lists are in the order of the slots, so that a port that is added or
 * removed moves few others. */
#include "vswitch/internal.h"

struct vlan_plan {
	uint32_t flags[UL_N_VLANS];
	uint16_t n_members[UL_N_VLANS];
};

/* Sources other than the own address may come from the ports of the group. */
#define FOREIGN (UL_GROUP_LEARNING | UL_GROUP_FORGED_OK | UL_GROUP_MAC_CHANGES | UL_GROUP_ATTACHES)
/* Trunk ports of the group may have entries for single VLANs: learned ones, or their address
 * becomes one that another trunk port has. */
#define EXACT (UL_GROUP_LEARNING | UL_GROUP_MAC_CHANGES | UL_GROUP_ATTACHES)

static void plan_group(const struct ul_group *group, struct vlan_plan *plan)
{
	uint32_t copies = group->flags & (UL_GROUP_PROMISCUOUS | UL_GROUP_LEARNING) ?
				  UL_VLAN_NEEDS_COPIES :
				  0;
	uint32_t foreign = group->flags & FOREIGN ? UL_VLAN_FOREIGN : 0;
	uint32_t exact = group->flags & EXACT ? UL_VLAN_EXACT : 0;

	if (group->vlan_mode != UL_VLAN_VGT) {
		plan->flags[group->vid] |= UL_VLAN_ACCESS | copies | foreign;
		return;
	}
	for (uint32_t vid = 0; vid < UL_VLAN_TRUNK; vid++)
		if (UL_LIST_HAS(group->vlans, vid))
			plan->flags[vid] |= UL_VLAN_TRUNKED | copies | foreign | exact;
}

/* Entries are written before a list grows and removed after it has shrunk, so that a program finds
 * every entry that the length covers. */
static int write_members(const struct switch_context *context, struct vlan_plan *plan)
{
	struct dataplane *dp = context->dp;

	for (uint32_t slot = 0; slot < dp->max_ports; slot++) {
		uint16_t vid;
		int r;

		if (!(dp->ports[slot].flags & UL_PORT_USED))
			continue;
		vid = dp->groups[dp->ports[slot].group].vid;
		r = dataplane_set_member(dp, vid, plan->n_members[vid]++, slot);
		if (r < 0)
			return context_fail(context, r, "cannot write the flood list of VLAN %u",
					    vid);
	}
	for (uint32_t vid = 0; vid < UL_N_VLANS; vid++) {
		uint32_t old = dp->vlans[vid].n_members;

		vlan_write(dp, vid, plan->flags[vid], plan->n_members[vid]);
		for (uint32_t place = plan->n_members[vid]; place < old; place++)
			dataplane_remove_member(dp, (uint16_t)vid, (uint16_t)place);
	}
	return 0;
}

/* Ports keep a copy of UL_VLAN_NEEDS_COPIES for uplink_xdp. */
static void copy_vlan_flag(struct dataplane *dp, uint32_t slot)
{
	struct ul_port_vlan vlan = dp->ports[slot].vlan;

	vlan.group_flags &= ~(uint32_t)UL_GROUP_VLAN_NEEDS_COPIES;
	if (vlan.mode != UL_VLAN_VGT && dp->vlans[vlan.vid].flags & UL_VLAN_NEEDS_COPIES)
		vlan.group_flags |= UL_GROUP_VLAN_NEEDS_COPIES;
	port_write_vlan(dp, slot, vlan);
}

int vlans_apply(const struct switch_context *context, const uint64_t exact[UL_N_VLANS / 64])
{
	_cleanup_free_ struct vlan_plan *plan = calloc(1, sizeof(*plan));
	struct dataplane *dp = context->dp;
	int r;

	if (!plan)
		return context_fail(context, -ENOMEM, "VLANs");
	for (uint32_t i = 0; i < dp->max_groups; i++)
		if (dp->groups[i].flags & UL_GROUP_USED)
			plan_group(&dp->groups[i], plan);
	for (uint32_t vid = 0; vid < UL_N_VLANS; vid++)
		if (UL_LIST_HAS(exact, vid))
			plan->flags[vid] |= UL_VLAN_EXACT;
	r = write_members(context, plan);
	if (r < 0)
		return r;
	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		if (dp->ports[slot].flags & UL_PORT_USED)
			copy_vlan_flag(dp, slot);
	return 0;
}
