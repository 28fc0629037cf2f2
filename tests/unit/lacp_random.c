// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * A million random inputs against invariants, and two ends that converge after random inputs.
 *
 * A failure prints the seed of its sequence. LACP_SEED=N runs that sequence alone, LACP_SEQUENCES=N
 * sets the number of sequences.
 */
#include <criterion/criterion.h>

#include "lacp_rig.h"

#define SEQUENCES 500
#define STEPS 2200 /* SEQUENCES * STEPS > 1,000,000 */
#define MAX_NUMBER 6

struct world {
	struct lacp *lacp;
	struct lacp_config config;
	uint64_t seed, first_seed, now_ms, calls;
	unsigned int step;
	bool collecting[MAX_NUMBER + 1], distributing[MAX_NUMBER + 1];
	uint64_t sent_ms[MAX_NUMBER + 1][LACP_TX_LIMIT]; /* ring */
	unsigned int n_sent[MAX_NUMBER + 1];
};

static struct world world;
/* proof that the random inputs reach these states */
static uint64_t n_inputs, n_lacpdus, n_distributing, n_individual, n_standby, n_restored;

#define CHECK(condition, ...)                                                                  \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(stderr, "LACP_SEED=%llu step %u: %s:",                         \
				(unsigned long long)world.first_seed, world.step, #condition); \
			fprintf(stderr, " " __VA_ARGS__);                                      \
			fputc('\n', stderr);                                                   \
			cr_assert_fail("invariant broken");                                    \
		}                                                                              \
	} while (0)

static uint32_t below(uint32_t n)
{
	return random_below(&world.seed, n);
}

static void on_send(void *userdata, uint16_t port, const uint8_t *frame, size_t length)
{
	uint8_t state = frame[LACP_OFF_ACTOR + LACP_OFF_INFO_STATE];
	uint64_t *oldest = &world.sent_ms[port][world.n_sent[port] % LACP_TX_LIMIT];

	world.calls++;
	CHECK(length == LACP_FRAME_LEN);
	if (frame[LACP_OFF_SUBTYPE] != 1)
		return;
	CHECK(world.n_sent[port] < LACP_TX_LIMIT || world.now_ms - *oldest >= LACP_WINDOW_MS,
	      "port %u exceeds the transmit limit", port);
	*oldest = world.now_ms;
	world.n_sent[port]++;
	n_lacpdus++;
	CHECK(!(state & LACP_COLLECTING) == !world.collecting[port],
	      "port %u announces another state than the data plane has", port);
	CHECK(!(state & LACP_DISTRIBUTING) == !world.distributing[port],
	      "port %u announces another state than the data plane has", port);
	CHECK(state & LACP_AGGREGATION);
}

static void on_changed(void *userdata, uint16_t port, bool collecting, bool distributing)
{
	world.calls++;
	CHECK(world.collecting[port] != collecting || world.distributing[port] != distributing);
	world.collecting[port] = collecting;
	world.distributing[port] = distributing;
}

static void on_event(void *userdata, uint16_t port, enum lacp_event_kind kind, const char *text)
{
	world.calls++;
	CHECK(port <= MAX_NUMBER && kind < LACP_N_EVENTS && text[0] != '\0');
}

static const struct lacp_callbacks callbacks = { .send = on_send,
						 .changed = on_changed,
						 .event = on_event };

/* ---- invariants ---- */

