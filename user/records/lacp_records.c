// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Records of ul_lacp_ports. Ages are relative to the snapshot, so they increase while the daemon is
 * stopped. */
#include "records/lacp_records.h"

#include "config/model.h"
#include "lacp/peer_mismatch.h"
#include "records/names.h"
#include "records/records.h"

/* ---- findings ---- */
/* clang-format off */
static const char *const remedies[] = {
	[LACP_FIND_PASSIVE] = "set 'activity: active' here, or 'mode active' on the switch",
	[LACP_FIND_NO_PDU] = "set the switch ports to LACP ('mode active') or 'channel: static' here; make sure that no device filters 01:80:c2:00:00:02",
	[LACP_FIND_TWO_PARTNERS] = "connect all uplinks to one channel of one switch, or configure the two switches as an MLAG pair",
	[LACP_FIND_TIMEOUT] = "set the same rate on both ends ('rate: fast' here, 'lacp rate fast' on the switch)",
	[LACP_FIND_JITTER] = "check the CPU load of the switch; 'rate: slow' tolerates longer gaps",
	[LACP_FIND_LOOPBACK] = "look for a loop in the cabling, or for another host with the same system-id",
	[LACP_FIND_SAME_PORT] = "look for a hub, or for equal port numbers on an MLAG pair; harmless when all links carry traffic",
	[LACP_FIND_MIN_LINKS] = "bring up more links, or lower min-links",
	[UL_FIND_LACP_UNUSED] = "set 'channel: lacp' here, or disable LACP on the switch ports ('mode on' for a static channel)",
	[UL_FIND_PAGP] = "set the switch ports to LACP ('mode active'), or 'channel: pagp' here",
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(remedies) == UL_N_FINDINGS, "a remedy for each finding");
_Static_assert((int)LACP_N_FINDINGS <= (int)UL_FIND_LACP_UNUSED,
	       "the two kinds of findings share no bits");

const char *lacp_finding_name(unsigned int finding)
{
	const char *name = lacp_name(LACP_NAMES_FINDING, finding);

	return name ? name : peer_mismatch_finding_name(finding);
}

const char *lacp_finding_remedy(unsigned int finding, enum ul_channel channel)
{
	if (finding == UL_FIND_PAGP && channel == UL_CHANNEL_STATIC)
		return "set the switch ports to 'mode on', or 'channel: pagp' here";
	if (finding == UL_FIND_PAGP && channel == UL_CHANNEL_NONE)
		return "remove the switch ports from their channel group, or set 'channel: pagp' here";
	return finding < ARRAY_SIZE(remedies) ? remedies[finding] : NULL;
}

const char *lacp_finding_text(const struct ul_lacp_port *port, unsigned int finding,
			      enum ul_channel channel, char *text, size_t size)
{
	const struct lacp_info actor = lacp_info_load(&port->actor),
			       partner = lacp_info_load(&port->partner);
	const struct peer_mismatch mismatch = { .partner = partner };

	if (finding == UL_FIND_LACP_UNUSED || finding == UL_FIND_PAGP)
		peer_mismatch_describe(&mismatch, &port->neighbour, channel, finding, text, size);
	else if (!lacp_describe_finding(finding, &actor, &partner, port->gap_max_ms, text, size))
		snprintf(text, size, "%s", port->reason);
	return text;
}

static bool is_member(const struct ul_lacp_port *port)
{
	const uint8_t member = LACP_SYNCHRONIZATION | LACP_COLLECTING | LACP_DISTRIBUTING;

	return port->updated_ms && (port->actor.state & port->partner.state & member) == member;
}

uint64_t lacp_headless_ms(const struct snapshot *snapshot, uint32_t *ret_without_xdp)
{
	uint64_t limit_ms = snapshot->view->meta->headless_ns / 1000000;
	uint32_t without_xdp = 0;

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		if (is_member(&snapshot->uplinks[i].lacp) &&
		    snapshot->uplinks[i].raw.xdp_mode == UL_XDP_NONE)
			without_xdp |= 1u << i;
	if (ret_without_xdp)
		*ret_without_xdp = without_xdp;
	return snapshot->daemon_silent_ms < limit_ms ? limit_ms - snapshot->daemon_silent_ms : 0;
}

