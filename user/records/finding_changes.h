/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Which findings begin and end, from one evaluation to the next. A finding is raised at once, and
 * cleared when it was absent or less severe for FINDING_CLEAR_MS, so that a counter that increases
 * now and then does not flap. Pure: the caller has the clock and the findings.
 *
 * Tests: tests/unit/records_finding_changes.c.
 */
#ifndef UL_RECORDS_FINDING_CHANGES_H
#define UL_RECORDS_FINDING_CHANGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define FINDING_CLEAR_MS 30000
/* More findings of one code that begin or end together are one change. */
#define FINDING_FOLD 8
#define FINDING_FOLD_OBJECTS 100 /* that the details of such a change list */

struct finding_changes {
	json_t *open; /* key -> {"finding", "severity", "seen_ms"} */
};

struct finding_change {
	bool raised; /* false: cleared */
	const char *switch_name, *object;
	const char *text; /* "SEVERITY CODE: MESSAGE" */
	json_t *details;  /* the evidence, or the objects of a folded change: a list of sentences */
};

/* 0 or -ENOMEM. */
int finding_changes_init(struct finding_changes *changes);
void finding_changes_done(struct finding_changes *changes);

/* findings: of all switches (findings.h), borrowed; on_change is called for each change. */
void finding_changes_update(struct finding_changes *changes, json_t *findings, uint64_t now_ms,
			    void (*on_change)(void *userdata, const struct finding_change *change),
			    void *userdata);

#endif
