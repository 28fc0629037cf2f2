// SPDX-License-Identifier: GPL-2.0
/* The running channel: what the protocol core asks for, what is saved and shown, frames, links. */
#include <sys/epoll.h>

#include "team/channel_state.h"

#define FRAMES_PER_ROUND 32 /* of one socket, before others get their turn */
#define PAUSE_MS                                                                                  \
	20 /* for a socket that had more than that: a flood is not to keep others from their turn \
	    */
#define SHOW_INTERVAL_MS \
	1000 /* ages and counters that uplinkctl reads are brought up to date at least so often */
#define SHOW_HEARD_MS 100 /* ... and so soon after a frame; a change of state is shown at once */

static const enum lacp_io_protocol listened[] = { LACP_IO_SLOW, LACP_IO_LLDP, LACP_IO_CISCO };
_Static_assert(ARRAY_SIZE(listened) == CHANNEL_SOCKETS, "a socket for each");

static struct channel_port *port_of(struct channel *channel, uint16_t number)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i] && channel->port[i]->number == number)
			return channel->port[i];
	return NULL;
}

/* ---- callbacks of the protocol core
 * ----------------------------------------------------------------------------------------------------
 */
static void send_frame(void *userdata, uint16_t number, const uint8_t *frame, size_t length)
{
	struct channel *channel = userdata;
	const struct channel_port *port = port_of(channel, number);
	int r;

	if (!port || port->fd[LACP_IO_SLOW] < 0)
		return;
	r = lacp_io_send(port->fd[LACP_IO_SLOW], frame, length);
	if (r < 0)
		log_debug("%s: LACPDU not sent: %s", channel->vs->dp->uplinks[port->index].name,
			  strerror(-r));
}

static void data_plane_changes(void *userdata, uint16_t number, bool collecting, bool distributing)
{
	struct channel *channel = userdata;
	const struct channel_port *port = port_of(channel, number);

	channel->show_ms = 0;
	if (port && channel->vs->cfg->channel == UL_CHANNEL_LACP)
		vswitch_set_lacp(channel->vs, port->index, collecting, distributing);
}

static void tell(void *userdata, uint16_t number, enum lacp_event_kind kind, const char *text)
{
	struct channel *channel = userdata;
	const struct channel_port *port = port_of(channel, number);

	channel->show_ms = 0;
	if (port)
		uplink_report(channel->vs, port->index, "LACP %s: %s",
			      lacp_name(LACP_NAMES_EVENT, kind), text);
	else
		vswitch_report(channel->vs, channel->vs->name, "LACP %s: %s",
			       lacp_name(LACP_NAMES_EVENT, kind), text);
}

const struct lacp_callbacks channel_callbacks = { .send = send_frame,
						  .changed = data_plane_changes,
						  .event = tell };

/* ---- what is kept and shown
 * ------------------------------------------------------------------------------------------------------------
 */
static void save(struct channel *channel, struct channel_port *port)
{
	struct lacp_saved saved;

	memset(&saved, 0, sizeof(saved));
	if (lacp_save(channel->lacp, port->number, &saved) < 0 ||
	    memcmp(&saved, &port->saved, sizeof(saved)) == 0)
		return;
	if (dataplane_save_lacp(channel->vs->dp, port->index, &saved) == 0)
		port->saved = saved;
}

static void show(struct channel *channel, uint64_t now)
{
	for (uint32_t i = 0; i < channel->vs->dp->meta->n_uplinks; i++) {
		struct channel_port *port = channel->port[i];
		struct ul_lacp_port record = {};

		if (!port)
			continue;
		if (port->fd[LACP_IO_SLOW] >= 0)
			port->dropped += lacp_io_dropped(port->fd[LACP_IO_SLOW]);
		record.neighbour = port->neighbour;
		if (channel->lacp && port->added) {
			channel_record_lacp(channel->lacp, port->number, now, &record);
			record.counters.excess_rx += port->dropped;
			channel_record_delay(uplink_waits_ms(channel->vs, i), &record);
		}
		channel_record_setup(&port->setup, channel->vs->cfg->channel, &record);
		memcpy(&channel->vs->dp->lacp_ports[i], &record, sizeof(record));
	}
	uplink_report_rest(channel->vs);
	channel->shown_ms = now;
	channel->show_ms = now + SHOW_INTERVAL_MS;
}

/* Something came that is worth showing soon. */
static void show_soon(struct channel *channel)
{
	if (channel->show_ms > channel->shown_ms + SHOW_HEARD_MS)
		channel->show_ms = channel->shown_ms + SHOW_HEARD_MS;
}

