// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "check.h"

#include <criterion/criterion.h>
#include <linux/pkt_cls.h>

uint64_t check_setting(const char *name, uint64_t normal)
{
	const char *text = getenv(name);
	uint64_t value = normal;

	if (text)
		cr_assert_eq(parse_u64(text, 1, UINT64_MAX, &value), 0, "%s=%s", name, text);
	return value;
}

uint32_t check_verdict(enum model_program program, enum model_verdict verdict)
{
	static const uint32_t tc[] = { TC_ACT_SHOT, TC_ACT_OK, TC_ACT_REDIRECT },
			      xdp[] = { XDP_DROP, XDP_PASS, XDP_REDIRECT };

	return program == MODEL_UPLINK_XDP ? xdp[verdict] : tc[verdict];
}

bool check_same_frame(const uint8_t *expected, uint32_t expected_len, const uint8_t *got,
		      uint32_t len)
{
	uint32_t type = (uint32_t)expected[12] << 8 | expected[13];

	if (len == expected_len)
		return memcmp(expected, got, len) == 0;
	return len + 4 == expected_len && (type == 0x8100 || type == 0x88a8) &&
	       memcmp(expected, got, 12) == 0 && memcmp(expected + 16, got + 12, len - 12) == 0;
}

static void add_expected(const struct model_result *expected, struct world_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	for (uint32_t i = 0; i < expected->n_counts; i++)
		world_add_count(counters, &expected->count[i], expected->packets, expected->bytes);
}

static bool same_events(const struct world *world, const struct model_result *expected,
			const uint8_t *src)
{
	const struct ul_event *event = world->event;

	if (world->n_events != !!expected->event_kind)
		return false;
	return !expected->event_kind ||
	       (event->kind == expected->event_kind && event->port == expected->event_port &&
		event->vid == expected->event_vid && memcmp(event->mac, src, 6) == 0);
}

/* The part of a switch that explains most verdicts. */
static void print_switch(const struct sw *sw, char *text, size_t size)
{
	static const char *const modes[] = { "EST", "VST", "VGT" };
	size_t at = 0;

#define PUT(...) (at += at < size ? (size_t)snprintf(text + at, size - at, __VA_ARGS__) : 0)
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		PUT("  u%u:%s%s%s%s%s", i, sw->uplink[i].absent ? " absent" : "",
		    sw->uplink[i].send ? " send" : "", sw->uplink[i].receive ? " receive" : "",
		    sw->uplink[i].cut ? " cut" : "", sw->uplink[i].drained ? " drained" : "");
	for (uint32_t i = 0; i < sw->n_policies; i++) {
		const struct sw_policy *policy = &sw->policy[i];

		PUT("\n  policy %u: method %u flags %#x%s, %u of %u active, known dead positions %#x, members",
		    i, policy->method, policy->flags, policy->modulo ? " modulo" : "",
		    policy->n_active, policy->n_members, policy->known_dead);
		for (uint32_t p = 0; p < policy->n_members; p++)
			PUT(" u%u", policy->member[p]);
	}
	for (uint32_t i = 0; i < sw->n_ports; i++) {
		const struct sw_port *port = &sw->port[i];
		const struct sw_group *group = &sw->group[port->group];

		PUT("\n  p%u: %02x:..:%02x:%02x number %u%s%s%s%s max %u, %s %u flags %#x policy %u",
		    i, port->mac[0], port->mac[4], port->mac[5], port->number,
		    port->absent ? port->leaving ? " leaving" : " absent" : "",
		    port->unseen ? " unseen" : "", port->no_carrier ? " no-carrier" : "",
		    port->xdp ? port->xdp_tcp ? " xdp tcp" : " xdp" : "", port->max_frame,
		    modes[group->mode], group->vid, group->flags, group->policy);
	}
	for (uint32_t i = 0; i < sw->n_learned; i++)
		PUT("\n  learned %u: p%u %02x:..:%02x:%02x vid %u%s here %u outside %u%s", i,
		    sw->learned[i].port, sw->learned[i].mac[0], sw->learned[i].mac[4],
		    sw->learned[i].mac[5], sw->learned[i].vid,
		    sw->learned[i].service ? " service" : "", sw->learned[i].here,
		    sw->learned[i].outside, sw->learned[i].outside_first ? " (first)" : "");
#undef PUT
}

