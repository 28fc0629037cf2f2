// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* switch-config: the configuration of the physical switch that matches a vSwitch. */
#include "ctl/ctl.h"

int cmd_switch_config(struct ctl *ctl)
{
	json_auto_t *devices = NULL;
	json_t *device;
	int status;
	size_t i;

	status = ctl_read(ctl, "SwitchConfiguration", ctl->arguments[0],
			  json_pack("{s:s*, s:s*}", "vendor", ctl->vendor, "ports", ctl->ports),
			  &devices);
	if (status)
		return status;
	if (ctl->json)
		return ctl_print_json(ctl, TAKE_PTR(devices));
	json_array_foreach(devices, i, device)
		fprintf(ctl->out, "%s%s", i ? "\n" : "", ctl_word(device, "text"));
	return CTL_DONE;
}
