// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "live.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#define DEADLINE_MS 20000 /* of an emulated machine on a busy host as well */

/* Source of the frames of live_wait_link(), so that a late one is not mistaken for a frame of a
 * test. */
static const uint8_t probe[60] = { 2, 0, 0, 0x77, 0, 1, 2, 0, 0, 0x77, 0, 2, 0x88, 0xb5 };

static const uint16_t passed_protocols[LIVE_PASSED] = { 0x8809, 0x88cc, 0x888e, 0x88f7, 0x0004 };

static int packet_socket(uint16_t protocol)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(protocol));

	cr_assert_geq(fd, 0, "AF_PACKET: %s", strerror(errno));
	return fd;
}

static void set_option(int fd, int level, int option, int value)
{
	cr_assert_eq(setsockopt(fd, level, option, &value, sizeof(value)), 0, "option %d: %s",
		     option, strerror(errno));
}

void live_open(struct world *world)
{
	world->send_fd = packet_socket(0);
	world->send_gso_fd = packet_socket(0);
	set_option(world->send_gso_fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	for (int i = 0; i < LIVE_PASSED; i++) {
		world->passed_fd[i] = packet_socket(passed_protocols[i]);
		set_option(world->passed_fd[i], SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	}
	world->capture_fd = packet_socket(ETH_P_ALL);
	set_option(world->capture_fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	set_option(world->capture_fd, SOL_PACKET, PACKET_AUXDATA, 1);
	set_option(world->capture_fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	set_option(world->capture_fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20);
}

static struct sockaddr_ll far_end(const struct world *world, uint32_t endpoint)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };

	if (endpoint == UL_ENDPOINT_NONE)
		to.sll_ifindex = (int)world->stranger_far_if;
	else if (endpoint < UL_ENDPOINT_PORT0)
		to.sll_ifindex = (int)world->wire_if[endpoint];
	else
		to.sll_ifindex = (int)world->machine_if[endpoint - UL_ENDPOINT_PORT0];
	return to;
}

/* A slow machine may leave no room in the socket (EAGAIN) or in the ring of the veth (ENOBUFS: this
 * frame was dropped): wait for the receiver. */
static ssize_t send_when_room(int fd, const void *data, size_t len, const struct sockaddr_ll *to)
{
	ssize_t n;

	for (int tries = 0; tries < 10000; tries++) {
		n = sendto(fd, data, len, 0, (const struct sockaddr *)to, sizeof(*to));
		if (n >= 0 || (errno != EAGAIN && errno != ENOBUFS))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return n;
}

void live_send(struct world *world, uint32_t endpoint, const struct frame_buf *frame)
{
	struct sockaddr_ll to = far_end(world, endpoint);
	ssize_t n = send_when_room(world->send_fd, frame->data, frame->len, &to);

	cr_assert_eq(n, (ssize_t)frame->len, "sending %u bytes at endpoint %u: %s", frame->len,
		     endpoint, strerror(errno));
}

void live_send_super_frame(struct world *world, uint32_t endpoint, const struct frame_buf *frame,
			   uint16_t gso_size)
{
	struct sockaddr_ll to = far_end(world, endpoint);
	bool tagged = frame->data[12] == 0x81;
	uint16_t l3 = tagged ? 18 : 14;
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)(l3 + 40),
		.gso_size = gso_size,
		.csum_start = (uint16_t)(l3 + 20),
		.csum_offset = 16,
	};
	static uint8_t buffer[sizeof(header) + FRAME_MAX];
	ssize_t n;

	memcpy(buffer, &header, sizeof(header));
	memcpy(buffer + sizeof(header), frame->data, frame->len);
	n = send_when_room(world->send_gso_fd, buffer, sizeof(header) + frame->len, &to);
	cr_assert_eq(n, (ssize_t)(sizeof(header) + frame->len), "sending a super-frame: %s",
		     strerror(errno));
}

/* ---- lists ---- */
void live_list_init(struct live_list *list)
{
	*list = (struct live_list){ .room = 65536 };
	list->frame = malloc(list->room * sizeof(*list->frame));
	list->bytes = malloc(LIVE_BYTES);
	cr_assert(list->frame && list->bytes);
}

void live_list_free(struct live_list *list)
{
	free(list->frame);
	free(list->bytes);
}

static uint8_t *add_frame(struct live_list *list, uint32_t endpoint, uint32_t len)
{
	uint8_t *data = list->bytes + list->used;

	cr_assert(list->n < list->room && list->used + len <= LIVE_BYTES,
		  "too many frames for the list");
	list->frame[list->n++] =
		(struct live_frame){ .endpoint = endpoint, .len = len, .data = data };
	list->used += len;
	return data;
}

void live_expect(struct live_list *list, uint32_t endpoint, const uint8_t *data, uint32_t len)
{
	memcpy(add_frame(list, endpoint, len), data, len);
}

/* ---- capture ---- */
static bool endpoint_at(const struct world *world, int ifindex, uint32_t *ret)
{
	for (uint32_t i = 0; i < SW_UPLINKS; i++) {
		if ((int)world->wire_if[i] == ifindex) {
			*ret = i;
			return true;
		}
	}
	for (uint32_t i = 0; i < SW_PORTS; i++) {
		if ((int)world->machine_if[i] == ifindex) {
			*ret = UL_ENDPOINT_PORT0 + i;
			return true;
		}
	}
	return false;
}

/* The kernel takes the outer tag out of what it shows; it is put back. Returns the length of tag.
 */
static uint32_t tag_of(struct msghdr *message, uint8_t tag[4])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			return 0;
		tag[0] = (uint8_t)(aux.tp_vlan_tpid >> 8);
		tag[1] = (uint8_t)aux.tp_vlan_tpid;
		tag[2] = (uint8_t)(aux.tp_vlan_tci >> 8);
		tag[3] = (uint8_t)aux.tp_vlan_tci;
		return 4;
	}
	return 0;
}

