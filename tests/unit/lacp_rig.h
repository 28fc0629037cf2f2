/* SPDX-License-Identifier: GPL-2.0 */
/* A channel in a stopped clock. Everything that it does is logged in order; a partner is a struct
 * lacp_info per port that the test holds, or another rig at the other end of the wires. */
#ifndef UL_TESTS_LACP_RIG_H
#define UL_TESTS_LACP_RIG_H

#include "common/util.h"
#include "lacp/lacp.h"
#include "lacp/pdu.h"
#include "lacp/port.h"

#define T0 1000000ULL /* where the clock stands at first */
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
	struct log_entry log[1024]; /* the newest; older ones are forgotten when it is full */
	size_t n_log;
	bool collecting[64], distributing[64]; /* by port: as the data plane was told */
	struct lacp_info partner[64];	       /* by port: what rig_hear() speaks as */
	struct rig *peer;		       /* port n is wired to its port n, unless ... */
	bool cut[64];			       /* ... nothing passes */
	struct wire_frame inbox[64];
	size_t n_inbox;
};

extern const uint8_t rig_system[6];	       /* ours */
extern const uint8_t switch_a[6], switch_b[6]; /* partners; lower and higher than ours */

/* Active, slow, coupled, stable, key 1, system priority 65535. */
struct lacp_config rig_config(void);
void rig_init(struct rig *rig, const struct lacp_config *config); /* without ports */
void rig_done(struct rig *rig);
/* Adds a port of this number, priority 255; its partner is switch_a, key 7, the same number. */
void rig_add(struct rig *rig, uint16_t number);
void rig_open(struct rig *rig, const struct lacp_config *config, uint16_t n_ports); /* init,
										       ports 1..n,
										       links up, not
										       yet run */
void rig_link(struct rig *rig, uint16_t port, bool up); /* 10 Gbit/s, full duplex */
void rig_run(struct rig *rig);				/* now */
/* Runs whenever a wakeup is due, until the clock stands ms later. */
void rig_pass(struct rig *rig, uint64_t ms);

/* An LACPDU of the port's partner with this state, that describes us rightly; view: or so. Then
 * lacp_run(). */
void rig_hear(struct rig *rig, uint16_t port, uint8_t state);
void rig_hear_view(struct rig *rig, uint16_t port, uint8_t state, const struct lacp_info *view);
int rig_receive(struct rig *rig, uint16_t port, const uint8_t *frame, size_t length); /* any frame;
											 without
											 lacp_run()
										       */
/* Brings ports 1..n to collecting and distributing with their partners, log emptied. Partner state
 * is UP | timeout bit. */
void rig_join(struct rig *rig, uint16_t n_ports, uint8_t timeout);
/* Passes time while each partner sends an LACPDU of this state every interval_ms. */
void rig_pass_hearing(struct rig *rig, uint64_t ms, uint64_t interval_ms, uint16_t n_ports,
		      uint8_t state);

struct lacp_port_info rig_info(struct rig *rig, uint16_t port);
const char *rig_why(struct rig *rig, uint16_t port); /* lacp_explain(); valid until the next call */
void rig_forget(struct rig *rig);		     /* empties the log */
size_t rig_sent(const struct rig *rig, uint16_t port);		/* LACPDUs in the log */
struct lacp_pdu rig_last(const struct rig *rig, uint16_t port); /* the newest of them; aborts
								   without one */
const struct log_entry *rig_event(const struct rig *rig, uint16_t port,
				  enum lacp_event_kind kind); /* the newest or NULL */
size_t rig_events(const struct rig *rig, uint16_t port, enum lacp_event_kind kind);

/* Two rigs, ports 1..n wired; both clocks go together and frames take no time. */
void pair_wire(struct rig *a, struct rig *b);
void pair_run(struct rig *a, struct rig *b);
void pair_pass(struct rig *a, struct rig *b, uint64_t ms);

/* Random numbers that a seed repeats (splitmix64). */
uint64_t random_next(uint64_t *seed);
static inline uint32_t random_below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)(random_next(seed) % n);
}

#endif
