// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The families of metrics and their samples. Values that a reply does not have make no sample. */
#include "records/metrics.h"

#include <string.h>

#include "common/util.h"
#include "lacp/lacp.h"
#include "pagp/pagp.h"
#include "records/findings.h"
#include "records/names.h"

static const char *text_of(json_t *record, const char *key)
{
	return json_string_value(json_object_get(record, key));
}

/* The member that the family names: an integer or a boolean. */
static void put_member(struct metrics_writer *writer, const struct metric_label *labels,
		       json_t *record)
{
	json_t *value = json_object_get(record, writer->family->key);

	if (json_is_boolean(value))
		metric_integer(writer, "", labels, json_is_true(value));
	else if (json_is_integer(value))
		metric_integer(writer, "", labels, json_integer_value(value));
}

/* ---- the daemon ---- */
static void put_up(struct metrics_writer *writer, const struct metrics_input *input)
{
	metric_integer(writer, "", NULL, input->status != NULL);
}

static void put_build(struct metrics_writer *writer, const struct metrics_input *input)
{
	const struct metric_label labels[] = { { "version", text_of(input->status, "version") },
					       {} };

	if (input->status)
		metric_integer(writer, "_info", labels, 1);
}

static void put_uptime(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *uptime_ms = json_object_get(input->status, "uptime_ms");

	if (uptime_ms)
		metric_real(writer, "", NULL, (double)json_integer_value(uptime_ms) / 1e3);
}

static void put_read_seconds(struct metrics_writer *writer, const struct metrics_input *input)
{
	metric_real(writer, "", NULL, input->read_seconds);
}

static void put_failed_reads(struct metrics_writer *writer, const struct metrics_input *input)
{
	metric_integer(writer, "", NULL, input->failed_reads);
}

static const char *configuration_state(unsigned int i)
{
	static const char *const states[] = { "files", "copy", "rolled_back", "fallback",
					      "unconfirmed" };

	return i < ARRAY_SIZE(states) ? states[i] : NULL;
}

static bool has_state(json_t *record, const char *state)
{
	const char *text = text_of(record, "state");

	return text && strcmp(text, state) == 0;
}

static void put_configuration(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *configuration = json_object_get(input->status, "configuration");

	if (configuration)
		metric_stateset(writer, NULL, configuration_state, 5, has_state, configuration);
}

static void put_loop_delay(struct metrics_writer *writer, const struct metrics_input *input)
{
	static const char *const threads[] = { "worker", "timely" };

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		const struct metric_label labels[] = { { "thread", threads[i] }, {} };

		metric_histogram(writer, labels, json_object_get(input->statistics, threads[i]));
	}
}

static void put_status(struct metrics_writer *writer, const struct metrics_input *input)
{
	put_member(writer, NULL, input->status);
}

static void put_statistics(struct metrics_writer *writer, const struct metrics_input *input)
{
	put_member(writer, NULL, input->statistics);
}

static void put_control(struct metrics_writer *writer, const struct metrics_input *input)
{
	put_member(writer, NULL, json_object_get(input->statistics, "control"));
}

static void put_dropped_clients(struct metrics_writer *writer, const struct metrics_input *input)
{
	static const char *const reasons[] = { "slow_dropped", "crowded_out" };
	json_t *control = json_object_get(input->statistics, "control");

	for (size_t i = 0; control && i < ARRAY_SIZE(reasons); i++) {
		const struct metric_label labels[] = { { "reason", reasons[i] }, {} };

		metric_integer(writer, "", labels,
			       json_integer_value(json_object_get(control, reasons[i])));
	}
}

/* ---- switches, groups and ports ---- */
static void put_switch_info(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *sw;
	size_t i;

	json_array_foreach(input->switches, i, sw) {
		const struct metric_label labels[] = { { "switch", text_of(sw, "name") },
						       { "channel", text_of(sw, "channel") },
						       { "receive", text_of(sw, "receive") },
						       {} };

		metric_integer(writer, "_info", labels, 1);
	}
}

