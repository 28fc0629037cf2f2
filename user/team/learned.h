/* SPDX-License-Identifier: GPL-2.0 */
/* Which addresses were learned, at which port and when. Pure: the clock and the address table are
 * the caller's. */
#ifndef UL_TEAM_LEARNED_H
#define UL_TEAM_LEARNED_H

#include "abi.h"
#include "common/util.h"

#define LEARNED_PER_PORT 1024
#define LEARNED_AGE_MS 300000 /* since it was learned, not since its last frame; as on ESX */

struct learned;

int learned_new(struct learned **ret);	    /* 0 or -ENOMEM */
void learned_free(struct learned *learned); /* NULL allowed */

/* key: of ul_fdb. An address that is there already is as old as it was. 0; -ENOSPC: the port has
 * LEARNED_PER_PORT; -ENOMEM. */
int learned_add(struct learned *learned, uint32_t slot, uint64_t key, uint64_t now_ms);
void learned_remove(struct learned *learned, uint32_t slot, uint64_t key);
void learned_remove_port(struct learned *learned, uint32_t slot);

/* Forgets those that are LEARNED_AGE_MS old and calls gone for each. Returns when the next one is,
 * or UINT64_MAX. */
uint64_t learned_expire(struct learned *learned, uint64_t now_ms,
			void (*gone)(void *userdata, uint32_t slot, uint64_t key), void *userdata);

#endif
