// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "cases.h"

#include <criterion/criterion.h>
#include <linux/pkt_cls.h>

#include "check.h"

static const char *const port_names[SW_PORTS] = { "e0", "e1", "a0", "a1", "b0",
						  "f0", "d0", "t0", "q0", "h0" };

#define CASE_MAC(slot) ((const uint8_t[6]){ 0x52, 0x54, 0, 0x12, 0, (slot) + 1 })

const struct frame_name case_names[] = {
	{ "e0", CASE_MAC(0) }, { "e1", CASE_MAC(1) }, { "a0", CASE_MAC(2) }, { "a1", CASE_MAC(3) },
	{ "b0", CASE_MAC(4) }, { "f0", CASE_MAC(5) }, { "d0", CASE_MAC(6) }, { "t0", CASE_MAC(7) },
	{ "q0", CASE_MAC(8) }, { "h0", CASE_MAC(9) }, { NULL, NULL },
};

void cases_switch(struct sw *ret)
{
	enum { EST, VST100, VST200, FORGED, TRUNK, ALL, LEARNS };
	static const uint8_t group_of[SW_PORTS] = { EST,    EST,    VST100, VST100, VST200,
						    FORGED, VST100, TRUNK,  ALL,    LEARNS };

	*ret = (struct sw){ .n_uplinks = 3, .n_policies = 2, .n_groups = 7, .n_ports = SW_PORTS };
	for (int i = 0; i < 3; i++)
		ret->uplink[i] = (struct sw_uplink){ .send = true, .receive = true };
	ret->policy[0] = (struct sw_policy){
		UL_M_SRC_DST_IP, UL_POLICY_ANY_UPLINK, 2, 2, { 0, 1 }, 0, false
	};
	ret->policy[1] = (struct sw_policy){ UL_M_PORT_ID, 0, 2, 3, { 0, 1, 2 }, 0, false };
	ret->group[EST].mode = UL_VLAN_EST;
	ret->group[VST100] = (struct sw_group){ .mode = UL_VLAN_VST, .vid = 100 };
	ret->group[VST200] = (struct sw_group){ .mode = UL_VLAN_VST, .vid = 200 };
	ret->group[FORGED] =
		(struct sw_group){ .mode = UL_VLAN_VST, .vid = 100, .flags = UL_GROUP_FORGED_OK };
	ret->group[LEARNS] = (struct sw_group){ .mode = UL_VLAN_VST,
						.vid = 300,
						.flags = UL_GROUP_LEARNING | UL_GROUP_FLOODED };
	ret->group[TRUNK].mode = ret->group[ALL].mode = UL_VLAN_VGT;
	ret->group[TRUNK].flags = ret->group[ALL].flags = UL_GROUP_QINQ;
	sw_list_add(&ret->group[TRUNK], 0);
	sw_list_add(&ret->group[TRUNK], 100);
	sw_list_add(&ret->group[TRUNK], 300);
	/* 4095 itself is no VLAN, whatever a list may say */
	for (uint16_t v = 0; v < 4096; v++)
		sw_list_add(&ret->group[ALL], v);
	for (int i = 0; i < SW_PORTS; i++) {
		struct sw_port *port = &ret->port[i];

		*port = (struct sw_port){ .group = group_of[i],
					  .max_frame = 1518,
					  .number = (uint32_t)i };
		memcpy(port->mac, case_names[i].mac, 6);
		port->xdp = i == P_E1 || i == P_A1;
		port->absent = i == P_D0;
	}
}

uint32_t case_endpoint(const char *name)
{
	if (strcmp(name, "?") == 0)
		return UL_ENDPOINT_NONE;
	if (name[0] == 'u' && name[1] >= '0' && name[1] < '0' + SW_UPLINKS)
		return (uint32_t)(name[1] - '0');
	for (uint32_t i = 0; i < SW_PORTS; i++)
		if (strcmp(port_names[i], name) == 0)
			return UL_ENDPOINT_PORT0 + i;
	cr_assert_fail("no endpoint is called '%s'", name);
	return 0;
}

