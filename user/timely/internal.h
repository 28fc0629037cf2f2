/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The state of timely/, for its own files and their tests. */
#ifndef UL_TIMELY_INTERNAL_H
#define UL_TIMELY_INTERNAL_H

#include "context/context.h"
#include "dataplane/records.h"
#include "port/notifier.h"
#include "teaming/uplink_state.h"
#include "timely/command.h"
#include "timely/timely.h"

/* ---- a switch, as the timely side has it ---- */
/* The interface of an uplink. */
struct member {
	struct timely_link link; /* ifindex 0: none */
	uint64_t reported_ms;	 /* time of the last event of this uplink */
};

struct timely_switch {
	uint32_t id;
	/* Of this side alone: cfg has only the settings of TIMELY_ORDER, and there are neither an
	 * event loop nor a link monitor. */
	struct switch_context context;
	struct switch_cfg cfg;
	struct errors errors;
	struct dataplane dp;
	/* During an exchange: the set whose programs the links still run. Flags are written to
	 * both sets, and policies, too, as long as their slots and indexes are the same. */
	struct dataplane former;
	bool has_former, former_policies;
	uint8_t former_index[UL_MAX_UPLINKS]; /* index -> index in the former set */

	struct teaming_state *teaming;
	struct channel *channel;
	struct notifier *notifier;
	struct member member[UL_MAX_UPLINKS];
	uint64_t carriers_due_ms;
	bool started;				     /* TIMELY_START was executed */
	struct timely_uplink_statistics *statistics; /* of the worker's, by index */
	/* where reports go */
	void (*report)(void *userdata, const struct timely_report *report);
	void *userdata;
};

/* ---- switch.c ---- */
/* 0 or negative errno with a reason in answer. */
int timely_switch_new(const struct timely_set *set, uint32_t id,
		      void (*report)(void *userdata, const struct timely_report *report),
		      void *userdata, struct timely_answer *answer, struct timely_switch **ret);
void timely_switch_free(struct timely_switch *sw);
/* All kinds but OPEN, CLOSE and STOP. */
void timely_switch_execute(struct timely_switch *sw, const struct timely_command *command,
			   struct timely_answer *answer);
/* Whatever is due at now_ms. readable: a socket of the channel is. */
void timely_switch_run(struct timely_switch *sw, uint64_t now_ms, bool readable);
/* When to run next; UINT64_MAX: never. */
uint64_t timely_switch_next_ms(const struct timely_switch *sw);

/* ---- publish.c: between the decisions of teaming/ and everything else ---- */
extern const struct channel_callbacks publish_channel_callbacks; /* userdata: the switch */

/* Runs teaming and writes its outputs: flags, policies, events, announcements. */
void publish(struct timely_switch *sw);
/* Writes the policies that changed without a run: after a renumbering, before groups refer to a
 * slot, after slots were freed. */
void publish_policies(struct timely_switch *sw);
/* Policies accept frames from the old and the new indexes until publish_policies(). Call it after
 * teaming_renumber() and before the records of the uplinks move. */
void publish_both_orders(struct timely_switch *sw);
/* What channel/ has counted to statistics. */
void publish_gaps(struct timely_switch *sw);
/* Flags and policies of the set in context.dp, which is a copy of the former one. */
void publish_all(struct timely_switch *sw);
/* The interface is about to be detached: no program sends there when this returns. */
void publish_detached(struct timely_switch *sw, uint32_t index);
/* The link of an uplink, which is an input only. Returns whether it changed. */
bool publish_link(struct timely_switch *sw, uint32_t index, bool carrier, bool admin_up);

/* ---- carriers.c ---- */
/* Reads all carriers if that is due, and acts on changes. */
void carriers_run(struct timely_switch *sw, uint64_t now_ms);
uint64_t carriers_next_ms(const struct timely_switch *sw);
/* Reads the carrier of one uplink into its member. Returns whether it can be read. */
bool carriers_refresh(struct timely_switch *sw, uint32_t index);

/* ---- sandbox.c ---- */
/*
 * Restricts the calling thread to the system calls that never wait for more than memory. A call
 * that is missing in the list fails with EPERM; with UPLINKD_SANDBOX=kill in the environment, as in
 * the tests, it ends the process. 0 or negative errno.
 */
int sandbox_enter(void);

#endif
