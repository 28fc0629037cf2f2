// SPDX-License-Identifier: GPL-2.0
/* show lacp: what the daemon writes to ul_lacp_ports, with ages that go on while no daemon writes.
 */
#include "ctl/lacp.h"

#include "config/model.h"
#include "ctl/ctl.h"
#include "ctl/records.h"
#include "lacp/setup.h"

/* ---- findings
 * ------------------------------------------------------------------------------------------------------
 */
static const char *const remedies[] = {
	[LACP_FIND_PASSIVE] = "set 'activity: active' here, or 'mode active' on the switch",
	[LACP_FIND_NO_PDU] =
		"set the switch ports to LACP ('mode active'), or use 'channel: static' here; see that nothing filters 01:80:c2:00:00:02",
	[LACP_FIND_TWO_PARTNERS] =
		"cable all uplinks to one switch and one channel of it, or make the two switches an MLAG pair",
	[LACP_FIND_TIMEOUT] =
		"set the same rate at both ends ('rate: fast' here, 'lacp rate fast' on the switch)",
	[LACP_FIND_JITTER] =
		"look at the load of the switch's processor; 'rate: slow' tolerates more",
	[LACP_FIND_LOOPBACK] =
		"the cable leads back to this host: look for a loop, or for a system-id that another host has too",
	[LACP_FIND_SAME_PORT] =
		"look for a hub, or for port numbers that an MLAG pair shares; harmless when all links carry traffic",
	[LACP_FIND_MIN_LINKS] = "bring more links up, or lower min-links",
	[UL_FIND_LACP_UNUSED] =
		"set 'channel: lacp' here, or take LACP from the switch ports ('mode on' for a static channel)",
	[UL_FIND_PAGP] =
		"uplinkd does not speak PAgP: set the switch ports to LACP ('mode active')",
};
_Static_assert(ARRAY_SIZE(remedies) == UL_N_FINDINGS, "a remedy for each finding");
_Static_assert((int)LACP_N_FINDINGS <= (int)UL_FIND_LACP_UNUSED,
	       "findings of both kinds have bits of their own");

const char *lacp_finding_name(unsigned int finding)
{
	const char *name = lacp_name(LACP_NAMES_FINDING, finding);

	return name ? name : setup_finding_name(finding);
}

const char *lacp_finding_remedy(unsigned int finding, enum ul_channel channel)
{
	if (finding == UL_FIND_PAGP && channel == UL_CHANNEL_STATIC)
		return "uplinkd does not speak PAgP: set the switch ports to 'mode on'";
	if (finding == UL_FIND_PAGP && channel == UL_CHANNEL_NONE)
		return "take the switch ports out of their channel group, or set 'channel: static' here and 'mode on' there";
	return finding < ARRAY_SIZE(remedies) ? remedies[finding] : NULL;
}

static struct lacp_info side_of(const struct lacp_saved_info *from)
{
	struct lacp_info side = { .system_priority = from->system_priority,
				  .key = from->key,
				  .port_priority = from->port_priority,
				  .port = from->port,
				  .state = from->state };

	memcpy(side.system, from->system, sizeof(side.system));
	return side;
}

const char *lacp_finding_text(const struct ul_lacp_port *port, unsigned int finding,
			      enum ul_channel channel, char *text, size_t size)
{
	const struct setup setup = { .partner = side_of(&port->partner) };
	bool fast = port->actor.state & LACP_TIMEOUT;

	switch (finding) {
	case LACP_FIND_TIMEOUT:
		snprintf(
			text, size,
			"we ask for %s timeouts, the partner for %s: a silent failure is noticed here after %d s, there after %d s",
			fast ? "short" : "long", fast ? "long" : "short", fast ? 3 : 90,
			fast ? 90 : 3);
		break;
	case LACP_FIND_JITTER:
		snprintf(text, size,
			 "LACPDUs come up to %llu ms apart, the partner counts as lost after %u ms",
			 (unsigned long long)port->gap_max_ms, fast ? 3000 : 90000);
		break;
	case LACP_FIND_SAME_PORT:
		snprintf(text, size, "partner port %u is heard on more than one uplink",
			 port->partner.port);
		break;
	case LACP_FIND_PASSIVE:
		snprintf(text, size, "passive here and no active partner: nobody starts LACP");
		break;
	case UL_FIND_LACP_UNUSED:
	case UL_FIND_PAGP:
		setup_describe(&setup, &port->neighbour, channel, finding, text, size);
		break;
	default:
		snprintf(text, size, "%s", port->reason);
	}
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

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		struct ul_lacp_port port;

