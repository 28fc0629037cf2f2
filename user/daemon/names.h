/* SPDX-License-Identifier: GPL-2.0 */
/* The switches that this instance has made, in the run directory: so that the next one also removes
 * those that left the file while no daemon ran. */
#ifndef UL_DAEMON_NAMES_H
#define UL_DAEMON_NAMES_H

#include <stddef.h>

#include "abi.h"
#include "common/util.h"

struct names {
	char (*name)[UL_NAME_LEN];
	size_t n;
};

bool names_have(const struct names *names, const char *name);
int names_add(struct names *names, const char *name); /* once; 0, -EINVAL: cannot be the name of a
							 switch, or -ENOMEM */
void names_remove_at(struct names *names, size_t index);
void names_done(struct names *names);

/* One name a line. No file: no names. 0 or negative errno. */
int names_read(const char *path, struct names *names);
/* Puts another file in the place of path, or takes it away when there are no names; on failure the
 * old one stays. 0 or negative errno. */
int names_write(const char *path, const struct names *names);

#endif
