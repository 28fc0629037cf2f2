/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The commands of a netavark plugin driver, API version 1.0.0. */
#ifndef UL_INTEGRATION_NET_NETAVARK_H
#define UL_INTEGRATION_NET_NETAVARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* info, create, setup or teardown */
bool netavark_is_command(const char *name);
/* argument: the path of the network namespace for setup and teardown, else NULL or ignored. Prints
 * the result, or an error object, to out. Returns the exit status. */
int netavark_run(const char *command, const char *argument, const char *input, size_t size,
		 FILE *out);

#endif
