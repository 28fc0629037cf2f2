// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Requests and their replies: the methods of the service and of io.uplinkd. */
#include "control/internal.h"

/* Both take parameters over; NULL stands for an empty object. */
static int reply(struct client *client, json_t *parameters, bool continues)
{
	json_auto_t *message =
		json_pack("{s:o}", "parameters", parameters ? parameters : json_object());

	if (!message || (continues && json_object_set_new(message, "continues", json_true()) < 0))
		return -ENOMEM;
	return client_send(client, message);
}

static int reply_error(struct client *client, const char *error, json_t *parameters)
{
	json_auto_t *message = json_pack("{s:s, s:o}", "error", error, "parameters",
					 parameters ? parameters : json_object());

	if (!message)
		return -ENOMEM;
	return client_send(client, message);
}

int request_refuse(struct client *client, const char *parameter, const char *text)
{
	json_t *parameters = control_error("%s", text);

	client->server->stats.invalid++;
	json_object_set_new(parameters, "parameter", json_string(parameter));
	return reply_error(client, CONTROL_E_INVALID_PARAMETER, parameters);
}

/* ---- methods ---- */
struct request {
	const char *method;
	json_t *parameters; /* an object */
	bool more, oneway;
};

static int service_info(struct client *client, const struct request *request)
{
	return reply(client,
		     json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "uplinkd", "product",
			       "uplinkd", "version", client->server->version, "url", "",
			       "interfaces", "org.varlink.service", CONTROL_INTERFACE),
		     false);
}

static int service_description(struct client *client, const struct request *request)
{
	const char *interface =
		json_string_value(json_object_get(request->parameters, "interface"));
	const char *description;

	if (!interface)
		return request_refuse(client, "interface",
				      "interface: the name of an interface is missing");
	if (strcmp(interface, CONTROL_INTERFACE) == 0)
		return reply(client,
			     json_pack("{s:s+}", "description", control_interface_description,
				       client->server->description),
			     false);
	if (strcmp(interface, "org.varlink.service") == 0)
		description = control_service_description;
	else
		return reply_error(client, CONTROL_E_INTERFACE_NOT_FOUND,
				   json_pack("{s:s}", "interface", interface));
	return reply(client, json_pack("{s:s}", "description", description), false);
}

static int service_monitor(struct client *client, const struct request *request)
{
	if (!request->more)
		return reply_error(
			client, CONTROL_E_EXPECTED_MORE,
			control_error(
				"Monitor sends many replies: the request must have \"more\": true"));
	client->monitor = true;
	client->server->stats.n_monitors++;
	return reply(client, json_pack("{s:s}", "event", "subscribed"), true);
}

static const struct {
	const char *name;
	int (*call)(struct client *client, const struct request *request);
	/* clang-format off */
} service_methods[] = {
	{ "org.varlink.service.GetInfo", service_info },
	{ "org.varlink.service.GetInterfaceDescription", service_description },
	{ CONTROL_INTERFACE ".Monitor", service_monitor },
};
/* clang-format on */

int request_reply(struct client *client, bool oneway, int r, json_t *parameters, const char *error)
{
	if (oneway) {
		json_decref(parameters);
		return 0;
	}
	if (r >= 0 && !error) {
		r = reply(client, parameters, false);
		if (r != -EMSGSIZE)
			return r;
		return reply_error(client, CONTROL_E_FAILED,
				   control_error("the reply is longer than %d MiB; name one switch",
						 CONTROL_MAX_REPLY / (1024 * 1024)));
	}
	if (!parameters)
		parameters = control_error("%s", strerror(r < 0 ? -r : EINVAL));
	return reply_error(client, error ? error : CONTROL_E_FAILED, parameters);
}

static int refuse_change(struct client *client, const struct control_method *method)
{
	client->server->stats.refused++;
	return reply_error(
		client, CONTROL_E_PERMISSION_DENIED,
		control_error(
			"%s: refused: members of the control group may only read (control.group-may: read); run it as root",
			method->name));
}

static int call_method(struct client *client, const struct control_method *method,
		       const struct request *request)
{
	void *userdata = client->server->userdata;
	json_t *parameters = NULL;
	const char *error = NULL;
	int r;

	if (method->access != CONTROL_READS && client->server->group_reads && !client->trusted)
		return request->oneway ? 0 : refuse_change(client, method);
	if (method->call_later) {
		client->pending =
			(struct control_pending){ .active = true, .oneway = request->oneway };
		r = method->call_later(userdata, method, request->parameters, &client->pending,
				       &parameters, &error);
		if (r == -EINPROGRESS && !error)
			return 0;
		client->pending.active = false;
	} else {
		r = method->call(userdata, request->parameters, &parameters, &error);
	}
	return request_reply(client, request->oneway, r, parameters, error);
}

static int dispatch(struct client *client, const struct request *request)
{
	const size_t prefix = strlen(CONTROL_INTERFACE ".");

	for (size_t i = 0; i < ARRAY_SIZE(service_methods); i++)
		if (strcmp(service_methods[i].name, request->method) == 0)
			return service_methods[i].call(client, request);

	if (strncmp(request->method, CONTROL_INTERFACE ".", prefix) == 0)
		for (const struct control_method *m = client->server->methods; m && m->name; m++)
			if (strcmp(m->name, request->method + prefix) == 0)
				return call_method(client, m, request);

	return reply_error(client, CONTROL_E_METHOD_NOT_FOUND,
			   json_pack("{s:s}", "method", request->method));
}

/* A flag that may be absent, but not of another type. */
static bool flag_is_valid(json_t *message, const char *key, bool *ret)
{
	json_t *value = json_object_get(message, key);

	if (value && !json_is_boolean(value))
		return false;
	*ret = json_is_true(value);
	return true;
}

/* text: one request with its NUL. 0 or negative errno: end the connection at once. */
int request_handle(struct client *client, const char *text)
{
	json_auto_t *message = NULL, *empty = json_object();
	struct request request = {};
	json_error_t error;

	client->server->stats.requests++;
	message = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(message)) {
		/* The peer does not speak Varlink, so the rest is not read. */
		client->closing = true;
		return request_refuse(client, "",
				      message ? "a request is a JSON object" : error.text);
	}
	request.method = json_string_value(json_object_get(message, "method"));
	request.parameters = json_object_get(message, "parameters");
	if (!request.parameters || json_is_null(request.parameters))
		request.parameters = empty;
	if (!request.method)
		return request_refuse(client, "method", "method: the name of a method is missing");
	if (!json_is_object(request.parameters))
		return request_refuse(client, "parameters", "parameters: must be an object");
	if (!flag_is_valid(message, "more", &request.more) ||
	    !flag_is_valid(message, "oneway", &request.oneway))
		return request_refuse(client, "more", "more, oneway: must be true or false");
	return dispatch(client, &request);
}
