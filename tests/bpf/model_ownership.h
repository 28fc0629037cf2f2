/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The reference model, second part: VLANs, owners of addresses and their states. */
#ifndef UL_TESTS_BPF_MODEL_OWNERSHIP_H
#define UL_TESTS_BPF_MODEL_OWNERSHIP_H

#include "sw.h"

enum model_state {
	MODEL_NOT_OURS, /* no port has the address */
	MODEL_ABSENT,
	/* own addresses */
	MODEL_TENTATIVE,
	MODEL_CONFIRMED,
	/* learned addresses */
	MODEL_HERE,
	MODEL_CONTESTED,
	MODEL_ELSEWHERE,
};

struct model_owner {
	int port;    /* -1: none */
	int learned; /* index in sw.learned; -1: the address is the port's own */
};

uint16_t model_own_vid(const struct sw_group *group); /* VST and EST */
/* Are frames of this VLAN delivered to the group? A service tag is for trunk groups only. */
bool model_in_vlan(const struct sw_group *group, uint16_t vid, bool service);
bool model_vlan_exists(const struct sw *sw, uint16_t vid, bool service);
/* A promiscuous or learning port is in this VLAN, in whatever form its frames come. */
bool model_vlan_needs_copies(const struct sw *sw, uint16_t vid);
/* A port in this VLAN may use foreign sources, and the daemon says so. */
bool model_vlan_is_foreign(const struct sw *sw, uint16_t vid);
/* Trunk ports have learned addresses in this VLAN alone. */
bool model_vlan_is_exact(const struct sw *sw, uint16_t vid);

struct model_owner model_owner_of(const struct sw *sw, uint16_t vid, bool service,
				  const uint8_t *mac);
/* The owner by the key under which a foreign source of this port is known. */
struct model_owner model_source_owner(const struct sw *sw, uint32_t slot, uint16_t vid,
				      bool service, const uint8_t *mac);
/* The VID of that key, and of the event. */
uint16_t model_source_vid(const struct sw *sw, const struct sw_group *group, uint16_t vid,
			  bool service);

enum model_state model_state_of(const struct sw *sw, struct model_owner owner);
/* The state after a frame from the owner; used_here: index of the learned address whose use it
 * recorded. */
enum model_state model_state_after(const struct sw *sw, struct model_owner owner, int used_here);
/* The state here, whether or not the port is absent. */
bool model_is_here_only(const struct sw_learned *learned);

#endif