static void check_port(const struct lacp_port *port)
{
	const uint16_t number = port->config.number;
	const uint8_t state = port->actor_state;
	const bool collecting = state & LACP_COLLECTING, distributing = state & LACP_DISTRIBUTING;
	const bool fallback_alone = port->individual && port->receive == LACP_RX_DEFAULTED;

	CHECK(world.collecting[number] == collecting && world.distributing[number] == distributing,
	      "port %u", number);
	CHECK(!distributing || collecting);
	CHECK(!distributing || port->selected == LACP_SELECTED, "port %u", number);
	CHECK(!distributing || port->partner.state & LACP_SYNCHRONIZATION || fallback_alone,
	      "port %u", number);
	CHECK(!collecting || (port->selected == LACP_SELECTED && port->enabled &&
			      port->lacp_enabled && !port->loopback),
	      "port %u", number);
	CHECK(!collecting || !port->drained || port->draining, "port %u", number);
	CHECK(!port->individual || (port->selected == LACP_SELECTED &&
				    world.config.fallback == LACP_FALLBACK_INDIVIDUAL),
	      "port %u", number);
	CHECK(!distributing || !world.config.independent || port->partner.state & LACP_COLLECTING ||
		      fallback_alone,
	      "port %u", number);

	CHECK(collecting == (port->mux >= LACP_MUX_COLLECTING));
	CHECK(distributing == (port->mux >= LACP_MUX_DISTRIBUTING));
	CHECK(!(state & LACP_SYNCHRONIZATION) == !(lacp_attached(port) && !port->draining),
	      "port %u", number);
	CHECK(!port->draining || port->mux == LACP_MUX_COLLECTING);
	CHECK((port->mux == LACP_MUX_COLLECTING_DISTRIBUTING) <= !world.config.independent);
	CHECK((port->mux == LACP_MUX_DISTRIBUTING) <= world.config.independent);

	CHECK(port->receive != LACP_RX_INITIALIZE);
	CHECK((port->receive == LACP_RX_PORT_DISABLED) == !port->enabled);
	CHECK(port->receive != LACP_RX_EXPIRED || state & LACP_EXPIRED);
	CHECK(!(state & LACP_EXPIRED) || port->receive == LACP_RX_EXPIRED ||
	      port->receive == LACP_RX_PORT_DISABLED);
	CHECK(port->receive != LACP_RX_DEFAULTED || state & LACP_DEFAULTED);
	CHECK(port->receive != LACP_RX_CURRENT || !(state & LACP_DEFAULTED));
	CHECK(port->receive == LACP_RX_CURRENT || !(port->partner.state & LACP_SYNCHRONIZATION));
	CHECK(port->enabled || port->selected == LACP_UNSELECTED);
	CHECK(!(state & LACP_ACTIVITY) == !world.config.active &&
	      !(state & LACP_TIMEOUT) == !world.config.fast);

	n_distributing += distributing;
	n_individual += fallback_alone && distributing;
	n_standby += port->selected == LACP_STANDBY;
}

static void check_channel(void)
{
	const struct lacp *lacp = world.lacp;
	unsigned int selected = 0, distributing = 0, individual = 0;
	const struct lacp_port *attached = NULL;
	struct lacp_port *port;

	lacp_for_each_port(lacp, port)
	{
		struct lacp_lag lag = lacp_lag_of(port);
		bool counts = !port->individual && !port->draining;

		check_port(port);
		CHECK(port->selected == LACP_UNSELECTED || !counts ||
			      (lacp->lag_valid && lacp_lag_equal(&lag, &lacp->lag)),
		      "port %u is selected into another aggregation", port->config.number);
		if (lacp_attached(port) && counts) {
			struct lacp_lag first = lacp_lag_of(attached ? attached : port);

			CHECK(lacp_lag_equal(&first, &lag),
			      "port %u is attached to another aggregation", port->config.number);
			attached = port;
		}
		selected += port->selected == LACP_SELECTED && counts;
		distributing += counts && port->actor_state & LACP_DISTRIBUTING;
		individual += port->individual;
	}
	CHECK(!world.config.max_links || selected <= world.config.max_links);
	CHECK(distributing == 0 || distributing >= world.config.min_links);
	CHECK(individual == 0 || (individual == 1 && selected == 0));
	CHECK(lacp_next_wakeup(lacp) > world.now_ms, "a wakeup in the past");
}

static void run_and_check(void)
{
	uint64_t calls;

	lacp_run(world.lacp, world.now_ms);
	check_channel();
	calls = world.calls;
	lacp_run(world.lacp, world.now_ms);
	CHECK(world.calls == calls, "not settled after one run");
}

