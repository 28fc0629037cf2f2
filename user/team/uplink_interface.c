// SPDX-License-Identifier: GPL-2.0
/* The interface of an uplink: it is taken when it is there, let go when it is gone, and tried again
 * when it could not be taken. */
#include "team/channel.h"

#include <linux/if_link.h>

/* How often an interface is tried again that could not be taken; each time it takes twice as long.
 */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000

static void set_carrier_poll(struct vswitch *vs, uint32_t ifindex)
{
	uint32_t interval_ms = vs->cfg->carrier_poll_ms;

	/* Where the programs see the carrier themselves, the daemon's view only tidies up after
	 * them. */
	if (vs->carrier_check && interval_ms && interval_ms < 100)
		interval_ms = 100;
	link_monitor_poll_carrier(vs->context.links, ifindex, interval_ms);
}

/* Takes the interface, or brings it up to date when it is taken already. On failure one that was
 * not taken before is left as it was found. */
static int connect_uplink(struct vswitch *vs, uint32_t index, const struct link_info *seen)
{
	struct ul_uplink *uplink = &vs->dp->uplinks[index];
	enum ul_receive receive = vs->cfg->receive;
	struct link_info info = *seen;
	enum ul_xdp_mode mode = UL_XDP_NONE;
	bool fresh = uplink->ifindex != info.ifindex;
	int r = 0, prepared;

	/* What XDP there is makes no event. */
	if (link_monitor_refresh(vs->context.links, info.ifindex) == 0 &&
	    link_by_ifindex(vs->context.links, info.ifindex))
		info = *link_by_ifindex(vs->context.links, info.ifindex);
	if (fresh && receive != UL_RECEIVE_TC)
		r = dataplane_check_xdp(vs->dp, info.ifindex, info.name);
	if (r < 0)
		return r;
	if (fresh && uplink->ifindex) {
		vs->uplink[index].replaced = true;
		uplink_disconnect(vs, uplink);
	}
	uplink->ifindex = info.ifindex; /* before it is changed: what is changed is found by it,
					   whatever happens */
	r = prepared = uplink_prepare(vs, index, &info, fresh);
	if (r >= 0) {
		memcpy(uplink->mac, info.mac, sizeof(uplink->mac));
		uplink->max_frame = vs->cfg->mtu + 18;
		uplink->netdev = dataplane_find_netdev(vs->dp, info.ifindex);
		r = table_set(&vs->dp->ifaces, ul_iface_key(info.ifindex), index);
	}
	if (r == 0)
		r = dataplane_attach_uplink(vs->dp, info.ifindex, info.name,
					    receive != UL_RECEIVE_TC && prepared == 0,
					    receive == UL_RECEIVE_XDP,
					    info.xdp_attached == XDP_ATTACHED_SKB, &mode);
	/* Somebody has attached XDP since; what worked without it goes on. */
	if (r == -EBUSY && !fresh)
		r = dataplane_attach_uplink(vs->dp, info.ifindex, info.name, false, false, false,
					    &mode);
	if (r < 0) {
		if (fresh)
			uplink_disconnect(vs, uplink);
		return r;
	}
	uplink->xdp_mode = (uint8_t)mode;
	set_carrier_poll(vs, info.ifindex);
	return 0;
}

void uplink_forget_refusal(struct uplink_state *state)
{
	state->retry_timer = sd_event_source_disable_unref(state->retry_timer);
	state->refused = 0;
	state->retry_ms = 0;
}

static int retry_uplink(sd_event_source *source, uint64_t usec, void *userdata);

