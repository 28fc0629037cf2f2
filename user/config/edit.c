// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Ports that are added and removed at run time. */
#include "config/model.h"

#include "common/util.h"
#include "config/rules.h"

struct model_editor {
	struct model *model;
	struct name_index names;
	size_t *n_ports; /* of each switch */
};

int model_editor_new(struct model *model, struct model_editor **ret)
{
	struct model_editor *editor = calloc(1, sizeof(*editor));

	if (!editor)
		return -ENOMEM;
	editor->model = model;
	editor->n_ports = calloc(model->n_switches ? model->n_switches : 1, sizeof(size_t));
	if (!editor->n_ports || name_index_fill(&editor->names, model) < 0) {
		model_editor_free(editor);
		return -ENOMEM;
	}
	for (size_t s = 0; s < model->n_switches; s++)
		for (size_t g = 0; g < model->switches[s].n_groups; g++)
			editor->n_ports[s] += model->switches[s].groups[g].n_ports;
	*ret = editor;
	return 0;
}

void model_editor_free(struct model_editor *editor)
{
	if (!editor)
		return;
	name_index_done(&editor->names);
	free(editor->n_ports);
	free(editor);
}

static int append_port(struct group_cfg *group, const struct port_cfg *port)
{
	struct port_cfg *ports = reallocarray(group->ports, group->n_ports + 1, sizeof(*ports));
	int r;

	if (!ports)
		return -ENOMEM;
	group->ports = ports;
	r = port_cfg_copy(port, &ports[group->n_ports]);
	if (r == 0)
		group->n_ports++;
	return r;
}

static struct group_cfg *find_target(struct model_editor *editor, const char *switch_name,
				     const char *group, const char *interface,
				     struct errors *errors)
{
	struct switch_cfg *sw = model_find_switch(editor->model, switch_name);
	const struct location *location;

	if (!sw) {
		errors_add(errors, 0, "%s: %s: no such switch", interface, switch_name);
		return NULL;
	}
	location = name_index_find_group(&editor->names, sw, group);
	if (!location) {
		errors_add(errors, 0, "%s: %s: no port group %s in this switch", interface,
			   switch_name, group);
		return NULL;
	}
	return &sw->groups[location->group - sw->groups];
}

int model_editor_add_port(struct model_editor *editor, const char *switch_name, const char *group,
			  const struct port_cfg *port, struct errors *errors)
{
	struct mistakes mistakes = { .errors = errors };
	struct rules rules = {
		.model = editor->model,
		.names = &editor->names,
		.mistakes = &mistakes,
	};
	struct group_cfg *target = find_target(editor, switch_name, group, port->interface, errors);
	struct location location;
	size_t *n_ports;
	int r;

	if (!target)
		return -ENOENT;
	location = (struct location){
		.sw = model_find_switch(editor->model, switch_name),
		.group = target,
		.at = target->n_ports,
	};
	n_ports = &editor->n_ports[location.sw - editor->model->switches];

	mistakes_enter(&mistakes, "%.*s", UL_NAME_LEN - 1, port->interface);
	if (*n_ports >= UL_MAX_PORTS) {
		mistakes_add(&mistakes, NULL, "%s has %d ports already: must be at most %d",
			     switch_name, UL_MAX_PORTS, UL_MAX_PORTS);
		return -EINVAL;
	}
	r = rules_check_port(&rules, port, &location, 0);
	if (r == 0)
		r = append_port(target, port);
	if (r == 0)
		++*n_ports;
	if (r == -ENOMEM)
		errors_add(errors, 0, "%s: out of memory", port->interface);
	return r;
}

int model_add_port(struct model *model, const char *switch_name, const char *group,
		   const struct port_cfg *port, struct errors *errors)
{
	struct model_editor *editor = NULL;
	int r;

	r = model_editor_new(model, &editor);
	if (r < 0)
		return errors_add(errors, r, "%s: cannot be added", port->interface);
	r = model_editor_add_port(editor, switch_name, group, port, errors);
	model_editor_free(editor);
	return r;
}

static bool group_remove_port(struct group_cfg *group, const char *interface)
{
	for (size_t i = 0; i < group->n_ports; i++) {
		if (strcmp(group->ports[i].interface, interface) != 0)
			continue;
		port_cfg_done(&group->ports[i]);
		memmove(&group->ports[i], &group->ports[i + 1],
			(group->n_ports - i - 1) * sizeof(group->ports[i]));
		group->n_ports--;
		return true;
	}
	return false;
}

void model_remove_attached(struct model *model)
{
	for (size_t s = 0; s < model->n_switches; s++) {
		for (size_t g = 0; g < model->switches[s].n_groups; g++) {
			struct group_cfg *group = &model->switches[s].groups[g];
			size_t kept = 0;

			/* Attached ports have no addresses to be freed. */
			for (size_t p = 0; p < group->n_ports; p++)
				if (!group->ports[p].attached)
					group->ports[kept++] = group->ports[p];
			group->n_ports = kept;
		}
	}
}

int model_remove_port(struct model *model, const char *interface, struct errors *errors)
{
	for (size_t s = 0; s < model->n_switches; s++)
		for (size_t g = 0; g < model->switches[s].n_groups; g++)
			if (group_remove_port(&model->switches[s].groups[g], interface))
				return 0;
	errors_add(errors, 0, "%s: no such port", interface);
	return -ENOENT;
}

int model_keep_runtime_ports(const struct model *from, struct model *to, struct errors *errors)
{
	struct model_editor *editor = NULL;
	int r = model_editor_new(to, &editor);

	for (size_t s = 0; r == 0 && s < from->n_switches; s++) {
		for (size_t g = 0; r == 0 && g < from->switches[s].n_groups; g++) {
			const struct group_cfg *group = &from->switches[s].groups[g];

			for (size_t p = 0; r == 0 && p < group->n_ports; p++)
				if (group->ports[p].runtime && !group->ports[p].attached &&
				    model_editor_add_port(editor, from->switches[s].name,
							  group->name, &group->ports[p],
							  errors) == -ENOMEM)
					r = -ENOMEM;
		}
	}
	model_editor_free(editor);
	return r < 0 ? errors_add(errors, r, "run-time ports: cannot be kept") : 0;
}
