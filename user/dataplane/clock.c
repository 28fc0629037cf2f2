// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/clock.h"

#include <bpf/bpf.h>
#include <time.h>

#include "abi.h"

#define NSEC_PER_SEC 1000000000L
#define DEFAULT_HZ 250

/* The resolution of the coarse clocks is one jiffy (KTIME_LOW_RES in kernel/time/hrtimer.c). */
uint32_t kernel_hz(void)
{
	struct timespec jiffy;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy) < 0 || jiffy.tv_sec || jiffy.tv_nsec <= 0)
		return DEFAULT_HZ;
	return (uint32_t)((NSEC_PER_SEC + jiffy.tv_nsec / 2) / jiffy.tv_nsec);
}

uint64_t clock_jiffies(int program_fd)
{
	struct ul_clock clock = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &clock, .ctx_size_in = sizeof(clock));

	if (program_fd < 0 || bpf_prog_test_run_opts(program_fd, &opts) < 0)
		return 0;
	return clock.jiffies;
}
