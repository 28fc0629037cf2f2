// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Holds the RTNL for an exact time. ETHTOOL_GLINK stores its answer while it holds the lock, into a
 * page that is missing (userfaultfd) and that is filled only when the time is over.
 *
 * Usage: rtnl_hold SECONDS, in any network namespace. Standard output, with CLOCK_MONOTONIC:
 * "waits T" before the request, "held T" when it has the lock, "released T" at the end.
 */
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* struct ethtool_value: cmd ends the first page, data begins the missing one. */
static char *request;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const char *what)
{
	printf("%s %.6f\n", what, now());
	fflush(stdout);
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static void *ask(void *unused)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ifr.ifr_data = request;
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		perror("SIOCETHTOOL");
	return unused;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 10, begin;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_zeropage fill = {};
	struct uffdio_register missing;
	struct uffd_msg message;
	const uint32_t command = ETHTOOL_GLINK;
	pthread_t thread;
	char *pages;
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0)
		return fail("userfaultfd");
	pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return fail("mmap");
	request = pages + page - sizeof(command);
	memcpy(request, &command, sizeof(command));
	missing = (struct uffdio_register){ .range = { (uintptr_t)pages + page, page },
					    .mode = UFFDIO_REGISTER_MODE_MISSING };
	if (ioctl(fd, UFFDIO_REGISTER, &missing) < 0)
		return fail("UFFDIO_REGISTER");
	say("waits");
	if (pthread_create(&thread, NULL, ask, NULL))
		return fail("thread");
	if (read(fd, &message, sizeof(message)) != sizeof(message))
		return fail("read");
	begin = now();
	say("held");
	while (now() - begin < seconds)
		usleep(1000);
	say("released");
	fill.range = missing.range;
	ioctl(fd, UFFDIO_ZEROPAGE, &fill);
	pthread_join(thread, NULL);
	return 0;
}
