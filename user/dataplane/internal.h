/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by dataplane.c (maps and programs) and attach.c (links); nobody else includes this. */
#ifndef UL_DATAPLANE_INTERNAL_H
#define UL_DATAPLANE_INTERNAL_H

#include "dataplane/dataplane.h"

#define UL_PIN_ROOT "uplinkd"

int pin_path(char path[PATH_MAX], const char *dir, const char *name);	/* 0 or -ENAMETOOLONG */
/* Swaps the programs of all links that are pinned in from_dir for those of dp and moves the pins to dp's directory; of filters, where there are no TC links. */
int dataplane_move_links(struct dataplane *dp, const char *from_dir);
/* Detaches and unpins all links in dir. */
void dataplane_drop_links(const char *dir);

#endif
