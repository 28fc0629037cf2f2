// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The table of interfaces and its queue, without a kernel. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "link/internal.h"

static struct link_info make(uint32_t ifindex, const char *name)
{
	struct link_info info = { .ifindex = ifindex, .mtu = 1500, .arp = true };

	snprintf(info.name, sizeof(info.name), "%s", name);
	return info;
}

static int update(struct link_table *table, uint32_t ifindex, const char *name)
{
	struct link_info info = make(ifindex, name);

	return link_table_update(table, &info);
}

/* Checks the next notice. */
static void expect(struct link_table *table, unsigned int changes, uint32_t ifindex,
		   const char *name)
{
	struct link_notice *notice = link_table_pop(table);

	cr_assert(notice, "%s: nothing in the queue", name);
	cr_expect_eq(notice->changes, changes, "%s: changes %#x instead of %#x", name,
		     notice->changes, changes);
	cr_expect_eq(notice->info.ifindex, ifindex);
	cr_expect_str_eq(notice->info.name, name);
	free(notice);
}

static void expect_nothing(struct link_table *table)
{
	cr_expect_null(link_table_pop(table));
}

Test(link_entries, an_unchanged_description_queues_nothing)
{
	struct link_table table;

	link_table_init(&table);
	cr_expect_eq(update(&table, 1, "a"), 1);
	expect(&table, LINK_ADDED, 1, "a");
	cr_expect_eq(update(&table, 1, "a"), 0);
	expect_nothing(&table);
	cr_expect_eq(link_table_remove(&table, 1), 0);
	expect(&table, LINK_REMOVED, 1, "a");
	cr_expect_eq(link_table_remove(&table, 1), 0);
	expect_nothing(&table);
	link_table_done(&table);
}

Test(link_entries, each_field_has_its_kind_of_change)
{
	struct link_table table;
	struct link_info info = make(1, "a");

	link_table_init(&table);
	link_table_update(&table, &info);
	expect(&table, LINK_ADDED, 1, "a");
#define CHANGE(assignment, changes)                                \
	do {                                                       \
		assignment;                                        \
		cr_expect_eq(link_table_update(&table, &info), 0); \
		expect(&table, changes, 1, "a");                   \
		expect_nothing(&table);                            \
	} while (0)
	CHANGE(info.carrier = true, LINK_STATE);
	CHANGE(info.admin_up = true, LINK_STATE);
	CHANGE(info.mtu = 9000, LINK_CHANGED);
	CHANGE(info.max_mtu = 9194, LINK_CHANGED);
	CHANGE(info.peer = 5, LINK_CHANGED);
	CHANGE(info.mac[5] = 1, LINK_CHANGED);
	CHANGE(info.permanent_mac[5] = 1, LINK_CHANGED);
	CHANGE(info.master = 4, LINK_CHANGED);
	CHANGE(info.promiscuous = true, LINK_CHANGED);
	CHANGE(info.arp = false, LINK_CHANGED);
	CHANGE(info.xdp_prog_id = 1, LINK_CHANGED);
	CHANGE(info.xdp_attached = 1, LINK_CHANGED);
	CHANGE(info.kind[0] = 'x', LINK_CHANGED);
	CHANGE(info.type = 1, LINK_CHANGED);
	CHANGE(strcpy(info.alt_names[0], "alt"), LINK_CHANGED);
	CHANGE((info.mtu = 1500, info.carrier = false), LINK_CHANGED | LINK_STATE);
#undef CHANGE
	link_table_done(&table);
}

Test(link_entries, features_survive_descriptions_without_them)
{
	struct link_table table;

	link_table_init(&table);
	update(&table, 1, "a");
	expect(&table, LINK_ADDED, 1, "a");
	cr_expect_eq(link_table_set_features(&table, 1, true, 7), 0);
	expect(&table, LINK_CHANGED, 1, "a");
	cr_expect_eq(link_table_set_features(&table, 2, true, 7), 0);
	update(&table, 1, "a");
	expect_nothing(&table);
	update(&table, 1, "b");
	expect(&table, LINK_REMOVED, 1, "a");
	expect(&table, LINK_ADDED, 1, "b");
	cr_expect_eq(link_table_by_name(&table, "b")->info.xdp_features, 7);
	cr_expect(link_table_by_name(&table, "b")->info.xdp_features_known);
	link_table_done(&table);
}

/* Changes merge into a LINK_ADDED that is still queued. */
Test(link_entries, changes_merge_into_a_queued_added)
{
	struct link_table table;
	struct link_notice *notice;
	struct link_info info = make(1, "a");

	link_table_init(&table);
	link_table_update(&table, &info);
	link_table_set_features(&table, 1, true, 3);
	info.carrier = info.admin_up = true;
	link_table_update(&table, &info);
	notice = link_table_pop(&table);
	cr_assert(notice);
	cr_expect_eq(notice->changes, LINK_ADDED);
	cr_expect(notice->info.carrier && notice->info.xdp_features_known);
	cr_expect_eq(notice->info.xdp_features, 3);
	free(notice);
	expect_nothing(&table);

	info.carrier = false;
	link_table_update(&table, &info);
	expect(&table, LINK_STATE, 1, "a");
	link_table_done(&table);
}

/*
 * Two renames and a removal before the first delivery: notices in order, without pointers to freed
 * memory.
 */
