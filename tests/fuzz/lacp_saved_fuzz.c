// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: saved LACP state that another version or a defect left in the map. Input: the
 * configuration (two bytes), the age of the state in 100 ms (one byte), then for each port a byte
 * (0x80: the identity is made that of the port) and the record. Whatever it contains, the channel
 * keeps its invariants for two minutes, and its own records are accepted again.
 */
#include "fuzz.h"
#include "lacp/lacp.h"
#include "lacp/pdu.h"

#define N_PORTS 2

struct world {
	struct lacp *lacp;
	bool collecting[N_PORTS + 1], distributing[N_PORTS + 1];
};

static const uint8_t system_id[6] = { 2, 0, 0, 0, 0, 1 };

static void on_send(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	struct lacp_pdu pdu;
	unsigned int value;
	const char *why;

	(void)userdata;
	CHECK(lacp_frame_parse(frame, length, &pdu, &why, &value) == LACP_FRAME_LACPDU);
	CHECK(pdu.actor.port == port && memcmp(pdu.actor.system, system_id, 6) == 0);
}

static void on_changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	struct world *world = userdata;

	CHECK(!distributing || collecting);
	world->collecting[port] = collecting;
	world->distributing[port] = distributing;
}

static void on_event(void *userdata, uint16_t port, enum lacp_event_kind kind, const char *text)
{
	(void)userdata;
	CHECK(port <= N_PORTS && lacp_name(LACP_NAMES_EVENT, kind) && text[0] &&
	      strlen(text) < LACP_TEXT_LEN);
}

static struct lacp *make(struct world *world, const struct lacp_config *config)
{
	const struct lacp_callbacks callbacks = {
		.send = on_send, .changed = on_changed, .event = on_event, .userdata = world
	};
	struct lacp *lacp = lacp_new(config, &callbacks);

	CHECK(lacp);
	for (uint16_t port = 1; port <= N_PORTS; port++) {
		const struct lacp_port_config port_config = {
			.number = port, .priority = 255, .mac = { 2, 0, 0, 0, 1, (uint8_t)port }
		};

		CHECK(lacp_port_add(lacp, &port_config) == 0);
	}
	return lacp;
}

static void take_record(struct input *input, uint16_t port, struct lacp_saved *ret)
{
	bool own = take(input) & 0x80;

	take_bytes(input, ret, sizeof(*ret));
	if (!own)
		return;
	ret->version = LACP_SAVED_VERSION;
	ret->actor.system_priority = 65535;
	ret->actor.key = 1;
	ret->actor.port_priority = 255;
	ret->actor.port = port;
	memcpy(ret->actor.system, system_id, 6);
}

static void check(const struct world *world, uint64_t now_ms)
{
	for (uint16_t port = 1; port <= N_PORTS; port++) {
		struct lacp_port_info info;
		struct lacp_saved saved;
		char text[LACP_TEXT_LEN];

		CHECK(lacp_port_info(world->lacp, port, now_ms, &info) == 0);
		CHECK(!(info.actor.state & LACP_COLLECTING) == !world->collecting[port]);
		CHECK(!(info.actor.state & LACP_DISTRIBUTING) == !world->distributing[port]);
		CHECK(info.selected == LACP_SELECTED || !world->distributing[port]);
		CHECK(lacp_explain(world->lacp, port, now_ms, text, sizeof(text)) ==
			      !world->distributing[port] &&
		      text[0]);
		CHECK(lacp_save(world->lacp, port, &saved) == 0);
	}
}

static void run(struct world *world, uint64_t now_ms, uint64_t until_ms)
{
	while (now_ms < until_ms) {
		lacp_run(world->lacp, now_ms);
		check(world, now_ms);
		CHECK(lacp_next_wakeup(world->lacp) > now_ms);
		now_ms = lacp_next_wakeup(world->lacp);
	}
}

/* A restart: a record of this program is accepted unless it is about a port without partner. */
static void restart(struct world *world, const struct lacp_config *config, uint64_t now_ms)
{
	struct world next = { 0 };

	next.lacp = make(&next, config);
	for (uint16_t port = 1; port <= N_PORTS; port++) {
		struct lacp_saved saved;
		int r;

		CHECK(lacp_save(world->lacp, port, &saved) == 0);
		r = lacp_restore(next.lacp, port, &saved, 0);
		CHECK(r == 0 || saved.actor.state & (LACP_DEFAULTED | LACP_EXPIRED));
		lacp_port_set_link(next.lacp, port, true, 10000, true, now_ms);
	}
	run(&next, now_ms, now_ms + 1000);
	lacp_free(next.lacp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	struct world world = { 0 };
	uint8_t flags = take(&input), policy = take(&input), age = take(&input);
	struct lacp_config config = {
		.system_priority = 65535,
		.key = 1,
		.active = !(flags & 1),
		.fast = flags & 2,
		.independent = flags & 4,
		.fallback = flags & 8 ? LACP_FALLBACK_INDIVIDUAL : LACP_FALLBACK_NONE,
		.wait_to_restore_ms = flags & 16 ? 5000 : 0,
		.policy = policy % LACP_N_POLICIES,
		.min_links = (policy >> 2) % 3,
		.max_links = (policy >> 4) % 3,
	};
	uint64_t now_ms = 1000000;

	memcpy(config.system, system_id, 6);
	world.lacp = make(&world, &config);
	for (uint16_t port = 1; port <= N_PORTS; port++) {
		struct lacp_saved saved;

		take_record(&input, port, &saved);
		(void)lacp_restore(world.lacp, port, &saved, age * 100ULL);
		lacp_port_set_link(world.lacp, port, true, 10000, true, now_ms);
	}
	lacp_run(world.lacp, now_ms);
	check(&world, now_ms);
	restart(&world, &config, now_ms);
	run(&world, now_ms, now_ms + 120000);
	lacp_free(world.lacp);
	return 0;
}
