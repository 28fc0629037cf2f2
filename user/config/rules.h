/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Rules between the parts of a model, shared by the file and by requests. */
#ifndef UL_CONFIG_RULES_H
#define UL_CONFIG_RULES_H

#include "config/mistakes.h"
#include "config/model.h"
#include "config/name_index.h"

/* Values that were refused already. Checks that depend on them are skipped. */
enum skip_check {
	SKIP_INTERFACE = 1 << 0,
	SKIP_MAC = 1 << 1,
	SKIP_VLAN = 1 << 2,
	SKIP_LEARNING = 1 << 3,
	SKIP_HOST = 1 << 4,
};

struct rules {
	const struct model *model;
	struct name_index *names;
	struct mistakes *mistakes;
};

/* The interface of the location must not be used elsewhere; a free name is noted. 0, -EEXIST with a
 * mistake, or -ENOMEM. */
int rules_check_interface(struct rules *rules, const char *name, const struct location *location,
			  const char *key);

/* All rules for one port. 0, -EINVAL or -EEXIST with mistakes, or -ENOMEM. In a file, each correct
 * name is noted; in a request, the names are noted when the whole port is correct. */
int rules_check_port(struct rules *rules, const struct port_cfg *port,
		     const struct location *location, unsigned int skip);

#endif
