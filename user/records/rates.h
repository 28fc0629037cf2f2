/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Rates between two readings of the counters. Tests: tests/unit/records_rates.c. */
#ifndef UL_RECORDS_RATES_H
#define UL_RECORDS_RATES_H

#include <jansson.h>

#include "records/snapshot.h"

/*
 * New object {switch, time_ns, uplinks, groups, ports, drops}, NULL when out of memory: the
 * counters of a switch that rates are made from, with the members of record_rates() that are no
 * rates. Drops are those that occurred, with packets.
 */
json_t *record_traffic(const struct snapshot *snapshot);

/*
 * New object {switch, interval_ms, uplinks, groups, ports, drops}, NULL when out of memory.
 * now, before: of record_traffic() of one switch; NULL: there is no earlier one. A counter that
 * decreased (the interface was attached again) has the rate 0. All rates are per second:
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
json_t *record_rates(json_t *now, json_t *before);

#endif
