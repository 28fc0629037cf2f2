// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The decision on what a killed exchange of sets left, for every combination of directories and
 * states. The execution is in tests/netns/test_kills.py. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>

#include "dataplane/internal.h"
#include "view_fake.h"

TestSuite(dataplane_exchange);

#define UNFINISHED 255

struct row {
	const char *directories; /* c: in use, n: next, o: old */
	uint8_t state;		 /* of next */
	uint32_t steps;
};

static uint32_t decide(const char *directories, uint8_t state)
{
	struct exchange_found found = {
		.current = strchr(directories, 'c'),
		.next = strchr(directories, 'n'),
		.old = strchr(directories, 'o'),
		.next_unfinished = state == UNFINISHED,
		.next_state = state == UNFINISHED ? UL_EXCHANGE_FILLING : state,
	};

	return exchange_decide(&found);
}

Test(dataplane_exchange, states)
{
	/* clang-format off */
	static const struct row rows[] = {
		/* R0 */
		{ "",	 0,		      0 },
		{ "c",	 0,		      0 },
		/* R1: before the commit point only back */
		{ "cn",	 UNFINISHED,	      EXCHANGE_TAKE_BACK },
		{ "cn",	 UL_EXCHANGE_FILLING, EXCHANGE_TAKE_BACK },
		/* R2: after it only forward */
		{ "cn",	 UL_EXCHANGE_MOVING,  EXCHANGE_FINISH },
		{ "cn",	 UL_EXCHANGE_SERVING, EXCHANGE_FINISH },
		/* R3 */
		{ "no",	 UL_EXCHANGE_MOVING,  EXCHANGE_RENAME_NEXT | EXCHANGE_DROP_OLD },
		{ "no",	 UL_EXCHANGE_FILLING, EXCHANGE_RENAME_NEXT | EXCHANGE_DROP_OLD },
		{ "n",	 UL_EXCHANGE_MOVING,  EXCHANGE_RENAME_NEXT },
		{ "n",	 UL_EXCHANGE_FILLING, EXCHANGE_RENAME_NEXT },
		/* R4 */
		{ "co",	 0,		      EXCHANGE_DROP_OLD },
		/* R5 */
		{ "cno", UNFINISHED,	      EXCHANGE_DROP_OLD | EXCHANGE_TAKE_BACK },
		{ "cno", UL_EXCHANGE_FILLING, EXCHANGE_DROP_OLD | EXCHANGE_TAKE_BACK },
		{ "cno", UL_EXCHANGE_MOVING,  EXCHANGE_DROP_OLD | EXCHANGE_FINISH },
		/* by hand */
		{ "o",	 0,		      EXCHANGE_RENAME_OLD },
		{ "no",	 UNFINISHED,	      EXCHANGE_RENAME_OLD | EXCHANGE_TAKE_BACK },
		{ "n",	 UNFINISHED,	      EXCHANGE_RENAME_NEXT },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_expect_eq(decide(rows[i].directories, rows[i].state), rows[i].steps,
			     "%s, state %u: %#x", rows[i].directories, rows[i].state,
			     decide(rows[i].directories, rows[i].state));
}

/* Whatever is found: a set serves afterwards if one exists, and nothing else remains. */
Test(dataplane_exchange, one_set_remains)
{
	static const uint8_t states[] = { UNFINISHED, UL_EXCHANGE_FILLING, UL_EXCHANGE_MOVING,
					  UL_EXCHANGE_SERVING };

	for (unsigned int found = 0; found < 8; found++) {
		for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
			bool current = found & 1, next = found & 2, old = found & 4;
			char directories[4] = "";
			uint32_t steps;

			snprintf(directories, sizeof(directories), "%s%s%s", current ? "c" : "",
				 next ? "n" : "", old ? "o" : "");
			steps = decide(directories, states[i]);
			if (steps & EXCHANGE_RENAME_OLD) {
				cr_expect(old && !current);
				old = false;
				current = true;
			}
			if (steps & EXCHANGE_RENAME_NEXT) {
				cr_expect(next && !current);
				next = false;
				current = true;
			}
			if (steps & EXCHANGE_DROP_OLD) {
				cr_expect(old && current);
				old = false;
			}
			if (steps & (EXCHANGE_TAKE_BACK | EXCHANGE_FINISH)) {
				cr_expect(next && current);
				next = false;
			}
			cr_expect_eq(current, found != 0, "%s", directories);
			cr_expect_not(next || old, "%s, state %u", directories, states[i]);
		}
	}
}

/* The kernel writes a value for each CPU. */
Test(dataplane_exchange, a_map_of_another_type_has_no_state)
{
	static const int types[] = { BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_HASH };
	struct fake_fs fs;

	fake_mount(&fs);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		bool unfinished = false;

		fake_pin_map(fs.directory, "ul_meta", types[i], 1024, 1, 0, NULL);
		cr_expect_eq(exchange_is_unfinished(fs.directory, &unfinished), 0);
		cr_expect(unfinished);
	}
	fake_unmount(&fs);
}
