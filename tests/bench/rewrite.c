// SPDX-License-Identifier: GPL-2.0
/* rewrite PIN_OF_UL_POLICIES IFNAME UPLINK_INDEX N: takes an interface down (SIOCSIFFLAGS, in this network namespace), watches the bucket tables of N policies in the map's
 * memory, and says when the first and the last of them had been rewritten: {"first_ms":..,"last_ms":..,"policies":..}, counted from before the interface went down;
 * then sets it up again and waits for all tables to be as they were. */
#include <net/if.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
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

/* Waits until every table is as it should be: no bucket names the dead uplink, or all are as before. */
static bool settled(const volatile struct ul_policy *policies, const struct ul_policy *before, uint32_t policy, uint32_t dead, bool back)
{
	for (uint32_t b = 0; b < before[policy].n_buckets; b++) {
		uint8_t now = policies[policy].bucket[b];

		if (back ? now != before[policy].bucket[b] : now == dead)
			return false;
	}
	return true;
}

static uint32_t wait_all(const struct ul_policy *policies, const struct ul_policy *before, uint32_t n, uint32_t dead, bool back, uint64_t *ret_first,
			 uint64_t *ret_last)
{
	uint64_t limit = clock_ns() + LIMIT_NS;
	uint32_t done = 0;

	/* They are rewritten in order, so looking at the next one is enough. */
	while (done < n && clock_ns() < limit) {
		if (done == 0 && !*ret_first && !back) {
			for (uint32_t b = 0; b < before[0].n_buckets && !*ret_first; b++)
				if (((const volatile struct ul_policy *)policies)->bucket[b] != before[0].bucket[b])
					*ret_first = clock_ns();
		}
		if (settled(policies, before, done, dead, back)) {
			done++;
			*ret_last = clock_ns();
		}
	}
	return done;
}

int main(int argc, char **argv)
{
	static struct ul_policy before[UL_MAX_POLICIES];
	uint64_t start, first = 0, last = 0, unused = 1, back = 0;
	const struct ul_policy *policies;
	uint32_t n, dead, done;
	int fd;

	if (argc != 5) {
		errno = EINVAL;
		die("usage: rewrite PIN IFNAME UPLINK_INDEX N");
	}
	fd = bpf_obj_get(argv[1]);
	dead = (uint32_t)atoi(argv[3]);
	n = (uint32_t)atoi(argv[4]);
	policies = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(before), PROT_READ, MAP_SHARED, fd, 0);
	if (policies == MAP_FAILED || n > UL_MAX_POLICIES)
		die(argv[1]);
	memcpy(before, policies, sizeof(before));

	start = clock_ns();
	set_up(argv[2], false);
	done = wait_all(policies, before, n, dead, false, &first, &last);
	set_up(argv[2], true);
	if (done < n || wait_all(policies, before, n, dead, true, &unused, &back) < n) {
		errno = ETIMEDOUT;
		die("not all tables were rewritten");
	}
	printf("{\"first_ms\":%.4f,\"last_ms\":%.4f,\"policies\":%u}\n", (double)(first - start) / 1e6, (double)(last - start) / 1e6, done);
	return 0;
}
