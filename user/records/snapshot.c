// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "records/snapshot.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "dataplane/check.h"
#include "flow_hash.h"

/* ---- uplinks ---- */
int live_interface(const char *name, struct live_interface *ret)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct live_interface live = {};
	struct ifreq request = {};

	/* The ioctls work on any family; a kernel without IPv4 still has Unix sockets. */
	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENODEV;
	strcpy(request.ifr_name, name);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return -errno;
	live.ifindex = (uint32_t)request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	live.admin_up = request.ifr_flags & IFF_UP;
	live.carrier = live.admin_up && request.ifr_flags & IFF_RUNNING;
	/* IFF_RUNNING follows the carrier up to a second late; ethtool's link bit is the carrier.
	 */
	request.ifr_data = (char *)&link;
	if (live.admin_up && ioctl(fd, SIOCETHTOOL, &request) == 0)
		live.carrier = link.data != 0;
	*ret = live;
	return 0;
}

/* Without a daemon the flags in the maps are stale: the kernel's state replaces them. */
static void uplink_refresh(struct uplink_view *uplink)
{
	struct live_interface live;

	if (live_interface(uplink->raw.name, &live) < 0 || live.ifindex != uplink->raw.ifindex)
		live = (struct live_interface){};
	uplink->present = live.ifindex != 0;
	uplink->admin_up = live.admin_up;
	uplink->carrier = live.carrier;
}

static void uplink_read(struct uplink_view *uplink, const struct ul_uplink *raw, bool daemon_alive)
{
	uint32_t flags;

	uplink->raw = *raw;
	uplink->raw.name[UL_NAME_LEN - 1] = '\0';
	flags = uplink->raw.flags;
	uplink->present = uplink->raw.ifindex != 0;
	uplink->admin_up = flags & UL_UP_ADMIN;
	uplink->carrier = flags & UL_UP_CARRIER;
	uplink->drained = flags & UL_UP_DRAINED;
	if (!daemon_alive)
		uplink_refresh(uplink);
	uplink->usable = flags & UL_UP_SEND && uplink->present &&
			 (daemon_alive || (uplink->admin_up && uplink->carrier));
}

static enum uplink_state state_of(const struct snapshot *snapshot, uint32_t index, uint32_t serving,
				  uint32_t members)
{
	const struct uplink_view *uplink = &snapshot->uplinks[index];

	if (!uplink->present)
		return uplink->raw.error ? UPLINK_FAILED : UPLINK_MISSING;
	if (uplink->drained)
		return UPLINK_DRAINED;
	if (!uplink->admin_up)
		return UPLINK_DOWN;
	if (!uplink->carrier)
		return UPLINK_NO_CARRIER;
	if (uplink->raw.flags & UL_UP_SPARE)
		return UPLINK_SPARE;
	if (!uplink->usable)
		return UPLINK_WAITING;
	if (serving >> index & 1)
		return UPLINK_IN_USE;
	return members >> index & 1 ? UPLINK_STANDBY : UPLINK_UNUSED;
}

/* ---- policies ---- */
const struct ul_policy *policy_of(const struct snapshot *snapshot, const struct ul_group *group)
{
	uint32_t policy = __atomic_load_n(&group->policy, __ATOMIC_RELAXED);

	return policy < UL_MAX_POLICIES ? &snapshot->policies[policy] : NULL;
}

/* Another process writes the maps, also at this moment: what is copied need not agree. */
static void policy_read(struct ul_policy *policy, const struct ul_policy *raw)
{
	*policy = *raw;
	if (policy->n_members > UL_MAX_UPLINKS)
		policy->n_members = UL_MAX_UPLINKS;
	if (policy->n_active > policy->n_members)
		policy->n_active = policy->n_members;
	if (!policy->n_active || policy->n_buckets > UL_MAX_BUCKETS)
		policy->n_buckets = 0;
}

