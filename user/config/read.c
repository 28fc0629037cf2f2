// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The file as a whole: switches, their groups and ports. section_read() handles what the table of
 * keys describes. */
#include "config/reader.h"

#include "common/util.h"
#include "config/source.h"
#include "config/value.h"

/* ---- ports ---- */
static void read_port(struct reader *reader, const struct tree_node *node,
		      const struct location *location, unsigned int skip, struct port_cfg *port)
{
	struct rules rules = { .model = reader->model,
			       .names = &reader->names,
			       .mistakes = &reader->mistakes };
	struct section section;

	section_read(reader, node, SECTION_PORT, port, true, &section);
	if (section.bad == UINT32_MAX)
		return;
	host_keys_read(reader, &section, port);
	port->has_mac = section_given(&section, "mac") && !section_bad(&section, "mac");

	if (section_bad(&section, "interface"))
		skip |= SKIP_INTERFACE;
	if (section_bad(&section, "mac"))
		skip |= SKIP_MAC;
	if (section_bad(&section, "host"))
		skip |= SKIP_HOST;
	if (rules_check_port(&rules, port, location, skip) == -ENOMEM)
		reader->no_memory = true;
}

static void read_ports(struct reader *reader, struct section *section, const struct switch_cfg *sw,
		       unsigned int skip, struct group_cfg *group)
{
	const struct tree_node *list = section_list(reader, section, "ports");
	size_t n = list_length(list);

	group->ports = reader_calloc(reader, n, sizeof(*group->ports));
	for (size_t i = 0; group->ports && i < n; i++) {
		const struct tree_node *node = list_item(reader, list, i);
		struct location location = { .sw = sw, .group = group, .at = i };
		struct mistakes_scope outside;

		if (!node)
			return;
		outside = mistakes_enter(&reader->mistakes, "ports[%zu]", i);
		read_port(reader, node, &location, skip, &group->ports[group->n_ports++]);
		mistakes_leave(&reader->mistakes, outside);
	}
}

/* ---- port groups ---- */
static void check_group_name(struct reader *reader, const struct switch_cfg *sw,
			     const struct group_cfg *group)
{
	const struct location *other = name_index_find_group(&reader->names, sw, group->name);
	struct location location = { .sw = sw, .group = group };

	if (other)
		mistakes_add(
			&reader->mistakes, "name",
			"%s: is already the name of port-groups[%zu]: must be unique in the switch",
			group->name, (size_t)(other->group - sw->groups));
	else if (name_index_add_group(&reader->names, &location) < 0)
		reader->no_memory = true;
}

/* "mac-learning: true" keeps the inherited limits; a mapping changes those that it names. */
static void read_learning(struct reader *reader, const struct section *parent, bool presets,
			  struct learning_cfg *learning)
{
	const struct tree_node *node = section_mapping(parent, "mac-learning");
	struct mistakes_scope outside = mistakes_enter(&reader->mistakes, "mac-learning");
	struct section section;

	section_read(reader, node && node->type == TREE_MAPPING ? node : NULL, SECTION_LEARNING,
		     learning, presets, &section);
	mistakes_leave(&reader->mistakes, outside);
}

/* Returns false when mac-learning is not certain, because its value or the section is wrong. */
static bool read_security(struct reader *reader, const struct section *parent,
			  const struct security *inherited, struct security *security)
{
	struct mistakes_scope outside = mistakes_enter(&reader->mistakes, "security");
	struct section section;

	if (inherited)
		*security = *inherited;
	section_read(reader, section_mapping(parent, "security"), SECTION_SECURITY, security,
		     !inherited, &section);
	read_learning(reader, &section, !inherited, &security->learning);
	mistakes_leave(&reader->mistakes, outside);
	return !section_bad(&section, "mac-learning") && !section_bad(parent, "security");
}

/* The name of a bridge must be free like that of a port. */
static void note_bridge(struct reader *reader, const struct section *section, const char *name,
			const struct location *location)
{
	struct rules rules = { .model = reader->model,
			       .names = &reader->names,
			       .mistakes = &reader->mistakes };

	if (name[0] && !section_bad(section, "bridge") &&
	    rules_check_interface(&rules, name, location, "bridge") == -ENOMEM)
		reader->no_memory = true;
}

static void read_group(struct reader *reader, const struct tree_node *node,
		       const struct switch_cfg *sw, struct switch_state *state,
		       struct group_cfg *group)
{
	struct section section;
	unsigned int skip = 0;

