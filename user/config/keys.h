/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The keys of the configuration file, one row each. The reader, the messages and the test of the
 * documentation use this table. */
#ifndef UL_CONFIG_KEYS_H
#define UL_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_section {
	SECTION_ROOT,
	SECTION_SWITCH,
	SECTION_LACP,
	SECTION_PAGP,
	SECTION_TEAMING,  /* of a switch and of a port group */
	SECTION_SECURITY, /* likewise */
	SECTION_LEARNING, /* of security */
	SECTION_GROUP,
	SECTION_PORT,
	SECTION_ROUTE, /* of a host port */
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
	KEY_PATH, /* a string on the heap, like KEY_USER_GROUP */
	KEY_USER_GROUP,
	KEY_ADDRESS, /* struct address without prefix length, like the members of KEY_NAMES_OR_ONE
		      */
	KEY_PREFIX,  /* struct address of a network */
	KEY_NAMES,   /* list of scalars */
	KEY_NAMES_OR_ONE, /* list of scalars, or a scalar for a list of one */
	KEY_LIST,	  /* list of mappings; no value is an empty list */
	KEY_SECTION,	  /* mapping; no value is an empty mapping */
	/* boolean, or a mapping that means true */
	KEY_BOOL_OR_SECTION,
	KEY_UNAVAILABLE, /* reserved for a later version: refused */
	N_KEY_TYPES,
};

struct choice {
	const char *name;
	int value;
	/* for a value that is reserved; NULL: available */
	const char *refusal;
};

struct config_key {
	enum config_section section;
	enum key_type type;
	const char *name;
	/* KEY_UINT: of the value; lists: of the number of entries */
	uint32_t min, max;
	const struct choice *choices; /* KEY_CHOICE; the last one has no name */
	/* text of the rule, where neither range nor choices describe it */
	const char *allowed;
	/* the default as a value of the file; NULL: none, or computed */
	const char *fallback;
	const char *default_note; /* the default for people; NULL: same as fallback */
	bool required;
	/* of the field in the section's struct; size 0: the section's own code fills it */
	size_t offset, size;
	const char *help;
};

#define CONFIG_MAX_KEYS 16    /* of a section */
#define CONFIG_MAX_CHOICES 16 /* of a key */
#define CONFIG_MAX_SWITCHES 64

extern const struct config_key config_keys[];
extern const size_t n_config_keys;
extern const struct choice choices_method[], choices_channel[], choices_receive[];

/* The first row of the section and the number of its rows. */
const struct config_key *config_section_keys(enum config_section section, size_t *ret_n);
const char *config_section_title(enum config_section section); /* "switches[].lacp" */
const char *key_type_name(enum key_type type);		       /* "number" */

/* "1280-9216", "none, static or lacp", ...; returns text */
const char *config_key_allowed(const struct config_key *key, char *text, size_t size);
/* for people; "" when there is none */
const char *config_key_default(const struct config_key *key);
/* "a, b or c"; returns text */
const char *join_names(const char *const *names, size_t n, char *text, size_t size);

#endif
