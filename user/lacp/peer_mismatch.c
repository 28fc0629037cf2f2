// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Mismatches between the local channel and the switch port; see peer_mismatch.h. */
#include "lacp/peer_mismatch.h"

#include "common/util.h"
#include "lacp/pdu.h"

int peer_mismatch_receive(struct peer_mismatch *mismatch, const uint8_t *frame, size_t length,
			  uint64_t now_ms)
{
	struct lacp_pdu pdu;
	unsigned int value;
	const char *why;

	if (lacp_frame_parse(frame, length, &pdu, &why, &value) != LACP_FRAME_LACPDU)
		return -EBADMSG;
	mismatch->lacp_ms = now_ms;
	mismatch->lacpdus++;
	mismatch->partner = pdu.actor;
	return 0;
}

static bool is_recent(uint64_t seen_ms, uint64_t now_ms)
{
	return seen_ms && now_ms - seen_ms < PEER_MISMATCH_SILENT_MS;
}

uint32_t peer_mismatch_findings(const struct peer_mismatch *mismatch,
				const struct ul_neighbour *neighbour, enum ul_channel channel,
				uint64_t now_ms)
{
	uint32_t findings = 0;

	if (channel != UL_CHANNEL_LACP && is_recent(mismatch->lacp_ms, now_ms))
		findings |= 1U << UL_FIND_LACP_UNUSED;
	if (channel != UL_CHANNEL_PAGP && neighbour->pagp && is_recent(neighbour->pagp_ms, now_ms))
		findings |= 1U << UL_FIND_PAGP;
	return findings;
}

static void describe_lacp(const struct peer_mismatch *mismatch, enum ul_channel channel, char *text,
			  size_t size)
{
	/* clang-format off */
	static const char *const consequences[] = {
		[UL_CHANNEL_NONE] = "there is no local channel: the switch tries to aggregate this link",
		[UL_CHANNEL_STATIC] = "the local channel is static: the switch excludes this link",
		[UL_CHANNEL_LACP] = "the local channel uses LACP, too",
		[UL_CHANNEL_PAGP] = "the local channel uses PAgP: the switch excludes this link",
	};
	/* clang-format on */
	char mac[MAC_TEXT_LEN];

	_Static_assert(ARRAY_SIZE(consequences) == UL_N_CHANNELS, "a text for each");
	snprintf(text, size, "LACPDUs received from system %s key %u port %u, but %s",
		 mac_format(mismatch->partner.system, mac), mismatch->partner.key,
		 mismatch->partner.port, consequences[channel]);
}

static void describe_pagp(const struct ul_neighbour *neighbour, enum ul_channel channel, char *text,
			  size_t size)
{
	/* clang-format off */
	static const char *const consequences[] = {
		[UL_CHANNEL_NONE] = "there is no local channel",
		[UL_CHANNEL_STATIC] = "the local channel is static: the switch waits for PAgP and excludes this link",
		[UL_CHANNEL_LACP] = "the local channel uses LACP: the switch excludes this link",
		[UL_CHANNEL_PAGP] = "the local channel uses PAgP, too",
	};
	/* clang-format on */

	_Static_assert(ARRAY_SIZE(consequences) == UL_N_CHANNELS, "a text for each");
	snprintf(text, size, "PAgP received: the switch port is set to '%s', but %s",
		 neighbour->pagp == UL_PAGP_AUTO ? "auto" : "desirable", consequences[channel]);
}

void peer_mismatch_describe(const struct peer_mismatch *mismatch,
			    const struct ul_neighbour *neighbour, enum ul_channel channel,
			    enum ul_setup_finding finding, char *text, size_t size)
{
	if (finding == UL_FIND_LACP_UNUSED)
		describe_lacp(mismatch, channel, text, size);
	else
		describe_pagp(neighbour, channel, text, size);
}

const char *peer_mismatch_finding_name(unsigned int finding)
{
	switch (finding) {
	case UL_FIND_LACP_UNUSED:
		return "lacp_unused";
	case UL_FIND_PAGP:
		return "pagp";
	default:
		return NULL;
	}
}
