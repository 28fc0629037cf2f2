// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: random frames, nearly valid frames, time and operator actions on a channel of
 * three ports, with the invariants of LACP.
 *
 * Input: three bytes of configuration (flags, policy and min-links, max-links), then steps. A step:
 * kind (low 3 bits) and port (high bits), passing time in 20 ms, then the bytes of its kind. The
 * frames are also passed to the decoder alone and to peer_mismatch.
 */
#include "fuzz.h"
#include "lacp/lacp.h"
#include "lacp/pdu.h"
#include "lacp/peer_mismatch.h"

#define N_PORTS 3
/* the last one is the actor's */
static const uint8_t systems[4][6] = { { 2, 0, 0, 0, 0, 0x99 },
				       { 2, 0, 0, 0, 0, 0x99 },
				       { 2, 0, 0, 0, 0, 0 },
				       { 2, 0, 0, 0, 0, 1 } };

struct world {
	struct lacp *lacp;
	struct lacp_config config;
	struct peer_mismatch mismatch;
	uint64_t now_ms, calls, sent_ms[N_PORTS + 1][3]; /* ring */
	unsigned int n_sent[N_PORTS + 1], n_changed;
	bool collecting[N_PORTS + 1], distributing[N_PORTS + 1];
};

/* ---- callbacks ---- */
static void on_send(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	struct world *world = userdata;
	uint64_t *oldest = &world->sent_ms[port][world->n_sent[port] % 3];
	struct lacp_pdu pdu;
	unsigned int value;
	const char *why;

	world->calls++;
	CHECK(port >= 1 && port <= N_PORTS && length == LACP_FRAME_LEN);
	switch (lacp_frame_parse(frame, length, &pdu, &why, &value)) {
	case LACP_FRAME_LACPDU:
		break;
	case LACP_FRAME_MARKER_RESPONSE:
		return;
	default:
		abort();
	}
	CHECK(pdu.version == 1 && pdu.actor.port == port && pdu.actor.key == world->config.key);
	CHECK(!(pdu.actor.state & LACP_COLLECTING) == !world->collecting[port] &&
	      !(pdu.actor.state & LACP_DISTRIBUTING) == !world->distributing[port]);
	CHECK(world->n_sent[port] < 3 || world->now_ms - *oldest >= 1000);
	*oldest = world->now_ms;
	world->n_sent[port]++;
}

static void on_changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	struct world *world = userdata;

	world->calls++;
	world->n_changed++;
	CHECK(!distributing || collecting);
	world->collecting[port] = collecting;
	world->distributing[port] = distributing;
}

static void on_event(void *userdata, uint16_t port, enum lacp_event_kind kind, const char *text)
{
	struct world *world = userdata;

	world->calls++;
	CHECK(port <= N_PORTS && lacp_name(LACP_NAMES_EVENT, kind) && text[0] &&
	      strlen(text) < LACP_TEXT_LEN);
}

/* ---- invariants ---- */
static void check_port(struct world *world, uint16_t port, unsigned int *n_selected,
		       unsigned int *n_alone)
{
	struct lacp_port_info info;
	char text[LACP_TEXT_LEN];
	bool alone;

	CHECK(lacp_port_info(world->lacp, port, world->now_ms, &info) == 0);
	alone = info.individual && info.receive_state == LACP_RX_DEFAULTED;
	CHECK(!(info.actor.state & LACP_COLLECTING) == !world->collecting[port]);
	CHECK(!(info.actor.state & LACP_DISTRIBUTING) == !world->distributing[port]);
	CHECK(!world->distributing[port] || info.selected == LACP_SELECTED);
	CHECK(!world->distributing[port] || info.partner.state & LACP_SYNCHRONIZATION || alone);
	CHECK(!world->distributing[port] || !world->config.independent ||
	      info.partner.state & LACP_COLLECTING || alone);
	CHECK(!world->collecting[port] || (info.enabled && !info.loopback));
	CHECK(info.receive_state == LACP_RX_CURRENT ||
	      !(info.partner.state & LACP_SYNCHRONIZATION));
	CHECK(info.actor.state & LACP_AGGREGATION);
	CHECK(lacp_explain(world->lacp, port, world->now_ms, text, sizeof(text)) ==
		      !world->distributing[port] &&
	      text[0]);
	*n_selected += info.selected == LACP_SELECTED && !info.individual &&
		       !(info.drained && info.mux_state == LACP_MUX_COLLECTING);
	*n_alone += info.individual;
}

