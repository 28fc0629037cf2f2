// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/observer.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "capture.skel.h"

struct observer {
	struct observer_options options;
	uint32_t attached; /* id of the observed XDP program; 0: none */
	int socket_fd;
	struct capture_bpf *programs;
	struct ring_buffer *ring;
	observer_frame on_frame;
	void *userdata;
};

int observer_parse(const void *record, size_t size, observer_frame on_frame, void *userdata)
{
	struct ul_captured header;

	if (size < sizeof(header))
		return 0;
	memcpy(&header, record, sizeof(header));
	if (header.captured > size - sizeof(header) || header.captured > UL_CAPTURE_MAX_BYTES)
		return 0;
	return on_frame(userdata, &header, (const uint8_t *)record + sizeof(header));
}

uint32_t observer_add_tag(const struct ul_captured *frame, const uint8_t *bytes, uint8_t *to)
{
	uint8_t *at = to;

	if (!frame->tpid || frame->captured < 12) {
		memcpy(to, bytes, frame->captured);
		return frame->captured;
	}
	memcpy(at, bytes, 12);
	at = put_be16(put_be16(at + 12, frame->tpid), frame->tci);
	memcpy(at, bytes + 12, frame->captured - 12);
	return frame->captured + 4;
}

static int on_record(void *userdata, void *data, size_t size)
{
	const struct observer *observer = userdata;

	return observer_parse(data, size, observer->on_frame, observer->userdata);
}

static uint32_t xdp_program_of(uint32_t ifindex)
{
	struct bpf_xdp_query_opts query = { .sz = sizeof(query) };

	return bpf_xdp_query((int)ifindex, 0, &query) == 0 ? query.prog_id : 0;
}

/* ---- loading ---- */
/* Which frames the tracing programs are to observe. */
struct wish {
	bool xdp;      /* those that come in at an uplink */
	bool redirect; /* those that XDP sends to a port */
};

static void set_filter(struct observer *observer, const struct wish *wish)
{
	const struct observer_options *options = &observer->options;
	struct ul_capture_filter filter = { .ifindex = options->ifindex,
					    .max_bytes = options->max_bytes,
					    .xdp_in = wish->xdp,
					    .has_vlan = options->has_vlan,
					    .vlan = options->vlan,
					    .has_mac = options->has_mac };

	memcpy(filter.mac, options->mac, sizeof(options->mac));
	memcpy((void *)&observer->programs->rodata->filter, &filter, sizeof(filter));
}

static int load(struct observer *observer, const struct wish *wish)
{
	struct capture_bpf *programs = capture_bpf__open();
	_cleanup_close_ int target = -1;
	int r = programs ? 0 : -errno;

	if (r < 0)
		return r;
	observer->programs = programs;
	set_filter(observer, wish);
	bpf_program__set_autoload(programs->progs.observe_xdp, wish->xdp);
	bpf_program__set_autoload(programs->progs.observe_redirect, wish->redirect);
	bpf_program__set_autoload(programs->progs.observe_generic, wish->redirect);
	r = bpf_map__set_max_entries(programs->maps.capture_scratch,
				     (uint32_t)libbpf_num_possible_cpus());
	if (r == 0 && wish->xdp) {
		target = bpf_prog_get_fd_by_id(observer->options.xdp_program);
		r = target < 0 ? -errno :
				 bpf_program__set_attach_target(programs->progs.observe_xdp, target,
								"uplink_xdp");
	}
	if (r == 0)
		r = capture_bpf__load(programs);
	if (r == 0)
		r = capture_bpf__attach(programs);
	if (r < 0) {
		capture_bpf__destroy(programs);
		observer->programs = NULL;
	}
	return r;
}

/* With the tracing programs, or without them if the kernel refuses. */
static int load_any(struct observer *observer, struct errors *notes)
{
	const struct observer_options *options = &observer->options;
	struct wish wish = { .redirect = !options->is_uplink };
	int r;

	observer->attached = options->is_uplink ? xdp_program_of(options->ifindex) : 0;
	wish.xdp = observer->attached && observer->attached == options->xdp_program;
	if (observer->attached && !wish.xdp)
		errors_add(notes, 0,
			   "another XDP program is attached to the interface: frames that it "
			   "redirects or drops are not shown");
	r = load(observer, &wish);
	if (r == 0 || !(wish.xdp || wish.redirect))
		return r;
	errors_add(notes, r,
		   wish.xdp ? "frames that XDP redirects or drops are not shown" :
			      "frames that XDP sends to the port are not shown");
	wish = (struct wish){ false, false };
	observer->attached = 0;
	return load(observer, &wish);
}

/* The filter first: without it the socket would keep frames. */
static int open_socket(struct observer *observer)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)observer->options.ifindex };
	int filter = bpf_program__fd(observer->programs->progs.observe_socket);
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	observer->socket_fd = TAKE_FD(fd);
	return 0;
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list ap)
{
	(void)level;
	(void)format;
	(void)ap;
	return 0;
}

int observer_open(const struct observer_options *options, struct errors *notes,
		  struct errors *errors, struct observer **ret)
{
	struct observer *observer = calloc(1, sizeof(*observer));
	libbpf_print_fn_t print;
	int r;

	if (!observer)
		return errors_add(errors, -ENOMEM, "capture");
	observer->options = *options;
	observer->socket_fd = -1;
	print = libbpf_set_print(print_nothing);
	r = load_any(observer, notes);
	libbpf_set_print(print);
	if (r < 0) {
		errors_add(errors, r, "capture: the kernel refuses the programs");
	} else {
		r = open_socket(observer);
		if (r < 0)
			errors_add(errors, r, "capture: no packet socket on the interface");
	}
	if (r == 0) {
		observer->ring =
			ring_buffer__new(bpf_map__fd(observer->programs->maps.capture_ring),
					 on_record, observer, NULL);
		r = observer->ring ? 0 : errors_add(errors, -errno, "capture: no ring buffer");
	}
	if (r < 0) {
		observer_close(observer);
		return r;
	}
	*ret = observer;
	return 0;
}

void observer_close(struct observer *observer)
{
	if (!observer)
		return;
	ul_closep(&observer->socket_fd);
	ring_buffer__free(observer->ring);
	capture_bpf__destroy(observer->programs);
	free(observer);
}

/* ---- running ---- */
int observer_poll(struct observer *observer, int timeout_ms, observer_frame on_frame,
		  void *userdata)
{
	int r;

	observer->on_frame = on_frame;
	observer->userdata = userdata;
	r = ring_buffer__poll(observer->ring, timeout_ms);
	return r < 0 ? r : 0;
}

uint64_t observer_lost(const struct observer *observer)
{
	return __atomic_load_n(&observer->programs->bss->lost, __ATOMIC_RELAXED);
}

bool observer_is_current(const struct observer *observer)
{
	return !observer->attached ||
	       xdp_program_of(observer->options.ifindex) == observer->attached;
}
