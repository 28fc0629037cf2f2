// SPDX-License-Identifier: GPL-2.0
#include "lacp/setup.h"

#include "common/util.h"
#include "lacp/pdu.h"

int setup_receive(struct setup *setup, const uint8_t *frame, size_t length, uint64_t now_ms)
{
	struct lacp_pdu pdu;
	unsigned int value;
	const char *why;

	if (lacp_frame_parse(frame, length, &pdu, &why, &value) != LACP_FRAME_LACPDU)
		return -EBADMSG;
	setup->lacp_ms = now_ms;
	setup->lacpdus++;
	setup->partner = pdu.actor;
	return 0;
}

static bool fresh(uint64_t seen_ms, uint64_t now_ms)
{
	return seen_ms && now_ms - seen_ms < SETUP_SILENT_MS;
}

uint32_t setup_findings(const struct setup *setup, const struct ul_neighbour *neighbour,
			enum ul_channel channel, uint64_t now_ms)
{
	uint32_t findings = 0;

	if (channel != UL_CHANNEL_LACP && fresh(setup->lacp_ms, now_ms))
		findings |= 1U << UL_FIND_LACP_UNUSED;
	if (neighbour->pagp && fresh(neighbour->pagp_ms, now_ms))
		findings |= 1U << UL_FIND_PAGP;
	return findings;
}

static void describe_lacp(const struct setup *setup, enum ul_channel channel, char *text,
			  size_t size)
{
	char mac[MAC_TEXT_LEN];

	snprintf(text, size, "LACPDUs come from system %s key %u port %u, but %s",
		 mac_format(setup->partner.system, mac), setup->partner.key, setup->partner.port,
		 channel == UL_CHANNEL_STATIC ?
			 "the channel is static here: the switch leaves this link out" :
			 "there is no channel here: the switch means to bundle this link");
}

static void describe_pagp(const struct ul_neighbour *neighbour, enum ul_channel channel, char *text,
			  size_t size)
{
	static const char *const consequences[] = {
		[UL_CHANNEL_NONE] = "there is no channel here",
		[UL_CHANNEL_STATIC] =
			"the channel is static here: the switch waits for PAgP and leaves this link out",
		[UL_CHANNEL_LACP] = "LACP is spoken here: the switch leaves this link out",
	};

	snprintf(text, size, "PAgP is heard: the switch port is set to '%s', but %s",
		 neighbour->pagp == UL_PAGP_AUTO ? "auto" : "desirable", consequences[channel]);
}

void setup_describe(const struct setup *setup, const struct ul_neighbour *neighbour,
		    enum ul_channel channel, enum ul_setup_finding finding, char *text, size_t size)
{
	if (finding == UL_FIND_LACP_UNUSED)
		describe_lacp(setup, channel, text, size);
	else
		describe_pagp(neighbour, channel, text, size);
}

const char *setup_finding_name(unsigned int finding)
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