static void report_setup(struct channel *channel, struct channel_port *port, uint64_t now)
{
	enum ul_channel kind = channel->vs->cfg->channel;
	uint32_t found = setup_findings(&port->setup, &port->neighbour, kind, now),
		 changed = found ^ port->setup.told;

	for (unsigned int i = UL_FIND_LACP_UNUSED; changed && i < UL_N_FINDINGS; i++) {
		char text[LACP_TEXT_LEN];

		if (!(changed >> i & 1))
			continue;
		channel->show_ms = 0;
		if (!(found >> i & 1)) {
			uplink_report(channel->vs, port->index, "channel cleared: %s",
				      setup_finding_name(i));
			continue;
		}
		setup_describe(&port->setup, &port->neighbour, kind, i, text, sizeof(text));
		uplink_report(channel->vs, port->index, "channel finding: %s", text);
	}
	port->setup.told = found;
}

/* ---- running
 * ---------------------------------------------------------------------------------------------------------------------------
 */
/* LACPDUs that uplink_xdp answered while this process slept. */
static void take_answers(struct channel *channel)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		struct channel_port *port = channel->port[i];
		const struct ul_lacp_answer *answer = &channel->vs->dp->lacp_answers[i];

		if (!port || !port->added || answer->answered == port->answers_seen)
			continue;
		port->answers_seen = answer->answered;
		lacp_port_heard(channel->lacp, port->number, answer->last_ns / 1000000);
	}
}

static void end_pauses(struct channel *channel)
{
	uint64_t now = now_ms();

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		struct channel_port *port = channel->port[i];

		for (size_t p = 0; port && p < ARRAY_SIZE(listened); p++) {
			if (!port->pause_ms[p] || now < port->pause_ms[p])
				continue;
			port->pause_ms[p] = 0;
			sd_event_source_set_enabled(port->source[p], SD_EVENT_ON);
		}
	}
}

int channel_timer_due(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct channel *channel = userdata;

	(void)source;
	(void)usec;
	end_pauses(channel);
	channel_poll(channel);
	channel_run(channel);
	return 0;
}

static void arm(struct channel *channel, uint64_t now)
{
	uint64_t due = channel->show_ms;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		for (size_t p = 0; channel->port[i] && p < ARRAY_SIZE(listened); p++)
			if (channel->port[i]->pause_ms[p] && channel->port[i]->pause_ms[p] < due)
				due = channel->port[i]->pause_ms[p];
	if (channel->lacp && lacp_next_wakeup(channel->lacp) < due)
		due = lacp_next_wakeup(channel->lacp);
	if (due < now)
		due = now;
	sd_event_source_set_time(channel->timer, due * 1000);
	sd_event_source_set_enabled(channel->timer, SD_EVENT_ONESHOT);
}

void channel_run(struct channel *channel)
{
	uint64_t now;

	if (channel->starting || channel->polling)
		return;
	if (channel->lacp) {
		lacp_run(channel->lacp, now_ms());
		for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
			if (channel->port[i] && channel->port[i]->added)
				save(channel, channel->port[i]);
	}
	now = now_ms();
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i])
			report_setup(channel, channel->port[i], now);
	if (now >= channel->show_ms)
		show(channel, now);
	arm(channel, now);
}

/* ---- frames
 * ----------------------------------------------------------------------------------------------------------------------------
 */
static void take_slow(struct channel *channel, struct channel_port *port, const uint8_t *frame,
		      size_t length)
{
	uint16_t number = port->number;

	show_soon(channel);
	if (!port->added) {
		setup_receive(&port->setup, frame, length, now_ms());
		return;
	}
	if (lacp_receive(channel->lacp, number, frame, length, now_ms()) != -ENETDOWN)
		return;
	/* It came, so the link is up: the event that says so is still on its way. */
	if (link_monitor_refresh(channel->vs->context.links, port->ifindex) == 0) {
		channel_port_connect(channel, port);
		lacp_receive(channel->lacp, number, frame, length, now_ms());
	}
}

static void take_frame(struct channel_port *port, enum lacp_io_protocol protocol,
		       const uint8_t *frame, size_t length)
{
	if (protocol == LACP_IO_SLOW)
		take_slow(port->channel, port, frame, length);
	else if (neighbour_receive(&port->neighbour, frame, length, now_ms()) == 0)
		show_soon(port->channel);
}

static void receive(struct channel_port *port, enum lacp_io_protocol protocol)
{
	uint8_t frame[LACP_IO_MAX_FRAME];

	if (port->pause_ms[protocol])
		return;
	for (int i = 0; i < FRAMES_PER_ROUND && port->fd[protocol] >= 0; i++) {
		ssize_t n = lacp_io_receive(port->fd[protocol], frame, sizeof(frame));

		if (n < 0)
			return;
		take_frame(port, protocol, frame,
			   (size_t)n < sizeof(frame) ? (size_t)n : sizeof(frame));
	}
	if (port->fd[protocol] < 0)
		return;
	port->pause_ms[protocol] = now_ms() + PAUSE_MS;
	sd_event_source_set_enabled(port->source[protocol], SD_EVENT_OFF);
}

void channel_poll(struct channel *channel)
{
	if (!channel)
		return;
	channel->polling = true;
	if (channel->lacp)
		take_answers(channel);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i])
			receive(channel->port[i], LACP_IO_SLOW);
	channel->polling = false;
}

