// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The socket, its clients and their monitors. */
#include "control/internal.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Connections that are accepted at once, and in each interval. */
#define ACCEPT_BURST 64
#define ACCEPT_INTERVAL_US 50000
#define REFUSAL_INTERVAL_MS 60000

/* Makes room for one more client: closes the one that was silent longest, monitors last. */
static void crowd_out(struct control_server *server)
{
	struct client *oldest = NULL;

	for (struct client *c = server->clients; c; c = c->next)
		if (!oldest || c->monitor < oldest->monitor ||
		    (c->monitor == oldest->monitor && c->heard_ms < oldest->heard_ms))
			oldest = c;
	if (oldest) {
		server->stats.crowded_out++;
		client_free(oldest);
	}
}

static void keep_reserve(struct control_server *server)
{
	if (server->reserve_fd < 0)
		server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Without an answer the client would wait, and the waiting connection would wake the loop. */
static void refuse_connection(struct control_server *server, int fd, int error)
{
	_cleanup_close_ int peer = -1;
	_cleanup_free_ char *text = NULL;
	json_auto_t *message = NULL;
	uint64_t suppressed;

	ul_closep(&server->reserve_fd);
	server->reserve_fd = -1;
	peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	message = json_pack("{s:s, s:o}", "error", CONTROL_E_FAILED, "parameters",
			    control_error("%s: the connection is refused: %s; see LimitNOFILE= of "
					  "the service",
					  server->path, strerror(error)));
	text = json_dumps(message, JSON_COMPACT);
	if (peer >= 0 && text)
		(void)send(peer, text, strlen(text) + 1, MSG_NOSIGNAL);
	if (rate_limit_admit(&server->refusals, now_ms(), &suppressed))
		errors_add(server->errors, -error, "%s: a connection is refused", server->path);
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct control_server *server = userdata;
	_cleanup_close_ int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r, error = errno;

	if (peer < 0) {
		if (error != EMFILE && error != ENFILE)
			return 0;
		if (server->clients)
			crowd_out(server);
		else
			refuse_connection(server, fd, error);
		keep_reserve(server);
		return 0;
	}
	keep_reserve(server);
	if (server->stats.n_clients >= CONTROL_MAX_CLIENTS)
		crowd_out(server);
	r = client_new(server, peer);
	if (r < 0)
		errors_add(server->errors, r, "%s: a connection cannot be accepted", server->path);
	else
		TAKE_FD(peer);
	return 0;
}

void control_server_set_group(struct control_server *server, const char *group)
{
	if (server->inherited) {
		if (group)
			errors_add(
				server->errors, 0,
				"%s: control.group: %s has no effect; SocketGroup= of uplinkd.socket decides",
				server->path, group);
		return;
	}
	socket_file_set_group(server->path, group, server->errors);
}

void control_server_set_group_reads(struct control_server *server, bool group_reads)
{
	server->group_reads = group_reads;
}

/* A copy, because closing it must not end the one of the service manager's. */
static int inherit_socket(struct control_server *server, int fd)
{
	server->inherited = true;
	server->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (server->fd < 0 || fcntl(server->fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int listen_on(struct control_server *server, const struct control_server_options *options)
{
	int r = options->inherited_fd ?
			inherit_socket(server, options->inherited_fd) :
			socket_file_listen(options->path, &server->fd, &server->file);

	if (r < 0)
		return r;
	if (options->group)
		control_server_set_group(server, options->group);
	r = sd_event_add_io(server->event, &server->source, server->fd, EPOLLIN, on_connection,
			    server);
	/* Without a descriptor, a client to close and the reserve the loop would spin. */
	return r < 0 ? r :
		       sd_event_source_set_ratelimit(server->source, ACCEPT_INTERVAL_US,
						     ACCEPT_BURST);
}

static void server_freep(struct control_server **server)
{
	control_server_free(*server);
}

int control_server_new(sd_event *event, const struct control_server_options *options,
		       struct control_server **ret)
{
	_cleanup_(server_freep) struct control_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->fd = -1;
	server->reserve_fd = -1;
	server->refusals = RATE_LIMIT(1, REFUSAL_INTERVAL_MS);
	server->event = sd_event_ref(event);
	server->methods = options->methods;
	server->description = options->description ? options->description : "";
	server->group_reads = options->group_reads;
	server->errors = options->errors;
	server->userdata = options->userdata;
	server->path = strdup(options->path);
	server->version = strdup(options->version ? options->version : "");
	if (!server->path || !server->version)
		return -ENOMEM;
	r = listen_on(server, options);
	if (r < 0)
		return r;
	keep_reserve(server);

	*ret = TAKE_PTR(server);
	return 0;
}

void control_server_free(struct control_server *server)
{
	if (!server)
		return;
	while (server->clients)
		client_free(server->clients);
	sd_event_source_disable_unref(server->source);
	if (!server->inherited)
		socket_file_remove(server->path, &server->file);
	ul_closep(&server->fd);
	ul_closep(&server->reserve_fd);
	sd_event_unref(server->event);
	free(server->path);
	free(server->version);
	free(server);
}

void control_server_publish(struct control_server *server, json_t *event)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *message = NULL;
	struct client *next;
	size_t size;

	if (!server->stats.n_monitors)
		return;
	message = json_pack("{s:O, s:b}", "parameters", event, "continues", 1);
	text = json_dumps(message, JSON_COMPACT);
	if (!text)
		return;
	size = strlen(text) + 1;

	for (struct client *client = server->clients; client; client = next) {
		next = client->next;
		if (!client->monitor)
			continue;
		if (client->n_out + size > CONTROL_MAX_QUEUE) {
			server->stats.slow_dropped++;
			client_free(client);
			continue;
		}
		client_settle(client, client_queue(client, text, size));
	}
}

const struct control_stats *control_server_stats(const struct control_server *server)
{
	return &server->stats;
}
