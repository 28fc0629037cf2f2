// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* GSO super-frames with unfinished checksums, from ports and from uplinks, pass whole; from a tap
 * as well, whose kernel side does not count segments. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "cases.h"

TestSuite(super_frames, .timeout = 900);

#define GSO_SIZE 1400
#define N_SEGMENTS 5
#define PAYLOAD (GSO_SIZE * (N_SEGMENTS - 1) + 100)

/* TCP over IPv4 with N_SEGMENTS segments of payload; text gives addresses and tags. */
static void build_super_frame(const char *text, struct frame_buf *ret)
{
	struct frame_buf *f = ret;
	uint32_t l3, tcp, sum = 0;

	frame_build(case_names, text, f);
	l3 = f->data[12] == 0x81 ? 18 : 14;
	tcp = l3 + 20;
	f->len = tcp + 20 + PAYLOAD;
	f->segments = N_SEGMENTS;
	f->data[l3 + 2] = (uint8_t)((40 + PAYLOAD) >> 8);
	f->data[l3 + 3] = (uint8_t)(40 + PAYLOAD);
	for (uint32_t i = l3; i < tcp; i += 2)
		sum += i == l3 + 10 ? 0 : (uint32_t)f->data[i] << 8 | f->data[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
	f->data[l3 + 10] = (uint8_t)(sum >> 8);
	f->data[l3 + 11] = (uint8_t)sum;
	memset(f->data + tcp + 4, 0, 16);
	f->data[tcp + 12] = 0x50; /* header of five words */
	f->data[tcp + 13] = 0x10; /* ACK */
	for (uint32_t i = tcp + 20; i < f->len; i++)
		f->data[i] = (uint8_t)(i * 31);
}

static const struct {
	const char *name, *from, *frame, *to; /* to: where the frame itself leaves */
	const char *counters;
	/* clang-format off */
} rows[] = {
	{ "VST to uplink", "a0", "a0>x tcp4:1>2", "u1[v100]", "a0.to_uplink u1.sent" },
	{ "EST to uplink", "e0", "e0>x tcp4:1>3", "u0[]", "e0.to_uplink u0.sent" },
	{ "VGT to uplink", "t0", "t0>x v300p1 tcp4:1>2", "u1[v300p1]", "t0.to_uplink h0.sent u1.sent" },
	{ "VST to VST", "a0", "a0>f0 tcp4:1>2", "f0[]", "a0.to_port f0.sent" },
	{ "VST to VGT", "a0", "a0>t0 tcp4:1>2", "t0[v100]", "a0.to_port t0.sent" },
	{ "VGT to VST", "t0", "t0>a0 v100 tcp4:1>2", "a0[]", "t0.to_port a0.sent" },
	{ "multicast", "b0", "b0>mcast tcp4:1>2", "u1[v200]", "b0.flooded q0.sent u1.sent" },
	{ "uplink to EST", "u0", "x>e0 tcp4:1>2", "e0[]", "u0.to_port e0.sent" },
	{ "uplink to VST", "u0", "x>a0 v100 tcp4:1>2", "a0[]", "u0.to_port a0.sent" },
	{ "uplink to VGT", "u1", "x>t0 v100p5 tcp4:1>2", "t0[v100p5]", "u1.to_port t0.sent" },
	{ "uplink multicast", "u1", "x>mcast v200 tcp4:1>2", "b0[]", "u1.flooded b0.sent q0.sent" },
};
/* clang-format on */

/* Bytes of the counters that text names, and the packets of the one that has the fewest. */
static uint64_t counted(const struct world_counters *counters, const char *text, uint64_t *packets)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL;
	uint64_t bytes = 0;

	*packets = UINT64_MAX;
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *dot = strchr(word, '.');
		const struct ul_count *count;

		*dot = 0;
		count = counters->at[case_endpoint(word)];
#define X(member, NAME, number, kind, help) \
	if (strcmp(dot + 1, #member) == 0)  \
		count += number;
		UL_REASONS(X)
#undef X
		*packets = count->packets < *packets ? count->packets : *packets;
		bytes = count->bytes;
	}
	return bytes;
}

static uint64_t total_packets(const struct world_counters *counters)
{
	uint64_t n = 0;

	for (int i = 0; i < WORLD_ENDPOINTS; i++)
		for (int reason = 0; reason < UL_REASON_SLOTS; reason++)
			n += counters->at[i][reason].packets;
	return n;
}

static void expect_whole(const char *name, const struct live_list *got, uint32_t endpoint,
			 const struct frame_buf *want, uint32_t gso_size)
{
	for (size_t i = 0; i < got->n; i++) {
		if (got->frame[i].endpoint != endpoint)
			continue;
		cr_expect_eq(got->frame[i].gso_size, gso_size, "%s: came in pieces of %u", name,
			     got->frame[i].gso_size);
		cr_expect(got->frame[i].unfinished_checksum, "%s: the checksum was finished", name);
		cr_expect_eq(got->frame[i].len, want->len, "%s: expected %u bytes, got %u", name,
			     want->len, got->frame[i].len);
		cr_expect(memcmp(got->frame[i].data, want->data, want->len) == 0,
			  "%s: the contents differ", name);
		return;
	}
	cr_expect_fail("%s: nothing came", name);
}

static void run_row(struct world *world, size_t i)
{
	static struct frame_buf frame, leaving;
	static struct world_counters got;
	char name[8], tags[32] = "", text[1000];
	struct live_list list;
	uint64_t packets, bytes, n_counters = 1;

	build_super_frame(rows[i].frame, &frame);
	cr_assert_geq(sscanf(rows[i].to, "%7[a-z0-9][%31[^]]", name, tags), 1);
	frame_retag(&frame, tags, &leaving);
	for (const char *p = rows[i].counters; *p; p++)
		n_counters += *p == ' ';

	live_list_init(&list);
	live_send_super_frame(world, case_endpoint(rows[i].from), &frame, GSO_SIZE);
	live_collect(world, n_counters - 1, &list);
	world_counters(world, &got);
	world_print_counters(&got, text, sizeof(text));
	expect_whole(rows[i].name, &list, case_endpoint(name), &leaving, GSO_SIZE);
	cr_expect_eq(list.n, n_counters - 1, "%s: %zu frames came out", rows[i].name, list.n);
	bytes = counted(&got, rows[i].counters, &packets);
	cr_expect_eq(packets, N_SEGMENTS, "%s: counted%s", rows[i].name, text);
	cr_expect_eq(bytes, frame.len - (frame.data[12] == 0x81 ? 4 : 0), "%s: counted%s",
		     rows[i].name, text);
	cr_expect_eq(total_packets(&got), n_counters * N_SEGMENTS, "%s: counted%s", rows[i].name,
		     text);
	live_list_free(&list);
}

static struct world *world_of_cases(struct sw *sw)
{
	struct world *world = world_new(WORLD_TC);

	cases_switch(sw);
	/* The poll of an XDP port's machine would take the frames apart; these rows go to the
	 * others. */
	sw->port[P_E1].xdp = sw->port[P_A1].xdp = false;
	world_apply(world, sw);
	live_open(world);
	return world;
}

Test(super_frames, pass_whole)
{
	struct sw sw;
	struct world *world = world_of_cases(&sw);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(world, i);
	world_free(world);
}

static int make_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	cr_assert_geq(fd, 0, "/dev/net/tun: %s", strerror(errno));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	cr_assert_eq(ioctl(fd, TUNSETIFF, &request), 0, "TUNSETIFF: %s", strerror(errno));
	cr_assert_eq(ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_UFO), 0);
	return fd;
}

