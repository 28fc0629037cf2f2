/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Verdicts: what the checks and look-ups of a program return. A program maps the verdict to its own
 * return value at one exit, which also counts the reason at the endpoint where the frame came in.
 */
#ifndef UL_VERDICT_BPF_H
#define UL_VERDICT_BPF_H

#include "reasons.h"

enum ul_verdict {
	UL_OK,	    /* no objection so far; the reason has no meaning */
	UL_PASS_UP, /* to the stack of the host, or from XDP to uplink_tc */
	UL_DELIVER, /* redirect to one endpoint */
	UL_FLOOD,   /* copies to members of the VLAN; the frame itself ends here */
	UL_ANSWER,  /* back out of the interface where it came in (XDP_TX) */
	UL_DROP,
};

struct decision {
	enum ul_verdict verdict;
	enum ul_reason reason;
};

static __always_inline struct decision decide(enum ul_verdict verdict, enum ul_reason reason)
{
	return (struct decision){ verdict, reason };
}

static __always_inline struct decision ok(void)
{
	return decide(UL_OK, UL_R_SENT);
}

static __always_inline struct decision drop(enum ul_reason reason)
{
	return decide(UL_DROP, reason);
}

#endif