/* ---- reading a row ---- */
static enum ul_reason reason_named(const char *name)
{
#define X(member, NAME, number, kind, help) \
	if (strcmp(name, #member) == 0)     \
		return UL_R_##NAME;
	UL_REASONS(X)
#undef X
	cr_assert_fail("no reason is called '%s'", name);
	return UL_R_SENT;
}

static void read_counters(const char *text, uint64_t packets, uint64_t bytes,
			  struct world_counters *ret)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL;

	memset(ret, 0, sizeof(*ret));
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *dot = strchr(word, '.');
		struct model_count count;

		cr_assert(dot, "'%s' is not endpoint.reason", word);
		*dot = 0;
		count.endpoint = case_endpoint(word);
		count.reason = reason_named(dot + 1);
		world_add_count(ret, &count, packets, bytes);
	}
}

struct way {
	enum model_verdict verdict;
	struct live_list leaves; /* all, the copies and the frame itself */
	struct frame_buf frame;	 /* MODEL_REDIRECT, MODEL_PASS: the frame itself */
};

/* "a1[] t0[v100] redirect u1[v100]" */
static void read_way(const char *text, const struct frame_buf *in, struct way *ret)
{
	static struct frame_buf leaving;
	bool last = false;
	const char *p = text;

	ret->verdict = MODEL_DROP;
	ret->leaves.n = ret->leaves.used = 0;
	while (*p) {
		char name[16], tags[64] = "";
		int n = 0;

		p += strspn(p, " ");
		if (sscanf(p, "%15[a-z0-9?]%n", name, &n) != 1)
			break;
		p += n;
		if (*p != '[') {
			if (strcmp(name, "pass") == 0) {
				ret->verdict = MODEL_PASS;
				ret->frame = *in;
			} else if (strcmp(name, "redirect") == 0) {
				last = true;
			} else {
				cr_assert_str_eq(name, "drop", "'%s'", text);
			}
			continue;
		}
		sscanf(p, "[%63[^]]", tags);
		p = strchr(p, ']') + 1;
		frame_retag(in, tags, &leaving);
		live_expect(&ret->leaves, case_endpoint(name), leaving.data, leaving.len);
		if (last) {
			ret->verdict = MODEL_REDIRECT;
			ret->frame = leaving;
		}
	}
	cr_assert_eq(*p, 0, "'%s': what is '%s'?", text, p);
}

/* ---- TEST_RUN ---- */
static void explain(const struct case_row *row, const char *program, uint32_t want_verdict,
		    const struct world_run *run, const struct frame_buf *want,
		    const struct world_counters *want_counts,
		    const struct world_counters *got_counts)
{
	static char want_text[400], got_text[400], want_count[2000], got_count[2000];

	frame_dump(want->data, want->len, want_text, sizeof(want_text));
	frame_dump(run->data, run->len, got_text, sizeof(got_text));
	world_print_counters(want_counts, want_count, sizeof(want_count));
	world_print_counters(got_counts, got_count, sizeof(got_count));
	cr_expect_fail(
		"%s, %s: from %s: %s\n  expected verdict %u, got %u\n  expected %s\n  got      %s\n  expected counters%s\n  got      counters%s",
		row->name, program, row->from, row->frame, want_verdict, run->verdict, want_text,
		got_text, want_count, got_count);
}

static void test_run(struct world *world, enum model_program program, const char *program_name,
		     const struct case_row *row, const struct frame_buf *frame, struct way *way,
		     bool counts)
{
	static struct world_counters want, got;
	static struct world_run run;
	enum model_verdict verdict = way->verdict;
	const struct frame_buf *leaves = &way->frame;
	bool same;

	if (program == MODEL_UPLINK_XDP)
		verdict = strcmp(row->xdp, "pass") == 0 ? MODEL_PASS :
			  strcmp(row->xdp, "drop") == 0 ? MODEL_DROP :
							  MODEL_REDIRECT;
	if (verdict == MODEL_PASS)
		leaves = frame;
	read_counters(counts ? row->counters : "", frame->segments ? frame->segments : 1,
		      frame->len, &want);
	world_test_run(world, program, case_endpoint(row->from), frame, &run);
	world_counters(world, &got);
	same = run.verdict == check_verdict(program, verdict) && world_same_counters(&want, &got);
	if (verdict != MODEL_DROP)
		same = same && check_same_frame(leaves->data, leaves->len, run.data, run.len);
	if (!same)
		explain(row, program_name, check_verdict(program, verdict), &run, leaves, &want,
			&got);
}

