/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* BPF_PROG_TEST_RUN for the tools that measure programs. */
#ifndef UL_BENCH_TESTRUN_H
#define UL_BENCH_TESTRUN_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(2);
}

static inline struct bpf_object *open_object(const char *dir, const char *name)
{
	char path[512];
	struct bpf_object *object;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", dir, name);
	object = bpf_object__open_file(path, NULL);
	if (!object)
		die(path);
	return object;
}

static inline int program_fd(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		die(name);
	return bpf_program__fd(program);
}

static inline int map_fd(struct bpf_object *object, const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(object, name));
}

static inline double thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Mean CPU time of one run in ns, measured for this thread: the figure of the kernel is in whole
 * nanoseconds. XDP, or TC with the frame arriving at ifindex.
 */
static inline double test_run(int fd, int xdp, uint32_t ifindex, const void *frame, uint32_t bytes,
			      int repeat, uint32_t *ret_retval)
{
	struct xdp_md md = { .data_end = bytes, .ingress_ifindex = ifindex };
	struct __sk_buff skb = { .ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = bytes,
		    .repeat = repeat);
	double start;

	if (xdp) {
		opts.ctx_in = &md;
		opts.ctx_size_in = sizeof(md);
	} else {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	start = thread_ns();
	if (bpf_prog_test_run_opts(fd, &opts))
		die("BPF_PROG_TEST_RUN");
	*ret_retval = opts.retval;
	return (thread_ns() - start) / repeat;
}

#endif
