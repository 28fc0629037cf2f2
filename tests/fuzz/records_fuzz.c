// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: what uplinkctl and the exporter make of pinned maps with rubbish in their
 * records. Input: a byte with the read and its parameters, patches (maps_fake.h) of a healthy
 * switch, and patches of the same switch a second later.
 */
#include "../unit/view_fake.h"
#include "ctl/top_screen.h"
#include "dataplane/check.h"
#include "maps_fake.h"
#include "records/findings.h"
#include "records/imbalance.h"
#include "records/metrics.h"
#include "records/probe.h"
#include "records/rates.h"
#include "records/reads.h"

/* clang-format off */
static const struct { const char *method, *parameters; } rows[] = {
	{ "Switches", "{}" },
	{ "Uplinks", "{}" },
	{ "Ports", "{}" },
	{ "Groups", "{}" },
	{ "Addresses", "{}" },
	{ "Counters", "{}" },
	{ "Drops", "{}" },
	{ "Lacp", "{}" },
	{ "Channels", "{}" },
	{ "Findings", "{}" },
	{ "Findings", "{\"switch_output\": \"Flags:  D - down        P - bundled in port-channel\\n1      Po1(SU)         LACP      Gi1/0/1(P)  Gi1/0/2(P)\\n\"}" },
	{ "Which", "{\"group\": \"prod\", \"source\": \"10.0.0.1\", \"destination\": \"10.0.0.2\", \"source_port\": 5}" },
	{ "Which", "{\"group\": \"prod\", \"source\": \"52:54:00:00:00:01\"}" },
	{ "WhatIf", "{\"without\": \"eth0\"}" },
	{ "WhatIf", "{\"load_balancing\": \"src-mac\"}" },
	{ "SwitchConfiguration", "{\"vendor\": \"arista-eos\"}" },
	{ "Traffic", "{}" },
	{ "SwitchConfiguration", "{\"vendor\": \"cisco-nxos\", \"ports\": \"Eth1/1,Eth1/2\"}" },
};
/* clang-format on */

/* Each map is memory of its exact size. */
static void copy_maps(const struct fake *fake, struct view *view, struct patched *ret)
{
	size_t n = 0;

	fake_view(fake, view);
#define MAP(member, n_values)                                                     \
	do {                                                                      \
		size_t size = (n_values) * sizeof(*view->member);                 \
		void *copy = malloc(size);                                        \
		CHECK(copy);                                                      \
		memcpy(copy, view->member, size);                                 \
		view->member = copy;                                              \
		ret[n++] = (struct patched){ copy, size, sizeof(*view->member) }; \
	} while (0)
	MAP(meta, 1);
	MAP(uplinks, UL_MAX_UPLINKS);
	MAP(ports, FAKE_PORTS);
	MAP(groups, FAKE_GROUPS);
	MAP(policies, UL_MAX_POLICIES);
	MAP(vlans, UL_N_VLANS);
	MAP(fdb, FAKE_FDB);
	MAP(fdb_use, FAKE_FDB);
	MAP(lacp_ports, UL_MAX_UPLINKS);
	MAP(lacp_answers, UL_MAX_UPLINKS);
	MAP(pagp_ports, UL_MAX_UPLINKS);
#undef MAP
}

#define N_MAPS 11

static struct snapshot *take_snapshot(const struct view *view, const struct ul_stats *stats)
{
	struct snapshot *snapshot = NULL;

	CHECK(snapshot_take(view, &snapshot) == 0);
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		snapshot->uplinks[i].stats = stats[i];
	for (uint32_t i = 0; i < view->max_ports; i++)
		snapshot->port_stats[i] = stats[UL_ENDPOINT_PORT0 + i];
	return snapshot;
}

/* As view_open() requires, which takes the sizes. */
static bool is_sane(struct view *view)
{
	const struct check_records records = { .meta = view->meta,
					       .uplinks = view->uplinks,
					       .ports = view->ports,
					       .groups = view->groups,
					       .policies = view->policies,
					       .vlans = view->vlans,
					       .n_ports = FAKE_PORTS,
					       .n_groups = FAKE_GROUPS };

	view->max_ports = view->meta->max_ports;
	view->max_groups = view->meta->max_groups;
	return check_records(&records) == 0;
}

static json_t *answer(size_t which, const struct switches *now, const struct switches *before)
{
	const struct record_read *row = record_read_find(rows[which].method);
	json_t *parameters = json_loads(rows[which].parameters, 0, NULL), *value = NULL;
	struct read_request request = { .now = before, .parameters = parameters };
	struct errors errors = {};
	int r;

	CHECK(row && parameters);
	r = row->check ? row->check(&request, &errors) : 0;
	request.now = now;
	request.before = before;
	if (r == 0)
		r = record_read_answer(row, &request, &value, &errors);
	CHECK(r == 0 ? value != NULL : errors.n > 0 || r == -ENOMEM);
	errors_done(&errors);
	json_decref(parameters);
	return value;
}

