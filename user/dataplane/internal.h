/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by dataplane.c (maps and programs), attach.c (links) and filter.c (TC filters); nobody
 * else but their tests includes this. */
#ifndef UL_DATAPLANE_INTERNAL_H
#define UL_DATAPLANE_INTERNAL_H

#include "dataplane/dataplane.h"

#define UL_PIN_ROOT "uplinkd"

int pin_path(char path[PATH_MAX], const char *dir, const char *name); /* 0 or -ENAMETOOLONG */
/* Swaps the programs of all links that are pinned in from_dir for those of dp and moves the pins to
 * dp's directory; of filters, where there are no TC links. Links of interfaces that dp does not
 * know end. */
int dataplane_move_links(struct dataplane *dp, const char *from_dir);
/* Detaches and unpins all links in dir; detaches the filters of its programs. */
void dataplane_drop_links(const char *dir);

uint32_t program_id(int fd); /* 0: not known */

/* ---- filter.c: TC ingress on kernels without TCX links
 * ------------------------------------------------------------------- */
bool filter_lives(uint32_t ifindex);
int filter_attach(uint32_t ifindex, int program_fd); /* or swaps the program; 0 or negative errno */
void filter_detach(uint32_t ifindex); /* other programs' filters stay, and then the qdisc does */
void filters_drop(const char *dir);   /* detaches those whose programs are pinned in dir */

#endif
