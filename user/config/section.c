// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/reader.h"

#include <stdarg.h>

#include "common/similar.h"
#include "common/util.h"
#include "config/value.h"

void *reader_calloc(struct reader *reader, size_t n, size_t size)
{
	void *memory = calloc(n ? n : 1, size);

	if (!memory)
		reader->no_memory = true;
	return memory;
}

static const struct config_key *find_key(const struct section *section, const char *name)
{
	for (size_t i = 0; i < section->n_keys; i++)
		if (section->keys[i].name[0] == name[0] && strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	return NULL;
}

static size_t key_index(const struct section *section, const char *name)
{
	const struct config_key *key = find_key(section, name);

	if (!key)
		abort(); /* the callers' names are constants from the table */
	return (size_t)(key - section->keys);
}

bool section_given(const struct section *section, const char *name)
{
	return section->given >> key_index(section, name) & 1;
}

bool section_bad(const struct section *section, const char *name)
{
	return section->bad >> key_index(section, name) & 1;
}

const struct tree_node *section_value(const struct section *section, const char *name)
{
	return section->value[key_index(section, name)];
}

unsigned int section_line(const struct section *section, const char *name)
{
	const struct config_key *key = find_key(section, name);

	return key ? section->line[key - section->keys] : 0;
}

const struct tree_node *section_mapping(const struct section *section, const char *name)
{
	return section_bad(section, name) ? NULL : section_value(section, name);
}

static void section_mark_bad(struct section *section, const char *name)
{
	section->bad |= 1U << key_index(section, name);
}

/* ---- messages ---- */
static const char *similar_choice(const struct config_key *key, const char *text)
{
	const char *names[CONFIG_MAX_CHOICES];
	size_t n = 0;

	for (const struct choice *c = key->choices; c->name && n < ARRAY_SIZE(names); c++)
		if (!c->refusal)
			names[n++] = c->name;
	return most_similar(text, names, n);
}

static void refuse(struct reader *reader, const struct config_key *key,
		   const struct tree_node *node)
{
	char allowed[MISTAKE_PATH_LEN], shown[TREE_TEXT_LEN];
	const char *similar;
	bool quoted = node && node->type == TREE_SCALAR && !node->plain &&
		      (key->type == KEY_UINT || key->type == KEY_BOOL ||
		       key->type == KEY_BOOL_OR_SECTION);

	similar = node && node->type == TREE_SCALAR && key->choices ?
			  similar_choice(key, node->text) :
			  NULL;
	config_key_allowed(key, allowed, sizeof(allowed));
	mistakes_add(&reader->mistakes, key->name, "%s: must be %s%s%s%s%s",
		     node ? tree_show(node, shown) : "missing", allowed,
		     quoted ? ", not quoted" : "", similar ? "; the most similar is '" : "",
		     similar ? similar : "", similar ? "'" : "");
}

void item_mistake(struct reader *reader, const char *key, size_t i, const struct tree_node *node,
		  const char *format, ...)
{
	struct mistakes_scope outside = mistakes_enter(&reader->mistakes, "%s[%zu]", key, i);
	char shown[TREE_TEXT_LEN], text[MISTAKE_TEXT_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	mistakes_add_at(&reader->mistakes, node->line, NULL, "%s: %s", tree_show(node, shown),
			text);
	mistakes_leave(&reader->mistakes, outside);
}

static void report_unknown(struct reader *reader, const struct section *section,
			   const struct tree_node *node)
{
	char known[MISTAKE_PATH_LEN], shown[TREE_TEXT_LEN];
	const char *names[CONFIG_MAX_KEYS], *similar;
	size_t n = 0;

	tree_show(node, shown);
	if (strcmp(shown, "<<") == 0) {
		mistakes_add_at(
			&reader->mistakes, node->line, shown,
			"merge keys are not supported: write the keys out, or use an alias for a whole mapping");
		return;
	}
	for (size_t i = 0; i < section->n_keys; i++)
		if (section->keys[i].type != KEY_UNAVAILABLE)
			names[n++] = section->keys[i].name;
	similar = most_similar(shown, names, n);
	mistakes_add_at(&reader->mistakes, node->line, shown, "unknown key: must be %s%s%s%s%s",
			n > 1 ? "one of " : "", join_names(names, n, known, sizeof(known)),
			similar ? "; the most similar is '" : "", similar ? similar : "",
			similar ? "'" : "");
}

/* ---- one mapping ---- */
/* Stores each value at its row and reports unknown and double keys. */
static void sort_pairs(struct reader *reader, const struct tree_node *node, struct section *section)
{
	for (size_t i = 0; i + 1 < node->n_children; i += 2) {
		const struct tree_node *name =
			tree_visit(&reader->tree, node->child[i], &reader->mistakes);
		const struct tree_node *value =
			tree_visit(&reader->tree, node->child[i + 1], &reader->mistakes);
		const struct config_key *key;
		char shown[TREE_TEXT_LEN];
		size_t index;

		if (!name || !value)
			return;
		key = tree_text(name) ? find_key(section, tree_text(name)) : NULL;
		if (!key) {
			report_unknown(reader, section, name);
			continue;
		}
		index = (size_t)(key - section->keys);
		if (section->value[index]) {
			mistakes_add_at(&reader->mistakes, name->line, key->name,
					"%s: is given twice: must be given once",
					tree_show(value, shown));
			continue;
		}
		section->value[index] = value;
		section->line[index] = name->line;
		section->given |= 1U << index;
	}
}

static bool is_scalar(const struct config_key *key)
{
	return key->size > 0;
}

static int read_scalar(struct reader *reader, const struct config_key *key,
		       const struct tree_node *value, void *base)
{
	const char *text = tree_is_null(value) ? NULL : tree_text(value);
	const struct choice *choice = text && key->choices ? choice_find(key->choices, text) : NULL;
	int r;

	r = text ? value_store(key, text, value->plain, base) : -EINVAL;
	if (r == -ENOMEM)
		reader->no_memory = true;
	else if (r < 0 && choice && choice->refusal)
		mistakes_add(
			&reader->mistakes, key->name, "%s: %s: must be %s", text, choice->refusal,
			config_key_allowed(key, (char[MISTAKE_PATH_LEN]){ 0 }, MISTAKE_PATH_LEN));
	else if (r < 0)
		refuse(reader, key, value);
	return r;
}

static bool is_mapping_or_null(const struct tree_node *value)
{
	return value->type == TREE_MAPPING || tree_is_null(value);
}

/* Returns whether the value is correct. */
static bool read_value(struct reader *reader, const struct config_key *key,
		       const struct tree_node *value, void *base)
{
	if (key->type == KEY_UNAVAILABLE) {
		mistakes_add(&reader->mistakes, key->name, "not available in this version");
		return true;
	}
	if (key->type == KEY_BOOL_OR_SECTION && value->type == TREE_MAPPING)
		return value_store(key, "true", true, base) == 0;
	if (is_scalar(key))
		return read_scalar(reader, key, value, base) == 0;
	if (key->type == KEY_SECTION && !is_mapping_or_null(value)) {
		refuse(reader, key, value);
		return false;
	}
	return true;
}

static void read_row(struct reader *reader, struct section *section, size_t index, void *base,
		     bool presets)
{
	const struct config_key *key = &section->keys[index];
	const struct tree_node *value = section->value[index];

	if (is_scalar(key) && presets && key->fallback &&
	    value_store(key, key->fallback, true, base) == -ENOMEM)
		reader->no_memory = true;
	if (!value && key->section == SECTION_ROOT && reader->in_parts)
		return;
	if (!value && key->required)
		refuse(reader, key, NULL);
	if (value ? !read_value(reader, key, value, base) : key->required)
		section->bad |= 1U << index;
}

void section_read(struct reader *reader, const struct tree_node *node, enum config_section id,
		  void *base, bool presets, struct section *section)
{
	char shown[TREE_TEXT_LEN];

	*section = (struct section){ 0 };
	section->keys = config_section_keys(id, &section->n_keys);
	if (node)
		reader->mistakes.line = node->line;
	reader->mistakes.section = section;
	if (node && node->type == TREE_MAPPING) {
		sort_pairs(reader, node, section);
	} else if (node && !tree_is_null(node)) {
		mistakes_add(&reader->mistakes, NULL, "%s: must be a mapping",
			     tree_show(node, shown));
		section->bad = UINT32_MAX;
		return;
	}
	for (size_t i = 0; i < section->n_keys; i++)
		read_row(reader, section, i, base, presets);
}

/* ---- lists ---- */
const struct tree_node *section_list(struct reader *reader, struct section *section,
				     const char *name)
{
	const struct config_key *key = &section->keys[key_index(section, name)];
	const struct tree_node *list = section_value(section, name);
	char shown[TREE_TEXT_LEN], allowed[MISTAKE_PATH_LEN];
	size_t n;

	if (!list || (key->type == KEY_LIST && !key->required && tree_is_null(list)))
		return NULL;
	if (list->type != TREE_LIST) {
		refuse(reader, key, list);
		section_mark_bad(section, name);
		return NULL;
	}
	n = list_length(list);
	if (n < key->min || n > key->max) {
		config_key_allowed(key, allowed, sizeof(allowed));
		if (n)
			snprintf(shown, sizeof(shown), "%zu entries", n);
		mistakes_add(&reader->mistakes, name, "%s: must be %s", n ? shown : "[]", allowed);
		section_mark_bad(section, name);
		return NULL;
	}
	return list;
}

const struct tree_node *list_item(struct reader *reader, const struct tree_node *list, size_t i)
{
	return tree_visit(&reader->tree, list->child[i], &reader->mistakes);
}
