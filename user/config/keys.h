/* SPDX-License-Identifier: GPL-2.0 */
/* The keys of the configuration file, one row each. The reader, the messages and the check of the
 * documentation use the same table. */
#ifndef UL_CONFIG_KEYS_H
#define UL_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_section {
	SECTION_ROOT,
	SECTION_SWITCH,
	SECTION_LACP,
	SECTION_TEAMING,  /* of a switch and of a port group */
	SECTION_SECURITY, /* likewise */
	SECTION_GROUP,
	SECTION_PORT,
	SECTION_CONTROL,
	N_SECTIONS,
};

enum key_type {
	KEY_UINT,
	KEY_BOOL,
	KEY_CHOICE,
	KEY_SWITCH_NAME,
	KEY_GROUP_NAME,
	KEY_INTERFACE,
	KEY_MAC,
	KEY_VLAN, /* fills vlan_mode, vid and vlans of a struct group_cfg */
	KEY_PATH, /* a string of its own on the heap, like KEY_USER_GROUP */
	KEY_USER_GROUP,
	KEY_NAMES,	 /* list of scalars */
	KEY_LIST,	 /* list of mappings; no value is an empty list */
	KEY_SECTION,	 /* mapping; no value is an empty mapping */
	KEY_UNAVAILABLE, /* promised for a later version: refused */
	N_KEY_TYPES,
};

struct choice {
	const char *name;
	int value;
	const char *refusal; /* why this version does not take it; NULL: it does */
};

struct config_key {
	enum config_section section;
	enum key_type type;
	const char *name;
	uint32_t min, max;	      /* KEY_UINT: of the value; lists: of the number of entries */
	const struct choice *choices; /* KEY_CHOICE; the last one has no name */
	const char *allowed;  /* what a value must be, where neither range nor choices say it */
	const char *fallback; /* the default as it would stand in the file; NULL: none, or computed
			       */
	const char *default_note; /* the default for people; NULL: fallback says it */
	bool required;
	size_t offset, size; /* of the field in the section's struct; size 0: the section's own code
				fills it */
	const char *help;
};

#define CONFIG_MAX_KEYS 16 /* of a section */
#define CONFIG_MAX_SWITCHES 64

extern const struct config_key config_keys[];
extern const size_t n_config_keys;
extern const struct choice choices_method[], choices_channel[], choices_receive[];

/* The rows of a section follow each other: the first one and their number. */
const struct config_key *config_section_keys(enum config_section section, size_t *ret_n);
const struct config_key *config_key_find(enum config_section section, const char *name); /* NULL:
											    unknown
											  */
const char *config_section_title(enum config_section section); /* "switches[].lacp" */
const char *key_type_name(enum key_type type);		       /* "number" */

/* "1280-9216", "none, static or lacp", ...; returns text */
const char *config_key_allowed(const struct config_key *key, char *text, size_t size);
const char *config_key_default(const struct config_key *key); /* for people; "" when there is none
							       */

#endif
