// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sys/stat.h>

#include "view_fake.h"

static struct fake_fs fs;
static struct fake fake;

static void setup(void)
{
	fake_mount(&fs);
	fake_init(&fake, 3);
}

static void teardown(void)
{
	fake_unmount(&fs);
}

TestSuite(dataplane_view, .init = setup, .fini = teardown, .timeout = 300);
TestSuite(dataplane_view_reasons);

static void expect_same(const struct view *view)
{
	cr_expect_eq(memcmp(view->meta, &fake.meta, sizeof(fake.meta)), 0);
	cr_expect_eq(memcmp(view->uplinks, fake.uplinks, sizeof(fake.uplinks)), 0);
	cr_expect_eq(memcmp(view->ports, fake.ports, sizeof(fake.ports)), 0);
	cr_expect_eq(memcmp(view->groups, fake.groups, sizeof(fake.groups)), 0);
	cr_expect_eq(memcmp(view->policies, fake.policies, sizeof(fake.policies)), 0);
	cr_expect_eq(memcmp(view->vlans, fake.vlans, sizeof(fake.vlans)), 0);
	cr_expect_eq(memcmp(view->fdb, fake.fdb, sizeof(fake.fdb)), 0);
	cr_expect_eq(view->fdb_buckets, FAKE_FDB);
}

Test(dataplane_view, shows_what_is_pinned)
{
	struct view *view = NULL;

	fake.vlans[100].n_members = 7;
	fake.vlans[4095].flags = UL_VLAN_TRUNKED;
	fake.policies[63].method = UL_M_PORT_ID;
	fake_pin(&fs, &fake, "vswitch0");
	cr_assert_eq(view_open(fs.directory, "vswitch0", &view), 0);
	cr_expect_str_eq(view->name, "vswitch0");
	expect_same(view);
	view_close(view);
}

Test(dataplane_view, is_live)
{
	struct view *view = NULL;
	struct ul_uplink changed;
	uint32_t key = 1;
	char path[128];

	fake_pin(&fs, &fake, "vswitch0");
	cr_assert_eq(view_open(fs.directory, "vswitch0", &view), 0);
	snprintf(path, sizeof(path), "%s/ul_uplinks", fs.path);
	_cleanup_close_ int fd = bpf_obj_get(path);

	changed = fake.uplinks[1];
	changed.flags = UL_UP_DRAINED;
	cr_assert_eq(bpf_map_update_elem(fd, &key, &changed, 0), 0);
	cr_expect_eq(view->uplinks[1].flags, UL_UP_DRAINED);
	view_close(view);
}

Test(dataplane_view, map_that_cannot_be_mapped_is_copied)
{
	struct view *view = NULL;

	fake_pin(&fs, &fake, "vswitch0");
	fake_pin_map(fs.path, "ul_meta", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_meta), 1, 0,
		     &fake.meta);
	fake_pin_map(fs.path, "ul_policies", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_policy),
		     UL_MAX_POLICIES, 0, fake.policies);
	fake_pin_map(fs.path, "ul_fdb", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_match_row), FAKE_FDB,
		     0, fake.fdb);
	cr_assert_eq(view_open(fs.directory, "vswitch0", &view), 0);
	expect_same(view);
	view_close(view);
}

Test(dataplane_view, counters_are_summed_over_cpus)
{
	int n_cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct ul_stats *cpus = calloc((size_t)n_cpus, sizeof(*cpus));
	struct view *view = NULL;
	struct ul_stats sum;
	uint32_t object = 2;
	char path[128];

	fake_pin(&fs, &fake, "vswitch0");
	snprintf(path, sizeof(path), "%s/ul_stats", fs.path);
	_cleanup_close_ int fd = bpf_obj_get(path);

	for (int cpu = 0; cpu < n_cpus; cpu++) {
		cpus[cpu].sent = (struct ul_count){ 1ULL << 40, 100 };
		cpus[cpu].learn_overflow.packets = (uint64_t)cpu + 1;
	}
	cr_assert_eq(bpf_map_update_elem(fd, &object, cpus, 0), 0);
	cr_assert_eq(view_open(fs.directory, "vswitch0", &view), 0);
	cr_assert_eq(view_stats(view, object, &sum), 0);
	cr_expect_eq(sum.sent.packets, (uint64_t)n_cpus << 40);
	cr_expect_eq(sum.sent.bytes, (uint64_t)n_cpus * 100);
	cr_expect_eq(sum.learn_overflow.packets, (uint64_t)n_cpus * (uint64_t)(n_cpus + 1) / 2);
	cr_expect_eq(sum.reflected.packets, 0);
	cr_expect_eq(view_stats(view, 100000, &sum), -ENOENT);
	view_close(view);
}

