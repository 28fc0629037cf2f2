// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* stream FROM_NETNS TO_NETNS SOURCE DESTINATION RATE SECONDS: a numbered UDP packet every 1/RATE
 * seconds from one network namespace to the other.
 *
 * This process has both ends, so the times of sending and of arrival (time stamp of the kernel) of
 * each packet are exact. SIGUSR1 marks the moment when the cable is cut; the stream continues for
 * SECONDS after it, and losses of packets sent after it are counted separately. Prints "ready" when
 * it sends, and one line at the end: sent received duplicated lost lost_after_mark
 * longest_silence_us longest_sender_pause_us
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UDP_PORT 9786
#define PAYLOAD 64
#define LIMIT_S 60	       /* of the whole stream, if no mark comes */
#define LINGER_NS 500000000ULL /* how long to wait for the last packets */

struct stream {
	int out, in;
	uint32_t limit, after_mark, sent, received, duplicated; /* packets */
	uint64_t *sent_ns, *arrived_ns;				/* by number; 0: not arrived */
	uint64_t last_arrival_ns, longest_silence_ns;
};

static volatile sig_atomic_t marked;
static uint64_t mark_ns;

/* The clock of the kernel's time stamps. */
static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void mark(int number)
{
	(void)number;
	mark_ns = clock_ns();
	marked = 1;
}

static int enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int open_ends(struct stream *stream, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(UDP_PORT) },
			   from = { .sin_family = AF_INET };
	int on = 1, bytes = 16 << 20, r;

	if (inet_pton(AF_INET, argv[3], &from.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[4], &to.sin_addr) != 1)
		return -EINVAL;
	r = enter(argv[2]);
	if (r < 0)
		return r;
	stream->in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (stream->in < 0 ||
	    setsockopt(stream->in, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    setsockopt(stream->in, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    bind(stream->in, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	r = enter(argv[1]);
	if (r < 0)
		return r;
	stream->out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (stream->out < 0 || bind(stream->out, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(stream->out, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

static void send_one(struct stream *stream)
{
	char packet[PAYLOAD] = {};

	memcpy(packet, &stream->sent, sizeof(stream->sent));
	stream->sent_ns[stream->sent] = clock_ns();
	if (send(stream->out, packet, sizeof(packet), 0) < 0)
		fprintf(stderr, "stream: packet %u: %s\n", stream->sent, strerror(errno));
	stream->sent++;
}

static uint64_t stamp_of(struct msghdr *message)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		struct timespec stamp;

		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(control), sizeof(stamp));
		return (uint64_t)stamp.tv_sec * 1000000000ULL + (uint64_t)stamp.tv_nsec;
	}
	return clock_ns();
}

static void receive_all(struct stream *stream)
{
	for (;;) {
		char packet[PAYLOAD], control[128];
		struct iovec data = { packet, sizeof(packet) };
		struct msghdr message = { .msg_iov = &data,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		uint32_t number;
		uint64_t at_ns;

		if (recvmsg(stream->in, &message, 0) != sizeof(packet))
			return;
		memcpy(&number, packet, sizeof(number));
		if (number >= stream->sent)
			continue;
		at_ns = stamp_of(&message);
		if (stream->arrived_ns[number])
			stream->duplicated++;
		else
			stream->received++;
		stream->arrived_ns[number] = at_ns;
		if (stream->last_arrival_ns && at_ns > stream->last_arrival_ns &&
		    at_ns - stream->last_arrival_ns > stream->longest_silence_ns)
			stream->longest_silence_ns = at_ns - stream->last_arrival_ns;
		stream->last_arrival_ns = at_ns;
	}
}

/* Overdue packets are sent at once, so that the number of packets is always the specified one. */
static void run(struct stream *stream, uint32_t rate)
{
	uint64_t interval_ns = 1000000000ULL / rate, due_ns = clock_ns();
	bool seen_mark = false;

	for (uint32_t left = stream->limit; left > 0;) {
		while (left > 0 && clock_ns() >= due_ns) {
			send_one(stream);
			due_ns += interval_ns;
			left--;
		}
		if (marked && !seen_mark) {
			seen_mark = true;
			left = left < stream->after_mark ? left : stream->after_mark;
		}
		receive_all(stream);
		struct timespec until = { .tv_sec = (time_t)(due_ns / 1000000000ULL),
					  .tv_nsec = (long)(due_ns % 1000000000ULL) };

		clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
	}
	for (uint64_t end_ns = clock_ns() + LINGER_NS;
	     stream->received < stream->sent && clock_ns() < end_ns; receive_all(stream)) {
		struct pollfd wait = { .fd = stream->in, .events = POLLIN };

		poll(&wait, 1, 50);
	}
}

static void print_result(const struct stream *stream)
{
	uint32_t lost_after = 0;
	uint64_t pause_ns = 0;

	for (uint32_t i = 0; i < stream->sent; i++) {
		if (i > 0 && stream->sent_ns[i] - stream->sent_ns[i - 1] > pause_ns)
			pause_ns = stream->sent_ns[i] - stream->sent_ns[i - 1];
		if (!stream->arrived_ns[i] && marked && stream->sent_ns[i] > mark_ns)
			lost_after++;
	}
	printf("%u %u %u %u %u %llu %llu\n", stream->sent, stream->received, stream->duplicated,
	       stream->sent - stream->received, lost_after,
	       (unsigned long long)stream->longest_silence_ns / 1000,
	       (unsigned long long)pause_ns / 1000);
}

int main(int argc, char **argv)
{
	struct sigaction on_mark = { .sa_handler = mark, .sa_flags = SA_RESTART };
	const struct sched_param priority = { .sched_priority = 1 };
	struct stream stream = { .in = -1, .out = -1 };
	uint32_t rate;
	int r;

	if (argc != 7 || (rate = (uint32_t)atoi(argv[5])) == 0 || atof(argv[6]) <= 0) {
		fprintf(stderr,
			"usage: stream FROM_NETNS TO_NETNS SOURCE DESTINATION RATE SECONDS\n");
		return 1;
	}
	stream.limit = rate * LIMIT_S;
	stream.after_mark = (uint32_t)(rate * atof(argv[6]));
	stream.sent_ns = calloc(stream.limit, sizeof(*stream.sent_ns));
	stream.arrived_ns = calloc(stream.limit, sizeof(*stream.arrived_ns));
	if (!stream.sent_ns || !stream.arrived_ns)
		return 1;
	sigaction(SIGUSR1, &on_mark, NULL);
	/* Real-time priority, because other load would distort the measurement; optional. */
	sched_setscheduler(0, SCHED_RR, &priority);
	prctl(PR_SET_TIMERSLACK, 1UL);
	r = open_ends(&stream, argv);
	if (r < 0) {
		fprintf(stderr, "stream: %s\n", strerror(-r));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	run(&stream, rate);
	print_result(&stream);
	return 0;
}
