// SPDX-License-Identifier: GPL-2.0
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

TestSuite(filters, .init = setup, .fini = teardown, .timeout = 30);

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
	cr_expect(filter_lives(lo) && has_qdisc());
	filter_detach(lo);
	cr_expect_not(filter_lives(lo));
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
		cr_expect_not(filter_lives(lo));
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
	filters_drop(folder);
	cr_expect(filter_lives(lo), "the program is of another set");
	cr_assert_eq(filter_attach(lo, fd), 0);
	filters_drop(folder);
	cr_expect_not(filter_lives(lo));
	unlink(path);
}