/* A virtual machine's frames come through a tap: gso_size is set, gso_segs is not yet. */
Test(super_frames, from_a_tap)
{
	static struct frame_buf frame, leaving;
	static uint8_t buffer[sizeof(struct virtio_net_hdr) + FRAME_MAX];
	static struct world_counters got;
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 54,
		.gso_size = GSO_SIZE,
		.csum_start = 34,
		.csum_offset = 16,
	};
	char text[1000];
	struct live_list list;
	struct sw sw;
	struct world *world = world_of_cases(&sw);
	int tap = make_tap("tap0");

	/* The tap takes the place of a0's veth. */
	world_command("ip link set tap0 up arp off mtu %d", SW_MTU);
	world->port_if[P_A0] = if_nametoindex("tap0");
	world_apply(world, &sw);
	world_attach_port(world, world->port_if[P_A0]);

	build_super_frame("a0>x tcp4:1>2", &frame);
	frame_retag(&frame, "v100", &leaving);
	memcpy(buffer, &header, sizeof(header));
	memcpy(buffer + sizeof(header), frame.data, frame.len);
	cr_assert_eq(write(tap, buffer, sizeof(header) + frame.len),
		     (ssize_t)(sizeof(header) + frame.len), "tap: %s", strerror(errno));

	live_list_init(&list);
	live_collect(world, 1, &list);
	world_counters(world, &got);
	world_print_counters(&got, text, sizeof(text));
	cr_assert_eq(list.n, 1, "%zu frames came out; counted%s", list.n, text);
	expect_whole("tap to uplink", &list, case_endpoint("u1"), &leaving, GSO_SIZE);
	cr_expect_eq(got.at[case_endpoint("a0")][UL_R_TO_UPLINK].packets, N_SEGMENTS, "counted%s",
		     text);
	cr_expect_eq(got.at[case_endpoint("u1")][UL_R_SENT].packets, N_SEGMENTS, "counted%s", text);
	live_list_free(&list);
	world_free(world);
}