static void run(struct world *world)
{
	unsigned int n_selected = 0, n_alone = 0;
	uint64_t calls;

	lacp_run(world->lacp, world->now_ms);
	for (uint16_t port = 1; port <= N_PORTS; port++)
		check_port(world, port, &n_selected, &n_alone);
	/* An undrained port that is still draining is counted above, hence one more. */
	CHECK(!world->config.max_links || n_selected <= world->config.max_links + 1);
	CHECK(n_alone <= 1 && (!n_alone || world->config.fallback == LACP_FALLBACK_INDIVIDUAL));
	CHECK(lacp_next_wakeup(world->lacp) > world->now_ms);
	calls = world->calls;
	lacp_run(world->lacp, world->now_ms);
	CHECK(world->calls == calls);
}

static void check_decoder(const uint8_t *frame, size_t length)
{
	static const uint8_t no_source[6];
	struct lacp_pdu pdu, untouched;
	uint8_t again[LACP_FRAME_LEN];
	const char *why = NULL;
	unsigned int value;

	memset(&pdu, 0x5a, sizeof(pdu));
	untouched = pdu;
	if (lacp_frame_parse(frame, length, &pdu, &why, &value) != LACP_FRAME_LACPDU) {
		CHECK(memcmp(&pdu, &untouched, sizeof(pdu)) == 0 && why);
		return;
	}
	CHECK(length >= LACP_FRAME_LEN && pdu.version);
	lacp_frame_build(again, no_source, &pdu.actor, &pdu.partner);
	CHECK(memcmp(frame + LACP_OFF_ACTOR, again + LACP_OFF_ACTOR, 17) == 0 &&
	      memcmp(frame + LACP_OFF_PARTNER, again + LACP_OFF_PARTNER, 17) == 0);
}

static bool would_be_answered(const struct lacp_saved *saved, const uint8_t *frame, size_t length)
{
	if (!(saved->flags & LACP_SAVED_HEALTHY) || length < LACP_FRAME_LEN)
		return false;
	for (size_t i = 0; i < LACP_MATCH_LEN; i++)
		if ((frame[i] & saved->mask[i]) != saved->match[i])
			return false;
	return true;
}

/* A frame that the data plane would answer must not change a running daemon's state. */
static void receive(struct world *world, uint16_t port, const uint8_t *frame, size_t length)
{
	unsigned int n_sent = world->n_sent[port], n_changed = world->n_changed;
	struct lacp_saved before, after;
	bool answered;

	check_decoder(frame, length);
	peer_mismatch_receive(&world->mismatch, frame, length, world->now_ms);
	CHECK(lacp_save(world->lacp, port, &before) == 0);
	answered = would_be_answered(&before, frame, length);
	lacp_receive(world->lacp, port, frame, length, world->now_ms);
	run(world);
	if (!answered)
		return;
	CHECK(lacp_save(world->lacp, port, &after) == 0);
	CHECK(n_changed == world->n_changed && n_sent == world->n_sent[port] &&
	      after.flags == before.flags);
	CHECK(memcmp(before.pdu, after.pdu, sizeof(after.pdu)) == 0 &&
	      memcmp(before.match, after.match, sizeof(after.match)) == 0);
}

/* ---- steps ---- */
static void step_bytes(struct world *world, uint16_t port, struct input *input)
{
	size_t length = take(input);
	uint8_t *frame;

	length = length < input->left ? length : input->left;
	frame = malloc(length ? length : 1); /* of the exact size, for ASan */
	CHECK(frame);
	if (length)
		memcpy(frame, input->at, length);
	input->at += length;
	input->left -= length;
	receive(world, port, frame, length);
	free(frame);
}

