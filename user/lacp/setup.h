/* SPDX-License-Identifier: GPL-2.0 */
/* How the switch port at the other end is set up, as far as what it says betrays it: LACP where no
 * LACP runs here, and PAgP. The protocol core finds out the rest (enum lacp_finding). Pure. */
#ifndef UL_LACP_SETUP_H
#define UL_LACP_SETUP_H

#include "abi.h"
#include "lacp/lacp.h"

#define SETUP_SILENT_MS \
	100000 /* LACP and PAgP speak at least every 30 s; after three times that it is over */

struct setup {
	uint64_t lacp_ms; /* of the last LACPDU that nobody here takes; 0: none */
	uint64_t lacpdus;
	struct lacp_info partner;
	uint32_t told; /* bit n: enum ul_setup_finding n */
};

/* A slow protocol frame on a switch without channel: lacp. 0, or -EBADMSG: no LACPDU. */
int setup_receive(struct setup *setup, const uint8_t *frame, size_t length, uint64_t now_ms);
/* Bits of the findings that are true now. */
uint32_t setup_findings(const struct setup *setup, const struct ul_neighbour *neighbour,
			enum ul_channel channel, uint64_t now_ms);
/* One sentence. */
void setup_describe(const struct setup *setup, const struct ul_neighbour *neighbour,
		    enum ul_channel channel, enum ul_setup_finding finding, char *text,
		    size_t size);
const char *setup_finding_name(unsigned int finding); /* NULL: none of enum ul_setup_finding */

#endif
