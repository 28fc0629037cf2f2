// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "vswitch/vswitch.h"

#include <assert.h>

#include "common/backoff.h"
#include "context/saved_settings.h"
#include "dataplane/journal.h"
#include "dataplane/set_v2.h"
#include "port/attachment.h"
#include "vswitch/internal.h"

/* ---- interfaces that left ---- */
static void arm_retry(struct vswitch *vs, sd_event_source **timer, uint32_t *retry_ms,
		      sd_event_time_handler_t on_timer, const char *failure)
{
	int r;

	*timer = sd_event_source_disable_unref(*timer);
	*retry_ms = backoff_next_ms(*retry_ms);
	r = sd_event_add_time_relative(vs->context.event, timer, CLOCK_MONOTONIC,
				       *retry_ms * 1000ULL, 0, on_timer, vs);
	if (r < 0)
		context_fail(&vs->context, r, "%s", failure);
}

static int on_release_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void on_unreleased(void *userdata)
{
	struct vswitch *vs = userdata;

	if (!vs->release_timer)
		arm_retry(vs, &vs->release_timer, &vs->release_retry_ms, on_release_timer,
			  "no timer; the next reload releases the interfaces that left");
}

void vswitch_release_left(struct vswitch *vs)
{
	vs->release_timer = sd_event_source_disable_unref(vs->release_timer);
	saved_settings_sweep(&vs->context);
	if (dataplane_detach_strays(vs->context.dp) < 0)
		on_unreleased(vs);
	if (!vs->release_timer)
		vs->release_retry_ms = 0;
}

static int on_release_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct vswitch *vs = userdata;

	(void)source;
	(void)usec;
	vs->release_timer = sd_event_source_disable_unref(vs->release_timer);
	/* Until a staged set takes over, interfaces that it does not have yet may forward. */
	if (!vs->context.cfg || vs->context.dp->staged)
		on_unreleased(vs);
	else
		vswitch_release_left(vs);
	return 0;
}

bool vswitch_is_releasing(const struct vswitch *vs)
{
	return vs->release_timer;
}

/* ---- composition ---- */
int vswitch_compose(struct vswitch *vs, struct timely *timely, announce_send send,
		    void *send_userdata)
{
	struct uplinks_callbacks uplinks_callbacks = links_uplinks_callbacks;
	struct timely_callbacks timely_callbacks = links_timely_callbacks;
	struct ports_callbacks ports_callbacks = links_ports_callbacks;
	struct switch_context *context = &vs->context;
	int r;

	uplinks_callbacks.userdata = timely_callbacks.userdata = ports_callbacks.userdata = vs;
	context->on_unreleased = on_unreleased;
	context->unreleased_userdata = vs;
	links_init(vs);
	r = uplinks_new(context, &uplinks_callbacks, &vs->uplinks);
	if (r == 0)
		r = ports_new(context, &ports_callbacks, &vs->ports);
	if (r == 0)
		r = timely_open(timely, context, &timely_callbacks, send, send_userdata,
				&vs->timely);
	return r;
}

void vswitch_decompose(struct vswitch *vs)
{
	timely_close(TAKE_PTR(vs->timely));
	links_close(vs);
	ports_free(TAKE_PTR(vs->ports));
	uplinks_free(TAKE_PTR(vs->uplinks));
	vs->exchange_timer = sd_event_source_disable_unref(vs->exchange_timer);
	vs->release_timer = sd_event_source_disable_unref(vs->release_timer);
}

static struct vswitch *allocate(const struct vswitch_context *from, const char *name)
{
	struct vswitch *vs = calloc(1, sizeof(*vs));

	if (!vs) {
		errors_add(from->errors, -ENOMEM, "%s", name);
		return NULL;
	}
	vs->context = (struct switch_context){
		.event = from->event,
		.links = from->links,
		.bpffs = from->bpffs,
		.errors = from->errors,
		.report = from->report,
		.userdata = from->userdata,
	};
	snprintf(vs->context.name, sizeof(vs->context.name), "%s", name);
	links_init(vs);
	return vs;
}

