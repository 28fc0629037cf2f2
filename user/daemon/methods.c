// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Requests of the control socket. A request changes a copy of the model with the checks of the
 * file; a copy that passes is applied. The reply to a refused request carries all its reasons.
 */
#include "daemon/state.h"

#include <stdarg.h>

#include "common/log.h"
#include "link/link.h"
#include "records/reads.h"
#include "timely/timely.h"

static int refuse(json_t **ret_parameters, const char **ret_error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(json_t **ret_parameters, const char **ret_error, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	*ret_parameters = control_error("%s", text);
	*ret_error = CONTROL_E_INVALID_REQUEST;
	return -EINVAL;
}

/* Copies the reasons to the reply. Mistakes of the caller are not logged; the reasons of a system
 * error stay in the list for the log. */
static int reply_failure(struct daemon *daemon, const char *error, int r, json_t **ret_parameters,
			 const char **ret_error)
{
	if (daemon->errors.n) {
		*ret_parameters = control_error_list(daemon->errors.messages, daemon->errors.n);
		*ret_error = error;
	}
	if (control_error_is_callers(error))
		errors_done(&daemon->errors);
	return r;
}

static const char *error_of_change(int r)
{
	return r == -EINVAL					  ? CONTROL_E_CONFIGURATION :
	       r == -EINPROGRESS || r == -ENODATA || r == -EAGAIN ? CONTROL_E_INVALID_REQUEST :
								    CONTROL_E_FAILED;
}

static int call_reload(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	_cleanup_(config_source_done) struct config_source source = {};
	struct daemon *daemon = userdata;
	struct reload_request request = {};
	const char *name = NULL, *text = NULL;
	json_t *switch_over = NULL;
	json_int_t confirm_s = 0;
	size_t length = 0;
	int r;

	if (json_unpack(parameters, "{s?I, s?s, s?s%, s?o}", "confirm_s", &confirm_s, "name", &name,
			"text", &text, &length, "switch_over", &switch_over) < 0 ||
	    !name != !text || (switch_over && !json_is_object(switch_over)))
		return refuse(
			ret_parameters, ret_error,
			"the integer confirm_s, the object switch_over and, together, the strings name and text");
	if (confirm_s < 0 || confirm_s > RELOAD_CONFIRM_MAX_S)
		return refuse(ret_parameters, ret_error, "confirm_s: %lld: must be 0-%d",
			      (long long)confirm_s, RELOAD_CONFIRM_MAX_S);
	request.confirm_s = (uint32_t)confirm_s;
	request.switch_over = switch_over;
	if (text) {
		r = config_source_add(&source, name, text, length);
		if (r < 0)
			return r;
		request.source = &source;
	}
	r = daemon_reload(daemon, &request);
	return r == 0 ? 0 : reply_failure(daemon, error_of_change(r), r, ret_parameters, ret_error);
}

static int call_confirm(void *userdata, json_t *parameters, json_t **ret_parameters,
			const char **ret_error)
{
	struct daemon *daemon = userdata;
	int r = daemon_confirm(daemon);

	return r == 0 ? 0 : reply_failure(daemon, error_of_change(r), r, ret_parameters, ret_error);
}

static int call_rollback(void *userdata, json_t *parameters, json_t **ret_parameters,
			 const char **ret_error)
{
	struct daemon *daemon = userdata;
	int r = daemon_rollback(daemon, "is not wanted");

	return r == 0 ? 0 : reply_failure(daemon, error_of_change(r), r, ret_parameters, ret_error);
}

static int call_configuration(void *userdata, json_t *parameters, json_t **ret_parameters,
			      const char **ret_error)
{
	const struct daemon *daemon = userdata;
	const char *folder = daemon->options.config_folder;
	_cleanup_free_ char *text = NULL;
	int runtime = 1, r;

	if (json_unpack(parameters, "{s?b}", "runtime", &runtime) < 0)
		return refuse(ret_parameters, ret_error, "the boolean runtime");
	r = model_format(daemon->switches.model, runtime, &text);
	if (r < 0)
		return r;
	*ret_parameters = daemon_configuration_record(daemon);
	if (!*ret_parameters || json_object_set_new(*ret_parameters, "text", json_string(text)) < 0)
		return -ENOMEM;
	return folder ? json_object_set_new(*ret_parameters, "folder", json_string(folder)) : 0;
}

static int apply_changed(struct daemon *daemon,
			 int (*change)(struct model *model, const void *argument,
				       struct errors *errors),
			 const void *argument, json_t **ret_parameters, const char **ret_error)
{
	bool refused;
	int r = daemon_change_model(daemon, change, argument, &refused);

	return r == 0 ?
		       0 :
		       reply_failure(daemon, refused ? CONTROL_E_INVALID_REQUEST : CONTROL_E_FAILED,
				     r, ret_parameters, ret_error);
}

static bool is_present(const struct daemon *daemon, const char *interface)
{
	struct link_info info;

	return link_get_by_name(daemon->links, interface, &info) == 0;
}

/* The same port: interface, switch, group and, where given, address. */
static bool has_port(const struct model *model, const struct add_port *add)
{
	const struct switch_cfg *sw = model_find_switch(model, add->switch_name);
	const struct group_cfg *group = sw ? model_find_group(sw, add->group) : NULL;

	for (size_t i = 0; group && i < group->n_ports; i++) {
		const struct port_cfg *port = &group->ports[i];

		if (strcmp(port->interface, add->port.interface) == 0)
			return !add->port.has_mac ||
			       (port->has_mac && memcmp(port->mac, add->port.mac, 6) == 0);
	}
	return false;
}

static int call_add_port(void *userdata, json_t *parameters, json_t **ret_parameters,
			 const char **ret_error)
{
	struct add_port add = { .daemon = userdata, .port = { .runtime = true } };
	const char *interface = NULL, *mac = NULL;
	const struct daemon *daemon = userdata;

	int may_exist = 0, r;

	if (json_unpack(parameters, "{s:s, s:s, s:s, s?s, s?b}", "switch", &add.switch_name,
			"group", &add.group, "interface", &interface, "mac", &mac, "may_exist",
			&may_exist) < 0)
		return refuse(
			ret_parameters, ret_error,
			"needs the strings switch, group, interface and, if known, mac; may_exist is a boolean");
	if (strlen(interface) >= sizeof(add.port.interface))
		return refuse(ret_parameters, ret_error,
			      "interface: %.32s...: must have 1-%zu characters", interface,
			      sizeof(add.port.interface) - 1);
	snprintf(add.port.interface, sizeof(add.port.interface), "%s", interface);
	if (mac && mac_parse(mac, add.port.mac) < 0)
		return refuse(
			ret_parameters, ret_error,
			"mac: %.32s: must be six pairs of hexadecimal digits such as 52:54:00:12:34:56",
			mac);
	add.port.has_mac = mac;
	if (may_exist && has_port(daemon->switches.model, &add)) {
		*ret_parameters = json_pack("{s:b, s:b}", "existed", 1, "present",
					    is_present(daemon, interface));
		return 0;
	}
	r = apply_changed(userdata, daemon_add_port, &add, ret_parameters, ret_error);
	if (r == 0)
		*ret_parameters = json_pack("{s:b, s:b}", "existed", 0, "present",
					    is_present(daemon, interface));
	return r;
}

static const struct port_cfg *find_port(const struct model *model, const char *interface)
{
	const struct port_cfg *port = NULL;

	for (size_t i = 0; !port && i < model->n_switches; i++)
		port = switch_find_port(&model->switches[i], interface);
	return port;
}

static int call_remove_port(void *userdata, json_t *parameters, json_t **ret_parameters,
			    const char **ret_error)
{
	const struct daemon *daemon = userdata;
	const struct port_cfg *port;
	const char *interface;
	int if_exists = 0, r;
	bool configured;

	if (json_unpack(parameters, "{s:s, s?b}", "interface", &interface, "if_exists",
			&if_exists) < 0)
		return refuse(ret_parameters, ret_error,
			      "needs the string interface; if_exists is a boolean");
	port = find_port(daemon->switches.model, interface);
	configured = port && !port->runtime;
	if (!port && if_exists) {
		*ret_parameters = json_pack("{s:b, s:b}", "existed", 0, "configured", 0);
		return 0;
	}
	r = apply_changed(userdata, daemon_remove_port, interface, ret_parameters, ret_error);
	if (r == 0)
		*ret_parameters = json_pack("{s:b, s:b}", "existed", 1, "configured", configured);
	return r;
}

static int drain(struct daemon *daemon, json_t *parameters, bool on, json_t **ret_parameters,
		 const char **ret_error)
{
	const char *uplink;

	if (json_unpack(parameters, "{s:s}", "uplink", &uplink) < 0)
		return refuse(ret_parameters, ret_error, "needs the string uplink");
	for (size_t i = 0; i < daemon->switches.n; i++) {
		int r = vswitch_drain(daemon->switches.list[i], uplink, on);

		if (r == 0 || r == -EALREADY) {
			*ret_parameters = json_pack("{s:s, s:s, s:b}", "switch",
						    vswitch_name(daemon->switches.list[i]),
						    "uplink", uplink, "changed", r == 0);
			return 0;
		}
	}
	return refuse(ret_parameters, ret_error, "%.32s: is not an uplink of any switch", uplink);
}

static int call_drain(void *userdata, json_t *parameters, json_t **ret_parameters,
		      const char **ret_error)
{
	return drain(userdata, parameters, true, ret_parameters, ret_error);
}

static int call_undrain(void *userdata, json_t *parameters, json_t **ret_parameters,
			const char **ret_error)
{
	return drain(userdata, parameters, false, ret_parameters, ret_error);
}

static int call_status(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	const struct daemon *daemon = userdata;
	const struct loop_delay *delay = &daemon->loop_delay;
	struct timely_statistics timely = timely_get_statistics(daemon->timely);
	uint64_t now = now_ms();
	bool program = true;

	for (size_t i = 0; i < daemon->switches.n; i++)
		program = program && vswitch_has_carrier_program(daemon->switches.list[i]);
	*ret_parameters =
		json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:o, s:o, s:o}",
			  "pid", (int)getpid(), "version", UL_VERSION, "uptime_ms",
			  (json_int_t)(now - daemon->started_ms), "worst_loop_delay_us",
			  (json_int_t)delay->worst_us, "worst_loop_delay_age_ms",
			  (json_int_t)(now - delay->worst_at_ms), "minute_loop_delay_us",
			  (json_int_t)loop_delay_minute_us(delay, now), "worst_timely_turn_us",
			  (json_int_t)timely.worst_turn_us, "worst_timely_late_us",
			  (json_int_t)timely.worst_late_us, "log_lines_dropped",
			  (json_int_t)log_writer_dropped(), "carriers",
			  program ? "program" : "netlink", "sandboxed", timely.sandbox_error == 0,
			  "configuration", daemon_configuration_record(daemon), "problems",
			  daemon_problems(daemon), "history", daemon_history_record(daemon));
	return *ret_parameters ? 0 : -ENOMEM;
}

