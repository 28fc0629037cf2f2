/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Findings: what is wrong with a switch, from its maps and counters. */
#ifndef UL_RECORDS_FINDINGS_H
#define UL_RECORDS_FINDINGS_H

#include <jansson.h>

#include "records/snapshot.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE, N_SEVERITIES };

/*
 * New array of {"switch", "severity", "code", "object", "message", "remedy", "certainty",
 * "evidence" (a list of sentences), "meaning", "switch_remedy", "decides" (null: none)}, errors
 * first. before: an earlier snapshot of the same switch, by which increasing counters are
 * recognised; NULL: all counters are reported as past.
 */
json_t *findings_find(const struct snapshot *now, const struct snapshot *before);

/* How long after this snapshot a second one is to be taken for findings_find(), which shows whether
 * counters still increase; 0: none is needed. */
uint32_t findings_interval_ms(const struct snapshot *now);

#endif
