/* SPDX-License-Identifier: GPL-2.0 */
/* Teaming settings and the uplinks that can be used -> the policy record that the programs read.
 * Pure. */
#ifndef UL_TEAM_POLICY_H
#define UL_TEAM_POLICY_H

#include "abi.h"
#include "common/util.h"
#include "config/model.h"

/* Bit i: uplink i is active or standby, whether or not it can be used. */
uint32_t teaming_uplinks(const struct teaming *teaming);

/* usable, draining: bit i = uplink i. draining ones still receive. The whole record is computed
 * anew; with `rehash: minimal` it differs from the one before only in the buckets of the uplinks
 * that changed. */
void policy_build(const struct teaming *teaming, enum ul_channel channel, uint32_t usable,
		  uint32_t draining, struct ul_policy *ret);

/* Same settings, whatever the state of the uplinks: method, flags and members. With rehash: modulo
 * the members are the live ones. */
bool policy_same_settings(const struct ul_policy *a, const struct ul_policy *b);

/* Brings the record that programs read to the state of next: words and bytes one by one, each of
 * which is valid beside any other. Returns the number of buckets that changed. */
uint32_t policy_publish(struct ul_policy *live, const struct ul_policy *next);

/* The uplink that serves this port's own bucket now, or UL_NO_UPLINK. */
uint8_t policy_uplink_of_port(const struct ul_policy *policy, const uint8_t mac[6],
			      uint32_t number);

#endif