	section_read(reader, node, SECTION_GROUP, group, true, &section);
	if (section.bad == UINT32_MAX)
		return;
	if (!section_bad(&section, "name"))
		check_group_name(reader, sw, group);
	note_bridge(reader, &section, group->bridge,
		    &(struct location){ .sw = sw, .group = group, .bridge = true });

	teaming_read(reader, section_mapping(&section, "teaming"), sw, state, &sw->teaming,
		     &group->teaming);
	if (!read_security(reader, &section, &sw->security, &group->security) ||
	    state->learning_bad)
		skip |= SKIP_LEARNING;
	if (section_bad(&section, "vlan"))
		skip |= SKIP_VLAN;
	else if (group->qinq && group->vlan_mode != UL_VLAN_VGT)
		mistakes_add(&reader->mistakes, "qinq",
			     "true: needs a trunk: set vlan to 4095 or a list, or remove qinq");
	read_ports(reader, &section, sw, skip, group);
}

static void read_groups(struct reader *reader, struct section *section, struct switch_state *state,
			struct switch_cfg *sw)
{
	const struct tree_node *list = section_list(reader, section, "port-groups");
	size_t n = list_length(list);

	sw->groups = reader_calloc(reader, n, sizeof(*sw->groups));
	for (size_t i = 0; sw->groups && i < n; i++) {
		const struct tree_node *node = list_item(reader, list, i);
		struct mistakes_scope outside;

		if (!node)
			return;
		outside = mistakes_enter(&reader->mistakes, "port-groups[%zu]", i);
		read_group(reader, node, sw, state, &sw->groups[sw->n_groups++]);
		mistakes_leave(&reader->mistakes, outside);
	}
}

/* ---- switches ---- */
/* A name that is used elsewhere stays an uplink here, because the teaming lists may refer to it. */
static void read_uplink(struct reader *reader, size_t i, const struct tree_node *node,
			struct switch_cfg *sw, struct switch_state *state)
{
	struct rules rules = { .model = reader->model,
			       .names = &reader->names,
			       .mistakes = &reader->mistakes };
	struct location location = { .sw = sw, .at = i };
	const char *name = tree_is_null(node) ? NULL : tree_text(node);
	struct mistakes_scope outside;

	if (!name || !interface_name_valid(name)) {
		item_mistake(
			reader, "uplinks", i, node,
			"must be an interface name: 1-15 characters without '/', ':' and spaces");
		state->uplinks_bad = true;
		return;
	}
	outside = mistakes_enter(&reader->mistakes, "uplinks[%zu]", i);
	reader->mistakes.line = node->line;
	if (rules_check_interface(&rules, name, &location, NULL) == -ENOMEM)
		reader->no_memory = true;
	mistakes_leave(&reader->mistakes, outside);
	if (!switch_has_uplink(sw, name))
		snprintf(sw->uplinks[sw->n_uplinks++], UL_NAME_LEN, "%s", name);
}

static void read_uplinks(struct reader *reader, struct section *section, struct switch_cfg *sw,
			 struct switch_state *state)
{
	const struct tree_node *list = section_list(reader, section, "uplinks");

	state->uplinks_bad = !list;
	for (size_t i = 0; i < list_length(list); i++) {
		const struct tree_node *node = list_item(reader, list, i);

		if (!node)
			return;
		read_uplink(reader, i, node, sw, state);
	}
}

static void read_lacp(struct reader *reader, const struct section *parent, struct switch_cfg *sw,
		      const struct switch_state *state)
{
	const struct tree_node *node = section_mapping(parent, "lacp");
	struct mistakes_scope outside;
	struct section section;

	if (node && !state->channel_bad && sw->channel != UL_CHANNEL_LACP)
		mistakes_add(
			&reader->mistakes, "lacp",
			"needs channel: lacp, but channel is %s: set channel to lacp, or remove lacp",
			channel_name(sw->channel));

	outside = mistakes_enter(&reader->mistakes, "lacp");
	section_read(reader, node, SECTION_LACP, &sw->lacp, true, &section);
	sw->lacp.has_system_id = section_given(&section, "system-id") &&
				 !section_bad(&section, "system-id");
	if (!section_bad(&section, "min-links") && !state->uplinks_bad &&
	    sw->lacp.min_links > sw->n_uplinks)
		mistakes_add(&reader->mistakes, "min-links",
			     "%u: must be at most the number of uplinks, %u", sw->lacp.min_links,
			     sw->n_uplinks);
	else if (!section_bad(&section, "min-links") && !section_bad(&section, "max-links") &&
		 sw->lacp.max_links && sw->lacp.min_links > sw->lacp.max_links)
		mistakes_add(
			&reader->mistakes, "min-links",
			"%u: is more than max-links, %u, so the channel would never come up: lower min-links, or raise max-links",
			sw->lacp.min_links, sw->lacp.max_links);
	mistakes_leave(&reader->mistakes, outside);
}

