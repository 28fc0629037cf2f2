// SPDX-License-Identifier: GPL-2.0
/* The file as a whole: switches, their groups and ports. Everything of the table comes through
 * section_read(). */
#include "config/reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/util.h"
#include "config/value.h"

/* ---- ports
 * ----------------------------------------------------------------------------------------------------------------
 */
static bool has_address(const struct port_cfg *port, const struct address *address)
{
	for (size_t i = 0; i < port->n_addresses; i++)
		if (port->addresses[i].family == address->family &&
		    memcmp(port->addresses[i].bytes, address->bytes, sizeof(address->bytes)) == 0)
			return true;
	return false;
}

static void read_addresses(struct reader *reader, struct section *section, struct port_cfg *port)
{
	const yaml_node_t *list = section_list(reader, section, "address");
	size_t n = list ? tree_n_items(list) : 0;

	if (!list)
		return;
	port->addresses = reader_calloc(reader, n, sizeof(*port->addresses));
	for (size_t i = 0; port->addresses && i < n; i++) {
		const yaml_node_t *item = list_item(reader, list, i);
		const char *text = item ? tree_text(item) : NULL;
		struct address address;

		if (!item)
			return;
		if (!text || address_parse(text, &address) < 0)
			item_mistake(
				reader, "address", i, item,
				"must be a host's address with prefix length such as 192.0.2.10/24 or 2001:db8::10/64");
		else if (has_address(port, &address))
			item_mistake(reader, "address", i, item,
				     "is given twice: must be given once");
		else
			port->addresses[port->n_addresses++] = address;
	}
}

static void read_port(struct reader *reader, const yaml_node_t *node, const struct place *place,
		      unsigned int doubts, struct port_cfg *port)
{
	struct check check = { .model = reader->model,
			       .uses = &reader->uses,
			       .report = &reader->report };
	struct section section;

	section_read(reader, node, SECTION_PORT, port, true, &section);
	if (section.bad == UINT32_MAX)
		return;
	read_addresses(reader, &section, port);
	port->has_mac = section_given(&section, "mac") && !section_bad(&section, "mac");

	if (section_bad(&section, "interface"))
		doubts |= DOUBT_INTERFACE;
	if (section_bad(&section, "mac"))
		doubts |= DOUBT_MAC;
	if (section_bad(&section, "host"))
		doubts |= DOUBT_HOST;
	if (check_port(&check, port, place, doubts) == -ENOMEM)
		reader->no_memory = true;
}

static void read_ports(struct reader *reader, struct section *section, const struct switch_cfg *sw,
		       unsigned int doubts, struct group_cfg *group)
{
	const yaml_node_t *list = section_list(reader, section, "ports");
	size_t n = list ? tree_n_items(list) : 0;

	group->ports = reader_calloc(reader, n, sizeof(*group->ports));
	for (size_t i = 0; group->ports && i < n; i++) {
		const yaml_node_t *node = list_item(reader, list, i);
		struct place place = { .sw = sw, .group = group, .at = i };
		size_t outside;

		if (!node)
			return;
		outside = report_enter(&reader->report, "ports[%zu]", i);
		read_port(reader, node, &place, doubts, &group->ports[group->n_ports++]);
		report_leave(&reader->report, outside);
	}
}

/* ---- port groups
 * ------------------------------------------------------------------------------------------------------------
 */
static void check_group_name(struct reader *reader, const struct switch_cfg *sw,
			     const struct group_cfg *group)
{
	for (const struct group_cfg *other = sw->groups; other < group; other++)
		if (strcmp(other->name, group->name) == 0)
			report_mistake(
				&reader->report, "name",
				"%s: is already the name of port-groups[%zu]: must be unique in the switch",
				group->name, (size_t)(other - sw->groups));
}

/* Returns whether mac-learning is in doubt. */
static bool read_security(struct reader *reader, const struct section *parent,
			  const struct security *inherited, struct security *security)
{
	size_t outside = report_enter(&reader->report, "security");
	struct section section;

	if (inherited)
		*security = *inherited;
	section_read(reader, section_mapping(parent, "security"), SECTION_SECURITY, security,
		     !inherited, &section);
	report_leave(&reader->report, outside);
	return section_bad(&section, "mac-learning") || section_bad(parent, "security");
}

static void read_group(struct reader *reader, const yaml_node_t *node, const struct switch_cfg *sw,
		       struct switch_state *state, struct group_cfg *group)
{
	struct section section;
	unsigned int doubts = 0;

