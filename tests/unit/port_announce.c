// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Announcements: the frame byte by byte, the schedule on a stopped clock, the timer on a real loop,
 * the socket in a namespace. */
#include "link_testing.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include "port/announce.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

#define RARP                                                                                   \
	0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 0, 0, 0, 0, 0x52, \
		0x54, 0, 0x12, 0x34, 0x56, 0, 0, 0, 0
#define ADDRESS_BYTES 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34, 0x56

static const uint8_t untagged[60] = { ADDRESS_BYTES, RARP };
static const uint8_t tagged_100[64] = { ADDRESS_BYTES, 0x81, 0, 0, 100, RARP };
static const uint8_t tagged_4094[64] = { ADDRESS_BYTES, 0x81, 0, 0x0f, 0xfe, RARP };

static const struct announce_vlans plain = { 1, { 0 } }, in_100 = { 1, { 100 } },
				   in_three = { 3, { 0, 7, 4094 } };

Test(port_announce, frame)
{
	static const struct {
		uint16_t vid;
		const uint8_t *frame;
		size_t length;
	} table[] = {
		{ 0, untagged, 60 },
		{ 100, tagged_100, 64 },
		{ 4094, tagged_4094, 64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint8_t frame[ANNOUNCE_FRAME_MAX];
		size_t length = 0;

		memset(frame, 0xaa, sizeof(frame));
		announce_frame(mac_a, table[i].vid, frame, &length);
		cr_expect_eq(length, table[i].length, "vid %d: %zu bytes", table[i].vid, length);
		cr_expect_arr_eq(frame, table[i].frame, table[i].length, "vid %d", table[i].vid);
	}
}

/* A trunk port is announced in the VLANs of its list, but not with thousands of frames. */
Test(port_announce, vlans_of_a_port)
{
	__u64 list[UL_N_VLANS / 64] = { 0 };
	struct announce_vlans vlans;

	announce_vlans_of(UL_VLAN_EST, 0, list, &vlans);
	cr_assert(vlans.n == 1 && vlans.vid[0] == 0);
	announce_vlans_of(UL_VLAN_VST, 4094, list, &vlans);
	cr_assert(vlans.n == 1 && vlans.vid[0] == 4094);
	list[0] = 1ULL << 1 | 1ULL << 63;
	list[63] = 1ULL << 62 | 1ULL << 63; /* 4094, and 4095, which is no VLAN */
	announce_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert(vlans.n == 3 && vlans.vid[0] == 1 && vlans.vid[1] == 63 && vlans.vid[2] == 4094,
		  "not untagged, as 0 is not in the list");
	list[0] |= 1;
	announce_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert(vlans.n == 4 && vlans.vid[0] == 0);
	list[63] = 0;
	list[0] = 0x1fffffffful; /* 0 and 1-32 */
	announce_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert(vlans.n == 33 && vlans.vid[0] == 0 && vlans.vid[32] == 32);
	list[1] = 1;
	announce_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert(vlans.n == 1 && vlans.vid[0] == 0, "too many: untagged only");
	list[0] &= ~1ULL;
	announce_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert_eq(vlans.n, 0);
}

/* ---- the schedule, on a stopped clock ---- */
#define PORTS 4096

#define QUERIED 9999 /* interface of ports that are queried */

/* What next() returns for a port: the address with number i on ifindex for each i below n. */
struct known {
	uint32_t n, ifindex;
	bool queried, tagged;
	const struct announce_vlans *vlans;
};

struct sent {
	uint32_t ifindex, index; /* index: of the address */
	size_t length;
};

struct bench {
	struct announcer *announcer;
	struct known known[PORTS];
	uint32_t what; /* at the last call of next() */
	struct sent sent[16384];
	size_t n, queries;
};

static int on_send(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length)
{
	struct bench *bench = userdata;

	bench->queries += ifindex == QUERIED;
	cr_assert_lt(bench->n, ARRAY_SIZE(bench->sent));
	bench->sent[bench->n++] = (struct sent){ ifindex, get_be16(frame + 6), length };
	return 0;
}

static bool on_next(void *userdata, uint32_t port, uint32_t what, uint32_t *cursor,
		    struct announcement *ret)
{
	struct bench *bench = userdata;
	const struct known *known = &bench->known[port];

	bench->what = what;
	if (*cursor >= known->n)
		return false;
	ret->ifindex = known->ifindex;
	put_be16(ret->mac, *cursor);
	ret->vlans = *known->vlans;
	ret->query_ifindex = known->queried && *cursor == 0 ? QUERIED : 0;
	ret->query_tagged = known->tagged;
	++*cursor;
	return true;
}

static struct bench *stopped(void)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const struct announcer_callbacks callbacks = { on_send, bench, on_next, bench };

	cr_assert(bench);
	cr_assert_eq(announcer_new(&callbacks, &bench->announcer), 0);
	cr_assert_eq(announcer_next_ms(bench->announcer), UINT64_MAX);
	return bench;
}

