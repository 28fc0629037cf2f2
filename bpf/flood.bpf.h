/* SPDX-License-Identifier: GPL-2.0 */
/* Copies of a frame to the members of its VLAN, by TC. */
#ifndef UL_FLOOD_BPF_H
#define UL_FLOOD_BPF_H

#include "steer.bpf.h"

struct flood {
	struct __sk_buff *skb;
	struct size size;
	__u32 list;		/* VID of the list that is walked: the frame's, or UL_VLAN_TRUNK */
	__u32 vid;		/* of the frame */
	__u32 skip_slot_plus_1;	/* where it came from */
	__u32 also_skip_plus_1;	/* who gets the frame itself */
	__u32 only_flags;	/* of the groups; 0: all members */
	__u32 from_uplink;	/* UL_NO_UPLINK: from a port */
	__u32 delivered;
	__u32 refused;		/* members that do not take it from this uplink */
};

/* Broadcast and multicast: on a channel from every uplink in use (the switch sends one copy), otherwise only from the port's own. */
static __always_inline bool accepts_group(__u32 slot, const struct ul_group *group, __u32 uplink)
{
	const struct ul_policy *policy = policy_at(group->policy);

	if (!policy)
		return false;
	if (policy->flags & UL_POLICY_ANY_UPLINK)
		return accepts(group->policy, uplink);
	return ul_uplink_of_port(slot) == uplink;
}

static long flood_one(__u32 place, struct flood *flood)
{
	struct ul_member_key key = { .vid = flood->list, .place = place };
	const __u32 *slot = bpf_map_lookup_elem(&ul_members, &key);
	const struct ul_group *group;
	const struct ul_port *port;

	if (!slot || *slot + 1 == flood->skip_slot_plus_1 || *slot + 1 == flood->also_skip_plus_1)
		return 0;
	port = port_at(*slot);
	if (!port || !port->ifindex)
		return 0;
	group = group_at(port->group);
	if (!group || (flood->only_flags && !(group->flags & flood->only_flags)))
		return 0;
	if (flood->list == UL_VLAN_TRUNK ? !group_has_vlan(group, flood->vid) : group->vid != flood->vid)
		return 0;
	if (flood->from_uplink != UL_NO_UPLINK && !accepts_group(*slot, group, flood->from_uplink)) {
		flood->refused++;
		return 0;
	}
	if (bpf_clone_redirect(flood->skb, port->ifindex, 0)) {
		count(UL_OBJECT_PORT0 + *slot, UL_R_FAILED, &flood->size);
		return 0;
	}
	count(UL_OBJECT_PORT0 + *slot, UL_R_SENT, &flood->size);
	flood->delivered++;
	return 0;
}

static __always_inline void flood_list(struct flood *flood, __u32 list)
{
	const struct ul_vlan *vlan = vlan_at(list);

	if (!vlan || !vlan->n_members)
		return;
	flood->list = list;
	bpf_loop(vlan->n_members, flood_one, flood, 0);
}

#endif
