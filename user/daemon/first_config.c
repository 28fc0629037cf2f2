// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The configuration of a start: the files, unless a stored one stands for them, and the confirmed
 * one if the files are wrong or the system refuses them. */
#include "common/file.h"
#include "daemon/state.h"

void first_config_done(struct first_config *first)
{
	for (size_t i = 0; i < FIRST_CONFIG_MAX; i++)
		model_free(first->candidate[i].model);
	config_source_done(&first->files);
	errors_done(&first->reasons);
}

static int make_state_path(const struct daemon_options *options, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/" STATE_FILE_NAME, options->state_dir);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int daemon_forget_configuration(const struct daemon_options *options)
{
	char path[PATH_MAX];
	int r = make_state_path(options, path);

	if (r == 0)
		r = file_remove(path);
	return r < 0 ? log_error(r, "%s: cannot be removed", path) : 0;
}

/* origin: of config_state_read(). A read that fails once says nothing about the file. */
static int load_state(struct daemon *daemon, const char *origin)
{
	int r = config_state_read(daemon->state_path, origin, &daemon->saved);

	return r == -EIO ? config_state_read(daemon->state_path, origin, &daemon->saved) : r;
}

int daemon_take_back(struct daemon *daemon)
{
	int r = make_state_path(&daemon->options, daemon->state_path);

	if (r < 0)
		return errors_add(&daemon->errors, r, "%s", daemon->options.state_dir);
	r = load_state(daemon, NULL);
	/* A damaged state has no journal; one that cannot be read may have one, and is not deleted.
	 */
	if (r == -EBADMSG)
		return 0;
	if (r < 0)
		return errors_add(&daemon->errors, r, "%s: cannot be read", daemon->state_path);
	return daemon_adopt_undo(daemon);
}

/* Whether the change that waits may go on to wait: 1, 0, or negative errno with a message. */
static int is_waiting(struct daemon *daemon)
{
	char boot_id[BOOT_ID_LEN];
	int r = read_boot_id(boot_id, &daemon->errors);

	if (r < 0)
		return r;
	if (!config_state_is_waiting(&daemon->saved, boot_id, boottime_ms()))
		return 0;
	return daemon_adopt_is_resumable(daemon);
}

/* A state that cannot be used is as good as none. While it cannot be read for the moment, the start
 * fails and is repeated: it would forget a change that waits for its confirmation. */
static int read_state(struct daemon *daemon, struct first_config *first)
{
	int r = make_state_path(&daemon->options, daemon->state_path);

	if (r < 0)
		return errors_add(&daemon->errors, r, "%s", daemon->options.state_dir);
	r = load_state(daemon, daemon->options.config);
	if (error_may_pass(r))
		return errors_add(&daemon->errors, r, "%s: cannot be read", daemon->state_path);
	if (r < 0)
		log_warning(r, "%s: cannot be used", daemon->state_path);
	if (!daemon->saved.pending.n)
		return 0;
	r = is_waiting(daemon);
	/* Whatever the reason, it is no mistake in the configuration: the start is repeated. */
	if (r < 0)
		return error_may_pass(r) ? r : -EIO;
	if (r > 0)
		return 0;
	log_warning(0,
		    "configuration: the change of %s was not confirmed in time and is rolled back",
		    daemon_source_name(&daemon->saved.pending));
	config_state_roll_back(&daemon->saved);
	first->changed = true;
	return 0;
}

/* Parses the source; one that is wrong is not a candidate, and its mistakes are kept. Returns the
 * result of the parser. */
static int add_candidate(struct first_config *first, const struct config_source *source,
			 bool restores, enum config_origin origin)
{
	struct first_candidate *candidate = &first->candidate[first->n];
	int r = config_source_parse(source, &candidate->model, &first->reasons);

	if (r < 0)
		return r;
	candidate->model->restores = restores;
	candidate->source = source;
	candidate->origin = origin;
	first->n++;
	return 0;
}

/* Files that could not be read for the moment are read once more. */
static int read_files(struct daemon *daemon, struct first_config *first)
{
	int r = daemon_read_files(daemon, &first->files, &first->reasons);

	if (!error_may_pass(r))
		return r;
	errors_done(&first->reasons);
	return daemon_read_files(daemon, &first->files, &first->reasons);
}

int daemon_choose_first(struct daemon *daemon, struct first_config *first)
{
	const struct config_state *saved = &daemon->saved;
	int r = read_state(daemon, first), r_files;

	if (r < 0)
		return r;
	r_files = read_files(daemon, first);
	first->error = r_files;
	daemon_set_origin(daemon);
	if (saved->pending.n)
		r = add_candidate(first, &saved->pending, false, CONFIG_UNCONFIRMED);
	else if (r_files < 0)
		r = r_files;
	else if (saved->confirmed.n && config_source_equal(&saved->files, &first->files))
		r = add_candidate(first, &saved->confirmed, first->changed, daemon->origin);
	else
		r = add_candidate(first, &first->files, false, CONFIG_FILES);
	if (saved->confirmed.n && r != -ENOMEM &&
	    !(first->n && first->candidate[0].source == &saved->confirmed))
		r = add_candidate(first, &saved->confirmed, true, CONFIG_FALLBACK);
	if (first->n)
		return 0;
	errors_move(&daemon->errors, &first->reasons);
	return r;
}

/* The change that waited, or the files, could not be applied. */
static void note_fallback(struct daemon *daemon, const struct first_config *first)
{
	const struct errors *reasons = &first->reasons;
	const char *reason = reasons->n ? reasons->messages[0] : "unknown reason";
	bool rolls_back = daemon->saved.pending.n;

	if (rolls_back) {
		daemon_disarm_deadline(daemon);
		config_state_roll_back(&daemon->saved);
	}
	daemon_set_origin(daemon);
	daemon->origin = CONFIG_FALLBACK;
	daemon->fallback_reason = strdup(reason);
	for (size_t i = 0; i < reasons->n; i++)
		log_full(LOG_LEVEL_ERROR, 0, "%s", reasons->messages[i]);
	log_full(LOG_LEVEL_ERROR, 0,
		 "%s: not applied; the last confirmed configuration is in force",
		 daemon->options.config);
	if (!rolls_back)
		daemon_retry_files(daemon, first->error);
}

static void note_first(struct daemon *daemon, struct first_config *first,
		       const struct first_candidate *candidate)
{
	struct config_state *saved = &daemon->saved;
	struct config_source source;

	if (candidate->origin == CONFIG_FALLBACK) {
		note_fallback(daemon, first);
		first->changed = true;
	} else if (candidate->source == &first->files) {
		if (config_source_copy(&first->files, &source) < 0)
			return;
		config_state_confirm(saved, &source, &first->files);
		daemon_set_origin(daemon);
		first->changed = true;
	}
	if (first->changed)
		(void)daemon_save_state(daemon);
	if (daemon->origin != CONFIG_FILES && daemon->origin != CONFIG_FALLBACK)
		log_info("configuration: %s", daemon_origin_text(daemon));
}

/* The difference from the configuration that was confirmed last, before it is replaced. */
static void record_first(struct daemon *daemon, const struct first_candidate *candidate)
{
	_cleanup_free_ char *before = NULL;
	struct model *model = NULL;
	char text[400];

	if (daemon->saved.confirmed.n &&
	    config_source_parse(&daemon->saved.confirmed, &model, NULL) == 0)
		(void)model_format(model, true, &before);
	model_free(model);
	snprintf(text, sizeof(text), "the configuration of %s is in force",
		 daemon_source_name(candidate->source));
	daemon_record_model(daemon, before, daemon->switches.model, text);
}

static int apply_candidate(struct daemon *daemon, struct model *model)
{
	int r = daemon_attach(daemon, model);

	return r == 0 ? switches_apply(&daemon->switches, model) : r;
}

enum daemon_status daemon_apply_first(struct daemon *daemon, struct first_config *first)
{
	/* Before the change is applied: without its deadline it would stay. */
	if (daemon->saved.pending.n && daemon_arm_deadline(daemon, daemon->saved.deadline_ms) < 0)
		return DAEMON_SYSTEM;
	for (size_t i = 0; i < first->n; i++) {
		struct first_candidate *candidate = &first->candidate[i];
		int r;

		r = vswitch_collect_runtime_ports(daemon->options.bpffs, candidate->model,
						  &daemon->errors);
		/* Without them the ports would leave; the next start finds them. */
		if (r < 0)
			return DAEMON_SYSTEM;
		r = apply_candidate(daemon, candidate->model);
		/* What may pass is no reason to use another configuration, unless it lasts. */
		if (error_may_pass(r))
			r = apply_candidate(daemon, candidate->model);
		if (r == 0) {
			candidate->model = NULL;
			record_first(daemon, candidate);
			note_first(daemon, first, candidate);
			if (!daemon->saved.pending.n)
				(void)daemon_adopt_undo(daemon);
			return DAEMON_OK;
		}
		errors_move(&first->reasons, &daemon->errors);
		first->error = r;
	}
	errors_move(&daemon->errors, &first->reasons);
	return DAEMON_SYSTEM;
}
