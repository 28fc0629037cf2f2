// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings about states: an uplink without carrier, a group on its standby uplink. */
#include "records/findings_internal.h"

#include <assert.h>
#include <stdarg.h>

#include "common/units.h"
#include "lacp/lacp.h"
#include "records/finding_rows.h"
#include "records/lacp_records.h"
#include "records/names.h"

void finding_report(struct finder *finder, enum severity severity, const char *code,
		    const char *object, const char *remedy, const char *format, ...)
{
	const struct finding_row *row = finding_row(code);
	char message[512];
	va_list ap;

	assert(row);
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	finder->last = json_pack("{s:s?, s:s, s:s, s:s, s:s, s:s, s:s, s:[], s:s, s:s?, s:s?}",
				 "switch", finder->now ? finder->now->view->name : NULL, "severity",
				 record_name(RECORD_SEVERITIES, severity), "code", code, "object",
				 object, "message", text_make_printable(message), "remedy", remedy,
				 "certainty", record_name(RECORD_CERTAINTIES, row->certainty),
				 "evidence", "meaning", row->meaning, "switch_remedy",
				 row->on_switch, "decides", row->decides);
	json_array_append_new(finder->found[severity], finder->last);
}

void finding_evidence(struct finder *finder, const char *format, ...)
{
	char sentence[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	json_array_append_new(json_object_get(finder->last, "evidence"),
			      json_string(text_make_printable(sentence)));
}

/* ---- states ---- */
static void find_daemon(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	bool lacp = now->view->meta->channel == UL_CHANNEL_LACP;
	char text[TEXT_NUMBER_LEN], since[TEXT_NUMBER_LEN + 8] = "", names[200];
	static const char remedy[] = "systemctl start uplinkd";
	uint32_t without_xdp = 0;
	uint64_t headless_ms;

	if (now->daemon_alive)
		return;
	headless_ms = lacp_headless_ms(now, &without_xdp);
	if (now->daemon_silent_ms)
		snprintf(since, sizeof(since), " since %s",
			 text_duration(now->daemon_silent_ms, text));
	if (lacp && headless_ms && !without_xdp)
		finding_report(
			finder, SEVERITY_WARNING, "daemon_stopped", "uplinkd", remedy,
			"uplinkd is not running%s: forwarding and failover continue, and uplink_xdp answers LACPDUs for another %s",
			since, text_duration(headless_ms, text));
	else if (lacp && headless_ms)
		finding_report(
			finder, SEVERITY_ERROR, "daemon_stopped", "uplinkd", remedy,
			"uplinkd is not running%s and LACPDUs are not answered on %s (no XDP program attached): the switch removes these links from the channel",
			since, snapshot_uplink_names(now, without_xdp, names, sizeof(names)));
	else if (lacp)
		finding_report(
			finder, SEVERITY_ERROR, "daemon_stopped", "uplinkd", remedy,
			"uplinkd is not running%s and LACPDUs are no longer answered: the switch removes the links from the channel",
			since);
	else if (now->view->meta->channel == UL_CHANNEL_PAGP)
		finding_report(
			finder, SEVERITY_ERROR, "daemon_stopped", "uplinkd", remedy,
			"uplinkd is not running%s and sends no PAgP: the switch removes the links from the channel, at the latest after 105 s",
			since);
	else
		finding_report(
			finder, SEVERITY_WARNING, "daemon_stopped", "uplinkd", remedy,
			"uplinkd is not running%s: forwarding and failover continue; MAC learning, hot-plug and RARP are stopped",
			since);
}

/* ": its flows use eth0", or an empty text when no usable uplink serves its groups. */
static const char *describe_takeover(const struct snapshot *now, uint32_t index, char *text,
				     size_t size)
{
	const struct view *view = now->view;
	uint32_t serving = 0;
	char names[200];

	for (uint32_t i = 0; i < view->max_groups; i++) {
		const struct ul_policy *policy = policy_of(now, &view->groups[i]);

		if (view->groups[i].flags & UL_GROUP_USED && policy &&
		    policy_members(policy) >> index & 1)
			serving |= policy_serving(now, policy) & now->usable;
	}
	text[0] = '\0';
	if (serving)
		snprintf(text, size, ": its flows use %s",
			 snapshot_uplink_names(now, serving, names, sizeof(names)));
	return text;
}

/* ---- problems of interfaces ---- */
/* Others may be harmless: a program in front may pass all frames on. */
#define SERIOUS_PROBLEMS (UL_PROBLEM_UNSUITABLE | UL_PROBLEM_DETACHED)

static const struct {
	uint32_t problem;
	enum severity severity;
	const char *code, *text;
	/* clang-format off */
} problem_rows[] = {
#define X(NAME, bit, code, text) { UL_PROBLEM_##NAME, 1 << (bit) & SERIOUS_PROBLEMS ? SEVERITY_ERROR : SEVERITY_WARNING, code, text },
	UL_PROBLEMS(X)
#undef X
};
/* clang-format on */

static void describe_remedy(uint32_t problem, const char *name, char *text, size_t size)
{
	switch (problem) {
	case UL_PROBLEM_NOT_ETHERNET:
		snprintf(text, size,
			 "name an Ethernet NIC, a tap or a veth instead of %s in the configuration",
			 name);
		break;
	case UL_PROBLEM_ENSLAVED:
		snprintf(
			text, size,
			"ip link set %s nomaster, and remove it from the host's network configuration",
			name);
		break;
	case UL_PROBLEM_XDP:
	case UL_PROBLEM_TC:
		snprintf(text, size, "see 'bpftool net show dev %s', and detach that program",
			 name);
		break;
	case UL_PROBLEM_DETACHED:
		snprintf(text, size, "see 'journalctl -u uplinkd'; uplinkd attaches them again");
		break;
	case UL_PROBLEM_HOST_ADDRESS:
		snprintf(
			text, size,
			"compare 'ip address' and 'ip route' of %s with the configuration, and see the log of uplinkd",
			name);
		break;
	default:
		snprintf(
			text, size,
			"remove %s from the software that sets it back (NetworkManager, networkd, ifupdown); uplinkd sets it again within 60 s",
			name);
		break;
	}
}

static void find_problems(struct finder *finder, const char *name, uint32_t problems)
{
	char remedy[192];

	for (size_t i = 0; i < ARRAY_SIZE(problem_rows); i++) {
		if (!(problems & problem_rows[i].problem))
			continue;
		describe_remedy(problem_rows[i].problem, name, remedy, sizeof(remedy));
		finding_report(finder, problem_rows[i].severity, problem_rows[i].code, name, remedy,
			       "%s: %s", name, problem_rows[i].text);
	}
}

/* The daemon repairs that within a second, unless it is not running. */
static void find_stale_programs(struct finder *finder, const char *name, uint32_t ifindex)
{
	const struct view *view = finder->now->view;

	if (view->has_stale_programs && view->has_stale_programs(view, ifindex))
		finding_report(
			finder, SEVERITY_ERROR, "stale_programs", name, "systemctl restart uplinkd",
			"%s: a program of another set of maps is attached: changes of the configuration have no effect there",
			name);
}

static void find_former_maps(struct finder *finder)
{
	const struct view *view = finder->now->view;

	if (view->former_stays)
		finding_report(
			finder, SEVERITY_NOTE, "former_maps", view->name, "see the log of uplinkd",
			"the maps that an upgrade or growth replaced are still pinned as %s_old: they take memory",
			view->name);
}

/* The interface exists and is not connected for a reason that has a separate finding. */
static bool explains_missing(uint32_t problems)
{
	return problems & UL_PROBLEM_UNSUITABLE;
}

/* The daemon tries again with back-off until it succeeds; then the error is cleared. */
static void find_failure(struct finder *finder, const struct uplink_view *uplink, const char *flows)
{
	const char *name = uplink->raw.name;
	char remedy[96];

	if (!uplink->raw.error || explains_missing(uplink->raw.problems))
		return;
	snprintf(remedy, sizeof(remedy), "see the log of uplinkd and 'ip -d link show %s'", name);
	if (uplink->present)
		finding_report(finder, SEVERITY_WARNING, "uplink_failed", name, remedy,
			       "%s could not be brought up to date: %s", name,
			       strerror(uplink->raw.error));
	else
		finding_report(finder, SEVERITY_WARNING, "uplink_failed", name, remedy,
			       "%s could not be connected: %s%s", name, strerror(uplink->raw.error),
			       flows);
}

static void find_uplink(struct finder *finder, uint32_t index)
{
	const struct uplink_view *uplink = &finder->now->uplinks[index];
	const char *name = uplink->raw.name;
	char remedy[96], flows[240];

	describe_takeover(finder->now, index, flows, sizeof(flows));
	find_problems(finder, name, uplink->raw.problems);
	find_failure(finder, uplink, flows);
	find_stale_programs(finder, name, uplink->raw.ifindex);

	switch (uplink->state) {
	case UPLINK_MISSING:
		if (explains_missing(uplink->raw.problems))
			break;
		finding_report(
			finder, SEVERITY_WARNING, "uplink_missing", name,
			"see 'ip link'; uplinkd attaches the interface as soon as it appears",
			"%s is missing%s", name, flows);
		break;
	case UPLINK_FAILED: /* explained by find_failure() */
		break;
	case UPLINK_DOWN:
		snprintf(remedy, sizeof(remedy), "ip link set %s up", name);
		finding_report(finder, SEVERITY_WARNING, "uplink_down", name, remedy,
			       "%s is administratively down%s", name, flows);
		break;
	case UPLINK_NO_CARRIER:
		snprintf(remedy, sizeof(remedy),
			 "check cable, transceiver and switch port; see 'ethtool %s'", name);
		finding_report(finder, SEVERITY_WARNING, "uplink_no_carrier", name, remedy,
			       "%s has no carrier%s", name, flows);
		break;
	case UPLINK_DRAINED:
		snprintf(remedy, sizeof(remedy), "uplinkctl uplink undrain %s", name);
		finding_report(finder, SEVERITY_NOTE, "uplink_drained", name, remedy,
			       "%s is drained%s", name, flows);
		break;
	case UPLINK_SPARE:
		finding_report(
			finder, SEVERITY_NOTE, "uplink_spare", name,
			"no action needed; with 'failback: true' a recovered uplink is used at once",
			"%s has recovered and is spare (failback: false)", name);
		break;
	case UPLINK_WAITING:
		if (!UL_IS_NEGOTIATED(finder->now->view->meta->channel))
			finding_report(finder, SEVERITY_NOTE, "uplink_waiting", name,
				       "wait for up-delay-ms", "%s has carrier and is not used yet",
				       name);
		break;
	default:
		break;
	}
}

/* ---- LACP ---- */
/* Findings that explain why an uplink is out of the channel. */
#define LACP_EXPLAINS_OUT                                                                  \
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
	char code[48], text[LACP_FINDING_TEXT_LEN], mac[MAC_TEXT_LEN];

	snprintf(code, sizeof(code), "lacp_%s", lacp_finding_name(finding));
	finding_report(finder, severity_of(finding, channel), code, object,
		       lacp_finding_remedy(finding, channel), "%s: %s", object,
		       lacp_finding_text(port, finding, channel, text, sizeof(text)));
	finding_evidence(finder, "LACPDUs: %llu received, %llu sent; partner %s key %u port %u",
			 (unsigned long long)port->counters.lacpdu_rx,
			 (unsigned long long)port->counters.lacpdu_tx,
			 mac_format(port->partner.system, mac), port->partner.key,
			 port->partner.port);
	if (port->last_rx_ms)
		finding_evidence(
			finder, "last LACPDU %llu ms ago",
			(unsigned long long)(finder->now->taken_ns / 1000000 - port->last_rx_ms));
}