uint32_t policy_members(const struct ul_policy *policy)
{
	uint32_t members = 0;

	for (uint32_t p = 0; p < policy->n_members; p++)
		members |= 1u << (policy->member[p] & 31);
	return members;
}

/* Bit p: the uplink at position p is usable. */
static uint32_t alive_positions(const struct snapshot *snapshot, const struct ul_policy *policy)
{
	uint32_t alive = 0;

	for (uint32_t p = 0; p < policy->n_members; p++)
		if (policy->member[p] < snapshot->n_uplinks &&
		    snapshot->usable >> policy->member[p] & 1)
			alive |= 1u << p;
	return alive;
}

uint32_t policy_serving(const struct snapshot *snapshot, const struct ul_policy *policy)
{
	uint32_t positions, serving = 0;

	if (!(policy->in_use & ~snapshot->usable))
		return policy->in_use;
	positions = ul_serving_positions(policy->flags, policy->n_active, policy->n_members,
					 alive_positions(snapshot, policy));
	for (uint32_t p = 0; p < policy->n_members; p++)
		if (positions >> p & 1)
			serving |= 1u << (policy->member[p] & 31);
	return serving;
}

uint32_t policy_home(const struct ul_policy *policy, uint32_t bucket)
{
	uint32_t position = policy->flags & UL_POLICY_ORDERED || !policy->n_active ?
				    0 :
				    bucket % policy->n_active;

	return position < policy->n_members ? policy->member[position] : UL_NO_UPLINK;
}

uint32_t policy_uplink(const struct snapshot *snapshot, const struct ul_policy *policy,
		       uint32_t bucket)
{
	uint32_t uplink = bucket < UL_MAX_BUCKETS ? policy->bucket[bucket] : UL_NO_UPLINK;
	int position;

	if (uplink < snapshot->n_uplinks && snapshot->usable >> uplink & 1)
		return uplink;
	/* The fallback of the programs while the bucket table names a dead uplink. */
	position = ul_serving_position(policy->flags, policy->n_active, policy->n_members, bucket,
				       alive_positions(snapshot, policy));
	return position < 0 ? UL_NO_UPLINK : policy->member[position];
}

/* ---- names ---- */
const char *uplink_name(const struct snapshot *snapshot, uint32_t index)
{
	return index < snapshot->n_uplinks ? snapshot->uplinks[index].raw.name : NULL;
}

int uplink_by_name(const struct snapshot *snapshot, const char *name)
{
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		if (strcmp(snapshot->uplinks[i].raw.name, name) == 0)
			return (int)i;
	return -1;
}

int group_by_name(const struct snapshot *snapshot, const char *name)
{
	const struct view *view = snapshot->view;

	for (uint32_t i = 0; i < view->max_groups; i++)
		if (view->groups[i].flags & UL_GROUP_USED &&
		    strncmp(view->groups[i].name, name, UL_GROUP_NAME_LEN) == 0)
			return (int)i;
	return -1;
}

int port_by_name(const struct snapshot *snapshot, const char *name)
{
	const struct view *view = snapshot->view;

	for (uint32_t i = 0; i < view->max_ports; i++)
		if (view->ports[i].flags & UL_PORT_USED &&
		    strncmp(view->ports[i].name, name, UL_NAME_LEN) == 0)
			return (int)i;
	return -1;
}

const char *snapshot_uplink_names(const struct snapshot *snapshot, uint32_t mask, char *text,
				  size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < snapshot->n_uplinks && n < size; i++) {
		uint32_t rest = mask >> i >> 1;

		if (mask >> i & 1)
			n += (size_t)snprintf(text + n, size - n, "%s%s",
					      snapshot->uplinks[i].raw.name,
					      !rest		? "" :
					      rest & (rest - 1) ? ", " :
								  " and ");
	}
	return text;
}

/* ---- counters ---- */
struct ul_count stats_of(const struct ul_stats *stats, uint32_t reason)
{
	/* abi.h asserts that member and number agree */
	return ((const struct ul_count *)stats)[reason];
}

