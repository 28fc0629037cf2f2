/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Server of the control socket: a Unix stream socket on the daemon's event loop that speaks Varlink
 * (protocol.h).
 *
 * The permissions of the socket file decide who may connect: owner and group, mode 0660. The file
 * is made here, or by the service manager, which passes its listening socket. Methods that change
 * something can be limited to root and the user of this process. No call blocks, and everything has
 * a limit: requests (CONTROL_MAX_REQUEST), clients, the queue of a slow reader, and the replies
 * that wait for all readers. The requests of a connection are answered in order.
 *
 *   server.c      the socket and its clients; connection.c: one client; request.c: its requests
 *   protocol.c    the interface and its errors
 *   socket_file.c the file of the socket: its group, stale files
 *   client.c      one call, or a subscription, with a time limit
 *   event_ring.c  ring buffer of events for `uplinkctl monitor --past`
 *
 * Callers: daemon/ runs the server, ctl/ the client. Tests: tests/unit/control_*.c.
 */
#ifndef UL_CONTROL_SERVER_H
#define UL_CONTROL_SERVER_H

#include <systemd/sd-event.h>

#include "common/errors.h"
#include "control/protocol.h"

/* One more connection closes the one that was silent longest. */
#define CONTROL_MAX_CLIENTS 64
/* Bytes of events that wait for one monitor before it is dropped. */
#define CONTROL_MAX_QUEUE (256 * 1024)
/* Bytes of replies and events that wait for all clients. Beyond it the client that has read nothing
 * for longest is dropped. */
#define CONTROL_MAX_QUEUED (64 * 1024 * 1024)

/* Who may call a method. Without a statement: the strict one. */
enum control_access {
	CONTROL_CHANGES, /* root, and members of the group unless they may only read */
	CONTROL_READS,	 /* everyone who may connect */
};

/* A request whose reply comes later: of one client, whose next requests wait meanwhile. */
struct control_pending;

/*
 * A method of io.uplinkd. The last entry of a table has no name.
 *
 * call: parameters is an object, never NULL, and borrowed. Returns 0 with *ret_parameters (NULL is
 * an empty object), or a negative errno. On failure *ret_error may name the Varlink error (a static
 * string) and *ret_parameters its parameters. Without a name the reply is io.uplinkd.Failed;
 * without parameters the message is the text of the errno. The server owns *ret_parameters.
 *
 * call_later, in place of call: the same, but -EINPROGRESS without a Varlink error says that the
 * reply comes by control_pending_reply().
 */
struct control_method {
	const char *name; /* without the interface: "Reload" */
	int (*call)(void *userdata, json_t *parameters, json_t **ret_parameters,
		    const char **ret_error);
	enum control_access access;
	int (*call_later)(void *userdata, const struct control_method *method, json_t *parameters,
			  struct control_pending *pending, json_t **ret_parameters,
			  const char **ret_error);
};

struct control_server_options {
	const char *path;    /* of the socket; a stale file is replaced */
	const char *group;   /* whose members may connect; NULL: root and this user only */
	int inherited_fd;    /* listens already, and the service manager owns the file; 0: none */
	bool group_reads;    /* members of the group may not change anything */
	const char *version; /* of the daemon, for GetInfo */
	/* What follows control_interface_description in the description of io.uplinkd; NULL:
	 * nothing. Must outlive the server. */
	const char *description;
	const struct control_method *methods;
	/* Failures that do not stop the server; NULL: ignored. */
	struct errors *errors;
	void *userdata; /* for the methods */
};

/* Counters since the start. */
struct control_stats {
	uint64_t connections;
	uint64_t requests;		/* including invalid ones */
	uint64_t invalid;		/* not JSON, too long, or not a request */
	uint64_t slow_dropped;		/* clients that read too slowly */
	uint64_t refused;		/* changes of members of the group that may only read */
	uint64_t crowded_out;		/* closed because of CONTROL_MAX_CLIENTS */
	uint32_t n_clients, n_monitors; /* now */
	uint64_t n_queued;		/* bytes that wait for clients now */
};

struct control_server;

/* Listens on path. 0; -EADDRINUSE: another process listens there; -EEXIST: path exists and is not a
 * socket; -ENAMETOOLONG; other negative errno. If the group does not exist, options.errors gets a
 * message, and only root can connect. */
int control_server_new(sd_event *event, const struct control_server_options *options,
		       struct control_server **ret);
/* Changes who may connect, like options.group. */
void control_server_set_group(struct control_server *server, const char *group);
/* Like options.group_reads; also for clients that are connected. */
void control_server_set_group_reads(struct control_server *server, bool group_reads);
/* Closes all connections and removes the socket. NULL allowed. */
void control_server_free(struct control_server *server);

/* Sends event (an object, borrowed) to every subscriber of io.uplinkd.Monitor. */
void control_server_publish(struct control_server *server, json_t *event);

/*
 * For call_later: on_gone is called if the client ends before the reply, and when the server is
 * freed. pending is not valid afterwards.
 */
void control_pending_watch(struct control_pending *pending, void (*on_gone)(void *userdata),
			   void *userdata);
/* The reply: r, parameters (owned by the server from now on) and error as a method returns them.
 * pending is not valid afterwards, and on_gone is not called. */
void control_pending_reply(struct control_pending *pending, int r, json_t *parameters,
			   const char *error);

const struct control_stats *control_server_stats(const struct control_server *server);

#endif