/* An LACPDU of a partner; 0x80 of the second byte: with one changed byte. */
static void step_lacpdu(struct world *world, uint16_t port, struct input *input)
{
	uint8_t state = take(input), variant = take(input);
	struct lacp_info speaker = { .system_priority = 32768,
				     .key = (uint16_t)(7 + (variant >> 2 & 1)),
				     .port_priority = 128,
				     .port = port,
				     .state = state };
	uint8_t frame[LACP_FRAME_LEN];
	struct lacp_port_info info;

	CHECK(lacp_port_info(world->lacp, port, world->now_ms, &info) == 0);
	memcpy(speaker.system, systems[variant & 3], 6);
	if (variant >> 3 & 1)
		speaker.port = (uint16_t)(variant >> 4 & 3);
	if (variant >> 6 & 1)
		info.actor.state &= (uint8_t)~LACP_SYNCHRONIZATION;
	lacp_frame_build(frame, systems[0], &speaker, &info.actor);
	if (variant & 0x80) {
		uint8_t at = take(input);

		frame[at % sizeof(frame)] = take(input);
	}
	receive(world, port, frame, sizeof(frame));
}

static void step_restart(struct world *world, uint64_t age_ms)
{
	struct lacp_callbacks callbacks = {
		.send = on_send, .changed = on_changed, .event = on_event, .userdata = world
	};
	struct lacp *next = lacp_new(&world->config, &callbacks);

	CHECK(next);
	memset(world->collecting, 0, sizeof(world->collecting));
	memset(world->distributing, 0, sizeof(world->distributing));
	memset(world->n_sent, 0, sizeof(world->n_sent)); /* a new process starts with an empty
							    window */
	for (uint16_t port = 1; port <= N_PORTS; port++) {
		const struct lacp_port_config config = { .number = port,
							 .priority = 255,
							 .mac = { 2, 0, 0, 0, 1, (uint8_t)port } };
		struct lacp_port_info info = { .enabled = true };
		struct lacp_saved saved;

		CHECK(lacp_port_add(next, &config) == 0);
		if (world->lacp) {
			CHECK(lacp_save(world->lacp, port, &saved) == 0 &&
			      lacp_port_info(world->lacp, port, world->now_ms, &info) == 0);
			lacp_restore(next, port, &saved, age_ms);
			lacp_port_set_drained(next, port, info.drained, world->now_ms);
		}
		lacp_port_set_link(next, port, info.enabled, 10000, true, world->now_ms);
	}
	lacp_free(world->lacp);
	world->lacp = next;
}

static void configure(struct world *world, struct input *input)
{
	uint8_t flags = take(input), policy = take(input), max_links = take(input);

	world->config = (struct lacp_config){
		.system_priority = 65535,
		.key = 1,
		.active = !(flags & 1),
		.fast = flags & 2,
		.independent = flags & 4,
		.fallback = flags & 8 ? LACP_FALLBACK_INDIVIDUAL : LACP_FALLBACK_NONE,
		.wait_to_restore_ms = flags & 16 ? 5000 : 0,
		.policy = policy % LACP_N_POLICIES,
		.min_links = (policy >> 2) % 3,
		.max_links = max_links % 4,
	};
	memcpy(world->config.system, systems[3], 6);
}

static void step(struct world *world, struct input *input)
{
	uint8_t what = take(input);
	uint16_t port = (uint16_t)(1 + (what >> 3) % N_PORTS);

	world->now_ms += take(input) * 20ULL;
	run(world);
	switch (what & 7) {
	case 0:
		return step_bytes(world, port, input);
	default:
		return step_lacpdu(world, port, input);
	case 4:
		lacp_port_set_link(world->lacp, port, what & 0x80, what & 0x40 ? 10000 : 0,
				   !(what & 0x20), world->now_ms);
		break;
	case 5:
		lacp_port_set_drained(world->lacp, port, what & 0x80, world->now_ms);
		break;
	case 6:
		configure(world, input);
		lacp_configure(world->lacp, &world->config, world->now_ms);
		break;
	case 7:
		if (what & 0x80)
			step_restart(world, (what >> 3) * 200ULL);
		else if (lacp_next_wakeup(world->lacp) != LACP_NEVER)
			world->now_ms = lacp_next_wakeup(world->lacp);
		break;
	}
	run(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	struct world world = { .now_ms = 1000000 };

	configure(&world, &input);
	step_restart(&world, 0);
	run(&world);
	while (input.left)
		step(&world, &input);
	lacp_free(world.lacp);
	return 0;
}
