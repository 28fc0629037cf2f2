/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The Link Aggregation Control Protocol (IEEE 802.1AX, clause numbers of the 2014 edition) of one
 * channel, without sockets, clocks or globals.
 *
 * Inputs are frames, carrier and time; outputs are frames, data plane changes and events, through
 * callbacks. Time is any monotonic clock in milliseconds. Ports are named by their LACP port number
 * (1-65535), which the caller keeps stable over restarts and hot-plug.
 *
 * Inputs (lacp_receive, lacp_port_*, lacp_configure) are recorded at once. Their consequences
 * (selection, mux, transmission) follow in the next lacp_run(), which therefore evaluates all
 * inputs of one moment together. The loop of the caller:
 *
 *	lacp_receive() for all waiting frames, lacp_port_set_link() for all link changes,
 *	lacp_run(now), sleep until lacp_next_wakeup()
 *
 * After the process itself has slept (SIGSTOP, a suspended host), waiting frames and
 * lacp_port_heard() come before lacp_run(), so that a partner that kept transmitting does not
 * expire. After a restart all lacp_restore() and all lacp_port_set_link() come before the first
 * lacp_run().
 *
 * Callbacks must not call into the same channel. Memory is allocated by lacp_new() and
 * lacp_port_add() only.
 *
 * Owner: channel/, one instance per switch with `channel: lacp`. Life cycle: lacp_new(),
 * lacp_port_add() per uplink, inputs and lacp_run(), lacp_free(), which sends nothing. Files: pdu.c
 * wire format, receive.c, port.c, mux.c and select.c the state machines, wakeup.c timers, saved.c
 * the record that outlives the daemon, finding.c diagnosis, names.c texts of the enums; outside of
 * the core neighbour.c (LLDP, CDP, PAgP), peer_mismatch.c and io.c (sockets). docs/lacp.md has the
 * state tables, the deviations from the standard and the tests (tests/unit/lacp_*.c,
 * tests/netns/test_lacp*.py, tests/fuzz/lacp_pdu_fuzz.c).
 */
#ifndef UL_LACP_LACP_H
#define UL_LACP_LACP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/histogram.h"
#include "lacp_abi.h"

#define LACP_MAX_PORTS 24
#define LACP_NEVER UINT64_MAX
#define LACP_TEXT_LEN 256 /* large enough for every text of this interface */

/* 6.4.2.3 Actor_State, Partner_State */
enum lacp_state_bit {
	LACP_ACTIVITY = 0x01,
	LACP_TIMEOUT = 0x02, /* 1: short */
	LACP_AGGREGATION = 0x04,
	LACP_SYNCHRONIZATION = 0x08,
	LACP_COLLECTING = 0x10,
	LACP_DISTRIBUTING = 0x20,
	LACP_DEFAULTED = 0x40,
	LACP_EXPIRED = 0x80,
};

/* 6.4.12 */
enum lacp_receive_state {
	LACP_RX_INITIALIZE,
	LACP_RX_PORT_DISABLED,
	LACP_RX_EXPIRED,
	LACP_RX_LACP_DISABLED,
	LACP_RX_DEFAULTED,
	LACP_RX_CURRENT,
	LACP_N_RX,
};
/* 6.4.13 */
enum lacp_periodic_state {
	LACP_NO_PERIODIC,
	LACP_FAST_PERIODIC,
	LACP_SLOW_PERIODIC,
	LACP_PERIODIC_TX,
	LACP_N_PERIODIC,
};
/* 6.4.8 */
enum lacp_selected { LACP_UNSELECTED, LACP_STANDBY, LACP_SELECTED, LACP_N_SELECTED };
/* 6.4.15; in the order in which a port comes into use */
enum lacp_mux_state {
	LACP_MUX_DETACHED,
	LACP_MUX_WAITING,
	LACP_MUX_ATTACHED,
	LACP_MUX_COLLECTING,
	LACP_MUX_DISTRIBUTING,
	LACP_MUX_COLLECTING_DISTRIBUTING,
	LACP_N_MUX,
};
/* 6.4.17 */
enum lacp_churn_state { LACP_CHURN_MONITOR, LACP_CHURN, LACP_NO_CHURN, LACP_N_CHURN };

enum lacp_event_kind {
	LACP_EVENT_RECEIVE, /* this and the next three: state changes, "old -> new" */
	LACP_EVENT_SELECTED,
	LACP_EVENT_MUX,
	LACP_EVENT_CHURN,
	LACP_EVENT_PARTNER, /* another partner than before */
	/* rejected frames: the first one, then at most one event per 10 s with their number */
	LACP_EVENT_REJECTED,
	LACP_EVENT_FINDING, /* a problem with the partner or the cabling begins ... */
	LACP_EVENT_CLEARED, /* ... and ends */
	LACP_EVENT_LACPDU,  /* LACPDUs with another state than before */
	LACP_N_EVENTS,
};

