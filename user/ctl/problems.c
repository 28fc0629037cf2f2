// SPDX-License-Identifier: GPL-2.0
/* Two kinds of findings: states (an uplink without carrier, a group on its standby uplink), and
 * counters that should stay at zero, one row each in a table. */
#include "ctl/problems.h"

#include <stdarg.h>

#include "ctl/lacp.h"
#include "ctl/records.h"
#include "lacp/lacp.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE, N_SEVERITIES };

struct finder {
	const struct snapshot *now, *before;
	json_t *found[N_SEVERITIES];
};

static void report(struct finder *finder, enum severity severity, const char *code,
		   const char *object, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

static void report(struct finder *finder, enum severity severity, const char *code,
		   const char *object, const char *remedy, const char *format, ...)
{
	static const char *const names[] = {
		[SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note"
	};
	char message[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	json_array_append_new(finder->found[severity],
			      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "switch",
					finder->now->view->name, "severity", names[severity],
					"code", code, "object", object, "message", message,
					"remedy", remedy));
}

/* ---- states
 * --------------------------------------------------------------------------------------------------------
 */
static void find_daemon(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	char text[TEXT_NUMBER_LEN], since[TEXT_NUMBER_LEN + 8] = "", names[200];
	uint32_t without_xdp;

	if (now->daemon_alive)
		return;
	if (now->daemon_silent_ms)
		snprintf(since, sizeof(since), " since %s",
			 text_duration(now->daemon_silent_ms, text));
	if (now->view->meta->channel == UL_CHANNEL_LACP && lacp_headless_ms(now, &without_xdp) &&
	    !without_xdp)
		report(finder, SEVERITY_WARNING, "daemon_stopped", "uplinkd",
		       "systemctl start uplinkd",
		       "uplinkd is not running%s: frames still flow and fail over, and LACP is answered without it for %s more",
		       since, text_duration(lacp_headless_ms(now, NULL), text));
	else if (now->view->meta->channel == UL_CHANNEL_LACP && lacp_headless_ms(now, NULL))
		report(finder, SEVERITY_ERROR, "daemon_stopped", "uplinkd",
		       "systemctl start uplinkd",
		       "uplinkd is not running%s, and LACP is not answered without it on %s, where no XDP program runs: the switch takes that out of the channel",
		       since, snapshot_uplink_names(now, without_xdp, names, sizeof(names)));
	else if (now->view->meta->channel == UL_CHANNEL_LACP)
		report(finder, SEVERITY_ERROR, "daemon_stopped", "uplinkd",
		       "systemctl start uplinkd",
		       "uplinkd is not running%s, and LACP is not answered any more: the switch takes the links out of the channel",
		       since);
	else
		report(finder, SEVERITY_WARNING, "daemon_stopped", "uplinkd",
		       "systemctl start uplinkd",
		       "uplinkd is not running%s: frames still flow and fail over, but nothing else changes",
		       since);
}

/* ": its flows are on eth0", or nothing when it had none. */
static const char *say_who_serves(const struct snapshot *now, uint32_t index, char *text,
				  size_t size)
{
	const struct view *view = now->view;
	uint32_t serving = 0;
	char names[200];

	for (uint32_t i = 0; i < view->meta->max_groups; i++) {
		const struct ul_policy *policy = policy_of(now, &view->groups[i]);

		if (view->groups[i].flags & UL_GROUP_USED && policy &&
		    policy_members(policy) >> index & 1)
			serving |= policy_serving(now, policy) & now->usable;
	}
	text[0] = '\0';
	if (serving)
		snprintf(text, size, ": its flows are on %s",
			 snapshot_uplink_names(now, serving, names, sizeof(names)));
	return text;
}

static void find_uplink(struct finder *finder, uint32_t index)
{
	const struct uplink_view *uplink = &finder->now->uplinks[index];
	const char *name = uplink->raw.name;
	char remedy[96], flows[240];

	say_who_serves(finder->now, index, flows, sizeof(flows));

	switch (uplink->state) {
	case UPLINK_MISSING:
		snprintf(remedy, sizeof(remedy),
			 "see 'ip link'; it is taken as soon as it is there");
		report(finder, SEVERITY_WARNING, "uplink_missing", name, remedy, "%s is missing%s",
		       name, flows);
		break;
	case UPLINK_DOWN:
		snprintf(remedy, sizeof(remedy), "ip link set %s up", name);
		report(finder, SEVERITY_WARNING, "uplink_down", name, remedy,
		       "%s is administratively down%s", name, flows);
		break;
	case UPLINK_NO_CARRIER:
		snprintf(remedy, sizeof(remedy),
			 "check cable, transceiver and switch port; see 'ethtool %s'", name);
		report(finder, SEVERITY_WARNING, "uplink_no_carrier", name, remedy,
		       "%s has no carrier%s", name, flows);
		break;
	case UPLINK_DRAINED:
		snprintf(remedy, sizeof(remedy), "uplinkctl uplink undrain %s", name);
		report(finder, SEVERITY_NOTE, "uplink_drained", name, remedy, "%s is drained%s",
		       name, flows);
		break;
	case UPLINK_SPARE:
		report(finder, SEVERITY_NOTE, "uplink_spare", name,
		       "nothing to do; 'failback: true' would take it back at once",
		       "%s has recovered and waits as a spare (failback: false)", name);
		break;
	case UPLINK_WAITING:
		if (finder->now->view->meta->channel != UL_CHANNEL_LACP)
			report(finder, SEVERITY_NOTE, "uplink_waiting", name,
			       "wait: see up-delay-ms", "%s has carrier and is not used yet", name);
		break;
	default:
		break;
	}
}

/* ---- LACP
 * ----------------------------------------------------------------------------------------------------------
 */
/* Findings that are why an uplink is out of the channel. */
#define LACP_WHY_OUT                                                                       \
	(1U << LACP_FIND_PASSIVE | 1U << LACP_FIND_NO_PDU | 1U << LACP_FIND_TWO_PARTNERS | \
	 1U << LACP_FIND_LOOPBACK | 1U << UL_FIND_PAGP)

static enum severity severity_of(unsigned int finding, enum ul_channel channel)
{
	switch (finding) {
	case LACP_FIND_MIN_LINKS:
	case LACP_FIND_LOOPBACK:
		return SEVERITY_ERROR;
	case LACP_FIND_TIMEOUT:
	case LACP_FIND_SAME_PORT:
		return SEVERITY_NOTE;
	default:
		return channel == UL_CHANNEL_NONE ? SEVERITY_NOTE : SEVERITY_WARNING;
	}
}

static void report_lacp(struct finder *finder, const char *object, const struct ul_lacp_port *port,
			unsigned int finding)
{
	enum ul_channel channel = finder->now->view->meta->channel;
	char code[48], text[LACP_FINDING_TEXT_LEN];

	snprintf(code, sizeof(code), "lacp_%s", lacp_finding_name(finding));
	report(finder, severity_of(finding, channel), code, object,
	       lacp_finding_remedy(finding, channel), "%s: %s", object,
	       lacp_finding_text(port, finding, channel, text, sizeof(text)));
}

/* An uplink with carrier that LACP keeps out: with its reason; unless a finding has told why. */
static void find_out_of_channel(struct finder *finder, const struct uplink_view *uplink,
				const struct ul_lacp_port *port)
{
	const char *name = uplink->raw.name;

	if (uplink->state != UPLINK_WAITING ||
	    (finder->now->daemon_alive && port->findings & LACP_WHY_OUT))
		return;
	if (port->updated_ms && !(port->flags & UL_LACP_OUT) && port->reason[0] &&
	    finder->now->daemon_alive)
		report(finder, SEVERITY_NOTE, "uplink_waiting", name, "wait: see up-delay-ms",
		       "%s is %s", name, port->reason);
	else if (port->updated_ms && !(port->flags & UL_LACP_OUT))
		report(finder, SEVERITY_WARNING, "uplink_waiting", name, "systemctl start uplinkd",
		       "%s is in the channel, but waits for up-delay-ms, which only uplinkd can end",
		       name);
	else if (port->flags & UL_LACP_OUT && port->reason[0])
		report(finder, SEVERITY_WARNING, "uplink_waiting", name, "uplinkctl show lacp",
		       "%s is out of the channel: %s", name, port->reason);
	else
		report(finder, SEVERITY_WARNING, "uplink_waiting", name, "uplinkctl show lacp",
		       "%s has carrier, but LACP does not let it into the channel", name);
}

static void find_lacp(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	bool lacp = now->view->meta->channel == UL_CHANNEL_LACP, min_links_told = false;

	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct uplink_view *uplink = &now->uplinks[i];
		struct ul_lacp_port port;

		view_lacp_port(now->view, i, &port);
		if (lacp)
			find_out_of_channel(finder, uplink, &port);
		/* What a daemon that is gone has found may be over. */
		for (unsigned int f = 0; now->daemon_alive && f < UL_N_FINDINGS; f++) {
			if (!(port.findings >> f & 1) || !lacp_finding_name(f) ||
			    (f == LACP_FIND_MIN_LINKS && min_links_told))
				continue;
			if (f == LACP_FIND_MIN_LINKS && !strstr(port.reason, "min-links"))
				continue; /* the finding is the channel's; another port has the
					     sentence */
			min_links_told |= f == LACP_FIND_MIN_LINKS;
			report_lacp(finder,
				    f == LACP_FIND_MIN_LINKS ? now->view->name : uplink->raw.name,
				    &port, f);
		}
	}
}

/* Groups that share a policy share its fate: one finding, all names. */
static const char *list_groups(const struct snapshot *snapshot, uint32_t policy, char *text,
			       size_t size)
{
	const struct view *view = snapshot->view;
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < view->meta->max_groups && n < size; i++)
		if (view->groups[i].flags & UL_GROUP_USED && view->groups[i].policy == policy)
			n += (size_t)snprintf(text + n, size - n, "%s%.*s", n ? ", " : "",
					      UL_GROUP_NAME_LEN, view->groups[i].name);
	return text;
}

