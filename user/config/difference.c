// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "config/difference.h"

#include "common/util.h"
#include "config/tree.h"

#define PATH_LEN 512

struct line {
	size_t path_length;
	char text[]; /* "PATH: VALUE" or "PATH" */
};

struct lines {
	struct line **line;
	size_t n, room;
};

static void lines_done(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->line[i]);
	free(lines->line);
}

/* value NULL: the path alone */
static int add_line(struct lines *lines, const char *path, const char *value)
{
	size_t length = strlen(path), size = length + (value ? strlen(value) + 2 : 0) + 1;
	struct line *line;

	if (lines->n == lines->room) {
		size_t room = lines->room ? 2 * lines->room : 64;
		struct line **more = reallocarray(lines->line, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		lines->line = more;
		lines->room = room;
	}
	line = malloc(sizeof(*line) + size);
	if (!line)
		return -ENOMEM;
	line->path_length = length;
	snprintf(line->text, size, "%s%s%s", path, value ? ": " : "", value ? value : "");
	lines->line[lines->n++] = line;
	return 0;
}

/* ---- a tree as lines ---- */
/* What names a mapping in a list; NULL: nothing does. */
static const char *identity_of(const struct tree_node *node)
{
	for (size_t i = 0; node->type == TREE_MAPPING && i + 1 < node->n_children; i += 2)
		if (node->child[i]->type == TREE_SCALAR &&
		    node->child[i + 1]->type == TREE_SCALAR &&
		    (strcmp(node->child[i]->text, "name") == 0 ||
		     strcmp(node->child[i]->text, "interface") == 0))
			return node->child[i + 1]->text;
	return NULL;
}

static bool has_only_scalars(const struct tree_node *list)
{
	for (size_t i = 0; i < list->n_children; i++)
		if (list->child[i]->type != TREE_SCALAR)
			return false;
	return true;
}

static int add_scalars(struct lines *lines, const char *path, const struct tree_node *list)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < list->n_children; i++)
		fprintf(out, "%s%s", i ? ", " : "[", list->child[i]->text);
	fputs(list->n_children ? "]" : "[]", out);
	r = fclose(out) == EOF ? -ENOMEM : add_line(lines, path, text);
	free(text);
	return r;
}

/* The trees are made from texts of model_format(), which have no aliases. */
static int flatten(struct lines *lines, const char *path, const struct tree_node *node)
{
	char below[PATH_LEN];
	int r = 0;

	if (node->type == TREE_SCALAR)
		return add_line(lines, path, node->text);
	if (node->type == TREE_LIST && has_only_scalars(node))
		return add_scalars(lines, path, node);
	for (size_t i = 0; r == 0 && node->type == TREE_LIST && i < node->n_children; i++) {
		const char *identity = identity_of(node->child[i]);

		if (identity)
			snprintf(below, sizeof(below), "%s[%s]", path, identity);
		else
			snprintf(below, sizeof(below), "%s[%zu]", path, i);
		r = add_line(lines, below, NULL);
		if (r == 0)
			r = flatten(lines, below, node->child[i]);
	}
	for (size_t i = 0; r == 0 && node->type == TREE_MAPPING && i + 1 < node->n_children;
	     i += 2) {
		const char *key = node->child[i]->text, *identity = identity_of(node);

		if (path[0] && identity == node->child[i + 1]->text)
			continue; /* it is in the path */
		snprintf(below, sizeof(below), "%s%s%s", path, path[0] ? "." : "", key);
		r = flatten(lines, below, node->child[i + 1]);
	}
	return r;
}

/* ---- comparison ---- */
static int compare_paths(const struct line *a, const struct line *b)
{
	size_t shorter = a->path_length < b->path_length ? a->path_length : b->path_length;
	int r = memcmp(a->text, b->text, shorter);

	return r ? r : (a->path_length > b->path_length) - (a->path_length < b->path_length);
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *const *first = a, *const *second = b;
	int r = compare_paths(*first, *second);

	return r ? r : strcmp((*first)->text, (*second)->text);
}

static int read_lines(const char *text, struct lines *ret)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct mistakes mistakes = { .file = "configuration", .errors = &errors };
	struct tree tree = {};
	int r = tree_load(&tree, text, strlen(text), &mistakes);

	if (r == 0 && tree.root)
		r = flatten(ret, "", tree.root);
	tree_done(&tree);
	if (r == 0)
		qsort(ret->line, ret->n, sizeof(*ret->line), compare_lines);
	return r;
}

static void put(FILE *out, char sign, const struct line *line, size_t *n)
{
	if ((*n)++ < DIFFERENCE_MAX_LINES)
		fprintf(out, "%c %s\n", sign, line->text);
}

/* Both lists are sorted. */
static void merge(const struct lines *before, const struct lines *after, FILE *out)
{
	size_t b = 0, a = 0, n = 0;

	while (b < before->n || a < after->n) {
		int order = b == before->n ? 1 :
			    a == after->n  ? -1 :
					     compare_paths(before->line[b], after->line[a]);
		bool same = order == 0 && strcmp(before->line[b]->text, after->line[a]->text) == 0;

		if (order <= 0 && !same)
			put(out, '-', before->line[b], &n);
		if (order >= 0 && !same)
			put(out, '+', after->line[a], &n);
		b += order <= 0;
		a += order >= 0;
	}
	if (n > DIFFERENCE_MAX_LINES)
		fprintf(out, "... %zu more lines\n", n - DIFFERENCE_MAX_LINES);
}

int config_difference(const char *before, const char *after, char **ret)
{
	_cleanup_(lines_done) struct lines old = {}, new = {};
	char *text = NULL;
	size_t size;
	FILE *out;
	int r = 0;

	/* mostly, after a reload; reading them takes as long as reading the files */
	if (strcmp(before, after) != 0) {
		r = read_lines(before, &old);
		if (r == 0)
			r = read_lines(after, &new);
	}
	if (r < 0)
		return r;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	merge(&old, &new, out);
	if (fclose(out) == EOF) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
