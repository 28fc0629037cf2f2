// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* capture: the frames of a port or an uplink, also those that XDP redirects, as text or pcapng. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "capture/frame_text.h"
#include "capture/pcapng.h"
#include "ctl/ctl.h"
#include "ctl/events.h"
#include "dataplane/observer.h"

#define POLL_MS 200
#define CHECK_MS 1000 /* between two questions whether the program was replaced */
#define END_MS 500    /* for the frames that wait when a signal ends the capture */
#define MIN_BYTES 64

static volatile sig_atomic_t stopped;

struct capture {
	struct ctl *ctl;
	const char *interface;
	FILE *file; /* pcapng; NULL: text */
	bool own_file;
	uint64_t max_frames; /* 0: no limit */
	uint64_t n;
	uint64_t end_ms;	     /* 0: no signal yet */
	uint64_t realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
	struct observer_options options;
	uint8_t frame[UL_CAPTURE_MAX_BYTES + 4];
};

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

/* ---- options ---- */
static int parse_number(struct ctl *ctl, const char *option, const char *text, uint64_t min,
			uint64_t max, uint64_t *ret)
{
	if (!text || parse_u64(text, min, max, ret) == 0)
		return CTL_DONE;
	return ctl_fail(ctl, CTL_WRONG_REQUEST, "--%s %s: must be %llu-%llu", option, text,
			(unsigned long long)min, (unsigned long long)max);
}

static int parse_options(struct ctl *ctl, struct capture *capture)
{
	struct observer_options *options = &capture->options;
	uint64_t max_bytes = UL_CAPTURE_MAX_BYTES, vlan = 0;

	if (parse_number(ctl, "count", ctl->count, 1, UINT64_MAX, &capture->max_frames) ||
	    parse_number(ctl, "snaplen", ctl->snaplen, MIN_BYTES, UL_CAPTURE_MAX_BYTES,
			 &max_bytes) ||
	    parse_number(ctl, "vlan", ctl->vlan, 0, 4094, &vlan))
		return CTL_WRONG_REQUEST;
	if (ctl->mac && mac_parse(ctl->mac, options->mac) < 0)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"--mac %s: must be six pairs of hexadecimal digits", ctl->mac);
	options->max_bytes = (uint32_t)max_bytes;
	options->has_vlan = ctl->vlan;
	options->vlan = (uint32_t)vlan;
	options->has_mac = ctl->mac;
	return CTL_DONE;
}

/* The port or uplink of any switch. */
static int find_interface(struct ctl *ctl, const struct switches *switches, const char *name,
			  struct observer_options *options)
{
	bool known = false;

	for (size_t i = 0; i < switches->n; i++) {
		const struct snapshot *snapshot = switches->snapshots[i];
		const struct view *view = snapshot->view;
		int uplink = uplink_by_name(snapshot, name), port = port_by_name(snapshot, name);

		if (uplink < 0 && port < 0)
			continue;
		known = true;
		options->is_uplink = uplink >= 0;
		options->ifindex = uplink >= 0 ? snapshot->uplinks[uplink].raw.ifindex :
						 view->ports[port].ifindex;
		options->xdp_program = view->program_id[VIEW_UPLINK_XDP];
		if (options->ifindex)
			return CTL_DONE;
	}
	return known ? ctl_fail(ctl, CTL_SYSTEM, "%s: the interface is missing", name) :
		       ctl_fail(ctl, CTL_WRONG_REQUEST,
				"%s: no such port or uplink; see 'uplinkctl show ports' and 'show "
				"uplinks'",
				name);
}

static int open_file(struct ctl *ctl, struct capture *capture)
{
	char software[64];
	int fd, r;

	if (!ctl->write)
		return CTL_DONE;
	capture->file = ctl->out;
	if (strcmp(ctl->write, "-") != 0) {
		fd = open(ctl->write, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		capture->file = fd < 0 ? NULL : fdopen(fd, "w");
		if (!capture->file) {
			r = errno;
			ul_closep(&fd);
			return ctl_fail(ctl, CTL_SYSTEM, "-w %s: %s", ctl->write, strerror(r));
		}
		capture->own_file = true;
	} else if (isatty(fileno(ctl->out))) {
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "-w -: standard output is a terminal");
	}
	snprintf(software, sizeof(software), "uplinkctl %s", UL_VERSION);
	r = pcapng_begin(capture->file, capture->interface, software, capture->options.max_bytes);
	return r < 0 ? ctl_fail(ctl, CTL_SYSTEM, "-w %s: %s", ctl->write, strerror(-r)) : CTL_DONE;
}

/* ---- frames ---- */
static int print_frame(struct capture *capture, const struct pcapng_frame *frame)
{
	char time[EVENT_TIME_LEN], text[FRAME_TEXT_LEN];
	FILE *out = capture->ctl->out;
	uint64_t us = frame->time_ns / 1000, seconds = us / 1000000;

	event_time_text((double)seconds, time);
	time[strcspn(time, ".")] = '\0';
	fprintf(out, "%s.%06u %s %s %s\n", time, (unsigned int)(us % 1000000), capture->interface,
		frame->outbound ? "out" : "in ",
		frame_text(frame->bytes, frame->captured, frame->length, text));
	return ferror(out) ? -EPIPE : 0;
}

