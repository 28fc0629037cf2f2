// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Address ownership over several frames: what one frame records and the next one meets. Each state
 * times each single frame is in random.c. h0 (VST 300) learns, f0 (VST 100) may forge; y is a
 * stranger, and where a test says so an address learned behind h0. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>

#include "cases.h"
#include "check.h"
#include "dataplane/clock.h"

TestSuite(ownership, .timeout = 900);

struct scene {
	struct world *world;
	struct sw sw;
	struct world_counters got; /* of the last frame */
	struct world_run run;
};

static const uint8_t y_mac[6] = { 0x02, 0xee, 0, 0, 0, 0x12 };

static struct scene *scene_new(bool y_is_learned)
{
	static struct scene scene;

	scene.world = world_new(WORLD_XDP | WORLD_FLOOD_LIMIT);
	cases_switch(&scene.sw);
	scene.sw.ownership = true;
	if (y_is_learned) {
		scene.sw.n_learned = 1;
		scene.sw.learned[0] = (struct sw_learned){ .port = P_H0, .here = SW_SECONDS_AGO };
		memcpy(scene.sw.learned[0].mac, y_mac, 6);
	}
	return &scene;
}

static void send_frame(struct scene *scene, enum model_program program, const char *from,
		       const struct frame_buf *frame)
{
	world_test_run(scene->world, program, case_endpoint(from), frame, &scene->run);
	world_counters(scene->world, &scene->got);
	world_events(scene->world);
}

static void send_text(struct scene *scene, const char *from, const char *text)
{
	static struct frame_buf frame;

	frame_build(case_names, text, &frame);
	send_frame(scene, from[0] == 'u' ? MODEL_UPLINK_TC : MODEL_PORT_TC, from, &frame);
}

static uint64_t grew(const struct scene *scene, const char *endpoint, enum ul_reason reason)
{
	return scene->got.at[case_endpoint(endpoint)][reason].packets;
}

