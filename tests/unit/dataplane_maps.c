// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The map catalogue, and the sizes of a set. */
#include <criterion/criterion.h>

#include "dataplane/internal.h"
#include "dataplane_fake.h"

TestSuite(dataplane_maps);

Test(dataplane_maps, catalogue)
{
	for (int i = 0; i < N_UL_MAPS; i++) {
		const struct map_row *row = &map_catalogue[i];

		/* place_map() in programs.c recognises the maps of a set by their prefix. */
		cr_expect_eq(strncmp(row->name, "ul_", 3), 0, "%s", row->name);
		cr_expect_lt(strlen(row->name), 16, "%s: the kernel would cut it", row->name);
		cr_expect_gt(row->entries, 0, "%s", row->name);
		if (row->kind == MAP_KIND_MAPPED)
			cr_expect_eq(row->value_size % 8, 0, "%s: the kernel would pad it",
				     row->name);
		for (int j = 0; j < i; j++)
			cr_expect_str_neq(row->name, map_catalogue[j].name);
	}
	cr_expect_eq(map_catalogue[UL_MAP_EVENTS].value_size, 0);
	cr_expect_eq(map_catalogue[UL_MAP_MEMBERS].key_size, sizeof(struct ul_member_key));
	cr_expect_eq(map_catalogue[UL_MAP_STATS].value_size, sizeof(struct ul_stats));
}

static const struct {
	struct dataplane_needs needs;
	struct map_sizes expected;
	/* clang-format off */
} sizes[] = {
	{ { 0, 0, 0, NULL }, { 256, 64, 1024, 512, 0 } },
	{ { 170, 42, 170, NULL }, { 256, 64, 2048, 1024, 0 } },
	{ { 171, 43, 170, NULL }, { 256, 64, 2048, 1024, 0 } },
	{ { 172, 44, 170, NULL }, { 512, 128, 2048, 1024, 0 } },
	{ { 2731, 1, 2731, NULL }, { UL_MAX_PORTS, 64, 8192, 8192, 0 } },
	{ { UL_MAX_PORTS, UL_MAX_GROUPS, 4096, NULL }, { UL_MAX_PORTS, 8192, 8192, 8192, 0 } },
};
/* clang-format on */

Test(dataplane_maps, sizes_leave_room_for_half_as_many_again)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct map_sizes *expected = &sizes[i].expected;
		struct map_sizes got;

		map_sizes_for(&sizes[i].needs, &got);
		cr_expect_eq(memcmp(&got, expected, sizeof(got)), 0,
			     "%zu: ports %u, groups %u, rows %u and %u", i, got.ports, got.groups,
			     got.fdb_rows, got.iface_rows);
	}
}

/* The contents of a set that grows in one respect have room in every other. */
Test(dataplane_maps, a_larger_set_is_smaller_in_no_respect)
{
	struct dataplane_fake fake;
	struct dataplane_needs needs = { .ports = 3, .groups = 100, .former = &fake.dp };
	struct map_sizes former, got;

	dataplane_fake_init(&fake, 1024, 64);
	map_sizes_of(&fake.dp, &former);
	map_sizes_for(&needs, &got);
	cr_expect_eq(got.ports, 1024);
	cr_expect_eq(got.groups, 256);
	cr_expect_geq(got.fdb_rows, former.fdb_rows);
	cr_expect_geq(got.iface_rows, former.iface_rows);
	dataplane_fake_done(&fake);
}

Test(dataplane_maps, large_enough)
{
	struct dataplane_fake fake;
	struct map_sizes now;

	dataplane_fake_init(&fake, 256, 64);
	map_sizes_of(&fake.dp, &now);
	cr_expect_eq(now.ports, 256);
	cr_expect_eq(now.groups, 64);
	cr_expect(
		dataplane_large_enough(&fake.dp, &(struct dataplane_needs){ 256, 64, 256, NULL }));
	cr_expect_not(
		dataplane_large_enough(&fake.dp, &(struct dataplane_needs){ 257, 64, 256, NULL }));
	cr_expect_not(
		dataplane_large_enough(&fake.dp, &(struct dataplane_needs){ 256, 65, 256, NULL }));
	cr_expect(dataplane_large_enough(&fake.dp,
					 &(struct dataplane_needs){ 1, 1, now.fdb_rows, NULL }));
	cr_expect_not(dataplane_large_enough(
		&fake.dp, &(struct dataplane_needs){ 1, 1, now.fdb_rows + 1, NULL }));
	dataplane_fake_done(&fake);
}