static void bench_free(struct bench *bench)
{
	announcer_free(bench->announcer);
	free(bench);
}

static void set_known(struct bench *bench, uint32_t port, uint32_t n, uint32_t ifindex,
		      const struct announce_vlans *vlans)
{
	bench->known[port] = (struct known){ .n = n, .ifindex = ifindex, .vlans = vlans };
}

static void start(struct bench *bench, uint64_t now_ms, uint32_t port)
{
	cr_assert_eq(announcer_start(bench->announcer, now_ms, port, 1), 0);
}

/* Runs until nothing is left of what is due before end_ms. */
static void run_until(struct bench *bench, uint64_t end_ms)
{
	uint64_t next;

	while ((next = announcer_next_ms(bench->announcer)) < end_ms)
		announcer_run(bench->announcer, next);
}

static size_t count_sent(const struct bench *bench, uint32_t ifindex)
{
	size_t n = 0;

	for (size_t i = 0; i < bench->n; i++)
		n += bench->sent[i].ifindex == ifindex;
	return n;
}

Test(port_announce, five_times)
{
	static const uint64_t times[] = { 0, 1000, 2000, 4000, 7000 };
	const uint64_t t0 = 1234567;
	struct bench *bench = stopped();
	struct announcer *a = bench->announcer;

	set_known(bench, 3, 1, 11, &in_100);
	start(bench, t0, 3);
	for (size_t i = 1; i < ARRAY_SIZE(times); i++) {
		cr_expect_eq(bench->n, i);
		cr_expect_eq(announcer_next_ms(a), t0 + times[i]);
		announcer_run(a, t0 + times[i] - 1);
		cr_expect_eq(bench->n, i, "not before its time");
		announcer_run(a, t0 + times[i]);
		announcer_run(a, t0 + times[i]);
	}
	cr_expect_eq(bench->n, 5);
	cr_expect_eq(announcer_next_ms(a), UINT64_MAX);
	announcer_run(a, t0 + 100000);
	cr_expect_eq(bench->n, 5);
	for (size_t i = 0; i < bench->n; i++) {
		cr_expect_eq(bench->sent[i].ifindex, 11);
		cr_expect_eq(bench->sent[i].length, 64);
	}
	bench_free(bench);
}

/* Twice, with the first address of a round; a trunk port in each of its VLANs. */
Test(port_announce, queries)
{
	for (int tagged = 0; tagged < 2; tagged++) {
		struct bench *bench = stopped();
		size_t per_round = tagged ? 2 * in_three.n : 2;

		set_known(bench, 3, 2, 11, &in_three);
		bench->known[3].queried = true;
		bench->known[3].tagged = tagged;
		start(bench, 0, 3);
		cr_expect_eq(bench->queries, per_round);
		run_until(bench, 1001);
		cr_expect_eq(bench->queries, 2 * per_round);
		run_until(bench, 20000);
		cr_expect_eq(bench->queries, 2 * per_round);
		cr_expect_eq(count_sent(bench, 11), ANNOUNCE_N_SENDS * 2 * in_three.n);
		bench_free(bench);
	}
}

/* The limit covers all frames. */
Test(port_announce, queries_count_for_the_limit)
{
	struct bench *bench = stopped();

	for (uint32_t port = 0; port < 100; port++) {
		set_known(bench, port, 1, 11, &plain);
		bench->known[port].queried = true;
		start(bench, 0, port);
	}
	cr_expect_eq(bench->n, ANNOUNCE_BURST / 3 * 3);
	announcer_run(bench->announcer, ANNOUNCE_INTERVAL_MS);
	cr_expect_eq(bench->n, 2 * (ANNOUNCE_BURST / 3 * 3));
	bench_free(bench);
}

Test(port_announce, each_round_sends_the_addresses_that_are_known_then)
{
	struct bench *bench = stopped();

	set_known(bench, 3, 0, 11, &plain);
	start(bench, 0, 3);
	cr_expect_eq(bench->n, 0, "no address yet");
	bench->known[3].n = 2; /* learned meanwhile */
	announcer_run(bench->announcer, 1000);
	cr_expect_eq(bench->n, 2);
	set_known(bench, 3, 1, 12, &in_three);
	announcer_run(bench->announcer, 2000);
	cr_expect_eq(bench->n, 2 + 3);
	cr_expect_eq(bench->sent[4].ifindex, 12, "on the present uplink");
	bench_free(bench);
}

