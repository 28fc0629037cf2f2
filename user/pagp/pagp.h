/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The Port Aggregation Protocol (PAgP) of one channel, without sockets, clocks or globals.
 *
 * PAgP has no published standard. The frame layout, the states and the timeouts are those of public
 * descriptions; where they are silent, this actor takes the choice that cannot form a loop or send
 * into a link that the partner has not aggregated. docs/pagp.md lists both.
 *
 * Inputs are frames, carrier and time; outputs are frames, data plane changes and events, through
 * callbacks. Time is any monotonic clock in milliseconds. Ports are named by a number (1-255),
 * which is also the ifIndex that the partner sees; the caller keeps it stable over restarts and
 * hot-plug.
 *
 * Inputs (pagp_receive, pagp_port_*, pagp_configure) are recorded at once. Their consequences
 * follow in the next pagp_run(), which therefore evaluates all inputs of one moment together. The
 * loop of the caller:
 *
 *	pagp_receive() for all waiting frames, pagp_port_set_link() for all link changes,
 *	pagp_run(now), sleep until pagp_next_wakeup()
 *
 * After the process itself has slept, waiting frames come before pagp_run(), so that a partner that
 * kept transmitting does not expire. After a restart all pagp_restore() and all
 * pagp_port_set_link() come before the first pagp_run().
 *
 * Callbacks must not call into the same channel. Memory is allocated by pagp_new() only.
 *
 * Owner: channel/, one instance per switch with `channel: pagp`. Life cycle: pagp_new(),
 * pagp_port_add() per uplink, inputs and pagp_run(), pagp_free(), which sends nothing. Files: pdu.c
 * wire format, pagp.c life cycle and inputs, run.c aggregation, data plane and transmission,
 * explain.c reasons, findings and names, record.c the record that outlives the daemon. Tests:
 * tests/unit/pagp_*.c, tests/netns/test_pagp.py, tests/fuzz/pagp_fuzz.c.
 */
#ifndef UL_PAGP_PAGP_H
#define UL_PAGP_PAGP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pagp_abi.h"

#define PAGP_MAX_PORTS 24
#define PAGP_NEVER UINT64_MAX
#define PAGP_TEXT_LEN 256
#define PAGP_NAME_LEN 32
#define PAGP_MAX_FRAME 160 /* bytes of the longest frame that is sent, but for returned flushes */

/* The ifIndex of the aggregation port, above those of all ports. */
#define PAGP_GROUP 256
/* What Cisco's switches announce; only equality within one device has a meaning. */
#define PAGP_CAPABILITY 0x00010001
#define PAGP_PRIORITY 128

/* pagpPortState of CISCO-PAGP-MIB, with its values. dataReceived(3) and upMult(8) do not occur: no
 * data frames are inspected, and a link with several devices is not used. */
enum pagp_state {
	PAGP_PORT_DOWN = 1,
	PAGP_PORT_UP = 2,
	PAGP_UP_DATA = 4, /* in use without PAgP, by fallback: individual */
	PAGP_RECEIVED = 5,
	PAGP_BIDIRECTIONAL = 6, /* the partner has received this port, too */
	PAGP_UP_PAGP = 7,	/* in the aggregation */
	PAGP_N_STATES,
};

/* What a device distinguishes when it learns addresses, and therefore demands of its partner. */
enum pagp_learn {
	PAGP_LEARN_PHYSICAL = 1,    /* a source address must keep to one physical port */
	PAGP_LEARN_AGGREGATION = 2, /* frames may take any port of the aggregation */
};

enum pagp_event_kind {
	PAGP_EVENT_STATE,    /* "old -> new" */
	PAGP_EVENT_PARTNER,  /* another partner than before */
	PAGP_EVENT_REJECTED, /* malformed PDUs: the first one, then at most one event in 10 s */
	PAGP_EVENT_FINDING,  /* a problem with the partner or the cabling begins ... */
	PAGP_EVENT_CLEARED,  /* ... and ends */
	PAGP_N_EVENTS,
};

/* bit numbers of struct pagp_port_info.findings */
enum pagp_finding {
	PAGP_FIND_AUTO,		/* auto at both ends, or a silent partner: PAgP never starts */
	PAGP_FIND_SILENT,	/* desirable, but no PAgP arrives */
	PAGP_FIND_TWO_PARTNERS, /* another device, capability or group than the selected one */
	PAGP_FIND_MANY_DEVICES, /* more than one device or port is received on a link */
	PAGP_FIND_LOOPBACK,	/* PDUs with the own device id */
	PAGP_FIND_LEARNER,	/* the partner learns by physical port: one port sends for all */
	PAGP_N_FINDINGS,
};

