// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* What follows from the answers to a probe. */
#include <arpa/inet.h>

#include "config/model.h"
#include "records/findings_internal.h"
#include "records/probe.h"

#define NOT_FOUND UINT32_MAX

static const char *name_of(const struct probe *probe, uint32_t uplink)
{
	return probe->snapshot->uplinks[uplink].raw.name;
}

static bool takes_part(const struct probe *probe, uint32_t uplink)
{
	return probe->uplinks >> uplink & 1;
}

static bool has_channel(const struct probe *probe)
{
	return probe->snapshot->view->meta->channel != UL_CHANNEL_NONE;
}

static bool came_either_way(const struct probe *probe, uint32_t vlan, uint32_t a, uint32_t b)
{
	return probe->came[vlan][a][b] || probe->came[vlan][b][a];
}

static const char *vlan_text(uint32_t vid, char text[16])
{
	if (vid)
		snprintf(text, 16, "VLAN %u", vid);
	else
		snprintf(text, 16, "untagged");
	return text;
}

/* ---- pairs ---- */
static uint32_t first_vlan(const struct probe *probe, uint32_t a, uint32_t b)
{
	for (uint32_t vlan = 0; vlan < probe->n_vlans; vlan++)
		if (came_either_way(probe, vlan, a, b))
			return vlan;
	return NOT_FOUND;
}

static void find_not_bundled(struct finder *finder, const struct probe *probe, uint32_t a,
			     uint32_t b)
{
	uint32_t vlan = first_vlan(probe, a, b);
	char text[16];

	if (vlan == NOT_FOUND)
		return;
	finding_report(
		finder, SEVERITY_ERROR, "not_bundled", name_of(probe, b),
		"bundle the switch ports, or set 'channel: none' here",
		"%s and %s: a frame that was sent on one came in by the other: the switch does not bundle their ports",
		name_of(probe, a), name_of(probe, b));
	finding_evidence(finder, "marked frames %s: %s to %s %s, %s to %s %s",
			 vlan_text(probe->vlan[vlan], text), name_of(probe, a), name_of(probe, b),
			 probe->came[vlan][a][b] ? "delivered" : "not delivered", name_of(probe, b),
			 name_of(probe, a),
			 probe->came[vlan][b][a] ? "delivered" : "not delivered");
}

/* The uplink of the pair whose frames pass by no other pair in this VLAN either; NOT_FOUND: both or
 * none. */
static uint32_t blocked_one(const struct probe *probe, uint32_t vlan, uint32_t a, uint32_t b)
{
	bool a_passes = false, b_passes = false;

	for (uint32_t other = 0; other < UL_MAX_UPLINKS; other++) {
		a_passes |= other != b && came_either_way(probe, vlan, a, other);
		b_passes |= other != a && came_either_way(probe, vlan, b, other);
	}
	return a_passes == b_passes ? NOT_FOUND : a_passes ? b : a;
}

/* The pair is connected in another VLAN, so both links work. */
static void find_missing_vlan(struct finder *finder, const struct probe *probe, uint32_t a,
			      uint32_t b)
{
	uint32_t works = first_vlan(probe, a, b);
	char text[16], other[16];

	for (uint32_t vlan = 0; works != NOT_FOUND && vlan < probe->n_vlans; vlan++) {
		uint32_t blocked = blocked_one(probe, vlan, a, b);

		if (came_either_way(probe, vlan, a, b))
			continue;
		vlan_text(probe->vlan[vlan], text);
		if (blocked == NOT_FOUND)
			finding_report(
				finder, SEVERITY_ERROR, "vlan_missing", name_of(probe, a),
				"allow the VLAN on the switch ports of all uplinks",
				"%s does not pass between %s and %s: one of the two switch ports does not have it",
				text, name_of(probe, a), name_of(probe, b));
		else
			finding_report(finder, SEVERITY_ERROR, "vlan_missing",
				       name_of(probe, blocked),
				       "allow the VLAN on the switch port of this uplink",
				       "%s does not pass by %s: its switch port does not have it",
				       text, name_of(probe, blocked));
		finding_evidence(
			finder,
			"between %s and %s: %s none of %d marked frames each way, %s delivered",
			name_of(probe, a), name_of(probe, b), text, PROBE_TRIES,
			vlan_text(probe->vlan[works], other));
	}
}

static void find_long(struct finder *finder, const struct probe *probe, uint32_t from, uint32_t to)
{
	if (!probe->came[0][from][to] || probe->long_came[from][to])
		return;
	finding_report(
		finder, SEVERITY_WARNING, "path_mtu", name_of(probe, from),
		"set the MTU of the switch ports to that of the vSwitch, or lower 'mtu' here",
		"%s to %s: frames of the MTU, %u bytes, do not pass the switch",
		name_of(probe, from), name_of(probe, to), probe->mtu);
	finding_evidence(finder, "short frames passed; none of %d with %u bytes of payload did",
			 PROBE_TRIES, probe->mtu);
}

