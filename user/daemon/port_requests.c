// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Ports that are added and removed at run time. The interface of such a port may be gone without a
 * request: the machine stopped while the daemon did, or the hypervisor crashed. The port stays, in
 * case the interface comes back, but it yields its address to another interface, and is removed
 * after an hour.
 */
#include "daemon/state.h"

#include "config/value.h"
#include "link/link.h"

#define FORGET_INTERVAL_USEC (60 * 1000000ULL)

/* ---- changes of the model ---- */
int daemon_change_model(struct daemon *daemon,
			int (*change)(struct model *model, const void *argument,
				      struct errors *errors),
			const void *argument, bool *ret_refused)
{
	struct model *model = NULL;
	int r = model_copy(daemon->switches.model, &model);

	*ret_refused = false;
	if (r < 0)
		return r;
	r = change(model, argument, &daemon->errors);
	*ret_refused = r < 0 && r != -ENOMEM;
	if (r == 0)
		r = switches_apply(&daemon->switches, model);
	if (r < 0)
		model_free(model);
	return r;
}

/* ---- yielding ---- */
/* A run-time port with the address of the new one, in a VLAN of it, whose interface does not
 * exist; NULL: there is none. */
static const struct port_cfg *find_yielding(const struct add_port *add, const struct switch_cfg *sw,
					    const struct group_cfg *target)
{
	for (size_t g = 0; g < sw->n_groups; g++) {
		const struct group_cfg *group = &sw->groups[g];
		unsigned int vid;

		for (size_t p = 0; p < group->n_ports; p++) {
			const struct port_cfg *port = &group->ports[p];
			struct link_info info;

			if (port->runtime && port->has_mac &&
			    memcmp(port->mac, add->port.mac, 6) == 0 &&
			    vlans_overlap(group, target, &vid) &&
			    link_refresh_get_by_name(add->daemon->links, port->interface, &info) ==
				    -ENODEV)
				return port;
		}
	}
	return NULL;
}

static int release_yielding(const struct add_port *add, struct model *model, struct errors *errors)
{
	const struct switch_cfg *sw = model_find_switch(model, add->switch_name);
	const struct group_cfg *target = sw ? model_find_group(sw, add->group) : NULL;
	const struct port_cfg *port;
	int r = 0;

	while (r == 0 && target && add->port.has_mac && (port = find_yielding(add, sw, target))) {
		char interface[UL_NAME_LEN];

		memcpy(interface, port->interface, sizeof(interface));
		r = model_remove_port(model, interface, errors);
		add->daemon->switches.context.report(add->daemon, sw->name, EVENT_PORT_FORGOTTEN,
						     interface,
						     "its interface is gone, and another port "
						     "is added with its address");
	}
	return r;
}

int daemon_add_port(struct model *model, const void *argument, struct errors *errors)
{
	const struct add_port *add = argument;
	int r = release_yielding(add, model, errors);

	if (r == 0)
		r = model_add_port(model, add->switch_name, add->group, &add->port, errors);
	return r < 0 ? r :
		       vswitch_check_runtime_port(add->daemon->links, add->switch_name,
						  add->port.interface, errors);
}

int daemon_remove_port(struct model *model, const void *argument, struct errors *errors)
{
	return model_remove_port(model, argument, errors);
}

/* ---- forgetting ---- */
static void forget(struct daemon *daemon, const char *switch_name, const char *interface)
{
	bool refused;

	if (daemon_change_model(daemon, daemon_remove_port, interface, &refused) == 0)
		daemon->switches.context.report(daemon, switch_name, EVENT_PORT_FORGOTTEN,
						interface,
						"removed: its interface has been gone for an hour");
}

static int on_forget_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;

	/* One of each switch: a removal applies the configuration. */
	for (size_t i = 0; i < daemon->switches.n; i++) {
		char name[UL_NAME_LEN], switch_name[UL_NAME_LEN];

		snprintf(switch_name, sizeof(switch_name), "%s",
			 vswitch_name(daemon->switches.list[i]));
		if (vswitch_next_forgotten(daemon->switches.list[i], now_ms(), name))
			forget(daemon, switch_name, name);
	}
	sd_event_source_set_time_relative(source, FORGET_INTERVAL_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int daemon_start_forgetting(struct daemon *daemon)
{
	int r = sd_event_add_time_relative(daemon->event, &daemon->forget_timer, CLOCK_MONOTONIC,
					   FORGET_INTERVAL_USEC, 0, on_forget_timer, daemon);

	return r < 0 ? r : 0;
}
