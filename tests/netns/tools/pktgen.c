/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* clang-format off */
/* Sends numbered UDP frames at a steady rate through one interface and records where, when and how
 * often each arrives at several others.
 *
 * usage: pktgen --tx END --rx END [--rx END ...] [--rate N] [--flows N] [--size N] [--src-mac M]
 *               [--dst-mac M] [--src IP] [--dst IP] [--vlan V]
 * END is NAME=ns:PATH:IFNAME (an interface of the namespace at PATH) or NAME=fd:N (an open tap).
 * Frame number s belongs to flow s % flows; flow f has the source address SRC and the destination
 * address DST + f.
 *
 * Commands on standard input, each answered with one line of JSON on standard output:
 *   wait N          until N more frames have arrived (or 60 s * UL_SLOW have passed)
 *   mark            the next frame begins a new phase
 *   cut NAME        removes the carrier at that end: link down, or TUNSETCARRIER for a tap
 *   restore NAME    the opposite
 *   check           ends the phase, waits for its frames in flight, prints its figures and begins
 *                   the next phase in its place, so that a long run is judged piece by piece
 *   skip            begins the phase again with the next frame
 *   stop            stops sending, waits for frames in flight, prints all figures and ends
 *
 * A cut ends the phase at the newest frame that had arrived before, and begins the next with the
 * first frame whose sending began after the kernel had confirmed the cut: the switch is responsible
 * for losses there. The frames between, which may have been anywhere when the cut happened, are a
 * separate phase ("cutting"). A restored carrier loses nothing in flight, so "restoring" begins with
 * the first frame whose sending began after the command.
 */
/* clang-format on */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENDS 33
#define MAX_FRAMES (1u << 22)
#define MAX_FLOWS 4096
#define MAX_PHASES 64
#define MAGIC 0x756c7067u
#define UDP_PORT 40321
#define BURST                                                                                  \
	16 /* a sender that was late catches up by at most so many frames, so that it does not \
	      overflow a ring itself */

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

struct end {
	char name[32];
	char ifname[IFNAMSIZ];
	int fd; /* packet socket or tap */
	bool tap;
};

struct payload {
	uint32_t stream_be32;
	uint32_t seq_be32;
};

struct phase {
	uint32_t first; /* sequence number */
	const char *kind;
	char name[32];
};

static struct end rx[MAX_ENDS], tx;
static unsigned int n_rx;
static uint32_t stream; /* several generators may share an end */
static uint32_t rate = 10000, n_flows = 64, size = 100;
static uint32_t src_ip = 0x0a000001, dst_ip = 0x0a000100;
static uint8_t src_mac[6] = { 2, 0, 0, 0, 0, 1 }, dst_mac[6] = { 2, 0, 0, 0, 0, 2 };
static int vlan = -1;
static double slow = 1;

static uint8_t frame[9216];
static uint32_t frame_len, dst_offset, ip_offset, payload_offset;

static atomic_uint begun; /* frames whose sending has begun */
static atomic_uint arrived;
static atomic_uint newest_arrived; /* highest number that arrived + 1 */
static atomic_bool stopping, done;
static uint32_t tx_errors;

static uint8_t where[MAX_FRAMES]; /* rx end + 1 of the first copy */
static uint64_t when_ns[MAX_FRAMES];
static uint8_t copies[MAX_FRAMES];
/* arrived after a later frame of its flow at the same end */
static uint8_t late[MAX_FRAMES];
static uint32_t newest[MAX_ENDS][MAX_FLOWS]; /* sequence number + 1 */

static struct phase phases[MAX_PHASES];
static unsigned int n_phases;

static void die(const char *what)
{
	fprintf(stderr, "pktgen: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&t, NULL);
}

/* ---- ends ---- */
static void open_packet_socket(struct end *end, const char *ns_path, bool receive)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = receive ? htons(ETH_P_ALL) : 0 };
	int ns = open(ns_path, O_RDONLY | O_CLOEXEC), one = 1, bytes = 64 << 20;

	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(ns_path);
	close(ns);
	end->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | (receive ? SOCK_NONBLOCK : 0), 0);
	if (end->fd < 0)
		die("packet socket");
	address.sll_ifindex = if_nametoindex(end->ifname);
	if (!address.sll_ifindex)
		die(end->ifname);
	setsockopt(end->fd, SOL_SOCKET, receive ? SO_RCVBUFFORCE : SO_SNDBUFFORCE, &bytes,
		   sizeof(bytes));
	setsockopt(end->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (bind(end->fd, (struct sockaddr *)&address, sizeof(address)))
		die("bind");
}