static struct ul_count sum_of(const struct ul_stats *stats, bool forwarded)
{
	struct ul_count sum = {};

	for (uint32_t reason = 0; reason < UL_N_REASONS; reason++) {
		enum ul_reason_kind kind = reason_kind(reason);
		struct ul_count count = stats_of(stats, reason);

		if (kind == UL_KIND_DROP ||
		    (forwarded && kind == UL_KIND_FORWARD && reason != UL_R_SENT)) {
			sum.packets += count.packets;
			sum.bytes += count.bytes;
		}
	}
	return sum;
}

struct ul_count stats_received(const struct ul_stats *stats)
{
	return sum_of(stats, true);
}

struct ul_count stats_dropped(const struct ul_stats *stats)
{
	return sum_of(stats, false);
}

static int read_stats(struct snapshot *snapshot)
{
	const struct view *view = snapshot->view;
	int r;

	if (view->stats_fd < 0)
		return 0;
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		r = view_stats(view, i, &snapshot->uplinks[i].stats);
		if (r < 0)
			return r;
	}
	for (uint32_t slot = 0; slot < view->max_ports; slot++) {
		if (!(view->ports[slot].flags & UL_PORT_USED))
			continue;
		r = view_stats(view, UL_ENDPOINT_PORT0 + slot, &snapshot->port_stats[slot]);
		if (r < 0)
			return r;
	}
	return view_stats(view, UL_ENDPOINT_NONE, &snapshot->unassigned_stats);
}

/* ---- the snapshot ---- */
int snapshot_take(const struct view *view, struct snapshot **ret)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	uint32_t serving = 0, members = 0;
	uint64_t lease_ns;
	int r;

	if (!snapshot)
		return -ENOMEM;
	snapshot->view = view;
	snapshot->port_stats =
		calloc(view->max_ports ? view->max_ports : 1, sizeof(*snapshot->port_stats));
	if (!snapshot->port_stats)
		return -ENOMEM;
	snapshot->taken_ns = now_ns();
	snapshot->jiffies = view_jiffies(view);
	backlog_read(&snapshot->backlog);
	lease_ns = view->meta->lease_ns;
	snapshot->daemon_alive = lease_ns > snapshot->taken_ns;
	if (!snapshot->daemon_alive && lease_ns)
		snapshot->daemon_silent_ms = (snapshot->taken_ns - lease_ns) / 1000000;

	snapshot->n_uplinks = check_n_uplinks(view->meta);
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++) {
		uplink_read(&snapshot->uplinks[i], &view->uplinks[i], snapshot->daemon_alive);
		view_lacp_port(view, i, &snapshot->uplinks[i].lacp);
		view_pagp_port(view, i, &snapshot->uplinks[i].pagp);
		if (view->lacp_answers)
			snapshot->uplinks[i].answer = view->lacp_answers[i];
		snapshot->usable |= (uint32_t)snapshot->uplinks[i].usable << i;
	}
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		policy_read(&snapshot->policies[i], &view->policies[i]);
	for (uint32_t i = 0; i < view->max_groups; i++) {
		const struct ul_policy *policy = policy_of(snapshot, &view->groups[i]);

		if (!(view->groups[i].flags & UL_GROUP_USED) || !policy)
			continue;
		serving |= policy_serving(snapshot, policy);
		members |= policy_members(policy);
	}
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		snapshot->uplinks[i].state = state_of(snapshot, i, serving, members);
	r = read_stats(snapshot);
	if (r < 0)
		return r;

	*ret = TAKE_PTR(snapshot);
	return 0;
}

bool snapshot_follows(const struct snapshot *now, const struct snapshot *before)
{
	return strcmp(before->view->name, now->view->name) == 0 &&
	       before->view->max_ports == now->view->max_ports;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	free(snapshot->port_stats);
	free(snapshot);
}
