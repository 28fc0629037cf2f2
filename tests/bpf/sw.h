/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A switch as the tests describe it: what the maps (world.c) and the reference model (model.c) are
 * both made from. */
#ifndef UL_TESTS_BPF_SW_H
#define UL_TESTS_BPF_SW_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#define SW_UPLINKS 4 /* interfaces that a world makes; a description may use fewer */
#define SW_PORTS 10
#define SW_GROUPS 10
#define SW_POLICIES 6
#define SW_LEARNED 8
#define SW_MTU 9000 /* of the interfaces, so that what is too big is the programs' decision */

struct sw_uplink {
	bool absent;  /* no interface now */
	bool send;    /* UL_UP_SEND */
	bool receive; /* UL_UP_RECEIVE */
	/* by the operator: the daemon knows that it does not send, and lets it receive */
	bool drained;
	/* has no carrier, which the programs can see and the daemon has not noticed */
	bool cut;
};

struct sw_policy {
	enum ul_method method;
	uint32_t flags; /* enum ul_policy_flag */
	uint8_t n_active, n_members;
	uint8_t member[SW_UPLINKS]; /* position -> uplink */
	uint32_t known_dead;	    /* bit p: the daemon has rewritten the buckets of position p */
	bool modulo;		    /* rehash: modulo */
};

struct sw_group {
	enum ul_vlan_mode mode;
	uint16_t vid; /* VST */
	uint8_t policy;
	uint32_t flags;			 /* enum ul_group_flag without USED */
	uint64_t vlans[UL_N_VLANS / 64]; /* VGT */
};

struct sw_port {
	uint8_t group;
	/* the slot is taken, but there is no interface now, so its addresses are not in the table
	 */
	bool absent;
	bool leaving;	 /* absent, but the addresses are still there */
	bool unseen;	 /* no frame from the own address since it came up: not confirmed */
	bool no_carrier; /* UL_PORT_ABSENT, although there is an interface */
	bool xdp;	 /* takes frames by XDP_REDIRECT */
	bool xdp_tcp;	 /* TCP as well */
	uint8_t mac[6];
	uint32_t number;
	uint32_t max_frame;
};

enum sw_age { SW_NEVER, SW_LONG_AGO, SW_SECONDS_AGO, SW_JUST_NOW };

/* An address behind a port in addition to its own, in the VLAN of its group; at a trunk port with
 * sw.ownership in one VLAN of its list, else in all. */
struct sw_learned {
	uint8_t port;
	uint8_t mac[6];
	uint16_t vid; /* trunk port */
	bool service; /* trunk port: of frames with a service tag */
	/* sw.ownership: last frames from the port and from outside; of two equal ages the frame
	 * from outside was earlier by `outside_first` */
	enum sw_age here, outside;
	bool outside_first;
};

struct sw {
	struct sw_uplink uplink[SW_UPLINKS];
	struct sw_policy policy[SW_POLICIES];
	struct sw_group group[SW_GROUPS];
	struct sw_port port[SW_PORTS];
	struct sw_learned learned[SW_LEARNED];
	uint8_t n_uplinks, n_policies, n_groups, n_ports, n_learned;
	/* the daemon sets what address ownership needs: flags of VLANs and of learned entries;
	 * otherwise all addresses are confirmed */
	bool ownership;
};

static inline bool sw_list_has(const struct sw_group *group, uint16_t vid)
{
	return group->vlans[vid / 64] >> (vid % 64) & 1;
}

static inline void sw_list_add(struct sw_group *group, uint16_t vid)
{
	group->vlans[vid / 64] |= 1ULL << (vid % 64);
}

/* Does the daemon think that position p of the policy works? */
static inline uint32_t sw_known_alive(const struct sw_policy *policy)
{
	return ((1u << policy->n_members) - 1) & ~policy->known_dead;
}

#endif
