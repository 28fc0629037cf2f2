// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The plan of a probe, its frames, forged answers, and what follows from the answers. */
#include "finding_cases.h"
#include "record_shapes.h"
#include "records/probe.h"

TestSuite(records_probe, .timeout = 300);

#define NO_TARGET UINT32_MAX

static struct fake fake;
static struct view view;
static struct snapshot *snapshot;
static struct probe probe;
static const uint8_t nonce[PROBE_NONCE_LEN] = { 1, 2,  3,  4,  5,  6,  7,  8,
						9, 10, 11, 12, 13, 14, 15, 16 };

/* Uplinks 02:00:00:00:00:f0 and up, VLANs 100 and 200. */
static void start(uint32_t n_uplinks, enum ul_channel channel)
{
	fake_init(&fake, n_uplinks);
	fake.meta.channel = channel;
	fake_group(&fake, 1, "other", 200, 0);
	for (uint32_t i = 0; i < n_uplinks; i++) {
		const uint8_t mac[6] = { 2, 0, 0, 0, 0, (uint8_t)(0xf0 + i) };

		memcpy(fake.uplinks[i].mac, mac, 6);
		fake.uplinks[i].flags |= UL_UP_RECEIVE;
	}
	snapshot = take_snapshot(&fake, &view);
	probe_init(&probe, snapshot, nonce);
}

static void end(void)
{
	snapshot_free(snapshot);
}

/* The frame of a step as the other end sees it: without its outer tag. */
static size_t untagged(const struct probe_step *step, uint32_t attempt, uint8_t *frame,
		       uint32_t *ret_vid)
{
	size_t length = probe_frame(&probe, step, attempt, frame);

	*ret_vid = 0;
	if (frame[12] != 0x81)
		return length;
	*ret_vid = get_be16(frame + 14) & 0xfff;
	memmove(frame + 12, frame + 16, length - 16);
	return length - 4;
}

Test(records_probe, plan_of_two_uplinks_and_two_vlans)
{
	struct probe_step step;
	uint32_t n = 0, longs = 0;

	start(2, UL_CHANNEL_NONE);
	cr_assert_eq(probe_add_targets(&probe, "192.0.2.1,200:2001:db8::1,100:[fe80::1]",
				       (char[64]){}),
		     0);
	while (probe_step_at(&probe, n, &step)) {
		cr_expect(!longs || step.is_long, "long frames are last");
		longs += step.is_long;
		n++;
	}
	/* 2 directions in 2 VLANs, 3 addresses by 2 uplinks, and long: 1 VLAN, the IPv4 address */
	cr_expect_eq(n, 4 + 6 + 2 + 2);
	cr_expect_eq(longs, 4);
	cr_expect_eq(probe_count_frames(&probe), n * PROBE_TRIES);
	end();
}

Test(records_probe, uplinks_that_do_not_work_take_no_part)
{
	struct probe_step step;

	start(3, UL_CHANNEL_STATIC);
	end();
	fake_cut(&fake, 1);
	fake.uplinks[2].flags &= ~(uint32_t)UL_UP_RECEIVE;
	snapshot = take_snapshot(&fake, &view);
	probe_init(&probe, snapshot, nonce);
	cr_expect_eq(probe.uplinks, 1);
	cr_expect_not(probe_step_at(&probe, 0, &step));
	end();
}

Test(records_probe, many_uplinks_leave_vlans_out)
{
	start(UL_MAX_UPLINKS, UL_CHANNEL_NONE);
	cr_expect_eq(probe.n_vlans, 1);
	cr_expect_eq(probe.n_left_out, 1);
	end();
}

Test(records_probe, addresses_of_the_command_line)
{
	static const char *const wrong[] = { "",
					     "x",
					     "4095:192.0.2.1",
					     "1:",
					     "224.0.0.1",
					     "ff02::1",
					     "10:[fe80::1",
					     "10:[fe80::1]x",
					     "192.0.2.1,,",
					     "0.0.0.0",
					     "99999999999:192.0.2.1" };
	char bad[64];

	start(2, UL_CHANNEL_STATIC);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		probe.n_targets = 0;
		cr_expect_eq(probe_add_targets(&probe, wrong[i], bad), -EINVAL, "%s", wrong[i]);
	}
	probe.n_targets = 0;
	cr_assert_eq(probe_add_targets(&probe, "10:192.0.2.1,0:2001:db8::1", bad), 0);
	cr_expect_eq(probe.target[0].vid, 10);
	cr_expect(probe.target[1].ipv6 && probe.target[1].vid == 0);
	end();
}

