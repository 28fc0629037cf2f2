/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * General queries for multicast membership: after a port has moved to another uplink, its machine
 * repeats its reports, from which the physical switch learns the memberships behind that uplink.
 *
 * IGMPv3 (RFC 3376 4.1) and MLDv2 (RFC 3810 5.1). Older hosts read them as queries of their
 * version, whereas a query of an older version would switch newer hosts back for minutes. The
 * source addresses never win a querier election: 0.0.0.0 takes part in none (RFC 4541 2.1.1), and
 * the highest link-local address loses (RFC 3810 7.6.2).
 */
#ifndef UL_PORT_MEMBERSHIP_H
#define UL_PORT_MEMBERSHIP_H

#include <stddef.h>
#include <stdint.h>

#define MEMBERSHIP_RESPONSE_MS 1000 /* within which machines answer */
#define MEMBERSHIP_FRAME_MAX 96

/* Each writes a frame from the MAC address src, without FCS; vid 0: untagged. */
void membership_igmp_query(const uint8_t src[6], uint16_t vid, uint8_t frame[MEMBERSHIP_FRAME_MAX],
			   size_t *ret_length);
void membership_mld_query(const uint8_t src[6], uint16_t vid, uint8_t frame[MEMBERSHIP_FRAME_MAX],
			  size_t *ret_length);

#endif
