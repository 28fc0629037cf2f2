// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The table of counters in the operations manual has a row for each reason, in order and of its
 * kind, and no other. */
#include <criterion/criterion.h>

#include "common/util.h"
#include "dataplane/view.h"

Test(operations_doc, has_each_reason)
{
	static const char *const kinds[] = {
		[UL_KIND_FORWARD] = "forward", [UL_KIND_DROP] = "drop", [UL_KIND_NOTE] = "note"
	};
	_cleanup_fclose_ FILE *file = fopen("docs/operations.md", "re");
	char line[1024], name[32], kind[16];
	uint32_t reason = 0;

	cr_assert_not_null(file, "docs/operations.md: %s (the tests run in the top folder)",
			   strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "| `%31[a-z_]` | %15[a-z] |", name, kind) != 2)
			continue;
		cr_assert_lt(reason, UL_N_REASONS, "%s: a row too many", name);
		cr_expect_str_eq(name, reason_name(reason), "row %u is %s, not %s", reason, name,
				 reason_name(reason));
		cr_expect_str_eq(kind, kinds[reason_kind(reason)], "%s is of kind %s", name,
				 kinds[reason_kind(reason)]);
		reason++;
	}
	cr_expect_eq(reason, UL_N_REASONS, "%u of %d reasons", reason, UL_N_REASONS);
}
