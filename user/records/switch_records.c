// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/switch_records.h"

#include "config/model.h"
#include "records/findings.h"
#include "records/neighbours.h"
#include "records/records.h"

json_t *record_switch(const struct snapshot *snapshot, const struct snapshot *before)
{
	const struct ul_meta *meta = snapshot->view->meta;
	uint32_t uplink;
	int n_ports = 0;

	for (uint32_t slot = 0; slot < snapshot->view->max_ports; slot++)
		n_ports += !!(snapshot->view->ports[slot].flags & UL_PORT_USED);
	return json_pack("{s:s, s:s?, s:s?, s:i, s:I, s:i, s:b, s:i, s:o, s:o, s:o, s:s?}", "name",
			 snapshot->view->name, "channel", channel_name(meta->channel), "receive",
			 receive_name(meta->receive), "mtu", (int)meta->mtu, "generation",
			 (json_int_t)meta->generation, "abi_version", (int)meta->abi_version,
			 "daemon_alive", snapshot->daemon_alive, "ports", n_ports, "uplinks",
			 record_uplinks(snapshot), "groups", record_groups(snapshot), "problems",
			 findings_find(snapshot, before), "channel_hint",
			 find_channel_hint(snapshot, &uplink));
}
