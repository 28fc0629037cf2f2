// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "control/internal.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#define REQUEST_FIRST_ROOM 4096

/* ---- one connection ---- */
void client_free(struct client *client)
{
	struct control_server *server = client->server;

	if (client->pending.active && client->pending.on_gone)
		client->pending.on_gone(client->pending.userdata);
	if (client->previous)
		client->previous->next = client->next;
	else
		server->clients = client->next;
	if (client->next)
		client->next->previous = client->previous;
	server->stats.n_clients--;
	if (client->monitor)
		server->stats.n_monitors--;
	server->stats.n_queued -= client->n_out;

	sd_event_source_disable_unref(client->again);
	sd_event_source_disable_unref(client->source);
	close(client->fd);
	free(client->in);
	free(client->out);
	free(client);
}

/* Sends as much of out as the kernel accepts. 0 or negative errno: the connection failed. */
static int client_flush(struct client *client)
{
	size_t sent = 0;

	while (sent < client->n_out) {
		ssize_t n = send(client->fd, client->out + client->out_at + sent,
				 client->n_out - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return -errno;
		sent += (size_t)n;
	}
	if (sent)
		client->sent_ms = now_ms();
	client->server->stats.n_queued -= sent;
	client->n_out -= sent;
	client->out_at += sent;
	if (client->n_out)
		return 0;
	/* a large reply must not stay allocated for an idle client */
	free(TAKE_PTR(client->out));
	client->out_at = client->room_out = 0;
	return 0;
}

/* Makes room for size bytes in the queue of all clients: drops others that do not read. */
static int make_room(struct client *client, size_t size)
{
	struct control_server *server = client->server;

	while (server->stats.n_queued + size > CONTROL_MAX_QUEUED) {
		struct client *slowest = NULL;

		for (struct client *c = server->clients; c; c = c->next)
			if (c != client && c->n_out && (!slowest || c->sent_ms < slowest->sent_ms))
				slowest = c;
		if (!slowest)
			return -ENOBUFS;
		server->stats.slow_dropped++;
		client_free(slowest);
	}
	return 0;
}

int client_queue(struct client *client, const char *text, size_t size)
{
	if (!client->n_out)
		client->sent_ms = now_ms();
	if (client->out_at) {
		memmove(client->out, client->out + client->out_at, client->n_out);
		client->out_at = 0;
	}
	if (client->n_out + size > client->room_out) {
		char *more = realloc(client->out, client->n_out + size);

		if (!more)
			return -ENOMEM;
		client->out = more;
		client->room_out = client->n_out + size;
	}
	memcpy(client->out + client->n_out, text, size);
	client->n_out += size;
	client->server->stats.n_queued += size;
	return client_flush(client);
}

int client_send(struct client *client, json_t *message)
{
	_cleanup_free_ char *text = json_dumps(message, JSON_COMPACT);
	size_t size;
	int r;

	if (!text)
		return -ENOMEM;
	size = strlen(text) + 1;
	if (size > CONTROL_MAX_REPLY)
		return -EMSGSIZE;
	r = make_room(client, size);
	return r < 0 ? r : client_queue(client, text, size);
}

/* ---- input ---- */
/* An earlier request is not answered to its end, or no other one will be. */
static bool client_is_busy(const struct client *client)
{
	return client->n_out > 0 || client->closing || client->monitor || client->pending.active;
}

/* The requests that were read already are answered in the next turn. Also when they are incomplete:
 * no other event announces them. */
static int client_continue(struct client *client)
{
	if (client_is_busy(client) || client->n_in == 0)
		return 0;
	return sd_event_source_set_enabled(client->again, SD_EVENT_ONESHOT);
}

/* Answers the first complete request in `in` if all earlier replies are sent. 0 or negative
 * errno. */
static int client_process(struct client *client)
{
	const char *end = memchr(client->in, '\0', client->n_in);
	size_t done;
	int r;

	if (client_is_busy(client))
		return 0;
	if (end) {
		r = request_handle(client, client->in);
		done = (size_t)(end - client->in) + 1;
		client->n_in -= done;
		memmove(client->in, client->in + done, client->n_in);
		return r < 0 ? r : client_continue(client);
	}
	if (client->n_in > CONTROL_MAX_REQUEST) {
		client->server->stats.requests++;
		client->closing = true;
		return request_refuse(client, "", "a request is at most 2 MiB long");
	}
	return 0;
}

/* Most requests are short; only `uplinkctl reload FILE` sends more than the first step. */
static int client_grow(struct client *client)
{
	size_t room = client->room_in ? client->room_in * 2 : REQUEST_FIRST_ROOM;
	char *larger;

	if (room > CONTROL_MAX_REQUEST + 1)
		room = CONTROL_MAX_REQUEST + 1;
	larger = realloc(client->in, room);
	if (!larger)
		return -ENOMEM;
	client->in = larger;
	client->room_in = room;
	return 0;
}

/* Reads what arrived. 0 or negative errno: end the connection at once. */
static int client_read(struct client *client)
{
	ssize_t n;

	if (client->n_in > CONTROL_MAX_REQUEST)
		return 0;
	if (client->n_in == client->room_in && client_grow(client) < 0)
		return -ENOMEM;
	n = recv(client->fd, client->in + client->n_in, client->room_in - client->n_in,
		 MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	/* A monitor must not send: any input ends the connection, like a shutdown. */
	if (client->monitor)
		return -ESHUTDOWN;
	client->ended = n == 0;
	client->n_in += (size_t)n;
	client->heard_ms = now_ms();
	return 0;
}

static bool client_listens(const struct client *client)
{
	return client->monitor || (!client_is_busy(client) && !client->ended);
}

static bool client_has_more(const struct client *client)
{
	int enabled = SD_EVENT_OFF;

	return sd_event_source_get_enabled(client->again, &enabled) > 0 && enabled != SD_EVENT_OFF;
}

/* Selects the next events of the connection or ends it. client may be freed. */
void client_settle(struct client *client, int result)
{
	uint32_t events = client->n_out > 0 ? EPOLLOUT : 0;

	/* Requests that were read are answered before more is read. */
	if (client_listens(client) && !client_has_more(client))
		events |= EPOLLIN;
	if (result < 0 || (events == 0 && !client_has_more(client) && !client->pending.active) ||
	    sd_event_source_set_io_events(client->source, events) < 0)
		client_free(client);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct client *client = userdata;
	bool gone = revents & (EPOLLHUP | EPOLLERR);
	int r = 0;

	if (revents & EPOLLOUT)
		r = client_flush(client);
	if (r >= 0 && gone && (client->n_out > 0 || client->pending.active))
		r = -ECONNRESET;
	if (r >= 0 && client_listens(client) && (gone || revents & EPOLLIN))
		r = client_read(client);
	if (r >= 0 && client->n_in > 0)
		r = client_process(client);
	client_settle(client, r);
	return 0;
}

static int on_more(sd_event_source *source, void *userdata)
{
	struct client *client = userdata;

	(void)source;
	client_settle(client, client->n_in > 0 ? client_process(client) : 0);
	return 0;
}

/* ---- replies that come later ---- */
void control_pending_watch(struct control_pending *pending, void (*on_gone)(void *userdata),
			   void *userdata)
{
	pending->on_gone = on_gone;
	pending->userdata = userdata;
}

void control_pending_reply(struct control_pending *pending, int r, json_t *parameters,
			   const char *error)
{
	struct client *client =
		(struct client *)((char *)pending - offsetof(struct client, pending));
	bool oneway = pending->oneway;

	*pending = (struct control_pending){};
	r = request_reply(client, oneway, r, parameters, error);
	client_settle(client, r < 0 ? r : client_continue(client));
}

/* ---- a new client ---- */
static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

int client_new(struct control_server *server, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return -ENOMEM;
	r = sd_event_add_io(server->event, &client->source, fd, EPOLLIN, on_client, client);
	if (r >= 0)
		r = sd_event_add_defer(server->event, &client->again, on_more, client);
	if (r >= 0)
		r = sd_event_source_set_enabled(client->again, SD_EVENT_OFF);
	if (r >= 0)
		/* links and LACP first */
		r = sd_event_source_set_priority(client->again, SD_EVENT_PRIORITY_NORMAL + 1);
	if (r < 0) {
		sd_event_source_disable_unref(client->again);
		sd_event_source_disable_unref(client->source);
		free(client);
		return r;
	}
	client->server = server;
	client->fd = fd;
	client->trusted = is_trusted(fd);
	client->heard_ms = now_ms();
	client->next = server->clients;
	if (client->next)
		client->next->previous = client;
	server->clients = client;
	server->stats.n_clients++;
	server->stats.connections++;
	return 0;
}