static void read_pagp(struct reader *reader, const struct section *parent, struct switch_cfg *sw,
		      const struct switch_state *state)
{
	const struct tree_node *node = section_mapping(parent, "pagp");
	struct mistakes_scope outside;
	struct section section;

	if (node && !state->channel_bad && sw->channel != UL_CHANNEL_PAGP)
		mistakes_add(
			&reader->mistakes, "pagp",
			"needs channel: pagp, but channel is %s: set channel to pagp, or remove pagp",
			channel_name(sw->channel));
	outside = mistakes_enter(&reader->mistakes, "pagp");
	section_read(reader, node, SECTION_PAGP, &sw->pagp, true, &section);
	mistakes_leave(&reader->mistakes, outside);
}

static void check_switch_name(struct reader *reader, const struct switch_cfg *sw)
{
	for (const struct switch_cfg *other = reader->model->switches; other < sw; other++) {
		const char *file;
		size_t index;

		if (strcmp(other->name, sw->name) != 0)
			continue;
		index = mistakes_locate_switch(&reader->mistakes,
					       (size_t)(other - reader->model->switches), &file);
		mistakes_add(&reader->mistakes, "name",
			     "%s: is already the name of switches[%zu]%s%s: must be unique",
			     sw->name, index, file ? " of " : "", file ? file : "");
	}
}

/* Limits of the tables in the data plane. The switch's own teaming counts, for groups that are
 * added later. */
static void check_sizes(struct reader *reader, const struct switch_cfg *sw)
{
	const struct teaming *different[UL_MAX_POLICIES] = { &sw->teaming };
	size_t n_different = 1, n_ports = 0;

	for (size_t g = 0; g < sw->n_groups; g++) {
		const struct teaming *teaming = &sw->groups[g].teaming;
		size_t i = 0;

		n_ports += sw->groups[g].n_ports;
		while (i < n_different && i < UL_MAX_POLICIES &&
		       !teaming_equal(different[i], teaming))
			i++;
		if (i < n_different)
			continue;
		if (n_different < UL_MAX_POLICIES)
			different[n_different] = teaming;
		n_different++;
	}
	if (n_different > UL_MAX_POLICIES)
		mistakes_add(
			&reader->mistakes, "port-groups",
			"more than %d different teaming settings in a switch, including its own",
			UL_MAX_POLICIES);
	if (n_ports > UL_MAX_PORTS)
		mistakes_add(&reader->mistakes, "port-groups",
			     "%zu ports: must be at most %d ports in a switch", n_ports,
			     UL_MAX_PORTS);
}

static void read_switch(struct reader *reader, const struct tree_node *node, struct switch_cfg *sw)
{
	struct switch_state state = { 0 };
	struct section section;

	section_read(reader, node, SECTION_SWITCH, sw, true, &section);
	if (section.bad == UINT32_MAX)
		return;
	if (!section_bad(&section, "name"))
		check_switch_name(reader, sw);

	state.channel_bad = section_bad(&section, "channel");
	read_uplinks(reader, &section, sw, &state);
	note_bridge(reader, &section, sw->bridge, &(struct location){ .sw = sw, .bridge = true });
	read_lacp(reader, &section, sw, &state);
	read_pagp(reader, &section, sw, &state);
	teaming_read(reader, section_mapping(&section, "teaming"), sw, &state, NULL, &sw->teaming);
	state.learning_bad = !read_security(reader, &section, NULL, &sw->security);
	read_groups(reader, &section, &state, sw);
	check_sizes(reader, sw);
}

/* The array has room for all files, because the index of names keeps pointers into it. */
static bool make_room(struct reader *reader, size_t n)
{
	struct model *model = reader->model;

	if (!model->switches)
		model->switches =
			reader_calloc(reader, CONFIG_MAX_SWITCHES, sizeof(*model->switches));
	if (!model->switches)
		return false;
	if (model->n_switches + n <= CONFIG_MAX_SWITCHES)
		return true;
	mistakes_add(&reader->mistakes, "switches",
		     "%zu entries: must be at most %d switches in all files", model->n_switches + n,
		     CONFIG_MAX_SWITCHES);
	return false;
}

