/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Findings about uplinkd itself: the configuration in force, and rounds of its loop that take long.
 */
#ifndef UL_RECORDS_DAEMON_FINDINGS_H
#define UL_RECORDS_DAEMON_FINDINGS_H

#include <jansson.h>

/* A round of the daemon's loop of this length is a finding. Adding thousands of ports takes less.
 */
#define LOOP_STALL_US 5000000

/* New array as of findings_find(), with "switch": null. daemon: reply of io.uplinkd.Status; NULL:
 * the daemon does not answer, and the array is empty. Members that are missing or of another type
 * are ignored, and so are problems whose code has no row. */
json_t *daemon_findings(json_t *daemon);

#endif
