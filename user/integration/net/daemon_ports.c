// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/daemon_ports.h"

#include "control/client.h"

/* The worker of the daemon may wait for the RTNL for seconds. */
#define CALL_TIMEOUT_MS 30000

static bool is_stopped(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

/* parameters: consumed. -ENOTCONN without a reason: uplinkd does not run. */
static int call(const char *socket, const char *method, json_t *parameters, json_t **ret_reply,
		struct failure *failure)
{
	struct control_result result;
	char name[64];
	int r;

	if (!parameters)
		return failure_set(failure, FAILURE_SYSTEM, -ENOMEM, "%s", method);
	snprintf(name, sizeof(name), "%s.%s", CONTROL_INTERFACE, method);
	r = control_call(socket, name, parameters, CALL_TIMEOUT_MS, &result);
	json_decref(parameters);
	if (r == 0)
		*ret_reply = json_incref(result.parameters);
	else if (is_stopped(r))
		r = -ENOTCONN;
	else if (r == -EREMOTEIO)
		r = failure_set(failure,
				control_error_is_callers(result.error) ? FAILURE_REFUSED :
									 FAILURE_SYSTEM,
				0, "%s", result.message ? result.message : "uplinkd refused");
	else
		r = failure_set(failure,
				r == -EACCES || r == -EPERM || r == -ENAMETOOLONG ? FAILURE_SYSTEM :
										    FAILURE_LATER,
				0, "%s", result.message ? result.message : strerror(-r));
	control_result_done(&result);
	return r;
}

static int call_running(const char *socket, const char *method, json_t *parameters,
			json_t **ret_reply, struct failure *failure)
{
	int r = call(socket, method, parameters, ret_reply, failure);

	if (r != -ENOTCONN)
		return r;
	failure_set(failure, FAILURE_LATER, 0,
		    "uplinkd is not running (socket %s): start it with 'systemctl start uplinkd'",
		    socket);
	return -EAGAIN;
}

static int unexpected_reply(const char *method, struct failure *failure)
{
	return failure_set(failure, FAILURE_SYSTEM, 0,
			   "%s: unexpected reply of uplinkd; install uplinkd and uplinkd-net "
			   "of the same version",
			   method);
}

static bool is_at(const struct port_place *place, const char *switch_name, const char *group)
{
	return group && strcmp(switch_name, place->switch_name) == 0 &&
	       strcmp(group, place->group) == 0;
}

int daemon_find_group(const struct port_place *place, uint32_t *ret_mtu, struct failure *failure)
{
	json_auto_t *reply = NULL;
	json_t *group;
	size_t i;
	int r = call_running(place->socket, "Groups", json_object(), &reply, failure);

	if (r < 0)
		return r;
	json_array_foreach(json_object_get(reply, "groups"), i, group) {
		const char *switch_name, *name;
		int mtu;

		if (json_unpack(group, "{s:s, s:s, s:i}", "switch", &switch_name, "name", &name,
				"mtu", &mtu) < 0 ||
		    mtu <= 0)
			return unexpected_reply("Groups", failure);
		if (!is_at(place, switch_name, name))
			continue;
		*ret_mtu = (uint32_t)mtu;
		return 0;
	}
	return failure_set(failure, FAILURE_CONFIG, 0,
			   "switch '%.32s' has no port group '%.64s'; see 'uplinkctl show groups'",
			   place->switch_name, place->group);
}

int daemon_find_port(const struct port_place *place, const char *interface, struct port_state *ret,
		     struct failure *failure)
{
	const char *switch_name, *group, *error;
	int runtime = 0, present = 0;
	json_auto_t *reply = NULL;
	json_t *port;
	int r = call_running(place->socket, "Ports", json_pack("{s:s}", "name", interface), &reply,
			     failure);

	if (r < 0)
		return r;
	port = json_array_get(json_object_get(reply, "ports"), 0);
	if (!port) {
		*ret = (struct port_state){ .error = "no such port" };
		return 0;
	}
	if (json_unpack(port, "{s:s, s:b, s:b}", "switch", &switch_name, "runtime", &runtime,
			"present", &present) < 0)
		return unexpected_reply("Ports", failure);
	/* null: none */
	group = json_string_value(json_object_get(port, "group"));
	error = json_string_value(json_object_get(port, "error"));
	*ret = (struct port_state){
		.exists = true,
		.elsewhere = !is_at(place, switch_name, group),
		.runtime = runtime,
		.connected = present && !error,
	};
	snprintf(ret->error, sizeof(ret->error), "%s", error ? error : "its interface is missing");
	return 0;
}

int daemon_attach_port(const struct port_place *place, const char *interface, const char *mac,
		       struct failure *failure)
{
	json_auto_t *reply = NULL;
	int r = call_running(place->socket, "AddPort",
			     json_pack("{s:s, s:s, s:s, s:s}", "switch", place->switch_name,
				       "group", place->group, "interface", interface, "mac", mac),
			     &reply, failure);

	if (r == 0 && !json_is_true(json_object_get(reply, "present")))
		return failure_set(failure, FAILURE_REFUSED, 0,
				   "uplinkd does not see the interface %s: it must run in the "
				   "network namespace of the container runtime",
				   interface);
	return r;
}

int daemon_detach_port(const char *socket, const char *interface, struct failure *failure)
{
	json_auto_t *reply = NULL;

	return call(socket, "RemovePort",
		    json_pack("{s:s, s:b}", "interface", interface, "if_exists", 1), &reply,
		    failure);
}

int daemon_list_runtime_ports(const char *socket, json_t **ret, struct failure *failure)
{
	json_auto_t *reply = NULL, *names = json_array();
	json_t *port;
	size_t i;
	int r = call_running(socket, "Ports", json_object(), &reply, failure);

	if (r < 0)
		return r;
	json_array_foreach(json_object_get(reply, "ports"), i, port)
		if (json_is_true(json_object_get(port, "runtime")) &&
		    json_array_append(names, json_object_get(port, "name")) < 0)
			return unexpected_reply("Ports", failure);
	*ret = TAKE_PTR(names);
	return 0;
}
