// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* YAML to a tree: shapes, lines, aliases, tags, and the text of values in messages. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "config/tree.h"

static struct tree tree;
static struct errors errors;
static struct mistakes mistakes = { .errors = &errors, .file = "t.yaml" };

static void teardown(void)
{
	tree_done(&tree);
	errors_done(&errors);
}

TestSuite(config_tree, .fini = teardown);

static const struct tree_node *load(const char *text)
{
	cr_assert_eq(tree_load(&tree, text, strlen(text), &mistakes), 0, "%s",
		     errors.n ? errors.messages[0] : "");
	return tree.root;
}

Test(config_tree, empty_documents)
{
	static const char *const texts[] = { "", "\n\n", "# comment\n" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cr_expect_null(load(texts[i]));
		tree_done(&tree);
	}
	cr_assert_not_null(load("---\n...\n"));
	cr_expect(tree_is_null(tree.root));
}

/* Keys and values of a mapping in turn, entries of a list, each with its line. */
Test(config_tree, shapes_and_lines)
{
	const struct tree_node *root = load("a: 1\nb:\n  - x\n\n  - {c: d}\n"), *list;

	cr_assert_eq(root->type, TREE_MAPPING);
	cr_assert_eq(root->n_children, 4);
	cr_expect_eq(root->line, 1);
	cr_expect_str_eq(tree_text(root->child[0]), "a");
	cr_expect_str_eq(tree_text(root->child[1]), "1");
	cr_expect_eq(root->child[2]->line, 2);
	list = root->child[3];
	cr_assert_eq(list->type, TREE_LIST);
	cr_assert_eq(list->n_children, 2);
	cr_expect_eq(list->child[0]->line, 3);
	cr_expect_eq(list->child[1]->line, 5);
	cr_expect_eq(list->child[1]->type, TREE_MAPPING);
}

Test(config_tree, long_list)
{
	char text[4096] = "";
	const struct tree_node *list;

	for (int i = 0; i < 500; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "- %d\n", i);
	list = load(text);
	cr_assert_eq(list->n_children, 500);
	for (int i = 0; i < 500; i++)
		cr_expect_eq(atoi(tree_text(list->child[i])), i);
}

/* An alias is the node of its anchor, and may be inside of it. */
Test(config_tree, aliases)
{
	const struct tree_node *root = load("[&a x, *a, &b [*b]]");

	cr_assert_eq(root->n_children, 3);
	cr_expect_eq(root->child[0], root->child[1]);
	cr_expect_eq(root->child[2]->child[0], root->child[2]);
}

Test(config_tree, scalars)
{
	const struct tree_node *list =
		load("[~, null, '', 'null', !!str a, !!int 1, \"a\\0b\", Null, nul]");
	static const bool nulls[] = { true, true, false, false, false, false, false, true, false };

	cr_assert_eq(list->n_children, ARRAY_SIZE(nulls));
	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		cr_expect_eq(tree_is_null(list->child[i]), nulls[i], "entry %zu", i);
	cr_expect(list->child[0]->plain && !list->child[3]->plain);
	cr_expect_str_eq(tree_text(list->child[2]), "");
	cr_expect_str_eq(tree_text(list->child[4]), "a");
	cr_expect_null(tree_text(list->child[5]), "a tag");
	cr_expect_null(tree_text(list->child[6]), "a NUL inside");
	cr_expect_null(tree_text(list), "a list");
}

Test(config_tree, shown)
{
	static const char *const expected[] = {
		"5000",	  "no value", "\"\"",	"a value with a tag", "a?b", "{}", "a mapping",
		"[1, x]", "[]",	      "a list",
	};
	const struct tree_node *list =
		load("[5000, ~, '', !!int 1, \"a\\tb\", {}, {a: 1}, [1, x], [], [[1]]]");
	char text[TREE_TEXT_LEN];

	cr_assert_eq(list->n_children, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		cr_expect_str_eq(tree_show(list->child[i], text), expected[i]);
}

Test(config_tree, long_text_is_cut)
{
	char long_text[200] = "", text[TREE_TEXT_LEN];

	memset(long_text, 'x', sizeof(long_text) - 1);
	tree_show(load(long_text), text);
	cr_expect_eq(strlen(text), TREE_TEXT_LEN - 1);
	cr_expect_str_eq(text + TREE_TEXT_LEN - 4, "...");
}

/* The walk ends once, with one message. */
Test(config_tree, steps_are_counted)
{
	const struct tree_node *root = load("a");

	for (unsigned int i = 0; i < TREE_MAX_VALUES; i++)
		cr_assert_eq(tree_visit(&tree, root, &mistakes), root);
	cr_expect_null(tree_visit(&tree, root, &mistakes));
	cr_expect_null(tree_visit(&tree, root, &mistakes));
	cr_expect_eq(errors.n, 1);
}