static void note_refusal(struct uplink_state *state, uint32_t ifindex)
{
	sd_event *event = state->vs->context.event;
	int r;

	if (state->refused != ifindex)
		uplink_forget_refusal(state);
	state->refused = ifindex;
	state->retry_ms = state->retry_ms ? state->retry_ms * 2 : RETRY_MIN_MS;
	if (state->retry_ms > RETRY_MAX_MS)
		state->retry_ms = RETRY_MAX_MS;
	state->retry_timer = sd_event_source_disable_unref(state->retry_timer);
	r = sd_event_add_time_relative(event, &state->retry_timer, CLOCK_MONOTONIC,
				       state->retry_ms * 1000ULL, 0, retry_uplink, state);
	if (r < 0)
		log_error(r, "%s: no timer; it is tried again when it appears anew",
			  state->vs->dp->uplinks[state->index].name);
}

int uplink_take(struct vswitch *vs, uint32_t index, const struct link_info *info)
{
	struct uplink_state *state = &vs->uplink[index];
	uint32_t ifindex = info->ifindex;
	int r;

	if (info->master) /* an event tells when it leaves that */
		return log_error(
			-EBUSY,
			"%s: belongs to a bridge or bond; take it out with 'ip link set %s nomaster'",
			info->name, info->name);
	r = connect_uplink(vs, index, info);
	if (r < 0)
		note_refusal(state, ifindex);
	else
		uplink_forget_refusal(state);
	info = link_by_ifindex(vs->context.links, ifindex);
	if (info && vs->dp->uplinks[index].ifindex == ifindex)
		uplink_take_link_state(vs, index, info);
	return r;
}

static int retry_uplink(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct uplink_state *state = userdata;
	struct vswitch *vs = state->vs;
	const struct link_info *info =
		link_by_name(vs->context.links, vs->dp->uplinks[state->index].name);

	(void)source;
	(void)usec;
	if (!info || info->ifindex != state->refused ||
	    link_monitor_refresh(vs->context.links, info->ifindex) < 0) {
		uplink_forget_refusal(state); /* what is there now has an event of its own */
		return 0;
	}
	info = link_by_ifindex(vs->context.links, state->refused);
	if (info)
		uplink_take(vs, state->index, info);
	uplinks_update(vs);
	channel_link_changed(vs, state->index);
	return 0;
}

void uplink_gone(struct vswitch *vs, uint32_t index)
{
	struct ul_uplink *uplink = &vs->dp->uplinks[index];

	if (!uplink->ifindex)
		return;
	vswitch_report(vs, uplink->name, "the interface is gone");
	uplink_disconnect(vs, uplink);
	uplink_evaluate_link(vs, index, false);
}

/* An event tells of the moment when it was made; what counts is now. NULL: it has another name now,
 * or is gone. */
static const struct link_info *as_of_now(struct vswitch *vs, uint32_t index,
					 const struct link_info *info)
{
	int r = link_monitor_refresh(vs->context.links, info->ifindex);

	if (r == 0)
		info = link_by_ifindex(vs->context.links, info->ifindex);
	return r != -ENODEV && info && strcmp(info->name, vs->dp->uplinks[index].name) == 0 ? info :
											      NULL;
}

void uplink_link_event(struct vswitch *vs, uint32_t index, const struct link_info *info,
		       unsigned int changes)
{
	struct ul_uplink *uplink = &vs->dp->uplinks[index];
	struct uplink_state *state = &vs->uplink[index];

	if (changes & LINK_REMOVED) {
		/* It may tell of a predecessor: one of the same name can be in use already. */
		if (uplink->ifindex == info->ifindex)
			uplink_gone(vs, index);
		if (state->refused == info->ifindex)
			uplink_forget_refusal(state);
	} else {
		info = as_of_now(vs, index, info);
		if (!info)
			return;
		/* Preparing an interface and putting it back are changes, too: after a failure they
		 * must not be the reason to try again. */
		if (uplink->ifindex == info->ifindex)
			uplink_take_link_state(vs, index, info);
		else if (changes & LINK_ADDED || state->refused != info->ifindex)
			uplink_take(vs, index, info);
	}
	uplinks_update(vs);
	channel_link_changed(vs, index);
}