/* ---- inputs ---- */

static void random_config(void)
{
	struct lacp_config *config = &world.config;

	*config = rig_config();
	config->key = (uint16_t)(1 + below(2));
	config->active = below(4);
	config->fast = below(2);
	config->independent = below(2);
	config->policy = below(LACP_N_POLICIES);
	config->fallback = below(3) == 0;
	config->min_links = below(4) ? 1 : below(4);
	config->max_links = below(3) ? 0 : below(4);
	config->wait_to_restore_ms = below(3) ? 0 : below(20000);
	config->system_priority = below(2) ? 65535 : 1;
}

static uint16_t some_port(void)
{
	return (uint16_t)(1 + below(MAX_NUMBER));
}

static void input_lacpdu(uint16_t number)
{
	const uint8_t good[] = { UP, SYNCED, WILLING, UP | LACP_TIMEOUT, SYNCED | LACP_COLLECTING };
	struct lacp_info speaker = {
		.system_priority = 32768, .key = 7, .port_priority = 128, .port = number
	};
	uint8_t frame[LACP_FRAME_LEN];
	struct lacp_port_info info;

	if (lacp_port_info(world.lacp, number, world.now_ms, &info) < 0)
		return;
	memcpy(speaker.system, below(20) ? switch_a : below(4) ? switch_b : rig_system, 6);
	if (below(40) == 0)
		speaker.key++;
	if (below(40) == 0)
		speaker.port = some_port();
	speaker.state = below(4) ? good[below(ARRAY_SIZE(good))] :
				   (uint8_t)random_next(&world.seed);
	if (below(12) == 0)
		((uint8_t *)&info.actor)[below(sizeof(info.actor))] ^= (uint8_t)(1 << below(8));
	lacp_frame_build(frame, switch_a, &speaker, &info.actor);
	lacp_receive(world.lacp, number, frame, sizeof(frame), world.now_ms);
}

static void input_garbage(uint16_t number)
{
	struct lacp_info actor = { .state = SYNCED };
	uint8_t frame[LACP_FRAME_LEN + 8];

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)random_next(&world.seed);
	if (below(3))
		lacp_frame_build(frame, switch_b, &actor, &actor);
	frame[below(60)] = (uint8_t)random_next(&world.seed);
	frame[LACP_OFF_SUBTYPE] = (uint8_t)below(4);
	lacp_receive(world.lacp, number, frame, below(sizeof(frame) + 1), world.now_ms);
}

static void input_port(uint16_t number)
{
	const struct lacp_port_config config = { .number = number,
						 .priority = (uint16_t)below(300),
						 .mac = { 2, 0, 0, 0, 1, (uint8_t)number } };

	if (below(3) == 0) {
		lacp_port_configure(world.lacp, &config);
	} else if (lacp_port_add(world.lacp, &config) == -EEXIST && below(4) == 0) {
		CHECK(lacp_port_remove(world.lacp, number, world.now_ms) == 0);
		CHECK(!world.collecting[number] && !world.distributing[number],
		      "removed, but in use");
		world.n_sent[number] = 0;
	} else {
		lacp_port_set_link(world.lacp, number, true, 1000U << below(4), true, world.now_ms);
	}
}

