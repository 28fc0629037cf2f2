// SPDX-License-Identifier: GPL-2.0
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

/* The next notice is this one. */
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

Test(link_entries, same_again_is_no_news)
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

Test(link_entries, each_field_is_of_its_kind)
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

/* Whoever has not heard of an interface yet hears of it with its newest state. */
Test(link_entries, news_joins_an_added_that_waits)
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

/* Twice renamed and removed before anybody looks: notices in their order, none of which points to
 * freed memory. */
Test(link_entries, order_of_a_short_life)
{
	struct link_table table;

	link_table_init(&table);
	update(&table, 1, "a");
	update(&table, 1, "b");
	update(&table, 1, "c");
	link_table_remove(&table, 1);
	update(&table, 1, "d"); /* the ifindex again, another interface */
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

Test(link_entries, sweep_takes_what_the_dump_did_not_show)
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
