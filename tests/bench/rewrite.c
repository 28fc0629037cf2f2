// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* rewrite PIN_OF_UL_POLICIES IFNAME UPLINK_INDEX N: sets an interface down (SIOCSIFFLAGS, in this
 * network namespace) and polls the bucket tables of N policies in the memory of the map.
 *
 * Prints {"first_ms":.., "last_ms":..}: the last poll without a change and the first poll with all
 * tables changed, counted from before the interface went down. The difference is an upper bound,
 * also if this process was descheduled. Then it sets the interface up and waits until the tables
 * are as before.
 */
#include <net/if.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "abi.h"
#include "testrun.h"

#define LIMIT_NS 5000000000ULL

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void set_up(const char *name, bool up)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		die(name);
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		die(name);
	close(fd);
}

/* The buckets of a dead uplink are rewritten in ascending order, so polling the first and the last
 * of each policy is sufficient.
 */
struct watch {
	uint32_t first, last; /* bucket numbers */
};

static uint32_t find_polled(const struct ul_policy *policies, uint32_t n, uint32_t uplink,
			    struct watch *watches)
{
	uint32_t found = 0;

	for (uint32_t p = 0; p < n; p++) {
		bool any = false;

		for (uint32_t b = 0; b < policies[p].n_buckets; b++) {
			if (policies[p].bucket[b] != uplink)
				continue;
			if (!any)
				watches[p].first = b;
			watches[p].last = b;
			any = true;
		}
		found += any;
	}
	return found;
}

struct times {
	uint64_t first, last;
};

static bool poll_rewrite(const volatile struct ul_policy *policies, uint32_t n, uint32_t uplink,
			 const struct watch *watches, struct times *times)
{
	uint64_t limit = clock_ns() + LIMIT_NS, before = clock_ns();

	for (uint64_t now = before; now < limit; before = now) {
		uint32_t begun = 0, done = 0;

		for (uint32_t p = 0; p < n; p++) {
			begun += policies[p].bucket[watches[p].first] != uplink;
			done += policies[p].bucket[watches[p].last] != uplink;
		}
		now = clock_ns();
		if (begun && !times->first)
			times->first = before;
		if (done == n) {
			times->last = now;
			return true;
		}
	}
	return false;
}

static bool wait_for_restore(const volatile struct ul_policy *policies, uint32_t n, uint32_t uplink,
			     const struct watch *watches)
{
	uint64_t limit = clock_ns() + LIMIT_NS;
	uint32_t back = 0;

	while (back < n && clock_ns() < limit) {
		back = 0;
		for (uint32_t p = 0; p < n; p++)
			back += policies[p].bucket[watches[p].last] == uplink;
		usleep(1000);
	}
	return back == n;
}

int main(int argc, char **argv)
{
	static struct watch watches[UL_MAX_POLICIES];
	const struct ul_policy *policies;
	struct times times = {};
	uint64_t start;
	uint32_t n, uplink;
	pid_t child;
	int fd;

	if (argc != 5) {
		errno = EINVAL;
		die("usage: rewrite PIN IFNAME UPLINK_INDEX N");
	}
	fd = bpf_obj_get(argv[1]);
	uplink = (uint32_t)atoi(argv[3]);
	n = (uint32_t)atoi(argv[4]);
	policies = fd < 0 ? MAP_FAILED :
			    mmap(NULL, UL_MAX_POLICIES * sizeof(*policies), PROT_READ, MAP_SHARED,
				 fd, 0);
	if (policies == MAP_FAILED || n > UL_MAX_POLICIES ||
	    find_polled(policies, n, uplink, watches) < n)
		die(argv[1]);

	setpriority(PRIO_PROCESS, 0, -20);
	start = clock_ns();
	child = fork();
	if (child == 0) { /* the call returns long after the event has reached the daemon */
		set_up(argv[2], false);
		_exit(0);
	}
	if (child < 0 || !poll_rewrite(policies, n, uplink, watches, &times)) {
		errno = ETIMEDOUT;
		die("not all tables were rewritten");
	}
	waitpid(child, NULL, 0);
	set_up(argv[2], true);
	if (!wait_for_restore(policies, n, uplink, watches)) {
		errno = ETIMEDOUT;
		die("not all tables were restored");
	}
	printf("{\"first_ms\":%.4f,\"last_ms\":%.4f}\n", (double)(times.first - start) / 1e6,
	       (double)(times.last - start) / 1e6);
	return 0;
}
