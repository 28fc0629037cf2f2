// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings of PAgP: the partner, the cabling, and uplinks that are out of the channel. */
#include "pagp/pagp.h"
#include "records/findings_internal.h"
#include "records/pagp_records.h"

/* Findings that explain why an uplink is out of the channel. */
#define EXPLAINS_OUT                                                                    \
	(1U << PAGP_FIND_AUTO | 1U << PAGP_FIND_SILENT | 1U << PAGP_FIND_TWO_PARTNERS | \
	 1U << PAGP_FIND_MANY_DEVICES | 1U << PAGP_FIND_LOOPBACK | 1U << PAGP_FIND_LEARNER)

static enum severity severity_of(unsigned int finding)
{
	switch (finding) {
	case PAGP_FIND_LOOPBACK:
		return SEVERITY_ERROR;
	case PAGP_FIND_LEARNER:
		return SEVERITY_NOTE;
	default:
		return SEVERITY_WARNING;
	}
}

static void report(struct finder *finder, const struct uplink_view *uplink, unsigned int finding)
{
	const struct ul_pagp_port *port = &uplink->pagp;
	char code[48], mac[MAC_TEXT_LEN];

	snprintf(code, sizeof(code), "pagp_%s", pagp_name(PAGP_NAMES_FINDING, finding));
	finding_report(finder, severity_of(finding), code, uplink->raw.name,
		       pagp_finding_remedy(finding), "%s: %s", uplink->raw.name, port->reason);
	finding_evidence(
		finder,
		"PDUs: %llu received, %llu sent, %llu of this host, %llu of other ports; partner %s port %u group %u",
		(unsigned long long)port->counters.info_rx,
		(unsigned long long)port->counters.info_tx,
		(unsigned long long)port->counters.loopback_rx,
		(unsigned long long)port->counters.other_rx, mac_format(port->partner.device, mac),
		port->partner.port, port->partner.group);
}

void find_pagp(struct finder *finder)
{
	const struct snapshot *now = finder->now;

	if (now->view->meta->channel != UL_CHANNEL_PAGP)
		return;
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct uplink_view *uplink = &now->uplinks[i];
		const struct ul_pagp_port *port = &uplink->pagp;

		find_out_of_channel(finder, uplink,
				    &(struct channel_membership){
					    .protocol = "PAgP",
					    .command = "uplinkctl show pagp",
					    .reason = port->reason,
					    .known = port->version,
					    .out = port->flags & UL_PAGP_OUT,
					    .explained = port->findings & EXPLAINS_OUT,
				    });
		/* the findings of a stopped daemon may be outdated */
		for (unsigned int f = 0; now->daemon_alive && f < PAGP_N_FINDINGS; f++)
			if (port->findings >> f & 1)
				report(finder, uplink, f);
	}
}
