// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Requests for a reload, up to where switches change. With them: tests/netns/test_changes.py. */
#include <criterion/criterion.h>
#include <sys/resource.h>

#include "daemon/state.h"

static struct daemon daemon_ = { .options = { .config = "/nonexistent/uplinkd.yaml" } };

static void tear_down(void)
{
	errors_done(&daemon_.errors);
	config_state_done(&daemon_.saved);
}

TestSuite(daemon_reload, .fini = tear_down, .timeout = 120);

static void set_files(rlim_t n)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A given configuration stands for the files of that time. They are compared at the next start. */
Test(daemon_reload, a_given_source_needs_the_files_that_it_stands_for)
{
	struct config_source source = {};
	const struct reload_request request = { .source = &source };
	struct rlimit limit;
	int r;

	cr_assert_eq(config_source_add(&source, "given.yaml", "[", 1), 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	set_files(0);
	r = daemon_reload(&daemon_, &request);
	set_files(limit.rlim_cur);
	cr_expect_eq(r, -EMFILE, "%d", r);
	cr_assert_eq(daemon_.errors.n, 1u);
	cr_expect(strstr(daemon_.errors.messages[0], "uplinkd.yaml: cannot be read"), "%s",
		  daemon_.errors.messages[0]);
	errors_done(&daemon_.errors);

	cr_expect_eq(daemon_reload(&daemon_, &request), -EINVAL, "files that do not exist");
	cr_assert_geq(daemon_.errors.n, 1u);
	cr_expect(strstr(daemon_.errors.messages[0], "given.yaml"), "%s",
		  daemon_.errors.messages[0]);
	config_source_done(&source);
}

/* An unconfirmed change must not stay without its deadline. */
Test(daemon_reload, a_deadline_is_moved_without_new_resources)
{
	const uint64_t later = boottime_ms() + 3600000;
	sd_event_source *armed;
	uint64_t usec = 0;

	cr_assert_eq(sd_event_new(&daemon_.event), 0);
	cr_assert_eq(daemon_arm_deadline(&daemon_, later), 0);
	armed = sd_event_source_ref(daemon_.deadline_timer);
	cr_assert_eq(sd_event_source_set_enabled(armed, SD_EVENT_OFF), 0); /* as after it passed */
	cr_assert_eq(daemon_arm_deadline(&daemon_, later + 1000), 0);
	cr_expect_eq(daemon_.deadline_timer, armed);
	cr_expect_gt(sd_event_source_get_enabled(armed, NULL), 0);
	cr_assert_eq(sd_event_source_get_time(armed, &usec), 0);
	cr_expect_eq(usec, (later + 1000) * 1000);
	sd_event_source_unref(armed);
	sd_event_source_disable_unref(daemon_.deadline_timer);
	sd_event_unref(daemon_.event);
}