Test(records_probe, a_frame_between_uplinks_is_recognised_and_nothing_else)
{
	static uint8_t frame[PROBE_MAX_FRAME];
	struct probe_step step = { 0, 1, 1, NO_TARGET, false };
	uint32_t vid;
	size_t length;

	start(2, UL_CHANNEL_NONE);
	length = untagged(&step, 2, frame, &vid);
	cr_expect_eq(vid, 200);
	cr_expect_eq(length, 60);
	cr_expect_not(probe_receive(&probe, &step, 0, vid, frame, length), "at its sender");
	cr_expect_not(probe_receive(&probe, &step, 1, 100, frame, length), "in another VLAN");
	cr_expect_not(probe_receive(&probe, &step, 1, 7, frame, length), "in no VLAN of the test");
	for (size_t at = 0; at < 14 + 16 + PROBE_NONCE_LEN + 6; at++) {
		frame[at] ^= 0x40;
		cr_expect_not(probe_receive(&probe, &step, 1, vid, frame, length), "byte %zu", at);
		frame[at] ^= 0x40;
	}
	for (size_t n = 0; n < 14 + 16 + PROBE_NONCE_LEN + 6; n++)
		cr_expect_not(probe_receive(&probe, &step, 1, vid, frame, n), "%zu bytes", n);
	cr_expect_not(probe.came[1][0][1]);
	cr_expect_gt(probe.forged, 0);
	/* also after its step */
	step = (struct probe_step){ 1, 0, 0, NO_TARGET, false };
	cr_expect(probe_receive(&probe, &step, 1, vid, frame, length));
	cr_expect(probe.came[1][0][1]);
	cr_expect_not(probe.came[1][1][0]);
	end();
}

Test(records_probe, a_long_frame_has_the_mtu)
{
	static uint8_t frame[PROBE_MAX_FRAME];
	struct probe_step step = { 0, 1, 0, NO_TARGET, true };
	uint32_t vid;
	size_t length;

	start(2, UL_CHANNEL_NONE);
	cr_expect_not(probe_is_needed(&probe, &step), "short ones did not pass");
	probe.came[0][0][1] = true;
	cr_expect(probe_is_needed(&probe, &step));
	length = untagged(&step, 0, frame, &vid);
	cr_expect_eq(length, 14 + fake.meta.mtu);
	cr_expect_not(probe_receive(&probe, &step, 1, vid, frame, length - 1), "cut");
	cr_expect(probe_receive(&probe, &step, 1, vid, frame, length));
	cr_expect(probe.long_came[0][1]);
	end();
}

/* The question with the roles of its two sides exchanged. */
static size_t arp_answer(const struct probe_step *step, uint8_t *frame, uint32_t *ret_vid)
{
	size_t length = untagged(step, 0, frame, ret_vid);
	uint8_t *arp = frame + 14, address[4];

	memcpy(address, arp + 24, 4);
	memcpy(frame, frame + 6, 6);
	memset(frame + 6, 0x44, 6);
	arp[7] = 2;
	memcpy(arp + 18, arp + 8, 6);
	memset(arp + 8, 0x44, 6);
	memcpy(arp + 14, address, 4);
	memset(arp + 24, 0, 4);
	return length;
}

Test(records_probe, an_answer_of_arp_counts_for_the_uplink_that_asked)
{
	static uint8_t frame[PROBE_MAX_FRAME];
	struct probe_step step = { 1, 1, 0, 0, false };
	uint32_t vid;
	size_t length;

	start(2, UL_CHANNEL_STATIC);
	cr_assert_eq(probe_add_targets(&probe, "100:192.0.2.1", (char[64]){}), 0);
	length = untagged(&step, 0, frame, &vid);
	cr_expect_eq(get_be16(frame + 14 + 6), 1, "a request");
	cr_expect_eq(get_be16(frame + 14 + 14), 0, "an ARP probe has no sender (RFC 5227)");
	cr_expect_not(probe_receive(&probe, &step, 0, vid, frame, length), "a question");
	length = arp_answer(&step, frame, &vid);
	cr_expect_not(probe_receive(&probe, &step, 0, 200, frame, length), "in another VLAN");
	frame[14 + 14 + 3]++;
	cr_expect_not(probe_receive(&probe, &step, 0, vid, frame, length), "of another address");
	frame[14 + 14 + 3]--;
	memset(frame, 0xff, 6);
	cr_expect_not(probe_receive(&probe, &step, 0, vid, frame, length), "gratuitous ARP");
	length = arp_answer(&step, frame, &vid);
	step.from = step.to = 0; /* the next step: the answer was late */
	cr_expect(probe_receive(&probe, &step, 0, vid, frame, length), "by the other member");
	cr_expect(probe.answered[0][1]);
	cr_expect_not(probe.answered[0][0]);
	end();
}

