// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings about counters that should stay at zero: one row each. */
#include "common/units.h"
#include "records/findings_internal.h"

/* Between two snapshots by which increasing counters are recognised. */
#define COUNTER_INTERVAL_MS 250
#define REFLECTION_INTERVAL_MS 1000

enum where { ON_UPLINK = 1, ON_PORT = 2, ON_CHANNEL_UPLINK = 4 };

/* severity: while the counter increases. A past count is a note. */
static const struct counter_finding {
	uint32_t reason;
	uint32_t where;
	enum severity severity;
	const char *text, *remedy;
	/* clang-format off */
} counter_findings[] = {
	{ UL_R_INACTIVE_UPLINK, ON_CHANNEL_UPLINK, SEVERITY_WARNING,
	  "the switch sends frames on this uplink, which the port groups do not use: they are dropped",
	  "remove the switch port from the channel, or shut it down" },
	{ UL_R_UNKNOWN_VLAN, ON_UPLINK, SEVERITY_NOTE,
	  "the switch sends VLANs that no port group uses",
	  "prune the allowed VLANs of the trunk, or add a port group" },
	{ UL_R_EXCESS, ON_CHANNEL_UPLINK, SEVERITY_WARNING,
	  "LACP and marker frames exceed the rate limit: the excess is dropped",
	  "look for a loop or an attacker on this link" },
	{ UL_R_TOO_BIG, ON_UPLINK | ON_PORT, SEVERITY_WARNING,
	  "frames exceed the MTU", "set the same MTU on the machine, the vSwitch and the switch" },
	{ UL_R_FAILED, ON_UPLINK | ON_PORT, SEVERITY_ERROR, "the kernel could not forward frames",
	  "see 'dmesg' and 'ip -s link'" },
	{ UL_R_QUEUE_FULL, ON_PORT, SEVERITY_WARNING,
	  "the queue of the interface or the backlog of the kernel had no room for copies of broadcasts",
	  "raise net.core.netdev_max_backlog (veth) or txqueuelen (tap)" },
	{ UL_R_NO_SLOW_PATH, ON_PORT, SEVERITY_ERROR,
	  "the slow path of port_tc cannot be entered: frames are dropped",
	  "systemctl restart uplinkd" },
	{ UL_R_FORGED_SOURCE, ON_PORT, SEVERITY_WARNING,
	  "the machine sends from a source address that is not the port's",
	  "set the port's 'mac' to the machine's address, or allow 'forged-transmits' (nested bridge or hypervisor)" },
	{ UL_R_VLAN_FROM_ACCESS, ON_PORT, SEVERITY_WARNING,
	  "the machine sends tagged frames, but its port group sets the VLAN",
	  "configure the machine to send untagged, or use a trunk group (4095 or a list)" },
	{ UL_R_VLAN_NOT_ALLOWED, ON_PORT, SEVERITY_WARNING,
	  "the machine sends in VLANs that are not in the list of its port group",
	  "add the VLAN to the list" },
	{ UL_R_GUEST_BPDU, ON_PORT, SEVERITY_NOTE,
	  "the machine sends spanning tree BPDUs: it may bridge two of its interfaces",
	  "disable spanning tree in the machine" },
	{ UL_R_GUEST_LACP, ON_PORT, SEVERITY_NOTE,
	  "the machine sends LACP, which never leaves the host: it may bond its interfaces with 802.3ad",
	  "use active-backup in the machine" },
	{ UL_R_GUEST_TRUNKING, ON_PORT, SEVERITY_NOTE,
	  "the machine sends PAgP, UDLD, DTP or VTP, as a switch does",
	  "disable them in the machine, or allow 'guest-control-frames: pass'" },
	{ UL_R_GUEST_PAUSE, ON_PORT, SEVERITY_WARNING,
	  "the machine sends pause frames", "look for a broken or hostile machine" },
	{ UL_R_LEARN_OVERFLOW, ON_PORT, SEVERITY_WARNING,
	  "source addresses appear faster than they can be learned",
	  "look for a machine that sends from random addresses" },
	{ UL_R_LEARN_LIMIT, ON_PORT, SEVERITY_WARNING,
	  "the machine sends from more addresses than the port may have: those frames are dropped",
	  "look for a machine that sends from random addresses, or raise 'mac-learning: limit'" },
	{ UL_R_ADDRESS_OUTSIDE, ON_PORT, SEVERITY_WARNING,
	  "a machine outside sends from the address of this port: active here and outside, or moved while its interface stays here",
	  "find the machine on the switch by 'show mac address-table address MAC'; if it has moved, stop it here" },
	{ UL_R_MOVED_HERE, ON_PORT, SEVERITY_NOTE,
	  "the machine sends from addresses that were learned at other ports",
	  "no action is needed after a failover or a move; if it increases, two machines use one address" },
};
/* clang-format on */

