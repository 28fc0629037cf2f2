// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Nothing crosses from one VLAN to another: every source with every tag to every destination, over
 * real interfaces. This test judges frames by their source and exit alone; the model judges them a
 * second time (check_live). */
#include <criterion/criterion.h>

#include "live.h"

TestSuite(isolation, .timeout = 900);

static const char *const tag_sets[] = {
	"",	     "v0",	  "v0p7",      "v100",	  "v200",
	"v300",	     "v7",	  "v4095",     "v100p5",  "v100 v200",
	"v200 v100", "v100 v100", "v0 v100",   "v0 v200", "v7 v100",
	"s100",	     "s200",	  "s300",      "s0",	  "s4095",
	"s100 v200", "s200 v100", "v100 s200", "s0 v100", "v300 v100 v200",
	"n200",	     "o200",	  "p200",      "n0",	  "v0 n200",
	"v100 n200",
};

/* Ports 0, 1: EST; 2, 3: VST 100 (two groups); 4, 5: VST 200; 6: VGT 100, 300; 7: VGT 0, 200; 8:
 * VGT 4095; 9: EST, forging and promiscuous. */
enum { EST, VST100, VST100B, VST200, VGT_A, VGT_B, VGT_ALL, EST_FORGES, N_GROUPS };

static void make_switch(struct sw *sw, bool channel)
{
	static const uint8_t group_of[SW_PORTS] = { EST,    EST,   VST100, VST100B, VST200,
						    VST200, VGT_A, VGT_B,  VGT_ALL, EST_FORGES };

	*sw = (struct sw){
		.n_uplinks = 2, .n_policies = 1, .n_groups = N_GROUPS, .n_ports = SW_PORTS
	};
	sw->uplink[0] = sw->uplink[1] = (struct sw_uplink){ .send = true, .receive = true };
	sw->policy[0] = (struct sw_policy){ channel ? UL_M_SRC_DST_IP : UL_M_PORT_ID,
					    channel ? UL_POLICY_ANY_UPLINK : 0,
					    2,
					    2,
					    { 0, 1 },
					    0,
					    false };
	sw->group[VST100] = sw->group[VST100B] =
		(struct sw_group){ .mode = UL_VLAN_VST, .vid = 100 };
	sw->group[VST200] = (struct sw_group){ .mode = UL_VLAN_VST, .vid = 200 };
	sw->group[VGT_A].mode = sw->group[VGT_B].mode = sw->group[VGT_ALL].mode = UL_VLAN_VGT;
	sw_list_add(&sw->group[VGT_A], 100);
	sw_list_add(&sw->group[VGT_A], 300);
	sw_list_add(&sw->group[VGT_B], 0);
	sw_list_add(&sw->group[VGT_B], 200);
	for (uint16_t v = 0; v < 4095; v++)
		sw_list_add(&sw->group[VGT_ALL], v);
	sw->group[VGT_ALL].flags = UL_GROUP_QINQ;
	sw->group[EST_FORGES].flags = UL_GROUP_FORGED_OK | UL_GROUP_PROMISCUOUS;
	for (int i = 0; i < SW_PORTS; i++)
		sw->port[i] = (struct sw_port){
			.group = group_of[i],
			.max_frame = 1518,
			.number = (uint32_t)i,
			.xdp = i % 2,
			.mac = { 0x52, 0x54, 0, 0, 0x77, (uint8_t)i },
		};
}

/* Each frame has a number in its last bytes; what it belongs to: */
struct origin {
	int vlan; /* -1: to none, it must not come out */
	bool service;
};

static bool is_tag(const uint8_t *ethertype)
{
	return (ethertype[0] == 0x81 && ethertype[1] == 0x00) ||
	       (ethertype[0] == 0x88 && ethertype[1] == 0xa8);
}

static int outer_vid(const uint8_t *data, bool *service)
{
	*service = data[12] == 0x88 && data[13] == 0xa8;
	if (!*service && !(data[12] == 0x81 && data[13] == 0x00))
		return 0;
	return (data[14] & 15) << 8 | data[15];
}

/* The tags of older provider switches, which belong to no VLAN here. */
static bool is_foreign_tag(const uint8_t *ethertype)
{
	return ethertype[0] >= 0x91 && ethertype[0] <= 0x93 && ethertype[1] == 0;
}

static bool is_member(const struct sw_group *group, int vlan)
{
	switch (group->mode) {
	case UL_VLAN_EST:
		return vlan == 0;
	case UL_VLAN_VST:
		return vlan == group->vid;
	default:
		return vlan < 4095 && sw_list_has(group, (uint16_t)vlan);
	}
}

static struct origin origin_of(const struct sw *sw, uint32_t endpoint,
			       const struct frame_buf *frame)
{
	struct origin origin;
	int vid = outer_vid(frame->data, &origin.service);
	const struct sw_group *group;
	bool hides = !vid && is_tag(frame->data + 12) &&
		     (is_tag(frame->data + 16) || is_foreign_tag(frame->data + 16));

	/* whoever takes a priority tag off would obey the tag behind it */
	origin.vlan = vid == 4095 || hides || is_foreign_tag(frame->data + 12) ? -1 : vid;
	if (endpoint < UL_ENDPOINT_PORT0 || origin.vlan < 0)
		return origin;
	group = &sw->group[sw->port[endpoint - UL_ENDPOINT_PORT0].group];
	if (group->mode == UL_VLAN_VGT)
		origin.vlan = is_member(group, vid) &&
					      (!origin.service || group->flags & UL_GROUP_QINQ) ?
				      vid :
				      -1;
	else
		origin.vlan = vid || origin.service	 ? -1 :
			      group->mode == UL_VLAN_VST ? group->vid :
							   0;
	return origin;
}