/* Takes one frame from the socket; false: there is none. What was seen at the switch's side of a
 * pair is left out. */
static bool capture_one(struct world *world, struct live_list *list)
{
	static uint8_t buffer[sizeof(struct virtio_net_hdr) + 65536 + 64];
	struct virtio_net_hdr *header = (void *)buffer;
	uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))], tag[4], *data;
	struct iovec iov = { buffer, sizeof(buffer) };
	struct sockaddr_ll from;
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(world->capture_fd, &message, 0);
	uint32_t endpoint, len, tag_len;

	if (n < 0) {
		/* EINVAL: a super-frame that a packet socket cannot describe (UFO) */
		cr_assert(errno == EAGAIN || errno == EINTR || errno == EINVAL, "capture: %s",
			  strerror(errno));
		return errno != EAGAIN;
	}
	if (!endpoint_at(world, from.sll_ifindex, &endpoint))
		return true;
	cr_assert_geq((size_t)n, sizeof(*header) + 14);
	if (memcmp(buffer + sizeof(*header), probe, 14) == 0) {
		world->probe_seen = true;
		return true;
	}
	len = (uint32_t)n - (uint32_t)sizeof(*header);
	tag_len = tag_of(&message, tag);
	data = add_frame(list, endpoint, len + tag_len);
	memcpy(data, buffer + sizeof(*header), 12);
	memcpy(data + 12, tag, tag_len);
	memcpy(data + 12 + tag_len, buffer + sizeof(*header) + 12, len - 12);
	list->frame[list->n - 1].gso_size = header->gso_type ? header->gso_size : 0;
	list->frame[list->n - 1].unfinished_checksum = header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	return true;
}

void live_collect(struct world *world, size_t n, struct live_list *ret)
{
	uint64_t end = now_ms() + DEADLINE_MS;

	for (;;) {
		struct pollfd wait = { .fd = world->capture_fd, .events = POLLIN };
		uint64_t now = now_ms();

		while (capture_one(world, ret))
			;
		if (ret->n >= n || now >= end)
			return;
		poll(&wait, 1, (int)(end - now));
	}
}

