/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* PAgP of a switch's uplinks as records, and the remedies of its findings. */
#ifndef UL_RECORDS_PAGP_RECORDS_H
#define UL_RECORDS_PAGP_RECORDS_H

#include <jansson.h>

#include "records/snapshot.h"

/* New object {switch, channel, daemon_alive, uplinks}; NULL when out of memory. uplinks has an
 * object per uplink on a switch with PAgP, else none. */
json_t *record_pagp_switch(const struct snapshot *snapshot);

/* Findings: bits of ul_pagp_port.findings. NULL: no such finding. */
const char *pagp_finding_remedy(unsigned int finding);

#endif
