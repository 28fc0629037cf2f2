// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * RARP frames for the physical switches and queries for the machines, and their schedule.
 *
 * One run per port slot, in an array by slot. A run is active from announcer_start() to the end of
 * its last round. A round that is due waits in a queue, which serve() works off address by address
 * in turns, as far as the limit of the present interval allows: a port with a thousand learned
 * addresses delays no other port. Thousands of ports move at once when an uplink fails, so a start
 * looks at no other run.
 */
#include "port/announce.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include "common/frame.h"
#include "port/membership.h"

#define RARP_REQUEST 3 /* RFC 903: request reverse */
#define END UINT32_MAX /* of the queue */

/* An address always fits the limit of an empty interval. */
_Static_assert(3 * (ANNOUNCE_MAX_TAGGED + 1) <= ANNOUNCE_BURST, "frames of an address");

static const uint16_t offsets_ms[ANNOUNCE_N_SENDS] = { 0, 1000, 2000, 4000, 7000 };

/* ---- the frame ---- */
void announce_frame(const uint8_t mac[6], uint16_t vid, uint8_t frame[ANNOUNCE_FRAME_MAX],
		    size_t *ret_length)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t *p = frame;

	memset(frame, 0, ANNOUNCE_FRAME_MAX);
	p = put_ethernet(p, broadcast, mac, vid, ETHERTYPE_REVARP);
	p = put_be16(p, ARPHRD_ETHER);
	p = put_be16(p, ETHERTYPE_IP);
	*p++ = 6; /* length of hardware addresses */
	*p++ = 4; /* length of protocol addresses, which stay 0.0.0.0 */
	p = put_be16(p, RARP_REQUEST);
	p = put_bytes(p, mac, 6) + 4;
	p = put_bytes(p, mac, 6) + 4;
	*ret_length = frame_length(frame, p, vid);
}

bool announce_is_rarp(const uint8_t *frame, size_t length)
{
	const uint8_t *type = frame + 2 * 6;

	if (length != ETH_ZLEN && length != ETH_ZLEN + 4)
		return false;
	return get_be16(get_be16(type) == ETHERTYPE_VLAN ? type + 4 : type) == ETHERTYPE_REVARP;
}

void announce_vlans_of(uint32_t mode, uint16_t vid, const __u64 list[UL_N_VLANS / 64],
		       struct announce_vlans *ret)
{
	*ret = (struct announce_vlans){};
	if (mode != UL_VLAN_VGT) {
		ret->vid[ret->n++] = mode == UL_VLAN_VST ? vid : 0;
		return;
	}
	if (list[0] & 1)
		ret->vid[ret->n++] = 0;
	for (uint32_t untagged = ret->n, v = 1; v < UL_VLAN_TRUNK; v++) {
		if (!UL_LIST_HAS(list, v))
			continue;
		if (ret->n == untagged + ANNOUNCE_MAX_TAGGED) {
			ret->n = untagged;
			return;
		}
		ret->vid[ret->n++] = (uint16_t)v;
	}
}

/* ---- the schedule ---- */
struct run {
	uint64_t start_ms;
	uint32_t what;	  /* for next() */
	uint32_t cursor;  /* of next(), in the present round */
	uint32_t next;	  /* in the queue */
	uint8_t n_rounds; /* that have ended */
	bool active, queued;
};

struct announcer {
	struct announcer_callbacks callbacks;
	struct run *runs; /* index: slot of the port */
	uint32_t n_runs;
	/* rounds that are due; a run that was cancelled stays in the queue and is skipped */
	uint32_t head, tail;
	uint64_t interval_end_ms;
	uint32_t allowance; /* frames until then */
	/* at or before the next round of a run that is not in the queue; UINT64_MAX: none */
	uint64_t next_due_ms;
};

static uint64_t due_ms(const struct run *run)
{
	return run->start_ms + offsets_ms[run->n_rounds];
}

