/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The settings journal of a switch (headers/saved_abi.h): a copy in memory of the pinned records,
 * through which every change is written. The rules that need interfaces are in
 * context/saved_settings.h.
 *
 * Errors: 0 or a negative errno; the map and the copy are then as before. Tests:
 * tests/unit/dataplane_journal.c with a store in memory, tests/netns/test_journal.py.
 */
#ifndef UL_DATAPLANE_JOURNAL_H
#define UL_DATAPLANE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "saved_abi.h"

struct errors;
struct journal;

/* Where records are kept: the pinned map, or memory of a test. 0 or negative errno each. */
struct journal_store {
	int (*write)(void *userdata, __u32 id, const struct ul_saved_settings *record);
	int (*erase)(void *userdata, __u32 id);
	void *userdata;
};

/* An empty journal. NULL: no memory. */
struct journal *journal_new(const struct journal_store *store);
/* Opens the pinned journal; make: creates it if there is none. 0; -ENOENT, not explained: there is
 * none; other negative errno, explained. */
int journal_open(const char *bpffs, const char *switch_name, bool make, struct errors *errors,
		 struct journal **ret);
/* A record that the store has already, whatever wrote it. The copy has a name that ends and is
 * printable; the settings can be restored without it, because the ifindex finds the interface. */
int journal_take(struct journal *journal, __u32 id, const struct ul_saved_settings *record);
/* Closes it; the pinned records stay. NULL allowed. */
void journal_free(struct journal *journal);
/* Unpins the journal of a switch, and removes the common directory if that was the last pin. 0 or
 * negative errno, explained. */
int journal_unpin(const char *bpffs, const char *switch_name, struct errors *errors);

/* The records, in no order; a pointer is valid until the next change. */
size_t journal_count(const struct journal *journal);
const struct ul_saved_settings *journal_at(const struct journal *journal, size_t index);

int journal_add(struct journal *journal, const struct ul_saved_settings *record);
int journal_replace(struct journal *journal, size_t index, const struct ul_saved_settings *record);
/* The last record takes the place of the erased one. */
int journal_erase(struct journal *journal, size_t index);

#endif
