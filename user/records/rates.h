/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Rates between two snapshots. Tests: tests/unit/records_rates.c. */
#ifndef UL_RECORDS_RATES_H
#define UL_RECORDS_RATES_H

#include <jansson.h>

#include "records/snapshot.h"

/*
 * New object {switch, interval_ms, uplinks, groups, ports, drops}, NULL when out of memory.
 * before: an earlier snapshot of the same switch. A counter that decreased (the interface was
 * attached again) has the rate 0. All rates are per second:
 *
 *   uplinks  [{name, state, speed_mbps, tx_bps, rx_bps, tx_pps, rx_pps, dropped_pps, lacp (letters
 *            of the partner's state, null: no partner)}]
 *   groups   [{name, vlan, load_balancing, ports, buckets ({uplink: number}), and the rates of its
 *            ports together}]
 *   ports    [{name, group, uplink, and the same rates}]
 *   drops    [{name, reason, pps}], the largest first; only reasons that increased
 *
 * tx: frames sent by the uplink, or to the machine of the port.
 */
json_t *record_rates(const struct snapshot *now, const struct snapshot *before);

#endif
