// SPDX-License-Identifier: GPL-2.0
/* What the control socket can ask for. Each request is checked like the file, against a copy of the
 * model; only a copy that passes is applied. */
#include "daemon/daemon.h"

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

static int refuse_list(json_t **ret_parameters, const char **ret_error, const char *error,
		       const struct config_errors *errors, int r)
{
	if (errors->n) {
		*ret_parameters = control_error_list(errors->messages, errors->n);
		*ret_error = error;
	}
	return r;
}

static int call_reload(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	_cleanup_(config_errors_done) struct config_errors errors = {};
	int r;

	(void)parameters;
	r = daemon_reload(userdata, &errors);
	return r < 0 ? refuse_list(ret_parameters, ret_error,
				   r == -EINVAL ? CONTROL_E_CONFIGURATION : CONTROL_E_FAILED,
				   &errors, r) :
		       0;
}

/* Applies a changed copy of the model. change: 0 or negative errno with messages. */
static int apply_changed(struct daemon *daemon,
			 int (*change)(struct model *model, const void *argument,
				       struct config_errors *errors),
			 const void *argument, json_t **ret_parameters, const char **ret_error)
{
	_cleanup_(config_errors_done) struct config_errors errors = {};
	struct model *model = NULL;
	int r;

	r = model_copy(daemon->model, &model);
	if (r < 0)
		return r;
	r = change(model, argument, &errors);
	if (r < 0) {
		model_free(model);
		return refuse_list(ret_parameters, ret_error,
				   r == -ENOMEM ? CONTROL_E_FAILED : CONTROL_E_INVALID_REQUEST,
				   &errors, r);
	}
	r = daemon_apply(daemon, model, &errors);
	if (r < 0) {
		model_free(model);
		return refuse_list(ret_parameters, ret_error, CONTROL_E_FAILED, &errors, r);
	}
	return 0;
}

struct add_port {
	const char *switch_name, *group;
	struct port_cfg port;
};

static int change_add(struct model *model, const void *argument, struct config_errors *errors)
{
	const struct add_port *add = argument;

	return model_add_port(model, add->switch_name, add->group, &add->port, errors);
}

static int call_add_port(void *userdata, json_t *parameters, json_t **ret_parameters,
			 const char **ret_error)
{
	struct add_port add = { .port = { .runtime = true } };
	const char *interface = NULL, *mac = NULL;

	if (json_unpack(parameters, "{s:s, s:s, s:s, s?s}", "switch", &add.switch_name, "group",
			&add.group, "interface", &interface, "mac", &mac) < 0)
		return refuse(ret_parameters, ret_error,
			      "needs the strings switch, group, interface and, if known, mac");
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
	return apply_changed(userdata, change_add, &add, ret_parameters, ret_error);
}

static int change_remove(struct model *model, const void *argument, struct config_errors *errors)
{
	return model_remove_port(model, argument, errors);
}

static int call_remove_port(void *userdata, json_t *parameters, json_t **ret_parameters,
			    const char **ret_error)
{
	const char *interface;

	if (json_unpack(parameters, "{s:s}", "interface", &interface) < 0)
		return refuse(ret_parameters, ret_error, "needs the string interface");
	return apply_changed(userdata, change_remove, interface, ret_parameters, ret_error);
}

static int drain(struct daemon *daemon, json_t *parameters, bool on, json_t **ret_parameters,
		 const char **ret_error)
{
	const char *uplink;

	if (json_unpack(parameters, "{s:s}", "uplink", &uplink) < 0)
		return refuse(ret_parameters, ret_error, "needs the string uplink");
	for (size_t i = 0; i < daemon->n_switches; i++) {
		int r = vswitch_drain(daemon->switches[i], uplink, on);

		if (r == -EALREADY)
			return refuse(ret_parameters, ret_error, "%s is %s", uplink,
				      on ? "drained already" : "not drained");
		if (r == 0) {
			*ret_parameters = json_pack("{s:s, s:s}", "switch",
						    daemon->switches[i]->name, "uplink", uplink);
			return 0;
		}
	}
	return refuse(ret_parameters, ret_error, "%.32s: is no uplink of any switch", uplink);
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

	(void)parameters;
	(void)ret_error;
	*ret_parameters = json_pack("{s:i, s:s, s:I, s:I}", "pid", (int)getpid(), "version",
				    UL_VERSION, "uptime_ms",
				    (json_int_t)(now_ms() - daemon->started_ms),
				    "worst_loop_delay_us", (json_int_t)daemon->worst_loop_us);
	return *ret_parameters ? 0 : -ENOMEM;
}

static int call_events(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	const struct daemon *daemon = userdata;

	(void)parameters;
	(void)ret_error;
	*ret_parameters = json_pack("{s:o}", "events", events_list(&daemon->events));
	return *ret_parameters ? 0 : -ENOMEM;
}

const struct control_method daemon_methods[] = {
	{ "Reload", call_reload },	    { "AddPort", call_add_port },
	{ "RemovePort", call_remove_port }, { "Drain", call_drain },
	{ "Undrain", call_undrain },	    { "Status", call_status },
	{ "Events", call_events },	    {}
};
