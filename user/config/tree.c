// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/tree.h"

#include <search.h>
#include <stdarg.h>
#include <yaml.h>

#include "common/util.h"

struct anchor {
	struct tree_node *node;
	char name[];
};

struct composer {
	struct tree *tree;
	struct mistakes *mistakes;
	void *anchors; /* of tsearch(3) */
	struct tree_node *open[TREE_MAX_DEPTH];
	size_t depth;
	size_t n_documents;
};

/* ---- messages ---- */
/* libyaml gives a line and column, except for bytes that are not valid text: then an offset in the
 * file. */
static void report_syntax(struct mistakes *mistakes, const yaml_parser_t *parser, const char *text,
			  size_t length)
{
	size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
	const char *problem = parser->problem ? parser->problem : "not YAML";

	if (parser->error == YAML_READER_ERROR) {
		size_t end = parser->problem_offset < length ? parser->problem_offset : length;

		line = column = 1;
		for (size_t i = 0; i < end; i++, column++)
			if (text[i] == '\n') {
				line++;
				column = 0;
			}
	}
	mistakes->n++;
	if (parser->context)
		errors_add(mistakes->errors, 0, "%s:%zu:%zu: %s (%s, line %zu)", mistakes->file,
			   line, column, problem, parser->context, parser->context_mark.line + 1);
	else
		errors_add(mistakes->errors, 0, "%s:%zu:%zu: %s", mistakes->file, line, column,
			   problem);
}

static int refuse(struct composer *composer, const yaml_event_t *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct composer *composer, const yaml_event_t *event, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	composer->mistakes->n++;
	errors_add(composer->mistakes->errors, 0, "%s:%zu:%zu: %s", composer->mistakes->file,
		   event->start_mark.line + 1, event->start_mark.column + 1, text);
	return -EINVAL;
}

/* ---- anchors ---- */
static int compare_anchors(const void *a, const void *b)
{
	return strcmp(((const struct anchor *)a)->name, ((const struct anchor *)b)->name);
}

static int add_anchor(struct composer *composer, const yaml_event_t *event, const char *name,
		      struct tree_node *node)
{
	struct anchor *anchor, **found;

	anchor = malloc(sizeof(*anchor) + strlen(name) + 1);
	if (!anchor)
		return -ENOMEM;
	anchor->node = node;
	strcpy(anchor->name, name);
	found = tsearch(anchor, &composer->anchors, compare_anchors);
	if (found && *found == anchor)
		return 0;
	free(anchor);
	if (!found)
		return -ENOMEM;
	return refuse(composer, event, "anchor %.64s: defined in line %u: must be another name",
		      name, (*found)->node->line);
}

static struct tree_node *find_anchor(const struct composer *composer, const char *name)
{
	_cleanup_free_ struct anchor *wanted = malloc(sizeof(*wanted) + strlen(name) + 1);
	struct anchor **found;

	if (!wanted)
		return NULL;
	strcpy(wanted->name, name);
	found = tfind(wanted, &composer->anchors, compare_anchors);
	return found ? (*found)->node : NULL;
}

/* ---- nodes ---- */
static int append_child(struct tree_node *parent, struct tree_node *node)
{
	size_t n = parent->n_children;

	/* room for a power of two entries, at least 4 */
	if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
		struct tree_node **more =
			reallocarray(parent->child, n < 4 ? 4 : n * 2, sizeof(*parent->child));

		if (!more)
			return -ENOMEM;
		parent->child = more;
	}
	parent->child[parent->n_children++] = node;
	return 0;
}

static int attach(struct composer *composer, struct tree_node *node)
{
	if (composer->depth == 0) {
		composer->tree->root = node;
		return 0;
	}
	return append_child(composer->open[composer->depth - 1], node);
}

static int add_node(struct composer *composer, const yaml_event_t *event, enum tree_type type,
		    const yaml_char_t *text, size_t length, const yaml_char_t *anchor,
		    const yaml_char_t *tag, struct tree_node **ret)
{
	struct tree *tree = composer->tree;
	struct tree_node *node;
	int r;

	if (tree->n_nodes >= TREE_MAX_VALUES)
		return refuse(composer, event, "more than %u values: must be at most %u",
			      TREE_MAX_VALUES, TREE_MAX_VALUES);
	node = calloc(1, sizeof(*node) + length + 1);
	if (!node)
		return -ENOMEM;
	node->next = tree->nodes;
	tree->nodes = node;
	tree->n_nodes++;

	node->type = type;
	node->line = (uint32_t)event->start_mark.line + 1;
	node->tagged = tag;
	node->length = length;
	if (length)
		memcpy(node->text, text, length);
	r = attach(composer, node);
	if (r == 0 && anchor)
		r = add_anchor(composer, event, (const char *)anchor, node);
	*ret = node;
	return r;
}

static int add_scalar(struct composer *composer, const yaml_event_t *event)
{
	const yaml_char_t *tag = event->data.scalar.tag;
	struct tree_node *node = NULL;
	int r;

	/* "!!str" and "!" name the type that a scalar has without a tag. */
	if (tag &&
	    (strcmp((const char *)tag, YAML_STR_TAG) == 0 || strcmp((const char *)tag, "!") == 0))
		tag = NULL;
	r = add_node(composer, event, TREE_SCALAR, event->data.scalar.value,
		     event->data.scalar.length, event->data.scalar.anchor, tag, &node);
	if (node)
		node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return r;
}

