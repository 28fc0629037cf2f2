// SPDX-License-Identifier: GPL-2.0
/* What uplinkctl shows of LACP, in the form of the map. */
#include "common/util.h"
#include "team/channel.h"

static void copy_side(struct lacp_saved_info *to, const struct lacp_info *from)
{
	*to = (struct lacp_saved_info){
		.system_priority = from->system_priority,
		.key = from->key,
		.port_priority = from->port_priority,
		.port = from->port,
		.state = from->state,
	};
	memcpy(to->system, from->system, sizeof(to->system));
}

static void copy_counters(struct ul_lacp_counters *to, const struct lacp_stats *from)
{
	*to = (struct ul_lacp_counters){
		.lacpdu_rx = from->lacpdu_rx,
		.marker_rx = from->marker_rx,
		.marker_response_rx = from->marker_response_rx,
		.unknown_rx = from->unknown_rx,
		.illegal_rx = from->illegal_rx,
		.lacpdu_tx = from->lacpdu_tx,
		.marker_tx = from->marker_tx,
		.marker_response_tx = from->marker_response_tx,
		.actor_churn_count = from->actor_churn_count,
		.partner_churn_count = from->partner_churn_count,
		.actor_sync_transitions = from->actor_sync_transitions,
		.partner_sync_transitions = from->partner_sync_transitions,
		.actor_changes = from->actor_changes,
		.partner_changes = from->partner_changes,
		.link_down_rx = from->link_down_rx,
		.excess_rx = from->excess_rx,
		.loopback_rx = from->loopback_rx,
		.answered = from->answered,
	};
}

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
	copy_side(&record->actor, &info.actor);
	copy_side(&record->partner, &info.partner);
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
	copy_counters(&record->counters, &info.stats);
	if (lacp_explain(lacp, number, now_ms, record->reason, sizeof(record->reason)) > 0)
		record->flags |= UL_LACP_OUT;
}

void channel_record_delay(uint64_t wait_ms, struct ul_lacp_port *record)
{
	if (wait_ms && !(record->flags & UL_LACP_OUT))
		snprintf(record->reason, sizeof(record->reason),
			 "in the channel, but sends only in %llu s (up-delay-ms)",
			 (unsigned long long)((wait_ms + 999) / 1000));
}

void channel_record_setup(const struct setup *setup, enum ul_channel channel,
			  struct ul_lacp_port *record)
{
	record->findings |= setup->told;
	if (channel == UL_CHANNEL_LACP || !(setup->told & 1U << UL_FIND_LACP_UNUSED))
		return;
	record->last_rx_ms = setup->lacp_ms;
	record->counters.lacpdu_rx = setup->lacpdus;
	copy_side(&record->partner, &setup->partner);
	setup_describe(setup, &record->neighbour, channel, UL_FIND_LACP_UNUSED, record->reason,
		       sizeof(record->reason));
}
