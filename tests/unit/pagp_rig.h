/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * A PAgP channel on a stopped clock. The partner of each port is a PDU that the test changes;
 * unless the test replaces it, its view of this side is the last PDU that was sent to it.
 */
#ifndef UL_TESTS_PAGP_RIG_H
#define UL_TESTS_PAGP_RIG_H

#include "common/util.h"
#include "pagp/pdu.h"

#define T0 1000000ULL /* start of the clock */
#define RIG_PORTS 8
#define SWITCH_GROUP 29 /* ifIndex of the partner's aggregation port */
#define C PAGP_CONSISTENT_STATE
#define SLOW PAGP_SLOW_HELLO

struct rig {
	struct pagp *pagp;
	struct pagp_config config;
	uint64_t now_ms;
	/* by port: */
	struct pagp_pdu partner[RIG_PORTS + 1];
	struct pagp_pdu sent[RIG_PORTS + 1]; /* the last one */
	unsigned int n_sent[RIG_PORTS + 1], n_flushes[RIG_PORTS + 1];
	uint8_t flush[RIG_PORTS + 1][64];
	bool collecting[RIG_PORTS + 1], distributing[RIG_PORTS + 1];
	unsigned int n_changed[RIG_PORTS + 1], n_events[RIG_PORTS + 1][PAGP_N_EVENTS];
	char event[PAGP_N_EVENTS][PAGP_TEXT_LEN]; /* the last one of each kind */
	/* for the random test: called before the fields above change */
	void (*on_sent)(struct rig *rig, uint16_t port, const struct pagp_pdu *pdu);
};

extern const uint8_t prig_device[6], prig_switch[6], prig_other[6];

#define RIG_SUITE(name)                   \
	static struct rig rig;            \
	static struct pagp_config config; \
	static void open_suite(void)      \
	{                                 \
		config = prig_config();   \
	}                                 \
	static void close_suite(void)     \
	{                                 \
		prig_done(&rig);          \
	}                                 \
	TestSuite(name, .init = open_suite, .fini = close_suite)

struct pagp_config prig_config(void); /* desirable, no fallback */
/* ports 1..n, links up, not yet run; their partner is prig_switch, ifIndex 100 + n, not aggregated,
 * desirable, fast */
void prig_open(struct rig *rig, const struct pagp_config *config, uint16_t n_ports);
void prig_done(struct rig *rig);
void prig_link(struct rig *rig, uint16_t port, bool up); /* 10 Gbit/s, full duplex */
void prig_run(struct rig *rig);
/* Runs whenever a wakeup is due, until the clock stands ms later. */
void prig_pass(struct rig *rig, uint64_t ms);
/* The partner of a port as prig_open() makes it, with the correct view of this side. */
void prig_partner(struct rig *rig, uint16_t port);
/* Receives the partner's PDU as it is. Returns what pagp_receive() does; runs. */
int prig_hear_raw(struct rig *rig, uint16_t port);
/* The same with the correct view of this side, and these flags and group. */
void prig_hear(struct rig *rig, uint16_t port, uint8_t flags, uint32_t group);
/* prig_hear() on ports 1..n every interval_ms, for ms. */
void prig_pass_hearing(struct rig *rig, uint64_t ms, uint64_t interval_ms, uint16_t n_ports,
		       uint8_t flags, uint32_t group);
/* The exchange of a bring-up with aggregation on ports 1..n, fast. */
void prig_join(struct rig *rig, uint16_t n_ports, uint8_t flags);
struct ul_pagp_port prig_record(const struct rig *rig, uint16_t port);
uint32_t prig_in_use(const struct rig *rig); /* bit n: port n distributes */
uint32_t prig_receiving(const struct rig *rig);

#endif
