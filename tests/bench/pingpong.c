// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Round trips of one UDP datagram at a time.
 * pingpong serve PORT        answers until killed; prints "ready"
 * pingpong ADDRESS PORT N    N round trips; prints
 * {"lost":..,"p50_us":..,"p99_us":..,"p999_us":..,"max_us":..} */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define MAX_LOST 50

static void die(const char *what)
{
	fprintf(stderr, "pingpong: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void serve(int fd, const struct sockaddr_in *address)
{
	struct sockaddr_in from;
	char data[256];

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		die("bind");
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		socklen_t length = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &length);

		if (n > 0)
			sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, length);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Time of one round trip in ns; 0: no reply within the limit of the socket. Skips replies to
 * earlier datagrams.
 */
static uint64_t round_trip(int fd, uint32_t number)
{
	uint64_t start = clock_ns();
	uint32_t data[16] = { number };

	if (send(fd, data, sizeof(data), 0) < 0)
		return 0;
	do {
		if (recv(fd, data, sizeof(data), 0) < 0)
			return 0;
	} while (data[0] != number);
	return clock_ns() - start;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct timeval limit = { .tv_usec = 200000 };
	uint64_t *times;
	uint32_t n, got = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc < 3 || fd < 0)
		die("usage: pingpong serve PORT | pingpong ADDRESS PORT N");
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	if (!strcmp(argv[1], "serve"))
		serve(fd, &address);

	n = argc > 3 ? (uint32_t)atoi(argv[3]) : 10000;
	times = calloc(n, sizeof(*times));
	if (!times || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		die(argv[1]);
	for (uint32_t i = 0; i < n; i++) {
		times[got] = round_trip(fd, i + 1);
		got += times[got] != 0;
		if (i + 1 - got > MAX_LOST) {
			errno = ETIMEDOUT;
			die("too few answers");
		}
	}
	qsort(times, got, sizeof(*times), compare);
	printf("{\"lost\":%u,\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,\"max_us\":%.2f}\n",
	       n - got, (double)times[got / 2] / 1e3, (double)times[(uint64_t)got * 99 / 100] / 1e3,
	       (double)times[(uint64_t)got * 999 / 1000] / 1e3, (double)times[got - 1] / 1e3);
	return 0;
}
