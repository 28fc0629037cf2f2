// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Ports that another uplink serves than before, and what is announced for them. The physical switch
 * behind the new uplink must learn the addresses that moved there: with src-mac each learned
 * address may have another uplink than its port. So the uplink of each bucket is compared with the
 * last one, and an address is announced when its bucket moved since the announcements of its port
 * began.
 */
#include "port/notifier.h"

#include "dataplane/clock.h"
#include "dataplane/dataplane.h"
#include "dataplane/ownership.h"
#include "dataplane/records.h"
#include "port/internal.h"
#include "teaming/policy.h"

/* ---- learned addresses, by slot ---- */
struct learned {
	uint64_t key;
	uint32_t slot;
};

static int collect(void *userdata, uint64_t key, uint32_t value)
{
	struct notifier *notifier = userdata;

	if (!(value & UL_FDB_LEARNED) || key & UL_VID_SERVICE)
		return 0;
	if (notifier->n_learned == notifier->room) {
		size_t room = notifier->room ? 2 * notifier->room : 256;
		struct learned *grown = reallocarray(notifier->learned, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		notifier->learned = grown;
		notifier->room = room;
	}
	notifier->learned[notifier->n_learned++] =
		(struct learned){ .key = key, .slot = value & UL_FDB_SLOT };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct learned *x = a, *y = b;

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

/* One walk over the table for all ports, at most once a turn. Without memory the addresses that
 * were found so far are announced. */
static void refresh(struct notifier *notifier)
{
	if (!notifier->stale)
		return;
	notifier->stale = false;
	notifier->n_learned = 0;
	(void)table_foreach(&notifier->context->dp->fdb, collect, notifier);
	if (notifier->n_learned)
		qsort(notifier->learned, notifier->n_learned, sizeof(*notifier->learned), compare);
}

static size_t first_of(const struct notifier *notifier, uint32_t slot)
{
	size_t low = 0, high = notifier->n_learned;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (notifier->learned[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t count_learned(struct notifier *notifier, uint32_t slot)
{
	refresh(notifier);
	return (uint32_t)(first_of(notifier, slot + 1) - first_of(notifier, slot));
}

static bool is_used(const struct dataplane *dp, uint32_t slot)
{
	return slot < dp->max_ports && dp->ports[slot].flags & UL_PORT_USED;
}

/* ---- what is announced, looked up at the time of sending ---- */
/* Fills ret with an address of the port, or returns false: no uplink serves it now. */
static bool announce(const struct notifier *notifier, uint32_t slot, const uint8_t mac[6],
		     struct announcement *ret)
{
	const struct dataplane *dp = notifier->context->dp;
	const struct ul_port *port = &dp->ports[slot];
	uint8_t uplink = policy_uplink_of_port(&dp->policies[port->policy], mac, port->number);

	if (uplink >= dataplane_n_uplinks(dp))
		return false;
	ret->ifindex = dp->uplinks[uplink].ifindex;
	memcpy(ret->mac, mac, sizeof(ret->mac));
	announce_vlans_of(port->vlan.mode, port->vlan.vid, dp->groups[port->group].vlans,
			  &ret->vlans);
	memcpy(ret->query_src, dp->uplinks[uplink].mac, sizeof(ret->query_src));
	ret->query_tagged = port->vlan.mode == UL_VLAN_VGT;
	return ret->ifindex != 0;
}

static bool announce_learned(const struct notifier *notifier, uint32_t slot, uint64_t key,
			     struct announcement *ret)
{
	struct dataplane *dp = notifier->context->dp;
	uint64_t here, outside;
	uint32_t value;
	uint8_t mac[6];

	/* It may have been removed since the walk. */
	if (table_get(&dp->fdb, key, &value) < 0 || value != (UL_FDB_LEARNED | slot) ||
	    table_get_use(&dp->fdb, key, &here, &outside) < 0 ||
	    learned_address_state(&dp->ports[slot], here, outside, dataplane_jiffies(dp),
				  kernel_hz()) != ADDRESS_HERE)
		return false;
	mac_from_key(key, mac);
	if (!announce(notifier, slot, mac, ret))
		return false;
	ret->vlans = (struct announce_vlans){ .n = 1, .vid = { key & 0xfff } };
	return true;
}

/* Whether another uplink took over the bucket of the address since the run of its port began. */
static bool has_moved(const struct notifier *notifier, uint32_t slot, const uint8_t mac[6])
{
	const struct dataplane *dp = notifier->context->dp;
	const struct ul_port *port = &dp->ports[slot];
	int bucket = policy_bucket_of_port(&dp->policies[port->policy], mac, port->number);
	const struct policy_seen *seen = &notifier->seen[port->policy];

	return bucket >= 0 && seen->moved_ms[bucket] &&
	       seen->moved_ms[bucket] >= notifier->moving_since_ms[slot];
}

/* Cursor of a round: learned addresses that are left, and whether the machine was queried. */
#define CURSOR_BEGUN (1U << 31)
#define CURSOR_QUERIED (1U << 30)
#define CURSOR_LEFT (CURSOR_QUERIED - 1)
/* Addresses of a call: the limit of frames then also limits the time for those that stayed. */
#define ADDRESSES_PER_CALL 32

/* The next learned address that moved, of at most ADDRESSES_PER_CALL. */
static bool find_learned(const struct notifier *notifier, uint32_t slot, uint32_t *left,
			 struct announcement *ret)
{
	const struct learned *learned = notifier->learned + first_of(notifier, slot);

	for (uint32_t i = 0; *left && i < ADDRESSES_PER_CALL; i++) {
		uint8_t mac[6];

		--*left;
		mac_from_key(learned[*left].key, mac);
		if (has_moved(notifier, slot, mac) &&
		    announce_learned(notifier, slot, learned[*left].key, ret))
			return true;
	}
	return false;
}

/* From the last address down to the first, which misses none when some are removed meanwhile. The
 * machine is queried once in a round, with its first announcement. */
static bool next_announcement(void *userdata, uint32_t slot, uint32_t what, uint32_t *cursor,
			      struct announcement *ret)
{
	struct notifier *notifier = userdata;
	const struct dataplane *dp = notifier->context->dp;
	const struct ul_port *port = &dp->ports[slot];
	bool first = !*cursor, found = false;
	uint32_t n, left;

	/* A machine that is not here must not be announced here. */
	if (!is_used(dp, slot) || !port->ifindex)
		return false;
	n = what & PORT_ANNOUNCE_LEARNED ? count_learned(notifier, slot) : 0;
	left = first ? n : *cursor & CURSOR_LEFT;
	left = left < n ? left : n;
	/* Otherwise the machine may run on another host, which would lose it. */
	if (first && what & PORT_ANNOUNCE_OWN && !mac_is_zero(port->mac) &&
	    own_address_state(port) == ADDRESS_CONFIRMED)
		found = announce(notifier, slot, port->mac, ret);
	if (!found && left)
		found = find_learned(notifier, slot, &left, ret);
	if (!found && !left)
		return false;
	if (!found)
		ret->vlans.n = 0;
	ret->query_ifindex = found && !(*cursor & CURSOR_QUERIED) ? port->ifindex : 0;
	*cursor = CURSOR_BEGUN | (*cursor & CURSOR_QUERIED) | (found ? CURSOR_QUERIED : 0) | left;
	return true;
}

/* Without a channel the switch floods an announcement to the other uplinks, too. */
static int send_noted(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length)
{
	struct notifier *notifier = userdata;
	struct dataplane *dp = notifier->context->dp;

	if (announce_is_rarp(frame, length))
		sent_note(dp, frame, dataplane_jiffies(dp));
	return notifier->send(notifier->send_userdata, ifindex, frame, length);
}

/* ---- moves ---- */
/* Compares the buckets of a policy with the last ones. A bucket without an uplink keeps its last
 * one. all: of a policy that was not seen before, all buckets may have moved. */
static void note_moves(struct policy_seen *seen, const struct ul_policy *policy, bool all,
		       uint64_t now)
{
	bool known = seen->n_buckets;
	bool same = seen->method == policy->method && seen->flags == policy->flags &&
		    seen->n_buckets == policy->n_buckets;

	for (uint32_t b = 0; b < policy->n_buckets && b < UL_MAX_BUCKETS; b++) {
		uint8_t before = known ? seen->uplink[b] : UL_NO_UPLINK;
		uint8_t uplink = policy->bucket[b];

		if (uplink == UL_NO_UPLINK && known)
			continue;
		seen->uplink[b] = uplink;
		if (before == UL_NO_UPLINK ? all : !same || before != uplink)
			seen->moved_ms[b] = now;
	}
	seen->method = policy->method;
	seen->flags = policy->flags;
	seen->n_buckets = policy->n_buckets;
}

/* Which of the port's addresses are to be announced, PORT_ANNOUNCE_*. */
static uint32_t what_to_announce(struct notifier *notifier, uint32_t slot, bool served_before,
				 bool moved, bool buckets_changed)
{
	const struct ul_port *port = &notifier->context->dp->ports[slot];
	bool learning = port->vlan.group_flags & UL_GROUP_LEARNING && port->ifindex;
	uint32_t what = moved && !mac_is_zero(port->mac) ? PORT_ANNOUNCE_OWN : 0;

	/* Without an address yet: the machine may have sent just before the uplink failed. */
	if (learning && buckets_changed && (served_before || count_learned(notifier, slot)))
		what |= PORT_ANNOUNCE_LEARNED;
	return what;
}

/* One limit for all ports, because an uplink that flaps moves all of them. */
static void report_move(struct notifier *notifier, uint32_t slot, uint8_t to)
{
	const struct dataplane *dp = notifier->context->dp;
	char note[RATE_LIMIT_NOTE_LEN];
	uint64_t suppressed;

	if (rate_limit_admit(&notifier->reports, now_ms(), &suppressed))
		context_report(notifier->context, EVENT_PORT_MOVED, dp->ports[slot].name,
			       "moved to uplink %s%s", dp->uplinks[to].name,
			       rate_limit_note(suppressed, note));
}

/* A port without any uplink keeps its last one: the physical switches have it there. */
static void announce_move(struct notifier *notifier, uint32_t slot, bool notify,
			  bool buckets_changed, uint64_t now_ms)
{
	const struct dataplane *dp = notifier->context->dp;
	const struct ul_port *port = &dp->ports[slot];
	uint8_t before = notifier->uplink[slot];
	uint8_t now = policy_uplink_of_port(&dp->policies[port->policy], port->mac, port->number);
	uint32_t what;
	bool moved;

	if (now == UL_NO_UPLINK)
		return;
	notifier->uplink[slot] = now;
	if (!notify)
		return;
	moved = now != before && before != UL_NO_UPLINK && port->ifindex;
	if (moved)
		report_move(notifier, slot, now);
	what = what_to_announce(notifier, slot, before != UL_NO_UPLINK, moved, buckets_changed);
	if (!what)
		return;
	if (!announcer_is_active(notifier->announcer, slot))
		notifier->moving_since_ms[slot] = now_ms;
	announcer_start(notifier->announcer, now_ms, slot, what);
}

/* A round that has begun goes on with the addresses that it began with. */
static void begin_turn(struct notifier *notifier)
{
	notifier->stale = notifier->stale || announcer_is_idle(notifier->announcer);
}

void notifier_moved(struct notifier *notifier, uint32_t policy, bool notify, bool buckets_changed)
{
	const struct dataplane *dp = notifier->context->dp;
	uint64_t now = now_ms();

	begin_turn(notifier);
	note_moves(&notifier->seen[policy], &dp->policies[policy], buckets_changed, now);
	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		if (is_used(dp, slot) && dp->ports[slot].policy == policy)
			announce_move(notifier, slot, notify, buckets_changed, now);
}

/* UL_MAX_UPLINKS is not an uplink either, but unlike UL_NO_UPLINK it makes the next uplink of the
 * port a move. */
static void renumber(uint8_t *uplink, const uint8_t to[UL_MAX_UPLINKS])
{
	if (*uplink < UL_MAX_UPLINKS)
		*uplink = to[*uplink] == UL_NO_UPLINK ? UL_MAX_UPLINKS : to[*uplink];
}

void notifier_renumber(struct notifier *notifier, const uint8_t to[UL_MAX_UPLINKS])
{
	for (uint32_t slot = 0; slot < UL_MAX_PORTS; slot++)
		renumber(&notifier->uplink[slot], to);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		for (uint32_t b = 0; b < UL_MAX_BUCKETS; b++)
			renumber(&notifier->seen[i].uplink[b], to);
}

void notifier_forget(struct notifier *notifier, uint32_t slot)
{
	notifier->uplink[slot] = UL_NO_UPLINK;
	announcer_cancel(notifier->announcer, slot);
}

void notifier_run(struct notifier *notifier, uint64_t now_ms)
{
	begin_turn(notifier);
	announcer_run(notifier->announcer, now_ms);
}

uint64_t notifier_next_ms(const struct notifier *notifier)
{
	return announcer_next_ms(notifier->announcer);
}

/* ---- life cycle ---- */
int notifier_new(const struct switch_context *context, announce_send send, void *userdata,
		 struct notifier **ret)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	struct announcer_callbacks callbacks = {
		.send = send_noted,
		.send_userdata = notifier,
		.next = next_announcement,
		.next_userdata = notifier,
	};

	if (!notifier || announcer_new(&callbacks, &notifier->announcer) < 0) {
		free(notifier);
		return context_fail(context, -ENOMEM, "cannot create the announcements");
	}
	notifier->context = context;
	notifier->send = send;
	notifier->send_userdata = userdata;
	notifier->reports = RATE_LIMIT(MOVE_REPORT_BURST, MOVE_REPORT_INTERVAL_MS);
	notifier->stale = true;
	memset(notifier->uplink, UL_NO_UPLINK, sizeof(notifier->uplink));
	*ret = notifier;
	return 0;
}

void notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return;
	announcer_free(notifier->announcer);
	free(notifier->learned);
	free(notifier);
}
