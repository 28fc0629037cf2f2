/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* What the files of findings share; only they include it. */
#ifndef UL_RECORDS_FINDINGS_INTERNAL_H
#define UL_RECORDS_FINDINGS_INTERNAL_H

#include "records/findings.h"
#include "records/neighbours.h"

struct finder {
	const struct snapshot *now, *before; /* now NULL: findings about the daemon */
	json_t *found[N_SEVERITIES];
	json_t *last; /* the one reported last; borrowed */
};

void finder_init(struct finder *finder, const struct snapshot *now, const struct snapshot *before);
/* The findings, errors first; frees what the finder has. New array. */
json_t *finder_finish(struct finder *finder);

/* code: of a row of finding_rows.c. */
void finding_report(struct finder *finder, enum severity severity, const char *code,
		    const char *object, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* Adds a sentence to the evidence of the finding that was reported last. */
void finding_evidence(struct finder *finder, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Frames since the earlier snapshot; 0 when a counter was reset. */
static inline uint64_t growth(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* ---- findings.c ---- */
/* How LACP or PAgP regards an uplink. */
struct channel_membership {
	const char *protocol, *command, *reason; /* command: that shows more */
	bool known;				 /* the protocol runs on the uplink */
	bool out;				 /* of the channel, for this reason */
	bool explained;				 /* a finding has the reason */
};

/* An uplink with carrier that the protocol or the up-delay keeps out, with the reason. */
void find_out_of_channel(struct finder *finder, const struct uplink_view *uplink,
			 const struct channel_membership *membership);

/* ---- pagp_findings.c ---- */
void find_pagp(struct finder *finder);

/* ---- counter_findings.c ---- */
void find_all_counters(struct finder *finder);

/* ---- channel_findings.c ---- */
/* A member that receives nothing while others do. */
void find_silent(struct finder *finder);
/* Members of different speed, or with different neighbours. */
void find_unequal_members(struct finder *finder);
/* Frames that all members must have received and an uplink must have sent in the interval, before
 * silence is a finding. */
#define SILENT_MIN_FRAMES 20

/* Without a channel: the switch sends as if there were one. */
void find_peer_channel(struct finder *finder);

/* A member of a channel that sends much more than the others. */
void find_imbalance(struct finder *finder);

/* ---- neighbour_findings.c ---- */
/* Native VLANs and duplex. */
void find_neighbour_facts(struct finder *finder);
/* Adds to a finding about the kind of the channel what switches of this vendor call it. */
void explain_vendor(struct finder *finder, json_t *finding);

/* ---- address_findings.c ---- */
/* Frames from outside with an own address, on an uplink of a channel. */
void find_reflections(struct finder *finder, uint32_t index);
/* Learned addresses that are active outside. */
void find_addresses(struct finder *finder);
/* A port with more source addresses than it may have. */
void find_muted(struct finder *finder, uint32_t slot);

#endif
