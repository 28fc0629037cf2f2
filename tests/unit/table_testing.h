/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UL_TABLE_TESTING_H
#define UL_TABLE_TESTING_H

#include "dataplane/table.h"

/* The writer does not wait for the kernel's grace periods, which take up to 20 ms each. For tests
 * without programs: readers of user space are not waited for anyway. In table_grace.c. */
extern bool no_grace_periods;

#endif
