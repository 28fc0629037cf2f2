// SPDX-License-Identifier: GPL-2.0
#include "team/vswitch.h"

#include <stdarg.h>

#include "dataplane/view.h"
#include "team/channel.h"

void vswitch_report(struct vswitch *vs, const char *object, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_info("%s: %s: %s", vs->name, object, text);
	if (vs->context.report)
		vs->context.report(vs->context.userdata, vs->name, object, text);
}

/* ---- life cycle
 * ------------------------------------------------------------------------------------------------------------------------
 */
/* groups_left: groups that are in the maps and not in cfg; their places are free only when no port
 * refers to them any more. */
static void needs_of(const struct switch_cfg *cfg, uint32_t groups_left,
		     struct dataplane_needs *ret)
{
	*ret = (struct dataplane_needs){ .groups = (uint32_t)cfg->n_groups + groups_left };
	for (size_t g = 0; g < cfg->n_groups; g++)
		ret->ports += (uint32_t)cfg->groups[g].n_ports;
	ret->fdb_keys = ret->ports;
}

static int open_dataplane(struct vswitch *vs, const struct dataplane_needs *needs,
			  enum dataplane_how how)
{
	uint32_t lo = 1;
	int r;

	r = dataplane_open(vs->context.bpffs, vs->name, needs, how, &vs->dp);
	if (r < 0)
		return r;
	/* The loopback interface is always there: whether its net_device is found tells whether the
	 * programs can check carriers. */
	vs->carrier_check = dataplane_find_netdev(vs->dp, lo) != 0;
	return 0;
}

int vswitch_new(const struct vswitch_context *context, const struct switch_cfg *cfg,
		struct vswitch **ret)
{
	struct vswitch *vs = calloc(1, sizeof(*vs));
	struct dataplane_needs needs;
	int r;

	if (!vs)
		return log_error(-ENOMEM, "%s", cfg->name);
	vs->context = *context;
	snprintf(vs->name, sizeof(vs->name), "%s", cfg->name);
	memset(vs->port_uplink, UL_NO_UPLINK, sizeof(vs->port_uplink));
	r = notifier_new(context->event, notify_socket_send, context->notify_socket, &vs->notifier);
	if (r < 0)
		log_error(r, "%s: cannot make the notifier", cfg->name);
	needs_of(cfg, 0, &needs);
	if (r == 0)
		r = open_dataplane(vs, &needs, DATAPLANE_ANY_SIZE);
	if (r == 0)
		r = learn_start(vs);
	if (r < 0) {
		if (vs->dp)
			dataplane_discard(vs->dp);
		vswitch_free(vs);
		return r;
	}
	*ret = vs;
	return 0;
}

void vswitch_abandon(struct vswitch *vs)
{
	/* What was adopted goes on as it is; what was made to replace another set goes, and that
	 * one goes on. */
	if (vs->dp->adopted || vs->dp->staged)
		dataplane_discard(vs->dp);
	else
		vswitch_teardown(vs);
	vswitch_free(vs);
}

void vswitch_free(struct vswitch *vs)
{
	if (!vs)
		return;
	uplinks_stop_timers(vs);
	channel_free(vs->channel);
	learn_stop(vs);
	notifier_free(vs->notifier);
	dataplane_free(vs->dp);
	free(vs);
}

/* ---- groups
 * ------------------------------------------------------------------------------------------------------------------------------
 */
