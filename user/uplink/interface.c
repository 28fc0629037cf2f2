// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * The interface of an uplink. It is connected when an interface of that name appears, disconnected
 * when it disappears, and retried with back-off after a failure.
 */
#include <assert.h>
#include <linux/if_link.h>

#include "common/backoff.h"
#include "context/saved_settings.h"
#include "uplink/internal.h"

#define FRAME_OVERHEAD 18 /* Ethernet header and one tag */

/* The timely side reads the carriers with a program. Where that cannot be run they are polled by
 * netlink, which waits as long as another task holds the RTNL. */
static void poll_carrier(const struct switch_context *context, uint32_t ifindex)
{
	link_monitor_poll_carrier(context->links, ifindex,
				  context->carrier_program ? 0 : context->cfg->carrier_poll_ms);
}

/* ---- link state ---- */
static int report_link(struct uplinks *uplinks, uint32_t index, const struct link_info *info)
{
	const struct switch_context *context = uplinks->context;
	struct link_speed speed = {};

	uplink_write_mac(context->dp, index, info->mac);
	if (info->carrier && link_get_speed(context->links, info->ifindex, &speed) == 0)
		uplink_write_speed(context->dp, index, speed.speed_mbps);
	return uplinks->callbacks.on_link_state(uplinks->callbacks.userdata, index, info->carrier,
						info->admin_up);
}

/* ---- connecting ---- */
static int attach(const struct switch_context *context, const struct link_info *info, bool fresh,
		  bool tags_hidden, struct dataplane_attachment *ret)
{
	enum ul_receive receive = context->cfg->receive;
	int r = dataplane_attach_uplink(context->dp, info->ifindex, info->name,
					receive != UL_RECEIVE_TC && !tags_hidden,
					receive == UL_RECEIVE_XDP,
					info->xdp_attached == XDP_ATTACHED_SKB, ret);

	/* Another program has attached XDP since; TC, which worked before, continues. */
	if (r == -EBUSY && ret->taken && !fresh)
		r = dataplane_attach_uplink(context->dp, info->ifindex, info->name, false, false,
					    false, ret);
	return r;
}

/* The kernel address of an interface does not change, so a failed look-up does not replace it. */
static int find_netdev(const struct switch_context *context, uint32_t index,
		       const struct link_info *info, bool fresh)
{
	uint64_t netdev;
	bool visible;
	int r = dataplane_find_netdev(context->dp, info->ifindex, &netdev, &visible);

	if (netdev || fresh)
		uplink_write_netdev(context->dp, index, visible ? netdev : 0);
	return r < 0 ? context_fail(context, r, "%s: its carrier cannot be checked", info->name) :
		       0;
}

/* An attempt that has the same result as the one before is not reported again. */
static void report_attachment(struct uplinks *uplinks, uint32_t index,
			      const struct dataplane_attachment *attachment, const char *name)
{
	const struct ul_uplink *record = &uplinks->context->dp->uplinks[index];
	bool repeated = uplinks->uplink[index].retry_ms && record->error &&
			record->error == -attachment->retry;

	if (attachment->note[0] && !repeated)
		context_report(uplinks->context, EVENT_UPLINK_SETTING, name, "%s",
			       attachment->note);
}

/*
 * An interface that was not connected before is left as it was found on failure, except in a set
 * that is to replace another one. The ifindex is written when all settings are applied: a daemon
 * that is killed before applies them again. renew: settings of other software are replaced, which
 * are not those of before uplinkd. *ret_retry: negative errno if something that the uplink can do
 * without, as native XDP, is worth another attempt.
 */