/* A new process restores the saved records. */
static void input_restart(void)
{
	struct lacp *next = lacp_new(&world.config, &callbacks);
	const uint64_t age_ms = below(2) ? below(100) : below(100000);
	bool told[2][MAX_NUMBER + 1], resumed[MAX_NUMBER + 1] = { false };
	struct lacp_port *port;

	CHECK(next);
	run_and_check();
	memcpy(told[0], world.collecting, sizeof(told[0]));
	memcpy(told[1], world.distributing, sizeof(told[1]));
	memset(world.collecting, 0, sizeof(world.collecting));
	memset(world.distributing, 0, sizeof(world.distributing));
	/* a new process starts with an empty transmit window */
	memset(world.n_sent, 0, sizeof(world.n_sent));
	lacp_for_each_port(world.lacp, port)
	{
		const uint16_t number = port->config.number;
		struct lacp_saved saved;

		CHECK(lacp_port_add(next, &port->config) == 0);
		CHECK(lacp_save(world.lacp, number, &saved) == 0);
		/* with stale records only another aggregation may win */
		resumed[number] = lacp_restore(next, number, &saved, age_ms) == 0 &&
				  age_ms < LACP_SHORT_TIMEOUT_MS &&
				  saved.flags & LACP_SAVED_HEALTHY;
	}
	lacp_for_each_port(world.lacp, port)
	{
		lacp_port_set_drained(next, port->config.number, port->drained, world.now_ms);
		lacp_port_set_link(next, port->config.number, port->enabled, port->speed_mbps,
				   port->lacp_enabled, world.now_ms);
	}
	lacp_free(world.lacp);
	world.lacp = next;
	lacp_run(next, world.now_ms);
	for (uint16_t number = 1; number <= MAX_NUMBER; number++) {
		if (resumed[number]) {
			CHECK(world.collecting[number] == told[0][number] &&
				      world.distributing[number] == told[1][number],
			      "port %u", number);
			n_restored++;
		}
	}
}

static void input_time(void)
{
	uint64_t wakeup_ms = lacp_next_wakeup(world.lacp);

	switch (below(8)) {
	case 0:
		world.now_ms += below(200000);
		return;
	case 1:
	case 2:
		world.now_ms += below(3000);
		return;
	case 3:
		world.now_ms += below(20);
		return;
	default:
		if (wakeup_ms != LACP_NEVER && wakeup_ms > world.now_ms)
			world.now_ms = wakeup_ms;
		return;
	}
}

static void random_input(void)
{
	uint16_t number = some_port();
	uint32_t what = below(1000);

	if (what < 550)
		input_lacpdu(number);
	else if (what < 850)
		input_time();
	else if (what < 890)
		lacp_port_set_link(world.lacp, number, below(4), below(4) ? 10000 : 0, below(10),
				   world.now_ms);
	else if (what < 920)
		lacp_port_set_drained(world.lacp, number, below(4) == 0, world.now_ms);
	else if (what < 950)
		input_garbage(number);
	else if (what < 975)
		input_port(number);
	else if (what < 985)
		lacp_port_heard(world.lacp, number, world.now_ms - below(2000));
	else if (what < 992)
		input_restart();
	else if (below(4) == 0) {
		random_config();
		lacp_configure(world.lacp, &world.config, world.now_ms);
	}
}

static void sequence(uint64_t seed)
{
	memset(&world, 0, sizeof(world));
	world.first_seed = world.seed = seed;
	world.now_ms = T0;
	random_config();
	world.lacp = lacp_new(&world.config, &callbacks);
	cr_assert_not_null(world.lacp);
	for (world.step = 0; world.step < STEPS; world.step++) {
		random_input();
		n_inputs++;
		if (below(4)) /* several inputs before lacp_run() */
			run_and_check();
	}
	lacp_free(world.lacp);
}