void find_out_of_channel(struct finder *finder, const struct uplink_view *uplink,
			 const struct channel_membership *membership)
{
	const char *name = uplink->raw.name;
	bool waits = membership->known && !membership->out;

	if (uplink->state != UPLINK_WAITING || (finder->now->daemon_alive && membership->explained))
		return;
	if (waits && membership->reason[0] && finder->now->daemon_alive)
		finding_report(finder, SEVERITY_NOTE, "uplink_waiting", name,
			       "wait for up-delay-ms", "%s is %s", name, membership->reason);
	else if (waits)
		finding_report(finder, SEVERITY_WARNING, "uplink_waiting", name,
			       "systemctl start uplinkd",
			       "%s is in the channel, but up-delay-ms only ends while uplinkd runs",
			       name);
	else if (membership->out && membership->reason[0])
		finding_report(finder, SEVERITY_WARNING, "uplink_waiting", name,
			       membership->command, "%s is out of the channel: %s", name,
			       membership->reason);
	else
		finding_report(finder, SEVERITY_WARNING, "uplink_waiting", name,
			       membership->command,
			       "%s has carrier, but %s has not admitted it to the channel", name,
			       membership->protocol);
}

static void find_lacp(struct finder *finder)
{
	const struct snapshot *now = finder->now;
	bool lacp = now->view->meta->channel == UL_CHANNEL_LACP, min_links_reported = false;

	for (uint32_t i = 0; i < now->n_uplinks; i++) {
		const struct uplink_view *uplink = &now->uplinks[i];
		const struct ul_lacp_port *port = &uplink->lacp;

		if (lacp)
			find_out_of_channel(finder, uplink,
					    &(struct channel_membership){
						    .protocol = "LACP",
						    .command = "uplinkctl show lacp",
						    .reason = port->reason,
						    .known = port->updated_ms,
						    .out = port->flags & UL_LACP_OUT,
						    .explained = port->findings & LACP_EXPLAINS_OUT,
					    });
		/* the findings of a stopped daemon may be outdated */
		for (unsigned int f = 0; now->daemon_alive && f < UL_N_FINDINGS; f++) {
			if (!(port->findings >> f & 1) || !lacp_finding_name(f) ||
			    (f == LACP_FIND_MIN_LINKS && min_links_reported))
				continue;
			if (f == LACP_FIND_MIN_LINKS && !strstr(port->reason, "min-links"))
				/* the finding concerns the channel; another port has its text */
				continue;
			min_links_reported |= f == LACP_FIND_MIN_LINKS;
			report_lacp(finder,
				    f == LACP_FIND_MIN_LINKS ? now->view->name : uplink->raw.name,
				    port, f);
		}
	}
}

