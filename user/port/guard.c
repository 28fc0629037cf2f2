// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Interfaces of ports that other software uses: in a bridge or bond, or with programs that receive
 * the frames first. A port is not connected to such an interface, or to one that is no Ethernet.
 * When it is connected already it stays connected, and the problem is reported: uplinkd does not
 * undo what other software did. Programs of uplinkd that were detached are attached again.
 *
 * Link events report bridges, and XDP programs that were attached by netlink. For BPF links, TC
 * programs and IPv6 the kernel sends no event, so all ports are also checked once a second: one
 * query of their TC programs for each, and for XDP programs and IPv6 a query for each of few ports
 * or one dump for many. Settings that uplinkd makes are set again with a back-off: IPv6 off at the
 * switch's end of a port, and the addresses, routes and MTU of host ports.
 */
#include "dataplane/records.h"
#include "port/attachment.h"
#include "port/internal.h"

#define CHECK_INTERVAL_USEC 1000000
#define CHECK_ACCURACY_USEC 10000
#define PASS_MAX_MS 100	    /* the rest follows at the next check */
#define MAX_QUERIES 64	    /* more ports: a dump */
#define DUMP_MAX_AGE_MS 500 /* one for all switches */
#define HOST_PROBLEMS ((uint32_t)(UL_PROBLEM_HOST_ADDRESS | UL_PROBLEM_PORT_MTU))

static uint32_t problems_of(const struct ul_port *port)
{
	return (port->flags & UL_PORT_PROBLEM_FLAGS) >> UL_PORT_PROBLEM_SHIFT;
}

static void set_problems(struct ports *ports, uint32_t slot, uint32_t problems)
{
	const struct switch_context *context = ports->context;
	const struct ul_port *port = &context->dp->ports[slot];
	uint32_t before = problems_of(port);

	if (problems == before)
		return;
	port_write_problems(context->dp, slot, problems);
	context_report_problems(context, port->name, before, problems);
}

int port_check_interface(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	const struct switch_context *context = ports->context;
	struct port_state *state = &ports->state[slot];
	uint32_t problems = context_problems_of(info);
	/* one message, not one for every event of the interface */
	bool reported = !(problems & ~state->reported_problems);

	state->reported_problems = problems;
	if (!problems) {
		set_problems(ports, slot,
			     problems_of(&context->dp->ports[slot]) &
				     ~(uint32_t)UL_PROBLEM_UNSUITABLE);
		return 0;
	}
	port_write_problems(context->dp, slot, problems_of(&context->dp->ports[slot]) | problems);
	return context_check_interface(reported ? NULL : context->errors, context->name, info);
}

int port_check_unused(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	const struct switch_context *context = ports->context;
	const struct ul_port *port = &context->dp->ports[slot];
	bool reported = ports->state[slot].refused == info->ifindex;

	if (!(port->flags & UL_PORT_RUNTIME) || port->ifindex == info->ifindex)
		return 0;
	return context_check_unused(reported ? NULL : context->errors, context->name,
				    context->links, info);
}

/* The switch's end must not send by itself. Set again, with a back-off. */
static uint32_t guard_ipv6(struct ports *ports, uint32_t slot, const struct link_info *info)
{
	struct repair *repair = &ports->state[slot].ipv6_repair;
	struct link_monitor *links = ports->context->links;
	bool on = false;

	/* That of an event may be of before uplinkd disabled it. */
	if (!info->ipv6 || link_get_ipv6(links, info->ifindex, &on) < 0 || !on)
		return 0;
	if (!repair_is_due(repair, now_ms()))
		return UL_PROBLEM_PORT_IPV6;
	repair_made(repair, now_ms());
	if (link_set_ipv6(links, info->ifindex, false) < 0)
		return UL_PROBLEM_PORT_IPV6;
	port_report(ports, slot, EVENT_SETTING_CHANGED,
		    "other software enabled IPv6; disabled again, the next time after %u s",
		    repair->interval_ms / 1000);
	return 0;
}

