// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Other network managers are kept off the interfaces of the configuration in force (managers.h).
 * The daemon may not write their files: a udev rule runs any command. It stores the configuration
 * in the run directory, and `uplinkd --drop-ins`, a short-lived process of root, reads it and
 * writes the files. uplinkd-interfaces.path starts that process when the file changes; a daemon
 * that runs as root starts it itself. Both start it again if it fails.
 *
 * Before the first start of a boot the file is missing. The process then takes the configuration
 * that the daemon is going to apply, but only while no manager runs: one that runs would remove the
 * addresses of a NIC that the daemon may refuse.
 *
 * The process stores which file it has read last, for a switch-over that waits for it (adopt.c).
 *
 * Files that are equal to the wanted ones say nothing about whether the managers have read them. So
 * the process stores the interfaces concerned before it changes a file, and removes that list when
 * all managers were notified. A process that finds one notifies them about everything.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <net/if.h>

#include "common/file.h"
#include "daemon/state.h"
#include "managers/managers.h"

#define CONFIGURATION_NAME "configuration.yaml"
#define PROBLEMS_NAME "drop-ins.problems"
#define DONE_NAME "drop-ins.done"	/* which configuration.yaml was the last one */
#define PENDING_NAME "drop-ins.pending" /* interfaces whose managers have to be notified */
#define LOCK_NAME "drop-ins.lock"
#define MAX_BYTES (4 << 20)
#define MAX_READS 16 /* of a configuration that changes meanwhile */

extern char **environ;

/* ---- files of the run directory ---- */
static int write_file(const char *path, const char *text)
{
	return file_replace(path, text, 0666, false);
}

/* Not through links: the other user of the run directory must not make root read another file. */
static int read_file(const char *path, char **ret)
{
	return file_read_regular(AT_FDCWD, path, MAX_BYTES, ret);
}

/* A file that is replaced has another identity. */
static int identify(const char *path, char ret[64])
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	snprintf(ret, 64, "%ju %jd.%09ld", (uintmax_t)st.st_ino, (intmax_t)st.st_mtim.tv_sec,
		 st.st_mtim.tv_nsec);
	return 0;
}

/* ---- the daemon ---- */
static int on_process_end(sd_event_source *source, int fd, uint32_t revents, void *userdata);

/* The event loop waits for the process. 0 or negative errno. */
static int watch_process(struct daemon *daemon, pid_t pid)
{
	int fd = pidfd_open(pid, 0), r;

	if (fd < 0)
		return -errno;
	r = sd_event_add_io(daemon->event, &daemon->publish_process, fd, EPOLLIN, on_process_end,
			    daemon);
	if (r < 0)
		close(fd);
	else
		sd_event_source_set_io_fd_own(daemon->publish_process, true);
	return r;
}

/* One process at a time. 0 or negative errno. */
static int spawn_drop_ins(struct daemon *daemon)
{
	const struct daemon_options *options = &daemon->options;
	const char *const argv[] = { "uplinkd",	   "--drop-ins",
				     "-c",	   options->config,
				     "--run-dir",  options->run_dir,
				     "--managers", options->managers_root,
				     NULL };
	posix_spawnattr_t attributes;
	sigset_t none, standard;
	pid_t pid;
	int r;

	daemon->publish_again = daemon->publish_process != NULL;
	if (daemon->publish_again)
		return 0;
	sigemptyset(&none);
	sigemptyset(&standard);
	sigaddset(&standard, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &standard);
	r = posix_spawn(&pid, "/proc/self/exe", NULL, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (r)
		return -r;
	r = watch_process(daemon, pid);
	if (r < 0)
		(void)waitpid(pid, NULL, 0);
	return r;
}

static int publish_text(struct daemon *daemon, const char *text)
{
	_cleanup_free_ char *before = NULL;
	char path[PATH_MAX];
	int r = daemon_run_path(&daemon->options, CONFIGURATION_NAME, path);

	/* The file may be right, but the process, also one of an earlier daemon, has failed. */
	if (r == 0 && !daemon->publish_problem && !daemon->publish_failed &&
	    (daemon->publish_process || daemon_drop_ins_are_done(daemon)) &&
	    read_file(path, &before) == 0 && strcmp(before, text) == 0)
		return 0;
	if (r == 0)
		r = write_file(path, text);
	return r == 0 && geteuid() == 0 ? spawn_drop_ins(daemon) : r;
}

static int publish(struct daemon *daemon, const struct model *model)
{
	_cleanup_free_ char *text = NULL;
	int r = model_format(model, true, &text);

	return r < 0 ? r : publish_text(daemon, text);
}

static int on_publish_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)source;
	(void)usec;
	daemon_publish_configuration(daemon, daemon->switches.model);
	return 0;
}

