// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* port add|del: ports at run time; called by the hooks of hypervisors, too. */
#include "ctl/ctl.h"

int cmd_port_add(struct ctl *ctl)
{
	const char *switch_name = ctl->arguments[0], *group = ctl->arguments[1],
		   *interface = ctl->arguments[2];
	json_auto_t *reply = NULL;
	bool existed, missing;
	json_t *parameters;
	uint8_t mac[6];
	int status;

	if (ctl->mac && mac_parse(ctl->mac, mac) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--mac %s: must be a MAC address such as 52:54:00:12:34:56",
				ctl->mac);
	if (ctl->mac && mac[0] & 1)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--mac %s: must be a unicast address, this is a group address",
				ctl->mac);
	parameters = json_pack("{s:s, s:s, s:s, s:s*}", "switch", switch_name, "group", group,
			       "interface", interface, "mac", ctl->mac);
	if (ctl->may_exist)
		json_object_set_new(parameters, "may_exist", json_true());
	status = ctl_request(ctl, "AddPort", parameters, &reply);
	if (status)
		return status;
	existed = json_is_true(json_object_get(reply, "existed"));
	missing = json_is_false(json_object_get(reply, "present"));
	if (ctl->json)
		return ctl_print_json(ctl, json_pack("{s:s, s:s, s:s, s:s?, s:b, s:b}", "switch",
						     switch_name, "group", group, "interface",
						     interface, "mac", ctl->mac, "existed", existed,
						     "present", !missing));
	if (existed)
		fprintf(ctl->out, "%s is a port of %s/%s already\n", interface, switch_name, group);
	else if (missing)
		fprintf(ctl->out,
			"%s added to %s/%s; it does not exist yet and is attached as soon as it appears\n",
			interface, switch_name, group);
	else
		fprintf(ctl->out, "%s attached to %s/%s\n", interface, switch_name, group);
	return CTL_DONE;
}

int cmd_port_del(struct ctl *ctl)
{
	const char *interface = ctl->arguments[0];
	json_auto_t *reply = NULL;
	json_t *parameters = json_pack("{s:s}", "interface", interface);
	bool existed, configured;
	int status;

	if (ctl->if_exists)
		json_object_set_new(parameters, "if_exists", json_true());
	status = ctl_request(ctl, "RemovePort", parameters, &reply);
	if (status)
		return status;
	existed = !json_is_false(json_object_get(reply, "existed"));
	configured = json_is_true(json_object_get(reply, "configured"));
	if (ctl->json)
		return ctl_print_json(ctl, json_pack("{s:s, s:b, s:b}", "interface", interface,
						     "existed", existed, "configured", configured));
	if (!existed)
		fprintf(ctl->out, "%s is not a port\n", interface);
	else if (configured)
		fprintf(ctl->out,
			"%s detached; it is in the configuration file, so the next reload or start attaches it again: remove it there\n",
			interface);
	else
		fprintf(ctl->out, "%s detached\n", interface);
	return CTL_DONE;
}
