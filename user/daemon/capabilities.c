// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The capabilities of the daemon, checked before anything is changed: the errno of a system call
 * does not name the one that is missing. */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "daemon/state.h"

/* clang-format off */
static const struct {
	int capability, substitute; /* of kernels and containers that have only that */
	const char *name, *object;
} needed[] = {
	{ CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF", "BPF maps and programs" },
	{ CAP_PERFMON, CAP_SYS_ADMIN, "CAP_PERFMON", "programs that read the carrier of an uplink" },
	{ CAP_NET_ADMIN, CAP_NET_ADMIN, "CAP_NET_ADMIN", "settings and attachments of interfaces" },
	{ CAP_NET_RAW, CAP_NET_RAW, "CAP_NET_RAW", "packet sockets of LACP, LLDP and RARP" },
};
/* clang-format on */

int capabilities_check(uint64_t effective, struct errors *errors)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (effective >> needed[i].capability & 1 || effective >> needed[i].substitute & 1)
			continue;
		r = errors_add(
			errors, -EPERM,
			"%s: %s is missing; run uplinkd as root, or add it to AmbientCapabilities= and CapabilityBoundingSet= of the service",
			needed[i].object, needed[i].name);
	}
	return r;
}

int capabilities_of_process(uint64_t *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	*ret = data[0].effective | (uint64_t)data[1].effective << 32;
	return 0;
}