static void put_switch(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *sw;
	size_t i;

	json_array_foreach(input->switches, i, sw) {
		const struct metric_label labels[] = { { "switch", text_of(sw, "name") }, {} };

		put_member(writer, labels, sw);
	}
}

/* Calls put for each group up to the limit; returns the number of those beyond it. */
static json_int_t each_group(struct metrics_writer *writer, const struct metrics_input *input,
			     void (*put)(struct metrics_writer *writer,
					 const struct metric_label *labels, json_t *group))
{
	json_t *sw, *group;
	json_int_t n = 0;
	size_t i, k;

	json_array_foreach(input->switches, i, sw)
		json_array_foreach(json_object_get(sw, "groups"), k, group) {
			const struct metric_label labels[] = { { "switch", text_of(sw, "name") },
							       { "group", text_of(group, "name") },
							       {} };

			if (n++ < METRICS_MAX_OBJECTS && put)
				put(writer, labels, group);
		}
	return n > METRICS_MAX_OBJECTS ? n - METRICS_MAX_OBJECTS : 0;
}

static void put_group(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_group(writer, input, put_member);
}

static void put_serving_of(struct metrics_writer *writer, const struct metric_label *labels,
			   json_t *group)
{
	json_t *serving = json_object_get(group, "serving");

	if (serving)
		metric_integer(writer, "", labels, (json_int_t)json_array_size(serving));
}

static void put_serving(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_group(writer, input, put_serving_of);
}

static void put_port(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *port;
	size_t i;

	json_array_foreach(input->ports, i, port) {
		const struct metric_label labels[] = { { "switch", text_of(port, "switch") },
						       { "group", text_of(port, "group") },
						       { "port", text_of(port, "name") },
						       {} };

		if (i < METRICS_MAX_OBJECTS)
			put_member(writer, labels, port);
	}
}

static void put_omitted(struct metrics_writer *writer, const struct metrics_input *input)
{
	const struct metric_label ports[] = { { "kind", "port" }, {} },
				  groups[] = { { "kind", "group" }, {} };
	size_t n = json_array_size(input->ports);

	if (!input->switches)
		return;
	metric_integer(writer, "", ports,
		       n > METRICS_MAX_OBJECTS ? (json_int_t)(n - METRICS_MAX_OBJECTS) : 0);
	metric_integer(writer, "", groups, each_group(writer, input, NULL));
}

static void put_drops(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *drop;
	size_t i;

	json_array_foreach(input->drops, i, drop) {
		const struct metric_label labels[] = { { "switch", text_of(drop, "switch") },
						       { "scope", text_of(drop, "scope") },
						       { "reason", text_of(drop, "reason") },
						       {} };

		metric_integer(writer, "", labels,
			       json_integer_value(json_object_get(drop, "packets")));
	}
}

/* ---- uplinks ---- */
/* Calls put with the labels of each uplink of Switches. */
static void each_uplink(struct metrics_writer *writer, const struct metrics_input *input,
			void (*put)(struct metrics_writer *writer,
				    const struct metric_label *labels, json_t *uplink))
{
	json_t *sw, *uplink;
	size_t i, k;

	json_array_foreach(input->switches, i, sw)
		json_array_foreach(json_object_get(sw, "uplinks"), k, uplink) {
			const struct metric_label labels[] = { { "switch", text_of(sw, "name") },
							       { "uplink",
								 text_of(uplink, "name") },
							       {} };

			put(writer, labels, uplink);
		}
}

static void put_uplink(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_uplink(writer, input, put_member);
}

static const char *uplink_state(unsigned int i)
{
	return record_name(RECORD_UPLINK_STATES, i);
}

static void put_uplink_state_of(struct metrics_writer *writer, const struct metric_label *labels,
				json_t *uplink)
{
	metric_stateset(writer, labels, uplink_state, record_name_count(RECORD_UPLINK_STATES),
			has_state, uplink);
}

