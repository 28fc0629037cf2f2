// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Source addresses of a port that are not in the address table for it (security: mac-learning,
 * mac-changes). The programs send an event; the daemon stays the only writer of the table. A
 * machine can invent addresses and send from them at any rate:
 *
 *   - each port has a limit of learned addresses and a share of the table (mac_aging.h). A port
 * that cannot learn one more is muted: its programs report no new sources, and with policy drop
 *     (UL_PORT_LIMITED) they drop the frames.
 *   - each port has an allowance of events. A port that exceeds it is muted for a second.
 *   - an own address of another port is never learned, and mac-changes never takes an address that
 *     is in use outside.
 */
#include <sys/epoll.h>

#include <bpf/libbpf.h>

#include "dataplane/ownership.h"
#include "dataplane/records.h"
#include "port/internal.h"

/* Between two changes of a port's address. The machine's next frame repeats the event of a change
 * that came too early. */
#define CHANGE_INTERVAL_MS 200
/* Work on events per round of the loop: a machine can make them faster than they are processed. */
#define TURN_MS 5
#define MUTE_MS 1000
#define AGE_ACCURACY_USEC 1000000
/* The timer of the ages starts with this; the first run finds the exact time. */
#define AGE_CHECK_MS 10000

/* ---- aging ---- */
static void set_timer(struct ports *ports, uint64_t at_ms)
{
	if (at_ms == UINT64_MAX)
		return;
	sd_event_source_set_time(ports->age_timer, at_ms * 1000);
	sd_event_source_set_enabled(ports->age_timer, SD_EVENT_ONESHOT);
}

static int on_age_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct ports *ports = userdata;

	set_timer(ports, address_expire(ports, now_ms()));
	return 0;
}

void mac_learning_arm(struct ports *ports)
{
	int enabled = SD_EVENT_ON;

	if (ports->age_timer)
		sd_event_source_get_enabled(ports->age_timer, &enabled);
	if (enabled == SD_EVENT_OFF)
		set_timer(ports, now_ms() + AGE_CHECK_MS);
}

/* ---- limits ---- */
static bool is_learning(const struct ports *ports, uint32_t slot)
{
	const struct dataplane *dp = ports->context->dp;

	return dp->groups[dp->ports[slot].group].flags & UL_GROUP_LEARNING;
}

void mac_learning_update_limit(struct ports *ports, uint32_t slot)
{
	struct dataplane *dp = ports->context->dp;
	uint32_t flags = dp->ports[slot].flags & ~(uint32_t)(UL_PORT_MUTED | UL_PORT_LIMITED);

	if (!port_is_used(ports, slot))
		return;
	if (ports->ages && is_learning(ports, slot) && mac_ages_may_add(ports->ages, slot) < 0) {
		flags |= UL_PORT_MUTED;
		if (ports->state[slot].learning_policy == LEARNING_DROP)
			flags |= UL_PORT_LIMITED;
	}
	if (ports->state[slot].unmute_at_ms)
		flags |= UL_PORT_MUTED;
	if (flags != dp->ports[slot].flags)
		port_write_flags(dp, slot, flags);
}

void mac_learning_update_limits(struct ports *ports)
{
	for (uint32_t slot = 0; slot < ports->context->dp->max_ports; slot++)
		mac_learning_update_limit(ports, slot);
}

/* Whether the event is within the port's allowance; otherwise the port is muted. */
static bool admit_event(struct ports *ports, uint32_t slot)
{
	uint64_t now = now_ms(), ignored;

	if (rate_limit_admit(&ports->state[slot].events, now, &ignored))
		return true;
	if (!ports->state[slot].unmute_at_ms) {
		ports->state[slot].unmute_at_ms = now + MUTE_MS;
		mac_learning_update_limit(ports, slot);
		presence_arm(ports);
	}
	return false;
}

/* ---- events ---- */
static uint16_t vid_of_event(const struct ul_event *event)
{
	return event->vid & 0xfff;
}

static void report_full(struct ports *ports, const struct ul_event *event)
{
	char mac[MAC_TEXT_LEN], note[RATE_LIMIT_NOTE_LEN];
	uint64_t suppressed;

	if (!rate_limit_admit(&ports->full_reports, now_ms(), &suppressed))
		return;
	context_report(ports->context, EVENT_TABLE_FULL,
		       ports->context->dp->ports[event->port].name,
		       "the address table is full: %s is not learned%s",
		       mac_format(event->mac, mac), rate_limit_note(suppressed, note));
}