		view_lacp_port(snapshot->view, i, &port);
		if (is_member(&port) && snapshot->uplinks[i].raw.xdp_mode == UL_XDP_NONE)
			without_xdp |= 1u << i;
	}
	if (ret_without_xdp)
		*ret_without_xdp = without_xdp;
	return snapshot->daemon_silent_ms < limit_ms ? limit_ms - snapshot->daemon_silent_ms : 0;
}

/* ---- records
 * -------------------------------------------------------------------------------------------------------
 */
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

static json_t *record_stats(const struct ul_lacp_counters *counters,
			    const struct ul_lacp_answer *answer)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{ "lacpdu_rx", counters->lacpdu_rx },
		{ "lacpdu_tx", counters->lacpdu_tx },
		{ "marker_rx", counters->marker_rx },
		{ "marker_response_tx", counters->marker_response_tx },
		{ "illegal_rx", counters->illegal_rx },
		{ "unknown_rx", counters->unknown_rx },
		{ "marker_response_rx", counters->marker_response_rx },
		{ "marker_tx", counters->marker_tx },
		{ "actor_churn_count", counters->actor_churn_count },
		{ "partner_churn_count", counters->partner_churn_count },
		{ "actor_sync_transitions", counters->actor_sync_transitions },
		{ "partner_sync_transitions", counters->partner_sync_transitions },
		{ "actor_changes", counters->actor_changes },
		{ "link_down_rx", counters->link_down_rx },
		{ "excess_rx", counters->excess_rx + (answer ? answer->excess : 0) },
		{ "loopback_rx", counters->loopback_rx },
	};
	json_t *stats = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		json_object_set_new(stats, all[i].name, json_integer((json_int_t)all[i].value));
	return stats;
}

/* null when it was never. */
static json_t *age_of(uint64_t at_ms, uint64_t now_ms)
{
	if (!at_ms)
		return json_null();
	return json_integer(now_ms > at_ms ? (json_int_t)(now_ms - at_ms) : 0);
}

static json_t *record_neighbour(const struct ul_neighbour *neighbour, uint64_t now_ms)
{
	static const char *const protocols[] = { [UL_NEIGHBOUR_NONE] = "none",
						 [UL_NEIGHBOUR_LLDP] = "lldp",
						 [UL_NEIGHBOUR_CDP] = "cdp",
						 [UL_NEIGHBOUR_PAGP] = "pagp" };
	static const char *const modes[] = {
		[UL_PAGP_DESIRABLE] = "desirable", [UL_PAGP_AUTO] = "auto"
	};

	if (!neighbour->seen_ms)
		return json_null();
	return json_pack("{s:o, s:o, s:s, s:o, s:s?, s:o}", "device",
			 text_or_null(neighbour->device), "port", text_or_null(neighbour->port),
			 "protocol",
			 neighbour->protocol < ARRAY_SIZE(protocols) ?
				 protocols[neighbour->protocol] :
				 "none",
			 "age_ms", age_of(neighbour->seen_ms, now_ms), "pagp",
			 neighbour->pagp < ARRAY_SIZE(modes) ? modes[neighbour->pagp] : NULL,
			 "pagp_age_ms", age_of(neighbour->pagp_ms, now_ms));
}

static json_t *record_findings(const struct ul_lacp_port *port)
{
	json_t *findings = json_array();

	for (unsigned int i = 0; i < UL_N_FINDINGS; i++)
		if (port->findings >> i & 1 && lacp_finding_name(i))
			json_array_append_new(findings, json_string(lacp_finding_name(i)));
	return findings;
}

static uint64_t last_heard(const struct ul_lacp_port *port, const struct ul_lacp_answer *answer)
{
	uint64_t answered_ms = answer ? answer->last_ns / 1000000 : 0;

	return answered_ms > port->last_rx_ms ? answered_ms : port->last_rx_ms;
}

