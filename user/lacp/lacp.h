/* SPDX-License-Identifier: GPL-2.0 */
/* The Link Aggregation Control Protocol (IEEE 802.1AX, clause numbers of the 2014 edition) of one
 *channel, without sockets, clocks or globals.
 *
 * Frames, carrier and time go in; frames, data plane changes and events come out through callbacks.
 *Time is any clock in milliseconds that never goes backwards. Ports are named by their LACP port
 *number (1-65535), which the caller keeps stable over restarts and hot-plug.
 *
 * Inputs (lacp_receive, lacp_port_*, lacp_configure) are recorded at once; their consequences -
 *selection, mux, transmission - come with the next lacp_run(), so that all inputs of one moment are
 *judged together. The loop is:
 *
 *	all frames that wait -> lacp_receive();  link changes -> lacp_port_set_link();  then
 *lacp_run(now);  sleep until lacp_next_wakeup()
 *
 * After the process itself has slept (SIGSTOP, a suspended host), frames that wait and
 *lacp_port_heard() go before lacp_run(): then a partner that kept talking is not taken for silent.
 *After a restart all lacp_restore() and all lacp_port_set_link() go before the first lacp_run().
 *
 * Callbacks must not call into the same channel. Nothing is allocated after lacp_new() and
 *lacp_port_add(). */
#ifndef UL_LACP_LACP_H
#define UL_LACP_LACP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lacp_abi.h"

#define LACP_MAX_PORTS 24
#define LACP_NEVER UINT64_MAX
#define LACP_TEXT_LEN 256 /* enough for every text of this interface */

enum lacp_state_bit { /* 6.4.2.3 Actor_State, Partner_State */
		      LACP_ACTIVITY = 0x01,
		      LACP_TIMEOUT = 0x02, /* 1: short */
		      LACP_AGGREGATION = 0x04,
		      LACP_SYNCHRONIZATION = 0x08,
		      LACP_COLLECTING = 0x10,
		      LACP_DISTRIBUTING = 0x20,
		      LACP_DEFAULTED = 0x40,
		      LACP_EXPIRED = 0x80,
};

enum lacp_receive_state { /* 6.4.12 */
			  LACP_RX_INITIALIZE,
			  LACP_RX_PORT_DISABLED,
			  LACP_RX_EXPIRED,
			  LACP_RX_LACP_DISABLED,
			  LACP_RX_DEFAULTED,
			  LACP_RX_CURRENT,
			  LACP_N_RX,
};
enum lacp_periodic_state { /* 6.4.13 */
			   LACP_NO_PERIODIC,
			   LACP_FAST_PERIODIC,
			   LACP_SLOW_PERIODIC,
			   LACP_PERIODIC_TX,
			   LACP_N_PERIODIC,
};
enum lacp_selected { LACP_UNSELECTED, LACP_STANDBY, LACP_SELECTED, LACP_N_SELECTED }; /* 6.4.8 */
enum lacp_mux_state { /* 6.4.15; in this order a port comes into use */
		      LACP_MUX_DETACHED,
		      LACP_MUX_WAITING,
		      LACP_MUX_ATTACHED,
		      LACP_MUX_COLLECTING,
		      LACP_MUX_DISTRIBUTING,
		      LACP_MUX_COLLECTING_DISTRIBUTING,
		      LACP_N_MUX,
};
enum lacp_churn_state { LACP_CHURN_MONITOR, LACP_CHURN, LACP_NO_CHURN, LACP_N_CHURN }; /* 6.4.17 */

enum lacp_policy { LACP_STABLE, LACP_BANDWIDTH, LACP_COUNT, LACP_PORT_PRIORITY, LACP_N_POLICIES };
enum lacp_fallback { LACP_FALLBACK_NONE, LACP_FALLBACK_INDIVIDUAL, LACP_N_FALLBACKS };

enum lacp_event_kind {
	LACP_EVENT_RECEIVE, /* state changes, "old -> new" */
	LACP_EVENT_SELECTED,
	LACP_EVENT_MUX,
	LACP_EVENT_CHURN,
	LACP_EVENT_PARTNER,  /* another partner than before */
	LACP_EVENT_REJECTED, /* a frame was not taken: the first, then at most one event per 10 s
				with the number of all since */
	LACP_EVENT_FINDING,  /* something is wrong on the wire; told once, until ... */
	LACP_EVENT_CLEARED,  /* ... it is over */
	LACP_N_EVENTS,
};

