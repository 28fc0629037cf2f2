// SPDX-License-Identifier: GPL-2.0
#include "team/channel.h"

#include <sys/epoll.h>

#include "lacp/io.h"
#include "lacp/lacp.h"
#include "lacp/neighbour.h"

#define FRAMES_PER_ROUND 32	/* of one socket, before others get their turn */
#define PAUSE_MS 20		/* for a socket that had more than that: a flood is not to keep others from their turn */
#define SHOW_INTERVAL_MS 1000	/* ages and counters that uplinkctl reads are brought up to date at least so often */
#define SHOW_HEARD_MS 100	/* ... and so soon after a frame; a change of state is shown at once */

static const enum lacp_io_protocol listened[] = { LACP_IO_SLOW, LACP_IO_LLDP, LACP_IO_CISCO };

struct channel_port {
	struct channel *channel;
	uint32_t index;			/* of the uplink */
	uint16_t number;		/* LACP port number: what stays when the uplinks change places */
	uint32_t ifindex;		/* that the sockets are bound to; 0: none */
	int fd[ARRAY_SIZE(listened)];
	sd_event_source *source[ARRAY_SIZE(listened)];
	uint64_t pause_ms[ARRAY_SIZE(listened)];	/* not read before then; 0: no pause */
	bool added;			/* to the protocol core */
	uint64_t answers_seen;
	struct lacp_saved saved;	/* what is in the map */
	struct ul_neighbour neighbour;
	struct setup setup;
};

struct channel {
	struct vswitch *vs;
	struct lacp *lacp;		/* NULL: no LACP on this switch */
	struct channel_port *port[UL_MAX_UPLINKS];	/* by index of the uplink; NULL: no such uplink */
	sd_event_source *timer;
	uint64_t shown_ms, show_ms;	/* when the records were written, and when they are to be again */
	bool starting;			/* restored state is not to be run before all of it is there */
};

static void run(struct channel *channel);

/* ---- numbers and names -------------------------------------------------------------------------------------------------------------- */
static struct channel_port *port_of(struct channel *channel, uint16_t number)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i] && channel->port[i]->number == number)
			return channel->port[i];
	return NULL;
}

/* The lowest number that no uplink has; kept in the uplink's record, so it is the same after a restart and when others come and go. */
static void assign_number(struct vswitch *vs, uint32_t index)
{
	uint32_t taken = 0, number = 1;

	if (vs->dp->uplinks[index].lacp_port)
		return;
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++)
		if (vs->dp->uplinks[i].lacp_port)
			taken |= 1u << vs->dp->uplinks[i].lacp_port;
	while (taken >> number & 1)
		number++;
	vs->dp->uplinks[index].lacp_port = number;
}

/* ---- callbacks of the protocol core ---------------------------------------------------------------------------------------------------- */
static void send_frame(void *userdata, uint16_t number, const uint8_t *frame, size_t length)
{
	struct channel *channel = userdata;
	const struct channel_port *port = port_of(channel, number);
	int r;

	if (!port || port->fd[LACP_IO_SLOW] < 0)
		return;
	r = lacp_io_send(port->fd[LACP_IO_SLOW], frame, length);
	if (r < 0)
		log_debug("%s: LACPDU not sent: %s", channel->vs->dp->uplinks[port->index].name, strerror(-r));
}

static void data_plane_changes(void *userdata, uint16_t number, bool collecting, bool distributing)
{
	struct channel *channel = userdata;
	const struct channel_port *port = port_of(channel, number);

	channel->show_ms = 0;
	if (port)
		vswitch_set_lacp(channel->vs, port->index, collecting, distributing);
}

static void tell(void *userdata, uint16_t number, enum lacp_event_kind kind, const char *text)
{
	struct channel *channel = userdata;
	const struct channel_port *port = port_of(channel, number);

	channel->show_ms = 0;
	if (port)
		uplink_report(channel->vs, port->index, "LACP %s: %s", lacp_name(LACP_NAMES_EVENT, kind), text);
	else
		vswitch_report(channel->vs, channel->vs->name, "LACP %s: %s", lacp_name(LACP_NAMES_EVENT, kind), text);
}

