// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Ports that `uplinkctl port add` made: after a restart the maps are the only place that has them.
 */
#include "dataplane/set_v2.h"
#include "dataplane/view.h"
#include "vswitch/internal.h"

/* group: of the port in the maps. A port that does not fit the configuration is dropped; -ENOMEM
 * says nothing about that. */
static int collect(struct model *model, const char *switch_name, const char *group,
		   const char *name, const uint8_t mac[6], struct errors *errors)
{
	_cleanup_(errors_done) struct errors reasons = {};
	struct port_cfg cfg = { .runtime = true };
	int r;

	memcpy(cfg.interface, name, sizeof(cfg.interface));
	cfg.interface[sizeof(cfg.interface) - 1] = '\0';
	memcpy(cfg.mac, mac, sizeof(cfg.mac));
	cfg.has_mac = !mac_is_zero(cfg.mac);
	r = model_add_port(model, switch_name, group, &cfg, &reasons);
	if (r < 0 && r != -ENOMEM)
		errors_add(errors, 0, "%s: port %s, added at run time, is dropped: %s", switch_name,
			   cfg.interface,
			   reasons.n ? reasons.messages[0] : "it does not fit the configuration");
	return r == -ENOMEM ? r : 0;
}

static int collect_from(const struct view *view, struct model *model, const char *switch_name,
			struct errors *errors)
{
	int r = 0;

	for (uint32_t slot = 0; r == 0 && slot < view->max_ports; slot++) {
		const struct ul_port *port = &view->ports[slot];

		/* Attached ports follow from the bridges. */
		if (port->flags & UL_PORT_USED && port->flags & UL_PORT_RUNTIME &&
		    !(port->flags & UL_PORT_ATTACHED) && port->group < view->max_groups)
			r = collect(model, switch_name, view->groups[port->group].name, port->name,
				    port->mac, errors);
	}
	return r;
}

/* The maps of 0.1.0. */
static int collect_from_v2(const char *bpffs, struct model *model, const char *switch_name,
			   struct errors *errors)
{
	struct set_v2 *set = NULL;
	int r = set_v2_open(bpffs, switch_name, &set);

	if (r < 0)
		return r;
	for (uint32_t slot = 0; r == 0 && slot < set->n_ports; slot++) {
		const struct ul_port_v2 *port = &set->ports[slot];

		if (port->flags & UL_PORT_USED_V2 && port->flags & UL_PORT_RUNTIME_V2 &&
		    port->group < set->n_groups)
			r = collect(model, switch_name, set->groups[port->group].name, port->name,
				    port->mac, errors);
	}
	set_v2_close(set);
	return r;
}

int vswitch_collect_runtime_ports(const char *bpffs, struct model *model, struct errors *errors)
{
	for (size_t i = 0; i < model->n_switches; i++) {
		const char *name = model->switches[i].name;
		struct view *view = NULL;
		int r = dataplane_recover(bpffs, name, errors);

		if (r == 0)
			r = view_open(bpffs, name, &view);
		if (r == -EPROTO)
			r = collect_from_v2(bpffs, model, name, errors);
		if (view)
			r = collect_from(view, model, name, errors);
		view_close(view);
		/* no set, or one of an unknown version */
		if (r < 0 && r != -ENOENT && r != -EPROTO)
			return errors_add(errors, r, "%s: its run-time ports cannot be read", name);
	}
	return 0;
}