/* Maps that may be pinned in place of a right one, and the result of opening. */
static const struct {
	const char *what, *name;
	int type;
	uint32_t value_size, entries;
	int expect;
	/* clang-format off */
} others[] = {
	{ "hash instead of array", "ul_uplinks", BPF_MAP_TYPE_HASH, sizeof(struct ul_uplink), UL_MAX_UPLINKS, -EPROTO },
	{ "longer values", "ul_uplinks", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_uplink) + 8, UL_MAX_UPLINKS, -EPROTO },
	{ "shorter values", "ul_policies", BPF_MAP_TYPE_ARRAY, 8, UL_MAX_POLICIES, -EPROTO },
	{ "fewer uplinks", "ul_uplinks", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_uplink), UL_MAX_UPLINKS - 1, -EPROTO },
	{ "fewer VLANs", "ul_vlans", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_vlan), 1, -EPROTO },
	{ "fewer ports than ul_meta says", "ul_ports", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_port), FAKE_PORTS - 1, -EPROTO },
	{ "fewer groups than ul_meta says", "ul_groups", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_group), FAKE_GROUPS - 1, -EPROTO },
	{ "counters not per CPU", "ul_stats", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_stats), UL_ENDPOINT_PORT0 + FAKE_PORTS, -EPROTO },
	{ "counters of other size", "ul_stats", BPF_MAP_TYPE_PERCPU_ARRAY, 8, UL_ENDPOINT_PORT0 + FAKE_PORTS, -EPROTO },
	{ "unfinished: meta of zeros", "ul_meta", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_meta), 1, -EPROTO },
	{ "more ports than ul_meta says", "ul_ports", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_port), FAKE_PORTS + 1, 0 },
};
/* clang-format on */

Test(dataplane_view, other_maps_are_refused)
{
	struct view *const untouched = (struct view *)&fake;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct view *view = untouched;
		char name[UL_NAME_LEN];
		int r;

		snprintf(name, sizeof(name), "s%zu", i);
		fake_pin(&fs, &fake, name);
		fake_pin_map(fs.path, others[i].name, others[i].type, others[i].value_size,
			     others[i].entries, 0, NULL);
		r = view_open(fs.directory, name, &view);
		cr_expect_eq(r, others[i].expect, "%s: %d, expected %d", others[i].what, r,
			     others[i].expect);
		if (r == 0)
			view_close(view);
		else
			cr_expect_eq(view, untouched, "%s: the result was touched", others[i].what);
	}
}

Test(dataplane_view, another_version_is_reported_before_a_missing_map)
{
	struct view *view = NULL;
	char path[128];

	fake.meta.abi_version = UL_ABI_VERSION + 1;
	fake_pin(&fs, &fake, "vswitch0");
	/* another version may have no such map */
	snprintf(path, sizeof(path), "%s/ul_groups", fs.path);
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(view_open(fs.directory, "vswitch0", &view), -EPROTO);
}

Test(dataplane_view, meta_out_of_range)
{
	struct view *view = NULL;

	fake.meta.n_uplinks = UL_MAX_UPLINKS + 1;
	fake_pin(&fs, &fake, "vswitch0");
	cr_expect_eq(view_open(fs.directory, "vswitch0", &view), -EPROTO);
}

