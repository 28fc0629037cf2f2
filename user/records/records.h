/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The records of `show` and `status`: one JSON object per row. Keys and the types of their values
 * are a promise to users (uplinkctl(8), JSON); keys may be added. Text tables are made from the
 * same objects.
 */
#ifndef UL_RECORDS_RECORDS_H
#define UL_RECORDS_RECORDS_H

#include <jansson.h>

#include "records/snapshot.h"

/* Each returns a new array, or NULL when out of memory. */
json_t *record_uplinks(const struct snapshot *snapshot);
json_t *record_groups(const struct snapshot *snapshot);
/* name: only the port with this name; NULL: all. */
json_t *record_ports(const struct snapshot *snapshot, const char *name);
/* zeros_too: also counters that are zero. */
json_t *record_counters(const struct snapshot *snapshot, bool zeros_too);

/*
 * Dropped frames by reason: the sum over all uplinks, over all ports, and the frames of interfaces
 * that belong to neither ({switch, scope: uplink, port or switch, reason, packets, bytes}). Zeros
 * are included, so the number of records does not depend on traffic or on the number of ports.
 */
json_t *record_drops(const struct snapshot *snapshot);

/* The uplinks of mask in the order of the configuration; bit i: uplink i. New array. */
json_t *record_uplink_names(const struct snapshot *snapshot, uint32_t mask);

/* ---- parts of records ---- */
/* A name from a map: cut at its size; "?" when it is not valid UTF-8. */
json_t *record_text(const char *name, size_t size);
/* growth * factor per second; 0 when no time has passed. At most 10^15, which is above what a port
 * carries: the sum of both directions of all ports of a switch is still a json_int_t, whatever
 * another program wrote into the counters. */
double record_rate(uint64_t growth, unsigned int factor, double seconds);
/* null: no address is set. */
json_t *record_mac(const uint8_t mac[6]);

#endif