static json_t *record_port(const struct snapshot *snapshot, uint32_t index,
			   const struct ul_lacp_port *port)
{
	const struct ul_lacp_answer *answer =
		snapshot->view->lacp_answers ? &snapshot->view->lacp_answers[index] : NULL;
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
	SET("individual", json_boolean(port->flags & UL_LACP_INDIVIDUAL));
	SET("drained", json_boolean(port->flags & UL_LACP_DRAINED));
	SET("stats", record_stats(&port->counters, answer));
	SET("partner_changes", json_integer((json_int_t)port->counters.partner_changes));
	SET("last_rx_age_ms", age_of(last_heard(port, answer), now_ms));
	SET("gaps", json_pack("{s:I, s:I, s:I, s:I}", "count", (json_int_t)port->gaps, "min_ms",
			      (json_int_t)port->gap_min_ms, "avg_ms", (json_int_t)port->gap_avg_ms,
			      "max_ms", (json_int_t)port->gap_max_ms));
	SET("neighbour", record_neighbour(&port->neighbour, now_ms));
	SET("headless",
	    json_pack("{s:I, s:o}", "answered", (json_int_t)(answer ? answer->answered : 0),
		      "last_age_ms", age_of(answer ? answer->last_ns / 1000000 : 0, now_ms)));
	SET("updated_age_ms", age_of(port->updated_ms, now_ms));
#undef SET
	return record;
}

json_t *record_lacp(const struct snapshot *snapshot)
{
	json_t *records = json_array();

	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		struct ul_lacp_port port;

		view_lacp_port(snapshot->view, i, &port);
		if (snapshot->view->meta->channel == UL_CHANNEL_LACP || port.findings ||
		    port.neighbour.seen_ms)
			json_array_append_new(records, record_port(snapshot, i, &port));
	}
	return records;
}

/* ---- text
 * ----------------------------------------------------------------------------------------------------------
 */
static const struct column columns[] = {
	{ "UPLINK", "uplink", CELL_TEXT, NULL },
	{ "PORT", "port", CELL_TEXT, NULL },
	{ "STATE", "state", CELL_TEXT, NULL },
	{ "MUX", "mux", CELL_TEXT, NULL },
	{ "SELECTED", "selected", CELL_TEXT, NULL },
	{ "PARTNER", "partner", CELL_TEXT, NULL },
	{ "KEY", "key", CELL_TEXT, NULL },
	{ "PORT", "partner_port", CELL_TEXT, NULL },
	{ "STATE", "partner_state", CELL_TEXT, NULL },
	{ "CHURN", "churn", CELL_TEXT, NULL },
	{ "LAST", "last", CELL_TEXT, NULL },
	{ "GAPS MIN/AVG/MAX", "gaps", CELL_TEXT, NULL },
	{ "NEIGHBOUR", "neighbour", CELL_TEXT, NULL },
};

static const struct column counters[] = {
	{ "UPLINK", "uplink", CELL_TEXT, NULL },
	{ "LACPDUS IN", "lacpdu_rx", CELL_TEXT, NULL },
	{ "OUT", "lacpdu_tx", CELL_TEXT, NULL },
	{ "MARKERS", "marker_rx", CELL_TEXT, NULL },
	{ "ILLEGAL", "illegal_rx", CELL_TEXT, NULL },
	{ "UNKNOWN", "unknown_rx", CELL_TEXT, NULL },
	{ "EXCESS", "excess_rx", CELL_TEXT, NULL },
	{ "LINK DOWN", "link_down_rx", CELL_TEXT, NULL },
	{ "PARTNERS", "partner_changes", CELL_TEXT, NULL },
	{ "ANSWERED", "answered", CELL_TEXT, NULL },
};

/* One letter per bit, as in "ATGSCD--". */
static json_t *state_letters(uint8_t state)
{
	char letters[] = "ATGSCDFE";

	for (int bit = 0; bit < 8; bit++)
		if (!(state >> bit & 1))
			letters[bit] = '-';
	return json_string(letters);
}

static json_t *seconds_text(json_t *age_ms)
{
	return json_is_integer(age_ms) ?
		       json_sprintf("%.1f s", (double)json_integer_value(age_ms) / 1000) :
		       json_null();
}

