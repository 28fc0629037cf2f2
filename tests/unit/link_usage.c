// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Use of an interface by the host, against the kernel and a folder in the shape of sysfs. */
#include "link_testing.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct link_usage usage_of(struct record *record, const char *name)
{
	struct link_usage usage;

	cr_assert_eq(link_find_usage(record->monitor, ifindex_of(record, name), &usage), 0);
	return usage;
}

static void add_address(struct record *record, const char *name, const uint8_t bytes[4])
{
	struct address address = { .family = AF_INET, .prefix_length = 24 };

	memcpy(address.bytes, bytes, 4);
	cr_assert_eq(link_add_address(record->monitor, ifindex_of(record, name), &address, 0), 0);
}

Test(link_usage, addresses_are_counted_and_link_local_ones_are_not, .timeout = 300)
{
	struct record *record = record_new();
	struct link_usage usage;

	make_veth(record, "va", "vb");
	set_up(record, "va", true);
	set_up(record, "vb", true);
	usage = usage_of(record, "va");
	cr_expect_eq(usage.n_addresses + usage.n_routes + usage.n_uppers + usage.n_vfs, 0);

	add_address(record, "va", (const uint8_t[]){ 192, 0, 2, 1 });
	add_address(record, "va", (const uint8_t[]){ 198, 51, 100, 1 });
	usage = usage_of(record, "va");
	cr_expect_eq(usage.n_addresses, 2);
	cr_expect_str_eq(usage.address, "192.0.2.1/24");
	cr_expect_eq(usage.n_routes, 0, "those of the kernel do not count");
	usage = usage_of(record, "vb");
	cr_expect_eq(usage.n_addresses, 0, "those of another interface do not count");
	record_free(record);
}

Test(link_usage, a_missing_interface, .timeout = 300)
{
	struct record *record = record_new();
	struct link_usage usage = { .n_vfs = 7 };

	cr_expect_eq(link_find_usage(record->monitor, 12345, &usage), -ENODEV);
	cr_expect_eq(usage.n_vfs, 7);
	record_free(record);
}

/* Entries of the table stand for kinds that this kernel may not have. */
Test(link_usage, interfaces_on_top, .timeout = 300)
{
	static const char *const kinds[] = { "vlan", "macvlan", "macvtap", "ipvlan", "macsec" };
	struct record *record = record_new();
	struct link_usage usage;
	uint32_t ifindex;

	make_veth(record, "va", "vb");
	run_pending(record);
	ifindex = ifindex_of(record, "va");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct link_info info = { .ifindex = (uint32_t)(9000 + i),
					  .peer = ifindex,
					  .ethernet = true };

		snprintf(info.name, sizeof(info.name), "top%zu", i);
		snprintf(info.kind, sizeof(info.kind), "%s", kinds[i]);
		cr_assert_geq(link_table_update(&record->monitor->table, &info), 0);
		usage = usage_of(record, "va");
		cr_expect_eq(usage.n_uppers, i + 1, "%s", kinds[i]);
	}
	cr_expect(strstr(usage.upper, " top"), "%s", usage.upper);
	cr_expect_eq(usage.n_uppers_up, 0);
	cr_assert_geq(link_table_update(&record->monitor->table,
					&(struct link_info){ .ifindex = 9100,
							     .peer = ifindex,
							     .ethernet = true,
							     .admin_up = true,
							     .name = "used",
							     .kind = "vlan" }),
		      0);
	usage = usage_of(record, "va");
	cr_expect_eq(usage.n_uppers, ARRAY_SIZE(kinds) + 1);
	cr_expect_eq(usage.n_uppers_up, 1);
	cr_expect_str_eq(usage.upper, "vlan used");
	cr_expect_eq(usage_of(record, "vb").n_uppers, 0);
	record_free(record);
}

static void make_dir(const char *format, const char *root, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), format, root, name);
	cr_assert_eq(mkdir(path, 0700), 0, "%s", path);
}

Test(link_usage, virtual_functions_count_with_a_driver)
{
	char root[] = "/tmp/uplinkd-usage-XXXXXX", command[PATH_MAX], path[64];
	struct rlimit limit;
	int n;

	cr_assert(mkdtemp(root));
	cr_expect_eq(link_count_used_vfs(root), 0);
	cr_expect_eq(link_count_used_vfs("/nonexistent/device"), 0);
	make_dir("%s/%s", root, "driver");
	make_dir("%s/%s", root, "virtfn0");
	make_dir("%s/%s", root, "virtfn1");
	make_dir("%s/%s", root, "virtfn2");
	cr_expect_eq(link_count_used_vfs(root), 0);
	make_dir("%s/%s/driver", root, "virtfn0");
	make_dir("%s/%s/driver", root, "virtfn2");
	cr_expect_eq(link_count_used_vfs(root), 2);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, limit.rlim_max }), 0);
	n = link_count_used_vfs(root);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(n, -EMFILE, "%d", n);
	snprintf(path, sizeof(path), "%s/virtfn3", root);
	cr_assert_eq(symlink(path, path), 0);
	cr_expect_eq(link_count_used_vfs(root), -ELOOP, "its driver cannot be found out");
	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_expect_eq(system(command), 0);
}