/* Between the snapshots; 0: there is one only. */
static uint64_t interval_ms(const struct finder *finder)
{
	return finder->before ? (finder->now->taken_ns - finder->before->taken_ns) / 1000000 : 0;
}

/* mac: of a port; NULL: none. */
static void find_counters(struct finder *finder, uint32_t where, const char *name,
			  const uint8_t *mac, const struct ul_stats *now,
			  const struct ul_stats *before)
{
	for (size_t i = 0; i < ARRAY_SIZE(counter_findings); i++) {
		const struct counter_finding *row = &counter_findings[i];
		uint64_t packets = stats_of(now, row->reason).packets, grown = 0;
		char text[TEXT_NUMBER_LEN], address[MAC_TEXT_LEN];
		bool grows;

		if (!(row->where & where) || !packets)
			continue;
		if (before)
			grown = packets - stats_of(before, row->reason).packets;
		grows = grown > 0 && grown <= packets;
		finding_report(finder, grows ? row->severity : SEVERITY_NOTE,
			       reason_name(row->reason), name, row->remedy,
			       "%s: %s (%s packets %s)", name, row->text, text_count(packets, text),
			       grows ? "and increasing" : "so far");
		finding_evidence(finder, "counter %s of %s: %llu packets, %llu of them in %llu ms",
				 reason_name(row->reason), name, (unsigned long long)packets,
				 (unsigned long long)(grows ? grown : 0),
				 (unsigned long long)interval_ms(finder));
		if (mac && row->reason == UL_R_ADDRESS_OUTSIDE)
			finding_evidence(finder, "address of %s: %s", name,
					 mac_format(mac, address));
	}
}

static uint32_t uplink_scope(const struct snapshot *snapshot)
{
	return ON_UPLINK |
	       (snapshot->view->meta->channel == UL_CHANNEL_NONE ? 0 : ON_CHANNEL_UPLINK);
}

static const struct ul_stats *earlier_port(const struct finder *finder, uint32_t slot)
{
	const struct snapshot *before = finder->before;

	return before ? &before->port_stats[slot] : NULL;
}

void find_all_counters(struct finder *finder)
{
	const struct snapshot *now = finder->now, *before = finder->before;
	const struct view *view = now->view;

	for (uint32_t i = 0; i < now->n_uplinks; i++)
		find_counters(finder, uplink_scope(now), now->uplinks[i].raw.name, NULL,
			      &now->uplinks[i].stats,
			      before && i < before->n_uplinks ? &before->uplinks[i].stats : NULL);
	for (uint32_t i = 0; i < now->n_uplinks; i++)
		find_reflections(finder, i);
	for (uint32_t slot = 0; slot < view->max_ports; slot++) {
		char name[UL_NAME_LEN] = "";

		find_muted(finder, slot);
		if (!(view->ports[slot].flags & UL_PORT_USED))
			continue;
		memcpy(name, view->ports[slot].name, UL_NAME_LEN - 1);
		find_counters(finder, ON_PORT, name, view->ports[slot].mac, &now->port_stats[slot],
			      earlier_port(finder, slot));
	}
}

uint32_t findings_interval_ms(const struct snapshot *now)
{
	const struct view *view = now->view;
	uint32_t interval_ms = 0;

	for (uint32_t i = 0; i < now->n_uplinks; i++)
		if (uplink_scope(now) & ON_CHANNEL_UPLINK &&
		    now->uplinks[i].stats.reflected.packets)
			return REFLECTION_INTERVAL_MS;
	for (size_t n = 0; n < ARRAY_SIZE(counter_findings); n++) {
		for (uint32_t i = 0; i < now->n_uplinks; i++)
			if (counter_findings[n].where & uplink_scope(now) &&
			    stats_of(&now->uplinks[i].stats, counter_findings[n].reason).packets)
				interval_ms = COUNTER_INTERVAL_MS;
		for (uint32_t slot = 0; slot < view->max_ports; slot++)
			if (counter_findings[n].where & ON_PORT &&
			    stats_of(&now->port_stats[slot], counter_findings[n].reason).packets)
				interval_ms = COUNTER_INTERVAL_MS;
	}
	return interval_ms;
}