static void put_uplink_state(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_uplink(writer, input, put_uplink_state_of);
}

static void put_speed_of(struct metrics_writer *writer, const struct metric_label *labels,
			 json_t *uplink)
{
	json_int_t mbps = json_integer_value(json_object_get(uplink, "speed_mbps"));

	if (mbps > 0)
		metric_integer(writer, "", labels, mbps * 125000);
}

static void put_speed(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_uplink(writer, input, put_speed_of);
}

/* Of the counters that the daemon keeps. */
static void put_uplink_statistics(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *uplink;
	size_t i;

	json_array_foreach(json_object_get(input->statistics, "uplinks"), i, uplink) {
		const struct metric_label labels[] = { { "switch", text_of(uplink, "switch") },
						       { "uplink", text_of(uplink, "uplink") },
						       {} };

		put_member(writer, labels, uplink);
	}
}

/* ---- LACP ---- */
static bool lacp_runs(const struct metrics_input *input, const char *switch_name)
{
	json_t *sw;
	size_t i;

	json_array_foreach(input->lacp, i, sw) {
		const char *name = text_of(sw, "switch"), *channel = text_of(sw, "channel");

		if (name && switch_name && channel && strcmp(name, switch_name) == 0)
			return strcmp(channel, "lacp") == 0;
	}
	return false;
}

static void put_gaps(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *uplink;
	size_t i;

	json_array_foreach(json_object_get(input->statistics, "uplinks"), i, uplink) {
		const struct metric_label labels[] = { { "switch", text_of(uplink, "switch") },
						       { "uplink", text_of(uplink, "uplink") },
						       {} };

		if (lacp_runs(input, labels[0].value))
			metric_histogram(writer, labels, json_object_get(uplink, "lacp_pdu_gaps"));
	}
}

/* Calls put with each uplink on which the protocol runs. switches: of its read. */
static void each_running(struct metrics_writer *writer, json_t *switches,
			 void (*put)(struct metrics_writer *writer,
				     const struct metric_label *labels, json_t *uplink))
{
	json_t *sw, *uplink;
	size_t i, k;

	json_array_foreach(switches, i, sw)
		json_array_foreach(json_object_get(sw, "uplinks"), k, uplink) {
			const struct metric_label labels[] = {
				{ "switch", text_of(uplink, "switch") },
				{ "uplink", text_of(uplink, "uplink") },
				{}
			};

			if (json_is_true(json_object_get(uplink, "running")))
				put(writer, labels, uplink);
		}
}

static const char *lacp_state(unsigned int i)
{
	return lacp_name(LACP_NAMES_STATE_BIT, i);
}

static bool has_bit(json_t *side, const char *state)
{
	json_t *bit;
	size_t i;

	json_array_foreach(json_object_get(side, "state"), i, bit)
		if (json_is_string(bit) && strcmp(json_string_value(bit), state) == 0)
			return true;
	return false;
}

/* key: actor or partner */
static void put_lacp_state_of(struct metrics_writer *writer, const struct metric_label *labels,
			      json_t *uplink)
{
	metric_stateset(writer, labels, lacp_state, 8, has_bit,
			json_object_get(uplink, writer->family->key));
}

static void put_lacp_state(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_running(writer, input->lacp, put_lacp_state_of);
}

static void put_pdu_counter_of(struct metrics_writer *writer, const struct metric_label *labels,
			       json_t *uplink)
{
	put_member(writer, labels, json_object_get(uplink, "stats"));
}

static void put_lacp_counter(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_running(writer, input->lacp, put_pdu_counter_of);
}

static void put_pdu_age_of(struct metrics_writer *writer, const struct metric_label *labels,
			   json_t *uplink)
{
	json_t *age_ms = json_object_get(uplink, "last_rx_age_ms");

	if (json_is_integer(age_ms))
		metric_real(writer, "", labels, (double)json_integer_value(age_ms) / 1e3);
}

