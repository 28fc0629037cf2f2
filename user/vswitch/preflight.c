// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Side-effect-free checks of a configuration against the interfaces: what would refuse it later is
 * found before anything is changed. Only differences from the applied configuration are checked,
 * because a change of something else must not be refused for what happened to an interface
 * meanwhile.
 */
#include "dataplane/dataplane.h"
#include "port/attachment.h"
#include "port/host_port.h"
#include "vswitch/internal.h"

struct preflight {
	const struct vswitch_context *context;
	const struct switch_cfg *cfg, *before; /* before: NULL at the start */
	const struct model *model;
	struct errors *errors;
};

/* ---- uplinks ---- */
static int check_mtu(const struct preflight *pre, const struct link_info *info)
{
	if (!info->max_mtu || info->max_mtu >= pre->cfg->mtu)
		return 0;
	errors_add(pre->errors, 0,
		   "%s: mtu: %u: the driver of %s accepts at most %u; see 'ip -d link show %s'",
		   pre->cfg->name, pre->cfg->mtu, info->name, info->max_mtu, info->name);
	return -ERANGE;
}

/* An XDP program that is neither this instance's nor one of a switch that is about to release the
 * interface. */
static int check_xdp(const struct preflight *pre, const struct link_info *info)
{
	const struct vswitch_context *context = pre->context;
	char owner[UL_NAME_LEN];
	int r;

	if (!info->xdp_prog_id || pre->cfg->receive == UL_RECEIVE_TC)
		return 0;
	r = dataplane_xdp_owner(context->bpffs, info->ifindex, owner);
	if (r < 0 && r != -ENOENT)
		return errors_add(pre->errors, r,
				  "%s: %s: cannot find the owner of its XDP program",
				  pre->cfg->name, info->name);
	if (r < 0) {
		errors_add(
			pre->errors, 0,
			"%s: %s has another XDP program (id %u); see 'bpftool prog show id %u' and 'bpftool net show dev %s', detach it or set receive: tc",
			pre->cfg->name, info->name, info->xdp_prog_id, info->xdp_prog_id,
			info->name);
		return -EBUSY;
	}
	if (model_find_switch(pre->model, owner) || context->owns(context->userdata, owner))
		return 0;
	errors_add(
		pre->errors, 0,
		"%s: %s is an uplink of switch %s of another uplinkd; remove it there, with the --run-dir of that instance",
		pre->cfg->name, info->name, owner);
	return -EBUSY;
}

static int query_failed(struct errors *errors, int error, const char *switch_name,
			const char *interface)
{
	return errors_add(errors, error, "%s: %s: cannot query the interface", switch_name,
			  interface);
}

static int check_uplink(const struct preflight *pre, const char *name)
{
	bool member = pre->before && switch_has_uplink(pre->before, name);
	bool guarded = !member && !pre->cfg->take_addresses && !pre->model->restores &&
		       !pre->model->switch_over;
	bool same_mtu = member && pre->before->mtu == pre->cfg->mtu;
	bool same_receive = member && pre->before->receive == pre->cfg->receive;
	struct link_info info;
	int r = 0, failed = 0;

	/* XDP programs, and with them the largest MTU, change without an event. An interface that
	 * does not exist is connected when it appears. */
	if (same_mtu && same_receive)
		return 0;
	r = link_refresh_get_by_name(pre->context->links, name, &info);
	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return query_failed(pre->errors, r, pre->cfg->name, name);
	if (!same_mtu)
		r = check_mtu(pre, &info);
	/* In a switch-over it leaves its bridge or bond when everything else is applied. */
	if (pre->model->switch_over)
		info.master = 0;
	if (!same_receive)
		failed = context_check_interface(pre->errors, pre->cfg->name, &info);
	if (!same_receive && failed == 0)
		failed = check_xdp(pre, &info);
	r = failed < 0 ? failed : r;
	if (guarded && failed == 0)
		failed = preflight_check_usage(pre->context, pre->cfg->name, &info, pre->errors);
	return failed < 0 ? failed : r;
}

/* ---- ports ---- */
static int check_host_port(const struct preflight *pre, const struct port_cfg *port,
			   struct errors *errors)
{
	struct link_monitor *links = pre->context->links;
	char far_end[UL_NAME_LEN];
	struct link_info info;
	bool near_exists = link_get_by_name(links, port->interface, &info) == 0;
	int r;

	host_port_far_end(port->interface, far_end);
	if (!near_exists && link_get_by_name(links, far_end, &info) < 0)
		return 0;
	r = host_port_find_pair(links, port->interface, far_end);
	if (r == 0)
		return 0;
	if (r != -ENODEV)
		return errors_add(errors, r, "%s: the host port %s: cannot query its veth pair",
				  pre->cfg->name, port->interface);
	errors_add(
		errors, 0,
		"%s: the host port %s cannot be created: %s belongs to another interface; rename that, or the port",
		pre->cfg->name, port->interface, near_exists ? port->interface : far_end);
	return -EEXIST;
}

