// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The packet sockets of an uplink. Opening and closing them waits for the RTNL, so the owner of the
 * channel's thread does not do it. */
#include "channel/channel.h"
#include "common/util.h"
#include "lacp/io.h"

static const enum lacp_io_protocol listened[] = { LACP_IO_SLOW, LACP_IO_LLDP, LACP_IO_CISCO };
_Static_assert(ARRAY_SIZE(listened) == CHANNEL_SOCKETS, "a socket for each");

int channel_sockets_open(uint32_t ifindex, int ret[CHANNEL_SOCKETS])
{
	int fds[CHANNEL_SOCKETS];

	for (size_t i = 0; i < CHANNEL_SOCKETS; i++) {
		fds[i] = lacp_io_open(ifindex, listened[i]);
		if (fds[i] < 0) {
			int r = fds[i];

			while (i-- > 0)
				close(fds[i]);
			return r;
		}
	}
	memcpy(ret, fds, sizeof(fds));
	return 0;
}

void channel_sockets_close(int fds[CHANNEL_SOCKETS])
{
	for (size_t i = 0; i < CHANNEL_SOCKETS; i++) {
		ul_closep(&fds[i]);
		fds[i] = -1;
	}
}
