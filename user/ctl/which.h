/* SPDX-License-Identifier: GPL-2.0 */
/* Which uplink a pair of addresses uses: the same arithmetic as the programs (flow_hash.h), on the
 * same bucket table. */
#ifndef UL_CTL_WHICH_H
#define UL_CTL_WHICH_H

#include <jansson.h>

#include "ctl/snapshot.h"
#include "flow_hash.h"

/* What was asked, as text. destination, source_port, destination_port: NULL when not given. */
struct which_query {
	const char *group, *source, *destination, *source_port, *destination_port;
};

struct which_answer {
	uint32_t group, method;
	uint32_t hash, bucket, buckets;
	uint32_t home;	 /* uplink index: whose bucket it is; UL_NO_UPLINK: the policy has no uplink
			    at all */
	uint32_t uplink; /* who serves it now; UL_NO_UPLINK: nobody, the frame is dropped */
	char reason[256];
};

/* 0, or -EINVAL with what is wrong, and what is needed, in *ret_problem (to be freed). */
int which_find(const struct snapshot *snapshot, const struct which_query *query,
	       struct which_answer *ret, char **ret_problem);

/* {"switch","group","hash","bucket","buckets","uplink","ifindex","reason", ...} */
json_t *which_record(const struct snapshot *snapshot, const struct which_query *query,
		     const struct which_answer *answer);

/* Two addresses of one family, as text, into a flow: 0 or -EINVAL. MAC addresses: a frame without
 * IP. */
int flow_parse(const char *source, const char *destination, struct ul_flow *ret);

#endif