Test(records_probe, a_solicitation_and_its_answer)
{
	static uint8_t frame[PROBE_MAX_FRAME];
	struct probe_step step = { 0, 0, 0, 0, false };
	uint8_t *icmp = frame + 14 + 40;
	uint32_t vid, sum = 24 + 58;
	size_t length;

	start(2, UL_CHANNEL_STATIC);
	cr_assert_eq(probe_add_targets(&probe, "200:2001:db8::12:3456", (char[64]){}), 0);
	length = untagged(&step, 0, frame, &vid);
	cr_expect_eq(length, 14 + 40 + 24);
	cr_expect_arr_eq(frame, ((uint8_t[]){ 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 }), 6);
	for (size_t i = 14 + 8; i < length; i += 2)
		sum += get_be16(frame + i);
	cr_expect_eq((sum & 0xffff) + (sum >> 16), 0xffff, "checksum");
	cr_expect_not(probe_receive(&probe, &step, 0, vid, frame, length), "a question");
	icmp[0] = 136;
	cr_expect_not(probe_receive(&probe, &step, 1, 100, frame, length), "in another VLAN");
	cr_expect(probe_receive(&probe, &step, 1, vid, frame, length));
	cr_expect(probe.answered[0][0]);
	end();
}

/* ---- findings: what provokes each, and what differs by one fact ---- */
static void all_came(bool came)
{
	for (uint32_t vlan = 0; vlan < probe.n_vlans; vlan++)
		for (uint32_t a = 0; a < snapshot->n_uplinks; a++)
			for (uint32_t b = 0; b < snapshot->n_uplinks; b++) {
				probe.came[vlan][a][b] = came && a != b;
				probe.long_came[a][b] = came && a != b;
			}
}

static void one_came(bool guilty)
{
	start(3, UL_CHANNEL_STATIC);
	probe.came[1][2][1] = guilty;
}

static void none_came(bool guilty)
{
	start(2, UL_CHANNEL_NONE);
	all_came(!guilty);
}

static void vlan_lacks(bool guilty)
{
	start(3, UL_CHANNEL_NONE);
	all_came(true);
	for (uint32_t other = 0; guilty && other < 3; other++)
		probe.came[1][1][other] = probe.came[1][other][1] = false;
}

static void vlan_lacks_by_arp(bool guilty)
{
	start(2, UL_CHANNEL_LACP);
	cr_assert_eq(probe_add_targets(&probe, "100:192.0.2.1,200:192.0.3.1", (char[64]){}), 0);
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t target = 0; target < 2; target++)
			probe.answered[target][i] = probe.long_answered[target][i] =
				!guilty || i == 0 || target == 0;
}

static void long_lost(bool guilty)
{
	start(2, UL_CHANNEL_NONE);
	all_came(true);
	probe.long_came[0][1] = !guilty;
}

static void silent_address(bool guilty)
{
	start(1, UL_CHANNEL_STATIC);
	cr_assert_eq(probe_add_targets(&probe, "100:192.0.2.1", (char[64]){}), 0);
	probe.answered[0][0] = probe.long_answered[0][0] = !guilty;
}

static const struct {
	const char *code, *object;
	void (*make)(bool guilty);
} situations[] = {
	{ "not_bundled", "eth2", one_came },	{ "peer_bundles", "vswitch0", none_came },
	{ "vlan_missing", "eth1", vlan_lacks }, { "vlan_missing", "eth1", vlan_lacks_by_arp },
	{ "path_mtu", "eth0", long_lost },	{ "address_unreachable", "eth0", silent_address },
};

const char *probe_case(size_t i)
{
	return i < ARRAY_SIZE(situations) ? situations[i].code : NULL;
}

Test(records_probe, each_situation_and_its_innocent_twin)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		json_t *finding;

		situations[i].make(false);
		json_auto_t *innocent = probe_findings(&probe);
		end();
		cr_expect_eq(json_array_size(innocent), 0, "%s: %s", situations[i].code,
			     json_dumps(innocent, 0));
		situations[i].make(true);
		json_auto_t *guilty = probe_findings(&probe);
		end();
		cr_assert_geq(json_array_size(guilty), 1, "%s", situations[i].code);
		finding = json_array_get(guilty, 0);
		cr_expect_str_eq(text(finding, "code"), situations[i].code);
		cr_expect_str_eq(text(finding, "object"), situations[i].object);
		expect_keys(situations[i].code, finding, FINDING_KEYS);
		cr_expect_gt(json_array_size(json_object_get(finding, "evidence")), 0);
	}
}
