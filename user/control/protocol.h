/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The protocol of the control socket: Varlink's wire format (https://varlink.org), which is JSON
 * objects that a NUL byte ends.
 *
 *   request  {"method": "io.uplinkd.Reload", "parameters": {...}, "more": bool, "oneway": bool}
 *   reply    {"parameters": {...}, "continues": bool}
 *   error    {"error": "io.uplinkd.Failed", "parameters": {"message": "..."}}
 *
 * `varlinkctl call /run/uplinkd/uplinkd.sock io.uplinkd.Status {}` works like uplinkctl.
 */
#ifndef UL_CONTROL_PROTOCOL_H
#define UL_CONTROL_PROTOCOL_H

#include <jansson.h>

#include "common/util.h"

#define CONTROL_INTERFACE "io.uplinkd"
#define CONTROL_SOCKET_NAME "uplinkd.sock" /* below the run directory */

#define CONTROL_MAX_REQUEST (2 * 1024 * 1024) /* bytes, NUL not counted */
#define CONTROL_MAX_REPLY (16 * 1024 * 1024)  /* bytes that the client accepts */

/* Errors of the Varlink service and of io.uplinkd. Each has a parameter "message", which uplinkctl
 * prints, and "messages" if there are several reasons. */
#define CONTROL_E_METHOD_NOT_FOUND "org.varlink.service.MethodNotFound"
#define CONTROL_E_INTERFACE_NOT_FOUND "org.varlink.service.InterfaceNotFound"
#define CONTROL_E_INVALID_PARAMETER "org.varlink.service.InvalidParameter"
#define CONTROL_E_EXPECTED_MORE "org.varlink.service.ExpectedMore"
/* The configuration file has mistakes. */
#define CONTROL_E_CONFIGURATION CONTROL_INTERFACE ".InvalidConfiguration"
/* A well-formed request that cannot be executed: no such port, in use, ... */
#define CONTROL_E_INVALID_REQUEST CONTROL_INTERFACE ".InvalidRequest"
/* A change by a member of the control group that may only read. */
#define CONTROL_E_PERMISSION_DENIED CONTROL_INTERFACE ".PermissionDenied"
/* System error */
#define CONTROL_E_FAILED CONTROL_INTERFACE ".Failed"

/* The interface in Varlink's language, for GetInterfaceDescription. */
extern const char control_interface_description[];
extern const char control_service_description[]; /* org.varlink.service, which each service has */

/* {"message": text}. NULL: out of memory. */
json_t *control_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* {"message": the first and the number of others, "messages": [all]} */
json_t *control_error_list(char *const *messages, size_t n);

/* The caller's mistake (exit status 1), not a system error (2). */
bool control_error_is_callers(const char *error);

#endif
