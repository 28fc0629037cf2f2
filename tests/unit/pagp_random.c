// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Random inputs against the promises of PAgP, and two channels back to back. A failure prints its
 * seed; PAGP_SEED=N starts with it, PAGP_SEQUENCES=N sets the number of sequences.
 */
#include <criterion/criterion.h>

#include "pagp_rig.h"

#define INPUTS 1000
#define N_PORTS 3

static struct rig rig;
static uint64_t state, seed;
static uint64_t sent_ms[N_PORTS + 1][8]; /* ring */
static unsigned int n_sent[N_PORTS + 1];

TestSuite(pagp_random);

static uint32_t draw(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % n;
}

static uint64_t setting(const char *name, uint64_t preset)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : preset;
}

/* What is announced is what the data plane does, and the rate is limited. */
static void on_sent(struct rig *r, uint16_t port, const struct pagp_pdu *pdu)
{
	uint64_t *oldest = &sent_ms[port][n_sent[port] % 8];

	cr_assert(n_sent[port] < 8 || r->now_ms - *oldest >= 1000);
	*oldest = r->now_ms;
	n_sent[port]++;
	cr_assert(pdu->local.group || !r->distributing[port] ||
		  prig_record(r, port).state == PAGP_UP_DATA);
	cr_assert(!(pdu->flags & C) || pdu->local.group);
	cr_assert(!(pdu->flags & SLOW) || pdu->flags & C);
}

static void check(void)
{
	const struct pagp_side *partner = NULL;
	unsigned int n_individual = 0;

	for (uint16_t i = 1; i <= N_PORTS; i++) {
		struct ul_pagp_port record = prig_record(&rig, i);

		cr_assert(!rig.distributing[i] || rig.collecting[i], "seed %llu",
			  (unsigned long long)seed);
		cr_assert_eq(!!(record.flags & UL_PAGP_DISTRIBUTING), rig.distributing[i]);
		n_individual += record.state == PAGP_UP_DATA;
		if (!rig.distributing[i] || record.state == PAGP_UP_DATA)
			continue;
		cr_assert_eq(record.state, PAGP_UP_PAGP);
		cr_assert(record.partner_flags & C && record.actor_flags & C);
		cr_assert(record.flags & UL_PAGP_ENABLED && !(record.flags & UL_PAGP_DRAINED));
		cr_assert_neq(record.partner.group, 0);
		if (partner) {
			struct ul_pagp_port first;

			memcpy(&first.partner, partner, sizeof(*partner));
			cr_assert_arr_eq(first.partner.device, record.partner.device, 6);
			cr_assert_eq(first.partner.group, record.partner.group);
			cr_assert_eq(first.partner.capability, record.partner.capability);
			cr_assert_neq(first.partner.port, record.partner.port);
		} else {
			static struct pagp_side keep;

			keep = record.partner;
			partner = &keep;
		}
	}
	cr_assert_leq(n_individual, 1);
	cr_assert(!n_individual || !partner);
}

static void random_partner(struct pagp_pdu *pdu, uint16_t port)
{
	static const uint32_t groups[] = { 0, SWITCH_GROUP, SWITCH_GROUP, SWITCH_GROUP, 30, 101 };

	if (draw(2)) { /* as it should be */
		prig_partner(&rig, port);
		pdu->flags = (uint8_t)(C | draw(2));
		pdu->local.group = SWITCH_GROUP;
		return;
	}
	pdu->flags = (uint8_t)(draw(4) ? C | draw(2) : draw(8));
	pdu->local.group = groups[draw(ARRAY_SIZE(groups))];
	pdu->local.port = draw(8) ? 100u + port : 101u;
	pdu->local.learn = draw(8) ? PAGP_LEARN_AGGREGATION : PAGP_LEARN_PHYSICAL;
	pdu->local.capability = draw(8) ? 0x10001 : 0x20001;
	memcpy(pdu->local.device, draw(8) ? prig_switch : draw(2) ? prig_other : prig_device, 6);
	pdu->count = draw(8) ? 1 : (uint16_t)draw(3);
	pdu->partner = rig.sent[port].local;
	if (!draw(6))
		pdu->partner.group = 0;
	if (!draw(10))
		pdu->partner.port++;
}

static void input(struct pagp_config *config)
{
	uint16_t port = (uint16_t)(1 + draw(N_PORTS));

	switch (draw(16)) {
	case 0:
		prig_link(&rig, port, draw(3));
		prig_run(&rig);
		break;
	case 1:
		pagp_port_set_drained(rig.pagp, port, !draw(3), rig.now_ms);
		prig_run(&rig);
		break;
	case 2:
		config->auto_mode = !draw(3);
		config->fallback = draw(2) ? PAGP_FALLBACK_INDIVIDUAL : PAGP_FALLBACK_NONE;
		config->source_based = draw(2);
		pagp_configure(rig.pagp, config);
		prig_run(&rig);
		break;
	case 3:
		prig_pass(&rig, draw(120000));
		break;
	case 4:
	case 5:
		prig_pass(&rig, draw(2000));
		break;
	default:
		random_partner(&rig.partner[port], port);
		prig_hear_raw(&rig, port);
		break;
	}
	check();
}

