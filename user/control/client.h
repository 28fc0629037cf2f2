/* SPDX-License-Identifier: GPL-2.0 */
/* The control socket's client: one call, one answer, with a time limit. */
#ifndef UL_CONTROL_CLIENT_H
#define UL_CONTROL_CLIENT_H

#include "control/protocol.h"

/* What became of a call. */
struct control_result {
	json_t *parameters; /* of the reply or of the error; an object, or NULL when there was no
			       answer */
	char *error;	    /* name of the Varlink error; NULL when there is none or no answer */
	char *message;	    /* why it failed, for people; NULL on success */
};

/* Calls method (with its interface) at the socket and waits timeout_ms for the answer. parameters:
 * borrowed, NULL for none. 0: done. -EREMOTEIO: the daemon refused, see result->error. Other
 * negative errno: there was no answer (-ENOENT, -ECONNREFUSED: not running; -EACCES; -ETIMEDOUT;
 * -EPROTO). *result is always filled and is to be freed by control_result_done(). */
int control_call(const char *path, const char *method, json_t *parameters, uint64_t timeout_ms,
		 struct control_result *result);

/* Subscribes to io.uplinkd.Monitor and calls told for each event (an object, borrowed), the first
 * of which is {"event": "subscribed"}, until told returns something else than 0, which is then
 * returned, or the connection ends: -EPIPE. timeout_ms: for the first answer. Else like
 * control_call(). */
int control_monitor(const char *path, uint64_t timeout_ms,
		    int (*told)(void *userdata, json_t *event), void *userdata,
		    struct control_result *result);

void control_result_done(struct control_result *result);

#endif
