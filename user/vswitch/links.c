// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Between the uplinks as interfaces (uplink/) and the timely side, which decides about them: what
 * an interface has goes there with its packet sockets, and what the timely side reports comes back.
 */
#include <assert.h>

#include "vswitch/internal.h"

/* ---- from uplink/ to timely/ ---- */
static void close_sockets(struct uplink_sockets *sockets)
{
	channel_sockets_close(sockets->fd);
	sockets->ifindex = 0;
}

/* Those of a former interface, *ret_former, stay open until the timely side has the new ones. 0 or
 * negative errno with a reason. */
static int bring_sockets(struct vswitch *vs, uint32_t index, struct uplink_sockets *ret_former)
{
	const struct ul_uplink *uplink = &vs->context.dp->uplinks[index];
	struct uplink_sockets *sockets = &vs->sockets[index], none = { .fd = { -1, -1, -1 } };
	int r;

	*ret_former = none;
	if (sockets->ifindex == uplink->ifindex)
		return 0;
	*ret_former = *sockets;
	*sockets = none;
	r = channel_sockets_open(uplink->ifindex, sockets->fd);
	if (r < 0)
		return context_fail(&vs->context, r, "%s: cannot receive LACP", uplink->name);
	sockets->ifindex = uplink->ifindex;
	return 0;
}

/* A speed that cannot be read stays the former one: a channel that is selected by bandwidth must
 * not change for that. 0 or negative errno with a reason. */
static int read_speed(struct vswitch *vs, uint32_t index, bool carrier, struct timely_link *link)
{
	struct link_speed *speed = &vs->sockets[index].speed;
	int r = 0;

	if (!carrier || !vs->context.links)
		return 0;
	r = link_get_speed(vs->context.links, link->ifindex, speed);
	link->speed_mbps = speed->speed_mbps;
	link->full_duplex = speed->full_duplex;
	if (r == 0 || r == -ENODEV)
		return 0;
	return context_fail(&vs->context, r, "%s: its speed cannot be read",
			    vs->context.dp->uplinks[index].name);
}

static int on_link_state(void *userdata, uint32_t index, bool carrier, bool admin_up)
{
	struct vswitch *vs = userdata;
	const struct ul_uplink *uplink = &vs->context.dp->uplinks[index];
	struct uplink_sockets former;
	int r = bring_sockets(vs, index, &former), found, speed;
	struct timely_link link = {
		.uplink = index,
		.ifindex = uplink->ifindex,
		.carrier = carrier,
		.admin_up = admin_up,
		.replaced = uplinks_is_replaced(vs->uplinks, index),
	};
	bool visible;

	found = dataplane_find_netdev(vs->context.dp, uplink->ifindex, &link.netdev, &visible);
	if (found < 0) {
		context_fail(&vs->context, found, "%s: its carrier cannot be polled", uplink->name);
		link.netdev = uplink->netdev; /* the same, where the programs check it too */
	}
	memcpy(link.fd, vs->sockets[index].fd, sizeof(link.fd));
	speed = read_speed(vs, index, carrier, &link);
	(void)timely_link(vs->timely, &link);
	close_sockets(&former);
	return r < 0 ? r : found < 0 ? found : speed;
}

static void on_detach(void *userdata, uint32_t index)
{
	struct vswitch *vs = userdata;

	timely_detach(vs->timely, index, false);
	close_sockets(&vs->sockets[index]);
}

static void on_gone(void *userdata, uint32_t index)
{
	struct vswitch *vs = userdata;

	timely_detach(vs->timely, index, true);
}

const struct uplinks_callbacks links_uplinks_callbacks = { .on_link_state = on_link_state,
							   .on_detach = on_detach,
							   .on_gone = on_gone };

void links_init(struct vswitch *vs)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		vs->sockets[i] = (struct uplink_sockets){ .fd = { -1, -1, -1 } };
}

void links_close(struct vswitch *vs)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		close_sockets(&vs->sockets[i]);
}

void links_leave(struct vswitch *vs, uint32_t index)
{
	timely_leave(vs->timely, index);
	close_sockets(&vs->sockets[index]);
}

void links_renumber(struct vswitch *vs, const uint8_t to[UL_MAX_UPLINKS])
{
	struct uplink_sockets before[UL_MAX_UPLINKS];

	memcpy(before, vs->sockets, sizeof(before));
	links_init(vs);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (to[i] == UL_NO_UPLINK)
			close_sockets(&before[i]);
		else
			vs->sockets[to[i]] = before[i];
	}
}

void links_complete(struct vswitch *vs)
{
	const struct dataplane *dp = vs->context.dp;

	for (uint32_t i = 0; i < dataplane_n_uplinks(dp); i++) {
		uint32_t ifindex = dp->uplinks[i].ifindex;
		struct link_info info;

		if (ifindex && vs->sockets[i].ifindex != ifindex && vs->context.links &&
		    link_get(vs->context.links, ifindex, &info) == 0)
			(void)on_link_state(vs, i, info.carrier, info.admin_up);
	}
}

/* ---- from timely/ ---- */
static void on_event(void *userdata, enum event_code code, const char *object, const char *text)
{
	const struct vswitch *vs = userdata;

	context_report(&vs->context, code, object, "%s", text);
}

/* The uplink may have left since. */
static void on_uplink_event(void *userdata, const char *uplink, enum event_code code,
			    const char *text)
{
	struct vswitch *vs = userdata;
	int index = uplinks_index(vs->uplinks, uplink);

	if (index >= 0)
		uplinks_report(vs->uplinks, (uint32_t)index, code, "%s", text);
}

static void on_uplink_state(void *userdata, const char *uplink, const char *text)
{
	struct vswitch *vs = userdata;
	int index = uplinks_index(vs->uplinks, uplink);

	if (index >= 0)
		uplinks_report_suppressed(vs->uplinks, (uint32_t)index, EVENT_UPLINK_STATE, text);
}

/* The link event of the kernel can be a second later; the speed is read when the refresh is
 * delivered. */
static void on_carrier(void *userdata, uint32_t ifindex)
{
	const struct vswitch *vs = userdata;

	if (vs->context.links)
		(void)link_monitor_refresh(vs->context.links, ifindex);
}

const struct timely_callbacks links_timely_callbacks = { .on_event = on_event,
							 .on_uplink_event = on_uplink_event,
							 .on_uplink_state = on_uplink_state,
							 .on_carrier = on_carrier };

/* ---- from port/ ---- */
static void on_port_left(void *userdata, uint32_t slot)
{
	const struct vswitch *vs = userdata;

	timely_forget(vs->timely, slot);
}

const struct ports_callbacks links_ports_callbacks = { .on_left = on_port_left };
