// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/switch_findings.h"

#include "config/model.h"
#include "records/findings_internal.h"

struct comparison {
	struct finder finder;
	const struct snapshot *now;
	const struct peer_port *ports;
	const struct switch_output *output;
	const struct output_channel *first_channel; /* of the uplinks; NULL: none so far */
	const char *first_port;
	const struct output_trunk *last_trunk;
	bool several_devices, matched;
	uint64_t vlans[UL_N_VLANS / 64]; /* in use here */
};

#define VLANS_TEXT 200

/* "10,20-30" of a bitmap, cut with "..." */
static const char *vlans_text(const uint64_t vlans[UL_N_VLANS / 64], char text[VLANS_TEXT])
{
	_cleanup_free_ char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	text[0] = '\0';
	if (!out)
		return text;
	vlan_list_print(vlans, ",", out);
	fclose(out);
	if (all)
		snprintf(text, VLANS_TEXT, strlen(all) < VLANS_TEXT ? "%s" : "%.190s...", all);
	return text;
}

/* ---- channels ---- */
static const struct output_member *find_member(const struct comparison *comparison,
					       const char *port)
{
	const struct switch_output *output = comparison->output;

	for (size_t i = 0; i < output->n_members; i++)
		if (output_port_equal(output->members[i].port, port))
			return &output->members[i];
	return NULL;
}

static const char *flag_text(char flag)
{
	switch (flag) {
	case 'D':
		return "down";
	case 's':
		return "suspended";
	case 'I':
		return "stand-alone";
	case 'H':
		return "hot-standby";
	case 'w':
		return "waiting to be aggregated";
	default:
		return "not bundled";
	}
}

static void compare_flag(struct comparison *comparison, uint32_t index,
			 const struct output_member *member)
{
	const char *name = comparison->now->uplinks[index].raw.name,
		   *port = comparison->ports[index].port;

	/* a port that is down has lost its link: uplink_no_carrier */
	if (member && (member->flag == 'P' || !comparison->now->uplinks[index].carrier))
		return;
	/* the port may be on the other device of an MLAG pair */
	if (!member && comparison->several_devices)
		return;
	finding_report(&comparison->finder, SEVERITY_ERROR, "switch_not_bundled", name,
		       "no action on this side, unless 'channel: none' is wanted",
		       "%s: the switch port %s is %s", name, port,
		       member ? flag_text(member->flag) : "in no channel");
	if (member)
		finding_evidence(&comparison->finder, "output of the switch: %s(%c) in %s",
				 member->port, member->flag,
				 comparison->output->channels[member->channel].name);
	else
		finding_evidence(&comparison->finder,
				 "output of the switch: %zu channels, none with %s",
				 comparison->output->n_channels, port);
}

static void compare_protocol(struct comparison *comparison, uint32_t index,
			     const struct output_channel *channel)
{
	static const char *const names[] = {
		[OUTPUT_STATIC] = "no protocol (mode on)", [OUTPUT_LACP] = "LACP", [OUTPUT_PAGP] = "PAgP"
	};
	static const char *const remedies[] = { [OUTPUT_STATIC] = "or set 'channel: static' here",
						[OUTPUT_LACP] = "or set 'channel: lacp' here",
						[OUTPUT_PAGP] = "or set 'channel: pagp' here" };
	const char *name = comparison->now->uplinks[index].raw.name;
	enum ul_channel here = comparison->now->view->meta->channel;

	if (channel->protocol == OUTPUT_UNKNOWN ||
	    (here == UL_CHANNEL_STATIC && channel->protocol == OUTPUT_STATIC) ||
	    (here == UL_CHANNEL_LACP && channel->protocol == OUTPUT_LACP) ||
	    (here == UL_CHANNEL_PAGP && channel->protocol == OUTPUT_PAGP))
		return;
	finding_report(&comparison->finder, SEVERITY_ERROR, "switch_mode", name,
		       remedies[channel->protocol], "%s: 'channel: %s' here, but %s on the switch",
		       name, channel_name(here), names[channel->protocol]);
	finding_evidence(&comparison->finder, "output of the switch: protocol of %s",
			 channel->name);
}