Test(link_entries, order_of_a_short_life)
{
	struct link_table table;

	link_table_init(&table);
	update(&table, 1, "a");
	update(&table, 1, "b");
	update(&table, 1, "c");
	link_table_remove(&table, 1);
	update(&table, 1, "d"); /* another interface with the same ifindex */
	expect(&table, LINK_ADDED, 1, "a");
	link_table_set_features(&table, 1, true, 1);
	expect(&table, LINK_REMOVED, 1, "a");
	expect(&table, LINK_ADDED, 1, "b");
	expect(&table, LINK_REMOVED, 1, "b");
	expect(&table, LINK_ADDED, 1, "c");
	expect(&table, LINK_REMOVED, 1, "c");
	link_table_set_features(&table, 1, true, 3);
	expect(&table, LINK_ADDED, 1, "d");
	expect_nothing(&table);
	cr_expect_null(link_table_by_name(&table, "a"));
	cr_expect_null(link_table_by_name(&table, "c"));
	cr_expect_eq(table.n, 1);
	link_table_done(&table);
}

Test(link_entries, exchanged_names)
{
	struct link_table table;

	link_table_init(&table);
	update(&table, 1, "a");
	update(&table, 2, "b");
	expect(&table, LINK_ADDED, 1, "a");
	expect(&table, LINK_ADDED, 2, "b");
	update(&table, 1, "b");
	expect(&table, LINK_REMOVED, 2, "b");
	expect(&table, LINK_REMOVED, 1, "a");
	expect(&table, LINK_ADDED, 1, "b");
	cr_expect_eq(update(&table, 2, "a"), 1);
	expect(&table, LINK_ADDED, 2, "a");
	cr_expect_eq(link_table_by_name(&table, "a")->info.ifindex, 2);
	cr_expect_eq(link_table_by_name(&table, "b")->info.ifindex, 1);
	cr_expect_eq(table.n, 2);
	link_table_done(&table);
}

static uint32_t found_as(const struct link_table *table, const char *name)
{
	const struct link_entry *entry = link_table_find(table, name);

	return entry ? entry->info.ifindex : 0;
}

Test(link_entries, alternative_names_resolve_to_their_interface)
{
	struct link_info a = make(1, "a"), b = make(2, "b"), c = make(3, "alt2");
	struct link_table table;

	link_table_init(&table);
	strcpy(a.alt_names[0], "alt1");
	strcpy(a.alt_names[1], "alt2");
	link_table_update(&table, &a);
	link_table_update(&table, &b);
	cr_expect_eq(found_as(&table, "a"), 1);
	cr_expect_eq(found_as(&table, "alt1"), 1);
	cr_expect_eq(found_as(&table, "alt2"), 1);
	cr_expect_eq(found_as(&table, "b"), 2);
	cr_expect_eq(found_as(&table, ""), 0);
	cr_expect_null(link_table_by_name(&table, "alt1"));

	/* An own name has precedence until the event of the other interface arrives. */
	link_table_update(&table, &c);
	cr_expect_eq(found_as(&table, "alt2"), 3);

	memset(a.alt_names, 0, sizeof(a.alt_names));
	link_table_update(&table, &a);
	cr_expect_eq(found_as(&table, "alt1"), 0);
	strcpy(b.alt_names[0], "alt1");
	link_table_update(&table, &b);
	cr_expect_eq(found_as(&table, "alt1"), 2);
	strcpy(b.name, "renamed");
	link_table_update(&table, &b);
	cr_expect_eq(found_as(&table, "alt1"), 2);
	link_table_remove(&table, 2);
	cr_expect_eq(found_as(&table, "alt1"), 0);
	cr_expect_null(table.with_alt);
	link_table_done(&table);
}

Test(link_entries, sweep_removes_interfaces_missing_from_the_dump)
{
	char name[UL_NAME_LEN];
	struct link_table table;
	struct link_notice *notice;
	size_t n = 0;

	link_table_init(&table);
	for (uint32_t i = 1; i <= 3 * LINK_BUCKETS; i++) {
		snprintf(name, sizeof(name), "if%u", i);
		cr_assert_eq(update(&table, i, name), 1);
	}
	while ((notice = link_table_pop(&table)))
		free(notice);
	table.round++;
	for (uint32_t i = 2; i <= 3 * LINK_BUCKETS; i += 2) {
		snprintf(name, sizeof(name), "if%u", i);
		update(&table, i, name);
	}
	cr_assert_eq(link_table_sweep(&table), 0);
	cr_expect_eq(table.n, 3 * LINK_BUCKETS / 2);
	for (; (notice = link_table_pop(&table)); n++) {
		cr_expect_eq(notice->changes, LINK_REMOVED);
		cr_expect_eq(notice->info.ifindex % 2, 1);
		free(notice);
	}
	cr_expect_eq(n, 3 * LINK_BUCKETS / 2);
	for (uint32_t i = 1; i <= 3 * LINK_BUCKETS; i++) {
		snprintf(name, sizeof(name), "if%u", i);
		cr_expect_eq(!!link_table_by_ifindex(&table, i), i % 2 == 0);
		cr_expect_eq(!!link_table_by_name(&table, name), i % 2 == 0);
	}
	link_table_done(&table);
}
