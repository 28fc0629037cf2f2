// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl/probe.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "link/packet_socket.h"
#include "records/probe.h"

/* Between two frames; the rate limit. */
#define FRAME_INTERVAL_MS 10
/* For an answer to a frame between uplinks, and to ARP and ND. */
#define PAIR_WAIT_MS 50
#define ADDRESS_WAIT_MS 300
/* For answers that are late, before longer frames are sent and at the end. */
#define LATE_WAIT_MS 500

struct sockets {
	int fd[UL_MAX_UPLINKS];
};

static void sockets_close(struct sockets *sockets)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		ul_closep(&sockets->fd[i]);
}

/* Only what may be an answer is queued: a busy uplink must not fill the socket. */
static int open_socket(uint32_t ifindex, int *ret)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE_ETHERTYPE, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_ARP, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_NET_OFF + 6)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PROBE_MAX_FRAME),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	return packet_socket_open(ifindex, &program, true, ret);
}

static int open_sockets(struct ctl *ctl, const struct probe *probe, struct sockets *sockets)
{
	for (uint32_t i = 0; i < probe->snapshot->n_uplinks; i++) {
		const struct ul_uplink *uplink = &probe->snapshot->uplinks[i].raw;
		int r = probe->uplinks >> i & 1 ? open_socket(uplink->ifindex, &sockets->fd[i]) : 0;

		if (r < 0)
			return ctl_fail(ctl, CTL_SYSTEM, "%s: cannot open a packet socket: %s%s",
					uplink->name, strerror(-r),
					r == -EPERM ? "; --probe needs CAP_NET_RAW" : "");
	}
	return CTL_DONE;
}

/* ---- receiving ---- */
static bool receive_from(int fd, struct probe *probe, const struct probe_step *step,
			 uint32_t uplink)
{
	static uint8_t frame[PROBE_MAX_FRAME];
	struct packet packet;
	bool answered = false;

	while (packet_socket_receive(fd, frame, sizeof(frame), &packet))
		answered |= probe_receive(probe, step, uplink, packet.vid, frame, packet.length);
	return answered;
}

/* Until the step is answered, at most wait_ms. */
static bool await_answer(const struct sockets *sockets, struct probe *probe,
			 const struct probe_step *step, int wait_ms)
{
	uint64_t end_ms = now_ms() + (uint64_t)wait_ms, now;
	struct pollfd fds[UL_MAX_UPLINKS];
	bool answered = false;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		fds[i] = (struct pollfd){ .fd = sockets->fd[i], .events = POLLIN };
	while (!answered && (now = now_ms()) < end_ms) {
		if (poll(fds, UL_MAX_UPLINKS, (int)(end_ms - now)) <= 0)
			continue;
		for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
			if (fds[i].revents)
				answered |= receive_from(fds[i].fd, probe, step, i);
	}
	return answered;
}

/* ---- sending ---- */
static int send_step(struct ctl *ctl, const struct sockets *sockets, struct probe *probe,
		     const struct probe_step *step)
{
	static uint8_t frame[PROBE_MAX_FRAME];
	int wait_ms = step->target == UINT32_MAX ? PAIR_WAIT_MS : ADDRESS_WAIT_MS;

	for (uint32_t attempt = 0; attempt < PROBE_TRIES; attempt++) {
		size_t length = probe_frame(probe, step, attempt, frame);

		if (send(sockets->fd[step->from], frame, length, 0) < 0 && errno != ENOBUFS)
			return ctl_fail(ctl, CTL_SYSTEM, "%s: cannot send %zu bytes: %s",
					uplink_name(probe->snapshot, step->from), length,
					strerror(errno));
		usleep(FRAME_INTERVAL_MS * 1000);
		if (await_answer(sockets, probe, step, wait_ms))
			break;
	}
	return CTL_DONE;
}

static int run_steps(struct ctl *ctl, const struct sockets *sockets, struct probe *probe)
{
	struct probe_step step, last = { 0 };
	int status = CTL_DONE;

	for (uint32_t n = 0; status == CTL_DONE && probe_step_at(probe, n, &step); n++) {
		if (step.is_long && !last.is_long)
			await_answer(sockets, probe, &last, LATE_WAIT_MS);
		if (probe_is_needed(probe, &step))
			status = send_step(ctl, sockets, probe, &step);
		last = step;
	}
	await_answer(sockets, probe, &last, LATE_WAIT_MS);
	return status;
}

static void announce(struct ctl *ctl, const struct probe *probe)
{
	char names[200], vlans[128] = "";
	size_t n = 0;

	snapshot_uplink_names(probe->snapshot, probe->uplinks, names, sizeof(names));
	for (uint32_t i = 0; i < probe->n_vlans && n < sizeof(vlans); i++)
		n += (size_t)snprintf(vlans + n, sizeof(vlans) - n, "%s%u", i ? ", " : "",
				      probe->vlan[i]);
	fprintf(ctl->err,
		"%s: sending at most %u frames on %s, at most 100 per second: marked frames (EtherType 88b5) from each of them to the address of each other one in VLAN %s (0: untagged), one of them with the MTU",
		probe->snapshot->view->name, probe_count_frames(probe), names, vlans);
	if (probe->n_left_out)
		fprintf(ctl->err, "; %u more VLANs are left out", probe->n_left_out);
	if (probe->n_targets)
		fprintf(ctl->err, "; ARP probes or neighbour solicitations for %u address%s",
			probe->n_targets, probe->n_targets == 1 ? "" : "es");
	fputc('\n', ctl->err);
	fflush(ctl->err);
}

int probe_run(struct ctl *ctl, const struct snapshot *snapshot, const char *addresses,
	      json_t *findings)
{
	_cleanup_free_ struct probe *probe = malloc(sizeof(*probe));
	_cleanup_(sockets_close) struct sockets sockets;
	uint8_t nonce[PROBE_NONCE_LEN];
	json_auto_t *found = NULL;
	char bad[64];
	int status;

	memset(&sockets, -1, sizeof(sockets));
	if (!probe || getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
		return ctl_fail(ctl, CTL_SYSTEM, "--probe: %s", strerror(errno));
	probe_init(probe, snapshot, nonce);
	if (addresses && probe_add_targets(probe, addresses, bad) < 0)
		return ctl_fail(
			ctl, CTL_WRONG_REQUEST,
			"--address: %s: must be ADDRESS or VLAN:ADDRESS with VLAN 0-4094, at most %d",
			bad, PROBE_MAX_TARGETS);
	if (!probe->uplinks)
		return ctl_fail(ctl, CTL_SYSTEM, "--probe: %s: no uplink is usable",
				snapshot->view->name);
	status = open_sockets(ctl, probe, &sockets);
	if (status)
		return status;
	announce(ctl, probe);
	status = run_steps(ctl, &sockets, probe);
	if (status)
		return status;
	if (probe->forged)
		fprintf(ctl->err,
			"%s: ignored %u frames of EtherType 88b5 that were not sent here\n",
			snapshot->view->name, probe->forged);
	found = probe_findings(probe);
	json_array_extend(findings, found);
	return CTL_DONE;
}
