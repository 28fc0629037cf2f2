// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: random frames, nearly valid PDUs, time and operator actions on a PAgP channel of
 * three ports, with the promises of docs/pagp.md.
 *
 * Input: a byte of configuration, then steps. A step: kind (low 3 bits) and port (high bits),
 * passing time in 20 ms, then the bytes of its kind. Random frames are also passed to the decoder
 * alone.
 */
#include <stdlib.h>
#include <string.h>

#include "pagp/pdu.h"

#define N_PORTS 3
#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t devices[4][6] = { { 0, 0xa, 0x8a, 0, 0, 1 },
				       { 0, 0xa, 0x8a, 0, 0, 1 },
				       { 0, 0xa, 0x8a, 0, 0, 2 },
				       { 2, 0, 0, 0, 0, 1 } }; /* the last one is the actor's */

struct input {
	const uint8_t *at;
	size_t left;
};

struct world {
	struct pagp *pagp;
	struct pagp_config config;
	uint64_t now_ms;
	struct pagp_pdu sent[N_PORTS + 1];
	bool collecting[N_PORTS + 1], distributing[N_PORTS + 1];
};

static uint8_t take(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

/* ---- callbacks ---- */
static void on_send(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	struct world *world = userdata;
	union pagp_frame parsed;
	unsigned int value;
	const char *why;

	CHECK(port >= 1 && port <= N_PORTS);
	switch (pagp_frame_parse(frame, length, &parsed, &why, &value)) {
	case PAGP_FRAME_INFO:
		CHECK(parsed.info.local.port == port);
		CHECK(!(parsed.info.flags & PAGP_CONSISTENT_STATE) || parsed.info.local.group);
		world->sent[port] = parsed.info;
		break;
	case PAGP_FRAME_FLUSH:
		CHECK(memcmp(parsed.flush.partner, devices[3], 6) == 0);
		break;
	default:
		abort();
	}
}

static void on_changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	struct world *world = userdata;

	CHECK(port >= 1 && port <= N_PORTS && (collecting || !distributing));
	world->collecting[port] = collecting;
	world->distributing[port] = distributing;
}

static void on_event(void *userdata, uint16_t port, enum pagp_event_kind kind, const char *text)
{
	CHECK(kind < PAGP_N_EVENTS && text[0] && strlen(text) < PAGP_TEXT_LEN);
}

/* ---- promises ---- */
static void check(const struct world *world)
{
	const struct pagp_side *partner = NULL;
	struct ul_pagp_port record[N_PORTS + 1];

	for (uint16_t i = 1; i <= N_PORTS; i++) {
		CHECK(pagp_record(world->pagp, i, world->now_ms, &record[i]) == 0);
		CHECK(strnlen(record[i].reason, sizeof(record[i].reason)) <
		      sizeof(record[i].reason));
		if (!world->distributing[i] || record[i].state == PAGP_UP_DATA)
			continue;
		CHECK(record[i].state == PAGP_UP_PAGP && record[i].partner.group &&
		      record[i].partner_flags & record[i].actor_flags & PAGP_CONSISTENT_STATE);
		CHECK(!partner || (partner->group == record[i].partner.group &&
				   memcmp(partner->device, record[i].partner.device, 6) == 0));
		partner = &record[i].partner;
	}
}

/* ---- steps ---- */
static void receive(struct world *world, uint16_t port, const uint8_t *frame, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1); /* of the exact size, for ASan */

	CHECK(copy);
	if (length)
		memcpy(copy, frame, length);
	pagp_receive(world->pagp, port, copy, length, world->now_ms);
	free(copy);
}

static void receive_random(struct world *world, uint16_t port, struct input *input)
{
	size_t length = take(input);
	union pagp_frame parsed;
	unsigned int value;
	const char *why;

	length = length < input->left ? length : input->left;
	receive(world, port, input->at, length);
	pagp_frame_parse(input->at, length, &parsed, &why, &value);
	input->at += length;
	input->left -= length;
}

/* A PDU of a partner with a few changes, and a byte of the frame damaged if that is not 0. */
static void receive_pdu(struct world *world, uint16_t port, struct input *input)
{
	uint8_t how = take(input), flags = take(input), at = take(input), mask = take(input),
		frame[PAGP_MAX_FRAME];
	struct pagp_pdu pdu = { .flags = flags,
				.local = { .learn = how & 4 ? 1 : 2,
					   .port = how & 8 ? 101U : 100U + port,
					   .capability = how & 16 ? 1 : 2,
					   .group = how & 32 ? 29 :
						    how & 64 ? 101 :
							       0 },
				.partner = world->sent[port].local,
				.count = how & 128 ? 2 : 1 };
	size_t length;

	memcpy(pdu.local.device, devices[how & 3], 6);
	length = pagp_frame_build(frame, devices[0], &pdu, "switch", "Gi0/1");
	frame[at % length] ^= mask;
	receive(world, port, frame, length);
}

static void configure(struct world *world, uint8_t how)
{
	world->config.auto_mode = how & 1;
	world->config.fallback = how & 2 ? PAGP_FALLBACK_INDIVIDUAL : PAGP_FALLBACK_NONE;
	world->config.source_based = how & 4;
	pagp_configure(world->pagp, &world->config);
}

static void restart(struct world *world, uint16_t port)
{
	struct ul_pagp_port record;

	CHECK(pagp_record(world->pagp, port, world->now_ms, &record) == 0);
	pagp_port_set_link(world->pagp, port, false, 0, true, world->now_ms);
	pagp_restore(world->pagp, port, &record, world->now_ms);
	pagp_port_set_link(world->pagp, port, true, 1000, true, world->now_ms);
}

static void step(struct world *world, struct input *input)
{
	uint8_t kind = take(input);
	uint16_t port = (uint16_t)(1 + (kind >> 3) % N_PORTS);

	world->now_ms += take(input) * 20ULL;
	switch (kind & 7) {
	case 0:
		receive_random(world, port, input);
		break;
	case 1:
		pagp_port_set_link(world->pagp, port, take(input) & 3, 1000, true, world->now_ms);
		break;
	case 2:
		pagp_port_set_drained(world->pagp, port, take(input) & 1, world->now_ms);
		break;
	case 3:
		configure(world, take(input));
		break;
	case 4:
		restart(world, port);
		break;
	case 5:
		world->now_ms += take(input) * 1000ULL;
		break;
	default:
		receive_pdu(world, port, input);
		break;
	}
	pagp_run(world->pagp, world->now_ms);
	CHECK(pagp_next_wakeup(world->pagp) > world->now_ms);
	check(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct world world = { .now_ms = 1000, .config = { .name = "fuzz" } };
	const struct pagp_callbacks callbacks = {
		.send = on_send, .changed = on_changed, .event = on_event, .userdata = &world
	};

	memcpy(world.config.device, devices[3], 6);
	world.pagp = pagp_new(&world.config, &callbacks);
	CHECK(world.pagp);
	for (uint16_t i = 1; i <= N_PORTS; i++) {
		const struct pagp_port_config port = { .number = i, .name = "eth" };

		CHECK(pagp_port_add(world.pagp, &port) == 0);
		pagp_port_set_link(world.pagp, i, true, 1000, true, world.now_ms);
	}
	configure(&world, take(&input));
	while (input.left)
		step(&world, &input);
	pagp_free(world.pagp);
	return 0;
}