/* bit numbers of struct lacp_port_info.findings */
enum lacp_finding {
	LACP_FIND_PASSIVE,	/* passive on both sides: LACP never starts */
	LACP_FIND_NO_PDU,	/* active, but no LACPDU arrives: the partner is static or off */
	LACP_FIND_TWO_PARTNERS, /* another partner system or key than the selected one */
	LACP_FIND_TIMEOUT,	/* one side requests short, the other long timeouts */
	LACP_FIND_JITTER,	/* LACPDUs so late that the partner nearly expires */
	LACP_FIND_LOOPBACK,	/* LACPDUs with the own system id */
	LACP_FIND_SAME_PORT,	/* one partner port is received on two uplinks */
	/* links are ready, but fewer than min-links; of the channel: port 0 */
	LACP_FIND_MIN_LINKS,
	LACP_N_FINDINGS,
};

/* One side of a link; numbers in host byte order. */
struct lacp_info {
	uint16_t system_priority;
	uint8_t system[6];
	uint16_t key;
	uint16_t port_priority;
	uint16_t port;
	uint8_t state; /* enum lacp_state_bit */
};

/* Converts to and from the form of the maps. */
struct lacp_saved_info lacp_info_save(const struct lacp_info *info);
struct lacp_info lacp_info_load(const struct lacp_saved_info *saved);

struct lacp_config {
	uint16_t system_priority;
	uint8_t system[6];
	uint16_t key;
	bool active; /* LACP_Activity */
	/* request one LACPDU per second from the partner, which expires after 3 s, not 90 s */
	bool fast;
	/* mux with independent control: distribute only when the partner collects */
	bool independent;
	enum lacp_policy policy;
	enum lacp_fallback fallback;
	uint32_t min_links; /* 0 means 1 */
	uint32_t max_links; /* 0: no limit */
	/* how long a failed port must receive its partner before it joins other ports again */
	uint32_t wait_to_restore_ms;
};

struct lacp_port_config {
	uint16_t number;   /* 1-65535 */
	uint16_t priority; /* lower is better */
	uint8_t mac[6];	   /* source address of sent frames */
};

struct lacp_callbacks {
	/* Transmits one frame of LACP_FRAME_LEN bytes. */
	void (*send)(void *userdata, uint16_t port, const uint8_t *frame, size_t length);
	/*
	 * Changes the data plane, before the LACPDU that announces the change is sent. A port
	 * starts with neither.
	 */
	void (*changed)(void *userdata, uint16_t port, bool collecting, bool distributing);
	/*
	 * An event for the operator. Port 0: the channel. The text does not contain the port's name
	 * and is valid during the call only.
	 */
	void (*event)(void *userdata, uint16_t port, enum lacp_event_kind kind, const char *text);
	void *userdata;
};

struct lacp;

/* All callbacks must be set. NULL: out of memory. */
struct lacp *lacp_new(const struct lacp_config *config, const struct lacp_callbacks *callbacks);
/* NULL allowed. Sends nothing, so that the partner keeps the links over a restart. */
void lacp_free(struct lacp *lacp);
/* Applies new settings at run time; ports keep their state where possible. */
void lacp_configure(struct lacp *lacp, const struct lacp_config *config, uint64_t now_ms);

/*
 * 0, -EEXIST, -ENOSPC, -ENOMEM or -EINVAL (number 0). The link is down until lacp_port_set_link().
 */
int lacp_port_add(struct lacp *lacp, const struct lacp_port_config *config);
/* The port is config->number. 0 or -ENOENT. */
int lacp_port_configure(struct lacp *lacp, const struct lacp_port_config *config);
/* Stops the data plane, sends SYNC=0 if the link is up, and removes the port. 0 or -ENOENT. */
int lacp_port_remove(struct lacp *lacp, uint16_t port, uint64_t now_ms);

/*
 * enabled: administratively up and carrier. speed_mbps 0: unknown; full_duplex is then ignored,
 * because virtual NICs report neither. 0 or -ENOENT.
 */
int lacp_port_set_link(struct lacp *lacp, uint16_t port, bool enabled, uint32_t speed_mbps,
		       bool full_duplex, uint64_t now_ms);
/*
 * Maintenance: stops distributing, sends SYNC=0, keeps collecting until the partner has stopped (at
 * most LACP_DRAIN_MS), then detaches. 0 or -ENOENT.
 */
