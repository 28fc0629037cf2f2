/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Mismatches between the channel of the switch and the configuration of the peer's port, as far as
 * received frames reveal them: LACP on a switch without `channel: lacp`, and PAgP. The protocol
 * core finds all others (enum lacp_finding). Pure: the caller supplies frames and times.
 */
#ifndef UL_LACP_PEER_MISMATCH_H
#define UL_LACP_PEER_MISMATCH_H

#include "abi.h"
#include "lacp/lacp.h"

/* LACP and PAgP transmit at least every 30 s; a mismatch ends after three missed intervals. */
#define PEER_MISMATCH_SILENT_MS 100000

struct peer_mismatch {
	uint64_t lacp_ms; /* of the last LACPDU on a port without LACP; 0: none */
	uint64_t lacpdus;
	struct lacp_info partner;
	uint32_t reported; /* bit n: enum ul_setup_finding n */
};

/* A slow protocol frame on a switch without `channel: lacp`. 0, or -EBADMSG: no LACPDU. */
int peer_mismatch_receive(struct peer_mismatch *mismatch, const uint8_t *frame, size_t length,
			  uint64_t now_ms);
/* The current findings, bit n: enum ul_setup_finding n. */
uint32_t peer_mismatch_findings(const struct peer_mismatch *mismatch,
				const struct ul_neighbour *neighbour, enum ul_channel channel,
				uint64_t now_ms);
/* Writes one sentence about a finding. */
void peer_mismatch_describe(const struct peer_mismatch *mismatch,
			    const struct ul_neighbour *neighbour, enum ul_channel channel,
			    enum ul_setup_finding finding, char *text, size_t size);
/* NULL: not a value of enum ul_setup_finding */
const char *peer_mismatch_finding_name(unsigned int finding);

#endif
