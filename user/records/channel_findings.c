// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings about the members of a channel compared with each other. */
#include "common/units.h"
#include "config/model.h"
#include "records/findings_internal.h"
#include "records/records.h"

/* ---- a silent member ---- */
static uint64_t received(const struct finder *finder, uint32_t index)
{
	return growth(stats_received(&finder->now->uplinks[index].stats).packets,
		      stats_received(&finder->before->uplinks[index].stats).packets);
}

static uint64_t sent(const struct finder *finder, uint32_t index)
{
	return growth(finder->now->uplinks[index].stats.sent.packets,
		      finder->before->uplinks[index].stats.sent.packets);
}

/* Which flows use the uplink, in terms of the hash; by the first policy that has it. */
static void name_flows(struct finder *finder, uint32_t index)
{
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++) {
		const struct ul_policy *policy = &finder->now->policies[i];

		for (uint32_t p = 0; policy->n_buckets && p < policy->n_active; p++)
			if (policy->member[p] == index) {
				finding_evidence(
					finder,
					"frames of address pairs with %s hash mod %u = %u leave on it",
					method_name(policy->method), policy->n_active, p);
				return;
			}
	}
}

void find_silent(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	uint32_t loudest = UINT32_MAX;
	uint64_t most = 0;

	if (!finder->before || now->view->meta->channel == UL_CHANNEL_NONE ||
	    finder->before->n_uplinks != now->n_uplinks)
		return;
	for (uint32_t i = 0; i < now->n_uplinks; i++)
		if (received(finder, i) > most) {
			most = received(finder, i);
			loudest = i;
		}
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct uplink_view *uplink = &now->uplinks[i];
		const char *name = uplink->raw.name;
		uint64_t interval_ms = (now->taken_ns - finder->before->taken_ns) / 1000000;

		if (uplink->state != UPLINK_IN_USE || received(finder, i) ||
		    sent(finder, i) < SILENT_MIN_FRAMES || most < SILENT_MIN_FRAMES)
			continue;
		finding_report(finder, SEVERITY_WARNING, "uplink_silent", name,
			       "check cable and transceiver in both directions; see 'ethtool -S'",
			       "%s sends, but receives nothing, while %s receives", name,
			       now->uplinks[loudest].raw.name);
		finding_evidence(finder,
				 "%s: %llu frames sent, 0 received in %llu ms; %s: %llu received",
				 name, (unsigned long long)sent(finder, i),
				 (unsigned long long)interval_ms, now->uplinks[loudest].raw.name,
				 (unsigned long long)most);
		name_flows(finder, i);
	}
}

/* ---- a channel of the switch alone ---- */
/* Frames that arrive by an uplink which no port group uses for them, since the earlier snapshot. */
static uint64_t misdirected(const struct finder *finder, uint32_t index)
{
	return growth(finder->now->uplinks[index].stats.inactive_uplink.packets,
		      finder->before->uplinks[index].stats.inactive_uplink.packets);
}

/*
 * On independent links a switch floods each broadcast to all uplinks, so what one of them drops as
 * inactive_uplink the others forward, and broadcasts of ports return. A switch with a channel does
 * neither: it picks a link by its hash, whatever uplink serves the port.
 */
void find_peer_channel(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	uint64_t flooded = 0, reflected = 0;

	if (!finder->before || now->view->meta->channel != UL_CHANNEL_NONE ||
	    finder->before->n_uplinks != now->n_uplinks)
		return;
	for (uint32_t slot = 0; slot < now->view->max_ports; slot++)
		flooded += growth(now->port_stats[slot].flooded.packets,
				  finder->before->port_stats[slot].flooded.packets);
	for (uint32_t i = 0; i < now->n_uplinks; i++)
		reflected += growth(now->uplinks[i].stats.reflected.packets,
				    finder->before->uplinks[i].stats.reflected.packets);
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const char *name = now->uplinks[i].raw.name;
		uint64_t others = 0, lost = misdirected(finder, i);

		for (uint32_t other = 0; other < now->n_uplinks; other++)
			if (other != i)
				others += growth(
					now->uplinks[other].stats.flooded.packets,
					finder->before->uplinks[other].stats.flooded.packets);
		if (lost < SILENT_MIN_FRAMES || lost <= 2 * others || !flooded || reflected)
			continue;
		finding_report(
			finder, SEVERITY_ERROR, "peer_bundles", name,
			"set 'channel: static' here if the switch has a static channel, or remove the ports from the channel of the switch",
			"%s: the switch sends frames for ports that another uplink serves: its ports seem to be bundled, and the channel here is none",
			name);
		finding_evidence(
			finder,
			"%s: %llu frames dropped as inactive_uplink, other uplinks flooded %llu",
			name, (unsigned long long)lost, (unsigned long long)others);
		finding_evidence(finder, "ports flooded %llu frames, and none returned",
				 (unsigned long long)flooded);
	}
}