static void fail(const struct sw *sw, const struct model_input *in,
		 const struct model_result *expected, const struct world_run *run,
		 const uint8_t *want, uint32_t want_len, const struct world_counters *want_counts,
		 const struct world_counters *got_counts, const struct world *world, uint64_t seed)
{
	static const char *const programs[] = { "port_tc", "uplink_xdp", "uplink_tc" };
	static char sw_text[4000], frame[400], want_text[400], got_text[400], want_count[2000],
		got_count[2000];

	print_switch(sw, sw_text, sizeof(sw_text));
	frame_dump(in->data, in->len, frame, sizeof(frame));
	frame_dump(want, want_len, want_text, sizeof(want_text));
	frame_dump(run->data, run->len, got_text, sizeof(got_text));
	world_print_counters(want_counts, want_count, sizeof(want_count));
	world_print_counters(got_counts, got_count, sizeof(got_count));
	cr_assert_fail(
		"%s, endpoint %u, seed %llu\n  frame    (%u) %s\n  expected verdict %u, got %u\n  expected (%u) %s\n  got      (%u) %s\n"
		"  expected counters%s\n  got      counters%s\n  expected event %u, got %u: kind %u, port %u, VLAN %u\n"
		"  sent %d heard %d, expected confirms %d, used here %d, outside %d, notes sent %d, outside %d\n%s",
		programs[in->program], in->endpoint, (unsigned long long)seed, in->len, frame,
		check_verdict(in->program, expected->verdict), run->verdict, want_len, want_text,
		run->len, got_text, want_count, got_count, expected->event_kind, world->n_events,
		world->event[0].kind, world->event[0].port, world->event[0].vid, in->sent,
		in->heard, expected->confirms, expected->used_here, expected->used_outside,
		expected->notes_sent, expected->notes_outside, sw_text);
}

/* Only what the model names is recorded, with the time of this run. */
static bool same_ownership(struct world *world, const struct sw *sw, uint32_t endpoint,
			   const struct model_result *expected,
			   const struct world_ownership *before, uint64_t began)
{
	struct world_ownership after;
	uint64_t ended = sw->ownership ? world_jiffies(world) : 0;
	bool same = true;

	world_read_ownership(world, sw, &after);
	for (uint32_t i = 0; i < sw->n_ports; i++) {
		bool confirms = expected->confirms && endpoint == UL_ENDPOINT_PORT0 + i;

		same = same && after.confirmed[i] == (before->confirmed[i] || confirms);
	}
	for (int i = 0; i < sw->n_learned; i++) {
		same = same && (expected->used_here == i ?
					after.here[i] >= began && after.here[i] <= ended :
					after.here[i] == before->here[i]);
		same = same && (expected->used_outside == i ?
					after.outside[i] >= began && after.outside[i] <= ended :
					after.outside[i] == before->outside[i]);
	}
	return same;
}

/* ul_sent is written for every frame that the model names and for no other; so is ul_outside. */
static bool same_recent(const struct world *world, const struct check_before *before,
			const struct model_result *expected)
{
	bool sent = before->sent, outside = before->heard;

	for (uint32_t i = 0; i < UL_RECENT && !(sent && outside); i++) {
		sent = sent || world->sent[i];
		outside = outside || world->outside[i];
	}
	return (before->sent || sent == expected->notes_sent) &&
	       (before->heard || outside == expected->notes_outside);
}

const struct model_result *check_test_run(struct world *world, const struct sw *sw,
					  enum model_program program, uint32_t endpoint,
					  const struct frame_buf *frame, uint64_t seed)
{
	return check_test_run_after(world, sw, program, endpoint, frame, seed,
				    (struct check_before){ false, false });
}

const struct model_result *check_test_run_after(struct world *world, const struct sw *sw,
						enum model_program program, uint32_t endpoint,
						const struct frame_buf *frame, uint64_t seed,
						struct check_before before)
{
	static struct model_result expected;
	static struct world_counters want_counts, got_counts;
	static struct world_run run;
	static uint8_t want[FRAME_MAX + 64];
	struct model_input in = {
		.program = program,
		.endpoint = endpoint,
		.data = frame->data,
		.len = frame->len,
		.segments = frame->segments,
		.sent = before.sent,
		.heard = before.heard,
	};
	struct world_ownership ownership;
	uint64_t began = sw->ownership ? world_jiffies(world) : 0;
	uint32_t want_len = 0;
	bool same;