static json_t *churn_text(const struct ul_lacp_port *port)
{
	const char *actor = lacp_name(LACP_NAMES_CHURN, port->actor_churn),
		   *partner = lacp_name(LACP_NAMES_CHURN, port->partner_churn);

	return port->updated_ms && actor && partner ? json_sprintf("%s/%s", actor, partner) :
						      json_null();
}

static json_t *neighbour_text(json_t *neighbour)
{
	const char *device = json_string_value(json_object_get(neighbour, "device")),
		   *port = json_string_value(json_object_get(neighbour, "port"));

	if (!json_is_object(neighbour))
		return json_null();
	return json_sprintf("%s %s (%s)", device ? device : "?", port ? port : "?",
			    json_string_value(json_object_get(neighbour, "protocol")));
}

static json_t *row_of(json_t *record, const struct ul_lacp_port *port)
{
	bool running = port->updated_ms,
	     partner = port->partner.system_priority || port->partner.port;
	char mac[MAC_TEXT_LEN];
	json_t *row = json_object();

#define SET(key, value) json_object_set_new(row, (key), (value))
	json_object_set(row, "uplink", json_object_get(record, "uplink"));
	json_object_set(row, "mux", json_object_get(record, "mux_state"));
	json_object_set(row, "selected", json_object_get(record, "selected"));
	SET("port", running ? json_integer(port->actor.port) : json_null());
	SET("state", running ? state_letters(port->actor.state) : json_null());
	if (partner) {
		SET("partner", json_sprintf("%u,%s", port->partner.system_priority,
					    mac_format(port->partner.system, mac)));
		SET("key", json_integer(port->partner.key));
		SET("partner_port",
		    json_sprintf("%u,%u", port->partner.port_priority, port->partner.port));
		SET("partner_state", state_letters(port->partner.state));
	}
	SET("churn", churn_text(port));
	SET("last", seconds_text(json_object_get(record, "last_rx_age_ms")));
	SET("gaps", port->gaps ? json_sprintf("%.1f/%.1f/%.1f s", (double)port->gap_min_ms / 1000,
					      (double)port->gap_avg_ms / 1000,
					      (double)port->gap_max_ms / 1000) :
				 json_null());
	SET("neighbour", neighbour_text(json_object_get(record, "neighbour")));
#undef SET
	return row;
}

static json_t *counters_of(json_t *record)
{
	json_t *row = json_copy(json_object_get(record, "stats"));

	json_object_set(row, "uplink", json_object_get(record, "uplink"));
	json_object_set(row, "partner_changes", json_object_get(record, "partner_changes"));
	json_object_set(row, "answered",
			json_object_get(json_object_get(record, "headless"), "answered"));
	return row;
}

/* The sentence of each uplink, and what is wrong with it. */
static void print_words(struct ctl *ctl, enum ul_channel channel, const char *uplink,
			const struct ul_lacp_port *port)
{
	const struct style *style = &ctl->style;

	if (port->reason[0])
		fprintf(ctl->out, "  %s%s: %s%s\n",
			tint_start(style, port->flags & UL_LACP_OUT ? TINT_WARN : TINT_NONE),
			uplink, port->reason,
			tint_end(style, port->flags & UL_LACP_OUT ? TINT_WARN : TINT_NONE));
	for (unsigned int i = 0; i < UL_N_FINDINGS; i++) {
		char text[LACP_FINDING_TEXT_LEN];

		if (!(port->findings >> i & 1) || !lacp_finding_name(i))
			continue;
		lacp_finding_text(port, i, channel, text, sizeof(text));
		fprintf(ctl->out, "  %s%s %s%s%s%s\n", tint_start(style, TINT_WARN),
			style->utf8 ? "▲" : "!", lacp_finding_name(i), tint_end(style, TINT_WARN),
			strcmp(text, port->reason) ? ": " : "",
			strcmp(text, port->reason) ? text : "");
		fprintf(ctl->out, "    %s%s %s%s\n", tint_start(style, TINT_DIM),
			style->utf8 ? "→" : "->", lacp_finding_remedy(i, channel),
			tint_end(style, TINT_DIM));
	}
}

