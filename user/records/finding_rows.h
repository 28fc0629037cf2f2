/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The table of findings: one row per code. A code is a promise to scripts and is never reused. */
#ifndef UL_RECORDS_FINDING_ROWS_H
#define UL_RECORDS_FINDING_ROWS_H

#include <stddef.h>

/* PROVEN: the evidence admits no other cause. LIKELY: another cause is possible; the row has the
 * test that decides. */
enum certainty { CERTAINTY_PROVEN, CERTAINTY_LIKELY, N_CERTAINTIES };

struct finding_row {
	const char *code;
	enum certainty certainty;
	const char *meaning;
	const char *on_switch; /* what to do on the physical switch; NULL: nothing */
	const char *decides;   /* CERTAINTY_LIKELY only: the test that decides */
};

/* NULL: there is no such code. */
const struct finding_row *finding_row(const char *code);
const struct finding_row *finding_rows(size_t *ret_n);

#endif
