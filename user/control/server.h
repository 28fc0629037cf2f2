/* SPDX-License-Identifier: GPL-2.0 */
/* The control socket's server: a Unix stream socket on the daemon's event loop that speaks Varlink
 * (protocol.h).
 *
 * Who may connect is decided by the file's permissions: owner (root) and group, mode 0660. Nothing
 * here blocks and everything is bounded: requests (CONTROL_MAX_REQUEST), clients, and what waits
 * for a slow reader. A connection's requests are answered one after the other, in order. */
#ifndef UL_CONTROL_SERVER_H
#define UL_CONTROL_SERVER_H

#include <systemd/sd-event.h>

#include "control/protocol.h"

#define CONTROL_MAX_CLIENTS 64 /* one more: the one that was silent longest has to go */
#define CONTROL_MAX_QUEUE \
	(256 * 1024) /* bytes of events that wait for one monitor before it is dropped */

/* A method of io.uplinkd; a table of them ends with name NULL.
 *
 * call: parameters is an object, never NULL, and borrowed. Returns 0 with *ret_parameters (may stay
 * NULL: an empty object), or a negative errno. On failure *ret_error may name the Varlink error (a
 * string that lives on) and *ret_parameters its parameters; without a name the reply is
 * io.uplinkd.Failed, without parameters the message is the text of the errno. *ret_parameters
 * becomes the server's. */
struct control_method {
	const char *name; /* without the interface: "Reload" */
	int (*call)(void *userdata, json_t *parameters, json_t **ret_parameters,
		    const char **ret_error);
};

struct control_server_options {
	const char *path;    /* of the socket; a stale one (nobody listens) is replaced */
	const char *group;   /* whose members may connect; NULL: root only */
	const char *version; /* of the daemon, for GetInfo */
	const struct control_method *methods;
	void *userdata; /* for the methods */
};

/* Since the start; how the limits above show themselves. */
struct control_stats {
	uint64_t connections;
	uint64_t requests;		/* all messages, also wrong ones */
	uint64_t invalid;		/* no JSON, too long, or not what a request looks like */
	uint64_t slow_dropped;		/* monitors that did not read fast enough */
	uint64_t crowded_out;		/* dropped because of CONTROL_MAX_CLIENTS */
	uint32_t n_clients, n_monitors; /* now */
};

struct control_server;

/* Listens on path. 0; -EADDRINUSE: somebody listens there; -EEXIST: path is there and is no socket;
 * -ENAMETOOLONG; other negative errno. A group that does not exist is logged, and only root can
 * connect. */
int control_server_new(sd_event *event, const struct control_server_options *options,
		       struct control_server **ret);
/* Who may connect from now on; as options.group. */
void control_server_set_group(struct control_server *server, const char *group);
void control_server_free(struct control_server *server); /* closes all connections, removes the
							    socket; NULL allowed */

/* Sends event (an object, borrowed) to every subscriber of io.uplinkd.Monitor. */
void control_server_publish(struct control_server *server, json_t *event);

const struct control_stats *control_server_stats(const struct control_server *server);

#endif
