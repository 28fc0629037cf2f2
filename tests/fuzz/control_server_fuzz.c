// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * libFuzzer entry: clients of the control socket. Input: a byte (1: members of the group may only
 * read), then steps. A step: what (low 3 bits) and which client (next 2 bits); with bytes to send,
 * their number follows in two bytes.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "control/internal.h"
#include "fuzz.h"

#define CLIENTS 4
#define LARGE_BYTES (192 * 1024)

struct peer {
	int fd; /* -1: not connected */
	char *text;
	size_t n;
};

struct world {
	sd_event *event;
	struct control_server *server;
	struct control_pending *pending; /* of the latest "Later" */
	struct peer peers[CLIENTS];
};

/* ---- methods ---- */
static int call_echo(void *userdata, json_t *parameters, json_t **ret_parameters,
		     const char **ret_error)
{
	(void)userdata;
	(void)ret_error;
	CHECK(json_is_object(parameters));
	*ret_parameters = json_incref(parameters);
	return 0;
}

static int call_large(void *userdata, json_t *parameters, json_t **ret_parameters,
		      const char **ret_error)
{
	static char text[LARGE_BYTES];

	(void)userdata;
	(void)parameters;
	(void)ret_error;
	memset(text, 'x', sizeof(text));
	*ret_parameters = json_pack("{s:s#}", "text", text, sizeof(text));
	return 0;
}

static int call_break(void *userdata, json_t *parameters, json_t **ret_parameters,
		      const char **ret_error)
{
	(void)userdata;
	(void)ret_parameters;
	if (json_object_get(parameters, "why"))
		*ret_error = CONTROL_E_CONFIGURATION;
	return -EIO;
}

static void on_gone(void *userdata)
{
	struct world *world = userdata;

	world->pending = NULL;
}

static int call_later(void *userdata, const struct control_method *method, json_t *parameters,
		      struct control_pending *pending, json_t **ret_parameters,
		      const char **ret_error)
{
	struct world *world = userdata;

	(void)method;
	(void)parameters;
	(void)ret_parameters;
	(void)ret_error;
	if (world->pending)
		return -EBUSY;
	world->pending = pending;
	control_pending_watch(pending, on_gone, world);
	return -EINPROGRESS;
}

/* clang-format off */
static const struct control_method methods[] = {
	{ "Echo", call_echo, CONTROL_READS, NULL },
	{ "Large", call_large, CONTROL_READS, NULL },
	{ "Break", call_break, CONTROL_CHANGES, NULL },
	{ "Later", NULL, CONTROL_CHANGES, call_later },
	{},
};
/* clang-format on */

/* ---- peers ---- */
static void run(struct world *world)
{
	for (int i = 0; i < 1000 && sd_event_run(world->event, 0) > 0; i++)
		;
}

/* Every message is an object with parameters. */
static void check_messages(struct peer *peer)
{
	char *end;

	while ((end = memchr(peer->text, '\0', peer->n))) {
		json_t *message = json_loads(peer->text, 0, NULL);
		size_t length = (size_t)(end - peer->text) + 1;
		json_t *error = json_object_get(message, "error");

		CHECK(json_is_object(json_object_get(message, "parameters")));
		CHECK(!error || json_is_string(error));
		json_decref(message);
		peer->n -= length;
		memmove(peer->text, end + 1, peer->n);
	}
}

static void hang_up(struct peer *peer)
{
	if (peer->fd < 0)
		return;
	close(peer->fd);
	free(peer->text);
	*peer = (struct peer){ .fd = -1 };
}

static void read_some(struct peer *peer)
{
	ssize_t got;

	peer->text = realloc(peer->text, peer->n + 65536);
	CHECK(peer->text);
	got = recv(peer->fd, peer->text + peer->n, 65536, MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		hang_up(peer);
		return;
	}
	if (got > 0)
		peer->n += (size_t)got;
	check_messages(peer);
}

static void dial(struct world *world, struct peer *peer)
{
	int fds[2];

	if (peer->fd >= 0)
		return;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	CHECK(client_new(world->server, fds[1]) == 0);
	world->server->clients->trusted = fds[0] % 2;
	peer->fd = fds[0];
}

static void send_bytes(struct peer *peer, struct input *input)
{
	size_t n = take_u16(input);

	n = n < input->left ? n : input->left;
	(void)!send(peer->fd, input->at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	input->at += n;
	input->left -= n;
}

static void publish(struct world *world)
{
	json_t *event = json_pack("{s:i, s:s}", "number", 1, "text", "an event");

	control_server_publish(world->server, event);
	json_decref(event);
}

static void answer(struct world *world)
{
	struct control_pending *pending = world->pending;

	world->pending = NULL;
	if (pending)
		control_pending_reply(pending, 0, json_pack("{s:i}", "late", 1), NULL);
}

/* ---- steps ---- */
static void step(struct world *world, struct input *input)
{
	uint8_t what = take(input);
	struct peer *peer = &world->peers[what >> 3 & 3];

	switch (what & 7) {
	case 0:
	case 1:
		dial(world, peer);
		send_bytes(peer, input);
		break;
	case 2:
		if (peer->fd >= 0)
			read_some(peer);
		break;
	case 3:
		if (peer->fd >= 0)
			shutdown(peer->fd, SHUT_WR);
		break;
	case 4:
		hang_up(peer);
		break;
	case 5:
		publish(world);
		break;
	case 6:
		answer(world);
		break;
	case 7: /* the next step comes before the turn of the loop */
		return;
	}
	run(world);
}

static void check(const struct world *world)
{
	const struct control_stats *stats = control_server_stats(world->server);
	uint32_t n = 0, monitors = 0;
	uint64_t queued = 0;

	for (const struct client *c = world->server->clients; c; c = c->next) {
		n++;
		monitors += c->monitor;
		queued += c->n_out;
		CHECK(c->n_in <= c->room_in && c->room_in <= CONTROL_MAX_REQUEST + 1);
		CHECK(c->out_at + c->n_out <= c->room_out);
	}
	CHECK(stats->n_clients == n && stats->n_monitors == monitors && stats->n_queued == queued);
	CHECK(n <= CLIENTS * 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	static int idle[2] = { -1, -1 };
	struct input input = { .at = data, .left = size };
	struct control_server_options options = { .path = "fuzz", .methods = methods };

	if (idle[0] < 0) {
		/* in place of the listening socket */
		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, idle) == 0);
		CHECK(sd_event_new(&world.event) == 0);
	}
	options.inherited_fd = idle[0];
	options.group_reads = take(&input) & 1;
	options.userdata = &world;
	CHECK(control_server_new(world.event, &options, &world.server) == 0);
	for (size_t i = 0; i < CLIENTS; i++)
		world.peers[i] = (struct peer){ .fd = -1 };
	for (int i = 0; input.left && i < 200; i++) {
		step(&world, &input);
		check(&world);
	}
	run(&world);
	for (size_t i = 0; i < CLIENTS; i++) {
		if (world.peers[i].fd >= 0)
			read_some(&world.peers[i]);
		hang_up(&world.peers[i]);
	}
	run(&world);
	check(&world);
	control_server_free(world.server);
	CHECK(!world.pending);
	return 0;
}
