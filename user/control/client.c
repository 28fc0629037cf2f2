// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "control/client.h"

#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

static int fail(struct control_result *result, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct control_result *result, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	free(result->message);
	if (vasprintf(&result->message, format, ap) < 0)
		result->message = NULL;
	va_end(ap);
	return error;
}

/* 0 when the descriptor is ready for events, -ETIMEDOUT, -ECANCELED: the reader of the pipe
 * watch_fd (-1: none) is gone, or another negative errno. */
static int wait_watching(int fd, short events, uint64_t deadline_ms, int watch_fd)
{
	struct pollfd pfd[] = { { .fd = fd, .events = events }, { .fd = watch_fd } };

	for (;;) {
		uint64_t now = now_ms();
		int n = poll(pfd, ARRAY_SIZE(pfd),
			     deadline_ms == UINT64_MAX ? -1 :
			     now >= deadline_ms	       ? 0 :
							 (int)(deadline_ms - now));

		if (n > 0)
			return pfd[0].revents ? 0 : -ECANCELED;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int wait_until(int fd, short events, uint64_t deadline_ms)
{
	return wait_watching(fd, events, deadline_ms, -1);
}

static int connect_to(const char *path, uint64_t deadline_ms, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		/* poll() does not report room in the backlog of a daemon that does not accept. */
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (now_ms() >= deadline_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, 10);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int send_all(int fd, const char *data, size_t size, uint64_t deadline_ms)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
		int r;

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
			continue;
		}
		r = wait_until(fd, POLLOUT, deadline_ms);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Received bytes of a connection that are not consumed yet. */
struct stream {
	int fd, watch_fd; /* -1: none */
	char *text;
	size_t n, room;
};

static void stream_done(struct stream *stream)
{
	free(stream->text);
}

/* One message up to its NUL. -EPIPE: the connection ended first; -EMSGSIZE: longer than
 * CONTROL_MAX_REPLY. */
static int receive(struct stream *stream, uint64_t deadline_ms, char **ret_text)
{
	size_t searched = 0;

	for (;;) {
		char *end = stream->n > searched ?
				    memchr(stream->text + searched, '\0', stream->n - searched) :
				    NULL;
		ssize_t got;
		int r;

		if (end) {
			size_t length = (size_t)(end - stream->text) + 1;

			*ret_text = malloc(length);
			if (!*ret_text)
				return -ENOMEM;
			memcpy(*ret_text, stream->text, length);
			stream->n -= length;
			memmove(stream->text, end + 1, stream->n);
			return 0;
		}
		searched = stream->n;
		if (stream->n == stream->room) {
			char *more;

			if (stream->room >= CONTROL_MAX_REPLY)
				return -EMSGSIZE;
			more = realloc(stream->text, stream->room ? stream->room * 2 : 4096);
			if (!more)
				return -ENOMEM;
			stream->text = more;
			stream->room = stream->room ? stream->room * 2 : 4096;
		}
		r = wait_watching(stream->fd, POLLIN, deadline_ms, stream->watch_fd);
		if (r < 0)
			return r;
		got = recv(stream->fd, stream->text + stream->n, stream->room - stream->n, 0);
		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
		if (got > 0)
			stream->n += (size_t)got;
	}
}

static int parse_reply(const char *path, const char *text, struct control_result *result)
{
	json_auto_t *message = json_loads(text, 0, NULL);
	json_t *error = json_object_get(message, "error"),
	       *parameters = json_object_get(message, "parameters");

	if (!json_is_object(message) || (error && !json_is_string(error)) ||
	    (parameters && !json_is_object(parameters)))
		return fail(result, -EPROTO,
			    "socket %s: the reply is not Varlink; use the socket of uplinkd", path);

	result->parameters = parameters ? json_incref(parameters) : json_object();
	if (!error)
		return 0;
	result->error = strdup(json_string_value(error));
	text = json_string_value(json_object_get(parameters, "message"));
	if (text)
		return fail(result, -EREMOTEIO, "%s", text);
	return fail(result, -EREMOTEIO, "uplinkd refused: %s", json_string_value(error));
}

static int explain(const char *path, int error, uint64_t timeout_ms, struct control_result *result)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		return fail(
			result, error,
			"uplinkd is not running (socket %s): start it with 'systemctl start uplinkd', or 'uplinkd -c FILE'",
			path);
	case -EACCES:
	case -EPERM:
		return fail(result, error,
			    "socket %s: permission denied: needs root or membership in its group",
			    path);
	case -ETIMEDOUT:
		return fail(
			result, error,
			"uplinkd does not answer (socket %s, %.1f s): see 'systemctl status uplinkd'",
			path, (double)timeout_ms / 1000);
	case -EPIPE:
		return fail(
			result, error,
			"uplinkd closed the connection without a reply (socket %s): see 'journalctl -u uplinkd'",
			path);
	case -ENAMETOOLONG:
		return fail(result, error,
			    "socket %s: the path is too long for a socket (107 characters)", path);
	default:
		return fail(result, error, "socket %s: %s", path, strerror(-error));
	}
}

static int send_request(const char *path, json_t *request, uint64_t deadline_ms, int *ret_fd)
{
	_cleanup_free_ char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!text)
		return -ENOMEM;
	r = connect_to(path, deadline_ms, &fd);
	if (r >= 0)
		r = send_all(fd, text, strlen(text) + 1, deadline_ms);
	if (r >= 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int control_call(const char *path, const char *method, json_t *parameters, uint64_t timeout_ms,
		 struct control_result *result)
{
	json_auto_t *request = json_pack("{s:s, s:O*}", "method", method, "parameters", parameters);
	_cleanup_(stream_done) struct stream stream = { .fd = -1, .watch_fd = -1 };
	uint64_t deadline_ms = now_ms() + timeout_ms;
	_cleanup_free_ char *answer = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	*result = (struct control_result){};
	r = send_request(path, request, deadline_ms, &fd);
	stream.fd = fd;
	if (r >= 0)
		r = receive(&stream, deadline_ms, &answer);
	if (r < 0)
		return explain(path, r, timeout_ms, result);
	return parse_reply(path, answer, result);
}

int control_monitor(const char *path, uint64_t timeout_ms, int watch_fd,
		    int (*on_event)(void *userdata, json_t *event), void *userdata,
		    struct control_result *result)
{
	json_auto_t *request =
		json_pack("{s:s, s:b}", "method", CONTROL_INTERFACE ".Monitor", "more", 1);
	_cleanup_(stream_done) struct stream stream = { .fd = -1, .watch_fd = -1 };
	uint64_t deadline_ms = now_ms() + timeout_ms;
	_cleanup_close_ int fd = -1;
	int r;

	*result = (struct control_result){};
	r = send_request(path, request, deadline_ms, &fd);
	stream.fd = fd;
	stream.watch_fd = watch_fd;
	while (r == 0) {
		_cleanup_free_ char *answer = NULL;

		r = receive(&stream, deadline_ms, &answer);
		if (r < 0)
			break;
		control_result_done(result);
		r = parse_reply(path, answer, result);
		if (r < 0)
			return r;
		r = on_event(userdata, result->parameters);
		if (r)
			return r;
		deadline_ms = UINT64_MAX;
	}
	return r == -ECANCELED ? r : explain(path, r, timeout_ms, result);
}

void control_result_done(struct control_result *result)
{
	json_decref(result->parameters);
	free(result->error);
	free(result->message);
	*result = (struct control_result){};
}
