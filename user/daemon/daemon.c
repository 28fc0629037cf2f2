// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Start and stop as a ladder: each rung is undone in the opposite order, and a rung that was not
 * reached is NULL or -1. A stop leaves the data plane as it is: it keeps forwarding, and the next
 * start adopts it.
 */
#include "daemon/state.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "common/backoff.h"
#include "common/log.h"
#include "common/notify.h"
#include "dataplane/dataplane.h"
#include "link/link.h"
#include "port/announce.h"
#include "records/reads.h"
#include "timely/timely.h"

#define LOG_END_MS 1000 /* at the end, for the last lines; the same for the history */

int daemon_run_path(const struct daemon_options *options, const char *name, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%s", options->run_dir, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- log ---- */
void daemon_log_errors(struct daemon *daemon, enum log_level level)
{
	for (size_t i = 0; i < daemon->errors.n; i++)
		log_full(level, 0, "%s", daemon->errors.messages[i]);
	errors_done(&daemon->errors);
}

void daemon_arm_retry(struct daemon *daemon, sd_event_source **timer, uint32_t *retry_ms,
		      sd_event_time_handler_t on_timer, const char *failure)
{
	int r;

	*timer = sd_event_source_disable_unref(*timer);
	*retry_ms = backoff_next_ms(*retry_ms);
	r = sd_event_add_time_relative(daemon->event, timer, CLOCK_MONOTONIC, *retry_ms * 1000ULL,
				       0, on_timer, daemon);
	if (r < 0)
		errors_add(&daemon->errors, r, "%s", failure);
}

static enum log_level level_of(enum event_code code)
{
	/* clang-format off */
	static const enum log_level levels[N_EVENT_CODES] = {
#define X(NAME, code, level, help) [EVENT_##NAME] = LOG_LEVEL_##level,
		UL_EVENTS(X)
#undef X
	};
	/* clang-format on */

	return levels[code];
}

void daemon_record(struct daemon *daemon, const char *switch_name, enum event_code code,
		   const char *object, const char *text, json_t *details)
{
	json_auto_t *event = event_ring_add(&daemon->events, switch_name, code, object, text);

	if (!event)
		return;
	recorder_add(&daemon->recorder, code, event, details);
	if (daemon->control)
		control_server_publish(daemon->control, event);
}

static void on_report(void *userdata, const char *switch_name, enum event_code code,
		      const char *object, const char *text)
{
	daemon_record(userdata, switch_name, code, object, text, NULL);
	if (strcmp(switch_name, object) == 0)
		log_full(level_of(code), 0, "%s: %s", switch_name, text);
	else
		log_full(level_of(code), 0, "%s: %s: %s", switch_name, object, text);
}

static void on_finding(void *userdata, const struct finding_change *change)
{
	enum event_code code = change->raised ? EVENT_FINDING : EVENT_FINDING_CLEARED;

	daemon_record(userdata, change->switch_name, code, change->object, change->text,
		      change->details);
	log_full(level_of(code), 0, "%s: %s: %s", change->switch_name, change->object,
		 change->text);
}

static bool owns_switch(void *userdata, const char *switch_name)
{
	const struct daemon *daemon = userdata;

	return switch_registry_has(&daemon->switches.registry, switch_name);
}

/* ---- events ---- */
static void on_link_change(void *userdata, const struct link_info *info, unsigned int changes)
{
	struct daemon *daemon = userdata;

	for (size_t i = 0; i < daemon->switches.n; i++)
		vswitch_link_event(daemon->switches.list[i], info, changes);
	daemon_links_changed(daemon, changes);
}

static void on_link_failure(void *userdata, int error, const char *text)
{
	struct daemon *daemon = userdata;

	errors_add(&daemon->errors, error, "%s", text);
}

static void start_control(struct daemon *daemon);

static int on_sighup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	struct daemon *daemon = userdata;

	notify_send(daemon->notify_fd, "RELOADING=1");
	if (daemon_reload(daemon, &(struct reload_request){}) < 0)
		errors_add(&daemon->errors, 0,
			   "%s: not applied; the former configuration is in force",
			   daemon->options.config);
	if (!daemon->control)
		start_control(daemon);
	notify_send(daemon->notify_fd, "READY=1");
	return 0;
}

