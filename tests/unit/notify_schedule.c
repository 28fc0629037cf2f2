// SPDX-License-Identifier: GPL-2.0
/* Notify switches: the frame byte by byte, the timetable in a stopped clock, the timer on a real
 * loop, the socket in a namespace. */
#include "link_testing.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include "team/notify.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 },
		     mac_b[6] = { 2, 0, 0, 0, 0, 1 };

#define RARP                                                                                   \
	0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 0, 0, 0, 0, 0x52, \
		0x54, 0, 0x12, 0x34, 0x56, 0, 0, 0, 0
#define ADDRESSES 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34, 0x56

static const uint8_t untagged[60] = { ADDRESSES, RARP };
static const uint8_t tagged_100[64] = { ADDRESSES, 0x81, 0, 0, 100, RARP };
static const uint8_t tagged_4094[64] = { ADDRESSES, 0x81, 0, 0x0f, 0xfe, RARP };

static const struct notify_vlans plain = { 1, { 0 } }, in_100 = { 1, { 100 } },
				 in_three = { 3, { 0, 7, 4094 } };

Test(notify, frame)
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
		uint8_t frame[NOTIFY_FRAME_MAX];
		size_t length = 0;

		memset(frame, 0xaa, sizeof(frame));
		notify_frame(mac_a, table[i].vid, frame, &length);
		cr_expect_eq(length, table[i].length, "vid %d: %zu bytes", table[i].vid, length);
		cr_expect_arr_eq(frame, table[i].frame, table[i].length, "vid %d", table[i].vid);
	}
}

/* A port that tags itself is announced where it may be heard, and not by thousands of frames. */
Test(notify, vlans_of_a_port)
{
	__u64 list[UL_N_VLANS / 64] = { 0 };
	struct notify_vlans vlans;

	notify_vlans_of(UL_VLAN_EST, 0, list, &vlans);
	cr_assert(vlans.n == 1 && vlans.vid[0] == 0);
	notify_vlans_of(UL_VLAN_VST, 4094, list, &vlans);
	cr_assert(vlans.n == 1 && vlans.vid[0] == 4094);
	list[0] = 1ULL << 1 | 1ULL << 63;
	list[63] = 1ULL << 62 | 1ULL << 63; /* 4094, and 4095, which is no VLAN */
	notify_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert(vlans.n == 3 && vlans.vid[0] == 1 && vlans.vid[1] == 63 && vlans.vid[2] == 4094,
		  "not untagged, as 0 is not in the list");
	list[0] |= 1;
	notify_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert(vlans.n == 4 && vlans.vid[0] == 0);
	list[63] = 0;
	list[0] = 0x1fffffffful; /* 0 and 1-32 */
	notify_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert(vlans.n == 33 && vlans.vid[0] == 0 && vlans.vid[32] == 32);
	list[1] = 1;
	notify_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert(vlans.n == 1 && vlans.vid[0] == 0, "too many: untagged only");
	list[0] &= ~1ULL;
	notify_vlans_of(UL_VLAN_VGT, UL_VLAN_TRUNK, list, &vlans);
	cr_assert_eq(vlans.n, 0);
}

struct sent {
	struct {
		uint32_t ifindex;
		uint8_t mac[6];
		size_t length;
	} frame[64];
	size_t n;
};

static void on_send(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length)
{
	struct sent *sent = userdata;

	cr_assert_lt(sent->n, ARRAY_SIZE(sent->frame));
	sent->frame[sent->n].ifindex = ifindex;
	sent->frame[sent->n].length = length;
	memcpy(sent->frame[sent->n++].mac, frame + 6, 6);
}

static struct notifier *stopped(struct sent *sent)
{
	struct notifier *notifier = NULL;

	memset(sent, 0, sizeof(*sent));
	cr_assert_eq(notifier_new(NULL, on_send, sent, &notifier), 0);
	cr_assert_eq(notifier_next_ms(notifier), UINT64_MAX);
	return notifier;
}

Test(notify, five_times)
{
	static const uint64_t times[] = { 0, 1000, 2000, 4000, 7000 };
	const uint64_t t0 = 1234567;
	struct sent sent;
	struct notifier *n = stopped(&sent);

	cr_assert_eq(notifier_start_at(n, t0, 3, 11, mac_a, &in_100), 0);
	for (size_t i = 1; i < ARRAY_SIZE(times); i++) {
		cr_expect_eq(sent.n, i);
		cr_expect_eq(notifier_next_ms(n), t0 + times[i]);
		notifier_run(n, t0 + times[i] - 1);
		cr_expect_eq(sent.n, i, "not before its time");
		notifier_run(n, t0 + times[i]);
		notifier_run(n, t0 + times[i]);
	}
	cr_expect_eq(sent.n, 5);
	cr_expect_eq(notifier_next_ms(n), UINT64_MAX);
	notifier_run(n, t0 + 100000);
	cr_expect_eq(sent.n, 5);
	for (size_t i = 0; i < sent.n; i++) {
		cr_expect_eq(sent.frame[i].ifindex, 11);
		cr_expect_eq(sent.frame[i].length, 64);
		cr_expect_arr_eq(sent.frame[i].mac, mac_a, 6);
	}
	notifier_free(n);
}

Test(notify, a_new_start_replaces_the_old_one)
{
	struct sent sent;
	struct notifier *n = stopped(&sent);

	notifier_start_at(n, 0, 3, 11, mac_a, &plain);
	notifier_run(n, 1000);
	cr_expect_eq(sent.n, 2);
	notifier_start_at(n, 1500, 3, 12, mac_a, &plain);
	cr_expect_eq(sent.n, 3);
	notifier_run(n, 2000);
	cr_expect_eq(sent.n, 3, "the old timetable is gone");
	for (uint64_t now = 2000; now < 20000; now += 100)
		notifier_run(n, now);
	cr_expect_eq(sent.n, 2 + 5);
	for (size_t i = 2; i < sent.n; i++)
		cr_expect_eq(sent.frame[i].ifindex, 12);
	notifier_free(n);
}