static int connect_interface(struct uplinks *uplinks, uint32_t index, const struct link_info *seen,
			     bool renew, int *ret_retry)
{
	const struct switch_context *context = uplinks->context;
	struct dataplane *dp = context->dp;
	struct link_info info = *seen;
	struct dataplane_attachment attachment = {};
	uint32_t before = dp->uplinks[index].ifindex;
	bool fresh, undo;
	int r = 0, hidden, found;

	/* The kernel sends no event for an XDP program that is attached by a link. */
	(void)link_refresh_get(context->links, info.ifindex, &info);
	fresh = before != info.ifindex;
	/* in a set that is to be replaced it may be connected, and forwards until then */
	undo = fresh && !dp->staged;
	if (fresh && context->cfg->receive != UL_RECEIVE_TC)
		r = dataplane_check_xdp(dp, info.ifindex, info.name);
	if (r < 0)
		return r;
	if (fresh && before) {
		uplinks->uplink[index].replaced = true;
		uplink_disconnect(uplinks, index);
	}
	r = hidden = nic_settings_apply(context, &info, fresh, !renew);
	if (r < 0) {
		if (undo)
			saved_settings_restore(context, info.ifindex, info.mac);
		return r;
	}
	uplink_write_ifindex(dp, index, info.ifindex);
	uplink_write_mac(dp, index, info.mac);
	uplink_write_max_frame(dp, index, context->cfg->mtu + FRAME_OVERHEAD);
	found = find_netdev(context, index, &info, fresh);
	r = table_set(&dp->ifaces, ul_iface_key(info.ifindex), index);
	if (r < 0) {
		context_fail(context, r, "%s: the interface table is full", info.name);
	} else {
		r = attach(context, &info, fresh, hidden, &attachment);
		/* Until a staged set takes over, the former one forwards, unless it is detached. */
		if (r < 0 && dp->staged)
			r = attach(context, &info, fresh, hidden, &attachment);
	}
	if (r < 0) {
		if (undo)
			uplink_disconnect(uplinks, index);
		return r;
	}
	(void)link_get_offloads(context->links, info.ifindex, nic_settings_offloads(&info),
				&uplinks->uplink[index].fixed_offloads);
	report_attachment(uplinks, index, &attachment, info.name);
	*ret_retry = attachment.retry ? attachment.retry : found;
	uplink_write_xdp_mode(dp, index, attachment.xdp_mode);
	poll_carrier(context, info.ifindex);
	return 0;
}

void uplink_disconnect(struct uplinks *uplinks, uint32_t index)
{
	const struct switch_context *context = uplinks->context;
	struct dataplane *dp = context->dp;
	uint32_t ifindex = dp->uplinks[index].ifindex;

	if (!ifindex)
		return;
	uplinks->callbacks.on_detach(uplinks->callbacks.userdata, index);
	assert(!(dp->uplinks[index].flags & UL_UP_SEND));
	table_remove(&dp->ifaces, ul_iface_key(ifindex));
	if (dataplane_detach(dp, ifindex) < 0)
		context_unreleased(context);
	link_monitor_poll_carrier(context->links, ifindex, 0);
	uplink_write_ifindex(dp, index, 0);
	uplink_write_netdev(dp, index, 0);
	uplink_write_problems(dp, index, 0);
	uplink_write_xdp_mode(dp, index, UL_XDP_NONE);
	uplink_write_error(dp, index, 0);
	saved_settings_restore(context, ifindex, dp->uplinks[index].mac);
}

/* ---- retries ---- */
void uplink_cancel_retry(struct uplink *uplink)
{
	uplink->retry_timer = sd_event_source_disable_unref(uplink->retry_timer);
	uplink->refused = 0;
	uplink->retry_ms = 0;
}

static void schedule_retry(struct uplink *uplink, uint32_t ifindex)
{
	const struct switch_context *context = uplink->uplinks->context;
	int r;

	if (uplink->refused != ifindex)
		uplink_cancel_retry(uplink);
	uplink->refused = ifindex;
	uplink->retry_ms = backoff_next_ms(uplink->retry_ms);
	uplink->retry_timer = sd_event_source_disable_unref(uplink->retry_timer);
	r = sd_event_add_time_relative(context->event, &uplink->retry_timer, CLOCK_MONOTONIC,
				       uplink->retry_ms * 1000ULL, 0, uplink_on_retry, uplink);
	if (r < 0)
		context_fail(context, r, "%s: no timer; the next attempt follows its next event",
			     context->dp->uplinks[uplink->index].name);
}

/* A failure is a problem of the interface, which the guard repairs again. */
int uplink_renew(struct uplinks *uplinks, uint32_t index, const struct link_info *info)
{
	int retry = 0, r = connect_interface(uplinks, index, info, true, &retry);

	if (r == 0 && retry < 0) {
		schedule_retry(&uplinks->uplink[index], info->ifindex);
		uplink_write_error(uplinks->context->dp, index, retry);
	}
	return r;
}

