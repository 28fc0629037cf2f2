// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "control/client.h"
#include "ctl/ctl.h"

#define STATUS_TIMEOUT_MS 300 /* a hanging daemon must not delay the screen */

const char *ctl_socket_path(const struct ctl *ctl, char *text, size_t size)
{
	if (ctl->socket)
		snprintf(text, size, "%s", ctl->socket);
	else
		snprintf(text, size, "%s/%s", ctl->run_dir, CONTROL_SOCKET_NAME);
	return text;
}

/* One line for each reason. */
static void print_error(struct ctl *ctl, const struct control_result *result)
{
	json_t *messages = json_object_get(result->parameters, "messages"), *message;
	size_t i;

	if (!result->error || json_array_size(messages) == 0) {
		ctl_fail(ctl, 0, "%s", result->message ? result->message : strerror(ENOMEM));
		return;
	}
	json_array_foreach(messages, i, message)
		ctl_fail(ctl, 0, "%s", json_is_string(message) ? json_string_value(message) : "?");
}

int ctl_request(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret_reply)
{
	return ctl_request_within(ctl, method, parameters, CTL_CALL_TIMEOUT_MS, ret_reply);
}

int ctl_request_within(struct ctl *ctl, const char *method, json_t *parameters, uint64_t timeout_ms,
		       json_t **ret_reply)
{
	json_auto_t *owned = parameters;
	struct control_result result;
	char path[256], name[64];
	int status = CTL_DONE, r;

	snprintf(name, sizeof(name), "%s.%s", CONTROL_INTERFACE, method);
	r = control_call(ctl_socket_path(ctl, path, sizeof(path)), name, parameters, timeout_ms,
			 &result);
	if (r < 0) {
		print_error(ctl, &result);
		status = result.error && control_error_is_callers(result.error) ?
				 CTL_WRONG_REQUEST :
				 CTL_SYSTEM;
	} else if (ret_reply) {
		*ret_reply = json_incref(result.parameters);
	}
	control_result_done(&result);
	return status;
}

json_t *ctl_daemon_status(struct ctl *ctl)
{
	struct control_result result;
	char path[256];
	json_t *daemon;
	int r;

	r = control_call(ctl_socket_path(ctl, path, sizeof(path)), CONTROL_INTERFACE ".Status",
			 NULL, STATUS_TIMEOUT_MS, &result);
	daemon = r == 0 ? json_incref(result.parameters) : json_object();
	json_object_set_new(daemon, "running", json_boolean(r == 0));
	control_result_done(&result);
	return daemon;
}