/* In seconds. */
static json_t *histogram_record(const struct histogram *histogram, const uint64_t *bounds,
				double per_second)
{
	json_t *limits = json_array(), *counts = json_array();

	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		if (i < HISTOGRAM_BOUNDS)
			json_array_append_new(limits, json_real((double)bounds[i] / per_second));
		json_array_append_new(counts, json_integer((json_int_t)histogram->count[i]));
	}
	return json_pack("{s:o, s:o, s:f}", "bounds", limits, "counts", counts, "sum",
			 (double)histogram->sum / per_second);
}

static json_t *uplink_statistics(const struct daemon *daemon)
{
	json_t *uplinks = json_array();

	for (size_t i = 0; i < daemon->switches.n; i++) {
		const struct vswitch *vs = daemon->switches.list[i];
		struct timely_uplink_statistics statistics;
		const char *name;

		for (uint32_t k = 0; (name = vswitch_uplink_statistics(vs, k, &statistics)); k++)
			json_array_append_new(
				uplinks,
				json_pack("{s:s, s:s, s:I, s:o}", "switch", vswitch_name(vs),
					  "uplink", name, "failovers",
					  (json_int_t)statistics.failovers, "lacp_pdu_gaps",
					  histogram_record(&statistics.lacp_gaps, histogram_gap_ms,
							   1e3)));
	}
	return uplinks;
}

