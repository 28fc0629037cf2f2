/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * From tree to model, inside user/config/. section_read() reads the scalars of a mapping by the
 * rows of the table; the function of each section reads its lists and mappings. A mistake never
 * ends the reading: a wrong value keeps its default and is marked bad, which suppresses messages
 * about its consequences.
 */
#ifndef UL_CONFIG_READER_H
#define UL_CONFIG_READER_H

#include "config/keys.h"
#include "config/mistakes.h"
#include "config/rules.h"
#include "config/tree.h"

struct reader {
	struct tree tree;
	struct mistakes mistakes;
	struct model *model;
	struct name_index names;
	const char *control_file; /* that has the control section; NULL: none so far */
	bool in_parts;		  /* one of several files: no key of the top level is required */
	bool no_memory;
};

/* One mapping of the file. Bits and indexes are those of the section's rows. */
struct section {
	const struct config_key *keys;
	size_t n_keys;
	uint32_t given, bad;
	const struct tree_node *value[CONFIG_MAX_KEYS];
	uint32_t line[CONFIG_MAX_KEYS]; /* of the key; 0: not given */
};

/* Results of a switch's earlier sections that its later ones depend on. */
struct switch_state {
	bool channel_bad, uplinks_bad, learning_bad;
	/* by the switch; otherwise a group's standby list changes the default of its active list */
	bool active_given;
	bool active_bad, standby_bad;
};

/* Reads the scalars of a mapping into base. With presets, each field first gets its default.
 * Reports wrong values, unknown, double and missing keys. NULL as node: nothing is given. */
void section_read(struct reader *reader, const struct tree_node *node, enum config_section id,
		  void *base, bool presets, struct section *section);

bool section_given(const struct section *section, const char *key); /* is in the file */
/* is in the file and wrong, or is missing and required */
bool section_bad(const struct section *section, const char *key);
/* NULL: not given */
const struct tree_node *section_value(const struct section *section, const char *key);
unsigned int section_line(const struct section *section, const char *key); /* 0: not given */
/* NULL: not given or refused */
const struct tree_node *section_mapping(const struct section *section, const char *key);

/* The list of a key: its node with a length inside the range of the table, or NULL (with a mistake
 * unless not given, or KEY_LIST without value). */
const struct tree_node *section_list(struct reader *reader, struct section *section,
				     const char *key);
/* NULL: the walk has become too long */
const struct tree_node *list_item(struct reader *reader, const struct tree_node *list, size_t i);
static inline size_t list_length(const struct tree_node *list)
{
	return list ? list->n_children : 0;
}

/* "KEY[i]: VALUE: ..." about an entry of the key's list */
void item_mistake(struct reader *reader, const char *key, size_t i, const struct tree_node *node,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* addresses, gateway, dns and routes of a port */
void host_keys_read(struct reader *reader, struct section *section, struct port_cfg *port);

/* teaming of a switch (inherited NULL) or of a port group */
void teaming_read(struct reader *reader, const struct tree_node *node, const struct switch_cfg *sw,
		  struct switch_state *state, const struct teaming *inherited,
		  struct teaming *teaming);

/* n may be 0; on failure notes it and returns NULL */
void *reader_calloc(struct reader *reader, size_t n, size_t size);

#endif
