// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* clang-format off */
/* The cost of a program: BPF_PROG_TEST_RUN of it minus that of an empty one, alternating. A round
 * is several short runs of each, of which the fastest count: other load on the same physical core
 * makes some slower by half, and none faster.
 *
 * usage: cost OBJECTS   then commands on standard input, each answered by one line of JSON:
 *   case PIN xdp|tc IFNAME TCI HEXFRAME ROUNDS REPEAT   REPEAT: runs of the program in a round;
 *                                                       TCI: tag outside the data, -1: none
 *   step NAME xdp|tc ROUNDS REPEAT                      a single step of cost.bpf.c
 *   flows OFFSET MASK                                   from now on, for TC: this byte of the frame
 *                                                       differs in each run; MASK 0: no longer
 *   info PIN                                            instructions and bytes
 * Runs in the network namespace of the interfaces.
 */
/* clang-format on */
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#include "testrun.h"

#define HEAD_BYTES 32
#define TRIES 5 /* of each in a round */

struct original {
	uint64_t head[HEAD_BYTES / 8];
	uint32_t bytes, tci_plus_1, flow_mask, flow_offset, next_flow, reserved;
};

static struct bpf_object *object;
static uint32_t flow_mask, flow_offset;

static void put_program(bool xdp, int fd)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(map_fd(object, xdp ? "xdp_programs" : "tc_programs"), &zero, &fd,
				BPF_ANY))
		die("prog array");
}

static double run_wrapped(bool xdp, int fd, uint32_t ifindex, const uint8_t *frame, uint32_t bytes,
			  int repeat, uint32_t *ret_retval)
{
	put_program(xdp, fd);
	return test_run(program_fd(object, xdp ? "wrap_xdp" : "wrap_tc"), xdp, ifindex, frame,
			bytes, repeat, ret_retval);
}

static void measure(const char *name, int fd, bool xdp, uint32_t ifindex, int tci,
		    const uint8_t *frame, uint32_t bytes, int rounds, int repeat)
{
	struct original original = { .bytes = bytes,
				     .tci_plus_1 = (uint32_t)(tci + 1),
				     .flow_mask = flow_mask,
				     .flow_offset = flow_offset };
	int empty = program_fd(object, xdp ? "empty_xdp" : "empty_tc");
	uint32_t zero = 0, retval = 0, unused;

	memcpy(original.head, frame, HEAD_BYTES);
	if (bpf_map_update_elem(map_fd(object, "original"), &zero, &original, BPF_ANY))
		die("original frame");
	run_wrapped(xdp, fd, ifindex, frame, bytes, repeat / 10 + 1, &unused);
	printf("{\"name\":\"%s\",\"ns\":[", name);
	for (int i = 0; i < rounds; i++) {
		double with = HUGE_VAL, without = HUGE_VAL;

		for (int j = 0; j < TRIES; j++) {
			with = fmin(with, run_wrapped(xdp, fd, ifindex, frame, bytes,
						      repeat / TRIES, &retval));
			without = fmin(without, run_wrapped(xdp, empty, ifindex, frame, bytes,
							    repeat / TRIES, &unused));
		}
		printf("%s%.2f", i ? "," : "", with - without);
	}
	printf("],\"retval\":%d}\n", (int)retval);
}

static uint32_t parse_hex(const char *text, uint8_t *frame, uint32_t size)
{
	uint32_t n = 0;

	while (n < size && sscanf(text + 2 * n, "%2hhx", &frame[n]) == 1)
		n++;
	return n;
}

static void print_info(const char *pin)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);
	int fd = bpf_obj_get(pin);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		die(pin);
	printf("{\"name\":\"%s\",\"instructions\":%u,\"jited_bytes\":%u,\"verified_instructions\":%u}\n",
	       info.name, info.xlated_prog_len / 8, info.jited_prog_len, info.verified_insns);
	close(fd);
}

static void run_line(const char *line)
{
	static char pin[512], hex[8192];
	static uint8_t frame[4096];
	char kind[8], ifname[IFNAMSIZ];
	int tci, rounds, repeat, fd;
	uint32_t bytes;

	if (sscanf(line, "case %511s %7s %15s %d %8191s %d %d", pin, kind, ifname, &tci, hex,
		   &rounds, &repeat) == 7) {
		fd = bpf_obj_get(pin);
		bytes = parse_hex(hex, frame, sizeof(frame));
		if (fd < 0)
			die(pin);
		measure(pin, fd, !strcmp(kind, "xdp"), if_nametoindex(ifname), tci, frame, bytes,
			rounds, repeat);
		close(fd);
	} else if (sscanf(line, "step %511s %7s %d %d", pin, kind, &rounds, &repeat) == 4) {
		memset(frame, 0, 64);
		measure(pin, program_fd(object, pin), !strcmp(kind, "xdp"), 0, -1, frame, 64,
			rounds, repeat);
	} else if (sscanf(line, "flows %u %u", &flow_offset, &flow_mask) == 2) {
		printf("{}\n");
	} else if (sscanf(line, "info %511s", pin) == 1) {
		print_info(pin);
	} else {
		errno = EINVAL;
		die(line);
	}
	fflush(stdout);
}

/* Attaches the program to a tap in a private namespace, which ends with this process. While an XDP
 * program is not attached, each BPF_PROG_TEST_RUN inserts it into the kernel's XDP dispatcher and
 * removes it again, which patches code and interrupts all other CPUs. */
static void keep_in_dispatcher(int program)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	struct ifreq request = { .ifr_name = "cost", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int tap, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || unshare(CLONE_NEWNET))
		die("private namespace");
	tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request))
		die("tap in the private namespace");
	if (bpf_link_create(program, (int)if_nametoindex("cost"), BPF_XDP, &opts) < 0)
		die("attach to the tap in the private namespace");
	if (setns(home, CLONE_NEWNET))
		die("return from the private namespace");
	close(home);
}

int main(int argc, char **argv)
{
	char line[16384];

	if (argc != 2) {
		errno = EINVAL;
		die("usage: cost OBJECTS");
	}
	object = open_object(argv[1], "cost");
	if (bpf_object__load(object))
		die("cost.bpf.o");
	keep_in_dispatcher(program_fd(object, "wrap_xdp"));
	while (fgets(line, sizeof(line), stdin))
		run_line(line);
	return 0;
}
