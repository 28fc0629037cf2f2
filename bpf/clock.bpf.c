// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Syscall program: the jiffies of now, by which user space reads the times of ul_fdb_use. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

SEC("syscall")
int clock_read(struct ul_clock *clock)
{
	clock->jiffies = bpf_jiffies64();
	return 0;
}

char _license[] SEC("license") = "GPL";
