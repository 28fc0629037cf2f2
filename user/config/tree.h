/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A YAML document as a tree, composed from libyaml's events. An alias is a second reference to the
 * node of its anchor, so the tree may share nodes and even contain itself. The walk therefore
 * counts its steps and ends at TREE_MAX_VALUES.
 *
 * libyaml's own composer is not used for three reasons: its time is quadratic in the depth of flow
 * collections and in the number of anchors, and it has no limit on either.
 */
#ifndef UL_CONFIG_TREE_H
#define UL_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/mistakes.h"

/* Of a file. A configuration of TREE_MAX_VALUES values, 16 bytes each, fits; libyaml reads it in
 * well under a second, which the watchdog and a partner at slow rate tolerate. */
#define TREE_MAX_BYTES (16U << 20)
/* Values in the file, and nodes visited, each use of an alias counted. */
#define TREE_MAX_VALUES 1000000U
/* Lists and mappings around a value. The deepest key of the table has 8. */
#define TREE_MAX_DEPTH 32
#define TREE_TEXT_LEN 96 /* of a value in a message */

enum tree_type { TREE_SCALAR, TREE_LIST, TREE_MAPPING };

struct tree_node {
	struct tree_node *next; /* all nodes of the tree, for tree_done() */
	enum tree_type type;
	bool plain;  /* a scalar without quotes */
	bool tagged; /* has an explicit tag such as !!int */
	uint32_t line;
	/* Entries of a list; keys and values of a mapping in turn. */
	struct tree_node **child;
	size_t n_children;
	size_t length; /* of text */
	char text[];   /* of a scalar, with a NUL at its end */
};

struct tree {
	struct tree_node *root; /* NULL: the document is empty */
	struct tree_node *nodes;
	size_t n_nodes, steps;
	bool exhausted;
};

/* Parses the only document of the text: 0, -EINVAL with a message "FILE:LINE:...", or -ENOMEM.
 * The tree is to be freed by tree_done() after success and after failure. */
int tree_load(struct tree *tree, const char *text, size_t length, struct mistakes *mistakes);
void tree_done(struct tree *tree);

/* Counts a step and returns node; NULL when the walk has become too long, reported once. */
const struct tree_node *tree_visit(struct tree *tree, const struct tree_node *node,
				   struct mistakes *mistakes);

bool tree_is_null(const struct tree_node *node); /* nothing, ~ or null, not quoted */
/* Text of a scalar; NULL: not a scalar, has a tag, or has a NUL character inside. */
const char *tree_text(const struct tree_node *node);

/* The value for a message: "5000", "[eth0, eth1]", "a mapping", "no value". Control characters are
 * replaced and long text is cut. Returns text. */
const char *tree_show(const struct tree_node *node, char text[TREE_TEXT_LEN]);

#endif