/* Names of the groups of a policy, for one finding. */
static const char *list_groups(const struct snapshot *snapshot, uint32_t policy, char *text,
			       size_t size)
{
	const struct view *view = snapshot->view;
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < view->max_groups && n < size; i++)
		if (view->groups[i].flags & UL_GROUP_USED && view->groups[i].policy == policy)
			n += (size_t)snprintf(text + n, size - n, "%s%.*s", n ? ", " : "",
					      UL_GROUP_NAME_LEN, view->groups[i].name);
	return text;
}

static void find_policy(struct finder *finder, uint32_t index)
{
	const struct snapshot *now = finder->now;
	const struct ul_policy *policy = &now->policies[index];
	uint32_t serving = policy_serving(now, policy), active = 0, standby, dead;
	char groups[200], spares[200], lost[200];

	if (!list_groups(now, index, groups, sizeof(groups))[0])
		return;
	if (!(serving & now->usable)) {
		finding_report(
			finder, SEVERITY_ERROR, "no_uplink", groups,
			"restore one of its uplinks, see the findings on them",
			"port group %s: no uplink is usable: its machines cannot reach the physical network",
			groups);
		return;
	}
	for (uint32_t p = 0; p < policy->n_active; p++)
		active |= 1u << (policy->member[p] & 31);
	standby = serving & ~active;
	dead = active & ~serving;
	if (standby && dead)
		finding_report(finder, SEVERITY_WARNING, "standby_in_use", groups,
			       "see the findings on the active uplinks",
			       "port group %s: standby %s is in use instead of %s", groups,
			       snapshot_uplink_names(now, standby, spares, sizeof(spares)),
			       snapshot_uplink_names(now, dead, lost, sizeof(lost)));
}