static void arm_retry(struct daemon *daemon)
{
	daemon_arm_retry(daemon, &daemon->publish_timer, &daemon->publish_retry_ms,
			 on_publish_timer, "files for network managers: no timer");
}

static void retry_publishing(struct daemon *daemon, int error)
{
	free(daemon->publish_problem);
	daemon->publish_problem = NULL;
	if (asprintf(&daemon->publish_problem,
		     "network managers are not informed of the configuration in force: %s",
		     strerror(-error)) < 0)
		daemon->publish_problem = NULL;
	errors_add(&daemon->errors, error,
		   "network managers are not informed of the configuration in force");
	arm_retry(daemon);
}

/* Its reasons are in the log and in PROBLEMS_NAME. */
static int on_process_end(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *daemon = userdata;
	siginfo_t info = {};
	bool failed = waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0 || info.si_code != CLD_EXITED ||
		      info.si_status == DAEMON_SYSTEM;

	(void)source;
	(void)revents;
	daemon->publish_process = sd_event_source_disable_unref(daemon->publish_process);
	if (daemon->publish_again) {
		int r = spawn_drop_ins(daemon);

		if (r < 0)
			retry_publishing(daemon, r);
	} else if (failed) {
		daemon->publish_failed = true;
		arm_retry(daemon);
	} else {
		daemon->publish_retry_ms = 0;
	}
	return 0;
}

void daemon_publish_configuration(void *userdata, const struct model *model)
{
	struct daemon *daemon = userdata;
	int r;

	if (!daemon->options.managers_root || daemon_adopt_delays_files(daemon, model))
		return;
	daemon->publish_timer = sd_event_source_disable_unref(daemon->publish_timer);
	r = publish(daemon, model);
	daemon->publish_failed = false;
	if (r < 0) {
		retry_publishing(daemon, r);
		return;
	}
	if (!daemon->publish_process)
		daemon->publish_retry_ms = 0;
	free(daemon->publish_problem);
	daemon->publish_problem = NULL;
}

void daemon_stop_publishing(struct daemon *daemon)
{
	daemon->publish_timer = sd_event_source_disable_unref(daemon->publish_timer);
	daemon->publish_process = sd_event_source_disable_unref(daemon->publish_process);
	free(daemon->publish_problem);
	daemon->publish_problem = NULL;
}

bool daemon_publish_members(struct daemon *daemon, const json_t *configuration)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	int r;

	if (!daemon->options.managers_root ||
	    daemon_run_path(&daemon->options, DONE_NAME, path) < 0 ||
	    (geteuid() != 0 && access(path, F_OK) < 0))
		return false;
	text = json_dumps(configuration, 0);
	r = text ? publish_text(daemon, text) : -ENOMEM;
	if (r < 0)
		errors_add(&daemon->errors, r,
			   "network managers are not informed of the switch-over");
	return r == 0;
}

bool daemon_drop_ins_are_done(const struct daemon *daemon)
{
	char path[PATH_MAX], wanted[64];
	_cleanup_free_ char *done = NULL;

	return daemon_run_path(&daemon->options, CONFIGURATION_NAME, path) == 0 &&
	       identify(path, wanted) == 0 &&
	       daemon_run_path(&daemon->options, DONE_NAME, path) == 0 &&
	       read_file(path, &done) == 0 && strcmp(done, wanted) == 0;
}

char *daemon_drop_in_problems(const struct daemon *daemon)
{
	char path[PATH_MAX], *text = NULL;
	int r;

	if (!daemon->options.managers_root)
		return NULL;
	r = daemon_run_path(&daemon->options, PROBLEMS_NAME, path);
	if (r == 0)
		r = read_file(path, &text);
	if (r == 0 || r == -ENOENT)
		return text;
	return asprintf(&text, PROBLEMS_NAME ": cannot be read: %s", strerror(-r)) < 0 ? NULL :
											 text;
}

/* ---- the process of root ---- */
static int find_own_name(const char *name, char ret[UL_NAME_LEN])
{
	unsigned int ifindex = if_nametoindex(name);

	if (ifindex && if_indextoname(ifindex, ret))
		return 1;
	return errno == ENODEV || errno == ENXIO ? 0 : -errno;
}