static void put_lacp_age(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_running(writer, input->lacp, put_pdu_age_of);
}

/* ---- PAgP ---- */
static const char *pagp_state(unsigned int i)
{
	return pagp_name(PAGP_NAMES_STATE, i);
}

static bool is_state(json_t *uplink, const char *state)
{
	const char *present = text_of(uplink, "state");

	return present && strcmp(present, state) == 0;
}

static void put_pagp_state_of(struct metrics_writer *writer, const struct metric_label *labels,
			      json_t *uplink)
{
	metric_stateset(writer, labels, pagp_state, PAGP_N_STATES, is_state, uplink);
}

static void put_pagp_state(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_running(writer, input->pagp, put_pagp_state_of);
}

static void put_pagp_counter(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_running(writer, input->pagp, put_pdu_counter_of);
}

static void put_pagp_age(struct metrics_writer *writer, const struct metrics_input *input)
{
	each_running(writer, input->pagp, put_pdu_age_of);
}

/* ---- findings ---- */
/* Numbers of findings by code, and in it by severity. */
static json_t *count_findings(json_t *findings)
{
	json_t *counts = json_object(), *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		const char *code = text_of(finding, "code"),
			   *severity = text_of(finding, "severity");
		json_t *of_code;

		if (!code || !severity)
			continue;
		of_code = json_object_get(counts, code);
		if (!of_code) {
			of_code = json_object();
			json_object_set_new(counts, code, of_code);
		}
		json_object_set_new(
			of_code, severity,
			json_integer(json_integer_value(json_object_get(of_code, severity)) + 1));
	}
	return counts;
}

static void put_finding_of(struct metrics_writer *writer, const char *switch_name, json_t *findings)
{
	json_auto_t *counts = count_findings(findings);
	const char *code, *severity;
	json_t *of_code, *count;

	json_object_foreach(counts, code, of_code) {
		json_object_foreach(of_code, severity, count) {
			const struct metric_label labels[] = { { "switch", switch_name },
							       { "code", code },
							       { "severity", severity },
							       {} };

			metric_integer(writer, "", labels, json_integer_value(count));
		}
	}
}

/* Those of the daemon itself have no switch. */
static void put_finding(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *sw;
	size_t i;

	json_array_foreach(input->switches, i, sw)
		put_finding_of(writer, text_of(sw, "name"), json_object_get(sw, "problems"));
	put_finding_of(writer, NULL, json_object_get(input->status, "problems"));
}

static void put_findings_of(struct metrics_writer *writer, const char *switch_name,
			    json_t *findings)
{
	for (enum severity i = 0; i < N_SEVERITIES; i++) {
		const struct metric_label labels[] = { { "switch", switch_name },
						       { "severity",
							 record_name(RECORD_SEVERITIES, i) },
						       {} };
		json_int_t n = 0;
		json_t *finding;
		size_t k;

		json_array_foreach(findings, k, finding) {
			const char *severity = text_of(finding, "severity");

			n += severity && strcmp(severity, labels[1].value) == 0;
		}
		metric_integer(writer, "", labels, n);
	}
}

static void put_findings(struct metrics_writer *writer, const struct metrics_input *input)
{
	json_t *sw;
	size_t i;

	json_array_foreach(input->switches, i, sw)
		put_findings_of(writer, text_of(sw, "name"), json_object_get(sw, "problems"));
	if (input->status)
		put_findings_of(writer, NULL, json_object_get(input->status, "problems"));
}

/* ---- the table ---- */
#define GAUGE METRIC_GAUGE
#define COUNTER METRIC_COUNTER

