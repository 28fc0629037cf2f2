// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/net/ipam.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/util.h"
#include "integration/net/json_input.h"

#define ROOM (JSON_INPUT_MAX + 1)

/* ---- the program ---- */
/* The first regular file of this name in the folders. 0 or -ENOENT with a reason. */
static int find_program(const struct ipam *ipam, char *ret, size_t size, struct failure *failure)
{
	for (const char *at = ipam->path; *at;) {
		size_t n = strcspn(at, ":");
		struct stat status;

		/* a relative folder would depend on the runtime's working directory */
		if (*at == '/' &&
		    (size_t)snprintf(ret, size, "%.*s/%s", (int)n, at, ipam->type) < size &&
		    stat(ret, &status) == 0 && S_ISREG(status.st_mode))
			return 0;
		at += n + (at[n] == ':');
	}
	failure_set(failure, FAILURE_CONFIG, 0,
		    "ipam.type: %.64s: no such program in CNI_PATH %.256s", ipam->type, ipam->path);
	return -ENOENT;
}

static void run_child(const char *program, const char *command, int in, int out, pid_t parent)
{
	char *const argv[] = { (char *)program, NULL };

	/* Otherwise a later DEL could run before this ADD stores its addresses. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	if (setenv("CNI_COMMAND", command, 1) < 0 || dup2(in, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	execv(program, argv);
	_exit(127);
}

struct child {
	pid_t pid;
	int in, out; /* our ends; -1: closed */
};

static int start(const char *program, const char *command, struct child *ret)
{
	int in[2], out[2], r;
	pid_t parent = getpid(), pid;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		r = -errno;
		close(in[0]);
		close(in[1]);
		return r;
	}
	r = fcntl(in[1], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	pid = r < 0 ? -1 : fork();
	if (r == 0 && pid < 0)
		r = -errno;
	if (pid == 0)
		run_child(program, command, in[0], out[1], parent);
	close(in[0]);
	close(out[1]);
	if (r < 0) {
		close(in[1]);
		close(out[0]);
		return r;
	}
	*ret = (struct child){ .pid = pid, .in = in[1], .out = out[0] };
	return 0;
}

/* ---- input and output at the same time ---- */
static void close_input(struct child *child)
{
	ul_closep(&child->in);
	child->in = -1;
}

/* A plugin may end without reading its input. */
static void feed(struct child *child, const struct ipam *ipam, size_t *sent)
{
	ssize_t n = write(child->in, ipam->config + *sent, ipam->size - *sent);

	if (n > 0)
		*sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		*sent = ipam->size;
	if (*sent == ipam->size)
		close_input(child);
}

/* Until the plugin closes its output. text has ROOM bytes. */
static int talk(struct child *child, const struct ipam *ipam, char *text, size_t *ret_n)
{
	size_t sent = 0, n = 0;

	if (ipam->size == 0)
		close_input(child);
	for (;;) {
		struct pollfd fds[] = { { .fd = child->out, .events = POLLIN },
					{ .fd = child->in, .events = POLLOUT } };
		ssize_t got;

		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (child->in >= 0 && fds[1].revents)
			feed(child, ipam, &sent);
		if (!fds[0].revents)
			continue;
		got = read(child->out, text + n, ROOM - n);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		if (got > 0)
			n += (size_t)got;
		if (n == ROOM)
			return -EMSGSIZE;
	}
	*ret_n = n;
	return 0;
}

static int finish(struct child *child, bool stop, int *ret_status)
{
	close_input(child);
	ul_closep(&child->out);
	if (stop)
		kill(child->pid, SIGKILL);
	while (waitpid(child->pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* ---- results ---- */
static int explain_failure(const struct ipam *ipam, const char *command, int status,
			   const char *text, size_t n, struct failure *failure)
{
	json_auto_t *error = json_loadb(text, n, 0, NULL);
	const char *message = json_string_value(json_object_get(error, "msg")),
		   *details = json_string_value(json_object_get(error, "details"));
	json_int_t code = json_integer_value(json_object_get(error, "code"));

	if (message)
		failure_set(failure,
			    code > 0 && code <= UINT32_MAX ? (unsigned int)code : FAILURE_SYSTEM, 0,
			    "ipam plugin %s: %s: %s", ipam->type, command, message);
	else if (WIFEXITED(status))
		failure_set(failure, FAILURE_SYSTEM, 0,
			    "ipam plugin %s: %s: exit status %d without an error object",
			    ipam->type, command, WEXITSTATUS(status));
	else
		failure_set(failure, FAILURE_SYSTEM, 0, "ipam plugin %s: %s: ended by signal %d",
			    ipam->type, command, WTERMSIG(status));
	if (message && details && *details)
		failure_set(failure, 0, 0, "%s", details);
	return -EREMOTEIO;
}

static int run_program(const struct ipam *ipam, const char *program, const char *command,
		       json_t **ret_result, struct failure *failure)
{
	_cleanup_free_ char *text = malloc(ROOM);
	struct child child = { .in = -1, .out = -1 };
	int status = 0, r, waited;
	size_t n = 0;

	if (!text)
		return failure_set(failure, FAILURE_SYSTEM, -ENOMEM, "ipam plugin %s", ipam->type);
	r = start(program, command, &child);
	if (r < 0)
		return failure_set(failure, FAILURE_SYSTEM, r, "cannot execute %s", program);
	r = talk(&child, ipam, text, &n);
	waited = finish(&child, r < 0, &status);
	if (r == 0)
		r = waited;
	if (r < 0)
		return failure_set(failure, FAILURE_IO, r, "ipam plugin %s: %s", ipam->type,
				   command);
	if (status != 0)
		return explain_failure(ipam, command, status, text, n, failure);
	if (!ret_result)
		return 0;
	*ret_result = json_input_parse(text, n, "result of the ipam plugin", failure);
	return *ret_result ? 0 : -EINVAL;
}

int ipam_run(const struct ipam *ipam, const char *command, json_t **ret_result,
	     struct failure *failure)
{
	char program[PATH_MAX];
	int r;

	if (!ipam->type) {
		if (ret_result)
			*ret_result = json_object();
		return 0;
	}
	r = find_program(ipam, program, sizeof(program), failure);
	return r < 0 ? r : run_program(ipam, program, command, ret_result, failure);
}
