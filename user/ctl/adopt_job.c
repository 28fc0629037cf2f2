// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/paths.h"
#include "common/util.h"
#include "config/source.h"
#include "control/client.h"
#include "ctl/adopt.h"

#define EMPTY_CONFIGURATION "# Written by `uplinkctl adopt`.\nswitches: []\n"
#define MADE_BY_US "# Made by `uplinkctl import"
#define LOG_NAME "adopt.log"
#define POLL_MS 50
#define SILENCE_MS 10000 /* the service manager starts it again after 2 s */

void adopt_print(const struct adopt_job *job, const char *format, ...)
{
	FILE *outputs[] = { job->ctl->json ? NULL : job->ctl->out, job->log };

	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
		va_list ap;

		if (!outputs[i])
			continue;
		va_start(ap, format);
		vfprintf(outputs[i], format, ap);
		va_end(ap);
		fflush(outputs[i]);
	}
}

/* ---- the configuration file ---- */
static bool is_replaceable(const struct config_source *source, const char *text)
{
	const char *present = source->documents[0].text;
	struct model *model = NULL;
	bool is_empty;

	if (strcmp(present, text) == 0 || strncmp(present, MADE_BY_US, strlen(MADE_BY_US)) == 0)
		return true;
	is_empty = config_parse(present, source->documents[0].length, "", &model, NULL) == 0 &&
		   model->n_switches == 0;
	model_free(model);
	return is_empty;
}

/* A file that an administrator has written is not overwritten. */
static int check_file(struct ctl *ctl, const char *path, const char *text)
{
	_cleanup_(config_source_done) struct config_source source = {};
	_cleanup_(errors_done) struct errors errors = {};

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return CTL_DONE;
	if (config_source_read(path, NULL, &source, &errors) < 0)
		return ctl_fail(ctl, CTL_SYSTEM, "adopt: %s", errors.messages[0]);
	if (is_replaceable(&source, text))
		return CTL_DONE;
	return ctl_fail(ctl, CTL_WRONG_REQUEST,
			"adopt: %s: has a configuration, which adopt would replace; move it away",
			path);
}

static int put_file(struct ctl *ctl, const char *path, const char *text)
{
	int status = check_file(ctl, path, text), r;

	if (status)
		return status;
	r = file_replace(path, text, 0644, true);
	return r < 0 ? ctl_fail(ctl, CTL_SYSTEM, "adopt: %s: cannot be written: %s", path,
				strerror(-r)) :
		       CTL_DONE;
}

/* ---- the daemon ---- */
static bool has_systemd(const struct ctl *ctl)
{
	return strcmp(ctl->run_dir, PATHS_RUN_DIR) == 0 && !ctl->socket &&
	       access("/run/systemd/system", F_OK) == 0;
}

static bool is_running(const struct ctl *ctl)
{
	int64_t left_ms;
	char state[16];

	return adopt_get_state(ctl, state, &left_ms) == 0;
}

/* The service starts without switches, and gets the configuration by the switch-over. */
static int start_service(struct ctl *ctl, const char *configuration)
{
	static const char *const start[] = { "systemctl", "start", "uplinkd", NULL };
	int status, r;

	if (!has_systemd(ctl))
		return ctl_fail(
			ctl, CTL_SYSTEM,
			"adopt: uplinkd is not running; start it with a file that contains 'switches: []'");
	status = check_file(ctl, CONFIG_FILE, configuration);
	if (status)
		return status;
	if (mkdir("/etc/uplinkd", 0755) < 0 && errno != EEXIST)
		return ctl_fail(ctl, CTL_SYSTEM, "adopt: /etc/uplinkd: cannot be created: %s",
				strerror(errno));
	r = file_replace(CONFIG_FILE, EMPTY_CONFIGURATION, 0644, true);
	if (r < 0)
		return ctl_fail(ctl, CTL_SYSTEM, "adopt: " CONFIG_FILE ": cannot be written: %s",
				strerror(-r));
	r = adopt_run(start);
	return r ? ctl_fail(
			   ctl, CTL_SYSTEM,
			   "adopt: systemctl start uplinkd: failed with status %d; see 'journalctl -u uplinkd'",
			   r) :
		   CTL_DONE;
}

