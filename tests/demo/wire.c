// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* wire IFACE...: counts the IPv4 frames that leave by each interface, as the kernel passes them to
 * the driver. Prints "ready" when it listens; at SIGTERM it prints a line per interface, VLAN and
 * pair of addresses: IFACE VLAN SRC DST FRAMES. It is independent of uplinkd.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_WIRES 24
#define MAX_PAIRS 256

struct pair {
	int wire;
	unsigned int vlan;
	struct in_addr src, dst;
	unsigned long frames;
};

static struct pair pairs[MAX_PAIRS];
static int n_pairs;
static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static int listen_on(const char *interface)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)if_nametoindex(interface) };
	int on = 1, bytes = 16 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || !address.sll_ifindex)
		return -1;
	/* The tag of an outgoing frame is not in the data yet: the second option returns it. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0)
		return -1;
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

static unsigned int be16(const unsigned char *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static unsigned int vlan_in_auxdata(struct msghdr *message)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		struct tpacket_auxdata aux;

		if (control->cmsg_level != SOL_PACKET || control->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(control), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return aux.tp_vlan_tci & 0xfff;
	}
	return 0;
}

static void count(int wire, unsigned int vlan, const unsigned char *ip)
{
	struct pair pair = { .wire = wire, .vlan = vlan, .frames = 1 };

	memcpy(&pair.src, ip + 12, 4);
	memcpy(&pair.dst, ip + 16, 4);
	for (int i = 0; i < n_pairs; i++) {
		struct pair *known = &pairs[i];

		if (known->wire == wire && known->vlan == vlan &&
		    known->src.s_addr == pair.src.s_addr && known->dst.s_addr == pair.dst.s_addr) {
			known->frames++;
			return;
		}
	}
	if (n_pairs < MAX_PAIRS)
		pairs[n_pairs++] = pair;
}

static void count_frame(int wire, unsigned int vlan, const unsigned char *frame, size_t length)
{
	size_t at = 12;

	if (length >= 18 && be16(frame + at) == ETH_P_8021Q) {
		vlan = be16(frame + at + 2) & 0xfff;
		at += 4;
	}
	if (length >= at + 2 + 20 && be16(frame + at) == ETH_P_IP)
		count(wire, vlan, frame + at + 2);
}

static void drain(int fd, int wire)
{
	for (;;) {
		unsigned char frame[128], control[256];
		struct sockaddr_ll from;
		struct iovec data = { frame, sizeof(frame) };
		struct msghdr message = { .msg_name = &from,
					  .msg_namelen = sizeof(from),
					  .msg_iov = &data,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(fd, &message, 0);

		if (n < 0)
			return;
		if (from.sll_pkttype == PACKET_OUTGOING)
			count_frame(wire, vlan_in_auxdata(&message), frame, (size_t)n);
	}
}

int main(int argc, char **argv)
{
	struct sigaction on_term = { .sa_handler = stop };
	struct pollfd fds[MAX_WIRES];
	int n = argc - 1;
	sigset_t blocked, waiting;

	if (n < 1 || n > MAX_WIRES) {
		fprintf(stderr, "usage: wire IFACE...\n");
		return 1;
	}
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &waiting);
	sigaction(SIGTERM, &on_term, NULL);
	for (int i = 0; i < n; i++) {
		fds[i] = (struct pollfd){ .fd = listen_on(argv[i + 1]), .events = POLLIN };
		if (fds[i].fd < 0) {
			fprintf(stderr, "wire: %s: %s\n", argv[i + 1], strerror(errno));
			return 1;
		}
	}
	printf("ready\n");
	fflush(stdout);
	while (!stopped) {
		ppoll(fds, (nfds_t)n, NULL, &waiting);
		for (int i = 0; i < n; i++)
			drain(fds[i].fd, i);
	}
	for (int i = 0; i < n_pairs; i++) {
		char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];

		printf("%s %u %s %s %lu\n", argv[pairs[i].wire + 1], pairs[i].vlan,
		       inet_ntop(AF_INET, &pairs[i].src, src, sizeof(src)),
		       inet_ntop(AF_INET, &pairs[i].dst, dst, sizeof(dst)), pairs[i].frames);
	}
	return 0;
}
