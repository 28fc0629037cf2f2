// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "model_ownership.h"

#include <string.h>

#define FOREIGN (UL_GROUP_LEARNING | UL_GROUP_FORGED_OK | UL_GROUP_MAC_CHANGES)
static const struct model_owner no_owner = { -1, -1 };

uint16_t model_own_vid(const struct sw_group *group)
{
	return group->mode == UL_VLAN_VST ? group->vid : 0;
}

bool model_in_vlan(const struct sw_group *group, uint16_t vid, bool service)
{
	if (group->mode == UL_VLAN_VGT)
		return vid != 4095 && sw_list_has(group, vid) &&
		       (!service || group->flags & UL_GROUP_QINQ);
	return !service && model_own_vid(group) == vid;
}

bool model_vlan_exists(const struct sw *sw, uint16_t vid, bool service)
{
	for (uint32_t g = 0; g < sw->n_groups; g++) {
		const struct sw_group *group = &sw->group[g];

		/* A trunk's VLAN exists with both tags, whoever receives the one. */
		if (model_in_vlan(group, vid, service && group->mode != UL_VLAN_VGT))
			return true;
	}
	return false;
}

static bool has_port_with(const struct sw *sw, uint16_t vid, uint32_t flags, bool trunk_only)
{
	for (uint32_t p = 0; p < sw->n_ports; p++) {
		const struct sw_group *group = &sw->group[sw->port[p].group];

		if (group->flags & flags && model_in_vlan(group, vid, false) &&
		    (!trunk_only || group->mode == UL_VLAN_VGT))
			return true;
	}
	return false;
}

bool model_vlan_needs_copies(const struct sw *sw, uint16_t vid)
{
	return has_port_with(sw, vid, UL_GROUP_PROMISCUOUS | UL_GROUP_LEARNING, false);
}

bool model_vlan_is_foreign(const struct sw *sw, uint16_t vid)
{
	return sw->ownership && has_port_with(sw, vid, FOREIGN, false);
}

bool model_vlan_is_exact(const struct sw *sw, uint16_t vid)
{
	if (!sw->ownership)
		return false;
	for (uint32_t i = 0; i < sw->n_learned; i++)
		if (sw->group[sw->port[sw->learned[i].port].group].mode == UL_VLAN_VGT &&
		    sw->learned[i].vid == vid)
			return true;
	return has_port_with(sw, vid, UL_GROUP_LEARNING, true);
}

static bool is_in_table(const struct sw_port *port)
{
	return !port->absent || port->leaving;
}

/* In the VLAN of an access port; at a trunk port in one VLAN, or in all of its list. */
static bool is_learned_in(const struct sw *sw, const struct sw_learned *learned, uint16_t vid,
			  bool service)
{
	const struct sw_group *group = &sw->group[sw->port[learned->port].group];

	if (!model_in_vlan(group, vid, service) || !is_in_table(&sw->port[learned->port]))
		return false;
	return group->mode != UL_VLAN_VGT || !sw->ownership ||
	       (learned->vid == vid && learned->service == service);
}

static struct model_owner learned_owner(const struct sw *sw, uint16_t vid, bool service,
					const uint8_t *mac)
{
	for (uint32_t i = 0; i < sw->n_learned; i++)
		if (memcmp(sw->learned[i].mac, mac, 6) == 0 &&
		    is_learned_in(sw, &sw->learned[i], vid, service))
			return (struct model_owner){ sw->learned[i].port, (int)i };
	return no_owner;
}

/* Access ports come before trunk ports. */
struct model_owner model_owner_of(const struct sw *sw, uint16_t vid, bool service,
				  const uint8_t *mac)
{
	for (int trunk = 0; trunk < 2; trunk++) {
		for (uint32_t p = 0; p < sw->n_ports; p++) {
			const struct sw_group *group = &sw->group[sw->port[p].group];

			if ((group->mode == UL_VLAN_VGT) == !!trunk &&
			    model_in_vlan(group, vid, service) && is_in_table(&sw->port[p]) &&
			    memcmp(sw->port[p].mac, mac, 6) == 0)
				return (struct model_owner){ (int)p, -1 };
		}
	}
	return learned_owner(sw, vid, service, mac);
}

struct model_owner model_source_owner(const struct sw *sw, uint32_t slot, uint16_t vid,
				      bool service, const uint8_t *mac)
{
	const struct sw_group *group = &sw->group[sw->port[slot].group];

	/* The shared key of a trunk port says nothing about the VLAN. */
	if (group->mode == UL_VLAN_VGT && !model_vlan_is_exact(sw, vid)) {
		for (uint32_t i = 0; i < sw->n_learned; i++)
			if (!sw->ownership && sw->learned[i].port == slot &&
			    is_in_table(&sw->port[slot]) && memcmp(sw->learned[i].mac, mac, 6) == 0)
				return (struct model_owner){ (int)slot, (int)i };
		return no_owner;
	}
	return learned_owner(sw, vid, service, mac);
}

uint16_t model_source_vid(const struct sw *sw, const struct sw_group *group, uint16_t vid,
			  bool service)
{
	if (group->mode == UL_VLAN_VGT && !model_vlan_is_exact(sw, vid))
		return UL_VLAN_TRUNK;
	return (uint16_t)(vid | (service ? UL_VID_SERVICE : 0));
}

/* Of two equal ages the one from the port is the later one when outside_first. */
static bool is_outside_later(const struct sw_learned *learned)
{
	return learned->outside > learned->here ||
	       (learned->outside == learned->here && !learned->outside_first);
}

bool model_is_here_only(const struct sw_learned *learned)
{
	if (learned->outside == SW_NEVER)
		return true;
	return !is_outside_later(learned) && learned->outside == SW_LONG_AGO;
}

enum model_state model_state_of(const struct sw *sw, struct model_owner owner)
{
	const struct sw_port *port = &sw->port[owner.port < 0 ? 0 : owner.port];

	if (owner.port < 0)
		return MODEL_NOT_OURS;
	if (owner.learned >= 0 && sw->ownership) {
		const struct sw_learned *learned = &sw->learned[owner.learned];

		if (port->no_carrier)
			return MODEL_ABSENT;
		if (model_is_here_only(learned))
			return MODEL_HERE;
		return is_outside_later(learned) ? MODEL_ELSEWHERE : MODEL_CONTESTED;
	}
	if (!port->unseen)
		return MODEL_CONFIRMED;
	return port->no_carrier ? MODEL_ABSENT : MODEL_TENTATIVE;
}

enum model_state model_state_after(const struct sw *sw, struct model_owner owner, int used_here)
{
	enum model_state state = model_state_of(sw, owner);

	if (owner.learned < 0)
		return MODEL_CONFIRMED;
	if (state == MODEL_ABSENT || used_here != owner.learned)
		return state;
	return sw->learned[owner.learned].outside <= SW_LONG_AGO ? MODEL_HERE : MODEL_CONTESTED;
}