/* Until the files of the present set-up are changed, the next boot must not start both. */
static int disable_service(struct adopt_job *job)
{
	static const char *const is_enabled[] = { "systemctl", "is-enabled", "--quiet", "uplinkd",
						  NULL };
	static const char *const disable[] = { "systemctl", "--quiet", "disable", "uplinkd", NULL };

	if (!has_systemd(job->ctl) || adopt_run(is_enabled) != 0)
		return CTL_DONE;
	if (adopt_run(disable) != 0)
		return ctl_fail(job->ctl, CTL_SYSTEM, "adopt: systemctl disable uplinkd: failed");
	adopt_print(job, "uplinkd.service is disabled until the next boot is prepared.\n");
	return CTL_DONE;
}

static bool get_path(const json_t *reply, const char *key, char path[PATH_MAX])
{
	const char *text = json_string_value(json_object_get(reply, key));

	return text && (size_t)snprintf(path, PATH_MAX, "%s", text) < PATH_MAX;
}

/* Next to this program, or where packages have it. */
static const char *find_program(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 16);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, "uplinkd");
		if (access(path, X_OK) == 0)
			return path;
	}
	return strcpy(path, "/usr/sbin/uplinkd");
}

/* The daemon is not root and must not choose what root writes and runs. */
static int check_path(const struct adopt_job *job)
{
	if (strcmp(job->ctl->run_dir, PATHS_RUN_DIR) != 0 ||
	    strcmp(job->config_path, CONFIG_FILE) == 0)
		return CTL_DONE;
	return ctl_fail(job->ctl, CTL_WRONG_REQUEST,
			"adopt: uplinkd reads %s: must be " CONFIG_FILE ", or another --run-dir",
			job->config_path);
}

static void open_log(struct adopt_job *job)
{
	char path[PATH_MAX + 16];
	int fd;

	/* The folder belongs to the user of the service. */
	snprintf(path, sizeof(path), "%s/" LOG_NAME, job->state_folder);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	job->log = fd < 0 ? NULL : fdopen(fd, "a");
}

int adopt_find_daemon(struct adopt_job *job)
{
	struct ctl *ctl = job->ctl;
	json_auto_t *reply = NULL;
	char standard[PATH_MAX];
	int status;

	if (geteuid() != 0)
		return ctl_fail(ctl, CTL_SYSTEM, "adopt: needs root");
	status = is_running(ctl) ? CTL_DONE : start_service(ctl, job->configuration);
	if (status == CTL_DONE)
		status = ctl_request(ctl, "Configuration", NULL, &reply);
	if (status)
		return status;
	if (!get_path(reply, "configured", job->config_path))
		return ctl_fail(ctl, CTL_SYSTEM,
				"adopt: the running uplinkd is of another version; restart it");
	status = check_path(job);
	if (status)
		return status;
	snprintf(job->state_folder, sizeof(job->state_folder), "%s",
		 ctl->state_dir ? ctl->state_dir : paths_state_dir(ctl->run_dir, standard));
	find_program(job->program);
	open_log(job);
	return CTL_DONE;
}

/* ---- execution ---- */
static void wait_ms(int ms)
{
	poll(NULL, 0, ms);
}

static int report_silence(struct adopt_job *job)
{
	adopt_print(job, "uplinkd does not answer.\n");
	return ctl_fail(
		job->ctl, CTL_SYSTEM,
		"adopt: uplinkd stopped answering; its next start continues or restores the former set-up; 'uplinkctl adopt --undo' restores it now, and a process in the background at the deadline");
}

