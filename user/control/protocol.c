// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "control/protocol.h"

#include <stdarg.h>

#include "events.h"

const char control_interface_description[] =
	"# Control of uplinkd, the vSwitch daemon\n"
	"interface " CONTROL_INTERFACE "\n"
	"\n"
	"# Applies text, whose name is used in messages, or the configuration files. With any mistake: InvalidConfiguration,\n"
	"# and nothing changes. confirm_s: the former configuration returns after so many seconds without Confirm.\n"
	"method Reload(confirm_s: ?int, name: ?string, text: ?string, switch_over: ?object) -> ()\n"
	"method Confirm() -> ()\n"
	"# Reverts the change that waits for Confirm now.\n"
	"method Rollback() -> ()\n"
	"# The configuration in force in one form for all files of the same meaning, with or without run-time ports.\n"
	"# state: files, copy, rolled_back, fallback or unconfirmed; file: where it came from; configured, folder: what a\n"
	"# reload reads.\n"
	"method Configuration(runtime: ?bool) -> (text: string, state: string, file: string, configured: string, folder: ?string, rollback_in_ms: ?int)\n"
	"\n"
	"# Attaches the interface of a machine to a port group; kept over restarts of the daemon, until reboot.\n"
	"# may_exist: the same port is not an error (existed). present: the interface exists now.\n"
	"method AddPort(switch: string, group: string, interface: string, mac: ?string, may_exist: ?bool) -> (existed: bool, present: bool)\n"
	"# configured: the port is in the configuration, and the next reload or start attaches it again.\n"
	"method RemovePort(interface: string, if_exists: ?bool) -> (existed: bool, configured: bool)\n"
	"\n"
	"# Maintenance: moves the flows away from an uplink, or permits its use again. changed: it was not so before.\n"
	"method Drain(uplink: string) -> (switch: string, uplink: string, changed: bool)\n"
	"method Undrain(uplink: string) -> (switch: string, uplink: string, changed: bool)\n"
	"\n"
	"type ConfigurationState (state: string, file: string, configured: string, rollback_in_ms: ?int)\n"
	"type Problem (severity: string, code: string, message: string, remedy: string)\n"
	"# error (null: none): why the history cannot be written at present; lost: events that memory had no room for\n"
	"type History (running: bool, directory: string, written: int, lost: int, failures: int, damaged: int, error: ?string)\n"
	"# worst_loop_delay_us: the longest round of the event loop since the start; minute_loop_delay_us: of the last minute\n"
	"# worst_timely_turn_us, worst_timely_late_us: of LACP and failover; carriers: program or netlink\n"
	"method Status() -> (pid: int, version: string, uptime_ms: int, worst_loop_delay_us: int, worst_loop_delay_age_ms: int, minute_loop_delay_us: int, worst_timely_turn_us: int, worst_timely_late_us: int, log_lines_dropped: int, carriers: string, sandboxed: bool, configuration: ConfigurationState, problems: []Problem, history: History)\n"
	"\n"
	"# Since the daemon started. In seconds; counts[i]: up to bounds[i] and above bounds[i - 1], the last one above all bounds\n"
	"type Histogram (bounds: []float, counts: []int, sum: float)\n"
	"# failovers: it served and became unusable while others were usable, drains not counted; lacp_pdu_gaps: times between LACPDUs\n"
	"type UplinkStatistics (switch: string, uplink: string, failovers: int, lacp_pdu_gaps: Histogram)\n"
	"# Of this socket. refused: changes; slow_dropped, crowded_out: clients that were disconnected\n"
	"type ControlStatistics (connections: int, requests: int, invalid: int, refused: int, slow_dropped: int, crowded_out: int, clients: int, monitors: int)\n"
	"# worker, timely: durations of the rounds of the two threads; reports_dropped: of LACP and failover, the worker was too slow\n"
	"method Statistics() -> (worker: Histogram, timely: Histogram, uplinks: []UplinkStatistics, control: ControlStatistics, events: int, reports_dropped: int)\n"
	"\n"
	"# Events of links, LACP and ports. Call it with 'more': one reply per event, the first one {\"event\": \"subscribed\"}.\n"
	"# number: counts all events since the start; time: seconds since 1970; code: one of\n"
#define X(NAME, code, level, help) "#   " code ": " help "\n"
	UL_EVENTS(X)
#undef X
		"type Event (number: int, time: float, switch: string, code: string, object: string, text: string)\n"
		"method Monitor() -> (event: ?string, number: ?int, time: ?float, switch: ?string, code: ?string, object: ?string, text: ?string)\n"
		"# The latest events, the oldest first.\n"
		"method Events() -> (events: []Event)\n"
		"# The latest 10,000 events, also of former runs, from a file; the oldest first. number: counts over restarts.\n"
		"# details: evidence of a finding, difference of a reload. after: number of the last known record; limit: at most 1000\n"
		"type Record (number: int, time: float, switch: string, code: string, object: string, text: string, details: ?[]string)\n"
		"method History(after: ?int, limit: ?int) -> (records: []Record, more: bool, damaged: int)\n"
		"\n"
		"# message: the first reason; messages: all of them\n"
		"error InvalidConfiguration (message: string, messages: []string)\n"
		"error InvalidRequest (message: string, messages: ?[]string)\n"
		"# A change by a member of the control group, with control.group-may: read\n"
		"error PermissionDenied (message: string)\n"
		"error Failed (message: string, messages: ?[]string)\n";

const char control_service_description[] =
	"# The Varlink service: introspection, and errors of the protocol\n"
	"interface org.varlink.service\n"
	"\n"
	"method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n"
	"error PermissionDenied ()\n"
	"error ExpectedMore ()\n";

json_t *control_error(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return NULL;
	}
	return json_pack("{s:s}", "message", text_make_printable(text));
}

json_t *control_error_list(char *const *messages, size_t n)
{
	json_auto_t *object = NULL, *list = json_array();

	if (n == 0)
		return control_error("unknown error");
	if (n == 1)
		object = control_error("%s", messages[0]);
	else
		object = control_error("%s (and %zu more)", messages[0], n - 1);
	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list, json_string(text_make_printable(messages[i]))) < 0)
			return NULL;
	if (json_object_set(object, "messages", list) < 0)
		return NULL;
	return TAKE_PTR(object);
}

bool control_error_is_callers(const char *error)
{
	static const char *const callers[] = {
		CONTROL_E_INVALID_PARAMETER,
		CONTROL_E_CONFIGURATION,
		CONTROL_E_INVALID_REQUEST,
	};

	/* An unknown method is a difference of versions, not a wrong request. */
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		if (strcmp(callers[i], error) == 0)
			return true;
	return false;
}
