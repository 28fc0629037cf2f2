// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* reload, confirm, rollback, diff and show config: changes of the configuration in force. */
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "config/source.h"
#include "ctl/ctl.h"

#define CONFIRM_MAX_S 86400

/* A file as the daemon gets it: text, because the daemon may not be able to read the path. */
static int add_file(struct ctl *ctl, const char *path, json_t *parameters)
{
	_cleanup_(config_source_done) struct config_source source = {};
	_cleanup_(errors_done) struct errors errors = {};
	const struct config_document *document;
	json_t *text;

	if (config_source_read(path, NULL, &source, &errors) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "%s", errors.messages[0]);
	document = &source.documents[0];
	text = json_stringn(document->text, document->length);
	if (!text)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "%s: must be UTF-8", path);
	json_object_set_new(parameters, "name", json_string(document->name));
	json_object_set_new(parameters, "text", text);
	return CTL_DONE;
}

int cmd_reload(struct ctl *ctl)
{
	json_auto_t *parameters = json_object();
	json_auto_t *reply = NULL;
	uint64_t confirm_s = 0;
	int status;

	if (ctl->confirm && parse_u64(ctl->confirm, 1, CONFIRM_MAX_S, &confirm_s) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--confirm %s: must be a number of seconds, 1-%d", ctl->confirm,
				CONFIRM_MAX_S);
	if (confirm_s)
		json_object_set_new(parameters, "confirm_s", json_integer((json_int_t)confirm_s));
	if (ctl->arguments[0]) {
		status = add_file(ctl, ctl->arguments[0], parameters);
		if (status)
			return status;
	}
	status = ctl_request_within(ctl, "Reload", json_incref(parameters), CTL_CHANGE_TIMEOUT_MS,
				    &reply);
	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, TAKE_PTR(reply));
	if (confirm_s)
		fprintf(ctl->out,
			"configuration applied; it is rolled back in %llu s unless 'uplinkctl confirm' keeps it\n",
			(unsigned long long)confirm_s);
	else
		fputs("configuration applied\n", ctl->out);
	return CTL_DONE;
}

static int simple_request(struct ctl *ctl, const char *method, const char *done)
{
	int status = ctl_request_within(ctl, method, NULL, CTL_CHANGE_TIMEOUT_MS, NULL);

	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, json_object());
	fprintf(ctl->out, "%s\n", done);
	return CTL_DONE;
}

int cmd_confirm(struct ctl *ctl)
{
	return simple_request(ctl, "Confirm", "configuration confirmed");
}

int cmd_rollback(struct ctl *ctl)
{
	return simple_request(ctl, "Rollback", "the former configuration is in force");
}

int cmd_show_config(struct ctl *ctl)
{
	json_auto_t *reply = NULL;
	int status = ctl_request(ctl, "Configuration", NULL, &reply);
	const char *text;

	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, TAKE_PTR(reply));
	text = ctl_text(reply, "text");
	fputs(text ? text : "", ctl->out);
	return CTL_DONE;
}

/* ---- diff ---- */
/* The one form of a file, or of the files that a reload reads. */
static int format_files(struct ctl *ctl, const char *path, const char *folder, char **ret)
{
	_cleanup_(config_source_done) struct config_source source = {};
	_cleanup_(errors_done) struct errors errors = {};
	struct model *model = NULL;
	int r = config_source_read(path, folder, &source, &errors);

	if (r == 0)
		r = config_source_parse(&source, &model, &errors);
	if (r == 0)
		r = model_format(model, false, ret);
	model_free(model);
	for (size_t i = 0; i < errors.n; i++)
		ctl_fail(ctl, 0, "%s", errors.messages[i]);
	return r == 0 ? CTL_DONE : config_error_is_permanent(r) ? CTL_WRONG_REQUEST : CTL_SYSTEM;
}

static int make_text_file(const char *text)
{
	int fd = memfd_create("uplinkctl", 0);
	size_t length = strlen(text);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		return -1;
	return fd;
}

/* diff(1) writes to standard output. Returns its status: 0 equal, 1 different. */
static int run_diff(struct ctl *ctl, const char *before, const char *after, const char *name)
{
	_cleanup_close_ int old = make_text_file(before), new = make_text_file(after);
	char old_path[32], new_path[32];
	const char *argv[] = { "diff",	  "-u", "--label", "configuration in force",
			       "--label", name, old_path,  new_path,
			       NULL };
	extern char **environ;
	int status = 0, r;
	pid_t pid;

	if (old < 0 || new < 0)
		return ctl_fail(ctl, CTL_SYSTEM, "diff: no memory for the texts");
	snprintf(old_path, sizeof(old_path), "/dev/fd/%d", old);
	snprintf(new_path, sizeof(new_path), "/dev/fd/%d", new);
	fflush(ctl->out);
	r = posix_spawnp(&pid, "diff", NULL, NULL, (char *const *)argv, environ);
	if (r)
		return ctl_fail(ctl, CTL_SYSTEM, "diff: cannot be run: %s; install diffutils",
				strerror(r));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) <= 1 ?
		       WEXITSTATUS(status) :
		       ctl_fail(ctl, CTL_SYSTEM, "diff: failed");
}

int cmd_diff(struct ctl *ctl)
{
	json_auto_t *reply = NULL;
	int status = ctl_request(ctl, "Configuration", json_pack("{s:b}", "runtime", 0), &reply);
	const char *before = ctl_text(reply, "text");
	const char *path = ctl->arguments[0], *folder = NULL;
	_cleanup_free_ char *after = NULL;

	if (status)
		return status;
	if (!path) {
		path = ctl_text(reply, "configured");
		folder = ctl_text(reply, "folder");
	}
	if (!before || !path)
		return ctl_fail(ctl, CTL_SYSTEM, "diff: uplinkd sent no configuration");
	status = format_files(ctl, path, folder, &after);
	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, json_pack("{s:b, s:s, s:s}", "equal",
						     strcmp(before, after) == 0, "before", before,
						     "after", after));
	return run_diff(ctl, before, after, path);
}
