// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* TC filters in place of TCX links (user/dataplane/filter.c): what belongs to others stays. In a
 * network namespace and with a BPF file system of the test's own; all of it ends with the test's
 * process. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "dataplane/internal.h"

static char folder[] = "/tmp/ul-filters-XXXXXX";
static uint32_t lo;

static void setup(void)
{
	cr_assert_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0, "unshare: %s", strerror(errno));
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert(mkdtemp(folder));
	cr_assert_eq(mount("none", folder, "bpf", 0, NULL), 0, "mount: %s", strerror(errno));
	lo = if_nametoindex("lo");
	cr_assert_neq(lo, 0);
	libbpf_set_print(NULL); /* queries that find nothing */
}

static void teardown(void)
{
	umount(folder);
	cr_assert_eq(rmdir(folder), 0, "%s", folder);
}

TestSuite(filters, .init = setup, .fini = teardown, .timeout = 900);

static int program_of(int verdict)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "verdict", "GPL", code, ARRAY_SIZE(code),
			       NULL);

	cr_assert_geq(fd, 0, "%s", strerror(errno));
	return fd;
}

static uint32_t other_filter(enum bpf_tc_attach_point where, int fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)lo, .attach_point = where);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 7, .priority = 7, .prog_fd = fd);
	int r;

	if (fd < 0) {
		opts.prog_fd = 0;
		return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
	}
	r = bpf_tc_hook_create(&hook);
	cr_assert(r == 0 || r == -EEXIST, "%s", strerror(-r));
	cr_assert_eq(bpf_tc_attach(&hook, &opts), 0);
	return program_id(fd);
}

static bool has_qdisc(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)lo,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (bpf_tc_hook_create(&hook) == -EEXIST)
		return true;
	bpf_tc_hook_destroy(&hook);
	return false;
}

Test(filters, ours_leaves_nothing)
{
	_cleanup_close_ int fd = program_of(0);

	cr_expect_not(has_qdisc());
	cr_assert_eq(filter_attach(lo, fd), 0);
	cr_expect(filter_find(lo) == 0 && has_qdisc());
	filter_detach(lo);
	cr_expect_eq(filter_find(lo), -ENOENT);
	cr_expect_not(has_qdisc(), "the qdisc was left behind");
}

Test(filters, those_of_others_stay)
{
	static const enum bpf_tc_attach_point places[] = { BPF_TC_INGRESS, BPF_TC_EGRESS };
	_cleanup_close_ int fd = program_of(0), other = program_of(1);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint32_t id = other_filter(places[i], other);

		cr_assert_eq(filter_attach(lo, fd), 0);
		filter_detach(lo);
		cr_expect_eq(filter_find(lo), -ENOENT);
		cr_expect_eq(other_filter(places[i], -1), id,
			     "the other filter went as well (place %zu)", i);
		filter_detach(lo);
		cr_expect_eq(other_filter(places[i], -1), id,
			     "there was none of ours, but the other one went (place %zu)", i);
	}
}

/* A set whose maps this version cannot read: whose filters are its own shows by its programs. */
Test(filters, of_a_set_by_its_programs)
{
	_cleanup_close_ int fd = program_of(0), other = program_of(1);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/prog_uplink_tc", folder);
	cr_assert_eq(bpf_obj_pin(fd, path), 0);
	cr_assert_eq(filter_attach(lo, other), 0);
	filters_drop(folder, NULL);
	cr_expect_eq(filter_find(lo), 0, "the program is of another set");
	cr_assert_eq(filter_attach(lo, fd), 0);
	filters_drop(folder, NULL);
	cr_expect_eq(filter_find(lo), -ENOENT);
	unlink(path);
}

/* ---- an interface that leaves ---- */
static const struct dataplane_ops detach_ops = { .detach = attach_detach,
						 .detach_strays = attach_detach_strays };

struct set {
	struct dataplane dp;
	struct ul_meta meta;
	struct ul_uplink uplinks[UL_MAX_UPLINKS];
	struct errors errors;
};

static struct set *set_with_filter(int fd)
{
	struct set *set = calloc(1, sizeof(*set));
	char path[PATH_MAX];

	cr_assert(set);
	set->dp.ops = &detach_ops;
	set->dp.meta = &set->meta;
	set->dp.uplinks = set->uplinks;
	set->dp.errors = &set->errors;
	snprintf(set->dp.dir, sizeof(set->dp.dir), "%s", folder);
	snprintf(path, sizeof(path), "%s/prog_uplink_tc", folder);
	cr_assert_eq(bpf_obj_pin(fd, path), 0);
	cr_assert_eq(filter_attach(lo, fd), 0);
	return set;
}

static void set_free(struct set *set)
{
	errors_done(&set->errors);
	free(set);
}