static int find_group(const struct vswitch *vs, const char *name)
{
	for (uint32_t i = 0; i < vs->dp->meta->max_groups; i++)
		if (vs->dp->groups[i].flags & UL_GROUP_USED &&
		    strcmp(vs->dp->groups[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

static int free_group(const struct vswitch *vs)
{
	for (uint32_t i = 0; i < vs->dp->meta->max_groups; i++)
		if (!(vs->dp->groups[i].flags & UL_GROUP_USED))
			return (int)i;
	return -ENOSPC;
}

static uint32_t group_flags(const struct security *security)
{
	return UL_GROUP_USED | (security->promiscuous ? UL_GROUP_PROMISCUOUS : 0) |
	       (security->mac_changes ? UL_GROUP_MAC_CHANGES : 0) |
	       (security->forged_transmits ? UL_GROUP_FORGED_OK : 0) |
	       (security->mac_learning ? UL_GROUP_LEARNING : 0);
}

static int apply_group(struct vswitch *vs, const struct group_cfg *cfg, uint32_t policy)
{
	int index = find_group(vs, cfg->name);
	struct ul_group *group;

	if (index < 0)
		index = free_group(vs);
	if (index < 0)
		return log_error(index, "%s: no room for port group %s", vs->name, cfg->name);
	group = &vs->dp->groups[index];
	snprintf(group->name, sizeof(group->name), "%s", cfg->name);
	for (size_t i = 0; i < ARRAY_SIZE(group->vlans); i++)
		STORE(group->vlans[i], cfg->vlans[i]);
	STORE(group->vlan_mode, (uint16_t)cfg->vlan_mode);
	STORE(group->vid, cfg->vid);
	STORE(group->policy, policy);
	STORE(group->flags, group_flags(&cfg->security));
	return index;
}

static uint32_t groups_to_go(const struct vswitch *vs, const struct switch_cfg *cfg)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < vs->dp->meta->max_groups; i++)
		n += vs->dp->groups[i].flags & UL_GROUP_USED &&
		     !model_find_group(cfg, vs->dp->groups[i].name);
	return n;
}

static void prune_groups(struct vswitch *vs)
{
	for (uint32_t i = 0; i < vs->dp->meta->max_groups; i++)
		if (vs->dp->groups[i].flags & UL_GROUP_USED &&
		    !model_find_group(vs->cfg, vs->dp->groups[i].name))
			memset(&vs->dp->groups[i], 0, sizeof(vs->dp->groups[i]));
}

/* ---- ports
 * -------------------------------------------------------------------------------------------------------------------------------
 */
static int let_go_ports(struct vswitch *vs, const struct switch_cfg *cfg)
{
	_cleanup_free_ bool *wanted = calloc(vs->dp->meta->max_ports, sizeof(*wanted));

	if (!wanted)
		return log_error(-ENOMEM, "%s", vs->name);
	for (size_t g = 0; g < cfg->n_groups; g++) {
		for (size_t p = 0; p < cfg->groups[g].n_ports; p++) {
			int slot = port_find(vs, cfg->groups[g].ports[p].interface);

			if (slot >= 0)
				wanted[slot] = true;
		}
	}
	for (uint32_t slot = 0; slot < vs->dp->meta->max_ports; slot++)
		if (vs->dp->ports[slot].flags & UL_PORT_USED && !wanted[slot])
			port_release(vs, slot);
	return 0;
}

static int apply_ports(struct vswitch *vs, const uint32_t *group_index)
{
	int r = let_go_ports(vs, vs->cfg);

	if (r < 0)
		return r;
	for (size_t g = 0; g < vs->cfg->n_groups; g++) {
		for (size_t p = 0; p < vs->cfg->groups[g].n_ports; p++) {
			int slot = port_apply(vs, &vs->cfg->groups[g].ports[p], group_index[g]);

			if (slot < 0)
				return slot;
		}
	}
	return 0;
}

/* ---- addresses
 * -------------------------------------------------------------------------------------------------------------------------
 */
/* Learned addresses are those that are no port's own. */
static bool is_learned(void *userdata, uint64_t key, uint32_t slot)
{
	const struct vswitch *vs = userdata;
	const struct ul_port *port = slot < vs->dp->meta->max_ports ? &vs->dp->ports[slot] : NULL;

	return !port || !(port->flags & UL_PORT_USED) || !port_has_mac(port) ||
	       key != ul_fdb_key(vs->dp->groups[port->group].vid, port->mac);
}

/* An entry may stay if it is a port's own address, or was learned at a port that still is in that
 * VLAN and still may learn. The address of a port without an interface is not here: the machine may
 * be on another host by now, reached by an uplink. */
static int prune_address(void *userdata, uint64_t key, uint32_t slot)
{
	struct vswitch *vs = userdata;
	const struct ul_port *port = slot < vs->dp->meta->max_ports ? &vs->dp->ports[slot] : NULL;

	if (port && port->flags & UL_PORT_USED && port->ifindex) {
		const struct ul_group *group = &vs->dp->groups[port->group];

		if (!is_learned(vs, key, slot))
			return 0;
		if (group->flags & UL_GROUP_LEARNING && (key & 0xfff) == group->vid)
			return 0;
	}
	table_remove(&vs->dp->fdb, key);
	return 0;
}

/* What is configured has precedence over what was learned: machines may fill the table, but not
 * keep a port out of it. */
int vswitch_set_address(struct vswitch *vs, uint64_t key, uint32_t slot)
{
	int r = table_set(&vs->dp->fdb, key, slot);

	if (r == -ENOSPC && table_evict(&vs->dp->fdb, key, is_learned, vs) == 0)
		r = table_set(&vs->dp->fdb, key, slot);
	return r;
}

static int apply_addresses(struct vswitch *vs)
{
	table_foreach(&vs->dp->fdb, prune_address, vs);
	for (uint32_t slot = 0; slot < vs->dp->meta->max_ports; slot++) {
		const struct ul_port *port = &vs->dp->ports[slot];
		int r;

		if (!(port->flags & UL_PORT_USED) || !port->ifindex || !port_has_mac(port))
			continue;
		r = vswitch_set_address(vs, ul_fdb_key(vs->dp->groups[port->group].vid, port->mac),
					slot);
		if (r < 0)
			return log_error(r, "%s: the address table is full", vs->name);
	}
	learn_adopt(vs);
	return 0;
}

/* ---- VLANs: who is there, and the flood lists
 * -------------------------------------------------------------------------------------------- */
struct vlan_plan {
	uint32_t flags[UL_N_VLANS];
	uint16_t n_members[UL_N_VLANS];
};

static void plan_group(const struct ul_group *group, struct vlan_plan *plan)
{
	uint32_t curious =
		group->flags & (UL_GROUP_PROMISCUOUS | UL_GROUP_LEARNING) ? UL_VLAN_CURIOUS : 0;

	if (group->vlan_mode != UL_VLAN_VGT) {
		plan->flags[group->vid] |= UL_VLAN_ACCESS | curious;
		return;
	}
	for (uint32_t vid = 0; vid < UL_VLAN_TRUNK; vid++)
		if (group->vlans[vid / 64] >> (vid % 64) & 1)
			plan->flags[vid] |= UL_VLAN_TRUNKED | curious;
}

/* The copy of UL_VLAN_CURIOUS that ports have for uplink_xdp. */
static void copy_curious(struct vswitch *vs, uint32_t slot)
{
	struct ul_port *port = &vs->dp->ports[slot];
	struct ul_port_vlan vlan = port->vlan;

	vlan.group_flags &= ~(uint32_t)UL_GROUP_CURIOUS_VLAN;
	if (vlan.mode != UL_VLAN_VGT && vs->dp->vlans[vlan.vid].flags & UL_VLAN_CURIOUS)
		vlan.group_flags |= UL_GROUP_CURIOUS_VLAN;
	__atomic_store(&port->vlan, &vlan, __ATOMIC_RELEASE);
}

/* Lists are in the order of slots, so a port that comes or goes moves few others. */
static int apply_vlans(struct vswitch *vs)
{
	_cleanup_free_ struct vlan_plan *plan = calloc(1, sizeof(*plan));
	struct dataplane *dp = vs->dp;

	if (!plan)
		return log_error(-ENOMEM, "%s", vs->name);
	for (uint32_t i = 0; i < dp->meta->max_groups; i++)
		if (dp->groups[i].flags & UL_GROUP_USED)
			plan_group(&dp->groups[i], plan);
	for (uint32_t slot = 0; slot < dp->meta->max_ports; slot++) {
		uint16_t vid = dp->groups[dp->ports[slot].group].vid;
		int r;

		if (!(dp->ports[slot].flags & UL_PORT_USED))
			continue;
		r = dataplane_set_member(dp, vid, plan->n_members[vid]++, slot);
		if (r < 0)
			return log_error(r, "%s: cannot write the flood list of VLAN %u", vs->name,
					 vid);
	}
	for (uint32_t vid = 0; vid < UL_N_VLANS; vid++) {
		uint32_t old = dp->vlans[vid].n_members;

		STORE(dp->vlans[vid].n_members, plan->n_members[vid]);
		STORE(dp->vlans[vid].flags, plan->flags[vid]);
		for (uint32_t place = plan->n_members[vid]; place < old; place++)
			dataplane_remove_member(dp, (uint16_t)vid, (uint16_t)place);
	}
	for (uint32_t slot = 0; slot < dp->meta->max_ports; slot++)
		if (dp->ports[slot].flags & UL_PORT_USED)
			copy_curious(vs, slot);
	return 0;
}

/* ---- applying
 * ------------------------------------------------------------------------------------------------------------------------------
 */
static void apply_meta(struct vswitch *vs)
{
	struct ul_meta *meta = vs->dp->meta;

	meta->channel = vs->cfg->channel;
	meta->mtu = vs->cfg->mtu;
	meta->receive = vs->cfg->receive;
	snprintf(meta->version, sizeof(meta->version), "%s", UL_VERSION);
	meta->generation++;
}

static int apply_all(struct vswitch *vs)
{
	_cleanup_free_ uint32_t *policy = calloc(vs->cfg->n_groups + 1, sizeof(*policy));
	_cleanup_free_ uint32_t *group = calloc(vs->cfg->n_groups + 1, sizeof(*group));
	int r;

	if (!policy || !group)
		return log_error(-ENOMEM, "%s", vs->name);
	r = uplinks_apply(vs);
	if (r == 0)
		r = policies_apply(vs, policy);
	for (size_t g = 0; r == 0 && g < vs->cfg->n_groups; g++) {
		int index = apply_group(vs, &vs->cfg->groups[g], policy[g]);

		if (index < 0)
			return index;
		group[g] = (uint32_t)index;
	}
	if (r == 0)
		r = apply_ports(vs, group);
	if (r < 0)
		return r;
	prune_groups(vs);
	policies_prune(vs, policy);
	r = apply_addresses(vs);
	if (r == 0)
		r = apply_vlans(vs);
	if (r < 0)
		return r;
	apply_meta(vs);
	uplinks_update(vs);
	vs->started = true;
	return 0;
}

/* A set that has become too small: one that is large enough is filled with what this one holds and
 * takes its place. */
static int grow(struct vswitch *vs, const struct dataplane_needs *needs)
{
	struct dataplane *old = vs->dp;
	int r;

	if (old->staged) {
		/* An attempt before this one got stuck on its way into the place of its
		 * predecessor. */
		r = dataplane_take_over(old);
		if (r < 0)
			return r;
	}
	vs->dp = NULL;
	r = open_dataplane(vs, needs, DATAPLANE_LARGER);
	if (r < 0) {
		vs->dp = old;
		return r;
	}
	r = dataplane_copy(vs->dp, old);
	if (r < 0)
		log_error(r, "%s: cannot copy everything into the larger maps", vs->name);
	learn_stop(vs);
	dataplane_free(old);
	return learn_start(vs);
}

int vswitch_apply(struct vswitch *vs, const struct switch_cfg *cfg)
{
	struct dataplane_needs needs;
	int r;

	vs->cfg = cfg;
	needs_of(cfg, groups_to_go(vs, cfg), &needs);
	if (!dataplane_large_enough(vs->dp, &needs)) {
		r = grow(vs, &needs);
		if (r < 0)
			return r;
	}
	r = apply_all(vs);
	if (r == 0)
		r = dataplane_take_over(vs->dp);
	return r;
}

void vswitch_let_go(struct vswitch *vs, const struct switch_cfg *cfg)
{
	let_go_ports(vs, cfg);
	uplinks_let_go(vs, cfg);
}

void vswitch_teardown(struct vswitch *vs)
{
	for (uint32_t slot = 0; slot < vs->dp->meta->max_ports; slot++)
		if (vs->dp->ports[slot].flags & UL_PORT_USED)
			port_release(vs, slot);
	uplinks_release_all(vs);
	dataplane_destroy(vs->context.bpffs, vs->name, vs->dp);
}

int vswitch_remove(const struct vswitch_context *context, const char *name)
{
	struct vswitch *vs = calloc(1, sizeof(*vs));
	int r;

	if (!vs)
		return log_error(-ENOMEM, "%s", name);
	vs->context = *context;
	snprintf(vs->name, sizeof(vs->name), "%s", name);
	r = dataplane_open(context->bpffs, name, NULL, DATAPLANE_MAPS_ONLY, &vs->dp);
	if (r == 0)
		vswitch_teardown(vs);
	else if (r == -ENOENT)
		r = dataplane_destroy(context->bpffs, name, NULL);
	vswitch_free(vs);
	return r;
}

/* ---- checking before anything is changed
 * --------------------------------------------------------------------------------------------------
 */
/* Somebody else's XDP program on the interface: a negative errno with a message. */
static int check_xdp(const struct vswitch_context *context, const struct switch_cfg *cfg,
		     const struct model *model, const struct link_info *info,
		     struct config_errors *errors)
{
	char owner[UL_NAME_LEN];

	if (!info->xdp_prog_id || cfg->receive == UL_RECEIVE_TC)
		return 0;
	if (dataplane_xdp_owner(context->bpffs, info->ifindex, owner) < 0) {
		config_error_add(
			errors,
			"%s: %s has another XDP program (id %u); see 'bpftool prog show id %u' and 'bpftool net show dev %s', detach it or set receive: tc",
			cfg->name, info->name, info->xdp_prog_id, info->xdp_prog_id, info->name);
		return -EBUSY;
	}
	/* Of a switch that goes, or gives it up: all let go before any takes. */
	if (model_find_switch(model, owner) || context->owns(context->userdata, owner))
		return 0;
	config_error_add(
		errors,
		"%s: %s is an uplink of switch %s of another uplinkd; take it out there, with that one's --run-dir",
		cfg->name, info->name, owner);
	return -EBUSY;
}

int vswitch_check(const struct vswitch_context *context, const struct switch_cfg *cfg,
		  const struct switch_cfg *before, const struct model *model,
		  struct config_errors *errors)
{
	int r = check_settings(context, cfg, before, errors);

	for (uint32_t i = 0; i < cfg->n_uplinks; i++) {
		const struct link_info *info = link_by_name(context->links, cfg->uplinks[i]);
		int failed;

		/* What happened to an uplink meanwhile is no reason to refuse a change of something
		 * else. */
		if (before && before->receive == cfg->receive &&
		    switch_has_uplink(before, cfg->uplinks[i]))
			continue;
		if (!info || link_monitor_refresh(context->links, info->ifindex) < 0)
			continue; /* not there: it will be waited for */
		info = link_by_name(context->links, cfg->uplinks[i]);
		if (!info)
			continue;
		if (info->master) {
			config_error_add(
				errors,
				"%s: %s belongs to a bridge or bond; take it out with 'ip link set %s nomaster'",
				cfg->name, info->name, info->name);
			r = -EBUSY;
			continue;
		}
		failed = check_xdp(context, cfg, model, info, errors);
		if (failed < 0)
			r = failed;
	}
	return r;
}

/* ---- events
 * ----------------------------------------------------------------------------------------------------------------------------------
 */
static int port_by_interface(const struct vswitch *vs, const char *name)
{
	for (uint32_t slot = 0; slot < vs->dp->meta->max_ports; slot++) {
		char interface[UL_NAME_LEN];

		if (!(vs->dp->ports[slot].flags & UL_PORT_USED))
			continue;
		port_interface(&vs->dp->ports[slot], interface);
		if (strcmp(interface, name) == 0 || strcmp(vs->dp->ports[slot].name, name) == 0)
			return (int)slot;
	}
	return -ENOENT;
}

void vswitch_link_event(struct vswitch *vs, const struct link_info *info, unsigned int changes)
{
	int index = uplinks_index(vs, info->name);

	if (index >= 0) {
		uplink_link_event(vs, (uint32_t)index, info, changes);
		return;
	}
	index = port_by_interface(vs, info->name);
	if (index >= 0)
		port_link_event(vs, (uint32_t)index, info, changes);
}

void vswitch_renew_lease(struct vswitch *vs, uint64_t until_ns)
{
	STORE(vs->dp->meta->lease_ns, until_ns);
}

/* ---- ports added at run time
 * ------------------------------------------------------------------------------------------------------------------
 */
static void collect_from(const struct view *view, struct model *model, const char *switch_name)
{
	for (uint32_t slot = 0; slot < view->meta->max_ports; slot++) {
		const struct ul_port *port = &view->ports[slot];
		_cleanup_(config_errors_done) struct config_errors errors = {};
		struct port_cfg cfg = { .runtime = true };

		if (!(port->flags & UL_PORT_USED) || !(port->flags & UL_PORT_RUNTIME) ||
		    port->group >= view->meta->max_groups)
			continue;
		memcpy(cfg.interface, port->name, sizeof(cfg.interface));
		cfg.interface[sizeof(cfg.interface) - 1] = '\0';
		memcpy(cfg.mac, port->mac, sizeof(cfg.mac));
		cfg.has_mac = port_has_mac(port);
		if (model_add_port(model, switch_name, view->groups[port->group].name, &cfg,
				   &errors) < 0)
			log_warning(0, "%s: port %s, added at run time, is dropped: %s",
				    switch_name, port->name,
				    errors.n ? errors.messages[0] :
					       "it does not fit the configuration");
	}
}

int vswitch_collect_runtime_ports(const char *bpffs, struct model *model)
{
	for (size_t i = 0; i < model->n_switches; i++) {
		struct view *view = NULL;

		if (view_open(bpffs, model->switches[i].name, &view) < 0)
			continue;
		collect_from(view, model, model->switches[i].name);
		view_close(view);
	}
	return 0;
}
