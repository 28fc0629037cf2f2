// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* clang-format off */
/* Makes frames in the kernel (BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES) and counts those
 * that arrive.
 *
 * usage: live --objects DIR [--into END | --through END | --write-fd N] [--sink END]...
 *             [--sink-fd N]... [--drop END] [--pass END] [--redirect-xdp END:IFNAME]
 *             [--redirect-tc END:IFNAME] [--redirect-peer END:IFNAME]
 *             [--redirect-ingress END:IFNAME] [--unregistered 1]
 *             [--size N] [--vlan V] [--dst MAC] [--src MAC] [--flows N]
 *   END is NSPATH:IFNAME.
 *   --into: frames leave by this interface and arrive at the other end of its cable.
 *   --through: as if this interface had received them.
 *   --write-fd: an open tap into which frames are written one by one, as by an emulator.
 *   --sink: XDP counts and drops the frames that arrive here. --drop: also a sink.
 *   --sink-fd: an open tap, read by a thread.
 *   --pass: XDP that passes everything up.
 *   --redirect-*: minimal forwarding from END to IFNAME of the same namespace; ingress: as if
 *   IFNAME had received the frame.
 *   --unregistered: the program of the generator is not kept registered (register_generator()).
 *
 * Commands on standard input, each answered by one line of JSON:
 *   run MS THREADS   generates for this time, each thread on a separate CPU
 * All attachments end with the process.
 */
/* clang-format on */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
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
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define MAX_THREADS 64
#define MAX_SINKS 64
#define HEAD_BYTES 56
#define FRAMES_PER_CALL 16384
#define FRAMES_PER_LOOK 256 /* between two readings of the clock, for a tap */
#define TCX_INGRESS 46	    /* newer than Debian 12's headers */

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

/* of bench.bpf.c */
struct generator {
	uint64_t head[HEAD_BYTES / 8];
	uint32_t action, flow_mask, dst_offset, reserved;
};

struct end {
	char ns[256];
	char ifname[IFNAMSIZ];
};

struct sink {
	struct bpf_object *object; /* NULL: of a tap */
	int fd;
	_Atomic uint64_t frames;
};

struct worker {
	pthread_t thread;
	int cpu;
	uint64_t sent, cpu_ns, softirq_ns;
	int error;
};

static const char *objects;
static struct end tx;
static bool into, unregistered;
static int write_fd = -1;
static struct sink sinks[MAX_SINKS];
static unsigned int n_sinks;
static uint32_t size = 64, flows = 1;
static int vlan = -1;
static uint8_t dst_mac[6] = { 2, 0, 0, 0, 0, 2 }, src_mac[6] = { 2, 0, 0, 0, 0, 1 };
static uint8_t frame[4096];
static uint32_t flow_offset; /* of the byte that differs between flows; 0: one flow */
static int generate_fd;
static uint64_t stop_at_ns;

static void die(const char *what)
{
	fprintf(stderr, "live: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t clock_ns(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void enter(const char *ns)
{
	int fd = open(ns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(ns);
	close(fd);
}

/* Splits NSPATH:IFNAME[:MORE]; returns MORE or NULL. */
static char *parse_end(char *text, struct end *end)
{
	char *ifname = strchr(text, ':'), *more;

	if (!ifname) {
		errno = EINVAL;
		die(text);
	}
	*ifname++ = 0;
	more = strchr(ifname, ':');
	if (more)
		*more++ = 0;
	snprintf(end->ns, sizeof(end->ns), "%s", text);
	snprintf(end->ifname, sizeof(end->ifname), "%s", ifname);
	return more;
}

/* ---- programs ---- */
static struct bpf_object *open_object(void)
{
	char path[512];
	struct bpf_object *object;

	snprintf(path, sizeof(path), "%s/bench.bpf.o", objects);
	object = bpf_object__open_file(path, NULL);
	if (!object)
		die(path);
	return object;
}

/* target: value of target_ifindex, the only constant. */
static void load_object(struct bpf_object *object, uint32_t target)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "bench.rodata");

	if (!map)
		map = bpf_object__find_map_by_name(object, ".rodata");
	if (!map || bpf_map__set_initial_value(map, &target, sizeof(target)) ||
	    bpf_object__load(object))
		die("bench.bpf.o");
}

static int program_fd(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static int map_fd(struct bpf_object *object, const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(object, name));
}

static void attach_xdp(int fd, uint32_t ifindex, const char *name)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);

	if (bpf_link_create(fd, (int)ifindex, BPF_XDP, &opts) < 0)
		die(name);
}

