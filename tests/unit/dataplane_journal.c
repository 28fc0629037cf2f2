// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The settings journal with a store in memory: the copy follows the store, also when that fails. */
#include <criterion/criterion.h>
#include <errno.h>

#include "dataplane/journal.h"

TestSuite(dataplane_journal);

#define IDS 64

struct store {
	struct ul_saved_settings record[IDS];
	bool used[IDS];
	size_t n;
	int error;
};

static int store_write(void *userdata, __u32 id, const struct ul_saved_settings *record)
{
	struct store *store = userdata;

	if (store->error)
		return store->error;
	cr_assert_lt(id, IDS);
	store->n += !store->used[id];
	store->used[id] = true;
	store->record[id] = *record;
	return 0;
}

static int store_erase(void *userdata, __u32 id)
{
	struct store *store = userdata;

	if (store->error)
		return store->error;
	cr_assert(store->used[id]);
	store->used[id] = false;
	store->n--;
	return 0;
}

static struct journal *journal_on(struct store *store)
{
	return journal_new(&(struct journal_store){ store_write, store_erase, store });
}

static bool stored(const struct store *store, const struct ul_saved_settings *record)
{
	for (size_t i = 0; i < IDS; i++)
		if (store->used[i] && memcmp(&store->record[i], record, sizeof(*record)) == 0)
			return true;
	return false;
}

static void expect_equal(const struct journal *journal, const struct store *store)
{
	cr_expect_eq(journal_count(journal), store->n);
	for (size_t i = 0; i < journal_count(journal); i++)
		cr_expect(stored(store, journal_at(journal, i)), "record %zu", i);
}

Test(dataplane_journal, changes_reach_the_store)
{
	struct store store = {};
	struct journal *journal = journal_on(&store);
	struct ul_saved_settings changed;

	for (__u32 i = 0; i < 40; i++)
		cr_assert_eq(journal_add(journal, &(struct ul_saved_settings){ .ifindex = i + 1 }),
			     0);
	expect_equal(journal, &store);
	changed = *journal_at(journal, 7);
	changed.settings = UL_SAVED_ARP;
	cr_assert_eq(journal_replace(journal, 7, &changed), 0);
	expect_equal(journal, &store);
	while (journal_count(journal)) {
		cr_assert_eq(journal_erase(journal, journal_count(journal) / 2), 0);
		expect_equal(journal, &store);
	}
	cr_assert_eq(journal_add(journal, &changed), 0);
	expect_equal(journal, &store);
	journal_free(journal);
}

/* A setting may be changed only when its record is written, and a record goes only when it is
 * erased. */
Test(dataplane_journal, a_failure_changes_nothing)
{
	const struct ul_saved_settings first = { .ifindex = 1, .settings = UL_SAVED_ARP };
	struct store store = {};
	struct journal *journal = journal_on(&store);

	cr_assert_eq(journal_add(journal, &first), 0);
	store.error = -ENOMEM;
	cr_expect_eq(journal_add(journal, &first), -ENOMEM);
	cr_expect_eq(journal_replace(journal, 0, &(struct ul_saved_settings){}), -ENOMEM);
	cr_expect_eq(journal_erase(journal, 0), -ENOMEM);
	cr_expect_eq(journal_count(journal), 1);
	cr_expect_eq(memcmp(journal_at(journal, 0), &first, sizeof(first)), 0);
	journal_free(journal);
}

/* The highest id may be in use, so the numbers begin again. */
Test(dataplane_journal, a_new_record_replaces_none)
{
	const struct ul_saved_settings old = { .ifindex = 1 }, new = { .ifindex = 2 };
	struct store store = { .used = { true, true }, .record = { old, old } };
	struct journal *journal = journal_on(&store);

	cr_assert_eq(journal_take(journal, 0xffffffff, &old), 0);
	cr_assert_eq(journal_take(journal, 0, &old), 0);
	cr_assert_eq(journal_take(journal, 1, &old), 0);
	cr_assert_eq(journal_take(journal, 0xfffffffe, &old), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(journal_add(journal, &new), 0);
	cr_expect_eq(store.record[0].ifindex, 1);
	cr_expect_eq(store.record[1].ifindex, 1);
	cr_expect(store.used[2] && store.used[3]);
	cr_expect_eq(journal_count(journal), 6);
	journal_free(journal);
}

/* Whatever wrote a record: its name reaches the log. */
Test(dataplane_journal, a_name_ends_and_is_printable)
{
	struct store store = {};
	struct journal *journal = journal_on(&store);
	struct ul_saved_settings record = { .ifindex = 1, .settings = UL_SAVED_ARP };

	memset(record.name, 'x', sizeof(record.name));
	memcpy(record.name, "a\n\x1b\xff", 4);
	cr_assert_eq(journal_take(journal, 0, &record), 0);
	cr_expect_str_eq(journal_at(journal, 0)->name, "a???xxxxxxxxxxx");
	cr_expect_eq(journal_at(journal, 0)->settings, UL_SAVED_ARP);
	journal_free(journal);
}
