// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings from what the switch ports announce by LLDP and CDP. */
#include "config/model.h"
#include "records/findings_internal.h"

/* A neighbour without a frame for this long is not considered. */
#define NEIGHBOUR_STALE_MS 180000

const struct ul_neighbour *heard_neighbour(const struct snapshot *now, uint32_t index)
{
	const struct ul_neighbour *neighbour = &now->uplinks[index].lacp.neighbour;

	if (!now->uplinks[index].carrier || !neighbour->seen_ms ||
	    (neighbour->protocol != UL_NEIGHBOUR_LLDP && neighbour->protocol != UL_NEIGHBOUR_CDP) ||
	    neighbour->seen_ms + NEIGHBOUR_STALE_MS < now->taken_ns / 1000000)
		return NULL;
	return neighbour;
}

static const char *protocol_of(const struct ul_neighbour *neighbour)
{
	return neighbour->protocol == UL_NEIGHBOUR_LLDP ? "LLDP" : "CDP";
}

/* ---- native VLAN ---- */
/* The group that sends VLAN vid with a tag, or NULL. */
static const struct ul_group *tagging_group(const struct view *view, uint32_t vid)
{
	for (uint32_t i = 0; i < view->max_groups; i++) {
		const struct ul_group *group = &view->groups[i];

		if (group->flags & UL_GROUP_USED && group->vlan_mode == UL_VLAN_VST &&
		    group->vid == vid)
			return group;
	}
	return NULL;
}

static bool has_untagged_group(const struct view *view)
{
	for (uint32_t i = 0; i < view->max_groups; i++)
		if (view->groups[i].flags & UL_GROUP_USED &&
		    view->groups[i].vlan_mode == UL_VLAN_EST)
			return true;
	return false;
}

static void find_tagged_native(struct finder *finder, uint32_t index)
{
	const struct snapshot *now = finder->now;
	const struct ul_neighbour *neighbour = heard_neighbour(now, index);
	const struct ul_group *group = neighbour && neighbour->native_vlan ?
					       tagging_group(now->view, neighbour->native_vlan) :
					       NULL;
	const char *name = now->uplinks[index].raw.name;

	if (!group)
		return;
	finding_report(
		finder, SEVERITY_WARNING, "native_vlan", name,
		"use another VLAN for the group, or VLAN 0 if the frames are to be untagged",
		"%s: VLAN %u of port group %.*s is the native VLAN of the switch port, which sends it untagged",
		name, neighbour->native_vlan, UL_GROUP_NAME_LEN, group->name);
	finding_evidence(finder, "%s of %s port %s: native VLAN %u", protocol_of(neighbour),
			 neighbour->device, neighbour->port, neighbour->native_vlan);
}

/* Frames of an untagged group then belong to another VLAN by each uplink. */
static void find_different_natives(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	uint32_t first = 0;
	bool differ = false;

	if (!has_untagged_group(now->view))
		return;
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct ul_neighbour *neighbour = heard_neighbour(now, i);
		uint32_t vid = neighbour ? neighbour->native_vlan : 0;

		differ |= first && vid && vid != first;
		first = first ? first : vid;
	}
	if (!differ)
		return;
	finding_report(
		finder, SEVERITY_WARNING, "native_vlan", now->view->name,
		"use a port group with a VLAN instead of VLAN 0",
		"the switch ports have different native VLANs: untagged frames change their VLAN with the uplink");
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct ul_neighbour *neighbour = heard_neighbour(now, i);

		if (neighbour && neighbour->native_vlan)
			finding_evidence(finder, "%s: %s port %s: native VLAN %u (%s)",
					 now->uplinks[i].raw.name, neighbour->device,
					 neighbour->port, neighbour->native_vlan,
					 protocol_of(neighbour));
	}
}

/* ---- duplex ---- */
static void find_duplex(struct finder *finder, uint32_t index)
{
	const struct ul_neighbour *neighbour = heard_neighbour(finder->now, index);
	const char *name = finder->now->uplinks[index].raw.name;

	if (!neighbour || neighbour->duplex != UL_DUPLEX_HALF)
		return;
	finding_report(finder, SEVERITY_WARNING, "half_duplex", name,
		       "see 'ethtool' for this end; use automatic negotiation at both ends",
		       "%s: the switch port runs half duplex", name);
	finding_evidence(finder, "%s of %s port %s: duplex half", protocol_of(neighbour),
			 neighbour->device, neighbour->port);
}

void find_neighbour_facts(struct finder *finder)
{
	for (uint32_t i = 0; i < finder->now->n_uplinks; i++) {
		find_tagged_native(finder, i);
		find_duplex(finder, i);
	}
	find_different_natives(finder);
}

/* ---- vendors ---- */
const char *vendor_channel_hint(enum ul_neighbour_vendor vendor, enum ul_channel channel)
{
	bool lacp = channel == UL_CHANNEL_LACP;

	if (channel == UL_CHANNEL_NONE)
		return vendor == UL_VENDOR_OTHER ?
			       NULL :
			       "'channel: none' needs ports that are in no trunk, LAG or link aggregation of the switch";
	switch (vendor) {
	case UL_VENDOR_HP_SWITCH:
		return lacp ? "'trunk PORTS trk1 lacp' matches 'channel: lacp'; HP's protocol-free 'trunk PORTS trk1 trunk' is a static channel" :
			      "'trunk PORTS trk1 trunk' matches 'channel: static' and needs no protocol on the host; 'trunk PORTS trk1 lacp' matches 'channel: lacp'";
	case UL_VENDOR_ARUBA_CX:
		return lacp ? "'lacp mode active' in 'interface lag N' matches 'channel: lacp'" :
			      "'interface lag N' without 'lacp mode' matches 'channel: static'";
	case UL_VENDOR_COMWARE:
		return lacp ? "'link-aggregation mode dynamic' matches 'channel: lacp'" :
			      "'link-aggregation mode static', the default, matches 'channel: static'";
	default:
		return NULL;
	}
}

/* Findings whose remedy is the mode of the switch's channel. */
static bool concerns_channel(const char *code)
{
	static const char *const codes[] = { "reflected",	   "not_bundled",
					     "peer_bundles",	   "lacp_passive",
					     "lacp_no_lacpdu",	   "lacp_lacp_unused",
					     "lacp_pagp",	   "switch_mode",
					     "switch_not_bundled", "switch_bundles" };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

const char *find_channel_hint(const struct snapshot *now, uint32_t *ret_uplink)
{
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct ul_neighbour *neighbour = heard_neighbour(now, i);
		const char *hint = neighbour ? vendor_channel_hint(neighbour->vendor,
								   now->view->meta->channel) :
					       NULL;

		*ret_uplink = i;
		if (hint)
			return hint;
	}
	return NULL;
}

void explain_vendor(struct finder *finder, json_t *finding)
{
	uint32_t uplink = 0;
	const char *hint;

	if (!concerns_channel(json_string_value(json_object_get(finding, "code"))))
		return;
	hint = find_channel_hint(finder->now, &uplink);
	if (!hint)
		return;
	finder->last = finding;
	finding_evidence(finder, "%s leads to an HP or Aruba switch (%s): %s",
			 finder->now->uplinks[uplink].raw.name,
			 finder->now->uplinks[uplink].lacp.neighbour.device, hint);
}
