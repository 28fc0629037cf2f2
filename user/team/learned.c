// SPDX-License-Identifier: GPL-2.0
#include "team/learned.h"

struct entry {
	uint64_t key, since_ms;
};

struct learned {
	struct at_port {
		struct entry *entry;
		uint32_t n, room;
	} port[UL_MAX_PORTS];
};

int learned_new(struct learned **ret)
{
	struct learned *learned = calloc(1, sizeof(*learned));

	if (!learned)
		return -ENOMEM;
	*ret = learned;
	return 0;
}

void learned_free(struct learned *learned)
{
	if (!learned)
		return;
	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++)
		free(learned->port[slot].entry);
	free(learned);
}

static struct entry *find(const struct at_port *port, uint64_t key)
{
	for (uint32_t i = 0; i < port->n; i++)
		if (port->entry[i].key == key)
			return &port->entry[i];
	return NULL;
}

int learned_add(struct learned *learned, uint32_t slot, uint64_t key, uint64_t now_ms)
{
	struct at_port *port = &learned->port[slot];

	if (find(port, key))
		return 0;
	if (port->n == LEARNED_PER_PORT)
		return -ENOSPC;
	if (port->n == port->room) {
		uint32_t room = port->room ? 2 * port->room : 16;
		struct entry *entry = realloc(port->entry, room * sizeof(*entry));

		if (!entry)
			return -ENOMEM;
		port->entry = entry;
		port->room = room;
	}
	port->entry[port->n++] = (struct entry){ key, now_ms };
	return 0;
}

void learned_remove(struct learned *learned, uint32_t slot, uint64_t key)
{
	struct at_port *port = &learned->port[slot];
	struct entry *entry = find(port, key);

	if (entry)
		*entry = port->entry[--port->n];
}

void learned_remove_port(struct learned *learned, uint32_t slot)
{
	struct at_port *port = &learned->port[slot];

	free(port->entry);
	*port = (struct at_port){};
}

uint64_t learned_expire(struct learned *learned, uint64_t now_ms,
			void (*gone)(void *userdata, uint32_t slot, uint64_t key), void *userdata)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++) {
		struct at_port *port = &learned->port[slot];

		for (uint32_t i = 0; i < port->n;) {
			struct entry entry = port->entry[i];

			if (entry.since_ms + LEARNED_AGE_MS > now_ms) {
				next = entry.since_ms + LEARNED_AGE_MS < next ?
					       entry.since_ms + LEARNED_AGE_MS :
					       next;
				i++;
				continue;
			}
			port->entry[i] = port->entry[--port->n];
			gone(userdata, slot, entry.key);
		}
	}
	return next;
}
