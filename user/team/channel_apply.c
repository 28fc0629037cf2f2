// SPDX-License-Identifier: GPL-2.0
/* The channel as the configuration wants it: its ports follow the uplinks, and after a restart they
 * take up what the daemon before has saved. */
#include "team/channel_state.h"

/* ---- our identity
 * -----------------------------------------------------------------------------------------------------------------------
 */
/* Fixed for the life of the switch, whichever uplink it was taken from; one from the configuration
 * only as long as it is there. */
static void choose_system(struct vswitch *vs)
{
	static const uint8_t none[6];
	struct ul_meta *meta = vs->dp->meta;

	if (vs->cfg->lacp.has_system_id) {
		memcpy(meta->lacp_system, vs->cfg->lacp.system_id, sizeof(meta->lacp_system));
		meta->lacp_system_given = true;
		return;
	}
	if (meta->lacp_system_given)
		memcpy(meta->lacp_system, none, sizeof(meta->lacp_system));
	meta->lacp_system_given = false;
	for (uint32_t i = 0;
	     i < meta->n_uplinks && memcmp(meta->lacp_system, none, sizeof(none)) == 0; i++)
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
		.fallback = cfg->fallback == CFG_LACP_INDIVIDUAL ? LACP_FALLBACK_INDIVIDUAL :
								   LACP_FALLBACK_NONE,
		.min_links = cfg->min_links,
		.max_links = cfg->max_links,
		.wait_to_restore_ms = vs->cfg->up_delay_ms,
	};
	memcpy(ret->system, vs->dp->meta->lacp_system, sizeof(ret->system));
}

void channel_update_system(struct channel *channel)
{
	static const uint8_t none[6];
	struct lacp_config config;

	if (!channel->lacp || memcmp(channel->vs->dp->meta->lacp_system, none, sizeof(none)) != 0)
		return;
	make_config(channel->vs, &config);
	lacp_configure(channel->lacp, &config, now_ms());
}

/* The lowest number that no uplink has; kept in the uplink's record, so it is the same after a
 * restart and when others come and go. Returns whether it is new. */
static bool assign_number(struct vswitch *vs, uint32_t index)
{
	uint32_t taken = 0, number = 1;

	if (vs->dp->uplinks[index].lacp_port)
		return false;
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++)
		if (vs->dp->uplinks[i].lacp_port)
			taken |= 1u << vs->dp->uplinks[i].lacp_port;
	while (taken >> number & 1)
		number++;
	vs->dp->uplinks[index].lacp_port = number;
	return true;
}

/* ---- ports
 * ------------------------------------------------------------------------------------------------------------------------------
 */
static struct channel_port *make_port(struct channel *channel, uint32_t index)
{
	struct channel_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	port->channel = channel;
	port->index = index;
	for (size_t i = 0; i < CHANNEL_SOCKETS; i++)
		port->fd[i] = -1;
	return port;
}

static void free_port(struct channel_port *port)
{
	if (port)
		channel_port_close(port);
	free(port);
}

/* The partner is told SYNC=0 after the data plane has stopped: so the port must still have its
 * index, its sockets and its interface. */
void channel_let_go(struct vswitch *vs, uint32_t uplink)
{
	static const struct lacp_saved none;
	struct channel *channel = vs->channel;

	if (!channel || !channel->port[uplink])
		return;
	if (channel->port[uplink]->added)
		lacp_port_remove(channel->lacp, channel->port[uplink]->number, now_ms());
	free_port(TAKE_PTR(channel->port[uplink]));
	dataplane_save_lacp(vs->dp, uplink, &none);
}

static struct channel_port *take_port(struct channel *channel, uint16_t number)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		if (channel->port[i] && channel->port[i]->number == number)
			return TAKE_PTR(channel->port[i]);
	return NULL;
}

/* Those of the uplink that had this place before. */
static void forget_answers(struct channel_port *port)
{
	dataplane_reset_answers(port->channel->vs->dp, port->index);
	port->answers_seen = 0;
}