Test(pagp_random, promises_hold)
{
	uint64_t first = setting("PAGP_SEED", 1), n = setting("PAGP_SEQUENCES", 300);
	unsigned int in_use = 0, used[3] = {};

	for (seed = first; seed < first + n; seed++) {
		struct pagp_config config = prig_config();

		state = seed * 0x9e3779b97f4a7c15ULL | 1;
		memset(n_sent, 0, sizeof(n_sent));
		prig_open(&rig, &config, N_PORTS);
		rig.on_sent = on_sent;
		for (int i = 0; i < INPUTS; i++) {
			input(&config);
			in_use = (unsigned int)__builtin_popcount(prig_in_use(&rig));
			for (unsigned int k = 0; k < 3; k++)
				used[k] += in_use > k;
		}
		prig_done(&rig);
	}
	/* the inputs reach the states that are checked */
	cr_assert(n < 100 || (used[0] > 1000 && used[1] > 1000 && used[2] > 300),
		  "%u %u %u runs with 1, 2, 3 ports in use", used[0], used[1], used[2]);
}

/* ---- two channels back to back ---- */
struct pair {
	struct pagp *side[2];
	uint64_t now_ms;
	bool distributing[2][N_PORTS + 1];
	struct {
		int to;
		uint16_t port;
		size_t length;
		uint8_t frame[PAGP_MAX_FRAME];
	} wire[256];
	size_t n;
	bool cut[N_PORTS + 1];
};

static struct pair pair;

static void pair_send(int from, uint16_t port, const uint8_t *frame, size_t length)
{
	if (pair.cut[port] || pair.n == ARRAY_SIZE(pair.wire))
		return;
	pair.wire[pair.n].to = !from;
	pair.wire[pair.n].port = port;
	pair.wire[pair.n].length = length;
	memcpy(pair.wire[pair.n++].frame, frame, length);
}

static void send_0(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	pair_send(0, port, frame, length);
}

static void send_1(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	pair_send(1, port, frame, length);
}

static void pair_changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	bool *side = userdata;

	side[port] = distributing;
}

static void pair_event(void *userdata, uint16_t port, enum pagp_event_kind kind, const char *text)
{
}

static void pair_open(bool auto_0, bool auto_1)
{
	memset(&pair, 0, sizeof(pair));
	pair.now_ms = T0;
	for (int s = 0; s < 2; s++) {
		struct pagp_config config = prig_config();
		const struct pagp_callbacks callbacks = { .send = s ? send_1 : send_0,
							  .changed = pair_changed,
							  .event = pair_event,
							  .userdata = pair.distributing[s] };

		config.device[5] = (uint8_t)(10 + s);
		config.auto_mode = s ? auto_1 : auto_0;
		pair.side[s] = pagp_new(&config, &callbacks);
		cr_assert(pair.side[s]);
		for (uint16_t i = 1; i <= N_PORTS; i++) {
			const struct pagp_port_config port = { .number = i };

			cr_assert_eq(pagp_port_add(pair.side[s], &port), 0);
			pagp_port_set_link(pair.side[s], i, true, 1000, true, pair.now_ms);
		}
	}
}

static void pair_close(void)
{
	pagp_free(pair.side[0]);
	pagp_free(pair.side[1]);
}

static void pair_pass(uint64_t ms)
{
	for (uint64_t end_ms = pair.now_ms + ms; pair.now_ms < end_ms; pair.now_ms += 10)
		for (int rounds = 0; rounds < 4; rounds++) {
			size_t n = pair.n;

			for (size_t i = 0; i < n; i++)
				pagp_receive(pair.side[pair.wire[i].to], pair.wire[i].port,
					     pair.wire[i].frame, pair.wire[i].length, pair.now_ms);
			memmove(pair.wire, pair.wire + n, (pair.n - n) * sizeof(pair.wire[0]));
			pair.n -= n;
			for (int s = 0; s < 2; s++)
				if (pagp_next_wakeup(pair.side[s]) <= pair.now_ms)
					pagp_run(pair.side[s], pair.now_ms);
		}
}

static unsigned int pair_in_use(int side)
{
	unsigned int mask = 0;

	for (unsigned int i = 1; i <= N_PORTS; i++)
		mask |= (unsigned int)pair.distributing[side][i] << i;
	return mask;
}

Test(pagp_random, two_channels_join_unless_both_are_auto)
{
	for (int a = 0; a < 2; a++)
		for (int b = 0; b < 2; b++) {
			unsigned int expected = a && b ? 0 : 0xe;

			pair_open(a, b);
			pair_pass(3000);
			cr_assert_eq(pair_in_use(0), expected, "auto %d %d", a, b);
			cr_assert_eq(pair_in_use(1), expected, "auto %d %d", a, b);
			pair_pass(300000);
			cr_assert_eq(pair_in_use(0), expected);
			pair_close();
		}
}

Test(pagp_random, a_link_that_loses_frames_in_silence_leaves_and_returns)
{
	pair_open(false, true);
	pair_pass(10000);
	pair.cut[2] = true;
	pair_pass(3600);
	cr_assert_eq(pair_in_use(0), 0xa);
	cr_assert_eq(pair_in_use(1), 0xa);
	pair.cut[2] = false;
	pair_pass(2000);
	cr_assert_eq(pair_in_use(0), 0xe);
	cr_assert_eq(pair_in_use(1), 0xe);
	pair_close();
}
