// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Protection of connected uplinks against other software: network configuration that sets the NIC
 * back, puts it into a bridge, or attaches programs. The kernel reports most of that by link
 * events. It sends none for offloads, IPv6 and BPF links, so every uplink is also checked once a
 * second: one netlink query, one ioctl, one file and one bpf() call each.
 *
 * Settings are set again and detached programs attached again, with a back-off per kind, because
 * the other software may repeat its change. What cannot be repaired without harm to that software
 * is reported: as an event, and in the record for `uplinkctl status`.
 */
#include "uplink/internal.h"

#define CHECK_INTERVAL_USEC 1000000
#define CHECK_ACCURACY_USEC 10000

/* clang-format off */
static const struct {
	uint32_t problem;
	const char *text;
} repairs[N_REPAIRS] = {
	{ UL_PROBLEM_PROMISC, "promiscuous mode" },
	{ UL_PROBLEM_OFFLOAD, "an offload" },
	{ UL_PROBLEM_MTU, "the MTU" },
	{ UL_PROBLEM_ARP, "ARP" },
	{ UL_PROBLEM_IPV6, "IPv6" },
	{ UL_PROBLEM_DETACHED, "the attached programs" },
};
/* clang-format on */

/* ---- check ---- */
static uint32_t find_problems(const struct uplinks *uplinks, uint32_t index,
			      const struct link_info *info)
{
	const struct switch_context *context = uplinks->context;
	bool with_xdp = context->dp->uplinks[index].xdp_mode != UL_XDP_NONE;
	uint32_t programs = dataplane_find_problems(context->dp, info->ifindex, PROG_UPLINK_TC,
						    with_xdp, info->xdp_prog_id);

	/* `receive: tc` is the setting for NICs whose XDP other software uses. */
	if (context->cfg->receive == UL_RECEIVE_TC)
		programs &= ~(uint32_t)UL_PROBLEM_XDP;
	return context_problems_of(info) | programs |
	       nic_settings_find_problems(context, info, uplinks->uplink[index].fixed_offloads);
}

void uplink_set_problems(struct uplinks *uplinks, uint32_t index, uint32_t problems)
{
	const struct switch_context *context = uplinks->context;
	const struct ul_uplink *record = &context->dp->uplinks[index];
	uint32_t before = record->problems;

	if (problems == before)
		return;
	uplink_write_problems(context->dp, index, problems);
	context_report_problems(context, record->name, before, problems);
}

/* The repairable problems of which one is due: all are repaired together. */
static uint32_t due_repairs(const struct uplink *uplink, uint32_t problems, uint64_t now_ms)
{
	uint32_t found = 0;
	bool due = false;

	for (size_t i = 0; i < N_REPAIRS; i++) {
		if (!(problems & repairs[i].problem))
			continue;
		found |= repairs[i].problem;
		due = due || repair_is_due(&uplink->repair[i], now_ms);
	}
	return due ? found : 0;
}

static void report_repairs(struct uplinks *uplinks, uint32_t index, uint32_t repaired,
			   uint64_t now_ms)
{
	struct uplink *uplink = &uplinks->uplink[index];

	for (size_t i = 0; i < N_REPAIRS; i++) {
		if (!(repaired & repairs[i].problem))
			continue;
		repair_made(&uplink->repair[i], now_ms);
		context_report(uplinks->context, EVENT_SETTING_CHANGED,
			       uplinks->context->dp->uplinks[index].name,
			       "other software changed %s; set again, the next time after %u s",
			       repairs[i].text, uplink->repair[i].interval_ms / 1000);
	}
}

void uplink_guard(struct uplinks *uplinks, uint32_t index, struct link_info *info, uint64_t now_ms)
{
	uint32_t problems = find_problems(uplinks, index, info);
	uint32_t due = due_repairs(&uplinks->uplink[index], problems, now_ms);

	if (due) {
		report_repairs(uplinks, index, due, now_ms);
		(void)uplink_renew(uplinks, index, info);
		if (link_refresh_get(uplinks->context->links, info->ifindex, info) < 0)
			return;
		problems = find_problems(uplinks, index, info);
	}
	uplink_set_problems(uplinks, index, problems);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct uplinks *uplinks = userdata;
	const struct switch_context *context = uplinks->context;

	(void)usec;
	for (uint32_t i = 0; i < dataplane_n_uplinks(context->dp); i++) {
		const struct ul_uplink *record = &context->dp->uplinks[i];
		struct link_info info;

		if (record->ifindex &&
		    link_refresh_get(context->links, record->ifindex, &info) == 0)
			uplink_guard(uplinks, i, &info, now_ms());
	}
	sd_event_source_set_time_relative(source, CHECK_INTERVAL_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int uplinks_guard_start(struct uplinks *uplinks)
{
	int r;

	if (uplinks->guard_timer)
		return 0;
	r = sd_event_add_time_relative(uplinks->context->event, &uplinks->guard_timer,
				       CLOCK_MONOTONIC, CHECK_INTERVAL_USEC, CHECK_ACCURACY_USEC,
				       on_timer, uplinks);
	return r < 0 ? context_fail(uplinks->context, r, "cannot create the timer of the checks") :
		       0;
}
