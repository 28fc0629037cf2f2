// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Sets an interface down by one request, which takes the RTNL once; ip link takes it twice. Usage:
 * down INTERFACE, in its network namespace. Standard output: "down T", with CLOCK_MONOTONIC. */
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct ifreq ifr = {};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct timespec t;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", argc > 1 ? argv[1] : "");
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0) {
		perror(ifr.ifr_name);
		return 1;
	}
	ifr.ifr_flags &= (short)~IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0) {
		perror(ifr.ifr_name);
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("down %.6f\n", (double)t.tv_sec + (double)t.tv_nsec / 1e9);
	return 0;
}
