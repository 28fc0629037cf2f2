/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* State of a PAgP channel, for the files of pagp/ only. */
#ifndef UL_PAGP_PORT_H
#define UL_PAGP_PORT_H

#include "pagp/pdu.h"

/* The partner expires after 3.5 intervals (pagpHelloFrequency). */
#define HELLO_FAST_MS 1000
#define HELLO_SLOW_MS 30000
#define TIMEOUT_FAST_MS 3500
#define TIMEOUT_SLOW_MS 105000
/* silence on all ports after which fallback: individual uses one of them: two fast timeouts */
#define FALLBACK_MS (2 * TIMEOUT_FAST_MS)
/* a finding is reported when it has lasted so long */
#define FINDING_MS 3000
#define REJECTED_INTERVAL_MS 10000
/* in any second */
#define WINDOW_MS 1000
#define MAX_SENT 8
#define MAX_RECEIVED 10
#define MAX_FLUSHES 5

/* Times of the last events of a kind, to permit at most n of them in WINDOW_MS. */
struct limit {
	uint64_t at_ms[MAX_RECEIVED]; /* ring */
	unsigned int count;	      /* of all that were permitted */
};

struct pagp_port {
	struct pagp *pagp;
	struct pagp_port_config config; /* number 0: unused */

	/* inputs */
	bool enabled, half_duplex, drained;
	uint64_t enabled_ms; /* when the link came up, or the partner was lost */
	bool has_partner;
	struct pagp_pdu heard; /* the partner's last one */
	uint64_t rx_ms, expire_ms;
	/* another device or port than the partner, and the own device: until these times */
	uint64_t other_until_ms, own_until_ms;
	struct ul_pagp_port saved; /* version 0: nothing to resume */

	/* decisions of the last run */
	bool published; /* the owner knows the next two */
	bool collecting, distributing;
	bool attached;	 /* announced as part of the aggregation */
	bool agreed;	 /* both sides describe each other alike, and the partner aggregates */
	bool standby;	 /* agreed, but another port sends for all */
	bool individual; /* fallback */
	uint64_t drain_until_ms; /* 0: not draining */
	enum pagp_state state;

	/* transmission */
	struct pagp_pdu sent; /* valid if tx_ms */
	uint64_t tx_ms;
	bool delayed; /* by the limit of sent PDUs */
	struct limit sending, receiving, flushing;

	struct ul_pagp_counters counters;
	uint64_t rejected_report_ms; /* 0: none yet */
	unsigned long long rejected; /* since then */
	uint32_t found, findings;    /* present; reported */
	uint64_t found_ms[PAGP_N_FINDINGS];
};

struct pagp {
	struct pagp_config config;
	struct pagp_callbacks callbacks;
	struct pagp_port port[PAGP_MAX_PORTS]; /* by number */
	size_t n_ports;
	/* the partner whose ports are aggregated; port and group are not compared */
	bool has_selected;
	struct pagp_side selected;
	uint32_t group; /* its aggregation port; 0: it has none yet */
	bool due;	/* an input has changed since the last run */
};

/* ---- pagp.c ---- */
const struct pagp_port *pagp_find_const(const struct pagp *pagp, uint16_t number);
void pagp_event(const struct pagp_port *port, enum pagp_event_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Whether one more event is permitted now; notes it. */
bool limit_permits(struct limit *limit, unsigned int n, uint64_t now_ms);
/* From when on the next one is permitted. */
uint64_t limit_end_ms(const struct limit *limit, unsigned int n);

static inline uint64_t timeout_of(uint8_t flags)
{
	return flags & PAGP_SLOW_HELLO ? TIMEOUT_SLOW_MS : TIMEOUT_FAST_MS;
}

static inline bool same_partner(const struct pagp_side *a, const struct pagp_side *b)
{
	for (int i = 0; i < 6; i++)
		if (a->device[i] != b->device[i])
			return false;
	return a->capability == b->capability;
}

/* ---- run.c ---- */
/* The local side as it is announced now. */
struct pagp_side pagp_actor(const struct pagp_port *port);
struct pagp_pdu pagp_make_pdu(const struct pagp_port *port, uint64_t now_ms);
/* Whether PAgP may be sent: auto only answers a partner that is not auto, too. */
bool pagp_may_send(const struct pagp_port *port);
/* The partner receives this port. */
bool pagp_is_seen(const struct pagp_port *port);
bool pagp_is_crowded(const struct pagp_port *port, uint64_t now_ms);
bool pagp_is_loop(const struct pagp_port *port, uint64_t now_ms);
/* A partner that aggregates other ports than this one, or this one elsewhere. */
bool pagp_is_elsewhere(const struct pagp_port *port);

/* ---- explain.c ---- */
/* 1: the port is out of the channel; 0: it is in. */
int pagp_explain(const struct pagp_port *port, uint64_t now_ms, char *text, size_t size);
void pagp_update_findings(struct pagp_port *port, uint64_t now_ms);
/* When a finding has lasted long enough to be reported; PAGP_NEVER: none waits. */
uint64_t pagp_findings_due_ms(const struct pagp_port *port);

#endif