/* All sockets before the machines run: after a sleep of ours, a partner whose LACPDUs wait must not
 * be taken for silent. */
static int slow_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct channel_port *port = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	channel_poll(port->channel);
	channel_run(port->channel);
	return 0;
}

static int neighbour_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct channel_port *port = userdata;

	(void)source;
	(void)revents;
	receive(port, fd == port->fd[LACP_IO_LLDP] ? LACP_IO_LLDP : LACP_IO_CISCO);
	channel_poll(port->channel);
	channel_run(port->channel);
	return 0;
}

void channel_port_close(struct channel_port *port)
{
	for (size_t i = 0; i < ARRAY_SIZE(listened); i++) {
		port->source[i] = sd_event_source_disable_unref(port->source[i]);
		ul_closep(&port->fd[i]);
		port->fd[i] = -1;
		port->pause_ms[i] = 0;
	}
	port->ifindex = 0;
}

static int open_sockets(struct channel *channel, struct channel_port *port, uint32_t ifindex)
{
	for (size_t i = 0; i < ARRAY_SIZE(listened); i++) {
		bool slow = listened[i] == LACP_IO_SLOW;
		int r;

		port->fd[i] = lacp_io_open(ifindex, listened[i]);
		if (port->fd[i] < 0)
			return port->fd[i];
		r = sd_event_add_io(channel->vs->context.event, &port->source[i], port->fd[i],
				    EPOLLIN, slow ? slow_ready : neighbour_ready, port);
		if (r < 0)
			return r;
		/* LACP ahead of everything, neighbours behind everything. */
		sd_event_source_set_priority(port->source[i], slow ? SD_EVENT_PRIORITY_IMPORTANT :
								     SD_EVENT_PRIORITY_IDLE);
	}
	port->ifindex = ifindex;
	return 0;
}

/* ---- links
 * ------------------------------------------------------------------------------------------------------------------------------
 */
static void set_link(struct channel *channel, struct channel_port *port)
{
	struct vswitch *vs = channel->vs;
	const struct link_info *info =
		port->ifindex ? link_by_ifindex(vs->context.links, port->ifindex) : NULL;
	bool up = info && info->carrier && info->admin_up;
	struct link_speed speed = {};

	if (!up) {
		/* The next cable may lead elsewhere. What was told is cleared by the next look. */
		memset(&port->neighbour, 0, sizeof(port->neighbour));
		port->setup.lacp_ms = 0;
	}
	if (!port->added)
		return;
	if (up)
		link_get_speed(vs->context.links, port->ifindex, &speed);
	lacp_port_set_link(channel->lacp, port->number, up, speed.speed_mbps, speed.full_duplex,
			   now_ms());
}

static void bind_port(struct channel *channel, struct channel_port *port)
{
	uint32_t ifindex = channel->vs->dp->uplinks[port->index].ifindex;
	bool bound = port->ifindex;
	int r;

	if (port->ifindex == ifindex)
		return;
	channel_port_close(port);
	/* Another interface is another link, even if both are up: what was agreed on the old one is
	 * not true of it. */
	if (bound)
		set_link(channel, port);
	if (!ifindex)
		return;
	r = open_sockets(channel, port, ifindex);
	if (r < 0) {
		log_error(r, "%s: cannot listen for LACP",
			  channel->vs->dp->uplinks[port->index].name);
		channel_port_close(port);
	}
}

int channel_port_configure(struct channel *channel, const struct channel_port *port)
{
	const struct ul_uplink *uplink = &channel->vs->dp->uplinks[port->index];
	struct lacp_port_config config = { .number = port->number,
					   .priority = channel->vs->cfg->lacp.port_priority };

	memcpy(config.mac, uplink->mac, sizeof(config.mac));
	if (!port->added)
		return lacp_port_add(channel->lacp, &config);
	lacp_port_set_drained(channel->lacp, port->number, uplink->flags & UL_UP_DRAINED, now_ms());
	return lacp_port_configure(channel->lacp, &config);
}

void channel_port_connect(struct channel *channel, struct channel_port *port)
{
	bind_port(channel, port);
	if (port->added)
		channel_port_configure(channel, port);
	set_link(channel, port);
}

void channel_link_changed(struct vswitch *vs, uint32_t uplink)
{
	struct channel *channel = vs->channel;

	if (!channel || !channel->port[uplink])
		return;
	channel_poll(channel);
	channel_update_system(channel);
	channel_port_connect(channel, channel->port[uplink]);
	channel_run(channel);
}

void channel_drain(struct vswitch *vs, uint32_t uplink, bool drain)
{
	struct channel *channel = vs->channel;

	if (!channel || !channel->lacp || !channel->port[uplink] || !channel->port[uplink]->added)
		return;
	channel_poll(channel);
	lacp_port_set_drained(channel->lacp, channel->port[uplink]->number, drain, now_ms());
	channel_run(channel);
}
