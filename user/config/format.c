// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Model to YAML. Scalars are written by the rows of the table, in its order; values equal to the
 * default, or to what a port group inherits, are left out. */
#include "config/model.h"

#include <stdio.h>

#include "common/util.h"
#include "config/keys.h"
#include "config/value.h"

struct writer {
	FILE *out;
	bool runtime;
};

/* A mapping of which nothing is written yet. */
struct mapping {
	FILE *out;
	int indent;	   /* of its keys */
	const char *title; /* is written before the first key, two columns to the left */
};

static void put_title(struct mapping *mapping)
{
	if (mapping->title)
		fprintf(mapping->out, "%*s%s:\n", mapping->indent - 2, "", mapping->title);
	mapping->title = NULL;
}

static void put(struct mapping *mapping, const char *key, const char *value)
{
	put_title(mapping);
	fprintf(mapping->out, "%*s%s: %s\n", mapping->indent, "", key, value);
}

static bool is_fallback(const struct config_key *key, const char *text)
{
	return key->fallback ? strcmp(text, key->fallback) == 0 : !text[0];
}

/* The scalars of a section except skipped (NULL: none) that differ from inherited, or from the
 * defaults when inherited is NULL. Returns their number; without a mapping nothing is written. */
static size_t put_scalars(struct mapping *mapping, enum config_section section, const void *base,
			  const void *inherited, const char *skipped)
{
	size_t n, written = 0;
	const struct config_key *keys = config_section_keys(section, &n);

	for (size_t i = 0; i < n; i++) {
		char text[VALUE_TEXT_LEN], other[VALUE_TEXT_LEN];

		if (!keys[i].size || keys[i].type == KEY_UNAVAILABLE ||
		    (skipped && strcmp(keys[i].name, skipped) == 0))
			continue;
		value_text(&keys[i], base, text);
		if (inherited ? strcmp(text, value_text(&keys[i], inherited, other)) == 0 :
				is_fallback(&keys[i], text))
			continue;
		written++;
		if (mapping)
			put(mapping, keys[i].name, text);
	}
	return written;
}

/* ---- teaming ---- */
static void put_uplinks(struct mapping *mapping, const char *key, const struct switch_cfg *sw,
			const uint8_t *list, uint32_t n)
{
	char text[UL_MAX_UPLINKS * (UL_NAME_LEN + 4) + 8] = "[";
	const struct config_key name = { .type = KEY_INTERFACE };
	size_t used = 1;

	for (uint32_t i = 0; i < n; i++) {
		char quoted[VALUE_TEXT_LEN];

		value_text(&name, sw->uplinks[list ? list[i] : i], quoted);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
					 quoted);
	}
	snprintf(text + used, sizeof(text) - used, "]");
	put(mapping, key, text);
}

static bool active_is_default(const struct switch_cfg *sw, const struct teaming *teaming)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < sw->n_uplinks; i++) {
		if (memchr(teaming->standby, (int)i, teaming->n_standby))
			continue;
		if (next >= teaming->n_active || teaming->active[next++] != i)
			return false;
	}
	return next == teaming->n_active;
}

static bool lists_equal(const struct teaming *a, const struct teaming *b)
{
	return a->n_active == b->n_active && a->n_standby == b->n_standby &&
	       memcmp(a->active, b->active, a->n_active) == 0 &&
	       memcmp(a->standby, b->standby, a->n_standby) == 0;
}

/* group: NULL for the switch's own teaming */
static void put_teaming(FILE *out, int indent, const struct switch_cfg *sw,
			const struct teaming *group)
{
	const struct teaming *teaming = group ? group : &sw->teaming;
	struct mapping mapping = { .out = out, .indent = indent, .title = "teaming" };
	struct teaming standard = sw->teaming;
	bool lists;

	standard.method = sw->channel == UL_CHANNEL_NONE ? UL_M_PORT_ID : UL_M_SRC_DST_IP;
	if (group ? teaming->method != sw->teaming.method : teaming->method != standard.method)
		put(&mapping, "load-balancing", method_name(teaming->method));
	put_scalars(&mapping, SECTION_TEAMING, teaming, group ? &sw->teaming : NULL,
		    "load-balancing");
	lists = group && !lists_equal(group, &sw->teaming);
	if (lists || (!group && !active_is_default(sw, teaming)))
		put_uplinks(&mapping, "active", sw, teaming->active, teaming->n_active);
	if (lists || (!group && teaming->n_standby))
		put_uplinks(&mapping, "standby", sw, teaming->standby, teaming->n_standby);
}

/* ---- security ---- */
static void put_security(FILE *out, int indent, const struct security *security,
			 const struct security *inherited)
{
	struct mapping mapping = { .out = out, .indent = indent, .title = "security" };
	struct mapping learning = { .out = out, .indent = indent + 2, .title = "mac-learning" };
	const struct learning_cfg *inherited_learning = inherited ? &inherited->learning : NULL;
	bool before = inherited && inherited->mac_learning;

	put_scalars(&mapping, SECTION_SECURITY, security, inherited, "mac-learning");
	if (!security->mac_learning) {
		if (before)
			put(&mapping, "mac-learning", "false");
		return;
	}
	if (put_scalars(NULL, SECTION_LEARNING, &security->learning, inherited_learning, NULL)) {
		put_title(&mapping);
		put_scalars(&learning, SECTION_LEARNING, &security->learning, inherited_learning,
			    NULL);
	} else if (!before) {
		put(&mapping, "mac-learning", "true");
	}
}