const char *vswitch_name(const struct vswitch *vs)
{
	return vs->context.name;
}

bool vswitch_has_carrier_program(const struct vswitch *vs)
{
	return vs->context.carrier_program;
}

const char *vswitch_uplink_statistics(const struct vswitch *vs, uint32_t index,
				      struct timely_uplink_statistics *ret)
{
	if (!vs->context.dp || index >= dataplane_n_uplinks(vs->context.dp))
		return NULL;
	timely_get_uplink_statistics(vs->timely, index, ret);
	return vs->context.dp->uplinks[index].name;
}

size_t vswitch_count_ports(const struct vswitch *vs)
{
	const struct dataplane *dp = vs->context.dp;
	size_t n = 0;

	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		n += dp->ports[slot].flags & UL_PORT_USED;
	return n;
}

/* ---- life cycle ---- */
static int open_dataplane(struct vswitch *vs, const struct dataplane_needs *needs,
			  enum dataplane_how how)
{
	const uint32_t loopback = 1;
	uint64_t netdev;
	bool visible;
	int r = dataplane_open(vs->context.bpffs, vs->context.name, needs, how, vs->context.errors,
			       &vs->context.dp);

	if (r < 0)
		return r;
	/* The loopback interface always exists. */
	r = dataplane_find_netdev(vs->context.dp, loopback, &netdev, &visible);
	if (r < 0)
		return context_fail(&vs->context, r, "cannot find out how carriers can be read");
	vs->context.carrier_program = netdev != 0;
	if (vs->context.dp->programs_replaced)
		context_report(&vs->context, EVENT_SWITCH, vs->context.name,
			       "the pinned programs were of another build; they were replaced");
	return 0;
}

static int open_journal(struct vswitch *vs, bool make)
{
	return journal_open(vs->context.bpffs, vs->context.name, make, vs->context.errors,
			    &vs->context.journal);
}

/* What a set of 0.1.0, which the new one replaces, has and the configuration does not. */
static int carry_over(struct vswitch *vs)
{
	const struct switch_context *context = &vs->context;
	struct set_v2 *set = NULL;
	int r;

	if (!context->dp->staged)
		return 0;
	r = set_v2_open(context->bpffs, context->name, &set);
	if (r == 0)
		r = set_v2_note_settings(set, context->journal);
	if (r == 0)
		r = set_v2_carry_over(set, context->dp);
	set_v2_close(set);
	return r < 0 && r != -ENOENT ?
		       context_fail(context, r, "cannot take over the maps of 0.1.0") :
		       0;
}

/* Nothing was attached or changed yet; an adopted set stays. */
static void discard(struct vswitch *vs)
{
	if (!vs->context.dp)
		return;
	dataplane_discard(vs->context.dp);
	if (vs->context.journal && !journal_count(vs->context.journal) && !vs->context.dp->adopted)
		(void)journal_unpin(vs->context.bpffs, vs->context.name, vs->context.errors);
}

int vswitch_new(const struct vswitch_context *context, const struct switch_cfg *cfg,
		struct vswitch **ret)
{
	struct vswitch *vs = allocate(context, cfg->name);
	struct dataplane_needs needs;
	int r;

	if (!vs)
		return -ENOMEM;
	r = needs_of(cfg, &needs);
	if (r == 0)
		r = open_dataplane(vs, &needs, DATAPLANE_ANY_SIZE);
	if (r == 0)
		r = open_journal(vs, true);
	if (r == 0)
		r = carry_over(vs);
	if (r == 0)
		r = vswitch_compose(vs, context->timely, announce_socket_send,
				    context->announce_socket);
	if (r == 0)
		r = ports_start_learning(vs->ports);
	if (r < 0) {
		discard(vs);
		vswitch_free(vs);
		return r;
	}
	*ret = vs;
	return 0;
}

