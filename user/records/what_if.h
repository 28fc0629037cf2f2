/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Where the transmitted load would go without some uplinks, or with another load balancing.
 *
 * The replacement of a bucket is computed by the function of the programs (flow_hash.h), so which
 * buckets move is exact. The programs count bytes by uplink and by port, not by bucket:
 *
 *   method by port (port-id, failover-order, src-mac)   the load of each port is measured: exact,
 *                                                       except src-mac of ports with several
 * addresses method by flow                                      the load of an uplink is measured
 * and is taken as equal on all of its buckets: an estimate
 *
 * The receive direction is the choice of the physical switch and is not part of this.
 */
#ifndef UL_RECORDS_WHAT_IF_H
#define UL_RECORDS_WHAT_IF_H

#include <jansson.h>

#include "common/errors.h"
#include "records/snapshot.h"

struct what_if_query {
	uint32_t without; /* bit i: uplink i is taken away */
	bool has_method;
	enum ul_method method; /* instead of that of all policies */
};

/*
 * New object {switch, interval_ms, certainty, without, load_balancing (null: unchanged), uplinks:
 * [{uplink, speed_mbps, removed, now_bps, then_bps, use (of the speed, null: not known), exceeds}],
 * moves: [{from, to (null: dropped), buckets, ports (a list of names), bps, certainty}]}; NULL when
 * out of memory. before: an earlier snapshot of the same switch.
 */
json_t *record_what_if(const struct snapshot *now, const struct snapshot *before,
		       const struct what_if_query *query);

/* ---- the query as text ---- */
/* Whether the first uplink of the list "UPLINK,..." is one of this switch. */
bool what_if_has_uplink(const struct snapshot *snapshot, const char *list);
/* Both: 0, or -EINVAL with a message. */
int what_if_parse_without(const struct snapshot *snapshot, const char *list, uint32_t *ret,
			  struct errors *errors);
int what_if_parse_method(const struct snapshot *snapshot, const char *name,
			 struct what_if_query *query, struct errors *errors);

#endif
