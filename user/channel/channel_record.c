// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The LACP state of an uplink as uplinkctl shows it, in the form of the map. */
#include "channel/internal.h"

static uint8_t flags_of(const struct lacp_port_info *info)
{
	return (uint8_t)((info->enabled ? UL_LACP_ENABLED : 0) |
			 (info->drained ? UL_LACP_DRAINED : 0) |
			 (info->loopback ? UL_LACP_LOOPBACK : 0) |
			 (info->individual ? UL_LACP_INDIVIDUAL : 0));
}

void channel_record_lacp(const struct lacp *lacp, uint16_t number, uint64_t now_ms,
			 struct ul_lacp_port *record)
{
	struct lacp_port_info info;

	if (lacp_port_info(lacp, number, now_ms, &info) < 0)
		return;
	record->updated_ms = now_ms;
	record->last_rx_ms = info.last_rx_age_ms == LACP_NEVER ? 0 : now_ms - info.last_rx_age_ms;
	record->actor = lacp_info_save(&info.actor);
	record->partner = lacp_info_save(&info.partner);
	record->receive_state = (uint8_t)info.receive_state;
	record->periodic_state = (uint8_t)info.periodic_state;
	record->selected = (uint8_t)info.selected;
	record->mux_state = (uint8_t)info.mux_state;
	record->actor_churn = (uint8_t)info.actor_churn;
	record->partner_churn = (uint8_t)info.partner_churn;
	record->flags = flags_of(&info);
	record->findings = info.findings;
	record->gaps = info.gaps;
	record->gap_min_ms = info.gap_min_ms;
	record->gap_avg_ms = info.gap_avg_ms;
	record->gap_max_ms = info.gap_max_ms;
	record->counters = info.stats;
	if (lacp_explain(lacp, number, now_ms, record->reason, sizeof(record->reason)) > 0)
		record->flags |= UL_LACP_OUT;
}

void channel_describe_delay(uint64_t wait_ms, bool out, char *text, size_t size)
{
	if (wait_ms && !out)
		snprintf(text, size, "in the channel, but sends only in %llu s (up-delay-ms)",
			 (unsigned long long)((wait_ms + 999) / 1000));
}

void channel_record_mismatch(const struct peer_mismatch *mismatch, enum ul_channel channel,
			     struct ul_lacp_port *record)
{
	record->findings |= mismatch->reported;
	if (channel == UL_CHANNEL_LACP || !(mismatch->reported & 1U << UL_FIND_LACP_UNUSED))
		return;
	record->last_rx_ms = mismatch->lacp_ms;
	record->counters.lacpdu_rx = mismatch->lacpdus;
	record->partner = lacp_info_save(&mismatch->partner);
	peer_mismatch_describe(mismatch, &record->neighbour, channel, UL_FIND_LACP_UNUSED,
			       record->reason, sizeof(record->reason));
}
