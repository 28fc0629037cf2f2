/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Whether an address is on this host, outside, or possibly both; the states and their writers are
 * described in abi.h. Global functions do the work that only learned addresses and foreign sources
 * need, so that the verifier checks it once and callers need no stack for it. */
#ifndef UL_OWNERSHIP_BPF_H
#define UL_OWNERSHIP_BPF_H

#include "frame_digest.h"
#include "maps.bpf.h"
#include "parse.bpf.h"

#define UL_NO_CELL 0xffffffff

static __always_inline __u32 key_vid(__u32 vid, bool service_tag)
{
	return vid | (service_tag ? UL_VID_SERVICE : 0);
}

/* ---- own addresses ---- */
static __always_inline bool is_confirmed(const struct ul_port *port)
{
	return *(const volatile __u32 *)&port->seen == *(const volatile __u32 *)&port->life;
}

static __always_inline bool is_absent(const struct ul_port *port)
{
	return port->flags & UL_PORT_ABSENT && !is_confirmed(port);
}

/* ---- times of learned addresses ---- */
/* Row * 4 + cell of a key in ul_fdb, or UL_NO_CELL. */
static __noinline __u32 find_cell(__u64 key)
{
	__u32 index = ul_first_row(key, ul_seed, ul_fdb_mask);

	for (int second = 0; second < 2; second++) {
		const volatile struct ul_match_row *row = bpf_map_lookup_elem(&ul_fdb, &index);

		if (!row)
			return UL_NO_CELL;
		for (int i = 0; i < 4; i++)
			if (row->key[i] == key)
				return index * 4 + i;
		index = ul_second_row(key, ul_seed, ul_fdb_mask);
	}
	return UL_NO_CELL;
}

static __always_inline struct ul_use_row *use_row(__u32 cell)
{
	__u32 index = cell / 4;

	return bpf_map_lookup_elem(&ul_fdb_use, &index);
}

/* 1: the learned address with this key is contested or elsewhere. So is an address that was just
 * removed, because a frame that goes both ways is not lost. */
__u32 __weak ul_is_used_outside(__u64 key)
{
	__u32 cell = find_cell(key);
	const volatile struct ul_use_row *row = use_row(cell);
	__u64 here, outside;

	if (!row)
		return 1;
	here = row->here[cell & 3];
	outside = row->outside[cell & 3];
	if (!outside)
		return 0;
	return outside >= here || bpf_jiffies64() - outside < UL_CONTEST_S * ul_hz;
}

/* 1: a frame with this learned source came from its port less than UL_REFLECTION_MS ago. */
__u32 __weak ul_was_used_here(__u64 key)
{
	__u32 cell = find_cell(key);
	const volatile struct ul_use_row *row = use_row(cell);

	return row && bpf_jiffies64() - row->here[cell & 3] < UL_REFLECTION_MS * ul_hz / 1000;
}

__u32 __weak ul_note_use_here(__u32 cell)
{
	volatile struct ul_use_row *row = use_row(cell);
	__u64 now = bpf_jiffies64();

	if (row && row->here[cell & 3] != now)
		row->here[cell & 3] = now;
	return 0;
}

/* 1: the address was here until now, neither contested nor elsewhere. */
__u32 __weak ul_note_use_outside(__u64 key)
{
	__u32 cell = find_cell(key);
	volatile struct ul_use_row *row = use_row(cell);
	__u64 now = bpf_jiffies64(), here, outside;

	if (!row)
		return 0;
	here = row->here[cell & 3];
	outside = row->outside[cell & 3];
	row->outside[cell & 3] = now;
	return !outside || (outside < here && now - outside >= UL_CONTEST_S * ul_hz);
}

/* ---- digests: frames that ports sent, sources heard from outside ---- */
static __always_inline __u64 source_digest(const struct frame *frame)
{
	return ul_source_digest(key_vid(frame->vid, frame->service_tag), frame->src);
}

/* Less than eight bytes at the end of a frame, padded with zeros as a NIC pads a short frame. Loads
 * the eight bytes that end there and shifts out the first ones: a branch for each byte would
 * multiply the states that the verifier follows. */