/* Reports a port that has become full with its last address. */
static void report_limit(struct ports *ports, uint32_t slot)
{
	if (!(ports->context->dp->ports[slot].flags & UL_PORT_MUTED) ||
	    ports->state[slot].unmute_at_ms)
		return;
	port_report(ports, slot, EVENT_LEARN_LIMIT,
		    "has learned %u addresses, as many as it may; frames from other sources are %s",
		    mac_ages_count(ports->ages, slot),
		    ports->state[slot].learning_policy == LEARNING_DROP ? "dropped" :
									  "not learned");
}

static void report_learned(struct ports *ports, const struct ul_event *event, int before)
{
	char mac[MAC_TEXT_LEN];

	mac_format(event->mac, mac);
	if (event->kind == UL_EVENT_CONTESTED)
		port_report(
			ports, event->port, EVENT_ADDRESS_CONTESTED,
			"sends from %s in VLAN %u, which is in use outside: frames to it go both ways",
			mac, vid_of_event(event));
	else if (before >= 0 && before != (int)event->port)
		port_report(ports, event->port, EVENT_ADDRESS_MOVED,
			    "%s in VLAN %u moved here from port %s", mac, vid_of_event(event),
			    ports->context->dp->ports[before].name);
}

static void learn(struct ports *ports, const struct ul_event *event)
{
	struct port_state *state = &ports->state[event->port];
	uint64_t key = ul_fdb_key(event->vid, event->mac), now = now_ms(), ignored;
	int before = address_learned_at(ports, key), r;

	/* Two machines with one address would otherwise move it with every frame. */
	if (before >= 0 && !rate_limit_admit(&state->moves, now, &ignored))
		return;
	r = address_learn(ports, event->port, key, event->kind == UL_EVENT_CONTESTED, now);
	if (r == -ENOSPC && mac_ages_may_add(ports->ages, event->port) == 0)
		report_full(ports, event);
	mac_learning_update_limit(ports, event->port);
	if (before >= 0)
		mac_learning_update_limit(ports, (uint32_t)before);
	if (r == 0) {
		report_learned(ports, event, before);
		report_limit(ports, event->port);
	}
	mac_learning_arm(ports);
}

static void change(struct ports *ports, const struct ul_event *event)
{
	struct port_state *state = &ports->state[event->port];
	bool first = mac_is_zero(ports->context->dp->ports[event->port].mac);
	char mac[MAC_TEXT_LEN];
	uint64_t now = now_ms();

	if (now < state->may_change_ms || attached_refuses(ports, event->port))
		return;
	state->may_change_ms = now + CHANGE_INTERVAL_MS;
	mac_format(event->mac, mac);
	/* As its own address it would be cut off outside. */
	if (event->kind == UL_EVENT_CONTESTED &&
	    !attached_may_contest(ports, event->port, event->mac)) {
		port_report(
			ports, event->port, EVENT_ADDRESS_CONTESTED,
			"may not change its address to %s, which was in use outside in the last %d s",
			mac, UL_CONTEST_S);
		return;
	}
	if (address_change_own(ports, event->port, event->mac) < 0)
		report_full(ports, event);
	attached_took_address(ports, event->port);
	port_note_change(ports, event->port);
	port_report(ports, event->port, EVENT_PORT_ADDRESS,
		    first ? "has the address %s" : "changed its address to %s", mac);
}

static bool group_has_vlan(const struct ul_group *group, const struct ul_event *event)
{
	uint32_t vid = vid_of_event(event);

	if (group->vlan_mode != UL_VLAN_VGT)
		return group->vid == event->vid;
	/* A trunk port learns by VLAN. The event is from before the VLAN had UL_VLAN_EXACT. */
	if (vid == UL_VLAN_TRUNK)
		return !(group->flags & UL_GROUP_LEARNING);
	return UL_LIST_HAS(group->vlans, vid);
}

/* Events may be older than the present configuration and table. */
static bool is_relevant(const struct ports *ports, const struct ul_event *event)
{
	const struct dataplane *dp = ports->context->dp;
	const struct ul_group *group;
	uint32_t known, flags;

	if (event->port >= dp->max_ports || !port_is_used(ports, event->port) ||
	    !dp->ports[event->port].ifindex)
		return false;
	group = &dp->groups[dp->ports[event->port].group];
	/* The port's flags: an attached port may wait for its address. */
	flags = group->flags | dp->ports[event->port].vlan.group_flags;
	if (!(flags & (UL_GROUP_LEARNING | UL_GROUP_MAC_CHANGES)) || !group_has_vlan(group, event))
		return false;
	return table_get(&dp->fdb, ul_fdb_key(event->vid, event->mac), &known) < 0 ||
	       (known & UL_FDB_SLOT) != event->port;
}

