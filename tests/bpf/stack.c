// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* What the verifier limits, from its log, for the objects of each installed clang (`make tests`
 * builds them): the stack, summed per call chain, and the instructions that it walks. The limit of
 * 512 bytes holds for a chain, in which kernels up to 6.8 round each frame up to 32 bytes; 128
 * bytes stay free for later changes. A million instructions may be walked; far fewer are, because
 * the time of a start grows with them. Linux 6.1 walks up to 110,000. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <glob.h>
#include <limits.h>
#include <unistd.h>

#include "common/util.h"

TestSuite(stack, .timeout = 900);

#define LIMIT 512
#define FREE 128
#define GRANULE 32
#define MOST_WALKED 150000
#define MAX_FUNCTIONS 64
#define LOG_STATS 4 /* BPF_LOG_STATS of the kernel, which has no name in its UAPI */

/* The functions of a loaded program in the order of the verifier: by their first instruction. */
struct graph {
	const struct bpf_insn *insns;
	size_t n_insns, n_functions;
	size_t start[MAX_FUNCTIONS];
	uint32_t depth[MAX_FUNCTIONS];
};

/* The instruction that a call, or a reference to a callback, leads to; -1: insn is neither. */
static long target_of(const struct graph *graph, size_t at)
{
	const struct bpf_insn *insn = &graph->insns[at];
	bool call = insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL,
	     callback = insn->code == (BPF_LD | BPF_IMM | BPF_DW) &&
			insn->src_reg == BPF_PSEUDO_FUNC;

	return call || callback ? (long)at + insn->imm + 1 : -1;
}

static void add_function(struct graph *graph, size_t start)
{
	size_t i = 0;

	while (i < graph->n_functions && graph->start[i] < start)
		i++;
	if (i < graph->n_functions && graph->start[i] == start)
		return;
	cr_assert_lt(graph->n_functions, MAX_FUNCTIONS);
	memmove(&graph->start[i + 1], &graph->start[i],
		(graph->n_functions - i) * sizeof(graph->start[0]));
	graph->start[i] = start;
	graph->n_functions++;
}

static void read_functions(struct graph *graph, const struct bpf_program *program)
{
	graph->insns = bpf_program__insns(program);
	graph->n_insns = bpf_program__insn_cnt(program);
	graph->n_functions = 0;
	add_function(graph, 0);
	for (size_t i = 0; i < graph->n_insns; i++)
		if (target_of(graph, i) >= 0)
			add_function(graph, (size_t)target_of(graph, i));
}

static size_t function_at(const struct graph *graph, size_t start)
{
	size_t i = 0;

	while (graph->start[i] != start)
		i++;
	return i;
}

/* "stack depth A+B+C": one number per function */
static void read_depths(struct graph *graph, const char *name, const char *log)
{
	const char *at = strstr(log, "stack depth ");
	size_t n = 0;

	cr_assert_not_null(at, "%s: no stack depth in the verifier's log: %s", name, log);
	at += strlen("stack depth ");
	for (char *end; n < MAX_FUNCTIONS; at = end + 1) {
		graph->depth[n++] = (uint32_t)strtoul(at, &end, 10);
		if (*end != '+')
			break;
	}
	cr_assert_eq(n, graph->n_functions, "%s: %zu stack depths for %zu functions", name, n,
		     graph->n_functions);
}

/* "processed N insns" */
static unsigned long read_walked(const char *name, const char *log)
{
	const char *at = strstr(log, "processed ");

	cr_assert_not_null(at, "%s: no count of instructions in the verifier's log: %s", name, log);
	return strtoul(at + strlen("processed "), NULL, 10);
}

static uint32_t deepest(const struct graph *graph, size_t function)
{
	size_t end = function + 1 < graph->n_functions ? graph->start[function + 1] :
							 graph->n_insns;
	uint32_t own = graph->depth[function] ? graph->depth[function] : 1, callees = 0;

	for (size_t i = graph->start[function]; i < end; i++) {
		long target = target_of(graph, i);
		uint32_t callee = target < 0 ? 0 :
					       deepest(graph, function_at(graph, (size_t)target));

		if (callee > callees)
			callees = callee;
	}
	return (own + GRANULE - 1) / GRANULE * GRANULE + callees;
}

static void check_object(const char *path)
{
	static char log[16][4096];
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct graph graph;
	size_t n = 0;

	cr_assert_not_null(object, "%s: %s", path, strerror(errno));
	bpf_object__for_each_program(program, object) {
		cr_assert_lt(n, ARRAY_SIZE(log));
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, log[n], sizeof(log[n]));
		n++;
	}
	cr_assert_eq(bpf_object__load(object), 0, "%s does not load: %s", path, strerror(errno));
	n = 0;
	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program);
		unsigned long walked = read_walked(name, log[n]);
		uint32_t stack;

		read_functions(&graph, program);
		read_depths(&graph, name, log[n++]);
		stack = deepest(&graph, 0);
		cr_log_info("%s: %s: %u bytes, %lu instructions walked\n", path, name, stack,
			    walked);
		cr_expect_leq(stack, LIMIT - FREE, "%s: %s: %u bytes of stack", path, name, stack);
		cr_expect_leq(walked, MOST_WALKED, "%s: %s: %lu instructions walked", path, name,
			      walked);
	}
	bpf_object__close(object);
}

Test(stack, is_free_for_changes_with_each_compiler)
{
	char self[PATH_MAX] = "", pattern[PATH_MAX + 64];
	glob_t found;

	cr_assert_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	for (int i = 0; i < 2; i++) /* build/tests/bpf */
		*strrchr(self, '/') = '\0';
	snprintf(pattern, sizeof(pattern), "%s/compilers/*/uplinkd.bpf.o", self);
	cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "no %s: make tests", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_object(found.gl_pathv[i]);
	globfree(&found);
}