/* ---- what is kept and shown ------------------------------------------------------------------------------------------------------------ */
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
		const struct channel_port *port = channel->port[i];
		struct ul_lacp_port record = {};

		if (!port)
			continue;
		record.neighbour = port->neighbour;
		if (channel->lacp && port->added) {
			channel_record_lacp(channel->lacp, port->number, now, &record);
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
	uint32_t found = setup_findings(&port->setup, &port->neighbour, kind, now), changed = found ^ port->setup.told;

	for (unsigned int i = UL_FIND_LACP_UNUSED; changed && i < UL_N_FINDINGS; i++) {
		char text[LACP_TEXT_LEN];

		if (!(changed >> i & 1))
			continue;
		channel->show_ms = 0;
		if (!(found >> i & 1)) {
			uplink_report(channel->vs, port->index, "channel cleared: %s", setup_finding_name(i));
			continue;
		}
		setup_describe(&port->setup, &port->neighbour, kind, i, text, sizeof(text));
		uplink_report(channel->vs, port->index, "channel finding: %s", text);
	}
	port->setup.told = found;
}

/* ---- running --------------------------------------------------------------------------------------------------------------------------- */
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

static int timer_due(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct channel *channel = userdata;

	(void)source;
	(void)usec;
	end_pauses(channel);
	channel_poll(channel);
	run(channel);
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

static void run(struct channel *channel)
{
	uint64_t now;

	if (channel->starting)
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

/* ---- frames ---------------------------------------------------------------------------------------------------------------------------- */
static void take_slow(struct channel *channel, struct channel_port *port, const uint8_t *frame, size_t length)
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
		channel_link_changed(channel->vs, port->index);
		lacp_receive(channel->lacp, number, frame, length, now_ms());
	}
}

static void take_frame(struct channel_port *port, enum lacp_io_protocol protocol, const uint8_t *frame, size_t length)
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
		take_frame(port, protocol, frame, (size_t)n < sizeof(frame) ? (size_t)n : sizeof(frame));
	}
	if (port->fd[protocol] < 0)
		return;
	port->pause_ms[protocol] = now_ms() + PAUSE_MS;
	sd_event_source_set_enabled(port->source[protocol], SD_EVENT_OFF);
}

void channel_poll(struct channel *channel)
{
	if (channel->lacp)
		take_answers(channel);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i])
			receive(channel->port[i], LACP_IO_SLOW);
}

/* All sockets before the machines run: after a sleep of ours, a partner whose LACPDUs wait must not be taken for silent. */
static int slow_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct channel_port *port = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	channel_poll(port->channel);
	run(port->channel);
	return 0;
}

static int neighbour_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct channel_port *port = userdata;

	(void)source;
	(void)revents;
	receive(port, fd == port->fd[LACP_IO_LLDP] ? LACP_IO_LLDP : LACP_IO_CISCO);
	run(port->channel);
	return 0;
}

static void close_sockets(struct channel_port *port)
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
		r = sd_event_add_io(channel->vs->context.event, &port->source[i], port->fd[i], EPOLLIN,
				    slow ? slow_ready : neighbour_ready, port);
		if (r < 0)
			return r;
		/* LACP ahead of everything, neighbours behind everything. */
		sd_event_source_set_priority(port->source[i], slow ? SD_EVENT_PRIORITY_IMPORTANT : SD_EVENT_PRIORITY_IDLE);
	}
	port->ifindex = ifindex;
	return 0;
}

/* ---- links ------------------------------------------------------------------------------------------------------------------------------ */
static void set_link(struct channel *channel, struct channel_port *port)
{
	struct vswitch *vs = channel->vs;
	const struct link_info *info = port->ifindex ? link_by_ifindex(vs->context.links, port->ifindex) : NULL;
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
	lacp_port_set_link(channel->lacp, port->number, up, speed.speed_mbps, speed.full_duplex, now_ms());
}

static void bind_port(struct channel *channel, struct channel_port *port)
{
	uint32_t ifindex = channel->vs->dp->uplinks[port->index].ifindex;
	int r;

	if (port->ifindex == ifindex)
		return;
	close_sockets(port);
	if (!ifindex)
		return;
	r = open_sockets(channel, port, ifindex);
	if (r < 0) {
		log_error(r, "%s: cannot listen for LACP", channel->vs->dp->uplinks[port->index].name);
		close_sockets(port);
	}
}

void channel_link_changed(struct vswitch *vs, uint32_t uplink)
{
	struct channel *channel = vs->channel;

	if (!channel)
		return;
	bind_port(channel, channel->port[uplink]);
	set_link(channel, channel->port[uplink]);
	run(channel);
}

void channel_drain(struct vswitch *vs, uint32_t uplink, bool drain)
{
	struct channel *channel = vs->channel;

	if (!channel || !channel->lacp || !channel->port[uplink]->added)
		return;
	lacp_port_set_drained(channel->lacp, channel->port[uplink]->number, drain, now_ms());
	run(channel);
}