static void attach_tc(int fd, uint32_t ifindex, const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1, .prog_fd = fd);

	if (bpf_link_create(fd, (int)ifindex, (enum bpf_attach_type)TCX_INGRESS, NULL) >= 0)
		return;
	if (bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts))
		die(name);
}

static void add_pass(char *spec)
{
	struct bpf_object *object = open_object();
	struct end end;

	parse_end(spec, &end);
	enter(end.ns);
	load_object(object, 0);
	attach_xdp(program_fd(object, "pass"), if_nametoindex(end.ifname), end.ifname);
}

static void add_sink(char *spec)
{
	struct sink *sink = &sinks[n_sinks];
	struct end end;

	parse_end(spec, &end);
	enter(end.ns);
	sink->object = open_object();
	load_object(sink->object, 0);
	attach_xdp(program_fd(sink->object, "sink"), if_nametoindex(end.ifname), end.ifname);
	n_sinks++;
}

static void add_redirect(char *spec, const char *program)
{
	struct bpf_object *object = open_object();
	uint32_t zero = 0, target;
	struct end end;
	char *to = parse_end(spec, &end);

	enter(end.ns);
	target = to ? if_nametoindex(to) : 0;
	if (!target)
		die("target of a redirect");
	load_object(object, target);
	if (strcmp(program, "redirect_xdp")) {
		attach_tc(program_fd(object, program), if_nametoindex(end.ifname), end.ifname);
		return;
	}
	if (bpf_map_update_elem(map_fd(object, "target_map"), &zero, &target, BPF_ANY))
		die(to);
	attach_xdp(program_fd(object, program), if_nametoindex(end.ifname), end.ifname);
}

/* ---- frames ---- */
static void put16(uint32_t offset, uint32_t value)
{
	frame[offset] = (uint8_t)(value >> 8);
	frame[offset + 1] = (uint8_t)value;
}

