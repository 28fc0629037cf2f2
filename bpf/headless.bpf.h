/* SPDX-License-Identifier: GPL-2.0 */
/* LACP without the daemon: while its lease is stale (stopped, crashed, being replaced), an LACPDU
 * that still says what the partner last said is answered with the LACPDU that the daemon would have
 * sent, so that the partner does not time out. For a bounded time, from a healthy record only.
 * Anything else stays without an answer, and the partner times out as it should.
 *
 * With the daemon there, only the rate is limited: a flood ends here and not in the daemon's
 * socket. */
#ifndef UL_HEADLESS_BPF_H
#define UL_HEADLESS_BPF_H

#include "count.bpf.h"
#include "parse.bpf.h"

#define UL_ANSWER_INTERVAL_NS 334000000ULL /* the standard's limit is three LACPDUs per second */

/* The standard allows ten frames of all slow protocols per second. What is far above that is a
 * flood, which is to cost the host as little as can be. */
#define UL_SLOW_WINDOW_NS 100000000ULL
#define UL_SLOW_LIMIT 20 /* in a window, of each of the two kinds */

static __always_inline bool says_the_same(const void *data, const struct lacp_saved *saved)
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

/* What the partner said last has a budget of its own: so no flood of other frames can push it out,
 * and the port stays up. */
static __always_inline bool too_many(struct ul_lacp_answer *answer, bool again, __u64 now)
{
	if (now - answer->window_ns[again] >= UL_SLOW_WINDOW_NS) {
		answer->window_ns[again] = now;
		answer->taken[again] = 0;
	}
	if (answer->taken[again] >= UL_SLOW_LIMIT)
		return true;
	answer->taken[again]++;
	return false;
}

static __always_inline int send_answer(struct xdp_md *ctx, __u32 index,
				       const struct lacp_saved *saved,
				       struct ul_lacp_answer *answer, const struct size *size,
				       __u64 now)
{
	__u32 *words = (void *)(long)ctx->data;
	const __u32 *pdu = (const void *)saved->pdu;

	if ((void *)words + LACP_FRAME_LEN > (void *)(long)ctx->data_end)
		return XDP_PASS;
	for (int i = 0; i < LACP_FRAME_LEN / 4; i++)
		words[i] = pdu[i];
	if (size->bytes > LACP_FRAME_LEN &&
	    bpf_xdp_adjust_tail(ctx, LACP_FRAME_LEN - (int)size->bytes))
		return XDP_DROP; /* it is no longer what came */
	answer->answered++;
	answer->last_ns = now;
	count(index, UL_R_ANSWERED, size);
	return XDP_TX;
}

/* A slow protocol frame of an uplink: XDP_TX with the answer in its place, XDP_DROP when it is one
 * too many, else XDP_PASS. Most of a second goes by between two LACPDUs, so the clock may be read
 * here. */
static __always_inline int answer_lacpdu(struct xdp_md *ctx, __u32 index,
					 const struct ul_uplink *uplink, const struct size *size)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0;
	const struct ul_meta *meta = bpf_map_lookup_elem(&ul_meta, &zero);
	const struct lacp_saved *saved = bpf_map_lookup_elem(&ul_lacp, &index);
	struct ul_lacp_answer *answer = bpf_map_lookup_elem(&ul_lacp_answers, &index);
	bool again;
	__u64 now;

	if (!meta || !saved || !answer || meta->channel != UL_CHANNEL_LACP)
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	again = data + LACP_FRAME_LEN <= end && saved->version == LACP_SAVED_VERSION &&
		says_the_same(data, saved);
	if (too_many(answer, again, now)) {
		answer->excess++;
		count(index, UL_R_EXCESS, size);
		return XDP_DROP;
	}
	if (!again || !(saved->flags & LACP_SAVED_HEALTHY) || !(uplink->flags & UL_UP_SEND) ||
	    !daemon_is_away(meta, now) || now - answer->last_ns < UL_ANSWER_INTERVAL_NS)
		return XDP_PASS;
	return send_answer(ctx, index, saved, answer, size, now);
}

#endif
