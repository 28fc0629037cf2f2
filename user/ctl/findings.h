/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Findings as text, for `status` and `diagnose`. */
#ifndef UL_CTL_FINDINGS_H
#define UL_CTL_FINDINGS_H

#include "ctl/ctl.h"
#include "records/findings.h"

enum severity finding_severity(json_t *finding);
/* Number of findings of a severity. */
size_t findings_count(json_t *findings, enum severity severity);

/* "vswitch0: 1 error, 2 warnings", or that there is none. */
void print_findings_title(struct ctl *ctl, const char *name, json_t *findings);
/* Marker, message and remedy. Lines are wrapped on a terminal. */
void print_finding(struct ctl *ctl, json_t *finding);

/* All of it: code, certainty, evidence, meaning and the remedies. */
void print_finding_in_full(struct ctl *ctl, json_t *finding);

/* How much of the findings is printed. */
struct findings_fold {
	bool same_code; /* several of one code as one line */
	bool no_notes;	/* only their number */
	int max;	/* findings; 0: all */
};

void print_findings(struct ctl *ctl, json_t *findings, const struct findings_fold *fold);

#endif