static bool any_pair(const struct probe *probe, bool *ret_came)
{
	bool any = false;

	*ret_came = false;
	for (uint32_t a = 0; a < UL_MAX_UPLINKS; a++)
		for (uint32_t b = a + 1; b < UL_MAX_UPLINKS; b++) {
			if (!takes_part(probe, a) || !takes_part(probe, b))
				continue;
			any = true;
			*ret_came |= first_vlan(probe, a, b) != NOT_FOUND;
		}
	return any && probe->n_vlans;
}

static void find_peer_bundles(struct finder *finder, const struct probe *probe)
{
	bool came;

	if (!any_pair(probe, &came) || came)
		return;
	finding_report(
		finder, SEVERITY_WARNING, "peer_bundles", probe->snapshot->view->name,
		"set 'channel: static' or 'lacp' here if the switch has a channel; otherwise connect the switches",
		"no marked frame passes between any two uplinks: the switch has a channel, or the uplinks lead to networks that are not connected");
	finding_evidence(finder, "%u VLANs, %d frames for each pair and direction: none delivered",
			 probe->n_vlans, PROBE_TRIES);
}

static void find_pairs(struct finder *finder, const struct probe *probe)
{
	for (uint32_t a = 0; a < UL_MAX_UPLINKS; a++)
		for (uint32_t b = a + 1; b < UL_MAX_UPLINKS; b++) {
			if (!takes_part(probe, a) || !takes_part(probe, b))
				continue;
			if (has_channel(probe)) {
				find_not_bundled(finder, probe, a, b);
				continue;
			}
			find_missing_vlan(finder, probe, a, b);
			find_long(finder, probe, a, b);
			find_long(finder, probe, b, a);
		}
	if (!has_channel(probe))
		find_peer_bundles(finder, probe);
}

/* ---- addresses ---- */
static uint32_t answered_uplinks(const struct probe *probe, uint32_t target)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		mask |= (uint32_t)probe->answered[target][i] << i;
	return mask;
}

/* Its link works, as another address answers by it. */
static bool works_elsewhere(const struct probe *probe, uint32_t index, uint32_t uplink)
{
	for (uint32_t i = 0; i < probe->n_targets; i++)
		if (i != index && probe->answered[i][uplink] &&
		    probe->target[i].vid != probe->target[index].vid)
			return true;
	return false;
}

static void find_target(struct finder *finder, const struct probe *probe, uint32_t index)
{
	const struct probe_target *target = &probe->target[index];
	uint32_t answered = answered_uplinks(probe, index);
	char text[16], address[INET6_ADDRSTRLEN], names[200];

	inet_ntop(target->ipv6 ? AF_INET6 : AF_INET, target->address, address, sizeof(address));
	vlan_text(target->vid, text);
	snapshot_uplink_names(probe->snapshot, answered, names, sizeof(names));
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		bool missing = answered && works_elsewhere(probe, index, i);

		if (!takes_part(probe, i) || probe->answered[index][i])
			continue;
		finding_report(
			finder, answered ? SEVERITY_ERROR : SEVERITY_WARNING,
			missing ? "vlan_missing" : "address_unreachable", name_of(probe, i),
			missing ?
				"allow the VLAN on the switch port of this uplink" :
			answered ?
				"check the link of this uplink in both directions, and the VLANs of its switch port" :
				"check the address, and that its machine is up",
			"%s (%s) does not answer by %s%s%s", address, text, name_of(probe, i),
			answered ? ", and answers by " : "", names);
		finding_evidence(finder, "%d %s by %s: no answer", PROBE_TRIES,
				 target->ipv6 ? "neighbour solicitations" : "ARP probes",
				 name_of(probe, i));
	}
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (target->ipv6 || !probe->answered[index][i] || probe->long_answered[index][i])
			continue;
		finding_report(
			finder, SEVERITY_WARNING, "path_mtu", name_of(probe, i),
			"set the MTU of the switch ports to that of the vSwitch, or lower 'mtu' here",
			"%s (%s) answers by %s, but not to frames of the MTU, %u bytes", address,
			text, name_of(probe, i), probe->mtu);
		finding_evidence(finder, "none of %d ARP probes padded to %u bytes was answered",
				 PROBE_TRIES, probe->mtu);
	}
}

json_t *probe_findings(const struct probe *probe)
{
	struct finder finder;

	finder_init(&finder, probe->snapshot, NULL);
	find_pairs(&finder, probe);
	for (uint32_t i = 0; i < probe->n_targets; i++)
		find_target(&finder, probe, i);
	return finder_finish(&finder);
}