void vswitch_free(struct vswitch *vs)
{
	if (!vs)
		return;
	vswitch_decompose(vs);
	dataplane_free(vs->context.dp);
	dataplane_free(vs->former_dp);
	journal_free(vs->context.journal);
	free(vs);
}

void vswitch_abandon(struct vswitch *vs)
{
	if (vs->context.dp->adopted || vs->context.dp->staged)
		dataplane_discard(vs->context.dp);
	else
		vswitch_teardown(vs);
	vswitch_free(vs);
}

/* ---- applying ---- */
static void release_uplink(struct vswitch *vs, uint32_t index)
{
	links_leave(vs, index);
	uplinks_release(vs->uplinks, index);
}

static void release_removed_uplinks(struct vswitch *vs, const struct switch_cfg *cfg)
{
	const struct dataplane *dp = vs->context.dp;

	for (uint32_t i = 0; i < dataplane_n_uplinks(dp); i++)
		if (!switch_has_uplink(cfg, dp->uplinks[i].name))
			release_uplink(vs, i);
}

static int apply_uplinks(struct vswitch *vs)
{
	const struct switch_cfg *cfg = vs->context.cfg;
	uint8_t to[UL_MAX_UPLINKS];
	int r;

	release_removed_uplinks(vs, cfg);
	uplinks_new_order(vs->uplinks, to);
	r = timely_order(vs->timely, to);
	uplinks_renumber(vs->uplinks, to);
	links_renumber(vs, to);
	if (r < 0)
		return r;
	r = uplinks_connect(vs->uplinks, vs->started);
	if (r < 0)
		return r;
	links_complete(vs);
	return timely_start(vs->timely);
}

/*
 * Every step leaves maps with which frames pass: policies before the groups that refer to them,
 * groups before ports, and what is not needed any longer is removed after the last reference to it.
 */
static int apply_matched(struct vswitch *vs, struct group_match *match)
{
	const struct switch_cfg *cfg = vs->context.cfg;
	_cleanup_free_ uint32_t *policies = calloc(cfg->n_groups + 1, sizeof(*policies));
	uint64_t exact[UL_N_VLANS / 64];
	int r;

	if (!policies)
		return context_fail(&vs->context, -ENOMEM, "teaming policies");
	r = apply_uplinks(vs);
	if (r < 0)
		return r;
	r = timely_assign(vs->timely, policies);
	if (r < 0)
		return r;
	r = groups_apply(&vs->context, policies, match);
	if (r == 0)
		r = ports_apply(vs->ports, match->record);
	if (r < 0)
		return r;
	groups_prune(&vs->context, match);
	timely_prune(vs->timely, policies);
	r = ports_apply_addresses(vs->ports);
	if (r < 0)
		return r;
	ports_exact_vlans(vs->ports, exact);
	return vlans_apply(&vs->context, exact);
}

/* Whether the key of the interface table is that of the endpoint's interface. */
static bool has_interface(const struct dataplane *dp, uint32_t endpoint, uint64_t key)
{
	uint32_t slot = endpoint - UL_ENDPOINT_PORT0, ifindex = 0;

	if (endpoint < dataplane_n_uplinks(dp))
		ifindex = dp->uplinks[endpoint].ifindex;
	else if (endpoint >= UL_ENDPOINT_PORT0 && slot < dp->max_ports &&
		 dp->ports[slot].flags & UL_PORT_USED)
		ifindex = dp->ports[slot].ifindex;
	return ifindex && key == ul_iface_key(ifindex);
}

static int prune_interface(void *userdata, uint64_t key, uint32_t endpoint)
{
	struct dataplane *dp = userdata;

	if (!has_interface(dp, endpoint, key))
		table_remove(&dp->ifaces, key);
	return 0;
}