Test(dataplane_view, program_in_place_of_a_map)
{
	static const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	_cleanup_close_ int fd =
		bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "other", "GPL", instructions, 2, NULL);
	struct view *view = NULL;
	char path[128];

	cr_assert_geq(fd, 0, "%s", strerror(errno));
	fake_pin(&fs, &fake, "vswitch0");
	snprintf(path, sizeof(path), "%s/ul_ports", fs.path);
	unlink(path);
	cr_assert_eq(bpf_obj_pin(fd, path), 0);
	cr_expect_lt(view_open(fs.directory, "vswitch0", &view), 0);
}

Test(dataplane_view, missing)
{
	struct view *view = NULL;
	char path[128];

	cr_expect_eq(view_open(fs.directory, "vswitch0", &view), -ENOENT);
	fake_pin(&fs, &fake, "vswitch0");
	cr_expect_eq(view_open(fs.directory, "vswitch1", &view), -ENOENT);
	cr_expect_eq(view_open(fs.directory, "", &view), -ENOENT);
	cr_expect_eq(view_open(fs.directory, "..", &view), -ENOENT);
	cr_expect_eq(view_open(fs.directory, "a/../vswitch0", &view), -ENOENT);
	cr_expect_eq(view_open(fs.directory, "a-name-that-is-too-long", &view), -ENOENT);
	snprintf(path, sizeof(path), "%s/ul_stats", fs.path);
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(view_open(fs.directory, "vswitch0", &view), -ENOENT);
	cr_expect_null(view);
}

Test(dataplane_view, list)
{
	char(*names)[UL_NAME_LEN] = NULL;
	char path[128];
	size_t n = 0;

	cr_expect_eq(view_list(fs.directory, &names, &n), -ENOENT, "no directory");
	snprintf(path, sizeof(path), "%s/uplinkd", fs.directory);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(view_list(fs.directory, &names, &n), -ENOENT, "an empty directory");
	fake_pin(&fs, &fake, "vm");
	fake_pin(&fs, &fake, "storage");
	fake_pin(&fs, &fake, "console");
	snprintf(path, sizeof(path), "%s/uplinkd/no-switch", fs.directory);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(view_list(fs.directory, &names, &n), 0);
	cr_assert_eq(n, 3);
	cr_expect_str_eq(names[0], "console");
	cr_expect_str_eq(names[1], "storage");
	cr_expect_str_eq(names[2], "vm");
	free(names);
}

Test(dataplane_view, no_descriptor_is_left_open)
{
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;
	struct view *view = NULL;

	fake_pin(&fs, &fake, "vswitch0");
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(view_open(fs.directory, "vswitch0", &view), 0);
		view_close(view);
		cr_assert_eq(view_open(fs.directory, "nothing", &view), -ENOENT);
	}
	view_close(NULL);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_expect_eq(after, before + 1, "descriptors were left open: %d, then %d", before, after);
	close(before);
	close(after);
}

/* ---- reasons ---- */
Test(dataplane_view_reasons, names)
{
	cr_expect_str_eq(reason_name(UL_R_SENT), "sent");
	cr_expect_str_eq(reason_name(UL_R_INACTIVE_UPLINK), "inactive_uplink");
	cr_expect_eq(reason_kind(UL_R_SENT), UL_KIND_FORWARD);
	cr_expect_eq(reason_kind(UL_R_REFLECTED), UL_KIND_DROP);
	cr_expect_eq(reason_kind(UL_R_FAILOVER), UL_KIND_NOTE);
	cr_expect_null(reason_name(UL_N_REASONS));
	cr_expect_null(reason_name(UL_REASON_SLOTS));
	cr_expect_null(reason_name(UINT32_MAX));
	cr_expect_null(reason_help(UINT32_MAX));
	for (uint32_t i = 0; i < UL_N_REASONS; i++) {
		cr_assert_not_null(reason_name(i), "reason %u", i);
		cr_assert_gt(strlen(reason_help(i)), 10, "reason %u", i);
		for (uint32_t j = 0; j < i; j++)
			cr_expect_str_neq(reason_name(i), reason_name(j));
	}
}
