// SPDX-License-Identifier: GPL-2.0
#include "config/reader.h"

#include <stdarg.h>

#include "common/util.h"
#include "config/value.h"

void *reader_calloc(struct reader *reader, size_t n, size_t size)
{
	void *memory = calloc(n ? n : 1, size);

	if (!memory)
		reader->no_memory = true;
	return memory;
}

static size_t place_of(const struct section *section, const char *name,
		       const struct config_key **ret_key)
{
	size_t n;
	const struct config_key *keys = config_section_keys(section->id, &n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(keys[i].name, name) == 0) {
			*ret_key = &keys[i];
			return i;
		}
	}
	abort(); /* the callers' names are constants from the table */
}

bool section_given(const struct section *section, const char *name)
{
	const struct config_key *key;

	return section->given >> place_of(section, name, &key) & 1;
}

bool section_bad(const struct section *section, const char *name)
{
	const struct config_key *key;

	return section->bad >> place_of(section, name, &key) & 1;
}

const yaml_node_t *section_value(const struct section *section, const char *name)
{
	const struct config_key *key;

	return section->value[place_of(section, name, &key)];
}

const yaml_node_t *section_mapping(const struct section *section, const char *name)
{
	return section_bad(section, name) ? NULL : section_value(section, name);
}

static void section_mark_bad(struct section *section, const char *name)
{
	const struct config_key *key;

	section->bad |= 1U << place_of(section, name, &key);
}

/* ---- messages
 * --------------------------------------------------------------------------------------------------------
 */
static void refuse(struct reader *reader, const char *place, const struct config_key *key,
		   const yaml_node_t *node)
{
	char allowed[REPORT_PATH_LEN], shown[TREE_TEXT_LEN];

	bool quoted = node && node->type == YAML_SCALAR_NODE && !tree_is_plain(node) &&
		      (key->type == KEY_UINT || key->type == KEY_BOOL);

	config_key_allowed(key, allowed, sizeof(allowed));
	report_mistake(&reader->report, place, "%s: must be %s%s",
		       node ? tree_show(&reader->tree, node, shown) : "missing", allowed,
		       quoted ? ", not quoted" : "");
}

void item_mistake(struct reader *reader, const char *key, size_t i, const yaml_node_t *node,
		  const char *format, ...)
{
	size_t outside = report_enter(&reader->report, "%s[%zu]", key, i);
	char shown[TREE_TEXT_LEN], text[REPORT_MISTAKE_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	report_mistake(&reader->report, NULL, "%s: %s", tree_show(&reader->tree, node, shown),
		       text);
	report_leave(&reader->report, outside);
}

static void report_unknown(struct reader *reader, const struct section *section,
			   const yaml_node_t *node)
{
	char known[REPORT_PATH_LEN], shown[TREE_TEXT_LEN];
	size_t n, used = 0;
	const struct config_key *keys = config_section_keys(section->id, &n);

	tree_show(&reader->tree, node, shown);
	if (strcmp(shown, "<<") == 0) {
		report_mistake(
			&reader->report, shown,
			"merge keys are not supported: write the keys out, or use an alias for a whole mapping");
		return;
	}
	for (size_t i = 0; i < n && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 i == 0	    ? "" :
					 i == n - 1 ? " or " :
						      ", ",
					 keys[i].name);
	report_mistake(&reader->report, shown, "unknown key: must be %s%s", n > 1 ? "one of " : "",
		       known);
}

/* ---- one mapping
 * -------------------------------------------------------------------------------------------------------
 */
/* Puts each value to its row: unknown and double keys are found here. */
static void sort_pairs(struct reader *reader, const yaml_node_t *node, struct section *section)
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;

	for (; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = tree_node(&reader->tree, pair->key, &reader->report);
		const yaml_node_t *value = tree_node(&reader->tree, pair->value, &reader->report);
		const struct config_key *key;
		char shown[TREE_TEXT_LEN];
		size_t place;

		if (!name || !value)
			return;
		key = tree_text(name) ? config_key_find(section->id, tree_text(name)) : NULL;
		if (!key) {
			report_unknown(reader, section, name);
			continue;
		}
		place = place_of(section, key->name, &key);
		if (section->value[place]) {
			report_mistake(&reader->report, key->name,
				       "%s: is given twice: must be given once",
				       tree_show(&reader->tree, value, shown));
			continue;
		}
		section->value[place] = value;
		section->given |= 1U << place;
	}
}

