// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Waits until bits of a word in a pinned, mappable map are clear. It reads the word every 0.1 ms
 * and runs before ordinary processes, so that the time is exact on a busy machine.
 *
 * Usage: map_watch PIN OFFSET MASK. Standard output, with CLOCK_MONOTONIC: "cleared T".
 */
#include <bpf/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const struct sched_param lowest = { .sched_priority = 1 };
	const struct timespec pause = { .tv_nsec = 100000 };
	size_t offset = argc > 3 ? strtoul(argv[2], NULL, 0) : 0;
	unsigned int mask = argc > 3 ? (unsigned int)strtoul(argv[3], NULL, 0) : 0;
	struct timespec t;
	char *map;
	int fd;

	if (!mask || offset + sizeof(mask) > (size_t)sysconf(_SC_PAGESIZE)) {
		fprintf(stderr, "usage: map_watch PIN OFFSET MASK\n");
		return 1;
	}
	fd = bpf_obj_get(argv[1]);
	map = fd < 0 ? MAP_FAILED :
		       mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	sched_setscheduler(0, SCHED_FIFO, &lowest);
	while (__atomic_load_n((unsigned int *)(void *)(map + offset), __ATOMIC_ACQUIRE) & mask)
		nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("cleared %.6f\n", (double)t.tv_sec + (double)t.tv_nsec / 1e9);
	return 0;
}
