// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The thread with a data plane in memory, and the system calls that it may make. */
#include "timely_testing.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

TestSuite(timely_thread, .timeout = 120);

/* User-mode emulation has no seccomp filters. */
static bool has_filters(void)
{
	const uint32_t action = SECCOMP_RET_ERRNO;

	return syscall(__NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* A thread with one switch of two uplinks. */
struct thread_test {
	struct switch_test *test;
	struct timely *timely;
	int manager; /* the service manager's end */
};

static struct thread_test start(uint64_t watchdog_us)
{
	struct thread_test it = {};
	struct timely_options options = { .watchdog_us = watchdog_us };
	int fds[2];

	setenv("UPLINKD_SANDBOX", "kill", 1);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
	it.test = switch_test_new(false, 2, UL_CHANNEL_NONE);
	it.manager = fds[0];
	options.notify_fd = fds[1];
	options.event = it.test->fixture->context.event;
	cr_assert_eq(timely_new(&options, &it.timely), 0);
	vswitch_decompose(&it.test->vs);
	it.test->vs = (struct vswitch){ .context = it.test->fixture->context };
	cr_assert_eq(vswitch_compose(&it.test->vs, it.timely, test_send, it.test), 0);
	order_uplinks(it.test);
	for (uint32_t i = 0; i < 2; i++) {
		uplink_write_ifindex(it.test->vs.context.dp, i, 100 + i);
		link_uplink(it.test, i, 0, true);
	}
	cr_assert_eq(timely_start(it.test->vs.timely), 0);
	return it;
}

static void stop(struct thread_test *it)
{
	vswitch_decompose(&it->test->vs);
	timely_free(it->timely);
	fixture_free(it->test->fixture);
	free(it->test);
}

/* Lets the thread work until condition() or for DEADLINE_MS, with the worker's event loop. */
static bool await_that(struct thread_test *it, bool (*condition)(struct thread_test *it))
{
	uint64_t end = now_ms() + DEADLINE_MS;

	while (now_ms() < end) {
		if (condition(it))
			return true;
		sd_event_run(it->test->fixture->context.event, 10000);
	}
	return false;
}

static bool has_lease(struct thread_test *it)
{
	return __atomic_load_n(&it->test->vs.context.dp->meta->lease_ns, __ATOMIC_ACQUIRE) >
	       now_ns();
}

static bool has_event(struct thread_test *it)
{
	return count_events(it->test->fixture, EVENT_UPLINK_STATE, "up1");
}

static bool has_sign_of_life(struct thread_test *it)
{
	char text[64] = "";

	return recv(it->manager, text, sizeof(text) - 1, 0) > 0 && strcmp(text, "WATCHDOG=1") == 0;
}

Test(timely_thread, the_lease_is_renewed_and_reports_arrive)
{
	struct thread_test it = start(0);

	cr_expect(await_that(&it, has_lease));
	timely_publish(it.test->vs.timely);
	cr_assert_eq(timely_drain(it.test->vs.timely, 1, true), 0);
	cr_expect(await_that(&it, has_event));
	cr_expect_eq(timely_get_statistics(it.timely).sandbox_error == 0, has_filters());
	cr_expect_not(has_sign_of_life(&it), "without a watchdog");
	stop(&it);
}

Test(timely_thread, a_switch_has_its_lease_as_soon_as_it_is_started)
{
	struct thread_test it = start(0);

	cr_expect(has_lease(&it));
	stop(&it);
}

Test(timely_thread, the_watchdog_is_fed_as_long_as_the_worker_makes_progress)
{
	struct thread_test it = start(20000);

	timely_worker_begins(it.timely);
	cr_expect(await_that(&it, has_sign_of_life));
	__atomic_store_n(&it.timely->worker_busy_ms, now_ms() - TIMELY_WORKER_MAX_MS - 1,
			 __ATOMIC_RELAXED);
	/* an answer comes after the turn in which the last sign may have been sent */
	for (int i = 0; i < 2; i++)
		timely_publish(it.test->vs.timely);
	while (has_sign_of_life(&it))
		;
	sd_event_run(it.test->fixture->context.event, 200000);
	cr_expect_not(has_sign_of_life(&it));
	timely_worker_ends(it.timely);
	cr_expect(await_that(&it, has_sign_of_life));
	stop(&it);
}

/* ---- sandbox ---- */
static bool is_code_refused(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);

	return data != MAP_FAILED && mprotect(data, 4096, PROT_READ) == 0 &&
	       mprotect(data, 4096, PROT_READ | PROT_EXEC) < 0 && errno == EPERM &&
	       mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) == MAP_FAILED &&
	       errno == EPERM;
}

/* Exit status or signal of a child that enters the sandbox and opens a file. */
static int open_in_sandbox(const char *mode)
{
	int status = 0;
	pid_t pid;

	setenv("UPLINKD_SANDBOX", mode, 1);
	pid = fork();
	if (pid == 0) {
		if (sandbox_enter() < 0)
			_exit(2);
		_exit(open("/dev/null", O_RDONLY) < 0 && errno == EPERM && is_code_refused() ? 0 :
											       1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

Test(timely_thread, a_call_that_may_wait_is_refused_and_in_tests_fatal)
{
	if (!has_filters())
		cr_skip_test("the kernel has no seccomp filters");
	cr_expect_eq(open_in_sandbox(""), 0);
	cr_expect_eq(open_in_sandbox("kill"), SIGSYS);
}
