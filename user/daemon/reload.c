// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Changes of the configuration. A change with a deadline is stored before it is applied, and it is
 * rolled back when the deadline passes, so that a daemon that is killed or a host that loses power
 * in between finds the confirmed configuration again (config_state.h).
 */
#include "daemon/state.h"

#include <stdarg.h>

#include "common/backoff.h"
#include "config/difference.h"

#define DEADLINE_ACCURACY_USEC 10000

void daemon_report_configuration(struct daemon *daemon, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	daemon->switches.context.report(daemon, "configuration", EVENT_CONFIGURATION,
					"configuration", text);
}

int daemon_read_files(struct daemon *daemon, struct config_source *ret, struct errors *errors)
{
	return config_source_read(daemon->options.config, daemon->options.config_folder, ret,
				  errors);
}

static int on_state_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	(void)daemon_save_state(userdata);
	return 0;
}

/* A state that cannot be stored is tried again. Until then it costs the fallback at the next start,
 * not the present change. */
int daemon_save_state(struct daemon *daemon)
{
	int r = config_state_write(daemon->state_path, daemon->options.config, &daemon->saved);

	daemon->state_timer = sd_event_source_disable_unref(daemon->state_timer);
	if (r == 0) {
		daemon->state_retry_ms = 0;
		return 0;
	}
	errors_add(&daemon->errors, r, "%s: the confirmed configuration cannot be stored",
		   daemon->state_path);
	daemon_arm_retry(daemon, &daemon->state_timer, &daemon->state_retry_ms, on_state_timer,
			 "configuration: no timer; the next change stores it");
	return r;
}

void daemon_set_origin(struct daemon *daemon)
{
	const struct config_state *saved = &daemon->saved;

	free(daemon->fallback_reason);
	daemon->fallback_reason = NULL;
	daemon->fallback_timer = sd_event_source_disable_unref(daemon->fallback_timer);
	if (saved->pending.n)
		daemon->origin = CONFIG_UNCONFIRMED;
	else if (config_source_equal(&saved->confirmed, &saved->files))
		daemon->origin = CONFIG_FILES;
	else
		daemon->origin = saved->rolled_back ? CONFIG_ROLLED_BACK : CONFIG_COPY;
}

/* ---- deadline ---- */
static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata);

/* A timer that exists is moved: that needs no memory, so a change does not lose its deadline. */
int daemon_arm_deadline(struct daemon *daemon, uint64_t at_ms)
{
	sd_event_source *timer = daemon->deadline_timer;
	int r = timer ? sd_event_source_set_time(timer, at_ms * 1000) :
			sd_event_add_time(daemon->event, &daemon->deadline_timer, CLOCK_BOOTTIME,
					  at_ms * 1000, DEADLINE_ACCURACY_USEC, on_deadline,
					  daemon);

	if (r >= 0 && timer)
		r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	return r < 0 ? errors_add(&daemon->errors, r, "configuration: no timer for its deadline") :
		       0;
}

void daemon_disarm_deadline(struct daemon *daemon)
{
	daemon->deadline_timer = sd_event_source_disable_unref(daemon->deadline_timer);
	daemon->rollback_retry_ms = 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)source;
	(void)usec;
	if (daemon_rollback(daemon, "was not confirmed in time") == 0 || !daemon->saved.pending.n)
		return 0;
	daemon->rollback_retry_ms = backoff_next_ms(daemon->rollback_retry_ms);
	(void)daemon_arm_deadline(daemon, boottime_ms() + daemon->rollback_retry_ms);
	return 0;
}

/* ---- apply ---- */
/* Another socket would have to be opened while the reply to this request uses the current one. */
static int check_control(struct daemon *daemon, const struct model *model, const char *name)
{
	const char *before = daemon->switches.model->control_socket, *after = model->control_socket;
	char standard[PATH_MAX];
	int r = daemon_run_path(&daemon->options, CONTROL_SOCKET_NAME, standard);

	if (r < 0)
		return errors_add(&daemon->errors, r, "%s", daemon->options.run_dir);
	before = before ? before : standard;
	after = after ? after : standard;
	if (strcmp(before, after) == 0)
		return 0;
	errors_add(
		&daemon->errors, 0,
		"%s: control.socket: %s: a reload cannot change it from %s; restart uplinkd, which loses no frame",
		name, after, before);
	return -EINVAL;
}

