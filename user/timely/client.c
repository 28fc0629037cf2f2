// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "timely/client.h"

#include <assert.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Reports that wait for the worker while it is blocked; some hundred bytes each. */
#define REPORT_BUFFER_BYTES (1024 * 1024)

/* ---- reports ---- */
static void deliver(struct timely_client *client, const struct timely_report *report)
{
	const struct timely_callbacks *callbacks = &client->callbacks;

	switch (report->kind) {
	case TIMELY_EVENT:
		callbacks->on_event(callbacks->userdata, report->code, report->object,
				    report->text);
		break;
	case TIMELY_UPLINK_EVENT:
		callbacks->on_uplink_event(callbacks->userdata, report->object, report->code,
					   report->text);
		break;
	case TIMELY_UPLINK_STATE:
		callbacks->on_uplink_state(callbacks->userdata, report->object, report->text);
		break;
	case TIMELY_CARRIER:
		callbacks->on_carrier(callbacks->userdata, report->ifindex);
		break;
	case TIMELY_FAILURE:
		errors_add(client->context->errors, 0, "%s", report->text);
		break;
	}
}

static bool read_report(struct timely *timely)
{
	struct timely_report report;
	ssize_t n = recv(timely->worker_report_fd, &report, sizeof(report), MSG_DONTWAIT);

	if (n != sizeof(report))
		return false;
	for (struct timely_client *client = timely->clients; client; client = client->next)
		if (client->id == report.id) {
			deliver(client, &report);
			break;
		}
	return true;
}

/* Some of them, so that others get their turn. */
static int on_reports(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	for (int i = 0; i < 64 && read_report(userdata); i++)
		;
	return 0;
}

/* ---- the thread ---- */
static void close_all(struct timely *timely)
{
	sd_event_source_disable_unref(timely->report_source);
	ul_closep(&timely->command_fd);
	ul_closep(&timely->worker_command_fd);
	ul_closep(&timely->report_fd);
	ul_closep(&timely->worker_report_fd);
	free(timely->fds);
	free(timely);
}

