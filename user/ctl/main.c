// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl/ctl.h"

int main(int argc, char *argv[])
{
	int status = ctl_main(argc, argv, stdout, stderr);

	/* A full disk or a closed pipe is an error, too: no partial table with status 0. */
	if (fflush(stdout) != 0 || ferror(stdout))
		return CTL_SYSTEM;
	return status;
}