/* ---- configuration ------------------------------------------------------------------------------------------------------------------- */
/* Fixed for the life of the switch, whichever uplink it was taken from. */
static void choose_system(struct vswitch *vs)
{
	static const uint8_t none[6];
	struct ul_meta *meta = vs->dp->meta;

	if (vs->cfg->lacp.has_system_id) {
		memcpy(meta->lacp_system, vs->cfg->lacp.system_id, sizeof(meta->lacp_system));
		return;
	}
	for (uint32_t i = 0; i < meta->n_uplinks && memcmp(meta->lacp_system, none, sizeof(none)) == 0; i++)
		memcpy(meta->lacp_system, vs->dp->uplinks[i].mac, sizeof(meta->lacp_system));
}

static void make_config(struct vswitch *vs, struct lacp_config *ret)
{
	static const enum lacp_policy policies[] = {
		[CFG_LACP_STABLE] = LACP_STABLE,
		[CFG_LACP_BANDWIDTH] = LACP_BANDWIDTH,
		[CFG_LACP_COUNT] = LACP_COUNT,
		[CFG_LACP_PORT_PRIORITY] = LACP_PORT_PRIORITY,
	};
	const struct lacp_cfg *cfg = &vs->cfg->lacp;

	choose_system(vs);
	*ret = (struct lacp_config){
		.system_priority = cfg->system_priority,
		.key = cfg->key,
		.active = cfg->activity == CFG_LACP_ACTIVE,
		.fast = cfg->rate == CFG_LACP_FAST,
		.independent = cfg->mux == CFG_LACP_INDEPENDENT,
		.policy = policies[cfg->selection],
		.fallback = cfg->fallback == CFG_LACP_INDIVIDUAL ? LACP_FALLBACK_INDIVIDUAL : LACP_FALLBACK_NONE,
		.min_links = cfg->min_links,
		.max_links = cfg->max_links,
		.wait_to_restore_ms = vs->cfg->up_delay_ms,
	};
	memcpy(ret->system, vs->dp->meta->lacp_system, sizeof(ret->system));
}

static void restore(struct channel *channel, struct channel_port *port)
{
	const struct ul_lacp_answer *answer = &channel->vs->dp->lacp_answers[port->index];
	uint64_t now = now_ms(), heard_ms;
	struct lacp_saved saved;

	port->answers_seen = answer->answered;
	if (!channel->starting || dataplane_load_lacp(channel->vs->dp, port->index, &saved) < 0 || !saved.version)
		return;
	heard_ms = saved.tx_ms > answer->last_ns / 1000000 ? saved.tx_ms : answer->last_ns / 1000000;
	lacp_restore(channel->lacp, port->number, &saved, now > heard_ms ? now - heard_ms : 0);
}

static int apply_port(struct channel *channel, uint32_t index)
{
	struct channel_port *port = channel->port[index];
	const struct ul_uplink *uplink = &channel->vs->dp->uplinks[index];
	struct lacp_port_config config = { .priority = channel->vs->cfg->lacp.port_priority };
	int r;

	config.number = port->number;
	memcpy(config.mac, uplink->mac, sizeof(config.mac));
	if (port->added)
		return lacp_port_configure(channel->lacp, &config);
	r = lacp_port_add(channel->lacp, &config);
	if (r < 0)
		return log_error(r, "%s: cannot add LACP port %u", uplink->name, config.number);
	port->added = true;
	restore(channel, port);
	if (uplink->flags & UL_UP_DRAINED)
		lacp_port_set_drained(channel->lacp, config.number, true, now_ms());
	return 0;
}

/* What the mux says now, for ports whose saved state was not taken up: for those no change is called. */
static void publish_states(struct channel *channel)
{
	for (uint32_t i = 0; i < channel->vs->dp->meta->n_uplinks; i++) {
		struct lacp_port_info info;

		if (lacp_port_info(channel->lacp, channel->port[i]->number, now_ms(), &info) < 0)
			continue;
		vswitch_set_lacp(channel->vs, i, info.actor.state & LACP_COLLECTING, info.actor.state & LACP_DISTRIBUTING);
	}
}

static void stop_lacp(struct channel *channel)
{
	static const struct lacp_saved none;

	lacp_free(channel->lacp);
	channel->lacp = NULL;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (channel->port[i]) {
			channel->port[i]->added = false;
			memset(&channel->port[i]->saved, 0, sizeof(channel->port[i]->saved));
		}
		dataplane_save_lacp(channel->vs->dp, i, &none);
		channel->vs->uplink[i].lacp_collecting = channel->vs->uplink[i].lacp_distributing = false;
	}
}