enum lacp_finding {		       /* bit numbers of struct lacp_port_info.findings */
		    LACP_FIND_PASSIVE, /* passive on both sides: nobody starts */
		    LACP_FIND_NO_PDU, /* active, but no LACPDU comes: static or off on the partner's
					 side? */
		    LACP_FIND_TWO_PARTNERS, /* another partner system or key than the selected */
		    LACP_FIND_TIMEOUT,	 /* one side asks for short, the other for long timeouts */
		    LACP_FIND_JITTER,	 /* LACPDUs come so late that the port nearly expires */
		    LACP_FIND_LOOPBACK,	 /* our own system id is received */
		    LACP_FIND_SAME_PORT, /* one partner port is heard on two uplinks */
		    LACP_FIND_MIN_LINKS, /* links are ready, but fewer than min-links; of the
					    channel: port 0 */
		    LACP_N_FINDINGS,
};

struct lacp_info { /* one side of a link; numbers in host byte order */
	uint16_t system_priority;
	uint8_t system[6];
	uint16_t key;
	uint16_t port_priority;
	uint16_t port;
	uint8_t state; /* enum lacp_state_bit */
};

struct lacp_config {
	uint16_t system_priority;
	uint8_t system[6];
	uint16_t key;
	bool active; /* LACP_Activity */
	bool fast;   /* ask the partner for one LACPDU per second, and time out after 3 s instead of
			90 s */
	bool independent; /* mux with independent control: distribute only when the partner collects
			   */
	enum lacp_policy policy;
	enum lacp_fallback fallback;
	uint32_t min_links;	     /* 0 means 1 */
	uint32_t max_links;	     /* 0: no limit */
	uint32_t wait_to_restore_ms; /* how long a port that failed must be well before it is used
					again beside others */
};

struct lacp_port_config {
	uint16_t number;   /* 1-65535 */
	uint16_t priority; /* lower is better */
	uint8_t mac[6];	   /* source address of what is sent */
};

struct lacp_callbacks {
	/* Transmits one frame of LACP_FRAME_LEN bytes. */
	void (*send)(void *userdata, uint16_t port, const uint8_t *frame, size_t length);
	/* The data plane is to change now: called before the LACPDU that announces it is sent. A
	 * port begins with neither. */
	void (*changed)(void *userdata, uint16_t port, bool collecting, bool distributing);
	/* Something to tell people. Port 0: the channel. Text without the port's name; valid during
	 * the call only. */
	void (*event)(void *userdata, uint16_t port, enum lacp_event_kind kind, const char *text);
	void *userdata;
};

struct lacp;

/* All callbacks must be set. NULL: out of memory. */
struct lacp *lacp_new(const struct lacp_config *config, const struct lacp_callbacks *callbacks);
void lacp_free(struct lacp *lacp); /* NULL allowed; sends nothing, so that a restart goes unnoticed
				    */
/* Takes new settings at run time; what need not change for a port does not. */
void lacp_configure(struct lacp *lacp, const struct lacp_config *config, uint64_t now_ms);

/* 0; -EEXIST, -ENOSPC, -ENOMEM, -EINVAL (number 0). The link counts as down until
 * lacp_port_set_link(). */
int lacp_port_add(struct lacp *lacp, const struct lacp_port_config *config);
int lacp_port_configure(struct lacp *lacp, const struct lacp_port_config *config); /* by number; 0
										      or -ENOENT */
/* Stops the data plane, tells the partner SYNC=0 when the link is up, and forgets the port. 0 or
 * -ENOENT. */
int lacp_port_remove(struct lacp *lacp, uint16_t port, uint64_t now_ms);

/* enabled: administratively up and carrier. speed_mbps 0: unknown; then full_duplex is not looked
 * at (virtual NICs know neither). */
int lacp_port_set_link(struct lacp *lacp, uint16_t port, bool enabled, uint32_t speed_mbps,
		       bool full_duplex, uint64_t now_ms);
/* Maintenance: stops distributing, tells SYNC=0, goes on collecting until the partner has stopped
 * (at most LACP_DRAIN_MS), then detaches. */
int lacp_port_set_drained(struct lacp *lacp, uint16_t port, bool drained, uint64_t now_ms);
#define LACP_DRAIN_MS 1000

/* One received frame from its destination address on. 0 taken; -EBADMSG illegal; -EPROTONOSUPPORT
 * of no concern to LACP; -ENETDOWN the link is believed down: re-read the carrier; -EBUSY over the
 * limit of ten differing LACPDUs or five markers per second; -ENOENT no such port. */
int lacp_receive(struct lacp *lacp, uint16_t port, const uint8_t *frame, size_t length,
		 uint64_t now_ms);
/* The data plane itself has answered an LACPDU that matched lacp_save()'s record at at_ms: the
 * partner was alive then, and has heard us. */
int lacp_port_heard(struct lacp *lacp, uint16_t port, uint64_t at_ms);

void lacp_run(struct lacp *lacp, uint64_t now_ms);
/* When lacp_run() is due: 0 at once, LACP_NEVER when nothing is scheduled. */
uint64_t lacp_next_wakeup(const struct lacp *lacp);