/* clang-format off */
static const struct metric_family families[] = {
	{ "uplinkd_up", GAUGE, NULL, "Whether uplinkd answers on its control socket.", put_up, NULL },
	{ "uplinkd_build", METRIC_INFO, NULL, "The version of uplinkd.", put_build, NULL },
	{ "uplinkd_uptime_seconds", GAUGE, "seconds", "Time since uplinkd started.", put_uptime, NULL },
	{ "uplinkd_read_duration_seconds", GAUGE, "seconds", "How long reading these metrics took.", put_read_seconds, NULL },
	{ "uplinkd_read_failures", GAUGE, NULL, "Reads of these metrics that failed this time.", put_failed_reads, NULL },
	{ "uplinkd_configuration", METRIC_STATESET, NULL, "Where the configuration in force came from.", put_configuration, NULL },
	{ "uplinkd_loop_delay_seconds", METRIC_HISTOGRAM, "seconds", "How long rounds of the event loops took: timely has LACP and failover, worker everything else.", put_loop_delay, NULL },
	{ "uplinkd_log_lines_dropped", COUNTER, NULL, "Lines of the log that were dropped because its reader was too slow.", put_status, "log_lines_dropped" },
	{ "uplinkd_reports_dropped", COUNTER, NULL, "Reports of LACP and failover that the worker did not read in time.", put_statistics, "reports_dropped" },
	{ "uplinkd_events", COUNTER, NULL, "Events, as uplinkctl monitor prints them.", put_statistics, "events" },
	{ "uplinkd_control_requests", COUNTER, NULL, "Requests on the control socket.", put_control, "requests" },
	{ "uplinkd_control_invalid_requests", COUNTER, NULL, "Malformed requests on the control socket.", put_control, "invalid" },
	{ "uplinkd_control_refused_requests", COUNTER, NULL, "Changes that were refused because of control.group-may.", put_control, "refused" },
	{ "uplinkd_control_dropped_clients", COUNTER, NULL, "Clients that were disconnected: too slow, or too many.", put_dropped_clients, NULL },
	{ "uplinkd_control_clients", GAUGE, NULL, "Clients that are connected now.", put_control, "clients" },

	{ "uplinkd_switch", METRIC_INFO, NULL, "Settings of a switch.", put_switch_info, NULL },
	{ "uplinkd_switch_mtu_bytes", GAUGE, "bytes", "MTU of a switch.", put_switch, "mtu" },
	{ "uplinkd_switch_ports", GAUGE, NULL, "Ports of a switch, present or not.", put_switch, "ports" },
	{ "uplinkd_findings", GAUGE, NULL, "Findings by severity.", put_findings, NULL },
	{ "uplinkd_finding", GAUGE, NULL, "Findings by code; those that exist now.", put_finding, NULL },
	{ "uplinkd_drops", COUNTER, NULL, "Dropped frames by reason, summed over the uplinks or the ports of a switch.", put_drops, NULL },

	{ "uplinkd_uplink_up", GAUGE, NULL, "Whether an uplink is usable.", put_uplink, "usable" },
	{ "uplinkd_uplink_carrier", GAUGE, NULL, "Whether an uplink has carrier.", put_uplink, "carrier" },
	{ "uplinkd_uplink_drained", GAUGE, NULL, "Whether an uplink is drained.", put_uplink, "drained" },
	{ "uplinkd_uplink_state", METRIC_STATESET, NULL, "State of an uplink, as uplinkctl shows it.", put_uplink_state, NULL },
	{ "uplinkd_uplink_speed_bytes_per_second", GAUGE, "bytes_per_second", "Speed of an uplink, if it is known.", put_speed, NULL },
	{ "uplinkd_transmit_bytes", COUNTER, "bytes", "Bytes sent to an uplink.", put_uplink, "tx_bytes" },
	{ "uplinkd_transmit_packets", COUNTER, NULL, "Frames sent to an uplink.", put_uplink, "tx_packets" },
	{ "uplinkd_receive_bytes", COUNTER, "bytes", "Bytes received from an uplink, dropped frames included.", put_uplink, "rx_bytes" },
	{ "uplinkd_receive_packets", COUNTER, NULL, "Frames received from an uplink, dropped ones included.", put_uplink, "rx_packets" },
	{ "uplinkd_uplink_dropped_packets", COUNTER, NULL, "Frames from an uplink that were dropped.", put_uplink, "dropped_packets" },
	{ "uplinkd_failovers", COUNTER, NULL, "How often an uplink in use became unusable while others were usable; drains do not count.", put_uplink_statistics, "failovers" },

	{ "uplinkd_lacp_state", METRIC_STATESET, NULL, "Bits of the LACP state that the host sends.", put_lacp_state, "actor" },
	{ "uplinkd_lacp_partner_state", METRIC_STATESET, NULL, "Bits of the LACP state that the partner sends.", put_lacp_state, "partner" },
	{ "uplinkd_lacp_pdu_gap_seconds", METRIC_HISTOGRAM, "seconds", "Times between LACPDUs from the partner.", put_gaps, NULL },
	{ "uplinkd_lacp_last_pdu_age_seconds", GAUGE, "seconds", "Time since the last LACPDU from the partner.", put_lacp_age, NULL },
	{ "uplinkd_lacp_received_pdus", COUNTER, NULL, "LACPDUs received.", put_lacp_counter, "lacpdu_rx" },
	{ "uplinkd_lacp_sent_pdus", COUNTER, NULL, "LACPDUs sent.", put_lacp_counter, "lacpdu_tx" },
	{ "uplinkd_lacp_illegal_pdus", COUNTER, NULL, "Malformed frames received.", put_lacp_counter, "illegal_rx" },
	{ "uplinkd_lacp_partner_changes", COUNTER, NULL, "Changes of the partner's identity.", put_lacp_counter, "partner_changes" },

	{ "uplinkd_pagp_state", METRIC_STATESET, NULL, "State of PAgP on an uplink (pagpPortState).", put_pagp_state, NULL },
	{ "uplinkd_pagp_last_pdu_age_seconds", GAUGE, "seconds", "Time since the last PAgP PDU from the partner.", put_pagp_age, NULL },
	{ "uplinkd_pagp_received_pdus", COUNTER, NULL, "PAgP information PDUs received.", put_pagp_counter, "info_rx" },
	{ "uplinkd_pagp_sent_pdus", COUNTER, NULL, "PAgP information PDUs sent.", put_pagp_counter, "info_tx" },
	{ "uplinkd_pagp_illegal_pdus", COUNTER, NULL, "Malformed PAgP PDUs received.", put_pagp_counter, "illegal_rx" },
	{ "uplinkd_pagp_partner_changes", COUNTER, NULL, "Changes of the PAgP partner's identity.", put_pagp_counter, "partner_changes" },

	{ "uplinkd_group_ports", GAUGE, NULL, "Ports of a port group.", put_group, "ports" },
	{ "uplinkd_group_serving_uplinks", GAUGE, NULL, "Uplinks that serve a port group now.", put_serving, NULL },
	{ "uplinkd_port_up", GAUGE, NULL, "Whether the interface of a port exists.", put_port, "present" },
	{ "uplinkd_port_transmit_bytes", COUNTER, "bytes", "Bytes sent to a port.", put_port, "tx_bytes" },
	{ "uplinkd_port_transmit_packets", COUNTER, NULL, "Frames sent to a port.", put_port, "tx_packets" },
	{ "uplinkd_port_receive_bytes", COUNTER, "bytes", "Bytes received from a port, dropped frames included.", put_port, "rx_bytes" },
	{ "uplinkd_port_receive_packets", COUNTER, NULL, "Frames received from a port, dropped ones included.", put_port, "rx_packets" },
	{ "uplinkd_port_dropped_packets", COUNTER, NULL, "Frames from a port that were dropped.", put_port, "dropped_packets" },
	{ "uplinkd_objects_omitted", GAUGE, NULL, "Ports and groups without metrics, because there are too many.", put_omitted, NULL },
};
/* clang-format on */

const struct metric_family *metric_families(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(families);
	return families;
}