bool live_wait_counters(struct world *world, const struct world_counters *want,
			struct world_counters *got)
{
	static struct world_counters more;
	uint64_t end = now_ms() + DEADLINE_MS;

	world_counters(world, got);
	while (!world_same_counters(want, got) && now_ms() < end) {
		poll(NULL, 0, 1);
		world_counters(world, &more);
		for (int i = 0; i < WORLD_ENDPOINTS; i++) {
			for (int reason = 0; reason < UL_REASON_SLOTS; reason++) {
				got->at[i][reason].packets += more.at[i][reason].packets;
				got->at[i][reason].bytes += more.at[i][reason].bytes;
			}
		}
	}
	return world_same_counters(want, got);
}

void live_wait_link(struct world *world, uint32_t uplink)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)world->uplink_if[uplink] };
	uint64_t end = now_ms() + DEADLINE_MS;
	struct live_list list;

	live_list_init(&list);
	world->probe_seen = false;
	while (!world->probe_seen) {
		cr_assert_lt(now_ms(), end, "nothing leaves by u%u", uplink);
		if (sendto(world->send_fd, probe, sizeof(probe), 0, (struct sockaddr *)&to,
			   sizeof(to)) < 0)
			cr_assert(errno == ENETDOWN || errno == ENOBUFS, "probing u%u: %s", uplink,
				  strerror(errno));
		poll(&(struct pollfd){ .fd = world->capture_fd, .events = POLLIN }, 1, 2);
		while (capture_one(world, &list))
			;
	}
	cr_assert_eq(list.n, 0, "an unexpected frame came out at endpoint %u",
		     list.frame->endpoint);
	live_list_free(&list);
}

bool live_passed(struct world *world, uint16_t protocol, uint32_t *ret_endpoint)
{
	uint64_t end = now_ms() + DEADLINE_MS, now;
	int i = 0;

	while (i < LIVE_PASSED - 1 && passed_protocols[i] != protocol)
		i++;
	while ((now = now_ms()) < end) {
		struct pollfd wait = { .fd = world->passed_fd[i], .events = POLLIN };
		struct sockaddr_ll from;
		socklen_t len = sizeof(from);
		uint8_t byte;

		poll(&wait, 1, (int)(end - now));
		while (recvfrom(world->passed_fd[i], &byte, 1, 0, (struct sockaddr *)&from, &len) >=
		       0) {
			for (uint32_t u = 0; u < SW_UPLINKS; u++) {
				if ((int)world->uplink_if[u] == from.sll_ifindex) {
					*ret_endpoint = u;
					return true;
				}
			}
		}
	}
	return false;
}

/* ---- comparison ---- */
static int by_content(const void *a, const void *b)
{
	const struct live_frame *x = a, *y = b;

	if (x->endpoint != y->endpoint)
		return x->endpoint < y->endpoint ? -1 : 1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->data, y->data, x->len);
}

bool live_same(struct live_list *expected, struct live_list *got, char *text, size_t size)
{
	size_t e = 0, g = 0, at = 0, said = 0;
	char dump[300];

	qsort(expected->frame, expected->n, sizeof(*expected->frame), by_content);
	qsort(got->frame, got->n, sizeof(*got->frame), by_content);
	text[0] = 0;
	while (e < expected->n || g < got->n) {
		int order = e == expected->n ? 1 :
			    g == got->n	     ? -1 :
					       by_content(&expected->frame[e], &got->frame[g]);
		const struct live_frame *odd = order < 0 ? &expected->frame[e] : &got->frame[g];

		e += order <= 0;
		g += order >= 0;
		if (order == 0 || said++ > 8 || at >= size)
			continue;
		frame_dump(odd->data, odd->len, dump, sizeof(dump));
		at += (size_t)snprintf(text + at, size - at, "  %s at %c%u: (%u) %s\n",
				       order < 0 ? "missing" : "not expected",
				       odd->endpoint < UL_ENDPOINT_PORT0 ? 'u' : 'p',
				       odd->endpoint & 31, odd->len, dump);
	}
	return said == 0;
}