struct judge {
	const struct sw *sw;
	const struct origin *origins;
	const uint32_t *endpoints;
	size_t n_origins, n_out;
};

static void judge_frame(void *userdata, const struct live_frame *out)
{
	struct judge *judge = userdata;
	const struct sw_group *group;
	const struct origin *origin;
	bool service;
	uint32_t id;
	int vid = outer_vid(out->data, &service);

	memcpy(&id, out->data + out->len - 4, 4);
	cr_assert_lt(id, judge->n_origins);
	origin = &judge->origins[id];
	judge->n_out++;
	cr_assert_neq(origin->vlan, -1,
		      "frame %u belongs to no VLAN, yet it came out at endpoint %u", id,
		      out->endpoint);
	if (out->endpoint < UL_ENDPOINT_PORT0) {
		cr_assert_geq(judge->endpoints[id], UL_ENDPOINT_PORT0,
			      "frame %u went from uplink to uplink", id);
		cr_assert_eq(vid, origin->vlan, "frame %u of VLAN %d left with tag %d", id,
			     origin->vlan, vid);
		cr_assert_eq(service, origin->service);
		return;
	}
	cr_assert_neq(out->endpoint, judge->endpoints[id], "frame %u came back", id);
	group = &judge->sw->group[judge->sw->port[out->endpoint - UL_ENDPOINT_PORT0].group];
	cr_assert(is_member(group, origin->vlan), "frame %u of VLAN %d came to endpoint %u", id,
		  origin->vlan, out->endpoint);
	if (group->mode == UL_VLAN_VGT) {
		cr_assert_eq(vid, origin->vlan,
			     "frame %u of VLAN %d came to endpoint %u with tag %d", id,
			     origin->vlan, out->endpoint, vid);
		cr_assert_eq(service, origin->service);
		cr_assert(!service || group->flags & UL_GROUP_QINQ,
			  "a service tag came to endpoint %u", out->endpoint);
	} else {
		cr_assert_not(origin->service, "a service tag came to endpoint %u", out->endpoint);
		cr_assert(!is_tag(out->data + 12) || origin->vlan,
			  "frame %u came to endpoint %u with its priority tag", id, out->endpoint);
	}
}

static void put_mac(uint8_t *to, const struct sw *sw, int which)
{
	static const uint8_t others[3][6] = { { 0x02, 0xee, 0, 0, 0, 9 },
					      { 255, 255, 255, 255, 255, 255 },
					      { 1, 0, 0x5e, 0, 0, 1 } };

	memcpy(to, which < SW_PORTS ? sw->port[which].mac : others[which - SW_PORTS], 6);
}

static void enumerate(uint32_t flags, bool channel)
{
	enum { N_DST = SW_PORTS + 3, N_FRAMES = ARRAY_SIZE(tag_sets) * N_DST };
	static struct frame_buf frames[N_FRAMES], plain;
	static struct origin origins[N_FRAMES];
	static uint32_t endpoints[N_FRAMES];
	struct world *world = world_new(flags);
	struct sw sw;
	size_t out = 0;

	make_switch(&sw, channel);
	world_apply(world, &sw);
	live_open(world);
	for (uint32_t source = 0; source < SW_PORTS + 2; source++) {
		uint32_t endpoint = source < SW_PORTS ? UL_ENDPOINT_PORT0 + source :
							source - SW_PORTS,
			 n = 0;
		struct judge judge = { &sw, origins, endpoints, N_FRAMES, 0 };

		for (size_t t = 0; t < ARRAY_SIZE(tag_sets); t++) {
			for (int dst = 0; dst < N_DST; dst++, n++) {
				frame_build(NULL, "x>y udp4:1>2 len=70", &plain);
				frame_retag(&plain, tag_sets[t], &frames[n]);
				put_mac(frames[n].data, &sw, dst);
				put_mac(frames[n].data + 6, &sw,
					source < SW_PORTS ? (int)source : SW_PORTS);
				if (source >= SW_PORTS)
					frames[n].data[11] = 77;
				memcpy(frames[n].data + frames[n].len - 4, &n, 4);
				endpoints[n] = endpoint;
				origins[n] = origin_of(&sw, endpoint, &frames[n]);
			}
		}
		check_live_judged(world, &sw, endpoints, frames, n, 0, judge_frame, &judge);
		out += judge.n_out;
	}
	cr_assert_gt(out, 1000, "only %zu frames came out at all", out);
	world_free(world);
}

Test(isolation, every_pair_by_tc)
{
	enumerate(WORLD_TC, true);
}

Test(isolation, every_pair_by_xdp_and_tc)
{
	enumerate(WORLD_TC | WORLD_XDP, true);
}

Test(isolation, every_pair_without_channel)
{
	enumerate(WORLD_TC | WORLD_XDP, false);
}