static void print_title(struct ctl *ctl, const struct snapshot *snapshot)
{
	const struct ul_meta *meta = snapshot->view->meta;
	char mac[MAC_TEXT_LEN], text[TEXT_NUMBER_LEN], names[200];
	struct ul_lacp_port first;
	uint32_t without_xdp;
	uint64_t headless_ms;

	fprintf(ctl->out, "%s%s%s  ", tint_start(&ctl->style, TINT_BOLD), snapshot->view->name,
		tint_end(&ctl->style, TINT_BOLD));
	if (meta->channel != UL_CHANNEL_LACP) {
		fprintf(ctl->out, "%s channel, no LACP\n",
			meta->channel == UL_CHANNEL_NONE ? "no" : "static");
		return;
	}
	view_lacp_port(snapshot->view, 0, &first);
	fprintf(ctl->out, "LACP %s, %s rate, system %u,%s key %u\n",
		first.actor.state & LACP_ACTIVITY ? "active" : "passive",
		first.actor.state & LACP_TIMEOUT ? "fast" : "slow", first.actor.system_priority,
		mac_format(first.actor.system, mac), first.actor.key);
	if (snapshot->daemon_alive)
		return;
	headless_ms = lacp_headless_ms(snapshot, &without_xdp);
	if (headless_ms && without_xdp)
		fprintf(ctl->out,
			"  uplinkd is not running: this is what it wrote last; LACPDUs are not answered on %s, where no XDP program runs\n",
			snapshot_uplink_names(snapshot, without_xdp, names, sizeof(names)));
	else if (headless_ms)
		fprintf(ctl->out,
			"  uplinkd is not running: this is what it wrote last; LACPDUs are answered without it for %s more\n",
			text_duration(headless_ms, text));
	else
		fprintf(ctl->out,
			"  uplinkd is not running: this is what it wrote last; LACPDUs are not answered any more\n");
}

static int print_switch(struct ctl *ctl, const struct snapshot *snapshot, json_t *records)
{
	struct ul_lacp_port ports[UL_MAX_UPLINKS];
	json_auto_t *rows = json_array(), *counts = json_array();
	json_t *record;
	size_t i;

	print_title(ctl, snapshot);
	if (json_array_size(records) == 0)
		return 0;
	json_array_foreach(records, i, record) {
		const char *name = json_string_value(json_object_get(record, "uplink"));

		for (uint32_t u = 0; u < snapshot->n_uplinks; u++)
			if (strcmp(snapshot->uplinks[u].raw.name, name) == 0)
				view_lacp_port(snapshot->view, u, &ports[i]);
		json_array_append_new(rows, row_of(record, &ports[i]));
		if (ports[i].updated_ms)
			json_array_append_new(counts, counters_of(record));
	}
	fputc('\n', ctl->out);
	if (records_print(rows, columns, ARRAY_SIZE(columns), &ctl->style, 2, ctl->out) < 0)
		return -ENOMEM;
	fputc('\n', ctl->out);
	json_array_foreach(records, i, record)
		print_words(ctl, snapshot->view->meta->channel,
			    json_string_value(json_object_get(record, "uplink")), &ports[i]);
	if (json_array_size(counts) == 0)
		return 0;
	fputc('\n', ctl->out);
	return records_print(counts, counters, ARRAY_SIZE(counters), &ctl->style, 2, ctl->out) < 0 ?
		       -ENOMEM :
		       0;
}

int cmd_show_lacp(struct ctl *ctl)
{
	_cleanup_(switches_close) struct switches switches = {};
	json_auto_t *all = json_array();
	int status;

	status = switches_open(ctl, ctl->arguments[0], &switches);
	for (size_t i = 0; status == CTL_DONE && i < switches.n; i++) {
		json_auto_t *records = record_lacp(switches.snapshots[i]);

		if (ctl->json) {
			json_array_extend(all, records);
			continue;
		}
		if (i)
			fputc('\n', ctl->out);
		if (print_switch(ctl, switches.snapshots[i], records) < 0)
			status = CTL_SYSTEM;
	}
	if (status == CTL_DONE && ctl->json)
		return ctl_print_json(ctl, TAKE_PTR(all));
	return status;
}