static void parse_end(struct end *end, char *text, bool receive)
{
	char *spec = strchr(text, '='), *ifname;

	if (!spec)
		goto bad;
	*spec++ = 0;
	snprintf(end->name, sizeof(end->name), "%s", text);
	if (!strncmp(spec, "fd:", 3)) {
		end->fd = atoi(spec + 3);
		end->tap = true;
		if (receive)
			fcntl(end->fd, F_SETFL, fcntl(end->fd, F_GETFL) | O_NONBLOCK);
		return;
	}
	ifname = strrchr(spec, ':');
	if (strncmp(spec, "ns:", 3) || ifname < spec + 3)
		goto bad;
	*ifname++ = 0;
	snprintf(end->ifname, sizeof(end->ifname), "%s", ifname);
	open_packet_socket(end, spec + 3, receive);
	return;
bad:
	errno = EINVAL;
	die(text);
}

static int set_carrier(const struct end *end, bool on)
{
	struct ifreq request = {};
	int value = on;

	if (end->tap)
		return ioctl(end->fd, TUNSETCARRIER, &value);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", end->ifname);
	if (ioctl(end->fd, SIOCGIFFLAGS, &request))
		return -1;
	request.ifr_flags = on ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
	return ioctl(end->fd, SIOCSIFFLAGS, &request);
}

/* ---- frames ---- */
static void put16(uint32_t offset, uint16_t value)
{
	frame[offset] = value >> 8;
	frame[offset + 1] = value;
}

static void put32(uint32_t offset, uint32_t value)
{
	put16(offset, value >> 16);
	put16(offset + 2, value);
}

static void make_frame(void)
{
	uint32_t at = 12;

	memcpy(frame, dst_mac, 6);
	memcpy(frame + 6, src_mac, 6);
	if (vlan >= 0) {
		put16(at, ETH_P_8021Q);
		put16(at + 2, vlan);
		at += 4;
	}
	put16(at, ETH_P_IP);
	ip_offset = at + 2;
	dst_offset = ip_offset + 16;
	payload_offset = ip_offset + 28;
	frame_len = size < payload_offset + 18 ? payload_offset + 18 : size;

	frame[ip_offset] = 0x45;
	put16(ip_offset + 2, frame_len - ip_offset);
	frame[ip_offset + 8] = 64;
	frame[ip_offset + 9] = 17;
	put32(ip_offset + 12, src_ip);
	put16(ip_offset + 20, UDP_PORT);
	put16(ip_offset + 22, UDP_PORT);
	put16(ip_offset + 24, frame_len - ip_offset - 20); /* UDP checksum 0: none */
	put32(payload_offset, stream);
}

static void number_frame(uint32_t seq)
{
	uint32_t sum = 0;

	put32(dst_offset, dst_ip + seq % n_flows);
	put32(payload_offset + 4, seq);
	put16(ip_offset + 4, seq);
	put16(ip_offset + 10, 0);
	for (uint32_t i = 0; i < 20; i += 2)
		sum += (uint32_t)frame[ip_offset + i] << 8 | frame[ip_offset + i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(ip_offset + 10, ~sum);
}

/* Number of a frame of this stream, or -1. */
static int64_t read_number(const uint8_t *data, ssize_t len)
{
	struct payload payload;
	ssize_t at = 12;

	while (at + 4 <= len && ((data[at] == 0x81 && data[at + 1] == 0) ||
				 (data[at] == 0x88 && data[at + 1] == 0xa8)))
		at += 4;
	if (at + 2 + 28 + (ssize_t)sizeof(payload) > len || data[at] != 8 || data[at + 1] ||
	    data[at + 2] != 0x45 || data[at + 11] != 17)
		return -1;
	memcpy(&payload, data + at + 30, sizeof(payload));
	if (ntohl(payload.stream_be32) != stream)
		return -1;
	return ntohl(payload.seq_be32) < MAX_FRAMES ? (int64_t)ntohl(payload.seq_be32) : -1;
}

/* ---- threads ---- */
/*
 * The backlogs of two CPUs are delivered in any order, so a sender that moves to another CPU
 * reorders its own frames.
 */
static void stay_on_this_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0)
		CPU_SET(cpu, &set);
	if (cpu < 0 || pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		fputs("pktgen: the sender may move between CPUs\n", stderr);
}

