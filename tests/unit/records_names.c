// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "abi.h"
#include "common/util.h"
#include "reasons.h"
#include "records/finding_rows.h"
#include "records/findings.h"
#include "records/names.h"

TestSuite(record_names);

static const unsigned int counts[] = {
	[RECORD_UPLINK_STATES] = N_UPLINK_STATES,    [RECORD_SEVERITIES] = N_SEVERITIES,
	[RECORD_CERTAINTIES] = N_CERTAINTIES,	     [RECORD_XDP_MODES] = UL_XDP_GENERIC + 1,
	[RECORD_VLAN_MODES] = UL_VLAN_VGT + 1,	     [RECORD_REASON_KINDS] = UL_KIND_NOTE + 1,
	[RECORD_NEIGHBOURS] = UL_NEIGHBOUR_PAGP + 1, [RECORD_PAGP_MODES] = UL_PAGP_AUTO + 1,
};
_Static_assert(ARRAY_SIZE(counts) == N_RECORD_TABLES, "each table");

Test(record_names, names_and_values_both_ways)
{
	for (enum record_table table = 0; table < N_RECORD_TABLES; table++) {
		cr_expect_eq(record_name_count(table), counts[table], "table %d", table);
		for (unsigned int value = 0; value < counts[table]; value++) {
			const char *name = record_name(table, value);

			if (table == RECORD_PAGP_MODES && value == UL_PAGP_NONE) {
				cr_expect_null(name);
				continue;
			}
			cr_assert_not_null(name, "table %d, value %u", table, value);
			cr_expect_eq(record_value(table, name), (int)value, "table %d: %s", table,
				     name);
		}
	}
}

Test(record_names, out_of_range)
{
	for (enum record_table table = 0; table < N_RECORD_TABLES; table++) {
		cr_expect_null(record_name(table, counts[table]));
		cr_expect_null(record_name(table, UINT32_MAX));
		cr_expect_eq(record_value(table, "no such name"), -EINVAL);
		cr_expect_eq(record_value(table, ""), -EINVAL);
	}
}