/* A port whose uplink lost its number: what it was about is gone already. */
static void drop_port(struct channel *channel, uint32_t place)
{
	struct channel_port *port = TAKE_PTR(channel->port[place]);

	if (port && port->added)
		lacp_port_remove(channel->lacp, port->number, now_ms());
	free_port(port);
}

/* Ports follow their uplinks, which the configuration may have moved or added; those that it has no
 * more have been let go. */
static int arrange_ports(struct channel *channel)
{
	struct channel_port *arranged[UL_MAX_UPLINKS] = {};
	struct vswitch *vs = channel->vs;
	int r = 0;

	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++) {
		bool new = assign_number(vs, i);
		uint16_t number = (uint16_t)vs->dp->uplinks[i].lacp_port;

		arranged[i] = take_port(channel, number);
		if (arranged[i])
			continue;
		arranged[i] = make_port(channel, i);
		if (!arranged[i]) {
			r = log_error(-ENOMEM, "%s", vs->name);
			continue;
		}
		arranged[i]->number = number;
		arranged[i]->known = !new;
		arranged[i]->answers_seen = vs->dp->lacp_answers[i].answered;
	}
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		drop_port(channel, i);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		channel->port[i] = arranged[i];
		if (!arranged[i] || arranged[i]->index == i)
			continue;
		arranged[i]->index = i;
		forget_answers(arranged[i]);
		memset(&arranged[i]->saved, 0, sizeof(arranged[i]->saved)); /* the map has it at the
									       old place */
	}
	return r;
}

/* ---- restart
 * ----------------------------------------------------------------------------------------------------------------------------
 */
/* What the daemon before has left, by the places that the uplinks had then. */
struct left {
	struct lacp_saved saved[UL_MAX_UPLINKS];
	uint64_t answered_ms[UL_MAX_UPLINKS];
};

static void read_left(struct dataplane *dp, struct left *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (dataplane_load_lacp(dp, i, &ret->saved[i]) < 0)
			ret->saved[i].version = 0;
		ret->answered_ms[i] = dp->lacp_answers[i].last_ns / 1000000;
	}
}

/* From the place of i on no uplink has a record: what is there would be taken for that of the next
 * one with this number. */
static void forget_from(struct dataplane *dp, uint32_t i)
{
	static const struct lacp_saved none;

	for (; i < UL_MAX_UPLINKS; i++)
		dataplane_save_lacp(dp, i, &none);
}

/* The uplinks may have changed places in the file meanwhile; their port numbers are what they were.
 * A new one may have got the number of one that is gone, and another NIC the name. */
static void restore(struct channel *channel, struct channel_port *port, const struct left *left)
{
	uint64_t now = now_ms();

	if (!port->known || channel->vs->uplink[port->index].replaced)
		return;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		const struct lacp_saved *saved = &left->saved[i];
		uint64_t heard_ms = saved->tx_ms > left->answered_ms[i] ? saved->tx_ms :
									  left->answered_ms[i];

		if (!saved->version || saved->actor.port != port->number)
			continue;
		lacp_restore(channel->lacp, port->number, saved,
			     now > heard_ms ? now - heard_ms : 0);
		if (i != port->index)
			forget_answers(port);
	}
}

/* What the mux says now, for ports whose saved state was not taken up: for those no change is
 * called. */
static void publish_states(struct channel *channel)
{
	for (uint32_t i = 0; i < channel->vs->dp->meta->n_uplinks; i++) {
		struct lacp_port_info info;

		if (lacp_port_info(channel->lacp, channel->port[i]->number, now_ms(), &info) < 0)
			continue;
		vswitch_set_lacp(channel->vs, i, info.actor.state & LACP_COLLECTING,
				 info.actor.state & LACP_DISTRIBUTING);
	}
}

/* ---- configuration
 * ----------------------------------------------------------------------------------------------------------------------
 */
