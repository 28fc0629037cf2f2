/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Connections of the control socket, for the files of the server.
 *
 * One struct client per connection: `in` collects bytes until a NUL ends a request, `out` holds
 * what the kernel has not accepted yet.
 *
 * One request is answered per turn of the event loop, so a burst of requests does not delay links.
 * While `out` is not empty, or the reply to a request is pending, nothing is read or answered: a
 * client that pipelines requests and does not read fills its own socket only. Only the `out` of a
 * monitor grows (events are not requested), and CONTROL_MAX_QUEUE limits it. CONTROL_MAX_QUEUED
 * limits the replies of all clients together. client_free() ends a client. Functions that may have
 * freed it say so, and a client that ends after its last reply is marked `closing`.
 */
#ifndef UL_CONTROL_INTERNAL_H
#define UL_CONTROL_INTERNAL_H

#include "common/rate_limit.h"
#include "control/server.h"
#include "control/socket_file.h"

struct control_pending {
	bool active;
	bool oneway; /* no reply is sent */
	void (*on_gone)(void *userdata);
	void *userdata;
};

struct client {
	struct control_server *server;
	struct client *previous, *next;
	sd_event_source *source;
	sd_event_source *again; /* one-shot: `in` has more requests */
	int fd;
	char *in; /* grows to CONTROL_MAX_REQUEST + 1 bytes */
	size_t n_in, room_in;
	char *out; /* n_out bytes from out_at on */
	size_t out_at, n_out, room_out;
	uint64_t heard_ms; /* when it last sent something; now_ms() */
	uint64_t sent_ms;  /* when it last read something, or began to be sent something */
	struct control_pending pending; /* of the request that is being answered */
	bool trusted;			/* root, or the user of this process */
	bool monitor;			/* subscribed: receives events and sends no requests */
	bool closing;			/* answers no more requests; close when out is empty */
	bool ended; /* the peer has shut down; close when everything is answered */
};

struct control_server {
	sd_event *event;
	sd_event_source *source;
	int fd;
	int reserve_fd; /* given up to refuse a connection when no descriptor is free; -1: lost */
	struct rate_limit refusals; /* reports of it */
	bool inherited;		    /* from the service manager, which owns the file */
	char *path;
	struct socket_file file;
	char *version;
	const struct control_method *methods;
	const char *description;
	bool group_reads;
	struct errors *errors;
	void *userdata;
	struct client *clients;
	struct control_stats stats;
};

/* ---- connection.c ---- */
/* Takes fd. 0 or negative errno: fd is still the caller's. */
int client_new(struct control_server *server, int fd);
void client_free(struct client *client);
/* Appends size bytes (a message and its NUL) to `out` and sends as much as possible. 0 or negative
 * errno: the connection failed. */
int client_queue(struct client *client, const char *text, size_t size);
/* The same for a reply, for which clients that do not read make room: others may be freed.
 * -EMSGSIZE: it is longer than CONTROL_MAX_REPLY. */
int client_send(struct client *client, json_t *message);
/* Selects the next events of the connection, or ends it if result is negative or nothing is left to
 * do. client may be freed. */
void client_settle(struct client *client, int result);

/* ---- request.c ---- */
/* text: one request with its NUL. 0 or negative errno: end the connection at once. */
int request_handle(struct client *client, const char *text);
/* Replies InvalidParameter, and counts it. */
int request_refuse(struct client *client, const char *parameter, const char *text);
/* The reply of a method. Takes parameters. */
int request_reply(struct client *client, bool oneway, int r, json_t *parameters, const char *error);

#endif