/* ---- records ---- */
static json_t *name_in(enum lacp_table table, unsigned int value)
{
	const char *name = lacp_name(table, value);

	return name ? json_string(name) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static json_t *record_side(const struct lacp_saved_info *side)
{
	json_t *state = json_array();
	char mac[MAC_TEXT_LEN];

	for (unsigned int bit = 0; bit < 8; bit++)
		if (side->state >> bit & 1)
			json_array_append_new(state, name_in(LACP_NAMES_STATE_BIT, bit));
	return json_pack("{s:i, s:s, s:i, s:i, s:i, s:o}", "system_priority", side->system_priority,
			 "system", mac_format(side->system, mac), "key", side->key, "port_priority",
			 side->port_priority, "port", side->port, "state", state);
}

/* excess_rx: dropped by the daemon and by the data plane. */
static json_t *record_stats(const struct ul_lacp_counters *counters,
			    const struct ul_lacp_answer *answer)
{
	json_t *stats = json_object();

#define X(member, help) \
	json_object_set_new(stats, #member, json_integer((json_int_t)counters->member));
	LACP_COUNTERS(X)
#undef X
	json_object_set_new(stats, "excess_rx",
			    json_integer((json_int_t)(counters->excess_rx + answer->excess)));
	return stats;
}

/* null: it never happened. */
static json_t *age_of(uint64_t at_ms, uint64_t now_ms)
{
	if (!at_ms)
		return json_null();
	return json_integer(now_ms > at_ms ? (json_int_t)(now_ms - at_ms) : 0);
}

json_t *record_neighbour(const struct ul_neighbour *neighbour, uint64_t now_ms)
{
	static const char *const vendors[] = { [UL_VENDOR_HP_SWITCH] = "hp_switch",
					       [UL_VENDOR_ARUBA_CX] = "aruba_cx",
					       [UL_VENDOR_COMWARE] = "comware" };
	static const char *const duplexes[] = {
		[UL_DUPLEX_HALF] = "half", [UL_DUPLEX_FULL] = "full"
	};
	const char *protocol = record_name(RECORD_NEIGHBOURS, neighbour->protocol);

	if (!neighbour->seen_ms)
		return json_null();
	return json_pack(
		"{s:o, s:o, s:s, s:o, s:s?, s:o, s:s?, s:s?, s:o}", "device",
		text_or_null(neighbour->device), "port", text_or_null(neighbour->port), "protocol",
		protocol ? protocol : "none", "age_ms", age_of(neighbour->seen_ms, now_ms), "pagp",
		record_name(RECORD_PAGP_MODES, neighbour->pagp), "pagp_age_ms",
		age_of(neighbour->pagp_ms, now_ms), "vendor",
		neighbour->vendor < ARRAY_SIZE(vendors) ? vendors[neighbour->vendor] : NULL,
		"duplex",
		neighbour->duplex < ARRAY_SIZE(duplexes) ? duplexes[neighbour->duplex] : NULL,
		"native_vlan",
		neighbour->native_vlan ? json_integer(neighbour->native_vlan) : json_null());
}

static json_t *record_findings(const struct ul_lacp_port *port)
{
	json_t *findings = json_array();

	for (unsigned int i = 0; i < UL_N_FINDINGS; i++)
		if (port->findings >> i & 1 && lacp_finding_name(i))
			json_array_append_new(findings, json_string(lacp_finding_name(i)));
	return findings;
}

static json_t *finding_texts(const struct ul_lacp_port *port, enum ul_channel channel)
{
	json_t *texts = json_array();

	for (unsigned int i = 0; i < UL_N_FINDINGS; i++) {
		char text[LACP_FINDING_TEXT_LEN];

		if (port->findings >> i & 1 && lacp_finding_name(i))
			json_array_append_new(
				texts,
				json_pack("{s:s, s:s, s:s}", "finding", lacp_finding_name(i),
					  "text",
					  lacp_finding_text(port, i, channel, text, sizeof(text)),
					  "remedy", lacp_finding_remedy(i, channel)));
	}
	return texts;
}

static uint64_t last_heard(const struct ul_lacp_port *port, const struct ul_lacp_answer *answer)
{
	uint64_t answered_ms = answer->last_ns / 1000000;

	return answered_ms > port->last_rx_ms ? answered_ms : port->last_rx_ms;
}

static json_t *record_port(const struct snapshot *snapshot, uint32_t index)
{
	const struct ul_lacp_port *port = &snapshot->uplinks[index].lacp;
	const struct ul_lacp_answer *answer = &snapshot->uplinks[index].answer;
	uint64_t now_ms = snapshot->taken_ns / 1000000;
	bool running = port->updated_ms;
	json_t *record;

	record = json_pack("{s:s, s:s, s:s?, s:b, s:o, s:o}", "switch", snapshot->view->name,
			   "uplink", snapshot->uplinks[index].raw.name, "channel",
			   channel_name(snapshot->view->meta->channel), "running", running, "actor",
			   record_side(&port->actor), "partner", record_side(&port->partner));
#define SET(key, value) json_object_set_new(record, (key), (value))
	SET("receive_state",
	    running ? name_in(LACP_NAMES_RECEIVE, port->receive_state) : json_null());
	SET("periodic_state",
	    running ? name_in(LACP_NAMES_PERIODIC, port->periodic_state) : json_null());
	SET("mux_state", running ? name_in(LACP_NAMES_MUX, port->mux_state) : json_null());
	SET("selected", running ? name_in(LACP_NAMES_SELECTED, port->selected) : json_null());
	SET("churn",
	    running ? json_pack("{s:o, s:o}", "actor", name_in(LACP_NAMES_CHURN, port->actor_churn),
				"partner", name_in(LACP_NAMES_CHURN, port->partner_churn)) :
		      json_null());
	SET("out", json_boolean(port->flags & UL_LACP_OUT));
	SET("reason", text_or_null(port->reason));
	SET("findings", record_findings(port));
	SET("finding_texts", finding_texts(port, snapshot->view->meta->channel));
	SET("individual", json_boolean(port->flags & UL_LACP_INDIVIDUAL));
	SET("drained", json_boolean(port->flags & UL_LACP_DRAINED));
	SET("stats", record_stats(&port->counters, answer));
	SET("partner_changes", json_integer((json_int_t)port->counters.partner_changes));
	SET("last_rx_age_ms", age_of(last_heard(port, answer), now_ms));
	SET("gaps", json_pack("{s:I, s:I, s:I, s:I}", "count", (json_int_t)port->gaps, "min_ms",
			      (json_int_t)port->gap_min_ms, "avg_ms", (json_int_t)port->gap_avg_ms,
			      "max_ms", (json_int_t)port->gap_max_ms));
	SET("neighbour", record_neighbour(&port->neighbour, now_ms));
	SET("headless", json_pack("{s:I, s:o}", "answered", (json_int_t)answer->answered,
				  "last_age_ms", age_of(answer->last_ns / 1000000, now_ms)));
	SET("updated_age_ms", age_of(port->updated_ms, now_ms));
#undef SET
	return record;
}

bool has_lacp_record(const struct snapshot *snapshot, uint32_t uplink)
{
	const struct ul_lacp_port *port = &snapshot->uplinks[uplink].lacp;

	return snapshot->view->meta->channel == UL_CHANNEL_LACP || port->findings ||
	       port->neighbour.seen_ms;
}

json_t *record_lacp(const struct snapshot *snapshot)
{
	json_t *records = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		if (has_lacp_record(snapshot, i))
			json_array_append_new(records, record_port(snapshot, i));
	return records;
}

json_t *record_lacp_switch(const struct snapshot *snapshot)
{
	uint32_t without_xdp;
	uint64_t headless_ms = lacp_headless_ms(snapshot, &without_xdp);

	return json_pack("{s:s, s:s?, s:b, s:I, s:o, s:o}", "switch", snapshot->view->name,
			 "channel", channel_name(snapshot->view->meta->channel), "daemon_alive",
			 snapshot->daemon_alive, "headless_ms", (json_int_t)headless_ms,
			 "headless_without_xdp", record_uplink_names(snapshot, without_xdp),
			 "uplinks", record_lacp(snapshot));
}
