/* SPDX-License-Identifier: GPL-2.0 */
/* What server and client of the control socket agree on: Varlink's wire format
 * (https://varlink.org), which is JSON objects, each ended by a NUL byte.
 *
 *   request  {"method": "io.uplinkd.Reload", "parameters": {...}, "more": bool, "oneway": bool}
 *   reply    {"parameters": {...}, "continues": bool}  or  {"error": "io.uplinkd.Failed",
 * "parameters": {"message": "..."}}
 *
 * So `varlinkctl call /run/uplinkd/uplinkd.sock io.uplinkd.Status {}` works as well as uplinkctl
 * does. */
#ifndef UL_CONTROL_PROTOCOL_H
#define UL_CONTROL_PROTOCOL_H

#include <jansson.h>

#include "common/util.h"

#define CONTROL_INTERFACE "io.uplinkd"
#define CONTROL_SOCKET_NAME "uplinkd.sock" /* below the run directory */

#define CONTROL_MAX_REQUEST (64 * 1024)	     /* bytes, NUL not counted */
#define CONTROL_MAX_REPLY (16 * 1024 * 1024) /* what the client takes before it gives up */

/* Errors of the Varlink service itself, and ours. Each has a parameter "message"; for people, it is
 * what uplinkctl prints. */
#define CONTROL_E_METHOD_NOT_FOUND "org.varlink.service.MethodNotFound"
#define CONTROL_E_INTERFACE_NOT_FOUND "org.varlink.service.InterfaceNotFound"
#define CONTROL_E_INVALID_PARAMETER "org.varlink.service.InvalidParameter"
#define CONTROL_E_EXPECTED_MORE "org.varlink.service.ExpectedMore"
#define CONTROL_E_CONFIGURATION \
	CONTROL_INTERFACE ".InvalidConfiguration" /* and "messages": one per mistake */
#define CONTROL_E_INVALID_REQUEST                                                                \
	CONTROL_INTERFACE ".InvalidRequest" /* well-formed, but cannot be done as asked: no such \
					       port, in use, ... */
#define CONTROL_E_FAILED CONTROL_INTERFACE ".Failed" /* the system refused */

/* The interface in Varlink's own language, for GetInterfaceDescription. */
extern const char control_interface_description[];

/* {"message": text}. NULL only without memory. */
json_t *control_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* {"message": the first, and how many more, "messages": [all]} */
json_t *control_error_list(char *const *messages, size_t n);

/* Is the fault the caller's (exit status 1), and not the system's (2)? */
bool control_error_is_callers(const char *error);

#endif
