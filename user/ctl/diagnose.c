// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* diagnose: the findings of a switch in full, also by comparison with the output of the physical
 * switch. */
#include <fcntl.h>

#include "common/file.h"
#include "ctl/findings.h"
#include "ctl/probe.h"
#include "records/daemon_findings.h"
#include "records/switch_output.h"

/* Reads FILE ("-": standard input) up to one byte more than is allowed. *ret to be freed. */
static int read_text(struct ctl *ctl, const char *path, char **ret, size_t *ret_length)
{
	bool standard = strcmp(path, "-") == 0;
	_cleanup_close_ int opened = standard ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	int fd = standard ? STDIN_FILENO : opened, r;

	if (fd < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--switch-output: %s: %s", path,
				strerror(errno));
	r = file_read(fd, OUTPUT_MAX_BYTES, ret, ret_length);
	return r < 0 ? ctl_fail(ctl, CTL_SYSTEM, "--switch-output: %s: cannot be read: %s", path,
				strerror(-r)) :
		       CTL_DONE;
}

static void print_all(struct ctl *ctl, const char *name, json_t *findings)
{
	json_t *finding;
	size_t i;

	print_findings_title(ctl, name, findings);
	for (enum severity severity = 0; severity < N_SEVERITIES; severity++)
		json_array_foreach(findings, i, finding) {
			if (finding_severity(finding) != severity)
				continue;
			fputc('\n', ctl->out);
			print_finding_in_full(ctl, finding);
		}
}

/* The parameters of the read. An exit status; an error has been printed. */
static int make_query(struct ctl *ctl, json_t **ret)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *query = json_object();
	size_t length = 0;
	int status;

	if (ctl->ports)
		json_object_set_new(query, "ports", json_string(ctl->ports));
	if (ctl->switch_output) {
		status = read_text(ctl, ctl->switch_output, &text, &length);
		if (status)
			return status;
		if (json_object_set_new(query, "switch_output", json_stringn(text, length)) < 0)
			return ctl_fail(ctl, CTL_WRONG_REQUEST,
					"--switch-output: %s: is not UTF-8 text",
					ctl->switch_output);
	}
	*ret = TAKE_PTR(query);
	return CTL_DONE;
}

/* Findings about uplinkd; none when it does not answer, which the switches report. */
static json_t *find_daemon(struct ctl *ctl)
{
	json_auto_t *daemon = ctl_daemon_status(ctl), *findings = daemon_findings(daemon);

	if (!ctl->json && json_array_size(findings)) {
		print_all(ctl, "uplinkd", findings);
		fputc('\n', ctl->out);
	}
	return json_incref(findings);
}

/* The pairs behind an imbalance, in its evidence, and a method that spreads them as the remedy. An
 * exit status; an error has been printed. */
static int explain_imbalance(struct ctl *ctl, json_t *finding)
{
	json_auto_t *cause = NULL;
	json_t *remedy;
	int status = ctl_read(ctl, "Imbalance", ctl_word(finding, "switch"),
			      json_pack("{s:s}", "uplink", ctl_word(finding, "object")), &cause);

	if (status)
		return status;
	remedy = json_object_get(cause, "remedy");
	json_array_extend(json_object_get(finding, "evidence"), json_object_get(cause, "evidence"));
	if (json_is_string(remedy))
		json_object_set(finding, "remedy", remedy);
	return CTL_DONE;
}

static int explain(struct ctl *ctl, json_t *switches)
{
	json_t *sw, *finding;
	int status = CTL_DONE;
	size_t i, k;

	json_array_foreach(switches, i, sw)
		json_array_foreach(json_object_get(sw, "findings"), k, finding)
			if (status == CTL_DONE &&
			    strcmp(ctl_word(finding, "code"), "imbalance") == 0)
				status = explain_imbalance(ctl, finding);
	return status;
}

/* Sends frames by its own packet sockets, and reads the maps for that. */
static int probe(struct ctl *ctl, json_t *switches)
{
	_cleanup_(switches_close) struct switches maps = {};
	int status = ctl_open_switches(ctl, ctl->arguments[0], &maps);
	json_t *sw;
	size_t i;

	json_array_foreach(switches, i, sw) {
		if (status || i >= maps.n)
			break;
		status = probe_run(ctl, maps.snapshots[i], ctl->address,
				   json_object_get(sw, "findings"));
	}
	return status;
}

int cmd_diagnose(struct ctl *ctl)
{
	json_auto_t *query = NULL, *switches = NULL, *all = NULL;
	int status;
	json_t *sw;
	size_t i;

	if (ctl->address && !ctl->probe)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--address: needs --probe");
	status = make_query(ctl, &query);
	if (status == CTL_DONE)
		status = ctl_read(ctl, "Findings", ctl->arguments[0], TAKE_PTR(query), &switches);
	if (status == CTL_DONE)
		status = explain(ctl, switches);
	if (status == CTL_DONE && ctl->probe)
		status = probe(ctl, switches);
	if (status)
		return status;
	all = find_daemon(ctl);
	json_array_foreach(switches, i, sw) {
		json_array_extend(all, json_object_get(sw, "findings"));
		if (ctl->json)
			continue;
		if (i)
			fputc('\n', ctl->out);
		print_all(ctl, ctl_word(sw, "switch"), json_object_get(sw, "findings"));
	}
	status = json_array_size(all) ? CTL_FINDINGS : CTL_DONE;
	if (ctl->json && ctl_print_json(ctl, TAKE_PTR(all)) != CTL_DONE)
		return CTL_SYSTEM;
	return status;
}