static void on_new_source(struct ports *ports, const struct ul_event *event)
{
	bool learning;

	if (!is_relevant(ports, event) || !admit_event(ports, event->port))
		return;
	learning = is_learning(ports, event->port);
	if (learning && mac_ages_may_add(ports->ages, event->port) < 0) {
		mac_learning_update_limit(ports, event->port);
		return;
	}
	/* An own address is the same in all VLANs of a trunk port. */
	if (address_other_owner(ports, event->port, learning ? event->vid : UL_VLAN_TRUNK,
				event->mac) >= 0)
		return;
	if (learning)
		learn(ports, event);
	else
		change(ports, event);
}

static void on_moved_outside(struct ports *ports, const struct ul_event *event)
{
	char mac[MAC_TEXT_LEN];

	if (event->port >= ports->context->dp->max_ports ||
	    address_learned_at(ports, ul_fdb_key(event->vid, event->mac)) != (int)event->port)
		return;
	port_report(ports, event->port, EVENT_ADDRESS_MOVED, "%s in VLAN %u is in use outside now",
		    mac_format(event->mac, mac), vid_of_event(event));
}

/* The machine may run on another host now, while its interface here stays. Frames to it then go
 * both ways, until its next frame here confirms the address again. */
static void on_own_outside(struct ports *ports, const struct ul_event *event)
{
	struct dataplane *dp = ports->context->dp;
	char mac[MAC_TEXT_LEN];

	if (event->port >= dp->max_ports || !port_is_used(ports, event->port) ||
	    memcmp(dp->ports[event->port].mac, event->mac, sizeof(event->mac)) != 0 ||
	    own_address_state(&dp->ports[event->port]) != ADDRESS_CONFIRMED)
		return;
	port_raise_life(dp, event->port);
	port_report(
		ports, event->port, EVENT_ADDRESS_CONTESTED,
		"its address %s was announced from outside in VLAN %u: frames to it go both ways until the machine sends here again",
		mac_format(event->mac, mac), vid_of_event(event));
}

void mac_learning_event(struct ports *ports, const struct ul_event *event)
{
	switch (event->kind) {
	case UL_EVENT_NEW_SOURCE:
	case UL_EVENT_CONTESTED:
		on_new_source(ports, event);
		break;
	case UL_EVENT_MOVED_OUTSIDE:
		on_moved_outside(ports, event);
		break;
	case UL_EVENT_OWN_OUTSIDE:
		on_own_outside(ports, event);
		break;
	default:
		break;
	}
}

/* A negative result ends the turn after this event; the loop returns while there are more. */
static int on_event(void *userdata, void *data, size_t size)
{
	struct ports *ports = userdata;

	if (size >= sizeof(struct ul_event))
		mac_learning_event(ports, data);
	return now_ms() < ports->turn_end_ms ? 0 : -EAGAIN;
}

static int on_events_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct ports *ports = userdata;

	ports->turn_end_ms = now_ms() + TURN_MS;
	ring_buffer__consume(ports->events);
	return 0;
}

/* ---- life cycle ---- */
static int add_sources(struct ports *ports)
{
	sd_event *event = ports->context->event;
	int r = sd_event_add_time(event, &ports->age_timer, CLOCK_MONOTONIC, 0, AGE_ACCURACY_USEC,
				  on_age_timer, ports);

	if (r >= 0)
		r = sd_event_source_set_enabled(ports->age_timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_io(event, &ports->event_source,
				    ring_buffer__epoll_fd(ports->events), EPOLLIN, on_events_ready,
				    ports);
	/* A flood of invented addresses must not keep the loop from links and LACP. */
	if (r >= 0)
		r = sd_event_source_set_priority(ports->event_source, SD_EVENT_PRIORITY_IDLE);
	return r < 0 ? r : 0;
}

int ports_start_learning(struct ports *ports)
{
	int r;

	if (ports->events)
		return 0;
	r = mac_ages_new(&ports->ages);
	if (r == 0) {
		ports->events = ring_buffer__new(ports->context->dp->map_fd[UL_MAP_EVENTS],
						 on_event, ports, NULL);
		r = ports->events ? add_sources(ports) : -errno;
	}
	if (r == 0)
		return 0;
	ports_stop_learning(ports);
	return context_fail(ports->context, r, "cannot read the events of the programs");
}

void ports_stop_learning(struct ports *ports)
{
	ports->event_source = sd_event_source_disable_unref(ports->event_source);
	ring_buffer__free(ports->events);
	ports->events = NULL;
	ports->age_timer = sd_event_source_disable_unref(ports->age_timer);
	mac_ages_free(ports->ages);
	ports->ages = NULL;
}
