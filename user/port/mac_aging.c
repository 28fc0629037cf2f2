// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "port/mac_aging.h"

#include <assert.h>

#define DEFAULT_AGE_MS 600000

struct entry {
	uint64_t key;
	uint64_t used_ms; /* not before this */
};

struct port_entries {
	struct entry *entry;
	uint32_t n, room;
	uint32_t limit;
	uint64_t age_ms;
};

struct mac_ages {
	struct port_entries port[UL_MAX_PORTS];
	uint32_t share;	    /* of each port */
	uint32_t pool;	    /* addresses beyond the shares */
	uint32_t pool_used; /* may exceed pool after the capacity shrank */
};

int mac_ages_new(struct mac_ages **ret)
{
	struct mac_ages *ages = calloc(1, sizeof(*ages));

	if (!ages)
		return -ENOMEM;
	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++)
		mac_ages_set_limit(ages, slot, MAC_LIMIT_MAX, DEFAULT_AGE_MS);
	ages->share = MAC_LIMIT_MAX;
	*ret = ages;
	return 0;
}

void mac_ages_free(struct mac_ages *ages)
{
	if (!ages)
		return;
	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++)
		free(ages->port[slot].entry);
	free(ages);
}

/* ---- limits ---- */
static uint32_t beyond_share(const struct mac_ages *ages, uint32_t n)
{
	return n > ages->share ? n - ages->share : 0;
}

void mac_ages_set_capacity(struct mac_ages *ages, uint32_t capacity, uint32_t n_ports)
{
	ages->share = n_ports ? capacity / 2 / n_ports : 0;
	ages->pool = capacity - ages->share * n_ports;
	ages->pool_used = 0;
	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++)
		ages->pool_used += beyond_share(ages, ages->port[slot].n);
}

void mac_ages_set_limit(struct mac_ages *ages, uint32_t slot, uint32_t limit, uint64_t age_ms)
{
	assert(limit <= MAC_LIMIT_MAX);
	ages->port[slot].limit = limit;
	ages->port[slot].age_ms = age_ms;
}

int mac_ages_may_add(const struct mac_ages *ages, uint32_t slot)
{
	const struct port_entries *port = &ages->port[slot];

	if (port->n >= port->limit)
		return -EMFILE;
	return port->n < ages->share || ages->pool_used < ages->pool ? 0 : -ENOSPC;
}

/* ---- entries ---- */
static struct entry *find(const struct port_entries *port, uint64_t key)
{
	for (uint32_t i = 0; i < port->n; i++)
		if (port->entry[i].key == key)
			return &port->entry[i];
	return NULL;
}

static int append(struct mac_ages *ages, struct port_entries *port, uint64_t key, uint64_t used_ms)
{
	if (port->n == port->room) {
		uint32_t room = port->room ? 2 * port->room : 16;
		struct entry *entry = reallocarray(port->entry, room, sizeof(*entry));

		if (!entry)
			return -ENOMEM;
		port->entry = entry;
		port->room = room;
	}
	port->entry[port->n++] = (struct entry){ key, used_ms };
	ages->pool_used += port->n > ages->share;
	return 0;
}

static void drop(struct mac_ages *ages, struct port_entries *port, struct entry *entry)
{
	ages->pool_used -= port->n > ages->share;
	*entry = port->entry[--port->n];
}

int mac_ages_adopt(struct mac_ages *ages, uint32_t slot, uint64_t key, uint64_t used_ms)
{
	struct port_entries *port = &ages->port[slot];

	return find(port, key) ? 0 : append(ages, port, key, used_ms);
}

int mac_ages_add(struct mac_ages *ages, uint32_t slot, uint64_t key, uint64_t used_ms)
{
	struct port_entries *port = &ages->port[slot];
	int r;

	if (find(port, key))
		return 0;
	r = mac_ages_may_add(ages, slot);
	return r < 0 ? r : append(ages, port, key, used_ms);
}

void mac_ages_remove(struct mac_ages *ages, uint32_t slot, uint64_t key)
{
	struct entry *entry = find(&ages->port[slot], key);

	if (entry)
		drop(ages, &ages->port[slot], entry);
}

void mac_ages_remove_port(struct mac_ages *ages, uint32_t slot)
{
	struct port_entries *port = &ages->port[slot];

	ages->pool_used -= beyond_share(ages, port->n);
	free(port->entry);
	port->entry = NULL;
	port->n = port->room = 0;
}

uint64_t mac_ages_expire(struct mac_ages *ages, uint64_t now_ms,
			 const struct mac_ages_callbacks *callbacks)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++) {
		struct port_entries *port = &ages->port[slot];

		for (uint32_t i = 0; i < port->n;) {
			struct entry *entry = &port->entry[i];
			uint64_t key = entry->key;

			if (entry->used_ms + port->age_ms <= now_ms)
				entry->used_ms =
					callbacks->last_used(callbacks->userdata, slot, key);
			if (entry->used_ms + port->age_ms > now_ms) {
				if (entry->used_ms + port->age_ms < next)
					next = entry->used_ms + port->age_ms;
				i++;
				continue;
			}
			drop(ages, port, entry);
			callbacks->on_expired(callbacks->userdata, slot, key);
		}
	}
	return next;
}

uint32_t mac_ages_count(const struct mac_ages *ages, uint32_t slot)
{
	return ages->port[slot].n;
}

uint64_t mac_ages_key(const struct mac_ages *ages, uint32_t slot, uint32_t index)
{
	assert(index < ages->port[slot].n);
	return ages->port[slot].entry[index].key;
}
