// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* A copy into a larger set that fails. That it is complete: tests/netns/test_lifecycle.py. */
#include <criterion/criterion.h>

#include "dataplane/internal.h"
#include "dataplane_fake.h"

/* The former set continues, so it must stay locked; the caller discards the larger one. */
Test(dataplane_copy, a_failure_leaves_the_lock_with_the_former_set)
{
	struct dataplane_fake from, to;

	dataplane_fake_init(&from, 4, 2);
	dataplane_fake_init(&to, 8, 4);
	to.dp.staged = true;
	to.dp.old_lock_fd = -1;
	from.dp.lock_fd = 1000; /* never used */
	to.save_lacp_error = -ENOMEM;
	cr_expect_eq(dataplane_copy(&to.dp, &from.dp), -ENOMEM);
	cr_expect_eq(from.dp.lock_fd, 1000);
	cr_expect_eq(to.dp.old_lock_fd, -1);
	dataplane_fake_done(&from);
	dataplane_fake_done(&to);
}

Test(dataplane_copy, a_set_with_less_room_is_refused)
{
	struct dataplane_fake from, to;

	dataplane_fake_init(&from, 512, 2);
	dataplane_fake_init(&to, 256, 4);
	cr_expect_eq(dataplane_copy(&to.dp, &from.dp), -E2BIG);
	dataplane_fake_done(&from);
	dataplane_fake_done(&to);
}
