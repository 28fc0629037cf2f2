// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* schema: the JSON Schema of the configuration for editors, made from the table of keys. Rules
 * between keys are uplinkctl check's. */
#include "config/keys.h"
#include "config/model.h"
#include "ctl/ctl.h"

#define MAC_PATTERN "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$"
#define INTERFACE_PATTERN "^[^/: %]{1,15}$"

static json_t *section_schema(enum config_section section);

static json_t *text_schema(const char *pattern)
{
	return pattern ? json_pack("{s:s, s:s}", "type", "string", "pattern", pattern) :
			 json_pack("{s:s}", "type", "string");
}

/* A value that may also be written as a number: names and VLANs are taken with and without
 * quotes. */
static json_t *loose_text(const char *pattern)
{
	return json_pack("{s:[{s:s, s:s}, {s:s}]}", "anyOf", "type", "string", "pattern", pattern,
			 "type", "integer");
}

static json_t *choice_schema(const struct config_key *key)
{
	json_t *names = json_array();

	for (const struct choice *choice = key->choices; choice->name; choice++)
		if (!choice->refusal)
			json_array_append_new(names, json_string(choice->name));
	return json_pack("{s:o}", "enum", names);
}

static json_t *list_schema(const struct config_key *key, json_t *items, bool or_null)
{
	json_t *schema = json_pack("{s:s, s:I, s:I, s:o}", "type", "array", "minItems",
				   (json_int_t)key->min, "maxItems", (json_int_t)key->max, "items",
				   items);

	if (or_null)
		json_object_set_new(schema, "type", json_pack("[s, s]", "array", "null"));
	return schema;
}

/* The section that a key of lists or mappings opens. */
static enum config_section section_of(const struct config_key *key)
{
	static const struct {
		const char *name;
		enum config_section section;
	} rows[] = {
		{ "switches", SECTION_SWITCH },
		{ "control", SECTION_CONTROL },
		{ "lacp", SECTION_LACP },
		{ "pagp", SECTION_PAGP },
		{ "teaming", SECTION_TEAMING },
		{ "security", SECTION_SECURITY },
		{ "mac-learning", SECTION_LEARNING },
		{ "port-groups", SECTION_GROUP },
		{ "ports", SECTION_PORT },
		{ "routes", SECTION_ROUTE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, key->name) == 0)
			return rows[i].section;
	abort(); /* a new key of the table needs a row here; the unit test finds it */
}

static json_t *value_schema(const struct config_key *key)
{
	switch (key->type) {
	case KEY_UINT:
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
				 (json_int_t)key->min, "maximum", (json_int_t)key->max);
	case KEY_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case KEY_CHOICE:
		return choice_schema(key);
	case KEY_SWITCH_NAME:
		return loose_text("^[a-z0-9-]{1,15}$");
	case KEY_GROUP_NAME:
		return loose_text("^[^/'\"]{1,63}$");
	case KEY_INTERFACE:
		return loose_text(INTERFACE_PATTERN);
	case KEY_MAC:
		return text_schema(MAC_PATTERN);
	case KEY_VLAN:
		return json_pack("{s:[{s:s, s:i, s:i}, {s:s, s:s}]}", "anyOf", "type", "integer",
				 "minimum", 0, "maximum", 4095, "type", "string", "pattern",
				 "^[0-9]+(-[0-9]+)?(, *[0-9]+(-[0-9]+)?)*$");
	case KEY_PATH:
		return text_schema("^/.{1,106}$");
	case KEY_USER_GROUP:
		return text_schema("^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,30}$");
	case KEY_ADDRESS:
	case KEY_PREFIX:
		return text_schema("^[0-9a-fA-F:./]{2,49}$");
	case KEY_NAMES:
		return list_schema(key, loose_text("."), false);
	case KEY_NAMES_OR_ONE:
		return json_pack("{s:[o, o]}", "anyOf", text_schema("."),
				 list_schema(key, text_schema("."), false));
	case KEY_LIST:
		return list_schema(key, section_schema(section_of(key)), !key->required);
	case KEY_SECTION:
		return section_schema(section_of(key));
	case KEY_BOOL_OR_SECTION:
		return json_pack("{s:[{s:s}, o]}", "anyOf", "type", "boolean",
				 section_schema(section_of(key)));
	default:
		return NULL;
	}
}

static void add_key(json_t *properties, json_t *required, const struct config_key *key)
{
	json_t *schema = value_schema(key);

	if (!schema)
		return;
	json_object_set_new(schema, "description", json_string(key->help));
	if (key->fallback && key->type == KEY_UINT)
		json_object_set_new(schema, "default", json_integer(atoll(key->fallback)));
	else if (key->fallback && key->type == KEY_BOOL)
		json_object_set_new(schema, "default",
				    json_boolean(strcmp(key->fallback, "true") == 0));
	else if (key->fallback && key->type == KEY_CHOICE)
		json_object_set_new(schema, "default", json_string(key->fallback));
	json_object_set_new(properties, key->name, schema);
	if (key->required)
		json_array_append_new(required, json_string(key->name));
}

static json_t *section_schema(enum config_section section)
{
	json_t *properties = json_object(), *required = json_array();
	size_t n;
	const struct config_key *keys = config_section_keys(section, &n);
	json_t *schema;

	for (size_t i = 0; i < n; i++)
		add_key(properties, required, &keys[i]);
	schema = json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0,
			   "properties", properties);
	/* A mapping without required keys may stand without a value. */
	if (json_array_size(required) == 0) {
		json_object_set_new(schema, "type", json_pack("[s, s]", "object", "null"));
		json_decref(required);
	} else {
		json_object_set_new(schema, "required", required);
	}
	return schema;
}

int cmd_schema(struct ctl *ctl)
{
	json_t *schema = section_schema(SECTION_ROOT);

	/* Of several files, only one needs switches. */
	json_object_del(schema, "required");
	json_object_set_new(schema, "$schema",
			    json_string("http://json-schema.org/draft-07/schema#"));
	json_object_set_new(schema, "title", json_string("Configuration of uplinkd " UL_VERSION));
	return ctl_print_json(ctl, schema);
}