Test(port_announce, a_start_during_a_run_replaces_its_schedule)
{
	struct bench *bench = stopped();

	set_known(bench, 3, 1, 11, &plain);
	start(bench, 0, 3);
	announcer_run(bench->announcer, 1000);
	cr_expect_eq(bench->n, 2);
	start(bench, 1500, 3);
	cr_expect_eq(bench->n, 3);
	announcer_run(bench->announcer, 2000);
	cr_expect_eq(bench->n, 3, "the old schedule is gone");
	run_until(bench, 20000);
	cr_expect_eq(bench->n, 2 + 5);
	bench_free(bench);
}

Test(port_announce, a_start_during_a_run_keeps_what_is_announced)
{
	struct bench *bench = stopped();

	set_known(bench, 3, 1, 11, &plain);
	cr_assert_eq(announcer_start(bench->announcer, 0, 3, 1), 0);
	cr_assert_eq(announcer_start(bench->announcer, 10, 3, 2), 0);
	cr_expect_eq(bench->what, 3);
	run_until(bench, 20000);
	cr_assert_eq(announcer_start(bench->announcer, 20000, 3, 2), 0);
	cr_expect_eq(bench->what, 2, "the first run has ended");
	bench_free(bench);
}

Test(port_announce, cancel)
{
	struct bench *bench = stopped();
	struct announcer *a = bench->announcer;

	set_known(bench, 0, 1, 11, &plain);
	set_known(bench, UL_MAX_PORTS - 1, 1, 12, &plain);
	start(bench, 0, 0);
	start(bench, 0, UL_MAX_PORTS - 1);
	cr_expect_eq(announcer_start(a, 0, UL_MAX_PORTS, 1), -EINVAL);
	cr_expect_eq(bench->n, 2);
	announcer_cancel(a, 0);
	announcer_cancel(a, 1);
	announcer_cancel(a, UINT32_MAX);
	run_until(bench, 1500);
	cr_expect_eq(bench->n, 3);
	cr_expect_eq(bench->sent[2].ifindex, 12);
	announcer_cancel(a, UL_MAX_PORTS - 1);
	cr_expect_eq(announcer_next_ms(a), UINT64_MAX);
	bench_free(bench);
}

/* A port that waits in the queue when it is cancelled and started again. */
Test(port_announce, cancel_and_start_in_the_queue)
{
	struct bench *bench = stopped();

	set_known(bench, 1, ANNOUNCE_BURST, 11, &plain);
	set_known(bench, 2, 1, 12, &plain);
	start(bench, 0, 1);
	start(bench, 0, 2);
	cr_expect_eq(count_sent(bench, 12), 0, "the limit is reached");
	announcer_cancel(bench->announcer, 2);
	start(bench, 0, 2);
	announcer_run(bench->announcer, ANNOUNCE_INTERVAL_MS);
	cr_expect_eq(count_sent(bench, 12), 1);
	announcer_cancel(bench->announcer, 2);
	run_until(bench, 20000);
	cr_expect_eq(count_sent(bench, 12), 1);
	bench_free(bench);
}

/* After a long delay (a suspended machine) one round, not all that were missed. */
Test(port_announce, missed_rounds_are_not_made_up_for)
{
	struct bench *bench = stopped();
	struct announcer *a = bench->announcer;

	set_known(bench, 3, 1, 11, &plain);
	start(bench, 0, 3);
	announcer_run(a, 2500);
	cr_expect_eq(bench->n, 2);
	cr_expect_eq(announcer_next_ms(a), 4000);
	announcer_run(a, 60000);
	cr_expect_eq(bench->n, 3);
	cr_expect_eq(announcer_next_ms(a), UINT64_MAX);
	bench_free(bench);
}

/* ---- the limit ---- */
Test(port_announce, thousands_of_ports_are_spread_over_intervals)
{
	struct bench *bench = stopped();
	struct announcer *a = bench->announcer;
	size_t before = 0;

	for (uint32_t port = 0; port < 1000; port++) {
		set_known(bench, port, 1, 100 + port, &plain);
		start(bench, 0, port);
	}
	cr_expect_eq(bench->n, ANNOUNCE_BURST);
	for (uint64_t next; (next = announcer_next_ms(a)) < 500; before = bench->n) {
		cr_expect_eq(next % ANNOUNCE_INTERVAL_MS, 0);
		announcer_run(a, next);
		announcer_run(a, next + ANNOUNCE_INTERVAL_MS - 1);
		cr_expect_leq(bench->n - before, ANNOUNCE_BURST + (before ? 0 : ANNOUNCE_BURST));
	}
	cr_expect_eq(bench->n, 1000, "the first round");
	for (uint32_t port = 0; port < 1000; port++)
		cr_expect_eq(bench->sent[port].ifindex, 100 + port, "in the order of the starts");
	run_until(bench, 20000);
	cr_expect_eq(bench->n, 5000);
	bench_free(bench);
}