static void make_frame(struct generator *generator)
{
	uint32_t at = 12, sum = 0;

	memcpy(frame, dst_mac, 6);
	memcpy(frame + 6, src_mac, 6);
	if (vlan >= 0) {
		put16(at, 0x8100);
		put16(at + 2, (uint32_t)vlan);
		at += 4;
	}
	put16(at, 0x0800);
	at += 2;
	frame[at] = 0x45;
	put16(at + 2, size - at);
	frame[at + 8] = 64;
	frame[at + 9] = 17;
	memcpy(frame + at + 12, (uint8_t[]){ 10, 0, 0, 1, 10, 0, 1, 0 }, 8);
	for (uint32_t i = 0; i < 20; i += 2)
		sum += (uint32_t)frame[at + i] << 8 | frame[at + i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(at + 10, ~sum);
	put16(at + 20, 1000);
	put16(at + 22, 2000);
	put16(at + 24, size - at - 20);

	memcpy(generator->head, frame, HEAD_BYTES);
	generator->action = into ? XDP_TX : XDP_PASS;
	generator->flow_mask = flows - 1;
	generator->dst_offset = at + 19;
	flow_offset = flows > 1 ? at + 19 : 0;
}

/* While a program is not attached, each BPF_PROG_TEST_RUN inserts it into the XDP dispatcher of the
 * kernel and removes it again, which patches code, interrupts all other CPUs and waits for a grace
 * period. So it is attached to a tap in a private namespace, which ends with this process.
 */
static void register_generator(void)
{
	struct ifreq request = { .ifr_name = "generator", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd;

	if (unshare(CLONE_NEWNET))
		die("namespace of the generator");
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		die("tap of the generator");
	attach_xdp(generate_fd, if_nametoindex("generator"), "generator");
}

static void load_generator(void)
{
	struct generator generator = {};
	struct bpf_object *object;
	uint32_t zero = 0;

	make_frame(&generator);
	if (write_fd >= 0)
		return;
	object = open_object();
	load_object(object, 0);
	if (bpf_map_update_elem(map_fd(object, "generator"), &zero, &generator, BPF_ANY))
		die("generator");
	generate_fd = program_fd(object, "generate");
	if (!unregistered)
		register_generator();
}

/* ---- running ---- */
/* CPU time of the ksoftirqd of a CPU, which runs deferred work; 0 if it is not found. */
static uint64_t ksoftirqd_ns(int cpu)
{
	static int pids[MAX_THREADS];
	unsigned long long ns = 0;
	char path[64], name[32], want[32];
	FILE *file;

	snprintf(want, sizeof(want), "ksoftirqd/%d\n", cpu);
	for (int pid = 2; !pids[cpu] && pid < 2000; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && !strcmp(name, want))
			pids[cpu] = pid;
		fclose(file);
	}
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pids[cpu]);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

static unsigned int write_frames(void)
{
	unsigned int written = 0;

	for (int i = 0; i < FRAMES_PER_LOOK; i++) {
		if (flow_offset)
			frame[flow_offset] = (uint8_t)((uint32_t)i & (flows - 1));
		written += write(write_fd, frame, size) == (ssize_t)size;
	}
	return written;
}

static void *work(void *data)
{
	struct worker *worker = data;
	struct xdp_md ctx = { .data_end = size };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = FRAMES_PER_CALL,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	cpu_set_t cpus;
	uint64_t cpu_ns, softirq_ns;

	CPU_ZERO(&cpus);
	CPU_SET(worker->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	setpriority(PRIO_PROCESS, 0, -20);
	if (write_fd < 0) {
		enter(tx.ns);
		ctx.ingress_ifindex = if_nametoindex(tx.ifname);
	}
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	softirq_ns = ksoftirqd_ns(worker->cpu);
	while (write_fd >= 0 && clock_ns(CLOCK_MONOTONIC) < stop_at_ns)
		worker->sent += write_frames();
	while (write_fd < 0 && clock_ns(CLOCK_MONOTONIC) < stop_at_ns) {
		if (bpf_prog_test_run_opts(generate_fd, &opts)) {
			worker->error = errno;
			break;
		}
		worker->sent += FRAMES_PER_CALL;
	}
	worker->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	worker->softirq_ns = ksoftirqd_ns(worker->cpu) - softirq_ns;
	return NULL;
}

static uint64_t count_sink(struct sink *sink)
{
	int n_cpus = libbpf_num_possible_cpus();
	uint64_t values[n_cpus], total = 0;
	uint32_t zero = 0;

	if (!sink->object)
		return atomic_load(&sink->frames);
	if (bpf_map_lookup_elem(map_fd(sink->object, "sunk"), &zero, values))
		die("counter of a sink");
	for (int i = 0; i < n_cpus; i++)
		total += values[i];
	return total;
}

static void run(unsigned int ms, unsigned int n_threads)
{
	struct worker workers[MAX_THREADS] = {};
	uint64_t before[MAX_SINKS], start = clock_ns(CLOCK_MONOTONIC), sent = 0, cpu_ns = 0,
				    softirq_ns = 0, received = 0;

	for (unsigned int i = 0; i < n_sinks; i++)
		before[i] = count_sink(&sinks[i]);
	stop_at_ns = start + ms * 1000000ULL;
	for (unsigned int i = 0; i < n_threads; i++) {
		workers[i].cpu = (int)i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("thread");
	}
	for (unsigned int i = 0; i < n_threads; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].error) {
			errno = workers[i].error;
			die("BPF_PROG_TEST_RUN with live frames (Linux 5.18)");
		}
		sent += workers[i].sent;
		cpu_ns += workers[i].cpu_ns;
		softirq_ns += workers[i].softirq_ns;
	}
	start = clock_ns(CLOCK_MONOTONIC) - start;
	printf("{\"sent\":%llu,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"ksoftirqd_seconds\":%.6f,\"sinks\":[",
	       (unsigned long long)sent, (double)start / 1e9, (double)cpu_ns / 1e9,
	       (double)softirq_ns / 1e9);
	for (unsigned int i = 0; i < n_sinks; i++) {
		uint64_t frames = count_sink(&sinks[i]) - before[i];

		received += frames;
		printf("%s%llu", i ? "," : "", (unsigned long long)frames);
	}
	printf("],\"received\":%llu}\n", (unsigned long long)received);
	fflush(stdout);
}