#define EXPECT(scene, endpoint, reason) \
	cr_expect_eq(grew(scene, endpoint, UL_R_##reason), 1, endpoint "." #reason)
#define EXPECT_NOT(scene, endpoint, reason) \
	cr_expect_eq(grew(scene, endpoint, UL_R_##reason), 0, endpoint "." #reason)

/* As if this time had gone by. */
static void let_pass(struct world *world, uint64_t ms)
{
	uint32_t ticks = (uint32_t)(ms * kernel_hz() / 1000);
	uint64_t *tables[] = { world->sent, world->outside };

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (uint32_t i = 0; i < UL_RECENT; i++)
			if (tables[t][i])
				tables[t][i] = (tables[t][i] & ~0xffffffffULL) |
					       (uint32_t)((uint32_t)tables[t][i] - ticks);
	for (uint32_t row = 0; row <= world->fdb.mask; row++) {
		for (int cell = 0; cell < 4; cell++) {
			struct ul_use_row *use = &world->fdb.use[row];

			use->here[cell] -= use->here[cell] ? ticks : 0;
			use->outside[cell] -= use->outside[cell] ? ticks : 0;
		}
	}
	memset(world->flooded, 0, sizeof(*world->flooded) * UL_RECENT);
}

Test(ownership, the_first_frame_confirms)
{
	struct scene *scene = scene_new(false);

	scene->sw.port[P_A1].unseen = true;
	world_apply(scene->world, &scene->sw);
	send_text(scene, "a0", "a0>a1");
	EXPECT(scene, "a0", TO_UPLINK);
	EXPECT(scene, "a0", BOTH_WAYS);
	EXPECT(scene, "a1", SENT);
	send_text(scene, "u0", "a1>bcast v100");
	EXPECT(scene, "u0", FLOODED);

	send_text(scene, "a1", "a1>y");
	send_text(scene, "a0", "a0>a1");
	EXPECT(scene, "a0", TO_PORT);
	EXPECT_NOT(scene, "a0", BOTH_WAYS);
	send_text(scene, "u0", "a1>bcast v100");
	EXPECT(scene, "u0", REFLECTED);

	/* The carrier went: the daemon raises life. */
	scene->world->ports[P_A1].flags |= UL_PORT_ABSENT;
	scene->world->ports[P_A1].life++;
	send_text(scene, "a0", "a0>a1");
	EXPECT(scene, "a0", TO_UPLINK);
	EXPECT_NOT(scene, "a1", SENT);
	send_text(scene, "a0", "a0>bcast");
	EXPECT(scene, "a1", PORT_DOWN);
	send_text(scene, "u0", "x>a1 v100 tcp4:1>2");
	EXPECT(scene, "u0", PORT_DOWN);
	send_text(scene, "u0", "a1>bcast v100");
	EXPECT(scene, "u0", FLOODED);
	world_free(scene->world);
}

struct sender {
	struct scene *scene;
	const char *from;
	struct frame_buf frame;
	bool stop;
	uint64_t n_runs;
};

static void *run_sender(void *arg)
{
	struct sender *sender = arg;
	struct world *world = sender->scene->world;
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	while (!__atomic_load_n(&sender->stop, __ATOMIC_ACQUIRE)) {
		struct __sk_buff ctx = { .ifindex = world_ifindex(world,
								  case_endpoint(sender->from)) };
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = sender->frame.data,
			    .data_size_in = sender->frame.len, .ctx_in = &ctx,
			    .ctx_size_in = sizeof(ctx), .repeat = 500);

		if (bpf_prog_test_run_opts(bpf_program__fd(world->skel->progs.port_tc), &opts) < 0)
			break;
		__atomic_fetch_add(&sender->n_runs, 500, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void start_sender(struct sender *sender, pthread_t *ret)
{
	cr_assert_eq(pthread_create(ret, NULL, run_sender, sender), 0);
	while (!__atomic_load_n(&sender->n_runs, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void stop_sender(struct sender *sender, pthread_t thread)
{
	__atomic_store_n(&sender->stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	cr_expect_gt(sender->n_runs, 500);
}

/* A frame that has read the old life cannot confirm the new one: seen follows life, and is never
 * ahead of it. */
Test(ownership, frames_in_flight_while_life_rises)
{
	static struct sender sender;
	struct scene *scene = scene_new(false);
	volatile struct ul_port *port = &scene->world->ports[P_A1];
	pthread_t thread;

	world_apply(scene->world, &scene->sw);
	sender = (struct sender){ .scene = scene, .from = "a1" };
	frame_build(case_names, "a1>y", &sender.frame);
	start_sender(&sender, &thread);
	for (uint32_t i = 0; i < 300000; i++) {
		uint32_t seen = port->seen, life = port->life;

		cr_assert_leq(seen, life);
		if (i % 3 == 0)
			port->life = life + 1;
	}
	stop_sender(&sender, thread);
	port->life++;
	send_text(scene, "a0", "a0>a1");
	EXPECT(scene, "a0", BOTH_WAYS);
	send_text(scene, "a1", "a1>y");
	cr_expect_eq(port->seen, port->life);
	world_free(scene->world);
}

/* Own broadcasts with a foreign source come back: recognised from the first one on, before the
 * daemon has learned the source, and until 0.5 s have passed. */
Test(ownership, reflections_of_foreign_sources)
{
	struct scene *scene = scene_new(false);

	scene->sw.group[scene->sw.port[P_H0].group].flags |= UL_GROUP_FLOODED;
	world_apply(scene->world, &scene->sw);
	send_text(scene, "h0", "y>bcast udp4:1>2");
	cr_expect_eq(scene->world->n_events, 1);
	send_text(scene, "u0", "y>bcast v300 udp4:1>2");
	EXPECT(scene, "u0", REFLECTED);
	send_text(scene, "u1", "y>bcast v300 udp4:1>2"); /* the other uplink has it, too */
	EXPECT(scene, "u1", REFLECTED);
	send_text(scene, "u0", "y>bcast v100 udp4:1>2");
	EXPECT(scene, "u0", FLOODED);
	send_text(scene, "u0", "y>bcast v300 udp4:1>3");
	EXPECT(scene, "u0", FLOODED);
	let_pass(scene->world, UL_REFLECTION_MS + 20);
	send_text(scene, "u0", "y>bcast v300 udp4:1>2");
	EXPECT(scene, "u0", FLOODED);

	/* Unicast is known by its source. */
	send_text(scene, "h0", "y>x udp4:1>2");
	send_text(scene, "u0", "y>x v300 udp4:1>9");
	EXPECT(scene, "u0", REFLECTED);
	EXPECT_NOT(scene, "h0", SENT);
	let_pass(scene->world, UL_REFLECTION_MS + 20);
	send_text(scene, "u0", "y>x v300 udp4:1>9");
	EXPECT(scene, "u0", FLOODED);
	EXPECT(scene, "h0", SENT);
	world_free(scene->world);
}

#define DIGEST_END (14 + 24) /* of a frame without a tag */

/* A NIC pads short frames with zeros. Anything else behind them is another frame. */
Test(ownership, padding_of_short_frames)
{
	static struct frame_buf frame, padded;
	struct scene *scene = scene_new(false);

	world_apply(scene->world, &scene->sw);
	for (uint32_t len = 15; len <= 60; len++) {
		frame_build(case_names, "y>bcast t88b5 len=60", &frame);
		memset(frame.data + len, 0, 60 - len);
		frame_retag(&frame, "v300", &padded);
		frame.len = len;
		send_frame(scene, MODEL_PORT_TC, "h0", &frame);
		send_frame(scene, MODEL_UPLINK_XDP, "u0", &padded);
		cr_expect_eq(grew(scene, "u0", UL_R_REFLECTED), 1, "%u bytes", len);
		send_frame(scene, MODEL_UPLINK_TC, "u0", &padded);
		cr_expect_eq(grew(scene, "u0", UL_R_REFLECTED), 1, "%u bytes by TC", len);

		padded.data[4 + len] ^= 1;
		send_frame(scene, MODEL_UPLINK_XDP, "u0", &padded);
		cr_expect_eq(grew(scene, "u0", UL_R_REFLECTED), len >= DIGEST_END,
			     "%u bytes and one that is not zero", len);
		world_forget_recent(scene->world);
	}
	world_free(scene->world);
}

/* Two routers with one address: each advertisement of the other one is heard, and the address
 * follows it. */
Test(ownership, a_virtual_address_moves_both_ways)
{
	struct scene *scene = scene_new(true);

	world_apply(scene->world, &scene->sw);
	send_text(scene, "t0", "t0>y v300");
	EXPECT(scene, "t0", TO_PORT);
	for (int i = 0; i < 3; i++) {
		send_text(scene, "h0", "y>mcast udp4:1>2");
		send_text(scene, "u0", "y>mcast v300 udp4:7>2");
		EXPECT(scene, "u0", FLOODED);
		cr_expect_eq(grew(scene, "u0", UL_R_MOVED_OUTSIDE), i == 0, "round %d", i);
		cr_expect_eq(scene->world->n_events, i == 0, "one event for each change");
		send_text(scene, "t0", "t0>y v300");
		EXPECT(scene, "t0", BOTH_WAYS);
		EXPECT(scene, "t0", TO_UPLINK);
		EXPECT(scene, "h0", SENT);
		let_pass(scene->world, 100);
	}
	/* The other one is silent: contested for 5 s, then here. */
	send_text(scene, "h0", "y>mcast udp4:1>2");
	let_pass(scene->world, UL_CONTEST_S * 1000 - 500);
	send_text(scene, "h0", "y>mcast udp4:1>2");
	send_text(scene, "t0", "t0>y v300");
	EXPECT(scene, "t0", BOTH_WAYS);
	let_pass(scene->world, 600);
	send_text(scene, "t0", "t0>y v300");
	EXPECT_NOT(scene, "t0", BOTH_WAYS);
	EXPECT(scene, "t0", TO_PORT);
	send_text(scene, "u0", "y>mcast v300 udp4:7>2");
	EXPECT(scene, "u0", MOVED_OUTSIDE);
	world_free(scene->world);
}

/* Both routers send the same gratuitous ARP while they change roles: one of them is taken for a
 * reflection, the next advertisement decides. */
Test(ownership, equal_digests_from_two_hosts)
{
	struct scene *scene = scene_new(true);

	world_apply(scene->world, &scene->sw);
	send_text(scene, "h0", "y>bcast udp4:1>2");
	send_text(scene, "u0", "y>bcast v300 udp4:1>2");
	EXPECT(scene, "u0", REFLECTED);
	send_text(scene, "t0", "t0>y v300");
	EXPECT_NOT(scene, "t0", BOTH_WAYS);
	send_text(scene, "u0", "y>mcast v300 udp4:7>2");
	EXPECT(scene, "u0", MOVED_OUTSIDE);
	send_text(scene, "t0", "t0>y v300");
	EXPECT(scene, "t0", BOTH_WAYS);
	world_free(scene->world);
}

/* A storm overwrites the digests: the reflection then looks like a frame from outside, the address
 * goes both ways and comes back. A frame from outside is never taken for a reflection. */
Test(ownership, a_storm_overwrites_the_digests)
{
	static struct frame_buf frame;
	struct scene *scene = scene_new(true);
	uint64_t reflected = 0;

	world_apply(scene->world, &scene->sw);
	send_text(scene, "h0", "y>mcast udp4:1>2");
	frame_build(case_names, "x>bcast t88b5", &frame);
	for (uint32_t i = 0; i < 12 * UL_RECENT; i++) {
		memcpy(frame.data + 7, &i, 4);
		world_test_run(scene->world, MODEL_PORT_TC, case_endpoint("h0"), &frame,
			       &scene->run);
		if (i % 1000 == 0)
			world_events(scene->world);
	}
	world_counters(scene->world, &scene->got);
	send_text(scene, "u0", "y>mcast v300 udp4:1>2");
	EXPECT(scene, "u0", MOVED_OUTSIDE);
	send_text(scene, "t0", "t0>y v300");
	EXPECT(scene, "t0", BOTH_WAYS);
	EXPECT(scene, "h0", SENT);
	send_text(scene, "h0", "y>mcast udp4:1>2");
	send_text(scene, "u0", "y>mcast v300 udp4:1>2");
	EXPECT(scene, "u0", REFLECTED);

	frame_build(case_names, "x>bcast v300 t88b5", &frame);
	for (uint32_t i = 0; i < 2 * UL_RECENT; i++) {
		memcpy(frame.data + 8, &i, 4);
		send_frame(scene, MODEL_UPLINK_XDP, "u0", &frame);
		reflected += grew(scene, "u0", UL_R_REFLECTED);
	}
	cr_expect_eq(reflected, 0);
	world_free(scene->world);
}

static bool row_is_empty(const struct table *table, uint32_t row)
{
	const struct ul_match_row *at = &table->rows[row];

	return !at->key[0] && !at->key[1] && !at->key[2] && !at->key[3];
}

/* The next key behind *counter with this first row; with `only`, its second row is the same. */
static uint64_t key_of_row(const struct table *table, uint32_t row, bool only, uint64_t *counter)
{
	for (;;) {
		uint64_t key = ++*counter << 16 | UL_KEY_HASHED;

		if (ul_first_row(key, table->seed, table->mask) == row &&
		    (ul_second_row(key, table->seed, table->mask) == row) == only)
			return key;
	}
}

/* Fills the row of a key, so that the last key displaces it; then removes the others again. */
static void displace(struct table *table, uint32_t row, uint64_t *counter)
{
	uint64_t keys[4];

	for (int i = 0; i < 4; i++) {
		keys[i] = key_of_row(table, row, i == 3, counter);
		cr_assert_eq(table_set(table, keys[i], 5), 0);
	}
	for (int i = 0; i < 4; i++)
		cr_assert_eq(table_remove(table, keys[i]), 0);
}

/* The daemon moves a key in the table while its port uses it: the address is never unknown, and its
 * times go with it. */
Test(ownership, a_key_moves_while_its_times_are_written)
{
	static struct sender sender;
	struct scene *scene = scene_new(false);
	struct table *fdb = &scene->world->fdb;
	uint64_t key = 0, counter = 1, began, here, outside;
	uint32_t row[2] = { 0, 0 };
	uint8_t mac[6] = { 0x02, 0xee, 0, 0, 1, 0 };
	pthread_t thread;

	world_apply(scene->world, &scene->sw);
	do {
		mac[5]++;
		key = ul_fdb_key(300, mac);
		row[0] = ul_first_row(key, fdb->seed, fdb->mask);
		row[1] = ul_second_row(key, fdb->seed, fdb->mask);
	} while (row[0] == row[1] || !row_is_empty(fdb, row[0]) || !row_is_empty(fdb, row[1]));
	began = world_jiffies(scene->world);
	cr_assert_eq(table_set(fdb, key, P_H0 | UL_FDB_LEARNED), 0);
	cr_assert_eq(table_set_use(fdb, key, began, began - 100000), 0);

	sender = (struct sender){ .scene = scene, .from = "h0" };
	frame_build(case_names, "y>x", &sender.frame);
	memcpy(sender.frame.data + 6, mac, 6);
	start_sender(&sender, &thread);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(fdb->rows[row[i % 2]].key[0], key, "move %d", i);
		displace(fdb, row[i % 2], &counter);
		cr_assert_eq(table_get_use(fdb, key, &here, &outside), 0);
		cr_assert_eq(outside, began - 100000);
		cr_assert_geq(here, began);
	}
	stop_sender(&sender, thread);
	world_events(scene->world);
	cr_expect_eq(scene->world->n_events, 0, "the address was unknown %u times",
		     scene->world->n_events);
	world_free(scene->world);
}

/* The gateway's address: heard outside, then used by a machine. The daemon is told that it is
 * contested, and enters it so. */
Test(ownership, a_source_heard_from_outside_is_contested)
{
	struct scene *scene = scene_new(false);
	uint64_t now;

	world_apply(scene->world, &scene->sw);
	send_text(scene, "u0", "y>bcast v300 arp");
	send_text(scene, "h0", "y>x");
	cr_assert_eq(scene->world->n_events, 1);
	cr_expect_eq(scene->world->event[0].kind, UL_EVENT_CONTESTED);
	let_pass(scene->world, UL_CONTEST_S * 1000 + 20);
	send_text(scene, "h0", "y>x");
	cr_assert_eq(scene->world->n_events, 1);
	cr_expect_eq(scene->world->event[0].kind, UL_EVENT_NEW_SOURCE);

	now = world_jiffies(scene->world);
	table_set(&scene->world->fdb, ul_fdb_key(300, y_mac), P_H0 | UL_FDB_LEARNED);
	table_set_use(&scene->world->fdb, ul_fdb_key(300, y_mac), now, now);
	send_text(scene, "t0", "t0>y v300");
	EXPECT(scene, "t0", BOTH_WAYS);
	send_text(scene, "u0", "y>bcast v300 udp4:7>8");
	EXPECT(scene, "u0", FLOODED);
	world_free(scene->world);
}

/* Learned addresses of trunk ports belong to one VLAN; several trunk ports may share an address. */
Test(ownership, trunk_addresses_are_per_vlan)
{
	struct scene *scene = scene_new(false);
	struct table *fdb = &scene->world->fdb;

	scene->sw.group[scene->sw.port[P_T0].group].flags = UL_GROUP_LEARNING | UL_GROUP_FLOODED |
							    UL_GROUP_QINQ;
	world_apply(scene->world, &scene->sw);
	send_text(scene, "t0", "y>x v300p2");
	cr_assert_eq(scene->world->n_events, 1);
	cr_expect_eq(scene->world->event[0].vid, 300);
	send_text(scene, "t0", "y>x s100");
	cr_assert_eq(scene->world->n_events, 1);
	cr_expect_eq(scene->world->event[0].vid, 100 | UL_VID_SERVICE);

	table_set(fdb, ul_fdb_key(300, y_mac), P_T0 | UL_FDB_LEARNED);
	send_text(scene, "h0", "h0>y");
	EXPECT(scene, "h0", TO_PORT);
	EXPECT(scene, "t0", SENT);
	send_text(scene, "a0", "a0>y");
	EXPECT(scene, "a0", TO_UPLINK);
	send_text(scene, "u0", "x>y v100 tcp4:1>2");
	EXPECT(scene, "u0", FLOODED); /* to learning ports, as an unknown address */

	/* It moves to an access port of the VLAN: one key, so no second entry stays. */
	table_set(fdb, ul_fdb_key(300, y_mac), P_H0 | UL_FDB_LEARNED);
	send_text(scene, "t0", "t0>y v300");
	EXPECT(scene, "t0", TO_PORT);
	EXPECT(scene, "h0", SENT);
	world_free(scene->world);
}

/* A one-way flow to an address that nothing is heard of: learning ports receive some frames in each
 * second, until the address is heard from outside, and promiscuous ports receive all. */
Test(ownership, copies_of_unknown_unicast_are_limited)
{
	struct scene *scene = scene_new(false);
	uint64_t copies = 0, other = 0, second;
	uint32_t flags = UL_GROUP_LEARNING | UL_GROUP_FLOODED;

	scene->sw.group[scene->sw.port[P_H0].group].flags = flags;
	world_apply(scene->world, &scene->sw);
	do {
		world_forget_recent(scene->world);
		copies = other = 0;
		second = world_jiffies(scene->world) / kernel_hz();
		for (int i = 0; i < 4 * UL_FLOODED_PER_S; i++) {
			send_text(scene, "t0", "t0>y v300");
			EXPECT(scene, "t0", TO_UPLINK);
			copies += grew(scene, "h0", UL_R_SENT);
		}
		send_text(scene, "t0", "t0>x v300");
		other = grew(scene, "h0", UL_R_SENT);
	} while (world_jiffies(scene->world) / kernel_hz() != second);
	cr_expect_eq(copies, UL_FLOODED_PER_S);
	cr_expect_eq(other, 1, "another address has a limit for itself");

	while (world_jiffies(scene->world) / kernel_hz() == second)
		;
	send_text(scene, "t0", "t0>y v300");
	cr_expect_eq(grew(scene, "h0", UL_R_SENT), 1, "the next second");
	send_text(scene, "u0", "y>bcast v300 arp");
	send_text(scene, "t0", "t0>y v300");
	cr_expect_eq(grew(scene, "h0", UL_R_SENT), 0, "heard from outside");

	scene->sw.group[scene->sw.port[P_H0].group].flags = UL_GROUP_PROMISCUOUS;
	world_apply(scene->world, &scene->sw);
	world_forget_recent(scene->world);
	for (int i = 0; i < 2 * UL_FLOODED_PER_S; i++) {
		send_text(scene, "t0", "t0>x v300");
		cr_expect_eq(grew(scene, "h0", UL_R_SENT), 1, "promiscuous, frame %d", i);
	}
	world_free(scene->world);
}

/* Without its program array port_tc forwards plain unicast and counts the rest. */
Test(ownership, the_slow_path_cannot_be_entered)
{
	struct scene *scene = scene_new(false);
	uint32_t slow = UL_SLOW_PORT_TC;

	world_apply(scene->world, &scene->sw);
	cr_assert_eq(bpf_map_delete_elem(bpf_map__fd(scene->world->skel->maps.ul_slow), &slow), 0);
	send_text(scene, "a0", "a0>bcast");
	EXPECT(scene, "a0", NO_SLOW_PATH);
	EXPECT_NOT(scene, "a0", FLOODED);
	send_text(scene, "a0", "a0>a1");
	EXPECT(scene, "a0", TO_PORT);
	world_free(scene->world);
}