static int start_lacp(struct channel *channel, const struct lacp_config *config)
{
	struct lacp_callbacks callbacks = channel_callbacks;

	callbacks.userdata = channel;
	channel->lacp = lacp_new(config, &callbacks);
	return channel->lacp ? 0 : log_error(-ENOMEM, "%s: LACP", channel->vs->name);
}

/* Without a channel the partner must not go on bundling the links, so it is told. With a static one
 * it may, and goes on for as long as it believes in LACP: the time to set it to static, too. */
static void stop_lacp(struct channel *channel)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		if (!channel->port[i])
			continue;
		if (channel->port[i]->added && channel->vs->cfg->channel == UL_CHANNEL_NONE)
			lacp_port_remove(channel->lacp, channel->port[i]->number, now_ms());
		channel->port[i]->added = false;
		memset(&channel->port[i]->saved, 0, sizeof(channel->port[i]->saved));
		channel->vs->uplink[i].lacp_collecting = channel->vs->uplink[i].lacp_distributing =
			false;
	}
	lacp_free(TAKE_PTR(channel->lacp));
}

static int apply_port(struct channel *channel, struct channel_port *port, const struct left *left)
{
	int r = channel_port_configure(channel, port);

	if (r < 0)
		return log_error(r, "%s: cannot add LACP port %u",
				 channel->vs->dp->uplinks[port->index].name, port->number);
	if (port->added)
		return 0;
	port->added = true;
	if (channel->starting)
		restore(channel, port, left);
	return channel_port_configure(channel, port); /* drained or not */
}

static int apply_lacp(struct channel *channel)
{
	struct vswitch *vs = channel->vs;
	struct lacp_config config;
	bool fresh = !channel->lacp;
	struct left left;
	int r = 0;

	make_config(vs, &config);
	STORE(vs->dp->meta->headless_ns, (uint64_t)vs->cfg->lacp.headless_s * 1000000000ULL);
	if (fresh)
		r = start_lacp(channel, &config);
	else
		lacp_configure(channel->lacp, &config, now_ms());
	if (r < 0)
		return r;
	channel->starting = fresh;
	if (fresh)
		read_left(vs->dp, &left);
	for (uint32_t i = 0; r == 0 && i < vs->dp->meta->n_uplinks; i++)
		r = apply_port(channel, channel->port[i], &left);
	for (uint32_t i = 0; r == 0 && i < vs->dp->meta->n_uplinks; i++)
		channel_port_connect(channel, channel->port[i]);
	channel->starting = false;
	if (r < 0)
		return r;
	/* Before anything is sent: a port whose record was refused sends and receives no more when
	 * its first LACPDU says so. */
	publish_states(channel);
	channel->show_ms = 0; /* at the places that the uplinks have now */
	channel_run(channel);
	forget_from(vs->dp, vs->dp->meta->n_uplinks);
	return 0;
}

static int make_channel(struct vswitch *vs)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	int r;

	if (!channel)
		return log_error(-ENOMEM, "%s", vs->name);
	channel->vs = vs;
	r = sd_event_add_time(vs->context.event, &channel->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000,
			      channel_timer_due, channel);
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
	bool first = !vs->channel;
	int r;

	if (first) {
		r = make_channel(vs);
		if (r < 0)
			return r;
	}
	r = arrange_ports(vs->channel);
	if (r < 0)
		return r;
	if (vs->cfg->channel == UL_CHANNEL_LACP)
		return apply_lacp(vs->channel);
	if (first || vs->channel->lacp)
		forget_from(vs->dp, 0);
	if (vs->channel->lacp)
		stop_lacp(vs->channel);
	vs->channel->show_ms = 0;
	for (uint32_t i = 0; i < vs->dp->meta->n_uplinks; i++)
		channel_port_connect(vs->channel, vs->channel->port[i]);
	channel_run(vs->channel);
	return 0;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		free_port(channel->port[i]);
	sd_event_source_disable_unref(channel->timer);
	lacp_free(channel->lacp);
	free(channel);
}