static __noinline __u64 load_tail(const void *data, const void *end, __u32 offset)
{
	long left = end - (data + offset);
	const void *last;

	if (left <= 0 || left > 7)
		return 0;
	/* hides that this is end - 8, which the verifier does not accept as an address */
	asm volatile("" : "+r"(left));
	last = data + offset - 8 + left;
	return last + 8 <= end ? load_be64(last) << (64 - 8 * left) : 0;
}

/* offset: at least 8 */
static __always_inline __u64 load_padded(const void *data, const void *end, __u32 offset)
{
	const void *at = data + offset;

	return at + 8 <= end ? load_be64(at) : load_tail(data, end, offset);
}

/* Digest of the parts of a frame that switches and NICs do not change: addresses, VLAN, EtherType
 * and the first bytes behind it. */
static __always_inline __u64 frame_digest(const void *data, const void *end,
					  const struct frame *frame)
{
	__u64 h = ul_digest_of_header(source_digest(frame), frame->dst, frame->ethertype);
	__u32 offset = frame->l3_offset != UL_ETH_HLEN ? UL_ETH_HLEN + UL_TAG_LEN : UL_ETH_HLEN;

	for (int i = 0; i < UL_DIGEST_LEN; i += 8)
		h = ul_digest_mix(h, load_padded(data, end, offset + i));
	return h;
}

/* True when word was stored for this digest less than `ticks` jiffies ago. */
static __always_inline bool is_recent(const volatile __u64 *at, __u64 digest, __u32 ticks)
{
	__u64 word = at ? *at : 0;

	return word && word >> 32 == digest >> 32 && (__u32)bpf_jiffies64() - (__u32)word < ticks;
}

__u32 __weak ul_note_sent(__u64 digest)
{
	__u32 index = digest & (UL_RECENT - 1);
	volatile __u64 *at = bpf_map_lookup_elem(&ul_sent, &index);

	if (at)
		*at = ul_recent_word(digest, bpf_jiffies64());
	return 0;
}

__u32 __weak ul_was_sent(__u64 digest)
{
	__u32 index = digest & (UL_RECENT - 1);

	return is_recent(bpf_map_lookup_elem(&ul_sent, &index), digest,
			 UL_REFLECTION_MS * ul_hz / 1000);
}

__u32 __weak ul_note_outside(__u64 digest)
{
	__u32 index = digest & (UL_RECENT - 1);
	volatile __u64 *at = bpf_map_lookup_elem(&ul_outside, &index);

	if (at)
		*at = ul_recent_word(digest, bpf_jiffies64());
	return 0;
}

__u32 __weak ul_was_heard_outside(__u64 digest, __u32 seconds)
{
	__u32 index = digest & (UL_RECENT - 1);

	return is_recent(bpf_map_lookup_elem(&ul_outside, &index), digest, seconds * ul_hz);
}

/* Tests whose model knows no limit set another one before loading. */
const volatile __u32 ul_flood_limit __weak = UL_FLOODED_PER_S;

/* 1: another frame to this unknown address may be copied to learning ports in this second. */
__u32 __weak ul_may_flood(__u64 digest)
{
	__u32 index = digest & (UL_RECENT - 1), copied = 0,
	      second = (__u32)(bpf_jiffies64() / ul_hz) & 0xffffff;
	volatile __u64 *at = bpf_map_lookup_elem(&ul_flooded, &index);
	__u64 word = at ? *at : 0;

	if (!at)
		return 0;
	if (word >> 32 == digest >> 32 && (__u32)word >> 8 == second)
		copied = word & 0xff;
	if (copied >= ul_flood_limit)
		return 0;
	*at = (digest & 0xffffffff00000000ULL) | second << 8 | ((copied + 1) & 0xff);
	return 1;
}

/* ---- events ---- */
/* false: no room, the event is lost. */
static __noinline bool report_address(enum ul_event_kind kind, __u32 slot, __u32 vid, __u64 mac)
{
	struct ul_event *event = bpf_ringbuf_reserve(&ul_events, sizeof(*event), 0);

	if (!event)
		return false;
	event->kind = kind;
	event->port = slot;
	event->vid = vid;
	for (int i = 0; i < 6; i++)
		event->mac[i] = mac >> (40 - 8 * i);
	bpf_ringbuf_submit(event, 0);
	return true;
}

#endif