/* ---- start ---- */
static int lock_run_dir(struct daemon *daemon)
{
	char path[PATH_MAX];
	int r;

	if (mkdir(daemon->options.run_dir, 0755) < 0 && errno != EEXIST)
		return log_error(-errno, "%s: cannot be created", daemon->options.run_dir);
	r = daemon_run_path(&daemon->options, "lock", path);
	if (r < 0)
		return log_error(r, "%s", daemon->options.run_dir);
	daemon->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (daemon->lock_fd < 0)
		return log_error(
			-errno,
			"%s: cannot be opened; if it belongs to root, run 'uplinkd --prepare USER' with the user of this process, as root",
			path);
	if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return log_error(
			-errno,
			errno == EWOULDBLOCK ?
				"%s: another uplinkd is running; stop it, or use a separate --run-dir and --bpffs" :
				"%s: cannot be locked",
			path);
	return 0;
}

static int read_registry(struct daemon *daemon)
{
	int r = daemon_run_path(&daemon->options, "switches", daemon->registry_path);

	if (r < 0)
		return log_error(r, "%s", daemon->options.run_dir);
	return switch_registry_start(daemon->registry_path, daemon->options.bpffs,
				     &daemon->switches.registry, &daemon->errors);
}

/* A daemon that was killed while it changed many ports left the grace periods expedited. */
static int restore_rcu(struct daemon *daemon)
{
	const struct rcu_expedite *rcu = &daemon->switches.rcu;
	int r = daemon_run_path(&daemon->options, RCU_MARKER_NAME, daemon->rcu_marker);

	if (r < 0)
		return log_error(r, "%s", daemon->options.run_dir);
	r = rcu_expedite_restore(rcu);
	if (r < 0)
		log_warning(r, "%s: cannot be switched off for good; write 0 to it and remove %s",
			    rcu->setting, rcu->marker);
	return 0;
}

/* Signals that arrive during the start stay pending until it is complete. */
static void block_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int add_signals(struct daemon *daemon)
{
	int r;

	r = sd_event_add_signal(daemon->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_sighup, daemon);
	return r < 0 ? log_error(r, "signals: cannot be handled") : 0;
}

static int on_removal_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)source;
	(void)usec;
	switches_remove_left(&daemon->switches);
	return 0;
}

static void on_switches_left(void *userdata, bool left)
{
	struct daemon *daemon = userdata;

	daemon->removal_timer = sd_event_source_disable_unref(daemon->removal_timer);
	if (left)
		daemon_arm_retry(daemon, &daemon->removal_timer, &daemon->removal_retry_ms,
				 on_removal_timer,
				 "switches that left: no timer; the next reload removes them");
	else
		daemon->removal_retry_ms = 0;
}

static void init_switches(struct daemon *daemon)
{
	daemon->switches.ops = &vswitch_ops;
	daemon->switches.registry_path = daemon->registry_path;
	daemon->switches.applied = daemon_publish_configuration;
	daemon->switches.restore_later = daemon_restore_later;
	daemon->switches.on_left = on_switches_left;
	daemon->switches.rcu =
		(struct rcu_expedite){ .setting = RCU_EXPEDITED, .marker = daemon->rcu_marker };
	daemon->switches.context = (struct vswitch_context){
		.event = daemon->event,
		.links = daemon->links,
		.announce_socket = daemon->announce_socket,
		.bpffs = daemon->options.bpffs,
		.errors = &daemon->errors,
		.report = on_report,
		.owns = owns_switch,
		.userdata = daemon,
	};
}

/* Unknown capabilities are not missing: the kernel decides. */
static int check_capabilities(struct daemon *daemon)
{
	uint64_t effective;

	return capabilities_of_process(&effective) < 0 ?
		       0 :
		       capabilities_check(effective, &daemon->errors);
}

static int start_base(struct daemon *daemon)
{
	int r = check_capabilities(daemon);

	if (r == 0)
		r = lock_run_dir(daemon);
	if (r == 0)
		r = dataplane_check_owner(daemon->options.bpffs, &daemon->errors);
	if (r == 0)
		r = read_registry(daemon);
	if (r < 0)
		return r;
	r = sd_event_default(&daemon->event);
	if (r < 0)
		return log_error(r, "event loop: cannot be created");
	r = announce_socket_new(&daemon->announce_socket);
	if (r < 0)
		return log_error(r, "packet socket: cannot be opened; needs root or CAP_NET_RAW");
	r = link_monitor_new(daemon->event, on_link_change, daemon, &daemon->links);
	if (r < 0)
		return log_error(r, "network interfaces: cannot be monitored");
	link_monitor_set_failure_handler(daemon->links, on_link_failure);
	init_switches(daemon);
	return restore_rcu(daemon);
}