struct pagp_config {
	uint8_t device[6];
	char name[PAGP_NAME_LEN]; /* of the device, for the partner's operator */
	bool auto_mode;		  /* only answers a partner; false: desirable */
	enum pagp_fallback fallback;
	/* frames of a source address keep to one port, so a physical learner permits all ports */
	bool source_based;
};

struct pagp_port_config {
	uint16_t number; /* 1-255 */
	uint8_t mac[6];	 /* source address of sent frames */
	char name[PAGP_NAME_LEN];
};

struct pagp_callbacks {
	/* Transmits one frame. */
	void (*send)(void *userdata, uint16_t port, const uint8_t *frame, size_t length);
	/* Changes the data plane, before the PDU that announces the change is sent. Called for each
	 * port in its first pagp_run(). */
	void (*changed)(void *userdata, uint16_t port, bool collecting, bool distributing);
	/* An event for the operator. The text does not contain the port's name and is valid during
	 * the call only. */
	void (*event)(void *userdata, uint16_t port, enum pagp_event_kind kind, const char *text);
	void *userdata;
};

struct pagp;

/* All callbacks must be set. NULL: out of memory. */
struct pagp *pagp_new(const struct pagp_config *config, const struct pagp_callbacks *callbacks);
/* NULL allowed. Sends nothing, so that the partner keeps the links over a restart. */
void pagp_free(struct pagp *pagp);
/* Applies new settings at run time. */
void pagp_configure(struct pagp *pagp, const struct pagp_config *config);

/* 0, -EEXIST, -ENOSPC or -EINVAL (number). The link is down until pagp_port_set_link(). */
int pagp_port_add(struct pagp *pagp, const struct pagp_port_config *config);
/* The port is config->number. 0 or -ENOENT. */
int pagp_port_configure(struct pagp *pagp, const struct pagp_port_config *config);
/* Stops the data plane, announces that the port is not aggregated, and removes it. 0 or -ENOENT. */
int pagp_port_remove(struct pagp *pagp, uint16_t port, uint64_t now_ms);

/*
 * enabled: administratively up and carrier. speed_mbps 0: unknown; full_duplex is then ignored,
 * because virtual NICs report neither. 0 or -ENOENT.
 */
int pagp_port_set_link(struct pagp *pagp, uint16_t port, bool enabled, uint32_t speed_mbps,
		       bool full_duplex, uint64_t now_ms);
/*
 * Maintenance: stops distributing, announces that the port is not aggregated, and keeps collecting
 * until the partner has confirmed it (at most PAGP_DRAIN_MS). 0 or -ENOENT.
 */
int pagp_port_set_drained(struct pagp *pagp, uint16_t port, bool drained, uint64_t now_ms);
#define PAGP_DRAIN_MS 1000

/*
 * One received frame from its destination address on. 0: processed; -EBADMSG: malformed;
 * -EPROTONOSUPPORT: not PAgP; -ENETDOWN: the last known link state is down, the caller reads the
 * carrier again; -EBUSY: above the limit of ten differing information PDUs or five flush PDUs per
 * second; -ENOENT: no such port.
 */
int pagp_receive(struct pagp *pagp, uint16_t port, const uint8_t *frame, size_t length,
		 uint64_t now_ms);

void pagp_run(struct pagp *pagp, uint64_t now_ms);
/* When pagp_run() is due. 0: at once; PAGP_NEVER: no timer runs. */
uint64_t pagp_next_wakeup(const struct pagp *pagp);

/* The record of a port, for display and for a later pagp_restore(). 0 or -ENOENT. */
int pagp_record(const struct pagp *pagp, uint16_t port, uint64_t now_ms, struct ul_pagp_port *ret);
/*
 * Resumes from a record when the next pagp_port_set_link() reports the link as up (down: the record
 * is dropped). 0; -ESTALE: the port was not in the aggregation, or the partner has expired it since
 * its last PDU; -EINVAL: another version of the record, another actor, or half written; -ENOENT.
 * After an error the port joins like a new one.
 */
int pagp_restore(struct pagp *pagp, uint16_t port, const struct ul_pagp_port *record,
		 uint64_t now_ms);

/* Names of the enums' values, as in JSON and in events. */
enum pagp_table {
	PAGP_NAMES_STATE,
	PAGP_NAMES_EVENT,
	PAGP_NAMES_FINDING,
	PAGP_N_NAMES,
};
const char *pagp_name(enum pagp_table table, unsigned int value); /* NULL: no such value */

#endif