int uplink_connect(struct uplinks *uplinks, uint32_t index, const struct link_info *seen)
{
	const struct switch_context *context = uplinks->context;
	struct uplink *uplink = &uplinks->uplink[index];
	struct link_info info;
	int r = context_check_interface(context->errors, context->name, seen), retry = 0;

	/* No retry: an event follows when the interface leaves its bridge, and what is no Ethernet
	 * stays so. */
	if (r < 0) {
		uplink_write_error(context->dp, index, r);
		uplink_write_problems(context->dp, index,
				      context->dp->uplinks[index].problems |
					      context_problems_of(seen));
		return r;
	}
	r = connect_interface(uplinks, index, seen, false, &retry);
	/* Until a staged set takes over, another attempt costs no frame. */
	if (r < 0 && r != -ENODEV && context->dp->staged)
		r = connect_interface(uplinks, index, seen, false, &retry);
	if (context->dp->uplinks[index].ifindex == seen->ifindex &&
	    link_get(context->links, seen->ifindex, &info) == 0) {
		int reported = report_link(uplinks, index, &info);

		retry = retry ? retry : reported;
		uplink_set_problems(uplinks, index,
				    (context->dp->uplinks[index].problems &
				     ~(uint32_t)UL_PROBLEM_UNSUITABLE) |
					    context_problems_of(&info));
	}
	if (r < 0 || retry < 0)
		schedule_retry(uplink, seen->ifindex);
	else
		uplink_cancel_retry(uplink);
	uplink_write_error(context->dp, index, r < 0 ? r : retry);
	return r;
}

int uplink_on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct uplink *uplink = userdata;
	struct uplinks *uplinks = uplink->uplinks;
	const struct switch_context *context = uplinks->context;
	struct link_info info;
	int r;

	(void)source;
	(void)usec;
	/* If the interface of that name is another one by now, its own event connects it. */
	if (link_get_by_name(context->links, context->dp->uplinks[uplink->index].name, &info) < 0 ||
	    info.ifindex != uplink->refused) {
		uplink_cancel_retry(uplink);
		return 0;
	}
	r = link_refresh_get(context->links, info.ifindex, &info);
	if (r == -ENODEV) {
		uplink_cancel_retry(uplink);
		return 0;
	}
	if (r < 0) {
		schedule_retry(uplink, uplink->refused);
		return 0;
	}
	uplink_connect(uplinks, uplink->index, &info);
	return 0;
}

/* ---- events ---- */
void uplink_gone(struct uplinks *uplinks, uint32_t index)
{
	const struct ul_uplink *record = &uplinks->context->dp->uplinks[index];

	if (!record->ifindex)
		return;
	context_report(uplinks->context, EVENT_UPLINK_GONE, record->name,
		       "the interface disappeared");
	uplinks->callbacks.on_gone(uplinks->callbacks.userdata, index);
	uplink_disconnect(uplinks, index);
}

void uplinks_link_event(struct uplinks *uplinks, uint32_t index, const struct link_info *event,
			unsigned int changes)
{
	const struct switch_context *context = uplinks->context;
	const struct ul_uplink *record = &context->dp->uplinks[index];
	struct uplink *uplink = &uplinks->uplink[index];
	struct link_info info = *event;
	int r;

	assert(index < UL_MAX_UPLINKS);
	if (changes & LINK_REMOVED) {
		if (!record->ifindex)
			uplink_write_problems(context->dp, index, 0);
		/* The record may already have a new interface of the same name. */
		if (record->ifindex == info.ifindex)
			uplink_gone(uplinks, index);
		if (uplink->refused == info.ifindex)
			uplink_cancel_retry(uplink);
		if (!record->ifindex)
			uplink_write_error(context->dp, index, 0);
		return;
	}
	/* The event is older than the state; an interface without the name is no longer this
	 * uplink's. */
	if (link_refresh_get(context->links, info.ifindex, &info) == -ENODEV)
		return;
	if (!link_has_name(&info, record->name)) {
		if (record->ifindex == info.ifindex)
			uplink_gone(uplinks, index);
		return;
	}
	/* Adopted in a bridge, and out of it now: not brought up to date yet by this process. */
	if (record->ifindex == info.ifindex && record->error && !uplink->refused &&
	    !context_problems_of(&info))
		uplink_connect(uplinks, index, &info);
	if (record->ifindex == info.ifindex) {
		if (changes & ~(unsigned int)LINK_STATE)
			uplink_guard(uplinks, index, &info, now_ms());
		r = report_link(uplinks, index, &info);
		if (r < 0 && !uplink->refused) {
			schedule_retry(uplink, info.ifindex);
			uplink_write_error(context->dp, index, r);
		}
		return;
	}
	/* Applying and restoring settings causes events too: after a failure they must not lead to
	 * the next attempt. What is known to be unsuitable is not reported again. */
	if (changes & LINK_ADDED ||
	    (uplink->refused != info.ifindex && !(context_problems_of(&info) & record->problems)))
		uplink_connect(uplinks, index, &info);
}