static void compare_channel(struct comparison *comparison, uint32_t index,
			    const struct output_member *member)
{
	const char *name = comparison->now->uplinks[index].raw.name,
		   *port = comparison->ports[index].port;
	const struct output_channel *channel;

	if (comparison->now->view->meta->channel == UL_CHANNEL_NONE) {
		if (!member || member->flag != 'P')
			return;
		finding_report(&comparison->finder, SEVERITY_ERROR, "switch_bundles", name,
			       "set 'channel: static' or 'channel: lacp', as on the switch",
			       "%s: the switch bundles %s in %s, but there is no channel here",
			       name, port, comparison->output->channels[member->channel].name);
		finding_evidence(&comparison->finder, "output of the switch: %s(%c)", member->port,
				 member->flag);
		return;
	}
	compare_flag(comparison, index, member);
	if (!member)
		return;
	channel = &comparison->output->channels[member->channel];
	if (comparison->first_channel != channel)
		compare_protocol(comparison, index, channel);
	if (comparison->first_channel && comparison->first_channel != channel) {
		finding_report(&comparison->finder, SEVERITY_ERROR, "switch_two_channels", name,
			       "no action on this side, unless two vSwitches are wanted",
			       "%s: the switch port %s is in %s, but %s is in %s", name, port,
			       channel->name, comparison->first_port,
			       comparison->first_channel->name);
		finding_evidence(&comparison->finder, "output of the switch: %s in %s, %s in %s",
				 port, channel->name, comparison->first_port,
				 comparison->first_channel->name);
	}
	if (!comparison->first_channel) {
		comparison->first_channel = channel;
		comparison->first_port = port;
	}
}

static void compare_partner(struct comparison *comparison, uint32_t index)
{
	const uint8_t *system = comparison->now->view->meta->lacp_system;
	const char *name = comparison->now->uplinks[index].raw.name;
	char seen[MAC_TEXT_LEN], own[MAC_TEXT_LEN];

	for (size_t i = 0; i < comparison->output->n_partners; i++) {
		const struct output_partner *partner = &comparison->output->partners[i];

		if (!output_port_equal(partner->port, comparison->ports[index].port))
			continue;
		comparison->matched = true;
		if (mac_is_zero(system) || memcmp(partner->system, system, 6) == 0)
			continue;
		mac_format(partner->system, seen);
		finding_report(&comparison->finder, SEVERITY_ERROR, "switch_partner", name,
			       "check the cable of the uplink, or the list of --ports",
			       "%s: the switch port %s sees the LACP system %s, not this host",
			       name, comparison->ports[index].port, seen);
		finding_evidence(&comparison->finder, "system of this host: %s",
				 mac_format(system, own));
	}
}

/* ---- trunks ---- */
/* The trunk of the channel, else that of the port. */
static const struct output_trunk *find_trunk(const struct comparison *comparison, uint32_t index,
					     const struct output_member *member)
{
	const struct switch_output *output = comparison->output;
	const char *channel = member ? output->channels[member->channel].name : NULL;

	for (size_t i = 0; channel && i < output->n_trunks; i++)
		if (output_port_equal(output->trunks[i].port, channel))
			return &output->trunks[i];
	for (size_t i = 0; i < output->n_trunks; i++)
		if (output_port_equal(output->trunks[i].port, comparison->ports[index].port))
			return &output->trunks[i];
	return NULL;
}

/* VLANs of a (without untagged) that b does not have; false: none. */
static bool without(const uint64_t a[UL_N_VLANS / 64], const uint64_t b[UL_N_VLANS / 64],
		    uint64_t ret[UL_N_VLANS / 64])
{
	bool any = false;

	for (size_t w = 0; w < UL_N_VLANS / 64; w++) {
		ret[w] = a[w] & ~b[w] & ~(w == 0 ? 1ULL : 0);
		any |= ret[w] != 0;
	}
	return any;
}

static void compare_vlans(struct comparison *comparison, const char *name,
			  const struct output_trunk *trunk)
{
	uint64_t difference[UL_N_VLANS / 64];
	char text[VLANS_TEXT], used[VLANS_TEXT];

	vlans_text(comparison->vlans, used);
	if (without(comparison->vlans, trunk->allowed, difference)) {
		finding_report(&comparison->finder, SEVERITY_ERROR, "switch_vlan_missing", name,
			       "or remove the port groups of these VLANs",
			       "%s: the trunk %s does not allow VLAN %s", name, trunk->port,
			       vlans_text(difference, text));
		finding_evidence(&comparison->finder, "VLANs of the port groups: %s", used);
	}
	if (without(trunk->allowed, comparison->vlans, difference)) {
		finding_report(&comparison->finder, SEVERITY_NOTE, "switch_vlan_extra", name,
			       "no action on this side",
			       "%s: the trunk %s allows VLAN %s, which no port group uses", name,
			       trunk->port, vlans_text(difference, text));
		finding_evidence(&comparison->finder, "VLANs of the port groups: %s", used);
	}
	if (!trunk->has_active)
		return;
	for (size_t w = 0; w < UL_N_VLANS / 64; w++)
		difference[w] = comparison->vlans[w] & trunk->allowed[w];
	if (without(difference, trunk->active, difference)) {
		finding_report(&comparison->finder, SEVERITY_WARNING, "switch_vlan_inactive", name,
			       "no action on this side",
			       "%s: VLAN %s is allowed on the trunk %s, but not active", name,
			       vlans_text(difference, text), trunk->port);
		finding_evidence(&comparison->finder, "VLANs of the port groups: %s", used);
	}
}

