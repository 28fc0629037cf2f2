// SPDX-License-Identifier: GPL-2.0
/* port add|del: machines that come and go (a hypervisor's hook calls these). */
#include "ctl/ctl.h"

int cmd_port_add(struct ctl *ctl)
{
	const char *switch_name = ctl->arguments[0], *group = ctl->arguments[1],
		   *interface = ctl->arguments[2];
	uint8_t mac[6];
	int status;

	if (ctl->mac && mac_parse(ctl->mac, mac) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--mac %s: must be a MAC address such as 52:54:00:12:34:56",
				ctl->mac);
	if (ctl->mac && mac[0] & 1)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--mac %s: is a group address; a port needs a unicast address",
				ctl->mac);
	status = ctl_request(ctl, "AddPort",
			     json_pack("{s:s, s:s, s:s, s:s*}", "switch", switch_name, "group",
				       group, "interface", interface, "mac", ctl->mac),
			     NULL);
	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, json_pack("{s:s, s:s, s:s, s:s?}", "switch", switch_name,
						     "group", group, "interface", interface, "mac",
						     ctl->mac));
	fprintf(ctl->out, "%s is a port of %s/%s\n", interface, switch_name, group);
	return CTL_DONE;
}

int cmd_port_del(struct ctl *ctl)
{
	const char *interface = ctl->arguments[0];
	int status =
		ctl_request(ctl, "RemovePort", json_pack("{s:s}", "interface", interface), NULL);

	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, json_pack("{s:s}", "interface", interface));
	fprintf(ctl->out, "%s is no port any more\n", interface);
	return CTL_DONE;
}
