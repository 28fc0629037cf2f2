// SPDX-License-Identifier: GPL-2.0
#include "config/tree.h"

#include "common/util.h"

/* libyaml gives a line and column, except for characters that are no valid text: then an offset in
 * the file. */
static void report_syntax(struct report *report, const yaml_parser_t *parser, const char *text,
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
	report->n++;
	if (parser->context)
		config_error_add(report->errors, "%s:%zu:%zu: %s (%s, line %zu)", report->file,
				 line, column, problem, parser->context,
				 parser->context_mark.line + 1);
	else
		config_error_add(report->errors, "%s:%zu:%zu: %s", report->file, line, column,
				 problem);
}

static int load_documents(struct tree *tree, yaml_parser_t *parser, struct report *report)
{
	yaml_document_t next;
	bool more;

	if (!yaml_parser_load(parser, &tree->document))
		return -EINVAL;
	tree->loaded = true;
	if (!yaml_document_get_root_node(&tree->document))
		return 0;

	if (!yaml_parser_load(parser, &next))
		return -EINVAL;
	more = yaml_document_get_root_node(&next);
	if (more) {
		report->n++;
		config_error_add(report->errors,
				 "%s:%zu:1: a second document begins: must be one document",
				 report->file, next.start_mark.line + 1);
	}
	yaml_document_delete(&next);
	return 0;
}

int tree_load(struct tree *tree, const char *text, size_t length, struct report *report)
{
	yaml_parser_t parser;
	int r;

	*tree = (struct tree){ 0 };
	if (length > TREE_MAX_BYTES) {
		report_mistake(report, NULL, "%zu bytes: must be at most %u bytes", length,
			       TREE_MAX_BYTES);
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);

	r = load_documents(tree, &parser, report);
	if (r < 0 && parser.error == YAML_MEMORY_ERROR)
		r = -ENOMEM;
	else if (r < 0)
		report_syntax(report, &parser, text, length);
	yaml_parser_delete(&parser);
	if (r < 0)
		tree_done(tree);
	return r;
}

void tree_done(struct tree *tree)
{
	if (tree->loaded)
		yaml_document_delete(&tree->document);
	tree->loaded = false;
}

const yaml_node_t *tree_root(struct tree *tree)
{
	return yaml_document_get_root_node(&tree->document);
}

const yaml_node_t *tree_node(struct tree *tree, int id, struct report *report)
{
	if (tree->exhausted)
		return NULL;
	if (tree->steps++ >= TREE_MAX_STEPS) {
		tree->exhausted = true;
		report_mistake(report, NULL, "more than %u values, aliases included",
			       TREE_MAX_STEPS);
		return NULL;
	}
	return yaml_document_get_node(&tree->document, id);
}

bool tree_is_plain(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

const char *tree_text(const yaml_node_t *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE ||
	    strcmp((const char *)node->tag, YAML_DEFAULT_SCALAR_TAG) != 0)
		return NULL;
	text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

bool tree_is_null(const yaml_node_t *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	const char *text = tree_is_plain(node) ? tree_text(node) : NULL;

	for (size_t i = 0; text && i < ARRAY_SIZE(nulls); i++)
		if (strcmp(text, nulls[i]) == 0)
			return true;
	return false;
}

/* Appends at most room - 1 characters, the last three as "..." where the text is longer. */
static size_t show_scalar(const yaml_node_t *node, char *text, size_t room)
{
	size_t length = node->data.scalar.length, n = length < room ? length : room - 1;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = node->data.scalar.value[i];

		text[i] = c < 0x20 || c > 0x7e ? '?' : (char)c;
	}
	if (n < length && n >= 3)
		memcpy(text + n - 3, "...", 3);
	text[n] = '\0';
	return n;
}

/* Lists of scalars are shown whole where they fit. */
static bool show_list(struct tree *tree, const yaml_node_t *list, char text[TREE_TEXT_LEN])
{
	size_t used = 1;

	text[0] = '[';
	for (const int *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(&tree->document, *item);

		if (!node || node->type != YAML_SCALAR_NODE ||
		    used + node->data.scalar.length + 4 > TREE_TEXT_LEN)
			return false;
		if (used > 1)
			used += (size_t)snprintf(text + used, TREE_TEXT_LEN - used, ", ");
		used += show_scalar(node, text + used, TREE_TEXT_LEN - used);
	}
	memcpy(text + used, "]", 2);
	return true;
}

const char *tree_show(struct tree *tree, const yaml_node_t *node, char text[TREE_TEXT_LEN])
{
	const char *what = NULL;

	if (node->type == YAML_MAPPING_NODE)
		what = node->data.mapping.pairs.start == node->data.mapping.pairs.top ? "{}" :
											"a mapping";
	else if (node->type == YAML_SEQUENCE_NODE)
		what = show_list(tree, node, text) ? NULL : "a list";
	else if (tree_is_null(node))
		what = "no value";
	else if (strcmp((const char *)node->tag, YAML_DEFAULT_SCALAR_TAG) != 0)
		what = "a value with a tag";
	else if (node->data.scalar.length == 0)
		what = "\"\"";
	else
		show_scalar(node, text, TREE_TEXT_LEN);

	if (what)
		snprintf(text, TREE_TEXT_LEN, "%s", what);
	return text;
}
