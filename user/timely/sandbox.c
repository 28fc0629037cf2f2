// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <linux/bpf.h>
#include <seccomp.h>
#include <sys/mman.h>

#include "timely/internal.h"

/* Sockets and descriptors that are already open, the clock, memory, and what the C library makes
 * of assert() and the end of a thread. Not: opening, closing, netlink, ioctl, code that is made at
 * run time. */
/* clang-format off */
static const int allowed[] = {
	SCMP_SYS(ppoll),	  SCMP_SYS(send),	   SCMP_SYS(sendto),
	SCMP_SYS(recv),		  SCMP_SYS(recvfrom),	   SCMP_SYS(getsockopt),
	SCMP_SYS(futex),	  SCMP_SYS(clock_gettime), SCMP_SYS(brk),
	SCMP_SYS(mremap),	  SCMP_SYS(munmap),	   SCMP_SYS(madvise),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),  SCMP_SYS(rt_sigaction),
	SCMP_SYS(getpid),	  SCMP_SYS(gettid),	   SCMP_SYS(tgkill),
	SCMP_SYS(write),	  SCMP_SYS(exit),	   SCMP_SYS(exit_group),
	SCMP_SYS(restart_syscall),
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(sigaltstack), /* at the end of a thread */
#endif
};
/* clang-format on */

static const enum bpf_cmd allowed_bpf[] = { BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM,
					    BPF_PROG_TEST_RUN };

static int add_rules(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_code = {
		.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0
	};
	int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_code);

	if (r == 0)
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &no_code);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed_bpf); i++) {
		const struct scmp_arg_cmp command = { .arg = 0,
						      .op = SCMP_CMP_EQ,
						      .datum_a = allowed_bpf[i] };

		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1, &command);
	}
	return r;
}

int sandbox_enter(void)
{
	const char *mode = getenv("UPLINKD_SANDBOX");
	bool kill = mode && strcmp(mode, "kill") == 0;
	scmp_filter_ctx filter = seccomp_init(kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = add_rules(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
