// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/probe.h"

#include <arpa/inet.h>

#include "common/frame.h"
#include "config/model.h"

#define NO_TARGET UINT32_MAX
/* With more uplinks, fewer VLANs are tested. */
#define PROBE_MAX_FRAMES 2000
#define MAGIC "uplinkd probe 1"
#define ARP_LEN 28
#define IPV6_LEN 40
#define NS_LEN 24 /* neighbour solicitation without options */

/* The rest of a frame between uplinks, behind the EtherType. Numbers in network order. */
struct mark {
	char magic[sizeof(MAGIC)];
	uint8_t nonce[PROBE_NONCE_LEN];
	uint8_t from, to, attempt, is_long;
	uint16_t vid_be16;
} __attribute__((packed));

/* ---- the plan ---- */
static void add_vlan(struct probe *probe, uint16_t vid)
{
	for (uint32_t i = 0; i < probe->n_vlans; i++)
		if (probe->vlan[i] == vid)
			return;
	if (probe->n_vlans < PROBE_MAX_VLANS)
		probe->vlan[probe->n_vlans++] = vid;
	else
		probe->n_left_out++;
}

void probe_init(struct probe *probe, const struct snapshot *snapshot,
		const uint8_t nonce[PROBE_NONCE_LEN])
{
	const struct view *view = snapshot->view;

	*probe = (struct probe){ .snapshot = snapshot, .mtu = view->meta->mtu };
	memcpy(probe->nonce, nonce, PROBE_NONCE_LEN);
	if (probe->mtu > PROBE_MAX_FRAME - 18)
		probe->mtu = PROBE_MAX_FRAME - 18;
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		if (snapshot->uplinks[i].usable && snapshot->uplinks[i].raw.flags & UL_UP_RECEIVE)
			probe->uplinks |= 1u << i;
	for (uint32_t i = 0; i < view->max_groups; i++) {
		const struct ul_group *group = &view->groups[i];

		if (!(group->flags & UL_GROUP_USED))
			continue;
		if (group->vlan_mode != UL_VLAN_VGT) {
			add_vlan(probe, group->vlan_mode == UL_VLAN_VST ? group->vid : 0);
			continue;
		}
		for (uint16_t vid = 1; vid < UL_VLAN_TRUNK; vid++)
			if (UL_LIST_HAS(group->vlans, vid))
				add_vlan(probe, vid);
	}
	while (probe->n_vlans > 1 && probe_count_frames(probe) > PROBE_MAX_FRAMES) {
		probe->n_vlans--;
		probe->n_left_out++;
	}
}

static bool parse_target(char *part, struct probe_target *ret)
{
	char *address = part, *colon = strchr(part, ':'), *end;
	unsigned long vid = 0;

	/* A colon behind digits alone ends the VLAN, unless the rest is not an address. */
	if (colon && strspn(part, "0123456789") == (size_t)(colon - part)) {
		vid = strtoul(part, &end, 10);
		address = colon + 1;
	}
	if (address[0] == '[') {
		end = strchr(++address, ']');
		if (!end || end[1])
			return false;
		*end = '\0';
	}
	*ret = (struct probe_target){ .vid = (uint16_t)vid };
	if (vid >= UL_VLAN_TRUNK)
		return false;
	if (inet_pton(AF_INET, address, ret->address) == 1)
		return ret->address[0] && ret->address[0] < 224;
	ret->ipv6 = true;
	return inet_pton(AF_INET6, address, ret->address) == 1 && ret->address[0] != 0xff;
}

int probe_add_targets(struct probe *probe, const char *text, char ret_bad[64])
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *part;

	if (!copy)
		return -ENOMEM;
	while ((part = strsep(&rest, ","))) {
		snprintf(ret_bad, 64, "%s", part);
		if (probe->n_targets == PROBE_MAX_TARGETS ||
		    !parse_target(part, &probe->target[probe->n_targets]))
			return -EINVAL;
		probe->n_targets++;
	}
	return 0;
}

static bool takes_part(const struct probe *probe, uint32_t uplink)
{
	return probe->uplinks >> uplink & 1;
}

/* Ordered pairs, so that a missing direction is seen. The address that a frame is sent to has been
 * learned by the switch from the second frame of a pair on. */
