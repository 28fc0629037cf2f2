/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
#ifndef TESTS_UNIT_DATAPLANE_TABLE_TESTING_H
#define TESTS_UNIT_DATAPLANE_TABLE_TESTING_H

#include "dataplane/table.h"

/* The writer skips the kernel's grace periods, which take up to 20 ms each. For tests without
 * programs; grace periods do not wait for readers in user space. Defined in
 * dataplane_table_grace.c. */
extern bool no_grace_periods;

#endif
