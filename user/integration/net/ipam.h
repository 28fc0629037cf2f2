/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The IPAM plugin of a CNI network, executed as the specification says. */
#ifndef UL_INTEGRATION_NET_IPAM_H
#define UL_INTEGRATION_NET_IPAM_H

#include <jansson.h>

#include "integration/net/failure.h"

struct ipam {
	const char *type;   /* name of the program; NULL: the network has none */
	const char *path;   /* CNI_PATH: folders, separated by colons */
	const char *config; /* standard input: that of this plugin */
	size_t size;
};

/*
 * Executes the plugin with this process's environment, but with CNI_COMMAND=command, and waits. The
 * plugin ends with this process. ret_result: what it printed, owned by the caller; NULL: ignored.
 * 0, also without a plugin (*ret_result is then an empty object); -EREMOTEIO: the plugin failed,
 * with its code and message; other negative errno with a reason.
 */
int ipam_run(const struct ipam *ipam, const char *command, json_t **ret_result,
	     struct failure *failure);

#endif