/* The daemon may be started again meanwhile. */
static int wait_until_done(struct adopt_job *job)
{
	uint64_t deadline = now_ms() + job->confirm_s * 1000ULL, heard_ms = now_ms();
	char state[16] = "";

	while (now_ms() < deadline) {
		int r = adopt_get_state(job->ctl, state, &job->left_ms);

		if (r == 0 && strcmp(state, "moving") != 0)
			break;
		/* Not while it is only busy. */
		if (r != -ENOENT && r != -ECONNREFUSED)
			heard_ms = now_ms();
		else if (now_ms() - heard_ms > SILENCE_MS)
			return report_silence(job);
		wait_ms(POLL_MS);
	}
	if (strcmp(state, "done") == 0)
		return CTL_DONE;
	adopt_print(job, "The switch-over was not completed and is rolled back.\n");
	return ctl_fail(
		job->ctl, CTL_SYSTEM,
		"adopt: the switch-over failed, and the host returns to its former set-up; see 'uplinkctl monitor --past' and the log of uplinkd");
}

static int send_request(struct adopt_job *job)
{
	/* The daemon loads programs, which takes long on a slow machine. */
	return ctl_request_within(job->ctl, "Reload",
				  json_pack("{s:I, s:O}", "confirm_s", (json_int_t)job->confirm_s,
					    "switch_over", job->moves),
				  job->confirm_s * 1000ULL, NULL);
}

int adopt_execute(struct adopt_job *job)
{
	_cleanup_close_ int guard = -1;
	int status = put_file(job->ctl, job->config_path, job->configuration);

	if (status == CTL_DONE)
		status = disable_service(job);
	if (status)
		return status;
	guard = adopt_start_guard(job);
	if (guard < 0)
		return ctl_fail(job->ctl, CTL_SYSTEM, "adopt: no guard process: %s",
				strerror(-guard));
	status = send_request(job);
	close(TAKE_FD(guard));
	return status ? status : wait_until_done(job);
}

/* ---- undo ---- */
/* Without a daemon. */
static int tear_down(struct ctl *ctl)
{
	char path[PATH_MAX];
	const char *argv[] = { find_program(path),
			       "--bpffs",
			       ctl->bpffs,
			       "--run-dir",
			       ctl->run_dir,
			       "--teardown",
			       ctl->state_dir ? "--state-dir" : NULL,
			       ctl->state_dir,
			       NULL };
	int r;

	fprintf(ctl->out, "uplinkd does not answer; running 'uplinkd --teardown'\n");
	fflush(ctl->out);
	r = adopt_run(argv);
	if (r)
		return ctl_fail(ctl, CTL_SYSTEM, "adopt: %s --teardown: failed with status %d",
				argv[0], r);
	fputs("the former set-up is restored\n", ctl->out);
	return CTL_DONE;
}

int adopt_undo(struct ctl *ctl)
{
	char state[16];
	int64_t left_ms;
	int r = adopt_get_state(ctl, state, &left_ms), status;

	if (r == -ENOENT || r == -ECONNREFUSED)
		return tear_down(ctl);
	if (r < 0)
		return ctl_fail(ctl, CTL_SYSTEM,
				"adopt: --undo: the state of uplinkd cannot be read: %s",
				strerror(-r));
	if (!state[0])
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"adopt: --undo: no switch-over waits for its confirmation");
	if (strcmp(state, "returning") != 0) {
		status = ctl_request(ctl, "Rollback", NULL, NULL);
		if (status)
			return status;
	}
	r = adopt_get_state(ctl, state, &left_ms);
	if (r < 0)
		return ctl_fail(
			ctl, CTL_SYSTEM,
			"adopt: --undo: it is not known whether the former set-up is complete: %s",
			strerror(-r));
	if (state[0])
		return ctl_fail(
			ctl, CTL_SYSTEM,
			"adopt: --undo: the former set-up is not complete yet; uplinkd retries; see its log");
	fputs("the former set-up is restored\n", ctl->out);
	return CTL_DONE;
}
