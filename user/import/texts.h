/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Texts of the mapping and of the switch-over. */
#ifndef UL_IMPORT_TEXTS_H
#define UL_IMPORT_TEXTS_H

#include "import/adopt.h"

#define ROUTE_COMMAND_LEN 256

/* "ip route add default via 192.0.2.1 dev vmk0 metric 100", in text; returns text. verb: add, del
 */
const char *route_command(const struct net_route *route, const char *verb, const char *interface,
			  char text[ROUTE_COMMAND_LEN]);

/* ---- nftables.c ---- */
/* The number of tables in the kernel. 0 or negative errno. */
int nft_count_tables(unsigned int *ret);

void text_list_done(struct text_list *list);
/* Appends; control characters are replaced. */
void text_add(struct text_list *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