static void enqueue(struct announcer *announcer, uint32_t port)
{
	struct run *run = &announcer->runs[port];

	if (run->queued)
		return;
	run->queued = true;
	run->next = END;
	if (announcer->head == END)
		announcer->head = port;
	else
		announcer->runs[announcer->tail].next = port;
	announcer->tail = port;
}

static void dequeue(struct announcer *announcer)
{
	struct run *run = &announcer->runs[announcer->head];

	announcer->head = run->next;
	run->queued = false;
}

static void end_round(struct run *run, uint64_t now_ms)
{
	run->cursor = 0;
	do
		run->n_rounds++;
	while (run->n_rounds < ANNOUNCE_N_SENDS && due_ms(run) <= now_ms);
	run->active = run->n_rounds < ANNOUNCE_N_SENDS;
}

static bool has_query(const struct run *run, const struct announcement *announcement)
{
	return announcement->query_ifindex && run->n_rounds < ANNOUNCE_N_QUERIES;
}

static uint32_t n_query_vlans(const struct announcement *announcement)
{
	return announcement->query_tagged ? announcement->vlans.n : 1;
}

static uint32_t n_frames(const struct run *run, const struct announcement *announcement)
{
	uint32_t n = announcement->vlans.n;

	if (n && has_query(run, announcement))
		n += 2 * n_query_vlans(announcement);
	return n ? n : 1;
}

static void send_queries(struct announcer *announcer, const struct announcement *announcement)
{
	for (uint32_t i = 0; i < n_query_vlans(announcement); i++) {
		uint16_t vid = announcement->query_tagged ? announcement->vlans.vid[i] : 0;
		uint8_t frame[MEMBERSHIP_FRAME_MAX];
		size_t length;

		membership_igmp_query(announcement->query_src, vid, frame, &length);
		announcer->callbacks.send(announcer->callbacks.send_userdata,
					  announcement->query_ifindex, frame, length);
		membership_mld_query(announcement->query_src, vid, frame, &length);
		announcer->callbacks.send(announcer->callbacks.send_userdata,
					  announcement->query_ifindex, frame, length);
	}
}

/* The RARP frames first: the physical switch then has the port where the reports arrive. */
static void send_all(struct announcer *announcer, const struct run *run,
		     const struct announcement *announcement)
{
	for (uint32_t i = 0; i < announcement->vlans.n; i++) {
		uint8_t frame[ANNOUNCE_FRAME_MAX];
		size_t length;

		announce_frame(announcement->mac, announcement->vlans.vid[i], frame, &length);
		announcer->callbacks.send(announcer->callbacks.send_userdata, announcement->ifindex,
					  frame, length);
	}
	if (announcement->vlans.n && has_query(run, announcement))
		send_queries(announcer, announcement);
	announcer->allowance -= n_frames(run, announcement);
}

/* One address of the port at the head of the queue. false: the limit is reached. */
static bool serve_head(struct announcer *announcer, uint64_t now_ms)
{
	uint32_t port = announcer->head;
	struct run *run = &announcer->runs[port];
	const struct announcer_callbacks *callbacks = &announcer->callbacks;
	uint32_t cursor = run->cursor;
	struct announcement announcement = {};

	if (run->active &&
	    callbacks->next(callbacks->next_userdata, port, run->what, &cursor, &announcement)) {
		if (n_frames(run, &announcement) > announcer->allowance)
			return false;
		run->cursor = cursor;
		send_all(announcer, run, &announcement);
		dequeue(announcer);
		enqueue(announcer, port);
		return true;
	}
	dequeue(announcer);
	if (run->active)
		end_round(run, now_ms);
	if (run->active && due_ms(run) < announcer->next_due_ms)
		announcer->next_due_ms = due_ms(run);
	return true;
}

static void serve(struct announcer *announcer, uint64_t now_ms)
{
	if (now_ms >= announcer->interval_end_ms) {
		announcer->interval_end_ms = now_ms + ANNOUNCE_INTERVAL_MS;
		announcer->allowance = ANNOUNCE_BURST;
	}
	while (announcer->head != END && serve_head(announcer, now_ms))
		;
}