/* From the source to a model that can be applied. restores: a rollback. request: NULL: none. */
static int prepare(struct daemon *daemon, const struct config_source *source, bool restores,
		   const struct reload_request *request, struct model **ret)
{
	struct model *model = NULL;
	int r = config_source_parse(source, &model, &daemon->errors);

	if (r < 0)
		return r;
	model->restores = restores;
	r = check_control(daemon, model, daemon_source_name(source));
	if (r == 0)
		r = model_keep_runtime_ports(daemon->switches.model, model, &daemon->errors);
	if (r == 0 && request && request->switch_over)
		r = daemon_adopt_prepare(daemon, request, model);
	if (r == 0)
		r = daemon_attach(daemon, model);
	if (r < 0) {
		model_free(model);
		return r;
	}
	*ret = model;
	return 0;
}

/* "- a\n+ b\n" as a list of lines. */
static json_t *list_lines(const char *text)
{
	json_t *list = json_array();

	while (list && *text) {
		size_t length = strcspn(text, "\n");

		json_array_append_new(list, json_stringn(text, length));
		text += length + (text[length] == '\n');
	}
	return list;
}

void daemon_record_model(struct daemon *daemon, const char *before, const struct model *model,
			 const char *text)
{
	_cleanup_free_ char *after = NULL, *difference = NULL;
	json_auto_t *details = NULL;
	char whole[512];

	if (model_format(model, true, &after) == 0 && before)
		(void)config_difference(before, after, &difference);
	if (difference)
		details = list_lines(difference);
	snprintf(whole, sizeof(whole), "%s%s", text,
		 difference && !*difference ? "; no difference" : "");
	daemon_record(daemon, "uplinkd", EVENT_RELOADED, "configuration", whole, details);
}

/* Takes the model. name: of its source, for the history. */
static int apply(struct daemon *daemon, struct model *model, const char *name)
{
	_cleanup_free_ char *before = NULL;
	uint64_t start = now_ns();
	char text[400];
	int r;

	(void)model_format(daemon->switches.model, true, &before);
	r = switches_apply(&daemon->switches, model);

	if (r < 0) {
		model_free(model);
		return r;
	}
	if (daemon->control) {
		control_server_set_group(daemon->control, model->control_group);
		control_server_set_group_reads(daemon->control, model->control_group_reads);
	}
	daemon_attach_soon(daemon); /* a bridge that could not be made is tried again */
	daemon_log_errors(daemon, LOG_LEVEL_WARNING);
	log_info("configuration applied in %.1f ms", (double)(now_ns() - start) / 1e6);
	snprintf(text, sizeof(text), "the configuration of %s is in force", name);
	daemon_record_model(daemon, before, model, text);
	return 0;
}

uint64_t daemon_deadline_in_ms(const struct daemon *daemon)
{
	uint64_t now = boottime_ms();

	return daemon->saved.deadline_ms > now ? daemon->saved.deadline_ms - now : 0;
}

static int check_waiting(struct daemon *daemon)
{
	if (!daemon->saved.pending.n)
		return 0;
	errors_add(
		&daemon->errors, 0,
		"%s: not applied: the change of %s waits for its confirmation, another %llu s; first 'uplinkctl confirm' or 'uplinkctl rollback'",
		daemon->options.config, daemon_source_name(&daemon->saved.pending),
		(unsigned long long)(daemon_deadline_in_ms(daemon) + 999) / 1000);
	return -EINPROGRESS;
}

/* Takes source and files on success. */
static int apply_unconfirmed(struct daemon *daemon, struct model *model, uint32_t confirm_s,
			     struct config_source *source, struct config_source *files)
{
	struct config_state *saved = &daemon->saved;
	int r;

	saved->pending = config_source_take(source);
	saved->pending_files = config_source_take(files);
	saved->deadline_ms = boottime_ms() + confirm_s * 1000ULL;
	r = read_boot_id(saved->boot_id, &daemon->errors);
	if (r == 0)
		r = daemon_save_state(daemon);
	if (r == 0)
		r = daemon_arm_deadline(daemon, saved->deadline_ms);
	if (r < 0)
		model_free(model);
	else
		r = apply(daemon, model, daemon_source_name(&saved->pending));
	if (r < 0) {
		daemon_disarm_deadline(daemon);
		config_state_drop_pending(saved);
		daemon_adopt_cancel(daemon);
		(void)daemon_save_state(daemon);
		return r;
	}
	daemon_set_origin(daemon);
	daemon_report_configuration(
		daemon, "the change of %s is rolled back in %u s unless it is confirmed",
		daemon_source_name(&saved->pending), confirm_s);
	return daemon_adopt_begin(daemon);
}

static int apply_confirmed(struct daemon *daemon, struct model *model, struct config_source *source,
			   struct config_source *files)
{
	int r = apply(daemon, model, daemon_source_name(source));

