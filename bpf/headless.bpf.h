/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* LACP without the daemon. While the daemon's lease is stale (stopped, crashed, being replaced),
 * the program answers an LACPDU that repeats what the partner last sent with the LACPDU that the
 * daemon would send, so that the partner does not time out. It does so for a bounded time and from
 * a healthy record only; in all other cases the partner times out as it should.
 *
 * With the daemon alive the program only limits the rate, so that a flood does not reach the
 * daemon's socket. */
#ifndef UL_HEADLESS_BPF_H
#define UL_HEADLESS_BPF_H

#include "count.bpf.h"
#include "parse.bpf.h"

#define UL_ANSWER_INTERVAL_NS 334000000ULL /* the standard's limit is three LACPDUs per second */

/* The standard allows ten frames of all slow protocols per second; a rate far above that is a
 * flood. */
#define UL_SLOW_WINDOW_NS 100000000ULL
#define UL_SLOW_LIMIT 20 /* in a window, of each of the two kinds */

static __always_inline bool repeats_partner(const void *data, const struct lacp_saved *saved)
{
	const __u64 *frame = data, *match = (const void *)saved->match,
		    *mask = (const void *)saved->mask;

	for (int i = 0; i < LACP_MATCH_LEN / 8; i++)
		if ((frame[i] & mask[i]) != match[i])
			return false;
	return true;
}

static __always_inline bool daemon_is_away(const struct ul_meta *meta, __u64 now)
{
	__u64 lease = meta->lease_ns;

	return lease && now > lease && now - lease < meta->headless_ns;
}

/* Repetitions of the partner's last LACPDU have a separate budget, so that a flood of other frames
 * cannot displace them. */
static __always_inline bool too_many(struct ul_lacp_answer *answer, bool repeated, __u64 now)
{
	if (now - answer->window_ns[repeated] >= UL_SLOW_WINDOW_NS) {
		answer->window_ns[repeated] = now;
		answer->taken[repeated] = 0;
	}
	if (answer->taken[repeated] >= UL_SLOW_LIMIT)
		return true;
	answer->taken[repeated]++;
	return false;
}

static __always_inline struct decision send_answer(struct xdp_md *ctx,
						   const struct lacp_saved *saved,
						   struct ul_lacp_answer *answer, __u32 bytes,
						   __u64 now)
{
	__u32 *words = (void *)(long)ctx->data;
	const __u32 *pdu = (const void *)saved->pdu;

	if ((void *)words + LACP_FRAME_LEN > (void *)(long)ctx->data_end)
		return decide(UL_PASS_UP, UL_R_CONTROL);
	for (int i = 0; i < LACP_FRAME_LEN / 4; i++)
		words[i] = pdu[i];
	if (bytes > LACP_FRAME_LEN && bpf_xdp_adjust_tail(ctx, LACP_FRAME_LEN - (int)bytes))
		return drop(UL_R_FAILED);
	answer->answered++;
	answer->last_ns = now;
	return decide(UL_ANSWER, UL_R_ANSWERED);
}

/* A slow protocol frame of an uplink. UL_ANSWER: the frame has been replaced by the answer. Reading
 * the clock is affordable at the rate of LACPDUs. */
static __always_inline struct decision answer_lacpdu(struct xdp_md *ctx, __u32 index,
						     const struct ul_uplink *uplink, __u32 bytes)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0;
	const struct ul_meta *meta = bpf_map_lookup_elem(&ul_meta, &zero);
	const struct lacp_saved *saved = bpf_map_lookup_elem(&ul_lacp, &index);
	struct ul_lacp_answer *answer = bpf_map_lookup_elem(&ul_lacp_answers, &index);
	bool repeated;
	__u64 now;

	if (!meta || !saved || !answer || meta->channel != UL_CHANNEL_LACP)
		return decide(UL_PASS_UP, UL_R_CONTROL);
	now = bpf_ktime_get_ns();
	repeated = data + LACP_FRAME_LEN <= end && saved->version == LACP_SAVED_VERSION &&
		   repeats_partner(data, saved);
	if (too_many(answer, repeated, now)) {
		answer->excess++;
		return drop(UL_R_EXCESS);
	}
	if (!repeated || !(saved->flags & LACP_SAVED_HEALTHY) || !(uplink->flags & UL_UP_SEND) ||
	    !daemon_is_away(meta, now) || now - answer->last_ns < UL_ANSWER_INTERVAL_NS)
		return decide(UL_PASS_UP, UL_R_CONTROL);
	return send_answer(ctx, saved, answer, bytes, now);
}

#endif