static int open_control(struct daemon *daemon)
{
	const struct model *model = daemon->switches.model;
	char path[PATH_MAX];
	struct control_server_options options = {
		.path = model->control_socket,
		.group = model->control_group,
		.group_reads = model->control_group_reads,
		.inherited_fd = daemon->control_fd,
		.version = UL_VERSION,
		.methods = daemon_methods,
		.description = record_description,
		.errors = &daemon->errors,
		.userdata = daemon,
	};
	int r = daemon_run_path(&daemon->options, CONTROL_SOCKET_NAME, path);

	if (r < 0)
		return errors_add(&daemon->errors, r, "%s", daemon->options.run_dir);
	if (!options.path)
		options.path = path;
	r = control_server_new(daemon->event, &options, &daemon->control);
	return r < 0 ? errors_add(&daemon->errors, r, "%s: cannot listen; it is tried again",
				  options.path) :
		       0;
}

static int on_control_timer(sd_event_source *source, uint64_t usec, void *userdata);

/* The first listening socket that the service manager passes (uplinkd.socket). Others, and those of
 * another kind, are not ours. */
static int find_inherited(void)
{
	int n = sd_listen_fds(true);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++)
		if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0)
			return fd;
	return 0;
}

/* The switches are in the kernel by now, and they and LACP do not need the socket. */
static void start_control(struct daemon *daemon)
{
	int r = open_control(daemon);

	daemon->control_timer = sd_event_source_disable_unref(daemon->control_timer);
	if (r == 0) {
		if (daemon->control_retry_ms)
			log_info("control socket: open");
		daemon->control_retry_ms = 0;
		return;
	}
	daemon_arm_retry(daemon, &daemon->control_timer, &daemon->control_retry_ms,
			 on_control_timer,
			 "control socket: no timer; the next reload (SIGHUP) tries again");
}

static int on_control_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	start_control(userdata);
	return 0;
}

/* Without it events are only logged. After the lock: two daemons must not write one file. */
static void start_recorder(struct daemon *daemon)
{
	struct recorder *recorder = &daemon->recorder;
	int r;

	recorder->bpffs = daemon->options.bpffs;
	recorder->on_finding = on_finding;
	recorder->userdata = daemon;
	r = recorder_start(recorder, daemon->event, daemon->options.state_dir);
	if (r < 0)
		log_warning(r, "history: cannot be started");
}

