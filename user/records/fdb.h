/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* The address table with the state of each address. */
#ifndef UL_RECORDS_FDB_H
#define UL_RECORDS_FDB_H

#include <jansson.h>

#include "dataplane/ownership.h"
#include "records/snapshot.h"

struct fdb_entry {
	uint64_t key;  /* ul_fdb_key() */
	uint32_t slot; /* may be that of no port: the table is input */
	bool learned;
	enum address_state state; /* ADDRESS_ABSENT when slot is no port's */
	uint64_t here, outside;	  /* learned: the last frame, in jiffies; 0: none */
	int64_t age_s;		  /* since the last frame from a learned address; -1: not known */
};

/* All entries, sorted by VLAN and address. 0 with *ret to be freed, or -ENOMEM. */
int fdb_read(const struct snapshot *snapshot, struct fdb_entry **ret, size_t *ret_n);

/* "absent", "tentative", "confirmed", "here", "contested", "elsewhere"; NULL: out of range. */
const char *address_state_name(enum address_state state);

/* New array, one object per entry; NULL when out of memory. */
json_t *record_fdb(const struct snapshot *snapshot);

#endif
