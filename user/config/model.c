// SPDX-License-Identifier: GPL-2.0
#include "config/model.h"

#include "common/util.h"
#include "config/check.h"

static void ports_free(struct port_cfg *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ports[i].addresses);
	free(ports);
}

static void groups_free(struct group_cfg *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ports_free(groups[i].ports, groups[i].n_ports);
	free(groups);
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->n_switches; i++)
		groups_free(model->switches[i].groups, model->switches[i].n_groups);
	free(model->switches);
	free(model->control_socket);
	free(model->control_group);
	free(model->metrics_listen);
	free(model);
}

struct switch_cfg *model_find_switch(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->n_switches; i++)
		if (strcmp(model->switches[i].name, name) == 0)
			return &model->switches[i];
	return NULL;
}

bool switch_has_uplink(const struct switch_cfg *sw, const char *name)
{
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		if (strcmp(sw->uplinks[i], name) == 0)
			return true;
	return false;
}

const struct port_cfg *switch_find_port(const struct switch_cfg *sw, const char *interface)
{
	for (size_t g = 0; g < sw->n_groups; g++)
		for (size_t p = 0; p < sw->groups[g].n_ports; p++)
			if (strcmp(sw->groups[g].ports[p].interface, interface) == 0)
				return &sw->groups[g].ports[p];
	return NULL;
}

struct group_cfg *model_find_group(const struct switch_cfg *sw, const char *name)
{
	for (size_t i = 0; i < sw->n_groups; i++)
		if (strcmp(sw->groups[i].name, name) == 0)
			return &sw->groups[i];
	return NULL;
}

void host_port_far_end(const char *interface, char ret[UL_NAME_LEN])
{
	snprintf(ret, UL_NAME_LEN, "%.12s-sw", interface);
}

/* ---- copies: the counts grow with what has been copied, so that a half copy can be freed
 * ------------------------------ */
static int copy_string(const char *from, char **to)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int copy_port(const struct port_cfg *from, struct port_cfg *to)
{
	struct address *addresses = NULL;

	if (from->n_addresses) {
		addresses = calloc(from->n_addresses, sizeof(*addresses));
		if (!addresses)
			return -ENOMEM;
		memcpy(addresses, from->addresses, from->n_addresses * sizeof(*addresses));
	}
	*to = *from;
	to->addresses = addresses;
	return 0;
}

static int copy_ports(const struct group_cfg *from, struct group_cfg *to)
{
	to->ports = calloc(from->n_ports ? from->n_ports : 1, sizeof(*to->ports));
	if (!to->ports)
		return -ENOMEM;
	for (; to->n_ports < from->n_ports; to->n_ports++)
		if (copy_port(&from->ports[to->n_ports], &to->ports[to->n_ports]) < 0)
			return -ENOMEM;
	return 0;
}

static int copy_groups(const struct switch_cfg *from, struct switch_cfg *to)
{
	to->groups = calloc(from->n_groups ? from->n_groups : 1, sizeof(*to->groups));
	if (!to->groups)
		return -ENOMEM;
	while (to->n_groups < from->n_groups) {
		struct group_cfg *group = &to->groups[to->n_groups];

		*group = from->groups[to->n_groups++];
		group->ports = NULL;
		group->n_ports = 0;
		if (copy_ports(&from->groups[to->n_groups - 1], group) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int copy_switches(const struct model *from, struct model *to)
{
	to->switches = calloc(from->n_switches ? from->n_switches : 1, sizeof(*to->switches));
	if (!to->switches)
		return -ENOMEM;
	while (to->n_switches < from->n_switches) {
		struct switch_cfg *sw = &to->switches[to->n_switches];

		*sw = from->switches[to->n_switches++];
		sw->groups = NULL;
		sw->n_groups = 0;
		if (copy_groups(&from->switches[to->n_switches - 1], sw) < 0)
			return -ENOMEM;
	}
	return 0;
}

int model_copy(const struct model *model, struct model **ret)
{
	struct model *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (copy_switches(model, copy) < 0 ||
	    copy_string(model->control_socket, &copy->control_socket) < 0 ||
	    copy_string(model->control_group, &copy->control_group) < 0 ||
	    copy_string(model->metrics_listen, &copy->metrics_listen) < 0) {
		model_free(copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

/* ---- ports that come and go at run time
 * --------------------------------------------------------------------------------- */
static size_t count_ports(const struct switch_cfg *sw)
{
	size_t n = 0;

	for (size_t i = 0; i < sw->n_groups; i++)
		n += sw->groups[i].n_ports;
	return n;
}

static int append_port(struct group_cfg *group, const struct port_cfg *port)
{
	struct port_cfg *ports = reallocarray(group->ports, group->n_ports + 1, sizeof(*ports));
	int r;

	if (!ports)
		return -ENOMEM;
	group->ports = ports;
	r = copy_port(port, &ports[group->n_ports]);
	if (r == 0)
		group->n_ports++;
	return r;
}

int model_add_port(struct model *model, const char *switch_name, const char *group,
		   const struct port_cfg *port, struct config_errors *errors)
{
	struct report report = { .errors = errors };
	struct check check = { .model = model, .report = &report };
	struct place place = { .sw = model_find_switch(model, switch_name) };
	struct group_cfg *target = place.sw ? model_find_group(place.sw, group) : NULL;
	int r;

	if (!target) {
		if (place.sw)
			config_error_add(errors, "%s: no port group %s in this switch", switch_name,
					 group);
		else
			config_error_add(errors, "%s: no such switch", switch_name);
		return -ENOENT;
	}
	place.group = target;
	place.at = target->n_ports;

	report_enter(&report, "%.*s", UL_NAME_LEN - 1, port->interface);
	r = check_port(&check, port, &place, 0);
	if (r == 0 && count_ports(place.sw) >= UL_MAX_PORTS) {
		report_mistake(&report, NULL, "%s has %d ports already: must be at most %d",
			       switch_name, UL_MAX_PORTS, UL_MAX_PORTS);
		r = -EINVAL;
	}
	if (r == 0)
		r = append_port(target, port);
	if (r == -ENOMEM)
		config_error_add(errors, "%s: out of memory", port->interface);
	return r;
}

static bool group_remove_port(struct group_cfg *group, const char *interface)
{
	for (size_t i = 0; i < group->n_ports; i++) {
		if (strcmp(group->ports[i].interface, interface) != 0)
			continue;
		free(group->ports[i].addresses);
		memmove(&group->ports[i], &group->ports[i + 1],
			(group->n_ports - i - 1) * sizeof(group->ports[i]));
		group->n_ports--;
		return true;
	}
	return false;
}

int model_remove_port(struct model *model, const char *interface, struct config_errors *errors)
{
	for (size_t s = 0; s < model->n_switches; s++)
		for (size_t g = 0; g < model->switches[s].n_groups; g++)
			if (group_remove_port(&model->switches[s].groups[g], interface))
				return 0;
	config_error_add(errors, "%s: no such port", interface);
	return -ENOENT;
}
