/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * "Notify switches": after a port has moved to another uplink, the physical switches learn its
 * addresses there from RARP requests, and its multicast memberships from the reports with which its
 * machine answers queries (membership.h).
 *
 * A run per port is started by announcer_start(). It has ANNOUNCE_N_SENDS rounds, at once and 1, 2,
 * 4 and 7 s later. Each round has the addresses of the port at that moment, from next(), so an
 * address that is learned during the failover is announced in the next round. Over all ports at
 * most ANNOUNCE_BURST frames are sent per ANNOUNCE_INTERVAL_MS; the others wait in a queue, which
 * serves the ports in turns. A call of next() that finds nothing to send counts as one frame. The
 * first ANNOUNCE_N_QUERIES rounds also query the machine.
 */
#ifndef UL_PORT_ANNOUNCE_H
#define UL_PORT_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define ANNOUNCE_FRAME_MAX 64
/* VLANs of a list; a longer list would be a flood at each failover */
#define ANNOUNCE_MAX_TAGGED 32
#define ANNOUNCE_N_SENDS 5
#define ANNOUNCE_N_QUERIES 2
#define ANNOUNCE_BURST 128
#define ANNOUNCE_INTERVAL_MS 10

/* Writes a broadcast RARP request for mac: 60 bytes without FCS, 64 with the tag of VLAN vid.
 * vid 0: untagged. */
void announce_frame(const uint8_t mac[6], uint16_t vid, uint8_t frame[ANNOUNCE_FRAME_MAX],
		    size_t *ret_length);

/* The frame is from announce_frame(). */
bool announce_is_rarp(const uint8_t *frame, size_t length);

/* VLANs in which an address is announced; 0: untagged. */
struct announce_vlans {
	uint32_t n;
	uint16_t vid[ANNOUNCE_MAX_TAGGED + 1];
};

/* EST: untagged; VST: the VLAN; VGT: untagged when 0 is in the list (as in struct ul_group), and
 * each VLAN of the list unless they are more than ANNOUNCE_MAX_TAGGED. */
void announce_vlans_of(uint32_t mode, uint16_t vid, const __u64 list[UL_N_VLANS / 64],
		       struct announce_vlans *ret);

struct announcement {
	uint32_t ifindex; /* of the uplink */
	uint8_t mac[6];
	struct announce_vlans vlans; /* none: nothing to send, and more addresses follow */
	/* of the port, with one announcement of each round; 0: the machine is not queried */
	uint32_t query_ifindex;
	uint8_t query_src[6];
	/* VGT: the queries are in each of vlans; otherwise untagged */
	bool query_tagged;
};

/* Sends one frame on an uplink, or a query on a port. 0 or negative errno; a frame that was not
 * sent is not repeated before the next round. Must not call the announcer. */
typedef int (*announce_send)(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length);

/*
 * Returns the next address that is to be announced for a port, or false after the last one.
 * *cursor is 0 at the begin of a round; otherwise it has the value that the call before left there.
 * A call takes a short time: it may return an announcement without VLANs, and then continues in the
 * next call.
 * what: as passed to announcer_start(). Must not call the announcer.
 */
typedef bool (*announce_next)(void *userdata, uint32_t port, uint32_t what, uint32_t *cursor,
			      struct announcement *ret);

struct announcer_callbacks {
	announce_send send;
	void *send_userdata;
	announce_next next;
	void *next_userdata;
};

struct announcer;

/* The caller calls announcer_run() at announcer_next_ms(). 0 or -ENOMEM. */
int announcer_new(const struct announcer_callbacks *callbacks, struct announcer **ret);
void announcer_free(struct announcer *announcer); /* NULL allowed */

/*
 * Starts a run for a port. Its first round is sent before this returns, as far as the limit allows.
 * A run in progress starts again. what: opaque bits for next(); those of a run in progress are
 * kept. 0; -EINVAL: port is not below UL_MAX_PORTS; -ENOMEM.
 */
int announcer_start(struct announcer *announcer, uint64_t now_ms, uint32_t port, uint32_t what);
void announcer_cancel(struct announcer *announcer, uint32_t port);
/* A run of the port is in progress. */
bool announcer_is_active(const struct announcer *announcer, uint32_t port);

/* Sends what is due at now_ms (CLOCK_MONOTONIC). Rounds that were missed are not made up for. */
void announcer_run(struct announcer *announcer, uint64_t now_ms);
/* When to run next, or earlier; UINT64_MAX: no run is in progress. */
uint64_t announcer_next_ms(const struct announcer *announcer);
/* No round has begun that is not complete. */
bool announcer_is_idle(const struct announcer *announcer);

/* The usual sender: a packet socket that receives nothing, in the caller's network namespace. */
struct announce_socket;

int announce_socket_new(struct announce_socket **ret);	 /* 0 or negative errno */
void announce_socket_free(struct announce_socket *sock); /* NULL allowed */
/* An announce_send; userdata is the struct announce_socket. */
int announce_socket_send(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length);

#endif
