// SPDX-License-Identifier: GPL-2.0
#include "control/client.h"
#include "ctl/ctl.h"

const char *ctl_socket_path(const struct ctl *ctl, char *text, size_t size)
{
	if (ctl->socket)
		snprintf(text, size, "%s", ctl->socket);
	else
		snprintf(text, size, "%s/%s", ctl->run_dir, CONTROL_SOCKET_NAME);
	return text;
}

/* Each mistake of a configuration on a line of its own, as `check` prints them. */
static void print_refusal(struct ctl *ctl, const struct control_result *result)
{
	json_t *messages = json_object_get(result->parameters, "messages"), *message;
	size_t i;

	if (!result->error || json_array_size(messages) == 0) {
		ctl_fail(ctl, 0, "%s", result->message ? result->message : strerror(ENOMEM));
		return;
	}
	json_array_foreach(messages, i, message)
		fprintf(ctl->err, "%s\n",
			json_is_string(message) ? json_string_value(message) : "?");
}

int ctl_request(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret_reply)
{
	json_auto_t *owned = parameters;
	struct control_result result;
	char path[256], name[64];
	int status = CTL_DONE, r;

	snprintf(name, sizeof(name), "%s.%s", CONTROL_INTERFACE, method);
	r = control_call(ctl_socket_path(ctl, path, sizeof(path)), name, parameters,
			 CTL_CALL_TIMEOUT_MS, &result);
	if (r < 0) {
		print_refusal(ctl, &result);
		status = result.error && control_error_is_callers(result.error) ?
				 CTL_WRONG_REQUEST :
				 CTL_SYSTEM;
	} else if (ret_reply) {
		*ret_reply = json_incref(result.parameters);
	}
	control_result_done(&result);
	return status;
}