static void read_switches(struct reader *reader, struct section *section)
{
	const struct tree_node *list = section_list(reader, section, "switches");
	size_t n = list_length(list);

	if (!list || !make_room(reader, n))
		return;
	for (size_t i = 0; i < n; i++) {
		const struct tree_node *node = list_item(reader, list, i);
		struct mistakes_scope outside;

		if (!node)
			return;
		outside = mistakes_enter(&reader->mistakes, "switches[%zu]", i);
		read_switch(reader, node, &reader->model->switches[reader->model->n_switches++]);
		mistakes_leave(&reader->mistakes, outside);
	}
}

static void read_control(struct reader *reader, const struct section *parent)
{
	const struct tree_node *node = section_mapping(parent, "control");
	struct mistakes_scope outside;
	struct section section;

	if (section_given(parent, "control") && reader->control_file) {
		mistakes_add(&reader->mistakes, "control",
			     "is already given in %s: must be given once", reader->control_file);
		return;
	}
	if (section_given(parent, "control"))
		reader->control_file = reader->mistakes.file;
	outside = mistakes_enter(&reader->mistakes, "control");
	section_read(reader, node, SECTION_CONTROL, reader->model, true, &section);
	mistakes_leave(&reader->mistakes, outside);
}

static void read_root(struct reader *reader)
{
	const struct tree_node *root = reader->tree.root;
	struct section section;

	section_read(reader, root, SECTION_ROOT, NULL, false, &section);
	if (section.bad == UINT32_MAX)
		return;
	if (section_value(&section, "switches"))
		read_switches(reader, &section);
	read_control(reader, &section);
}

/* ---- documents ---- */
/* One file; *ret is 0, -EINVAL or -ENOMEM. A tree that cannot be read does not hide the mistakes of
 * the other files. */
static int read_document(struct reader *reader, const struct config_document *document)
{
	int r;

	reader->mistakes.file = document->name;
	reader->mistakes.line = 0;
	reader->mistakes.section = NULL;
	if (document->length > TREE_MAX_BYTES) {
		mistakes_add(&reader->mistakes, NULL, "%zu bytes: must be at most %u bytes",
			     document->length, TREE_MAX_BYTES);
		return -EINVAL;
	}
	r = tree_load(&reader->tree, document->text, document->length, &reader->mistakes);
	if (r == 0) {
		reader->mistakes.line = 1;
		read_root(reader);
	}
	reader->mistakes.section = NULL; /* it was read_root()'s */
	tree_done(&reader->tree);
	reader->tree = (struct tree){ 0 };
	return r;
}

static int read_documents(struct reader *reader, const struct config_source *source)
{
	struct mistakes_files files = { 0 };
	const char *names[CONFIG_MAX_DOCUMENTS];
	int r, result = 0;

	reader->model = calloc(1, sizeof(*reader->model));
	if (!reader->model)
		return -ENOMEM;
	if (source->n > 1) {
		reader->mistakes.files = &files;
		reader->in_parts = true;
	}
	files.names = names;
	for (size_t i = 0; i < source->n; i++) {
		names[i] = source->documents[i].name;
		files.current = i;
		files.first_switch[i] = reader->model->n_switches;
		r = read_document(reader, &source->documents[i]);
		if (r < 0)
			result = r;
	}
	if (reader->no_memory)
		return -ENOMEM;
	if (reader->in_parts && result == 0 && !reader->mistakes.n && !reader->model->switches)
		mistakes_add(&reader->mistakes, "switches",
			     "missing: at least one file must have a switch");
	return result < 0 ? result : reader->mistakes.n ? -EINVAL : 0;
}

int config_source_parse(const struct config_source *source, struct model **ret,
			struct errors *errors)
{
	struct reader reader = { .mistakes = { .errors = errors } };
	int r = read_documents(&reader, source);

	reader.mistakes.files = NULL;
	name_index_done(&reader.names);
	if (r < 0) {
		if (r == -ENOMEM)
			errors_add(errors, 0, "%s: out of memory", source->documents[0].name);
		model_free(reader.model);
		return r;
	}
	*ret = reader.model;
	return 0;
}

int config_parse(const char *text, size_t length, const char *name, struct model **ret,
		 struct errors *errors)
{
	struct config_document document = { (char *)name, (char *)text, length };
	const struct config_source source = { &document, 1 };

	return config_source_parse(&source, ret, errors);
}
