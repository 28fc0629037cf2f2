/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The situations of findings. A case is a situation that provokes a code and one that differs by
 * one fact, in which the code must not be reported. Each list runs its own cases;
 * records_diagnosis.c fails for a code of finding_rows.c without a case.
 */
#ifndef TESTS_UNIT_FINDING_CASES_H
#define TESTS_UNIT_FINDING_CASES_H

#include <stdbool.h>
#include <stddef.h>

/* The code of case i; NULL: there are no further ones. */
typedef const char *finding_case_code(size_t i);

/* From maps to findings, and the reply of the daemon to findings: records_diagnosis.c. */
finding_case_code diagnosis_case, daemon_case;
/* From the answers to a probe: records_probe.c. */
finding_case_code probe_case;
/* From the output of the physical switch: records_switch_output.c. */
finding_case_code switch_output_case;
/* From received frames to the LACP record, in addition to diagnosis_case: lacp_situations.c. */
finding_case_code lacp_case;

#endif