/* ---- imbalance ---- */
/* Of the speed, or of a gigabit when it is not known; below, the shares do not matter. */
#define IMBALANCE_MIN_PERCENT 1
#define IMBALANCE_BUSY_PERCENT 50
/* The share of the busiest uplink in that of an even distribution. */
#define IMBALANCE_RATIO 1.6

static double sent_bps(const struct finder *finder, uint32_t index)
{
	double seconds = (double)(finder->now->taken_ns - finder->before->taken_ns) / 1e9;
	uint64_t bytes = growth(finder->now->uplinks[index].stats.sent.bytes,
				finder->before->uplinks[index].stats.sent.bytes);

	return record_rate(bytes, 8, seconds);
}

void find_imbalance(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	uint32_t n = 0, busiest = 0;
	double all = 0, most = 0, percent;
	char text[TEXT_NUMBER_LEN];

	if (!finder->before || now->view->meta->channel == UL_CHANNEL_NONE ||
	    finder->before->n_uplinks != now->n_uplinks)
		return;
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		double bps = sent_bps(finder, i);

		if (now->uplinks[i].state != UPLINK_IN_USE)
			continue;
		n++;
		all += bps;
		busiest = bps > most ? i : busiest;
		most = bps > most ? bps : most;
	}
	percent = most / 1e4 / (now->uplinks[busiest].raw.speed_mbps ?: 1000);
	if (n < 2 || percent < IMBALANCE_MIN_PERCENT || most * n < IMBALANCE_RATIO * all)
		return;
	finding_report(finder, percent < IMBALANCE_BUSY_PERCENT ? SEVERITY_NOTE : SEVERITY_WARNING,
		       "imbalance", now->uplinks[busiest].raw.name,
		       "'uplinkctl diagnose' names the pairs and a method that spreads them",
		       "%s sends %.0f %% of the bytes of %u uplinks",
		       now->uplinks[busiest].raw.name, 100 * most / all, n);
	for (uint32_t i = 0; i < now->n_uplinks; i++)
		if (now->uplinks[i].state == UPLINK_IN_USE)
			finding_evidence(finder, "%s: %.0f Mbit/s of %s", now->uplinks[i].raw.name,
					 sent_bps(finder, i) / 1e6,
					 text_speed(now->uplinks[i].raw.speed_mbps, text));
}

/* ---- members that differ ---- */
static void find_speeds(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	uint32_t first = 0;
	bool differ = false;
	char text[TEXT_NUMBER_LEN];

	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		uint32_t speed = now->uplinks[i].raw.speed_mbps;

		if (!now->uplinks[i].carrier || !speed)
			continue;
		differ |= first && speed != first;
		first = first ? first : speed;
	}
	if (!differ)
		return;
	finding_report(finder, SEVERITY_WARNING, "speed_mismatch", now->view->name,
		       "use NICs of one speed, or set the speed with 'ethtool -s'",
		       "the members of the channel have different speeds");
	for (uint32_t i = 0; i < now->n_uplinks; i++)
		if (now->uplinks[i].carrier && now->uplinks[i].raw.speed_mbps)
			finding_evidence(finder, "%s: %s", now->uplinks[i].raw.name,
					 text_speed(now->uplinks[i].raw.speed_mbps, text));
}

static const char *device_of(const struct snapshot *now, uint32_t index)
{
	const struct ul_neighbour *neighbour = heard_neighbour(now, index);

	return neighbour && neighbour->device[0] ? neighbour->device : NULL;
}

/* With LACP a common system id proves that two devices act as one, and lacp_two_partners reports
 * the opposite. */
static void find_neighbours(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	const char *first = NULL;
	bool differ = false;

	if (now->view->meta->channel != UL_CHANNEL_STATIC)
		return;
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const char *device = device_of(now, i);

		differ |= first && device && strcmp(first, device) != 0;
		first = first ? first : device;
	}
	if (!differ)
		return;
	finding_report(finder, SEVERITY_WARNING, "neighbours_differ", now->view->name,
		       "with independent switches use 'channel: none'; with an MLAG pair prefer "
		       "'channel: lacp'",
		       "the members of the static channel lead to different switches");
	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct ul_neighbour *neighbour = &now->uplinks[i].lacp.neighbour;

		if (device_of(now, i))
			finding_evidence(finder, "%s: %s port %s (%s)", now->uplinks[i].raw.name,
					 neighbour->device, neighbour->port,
					 neighbour->protocol == UL_NEIGHBOUR_LLDP ? "LLDP" : "CDP");
	}
}

void find_unequal_members(struct finder *finder)
{
	if (finder->now->view->meta->channel == UL_CHANNEL_NONE)
		return;
	find_speeds(finder);
	find_neighbours(finder);
}