Test(notify, cancel)
{
	struct sent sent;
	struct notifier *n = stopped(&sent);

	notifier_start_at(n, 0, 0, 11, mac_a, &plain);
	notifier_start_at(n, 0, UL_MAX_PORTS - 1, 12, mac_b, &plain);
	notifier_start_at(n, 0, 7, 12, mac_b, &plain);
	cr_expect_eq(notifier_start_at(n, 0, UL_MAX_PORTS, 12, mac_b, &plain), -EINVAL);
	cr_expect_eq(sent.n, 3);
	notifier_cancel(n, 0);
	notifier_cancel(n, 1);
	notifier_cancel(n, UINT32_MAX);
	notifier_run(n, 1000);
	cr_expect_eq(sent.n, 5);
	cr_expect_eq(sent.frame[4].ifindex, 12);
	notifier_start_at(n, 1000, 0, 11, mac_a, &plain);
	notifier_cancel_uplink(n, 12);
	sent.n = 0;
	notifier_run(n, 2000);
	cr_expect_eq(sent.n, 1);
	cr_expect_eq(sent.frame[0].ifindex, 11);
	notifier_cancel(n, 0);
	cr_expect_eq(notifier_next_ms(n), UINT64_MAX);
	notifier_free(n);
}

/* After a long delay (a suspended machine) one frame, not all that were missed. */
Test(notify, missed_frames_are_not_made_up_for)
{
	struct sent sent;
	struct notifier *n = stopped(&sent);

	notifier_start_at(n, 0, 3, 11, mac_a, &plain);
	notifier_run(n, 2500);
	cr_expect_eq(sent.n, 2);
	cr_expect_eq(notifier_next_ms(n), 4000);
	notifier_run(n, 60000);
	cr_expect_eq(sent.n, 3);
	cr_expect_eq(notifier_next_ms(n), UINT64_MAX);
	notifier_free(n);
}

/* Two ports half a second apart on a real timer: their second frames come in order and in time. */
Test(notify, on_the_loop, .timeout = 30)
{
	struct sent sent = { 0 };
	struct notifier *n = NULL;
	sd_event *event = NULL;
	uint64_t began = now_ms(), end = began + DEADLINE_MS;

	cr_assert_eq(sd_event_new(&event), 0);
	cr_assert_eq(notifier_new(event, on_send, &sent, &n), 0);
	cr_assert_eq(notifier_start(n, 1, 11, mac_a, &plain), 0);
	for (uint64_t now; (now = now_ms()) < began + 500;)
		sd_event_run(event, (began + 500 - now) * 1000);
	cr_assert_eq(notifier_start(n, 2, 12, mac_b, &plain), 0);
	cr_expect_eq(sent.n, 2, "the first frame leaves before start returns");
	while (sent.n < 4 && now_ms() < end)
		sd_event_run(event, 100000);
	cr_assert_eq(sent.n, 4);
	cr_expect_eq(sent.frame[2].ifindex, 11);
	cr_expect_eq(sent.frame[3].ifindex, 12);
	cr_expect_geq(now_ms() - began, 1500);
	notifier_free(n);
	sd_event_unref(event);
}

Test(notify, socket_sends_to_the_wire, .timeout = 30)
{
	struct record *t = record_new();
	struct notify_socket *sock = NULL;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	const struct timeval limit = { .tv_usec = 100000 };
	uint64_t end = now_ms() + DEADLINE_MS;
	_cleanup_close_ int fd = -1;
	uint8_t frame[NOTIFY_FRAME_MAX], got[128];
	size_t length;
	ssize_t n;

	make_veth(t, "va", "vb");
	set_up(t, "va", true);
	set_up(t, "vb", true);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	to.sll_ifindex = (int)ifindex_of(t, "vb");
	cr_assert_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	cr_assert_eq(notify_socket_new(&sock), 0);
	notify_frame(mac_a, 0, frame, &length);
	notify_socket_send(sock, 12345, frame, length); /* no such uplink: no harm */
	do { /* the first ones may meet an interface that is not quite up; and others talk too, IPv6
		for one */
		notify_socket_send(sock, ifindex_of(t, "va"), frame, length);
		do
			n = recv(fd, got, sizeof(got), 0);
		while (n > 0 && memcmp(got + 6, mac_a, 6) != 0);
	} while (n < 0 && errno == EAGAIN && now_ms() < end);
	cr_assert_eq(n, 60, "%zd: %s", n, strerror(errno));
	cr_assert_arr_eq(got, untagged, 60);
	notify_socket_free(sock);
	record_free(t);
}

Test(notify, a_frame_in_each_vlan)
{
	static const struct notify_vlans none = { 0 };
	struct sent sent;
	struct notifier *n = stopped(&sent);

	cr_assert_eq(notifier_start_at(n, 0, 3, 11, mac_a, &in_three), 0);
	cr_assert_eq(sent.n, 3);
	cr_assert(sent.frame[0].length == 60 && sent.frame[1].length == 64 &&
		  sent.frame[2].length == 64);
	notifier_run(n, 1000);
	cr_assert_eq(sent.n, 6);
	cr_assert_eq(notifier_start_at(n, 1000, 3, 11, mac_a, &none), 0);
	cr_assert_eq(sent.n, 6);
	cr_assert_eq(notifier_next_ms(n), UINT64_MAX);
	notifier_free(n);
}
