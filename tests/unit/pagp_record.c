// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* A restart of the daemon resumes from the records of PAgP. */
#include <criterion/criterion.h>

#include "pagp_rig.h"

static struct rig rig, next;
static struct pagp_config config;

static void open_suite(void)
{
	config = prig_config();
}

static void close_suite(void)
{
	prig_done(&rig);
	prig_done(&next);
}

TestSuite(pagp_record, .init = open_suite, .fini = close_suite);

/* The channel of `rig` in a new process, passed_ms later. Returns what pagp_restore() does. */
static int restart(uint64_t passed_ms, const struct ul_pagp_port *record)
{
	int r;

	prig_open(&next, &config, 2);
	memcpy(next.partner, rig.partner, sizeof(next.partner));
	next.now_ms = rig.now_ms + passed_ms;
	for (uint16_t i = 1; i <= 2; i++)
		prig_link(&next, i, false);
	for (uint16_t i = 1; i <= 2; i++)
		r = pagp_restore(next.pagp, i, &record[i - 1], next.now_ms);
	for (uint16_t i = 1; i <= 2; i++)
		prig_link(&next, i, true);
	prig_run(&next);
	return r;
}

static void join(uint8_t flags, struct ul_pagp_port record[2])
{
	prig_open(&rig, &config, 2);
	prig_join(&rig, 2, flags);
	for (uint16_t i = 1; i <= 2; i++)
		record[i - 1] = prig_record(&rig, i);
}

Test(pagp_record, a_restart_is_a_repetition_to_the_partner)
{
	struct ul_pagp_port record[2];

	join(SLOW, record);
	cr_assert_eq(restart(60000, record), 0);
	cr_assert_eq(prig_in_use(&next), 0x6);
	cr_assert_eq(next.n_changed[1], 1, "no flap");
	cr_assert_eq(next.n_sent[1], 1);
	cr_assert(pagp_pdu_equal(&next.sent[1], &rig.sent[1]));
	prig_pass(&next, 104999);
	cr_assert_eq(prig_in_use(&next), 0x6);
	prig_pass(&next, 1);
	cr_assert_eq(prig_in_use(&next), 0, "the partner is gone");
}

struct age {
	uint8_t flags;
	uint64_t passed_ms;
	int result;
};

Test(pagp_record, a_record_is_as_old_as_the_partner_permits)
{
	static const struct age ages[] = {
		{ 0, 3499, 0 },
		{ 0, 3500, -ESTALE },
		{ SLOW, 104999, 0 },
		{ SLOW, 105000, -ESTALE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		struct ul_pagp_port record[2];

		join(ages[i].flags, record);
		cr_assert_eq(restart(ages[i].passed_ms, record), ages[i].result);
		cr_assert_eq(prig_in_use(&next), ages[i].result ? 0 : 0x6);
		close_suite();
	}
}

Test(pagp_record, a_partner_that_has_changed_is_noticed)
{
	struct ul_pagp_port record[2];

	join(SLOW, record);
	restart(1000, record);
	next.partner[1].partner = (struct pagp_side){};
	prig_hear_raw(&next, 1);
	cr_assert_eq(prig_in_use(&next), 0x4);
}

static void no_version(struct ul_pagp_port *record)
{
	record->version = 0;
}

static void newer_version(struct ul_pagp_port *record)
{
	record->version++;
}

static void half_written(struct ul_pagp_port *record)
{
	record->writing = 1;
}

static void of_another_device(struct ul_pagp_port *record)
{
	record->actor.device[0] ^= 4;
}

static void of_another_port(struct ul_pagp_port *record)
{
	record->actor.port++;
}

static void of_the_future(struct ul_pagp_port *record)
{
	record->tx_ms += 1000000;
}

static void not_in_use(struct ul_pagp_port *record)
{
	record->state = PAGP_BIDIRECTIONAL;
}

Test(pagp_record, other_records_are_refused_and_the_port_joins_like_a_new_one)
{
	static const struct {
		void (*change)(struct ul_pagp_port *record);
		int result;
	} rows[] = { { no_version, -EINVAL },	   { newer_version, -EINVAL },
		     { half_written, -EINVAL },	   { of_another_device, -EINVAL },
		     { of_another_port, -EINVAL }, { of_the_future, -EINVAL },
		     { not_in_use, -ESTALE } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ul_pagp_port record[2];

		join(SLOW, record);
		rows[i].change(&record[1]);
		cr_assert_eq(restart(1000, record), rows[i].result);
		cr_assert_eq(prig_in_use(&next), 0x2);
		cr_assert_eq(next.sent[2].local.group, 0);
		cr_assert_not(next.collecting[2]);
		cr_assert_eq(next.n_changed[2], 1, "published, although nothing changed");
		close_suite();
	}
}

Test(pagp_record, a_link_that_is_down_drops_the_record)
{
	struct ul_pagp_port record[2];

	join(SLOW, record);
	prig_open(&next, &config, 1);
	prig_link(&next, 1, false);
	cr_assert_eq(pagp_restore(next.pagp, 1, &record[0], next.now_ms), 0);
	prig_link(&next, 1, false);
	prig_link(&next, 1, true);
	prig_run(&next);
	cr_assert_eq(prig_in_use(&next), 0);
}

Test(pagp_record, what_uplinkctl_shows)
{
	struct ul_pagp_port record[2];

	join(0, record);
	cr_assert_eq(record[0].version, PAGP_RECORD_VERSION);
	cr_assert_eq(record[0].updated_ms, rig.now_ms);
	cr_assert_eq(record[0].rx_ms, rig.now_ms);
	cr_assert_eq(record[0].actor_flags, C);
	cr_assert_eq(record[0].partner_flags, C);
	cr_assert_eq(record[0].actor.group, PAGP_GROUP);
	cr_assert_eq(record[0].partner.group, SWITCH_GROUP);
	cr_assert_eq(record[0].flags, UL_PAGP_ENABLED | UL_PAGP_COLLECTING | UL_PAGP_DISTRIBUTING);
	cr_assert_str_eq(record[0].reason, "in the channel");
	cr_assert_eq(record[0].counters.info_rx, 3);
	cr_assert_eq(pagp_record(rig.pagp, 9, rig.now_ms, &record[0]), -ENOENT);
}
