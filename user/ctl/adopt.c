// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* adopt: the switch-over to the configuration of an import: its plan, and its execution. */
#include "ctl/adopt.h"

#include "common/util.h"
#include "ctl/import.h"
#include "import/adopt.h"
#include "import/texts.h"

#define CONFIRM_DEFAULT_S 120
#define CONFIRM_MIN_S 10
#define CONFIRM_MAX_S 86400

/* ---- the plan ---- */
static json_t *list_texts(const struct text_list *list)
{
	json_t *value = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(value, json_string(list->texts[i]));
	return value;
}

static int print_adoption_json(struct ctl *ctl, const struct network *network,
			       const struct adoption *adoption, const char *text)
{
	json_t *steps = json_array();

	for (int i = 0; i < N_ADOPT_STEPS; i++)
		json_array_append_new(steps,
				      json_pack("{s:s, s:o}", "title",
						adopt_step_title((enum adopt_step)i), "commands",
						list_texts(&adoption->steps[i])));
	return ctl_print_json(ctl,
			      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "configuration",
					text, "steps", steps, "back", list_texts(&adoption->back),
					"bypassed", list_texts(&adoption->bypassed), "not_checked",
					list_texts(&adoption->unchecked), "not_mapped",
					import_list_remarks(network, true), "notes",
					import_list_remarks(network, false)));
}

static void print_list(struct ctl *ctl, const char *title, const struct text_list *list)
{
	if (list->n)
		fprintf(ctl->out, "\n%s:\n", title);
	for (size_t i = 0; i < list->n; i++)
		fprintf(ctl->out, " - %s\n", list->texts[i]);
}

static void print_adoption(struct ctl *ctl, const struct network *network,
			   const struct adoption *adoption)
{
	fputs("Plan of the switch-over. Nothing has been changed.\n", ctl->out);
	for (int i = 0; i < N_ADOPT_STEPS; i++) {
		fprintf(ctl->out, "\n%d. %s\n", i + 1, adopt_step_title((enum adopt_step)i));
		for (size_t n = 0; n < adoption->steps[i].n; n++)
			fprintf(ctl->out, "   %s\n", adoption->steps[i].texts[n]);
		if (adoption->steps[i].n == 0)
			fputs("   # nothing to do\n", ctl->out);
	}
	print_list(ctl, "Commands that undo the steps before the removal", &adoption->back);
	print_list(ctl, "Filters that redirected frames bypass", &adoption->bypassed);
	print_list(ctl, "Not checked", &adoption->unchecked);
	import_print_unmapped(ctl, network);
}

static int print_dry_run(struct ctl *ctl, const struct network *network,
			 const struct adoption *adoption, const char *text)
{
	int status = import_is_complete(network) && !adoption->bypassed.n &&
				     !adoption->unchecked.n ?
			     CTL_DONE :
			     CTL_WRONG_REQUEST;

	if (ctl->json)
		return print_adoption_json(ctl, network, adoption, text) ? CTL_SYSTEM : status;
	print_adoption(ctl, network, adoption);
	return status;
}

/* ---- what has to be accepted ---- */
static int check_unmapped(struct ctl *ctl, const struct network *network)
{
	size_t n = 0;

	for (size_t i = 0; i < network->n_remarks; i++) {
		const struct net_remark *remark = &network->remarks[i];

		if (!remark->unmapped || remark->moves)
			continue;
		n++;
		ctl_fail(ctl, 0, "%s", remark->text);
	}
	if (n == 0 || ctl->leave)
		return CTL_DONE;
	return ctl_fail(
		ctl, CTL_WRONG_REQUEST,
		"adopt: refused: %zu setting%s not mapped; change %s, or accept the loss with --leave",
		n, n == 1 ? " is" : "s are", n == 1 ? "it" : "them");
}