static int apply_configuration(struct vswitch *vs, struct group_match *match)
{
	const struct switch_cfg *cfg = vs->context.cfg;
	struct dataplane *dp = vs->context.dp;
	int r;

	attachment_bridges_apply(&vs->context);
	r = apply_matched(vs, match);
	if (r < 0)
		return r;
	meta_write_settings(dp, cfg->channel, cfg->receive, cfg->mtu);
	meta_write_version(dp, UL_VERSION);
	meta_raise_generation(dp);
	timely_publish(vs->timely);
	/* Of an adopted set: with an entry an interface counts as a member. */
	table_foreach(&dp->ifaces, prune_interface, dp);
	vswitch_release_left(vs);
	vs->started = true;
	return 0;
}

int vswitch_apply_all(struct vswitch *vs)
{
	_cleanup_(group_match_done) struct group_match match = {};
	int r = groups_match(&vs->context, vs->context.cfg, &match);

	return r < 0 ? r : apply_configuration(vs, &match);
}

static int on_exchange_timer(sd_event_source *source, uint64_t usec, void *userdata);

/* The new maps are applied. A failure half-way leaves links of both sets, which forward alike,
 * because flags and policies are written to both until no link runs programs of the former one. It
 * is tried again. 0 or negative errno with a reason. */
static int take_over(struct vswitch *vs)
{
	int r = dataplane_take_over(vs->context.dp);

	vs->exchange_timer = sd_event_source_disable_unref(vs->exchange_timer);
	if (r == 0 && vs->former_dp) {
		timely_exchanged(vs->timely);
		dataplane_free(TAKE_PTR(vs->former_dp));
	}
	if (r == 0 && dataplane_remove_former(vs->context.dp) == 0) {
		vs->exchange_retry_ms = 0;
		return 0;
	}
	arm_retry(vs, &vs->exchange_timer, &vs->exchange_retry_ms, on_exchange_timer,
		  "no timer; the next reload replaces the former maps");
	return r;
}

static int on_exchange_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	(void)take_over(userdata);
	return 0;
}

/* Nothing was moved yet. Returns error. */
static int abandon_larger(struct vswitch *vs, struct dataplane *old, int error)
{
	if (vs->context.dp)
		dataplane_discard(vs->context.dp);
	dataplane_free(vs->context.dp);
	vs->context.dp = old;
	return error;
}

/* The maps have become too small: larger ones are filled with their contents, and replace them when
 * they are complete. */
static int grow(struct vswitch *vs, struct dataplane_needs *needs)
{
	struct dataplane *old = vs->context.dp;
	int r;

	/* An earlier attempt failed while its maps were to replace their predecessors. */
	r = take_over(vs);
	if (r < 0)
		return r;
	vs->context.dp = NULL;
	needs->former = old;
	r = open_dataplane(vs, needs, DATAPLANE_LARGER);
	if (r < 0)
		return abandon_larger(vs, old, r);
	r = dataplane_copy(vs->context.dp, old);
	if (r < 0)
		r = dataplane_copy(vs->context.dp, old);
	if (r < 0) {
		context_fail(&vs->context, r, "cannot copy everything into the larger maps");
		return abandon_larger(vs, old, r);
	}
	ports_stop_learning(vs->ports);
	vs->former_dp = old;
	return timely_exchange(vs->timely);
}

int vswitch_apply(struct vswitch *vs, const struct switch_cfg *cfg)
{
	_cleanup_(group_match_done) struct group_match match = {};
	struct dataplane_needs needs;
	bool grows;
	int r;

	assert(strcmp(vs->context.name, cfg->name) == 0);
	vs->context.cfg = cfg;
	r = groups_match(&vs->context, cfg, &match);
	if (r == 0)
		r = needs_of(cfg, &needs);
	if (r < 0)
		return r;
	/* Records of groups that leave become free only when no port refers to them, so there must
	 * be room for both. */
	needs.groups += match.n_leaving;
	grows = !dataplane_large_enough(vs->context.dp, &needs);
	if (grows)
		r = grow(vs, &needs);
	/* It does not run after growth, and as long as an attempt to start it fails. */
	if (r == 0)
		r = ports_start_learning(vs->ports);
	if (r == 0)
		r = grows ? vswitch_apply_all(vs) : apply_configuration(vs, &match);
	return r < 0 ? r : take_over(vs);
}

