/* SPDX-License-Identifier: GPL-2.0 */
/* From tree to model, inside user/config/. Each section of the file is read by section_read(),
 * which takes the scalars by their row in the table; lists and mappings are left to the section's
 * own function. A mistake never ends the reading: what could not be read keeps its default and is
 * marked bad, so that no second message complains about its consequences. */
#ifndef UL_CONFIG_READER_H
#define UL_CONFIG_READER_H

#include "config/check.h"
#include "config/keys.h"
#include "config/report.h"
#include "config/tree.h"

struct reader {
	struct tree tree;
	struct report report;
	struct model *model;
	struct uses uses;
	bool no_memory;
};

/* One mapping of the file. Bits and indexes are places of keys in their section. */
struct section {
	enum config_section id;
	uint32_t given, bad;
	const yaml_node_t *value[CONFIG_MAX_KEYS];
};

/* What a switch's later sections must know of its earlier ones. */
struct switch_state {
	bool channel_bad, uplinks_bad, learning_bad;
	bool active_given; /* by the switch; otherwise a group's standby list changes the default of
			      its active list */
	bool active_bad, standby_bad;
};

/* Reads the scalars of a mapping into base. With presets, each field first gets its default.
 * Reports wrong values, unknown, double and missing keys. NULL as node: nothing is given. */
void section_read(struct reader *reader, const yaml_node_t *node, enum config_section id,
		  void *base, bool presets, struct section *section);

bool section_given(const struct section *section, const char *key); /* is in the file */
bool section_bad(const struct section *section, const char *key); /* is in the file and wrong, or is
								     missing and required */
const yaml_node_t *section_value(const struct section *section, const char *key); /* NULL: not given
										   */
const yaml_node_t *section_mapping(const struct section *section, const char *key); /* NULL: not
										       given or
										       refused */

/* The list of a key: its node with a length inside the range of the table, or NULL (with a mistake
 * unless not given, or KEY_LIST without value). */
const yaml_node_t *section_list(struct reader *reader, struct section *section, const char *key);
const yaml_node_t *list_item(struct reader *reader, const yaml_node_t *list, size_t i); /* NULL: the
											   walk has
											   become
											   too long
											 */

/* "KEY[i]: VALUE: ..." about an entry of the key's list */
void item_mistake(struct reader *reader, const char *key, size_t i, const yaml_node_t *node,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* teaming of a switch (inherited NULL) or of a port group */
void teaming_read(struct reader *reader, const yaml_node_t *node, const struct switch_cfg *sw,
		  struct switch_state *state, const struct teaming *inherited,
		  struct teaming *teaming);

void *reader_calloc(struct reader *reader, size_t n, size_t size); /* n may be 0; on failure notes
								      it and returns NULL */

#endif