static void record_life(struct daemon *daemon, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void record_life(struct daemon *daemon, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	daemon_record(daemon, "uplinkd", EVENT_DAEMON, "uplinkd", text, NULL);
}

static int start_timely(struct daemon *daemon)
{
	struct timely_options options = { .event = daemon->event, .notify_fd = daemon->notify_fd };
	int r;

	if (sd_watchdog_enabled(0, &options.watchdog_us) <= 0)
		options.watchdog_us = 0;
	r = timely_new(&options, &daemon->timely);
	if (r < 0)
		return log_error(r, "thread for LACP and failover: cannot be started");
	daemon->switches.context.timely = daemon->timely;
	return 0;
}

/* Before anything is changed in the kernel, because a failure ends the start. */
static int start_timers(struct daemon *daemon)
{
	int r = add_signals(daemon);

	if (r < 0)
		return r;
	r = daemon_start_forgetting(daemon);
	if (r == 0)
		r = daemon_start_attaching(daemon);
	return r < 0 ? log_error(r, "timers: cannot be started") : 0;
}

/* ---- run and stop ---- */
/* sd_event_loop() with a clock for each round, because a long round delays requests. */
static int run_loop(struct daemon *daemon)
{
	while (sd_event_get_state(daemon->event) != SD_EVENT_FINISHED) {
		uint64_t begin;
		int r = sd_event_prepare(daemon->event);

		if (r == 0)
			r = sd_event_wait(daemon->event, UINT64_MAX);
		begin = now_ns();
		timely_worker_begins(daemon->timely);
		if (r > 0)
			r = sd_event_dispatch(daemon->event);
		daemon_log_errors(daemon, LOG_LEVEL_ERROR);
		timely_worker_ends(daemon->timely);
		if (r < 0)
			return log_error(r, "event loop: failed");
		loop_delay_record(&daemon->loop_delay, now_ms(), (now_ns() - begin) / 1000);
	}
	return 0;
}

static void stop(struct daemon *daemon)
{
	sd_event_source_disable_unref(daemon->control_timer);
	control_server_free(daemon->control);
	daemon_reads_done(daemon);
	sd_event_source_disable_unref(daemon->forget_timer);
	daemon_stop_attaching(daemon);
	daemon_stop_publishing(daemon);
	sd_event_source_disable_unref(daemon->deadline_timer);
	sd_event_source_disable_unref(daemon->fallback_timer);
	sd_event_source_disable_unref(daemon->restore_timer);
	sd_event_source_disable_unref(daemon->state_timer);
	sd_event_source_disable_unref(daemon->removal_timer);
	sd_event_source_disable_unref(daemon->switch_over_timer);
	switches_done(&daemon->switches);
	recorder_stop(&daemon->recorder, LOG_END_MS);
	timely_free(daemon->timely);
	link_monitor_free(daemon->links);
	announce_socket_free(daemon->announce_socket);
	event_ring_done(&daemon->events);
	daemon_log_errors(daemon, LOG_LEVEL_ERROR);
	sd_event_unref(daemon->event);
	switch_over_free(daemon->switch_over);
	config_state_done(&daemon->saved);
	free(daemon->fallback_reason);
	ul_closep(&daemon->lock_fd);
}

enum daemon_status daemon_status_of_load(int r)
{
	if (r >= 0)
		return DAEMON_OK;
	return config_error_is_permanent(r) ? DAEMON_BAD_CONFIG : DAEMON_SYSTEM;
}

/* Chooses and applies the configuration. Failures are in daemon->errors. */
static enum daemon_status start(struct daemon *daemon)
{
	_cleanup_(first_config_done) struct first_config first = {};
	enum daemon_status status;
	int r = daemon_choose_first(daemon, &first);

	if (r < 0)
		return daemon_status_of_load(r);
	if (start_base(daemon) < 0 || start_timely(daemon) < 0 || start_timers(daemon) < 0)
		return DAEMON_SYSTEM;
	start_recorder(daemon);
	status = daemon_apply_first(daemon, &first);
	if (status != DAEMON_OK)
		return status;
	daemon_log_errors(daemon, LOG_LEVEL_WARNING);
	start_control(daemon);
	daemon_log_errors(daemon, LOG_LEVEL_ERROR);
	return DAEMON_OK;
}

enum daemon_status daemon_run(const struct daemon_options *options)
{
	struct daemon daemon = { .options = *options,
				 .lock_fd = -1,
				 .notify_fd = notify_open(),
				 .started_ms = now_ms() };
	enum daemon_status status;
	int r;

	block_signals();
	r = log_writer_start();
	if (r < 0)
		log_warning(r, "log: no thread; a slow reader of the log delays LACP");
	daemon.control_fd = find_inherited();
	status = start(&daemon);
	if (status == DAEMON_OK) {
		log_info("uplinkd %s: %zu switches, started in %llu ms", UL_VERSION,
			 daemon.switches.n, (unsigned long long)(now_ms() - daemon.started_ms));
		record_life(&daemon, "uplinkd %s started with %zu switches", UL_VERSION,
			    daemon.switches.n);
		notify_send(daemon.notify_fd, "READY=1");
		status = run_loop(&daemon) < 0 ? DAEMON_SYSTEM : DAEMON_OK;
		notify_send(daemon.notify_fd, "STOPPING=1");
		record_life(&daemon, "uplinkd %s stopped; forwarding continues", UL_VERSION);
	}
	stop(&daemon);
	ul_closep(&daemon.notify_fd);
	log_writer_stop(LOG_END_MS);
	return status;
}

/* ---- teardown ---- */
enum daemon_status daemon_teardown(const struct daemon_options *options)
{
	struct daemon daemon = { .options = *options, .lock_fd = -1, .notify_fd = -1 };
	int r = start_base(&daemon);

	/* The registry may be lost with the run directory. */
	if (r == 0)
		r = switch_registry_add_pinned(&daemon.switches.registry, options->bpffs,
					       &daemon.errors);
	if (r == 0)
		r = switches_remove_all(&daemon.switches);
	if (r == 0)
		r = daemon_take_back(&daemon);
	if (r == 0)
		r = daemon_forget_configuration(options);
	if (r == 0)
		r = daemon_remove_drop_ins(options);
	stop(&daemon);
	return r < 0 ? DAEMON_SYSTEM : DAEMON_OK;
}