static void find_ports(struct finder *finder)
{
	const struct view *view = finder->now->view;

	for (uint32_t slot = 0; slot < view->max_ports; slot++) {
		struct ul_port port = view->ports[slot];
		const char *group = port.group < view->max_groups ? view->groups[port.group].name :
								    "?";
		int error = (int)((port.flags & UL_PORT_ERROR_MASK) >> UL_PORT_ERROR_SHIFT);
		uint32_t problems = (port.flags & UL_PORT_PROBLEM_FLAGS) >> UL_PORT_PROBLEM_SHIFT;
		char remedy[128];

		if (!(port.flags & UL_PORT_USED))
			continue;
		port.name[UL_NAME_LEN - 1] = '\0';
		find_problems(finder, port.name, problems);
		find_stale_programs(finder, port.name, port.ifindex);
		if (explains_missing(problems) || (port.ifindex && !error))
			continue;
		if (error) {
			finding_report(finder, SEVERITY_WARNING, "port_failed", port.name,
				       "see the log of uplinkd",
				       "port %s (%.*s): the interface could not be %s: %s",
				       port.name, UL_GROUP_NAME_LEN, group,
				       port.ifindex ? "brought up to date" : "connected",
				       strerror(error));
			continue;
		}
		if (port.flags & UL_PORT_RUNTIME)
			snprintf(remedy, sizeof(remedy),
				 "start its machine, or 'uplinkctl port del %s'", port.name);
		else
			snprintf(remedy, sizeof(remedy),
				 "start its machine, or remove the port from the configuration");
		finding_report(finder, SEVERITY_NOTE, "port_missing", port.name, remedy,
			       "port %s (%.*s): the interface is missing", port.name,
			       UL_GROUP_NAME_LEN, group);
	}
}

/* Ports that a broadcast in a VLAN is copied to. */
static uint32_t flood_list_length(const struct view *view, uint32_t vid)
{
	const struct ul_vlan *vlan = &view->vlans[vid];

	return (vlan->flags & UL_VLAN_ACCESS ? vlan->n_members : 0) +
	       (vlan->flags & UL_VLAN_TRUNKED ? view->vlans[UL_VLAN_TRUNK].n_members : 0);
}