/* The record that lets the port resume later. 0 or -ENOENT. */
int lacp_save(const struct lacp *lacp, uint16_t port, struct lacp_saved *ret);
/* Resumes from a record when the next lacp_port_set_link() says that the link is up (down: the
 * record is dropped). age_ms: since the partner last heard from us (saved.tx_ms, or later when the
 * data plane has answered since). 0; -ESTALE the partner has expired us meanwhile; -EINVAL no
 * record of this version, or of another actor identity; -ENOENT. After an error the port joins
 * anew. */
int lacp_restore(struct lacp *lacp, uint16_t port, const struct lacp_saved *saved, uint64_t age_ms);

struct lacp_stats { /* dot3adAggPortStats (7.3.3.1) and Debug (7.3.4.1) counters, and ours */
	uint64_t lacpdu_rx;		   /* aAggPortStatsLACPDUsRx */
	uint64_t marker_rx;		   /* aAggPortStatsMarkerPDUsRx */
	uint64_t marker_response_rx;	   /* aAggPortStatsMarkerResponsePDUsRx */
	uint64_t unknown_rx;		   /* aAggPortStatsUnknownRx */
	uint64_t illegal_rx;		   /* aAggPortStatsIllegalRx */
	uint64_t lacpdu_tx;		   /* aAggPortStatsLACPDUsTx */
	uint64_t marker_tx;		   /* aAggPortStatsMarkerPDUsTx: we never ask */
	uint64_t marker_response_tx;	   /* aAggPortStatsMarkerResponsePDUsTx */
	uint64_t actor_churn_count;	   /* aAggPortDebugActorChurnCount */
	uint64_t partner_churn_count;	   /* aAggPortDebugPartnerChurnCount */
	uint64_t actor_sync_transitions;   /* aAggPortDebugActorSyncTransitionCount */
	uint64_t partner_sync_transitions; /* aAggPortDebugPartnerSyncTransitionCount */
	uint64_t actor_changes;		   /* aAggPortDebugActorChangeCount */
	uint64_t partner_changes;	   /* aAggPortDebugPartnerChangeCount */
	uint64_t link_down_rx;		   /* frames while the link was believed down */
	uint64_t excess_rx;		   /* frames over the limits of lacp_receive() */
	uint64_t loopback_rx;		   /* LACPDUs with our own system id */
	uint64_t answered;		   /* lacp_port_heard(): answered without us */
};

struct lacp_port_info {
	struct lacp_info actor, partner;
	struct lacp_info view; /* the partner's view of us, from its last LACPDU */
	bool enabled, drained, loopback;
	bool individual;		       /* in use by fallback: individual */
	enum lacp_receive_state receive_state; /* aAggPortDebugRxState */
	enum lacp_periodic_state periodic_state;
	enum lacp_selected selected;
	enum lacp_mux_state mux_state; /* aAggPortDebugMuxState; its reason: lacp_explain() */
	enum lacp_churn_state actor_churn, partner_churn;
	struct lacp_stats stats;
	uint64_t last_rx_age_ms; /* LACP_NEVER: none yet; aAggPortDebugLastRxTime */
	uint64_t gaps; /* between LACPDUs since the link came up; the next three are 0 without any
			*/
	uint64_t gap_min_ms, gap_avg_ms, gap_max_ms;
	uint32_t speed_mbps;
	uint32_t findings; /* bit n: enum lacp_finding n */
};

int lacp_port_info(const struct lacp *lacp, uint16_t port, uint64_t now_ms,
		   struct lacp_port_info *ret); /* 0 or -ENOENT */
/* One sentence: why the port is out, or that it is in. Returns whether it is out, -ENOENT without
 * such a port. */
int lacp_explain(const struct lacp *lacp, uint16_t port, uint64_t now_ms, char *text, size_t size);
/* Ports that distribute. */
uint32_t lacp_links(const struct lacp *lacp);

/* Names as in configuration, JSON and events, and back. */
enum lacp_table {
	LACP_NAMES_STATE_BIT, /* value: bit number 0-7 */
	LACP_NAMES_RECEIVE,
	LACP_NAMES_PERIODIC,
	LACP_NAMES_SELECTED,
	LACP_NAMES_MUX,
	LACP_NAMES_CHURN,
	LACP_NAMES_POLICY,
	LACP_NAMES_FALLBACK,
	LACP_NAMES_EVENT,
	LACP_NAMES_FINDING,
	LACP_N_NAMES,
};
const char *lacp_name(enum lacp_table table, unsigned int value); /* NULL: out of range */
int lacp_value(enum lacp_table table, const char *name);	  /* or -EINVAL */
unsigned int lacp_name_count(enum lacp_table table);

#endif