	model_run(sw, &in, &expected);
	world_apply_ownership(world, sw);
	world_read_ownership(world, sw, &ownership);
	world_test_run(world, program, endpoint, frame, &run);
	world_counters(world, &got_counts);
	world_events(world);
	add_expected(&expected, &want_counts);

	same = run.verdict == check_verdict(program, expected.verdict) &&
	       world_same_counters(&want_counts, &got_counts) &&
	       same_events(world, &expected, frame->data + 6) &&
	       same_ownership(world, sw, endpoint, &expected, &ownership, began) &&
	       same_recent(world, &before, &expected);
	if (expected.notes_sent || expected.notes_outside || before.sent || before.heard)
		world_forget_recent(world);
	if (expected.verdict == MODEL_REDIRECT) {
		want_len = model_materialize(&in, &expected.copy[expected.n_copies - 1], want);
		same = same && check_same_frame(want, want_len, run.data, run.len);
	} else if (expected.verdict == MODEL_PASS) {
		uint32_t tag_len = expected.strips ? 4 : 0;

		want_len = frame->len - tag_len;
		memcpy(want, frame->data, 12);
		memcpy(want + 12, frame->data + 12 + tag_len, want_len - 12);
		same = same && run.len == want_len && memcmp(run.data, want, want_len) == 0;
	}
	if (!same)
		fail(sw, &in, &expected, &run, want, want_len, &want_counts, &got_counts, world,
		     seed);
	return &expected;
}

/* ---- random switches ---- */
#define CHANCE(percent) (frame_random(state) % 100 < (percent))
#define PICK(n) (frame_random(state) % (n))

static void random_uplinks(uint64_t *state, struct sw *sw)
{
	sw->n_uplinks = (uint8_t)(1 + PICK(SW_UPLINKS));
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		sw->uplink[i] = (struct sw_uplink){ .absent = CHANCE(3),
						    .send = CHANCE(85),
						    .receive = CHANCE(93),
						    .drained = CHANCE(5) };
}

static void random_policies(uint64_t *state, struct sw *sw)
{
	sw->n_policies = (uint8_t)(1 + PICK(SW_POLICIES));
	for (uint32_t i = 0; i < sw->n_policies; i++) {
		struct sw_policy *policy = &sw->policy[i];
		uint8_t order[SW_UPLINKS] = { 0, 1, 2, 3 };

		policy->method = (enum ul_method)PICK(UL_N_METHODS);
		policy->flags = (policy->method == UL_M_FAILOVER_ORDER ? UL_POLICY_ORDERED : 0) |
				(CHANCE(60) ? UL_POLICY_ANY_UPLINK : 0) |
				(CHANCE(20) ? UL_POLICY_LAST_OCTET : 0);
		for (uint32_t k = sw->n_uplinks; k > 1; k--) {
			uint32_t other = (uint32_t)PICK(k);
			uint8_t swap = order[k - 1];

			order[k - 1] = order[other];
			order[other] = swap;
		}
		policy->modulo = CHANCE(30);
		policy->n_members = (uint8_t)(CHANCE(70) ? sw->n_uplinks : 1 + PICK(sw->n_uplinks));
		policy->n_active =
			(uint8_t)(CHANCE(60) ? policy->n_members : 1 + PICK(policy->n_members));
		memcpy(policy->member, order, sizeof(order));
		/* What is dead, the daemon knows half the time; it may also be wrong. */
		for (uint32_t p = 0; p < policy->n_members; p++) {
			const struct sw_uplink *uplink = &sw->uplink[policy->member[p]];

			if ((!uplink->send || uplink->absent) ? CHANCE(50) : CHANCE(4))
				policy->known_dead |= 1u << p;
		}
		if (CHANCE(2))
			policy->n_active = 0; /* an unused slot */
	}
}

