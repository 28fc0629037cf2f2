// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "control_peer.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

static int call_echo(void *userdata, json_t *parameters, json_t **ret_parameters,
		     const char **ret_error)
{
	const char *text = json_string_value(json_object_get(parameters, "text"));
	struct fixture *f = userdata;

	f->n_calls++;
	free(f->last_text);
	f->last_text = text ? strdup(text) : NULL;
	*ret_parameters = json_incref(parameters);
	return 0;
}

static int call_refuse(void *userdata, json_t *parameters, json_t **ret_parameters,
		       const char **ret_error)
{
	*ret_error = CONTROL_E_INVALID_REQUEST;
	*ret_parameters = control_error("vnet%d is not a port", 7);
	return -ENOENT;
}

static int call_break(void *userdata, json_t *parameters, json_t **ret_parameters,
		      const char **ret_error)
{
	return -EIO;
}

static int call_publish(void *userdata, json_t *parameters, json_t **ret_parameters,
			const char **ret_error)
{
	struct fixture *f = userdata;

	control_server_publish(f->server, json_object_get(parameters, "event"));
	return 0;
}

static void on_gone(void *userdata)
{
	struct fixture *f = userdata;

	f->n_gone++;
	f->pending = NULL;
}

static int call_later(void *userdata, const struct control_method *method, json_t *parameters,
		      struct control_pending *pending, json_t **ret_parameters,
		      const char **ret_error)
{
	struct fixture *f = userdata;

	f->n_calls++;
	if (json_is_true(json_object_get(parameters, "now"))) {
		*ret_parameters = json_pack("{s:s}", "text", "at once");
		return 0;
	}
	f->pending = pending;
	control_pending_watch(pending, on_gone, f);
	return -EINPROGRESS;
}

static int call_large(void *userdata, json_t *parameters, json_t **ret_parameters,
		      const char **ret_error)
{
	size_t size = (size_t)json_integer_value(json_object_get(parameters, "mib")) * 1024 * 1024;
	_cleanup_free_ char *text = malloc(size);

	cr_assert(text);
	memset(text, 'x', size);
	*ret_parameters = json_pack("{s:s#}", "text", text, size);
	return 0;
}

/* clang-format off */
const struct control_method fixture_methods[] = {
	{ "Echo", call_echo, CONTROL_READS, NULL },
	{ "Large", call_large, CONTROL_READS, NULL },
	{ "Later", NULL, CONTROL_CHANGES, call_later },
	{ "Refuse", call_refuse, CONTROL_CHANGES, NULL },
	{ "Break", call_break, CONTROL_CHANGES, NULL },
	{ "Publish", call_publish, CONTROL_CHANGES, NULL },
	{},
};
/* clang-format on */

void fixture_start(struct fixture *f)
{
	struct control_server_options options = {
		.path = f->path,
		.version = "1.2.3",
		.methods = fixture_methods,
		.description = "# more\n",
		.errors = &f->errors,
		.userdata = f,
	};

	*f = (struct fixture){ .directory = "/tmp/ul-control-XXXXXX" };
	cr_assert(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->directory);
	cr_assert_eq(sd_event_new(&f->event), 0);
	cr_assert_eq(control_server_new(f->event, &options, &f->server), 0);
}

void fixture_stop(struct fixture *f)
{
	errors_done(&f->errors);
	control_server_free(f->server);
	sd_event_unref(f->event);
	free(f->last_text);
	cr_assert_eq(rmdir(f->directory), 0, "the server left something behind in %s",
		     f->directory);
}

int peer_connect(const struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	cr_assert_geq(fd, 0);
	strcpy(address.sun_path, f->path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "connect: %s",
		     strerror(errno));
	return fd;
}

void peer_write(int fd, const void *data, size_t size)
{
	cr_assert_eq(send(fd, data, size, MSG_NOSIGNAL), (ssize_t)size, "send: %s",
		     strerror(errno));
}

/* One byte at a time, so that no byte of the next message is read. */
json_t *peer_hear(struct fixture *f, int fd)
{
	uint64_t deadline_ms = now_ms() + 5000;
	static char text[1 << 20];
	size_t n = 0;

	for (;;) {
		ssize_t got = recv(fd, text + n, 1, 0);

		if (got == 0 || (got < 0 && errno == ECONNRESET)) {
			cr_assert_eq(n, 0, "the connection ended within a message: %.*s", (int)n,
				     text);
			return NULL;
		}
		if (got < 0) {
			cr_assert_eq(errno, EAGAIN, "recv: %s", strerror(errno));
			cr_assert_lt(now_ms(), deadline_ms,
				     "no message in five seconds; so far: %.*s", (int)n, text);
			sd_event_run(f->event, 10000);
			continue;
		}
		if (text[n] == '\0') {
			json_t *message = json_loads(text, 0, NULL);

			cr_assert(message, "no JSON: %s", text);
			return message;
		}
		cr_assert_lt(++n, sizeof(text));
	}
}

void peer_expect_end(struct fixture *f, int fd)
{
	uint64_t deadline_ms = now_ms() + 5000;
	char sink[4096];
	ssize_t got;

	while ((got = recv(fd, sink, sizeof(sink), 0)) != 0) {
		if (got < 0 && errno == ECONNRESET)
			return;
		cr_assert(got > 0 || errno == EAGAIN, "recv: %s", strerror(errno));
		cr_assert_lt(now_ms(), deadline_ms, "the server did not close the connection");
		if (got < 0)
			sd_event_run(f->event, 10000);
	}
}