static bool is_scalar(const struct config_key *key)
{
	return key->size > 0;
}

static int read_scalar(struct reader *reader, const struct config_key *key,
		       const yaml_node_t *value, void *base)
{
	const char *text = tree_is_null(value) ? NULL : tree_text(value);
	const struct choice *choice = text && key->choices ? choice_find(key->choices, text) : NULL;
	int r;

	r = text ? value_store(key, text, tree_is_plain(value), base) : -EINVAL;
	if (r == -ENOMEM)
		reader->no_memory = true;
	else if (r < 0 && choice && choice->refusal)
		report_mistake(
			&reader->report, key->name, "%s: %s: must be %s", text, choice->refusal,
			config_key_allowed(key, (char[REPORT_PATH_LEN]){ 0 }, REPORT_PATH_LEN));
	else if (r < 0)
		refuse(reader, key->name, key, value);
	return r;
}

static void read_row(struct reader *reader, struct section *section, size_t place,
		     const struct config_key *key, void *base, bool presets)
{
	const yaml_node_t *value = section->value[place];

	if (is_scalar(key) && presets && key->fallback &&
	    value_store(key, key->fallback, true, base) == -ENOMEM)
		reader->no_memory = true;

	if (!value) {
		if (key->required) {
			refuse(reader, key->name, key, NULL);
			section->bad |= 1U << place;
		}
	} else if (key->type == KEY_UNAVAILABLE) {
		report_mistake(&reader->report, key->name, "not available in this version");
	} else if (is_scalar(key) && read_scalar(reader, key, value, base) < 0) {
		section->bad |= 1U << place;
	} else if (key->type == KEY_SECTION && value->type != YAML_MAPPING_NODE &&
		   !tree_is_null(value)) {
		refuse(reader, key->name, key, value);
		section->bad |= 1U << place;
	}
}

void section_read(struct reader *reader, const yaml_node_t *node, enum config_section id,
		  void *base, bool presets, struct section *section)
{
	char shown[TREE_TEXT_LEN];
	size_t n;
	const struct config_key *keys = config_section_keys(id, &n);

	*section = (struct section){ .id = id };
	if (node && node->type == YAML_MAPPING_NODE) {
		sort_pairs(reader, node, section);
	} else if (node && !tree_is_null(node)) {
		report_mistake(&reader->report, NULL, "%s: must be a mapping",
			       tree_show(&reader->tree, node, shown));
		section->bad = UINT32_MAX;
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_row(reader, section, i, &keys[i], base, presets);
}

/* ---- lists
 * ---------------------------------------------------------------------------------------------------------------
 */
const yaml_node_t *section_list(struct reader *reader, struct section *section, const char *name)
{
	const struct config_key *key;
	const yaml_node_t *list = section->value[place_of(section, name, &key)];
	char shown[TREE_TEXT_LEN], allowed[REPORT_PATH_LEN];
	size_t n;

	if (!list || (key->type == KEY_LIST && !key->required && tree_is_null(list)))
		return NULL;
	if (list->type != YAML_SEQUENCE_NODE) {
		refuse(reader, name, key, list);
		section_mark_bad(section, name);
		return NULL;
	}
	n = tree_n_items(list);
	if (n < key->min || n > key->max) {
		config_key_allowed(key, allowed, sizeof(allowed));
		if (n)
			snprintf(shown, sizeof(shown), "%zu entries", n);
		report_mistake(&reader->report, name, "%s: must be %s", n ? shown : "[]", allowed);
		section_mark_bad(section, name);
		return NULL;
	}
	return list;
}

const yaml_node_t *list_item(struct reader *reader, const yaml_node_t *list, size_t i)
{
	return tree_node(&reader->tree, list->data.sequence.items.start[i], &reader->report);
}