static int check_filters(struct ctl *ctl, const struct adoption *adoption)
{
	const struct text_list *lists[] = { &adoption->bypassed, &adoption->unchecked };
	size_t n = 0;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		for (size_t i = 0; i < lists[l]->n; i++)
			ctl_fail(ctl, 0, "%s", lists[l]->texts[i]);
		n += lists[l]->n;
	}
	if (n == 0 || ctl->yes)
		return CTL_DONE;
	return ctl_fail(
		ctl, CTL_WRONG_REQUEST,
		"adopt: refused: redirected frames bypass filters that are in force, or filters could not be listed; move the rules, or accept that with --yes");
}

static int check_executable(struct ctl *ctl, const struct network *network, const struct plan *plan,
			    const struct adoption *adoption)
{
	const char *foreign = adopt_find_foreign(plan);
	int status, filters;

	if (foreign)
		return ctl_fail(
			ctl, CTL_WRONG_REQUEST,
			"adopt: %s: belongs to Open vSwitch, whose ports uplinkd cannot move; 'uplinkctl --json adopt --dry-run live ovs' has the commands that move them and those that undo it; run both as docs/migration.md, 'From a running Open vSwitch', shows",
			foreign);
	status = check_unmapped(ctl, network);
	filters = check_filters(ctl, adoption);
	return status ? status : filters;
}

/* ---- what is left to the administrator ---- */
/* The files of other software that still have the former set-up. */
static void find_files(const struct plan *plan, struct text_list *list)
{
	/* clang-format off */
	static const char *const kinds[][2] = {
		{ "ifupdown", "/etc/network/interfaces" },
		{ "netplan", "/etc/netplan" },
		{ "networkd", "/etc/systemd/network" },
		{ NULL, IMPORT_NM_FOLDER },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(errors_done) struct errors errors = {};
		_cleanup_(network_done) struct network files;
		bool exists = access(kinds[i][1], F_OK) == 0;
		int r = 0;

		network_init(&files, &errors);
		if (exists)
			r = kinds[i][0] ? import_read(&files, kinds[i][0]) :
					  import_read_nm(&files, kinds[i][1]);
		if (r < 0 && files.failed != -ENOENT)
			text_add(list, "%s: cannot be read: %s", kinds[i][1],
				 errors.n ? errors.messages[0] : strerror(-files.failed));
		else if (exists)
			adopt_list_files(plan, &files, list);
	}
}

static void print_texts(const struct adopt_job *job, const char *title,
			const struct text_list *list)
{
	if (list->n)
		adopt_print(job, "\n%s:\n", title);
	for (size_t i = 0; i < list->n; i++)
		adopt_print(job, " - %s\n", list->texts[i]);
}

static void list_lost(const struct network *network, struct text_list *list)
{
	for (size_t i = 0; i < network->n_remarks; i++)
		if (network->remarks[i].unmapped && network->remarks[i].moves)
			text_add(list, "%s", network->remarks[i].text);
}

static json_t *result_json(const struct adopt_job *job, const struct text_list *files,
			   const struct text_list *lost, const struct adoption *adoption)
{
	return json_pack("{s:s, s:I, s:s, s:o, s:o, s:o}", "state", "done", "confirm_s",
			 (json_int_t)job->confirm_s, "file", job->config_path, "files",
			 list_texts(files), "next_boot", list_texts(lost), "remove",
			 list_texts(&adoption->steps[ADOPT_REMOVE]));
}

static int report(struct adopt_job *job, const struct network *network, const struct plan *plan,
		  struct adoption *adoption)
{
	struct text_list files = {}, lost = {};
	int status = CTL_DONE;

	find_files(plan, &files);
	list_lost(network, &lost);
	adopt_print(
		job,
		"The host runs on uplinkd. The former set-up is restored after %lld s without confirmation:\n\n"
		"   uplinkctl confirm        keeps the change\n   uplinkctl adopt --undo   restores the former set-up now\n",
		(long long)job->left_ms / 1000);
	print_texts(job, "The next boot brings the former set-up back until these are changed",
		    &files);
	print_texts(job, "Moved now, but missing after the next boot", &lost);
	print_texts(job, "When it is confirmed and the next boot is prepared",
		    &adoption->steps[ADOPT_REMOVE]);
	adopt_print(job, " - systemctl enable uplinkd\n");
	if (job->ctl->json)
		status = ctl_print_json(job->ctl, result_json(job, &files, &lost, adoption));
	text_list_done(&files);
	text_list_done(&lost);
	return status;
}

