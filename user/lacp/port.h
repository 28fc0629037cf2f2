/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Internals of the LACP core: the variables of 802.1AX 6.4.6 to 6.4.8 and the machines that share
 * them.
 *
 * Exactly one function changes each machine's state: lacp_enter_receive(), lacp_enter_periodic(),
 * lacp_enter_mux(), lacp_enter_churn(), lacp_set_selected(). It performs the state's actions in the
 * standard's order, arms the timer, emits the event and marks the channel as changed. Transmission
 * is always last in lacp_run(), hence after every change of the data plane.
 *
 * Timers are points in time (member *_at_ms), LACP_NEVER when stopped.
 */
#ifndef UL_LACP_PORT_H
#define UL_LACP_PORT_H

#include "lacp/lacp.h"
#include "lacp/pdu.h"

/*
 * 6.4.4. The periods are a tenth of a second and a second shorter than the standard's 1 s and 30 s,
 * so that jitter does not expire a partner.
 */
enum {
	LACP_FAST_PERIODIC_MS = 900,
	LACP_SLOW_PERIODIC_MS = 29000,
	LACP_SHORT_TIMEOUT_MS = 3000,
	LACP_LONG_TIMEOUT_MS = 90000,
	LACP_AGGREGATE_WAIT_MS = 2000,
	LACP_CHURN_DETECTION_MS = 60000,
	LACP_WINDOW_MS = 1000, /* of the three limits below */
	LACP_TX_LIMIT = 3,     /* 6.4.16 */
	/* differing LACPDUs; 802.3 Annex 57A allows ten frames of all slow protocols */
	LACP_RX_LIMIT = 10,
	LACP_MARKER_LIMIT = 5, /* with LACP_TX_LIMIT below the limit of ten */
	LACP_SETTLE_MS = 3000, /* a finding is reported when it has lasted this long */
	/* lacp_run() this late: the process did not run */
	LACP_OVERSLEPT_MS = 300,
	LACP_REJECT_QUIET_MS = 10000, /* between two events about rejected frames */
};

/* Admits at most `size` events in any LACP_WINDOW_MS. */
struct lacp_window {
	uint64_t free_at_ms[LACP_RX_LIMIT]; /* ring: when each entry may be used again */
	uint8_t size, next;
};

struct lacp_churn_machine {
	enum lacp_churn_state state;
	uint64_t at_ms;
};

struct lacp_finding_log {
	uint64_t since_ms[LACP_N_FINDINGS]; /* LACP_NEVER: not true now */
	uint32_t reported;		    /* bit n: finding n */
};

/* The partner's part of a LAG ID (6.3.6); the actor's part is the same for all ports. */
struct lacp_lag {
	uint16_t system_priority;
	uint8_t system[6];
	uint16_t key;
};

struct lacp_port {
	struct lacp *lacp;
	struct lacp_port_config config;

	/* inputs */
	bool enabled;	   /* port_enabled */
	bool lacp_enabled; /* LACP_Enabled: the link is full duplex */
	bool drained;
	uint32_t speed_mbps;
	uint64_t up_ms; /* when the link came up */

	/* Actor_Oper_Port_State; lacp_actor() adds the configured part of the actor */
	uint8_t actor_state;
	struct lacp_info partner; /* Partner_Oper_* */
	struct lacp_info view;	  /* the actor as the partner's last LACPDU describes it */
	bool matched;		  /* view is correct (6.4.9 recordPDU) */

	enum lacp_receive_state receive;
	uint64_t current_while_at_ms;
	uint32_t timeout_ms; /* of current_while, when it was last armed in CURRENT */

	enum lacp_periodic_state periodic;
	uint64_t periodic_at_ms;
	bool ntt; /* need to transmit */
	struct lacp_window tx_window, rx_window, marker_window;

	enum lacp_selected selected;
	bool individual; /* selected by fallback, alone */
	/* failed while distributing: wait_to_restore begins with the next LACPDU */
	bool failed;
	uint64_t restore_at_ms; /* end of wait_to_restore; 0: none */

	enum lacp_mux_state mux;
	uint64_t wait_while_at_ms;
	bool draining; /* SYNC=0 is sent, still collecting */
	uint64_t drain_at_ms;

	struct lacp_churn_machine actor_churn, partner_churn;

