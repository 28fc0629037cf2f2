// SPDX-License-Identifier: GPL-2.0
/* Start and stop as a ladder: each rung is undone in the opposite order, and what was not begun is
 * NULL or -1 and costs nothing to undo. Stopping leaves the data plane as it is: it forwards
 * without us, and the next start adopts it. */
#include "daemon/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "dataplane/dataplane.h"

/* A partner at fast rate gives up 3 s after our last LACPDU. Up to 1 s old when we stop, plus the
 * lease, plus 1 s to its next LACPDU, which the data plane then answers: the lease must stay below
 * 1 s. */
#define LEASE_MS 600
#define LEASE_RENEWAL_MS 200

/* ---- the list of switches that this instance has made
 * ------------------------------------------------------------------------------------ */
static int state_path(const struct daemon_options *options, const char *name, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%s", options->run_dir, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static void write_list(const struct daemon *daemon)
{
	char path[PATH_MAX];
	int r = state_path(&daemon->options, "switches", path);

	if (r == 0)
		r = names_write(path, &daemon->made);
	/* All is well with the switches; but one that leaves the file while no daemon runs would
	 * stay. */
	if (r < 0)
		log_warning(r, "%s/switches: cannot write the list of switches",
			    daemon->options.run_dir);
}

static int read_list(struct daemon *daemon)
{
	char path[PATH_MAX];
	int r = state_path(&daemon->options, "switches", path);

	if (r == 0)
		r = names_read(path, &daemon->made);
	if (r < 0)
		log_warning(r, "%s/switches: cannot read the list of switches",
			    daemon->options.run_dir);
	return r == -ENOMEM ? r : 0;
}

/* ---- switches
 * ------------------------------------------------------------------------------------------------------------------------------
 */
static void report(void *userdata, const char *switch_name, const char *object, const char *text)
{
	struct daemon *daemon = userdata;
	json_auto_t *event = events_add(&daemon->events, switch_name, object, text);

	if (event && daemon->control)
		control_server_publish(daemon->control, event);
}

static bool owns(void *userdata, const char *switch_name)
{
	const struct daemon *daemon = userdata;

	return names_have(&daemon->made, switch_name);
}

static struct vswitch_context context_of(struct daemon *daemon)
{
	return (struct vswitch_context){
		.event = daemon->event,
		.links = daemon->links,
		.notify_socket = daemon->notify_socket,
		.bpffs = daemon->options.bpffs,
		.report = report,
		.owns = owns,
		.userdata = daemon,
	};
}

static struct vswitch *find_switch(const struct daemon *daemon, const char *name)
{
	for (size_t i = 0; i < daemon->n_switches; i++)
		if (strcmp(daemon->switches[i]->name, name) == 0)
			return daemon->switches[i];
	return NULL;
}

static int add_switch(struct daemon *daemon, const struct switch_cfg *cfg)
{
	struct vswitch_context context = context_of(daemon);
	struct vswitch **switches;
	int r;

	switches = reallocarray(daemon->switches, daemon->n_switches + 1, sizeof(*switches));
	if (!switches)
		return log_error(-ENOMEM, "%s", cfg->name);
	daemon->switches = switches;
	r = vswitch_new(&context, cfg, &switches[daemon->n_switches]);
	if (r == 0)
		daemon->n_switches++;
	return r;
}

static int check(struct daemon *daemon, const struct model *model, struct config_errors *errors)
{
	struct vswitch_context context = context_of(daemon);
	int r = 0;

	for (size_t i = 0; i < model->n_switches; i++) {
		const struct switch_cfg *before =
			daemon->model ? model_find_switch(daemon->model, model->switches[i].name) :
					NULL;
		int failed = vswitch_check(&context, &model->switches[i], before, model, errors);

		if (failed < 0)
			r = failed;
	}
	return r;
}

/* ---- applying
 * ------------------------------------------------------------------------------------------------------------------------------
 */
static void remove_switch(struct daemon *daemon, size_t index)
{
	struct vswitch *vs = daemon->switches[index];

	log_info("%s: removing the switch", vs->name);
	vswitch_teardown(vs);
	vswitch_free(vs);
	daemon->switches[index] = daemon->switches[--daemon->n_switches];
}

static void abandon_switches(struct daemon *daemon, size_t first)
{
	while (daemon->n_switches > first)
		vswitch_abandon(daemon->switches[--daemon->n_switches]);
}

/* Those that are not there yet: opened, and locked against other daemons; nothing is attached. */
static int open_switches(struct daemon *daemon, const struct model *model,
			 struct config_errors *errors)
{
	for (size_t i = 0; i < model->n_switches; i++) {
		const char *name = model->switches[i].name;
		int r = find_switch(daemon, name) ? 0 : add_switch(daemon, &model->switches[i]);

		if (r < 0) {
			config_error_add(errors, "%s: cannot apply: %s; the log has the reason",
					 name, strerror(-r));
			return r;
		}
	}
	return 0;
}

/* What this or an earlier run has made and model has not. */
static void remove_others(struct daemon *daemon, const struct model *model)
{
	struct vswitch_context context = context_of(daemon);

	for (size_t i = daemon->n_switches; i-- > 0;)
		if (!model_find_switch(model, daemon->switches[i]->name))
			remove_switch(daemon, i);
	for (size_t i = 0; i < daemon->made.n; i++) {
		const char *name = daemon->made.name[i];
		int r;

		if (model_find_switch(model, name) ||
		    !dataplane_is_pinned(daemon->options.bpffs, name))
			continue;
		log_info("%s: removing the switch, which left the configuration", name);
		r = vswitch_remove(&context, name);
		if (r < 0)
			log_warning(
				r,
				"%s: cannot remove the switch; the next reload or start tries again",
				name);
	}
}

static int apply_switches(struct daemon *daemon, const struct model *model,
			  struct config_errors *errors)
{
	int r = 0;

	remove_others(daemon, model);
	/* An interface may go from one switch to another: all let go before any takes. */
	for (size_t i = 0; i < daemon->n_switches; i++)
		vswitch_let_go(daemon->switches[i],
			       model_find_switch(model, daemon->switches[i]->name));
	for (size_t i = 0; i < model->n_switches; i++) {
		struct vswitch *vs = find_switch(daemon, model->switches[i].name);
		int failed = vs ? vswitch_apply(vs, &model->switches[i]) : -ENODEV;

		if (failed < 0) {
			config_error_add(errors, "%s: cannot apply: %s; the log has the reason",
					 model->switches[i].name, strerror(-failed));
			r = failed;
		}
	}
	return r;
}

/* What was there before, as far as the system allows. */
static void go_back(struct daemon *daemon)
{
	_cleanup_(config_errors_done) struct config_errors errors = {};

	open_switches(daemon, daemon->model, &errors);
	apply_switches(daemon, daemon->model, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error(0, "cannot go back to the configuration before: %s", errors.messages[i]);
}

/* Names stay in the list until their switches are really gone. */
static void update_list(struct daemon *daemon)
{
	for (size_t i = daemon->made.n; i-- > 0;)
		if (!find_switch(daemon, daemon->made.name[i]) &&
		    !dataplane_is_pinned(daemon->options.bpffs, daemon->made.name[i]))
			names_remove_at(&daemon->made, i);
	write_list(daemon);
}

#define MANY_PORTS 32 /* fewer are attached within half a second anyway */

static size_t count_ports(const struct model *model)
{
	size_t n = 0;

	for (size_t s = 0; s < model->n_switches; s++)
		for (size_t g = 0; g < model->switches[s].n_groups; g++)
			n += model->switches[s].groups[g].n_ports;
	return n;
}

int daemon_apply(struct daemon *daemon, struct model *model, struct config_errors *errors)
{
	size_t n_before = daemon->n_switches;
	int r = check(daemon, model, errors), hurry;

	for (size_t i = 0; r == 0 && i < model->n_switches; i++)
		r = names_add(&daemon->made, model->switches[i].name);
	if (r == 0)
		r = open_switches(daemon, model, errors);
	if (r < 0) {
		abandon_switches(daemon, n_before);
		update_list(daemon);
		return r;
	}
	write_list(daemon);
	hurry = count_ports(model) >= MANY_PORTS ? dataplane_hurry_begin() : -1;
	r = apply_switches(daemon, model, errors);
	dataplane_hurry_end(hurry);
	if (r < 0) {
		if (daemon->model)
			go_back(daemon);
		else
			abandon_switches(daemon, 0);
	} else {
		model_free(daemon->model);
		daemon->model = model;
	}
	update_list(daemon);
	return r;
}

/* Ports that were added at run time stay, if they still fit. */
static void keep_runtime_ports(const struct model *from, struct model *to)
{
	for (size_t s = 0; from && s < from->n_switches; s++) {
		for (size_t g = 0; g < from->switches[s].n_groups; g++) {
			const struct group_cfg *group = &from->switches[s].groups[g];

			for (size_t p = 0; p < group->n_ports; p++) {
				_cleanup_(config_errors_done) struct config_errors errors = {};

				if (group->ports[p].runtime &&
				    model_add_port(to, from->switches[s].name, group->name,
						   &group->ports[p], &errors) < 0)
					log_warning(0, "port %s, added at run time, is dropped: %s",
						    group->ports[p].interface,
						    errors.n ? errors.messages[0] :
							       "it does not fit");
			}
		}
	}
}

/* Another socket would have to be opened in the middle of an answer through this one. */
static int check_control(const struct daemon *daemon, const struct model *model,
			 struct config_errors *errors)
{
	const char *before = daemon->model->control_socket, *after = model->control_socket;
	char standard[PATH_MAX];
	int r = state_path(&daemon->options, CONTROL_SOCKET_NAME, standard);

	if (r < 0)
		return r;
	before = before ? before : standard;
	after = after ? after : standard;
	if (strcmp(before, after) == 0)
		return 0;
	config_error_add(
		errors,
		"%s: control.socket: %s: a reload cannot change it from %s; restart uplinkd, which loses no frame",
		daemon->options.config, after, before);
	return -EINVAL;
}

int daemon_reload(struct daemon *daemon, struct config_errors *errors)
{
	struct model *model = NULL;
	uint64_t start = now_ns();
	int r;

	r = config_load(daemon->options.config, &model, errors);
	if (r < 0)
		return r;
	r = check_control(daemon, model, errors);
	if (r == 0) {
		keep_runtime_ports(daemon->model, model);
		r = daemon_apply(daemon, model, errors);
	}
	if (r < 0) {
		model_free(model);
		return r;
	}
	control_server_set_group(daemon->control, model->control_group);
	log_info("configuration applied in %.1f ms", (double)(now_ns() - start) / 1e6);
	return 0;
}

/* ---- events
 * ----------------------------------------------------------------------------------------------------------------------------------
 */
static void link_changed(void *userdata, const struct link_info *info, unsigned int changes)
{
	struct daemon *daemon = userdata;
	struct link_info copy = *info;

	for (size_t i = 0; i < daemon->n_switches; i++)
		vswitch_link_event(daemon->switches[i], &copy, changes);
}

static int hang_up(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	_cleanup_(config_errors_done) struct config_errors errors = {};
	struct daemon *daemon = userdata;

	(void)source;
	(void)si;
	sd_notify(0, "RELOADING=1");
	if (daemon_reload(daemon, &errors) < 0)
		log_error(0, "the configuration is not changed");
	for (size_t i = 0; i < errors.n; i++)
		log_error(0, "%s", errors.messages[i]);
	sd_notify(0, "READY=1");
	return 0;
}

static int renew_lease(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)usec;
	for (size_t i = 0; i < daemon->n_switches; i++)
		vswitch_renew_lease(daemon->switches[i], now_ns() + LEASE_MS * 1000000ULL);
	sd_event_source_set_time_relative(source, LEASE_RENEWAL_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- start, run, stop
 * ------------------------------------------------------------------------------------------------------------------------
 */
static int lock_run_dir(struct daemon *daemon)
{
	char path[PATH_MAX];
	int r;

	if (mkdir(daemon->options.run_dir, 0755) < 0 && errno != EEXIST)
		return log_error(-errno, "%s: cannot make the run directory",
				 daemon->options.run_dir);
	r = state_path(&daemon->options, "lock", path);
	if (r < 0)
		return r;
	daemon->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (daemon->lock_fd < 0)
		return log_error(-errno, "%s: cannot open", path);
	if (flock(daemon->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return log_error(
			-errno,
			"%s: another uplinkd runs here; stop it, or give this one its own --run-dir and --bpffs",
			path);
	return 0;
}

/* First of all: those that come during the start wait until it is over. */
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
		r = sd_event_add_signal(daemon->event, NULL, SIGHUP, hang_up, daemon);
	return r < 0 ? log_error(r, "cannot handle signals") : 0;
}

static int start_base(struct daemon *daemon)
{
	int r = lock_run_dir(daemon);

	if (r == 0)
		r = read_list(daemon);
	if (r < 0)
		return r;
	r = sd_event_default(&daemon->event);
	if (r < 0)
		return log_error(r, "cannot make the event loop");
	r = notify_socket_new(&daemon->notify_socket);
	if (r < 0)
		return log_error(r, "cannot open a packet socket; needs root or CAP_NET_RAW");
	r = link_monitor_new(daemon->event, link_changed, daemon, &daemon->links);
	return r < 0 ? log_error(r, "cannot watch the network interfaces") : 0;
}

static int start_control(struct daemon *daemon)
{
	char path[PATH_MAX];
	struct control_server_options options = {
		.path = daemon->model->control_socket,
		.group = daemon->model->control_group,
		.version = UL_VERSION,
		.methods = daemon_methods,
		.userdata = daemon,
	};
	int r = state_path(&daemon->options, CONTROL_SOCKET_NAME, path);

	if (r < 0)
		return r;
	if (!options.path)
		options.path = path;
	r = control_server_new(daemon->event, &options, &daemon->control);
	return r < 0 ? log_error(r, "%s: cannot listen", options.path) : 0;
}

static int start_services(struct daemon *daemon)
{
	int r = start_control(daemon);

	if (r == 0)
		r = add_signals(daemon);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(daemon->event, &daemon->lease_timer, CLOCK_MONOTONIC, 0,
				       10000, renew_lease, daemon);
	if (r >= 0)
		r = sd_event_set_watchdog(daemon->event, true);
	return r < 0 ? log_error(r, "cannot start the timers") : 0;
}

/* sd_event_loop(), but with a clock on each round: LACP and failover must never wait long behind
 * other work. */
static int run_loop(struct daemon *daemon)
{
	while (sd_event_get_state(daemon->event) != SD_EVENT_FINISHED) {
		uint64_t begin, took_us;
		int r = sd_event_prepare(daemon->event);

		if (r == 0)
			r = sd_event_wait(daemon->event, UINT64_MAX);
		begin = now_ns();
		if (r > 0)
			r = sd_event_dispatch(daemon->event);
		if (r < 0)
			return log_error(r, "the event loop failed");
		took_us = (now_ns() - begin) / 1000;
		if (took_us > daemon->worst_loop_us)
			daemon->worst_loop_us = took_us;
	}
	return 0;
}

static void stop(struct daemon *daemon)
{
	control_server_free(daemon->control);
	sd_event_source_disable_unref(daemon->lease_timer);
	for (size_t i = 0; i < daemon->n_switches; i++)
		vswitch_free(daemon->switches[i]);
	free(daemon->switches);
	link_monitor_free(daemon->links);
	notify_socket_free(daemon->notify_socket);
	model_free(daemon->model);
	names_done(&daemon->made);
	events_done(&daemon->events);
	sd_event_unref(daemon->event);
	ul_closep(&daemon->lock_fd);
}

static void print_errors(const struct config_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		log_error(0, "%s", errors->messages[i]);
}

enum daemon_status daemon_run(const struct daemon_options *options)
{
	_cleanup_(config_errors_done) struct config_errors errors = {};
	struct daemon daemon = { .options = *options, .lock_fd = -1, .started_ms = now_ms() };
	enum daemon_status status = DAEMON_SYSTEM;
	struct model *model = NULL;

	block_signals();
	if (config_load(options->config, &model, &errors) < 0) {
		print_errors(&errors);
		return DAEMON_BAD_CONFIG;
	}
	if (start_base(&daemon) < 0)
		goto out;
	vswitch_collect_runtime_ports(options->bpffs, model);
	if (daemon_apply(&daemon, model, &errors) < 0) {
		print_errors(&errors);
		goto out;
	}
	model = NULL;
	if (start_services(&daemon) < 0)
		goto out;

	log_info("uplinkd %s: %zu switches, started in %llu ms", UL_VERSION, daemon.n_switches,
		 (unsigned long long)(now_ms() - daemon.started_ms));
	sd_notify(0, "READY=1");
	status = run_loop(&daemon) < 0 ? DAEMON_SYSTEM : DAEMON_OK;
	sd_notify(0, "STOPPING=1");
out:
	model_free(model);
	stop(&daemon);
	return status;
}

/* The file's switches as well, in case that the list was lost. A file with mistakes is no obstacle.
 */
static int add_configured(struct daemon *daemon)
{
	_cleanup_(config_errors_done) struct config_errors errors = {};
	struct model *model = NULL;
	int r = 0;

	if (config_load(daemon->options.config, &model, &errors) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < model->n_switches; i++)
		if (dataplane_is_pinned(daemon->options.bpffs, model->switches[i].name))
			r = names_add(&daemon->made, model->switches[i].name);
	model_free(model);
	return r;
}

/* Each by itself: one that cannot be removed does not keep the others. */
static int remove_all(struct daemon *daemon)
{
	struct vswitch_context context = context_of(daemon);
	int r = 0;

	for (size_t i = daemon->made.n; i-- > 0;) {
		int failed;

		log_info("%s: removing the switch", daemon->made.name[i]);
		failed = vswitch_remove(&context, daemon->made.name[i]);
		if (failed < 0)
			r = log_error(failed, "%s: cannot remove the switch", daemon->made.name[i]);
		else
			names_remove_at(&daemon->made, i);
	}
	write_list(daemon);
	return r;
}

enum daemon_status daemon_teardown(const struct daemon_options *options)
{
	struct daemon daemon = { .options = *options, .lock_fd = -1 };
	int r = start_base(&daemon);

	if (r == 0)
		r = add_configured(&daemon);
	if (r == 0)
		r = remove_all(&daemon);
	stop(&daemon);
	return r < 0 ? DAEMON_SYSTEM : DAEMON_OK;
}