static void find_policy(struct finder *finder, uint32_t index)
{
	const struct snapshot *now = finder->now;
	const struct ul_policy *policy = &now->view->policies[index];
	uint32_t serving = policy_serving(now, policy), active = 0, standby, dead;
	char groups[200], spares[200], lost[200];

	if (!list_groups(now, index, groups, sizeof(groups))[0])
		return;
	if (!(serving & now->usable)) {
		report(finder, SEVERITY_ERROR, "no_uplink", groups,
		       "bring one of its uplinks up: see the findings on them",
		       "port group %s: no uplink is usable: its machines reach nothing outside of this host",
		       groups);
		return;
	}
	for (uint32_t p = 0; p < policy->n_active && p < UL_MAX_UPLINKS; p++)
		active |= 1u << (policy->member[p] & 31);
	standby = serving & ~active;
	dead = active & ~serving;
	if (standby && dead)
		report(finder, SEVERITY_WARNING, "standby_in_use", groups,
		       "see the findings on the active uplinks",
		       "port group %s: standby %s serves in place of %s", groups,
		       snapshot_uplink_names(now, standby, spares, sizeof(spares)),
		       snapshot_uplink_names(now, dead, lost, sizeof(lost)));
}

static void find_ports(struct finder *finder)
{
	const struct view *view = finder->now->view;

	for (uint32_t slot = 0; slot < view->meta->max_ports; slot++) {
		struct ul_port port = view->ports[slot];
		const char *group =
			port.group < view->meta->max_groups ? view->groups[port.group].name : "?";
		char remedy[128];

		if (!(port.flags & UL_PORT_USED) || port.ifindex)
			continue;
		port.name[UL_NAME_LEN - 1] = '\0';
		if (port.flags & UL_PORT_RUNTIME)
			snprintf(remedy, sizeof(remedy),
				 "start its machine, or 'uplinkctl port del %s'", port.name);
		else
			snprintf(remedy, sizeof(remedy),
				 "start its machine, or take it out of the configuration");
		report(finder, SEVERITY_NOTE, "port_missing", port.name, remedy,
		       "port %s (%.*s): there is no such interface", port.name, UL_GROUP_NAME_LEN,
		       group);
	}
}

