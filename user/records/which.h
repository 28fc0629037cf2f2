/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The uplink of a pair of addresses, by the code of the programs (flow_hash.h) on the same bucket
 * table. */
#ifndef UL_RECORDS_WHICH_H
#define UL_RECORDS_WHICH_H

#include <jansson.h>

#include "common/errors.h"
#include "flow_hash.h"
#include "records/snapshot.h"

/* The arguments, as text. destination, source_port, destination_port: NULL when not given. */
struct which_query {
	const char *group, *source, *destination, *source_port, *destination_port;
};

struct which_answer {
	uint32_t group, method;
	uint32_t hash, bucket, buckets;
	/* index of the home uplink of the bucket; UL_NO_UPLINK: the policy has no uplink */
	uint32_t home;
	/* index of the uplink that serves it now; UL_NO_UPLINK: none, the frame is dropped */
	uint32_t uplink;
	char reason[256];
};

/* 0, or -EINVAL: the query does not fit the group's load balancing; the reason is appended to
 * errors. */
int which_find(const struct snapshot *snapshot, const struct which_query *query,
	       struct which_answer *ret, struct errors *errors);

/* {"switch","group","hash","bucket","buckets","uplink","ifindex","reason", ...} */
json_t *which_record(const struct snapshot *snapshot, const struct which_query *query,
		     const struct which_answer *answer);

/* Parses two addresses of one family; two MAC addresses make a frame without IP. 0 or -EINVAL. */
int flow_parse(const char *source, const char *destination, struct ul_flow *ret);

#endif
