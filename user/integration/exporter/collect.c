// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "control/client.h"
#include "integration/exporter/exporter.h"

/* Of one read. Findings whose counters must be compared take a second of it. */
#define READ_TIMEOUT_MS 3000

static void log_change(int r, const char *message)
{
	static bool failed; /* only the thread of the server comes here */

	if (r < 0 && !failed)
		log_warning(0, "%s", message ? message : strerror(-r));
	else if (r >= 0 && failed)
		log_info("uplinkd answers");
	failed = r < 0;
}

/* One reply, or NULL, which is counted. */
static json_t *call(const char *socket_path, const char *method, struct metrics_input *input)
{
	struct control_result result;
	json_t *reply = NULL;
	int r = control_call(socket_path, method, NULL, READ_TIMEOUT_MS, &result);

	if (r == 0)
		reply = json_incref(result.parameters);
	else
		input->failed_reads++;
	log_change(r, result.message);
	control_result_done(&result);
	return reply;
}

static int render(const struct metrics_input *input, enum metrics_format format, char **ret,
		  size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);
	int r;

	if (!out)
		return -ENOMEM;
	r = metrics_write(input, format, out);
	if (fclose(out) != 0 || r < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(text);
	return 0;
}

int collect(const char *socket_path, enum metrics_format format, char **ret, size_t *ret_size)
{
	struct metrics_input input = {};
	uint64_t begin = now_ns();
	json_auto_t *switches = NULL, *ports = NULL, *drops = NULL, *lacp = NULL, *pagp = NULL;
	int r;

	input.status = call(socket_path, CONTROL_INTERFACE ".Status", &input);
	/* Without an answer to the first request the others are not sent. */
	if (input.status) {
		input.statistics = call(socket_path, CONTROL_INTERFACE ".Statistics", &input);
		switches = call(socket_path, CONTROL_INTERFACE ".Switches", &input);
		ports = call(socket_path, CONTROL_INTERFACE ".Ports", &input);
		drops = call(socket_path, CONTROL_INTERFACE ".Drops", &input);
		lacp = call(socket_path, CONTROL_INTERFACE ".Lacp", &input);
		pagp = call(socket_path, CONTROL_INTERFACE ".Pagp", &input);
	}
	input.switches = json_object_get(switches, "switches");
	input.ports = json_object_get(ports, "ports");
	input.drops = json_object_get(drops, "drops");
	input.lacp = json_object_get(lacp, "switches");
	input.pagp = json_object_get(pagp, "switches");
	input.read_seconds = (double)(now_ns() - begin) / 1e9;
	r = render(&input, format, ret, ret_size);
	json_decref(input.status);
	json_decref(input.statistics);
	return r;
}
