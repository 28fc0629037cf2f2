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
#include "pagp/pagp.h"

struct channel_port {
	struct channel *channel;
	uint32_t index; /* of the uplink */
	/* LACP port number: it stays when the uplinks change places */
	uint16_t number;
	uint32_t ifindex;	 /* that the sockets are bound to; 0: none */
	int fd[CHANNEL_SOCKETS]; /* of the owner */
	/* time until which the socket is not read; 0: no pause */
	uint64_t pause_end_ms[CHANNEL_SOCKETS];
	bool added;   /* to the protocol core of LACP */
	bool in_pagp; /* added to that of PAgP */
	/* the uplink had its number before: a saved record with the number is its own */
	bool known;
	uint64_t answers_seen;
	uint64_t dropped;	 /* slow protocol frames that found their socket full */
	uint64_t cisco_dropped;	 /* frames to 01:00:0c:cc:cc:cc, likewise */
	struct lacp_saved saved; /* contents of the map */
	struct ul_neighbour neighbour;
	struct peer_mismatch mismatch;
};

struct channel {
	const struct switch_context *context;
	struct channel_callbacks callbacks;
	struct lacp *lacp; /* NULL: the switch has no LACP */
	struct pagp *pagp; /* NULL: the switch has no PAgP */
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

struct channel_port *channel_port_by_number(struct channel *channel, uint16_t number); /* or NULL */
void channel_report(struct channel *channel, const struct channel_port *port, enum event_code code,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A frame arrived on a link that is down: channel_port_connect() with a fresh look at the carrier.
 */
void channel_port_refresh(struct channel *channel, struct channel_port *port);
/* Sockets and protocol core follow the interface of the uplink: ifindex, address, link. */
void channel_port_connect(struct channel *channel, struct channel_port *port);
void channel_port_unbind(struct channel_port *port);
/* Passes priority, address and drain to the protocol core; adds the port there at the first call.
 * 0 or negative errno. */
int channel_port_configure(struct channel *channel, const struct channel_port *port);

/* ---- channel_identity.c ---- */
/* The first uplink's address, unless one is configured. */
void channel_choose_system(const struct switch_context *context);
/* Chooses the system id and fills the configuration of the protocol core. */
void channel_make_config(const struct switch_context *context, struct lacp_config *ret);
/* Chooses the system id if no uplink had an address until now. */
void channel_update_system(struct channel *channel);
/* Gives the uplink the lowest free LACP port number unless it has one that no uplink with a lower
 * index has. Returns whether it is new. */
bool channel_assign_number(const struct switch_context *context, uint32_t index);

/* ---- channel_record.c: the record, zero but for its neighbour, for ul_lacp_ports ---- */
void channel_record_lacp(const struct lacp *lacp, uint16_t number, uint64_t now_ms,
			 struct ul_lacp_port *record);
/* The reason of a port that is not out of the channel, but whose up-delay has wait_ms left. 0, or
 * out: the text stays. */
void channel_describe_delay(uint64_t wait_ms, bool out, char *text, size_t size);
void channel_record_mismatch(const struct peer_mismatch *mismatch, enum ul_channel channel,
			     struct ul_lacp_port *record);

/* ---- channel_pagp.c ---- */
/* Starts PAgP or changes its settings as cfg says. 0 or negative errno with a reason. */
int channel_pagp_apply(struct channel *channel);
/* PAgP is to end; with a static channel it says nothing. */
void channel_pagp_stop(struct channel *channel);
/* Passes address, name and drain to the protocol core; adds the port there at the first call. 0 or
 * negative errno. */
int channel_pagp_configure_port(struct channel *channel, struct channel_port *port);
void channel_pagp_remove_port(struct channel *channel, struct channel_port *port);
/* The device id may have changed. */
void channel_pagp_update_device(struct channel *channel);
void channel_pagp_receive(struct channel *channel, struct channel_port *port, const uint8_t *frame,
			  size_t length);
/* Writes the record of the port, or clears it. */
void channel_pagp_record(struct channel *channel, struct channel_port *port, uint64_t now);
/* No uplink has a record from this index on. */
void channel_pagp_clear_records(struct channel *channel, uint32_t from);

#endif
