// SPDX-License-Identifier: GPL-2.0
#include "control/protocol.h"

#include <stdarg.h>

const char control_interface_description[] =
	"# Control of uplinkd, the vSwitch daemon\n"
	"interface " CONTROL_INTERFACE "\n"
	"\n"
	"# Reads the configuration file again. Any mistake: InvalidConfiguration, and nothing changes.\n"
	"method Reload() -> ()\n"
	"\n"
	"# Attaches the interface of a machine to a port group now; kept over restarts of the daemon, until reboot.\n"
	"method AddPort(switch: string, group: string, interface: string, mac: ?string) -> ()\n"
	"method RemovePort(interface: string) -> ()\n"
	"\n"
	"# Maintenance: flows leave the uplink, or may use it again.\n"
	"method Drain(uplink: string) -> ()\n"
	"method Undrain(uplink: string) -> ()\n"
	"\n"
	"method Status() -> (pid: int, version: string, uptime_ms: int, worst_loop_delay_us: int)\n"
	"\n"
	"# What happens to links, LACP and ports. To be called with 'more': one reply per event, the first one {\"event\": \"subscribed\"}.\n"
	"# number: counts all events since the start; time: seconds since 1970.\n"
	"type Event (number: int, time: float, switch: string, object: string, text: string)\n"
	"method Monitor() -> (event: ?string, number: ?int, time: ?float, switch: ?string, object: ?string, text: ?string)\n"
	"# The latest events that the daemon remembers, the oldest first.\n"
	"method Events() -> (events: []Event)\n"
	"\n"
	"error InvalidConfiguration (message: string, messages: []string)\n"
	"error InvalidRequest (message: string)\n"
	"error Failed (message: string)\n";

/* A JSON string of any bytes: what a message quotes (a name from a request, a line of a file) need
 * not be UTF-8, JSON has to be. */
static json_t *any_string(char *text)
{
	json_t *string = json_string(text);

	if (string)
		return string;
	for (char *c = text; *c; c++)
		if (*c & 0x80)
			*c = '?';
	return json_string(text);
}

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
	return json_pack("{s:o}", "message", any_string(text));
}

json_t *control_error_list(char *const *messages, size_t n)
{
	json_auto_t *object = NULL, *list = json_array();

	if (n == 0)
		return control_error("unknown mistake");
	if (n == 1)
		object = control_error("%s", messages[0]);
	else
		object = control_error("%s (and %zu more)", messages[0], n - 1);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = strdup(messages[i]);

		if (!text || json_array_append_new(list, any_string(text)) < 0)
			return NULL;
	}
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

	/* An unknown method is not among them: then daemon and caller are of different versions. */

	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		if (strcmp(callers[i], error) == 0)
			return true;
	return false;
}
