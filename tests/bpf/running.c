// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Programs that run while the daemon writes, and frames that TEST_RUN alone can make. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>

#include "cases.h"
#include "check.h"

TestSuite(running, .timeout = 900);

struct runner {
	struct world *world;
	const struct frame_buf *frame;
	bool stop;
	uint64_t n_runs;
};

/* The same frame over and over, in batches that stay in the kernel. */
static void *run_frames(void *arg)
{
	struct runner *runner = arg;
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	while (!__atomic_load_n(&runner->stop, __ATOMIC_ACQUIRE)) {
		struct xdp_md ctx = { .ingress_ifindex = runner->world->uplink_if[0],
				      .data_end = runner->frame->len };
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = runner->frame->data,
			    .data_size_in = runner->frame->len, .ctx_in = &ctx,
			    .ctx_size_in = sizeof(ctx), .repeat = 20000);

		if (bpf_prog_test_run_opts(bpf_program__fd(runner->world->skel->progs.uplink_xdp),
					   &opts) < 0)
			break;
		__atomic_fetch_add(&runner->n_runs, 20000, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* While the table is nearly full and changes at every moment, the program finds each time the port
 * that is always there. */
Test(running, table_is_right_under_a_running_program)
{
	enum { N_CHURN = 190 };
	static struct world_counters got;
	static struct frame_buf frame;
	struct world *world = world_new(WORLD_XDP);
	uint64_t end = now_ms() + 3000, n = 0, to_port;
	struct runner runner = { .world = world, .frame = &frame };
	pthread_t thread;
	char text[500];
	struct sw sw;

	cases_switch(&sw);
	world_apply(world, &sw);
	frame_build(case_names, "x>e1", &frame);
	world_counters(world, &got);
	cr_assert_eq(pthread_create(&thread, NULL, run_frames, &runner), 0);
	while (now_ms() < end || __atomic_load_n(&runner.n_runs, __ATOMIC_RELAXED) < 100000) {
		uint64_t key = (n + 1) << 16 | 0x8000 | n % 7;

		if (n >= N_CHURN)
			table_remove(&world->fdb,
				     (n - N_CHURN + 1) << 16 | 0x8000 | (n - N_CHURN) % 7);
		table_set(&world->fdb, key, 5);
		n++;
		/* The keys of the ports are displaced by others, and come back. */
		if (n % 50 == 0)
			table_set(&world->fdb, ul_fdb_key(0, sw.port[P_E1].mac), P_E1);
	}
	__atomic_store_n(&runner.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	world_counters(world, &got);
	world_print_counters(&got, text, sizeof(text));
	to_port = got.at[0][UL_R_TO_PORT].packets;
	cr_assert_eq(to_port, runner.n_runs, "%llu runs during %llu changes, counted%s",
		     (unsigned long long)runner.n_runs, (unsigned long long)n, text);
	cr_assert_eq(got.at[case_endpoint("e1")][UL_R_SENT].packets, to_port, "counted%s", text);
	world_free(world);
}

/* Frames in several buffers, and those above what fits one everywhere: to ports that may get such,
 * by TC; to others they are too big. */
Test(running, xdp_frames_in_several_buffers)
{
	static const struct {
		uint32_t len, max_frame;
		const char *frame;
		/* clang-format off */
	} rows[] = {
		{ 5000, SW_MTU + 18, "x>e1 udp4:1>2" }, { 5000, SW_MTU + 18, "x>a1 v100 udp4:1>2" }, { 5000, 1518, "x>e1 udp4:1>2" },
		{ 5000, SW_MTU + 18, "x>y v100 udp4:1>2" }, { 5000, SW_MTU + 18, "x>bcast v100 udp4:1>2" }, { 9018, SW_MTU + 18, "x>a1 v100 udp6:1>2" },
		{ 3200, SW_MTU + 18, "x>e1 udp4:1>2" }, { 3200, 1518, "x>e1 udp4:1>2" }, { 2900, SW_MTU + 18, "x>a1 v100 udp4:1>2" },
	};
	/* clang-format on */
	struct world *world = world_new(WORLD_XDP);
	static struct frame_buf frame;
	char text[64];
	struct sw sw;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cases_switch(&sw);
		sw.port[P_E1].max_frame = sw.port[P_A1].max_frame = rows[i].max_frame;
		world_apply(world, &sw);
		snprintf(text, sizeof(text), "%s len=%u", rows[i].frame, rows[i].len);
		frame_build(case_names, text, &frame);
		check_test_run(world, &sw, MODEL_UPLINK_XDP, 0, &frame, i);
	}
	world_free(world);
}

/* New source addresses are reported to the daemon, once per frame; known ones are not. */
Test(running, new_sources)
{
	static const struct {
		const char *from, *frame;
		bool told;
		/* clang-format off */
	} rows[] = {
		{ "h0", "x>y", true }, { "h0", "x>bcast v0p3", true }, { "h0", "h0>y", false }, { "h0", "y>x", false }, { "h0", "a0>x", true },
		{ "t0", "x>y v300p2", true }, { "t0", "x>y", true }, { "t0", "t0>y v300", false }, { "t0", "x>y v200", false },
		{ "a0", "x>y", false }, { "f0", "x>y", false },
	};
	/* clang-format on */
	struct world *world = world_new(0);
	static struct frame_buf frame;
	struct sw sw;

	cases_switch(&sw);
	sw.group[sw.port[P_T0].group].flags = UL_GROUP_MAC_CHANGES;
	sw.n_learned = 1; /* y lives behind h0 */
	sw.learned[0] = (struct sw_learned){ .port = P_H0, .mac = { 0x02, 0xee, 0, 0, 0, 0x12 } };
	world_apply(world, &sw);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct model_result *result;

		frame_build(case_names, rows[i].frame, &frame);
		result = check_test_run(world, &sw, MODEL_PORT_TC, case_endpoint(rows[i].from),
					&frame, i);
		cr_expect_eq(!!result->event_kind, rows[i].told, "%s: %s", rows[i].from,
			     rows[i].frame);
		cr_expect_eq(world->n_events, rows[i].told, "%s: %s", rows[i].from, rows[i].frame);
	}
	world_free(world);
}

/* A daemon that does not listen costs a note, not the frame. */
Test(running, events_overflow)
{
	struct world *world = world_new(0);
	static struct world_counters got;
	static struct frame_buf frame;
	static struct world_run run;
	uint32_t endpoint = case_endpoint("h0");
	uint64_t sent = 0;
	struct sw sw;

	cases_switch(&sw);
	world_apply(world, &sw);
	frame_build(case_names, "x>y udp4:1>2", &frame);
	do {
		world_test_run(world, MODEL_PORT_TC, endpoint, &frame, &run);
		world_counters(world, &got);
		cr_assert_eq(got.at[endpoint][UL_R_TO_UPLINK].packets, 1);
	} while (!got.at[endpoint][UL_R_LEARN_OVERFLOW].packets && ++sent < 100000);
	cr_assert(sent > 100 && sent < 100000, "the first overflow after %llu events",
		  (unsigned long long)sent);
	world_free(world);
}
