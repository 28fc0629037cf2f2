/* SPDX-License-Identifier: GPL-2.0 */
/* LACP of the uplinks in words: for `show lacp` and for the problems of `status`. */
#ifndef UL_CTL_LACP_H
#define UL_CTL_LACP_H

#include <jansson.h>

#include "ctl/snapshot.h"

/* New array: an object per uplink of a switch with LACP; of others, per uplink where anything is
 * heard. NULL: no memory. */
json_t *record_lacp(const struct snapshot *snapshot);

/* Findings: bits of ul_lacp_port.findings. NULL: no such finding. */
const char *lacp_finding_name(unsigned int finding);
const char *lacp_finding_remedy(unsigned int finding, enum ul_channel channel);
/* One sentence; returns text. */
const char *lacp_finding_text(const struct ul_lacp_port *port, unsigned int finding,
			      enum ul_channel channel, char *text, size_t size);
#define LACP_FINDING_TEXT_LEN 300

/* How long the programs will go on to answer LACPDUs for a daemon that is away, in ms; 0: not, or
 * not any more. *ret_without_xdp (NULL allowed): members of the channel that they cannot answer on,
 * because uplink_xdp is not there; bit i: uplink i. */
uint64_t lacp_headless_ms(const struct snapshot *snapshot, uint32_t *ret_without_xdp);

#endif