static void *send_loop(void *unused)
{
	uint64_t step = 1000000000 / rate, next = clock_ns();

	stay_on_this_cpu();
	for (uint32_t seq = 0; seq < MAX_FRAMES && !atomic_load(&stopping); seq++) {
		uint64_t now = clock_ns();
		ssize_t r;

		if (now < next)
			sleep_ns(next - now);
		else if (now > next + BURST * step)
			next = now - BURST * step;
		next += step;
		number_frame(seq);
		atomic_store(&begun, seq + 1);
		do {
			r = tx.tap ? write(tx.fd, frame, frame_len) :
				     send(tx.fd, frame, frame_len, 0);
		} while (r < 0 && (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) &&
			 !atomic_load(&stopping));
		if (r < 0)
			tx_errors++;
	}
	return NULL;
}

static void record(unsigned int end, uint32_t seq)
{
	uint32_t *last = &newest[end][seq % n_flows];

	if (copies[seq] < 255)
		copies[seq]++;
	if (copies[seq] > 1)
		return;
	where[seq] = end + 1;
	when_ns[seq] = clock_ns();
	late[seq] = seq + 1 < *last;
	if (seq + 1 > *last)
		*last = seq + 1;
	if (seq + 1 > atomic_load(&newest_arrived))
		atomic_store(&newest_arrived, seq + 1);
	atomic_fetch_add(&arrived, 1);
}

static void *receive_loop(void *unused)
{
	struct pollfd fds[MAX_ENDS];
	static uint8_t data[65536 + 64];

	for (unsigned int i = 0; i < n_rx; i++)
		fds[i] = (struct pollfd){ .fd = rx[i].fd, .events = POLLIN };
	while (!atomic_load(&done)) {
		if (poll(fds, n_rx, 20) <= 0)
			continue;
		for (unsigned int i = 0; i < n_rx; i++) {
			for (int n = 0; n < 64 && fds[i].revents; n++) {
				ssize_t len = read(fds[i].fd, data, sizeof(data));
				int64_t seq;

				if (len < 0)
					break;
				seq = read_number(data, len);
				if (seq >= 0)
					record(i, seq);
			}
		}
	}
	return NULL;
}