static void random_groups(uint64_t *state, struct sw *sw)
{
	static const uint16_t vids[] = { 1, 2, 100, 100, 100, 200, 300, 4094 };

	sw->n_groups = (uint8_t)(2 + PICK(SW_GROUPS - 1));
	for (uint32_t i = 0; i < sw->n_groups; i++) {
		struct sw_group *group = &sw->group[i];

		group->mode = (enum ul_vlan_mode)(CHANCE(50) ? UL_VLAN_VST : PICK(3));
		group->vid = vids[PICK(ARRAY_SIZE(vids))];
		group->policy = (uint8_t)PICK(sw->n_policies);
		group->flags =
			(CHANCE(6) ? UL_GROUP_PROMISCUOUS : 0) |
			(CHANCE(10) ? UL_GROUP_MAC_CHANGES : 0) |
			(CHANCE(20) ? UL_GROUP_FORGED_OK : 0) |
			(CHANCE(6) ? UL_GROUP_LEARNING | (CHANCE(50) ? UL_GROUP_FLOODED : 0) : 0) |
			(CHANCE(20) ? UL_GROUP_CONTROL_OK : 0) | (CHANCE(50) ? UL_GROUP_QINQ : 0);
		if (group->mode != UL_VLAN_VGT)
			continue;
		if (CHANCE(30)) {
			memset(group->vlans, 0xff, sizeof(group->vlans)); /* vlan: 4095 */
			group->vlans[63] &= ~(1ULL << 63);
		} else {
			for (uint32_t k = PICK(6) + 1; k > 0; k--)
				sw_list_add(group, vids[PICK(ARRAY_SIZE(vids))]);
		}
	}
}

static void random_ports(uint64_t *state, struct sw *sw)
{
	sw->n_ports = (uint8_t)(2 + PICK(SW_PORTS - 1));
	for (uint32_t i = 0; i < sw->n_ports; i++) {
		struct sw_port *port = &sw->port[i];

		*port = (struct sw_port){
			.group = (uint8_t)PICK(sw->n_groups),
			.absent = CHANCE(6),
			.leaving = CHANCE(50),
			.xdp = CHANCE(50),
			.xdp_tcp = CHANCE(15),
			.number = (uint32_t)PICK(40),
			.max_frame = CHANCE(85) ? 1518 :
				     CHANCE(50) ? SW_MTU + 18 :
						  600,
			.mac = { 0x52, 0x54, 0, (uint8_t)PICK(256), (uint8_t)PICK(256),
				 (uint8_t)(i * 16 + PICK(16)) },
		};
	}
	sw->n_learned = (uint8_t)(CHANCE(50) ? 0 : PICK(SW_LEARNED + 1));
	for (uint32_t i = 0; i < sw->n_learned; i++)
		sw->learned[i] = (struct sw_learned){
			.port = (uint8_t)PICK(sw->n_ports),
			.mac = { 0x02, 0x99, 0, 0, (uint8_t)PICK(256), (uint8_t)i },
		};
}

static uint16_t random_vid_of(uint64_t *state, const struct sw_group *group)
{
	static const uint16_t vids[] = { 0, 1, 2, 100, 100, 200, 300, 4094 };
	uint16_t vid = vids[PICK(ARRAY_SIZE(vids))];

	for (uint32_t n = 0; n < UL_VLAN_TRUNK && !sw_list_has(group, vid); n++)
		vid = (uint16_t)((vid + 1) % UL_VLAN_TRUNK);
	return vid;
}

void random_ownership(uint64_t *state, struct sw *sw)
{
	sw->ownership = true;
	for (uint32_t i = 0; i < sw->n_ports; i++) {
		sw->port[i].unseen = CHANCE(40);
		sw->port[i].no_carrier = CHANCE(25);
	}
	for (uint32_t i = 0; i < sw->n_learned; i++) {
		struct sw_learned *learned = &sw->learned[i];
		const struct sw_group *group = &sw->group[sw->port[learned->port].group];

		if (group->mode == UL_VLAN_VGT)
			learned->vid = random_vid_of(state, group);
		learned->service = CHANCE(15);
		learned->here = (enum sw_age)PICK(4);
		learned->outside = (enum sw_age)PICK(4);
		learned->outside_first = CHANCE(50);
	}
}

void random_switch(uint64_t *state, struct sw *ret)
{
	memset(ret, 0, sizeof(*ret));
	random_uplinks(state, ret);
	random_policies(state, ret);
	random_groups(state, ret);
	random_ports(state, ret);
}