Test(port_announce, ports_take_turns)
{
	struct bench *bench = stopped();

	set_known(bench, 1, 1000, 11, &plain);
	set_known(bench, 2, 1, 12, &plain);
	start(bench, 0, 1);
	start(bench, 0, 2);
	cr_expect_eq(bench->n, ANNOUNCE_BURST);
	announcer_run(bench->announcer, ANNOUNCE_INTERVAL_MS);
	cr_expect_eq(count_sent(bench, 12), 1, "a port with many addresses delays no other");
	run_until(bench, 900);
	cr_expect_eq(bench->n, 1001);
	for (size_t i = 0, index = 0; i < bench->n; i++)
		if (bench->sent[i].ifindex == 11)
			cr_assert_eq(bench->sent[i].index, index++, "each address once");
	bench_free(bench);
}

/* The frames of one address stay together: an interval with too little left ends early. */
Test(port_announce, an_address_in_many_vlans_stays_within_the_limit)
{
	struct announce_vlans many = { .n = ANNOUNCE_MAX_TAGGED + 1 };
	struct bench *bench = stopped();

	set_known(bench, 1, 5, 11, &many);
	start(bench, 0, 1);
	cr_expect_eq(bench->n, 3 * many.n);
	announcer_run(bench->announcer, ANNOUNCE_INTERVAL_MS - 1);
	cr_expect_eq(bench->n, 3 * many.n);
	announcer_run(bench->announcer, ANNOUNCE_INTERVAL_MS);
	cr_expect_eq(bench->n, 5 * many.n);
	bench_free(bench);
}

Test(port_announce, a_frame_in_each_vlan)
{
	static const struct announce_vlans none = { 0 };
	struct bench *bench = stopped();

	set_known(bench, 3, 1, 11, &in_three);
	start(bench, 0, 3);
	cr_assert_eq(bench->n, 3);
	cr_assert(bench->sent[0].length == 60 && bench->sent[1].length == 64 &&
		  bench->sent[2].length == 64);
	announcer_run(bench->announcer, 1000);
	cr_assert_eq(bench->n, 6);
	set_known(bench, 3, 1, 11, &none);
	run_until(bench, 20000);
	cr_assert_eq(bench->n, 6, "an address without VLANs");
	bench_free(bench);
}

/* Thousands of addresses that stayed where they were take time as well. */
Test(port_announce, calls_without_an_announcement_count_for_the_limit)
{
	static const struct announce_vlans none = {}, one = { .n = 1 };
	struct bench *bench = stopped();
	uint32_t calls = 0;

	set_known(bench, 1, 1000, 7, &none);
	set_known(bench, 2, 1, 8, &one);
	start(bench, 0, 1);
	start(bench, 0, 2);
	for (uint64_t at = 0; announcer_next_ms(bench->announcer) < 1000; calls++) {
		at = announcer_next_ms(bench->announcer);
		announcer_run(bench->announcer, at);
	}
	cr_expect_geq(calls, 1000 / ANNOUNCE_BURST);
	cr_expect_eq(bench->n, 1, "the other port was served");
	bench_free(bench);
}

/* ---- the socket ---- */
Test(port_announce, socket_sends_to_the_wire, .timeout = 300)
{
	struct record *t = record_new();
	struct announce_socket *sock = NULL;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	const struct timeval limit = { .tv_usec = 100000 };
	uint64_t end = now_ms() + DEADLINE_MS;
	_cleanup_close_ int fd = -1;
	uint8_t frame[ANNOUNCE_FRAME_MAX], got[128];
	size_t length;
	ssize_t n;

	make_veth(t, "va", "vb");
	set_up(t, "va", true);
	set_up(t, "vb", true);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	to.sll_ifindex = (int)ifindex_of(t, "vb");
	cr_assert_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	cr_assert_eq(announce_socket_new(&sock), 0);
	announce_frame(mac_a, 0, frame, &length);
	cr_expect_eq(announce_socket_send(sock, 12345, frame, length), -ENXIO, "no such uplink");
	/* The interface may not be up yet, and others send, too (IPv6). */
	do {
		announce_socket_send(sock, ifindex_of(t, "va"), frame, length);
		do
			n = recv(fd, got, sizeof(got), 0);
		while (n > 0 && memcmp(got + 6, mac_a, 6) != 0);
	} while (n < 0 && errno == EAGAIN && now_ms() < end);
	cr_assert_eq(n, 60, "%zd: %s", n, strerror(errno));
	cr_assert_arr_eq(got, untagged, 60);
	announce_socket_free(sock);
	record_free(t);
}