	section_read(reader, node, SECTION_GROUP, group, true, &section);
	if (section.bad == UINT32_MAX)
		return;
	if (!section_bad(&section, "name"))
		check_group_name(reader, sw, group);

	teaming_read(reader, section_mapping(&section, "teaming"), sw, state, &sw->teaming,
		     &group->teaming);
	if (read_security(reader, &section, &sw->security, &group->security) || state->learning_bad)
		doubts |= DOUBT_LEARNING;
	if (section_bad(&section, "vlan"))
		doubts |= DOUBT_VLAN;
	read_ports(reader, &section, sw, doubts, group);
}

static void read_groups(struct reader *reader, struct section *section, struct switch_state *state,
			struct switch_cfg *sw)
{
	const yaml_node_t *list = section_list(reader, section, "port-groups");
	size_t n = list ? tree_n_items(list) : 0;

	sw->groups = reader_calloc(reader, n, sizeof(*sw->groups));
	for (size_t i = 0; sw->groups && i < n; i++) {
		const yaml_node_t *node = list_item(reader, list, i);
		size_t outside;

		if (!node)
			return;
		outside = report_enter(&reader->report, "port-groups[%zu]", i);
		read_group(reader, node, sw, state, &sw->groups[sw->n_groups++]);
		report_leave(&reader->report, outside);
	}
}

/* ---- switches
 * -----------------------------------------------------------------------------------------------------------------
 */
static bool has_uplink(const struct switch_cfg *sw, const char *name)
{
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		if (strcmp(sw->uplinks[i], name) == 0)
			return true;
	return false;
}

/* A name that is used elsewhere stays an uplink here, so that the teaming lists are checked against
 * what is meant. */
static void read_uplink(struct reader *reader, size_t i, const yaml_node_t *node,
			struct switch_cfg *sw, struct switch_state *state)
{
	struct check check = { .model = reader->model,
			       .uses = &reader->uses,
			       .report = &reader->report };
	struct place place = { .sw = sw, .at = i };
	const char *name = tree_is_null(node) ? NULL : tree_text(node);
	size_t outside;

	if (!name || !interface_name_valid(name)) {
		item_mistake(
			reader, "uplinks", i, node,
			"must be an interface name: 1-15 characters without '/', ':' and spaces");
		state->uplinks_bad = true;
		return;
	}
	outside = report_enter(&reader->report, "uplinks[%zu]", i);
	if (check_interface(&check, name, &place, NULL) == -ENOMEM)
		reader->no_memory = true;
	report_leave(&reader->report, outside);
	if (!has_uplink(sw, name))
		snprintf(sw->uplinks[sw->n_uplinks++], UL_NAME_LEN, "%s", name);
}

static void read_uplinks(struct reader *reader, struct section *section, struct switch_cfg *sw,
			 struct switch_state *state)
{
	const yaml_node_t *list = section_list(reader, section, "uplinks");

	state->uplinks_bad = !list;
	for (size_t i = 0; list && i < tree_n_items(list); i++) {
		const yaml_node_t *node = list_item(reader, list, i);

		if (!node)
			return;
		read_uplink(reader, i, node, sw, state);
	}
}

static void read_lacp(struct reader *reader, const struct section *parent, struct switch_cfg *sw,
		      const struct switch_state *state)
{
	const yaml_node_t *node = section_mapping(parent, "lacp");
	size_t outside;
	struct section section;

	if (node && !state->channel_bad && sw->channel != UL_CHANNEL_LACP)
		report_mistake(
			&reader->report, "lacp",
			"needs channel: lacp, but channel is %s: set channel to lacp, or remove lacp",
			channel_name(sw->channel));

	outside = report_enter(&reader->report, "lacp");
	section_read(reader, node, SECTION_LACP, &sw->lacp, true, &section);
	sw->lacp.has_system_id = section_given(&section, "system-id") &&
				 !section_bad(&section, "system-id");
	if (!section_bad(&section, "min-links") && !state->uplinks_bad &&
	    sw->lacp.min_links > sw->n_uplinks)
		report_mistake(&reader->report, "min-links",
			       "%u: must be at most the number of uplinks, %u", sw->lacp.min_links,
			       sw->n_uplinks);
	else if (!section_bad(&section, "min-links") && !section_bad(&section, "max-links") &&
		 sw->lacp.max_links && sw->lacp.min_links > sw->lacp.max_links)
		report_mistake(
			&reader->report, "min-links",
			"%u: is more than max-links, %u, so the channel would never come up: lower min-links, or raise max-links",
			sw->lacp.min_links, sw->lacp.max_links);
	report_leave(&reader->report, outside);
}