	if (r < 0)
		return r;
	config_state_confirm(&daemon->saved, source, files);
	daemon_set_origin(daemon);
	(void)daemon_save_state(daemon);
	daemon_log_errors(daemon, LOG_LEVEL_WARNING);
	return 0;
}

int daemon_reload(struct daemon *daemon, const struct reload_request *request)
{
	_cleanup_(config_source_done) struct config_source files = {}, source = {};
	_cleanup_(errors_done) struct errors reasons = {};
	struct model *model = NULL;
	int r = check_waiting(daemon);

	if (r < 0)
		return r;
	/* With a given source the files only need to be known, for the next start: it would take
	 * files that cannot be read for the moment for changed ones. */
	r = daemon_read_files(daemon, &files, &reasons);
	if (r < 0 && (!request->source || !config_error_is_permanent(r))) {
		errors_move(&daemon->errors, &reasons);
		return r;
	}
	r = config_source_copy(request->source ? request->source : &files, &source);
	if (r == 0)
		r = prepare(daemon, &source, false, request, &model);
	if (r < 0)
		return r;
	return request->confirm_s ?
		       apply_unconfirmed(daemon, model, request->confirm_s, &source, &files) :
		       apply_confirmed(daemon, model, &source, &files);
}

/* ---- files that could not be applied at the start ---- */
/* The reason for `uplinkctl status`; in the log only if it is another one than before. */
static void note_reason(struct daemon *daemon)
{
	const char *reason = daemon->errors.n ? daemon->errors.messages[0] : "unknown reason";

	if (daemon->fallback_reason && strcmp(reason, daemon->fallback_reason) == 0) {
		errors_done(&daemon->errors);
		return;
	}
	free(daemon->fallback_reason);
	daemon->fallback_reason = strdup(reason);
}

static int on_fallback_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;
	int r = daemon_reload(daemon, &(struct reload_request){});

	(void)source;
	(void)usec;
	if (r == 0)
		return 0;
	note_reason(daemon);
	daemon_retry_files(daemon, r);
	return 0;
}

void daemon_retry_files(struct daemon *daemon, int error)
{
	daemon->fallback_timer = sd_event_source_disable_unref(daemon->fallback_timer);
	if (!config_error_is_permanent(error))
		daemon_arm_retry(daemon, &daemon->fallback_timer, &daemon->fallback_retry_ms,
				 on_fallback_timer, "configuration: no timer for the next attempt");
}

/* ---- confirm and roll back ---- */
static int fail_idle(struct daemon *daemon, const char *what)
{
	errors_add(&daemon->errors, 0,
		   "%s: no change waits for its confirmation; see 'uplinkctl reload --confirm'",
		   what);
	return -ENODATA;
}

int daemon_confirm(struct daemon *daemon)
{
	const struct config_state *saved = &daemon->saved;
	/* Until the new state is on disk, a restart would roll back. */
	const struct config_state next = { .confirmed = saved->pending,
					   .files = saved->pending_files };
	int r;

	if (!saved->pending.n)
		return fail_idle(daemon, "confirm");
	r = daemon_adopt_check_complete(daemon);
	if (r < 0)
		return r;
	r = config_state_write(daemon->state_path, daemon->options.config, &next);
	if (r < 0)
		return errors_add(&daemon->errors, r,
				  "confirm: %s: cannot be written; the change still waits",
				  daemon->state_path);
	daemon_disarm_deadline(daemon);
	config_state_confirm_pending(&daemon->saved);
	daemon_adopt_confirmed(daemon);
	daemon_set_origin(daemon);
	daemon_report_configuration(daemon, "%s is confirmed",
				    daemon_source_name(&saved->confirmed));
	return 0;
}

int daemon_rollback(struct daemon *daemon, const char *reason)
{
	struct model *model = NULL;
	int r;

	if (!daemon->saved.pending.n)
		return fail_idle(daemon, "rollback");
	r = prepare(daemon, &daemon->saved.confirmed, true, NULL, &model);
	if (r == 0)
		r = apply(daemon, model, daemon_source_name(&daemon->saved.confirmed));
	if (r < 0) {
		errors_add(&daemon->errors, 0, "rollback: failed, and is tried again");
		return r;
	}
	daemon_disarm_deadline(daemon);
	daemon_report_configuration(daemon, "the change of %s %s and is rolled back",
				    daemon_source_name(&daemon->saved.pending), reason);
	config_state_roll_back(&daemon->saved);
	daemon_set_origin(daemon);
	/* The former configuration is in force; the rest is tried again on its own. */
	(void)daemon_save_state(daemon);
	(void)daemon_adopt_undo(daemon);
	return 0;
}
