// SPDX-License-Identifier: GPL-2.0
#include "control/client.h"

#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

static int fail(struct control_result *result, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

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

/* 0 when the descriptor is ready for events, -ETIMEDOUT, or another negative errno. */
static int wait_until(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now = now_ms();
		int n = poll(&pfd, 1, now >= deadline_ms ? 0 : (int)(deadline_ms - now));

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
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
		/* A full backlog cannot be polled for: the daemon is there but does not accept. */
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

/* One message up to its NUL. -EPIPE: the connection ended before; -EMSGSIZE: longer than CONTROL_MAX_REPLY. */
static int receive(int fd, uint64_t deadline_ms, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	size_t n = 0, room = 0;

	for (;;) {
		ssize_t got;
		int r;

		if (n == room) {
			char *more;

			if (room >= CONTROL_MAX_REPLY)
				return -EMSGSIZE;
			room = room ? room * 2 : 4096;
			more = realloc(text, room);
			if (!more)
				return -ENOMEM;
			text = more;
		}
		r = wait_until(fd, POLLIN, deadline_ms);
		if (r < 0)
			return r;
		got = recv(fd, text + n, room - n, 0);
		if (got == 0)
			return -EPIPE;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
		if (got < 0)
			continue;
		n += (size_t)got;
		if (memchr(text + n - got, '\0', (size_t)got)) {
			*ret_text = TAKE_PTR(text);
			return 0;
		}
	}
}

static int understand(const char *path, const char *text, struct control_result *result)
{
	json_auto_t *message = json_loads(text, 0, NULL);
	json_t *error = json_object_get(message, "error"), *parameters = json_object_get(message, "parameters");

	if (!json_is_object(message) || (error && !json_is_string(error)) || (parameters && !json_is_object(parameters)))
		return fail(result, -EPROTO, "socket %s: the answer is not Varlink: is this uplinkd's socket?", path);

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
		return fail(result, error, "no permission for socket %s: be root or a member of its group", path);
	case -ETIMEDOUT:
		return fail(result, error,
			    "uplinkd does not answer (socket %s, %.1f s): is it stopped? see 'systemctl status uplinkd'",
			    path, (double)timeout_ms / 1000);
	case -EPIPE:
		return fail(
			result, error,
			"uplinkd closed the connection without an answer (socket %s): did it end? see 'journalctl -u uplinkd'",
			path);
	case -ENAMETOOLONG:
		return fail(result, error, "socket %s: the path is too long for a socket (107 characters)", path);
	default:
		return fail(result, error, "socket %s: %s", path, strerror(-error));
	}
}

int control_call(const char *path, const char *method, json_t *parameters, uint64_t timeout_ms,
		 struct control_result *result)
{
	json_auto_t *request = json_pack("{s:s, s:O*}", "method", method, "parameters", parameters);
	_cleanup_free_ char *text = request ? json_dumps(request, JSON_COMPACT) : NULL, *answer = NULL;
	uint64_t deadline_ms = now_ms() + timeout_ms;
	_cleanup_close_ int fd = -1;
	int r;

	*result = (struct control_result){};
	if (!text)
		return explain(path, -ENOMEM, timeout_ms, result);
	r = connect_to(path, deadline_ms, &fd);
	if (r >= 0)
		r = send_all(fd, text, strlen(text) + 1, deadline_ms);
	if (r >= 0)
		r = receive(fd, deadline_ms, &answer);
	if (r < 0)
		return explain(path, r, timeout_ms, result);
	return understand(path, answer, result);
}

void control_result_done(struct control_result *result)
{
	json_decref(result->parameters);
	free(result->error);
	free(result->message);
	*result = (struct control_result){};
}