#define UFO_SIZE 1480 /* what a guest asks for at an MTU of 1500: UDP header and data */

/* A datagram of 4000 bytes, which the host cuts into fragments of UFO_SIZE. */
static void build_datagram(const char *text, struct frame_buf *ret)
{
	struct frame_buf *f = ret;

	frame_build(case_names, text, f);
	f->len = 14 + 20 + 8 + 4000;
	f->data[16] = (uint8_t)((f->len - 14) >> 8);
	f->data[17] = (uint8_t)(f->len - 14);
	f->data[20] = 0;	       /* may be fragmented */
	f->data[24] = f->data[25] = 0; /* the kernel computes it */
	f->data[38] = (uint8_t)((f->len - 34) >> 8);
	f->data[39] = (uint8_t)(f->len - 34);
	for (uint32_t i = 42; i < f->len; i++)
		f->data[i] = (uint8_t)(i * 31);
}

/* Guests with Linux before 4.14 leave the fragmentation of UDP to their virtio NIC (UFO). A packet
 * socket cannot capture such a frame; the counters show that it left whole. */
Test(super_frames, datagrams_of_old_guests)
{
	static const struct {
		const char *dst;
		struct model_count in, out;
	} ways[] = {
		{ "x", { UL_ENDPOINT_PORT0 + P_A0, UL_R_TO_UPLINK }, { 1, UL_R_SENT } },
		{ "f0",
		  { UL_ENDPOINT_PORT0 + P_A0, UL_R_TO_PORT },
		  { UL_ENDPOINT_PORT0 + P_F0, UL_R_SENT } },
	};
	static struct frame_buf frame;
	static uint8_t buffer[sizeof(struct virtio_net_hdr) + FRAME_MAX];
	static struct world_counters want, got;
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP,
		.hdr_len = 42,
		.gso_size = UFO_SIZE,
		.csum_start = 34,
		.csum_offset = 6,
	};
	struct sw sw;
	struct world *world = world_of_cases(&sw);
	int tap = make_tap("tap0");

	world_command("ip link set tap0 up arp off mtu %d", SW_MTU);
	world->port_if[P_A0] = if_nametoindex("tap0");
	world_apply(world, &sw);
	world_attach_port(world, world->port_if[P_A0]);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		char text[1000];

		snprintf(text, sizeof(text), "a0>%s udp4:1>2", ways[i].dst);
		build_datagram(text, &frame);
		memset(&want, 0, sizeof(want));
		world_add_count(&want, &ways[i].in, 3, frame.len);
		world_add_count(&want, &ways[i].out, 3, frame.len);
		memcpy(buffer, &header, sizeof(header));
		memcpy(buffer + sizeof(header), frame.data, frame.len);
		cr_assert_eq(write(tap, buffer, sizeof(header) + frame.len),
			     (ssize_t)(sizeof(header) + frame.len), "tap: %s", strerror(errno));
		cr_expect(live_wait_counters(world, &want, &got), "%s", text);
		world_print_counters(&got, text, sizeof(text));
		cr_expect(world_same_counters(&want, &got), "to %s: counted%s", ways[i].dst, text);
	}
	world_free(world);
}