/* ---- figures ---- */
static void begin_phase(uint32_t first, const char *kind, const char *name)
{
	struct phase *phase = &phases[n_phases];

	if (n_phases == MAX_PHASES)
		return;
	n_phases++;
	phase->first = first;
	phase->kind = kind;
	snprintf(phase->name, sizeof(phase->name), "%s", name);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double longest_gap_ms(uint32_t first, uint32_t end)
{
	uint64_t *times = calloc(end - first + 1, sizeof(*times)), longest = 0;
	size_t n = 0;

	if (!times)
		die("memory");
	for (uint32_t s = first; s < end; s++)
		if (where[s])
			times[n++] = when_ns[s];
	qsort(times, n, sizeof(*times), compare_u64);
	for (size_t i = 1; i < n; i++)
		if (times[i] - times[i - 1] > longest)
			longest = times[i] - times[i - 1];
	free(times);
	return longest / 1e6;
}

static void print_phase(const struct phase *phase, uint32_t end, bool last)
{
	uint32_t lost = 0, duplicates = 0, reordered = 0, first_lost = 0, last_lost = 0,
		 per_end[MAX_ENDS] = {};
	static uint64_t flow_ends[MAX_FLOWS];
	static bool flow_lost[MAX_FLOWS];

	memset(flow_ends, 0, sizeof(flow_ends));
	memset(flow_lost, 0, sizeof(flow_lost));
	for (uint32_t s = phase->first; s < end; s++) {
		if (!where[s]) {
			if (!lost++)
				first_lost = s;
			last_lost = s;
			flow_lost[s % n_flows] = true;
			continue;
		}
		per_end[where[s] - 1]++;
		flow_ends[s % n_flows] |= 1ULL << (where[s] - 1);
		duplicates += copies[s] - 1;
		reordered += late[s];
	}
	printf("{\"kind\":\"%s\",\"name\":\"%s\",\"first\":%u,\"sent\":%u,\"lost\":%u,\"duplicates\":%u,\"reordered\":%u,\"longest_gap_ms\":%.3f,",
	       phase->kind, phase->name, phase->first, end - phase->first, lost, duplicates,
	       reordered, longest_gap_ms(phase->first, end));
	printf("\"first_lost\":%u,\"last_lost\":%u,\"ends\":{", first_lost, last_lost);
	for (unsigned int i = 0; i < n_rx; i++)
		printf("%s\"%s\":%u", i ? "," : "", rx[i].name, per_end[i]);
	printf("},\"flows\":[");
	for (uint32_t f = 0; f < n_flows; f++)
		printf("%s%llu", f ? "," : "", (unsigned long long)flow_ends[f]);
	printf("],\"lost_flows\":[");
	for (uint32_t f = 0, n = 0; f < n_flows; f++)
		if (flow_lost[f])
			printf("%s%u", n++ ? "," : "", f);
	printf("]}%s", last ? "" : ",");
}

static void print_figures(uint64_t elapsed_ns)
{
	uint32_t sent = atomic_load(&begun);

	printf("{\"sent\":%u,\"arrived\":%u,\"tx_errors\":%u,\"rate\":%.0f,\"phases\":[", sent,
	       atomic_load(&arrived), tx_errors, sent / (elapsed_ns / 1e9));
	for (unsigned int i = 0; i < n_phases; i++) {
		uint32_t end = i + 1 < n_phases ? phases[i + 1].first : sent;

		print_phase(&phases[i], end, i + 1 == n_phases);
	}
	printf("]}\n");
	fflush(stdout);
}

/* ---- commands ---- */
static struct end *find_end(const char *name)
{
	for (unsigned int i = 0; i < n_rx; i++)
		if (!strcmp(rx[i].name, name))
			return &rx[i];
	return strcmp(tx.name, name) ? NULL : &tx;
}

static void command_wait(uint32_t n)
{
	uint64_t limit = clock_ns() + 60e9 * slow;
	uint32_t want = atomic_load(&arrived) + n;

	while (atomic_load(&arrived) < want && clock_ns() < limit)
		sleep_ns(1000000);
	printf("{\"ok\":%s,\"begun\":%u,\"arrived\":%u}\n",
	       atomic_load(&arrived) >= want ? "true" : "false", atomic_load(&begun),
	       atomic_load(&arrived));
}

static void command_carrier(const char *name, bool on)
{
	struct end *end = find_end(name);
	uint32_t before = atomic_load(on ? &begun : &newest_arrived), after;

	if (before < phases[n_phases - 1].first)
		before = phases[n_phases - 1].first;
	if (!end || set_carrier(end, on)) {
		printf("{\"ok\":false,\"error\":\"%s: %s\"}\n", name,
		       end ? strerror(errno) : "no such end");
		return;
	}
	/* frame number after - 1 may have begun before the answer; the next one has not */
	after = atomic_load(&begun);
	begin_phase(before, on ? "restoring" : "cutting", name);
	begin_phase(after, on ? "restored" : "cut", name);
	printf("{\"ok\":true,\"before\":%u,\"after\":%u}\n", before, after);
}

static void wait_for_stragglers(void)
{
	uint64_t quiet_since = clock_ns();
	uint32_t seen = atomic_load(&arrived);

	while (atomic_load(&arrived) < atomic_load(&begun) &&
	       clock_ns() < quiet_since + 1e9 * slow) {
		sleep_ns(2000000);
		if (atomic_load(&arrived) != seen) {
			seen = atomic_load(&arrived);
			quiet_since = clock_ns();
		}
	}
}

static uint32_t count_missing(uint32_t first, uint32_t end)
{
	uint32_t missing = 0;

	for (uint32_t s = first; s < end; s++)
		missing += !where[s];
	return missing;
}

static void command_check(void)
{
	struct phase *phase = &phases[n_phases - 1];
	uint32_t end = atomic_load(&begun), missing = count_missing(phase->first, end), now;
	uint64_t quiet_since = clock_ns();

	while (missing && clock_ns() < quiet_since + 1e9 * slow) {
		sleep_ns(1000000);
		now = count_missing(phase->first, end);
		if (now != missing)
			quiet_since = clock_ns();
		missing = now;
	}
	print_phase(phase, end, true);
	printf("\n");
	phase->first = end;
}

static void run_commands(void)
{
	char line[128], name[64];
	unsigned int n;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "wait %u", &n) == 1) {
			command_wait(n);
		} else if (!strncmp(line, "mark", 4)) {
			begin_phase(atomic_load(&begun), "mark", "");
			printf("{\"ok\":true}\n");
		} else if (!strncmp(line, "check", 5)) {
			command_check();
		} else if (!strncmp(line, "skip", 4)) {
			phases[n_phases - 1].first = atomic_load(&begun);
			printf("{\"ok\":true}\n");
		} else if (sscanf(line, "cut %63s", name) == 1) {
			command_carrier(name, false);
		} else if (sscanf(line, "restore %63s", name) == 1) {
			command_carrier(name, true);
		} else if (!strncmp(line, "stop", 4)) {
			return;
		} else {
			printf("{\"ok\":false,\"error\":\"unknown command\"}\n");
		}
		fflush(stdout);
	}
}

