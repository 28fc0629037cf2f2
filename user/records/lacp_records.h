/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* LACP of a switch's uplinks as records, and the texts of its findings. */
#ifndef UL_RECORDS_LACP_RECORDS_H
#define UL_RECORDS_LACP_RECORDS_H

#include <jansson.h>

#include "records/snapshot.h"

/* New array, NULL when out of memory: an object per uplink on a switch with LACP; otherwise one per
 * uplink with a neighbour or a finding. */
json_t *record_lacp(const struct snapshot *snapshot);
/*
 * New object {switch, channel, daemon_alive, headless_ms (lacp_headless_ms()),
 * headless_without_xdp: names of uplinks, uplinks: record_lacp()}.
 */
json_t *record_lacp_switch(const struct snapshot *snapshot);
/* True when record_lacp() has an object for this uplink; objects are in the order of the uplinks.
 */
bool has_lacp_record(const struct snapshot *snapshot, uint32_t uplink);

/* The switch port as LLDP, CDP or PAgP describe it; null: nothing was received. */
json_t *record_neighbour(const struct ul_neighbour *neighbour, uint64_t now_ms);

/* Findings: bits of ul_lacp_port.findings. NULL: no such finding. */
const char *lacp_finding_name(unsigned int finding);
const char *lacp_finding_remedy(unsigned int finding, enum ul_channel channel);
/* One sentence; returns text. */
const char *lacp_finding_text(const struct ul_lacp_port *port, unsigned int finding,
			      enum ul_channel channel, char *text, size_t size);
#define LACP_FINDING_TEXT_LEN 300

/* How much longer the data plane answers LACPDUs for a stopped daemon, in ms; 0: it does not.
 * *ret_without_xdp (NULL allowed): members of the channel on which it cannot answer, because no XDP
 * program is attached; bit i: uplink i. */
uint64_t lacp_headless_ms(const struct snapshot *snapshot, uint32_t *ret_without_xdp);

#endif