static bool next_pair(const struct probe *probe, uint32_t *number, bool is_long, uint32_t n_vlans,
		      struct probe_step *ret)
{
	for (uint32_t vlan = 0; vlan < n_vlans; vlan++)
		for (uint32_t a = 0; a < UL_MAX_UPLINKS; a++)
			for (uint32_t b = a + 1; b < UL_MAX_UPLINKS; b++) {
				if (!takes_part(probe, a) || !takes_part(probe, b))
					continue;
				if (*number < 2) {
					*ret = (struct probe_step){ *number ? b : a,
								    *number ? a : b, vlan,
								    NO_TARGET, is_long };
					return true;
				}
				*number -= 2;
			}
	return false;
}

static bool next_target(const struct probe *probe, uint32_t *number, bool is_long,
			struct probe_step *ret)
{
	for (uint32_t target = 0; target < probe->n_targets; target++)
		for (uint32_t from = 0; from < UL_MAX_UPLINKS; from++) {
			if (!takes_part(probe, from) || (is_long && probe->target[target].ipv6))
				continue;
			if ((*number)-- == 0) {
				*ret = (struct probe_step){ from, from, 0, target, is_long };
				return true;
			}
		}
	return false;
}

bool probe_step_at(const struct probe *probe, uint32_t number, struct probe_step *ret)
{
	return next_pair(probe, &number, false, probe->n_vlans, ret) ||
	       next_target(probe, &number, false, ret) ||
	       next_pair(probe, &number, true, probe->n_vlans ? 1 : 0, ret) ||
	       next_target(probe, &number, true, ret);
}

uint32_t probe_count_frames(const struct probe *probe)
{
	struct probe_step step;
	uint32_t n = 0;

	while (probe_step_at(probe, n, &step))
		n++;
	return n * PROBE_TRIES;
}

bool probe_is_needed(const struct probe *probe, const struct probe_step *step)
{
	if (!step->is_long)
		return true;
	return step->target == NO_TARGET ? probe->came[step->vlan][step->from][step->to] :
					   probe->answered[step->target][step->from];
}

/* ---- frames ---- */
static const uint8_t *mac_of(const struct probe *probe, uint32_t uplink)
{
	return probe->snapshot->uplinks[uplink].raw.mac;
}

static struct mark mark_of(const struct probe *probe, const struct probe_step *step,
			   uint32_t attempt)
{
	struct mark mark = { .magic = MAGIC,
			     .from = (uint8_t)step->from,
			     .to = (uint8_t)step->to,
			     .attempt = (uint8_t)attempt,
			     .is_long = step->is_long,
			     .vid_be16 = htons(probe->vlan[step->vlan]) };

	memcpy(mark.nonce, probe->nonce, PROBE_NONCE_LEN);
	return mark;
}

static uint8_t *put_arp(uint8_t *at, const uint8_t src[6], const struct probe_target *target)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	at = put_bytes(at, head, sizeof(head));
	at = put_bytes(at, src, 6) + 4 + 6; /* the sender's address and the target's MAC stay 0 */
	return put_bytes(at, target->address, 4);
}

/* From the unspecified address, as in duplicate address detection: the owner answers to all. */
static size_t put_solicitation(uint8_t *frame, const uint8_t src[6],
			       const struct probe_target *target)
{
	uint8_t group[16] = { 0xff, 2, [11] = 1, 0xff }, dst[6] = { 0x33, 0x33 };
	uint8_t *ip, *message;

	memcpy(group + 13, target->address + 13, 3);
	memcpy(dst + 2, group + 12, 4);
	ip = put_ethernet(frame, dst, src, target->vid, ETHERTYPE_IPV6);
	ip[0] = 0x60;
	put_be16(ip + 4, NS_LEN);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = 255;
	memcpy(ip + 24, group, sizeof(group));
	message = ip + IPV6_LEN;
	message[0] = 135;
	memcpy(message + 8, target->address, 16);
	put_be16(message + 2, icmpv6_checksum(ip, message, NS_LEN));
	return (size_t)(message + NS_LEN - frame);
}

size_t probe_frame(const struct probe *probe, const struct probe_step *step, uint32_t attempt,
		   uint8_t frame[PROBE_MAX_FRAME])
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const uint8_t *src = mac_of(probe, step->from);
	uint16_t vid = step->target == NO_TARGET ? probe->vlan[step->vlan] :
						   probe->target[step->target].vid;
	size_t header = vid ? 18 : 14, least = ETH_ZLEN + header - 14;

	memset(frame, 0, PROBE_MAX_FRAME);
	if (step->target == NO_TARGET) {
		struct mark mark = mark_of(probe, step, attempt);

		put_bytes(put_ethernet(frame, mac_of(probe, step->to), src, vid, PROBE_ETHERTYPE),
			  &mark, sizeof(mark));
	} else if (probe->target[step->target].ipv6) {
		return put_solicitation(frame, src, &probe->target[step->target]);
	} else {
		put_arp(put_ethernet(frame, broadcast, src, vid, ETHERTYPE_ARP), src,
			&probe->target[step->target]);
	}
	return step->is_long ? header + probe->mtu : least;
}

