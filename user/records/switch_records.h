/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* A switch in one record, as `status` shows it. */
#ifndef UL_RECORDS_SWITCH_RECORDS_H
#define UL_RECORDS_SWITCH_RECORDS_H

#include <jansson.h>

#include "records/snapshot.h"

/*
 * New object {name, channel, receive, mtu, generation, abi_version, daemon_alive, ports (their
 * number), uplinks, groups, problems (findings_find())}. before: NULL, or an earlier snapshot of
 * the same switch.
 */
json_t *record_switch(const struct snapshot *now, const struct snapshot *before);

#endif
