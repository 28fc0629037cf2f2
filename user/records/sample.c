// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/sample.h"

#include <linux/if_packet.h>
#include <poll.h>
#include <sys/epoll.h>

#include "common/util.h"
#include "link/packet_socket.h"

#define ONE_OF 16

struct sample {
	const struct snapshot *snapshot;
	struct imbalance *imbalance;
	int epoll_fd;
	int fd[UL_MAX_UPLINKS];
	int error; /* negative errno: the sockets could not be opened */
};

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

static int open_sockets(struct sample *sample)
{
	const struct snapshot *snapshot = sample->snapshot;

	sample->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (sample->epoll_fd < 0)
		return -errno;
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		struct epoll_event event = { .events = EPOLLIN };
		int r;

		if (!snapshot->uplinks[i].usable)
			continue;
		r = open_socket(snapshot->uplinks[i].raw.ifindex, &sample->fd[i]);
		if (r < 0)
			return r;
		if (epoll_ctl(sample->epoll_fd, EPOLL_CTL_ADD, sample->fd[i], &event) < 0)
			return -errno;
	}
	return 0;
}

int sample_start(const struct snapshot *snapshot, struct sample **ret)
{
	struct sample *sample = malloc(sizeof(*sample));

	if (!sample)
		return -ENOMEM;
	*sample = (struct sample){ .snapshot = snapshot, .epoll_fd = -1 };
	memset(sample->fd, -1, sizeof(sample->fd));
	if (imbalance_new(snapshot, &sample->imbalance) < 0) {
		sample_free(sample);
		return -ENOMEM;
	}
	sample->error = open_sockets(sample);
	if (sample->error < 0)
		sample_stop(sample);
	*ret = sample;
	return 0;
}

int sample_fd(const struct sample *sample)
{
	return sample->epoll_fd;
}

/* The filter cuts the frame: the length on the wire counts. */
void sample_receive(struct sample *sample)
{
	uint8_t frame[IMBALANCE_SNAP_LEN];
	struct packet packet;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		while (sample->fd[i] >= 0 &&
		       packet_socket_receive(sample->fd[i], frame, sizeof(frame), &packet))
			imbalance_add(sample->imbalance, i, frame, packet.length,
				      packet.wire_length);
}

void sample_stop(struct sample *sample)
{
	ul_closep(&sample->epoll_fd);
	sample->epoll_fd = -1;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		ul_closep(&sample->fd[i]);
		sample->fd[i] = -1;
	}
}

void sample_wait(struct sample *sample)
{
	uint64_t end_ms = now_ms() + SAMPLE_MS, now;

	while (sample->epoll_fd >= 0 && (now = now_ms()) < end_ms) {
		struct pollfd fd = { .fd = sample->epoll_fd, .events = POLLIN };

		if (poll(&fd, 1, (int)(end_ms - now)) > 0)
			sample_receive(sample);
	}
	sample_stop(sample);
}

void sample_free(struct sample *sample)
{
	if (!sample)
		return;
	sample_stop(sample);
	imbalance_free(sample->imbalance);
	free(sample);
}

json_t *record_imbalance(const struct sample *sample, const char *uplink)
{
	json_t *record = json_pack("{s:s, s:s, s:[], s:n}", "switch", sample->snapshot->view->name,
				   "uplink", uplink, "evidence", "remedy");

	if (sample->error < 0)
		json_array_append_new(
			json_object_get(record, "evidence"),
			json_sprintf("the pairs are not known: %s%s", strerror(-sample->error),
				     sample->error == -EPERM ? " (a sample needs CAP_NET_RAW)" :
							       ""));
	else
		imbalance_explain(sample->imbalance, uplink, record);
	return record;
}
