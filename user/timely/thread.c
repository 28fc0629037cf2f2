// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The timely thread. A turn executes a waiting command, runs every switch that has a readable
 * socket or a deadline, and renews leases and the watchdog. Nothing in it waits but ppoll().
 */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/notify.h"
#include "timely/client.h"

/*
 * A partner at fast rate times out 3 s after the last LACPDU. That one may be 1 s old when the
 * daemon stops; then the lease has to end, and within 1 s the partner's next LACPDU arrives, which
 * the data plane answers. So the lease must be shorter than 1 s.
 */
#define LEASE_MS 600
#define LEASE_RENEWAL_MS 200

#define NICE -10

/* ---- reports ---- */
/* Read, changed and stored by the thread alone; the worker only reads. */
static void raise_to(uint64_t *worst, uint64_t value)
{
	if (value > *worst)
		__atomic_store_n(worst, value, __ATOMIC_RELAXED);
}

static void send_report(void *userdata, const struct timely_report *report)
{
	struct timely *timely = userdata;

	if (send(timely->report_fd, report, sizeof(*report), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		raise_to(&timely->statistics.reports_dropped,
			 timely->statistics.reports_dropped + 1);
}

/* ---- leases ---- */
static void renew_leases(struct timely *timely, uint64_t now)
{
	uint64_t until_ns = now_ns() + LEASE_MS * 1000000ULL;

	if (now < timely->lease_due_ms)
		return;
	timely->lease_due_ms = now + LEASE_RENEWAL_MS;
	for (uint32_t id = 0; id < TIMELY_MAX_SWITCHES; id++) {
		struct timely_switch *sw = timely->sw[id];

		if (!sw || !sw->started)
			continue;
		meta_write_lease(&sw->dp, until_ns);
		if (sw->has_former)
			meta_write_lease(&sw->former, until_ns);
	}
}

/* ---- commands ---- */
static uint32_t free_id(const struct timely *timely)
{
	uint32_t id = 0;

	while (id < TIMELY_MAX_SWITCHES && timely->sw[id])
		id++;
	return id;
}

static void open_switch(struct timely *timely)
{
	struct timely_answer *answer = &timely->answer;
	uint32_t id = free_id(timely);

	if (id == TIMELY_MAX_SWITCHES) {
		answer->error = -ENOSPC;
		return;
	}
	answer->error = timely_switch_new(&timely->command.set, id, send_report, timely, answer,
					  &timely->sw[id]);
	answer->id = id;
}

static void execute(struct timely *timely)
{
	const struct timely_command *command = &timely->command;
	struct timely_switch **sw = command->id < TIMELY_MAX_SWITCHES ? &timely->sw[command->id] :
									NULL;

	memset(&timely->answer, 0, sizeof(timely->answer));
	if (command->kind == TIMELY_STOP)
		timely->stopping = true;
	else if (command->kind == TIMELY_OPEN)
		open_switch(timely);
	else if (!sw || !*sw)
		timely->answer.error = -ENOENT;
	else if (command->kind == TIMELY_CLOSE)
		timely_switch_free(TAKE_PTR(*sw));
	else
		timely_switch_execute(*sw, command, &timely->answer);
}

/* Without memory for the message, again in the next turn: the worker waits for it. */
static void send_answer(struct timely *timely)
{
	timely->answer_pending = send(timely->command_fd, &timely->answer, sizeof(timely->answer),
				      MSG_DONTWAIT | MSG_NOSIGNAL) < 0;
}

/* The worker waits, so there is one command at most. A failure of recv() leaves it in the queue. */
static void serve(struct timely *timely)
{
	ssize_t n =
		recv(timely->command_fd, &timely->command, sizeof(timely->command), MSG_DONTWAIT);

	if (n != sizeof(timely->command))
		return;
	execute(timely);
	/* A switch that has just started has no lease yet. */
	if (timely->command.kind == TIMELY_START) {
		timely->lease_due_ms = 0;
		renew_leases(timely, now_ms());
	}
	send_answer(timely);
}

/* ---- the watchdog ---- */
static void feed_watchdog(struct timely *timely, uint64_t now)
{
	uint64_t busy = __atomic_load_n(&timely->worker_busy_ms, __ATOMIC_RELAXED);

	if (!timely->watchdog_us || now < timely->watchdog_due_ms)
		return;
	timely->watchdog_due_ms = now + timely->watchdog_us / 2000;
	if (!busy || now - busy < TIMELY_WORKER_MAX_MS)
		notify_send(timely->notify_fd, "WATCHDOG=1");
}

/* ---- the loop ---- */
static uint64_t next_ms(const struct timely *timely)
{
	uint64_t next = timely->answer_pending ? now_ms() + 1 : timely->lease_due_ms;

	if (timely->watchdog_us && timely->watchdog_due_ms < next)
		next = timely->watchdog_due_ms;
	for (uint32_t id = 0; id < TIMELY_MAX_SWITCHES; id++) {
		uint64_t due = timely->sw[id] ? timely_switch_next_ms(timely->sw[id]) : UINT64_MAX;

		if (due < next)
			next = due;
	}
	return next;
}

static bool reserve_fds(struct timely *timely, size_t n)
{
	struct pollfd *grown;

	if (n <= timely->fds_room)
		return true;
	grown = reallocarray(timely->fds, n, sizeof(*grown));
	if (!grown)
		return false;
	timely->fds = grown;
	timely->fds_room = n;
	return true;
}

/* first[id]: index in fds of the first socket of the switch; first[id + 1] ends them. */
static size_t collect_fds(struct timely *timely, size_t first[TIMELY_MAX_SWITCHES + 1])
{
	size_t n = 1;

	timely->fds[0] = (struct pollfd){ .fd = timely->command_fd, .events = POLLIN };
	for (uint32_t id = 0; id < TIMELY_MAX_SWITCHES; id++) {
		first[id] = n;
		if (timely->sw[id] && timely->sw[id]->started &&
		    reserve_fds(timely, n + CHANNEL_MAX_FDS))
			n += channel_poll_fds(timely->sw[id]->channel, timely->fds + n,
					      CHANNEL_MAX_FDS);
	}
	first[TIMELY_MAX_SWITCHES] = n;
	return n;
}

static void wait_until(struct timely *timely, uint64_t due_ms, size_t n_fds)
{
	uint64_t now = now_ns(), due = due_ms * 1000000ULL, wait = due > now ? due - now : 0;
	struct timespec timeout = { .tv_sec = (time_t)(wait / 1000000000),
				    .tv_nsec = (long)(wait % 1000000000) };

	if (ppoll(timely->fds, n_fds, &timeout, NULL) == 0 && now_ns() > due && wait)
		raise_to(&timely->statistics.worst_late_us, (now_ns() - due) / 1000);
}

static bool is_readable(const struct timely *timely, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (timely->fds[i].revents)
			return true;
	return false;
}

static void turn(struct timely *timely)
{
	size_t first[TIMELY_MAX_SWITCHES + 1];
	size_t n = collect_fds(timely, first);
	bool readable[TIMELY_MAX_SWITCHES];
	uint64_t begin, took_us;

	wait_until(timely, next_ms(timely), n);
	begin = now_ns();
	for (uint32_t id = 0; id < TIMELY_MAX_SWITCHES; id++)
		readable[id] = is_readable(timely, first[id], first[id + 1]);
	if (timely->answer_pending)
		send_answer(timely);
	else if (timely->fds[0].revents)
		serve(timely);
	for (uint32_t id = 0; id < TIMELY_MAX_SWITCHES; id++)
		if (timely->sw[id])
			timely_switch_run(timely->sw[id], now_ms(), readable[id]);
	renew_leases(timely, now_ms());
	feed_watchdog(timely, now_ms());
	took_us = (now_ns() - begin) / 1000;
	raise_to(&timely->statistics.worst_turn_us, took_us);
	histogram_add(&timely->turns, histogram_busy_us, took_us);
}

/* Either is enough on a busy host; without both the thread is one of many. */
static void raise_priority(void)
{
	const struct sched_param lowest = { .sched_priority = sched_get_priority_min(SCHED_FIFO) };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) < 0)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

void *timely_thread(void *userdata)
{
	struct timely *timely = userdata;

	prctl(PR_SET_NAME, "uplinkd/timely");
	raise_priority();
	__atomic_store_n(&timely->statistics.sandbox_error, sandbox_enter(), __ATOMIC_RELAXED);
	while (!timely->stopping || timely->answer_pending)
		turn(timely);
	return NULL;
}