/* ---- counters
 * ------------------------------------------------------------------------------------------------------
 */
enum where { ON_UPLINK = 1, ON_PORT = 2, ON_CHANNEL_UPLINK = 4 };

/* severity: while it grows; counts of the past are notes, except that always says they prove
 * something. */
static const struct notable {
	uint32_t reason;
	uint32_t where;
	enum severity severity;
	bool always;
	const char *text, *remedy;
} notables[] = {
	{ UL_R_REFLECTED, ON_CHANNEL_UPLINK, SEVERITY_ERROR, true,
	  "own broadcasts come back: the switch ports of this channel are not bundled",
	  "bundle the ports on the switch (static: 'mode on'), or set 'channel: none'" },
	{ UL_R_INACTIVE_UPLINK, ON_CHANNEL_UPLINK, SEVERITY_WARNING, false,
	  "the switch sends frames by this uplink, which the port groups do not use: they are dropped",
	  "take the switch port out of the channel, or shut it" },
	{ UL_R_UNKNOWN_VLAN, ON_UPLINK, SEVERITY_NOTE, false,
	  "the switch sends VLANs that no port group has",
	  "prune the allowed VLANs of the trunk, or add the port group" },
	{ UL_R_EXCESS, ON_CHANNEL_UPLINK, SEVERITY_WARNING, false,
	  "LACP and marker frames come faster than any switch sends them: what is too much is dropped",
	  "look for a loop or an attacker behind this link" },
	{ UL_R_TOO_BIG, ON_UPLINK | ON_PORT, SEVERITY_WARNING, false,
	  "frames are longer than the MTU", "make the MTU of machine, vSwitch and switch agree" },
	{ UL_R_FAILED, ON_UPLINK | ON_PORT, SEVERITY_ERROR, false, "the kernel refused frames",
	  "see 'dmesg' and 'ip -s link'" },
	{ UL_R_FORGED_SOURCE, ON_PORT, SEVERITY_WARNING, false,
	  "the machine sends with a source address that is not the port's",
	  "give the port the machine's MAC, or allow 'forged-transmits' (nested bridge or hypervisor)" },
	{ UL_R_VLAN_FROM_ACCESS, ON_PORT, SEVERITY_WARNING, false,
	  "the machine sends tagged frames, but its port group sets the VLAN",
	  "let the machine send untagged, or use a trunk group (4095 or a list)" },
	{ UL_R_VLAN_NOT_ALLOWED, ON_PORT, SEVERITY_WARNING, false,
	  "the machine sends in VLANs that its port group's list does not have",
	  "add the VLAN to the list" },
	{ UL_R_GUEST_BPDU, ON_PORT, SEVERITY_NOTE, false,
	  "the machine speaks spanning tree: it may bridge two of its interfaces",
	  "turn spanning tree off in the machine" },
	{ UL_R_LEARN_OVERFLOW, ON_PORT, SEVERITY_WARNING, false,
	  "source addresses come faster than they can be learned",
	  "look for a machine that sends with random addresses" },
};