/* What an earlier process has left is as if all files had changed, also if the list is damaged. 0,
 * 1: there is none, or negative errno. */
static int read_pending(const char *path, struct manager_changes *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = read_file(path, &text);

	if (r == -ENOENT)
		return 1;
	if (r < 0 && r != -EINVAL && r != -ELOOP)
		return r;
	ret->networkd = ret->nm = ret->udev = true;
	return text ? manager_changes_add_lines(ret, text) : 0;
}

static int write_pending(const char *path, const struct manager_changes *changes)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = out ? 0 : -ENOMEM;

	for (size_t i = 0; out && i < changes->n_names; i++)
		fprintf(out, "%s\n", changes->name[i]);
	if (out && fclose(out) == EOF)
		r = -ENOMEM;
	if (r == 0)
		r = file_replace(path, text, 0600, false);
	free(text);
	return r;
}

/* Before a file changes: interfaces that it names no longer are found nowhere else afterwards.
 * *ret: what is to be notified in any case. */
static int begin_notification(const struct daemon_options *options, const char *path,
			      struct manager_changes *ret)
{
	struct manager_changes changes = {};
	int pending = read_pending(path, &changes), r = pending;

	if (r >= 0)
		r = manager_changes_add_rules(&changes, options->managers_root);
	if (r == 0)
		r = write_pending(path, &changes);
	if (r == 0 && pending == 0)
		*ret = changes;
	else
		manager_changes_done(&changes);
	return r;
}

static int notify(const char *path, const struct manager_changes *changes,
		  const struct manager_files *files, struct errors *errors)
{
	int r = managers_notify(changes, files, errors);

	if (r == 0) {
		r = file_remove(path);
		if (r < 0)
			errors_add(errors, r, "%s: cannot be removed", path);
	}
	return r;
}

/* The managers of other roots are not those of this system. */
static int sync_files(const struct daemon_options *options, const struct manager_files *files,
		      struct errors *errors)
{
	bool real = strcmp(options->managers_root, MANAGERS_ROOT) == 0;
	struct manager_changes changes = {};
	char path[PATH_MAX];
	int r = daemon_run_path(options, PENDING_NAME, path), notified = 0;

	if (r == 0 && real)
		r = begin_notification(options, path, &changes);
	if (r < 0)
		return errors_add(errors, r, "%s", PENDING_NAME);
	r = manager_files_sync(options->managers_root, files, &changes, errors);
	if (real)
		notified = notify(path, &changes, files, errors);
	manager_changes_done(&changes);
	return r < 0 ? r : notified;
}

/* Puts the files of the model in place; model NULL: none. 0, or -EIO with messages: another attempt
 * may help. */
static int sync_model(const struct daemon_options *options, const struct model *model,
		      struct errors *errors)
{
	struct manager_files files = {};
	enum manager to = MANAGER_NONE;
	int r = manager_is_needed(model) ? manager_choose(&to) : 0;

	if (r < 0) {
		errors_add(errors, r,
			   "the manager of ports with dhcp, ipv6-ra or dns is not known");
		return -EIO;
	}
	r = manager_files_make(model, to, find_own_name, &files, errors);
	if (r < 0)
		errors_add(errors, r, "files for network managers");
	else
		r = sync_files(options, &files, errors);
	manager_files_done(&files);
	return r < 0 ? -EIO : 0;
}

/* At boot, before the daemon and the managers. */
static int sync_first(const struct daemon_options *options, struct errors *errors)
{
	struct daemon daemon = { .options = *options, .lock_fd = -1, .notify_fd = -1 };
	_cleanup_(first_config_done) struct first_config first = {};
	enum manager running = MANAGER_NONE;
	int r = manager_find_running(&running);

	if (r < 0) {
		errors_add(errors, r, "it is not known whether a network manager runs");
		return -EIO;
	}
	if (running != MANAGER_NONE) {
		log_info(
			"no configuration is in force; a network manager runs, so it keeps its interfaces until uplinkd has attached them");
		return 0;
	}
	r = daemon_choose_first(&daemon, &first);
	errors_move(errors, &daemon.errors);
	if (r == 0)
		r = sync_model(options, first.candidate[0].model, errors);
	config_state_done(&daemon.saved);
	free(daemon.fallback_reason);
	return r;
}

static int sync_text(const struct daemon_options *options, const char *path, const char *text,
		     struct errors *errors)
{
	struct model *model = NULL;
	int r = text[0] ? config_parse(text, strlen(text), path, &model, errors) : 0;

	if (r == 0)
		r = sync_model(options, model, errors);
	model_free(model);
	return r;
}