/* Whether the interface is enslaved to an attachment bridge of its group. */
static bool is_attached(const struct preflight *pre, const struct group_cfg *group,
			const struct link_info *info)
{
	struct link_info master;

	return info->master && link_get(pre->context->links, info->master, &master) == 0 &&
	       (strcmp(master.name, group->bridge) == 0 ||
		strcmp(master.name, pre->cfg->bridge) == 0);
}

/* 1: there is one; 0: none, which is connected when it appears; or a negative errno. */
static int find_port(struct link_monitor *links, const char *switch_name, const char *interface,
		     struct link_info *ret, struct errors *errors)
{
	int r = context_find_interface(links, interface, ret);

	if (r < 0 && r != -ENODEV)
		return query_failed(errors, r, switch_name, interface);
	return r == 0;
}

static int check_port(const struct preflight *pre, const struct group_cfg *group,
		      const struct port_cfg *port, struct errors *errors)
{
	struct link_info info;
	int r;

	if (port->host)
		return check_host_port(pre, port, errors);
	r = find_port(pre->context->links, pre->cfg->name, port->interface, &info, errors);
	if (r <= 0)
		return r;
	if (is_attached(pre, group, &info))
		info.master = 0;
	return context_check_interface(errors, pre->cfg->name, &info);
}

/* At the start a port that cannot be connected does not refuse the others. */
static int check_ports(const struct preflight *pre)
{
	int r = 0;

	for (size_t g = 0; pre->before && g < pre->cfg->n_groups; g++) {
		for (size_t p = 0; p < pre->cfg->groups[g].n_ports; p++) {
			const struct group_cfg *group = &pre->cfg->groups[g];
			const struct port_cfg *port = &group->ports[p];

			/* The interface first: the search in the former configuration takes long.
			 */
			if (check_port(pre, group, port, NULL) == 0 ||
			    switch_find_port(pre->before, port->interface))
				continue;
			r = check_port(pre, group, port, pre->errors);
		}
	}
	return r;
}

int vswitch_check_runtime_port(struct link_monitor *links, const char *switch_name,
			       const char *interface, struct errors *errors)
{
	struct link_info info;
	int r = find_port(links, switch_name, interface, &info, errors);

	/* vswitch_check() has the reason of an unsuitable one. */
	if (r <= 0 || context_problems_of(&info))
		return r < 0 ? r : 0;
	return context_check_unused(errors, switch_name, links, &info);
}

/* ---- attachment bridges ---- */
static int check_bridge(const struct preflight *pre, const char *name, bool vlan_aware)
{
	/* In a switch-over it has the NICs and addresses of the former set-up until they move. */
	if (!name[0] || (pre->before && switch_has_bridge(pre->before, name)) ||
	    pre->model->switch_over)
		return 0;
	return attachment_check_bridge(pre->context->links, pre->cfg->name, name, vlan_aware,
				       pre->errors);
}

/* A switch of an earlier run starts whatever has become of its bridges, and reports it. */
static int check_bridges(const struct preflight *pre)
{
	const struct vswitch_context *context = pre->context;
	int r, failed;

	if (!pre->before && context->owns && context->owns(context->userdata, pre->cfg->name))
		return 0;
	r = check_bridge(pre, pre->cfg->bridge, true);
	for (size_t g = 0; g < pre->cfg->n_groups; g++) {
		failed = check_bridge(pre, pre->cfg->groups[g].bridge, false);
		r = failed < 0 ? failed : r;
	}
	return r;
}

/* ---- one interface under two names ---- */
struct member {
	uint32_t ifindex;
	const char *name, *switch_name;
	bool added; /* by this configuration of the checked switch */
};

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

static void add_member(const struct preflight *pre, const struct switch_cfg *cfg, const char *name,
		       bool known, struct member *members, size_t *n)
{
	struct link_info info;

	/* The checks above, or the first dump, have brought the table up to date. */
	if (link_get_by_name(pre->context->links, name, &info) == 0)
		members[(*n)++] = (struct member){ .ifindex = info.ifindex,
						   .name = name,
						   .switch_name = cfg->name,
						   .added = cfg == pre->cfg && !known };
}

static size_t count_members(const struct model *model)
{
	size_t n = 0;

	for (size_t s = 0; s < model->n_switches; s++) {
		n += model->switches[s].n_uplinks;
		for (size_t g = 0; g < model->switches[s].n_groups; g++)
			n += model->switches[s].groups[g].n_ports;
	}
	return n;
}