static json_t *control_record(const struct control_stats *stats)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i}", "connections",
			 (json_int_t)stats->connections, "requests", (json_int_t)stats->requests,
			 "invalid", (json_int_t)stats->invalid, "refused",
			 (json_int_t)stats->refused, "slow_dropped",
			 (json_int_t)stats->slow_dropped, "crowded_out",
			 (json_int_t)stats->crowded_out, "clients", (int)stats->n_clients,
			 "monitors", (int)stats->n_monitors);
}

static int call_statistics(void *userdata, json_t *parameters, json_t **ret_parameters,
			   const char **ret_error)
{
	const struct daemon *daemon = userdata;
	struct histogram turns = {};

	timely_get_turns(daemon->timely, &turns);
	*ret_parameters =
		json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "worker",
			  histogram_record(&daemon->loop_delay.rounds, histogram_busy_us, 1e6),
			  "timely", histogram_record(&turns, histogram_busy_us, 1e6), "uplinks",
			  uplink_statistics(daemon), "control",
			  control_record(control_server_stats(daemon->control)), "events",
			  (json_int_t)daemon->events.n, "reports_dropped",
			  (json_int_t)timely_get_statistics(daemon->timely).reports_dropped);
	return *ret_parameters ? 0 : -ENOMEM;
}

