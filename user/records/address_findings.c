// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings about the addresses of ports: in use outside, too many, returned by the switch. */
#include "common/units.h"
#include "dataplane/clock.h"
#include "records/fdb.h"
#include "records/findings_internal.h"

/* ---- frames with own addresses from outside ---- */
/* A frame that loops once, or the last frames of a move, prove nothing. */
#define MIN_REFLECTIONS 4

/* Frames to all of a VLAN that ports sent between the snapshots; the others return only where the
 * switch does not know their destination. */
static uint64_t flooded_by_ports(const struct finder *finder)
{
	uint64_t n = 0;

	for (uint32_t slot = 0; slot < finder->now->view->max_ports; slot++)
		n += growth(finder->now->port_stats[slot].flooded.packets,
			    finder->before->port_stats[slot].flooded.packets);
	return n;
}

/*
 * A switch that does not bundle its ports returns what ports flood, once for each other uplink. It
 * is proven when such frames return at a rate, and no more of them than were sent, with a tolerance
 * for the moments at which the counters are read. The programs distinguish frames of other hosts
 * with an own address by digests of what ports sent (address_outside); more returning frames than
 * were sent have the same cause.
 */
void find_reflections(struct finder *finder, uint32_t index)
{
	const struct uplink_view *uplink = &finder->now->uplinks[index];
	uint64_t packets = uplink->stats.reflected.packets, grown = 0, sent = 0, outside = 0;
	const char *name = uplink->raw.name;
	char text[TEXT_NUMBER_LEN];

	if (!packets || finder->now->view->meta->channel == UL_CHANNEL_NONE)
		return;
	if (finder->before && index < finder->before->n_uplinks &&
	    packets >= finder->before->uplinks[index].stats.reflected.packets) {
		grown = packets - finder->before->uplinks[index].stats.reflected.packets;
		sent = flooded_by_ports(finder);
		outside = growth(uplink->stats.address_outside.packets,
				 finder->before->uplinks[index].stats.address_outside.packets);
	}
	/*
	 * A machine outside sends from an address of a port, which has a finding. Frames of two
	 * such machines may have one digest (ARP requests, but for their target), so the others
	 * prove nothing about the switch.
	 */
	if (outside)
		return;
	text_count(grown ? grown : packets, text);
	if (grown >= MIN_REFLECTIONS && grown <= sent + sent / 8 + 1 && sent && uplink->carrier)
		finding_report(
			finder, SEVERITY_ERROR, "reflected", name,
			"run 'show etherchannel summary' on the switch: ports without flag P are not bundled (set 'mode on' for a static channel, or 'channel: none' here); if all have P, look for a loop",
			"%s: frames of own ports return from the switch (%s of %llu in a second): the switch ports are not bundled",
			name, text, (unsigned long long)sent);
	else if (grown >= MIN_REFLECTIONS)
		finding_report(
			finder, SEVERITY_WARNING, "address_outside", name,
			"find the machine on the switch by 'show mac address-table'; if it has moved, stop it here",
			"%s: a machine outside sends from the address of a port here (%s frames in a second): active here and outside, or moved while its port is up",
			name, text);
	else
		finding_report(
			finder, SEVERITY_NOTE, "reflected", name,
			"no action is needed unless it increases: then run 'uplinkctl status' again while machines send broadcasts",
			"%s: frames with the address of an own port arrived from outside (%s %s)",
			name, text, grown ? "in a second" : "so far");
	finding_evidence(
		finder,
		"counter reflected of %s: %llu frames, %llu in the interval; ports flooded %llu",
		name, (unsigned long long)packets, (unsigned long long)grown,
		(unsigned long long)sent);
}

/* ---- addresses ---- */
#define MAX_ADDRESS_FINDINGS 8
/* Between two snapshots that see both of two machines; a failover within it is improbable. */
#define BOTH_ACTIVE_MAX_S 3

/* Whoever sent last: frames came from here and from outside since the earlier snapshot. */
static bool is_active_twice(const struct finder *finder, const struct fdb_entry *entry)
{
	const struct snapshot *before = finder->before;

	if (!before || !before->jiffies ||
	    finder->now->jiffies - before->jiffies > (uint64_t)BOTH_ACTIVE_MAX_S * kernel_hz())
		return false;
	return entry->here > before->jiffies && entry->outside > before->jiffies;
}

static void find_address(struct finder *finder, const struct fdb_entry *entry)
{
	char mac[MAC_TEXT_LEN], port[UL_NAME_LEN] = "";
	uint32_t vid = entry->key & 0xfff;
	uint8_t bytes[6];

	mac_from_key(entry->key, bytes);
	mac_format(bytes, mac);
	memcpy(port, finder->now->view->ports[entry->slot].name, UL_NAME_LEN - 1);
	if (entry->state == ADDRESS_CONTESTED || is_active_twice(finder, entry))
		finding_report(
			finder, SEVERITY_WARNING, "address_contested", port,
			"no action is needed during a failover (VRRP); otherwise one of the two machines must use another address",
			"port %s: %s in VLAN %u is active here and outside: frames to it go both ways",
			port, mac, vid);
	else
		finding_report(
			finder, SEVERITY_NOTE, "address_moved", port,
			"no action is needed: it comes back with the machine's next frame here",
			"port %s: %s in VLAN %u has moved: it is active outside now", port, mac,
			vid);
}

void find_addresses(struct finder *finder)
{
	_cleanup_free_ struct fdb_entry *entries = NULL;
	size_t n = 0, found = 0;

	if (fdb_read(finder->now, &entries, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (entries[i].state != ADDRESS_CONTESTED && entries[i].state != ADDRESS_ELSEWHERE)
			continue;
		if (found++ < MAX_ADDRESS_FINDINGS)
			find_address(finder, &entries[i]);
	}
	if (found > MAX_ADDRESS_FINDINGS)
		finding_report(finder, SEVERITY_NOTE, "address_moved", finder->now->view->name,
			       "uplinkctl show fdb",
			       "%zu more learned addresses are active outside",
			       found - MAX_ADDRESS_FINDINGS);
}

void find_muted(struct finder *finder, uint32_t slot)
{
	const struct ul_port *port = &finder->now->view->ports[slot];
	uint32_t flags = port->flags;
	char name[UL_NAME_LEN] = "";

	if (!(flags & UL_PORT_USED) || !(flags & UL_PORT_MUTED))
		return;
	memcpy(name, port->name, UL_NAME_LEN - 1);
	finding_report(
		finder, SEVERITY_WARNING, "sources_limited", name,
		"look for a machine that sends from random addresses, or raise 'mac-learning: limit'",
		"port %s: the machine uses more source addresses than it may: further ones are %s",
		name, flags & UL_PORT_LIMITED ? "dropped" : "not learned");
}