void port_guard(struct ports *ports, uint32_t slot, const struct link_info *seen)
{
	struct port_state *state = &ports->state[slot];
	struct link_info own = *seen, *info = &own;
	uint32_t problems;

	attached_settle(ports, slot);
	(void)attached_hide_master(ports, slot, info);
	problems = context_problems_of(info) |
		   dataplane_find_problems(ports->context->dp, info->ifindex, PROG_PORT_TC, false,
					   info->xdp_prog_id);
	/* The second case: adopted in a bridge and out of it now, so not prepared yet by this
	 * process. After a failure port_connect() tries again by itself. */
	if ((problems & UL_PROBLEM_DETACHED || state->attached != info->ifindex) &&
	    !context_problems_of(info) && state->refused != info->ifindex) {
		state->attached = 0;
		port_connect(ports, slot, seen);
		if (state->attached)
			problems &= ~(uint32_t)UL_PROBLEM_DETACHED;
	}
	if (state->attached == info->ifindex)
		problems |= guard_ipv6(ports, slot, info);
	problems |= problems_of(&ports->context->dp->ports[slot]) & HOST_PROBLEMS;
	set_problems(ports, slot, problems);
}

/* Few, so all are checked every second. */
static void guard_host_port(struct ports *ports, uint32_t slot)
{
	uint32_t others = problems_of(&ports->context->dp->ports[slot]) & ~HOST_PROBLEMS;

	set_problems(ports, slot, others | host_port_guard(ports, slot, now_ms()));
}

void port_forget_problems(struct ports *ports, uint32_t slot)
{
	ports->state[slot].reported_problems = 0;
	port_write_problems(ports->context->dp, slot, 0);
}

/* A free slot may have anything, also an ifindex. */
static uint32_t connected_to(const struct ports *ports, uint32_t slot)
{
	return port_is_used(ports, slot) ? ports->context->dp->ports[slot].ifindex : 0;
}

static uint32_t count_connected(const struct ports *ports)
{
	uint32_t n = 0;

	for (uint32_t slot = 0; slot < ports->context->dp->max_ports; slot++)
		n += connected_to(ports, slot) != 0;
	return n;
}

void ports_guard(struct ports *ports)
{
	const struct switch_context *context = ports->context;
	uint32_t max = context->dp->max_ports;
	bool few = count_connected(ports) <= MAX_QUERIES;
	uint64_t end_ms = now_ms() + PASS_MAX_MS;

	/* After a failure with what the last events reported. */
	if (!few)
		(void)link_refresh_all(context->links, DUMP_MAX_AGE_MS);
	for (uint32_t i = 0; i < max && (i < MAX_QUERIES || now_ms() <= end_ms); i++) {
		uint32_t slot = ports->guard_slot++ % max;
		uint32_t ifindex = connected_to(ports, slot);
		struct link_info info;

		if (ifindex && (few ? link_refresh_get(context->links, ifindex, &info) :
				      link_get(context->links, ifindex, &info)) == 0)
			port_guard(ports, slot, &info);
	}
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct ports *ports = userdata;
	const struct dataplane *dp = ports->context->dp;

	(void)usec;
	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		if (dp->ports[slot].flags & UL_PORT_HOST && connected_to(ports, slot))
			guard_host_port(ports, slot);
	ports_guard(ports);
	attachment_bridges_keep_down(ports->context);
	sd_event_source_set_time_relative(source, CHECK_INTERVAL_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int port_guard_start(struct ports *ports)
{
	int r;

	if (ports->guard_timer || !ports->context->event)
		return 0;
	r = sd_event_add_time_relative(ports->context->event, &ports->guard_timer, CLOCK_MONOTONIC,
				       CHECK_INTERVAL_USEC, CHECK_ACCURACY_USEC, on_timer, ports);
	return r < 0 ? context_fail(ports->context, r, "cannot create the timer of the checks") : 0;
}
