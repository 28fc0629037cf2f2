// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Ports that `uplinkctl port add` made: after a restart the maps are the only place that has them.
 */
#include "dataplane/set_v2.h"
#include "dataplane/view.h"
#include "vswitch/internal.h"

/* group: of the port in the maps */
static void collect(struct model *model, const char *switch_name, const char *group,
		    const char *name, const uint8_t mac[6], struct errors *errors)
{
	_cleanup_(errors_done) struct errors reasons = {};
	struct port_cfg cfg = { .runtime = true };

	memcpy(cfg.interface, name, sizeof(cfg.interface));
	cfg.interface[sizeof(cfg.interface) - 1] = '\0';
	memcpy(cfg.mac, mac, sizeof(cfg.mac));
	cfg.has_mac = !mac_is_zero(cfg.mac);
	if (model_add_port(model, switch_name, group, &cfg, &reasons) < 0)
		errors_add(errors, 0, "%s: port %s, added at run time, is dropped: %s", switch_name,
			   cfg.interface,
			   reasons.n ? reasons.messages[0] : "it does not fit the configuration");
}

static void collect_from(const struct view *view, struct model *model, const char *switch_name,
			 struct errors *errors)
{
	for (uint32_t slot = 0; slot < view->max_ports; slot++) {
		const struct ul_port *port = &view->ports[slot];

		/* Attached ports follow from the bridges. */
		if (port->flags & UL_PORT_USED && port->flags & UL_PORT_RUNTIME &&
		    !(port->flags & UL_PORT_ATTACHED) && port->group < view->max_groups)
			collect(model, switch_name, view->groups[port->group].name, port->name,
				port->mac, errors);
	}
}

/* The maps of 0.1.0. */
static int collect_from_v2(const char *bpffs, struct model *model, const char *switch_name,
			   struct errors *errors)
{
	struct set_v2 *set = NULL;
	int r = set_v2_open(bpffs, switch_name, &set);

	if (r < 0)
		return r;
	for (uint32_t slot = 0; slot < set->n_ports; slot++) {
		const struct ul_port_v2 *port = &set->ports[slot];

		if (port->flags & UL_PORT_USED_V2 && port->flags & UL_PORT_RUNTIME_V2 &&
		    port->group < set->n_groups)
			collect(model, switch_name, set->groups[port->group].name, port->name,
				port->mac, errors);
	}
	set_v2_close(set);
	return 0;
}

int vswitch_collect_runtime_ports(const char *bpffs, struct model *model, struct errors *errors)
{
	for (size_t i = 0; i < model->n_switches; i++) {
		const char *name = model->switches[i].name;
		struct view *view = NULL;
		int r = view_open(bpffs, name, &view);

		if (r == -EPROTO)
			r = collect_from_v2(bpffs, model, name, errors);
		if (error_is_shortage(r))
			return errors_add(errors, r, "%s: its run-time ports cannot be read", name);
		if (!view)
			continue;
		collect_from(view, model, name, errors);
		view_close(view);
	}
	return 0;
}
