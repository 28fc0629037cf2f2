// SPDX-License-Identifier: GPL-2.0
/* Source addresses that the programs saw on a port and do not know there (security: mac-learning,
 * mac-changes). The daemon stays the only writer of the address table; what a machine invents is
 * bounded per port and in time, and never takes an address from the port whose own it is. */
#include "team/vswitch.h"

#include <sys/epoll.h>

#include <bpf/libbpf.h>

#define CHANGE_MS                                                                                 \
	200 /* between two changes of a port's address; the machine's next frame reports one that \
	       came too early again */
#define WARN_MS \
	60000 /* between two warnings that the table is full: machines must not fill the log */
#define TURN_MS                                                                              \
	5 /* of work on events; a machine can make them faster than they are worked off, and \
	     others want their turn */
#define AGE_ACCURACY_USEC 1000000

static bool is_own_address(const struct ul_port *port, uint64_t key)
{
	return key == ul_fdb_key(port->vlan.vid, port->mac);
}

/* Can a frame of one group's VLANs reach the other group? Ports that tag themselves have their
 * lists, and events of theirs do not say which VLAN it was. */
static bool share_a_vlan(const struct ul_group *a, const struct ul_group *b)
{
	if (a->vlan_mode != UL_VLAN_VGT && b->vlan_mode == UL_VLAN_VGT)
		return share_a_vlan(b, a);
	if (a->vlan_mode == UL_VLAN_VGT && b->vlan_mode != UL_VLAN_VGT)
		return a->vlans[b->vid / 64] >> (b->vid & 63) & 1;
	return a->vid == b->vid;
}

/* Whose own address is it, in a VLAN of this port? -1: nobody's, or the port's. */
static int other_owner(const struct vswitch *vs, const struct ul_event *event)
{
	const struct ul_group *group = &vs->dp->groups[vs->dp->ports[event->port].group];

	for (uint32_t slot = 0; slot < vs->dp->meta->max_ports; slot++) {
		const struct ul_port *port = &vs->dp->ports[slot];

		if (slot != event->port && port->flags & UL_PORT_USED &&
		    memcmp(port->mac, event->mac, 6) == 0 &&
		    share_a_vlan(group, &vs->dp->groups[port->group]))
			return (int)slot;
	}
	return -1;
}

/* ---- ageing
 * ----------------------------------------------------------------------------------------------------------------------------
 */
static void forget(void *userdata, uint32_t slot, uint64_t key)
{
	struct vswitch *vs = userdata;
	uint32_t known;

	/* Meanwhile it may have become the port's own, or another's. */
	if (table_get(&vs->dp->fdb, key, &known) < 0 || known != slot ||
	    is_own_address(&vs->dp->ports[slot], key))
		return;
	table_remove(&vs->dp->fdb, key);
}

static void wake_at(struct vswitch *vs, uint64_t at_ms)
{
	if (at_ms == UINT64_MAX)
		return;
	sd_event_source_set_time(vs->age_timer, at_ms * 1000);
	sd_event_source_set_enabled(vs->age_timer, SD_EVENT_ONESHOT);
}

static int age(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct vswitch *vs = userdata;

	(void)source;
	(void)usec;
	wake_at(vs, learned_expire(vs->learned, now_ms(), forget, vs));
	return 0;
}

static int note_learned(struct vswitch *vs, uint32_t slot, uint64_t key)
{
	int enabled = SD_EVENT_OFF, r = learned_add(vs->learned, slot, key, now_ms());

	if (r < 0)
		return r;
	sd_event_source_get_enabled(vs->age_timer, &enabled);
	if (enabled == SD_EVENT_OFF)
		wake_at(vs, now_ms() + LEARNED_AGE_MS);
	return 0;
}

static int note_entry(void *userdata, uint64_t key, uint32_t slot)
{
	struct vswitch *vs = userdata;

	if (slot < vs->dp->meta->max_ports && !is_own_address(&vs->dp->ports[slot], key))
		note_learned(vs, slot, key);
	return 0;
}

/* Nobody knows when an earlier daemon learned them: from now on. */
void learn_adopt(struct vswitch *vs)
{
	table_foreach(&vs->dp->fdb, note_entry, vs);
}

void learn_forget_port(struct vswitch *vs, uint32_t slot)
{
	if (vs->learned) /* not when a switch is only taken down */
		learned_remove_port(vs->learned, slot);
}

/* ---- events
 * ----------------------------------------------------------------------------------------------------------------------------
 */
