/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A switch with LACP in memory: eth0 and eth1 in use, the last LACPDU 400 ms ago. */
#ifndef TESTS_UNIT_LACP_FAKE_H
#define TESTS_UNIT_LACP_FAKE_H

#include "lacp/lacp.h"
#include "view_fake.h"

#define IN_USE 0x3f

static const struct lacp_saved_info us = { .system_priority = 65535,
					   .key = 1,
					   .port_priority = 255,
					   .port = 1,
					   .system = { 2, 0, 0, 0, 0, 1 },
					   .state = IN_USE };
static const struct lacp_saved_info switch_a = { .system_priority = 32768,
						 .key = 5,
						 .port_priority = 128,
						 .port = 9,
						 .system = { 0, 0x1c, 0x73, 0xaa, 0xbb, 0x01 },
						 .state = 0x3d };

static inline void fake_lacp(struct fake *fake)
{
	fake_init(fake, 2);
	fake->meta.channel = UL_CHANNEL_LACP;
	fake->meta.headless_ns = 300 * 1000000000ULL;
	for (uint32_t i = 0; i < 2; i++) {
		struct ul_lacp_port *port = &fake->lacp_ports[i];

		*port = (struct ul_lacp_port){ .updated_ms = now_ms(),
					       .last_rx_ms = now_ms() - 400,
					       .actor = us,
					       .partner = switch_a,
					       .receive_state = LACP_RX_CURRENT,
					       .selected = LACP_SELECTED,
					       .mux_state = LACP_MUX_COLLECTING_DISTRIBUTING,
					       .actor_churn = LACP_NO_CHURN,
					       .partner_churn = LACP_NO_CHURN,
					       .flags = UL_LACP_ENABLED,
					       .gaps = 7,
					       .gap_min_ms = 900,
					       .gap_avg_ms = 1000,
					       .gap_max_ms = 1130 };
		port->actor.port = (uint16_t)(i + 1);
		port->partner.port = (uint16_t)(i + 9);
		port->counters = (struct ul_lacp_counters){ .lacpdu_rx = 11,
							    .lacpdu_tx = 12,
							    .marker_rx = 13,
							    .marker_response_tx = 14,
							    .illegal_rx = 15,
							    .unknown_rx = 16,
							    .partner_changes = 17,
							    .excess_rx = 18 };
		strcpy(port->reason, "collecting and distributing");
	}
	fake->lacp_answers[0] = (struct ul_lacp_answer){ .answered = 3,
							 .last_ns = now_ns() - 5000000000ULL,
							 .excess = 100 };
}

/* Takes eth1 out of the channel, with this reason and these findings. */
static inline void fake_take_out(struct fake *fake, const char *reason, uint32_t findings)
{
	fake->uplinks[1].flags &= ~(uint32_t)(UL_UP_SEND | UL_UP_RECEIVE);
	fake->lacp_ports[1].flags |= UL_LACP_OUT;
	fake->lacp_ports[1].selected = LACP_UNSELECTED;
	fake->lacp_ports[1].mux_state = LACP_MUX_DETACHED;
	fake->lacp_ports[1].findings = findings;
	snprintf(fake->lacp_ports[1].reason, sizeof(fake->lacp_ports[1].reason), "%s", reason);
}

#endif
