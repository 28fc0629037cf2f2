/* SPDX-License-Identifier: GPL-2.0 */
/* LACP without the daemon: while its lease is stale (stopped, crashed, being replaced), an LACPDU that still says what the partner last said is answered with
 * the LACPDU that the daemon would have sent, so that the partner does not time out. For a bounded time, from a healthy record only. Anything else stays without
 * an answer, and the partner times out as it should. */
#ifndef UL_HEADLESS_BPF_H
#define UL_HEADLESS_BPF_H

#include "count.bpf.h"
#include "parse.bpf.h"

#define UL_ANSWER_INTERVAL_NS 300000000ULL	/* the standard's limit is three LACPDUs per second */

static __always_inline bool says_the_same(const void *data, const struct lacp_saved *saved)
{
	const __u64 *frame = data, *match = (const void *)saved->match, *mask = (const void *)saved->mask;

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

/* XDP_TX with the answer in place of the frame, or XDP_PASS. Most of a second goes by between two LACPDUs, so the clock may be read here. */
static __always_inline int answer_lacpdu(struct xdp_md *ctx, __u32 index, const struct ul_uplink *uplink, const struct size *size)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0;
	const struct ul_meta *meta = bpf_map_lookup_elem(&ul_meta, &zero);
	const struct lacp_saved *saved = bpf_map_lookup_elem(&ul_lacp, &index);
	struct ul_lacp_answer *answer = bpf_map_lookup_elem(&ul_lacp_answers, &index);
	const __u32 *pdu;
	__u32 *words;
	__u64 now;

	if (!meta || !saved || !answer || meta->channel != UL_CHANNEL_LACP || data + LACP_FRAME_LEN > end)
		return XDP_PASS;
	if (saved->version != LACP_SAVED_VERSION || !(saved->flags & LACP_SAVED_HEALTHY) || !(uplink->flags & UL_UP_SEND))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	if (!daemon_is_away(meta, now) || now - answer->last_ns < UL_ANSWER_INTERVAL_NS || !says_the_same(data, saved))
		return XDP_PASS;

	words = data;
	pdu = (const void *)saved->pdu;
	for (int i = 0; i < LACP_FRAME_LEN / 4; i++)
		words[i] = pdu[i];
	if (size->bytes > LACP_FRAME_LEN && bpf_xdp_adjust_tail(ctx, LACP_FRAME_LEN - (int)size->bytes))
		return XDP_PASS;
	answer->answered++;
	answer->last_ns = now;
	count(index, UL_R_ANSWERED, size);
	return XDP_TX;
}

#endif