static void limit_descriptors(rlim_t soft)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = soft;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* With the filter it would receive nothing. */
Test(filters, that_could_not_be_detached_is_detached_later)
{
	_cleanup_close_ int fd = program_of(0);
	struct set *set = set_with_filter(fd);
	int first, second;

	limit_descriptors(0);
	first = dataplane_detach(&set->dp, lo);
	second = dataplane_detach_strays(&set->dp);
	limit_descriptors(256);
	cr_expect_eq(first, -EMFILE);
	cr_expect_eq(second, -EMFILE);
	cr_expect_eq(set->errors.n, 2);
	cr_expect_eq(filter_find(lo), 0);
	cr_expect(set->dp.detach_failed);
	set->dp.staged = true;
	cr_expect_eq(dataplane_detach_strays(&set->dp), -EAGAIN);
	set->dp.staged = false;
	cr_expect_eq(dataplane_detach_strays(&set->dp), 0);
	cr_expect_eq(filter_find(lo), -ENOENT);
	cr_expect_not(set->dp.detach_failed);
	set_free(set);
}

Test(filters, of_a_member_or_of_another_set_stays)
{
	_cleanup_close_ int fd = program_of(0), other = program_of(1);
	struct set *set = set_with_filter(fd);

	set->dp.detach_failed = true;
	set->uplinks[0].ifindex = lo;
	cr_expect_eq(dataplane_detach_strays(&set->dp), 0);
	cr_expect_eq(filter_find(lo), 0, "it is connected again");
	set->dp.detach_failed = true;
	set->uplinks[0].ifindex = 0;
	cr_assert_eq(filter_attach(lo, other), 0);
	cr_expect_eq(dataplane_detach_strays(&set->dp), 0);
	cr_expect_eq(filter_find(lo), 0, "another set has the interface now");
	set_free(set);
}

Test(filters, of_an_interface_that_is_gone_are_no_error)
{
	struct set *set = calloc(1, sizeof(*set));

	cr_assert(set);
	set->dp.ops = &detach_ops;
	snprintf(set->dp.dir, sizeof(set->dp.dir), "%s", folder);
	cr_expect_eq(dataplane_detach(&set->dp, 4711), 0);
	cr_expect_not(set->dp.detach_failed);
	set_free(set);
}

/* ---- programs of other software in front of ours ---- */
#define TCX_INGRESS ((enum bpf_attach_type)46) /* newer than the headers of Debian 12 */
#define BEFORE (1U << 3)		       /* BPF_F_BEFORE, likewise */

static uint32_t found(struct dataplane *dp, bool with_xdp, uint32_t xdp_id)
{
	return dataplane_find_problems(dp, lo, PROG_PORT_TC, with_xdp, xdp_id);
}

static int tcx_link(int program_fd, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(program_fd, (int)lo, TCX_INGRESS, &opts);

	if (fd < 0)
		cr_skip("no TCX links here: %s", strerror(errno));
	return fd;
}

static const struct dataplane_ops ops = { .find_problems = attach_find_problems };

Test(filters, tc_programs_in_front_are_found)
{
	_cleanup_close_ int own = program_of(0), other = program_of(-1);
	struct dataplane dp = { .ops = &ops, .program_fd = { -1, -1, -1, -1 } };
	int own_link, after, before;

	dp.program_fd[PROG_PORT_TC] = own;
	own_link = tcx_link(own, 0);
	cr_expect_eq(found(&dp, false, 0), 0);
	after = tcx_link(other, 0);
	cr_expect_eq(found(&dp, false, 0), 0, "it runs after ours");
	close(after);
	before = tcx_link(other, BEFORE);
	cr_expect_eq(found(&dp, false, 0), UL_PROBLEM_TC);
	close(own_link);
	cr_expect_eq(found(&dp, false, 0), UL_PROBLEM_DETACHED);
	close(before);
	cr_expect_eq(found(&dp, false, 0), UL_PROBLEM_DETACHED);
	dp.staged = true;
	cr_expect_eq(found(&dp, false, 0), 0, "the links run the programs of the older set");
}

Test(filters, xdp_programs_of_others_are_found)
{
	_cleanup_close_ int own = program_of(0), xdp = program_of(2);
	struct dataplane dp = { .ops = &ops, .program_fd = { -1, -1, -1, -1 } };
	int own_link = tcx_link(own, 0);
	uint32_t id = program_id(xdp);

	dp.program_fd[PROG_PORT_TC] = own;
	dp.program_fd[PROG_UPLINK_XDP] = xdp;
	cr_expect_eq(found(&dp, true, id), 0);
	cr_expect_eq(found(&dp, true, 0), UL_PROBLEM_DETACHED);
	cr_expect_eq(found(&dp, true, id + 1), UL_PROBLEM_XDP);
	cr_expect_eq(found(&dp, false, id), UL_PROBLEM_XDP, "receive: tc");
	cr_expect_eq(found(&dp, false, 0), 0);
	close(own_link);
}
