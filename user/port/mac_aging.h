/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The learned addresses of each port: how many it may have, and when each expires. Pure: the clock,
 * the address table and the times of use belong to the caller.
 *
 * Limits. A port has at most its own limit of addresses. All ports together have at most the
 * capacity of the table. Half of the capacity is divided equally between the learning ports: a port
 * gets its share of it whatever the others do. The other half is a pool for what exceeds the
 * shares.
 *
 * Expiry. An address expires a time after its last use. The data plane records the use, so an entry
 * here only has a lower bound of it; the caller is asked for the present value when that is due.
 */
#ifndef UL_PORT_MAC_AGING_H
#define UL_PORT_MAC_AGING_H

#include "abi.h"
#include "common/util.h"

#define MAC_LIMIT_MAX 4096

struct mac_ages;

int mac_ages_new(struct mac_ages **ret);   /* 0 or -ENOMEM */
void mac_ages_free(struct mac_ages *ages); /* NULL allowed */

/* capacity: learned addresses of all ports together. n_ports: ports that learn; 0: none. Addresses
 * that are there already stay. */
void mac_ages_set_capacity(struct mac_ages *ages, uint32_t capacity, uint32_t n_ports);
/* limit: at most MAC_LIMIT_MAX, which is the default. age_ms: after the last use. */
void mac_ages_set_limit(struct mac_ages *ages, uint32_t slot, uint32_t limit, uint64_t age_ms);

/* Whether the port may have one more: 0; -EMFILE: it has its limit; -ENOSPC: it has its share, and
 * the pool is empty. */
int mac_ages_may_add(const struct mac_ages *ages, uint32_t slot);
/* key: as in ul_fdb. A known address keeps its entry. 0; as mac_ages_may_add(); -ENOMEM. */
int mac_ages_add(struct mac_ages *ages, uint32_t slot, uint64_t key, uint64_t used_ms);
/* The same without a look at the limits, for an address that is in the table already. */
int mac_ages_adopt(struct mac_ages *ages, uint32_t slot, uint64_t key, uint64_t used_ms);
void mac_ages_remove(struct mac_ages *ages, uint32_t slot, uint64_t key);
void mac_ages_remove_port(struct mac_ages *ages, uint32_t slot);

struct mac_ages_callbacks {
	/* Time of the last use, in ms of the same clock. */
	uint64_t (*last_used)(void *userdata, uint32_t slot, uint64_t key);
	void (*on_expired)(void *userdata, uint32_t slot, uint64_t key);
	void *userdata;
};

/* Removes the addresses that were not used for the age of their port and calls on_expired for each.
 * Returns when to call it again, or UINT64_MAX. */
uint64_t mac_ages_expire(struct mac_ages *ages, uint64_t now_ms,
			 const struct mac_ages_callbacks *callbacks);

/*
 * The addresses of a port by index, for a walk in several steps. A removal moves the last address
 * to the index that becomes free: a walk from the last index down to 0 misses no address that was
 * there at its start.
 */
uint32_t mac_ages_count(const struct mac_ages *ages, uint32_t slot);
uint64_t mac_ages_key(const struct mac_ages *ages, uint32_t slot, uint32_t index);

#endif
