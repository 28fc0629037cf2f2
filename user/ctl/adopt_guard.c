// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "common/util.h"
#include "control/client.h"
#include "ctl/adopt.h"

#define POLL_MS 1000
#define CALL_TIMEOUT_MS 5000
/* After the deadline, for a daemon that is being started again. */
#define GRACE_MS 15000

extern char **environ;

int adopt_run(const char *const argv[])
{
	int status = 0, r;
	pid_t pid;

	r = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
	if (r)
		return -r;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int adopt_get_state(const struct ctl *ctl, char state[16], int64_t *ret_left_ms)
{
	struct control_result result;
	const json_t *left;
	const char *text;
	char path[256];
	int r = control_call(ctl_socket_path(ctl, path, sizeof(path)),
			     CONTROL_INTERFACE ".Configuration", NULL, CALL_TIMEOUT_MS, &result);

	if (r == 0) {
		text = json_string_value(json_object_get(result.parameters, "switch_over"));
		left = json_object_get(result.parameters, "rollback_in_ms");
		snprintf(state, 16, "%s", text ? text : "");
		*ret_left_ms = json_is_integer(left) ? json_integer_value(left) : 0;
	}
	control_result_done(&result);
	return r;
}

static bool is_there(const char *folder)
{
	return access(folder, F_OK) == 0 || errno != ENOENT;
}

/* A daemon that holds the lock is there again and does the same. */
static bool take_back(const struct adopt_job *job)
{
	const char *argv[] = { job->program,
			       "-c",
			       job->config_path,
			       "--bpffs",
			       job->ctl->bpffs,
			       "--run-dir",
			       job->ctl->run_dir,
			       "--state-dir",
			       job->state_folder,
			       "--teardown",
			       NULL };
	int r;

	fprintf(stderr, "uplinkctl: adopt: uplinkd does not answer; restoring the former set-up\n");
	r = adopt_run(argv);
	fprintf(stderr, "uplinkctl: adopt: uplinkd --teardown: status %d\n", r);
	return r == 0;
}

static void watch(const struct adopt_job *job)
{
	uint64_t deadline = now_ms() + job->confirm_s * 1000ULL + GRACE_MS;
	char state[16];
	int64_t left_ms;

	for (;;) {
		if (adopt_get_state(job->ctl, state, &left_ms) == 0) {
			if (!state[0])
				return;
			deadline = now_ms() + (uint64_t)left_ms + GRACE_MS;
		} else if (!is_there(job->state_folder) ||
			   (now_ms() >= deadline && take_back(job))) {
			return;
		}
		poll(NULL, 0, POLL_MS);
	}
}

/* No terminal, no folder, no descriptor of the caller but the log. */
static void detach(const struct adopt_job *job, int pipe_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = job->log ? fileno(job->log) : null;
	char byte;

	setsid();
	signal(SIGPIPE, SIG_IGN);
	if (chdir("/") < 0 || null < 0)
		_exit(1);
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	while (read(pipe_fd, &byte, 1) < 0 && errno == EINTR)
		;
}

int adopt_start_guard(const struct adopt_job *job)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fflush(job->ctl->out);
	fflush(job->ctl->err);
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return -errno;
	}
	if (pid > 0) {
		close(fds[0]);
		return fds[1];
	}
	close(fds[1]);
	detach(job, fds[0]);
	watch(job);
	_exit(0);
}