/* Programs read the address as one word. */
static void change_address(struct vswitch *vs, struct ul_port *port, const uint8_t mac[6])
{
	union {
		uint8_t mac[8];
		uint64_t word;
	} next = {};
	char text[MAC_TEXT_LEN];

	if (port_has_mac(port))
		table_remove(&vs->dp->fdb, ul_fdb_key(port->vlan.vid, port->mac));
	memcpy(next.mac, mac, 6);
	__atomic_store_n((uint64_t *)(void *)port->mac, next.word, __ATOMIC_RELEASE);
	vswitch_report(vs, port->name, "changed its address to %s", mac_format(mac, text));
}

static void learn(struct vswitch *vs, const struct ul_event *event)
{
	struct ul_port *port = &vs->dp->ports[event->port];
	uint64_t key = ul_fdb_key(event->vid, event->mac);
	char mac[MAC_TEXT_LEN];
	uint32_t before;

	if (other_owner(vs, event) >= 0)
		return;
	if (!(vs->dp->groups[port->group].flags & UL_GROUP_LEARNING)) {
		if (now_ms() < vs->may_change_ms[event->port])
			return;
		vs->may_change_ms[event->port] = now_ms() + CHANGE_MS;
		change_address(vs, port, event->mac);
	} else if (note_learned(vs, event->port, key) < 0) {
		log_debug("%s: port %s has %d addresses; %s is not learned", vs->name, port->name,
			  LEARNED_PER_PORT, mac_format(event->mac, mac));
		return;
	}
	if (table_get(&vs->dp->fdb, key, &before) == 0)
		learned_remove(vs->learned, before, key);
	if (table_set(&vs->dp->fdb, key, event->port) < 0) {
		learned_remove(vs->learned, event->port, key);
		if (now_ms() < vs->may_warn_ms)
			return;
		vs->may_warn_ms = now_ms() + WARN_MS;
		log_warning(
			0,
			"%s: the address table is full; %s is not learned, and others may not be",
			vs->name, mac_format(event->mac, mac));
	}
}

static bool is_news(const struct vswitch *vs, const struct ul_event *event)
{
	const struct ul_port *port;
	const struct ul_group *group;
	uint32_t known;

	if (event->kind != UL_EVENT_NEW_SOURCE || event->port >= vs->dp->meta->max_ports)
		return false;
	port = &vs->dp->ports[event->port];
	if (!(port->flags & UL_PORT_USED) || !port->ifindex)
		return false;
	group = &vs->dp->groups[port->group];
	if (!(group->flags & (UL_GROUP_LEARNING | UL_GROUP_MAC_CHANGES)) ||
	    group->vid != event->vid)
		return false;
	return table_get(&vs->dp->fdb, ul_fdb_key(event->vid, event->mac), &known) < 0 ||
	       known != event->port;
}

/* A negative result ends this turn, behind this event; the loop comes back as long as there are
 * more. */
static int take_event(void *userdata, void *data, size_t size)
{
	const struct ul_event *event = data;
	struct vswitch *vs = userdata;

	if (size >= sizeof(*event) && is_news(vs, event))
		learn(vs, event);
	return now_ms() < vs->learn_until_ms ? 0 : -EAGAIN;
}

static int events_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct vswitch *vs = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	vs->learn_until_ms = now_ms() + TURN_MS;
	ring_buffer__consume(vs->events);
	return 0;
}

int learn_start(struct vswitch *vs)
{
	int r = learned_new(&vs->learned);

	if (r == 0)
		r = sd_event_add_time(vs->context.event, &vs->age_timer, CLOCK_MONOTONIC, 0,
				      AGE_ACCURACY_USEC, age, vs);
	if (r >= 0)
		r = sd_event_source_set_enabled(vs->age_timer, SD_EVENT_OFF);
	if (r < 0)
		return log_error(r, "%s: cannot make the timer of learned addresses", vs->name);
	vs->events = ring_buffer__new(vs->dp->events_fd, take_event, vs, NULL);
	if (!vs->events)
		return log_error(-errno, "%s: cannot read the events of the programs", vs->name);
	r = sd_event_add_io(vs->context.event, &vs->event_source, ring_buffer__epoll_fd(vs->events),
			    EPOLLIN, events_ready, vs);
	if (r < 0)
		return log_error(r, "%s: cannot watch the events of the programs", vs->name);
	/* A flood of invented addresses must not keep the loop from links and LACP. */
	return sd_event_source_set_priority(vs->event_source, SD_EVENT_PRIORITY_IDLE);
}

void learn_stop(struct vswitch *vs)
{
	vs->event_source = sd_event_source_disable_unref(vs->event_source);
	ring_buffer__free(vs->events);
	vs->events = NULL;
	vs->age_timer = sd_event_source_disable_unref(vs->age_timer);
	learned_free(vs->learned);
	vs->learned = NULL;
}