int lacp_port_set_drained(struct lacp *lacp, uint16_t port, bool drained, uint64_t now_ms);
#define LACP_DRAIN_MS 1000

/*
 * One received frame from its destination address on. 0: processed; -EBADMSG: illegal;
 * -EPROTONOSUPPORT: another slow protocol; -ENETDOWN: the last known link state is down, the caller
 * reads the carrier again; -EBUSY: above the limit of ten differing LACPDUs or five markers per
 * second; -ENOENT: no such port.
 */
int lacp_receive(struct lacp *lacp, uint16_t port, const uint8_t *frame, size_t length,
		 uint64_t now_ms);
/*
 * At at_ms the data plane answered an LACPDU that matched the record of lacp_save(): the partner
 * was alive and has received an LACPDU. 0 or -ENOENT.
 */
int lacp_port_heard(struct lacp *lacp, uint16_t port, uint64_t at_ms);

void lacp_run(struct lacp *lacp, uint64_t now_ms);
/* When lacp_run() is due. 0: at once; LACP_NEVER: no timer runs. */
uint64_t lacp_next_wakeup(const struct lacp *lacp);

/* The record for a later lacp_restore(). 0 or -ENOENT. */
int lacp_save(const struct lacp *lacp, uint16_t port, struct lacp_saved *ret);
/*
 * Resumes from a record when the next lacp_port_set_link() reports the link as up (down: the record
 * is dropped). age_ms: time since the partner last received an LACPDU from here (saved.tx_ms, or
 * later if the data plane has answered since). 0; -ESTALE: the partner has expired this port in the
 * meantime; -EINVAL: another version of the record, or another actor identity; -ENOENT. After an
 * error the port joins like a new one.
 */
int lacp_restore(struct lacp *lacp, uint16_t port, const struct lacp_saved *saved, uint64_t age_ms);

struct lacp_port_info {
	struct lacp_info actor, partner;
	struct lacp_info view; /* the actor in the partner's last LACPDU */
	bool enabled, drained, loopback;
	bool individual;		       /* in use by fallback: individual */
	enum lacp_receive_state receive_state; /* aAggPortDebugRxState */
	enum lacp_periodic_state periodic_state;
	enum lacp_selected selected;
	enum lacp_mux_state mux_state; /* aAggPortDebugMuxState; its reason: lacp_explain() */
	enum lacp_churn_state actor_churn, partner_churn;
	struct ul_lacp_counters stats;
	uint64_t last_rx_age_ms; /* LACP_NEVER: none yet; aAggPortDebugLastRxTime */
	/* between LACPDUs since the link came up; the next three are 0 without any */
	uint64_t gaps;
	uint64_t gap_min_ms, gap_avg_ms, gap_max_ms;
	uint32_t speed_mbps;
	uint32_t findings; /* bit n: enum lacp_finding n */
};

/* 0 or -ENOENT */
int lacp_port_info(const struct lacp *lacp, uint16_t port, uint64_t now_ms,
		   struct lacp_port_info *ret);
/* The times between LACPDUs since the port was added, whatever happened to its link; bounds:
 * histogram_gap_ms. NULL: there is no such port. */
const struct histogram *lacp_port_gaps(const struct lacp *lacp, uint16_t port);
/*
 * Writes one sentence: the reason why the port is out of the channel, or that it is in. 1: out; 0:
 * in; -ENOENT.
 */
int lacp_explain(const struct lacp *lacp, uint16_t port, uint64_t now_ms, char *text, size_t size);
/*
 * The text of a finding that follows from these values alone, so that uplinkctl derives it from the
 * map. false, text untouched: the port's reason (lacp_explain()) is the text.
 */
bool lacp_describe_finding(enum lacp_finding finding, const struct lacp_info *actor,
			   const struct lacp_info *partner, uint64_t gap_max_ms, char *text,
			   size_t size);

/* Names of the enums' values, as in JSON and in events. */
enum lacp_table {
	LACP_NAMES_STATE_BIT, /* value: bit number 0-7 */
	LACP_NAMES_RECEIVE,
	LACP_NAMES_PERIODIC,
	LACP_NAMES_SELECTED,
	LACP_NAMES_MUX,
	LACP_NAMES_CHURN,
	LACP_NAMES_EVENT,
	LACP_NAMES_FINDING,
	LACP_N_NAMES,
};
const char *lacp_name(enum lacp_table table, unsigned int value); /* NULL: out of range */

#define LACP_LETTERS_LEN 9
/* One letter per bit of a state (enum lacp_state_bit), as in "ATGSCD--". Returns text. */
const char *lacp_state_letters(uint8_t state, char text[LACP_LETTERS_LEN]);

#endif