/* The longest list stands for all that are too long. */
static void find_flood_lists(struct finder *finder)
{
	const struct backlog *backlog = &finder->now->backlog;
	uint32_t longest = 0, vid = 0;
	char object[16], remedy[96], dropped[TEXT_NUMBER_LEN];

	for (uint32_t v = 0; v < UL_VLAN_TRUNK; v++) {
		uint32_t n = flood_list_length(finder->now->view, v);

		if (n > longest) {
			longest = n;
			vid = v;
		}
	}
	if (!backlog->limit || longest <= backlog->limit)
		return;
	snprintf(object, sizeof(object), "VLAN %u", vid);
	snprintf(remedy, sizeof(remedy), "sysctl -w net.core.netdev_max_backlog=%u", 2 * longest);
	finding_report(
		finder, SEVERITY_WARNING, "backlog_short", object, remedy,
		"%s has %u ports, and net.core.netdev_max_backlog is %llu: those of its ports that are veth lose copies of broadcasts (%s frames dropped by the backlog of this host so far)",
		object, longest, (unsigned long long)backlog->limit,
		text_count(backlog->dropped, dropped));
}

/* ---- evidence of findings about states ---- */
static void describe_uplink(const struct uplink_view *uplink, char *text, size_t size)
{
	char speed[TEXT_NUMBER_LEN];

	snprintf(text, size, "%s: ifindex %u, administratively %s, %s, %s, speed %s",
		 uplink->raw.name, uplink->raw.ifindex, uplink->admin_up ? "up" : "down",
		 uplink->carrier ? "carrier" : "no carrier",
		 uplink->usable ? "usable" : "not usable",
		 text_speed(uplink->raw.speed_mbps, speed));
}

static void add_evidence(struct finder *finder, json_t *finding)
{
	const struct snapshot *now = finder->now;
	const char *object = json_string_value(json_object_get(finding, "object"));
	int uplink = uplink_by_name(now, object), port = port_by_name(now, object);
	char text[256], names[200];

	finder->last = finding;
	if (json_array_size(json_object_get(finding, "evidence")))
		return;
	if (uplink >= 0) {
		describe_uplink(&now->uplinks[uplink], text, sizeof(text));
		finding_evidence(finder, "%s", text);
	} else if (port >= 0) {
		finding_evidence(finder, "%s: slot %d, ifindex %u%s", object, port,
				 now->view->ports[port].ifindex,
				 now->view->ports[port].flags & UL_PORT_ABSENT ?
					 ", absent (no interface, down, or no carrier)" :
					 "");
	} else if (strcmp(object, "uplinkd") == 0) {
		finding_evidence(finder, "lease expired %llu ms ago (0: stopped in order)",
				 (unsigned long long)now->daemon_silent_ms);
	} else {
		snapshot_uplink_names(now, now->usable, names, sizeof(names));
		finding_evidence(finder, "usable uplinks: %s", names[0] ? names : "none");
	}
}

void finder_init(struct finder *finder, const struct snapshot *now, const struct snapshot *before)
{
	*finder = (struct finder){ .now = now, .before = before };
	for (int i = 0; i < N_SEVERITIES; i++)
		finder->found[i] = json_array();
}

json_t *finder_finish(struct finder *finder)
{
	json_t *all = json_array(), *finding;
	size_t i;

	for (int severity = 0; severity < N_SEVERITIES; severity++) {
		json_array_extend(all, finder->found[severity]);
		json_decref(finder->found[severity]);
	}
	if (!finder->now)
		return all;
	json_array_foreach(all, i, finding) {
		add_evidence(finder, finding);
		explain_vendor(finder, finding);
	}
	return all;
}

json_t *findings_find(const struct snapshot *now, const struct snapshot *before)
{
	struct finder finder;

	finder_init(&finder, now, before);
	find_daemon(&finder);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		find_policy(&finder, i);
	for (uint32_t i = 0; i < now->n_uplinks; i++)
		find_uplink(&finder, i);
	find_lacp(&finder);
	find_pagp(&finder);
	find_ports(&finder);
	find_addresses(&finder);
	find_flood_lists(&finder);
	find_former_maps(&finder);
	find_all_counters(&finder);
	find_unequal_members(&finder);
	find_silent(&finder);
	find_peer_channel(&finder);
	find_imbalance(&finder);
	find_neighbour_facts(&finder);
	return finder_finish(&finder);
}