	/* observations */
	bool loopback; /* the last LACPDU had the own system id */
	bool heard;    /* an LACPDU was received since the link came up */
	/* rx_ms may be too old, so the next gap is not counted */
	bool gap_unknown;
	bool known;		       /* last_partner holds a partner */
	struct lacp_info last_partner; /* outlives recordDefault; without its state */
	bool told;		       /* told_state holds a state */
	uint8_t told_state;	       /* of the LACPDU of the last LACP_EVENT_LACPDU */
	/* the relevant bytes of the last LACPDU, to recognize repetitions */
	uint8_t last_rx[LACP_OFF_MORE - LACP_OFF_SUBTYPE];
	uint64_t rx_ms, tx_ms; /* of the last LACPDU; 0: none */
	uint64_t gaps, gap_sum_ms, gap_min_ms, gap_max_ms;
	struct histogram gap_histogram; /* the same since the port was added */
	/* number of punctual LACPDUs that ends LACP_FIND_JITTER */
	uint32_t late;
	uint64_t reject_at_ms; /* when the next event about rejected frames may be sent */
	uint64_t rejects;      /* since the last such event */
	struct lacp_finding_log findings;
	struct ul_lacp_counters stats;

	/* of lacp_restore(), until the link comes up */
	struct {
		bool valid;
		uint32_t flags;
		uint8_t actor_state;
		uint64_t restore_at_ms, rx_ms;
		struct lacp_info partner;
	} resume;
};

struct lacp {
	struct lacp_config config;
	struct lacp_callbacks callbacks;
	struct lacp_port *ports[LACP_MAX_PORTS]; /* by ascending number */
	unsigned int n_ports;
	bool lag_valid;
	struct lacp_lag lag; /* the selected aggregation */
	uint64_t ran_ms;     /* of the last lacp_run() */
	bool dirty;	     /* inputs since then */
	uint64_t changes;    /* of any machine's state */
	struct lacp_finding_log findings;
};

#define lacp_for_each_port(lacp, port) \
	for (unsigned int i_ = 0; i_ < (lacp)->n_ports && ((port) = (lacp)->ports[i_], true); i_++)

static inline bool lacp_due(uint64_t at_ms, uint64_t now_ms)
{
	return now_ms >= at_ms;
}

static inline uint32_t lacp_min_links(const struct lacp *lacp)
{
	return lacp->config.min_links ? lacp->config.min_links : 1;
}

static inline bool lacp_attached(const struct lacp_port *port)
{
	return port->mux >= LACP_MUX_ATTACHED;
}

/* Two passive ends send nothing, so that no agreement is kept alive. */
static inline bool lacp_is_maintained(const struct lacp_port *port)
{
	return (port->actor_state | port->partner.state) & LACP_ACTIVITY;
}

/* wakeup.c: the process did not run for a while, so received frames may have waited long */
bool lacp_overslept(const struct lacp *lacp, uint64_t now_ms);

/* port.c */
struct lacp_port *lacp_find(const struct lacp *lacp, uint16_t number);
struct lacp_info lacp_actor(const struct lacp_port *port);
void lacp_event(const struct lacp_port *port, enum lacp_event_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void lacp_window_init(struct lacp_window *window, uint8_t size);
bool lacp_window_admit(struct lacp_window *window, uint64_t now_ms);
void lacp_enter_periodic(struct lacp_port *port, enum lacp_periodic_state state, uint64_t now_ms);
void lacp_periodic_machine(struct lacp_port *port, uint64_t now_ms);
void lacp_transmit_machine(struct lacp_port *port, uint64_t now_ms);

/* receive.c; pdu: NULL unless the state is entered because of one */
void lacp_enter_receive(struct lacp_port *port, enum lacp_receive_state state,
			const struct lacp_pdu *pdu, uint64_t now_ms);
void lacp_receive_machine(struct lacp_port *port, uint64_t now_ms);
uint32_t lacp_timeout_ms(const struct lacp_port *port);

/* mux.c */
void lacp_enter_mux(struct lacp_port *port, enum lacp_mux_state state, uint64_t now_ms);
void lacp_mux_machine(struct lacp_port *port, uint64_t now_ms);
bool lacp_partner_in_sync(const struct lacp_port *port);
uint32_t lacp_ready_links(const struct lacp *lacp, uint64_t now_ms);
uint32_t lacp_synced_links(const struct lacp *lacp, bool and_collecting);
void lacp_enter_churn(struct lacp_port *port, struct lacp_churn_machine *machine,
		      enum lacp_churn_state state, uint64_t now_ms);
void lacp_churn_machines(struct lacp_port *port, uint64_t now_ms);

/* select.c */
void lacp_set_selected(struct lacp_port *port, enum lacp_selected selected, bool individual);
void lacp_select(struct lacp *lacp, uint64_t now_ms);
struct lacp_lag lacp_lag_of(const struct lacp_port *port);
bool lacp_lag_equal(const struct lacp_lag *a, const struct lacp_lag *b);
bool lacp_restore_holds(const struct lacp_port *port, uint64_t now_ms);

/* finding.c */
void lacp_findings_init(struct lacp_finding_log *log);
void lacp_check_findings(struct lacp *lacp, uint64_t now_ms);
uint64_t lacp_findings_wakeup(const struct lacp_finding_log *log);

#endif