/* For the daemon of another user. The mode comes from the umask, because a later chmod() would
 * follow a link, and the folder belongs to that user. */
static int write_for_daemon(const char *path, const char *text)
{
	mode_t mask = umask(0022);
	int r = write_file(path, text);

	umask(mask);
	return r;
}

/* Also after a failure that no other attempt can mend. */
static void store_done(const struct daemon_options *options, const char *identity)
{
	char path[PATH_MAX];
	int r = daemon_run_path(options, DONE_NAME, path);

	if (r == 0)
		r = write_for_daemon(path, identity);
	if (r < 0)
		log_warning(r, "%s: cannot be stored", DONE_NAME);
}

/* Until the file is the one that was read. */
static int sync_in_force(const struct daemon_options *options, const char *path,
			 struct errors *errors)
{
	_cleanup_free_ char *text = NULL;
	char identity[64];
	int r = identify(path, identity);

	if (r == 0)
		r = read_file(path, &text);
	if (r == -ENOENT) {
		store_done(options, "");
		return sync_first(options, errors);
	}
	for (int i = 0; r == 0 && i < MAX_READS; i++) {
		char *now = NULL;

		errors_done(errors);
		r = sync_text(options, path, text, errors);
		store_done(options, r == -EIO ? "" : identity);
		if (r < 0)
			return r;
		r = identify(path, identity);
		if (r == 0)
			r = read_file(path, &now);
		if (r == -ENOENT || (r == 0 && strcmp(now, text) == 0)) {
			free(now);
			return 0;
		}
		if (r < 0)
			break;
		free(text);
		text = now;
	}
	return r < 0 ? errors_add(errors, r, "%s: cannot be read", path) : 0;
}

/* For `uplinkctl status`, which reads them through the daemon. */
static void store_problems(const struct daemon_options *options, const struct errors *errors)
{
	char path[PATH_MAX], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = out ? daemon_run_path(options, PROBLEMS_NAME, path) : -ENOMEM;

	for (size_t i = 0; out && i < errors->n; i++) {
		fprintf(out, "%s\n", errors->messages[i]);
		log_error(0, "%s", errors->messages[i]);
	}
	if (out && fclose(out) == EOF)
		r = -ENOMEM;
	if (r == 0 && !errors->n)
		r = file_remove(path);
	else if (r == 0)
		r = write_for_daemon(path, text);
	if (r < 0)
		log_warning(r, "%s: the problems cannot be stored", PROBLEMS_NAME);
	free(text);
}

/* Two such processes at once would undo each other's change. */
static int take_lock(const struct daemon_options *options, int *ret_fd)
{
	char path[PATH_MAX];
	int r = daemon_run_path(options, LOCK_NAME, path);

	if (r == 0 && mkdir(options->run_dir, 0755) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0) {
		*ret_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (*ret_fd < 0 || flock(*ret_fd, LOCK_EX) < 0)
			r = -errno;
	}
	return r < 0 ? log_error(r, "%s: cannot be locked", path) : 0;
}

enum daemon_status daemon_drop_ins(const struct daemon_options *options)
{
	_cleanup_(errors_done) struct errors errors = {};
	_cleanup_close_ int lock = -1;
	char path[PATH_MAX];
	int r;

	if (!options->managers_root)
		return DAEMON_OK;
	r = take_lock(options, &lock);
	if (r == 0)
		r = daemon_run_path(options, CONFIGURATION_NAME, path);
	if (r < 0)
		return DAEMON_SYSTEM;
	r = sync_in_force(options, path, &errors);
	store_problems(options, &errors);
	if (r == 0)
		return DAEMON_OK;
	/* Nothing to read, or it is wrong: another attempt at the same cannot help. */
	return r == -EINVAL || r == -ENOENT ? DAEMON_BAD_CONFIG : DAEMON_SYSTEM;
}

int daemon_remove_drop_ins(const struct daemon_options *options)
{
	_cleanup_(errors_done) struct errors errors = {};
	_cleanup_close_ int lock = -1;
	char path[PATH_MAX];
	int r;

	if (!options->managers_root)
		return 0;
	r = take_lock(options, &lock);
	if (r == 0)
		r = daemon_run_path(options, CONFIGURATION_NAME, path);
	/* Empty: without the file the next process would take /etc's configuration. */
	if (r == 0)
		r = write_file(path, "");
	if (r == 0)
		r = sync_model(options, NULL, &errors);
	store_problems(options, &errors);
	return r;
}