/* After a signal frames that wait are still printed, but a flood must not prolong that. */
static bool is_over(struct capture *capture)
{
	if (stopped && !capture->end_ms)
		capture->end_ms = now_ms() + END_MS;
	return stopped && now_ms() >= capture->end_ms;
}

static int on_frame(void *userdata, const struct ul_captured *captured, const uint8_t *bytes)
{
	struct capture *capture = userdata;
	struct pcapng_frame frame = {
		.time_ns = captured->time_ns + capture->realtime_offset_ns,
		.length = captured->length + (captured->tpid ? 4 : 0),
		.outbound = captured->direction == UL_CAPTURE_OUT,
		.bytes = capture->frame,
	};
	int r;

	frame.captured = observer_add_tag(captured, bytes, capture->frame);
	if (frame.captured > capture->options.max_bytes)
		frame.captured = capture->options.max_bytes;
	r = capture->file ? pcapng_write(capture->file, &frame) : print_frame(capture, &frame);
	if (r < 0)
		return r;
	capture->n++;
	if (capture->max_frames && capture->n == capture->max_frames)
		return -ECANCELED;
	return is_over(capture) ? -ECANCELED : 0;
}

/* ---- running ---- */
static uint64_t realtime_offset_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec - now_ns();
}

static bool has_reader(const struct capture *capture)
{
	struct pollfd output = { .fd = fileno(capture->own_file ? capture->file :
								  capture->ctl->out) };

	return poll(&output, 1, 0) <= 0 || !(output.revents & POLLERR);
}

/* 0, -EPIPE: the output cannot be written any longer, -ESTALE: the program was replaced, or another
 * negative errno. */
static int run(struct capture *capture, struct observer *observer)
{
	FILE *out = capture->file ? capture->file : capture->ctl->out;
	uint64_t checked_ms = now_ms();

	for (bool last = false; !last;) {
		int r;

		last = stopped;
		r = observer_poll(observer, last ? 0 : POLL_MS, on_frame, capture);

		if (fflush(out) < 0 || !has_reader(capture))
			return -EPIPE;
		if (r < 0 && r != -EINTR)
			return r == -ECANCELED ? 0 : r;
		if (now_ms() - checked_ms < CHECK_MS)
			continue;
		checked_ms = now_ms();
		if (!observer_is_current(observer))
			return -ESTALE;
	}
	return 0;
}

static int finish(struct capture *capture, int r, uint64_t lost)
{
	struct ctl *ctl = capture->ctl;
	uint64_t now = now_ns() + capture->realtime_offset_ns;

	if (capture->file && r != -EPIPE && pcapng_end(capture->file, now, capture->n, lost) < 0)
		r = r ?: -EPIPE;
	if (capture->own_file && fclose(capture->file) == EOF)
		r = r ?: -errno;
	fprintf(ctl->err, "%s: %llu frames captured, %llu lost\n", capture->interface,
		(unsigned long long)capture->n, (unsigned long long)lost);
	/* The reader of a pipe ends a capture at any time, as with `head`. */
	if (r == 0 || (r == -EPIPE && !capture->own_file))
		return CTL_DONE;
	if (r == -ESTALE)
		return ctl_fail(
			ctl, CTL_SYSTEM,
			"%s: the programs of uplinkd were replaced; start the capture again",
			capture->interface);
	return ctl_fail(ctl, CTL_SYSTEM, "%s: capture: %s", capture->interface, strerror(-r));
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	stopped = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int cmd_capture(struct ctl *ctl)
{
	_cleanup_(errors_done) struct errors notes = {}, errors = {};
	_cleanup_(switches_close) struct switches switches = {};
	struct capture *capture = calloc(1, sizeof(*capture));
	_cleanup_free_ void *owned = capture;
	struct observer *observer = NULL;
	uint64_t lost;
	int status, r;

	if (!capture)
		return ctl_fail(ctl, CTL_SYSTEM, "%s", strerror(ENOMEM));
	capture->ctl = ctl;
	capture->interface = ctl->arguments[0];
	capture->realtime_offset_ns = realtime_offset_ns();
	status = parse_options(ctl, capture);
	if (status == CTL_DONE)
		status = ctl_open_switches(ctl, NULL, &switches);
	if (status == CTL_DONE)
		status = find_interface(ctl, &switches, capture->interface, &capture->options);
	if (status)
		return status;
	catch_signals();
	if (observer_open(&capture->options, &notes, &errors, &observer) < 0)
		return ctl_fail(ctl, CTL_SYSTEM, "%s: %s", capture->interface, errors.messages[0]);
	for (size_t i = 0; i < notes.n; i++)
		ctl_fail(ctl, 0, "%s: %s", capture->interface, notes.messages[i]);
	status = open_file(ctl, capture);
	if (status == CTL_DONE) {
		fprintf(ctl->err, "%s: capturing; Ctrl-C ends\n", capture->interface);
		r = run(capture, observer);
		lost = observer_lost(observer);
		status = finish(capture, r, lost);
	}
	observer_close(observer);
	return status;
}