static int open_node(struct composer *composer, const yaml_event_t *event, enum tree_type type,
		     const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct tree_node *node = NULL;
	int r;

	if (composer->depth == TREE_MAX_DEPTH)
		return refuse(composer, event, "%d levels of lists and mappings: must be 0-%d",
			      TREE_MAX_DEPTH + 1, TREE_MAX_DEPTH);
	r = add_node(composer, event, type, NULL, 0, anchor, tag, &node);
	if (r == 0)
		composer->open[composer->depth++] = node;
	return r;
}

static int add_alias(struct composer *composer, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct tree_node *node = find_anchor(composer, name);

	if (!node)
		return refuse(composer, event, "alias %.64s: undefined: must be an anchor above it",
			      name);
	return attach(composer, node);
}

static int add_event(struct composer *composer, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (composer->n_documents++)
			return refuse(composer, event,
				      "a second document begins: must be one document");
		return 0;
	case YAML_SCALAR_EVENT:
		return add_scalar(composer, event);
	case YAML_ALIAS_EVENT:
		return add_alias(composer, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(composer, event, TREE_LIST, event->data.sequence_start.anchor,
				 event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_node(composer, event, TREE_MAPPING, event->data.mapping_start.anchor,
				 event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		composer->depth--;
		return 0;
	default:
		return 0;
	}
}

static int compose(struct composer *composer, yaml_parser_t *parser, const char *text,
		   size_t length)
{
	bool ended = false;
	int r = 0;

	while (r == 0 && !ended) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			if (parser->error == YAML_MEMORY_ERROR)
				return -ENOMEM;
			report_syntax(composer->mistakes, parser, text, length);
			return -EINVAL;
		}
		ended = event.type == YAML_STREAM_END_EVENT;
		r = add_event(composer, &event);
		yaml_event_delete(&event);
	}
	return r;
}

int tree_load(struct tree *tree, const char *text, size_t length, struct mistakes *mistakes)
{
	struct composer composer = { .tree = tree, .mistakes = mistakes };
	yaml_parser_t parser;
	int r;

	*tree = (struct tree){ 0 };
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	r = compose(&composer, &parser, text, length);
	yaml_parser_delete(&parser);
	tdestroy(composer.anchors, free);
	return r;
}

void tree_done(struct tree *tree)
{
	struct tree_node *next;

	for (struct tree_node *node = tree->nodes; node; node = next) {
		next = node->next;
		free(node->child);
		free(node);
	}
	*tree = (struct tree){ 0 };
}

const struct tree_node *tree_visit(struct tree *tree, const struct tree_node *node,
				   struct mistakes *mistakes)
{
	if (tree->exhausted)
		return NULL;
	if (tree->steps++ >= TREE_MAX_VALUES) {
		tree->exhausted = true;
		mistakes_add(mistakes, NULL, "more than %u values, aliases included",
			     TREE_MAX_VALUES);
		return NULL;
	}
	return node;
}

/* ---- values ---- */
const char *tree_text(const struct tree_node *node)
{
	if (node->type != TREE_SCALAR || node->tagged)
		return NULL;
	return strlen(node->text) == node->length ? node->text : NULL;
}

bool tree_is_null(const struct tree_node *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	const char *text = node->plain ? tree_text(node) : NULL;

	if (!text || !strchr("~nN", text[0])) /* the NUL of "" is found, too */
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		if (strcmp(text, nulls[i]) == 0)
			return true;
	return false;
}

/* Appends at most room - 1 characters, the last three as "..." where the text is longer. */
static size_t show_scalar(const struct tree_node *node, char *text, size_t room)
{
	size_t n = node->length < room ? node->length : room - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = is_printable_ascii(node->text[i]) ? node->text[i] : '?';
	if (n < node->length && n >= 3)
		memcpy(text + n - 3, "...", 3);
	text[n] = '\0';
	return n;
}

/* Lists of scalars are shown whole where they fit. */
static bool show_list(const struct tree_node *list, char text[TREE_TEXT_LEN])
{
	size_t used = 1;

	text[0] = '[';
	for (size_t i = 0; i < list->n_children; i++) {
		const struct tree_node *node = list->child[i];

		if (node->type != TREE_SCALAR || used + node->length + 4 > TREE_TEXT_LEN)
			return false;
		if (used > 1)
			used += (size_t)snprintf(text + used, TREE_TEXT_LEN - used, ", ");
		used += show_scalar(node, text + used, TREE_TEXT_LEN - used);
	}
	memcpy(text + used, "]", 2);
	return true;
}

const char *tree_show(const struct tree_node *node, char text[TREE_TEXT_LEN])
{
	const char *what = NULL;

	if (node->type == TREE_MAPPING)
		what = node->n_children ? "a mapping" : "{}";
	else if (node->type == TREE_LIST)
		what = show_list(node, text) ? NULL : "a list";
	else if (tree_is_null(node))
		what = "no value";
	else if (node->tagged)
		what = "a value with a tag";
	else if (node->length == 0)
		what = "\"\"";
	else
		show_scalar(node, text, TREE_TEXT_LEN);

	if (what)
		snprintf(text, TREE_TEXT_LEN, "%s", what);
	return text;
}