/* ---- adopt ---- */
/* Filters are those of this host, so its network must be a source. */
static bool reads_this_host(const struct ctl *ctl)
{
	if (!ctl->arguments[0])
		return true;
	for (size_t i = 0; i < CTL_MAX_ARGUMENTS && ctl->arguments[i]; i++)
		if (strcmp(ctl->arguments[i], "live") == 0)
			return true;
	return false;
}

static int parse_confirm(struct ctl *ctl, uint32_t *ret)
{
	uint64_t seconds = CONFIRM_DEFAULT_S;

	if (ctl->confirm && parse_u64(ctl->confirm, CONFIRM_MIN_S, CONFIRM_MAX_S, &seconds) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--confirm %s: must be a number of seconds, %d-%d", ctl->confirm,
				CONFIRM_MIN_S, CONFIRM_MAX_S);
	*ret = (uint32_t)seconds;
	return CTL_DONE;
}

static int execute(struct ctl *ctl, const struct network *network, const struct plan *plan,
		   struct adoption *adoption, const char *text)
{
	json_auto_t *moves = adopt_moves(plan);
	struct adopt_job job = { .ctl = ctl, .configuration = text, .moves = moves };
	int status = check_executable(ctl, network, plan, adoption);

	(void)parse_confirm(ctl, &job.confirm_s);
	if (status == CTL_DONE && !moves)
		status = ctl_fail(ctl, CTL_SYSTEM, "adopt: %s", strerror(ENOMEM));
	if (status == CTL_DONE)
		status = adopt_find_daemon(&job);
	if (status == CTL_DONE)
		status = adopt_execute(&job);
	if (status == CTL_DONE)
		status = report(&job, network, plan, adoption);
	if (job.log)
		fclose(job.log);
	return status;
}

/* The first source that is not of the running host; NULL: none. */
static const char *find_other_source(const struct ctl *ctl)
{
	for (size_t i = 0; i < CTL_MAX_ARGUMENTS && ctl->arguments[i]; i++)
		if (strcmp(ctl->arguments[i], "live") != 0 && strcmp(ctl->arguments[i], "ovs") != 0)
			return ctl->arguments[i];
	return NULL;
}

static int check_options(struct ctl *ctl)
{
	const char *other = find_other_source(ctl);
	uint32_t seconds;

	if (ctl->undo && (ctl->dry_run || ctl->confirm || ctl->arguments[0]))
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"adopt: --undo: cannot be combined with other arguments");
	if (ctl->dry_run && ctl->confirm)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"adopt: --dry-run changes nothing: --confirm has no effect");
	if (!ctl->dry_run && other)
		return ctl_fail(
			ctl, CTL_WRONG_REQUEST,
			"adopt: %s: only the running network (live) can be moved; other sources need --dry-run",
			other);
	return parse_confirm(ctl, &seconds);
}

int cmd_adopt(struct ctl *ctl)
{
	_cleanup_(errors_done) struct errors errors = {};
	_cleanup_(network_done) struct network network;
	_cleanup_(adoption_done) struct adoption adoption = {};
	_cleanup_free_ char *text = NULL;
	struct plan *plan = NULL;
	char sources[512];
	int r, status;

	network_init(&network, &errors);
	status = check_options(ctl);
	if (status || ctl->undo)
		return status ? status : adopt_undo(ctl);
	r = import_make_plan(ctl, &network, &plan, &text, &errors);
	if (r == 0) {
		import_join_sources(ctl, sources, sizeof(sources));
		adopt_plan(&network, plan, sources, &adoption);
		if (reads_this_host(ctl))
			adopt_find_filters(&network, plan, &adoption);
		r = adoption_is_complete(&adoption) ? network.failed : -ENOMEM;
	}
	if (r < 0)
		status = import_print_errors(ctl, &errors, r);
	else if (ctl->dry_run)
		status = print_dry_run(ctl, &network, &adoption, text);
	else
		status = execute(ctl, &network, plan, &adoption, text);
	plan_free(plan);
	return status;
}