static int reserve(struct announcer *announcer, uint32_t port)
{
	uint32_t n = announcer->n_runs ? announcer->n_runs : 64;
	struct run *runs;

	if (port < announcer->n_runs)
		return 0;
	while (n <= port)
		n *= 2;
	runs = realloc(announcer->runs, n * sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	memset(runs + announcer->n_runs, 0, (n - announcer->n_runs) * sizeof(*runs));
	announcer->runs = runs;
	announcer->n_runs = n;
	return 0;
}

static uint64_t first_due_ms(const struct announcer *announcer)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t port = 0; port < announcer->n_runs; port++)
		if (announcer->runs[port].active && !announcer->runs[port].queued &&
		    due_ms(&announcer->runs[port]) < next)
			next = due_ms(&announcer->runs[port]);
	return next;
}

void announcer_run(struct announcer *announcer, uint64_t now_ms)
{
	if (now_ms < announcer_next_ms(announcer))
		return;
	for (uint32_t port = 0; port < announcer->n_runs; port++)
		if (announcer->runs[port].active && due_ms(&announcer->runs[port]) <= now_ms)
			enqueue(announcer, port);
	serve(announcer, now_ms);
	announcer->next_due_ms = first_due_ms(announcer);
}

uint64_t announcer_next_ms(const struct announcer *announcer)
{
	return announcer->head != END && announcer->interval_end_ms < announcer->next_due_ms ?
		       announcer->interval_end_ms :
		       announcer->next_due_ms;
}

bool announcer_is_active(const struct announcer *announcer, uint32_t port)
{
	return port < announcer->n_runs && announcer->runs[port].active;
}

void announcer_cancel(struct announcer *announcer, uint32_t port)
{
	if (port >= announcer->n_runs || !announcer->runs[port].active)
		return;
	announcer->runs[port].active = false;
	announcer->next_due_ms = first_due_ms(announcer);
}

int announcer_start(struct announcer *announcer, uint64_t now_ms, uint32_t port, uint32_t what)
{
	struct run *run;
	int r;

	if (port >= UL_MAX_PORTS)
		return -EINVAL;
	r = reserve(announcer, port);
	if (r < 0)
		return r;
	run = &announcer->runs[port];
	run->what = run->active ? run->what | what : what;
	run->active = true;
	run->start_ms = now_ms;
	run->n_rounds = 0;
	run->cursor = 0;
	enqueue(announcer, port);
	serve(announcer, now_ms);
	return 0;
}

bool announcer_is_idle(const struct announcer *announcer)
{
	return announcer->head == END;
}

int announcer_new(const struct announcer_callbacks *callbacks, struct announcer **ret)
{
	struct announcer *announcer = calloc(1, sizeof(*announcer));

	if (!announcer)
		return -ENOMEM;
	*announcer = (struct announcer){
		.callbacks = *callbacks,
		.next_due_ms = UINT64_MAX,
		.head = END,
	};
	*ret = announcer;
	return 0;
}

void announcer_free(struct announcer *announcer)
{
	if (!announcer)
		return;
	free(announcer->runs);
	free(announcer);
}

/* ---- the usual sender ---- */
struct announce_socket {
	int fd;
};

int announce_socket_new(struct announce_socket **ret)
{
	_cleanup_close_ int fd = -1;
	struct announce_socket *sock;

	/* protocol 0: receives nothing */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	sock = malloc(sizeof(*sock));
	if (!sock)
		return -ENOMEM;
	sock->fd = TAKE_FD(fd);
	*ret = sock;
	return 0;
}

void announce_socket_free(struct announce_socket *sock)
{
	if (!sock)
		return;
	close(sock->fd);
	free(sock);
}

int announce_socket_send(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length)
{
	const struct announce_socket *sock = userdata;
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)ifindex,
				  .sll_halen = 6 };

	memcpy(to.sll_addr, frame, 6);
	memcpy(&to.sll_protocol, frame + 12, 2); /* both in network order */
	if (sendto(sock->fd, frame, length, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}
