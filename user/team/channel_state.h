/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of a channel, for its own files only: channel.c runs it, channel_apply.c makes it what the
 * configuration says, also after a restart. */
#ifndef UL_TEAM_CHANNEL_STATE_H
#define UL_TEAM_CHANNEL_STATE_H

#include "lacp/io.h"
#include "lacp/lacp.h"
#include "lacp/neighbour.h"
#include "team/channel.h"

#define CHANNEL_SOCKETS 3 /* LACP, LLDP, CDP and PAgP */

struct channel_port {
	struct channel *channel;
	uint32_t index;	  /* of the uplink */
	uint16_t number;  /* LACP port number: what stays when the uplinks change places */
	uint32_t ifindex; /* that the sockets are bound to; 0: none */
	int fd[CHANNEL_SOCKETS];
	sd_event_source *source[CHANNEL_SOCKETS];
	uint64_t pause_ms[CHANNEL_SOCKETS]; /* not read before then; 0: no pause */
	bool added;			    /* to the protocol core */
	bool known; /* the uplink had its number before: a saved record with it is its own */
	uint64_t answers_seen;
	uint64_t dropped;	 /* slow protocol frames that found their socket full */
	struct lacp_saved saved; /* what is in the map */
	struct ul_neighbour neighbour;
	struct setup setup;
};

struct channel {
	struct vswitch *vs;
	struct lacp *lacp;			   /* NULL: no LACP on this switch */
	struct channel_port *port[UL_MAX_UPLINKS]; /* by index of the uplink; NULL: no such uplink
						    */
	sd_event_source *timer;
	uint64_t shown_ms, show_ms; /* when the records were written, and when they are to be again
				     */
	bool starting;		    /* restored state is not to be run before all of it is there */
	bool polling;		    /* likewise frames that wait */
};

/* ---- channel.c
 * ------------------------------------------------------------------------------------------------------------------------
 */
/* Callbacks of the protocol core; userdata is the channel. */
extern const struct lacp_callbacks channel_callbacks;

void channel_run(struct channel *channel);
int channel_timer_due(sd_event_source *source, uint64_t usec, void *userdata);
/* Sockets and protocol core follow the uplink's interface: its index, its address, its link. */
void channel_port_connect(struct channel *channel, struct channel_port *port);
void channel_port_close(struct channel_port *port);
/* Priority and address to the protocol core, which has the port. */
int channel_port_configure(struct channel *channel, const struct channel_port *port);

/* ---- channel_apply.c
 * ------------------------------------------------------------------------------------------------------------------
 */
/* Our system id, if there was no address before to take it from. */
void channel_update_system(struct channel *channel);

#endif