/* Headers that lie in pages, which programs cannot read before they are pulled: each frame must
 * still go by the uplink that its addresses and ports say. */
static const struct {
	const char *frame, *to;
	enum ul_method method;
	/* 0: as it is, 80; the hash of addresses and ports turns with it */
	uint8_t dst_port;
	/* clang-format off */
} paged[] = {
	{ "a0>x udp4:1>2 len=5000", "u1", UL_M_SRC_DST_IP, 0 },	    { "a0>x udp4:1>3 len=5000", "u0", UL_M_SRC_DST_IP, 0 },
	{ "a0>x v0 udp4:1>2 len=5000", "u1", UL_M_SRC_DST_IP, 0 },  { "a0>x udp6:1>2 len=5000", "u1", UL_M_SRC_DST_IP, 0 },
	{ "a0>x udp6:1>3 len=5000", "u0", UL_M_SRC_DST_IP, 0 },	    { "a0>x udp4:1>2 len=5000", "u0", UL_M_SRC_DST_IP_PORT, 82 },
	{ "a0>x hd.tcp6:1>2 len=5000", "u1", UL_M_SRC_DST_IP_PORT, 0 },
	{ "a0>x tcp4:1>2 len=5000", "u1", UL_M_SRC_DST_IP_PORT, 0 }, { "a0>x udp6:1>2 len=5000", "u0", UL_M_SRC_DST_IP_PORT, 82 },
};
/* clang-format on */

static void send_paged(int tap, const struct frame_buf *frame, uint16_t readable)
{
	static uint8_t buffer[sizeof(struct virtio_net_hdr) + FRAME_MAX];
	struct virtio_net_hdr header = { .hdr_len = readable };

	memcpy(buffer, &header, sizeof(header));
	memcpy(buffer + sizeof(header), frame->data, frame->len);
	cr_assert_eq(write(tap, buffer, sizeof(header) + frame->len),
		     (ssize_t)(sizeof(header) + frame->len), "tap: %s", strerror(errno));
}

Test(super_frames, headers_in_pages)
{
	static const uint16_t readable[] = { 14, 17, 20, 33, 34, 37, 38, 41, 53, 54, 58, 66, 78 };
	static struct frame_buf frame;
	static struct world_counters got;
	struct sw sw;
	struct world *world = world_of_cases(&sw);
	int tap = make_tap("tap0");

	world_command("ip link set tap0 up arp off mtu %d", SW_MTU);
	world->port_if[P_A0] = if_nametoindex("tap0");
	sw.port[P_A0].max_frame = SW_MTU + 18;
	for (size_t i = 0; i < ARRAY_SIZE(paged); i++) {
		sw.policy[0].method = paged[i].method;
		world_apply(world, &sw);
		if (i == 0)
			world_attach_port(world, world->port_if[P_A0]);
		frame_build(case_names, paged[i].frame, &frame);
		if (paged[i].dst_port)
			frame.data[frame.data[12] == 0x86 ? 14 + 40 + 3 : 14 + 20 + 3] =
				paged[i].dst_port;
		for (size_t k = 0; k < ARRAY_SIZE(readable); k++) {
			struct live_list list;

			send_paged(tap, &frame, readable[k]);
			live_list_init(&list);
			live_collect(world, 1, &list);
			world_counters(world, &got);
			cr_expect(
				list.n == 1 &&
					list.frame[0].endpoint == case_endpoint(paged[i].to) &&
					list.frame[0].len >= frame.len,
				"%s by method %d with %u bytes readable: expected %s, got endpoint %u",
				paged[i].frame, paged[i].method, readable[k], paged[i].to,
				list.n ? list.frame[0].endpoint : UL_ENDPOINT_NONE);
			cr_expect_eq(got.at[case_endpoint(paged[i].to)][UL_R_SENT].packets, 1);
			live_list_free(&list);
		}
	}
	world_free(world);
}
