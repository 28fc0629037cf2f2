// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <criterion/criterion.h>

#include "record_shapes.h"
#include "records/switches.h"

TestSuite(switches, .timeout = 300);

#define NOWHERE "/tmp/ul-no-such-dir"

Test(switches, no_switch_is_pinned)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct switches switches = { .n = 99 };

	cr_assert_eq(switches_open(NOWHERE, NULL, &switches, &errors), -ENOENT);
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], NOWHERE "/uplinkd: no switch found; start uplinkd"),
		  "%s", errors.messages[0]);
	cr_expect_eq(switches.n, 99, "untouched");
	cr_expect_eq(switches_open(NOWHERE, "vswitch0", &switches, NULL), -ENOENT);
}

Test(switches, all_or_one_by_name)
{
	_cleanup_(switches_close) struct switches all = {}, one = {}, none = {};
	_cleanup_(errors_done) struct errors errors = {};
	static struct fake fake;
	struct fake_fs fs;

	fake_mount(&fs);
	fake_init(&fake, 2);
	fake_pin(&fs, &fake, "vswitch0");
	fake_pin(&fs, &fake, "storage");
	cr_assert_eq(switches_open(fs.directory, NULL, &all, &errors), 0);
	cr_assert_eq(all.n, 2);
	cr_expect_str_eq(all.views[0]->name, "storage", "sorted by name");
	cr_expect_eq(all.snapshots[1]->n_uplinks, 2);
	cr_assert_eq(switches_open(fs.directory, "vswitch0", &one, &errors), 0);
	cr_assert_eq(one.n, 1);
	cr_expect_str_eq(one.views[0]->name, "vswitch0");
	cr_expect_eq(errors.n, 0);
	cr_expect_eq(switches_open(fs.directory, "vswitch1", &none, &errors), -ENODEV);
	cr_assert_eq(errors.n, 1);
	cr_expect_str_eq(errors.messages[0],
			 "vswitch1: no such switch; existing switches: storage, vswitch0");
	fake_unmount(&fs);
}
