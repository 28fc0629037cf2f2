/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The keys and types that --json promises (uplinkctl(8)), for expect_keys(), and fixtures of the
 * tests of records: a snapshot of a switch built in memory, and the values of a record. */
#ifndef TESTS_UNIT_RECORD_SHAPES_H
#define TESTS_UNIT_RECORD_SHAPES_H

#include <criterion/criterion.h>

#include "ctl_run.h"
#include "records/snapshot.h"
#include "view_fake.h"

/* clang-format off */
#define UPLINK_KEYS                                                                                                                         \
	"switch:s name:s index:i ifindex:i mac:sn carrier:b admin_up:b usable:b drained:b xdp_mode:s speed_mbps:i tx_packets:i tx_bytes:i " \
	"rx_packets:i rx_bytes:i state:s error:sn share:r receiving:b dropped_packets:i dropped_bytes:i"
#define PORT_KEYS                                                                                                                           \
	"switch:s group:sn name:s slot:i ifindex:i mac:sn present:b delivery:s host:b runtime:b attached:b state:s error:sn address_state:sn uplink:sn tx_packets:i tx_bytes:i " \
	"rx_packets:i rx_bytes:i dropped_packets:i dropped_bytes:i"
#define GROUP_KEYS                                                                                                                           \
	"switch:s name:s index:i mtu:i vlan_mode:s vlan:s ports:i promiscuous:b mac_changes:b forged_transmits:b mac_learning:b guest_control_frames:b qinq:b load_balancing:s " \
	"active:a standby:a serving:a buckets:o last_octet:b"
#define FDB_KEYS "switch:s vlan:i trunk:b service:b mac:s port:sn ifindex:i group:sn learned:b state:s age_s:in"
#define COUNTER_KEYS "switch:s scope:s name:s reason:s packets:i bytes:i kind:s help:s"
#define WHICH_KEYS \
	"switch:s group:s hash:i bucket:i buckets:i uplink:sn ifindex:i reason:s source:s destination:sn load_balancing:s home:sn"
#define FINDING_KEYS "switch:s severity:s code:s object:s message:s remedy:s certainty:s evidence:a meaning:s switch_remedy:sn decides:sn"
/* clang-format on */

/* A snapshot of fake, with its counters where snapshot_take() would put those of a pinned map. */
static inline struct snapshot *take_snapshot(const struct fake *fake, struct view *view)
{
	struct snapshot *snapshot = NULL;

	fake_view(fake, view);
	cr_assert_eq(snapshot_take(view, &snapshot), 0);
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		snapshot->uplinks[i].stats = fake->stats[i];
	for (uint32_t i = 0; i < view->max_ports; i++)
		snapshot->port_stats[i] = fake->stats[UL_ENDPOINT_PORT0 + i];
	snapshot->unassigned_stats = fake->stats[UL_ENDPOINT_NONE];
	return snapshot;
}

static inline json_int_t number(json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

/* "(none)" when there is no such text. */
static inline const char *text(json_t *record, const char *key)
{
	const char *value = json_string_value(json_object_get(record, key));

	return value ? value : "(none)";
}

#endif
