/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The sockets of `uplinkctl diagnose --probe`. */
#ifndef UL_CTL_PROBE_H
#define UL_CTL_PROBE_H

#include "ctl/ctl.h"

/*
 * Prints on ctl->err what is going to be sent on which uplinks, sends it, and appends the findings.
 * At most 100 frames are sent per second. addresses: of --address, NULL: none. Returns an exit
 * status; an error has been printed. Needs CAP_NET_RAW.
 */
int probe_run(struct ctl *ctl, const struct snapshot *snapshot, const char *addresses,
	      json_t *findings);

#endif
