// SPDX-License-Identifier: GPL-2.0
/* Source addresses that the programs saw on a port and do not know there (security: mac-learning, mac-changes). The daemon stays the only writer of the
 * address table; what a machine invents is bounded per port, and never takes an address from its owner in the configuration. */
#include "team/vswitch.h"

#include <sys/epoll.h>

#include <bpf/libbpf.h>

#define LEARN_PER_PORT 1024
#define CHANGE_MS 200	/* between two changes of a port's address; the machine's next frame reports one that came too early again */
#define WARN_MS 60000	/* between two warnings that the table is full: machines must not fill the log */
#define TURN_MS 5	/* an address that takes another's slot in the table may wait for a grace period, up to 20 ms; then others have their turn */

struct count_context {
	uint32_t slot, n;
};

static int count_of_slot(void *userdata, uint64_t key, uint32_t value)
{
	struct count_context *context = userdata;

	(void)key;
	context->n += value == context->slot;
	return 0;
}

static bool room_for(struct vswitch *vs, uint32_t slot)
{
	struct count_context context = { .slot = slot };

	table_foreach(&vs->dp->fdb, count_of_slot, &context);
	return context.n < LEARN_PER_PORT;
}

static void learn(struct vswitch *vs, const struct ul_event *event)
{
	struct ul_port *port = &vs->dp->ports[event->port];
	const struct ul_group *group = &vs->dp->groups[port->group];
	uint64_t key = ul_fdb_key(event->vid, event->mac);
	char mac[MAC_TEXT_LEN];
	int owner;

	owner = port_by_address(vs, event->vid, event->mac);
	if (owner >= 0 && owner != (int)event->port)
		return;
	if (group->flags & UL_GROUP_MAC_CHANGES && !(group->flags & UL_GROUP_LEARNING)) {
		if (now_ms() < vs->may_change_ms[event->port])
			return;
		vs->may_change_ms[event->port] = now_ms() + CHANGE_MS;
		if (port_has_mac(port))
			table_remove(&vs->dp->fdb, ul_fdb_key(event->vid, port->mac));
		memcpy(port->mac, event->mac, sizeof(port->mac));
		vswitch_report(vs, port->name, "changed its address to %s", mac_format(event->mac, mac));
	} else if (!room_for(vs, event->port)) {
		log_debug("%s: port %s has %d addresses; %s is not learned", vs->name, port->name, LEARN_PER_PORT,
			  mac_format(event->mac, mac));
		return;
	}
	if (table_set(&vs->dp->fdb, key, event->port) < 0 && now_ms() >= vs->may_warn_ms) {
		vs->may_warn_ms = now_ms() + WARN_MS;
		log_warning(0, "%s: the address table is full; %s is not learned, and others may not be", vs->name, mac_format(event->mac, mac));
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
	if (!(port->flags & UL_PORT_USED))
		return false;
	group = &vs->dp->groups[port->group];
	if (!(group->flags & (UL_GROUP_LEARNING | UL_GROUP_MAC_CHANGES)) || group->vid != event->vid)
		return false;
	return table_get(&vs->dp->fdb, ul_fdb_key(event->vid, event->mac), &known) < 0 || known != event->port;
}

/* A negative result ends this turn, behind this event; the loop comes back as long as there are more. */
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
	int r;

	vs->events = ring_buffer__new(vs->dp->events_fd, take_event, vs, NULL);
	if (!vs->events)
		return log_error(-errno, "%s: cannot read the events of the programs", vs->name);
	r = sd_event_add_io(vs->context.event, &vs->event_source, ring_buffer__epoll_fd(vs->events), EPOLLIN, events_ready, vs);
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
}