static int call_events(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	const struct daemon *daemon = userdata;

	*ret_parameters = json_pack("{s:o}", "events", event_ring_list(&daemon->events));
	return *ret_parameters ? 0 : -ENOMEM;
}

/* A page of the history. The worker reads the files; pages keep a turn short. */
static int call_history(void *userdata, json_t *parameters, json_t **ret_parameters,
			const char **ret_error)
{
	const struct daemon *daemon = userdata;
	json_int_t after = 0, limit = HISTORY_PAGE_MAX;
	struct history_page page = {};
	int r;

	if (json_unpack(parameters, "{s?I, s?I}", "after", &after, "limit", &limit) < 0 ||
	    after < 0)
		return refuse(ret_parameters, ret_error,
			      "after and limit: must be numbers that are not negative");
	if (limit < 1 || limit > HISTORY_PAGE_MAX)
		return refuse(ret_parameters, ret_error, "limit: %lld: must be 1-%d",
			      (long long)limit, HISTORY_PAGE_MAX);
	r = history_read(daemon->options.state_dir, (uint64_t)after, (size_t)limit, &page);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret_parameters = json_pack("{s:o, s:b, s:I}", "records",
				    page.records ? page.records : json_array(), "more", page.more,
				    "damaged", (json_int_t)page.damaged);
	return *ret_parameters ? 0 : -ENOMEM;
}

/* clang-format off */
const struct control_method daemon_methods[] = {
	{ "Reload", call_reload, CONTROL_CHANGES, NULL },
	{ "Confirm", call_confirm, CONTROL_CHANGES, NULL },
	{ "Rollback", call_rollback, CONTROL_CHANGES, NULL },
	{ "Configuration", call_configuration, CONTROL_READS, NULL },
	{ "AddPort", call_add_port, CONTROL_CHANGES, NULL },
	{ "RemovePort", call_remove_port, CONTROL_CHANGES, NULL },
	{ "Drain", call_drain, CONTROL_CHANGES, NULL },
	{ "Undrain", call_undrain, CONTROL_CHANGES, NULL },
	{ "Status", call_status, CONTROL_READS, NULL },
	{ "Statistics", call_statistics, CONTROL_READS, NULL },
	{ "Events", call_events, CONTROL_READS, NULL },
	{ "History", call_history, CONTROL_READS, NULL },
#define X(method, ...) { #method, NULL, CONTROL_READS, daemon_read },
	RECORD_READS(X)
#undef X
	{}
};
/* clang-format on */
