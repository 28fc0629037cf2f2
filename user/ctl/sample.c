// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "ctl/sample.h"

#include <linux/if_packet.h>
#include <poll.h>

#include "ctl/packet_socket.h"
#include "records/imbalance.h"

#define SAMPLE_MS 1000
#define ONE_OF 16

/* 0 or negative errno. */
static int open_socket(uint32_t ifindex, int *ret)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, ONE_OF - 1, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, IMBALANCE_SNAP_LEN),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	return packet_socket_open(ifindex, &program, false, ret);
}

/* The filter cuts the frame: the length on the wire counts. */
static void receive_from(int fd, struct imbalance *imbalance, uint32_t uplink)
{
	uint8_t frame[IMBALANCE_SNAP_LEN];
	struct packet packet;

	while (packet_socket_receive(fd, frame, sizeof(frame), &packet))
		imbalance_add(imbalance, uplink, frame, packet.length, packet.wire_length);
}

static int sample(const struct snapshot *snapshot, struct imbalance *imbalance)
{
	struct pollfd fds[UL_MAX_UPLINKS];
	uint64_t end_ms = now_ms() + SAMPLE_MS, now;
	int r = 0;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	for (uint32_t i = 0; i < snapshot->n_uplinks && r == 0; i++)
		if (snapshot->uplinks[i].usable)
			r = open_socket(snapshot->uplinks[i].raw.ifindex, &fds[i].fd);
	while (r == 0 && (now = now_ms()) < end_ms) {
		if (poll(fds, UL_MAX_UPLINKS, (int)(end_ms - now)) <= 0)
			continue;
		for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
			if (fds[i].revents)
				receive_from(fds[i].fd, imbalance, i);
	}
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		ul_closep(&fds[i].fd);
	return r;
}

void sample_explain(const struct snapshot *snapshot, json_t *findings)
{
	_cleanup_(imbalance_freep) struct imbalance *imbalance = NULL;
	json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		const char *code = ctl_text(finding, "code");
		char text[160];
		int r = 0;

		if (!code || strcmp(code, "imbalance") != 0)
			continue;
		if (!imbalance) {
			r = imbalance_new(snapshot, &imbalance);
			if (r == 0)
				r = sample(snapshot, imbalance);
		}
		snprintf(text, sizeof(text), "the pairs are not known: %s%s", strerror(-r),
			 r == -EPERM ? " (a sample needs CAP_NET_RAW)" : "");
		if (r < 0)
			json_array_append_new(json_object_get(finding, "evidence"),
					      json_string(text));
		else
			imbalance_explain(imbalance, finding);
	}
}
