// SPDX-License-Identifier: GPL-2.0
/* What can be known before anything is changed of interfaces that would refuse later. Only what
 * differs from the configuration before is looked at: what happened to an interface meanwhile is no
 * reason to refuse a change of something else. */
#include "team/vswitch.h"

static int check_mtu(const struct vswitch_context *context, const struct switch_cfg *cfg,
		     const char *name, struct config_errors *errors)
{
	const struct link_info *info = link_by_name(context->links, name);

	/* The maximum may change with XDP programs, which make no event. */
	if (info && link_monitor_refresh(context->links, info->ifindex) == 0)
		info = link_by_name(context->links, name);
	if (!info || !info->max_mtu || info->max_mtu >= cfg->mtu)
		return 0;
	config_error_add(errors,
			 "%s: mtu: %u: the driver of %s takes at most %u; see 'ip -d link show %s'",
			 cfg->name, cfg->mtu, name, info->max_mtu, name);
	return -ERANGE;
}

static int check_port(const struct vswitch_context *context, const struct switch_cfg *cfg,
		      const struct port_cfg *port, struct config_errors *errors)
{
	const struct link_info *info = link_by_name(context->links, port->interface);
	char far_end[UL_NAME_LEN];

	if (!port->host) {
		if (!info || !info->master)
			return 0;
		config_error_add(
			errors,
			"%s: %s belongs to a bridge or bond; take it out with 'ip link set %s nomaster'",
			cfg->name, info->name, info->name);
		return -EBUSY;
	}
	host_port_far_end(port->interface, far_end);
	if ((!info && !link_by_name(context->links, far_end)) ||
	    host_port_is_pair(context->links, port->interface, far_end))
		return 0;
	config_error_add(
		errors,
		"%s: the host's port %s cannot be made: %s belongs to another interface; rename that, or the port",
		cfg->name, port->interface,
		link_by_name(context->links, port->interface) ? port->interface : far_end);
	return -EEXIST;
}

int check_settings(const struct vswitch_context *context, const struct switch_cfg *cfg,
		   const struct switch_cfg *before, struct config_errors *errors)
{
	int r = 0, failed;

	for (uint32_t i = 0; i < cfg->n_uplinks; i++) {
		if (before && before->mtu == cfg->mtu && switch_has_uplink(before, cfg->uplinks[i]))
			continue;
		failed = check_mtu(context, cfg, cfg->uplinks[i], errors);
		r = failed < 0 ? failed : r;
	}
	/* At start a port that cannot be taken now does not keep the others away; it is connected
	 * when it can be. */
	for (size_t g = 0; before && g < cfg->n_groups; g++) {
		for (size_t p = 0; p < cfg->groups[g].n_ports; p++) {
			const struct port_cfg *port = &cfg->groups[g].ports[p];

			/* The question that is cheap first. */
			if (check_port(context, cfg, port, NULL) == 0 ||
			    switch_find_port(before, port->interface))
				continue;
			r = check_port(context, cfg, port, errors);
		}
	}
	return r;
}
