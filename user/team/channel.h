/* SPDX-License-Identifier: GPL-2.0 */
/* LACP of a switch: between the protocol core (lacp/lacp.h), its sockets, and the funnel of the
 * uplinks. Also listens to what the switch at the other end says of itself (LLDP, CDP, PAgP), with
 * and without LACP. */
#ifndef UL_TEAM_CHANNEL_H
#define UL_TEAM_CHANNEL_H

#include "lacp/setup.h"
#include "team/vswitch.h"

struct channel;

/* Starts, changes or stops LACP as the switch's configuration says; call it when the uplinks are
 * connected and before their flags are published. On the first call after a start the saved state
 * of the uplinks is taken up. 0 or negative errno. */
int channel_apply(struct vswitch *vs);
void channel_free(struct channel *channel); /* nothing is sent: a restart goes unnoticed; NULL
					       allowed */

/* The uplink leaves the switch; call it while its interface is still there. */
void channel_let_go(struct vswitch *vs, uint32_t uplink);
/* The uplink's interface came or went, or its carrier or address changed. */
void channel_link_changed(struct vswitch *vs, uint32_t uplink);
/* Takes the LACPDUs that wait, before anything else is done after a sleep. NULL allowed. */
void channel_poll(struct channel *channel);
void channel_drain(struct vswitch *vs, uint32_t uplink, bool drain);

/* ---- channel_record.c: into the record of ul_lacp_ports, which is zero but for its neighbour
 * ------------------------------------------- */
void channel_record_lacp(const struct lacp *lacp, uint16_t number, uint64_t now_ms,
			 struct ul_lacp_port *record);
/* In the channel, but its up-delay lasts for so long yet; 0: it does not wait. */
void channel_record_delay(uint64_t wait_ms, struct ul_lacp_port *record);
void channel_record_setup(const struct setup *setup, enum ul_channel channel,
			  struct ul_lacp_port *record);

#endif
