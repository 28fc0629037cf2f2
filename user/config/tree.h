/* SPDX-License-Identifier: GPL-2.0 */
/* A YAML document as a tree, by libyaml's document API. libyaml resolves aliases to the node they
 * name, so the tree may share nodes and even contain itself; every step is counted, and the walk
 * ends at TREE_MAX_STEPS. */
#ifndef UL_CONFIG_TREE_H
#define UL_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "config/report.h"

#define TREE_MAX_BYTES (16U << 20) /* of a file */
#define TREE_MAX_STEPS 1000000U	   /* nodes visited, each use of an alias counted */
#define TREE_TEXT_LEN 96	   /* of a value in a message */

struct tree {
	yaml_document_t document;
	size_t steps;
	bool loaded, exhausted;
};

/* Parses the only document of the text: 0, -EINVAL with a message "FILE:LINE:COLUMN: ..." or
 * -ENOMEM. */
int tree_load(struct tree *tree, const char *text, size_t length, struct report *report);
void tree_done(struct tree *tree);

const yaml_node_t *tree_root(struct tree *tree);
/* NULL when the walk has become too long, which is reported once. */
const yaml_node_t *tree_node(struct tree *tree, int id, struct report *report);

static inline size_t tree_n_items(const yaml_node_t *list)
{
	return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

bool tree_is_null(const yaml_node_t *node);	/* nothing, ~ or null, not quoted */
bool tree_is_plain(const yaml_node_t *node);	/* a scalar without quotes */
const char *tree_text(const yaml_node_t *node); /* of a scalar; NULL: not a scalar, has a tag, or
						   has a NUL character inside */

/* The value for a message: "5000", "[eth0, eth1]", "a mapping", "no value"; control characters and
 * great length are removed. */
const char *tree_show(struct tree *tree, const yaml_node_t *node, char text[TREE_TEXT_LEN]);

#endif
