/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* Digests by which a frame that returns from an uplink is recognised (ul_sent), and a source that
 * was heard there (ul_outside); one copy for the programs and the daemon, which notes the
 * announcements that it sends. */
#ifndef UL_FRAME_DIGEST_H
#define UL_FRAME_DIGEST_H

#include "flow_hash.h"

#define UL_DIGEST_LEN 24 /* bytes behind the EtherType: no checksum that a NIC finishes */

UL_INLINE __u64 ul_digest_mix(__u64 h, __u64 word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/* key_vid: VID, with UL_VID_SERVICE behind a service tag; src: a MAC address as a 48-bit number. */
UL_INLINE __u64 ul_source_digest(__u32 key_vid, __u64 src)
{
	return ul_digest_mix(key_vid, src);
}

/* The parts of a frame that switches and NICs do not change begin with these; the words of the
 * UL_DIGEST_LEN bytes behind the EtherType (big-endian, padded with zeros) are mixed in next. */
UL_INLINE __u64 ul_digest_of_header(__u64 source_digest, __u64 dst, __u32 ethertype)
{
	return ul_digest_mix(source_digest, dst << 16 | ethertype);
}

/* Word of ul_sent and ul_outside for a digest; its index is the digest mod UL_RECENT. */
UL_INLINE __u64 ul_recent_word(__u64 digest, __u64 jiffies)
{
	return (digest & 0xffffffff00000000ULL) | (__u32)jiffies;
}

#endif
