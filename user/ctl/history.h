/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The history, for `history` and `support-bundle`. */
#ifndef UL_CTL_HISTORY_H
#define UL_CTL_HISTORY_H

#include "ctl/ctl.h"

/* Whether a daemon listens on the socket; also true when it refuses this user. */
bool ctl_daemon_runs(const struct ctl *ctl);

/* All records, the oldest first (history/history.h), and the number of damaged ones. Returns an
 * exit status; an error has been printed. */
int ctl_read_history(struct ctl *ctl, json_t **ret, json_int_t *ret_damaged);

#endif