static void *read_tap(void *data)
{
	struct sink *sink = data;
	struct pollfd poller = { .fd = sink->fd, .events = POLLIN };
	char buffer[4096];

	fcntl(sink->fd, F_SETFL, fcntl(sink->fd, F_GETFL) | O_NONBLOCK);
	for (;;) {
		if (read(sink->fd, buffer, sizeof(buffer)) > 0)
			atomic_fetch_add_explicit(&sink->frames, 1, memory_order_relaxed);
		else
			poll(&poller, 1, -1);
	}
	return NULL;
}

static void add_tap_sink(int fd)
{
	struct sink *sink = &sinks[n_sinks++];
	pthread_t thread;

	sink->fd = fd;
	if (pthread_create(&thread, NULL, read_tap, sink))
		die("thread");
}

static void parse_mac(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6) {
		errno = EINVAL;
		die(text);
	}
}

int main(int argc, char **argv)
{
	unsigned int ms, n_threads;
	char line[128];

	for (int i = 1; i + 1 < argc; i += 2) {
		char *value = argv[i + 1];

		if (!strcmp(argv[i], "--objects"))
			objects = value;
		else if (!strcmp(argv[i], "--into")) {
			into = true;
			parse_end(value, &tx);
		} else if (!strcmp(argv[i], "--through"))
			parse_end(value, &tx);
		else if ((!strcmp(argv[i], "--sink") || !strcmp(argv[i], "--drop")) &&
			 n_sinks < MAX_SINKS)
			add_sink(value);
		else if (!strcmp(argv[i], "--pass"))
			add_pass(value);
		else if (!strcmp(argv[i], "--sink-fd") && n_sinks < MAX_SINKS)
			add_tap_sink(atoi(value));
		else if (!strcmp(argv[i], "--redirect-xdp"))
			add_redirect(value, "redirect_xdp");
		else if (!strcmp(argv[i], "--redirect-tc"))
			add_redirect(value, "redirect_tc");
		else if (!strcmp(argv[i], "--redirect-peer"))
			add_redirect(value, "redirect_peer");
		else if (!strcmp(argv[i], "--redirect-ingress"))
			add_redirect(value, "redirect_ingress");
		else if (!strcmp(argv[i], "--write-fd"))
			write_fd = atoi(value);
		else if (!strcmp(argv[i], "--unregistered"))
			unregistered = true;
		else if (!strcmp(argv[i], "--size"))
			size = (uint32_t)atoi(value);
		else if (!strcmp(argv[i], "--vlan"))
			vlan = atoi(value);
		else if (!strcmp(argv[i], "--dst"))
			parse_mac(value, dst_mac);
		else if (!strcmp(argv[i], "--src"))
			parse_mac(value, src_mac);
		else if (!strcmp(argv[i], "--flows"))
			flows = (uint32_t)atoi(value);
		else {
			errno = EINVAL;
			die(argv[i]);
		}
	}
	if (!objects || size < 60 || size > 3000 || !flows || flows > 256 ||
	    (flows & (flows - 1))) {
		errno = EINVAL;
		die("--objects, --size 60-3000, --flows a power of two up to 256");
	}
	if (tx.ns[0] || write_fd >= 0)
		load_generator();
	printf("{\"ready\":true}\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "run %u %u", &ms, &n_threads) != 2 ||
		    (!generate_fd && write_fd < 0) || !n_threads || n_threads > MAX_THREADS)
			break;
		run(ms, n_threads);
	}
	return 0;
}
