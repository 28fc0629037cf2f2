/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Teaming settings and the usable uplinks -> the policy record that the programs read. Pure. */
#ifndef UL_TEAMING_POLICY_H
#define UL_TEAMING_POLICY_H

#include "abi.h"
#include "common/util.h"
#include "config/model.h"

/* Bit i: uplink i is active or standby, usable or not. */
uint32_t teaming_uplinks(const struct teaming *teaming);

/* usable, draining: bit i = uplink i. Draining uplinks still receive. With `rehash: minimal` the
 * record differs from the previous one only in the buckets of the uplinks that changed. */
void policy_build(const struct teaming *teaming, enum ul_channel channel, uint32_t usable,
		  uint32_t draining, struct ul_policy *ret);

/* Same method, flags and members, whatever the buckets. With rehash: modulo the members are the
 * usable ones. */
bool policy_same_settings(const struct ul_policy *a, const struct ul_policy *b);

/* The bucket of a port: of its MAC address, or with port-id of its number. -1: there are none. */
int policy_bucket_of_port(const struct ul_policy *policy, const uint8_t mac[6], uint32_t number);

/* The uplink that serves the bucket of a port: of its MAC address, or with port-id of its number.
 * UL_NO_UPLINK: none. */
uint8_t policy_uplink_of_port(const struct ul_policy *policy, const uint8_t mac[6],
			      uint32_t number);

#endif