static int make_pair(int type, int *ret_thread, int *ret_worker)
{
	int fds[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	*ret_thread = fds[0];
	*ret_worker = fds[1];
	return 0;
}

static int start_thread(struct timely *timely)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&timely->thread, NULL, timely_thread, timely);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int timely_new(const struct timely_options *options, struct timely **ret)
{
	struct timely *timely = calloc(1, sizeof(*timely));
	int size = REPORT_BUFFER_BYTES, r;

	if (!timely)
		return -ENOMEM;
	timely->notify_fd = options->notify_fd;
	timely->watchdog_us = options->watchdog_us;
	timely->command_fd = timely->worker_command_fd = -1;
	timely->report_fd = timely->worker_report_fd = -1;
	/* The first one, for the commands; the thread adds what the switches need. */
	timely->fds = calloc(1, sizeof(*timely->fds));
	timely->fds_room = 1;
	r = timely->fds ? 0 : -ENOMEM;
	if (r == 0)
		r = make_pair(SOCK_SEQPACKET, &timely->command_fd, &timely->worker_command_fd);
	if (r == 0)
		r = make_pair(SOCK_SEQPACKET, &timely->report_fd, &timely->worker_report_fd);
	if (r == 0 &&
	    setsockopt(timely->report_fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(timely->report_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (r == 0)
		r = sd_event_add_io(options->event, &timely->report_source,
				    timely->worker_report_fd, EPOLLIN, on_reports, timely);
	if (r >= 0)
		r = start_thread(timely);
	if (r < 0) {
		close_all(timely);
		return r;
	}
	*ret = timely;
	return 0;
}

void timely_worker_begins(struct timely *timely)
{
	__atomic_store_n(&timely->worker_busy_ms, now_ms(), __ATOMIC_RELAXED);
}

void timely_worker_ends(struct timely *timely)
{
	__atomic_store_n(&timely->worker_busy_ms, 0, __ATOMIC_RELAXED);
}

void timely_get_turns(const struct timely *timely, struct histogram *ret)
{
	histogram_copy(ret, &timely->turns);
}

void timely_get_uplink_statistics(const struct timely_client *client, uint32_t uplink,
				  struct timely_uplink_statistics *ret)
{
	const struct timely_uplink_statistics *now = &client->statistics[uplink];

	ret->failovers = __atomic_load_n(&now->failovers, __ATOMIC_RELAXED);
	histogram_copy(&ret->lacp_gaps, &now->lacp_gaps);
}

struct timely_statistics timely_get_statistics(const struct timely *timely)
{
	const struct timely_statistics *now = &timely->statistics;

	return (struct timely_statistics){
		.worst_turn_us = __atomic_load_n(&now->worst_turn_us, __ATOMIC_RELAXED),
		.worst_late_us = __atomic_load_n(&now->worst_late_us, __ATOMIC_RELAXED),
		.reports_dropped = __atomic_load_n(&now->reports_dropped, __ATOMIC_RELAXED),
		.sandbox_error = __atomic_load_n(&now->sandbox_error, __ATOMIC_RELAXED),
	};
}

/* ---- commands ---- */
/* Whether a call on the socket is worth another attempt: without memory, after a pause. */
static bool try_again(ssize_t n)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };

	if (n >= 0 || (errno != EINTR && errno != ENOMEM && errno != ENOBUFS && errno != EAGAIN))
		return false;
	if (errno != EINTR)
		nanosleep(&pause, NULL);
	return true;
}

/* The thread answers at once. It lives as long as the process, so a lasting failure is a mistake in
 * the program. */
static void exchange(struct timely *timely, const struct timely_command *command,
		     struct timely_answer *answer)
{
	ssize_t n;

	do
		n = send(timely->worker_command_fd, command, sizeof(*command), MSG_NOSIGNAL);
	while (try_again(n));
	assert(n == sizeof(*command));
	do
		n = recv(timely->worker_command_fd, answer, sizeof(*answer), 0);
	while (try_again(n));
	assert(n == sizeof(*answer));
}

void timely_free(struct timely *timely)
{
	struct timely_answer answer;

	if (!timely)
		return;
	assert(!timely->clients);
	memset(&timely->request, 0, sizeof(timely->request));
	timely->request.kind = TIMELY_STOP;
	exchange(timely, &timely->request, &answer);
	pthread_join(timely->thread, NULL);
	close_all(timely);
}

static struct timely_command *request(struct timely_client *client, enum timely_kind kind)
{
	struct timely_command *command = client->timely ? &client->timely->request :
							  &client->local_request;

	memset(command, 0, sizeof(*command));
	command->kind = kind;
	command->id = client->id;
	return command;
}

static int call_for(struct timely_client *client, const struct timely_command *command,
		    struct timely_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	if (client->timely)
		exchange(client->timely, command, answer);
	else
		timely_switch_execute(client->local, command, answer);
	if (answer->text[0])
		errors_add(client->context->errors, 0, "%s", answer->text);
	return answer->error;
}

static int call(struct timely_client *client, const struct timely_command *command)
{
	struct timely_answer answer;

	return call_for(client, command, &answer);
}

static void deliver_local(void *userdata, const struct timely_report *report)
{
	deliver(userdata, report);
}

static void fill_set(struct timely_client *client, struct timely_set *set)
{
	set->statistics = client->statistics;
	set->dp = client->context->dp;
	memcpy(set->name, client->context->name, sizeof(set->name));
}

static int open_switch(struct timely_client *client, announce_send send, void *send_userdata)
{
	struct timely_command *command = request(client, TIMELY_OPEN);
	struct timely_answer answer = {};
	int r;

	fill_set(client, &command->set);
	command->set.send = send;
	command->set.send_userdata = send_userdata;
	if (client->timely) {
		r = call_for(client, command, &answer);
		client->id = answer.id;
		return r;
	}
	r = timely_switch_new(&command->set, 0, deliver_local, client, &answer, &client->local);
	if (answer.text[0])
		errors_add(client->context->errors, 0, "%s", answer.text);
	return r;
}

int timely_open(struct timely *timely, const struct switch_context *context,
		const struct timely_callbacks *callbacks, announce_send send, void *send_userdata,
		struct timely_client **ret)
{
	struct timely_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return context_fail(context, -ENOMEM, "uplinks");
	client->timely = timely;
	client->context = context;
	client->callbacks = *callbacks;
	r = open_switch(client, send, send_userdata);
	if (r < 0) {
		free(client);
		return context_fail(context, r, "LACP and failover cannot be started");
	}
	if (timely) {
		client->next = timely->clients;
		timely->clients = client;
	}
	*ret = client;
	return 0;
}

void timely_close(struct timely_client *client)
{
	if (!client)
		return;
	if (client->timely) {
		struct timely_client **at = &client->timely->clients;

		(void)call(client, request(client, TIMELY_CLOSE));
		/* What it reported last, while the names are known. */
		while (read_report(client->timely))
			;
		while (*at != client)
			at = &(*at)->next;
		*at = client->next;
	} else {
		timely_switch_free(client->local);
	}
	free(client);
}

int timely_exchange(struct timely_client *client)
{
	struct timely_command *command = request(client, TIMELY_EXCHANGE);

	fill_set(client, &command->set);
	return call(client, command);
}

void timely_exchanged(struct timely_client *client)
{
	(void)call(client, request(client, TIMELY_EXCHANGED));
}

int timely_order(struct timely_client *client, const uint8_t to[UL_MAX_UPLINKS])
{
	struct timely_command *command = request(client, TIMELY_ORDER);
	const struct switch_cfg *cfg = client->context->cfg;

	command->order = (struct timely_order){
		.channel = cfg->channel,
		.lacp = cfg->lacp,
		.pagp = cfg->pagp,
		.method = cfg->teaming.method,
		.up_delay_ms = cfg->up_delay_ms,
		.carrier_poll_ms = cfg->carrier_poll_ms,
		.n_uplinks = cfg->n_uplinks,
	};
	memcpy(command->order.names, cfg->uplinks, sizeof(command->order.names));
	memcpy(command->order.to, to, sizeof(command->order.to));
	return call(client, command);
}

int timely_link(struct timely_client *client, const struct timely_link *link)
{
	struct timely_command *command = request(client, TIMELY_LINK);

	command->link = *link;
	return call(client, command);
}

static void detach(struct timely_client *client, const struct timely_detach *detach)
{
	struct timely_command *command = request(client, TIMELY_DETACH);

	command->detach = *detach;
	(void)call(client, command);
}

void timely_detach(struct timely_client *client, uint32_t uplink, bool gone)
{
	detach(client, &(struct timely_detach){ .uplink = uplink, .gone = gone });
}

void timely_leave(struct timely_client *client, uint32_t uplink)
{
	detach(client, &(struct timely_detach){ .uplink = uplink, .leaving = true });
}

int timely_start(struct timely_client *client)
{
	return call(client, request(client, TIMELY_START));
}

/* Index of the settings in the list, to which they are added; UL_MAX_POLICIES: it is full. */
static uint32_t index_of(struct timely_teamings *teamings, const struct teaming *teaming)
{
	uint32_t i = 0;

	while (i < teamings->n && !teaming_equal(&teamings->list[i], teaming))
		i++;
	if (i == teamings->n && i < UL_MAX_POLICIES)
		teamings->list[teamings->n++] = *teaming;
	return i;
}

int timely_assign(struct timely_client *client, uint32_t *ret_slots)
{
	struct timely_command *command = request(client, TIMELY_ASSIGN);
	const struct switch_cfg *cfg = client->context->cfg;
	_cleanup_free_ uint32_t *index = calloc(cfg->n_groups + 1, sizeof(*index));
	struct timely_answer answer;
	int r;

	if (!index)
		return context_fail(client->context, -ENOMEM, "teaming policies");
	for (size_t g = 0; g < cfg->n_groups; g++) {
		index[g] = index_of(&command->teamings, &cfg->groups[g].teaming);
		if (index[g] == UL_MAX_POLICIES)
			return context_fail(client->context, -ENOSPC,
					    "more than %d different teaming settings",
					    UL_MAX_POLICIES);
	}
	r = call_for(client, command, &answer);
	for (size_t g = 0; r == 0 && g < cfg->n_groups; g++)
		ret_slots[g] = answer.slots.list[index[g]];
	return r;
}

void timely_prune(struct timely_client *client, const uint32_t *slots)
{
	struct timely_command *command = request(client, TIMELY_PRUNE);
	uint64_t used = 0;

	for (size_t g = 0; g < client->context->cfg->n_groups; g++)
		used |= UINT64_C(1) << slots[g];
	for (uint32_t slot = 0; slot < UL_MAX_POLICIES; slot++)
		if (used >> slot & 1)
			command->slots.list[command->slots.n++] = slot;
	(void)call(client, command);
}

void timely_publish(struct timely_client *client)
{
	(void)call(client, request(client, TIMELY_PUBLISH));
}

int timely_drain(struct timely_client *client, uint32_t uplink, bool on)
{
	struct timely_command *command = request(client, TIMELY_DRAIN);

	command->drain = (struct timely_drain){ .uplink = uplink, .on = on };
	return call(client, command);
}

void timely_forget(struct timely_client *client, uint32_t slot)
{
	struct timely_command *command = request(client, TIMELY_FORGET);

	command->slot = slot;
	(void)call(client, command);
}
