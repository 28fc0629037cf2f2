/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A channel on a stopped clock. The log has all callbacks in order. A partner is a struct lacp_info
 * per port, owned by the test, or another rig at the other end of the wires.
 */
#ifndef UL_TESTS_LACP_RIG_H
#define UL_TESTS_LACP_RIG_H

#include "common/util.h"
#include "lacp/lacp.h"
#include "lacp/pdu.h"
#include "lacp/port.h"

#define T0 1000000ULL /* start of the clock */
#define UP                                                                           \
	(LACP_ACTIVITY | LACP_AGGREGATION | LACP_SYNCHRONIZATION | LACP_COLLECTING | \
	 LACP_DISTRIBUTING)
#define SYNCED (LACP_ACTIVITY | LACP_AGGREGATION | LACP_SYNCHRONIZATION)
#define WILLING (LACP_ACTIVITY | LACP_AGGREGATION)

enum log_kind { LOG_SENT, LOG_CHANGED, LOG_EVENT };

struct log_entry {
	enum log_kind kind;
	uint16_t port;
	uint64_t at_ms;
	uint8_t frame[LACP_FRAME_LEN]; /* LOG_SENT */
	bool collecting, distributing; /* LOG_CHANGED */
	enum lacp_event_kind event;    /* LOG_EVENT */
	char text[LACP_TEXT_LEN];
};

struct wire_frame {
	uint16_t port;
	uint8_t frame[LACP_FRAME_LEN];
};

struct rig {
	struct lacp *lacp;
	struct lacp_config config;
	uint64_t now_ms;
	struct log_entry log[1024]; /* the newest entries; the older half is dropped when it is full
				     */
	size_t n_log;
	bool collecting[64], distributing[64]; /* by port: last data plane state */
	struct lacp_info partner[64];	       /* by port: sender of rig_hear() */
	struct rig *peer;		       /* port n is wired to its port n */
	bool cut[64];			       /* by port: no frame passes */
	struct wire_frame inbox[64];
	size_t n_inbox;
};

extern const uint8_t rig_system[6];	       /* of the rig */
extern const uint8_t switch_a[6], switch_b[6]; /* partners; lower and higher than rig_system */

/*
 * The fixture of most suites: `rig`, which a test opens with `config` and the suite closes. config
 * starts as rig_config().
 */
#define RIG_SUITE(name)                   \
	static struct rig rig;            \
	static struct lacp_config config; \
	static void open_suite(void)      \
	{                                 \
		config = rig_config();    \
	}                                 \
	static void close_suite(void)     \
	{                                 \
		rig_done(&rig);           \
	}                                 \
	TestSuite(name, .init = open_suite, .fini = close_suite)

/* Active, slow, coupled, stable, key 1, system priority 65535. */
struct lacp_config rig_config(void);
void rig_init(struct rig *rig, const struct lacp_config *config); /* without ports */
void rig_done(struct rig *rig);
/* Adds a port of this number, priority 255; its partner is switch_a, key 7, the same number. */
void rig_add(struct rig *rig, uint16_t number);
/* init, ports 1..n, links up, not yet run */
void rig_open(struct rig *rig, const struct lacp_config *config, uint16_t n_ports);
void rig_link(struct rig *rig, uint16_t port, bool up); /* 10 Gbit/s, full duplex */
void rig_run(struct rig *rig);				/* now */
/* Runs whenever a wakeup is due, until the clock stands ms later. */
void rig_pass(struct rig *rig, uint64_t ms);

/*
 * Receives an LACPDU of the port's partner with this state and the correct view of the actor, or
 * with `view`; then lacp_run().
 */
void rig_hear(struct rig *rig, uint16_t port, uint8_t state);
void rig_hear_view(struct rig *rig, uint16_t port, uint8_t state, const struct lacp_info *view);
/* any frame; without lacp_run() */
int rig_receive(struct rig *rig, uint16_t port, const uint8_t *frame, size_t length);
/*
 * Brings ports 1..n to collecting and distributing and empties the log. Partner state: UP |
 * timeout.
 */
void rig_join(struct rig *rig, uint16_t n_ports, uint8_t timeout);
/* Passes time while each partner sends an LACPDU of this state every interval_ms. */
void rig_pass_hearing(struct rig *rig, uint64_t ms, uint64_t interval_ms, uint16_t n_ports,
		      uint8_t state);

struct lacp_port_info rig_info(struct rig *rig, uint16_t port);
uint32_t rig_links(const struct rig *rig); /* ports that distribute, by their actor state */
/* lacp_explain(); valid until the next call */
const char *rig_why(struct rig *rig, uint16_t port);
void rig_forget(struct rig *rig);		       /* empties the log */
size_t rig_sent(const struct rig *rig, uint16_t port); /* LACPDUs in the log */
/* the newest of them; aborts without one */
struct lacp_pdu rig_last(const struct rig *rig, uint16_t port);
/* the newest or NULL */
const struct log_entry *rig_event(const struct rig *rig, uint16_t port, enum lacp_event_kind kind);
size_t rig_events(const struct rig *rig, uint16_t port, enum lacp_event_kind kind);

/* Two rigs with ports 1..n wired; their clocks are equal and frames take no time. */
void pair_wire(struct rig *a, struct rig *b);
void pair_run(struct rig *a, struct rig *b);
void pair_pass(struct rig *a, struct rig *b, uint64_t ms);

/* Reproducible random numbers (splitmix64). */
uint64_t random_next(uint64_t *seed);
static inline uint32_t random_below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)(random_next(seed) % n);
}

#endif