static void compare_trunk(struct comparison *comparison, uint32_t index,
			  const struct output_member *member)
{
	const struct output_trunk *trunk = find_trunk(comparison, index, member);
	const char *name = comparison->now->uplinks[index].raw.name;

	/* members of a channel have one trunk, which is compared once */
	if (!trunk || trunk == comparison->last_trunk)
		return;
	comparison->last_trunk = trunk;
	comparison->matched = true;
	if (trunk->has_allowed)
		compare_vlans(comparison, name, trunk);
	if (!trunk->native || !UL_LIST_HAS(comparison->vlans, trunk->native))
		return;
	finding_report(&comparison->finder, SEVERITY_ERROR, "switch_native_vlan", name,
		       "or set 'vlan: 0' in the port group, if its frames are untagged",
		       "%s: VLAN %u is the native VLAN of the trunk %s, but tagged here", name,
		       trunk->native, trunk->port);
	finding_evidence(&comparison->finder, "output of the switch: native VLAN %u of %s",
			 trunk->native, trunk->port);
}

/* ---- load balancing ---- */
/* Whether two keywords of switches mean the same. */
static void normalise(const char *keyword, char text[OUTPUT_NAME_LEN])
{
	snprintf(text, OUTPUT_NAME_LEN, "%.40s", keyword);
	for (char *c = text; *c; c++)
		if (*c == ' ')
			*c = '-';
}

static void compare_balance(struct comparison *comparison)
{
	const struct view *view = comparison->now->view;
	const char *there = comparison->output->load_balance;
	size_t n;
	const struct vendor *all = vendors(&n);
	const struct ul_policy *policy = NULL;
	bool known = false;
	char text[OUTPUT_NAME_LEN];

	for (uint32_t i = 0; i < view->max_groups && !policy; i++)
		if (view->groups[i].flags & UL_GROUP_USED)
			policy = policy_of(comparison->now, &view->groups[i]);
	if (!there[0] || !policy || policy->method >= UL_N_METHODS ||
	    view->meta->channel == UL_CHANNEL_NONE)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!all[i].methods[policy->method])
			continue;
		known = true;
		normalise(all[i].methods[policy->method], text);
		if (strcasecmp(text, there) == 0)
			return;
	}
	if (!known)
		return;
	finding_report(&comparison->finder, SEVERITY_NOTE, "switch_balance", view->name,
		       "no action on this side", "the switch balances by %s, this host by %s",
		       there, method_name(policy->method));
	finding_evidence(&comparison->finder, "output of the switch: %s", there);
}

int switch_findings(const struct snapshot *now, const struct peer_port ports[UL_MAX_UPLINKS],
		    const struct switch_output *output, json_t **ret, struct errors *errors)
{
	struct comparison comparison = { .now = now, .ports = ports, .output = output };
	const char *devices[UL_MAX_UPLINKS];
	json_t *findings;

	finder_init(&comparison.finder, now, NULL);
	comparison.several_devices = peer_devices(now, ports, devices) > 1;
	vlans_in_use(now, comparison.vlans);
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct output_member *member;

		if (!peer_port_known(&ports[i]))
			continue;
		member = find_member(&comparison, ports[i].port);
		comparison.matched |= member != NULL;
		if (output->n_channels)
			compare_channel(&comparison, i, member);
		compare_partner(&comparison, i);
		compare_trunk(&comparison, i, member);
	}
	compare_balance(&comparison);
	findings = finder_finish(&comparison.finder);
	if (!comparison.matched && (output->n_channels || output->n_trunks || output->n_partners)) {
		json_decref(findings);
		errors_add(errors, 0,
			   "%s: none of the ports of the uplinks is in the output of the switch; "
			   "name them by --ports",
			   now->view->name);
		return -EINVAL;
	}
	*ret = findings;
	return 0;
}
