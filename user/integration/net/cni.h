/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The commands of a CNI plugin, https://www.cni.dev/docs/spec/ */
#ifndef UL_INTEGRATION_NET_CNI_H
#define UL_INTEGRATION_NET_CNI_H

#include <stddef.h>
#include <stdio.h>

/* The variables CNI_COMMAND and so on; a missing one is "". */
struct cni_environment {
	const char *command, *container, *netns, *ifname, *arguments, *path;
};

/* Executes the command and prints its result, or an error object, to out. input: the network
 * configuration. Returns the exit status. */
int cni_run(const struct cni_environment *environment, const char *input, size_t size, FILE *out);

#endif
