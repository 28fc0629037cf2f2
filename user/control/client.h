/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Client of the control socket: one call, one reply, with a time limit. */
#ifndef UL_CONTROL_CLIENT_H
#define UL_CONTROL_CLIENT_H

#include "control/protocol.h"

struct control_result {
	/* of the reply or of the error; an object, or NULL without a reply */
	json_t *parameters;
	/* name of the Varlink error; NULL: none, or no reply */
	char *error;
	char *message; /* reason of the failure, for people; NULL on success */
};

/*
 * Calls method (with its interface) and waits timeout_ms for the reply. parameters: borrowed, NULL
 * for none. 0; -EREMOTEIO: the daemon refused, see result->error; other negative errno: no reply
 * (-ENOENT, -ECONNREFUSED: not running; -EACCES; -ETIMEDOUT; -EPROTO). *result is always set and is
 * to be freed by control_result_done().
 */
int control_call(const char *path, const char *method, json_t *parameters, uint64_t timeout_ms,
		 struct control_result *result);

/*
 * Subscribes to io.uplinkd.Monitor and calls on_event for each event (an object, borrowed), the
 * first of which is {"event": "subscribed"}. Returns the first result of on_event that is not 0, or
 * -EPIPE when the connection ends, or -ECANCELED when nothing can be written to watch_fd any longer
 * (a pipe without reader; -1: not watched). timeout_ms: for the first reply. Otherwise like
 * control_call().
 */
int control_monitor(const char *path, uint64_t timeout_ms, int watch_fd,
		    int (*on_event)(void *userdata, json_t *event), void *userdata,
		    struct control_result *result);

void control_result_done(struct control_result *result);

#endif