static bool is_uplink_row(const struct case_row *row)
{
	return row->xdp;
}

static void test_run_row(struct world *world, const struct case_row *row,
			 const struct frame_buf *frame, struct way *way)
{
	if (!is_uplink_row(row)) {
		if (!world_kernel_refuses(MODEL_PORT_TC, frame))
			test_run(world, MODEL_PORT_TC, "port_tc", row, frame, way, true);
		return;
	}
	if (!world_kernel_refuses(MODEL_UPLINK_TC, frame))
		test_run(world, MODEL_UPLINK_TC, "uplink_tc", row, frame, way, true);
	if (!frame->segments)
		test_run(world, MODEL_UPLINK_XDP, "uplink_xdp", row, frame, way,
			 strcmp(row->xdp, "pass") != 0);
}

/* ---- real interfaces ---- */
static void wire_row(struct world *world, const struct case_row *row, const struct frame_buf *frame,
		     struct way *way)
{
	static char differences[4000], want_text[2000], got_text[2000];
	static struct world_counters want, got;
	struct live_list captured;
	uint32_t bytes = frame->len, passed_at = UL_ENDPOINT_NONE;
	bool in_tc = !is_uplink_row(row) || !(world->flags & WORLD_XDP) ||
		     strcmp(row->xdp, "pass") == 0,
	     counted, same;

	/* The TC programs see the outer tag apart from the data. */
	if (in_tc && frame->len >= 18 &&
	    (frame->data[12] == 0x81 || (frame->data[12] == 0x88 && frame->data[13] == 0xa8)))
		bytes -= 4;
	read_counters(row->counters, 1, bytes, &want);
	live_list_init(&captured);
	live_send(world, case_endpoint(row->from), frame);
	live_collect(world, way->leaves.n, &captured);
	counted = live_wait_counters(world, &want, &got);
	live_collect(world, 0, &captured);
	same = live_same(&way->leaves, &captured, differences, sizeof(differences));
	if (!same || !counted) {
		world_print_counters(&want, want_text, sizeof(want_text));
		world_print_counters(&got, got_text, sizeof(got_text));
		cr_expect_fail(
			"%s, on the wire%s: from %s: %s\n%s  expected counters%s\n  got      counters%s",
			row->name, world->flags & WORLD_XDP ? " with XDP" : "", row->from,
			row->frame, differences, want_text, got_text);
	}
	if (way->verdict == MODEL_PASS) {
		/* The kernel removes a priority tag before it delivers to the protocol. */
		const uint8_t *p = frame->data + (frame->data[12] == 0x81 ? 16 : 12);
		uint32_t type = (uint32_t)p[0] << 8 | p[1];

		cr_expect(live_passed(world, (uint16_t)(type < 1536 ? 4 : type), &passed_at) &&
				  passed_at == case_endpoint(row->from),
			  "%s: the frame did not reach the host", row->name);
	}
	live_list_free(&captured);
}

void run_cases(const struct sw *sw, const struct case_row *rows, size_t n)
{
	static struct frame_buf frame;
	static const uint32_t modes[] = { WORLD_XDP, WORLD_TC, WORLD_TC | WORLD_XDP };
	struct way way = { 0 };
	bool uplinks = false;

	live_list_init(&way.leaves);
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		struct world *world;

		if (m == 2 && !uplinks)
			break;
		world = world_new(modes[m]);
		world_apply(world, sw);
		live_open(world);
		for (size_t i = 0; i < n; i++) {
			frame_build(case_names, rows[i].frame, &frame);
			read_way(rows[i].way, &frame, &way);
			uplinks |= is_uplink_row(&rows[i]);
			if (!(modes[m] & WORLD_TC))
				test_run_row(world, &rows[i], &frame, &way);
			else if (!rows[i].no_wire && !frame.segments)
				wire_row(world, &rows[i], &frame, &way);
		}
		world_free(world);
	}
	live_list_free(&way.leaves);
}