/* Uplinks and ports of all switches that exist. A host port has a name that uplinkd makes. */
static size_t collect_members(const struct preflight *pre, struct member *members)
{
	size_t n = 0;

	for (size_t s = 0; s < pre->model->n_switches; s++) {
		const struct switch_cfg *cfg = &pre->model->switches[s];

		for (uint32_t i = 0; i < cfg->n_uplinks; i++)
			add_member(pre, cfg, cfg->uplinks[i],
				   pre->before && switch_has_uplink(pre->before, cfg->uplinks[i]),
				   members, &n);
		for (size_t g = 0; g < cfg->n_groups; g++) {
			for (size_t p = 0; p < cfg->groups[g].n_ports; p++) {
				const struct port_cfg *port = &cfg->groups[g].ports[p];

				if (!port->host)
					add_member(pre, cfg, port->interface, false, members, &n);
			}
		}
	}
	return n;
}

static bool is_added(const struct preflight *pre, const struct member *member)
{
	return member->added && !(pre->before && switch_find_port(pre->before, member->name));
}

/* The names of a configuration differ, but alternative names may lead to one interface. */
static int check_names(const struct preflight *pre)
{
	_cleanup_free_ struct member *members =
		calloc(count_members(pre->model) + 1, sizeof(*members));
	size_t n;
	int r = 0;

	if (!members)
		return errors_add(pre->errors, -ENOMEM, "%s", pre->cfg->name);
	n = collect_members(pre, members);
	qsort(members, n, sizeof(*members), compare_members);
	for (size_t i = 1; i < n; i++) {
		const struct member *a = &members[i - 1], *b = &members[i];

		if (a->ifindex != b->ifindex || (!is_added(pre, a) && !is_added(pre, b)))
			continue;
		r = -EEXIST;
		errors_add(
			pre->errors, 0,
			"%s: %s and %s: are names of one interface%s; keep one of them, see 'ip link show %s'",
			pre->cfg->name, a->name, b->name,
			strcmp(a->switch_name, b->switch_name) == 0 ? "" : " in two switches",
			a->name);
	}
	return r;
}

int vswitch_check(const struct vswitch_context *context, const struct switch_cfg *cfg,
		  const struct switch_cfg *before, const struct model *model, struct errors *errors)
{
	const struct preflight pre = {
		.context = context, .cfg = cfg, .before = before, .model = model, .errors = errors
	};
	int r = 0, failed;

	for (uint32_t i = 0; i < cfg->n_uplinks; i++) {
		failed = check_uplink(&pre, cfg->uplinks[i]);
		r = failed < 0 ? failed : r;
	}
	failed = check_ports(&pre);
	r = failed < 0 ? failed : r;
	failed = check_bridges(&pre);
	r = failed < 0 ? failed : r;
	failed = check_names(&pre);
	return failed < 0 ? failed : r;
}

/* ---- without a running switch ---- */
static int check_kind(const struct preflight *pre, const char *name)
{
	struct link_info info;

	if (link_get_by_name(pre->context->links, name, &info) < 0 || info.ethernet)
		return 0;
	return context_check_interface(pre->errors, pre->cfg->name, &info);
}

static int check_kinds(const struct preflight *pre)
{
	const struct switch_cfg *cfg = pre->cfg;
	int r = 0, failed;

	for (uint32_t i = 0; i < cfg->n_uplinks; i++) {
		failed = check_kind(pre, cfg->uplinks[i]);
		r = failed < 0 ? failed : r;
	}
	for (size_t g = 0; g < cfg->n_groups; g++) {
		for (size_t p = 0; p < cfg->groups[g].n_ports; p++) {
			failed = check_kind(pre, cfg->groups[g].ports[p].interface);
			r = failed < 0 ? failed : r;
		}
	}
	return r;
}

int vswitch_check_interfaces(struct link_monitor *links, const struct model *model,
			     struct errors *errors)
{
	const struct vswitch_context context = { .links = links };
	int r = 0, failed;

	for (size_t s = 0; s < model->n_switches; s++) {
		const struct preflight pre = { .context = &context,
					       .cfg = &model->switches[s],
					       .model = model,
					       .errors = errors };

		failed = check_kinds(&pre);
		r = failed < 0 ? failed : r;
		failed = check_bridges(&pre);
		r = failed < 0 ? failed : r;
		failed = check_names(&pre);
		r = failed < 0 ? failed : r;
	}
	return r;
}

int vswitch_try_programs(const struct model *model, struct errors *errors)
{
	int r = 0;

	for (size_t s = 0; r == 0 && s < model->n_switches; s++) {
		struct dataplane_needs needs;

		r = needs_of(&model->switches[s], &needs);
		if (r == 0)
			r = dataplane_try_programs(model->switches[s].name, &needs, errors);
	}
	return r;
}