void vswitch_release_removed(struct vswitch *vs, const struct switch_cfg *cfg)
{
	(void)ports_release_removed(vs->ports, cfg);
	release_removed_uplinks(vs, cfg);
}

/* ---- removal ---- */
/* Interfaces that are not members of the set, or of a former one. The journal stays until all is
 * restored. */
static int end_journal(struct vswitch *vs)
{
	int r = saved_settings_restore_all(&vs->context);

	if (r == 0)
		r = journal_unpin(vs->context.bpffs, vs->context.name, vs->context.errors);
	return r;
}

int vswitch_teardown(struct vswitch *vs)
{
	int r, result;

	ports_release_all(vs->ports);
	for (uint32_t i = 0; i < dataplane_n_uplinks(vs->context.dp); i++)
		release_uplink(vs, i);
	result = dataplane_destroy(vs->context.bpffs, vs->context.name, vs->context.dp,
				   vs->context.errors);
	r = end_journal(vs);
	return r < 0 ? r : result;
}

/* A switch without maps of this ABI version: other ones may exist, and settings that a killed
 * daemon changed. */
static int remove_remains(struct vswitch *vs)
{
	struct set_v2 *set = NULL;
	int r = set_v2_open(vs->context.bpffs, vs->context.name, &set), found = r;

	if (r == 0 || r == -ENOENT)
		r = open_journal(vs, found == 0);
	if (r == 0 && set)
		r = set_v2_note_settings(set, vs->context.journal);
	set_v2_close(set);
	if (r == 0 || r == -ENOENT)
		r = dataplane_destroy(vs->context.bpffs, vs->context.name, NULL,
				      vs->context.errors);
	return r < 0 || !vs->context.journal ? r : end_journal(vs);
}

int vswitch_remove(const struct vswitch_context *context, const char *name)
{
	struct vswitch *vs = allocate(context, name);
	int r;

	if (!vs)
		return -ENOMEM;
	r = dataplane_open(context->bpffs, name, NULL, DATAPLANE_MAPS_ONLY, context->errors,
			   &vs->context.dp);
	if (r == -ENOENT) {
		r = remove_remains(vs);
	} else if (r == 0) {
		r = open_journal(vs, true);
		if (r == 0)
			r = vswitch_compose(vs, NULL, announce_socket_send,
					    context->announce_socket);
		if (r == 0)
			r = vswitch_teardown(vs);
	}
	vswitch_free(vs);
	return r;
}

/* ---- events ---- */
bool vswitch_next_forgotten(struct vswitch *vs, uint64_t now_ms, char ret_name[UL_NAME_LEN])
{
	return ports_next_forgotten(vs->ports, now_ms, ret_name);
}

void vswitch_link_event(struct vswitch *vs, const struct link_info *info, unsigned int changes)
{
	int index = uplinks_index_of_link(vs->uplinks, info);

	if (index < 0) {
		if (changes & LINK_ADDED)
			saved_settings_returned(&vs->context, info);
		(void)ports_link_event(vs->ports, info, changes);
		return;
	}
	uplinks_link_event(vs->uplinks, (uint32_t)index, info, changes);
}

int vswitch_uplink_is_usable(const struct vswitch *vs, const char *uplink)
{
	int index = uplinks_index(vs->uplinks, uplink);

	return index < 0 ? index : !!(vs->context.dp->uplinks[index].flags & UL_UP_SEND);
}

int vswitch_drain(struct vswitch *vs, const char *uplink, bool drain)
{
	int index = uplinks_index(vs->uplinks, uplink);

	return index < 0 ? index : timely_drain(vs->timely, (uint32_t)index, drain);
}
