// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Pairs behind an imbalance and methods that help, from frames. */
#include "record_shapes.h"
#include "records/imbalance.h"

static struct fake fake;
static struct view view;

struct packet {
	uint8_t src, dst; /* last bytes of 192.0.2.x */
	uint16_t sport;
	uint32_t uplink, bytes;
};

static void add(struct imbalance *imbalance, const struct packet *packet)
{
	uint8_t frame[60] = { 2, [6] = 2, [12] = 8, [14] = 0x45, [23] = 17 };
	const uint8_t net[4] = { 192, 0, 2 };

	memcpy(frame + 26, net, 3);
	memcpy(frame + 30, net, 3);
	frame[29] = packet->src;
	frame[33] = packet->dst;
	put_be16(frame + 34, packet->sport);
	put_be16(frame + 36, 80);
	imbalance_add(imbalance, packet->uplink, frame, sizeof(frame), packet->bytes);
}

static json_t *explain(const struct packet *packets, size_t n)
{
	_cleanup_(imbalance_freep) struct imbalance *imbalance = NULL;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_t *record = json_pack("{s:n, s:[]}", "remedy", "evidence");

	fake_init(&fake, 2);
	snapshot = take_snapshot(&fake, &view);
	cr_assert_eq(imbalance_new(snapshot, &imbalance), 0);
	for (size_t i = 0; i < n; i++)
		add(imbalance, &packets[i]);
	imbalance_explain(imbalance, "eth0", record);
	return record;
}

/* Connections of one pair: only their ports differ. */
Test(records_imbalance, a_method_with_ports_spreads_one_pair)
{
	struct packet packets[64];

	for (uint16_t i = 0; i < 64; i++)
		packets[i] = (struct packet){ 1, 3, (uint16_t)(40000 + 2 * i), 0, 1000 };
	json_auto_t *record = explain(packets, 64);

	cr_expect(strstr(text(record, "remedy"), "load-balancing: src-dst-ip-port"), "%s",
		  text(record, "remedy"));
	cr_expect_str_eq(json_string_value(json_array_get(json_object_get(record, "evidence"), 0)),
			 "192.0.2.1 to 192.0.2.3: 100 % of all bytes");
}

Test(records_imbalance, no_method_divides_a_single_flow)
{
	const struct packet packets[] = { { 1, 3, 40000, 0, 900000 }, { 1, 4, 40000, 1, 1000 } };
	json_auto_t *record = explain(packets, 2);

	cr_expect(strstr(text(record, "remedy"), "no method"), "%s", text(record, "remedy"));
}

Test(records_imbalance, the_pairs_of_the_uplink_are_named_by_their_bytes)
{
	const struct packet packets[] = {
		{ 1, 3, 1, 0, 100 }, { 5, 7, 1, 0, 600 }, { 1, 3, 3, 0, 100 }, { 1, 2, 1, 1, 200 }
	};
	json_auto_t *record = explain(packets, 4);
	json_t *evidence = json_object_get(record, "evidence");

	cr_expect_str_eq(json_string_value(json_array_get(evidence, 0)),
			 "192.0.2.5 to 192.0.2.7: 60 % of all bytes");
	cr_expect_str_eq(json_string_value(json_array_get(evidence, 1)),
			 "192.0.2.1 to 192.0.2.3: 20 % of all bytes");
	cr_expect_eq(json_array_size(evidence), 3);
}

Test(records_imbalance, cut_frames_and_too_many_flows)
{
	_cleanup_(imbalance_freep) struct imbalance *imbalance = NULL;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	uint8_t frame[IMBALANCE_SNAP_LEN];
	json_auto_t *record = json_pack("{s:n, s:[]}", "remedy", "evidence");

	fake_init(&fake, 2);
	snapshot = take_snapshot(&fake, &view);
	cr_assert_eq(imbalance_new(snapshot, &imbalance), 0);
	imbalance_explain(imbalance, "eth0", record);
	cr_expect_eq(json_array_size(json_object_get(record, "evidence")), 0, "no frames");
	for (uint32_t i = 0; i < 10000; i++) {
		for (size_t k = 0; k < sizeof(frame); k++)
			frame[k] = (uint8_t)(i * 7 + k * (i >> 8));
		put_be16(frame + 12, i % 3 == 0 ? 0x0800 : i % 3 == 1 ? 0x86dd : 0x8100);
		imbalance_add(imbalance, i % 3, frame, i % (sizeof(frame) + 1), 100);
	}
	imbalance_explain(imbalance, "eth0", record);
	cr_expect_gt(json_array_size(json_object_get(record, "evidence")), 0);
}
