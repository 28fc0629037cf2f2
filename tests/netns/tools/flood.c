// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Sends frames at full speed. Usage: flood INTERFACE [random-sources], in the interface's network
 * namespace. Standard input: frames as hexadecimal digits, one per line; an empty line starts
 * sending them in turn; end of file stops. random-sources: the lower four bytes of each source
 * address are random. Standard output: {"sent": N}
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FRAMES 64
#define MAX_FRAME 1514

static uint8_t frames[MAX_FRAMES][MAX_FRAME];
static struct iovec vectors[MAX_FRAMES];
static struct mmsghdr messages[MAX_FRAMES];

static int fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	return 1;
}

static size_t read_hex(const char *line, uint8_t *frame)
{
	size_t n = 0;
	unsigned int byte;

	for (; n < MAX_FRAME && sscanf(line, "%2x", &byte) == 1; line += 2)
		frame[n++] = (uint8_t)byte;
	return n;
}

static unsigned int read_frames(void)
{
	static char line[2 * MAX_FRAME + 2];
	unsigned int n = 0;

	while (n < MAX_FRAMES && fgets(line, sizeof(line), stdin) && line[0] != '\n') {
		vectors[n] = (struct iovec){ frames[n], read_hex(line, frames[n]) };
		messages[n].msg_hdr = (struct msghdr){ .msg_iov = &vectors[n], .msg_iovlen = 1 };
		n++;
	}
	return n;
}

/* xorshift */
static uint32_t next_random(void)
{
	static uint32_t state = 0x9e3779b9;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void change_sources(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint32_t random = next_random();

		memcpy(&frames[i][8], &random, sizeof(random));
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned long long sent = 0;
	bool random = argc == 3 && !strcmp(argv[2], "random-sources");
	unsigned int n;
	int fd, one = 1;

	if (argc != 2 && !random) {
		fprintf(stderr, "usage: flood INTERFACE [random-sources]\n");
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	address.sll_ifindex = (int)if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(argv[1]);
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		return fail("PACKET_QDISC_BYPASS");
	n = read_frames();
	while (n && poll(&input, 1, 0) == 0) {
		for (int i = 0; i < 64; i++) {
			int r;

			if (random)
				change_sources(n);
			r = sendmmsg(fd, messages, n, 0);
			if (r < 0 && errno != ENOBUFS && errno != EAGAIN && errno != ENETDOWN)
				return fail("sendmmsg");
			sent += r > 0 ? (unsigned int)r : 0;
		}
	}
	printf("{\"sent\": %llu}\n", sent);
	return 0;
}
