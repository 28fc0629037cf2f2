// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* LACPDUs that uplink_xdp answers while the daemon is away, by TEST_RUN. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>

#include "cases.h"

TestSuite(headless, .timeout = 900);

static void save_lacp(struct world *world, uint32_t uplink, const struct frame_buf *lacpdu)
{
	struct lacp_saved saved = { .version = LACP_SAVED_VERSION, .flags = LACP_SAVED_HEALTHY };

	memcpy(saved.match, lacpdu->data, LACP_MATCH_LEN);
	memset(saved.mask, 0xff, LACP_MATCH_LEN);
	for (uint32_t i = 0; i < LACP_FRAME_LEN; i++)
		saved.pdu[i] = (uint8_t)(i + uplink);
	cr_assert_eq(bpf_map_update_elem(bpf_map__fd(world->skel->maps.ul_lacp), &uplink, &saved,
					 BPF_ANY),
		     0);
}

/* Each row at another uplink, because answers have a least interval. */
Test(headless, answers_with_and_without_priority_tag)
{
	static const char *const rows[] = {
		"x>slow t8809 len=124", "x>slow v0p6 t8809 len=128",
		"x>slow v0 t8809 len=132", /* padded */
	};
	static struct world_counters want, got;
	static struct frame_buf untagged, frame;
	static struct world_run run;
	struct world *world = world_new(WORLD_XDP);
	struct sw sw;

	cases_switch(&sw);
	world_apply(world, &sw);
	world->meta->channel = UL_CHANNEL_LACP;
	world->meta->lease_ns = 1;
	world->meta->headless_ns = UINT64_MAX;
	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct model_count answered = { i, UL_R_ANSWERED };

		frame_build(case_names, rows[i], &frame);
		frame_retag(&frame, "", &untagged);
		save_lacp(world, i, &untagged);
		memset(&want, 0, sizeof(want));
		world_add_count(&want, &answered, 1, frame.len);
		world_test_run(world, MODEL_UPLINK_XDP, i, &frame, &run);
		world_counters(world, &got);
		cr_expect_eq(run.verdict, XDP_TX, "%s: verdict %u", rows[i], run.verdict);
		cr_expect_eq(run.len, LACP_FRAME_LEN, "%s: %u bytes", rows[i], run.len);
		for (uint32_t k = 0; k < LACP_FRAME_LEN; k++)
			cr_expect_eq(run.data[k], (uint8_t)(k + i), "%s: byte %u", rows[i], k);
		cr_expect(world_same_counters(&want, &got), "%s: counters", rows[i]);
	}
	world_free(world);
}
