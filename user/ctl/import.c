// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* A configuration from the network configuration of other software. */
#include "ctl/import.h"

#include "config/model.h"

int import_print_errors(struct ctl *ctl, const struct errors *errors, int error)
{
	for (size_t i = 0; i < errors->n; i++)
		ctl_fail(ctl, 0, "%s", errors->messages[i]);
	if (errors->n == 0)
		ctl_fail(ctl, 0, "the sources cannot be mapped: %s", strerror(-error));
	return error == -ENOMEM || error == -EIO ? CTL_SYSTEM : CTL_WRONG_REQUEST;
}

static int read_sources(struct ctl *ctl, struct network *network)
{
	int r = 0;

	if (!ctl->arguments[0])
		return import_read(network, "live");
	for (size_t i = 0; r == 0 && i < CTL_MAX_ARGUMENTS && ctl->arguments[i]; i++)
		r = import_read(network, ctl->arguments[i]);
	return r;
}

void import_join_sources(const struct ctl *ctl, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < CTL_MAX_ARGUMENTS && ctl->arguments[i] && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "",
					 ctl->arguments[i]);
	if (ctl->uplinks && used < size)
		snprintf(text + used, size - used, "%s--uplinks %s", used ? " " : "", ctl->uplinks);
}

/* The configuration is accepted by the parser of uplinkd, or nothing is printed. */
static int write_checked(struct ctl *ctl, const struct plan *plan, const struct network *network,
			 char **ret, struct errors *errors)
{
	struct model *model = NULL;
	char sources[512];
	size_t size;
	FILE *out = open_memstream(ret, &size);
	int r;

	if (!out)
		return -ENOMEM;
	import_join_sources(ctl, sources, sizeof(sources));
	import_write(plan, network, sources, out);
	if (fclose(out) != 0)
		return -ENOMEM;
	r = config_parse(*ret, size, "import", &model, errors);
	model_free(model);
	return r;
}

json_t *import_list_remarks(const struct network *network, bool unmapped)
{
	json_t *list = json_array();

	for (size_t i = 0; i < network->n_remarks; i++)
		if (network->remarks[i].unmapped == unmapped)
			json_array_append_new(list, json_string(network->remarks[i].text));
	return list;
}

bool import_is_complete(const struct network *network)
{
	for (size_t i = 0; i < network->n_remarks; i++)
		if (network->remarks[i].unmapped)
			return false;
	return true;
}

void import_print_unmapped(struct ctl *ctl, const struct network *network)
{
	for (size_t i = 0; i < network->n_remarks; i++)
		if (network->remarks[i].unmapped)
			ctl_fail(ctl, 0, "%s", network->remarks[i].text);
}

/* Its ports have no master in the kernel, so `live` does not show them. */
static void suggest_ovs(const struct ctl *ctl, struct errors *errors)
{
	bool is_live = !ctl->arguments[0];

	for (size_t i = 0; i < CTL_MAX_ARGUMENTS && ctl->arguments[i]; i++) {
		is_live = is_live || strcmp(ctl->arguments[i], "live") == 0;
		if (strncmp(ctl->arguments[i], "ovs", 3) == 0)
			return;
	}
	if (is_live && access(IMPORT_OVS_SOCKET, F_OK) == 0)
		errors_add(errors, 0, "Open vSwitch runs on this host: add its source: 'live ovs'");
}

int import_make_plan(struct ctl *ctl, struct network *network, struct plan **ret_plan,
		     char **ret_text, struct errors *errors)
{
	struct plan *plan = NULL;
	int r;

	r = read_sources(ctl, network);
	if (r == 0)
		r = import_map(network, ctl->uplinks, &plan);
	if (r == -ENODATA)
		suggest_ovs(ctl, errors);
	if (r == 0)
		r = write_checked(ctl, plan, network, ret_text, errors);
	if (r < 0) {
		plan_free(plan);
		return r;
	}
	*ret_plan = plan;
	return 0;
}

int cmd_import(struct ctl *ctl)
{
	_cleanup_(errors_done) struct errors errors = {};
	_cleanup_(network_done) struct network network;
	_cleanup_free_ char *text = NULL;
	struct plan *plan = NULL;
	int r, status;

	network_init(&network, &errors);
	r = import_make_plan(ctl, &network, &plan, &text, &errors);
	if (r < 0)
		return import_print_errors(ctl, &errors, r);
	plan_free(plan);
	status = import_is_complete(&network) ? CTL_DONE : CTL_WRONG_REQUEST;
	if (ctl->json)
		return ctl_print_json(ctl,
				      json_pack("{s:s, s:o, s:o}", "configuration", text,
						"not_mapped", import_list_remarks(&network, true),
						"notes", import_list_remarks(&network, false))) ?
			       CTL_SYSTEM :
			       status;
	fputs(text, ctl->out);
	import_print_unmapped(ctl, &network);
	return status;
}
