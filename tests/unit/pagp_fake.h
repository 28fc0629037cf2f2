/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A switch with PAgP in memory: eth0 and eth1 in use, the last PDU 400 ms ago. */
#ifndef TESTS_UNIT_PAGP_FAKE_H
#define TESTS_UNIT_PAGP_FAKE_H

#include "pagp/pagp.h"
#include "view_fake.h"

static inline void fake_pagp(struct fake *fake)
{
	fake_init(fake, 2);
	fake->meta.channel = UL_CHANNEL_PAGP;
	for (uint32_t i = 0; i < 2; i++) {
		struct ul_pagp_port *port = &fake->pagp_ports[i];

		*port = (struct ul_pagp_port){
			.version = PAGP_RECORD_VERSION,
			.updated_ms = now_ms(),
			.tx_ms = now_ms() - 500,
			.rx_ms = now_ms() - 400,
			.actor = { .device = { 2, 0, 0, 0, 0, 1 },
				   .learn = PAGP_LEARN_AGGREGATION,
				   .priority = PAGP_PRIORITY,
				   .port = i + 1,
				   .capability = PAGP_CAPABILITY,
				   .group = PAGP_GROUP },
			.partner = { .device = { 0, 0xa, 0x8a, 0x45, 0x43, 0x60 },
				     .learn = PAGP_LEARN_AGGREGATION,
				     .priority = 128,
				     .port = 101 + i,
				     .capability = 0x00010001,
				     .group = 29 },
			.actor_flags = PAGP_CONSISTENT_STATE,
			.partner_flags = PAGP_CONSISTENT_STATE | PAGP_AUTO_MODE,
			.state = PAGP_UP_PAGP,
			.flags = UL_PAGP_ENABLED | UL_PAGP_COLLECTING | UL_PAGP_DISTRIBUTING,
			.counters = { .info_rx = 7, .info_tx = 9 },
			.reason = "in the channel",
		};
	}
}

/* eth1 has carrier, and PAgP keeps it out. */
static inline void fake_pagp_out(struct fake *fake, const char *reason, uint32_t findings)
{
	struct ul_pagp_port *port = &fake->pagp_ports[1];

	fake->uplinks[1].flags &= ~(uint32_t)(UL_UP_SEND | UL_UP_RECEIVE);
	port->state = PAGP_BIDIRECTIONAL;
	port->flags = UL_PAGP_ENABLED | UL_PAGP_OUT;
	port->findings = findings;
	snprintf(port->reason, sizeof(port->reason), "%s", reason);
}

#endif
