// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "port/attachment.h"

#include "context/saved_settings.h"

bool attachment_is_machine(const struct link_info *info)
{
	/* Virtual functions and physical NICs have no kind. */
	static const char *const others[] = { "", "bond", "team", "bridge", "vlan", "macvlan" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(info->kind, others[i]) == 0)
			return false;
	return info->ethernet;
}

/* ---- checks ---- */
static bool is_foreign_member(const void *userdata, const struct link_info *info)
{
	const uint32_t *bridge = userdata;

	return info->master == *bridge && !attachment_is_machine(info);
}

static int check_use(struct link_monitor *links, const char *switch_name,
		     const struct link_info *info, struct errors *errors)
{
	struct link_usage usage;
	int r = link_find_usage(links, info->ifindex, &usage);
	const char *what = NULL, *which = NULL;

	if (r < 0)
		return errors_add(errors, r, "%s: %s: cannot query how the host uses it",
				  switch_name, info->name);
	if (usage.n_addresses) {
		what = "an address of the host";
		which = usage.address;
	} else if (usage.n_routes) {
		what = "a route of the host";
		which = usage.route;
	} else if (usage.n_uppers_up) {
		what = "an interface on top of it";
		which = usage.upper;
	}
	if (!what)
		return 0;
	errors_add(
		errors, 0,
		"%s: %s: cannot be an attachment bridge: it has %s (%s), and no frame passes an attachment bridge; use another name, or a host port for the host",
		switch_name, info->name, what, which);
	return -EBUSY;
}

static int check_vlans(struct link_monitor *links, const char *switch_name,
		       const struct link_info *info, struct errors *errors)
{
	struct link_bridge bridge;
	int r = link_get_bridge(links, info->ifindex, &bridge);

	if (r < 0)
		return errors_add(errors, r, "%s: %s: cannot query its VLANs", switch_name,
				  info->name);
	if (bridge.vlan_filtering)
		return 0;
	errors_add(
		errors, 0,
		"%s: %s: is not VLAN-aware: 'ip link set %s type bridge vlan_filtering 1', or a bridge for each port group",
		switch_name, info->name, info->name);
	return -EOPNOTSUPP;
}

int attachment_check_bridge(struct link_monitor *links, const char *switch_name, const char *bridge,
			    bool vlan_aware, struct errors *errors)
{
	struct link_info info, member;
	int r = link_refresh_get_by_name(links, bridge, &info);

	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return errors_add(errors, r, "%s: %s: cannot query the interface", switch_name,
				  bridge);
	if (strcmp(info.kind, "bridge") != 0) {
		errors_add(
			errors, 0,
			"%s: %s: cannot be an attachment bridge: it is not a bridge; use another name",
			switch_name, bridge);
		return -EEXIST;
	}
	if (link_find(links, is_foreign_member, &info.ifindex, &member) == 0) {
		errors_add(
			errors, 0,
			"%s: %s: cannot be an attachment bridge: %s belongs to it, which is not an interface of a machine; use another name, or 'ip link set %s nomaster'",
			switch_name, bridge, member.name, member.name);
		return -EBUSY;
	}
	r = check_use(links, switch_name, &info, errors);
	return r == 0 && vlan_aware ? check_vlans(links, switch_name, &info, errors) : r;
}

/* ---- creation ---- */
static const char *reason_of(int error, bool vlan_aware)
{
	if (error != -EOPNOTSUPP)
		return strerror(-error);
	return vlan_aware ?
		       "this kernel does not support bridges with VLANs; use a bridge for each port group" :
		       "this kernel does not support bridges";
}

/* Also completes a bridge whose creation was interrupted: its record has no ifindex. */
static void make_bridge(const struct switch_context *context, const char *name, bool vlan_aware)
{
	uint32_t mtu = context->cfg->mtu;
	struct link_info info;
	int r = link_refresh_get_by_name(context->links, name, &info), found;

	if (r < 0 && r != -ENODEV) {
		context_fail(context, r, "%s: cannot query the interface", name);
		return;
	}
	if (r == 0) {
		if (!saved_settings_has_made(context, SAVED_BRIDGE, name, 0))
			return;
		r = link_finish_bridge(context->links, info.ifindex, mtu, vlan_aware);
	} else {
		/* Recorded before and after, so that a daemon that is killed leaves no bridge
		 * without a record. */
		if (saved_settings_note_made(context, SAVED_BRIDGE, name, 0) < 0)
			return;
		r = link_create_bridge(context->links, name, mtu, vlan_aware);
	}
	found = link_refresh_get_by_name(context->links, name, &info);
	if (r < 0 && r != -EEXIST && found == 0)
		r = link_finish_bridge(context->links, info.ifindex, mtu, vlan_aware);
	if (r == 0 && found == 0)
		(void)saved_settings_note_made(context, SAVED_BRIDGE, name, info.ifindex);
	if (r == 0)
		return;
	if (r == -EEXIST || found == -ENODEV)
		saved_settings_forget_made(context, SAVED_BRIDGE, name);
	context_fail(context, 0, "%s: the attachment bridge cannot be created: %s", name,
		     reason_of(r, vlan_aware));
}

/* The MTU of a bridge that uplinkd made; taps get it from there. */
static void update_mtu(const struct switch_context *context, const char *name)
{
	struct link_info info;
	int r;

	if (link_get_by_name(context->links, name, &info) < 0 || info.mtu == context->cfg->mtu ||
	    !saved_settings_has_made(context, SAVED_BRIDGE, name, info.ifindex))
		return;
	r = link_set_mtu(context->links, info.ifindex, context->cfg->mtu);
	if (r < 0)
		context_fail(context, r, "%s: cannot set the MTU %u", name, context->cfg->mtu);
}

static void apply_bridge(const struct switch_context *context, const char *name, bool vlan_aware)
{
	if (!name[0])
		return;
	make_bridge(context, name, vlan_aware);
	update_mtu(context, name);
}

void attachment_keep_down(const struct switch_context *context, const char *name)
{
	struct link_info info;
	int r;

	if (!name[0] || link_get_by_name(context->links, name, &info) < 0 || !info.admin_up ||
	    !saved_settings_has_made(context, SAVED_BRIDGE, name, info.ifindex))
		return;
	r = link_set_up(context->links, info.ifindex, false);
	if (r < 0 && r != -ENODEV)
		context_fail(context, r, "%s: the attachment bridge cannot be set down", name);
}

void attachment_bridges_keep_down(const struct switch_context *context)
{
	attachment_keep_down(context, context->cfg->bridge);
	for (size_t g = 0; g < context->cfg->n_groups; g++)
		attachment_keep_down(context, context->cfg->groups[g].bridge);
}

void attachment_bridges_apply(const struct switch_context *context)
{
	apply_bridge(context, context->cfg->bridge, true);
	for (size_t g = 0; g < context->cfg->n_groups; g++)
		apply_bridge(context, context->cfg->groups[g].bridge, false);
}
