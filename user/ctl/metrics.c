// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* metrics: the samples of the exporter, printed once, for the textfile collector and by hand. */
#include "records/metrics.h"

#include "common/file.h"
#include "control/client.h"
#include "ctl/ctl.h"

#define DAEMON_TIMEOUT_MS 2000

static int parse_format(struct ctl *ctl, enum metrics_format *ret)
{
	if (!ctl->format || strcmp(ctl->format, "openmetrics") == 0)
		*ret = METRICS_OPENMETRICS;
	else if (strcmp(ctl->format, "prometheus") == 0)
		*ret = METRICS_PROMETHEUS;
	else
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--format: %s: must be openmetrics or prometheus", ctl->format);
	return CTL_DONE;
}

/* The reply of the daemon; NULL: it does not answer, which is a metric. */
static json_t *ask(struct ctl *ctl, const char *method)
{
	struct control_result result;
	char path[256];
	json_t *reply = NULL;

	if (control_call(ctl_socket_path(ctl, path, sizeof(path)), method, NULL, DAEMON_TIMEOUT_MS,
			 &result) == 0)
		reply = json_incref(result.parameters);
	control_result_done(&result);
	return reply;
}

static int write_file(struct ctl *ctl, const struct metrics_input *input,
		      enum metrics_format format)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int r = out ? metrics_write(input, format, out) : -errno;

	if (out && fclose(out) != 0 && r == 0)
		r = -errno;
	if (r == 0)
		r = file_replace(ctl->output, text, 0644, false);
	return r < 0 ? ctl_fail(ctl, r == -ENAMETOOLONG ? CTL_WRONG_REQUEST : CTL_SYSTEM,
				"--output %s: %s", ctl->output, strerror(-r)) :
		       CTL_DONE;
}

int cmd_metrics(struct ctl *ctl)
{
	json_auto_t *status = NULL, *statistics = NULL, *switches = NULL, *ports = NULL,
		    *drops = NULL, *lacp = NULL, *pagp = NULL;
	uint64_t begin = now_ns();
	struct metrics_input input;
	enum metrics_format format = METRICS_OPENMETRICS;
	int r;

	if (ctl->json)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"metrics: no JSON output; see 'uplinkctl help metrics'");
	r = parse_format(ctl, &format);
	if (r == CTL_DONE)
		r = ctl_read(ctl, "Switches", NULL, NULL, &switches);
	if (r == CTL_DONE)
		r = ctl_read(ctl, "Ports", NULL, NULL, &ports);
	if (r == CTL_DONE)
		r = ctl_read(ctl, "Drops", NULL, NULL, &drops);
	if (r == CTL_DONE)
		r = ctl_read(ctl, "Lacp", NULL, NULL, &lacp);
	if (r == CTL_DONE)
		r = ctl_read(ctl, "Pagp", NULL, NULL, &pagp);
	if (r != CTL_DONE)
		return r;
	status = ask(ctl, CONTROL_INTERFACE ".Status");
	statistics = status ? ask(ctl, CONTROL_INTERFACE ".Statistics") : NULL;
	input = (struct metrics_input){ .failed_reads = !status + !statistics,
					.status = status,
					.statistics = statistics,
					.switches = switches,
					.ports = ports,
					.drops = drops,
					.lacp = lacp,
					.pagp = pagp,
					.read_seconds = (double)(now_ns() - begin) / 1e9 };
	if (ctl->output)
		return write_file(ctl, &input, format);
	r = metrics_write(&input, format, ctl->out);
	return r < 0 ? ctl_fail(ctl, CTL_SYSTEM, "%s", strerror(-r)) : CTL_DONE;
}