/* ---- ports ---- */
static void put_addresses(FILE *out, const char *key, const struct address *list, size_t n,
			  bool with_length)
{
	if (!n)
		return;
	fprintf(out, ", %s: [", key);
	for (size_t i = 0; i < n; i++) {
		char text[ADDRESS_TEXT_LEN];

		fprintf(out, "%s\"%s\"", i ? ", " : "",
			address_to_text(&list[i], with_length, text));
	}
	fputc(']', out);
}

/* The scalars of a mapping in braces, except those that have their default. */
static void put_flow(FILE *out, enum config_section section, const void *base, bool with_mac)
{
	size_t n, written = 0;
	const struct config_key *keys = config_section_keys(section, &n);

	for (size_t i = 0; i < n; i++) {
		char text[VALUE_TEXT_LEN];

		if (!keys[i].size || (keys[i].type == KEY_MAC && !with_mac) ||
		    is_fallback(&keys[i], value_text(&keys[i], base, text)))
			continue;
		fprintf(out, "%s%s: %s", written++ ? ", " : "", keys[i].name,
			value_text(&keys[i], base, text));
	}
}

static void put_routes(FILE *out, const struct port_cfg *port)
{
	for (size_t i = 0; i < port->n_routes; i++) {
		fputs(i ? ", {" : ", routes: [{", out);
		put_flow(out, SECTION_ROUTE, &port->routes[i], false);
		fputs(i + 1 < port->n_routes ? "}" : "}]", out);
	}
}

static void put_port(FILE *out, int indent, const struct port_cfg *port)
{
	fprintf(out, port->attached ? "%*s# {" : "%*s- {", indent, "");
	put_flow(out, SECTION_PORT, port, port->has_mac);
	put_addresses(out, "address", port->addresses, port->n_addresses, true);
	put_addresses(out, "gateway", port->gateways, port->n_gateways, false);
	put_addresses(out, "dns", port->dns, port->n_dns, false);
	put_routes(out, port);
	fprintf(out, "}%s\n",
		port->attached ? " by the attachment bridge" :
		port->runtime  ? "  # run-time port" :
				 "");
}

/* ---- groups and switches ---- */
/* "  - name: NAME": the first key of a list entry; the others follow in the same column. */
static void put_name(FILE *out, int indent, const struct config_key *key, const void *base)
{
	char text[VALUE_TEXT_LEN];

	fprintf(out, "%*s- name: %s\n", indent, "", value_text(key, base, text));
}

static void put_group(const struct writer *writer, const struct switch_cfg *sw,
		      const struct group_cfg *group)
{
	struct mapping mapping = { .out = writer->out, .indent = 8 };
	bool titled = false;
	size_t n;

	put_name(writer->out, 6, config_section_keys(SECTION_GROUP, &n), group);
	put_scalars(&mapping, SECTION_GROUP, group, NULL, "name");
	put_teaming(writer->out, 10, sw, &group->teaming);
	put_security(writer->out, 10, &group->security, &sw->security);
	for (size_t i = 0; i < group->n_ports; i++) {
		if (group->ports[i].runtime && !writer->runtime)
			continue;
		if (!titled && !group->ports[i].attached) {
			fputs("        ports:\n", writer->out);
			titled = true;
		}
		put_port(writer->out, 10, &group->ports[i]);
	}
}

static void put_switch(const struct writer *writer, const struct switch_cfg *sw)
{
	struct mapping mapping = { .out = writer->out, .indent = 4 };
	struct mapping lacp = { .out = writer->out, .indent = 6, .title = "lacp" };
	size_t n;

	put_name(writer->out, 2, config_section_keys(SECTION_SWITCH, &n), sw);
	put_scalars(&mapping, SECTION_SWITCH, sw, NULL, "name");
	put_uplinks(&mapping, "uplinks", sw, NULL, sw->n_uplinks);
	if (sw->channel == UL_CHANNEL_LACP) {
		const struct config_key *keys = config_section_keys(SECTION_LACP, &n);

		put_scalars(&lacp, SECTION_LACP, &sw->lacp, NULL, "system-id");
		for (size_t i = 0; sw->lacp.has_system_id && i < n; i++) {
			char text[VALUE_TEXT_LEN];

			if (strcmp(keys[i].name, "system-id") == 0)
				put(&lacp, "system-id", value_text(&keys[i], &sw->lacp, text));
		}
	}
	put_teaming(writer->out, 6, sw, NULL);
	put_security(writer->out, 6, &sw->security, NULL);
	if (sw->n_groups)
		fputs("    port-groups:\n", writer->out);
	for (size_t i = 0; i < sw->n_groups; i++)
		put_group(writer, sw, &sw->groups[i]);
}

int model_format(const struct model *model, bool runtime, char **ret)
{
	struct mapping control = { .indent = 2, .title = "control" };
	struct writer writer = { .runtime = runtime };
	char *text = NULL;
	size_t size;

	writer.out = open_memstream(&text, &size);
	if (!writer.out)
		return -ENOMEM;
	fputs(model->n_switches ? "switches:\n" : "switches: []\n", writer.out);
	for (size_t i = 0; i < model->n_switches; i++)
		put_switch(&writer, &model->switches[i]);
	control.out = writer.out;
	put_scalars(&control, SECTION_CONTROL, model, NULL, NULL);
	if (fclose(writer.out) == EOF) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