static void check_switch_name(struct reader *reader, const struct switch_cfg *sw)
{
	for (const struct switch_cfg *other = reader->model->switches; other < sw; other++)
		if (strcmp(other->name, sw->name) == 0)
			report_mistake(&reader->report, "name",
				       "%s: is already the name of switches[%zu]: must be unique",
				       sw->name, (size_t)(other - reader->model->switches));
}

/* The tables of the data plane have so many places; the switch's own teaming takes one too, for
 * groups that are added later. */
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
		report_mistake(
			&reader->report, "port-groups",
			"more than %d different teaming settings in a switch, its own included",
			UL_MAX_POLICIES);
	if (n_ports > UL_MAX_PORTS)
		report_mistake(&reader->report, "port-groups",
			       "%zu ports: must be at most %d ports in a switch", n_ports,
			       UL_MAX_PORTS);
}

static void read_switch(struct reader *reader, const yaml_node_t *node, struct switch_cfg *sw)
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
	read_lacp(reader, &section, sw, &state);
	teaming_read(reader, section_mapping(&section, "teaming"), sw, &state, NULL, &sw->teaming);
	state.learning_bad = read_security(reader, &section, NULL, &sw->security);
	read_groups(reader, &section, &state, sw);
	check_sizes(reader, sw);
}

static void read_switches(struct reader *reader, struct section *section)
{
	const yaml_node_t *list = section_list(reader, section, "switches");
	size_t n = list ? tree_n_items(list) : 0;

	reader->model->switches = reader_calloc(reader, n, sizeof(*reader->model->switches));
	for (size_t i = 0; reader->model->switches && i < n; i++) {
		const yaml_node_t *node = list_item(reader, list, i);
		size_t outside;

		if (!node)
			return;
		outside = report_enter(&reader->report, "switches[%zu]", i);
		read_switch(reader, node, &reader->model->switches[reader->model->n_switches++]);
		report_leave(&reader->report, outside);
	}
}

static void read_control(struct reader *reader, const struct section *parent)
{
	const yaml_node_t *node = section_mapping(parent, "control");
	size_t outside = report_enter(&reader->report, "control");
	struct section section;

	section_read(reader, node, SECTION_CONTROL, reader->model, true, &section);
	report_leave(&reader->report, outside);
}

static void read_root(struct reader *reader)
{
	const yaml_node_t *root = tree_root(&reader->tree);
	struct section section;

	section_read(reader, root, SECTION_ROOT, NULL, false, &section);
	if (section.bad == UINT32_MAX)
		return;
	read_switches(reader, &section);
	read_control(reader, &section);
}

/* ---- text and file
 * ---------------------------------------------------------------------------------------------------------------
 */
int config_parse(const char *text, size_t length, const char *name, struct model **ret,
		 struct config_errors *errors)
{
	struct reader reader = { .report = { .errors = errors, .file = name } };
	int r;

	r = tree_load(&reader.tree, text, length, &reader.report);
	if (r == 0) {
		reader.model = calloc(1, sizeof(*reader.model));
		if (reader.model)
			read_root(&reader);
		else
			reader.no_memory = true;
	}
	tree_done(&reader.tree);
	uses_done(&reader.uses);

	if (reader.no_memory || r == -ENOMEM) {
		config_error_add(errors, "%s: out of memory", name);
		r = -ENOMEM;
	} else if (reader.report.n) {
		r = -EINVAL;
	}
	if (r < 0) {
		model_free(reader.model);
		return r;
	}
	*ret = reader.model;
	return 0;
}

/* The whole file, at most one byte more than a configuration may have. */
static int read_file(const char *path, char **ret, size_t *ret_length)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	for (;;) {
		ssize_t n;

		if (length == room) {
			char *larger = realloc(text, room = room ? room * 2 : 65536);

			if (!larger)
				return -ENOMEM;
			text = larger;
		}
		n = read(fd, text + length, room - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		length += (size_t)n;
		if (n == 0 || length > TREE_MAX_BYTES)
			break;
	}
	*ret = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int config_load(const char *path, struct model **ret, struct config_errors *errors)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r;

	r = read_file(path, &text, &length);
	if (r < 0) {
		config_error_add(errors, "%s: cannot be read: %s", path, strerror(-r));
		return r;
	}
	return config_parse(text, length, path, ret, errors);
}