Test(lacp_random, a_million_inputs_keep_the_invariants, .timeout = 300)
{
	const char *only = getenv("LACP_SEED"), *how_many = getenv("LACP_SEQUENCES");
	uint64_t sequences = how_many ? strtoull(how_many, NULL, 10) : SEQUENCES;

	if (only) {
		sequence(strtoull(only, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= sequences; seed++)
		sequence(seed);
	fprintf(stderr, "lacp_random: %llu inputs, %llu LACPDUs sent, %llu restarts resumed\n",
		(unsigned long long)n_inputs, (unsigned long long)n_lacpdus,
		(unsigned long long)n_restored);
	if (sequences < SEQUENCES)
		return;
	cr_assert_gt(n_inputs, 1000000);
	cr_assert_gt(n_distributing, 100000);
	cr_assert_gt(n_individual, 1000);
	cr_assert_gt(n_standby, 1000);
	cr_assert_gt(n_restored, 100);
}

/* ---- two ends ---- */

static struct rig a, b;

static void torment(uint64_t *seed, uint16_t n_ports)
{
	uint16_t number = (uint16_t)(1 + random_below(seed, n_ports));
	struct rig *rig = random_below(seed, 2) ? &a : &b;

	switch (random_below(seed, 6)) {
	case 0:
		a.cut[number] = random_below(seed, 2);
		return;
	case 1:
		lacp_port_set_drained(rig->lacp, number, random_below(seed, 2), rig->now_ms);
		return;
	case 2: {
		bool up = random_below(seed, 3);

		rig_link(&a, number, up);
		rig_link(&b, number, up);
		return;
	}
	case 3:
		rig_link(rig, number, random_below(seed, 2));
		return;
	case 4:
		rig->config.fast = random_below(seed, 2);
		rig->config.independent = random_below(seed, 2);
		rig->config.policy = random_below(seed, LACP_N_POLICIES);
		lacp_configure(rig->lacp, &rig->config, rig->now_ms);
		return;
	default:
		rig->config.key = (uint16_t)(1 + random_below(seed, 3));
		lacp_configure(rig->lacp, &rig->config, rig->now_ms);
		return;
	}
}

Test(lacp_random, two_ends_always_converge, .timeout = 300)
{
	const uint16_t n_ports = 3;

	for (uint64_t first_seed = 1; first_seed <= 300; first_seed++) {
		uint64_t seed = first_seed;
		struct lacp_config one = rig_config(), other = rig_config();

		memcpy(other.system, switch_a, 6);
		one.active = true;
		other.active = random_below(&seed, 2);
		one.max_links = random_below(&seed, 3) ? 0 : 2;
		other.max_links = random_below(&seed, 3) ? 0 : 2;
		one.min_links = random_below(&seed, 3) ? 1 : 2;
		other.min_links = random_below(&seed, 3) ? 1 : 2;
		one.fallback = random_below(&seed, 4) == 0;
		one.wait_to_restore_ms = random_below(&seed, 3) ? 0 : 5000;
		rig_open(&a, &one, n_ports);
		rig_open(&b, &other, n_ports);
		pair_wire(&a, &b);
		for (int i = 0; i < 40; i++) {
			torment(&seed, n_ports);
			pair_pass(&a, &b,
				  random_below(&seed, 2) ? random_below(&seed, 50) :
							   random_below(&seed, 8000));
		}

		for (uint16_t port = 1; port <= n_ports; port++) {
			a.cut[port] = false;
			lacp_port_set_drained(a.lacp, port, false, a.now_ms);
			lacp_port_set_drained(b.lacp, port, false, b.now_ms);
			rig_link(&a, port, true);
			rig_link(&b, port, true);
		}
		/* A port in CURRENT on one end only takes one long timeout at most. */
		pair_pass(&a, &b, LACP_LONG_TIMEOUT_MS + 30000);
		rig_forget(&a);
		rig_forget(&b);
		pair_pass(&a, &b, 120000);

		uint32_t want = one.max_links || other.max_links ? 2 : n_ports;

		cr_assert_eq(rig_links(&a), want, "seed %llu: %u links of %u: %s",
			     (unsigned long long)first_seed, rig_links(&a), want, rig_why(&a, 1));
		for (uint16_t port = 1; port <= n_ports; port++)
			cr_assert_eq(a.distributing[port], b.distributing[port],
				     "seed %llu port %u", (unsigned long long)first_seed, port);
		for (size_t i = 0; i < a.n_log; i++)
			cr_assert_neq(a.log[i].kind, LOG_CHANGED, "seed %llu: never at rest",
				      (unsigned long long)first_seed);
		rig_done(&a);
		rig_done(&b);
	}
}