/* ---- what is made of the records ---- */
static void on_line(void *userdata, enum tint tint, const char *text)
{
	(void)userdata;
	(void)tint;
	CHECK(!strchr(text, '\n'));
}

static void write_all(const struct switches *now, const struct switches *before)
{
	json_t *rates = json_array(), *earlier, *later;
	struct top_options options = { .width = 80, .height = 20 };
	struct metrics_input input = { .switches = answer(0, now, before),
				       .ports = answer(2, now, before),
				       .drops = answer(6, now, before),
				       .lacp = answer(7, now, before) };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(out && metrics_write(&input, METRICS_OPENMETRICS, out) == 0);
	fclose(out);
	CHECK(size > 6 && strcmp(text + size - 6, "# EOF\n") == 0);
	free(text);
	earlier = record_traffic(before->snapshots[0]);
	later = record_traffic(now->snapshots[0]);
	if (earlier && later) /* names that are not UTF-8 make no record */
		json_array_append_new(rates, record_rates(later, earlier));
	json_decref(earlier);
	json_decref(later);
	(void)top_screen(rates, &options, on_line, NULL);
	json_decref(rates);
	json_decref(input.switches);
	json_decref(input.ports);
	json_decref(input.drops);
	json_decref(input.lacp);
}

static void probe_all(const struct snapshot *snapshot)
{
	static const uint8_t nonce[PROBE_NONCE_LEN] = { 1 };
	static const uint8_t frame[60] = { 0x52, 0x54, 0, 0, 0, 1, 2, [12] = 8, [14] = 0x45 };
	static struct probe probe;
	static uint8_t sent[PROBE_MAX_FRAME];
	struct imbalance *imbalance = NULL;
	struct probe_step step;
	char bad[64];

	probe_init(&probe, snapshot, nonce);
	CHECK(probe_add_targets(&probe, "10:192.0.2.1,0:[2001:db8::1]", bad) == 0);
	for (uint32_t i = 0; i < 40 && probe_step_at(&probe, i, &step); i++)
		CHECK(probe_frame(&probe, &step, 0, sent) <= PROBE_MAX_FRAME);
	json_decref(probe_findings(&probe));
	if (snapshot->n_uplinks && imbalance_new(snapshot, &imbalance) == 0) {
		json_t *finding =
			json_pack("{s:s, s:s, s:[]}", "object", "eth0", "remedy", "", "evidence");

		for (uint32_t uplink = 0; uplink <= UL_MAX_UPLINKS; uplink++)
			imbalance_add(imbalance, uplink, frame, sizeof(frame), 1500);
		imbalance_explain(imbalance, snapshot->uplinks[0].raw.name, finding);
		json_decref(finding);
	}
	imbalance_free(imbalance);
}

static void healthy(struct fake *fake)
{
	const uint8_t all[] = { 0, 1, 2 };

	fake_init(fake, 3);
	fake_policy(fake, 1, UL_M_PORT_ID, UL_POLICY_ORDERED, all, 2, all + 2, 1);
	fake_group(fake, 1, "storage", 0, 1);
	fake_port(fake, 1, "vnet1", 1, 2);
	fake_learned(fake, 0, 100, 3, 10, 20);
	fake->meta.channel = UL_CHANNEL_LACP;
	fake->lacp_ports[0].updated_ms = 1;
	fake->pagp_ports[0].version = PAGP_RECORD_VERSION;
}

static void run(uint8_t what, const struct switches *now, const struct switches *before)
{
	json_t *value = answer(what % ARRAY_SIZE(rows), now, before);

	if (value) {
		char *text = json_dumps(value, 0);

		CHECK(text);
		free(text);
		json_decref(value);
	}
	if (what & 0x40)
		write_all(now, before);
	if (what & 0x80)
		probe_all(now->snapshots[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .left = size };
	static struct fake fake;
	struct patched maps[N_MAPS + 1];
	uint8_t what = take(&input);
	struct view view, *views[] = { &view };
	struct snapshot *first = NULL, *second = NULL;
	struct switches before = { .n = 1, .views = views, .snapshots = &first }, now = before;

	healthy(&fake);
	copy_maps(&fake, &view, maps);
	maps[N_MAPS] = (struct patched){ fake.stats, sizeof(fake.stats), sizeof(fake.stats[0]) };
	apply_patches(maps, N_MAPS + 1, &input);
	if (is_sane(&view))
		first = take_snapshot(&view, fake.stats);
	apply_patches(maps, N_MAPS + 1, &input);
	if (first && is_sane(&view)) {
		second = take_snapshot(&view, fake.stats);
		now.snapshots = &second;
		run(what, &now, &before);
	}
	snapshot_free(first);
	snapshot_free(second);
	for (size_t i = 0; i < N_MAPS; i++)
		free(maps[i].values);
	return 0;
}