/* ---- answers ---- */
static uint32_t index_of_vlan(const struct probe *probe, uint32_t vid)
{
	uint32_t vlan = 0;

	while (vlan < probe->n_vlans && probe->vlan[vlan] != vid)
		vlan++;
	return vlan;
}

/* A frame may arrive after the step that sent it, so it is compared with its mark. */
static bool receive_mark(struct probe *probe, uint32_t uplink, uint32_t vid, const uint8_t *frame,
			 size_t length)
{
	struct mark mark, wanted;
	struct probe_step step;

	if (length < 14 + sizeof(mark))
		return false;
	memcpy(&mark, frame + 14, sizeof(mark));
	step = (struct probe_step){ mark.from, mark.to, index_of_vlan(probe, vid), NO_TARGET,
				    mark.is_long == 1 };
	if (step.vlan < probe->n_vlans)
		wanted = mark_of(probe, &step, mark.attempt);
	if (step.vlan == probe->n_vlans || memcmp(&mark, &wanted, sizeof(mark)) != 0 ||
	    mark.attempt >= PROBE_TRIES || uplink != step.to || step.from >= UL_MAX_UPLINKS ||
	    !takes_part(probe, step.from) || step.from == step.to ||
	    memcmp(frame, mac_of(probe, step.to), 6) != 0 ||
	    memcmp(frame + 6, mac_of(probe, step.from), 6) != 0 ||
	    (step.is_long && length < 14 + probe->mtu)) {
		probe->forged++;
		return false;
	}
	if (step.is_long)
		probe->long_came[step.from][step.to] = true;
	else
		probe->came[step.vlan][step.from][step.to] = true;
	return true;
}

static bool is_arp_answer(const struct probe_target *target, const uint8_t *frame, size_t length)
{
	const uint8_t *arp = frame + 14;

	return !target->ipv6 && get_be16(frame + 12) == ETHERTYPE_ARP && length >= 14 + ARP_LEN &&
	       get_be16(arp + 6) == 2 && memcmp(arp + 14, target->address, 4) == 0 &&
	       memcmp(arp + 18, frame, 6) == 0;
}

/* To all, as the unspecified address is answered (RFC 4861 7.2.4). */
static bool is_nd_answer(const struct probe_target *target, const uint8_t *frame, size_t length)
{
	const uint8_t *ip = frame + 14;

	return target->ipv6 && get_be16(frame + 12) == ETHERTYPE_IPV6 &&
	       length >= 14 + IPV6_LEN + NS_LEN && ip[6] == IPPROTO_ICMPV6 && ip[7] == 255 &&
	       ip[IPV6_LEN] == 136 && memcmp(ip + IPV6_LEN + 8, target->address, 16) == 0;
}

/* An ARP reply is addressed to the uplink that sent the request, whatever uplink it arrives on. */
static bool receive_answer(struct probe *probe, const struct probe_step *step, uint32_t target,
			   const uint8_t *frame, size_t length)
{
	uint32_t from = 0;

	if (is_nd_answer(&probe->target[target], frame, length) && step->target == target) {
		probe->answered[target][step->from] = true;
		return true;
	}
	if (!is_arp_answer(&probe->target[target], frame, length))
		return false;
	while (from < UL_MAX_UPLINKS &&
	       !(takes_part(probe, from) && memcmp(mac_of(probe, from), frame, 6) == 0))
		from++;
	if (from == UL_MAX_UPLINKS)
		return false;
	if (step->target == target && step->is_long)
		probe->long_answered[target][from] = true;
	else
		probe->answered[target][from] = true;
	return true;
}

bool probe_receive(struct probe *probe, const struct probe_step *step, uint32_t uplink,
		   uint32_t vid, const uint8_t *frame, size_t length)
{
	if (length < 14 || uplink >= UL_MAX_UPLINKS || !takes_part(probe, uplink))
		return false;
	if (get_be16(frame + 12) == PROBE_ETHERTYPE)
		return receive_mark(probe, uplink, vid, frame, length);
	for (uint32_t target = 0; target < probe->n_targets; target++)
		if (probe->target[target].vid == vid &&
		    receive_answer(probe, step, target, frame, length))
			return true;
	return false;
}
