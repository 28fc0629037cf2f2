/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* State of a channel, for the files of channel/ and their tests only. */
#ifndef UL_CHANNEL_INTERNAL_H
#define UL_CHANNEL_INTERNAL_H

#include "channel/channel.h"
#include "lacp/io.h"
#include "lacp/lacp.h"
#include "lacp/neighbour.h"
#include "lacp/peer_mismatch.h"

struct channel_port {
	struct channel *channel;
	uint32_t index; /* of the uplink */
	/* LACP port number: it stays when the uplinks change places */
	uint16_t number;
	uint32_t ifindex;	 /* that the sockets are bound to; 0: none */
	int fd[CHANNEL_SOCKETS]; /* of the owner */
	/* time until which the socket is not read; 0: no pause */
	uint64_t pause_end_ms[CHANNEL_SOCKETS];
	bool added; /* to the protocol core */
	/* the uplink had its number before: a saved record with the number is its own */
	bool known;
	uint64_t answers_seen;
	uint64_t dropped;	 /* slow protocol frames that found their socket full */
	struct lacp_saved saved; /* contents of the map */
	struct ul_neighbour neighbour;
	struct peer_mismatch mismatch;
};

struct channel {
	const struct switch_context *context;
	struct channel_callbacks callbacks;
	struct lacp *lacp; /* NULL: the switch has no LACP */
	/* index: that of the uplink; NULL: no such uplink */
	struct channel_port *port[UL_MAX_UPLINKS];
	/* when the records were written, and when they are due */
	uint64_t recorded_ms, record_due_ms;
	bool applied; /* channel_apply() has run once */
	/* the machines must not run before all saved state is restored */
	bool starting;
	bool polling; /* ... or before all waiting frames are read */
};

/* ---- channel.c ---- */
/* Callbacks of the protocol core; userdata is the channel. */
extern const struct lacp_callbacks channel_lacp_callbacks;

/* Sockets and protocol core follow the interface of the uplink: ifindex, address, link. */
void channel_port_connect(struct channel *channel, struct channel_port *port);
void channel_port_unbind(struct channel_port *port);
/* Passes priority, address and drain to the protocol core; adds the port there at the first call.
 * 0 or negative errno. */
int channel_port_configure(struct channel *channel, const struct channel_port *port);

/* ---- channel_identity.c ---- */
/* Chooses the system id and fills the configuration of the protocol core. */
void channel_make_config(const struct switch_context *context, struct lacp_config *ret);
/* Chooses the system id if no uplink had an address until now. */
void channel_update_system(struct channel *channel);
/* Gives the uplink the lowest free LACP port number unless it has one. Returns whether it is new.
 */
bool channel_assign_number(const struct switch_context *context, uint32_t index);

/* ---- channel_record.c: the record, zero but for its neighbour, for ul_lacp_ports ---- */
void channel_record_lacp(const struct lacp *lacp, uint16_t number, uint64_t now_ms,
			 struct ul_lacp_port *record);
/* The port is in the channel, but its up-delay has wait_ms left; 0: it does not wait. */
void channel_record_delay(uint64_t wait_ms, struct ul_lacp_port *record);
void channel_record_mismatch(const struct peer_mismatch *mismatch, enum ul_channel channel,
			     struct ul_lacp_port *record);

#endif