static void find_counters(struct finder *finder, uint32_t where, const char *name,
			  const struct ul_stats *now, const struct ul_stats *before)
{
	for (size_t i = 0; i < ARRAY_SIZE(notables); i++) {
		const struct notable *notable = &notables[i];
		uint64_t packets = stats_of(now, notable->reason).packets, grown = 0;
		char text[TEXT_NUMBER_LEN];
		bool grows;

		if (!(notable->where & where) || !packets)
			continue;
		if (before)
			grown = packets - stats_of(before, notable->reason).packets;
		grows = grown > 0 && grown <= packets;
		report(finder, grows || notable->always ? notable->severity : SEVERITY_NOTE,
		       reason_name(notable->reason), name, notable->remedy,
		       "%s: %s (%s packets %s)", name, notable->text, text_count(packets, text),
		       grows ? "and growing" : "so far");
	}
}

static uint32_t uplink_place(const struct snapshot *snapshot)
{
	return ON_UPLINK |
	       (snapshot->view->meta->channel == UL_CHANNEL_NONE ? 0 : ON_CHANNEL_UPLINK);
}

static const struct ul_stats *earlier_port(const struct finder *finder, uint32_t slot)
{
	const struct snapshot *before = finder->before;

	return before ? &before->port_stats[slot] : NULL;
}

static void find_all_counters(struct finder *finder)
{
	const struct snapshot *now = finder->now, *before = finder->before;
	const struct view *view = now->view;

	for (uint32_t i = 0; i < now->n_uplinks; i++)
		find_counters(finder, uplink_place(now), now->uplinks[i].raw.name,
			      &now->uplinks[i].stats,
			      before && i < before->n_uplinks ? &before->uplinks[i].stats : NULL);
	for (uint32_t slot = 0; slot < view->meta->max_ports; slot++) {
		char name[UL_NAME_LEN] = "";

		if (!(view->ports[slot].flags & UL_PORT_USED))
			continue;
		memcpy(name, view->ports[slot].name, UL_NAME_LEN - 1);
		find_counters(finder, ON_PORT, name, &now->port_stats[slot],
			      earlier_port(finder, slot));
	}
}

bool problems_want_second_look(const struct snapshot *now)
{
	const struct view *view = now->view;

	for (size_t n = 0; n < ARRAY_SIZE(notables); n++) {
		for (uint32_t i = 0; i < now->n_uplinks; i++)
			if (notables[n].where & uplink_place(now) &&
			    stats_of(&now->uplinks[i].stats, notables[n].reason).packets)
				return true;
		for (uint32_t slot = 0; slot < view->meta->max_ports; slot++)
			if (notables[n].where & ON_PORT &&
			    stats_of(&now->port_stats[slot], notables[n].reason).packets)
				return true;
	}
	return false;
}

json_t *problems_find(const struct snapshot *now, const struct snapshot *before)
{
	struct finder finder = { .now = now, .before = before };
	json_t *all = json_array();

	for (int i = 0; i < N_SEVERITIES; i++)
		finder.found[i] = json_array();
	find_daemon(&finder);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		find_policy(&finder, i);
	for (uint32_t i = 0; i < now->n_uplinks; i++)
		find_uplink(&finder, i);
	find_lacp(&finder);
	find_ports(&finder);
	find_all_counters(&finder);
	for (int i = 0; i < N_SEVERITIES; i++) {
		json_array_extend(all, finder.found[i]);
		json_decref(finder.found[i]);
	}
	return all;
}