static void parse_mac(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6) {
		errno = EINVAL;
		die(text);
	}
}

static uint32_t parse_ip(const char *text)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1) {
		errno = EINVAL;
		die(text);
	}
	return ntohl(address.s_addr);
}

int main(int argc, char **argv)
{
	pthread_t sender, receiver;
	uint64_t start;

	if (getenv("UL_SLOW"))
		slow = atof(getenv("UL_SLOW"));
	for (int i = 1; i + 1 < argc; i += 2) {
		char *value = argv[i + 1];

		if (!strcmp(argv[i], "--tx"))
			parse_end(&tx, value, false);
		else if (!strcmp(argv[i], "--rx") && n_rx < MAX_ENDS)
			parse_end(&rx[n_rx++], value, true);
		else if (!strcmp(argv[i], "--rate"))
			rate = atoi(value);
		else if (!strcmp(argv[i], "--flows"))
			n_flows = atoi(value);
		else if (!strcmp(argv[i], "--size"))
			size = atoi(value);
		else if (!strcmp(argv[i], "--src-mac"))
			parse_mac(value, src_mac);
		else if (!strcmp(argv[i], "--dst-mac"))
			parse_mac(value, dst_mac);
		else if (!strcmp(argv[i], "--src"))
			src_ip = parse_ip(value);
		else if (!strcmp(argv[i], "--dst"))
			dst_ip = parse_ip(value);
		else if (!strcmp(argv[i], "--vlan"))
			vlan = atoi(value);
		else {
			errno = EINVAL;
			die(argv[i]);
		}
	}
	if (!tx.name[0] || !n_rx || !rate || !n_flows || n_flows > MAX_FLOWS ||
	    size > sizeof(frame)) {
		errno = EINVAL;
		die("need --tx, --rx, and numbers in range");
	}

	prctl(PR_SET_TIMERSLACK, 1000UL); /* nanoseconds; inherited by the threads */
	stream = MAGIC ^ (uint32_t)getpid() << 8;
	make_frame();
	begin_phase(0, "start", "");
	start = clock_ns();
	if (pthread_create(&receiver, NULL, receive_loop, NULL) ||
	    pthread_create(&sender, NULL, send_loop, NULL))
		die("thread");
	run_commands();
	atomic_store(&stopping, true);
	pthread_join(sender, NULL);
	start = clock_ns() - start;
	wait_for_stragglers();
	atomic_store(&done, true);
	pthread_join(receiver, NULL);
	print_figures(start);
	return 0;
}