static int start_lacp(struct channel *channel, const struct lacp_config *config)
{
	const struct lacp_callbacks callbacks = {
		.send = send_frame,
		.changed = data_plane_changes,
		.event = tell,
		.userdata = channel,
	};

	channel->lacp = lacp_new(config, &callbacks);
	return channel->lacp ? 0 : log_error(-ENOMEM, "%s: LACP", channel->vs->name);
}

static int apply_lacp(struct channel *channel)
{
	struct vswitch *vs = channel->vs;
	struct lacp_config config;
	bool fresh = !channel->lacp;
	int r = 0;

	make_config(vs, &config);
	STORE(vs->dp->meta->headless_ns, (uint64_t)vs->cfg->lacp.headless_s * 1000000000ULL);
	if (fresh)
		r = start_lacp(channel, &config);
	else
		lacp_configure(channel->lacp, &config, now_ms());
	channel->starting = fresh;
	for (uint32_t i = 0; r == 0 && i < vs->dp->meta->n_uplinks; i++)
		r = apply_port(channel, i);
	for (uint32_t i = 0; r == 0 && i < vs->dp->meta->n_uplinks; i++) {
		bind_port(channel, channel->port[i]);
		set_link(channel, channel->port[i]);
	}
	channel->starting = false;
	if (r < 0)
		return r;
	run(channel);
	publish_states(channel);
	return 0;
}

static void free_port(struct channel *channel, struct channel_port *port)
{
	if (!port)
		return;
	if (port->added)
		lacp_port_remove(channel->lacp, port->number, now_ms());
	close_sockets(port);
	free(port);
}

static struct channel_port *make_port(struct channel *channel, uint16_t number)
{
	struct channel_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	port->channel = channel;
	port->number = number;
	for (size_t i = 0; i < ARRAY_SIZE(listened); i++)
		port->fd[i] = -1;
	return port;
}

/* Ports follow their uplinks, which the configuration may have moved, added or removed. */
static int arrange_ports(struct channel *channel)
{
	struct channel_port *arranged[UL_MAX_UPLINKS] = {};
	struct vswitch *vs = channel->vs;

	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++) {
		struct channel_port *port;

		assign_number(vs, i);
		port = port_of(channel, (uint16_t)vs->dp->uplinks[i].lacp_port);
		if (port)
			channel->port[port->index] = NULL;
		else
			port = make_port(channel, (uint16_t)vs->dp->uplinks[i].lacp_port);
		if (!port)
			return log_error(-ENOMEM, "%s", vs->name);
		arranged[i] = port;
	}
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		free_port(channel, channel->port[i]);
		channel->port[i] = arranged[i];
		if (!arranged[i] || arranged[i]->index == i)
			continue;
		arranged[i]->index = i;
		arranged[i]->answers_seen = vs->dp->lacp_answers[i].answered;
		memset(&arranged[i]->saved, 0, sizeof(arranged[i]->saved));	/* the map has it at the old place */
	}
	return 0;
}

static int make_channel(struct vswitch *vs)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	int r;

	if (!channel)
		return log_error(-ENOMEM, "%s", vs->name);
	channel->vs = vs;
	r = sd_event_add_time(vs->context.event, &channel->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, timer_due, channel);
	if (r < 0) {
		free(channel);
		return log_error(r, "%s: no timer for LACP", vs->name);
	}
	sd_event_source_set_priority(channel->timer, SD_EVENT_PRIORITY_IMPORTANT);
	vs->channel = channel;
	return 0;
}

int channel_apply(struct vswitch *vs)
{
	int r;

	if (!vs->channel) {
		r = make_channel(vs);
		if (r < 0)
			return r;
	}
	r = arrange_ports(vs->channel);
	if (r < 0)
		return r;
	if (vs->cfg->channel == UL_CHANNEL_LACP)
		return apply_lacp(vs->channel);
	if (vs->channel->lacp)
		stop_lacp(vs->channel);
	vs->channel->show_ms = 0;
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++)
		bind_port(vs->channel, vs->channel->port[i]);
	run(vs->channel);
	return 0;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (channel->port[i])
			close_sockets(channel->port[i]);
		free(channel->port[i]);
	}
	sd_event_source_disable_unref(channel->timer);
	lacp_free(channel->lacp);
	free(channel);
}
