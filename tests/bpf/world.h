/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A private network namespace with real interfaces, the programs loaded, and maps filled from a
 * struct sw.
 *
 * Each Criterion test is a separate process: it moves into a fresh namespace, and when it ends,
 * also by a signal, the kernel takes the namespace, the interfaces, the programs and the maps away.
 * Nothing is pinned.
 *
 *   u0..u3 --- w0..w3   uplinks and what is at the other end of their wires
 *   p0..p9 --- m0..m9   ports and the interfaces inside their machines
 *   n0 ------- o0       an interface that is not a member of the switch */
#ifndef UL_TESTS_BPF_WORLD_H
#define UL_TESTS_BPF_WORLD_H

#include "dataplane/table.h"
#include "frames.h"
#include "model.h"
#include "uplinkd.skel.h"

#define WORLD_ENDPOINTS (UL_ENDPOINT_PORT0 + 16)
#define WORLD_MAX_EVENTS 512
#define LIVE_PASSED 5 /* protocols that live_passed() receives */

enum world_flag {
	/* uplink_xdp is attached to the uplinks (TEST_RUN of XDP needs that as well) */
	WORLD_XDP = 1 << 0,
	WORLD_TC = 1 << 1, /* port_tc and uplink_tc are attached to ports and uplinks */
	/* the programs are told the net_device of each uplink, so they see carriers */
	WORLD_NETDEV = 1 << 2,
	/* copies of unknown unicast are limited, which the model does not know */
	WORLD_FLOOD_LIMIT = 1 << 3,
};

struct world_counters {
	struct ul_count at[WORLD_ENDPOINTS][UL_REASON_SLOTS];
};

struct world {
	struct uplinkd_bpf *skel;
	uint32_t flags;
	struct ul_meta *meta;
	struct ul_uplink *uplinks;
	struct ul_port *ports;
	struct ul_group *groups;
	struct ul_policy *policies;
	struct ul_vlan *vlans;
	struct table ifaces, fdb;
	uint64_t *sent, *outside, *flooded; /* UL_RECENT each */
	uint32_t uplink_if[SW_UPLINKS], wire_if[SW_UPLINKS];
	uint32_t port_if[SW_PORTS], machine_if[SW_PORTS];
	uint32_t stranger_if, stranger_far_if;
	bool machine_has_xdp[SW_PORTS];
	struct world_counters seen; /* as of the last world_counters() */
	struct ring_buffer *ring;
	struct ul_event event[WORLD_MAX_EVENTS];
	uint32_t n_events;
	int n_cpus;
	void *stats_buffer;
	bool probe_seen;					      /* live_wait_link() */
	int capture_fd, passed_fd[LIVE_PASSED], send_fd, send_gso_fd; /* live.c */
};

struct world *world_new(uint32_t flags);
void world_free(struct world *world);

/* Fills all maps; what was there before is gone. The counters go on. */
void world_apply(struct world *world, const struct sw *sw);

/* Flags and carriers of the uplinks alone, as a change after world_apply() that the daemon has not
 * answered. */
void world_apply_uplinks(struct world *world, const struct sw *sw);

/* The state that time and frames change: life and seen of the ports, and the times of learned
 * addresses, as of now. */
void world_apply_ownership(struct world *world, const struct sw *sw);

struct world_ownership {
	bool confirmed[SW_PORTS];
	uint64_t here[SW_LEARNED], outside[SW_LEARNED]; /* jiffies */
};

void world_read_ownership(struct world *world, const struct sw *sw, struct world_ownership *ret);
uint64_t world_jiffies(struct world *world);
/* Empties ul_sent, ul_outside and ul_flooded. */
void world_forget_recent(struct world *world);

/* Growth of all counters since the last call. */
void world_counters(struct world *world, struct world_counters *ret);
void world_add_count(struct world_counters *counters, const struct model_count *count,
		     uint64_t packets, uint64_t bytes);
bool world_same_counters(const struct world_counters *a, const struct world_counters *b);
/* "p3.sent 1/60, ..." */
void world_print_counters(const struct world_counters *counters, char *text, size_t size);

/* Takes what the programs sent since the last call into world->event. */
void world_events(struct world *world);

struct world_run {
	uint32_t verdict; /* TC_ACT_... or XDP_... */
	uint32_t len;
	uint8_t data[FRAME_MAX + 64];
};

/* Newer kernels refuse to run a TC program on a frame that ends inside its IP header. (Over real
 * interfaces the program gets them.) */
bool world_kernel_refuses(enum model_program program, const struct frame_buf *frame);

/* One frame through a program by BPF_PROG_TEST_RUN, as if it came in at endpoint (UL_ENDPOINT_NONE:
 * at n0). The outer tag lies in the data. */
void world_test_run(struct world *world, enum model_program program, uint32_t endpoint,
		    const struct frame_buf *frame, struct world_run *ret);

/* uplink_xdp for a frame of several buffers, with first bytes in the first one. false: this kernel
 * (before 6.18) cannot. */
bool world_test_run_buffers(struct world *world, uint32_t uplink, const struct frame_buf *frame,
			    uint32_t first, struct world_run *ret);

/* port_tc on one more interface */
void world_attach_port(struct world *world, uint32_t ifindex);
uint32_t world_ifindex(const struct world *world, uint32_t endpoint);
uint64_t world_find_netdev(struct world *world, uint32_t ifindex);
/* of the shell; must succeed */
void world_command(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
