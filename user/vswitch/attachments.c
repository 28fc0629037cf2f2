// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "vswitch/attachments.h"

#include <stdarg.h>

#include "config/name_index.h"
#include "config/value.h"
#include "context/context.h"
#include "port/attachment.h"

/* A bridge that exists. */
struct bridge {
	uint32_t ifindex;
	const char *name;
	const struct switch_cfg *sw;
	const struct group_cfg *group; /* NULL: VLAN-aware */
	uint16_t default_pvid;
};

struct update {
	struct link_monitor *links;
	const struct model *before;
	struct model *model;
	struct model_editor *editor;
	struct name_index names; /* of the model without attached ports */
	struct bridge *bridges;
	size_t n_bridges;
	struct link_bridge_port *vlans; /* of all bridges, when one is VLAN-aware */
	size_t n_vlans;
	struct attachments *ret;
	struct errors *errors;
	int result;
};

void attachments_done(struct attachments *attachments)
{
	free(attachments->refused);
	*attachments = (struct attachments){ 0 };
}

/* ---- bridges ---- */
void attachments_for_each_bridge(const struct model *model,
				 void (*on_bridge)(void *userdata, const struct switch_cfg *sw,
						   const char *bridge, bool vlan_aware),
				 void *userdata)
{
	for (size_t s = 0; s < model->n_switches; s++) {
		const struct switch_cfg *sw = &model->switches[s];

		if (sw->bridge[0])
			on_bridge(userdata, sw, sw->bridge, true);
		for (size_t g = 0; g < sw->n_groups; g++)
			if (sw->groups[g].bridge[0])
				on_bridge(userdata, sw, sw->groups[g].bridge, false);
	}
}

static void count_bridge(void *userdata, const struct switch_cfg *sw, const char *bridge,
			 bool vlan_aware)
{
	size_t *n = userdata;

	(void)sw;
	(void)bridge;
	(void)vlan_aware;
	++*n;
}

bool attachments_any(const struct model *model)
{
	size_t n = 0;

	attachments_for_each_bridge(model, count_bridge, &n);
	return n;
}

static const struct group_cfg *group_of_bridge(const struct switch_cfg *sw, const char *bridge)
{
	for (size_t g = 0; g < sw->n_groups; g++)
		if (strcmp(sw->groups[g].bridge, bridge) == 0)
			return &sw->groups[g];
	return NULL;
}

static void add_bridge(void *userdata, const struct switch_cfg *sw, const char *name,
		       bool vlan_aware)
{
	struct update *update = userdata;
	struct bridge *bridge = &update->bridges[update->n_bridges];
	struct link_bridge settings;
	struct link_info info;
	int r;

	if (link_get_by_name(update->links, name, &info) < 0 || strcmp(info.kind, "bridge") != 0)
		return;
	*bridge = (struct bridge){ .ifindex = info.ifindex, .name = name, .sw = sw };
	if (vlan_aware) {
		r = link_get_bridge(update->links, info.ifindex, &settings);
		if (r == -ENODEV)
			return;
		if (r < 0) {
			update->result = errors_add(update->errors, r, "%s: %s: cannot query VLANs",
						    sw->name, name);
			return;
		}
		bridge->default_pvid = settings.default_pvid;
	} else {
		bridge->group = group_of_bridge(sw, name);
	}
	update->n_bridges++;
}

static const struct bridge *find_bridge(const struct update *update, uint32_t ifindex)
{
	for (size_t i = 0; i < update->n_bridges; i++)
		if (update->bridges[i].ifindex == ifindex)
			return &update->bridges[i];
	return NULL;
}

static int find_bridges(struct update *update)
{
	size_t n = 0;
	bool vlan_aware = false;
	int r = 0;

	attachments_for_each_bridge(update->model, count_bridge, &n);
	update->bridges = calloc(n + 1, sizeof(*update->bridges));
	if (!update->bridges)
		return errors_add(update->errors, -ENOMEM, "attachment bridges");
	attachments_for_each_bridge(update->model, add_bridge, update);
	for (size_t i = 0; i < update->n_bridges; i++)
		vlan_aware = vlan_aware || !update->bridges[i].group;
	if (update->result == 0 && vlan_aware)
		r = link_get_bridge_ports(update->links, &update->vlans, &update->n_vlans);
	return r < 0 ? errors_add(update->errors, r, "attachment bridges: cannot query VLANs") :
		       update->result;
}

/* ---- VLANs ---- */
static bool is_empty(const uint64_t list[UL_N_VLANS / 64])
{
	for (size_t i = 0; i < UL_N_VLANS / 64; i++)
		if (list[i])
			return false;
	return true;
}

static const struct group_cfg *find_access_group(const struct switch_cfg *sw, uint16_t pvid,
						 uint16_t default_pvid)
{
	const struct group_cfg *untagged = NULL;

	for (size_t g = 0; g < sw->n_groups; g++) {
		const struct group_cfg *group = &sw->groups[g];

		if (group->vlan_mode == UL_VLAN_VST && group->vid == pvid)
			return group;
		if (group->vlan_mode == UL_VLAN_EST && !untagged)
			untagged = group;
	}
	return pvid == default_pvid ? untagged : NULL;
}

/* The group must pass no VLAN that the bridge does not, and all that it does. */
static bool has_vlans(const struct group_cfg *group, const struct link_bridge_port *port,
		      uint16_t default_pvid)
{
	if (group->vlan_mode != UL_VLAN_VGT ||
	    (UL_LIST_HAS(group->vlans, 0) && !(port->pvid && port->pvid == default_pvid)))
		return false;
	for (uint16_t vid = 1; vid < UL_VLAN_TRUNK; vid++)
		if (vid != default_pvid &&
		    UL_LIST_HAS(group->vlans, vid) != UL_LIST_HAS(port->tagged, vid))
			return false;
	return true;
}

static const struct group_cfg *refuse_vlans(char reason[ATTACHMENT_REASON_LEN], const char *format,
					    ...) __attribute__((format(printf, 2, 3)));

static const struct group_cfg *refuse_vlans(char reason[ATTACHMENT_REASON_LEN], const char *format,
					    ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reason, ATTACHMENT_REASON_LEN, format, ap);
	va_end(ap);
	return NULL;
}

const struct group_cfg *attachments_choose_group(const struct switch_cfg *sw,
						 const struct link_bridge_port *port,
						 uint16_t default_pvid,
						 char reason[ATTACHMENT_REASON_LEN])
{
	uint64_t others[UL_N_VLANS / 64];
	const struct group_cfg *group;
	char list[256];

	memcpy(others, port->untagged, sizeof(others));
	if (port->pvid)
		others[port->pvid / 64] &= ~(1ULL << (port->pvid % 64));
	if (!is_empty(others)) {
		vlan_describe(UL_VLAN_VGT, 0, others, list, sizeof(list));
		return refuse_vlans(reason, "VLAN %s is untagged in addition to the PVID", list);
	}
	if (is_empty(port->tagged)) {
		if (!port->pvid)
			return refuse_vlans(reason, "it has no VLAN in the bridge");
		group = find_access_group(sw, port->pvid, default_pvid);
		return group ? group :
			       refuse_vlans(reason, "%s has no port group for its PVID %u",
					    sw->name, port->pvid);
	}
	vlan_describe(UL_VLAN_VGT, 0, port->tagged, list, sizeof(list));
	if (port->pvid && port->pvid != default_pvid)
		return refuse_vlans(
			reason,
			"it has the PVID %u and the tagged VLANs %s; a trunk port has its untagged frames in VLAN %u",
			port->pvid, list, default_pvid);
	for (size_t g = 0; g < sw->n_groups; g++)
		if (has_vlans(&sw->groups[g], port, default_pvid))
			return &sw->groups[g];
	return refuse_vlans(reason, "%s has no trunk group with exactly its VLANs %s", sw->name,
			    list);
}

static const struct group_cfg *choose_group(const struct update *update,
					    const struct bridge *bridge, uint32_t ifindex,
					    char reason[ATTACHMENT_REASON_LEN])
{
	if (bridge->group)
		return bridge->group;
	for (size_t i = 0; i < update->n_vlans; i++)
		if (update->vlans[i].ifindex == ifindex &&
		    update->vlans[i].master == bridge->ifindex)
			return attachments_choose_group(bridge->sw, &update->vlans[i],
							bridge->default_pvid, reason);
	return refuse_vlans(reason, "the bridge reports no VLANs of it");
}

/* ---- interfaces ---- */
static bool is_enslaved(const void *userdata, const struct link_info *info)
{
	return info->master && find_bridge(userdata, info->master);
}

static void refuse(struct update *update, const struct bridge *bridge, const char *interface,
		   const char *reason)
{
	struct attachments *list = update->ret;
	struct attachment_refusal *refused =
		reallocarray(list->refused, list->n_refused + 1, sizeof(*refused));

	if (!refused) {
		update->result = errors_add(update->errors, -ENOMEM, "%s", interface);
		return;
	}
	list->refused = refused;
	refused = &refused[list->n_refused++];
	*refused = (struct attachment_refusal){ 0 };
	snprintf(refused->interface, sizeof(refused->interface), "%s", interface);
	snprintf(refused->bridge, sizeof(refused->bridge), "%s", bridge->name);
	snprintf(refused->switch_name, sizeof(refused->switch_name), "%s", bridge->sw->name);
	snprintf(refused->reason, sizeof(refused->reason), "%s", reason);
}

/* How the model uses the interface already, under any of its names. */
static const struct location *find_use(const struct update *update, const struct link_info *info)
{
	const struct location *use = name_index_find_interface(&update->names, info->name);

	for (size_t i = 0; !use && i < LINK_MAX_ALT_NAMES && info->alt_names[i][0]; i++)
		use = name_index_find_interface(&update->names, info->alt_names[i]);
	return use;
}

/* true: it is a port of this group by the configuration, so there is nothing to do. */
static bool is_port_of(const struct location *use, const struct group_cfg *group)
{
	return use->group == group && !use->far_end && !use->bridge &&
	       !use->group->ports[use->at].host;
}

static void describe_use(const struct location *use, char reason[ATTACHMENT_REASON_LEN])
{
	if (use->far_end || (use->group && !use->bridge && use->group->ports[use->at].host))
		snprintf(reason, ATTACHMENT_REASON_LEN, "it is an end of a host port of %s",
			 use->sw->name);
	else if (use->bridge)
		snprintf(reason, ATTACHMENT_REASON_LEN, "it is an attachment bridge of %s",
			 use->sw->name);
	else if (use->group)
		snprintf(reason, ATTACHMENT_REASON_LEN,
			 "it is a port of the group %s of %s by the configuration",
			 use->group->name, use->sw->name);
	else
		snprintf(reason, ATTACHMENT_REASON_LEN,
			 "it is an uplink of %s, which must belong to no bridge", use->sw->name);
}

static bool was_attached(const struct update *update, const struct bridge *bridge,
			 const char *interface)
{
	const struct switch_cfg *sw =
		update->before ? model_find_switch(update->before, bridge->sw->name) : NULL;
	const struct port_cfg *port = sw ? switch_find_port(sw, interface) : NULL;

	return port && port->attached;
}

/* Without the switch's name at the beginning of a message. */
static void take_reason(struct errors *errors, char reason[ATTACHMENT_REASON_LEN])
{
	snprintf(reason, ATTACHMENT_REASON_LEN, "%s",
		 errors->n ? errors->messages[0] : "it does not fit the configuration");
}

static void attach(struct update *update, const struct bridge *bridge, const struct link_info *info)
{
	_cleanup_(errors_done) struct errors reasons = {};
	struct port_cfg port = { .runtime = true, .attached = true };
	char reason[ATTACHMENT_REASON_LEN] = "";
	const struct group_cfg *group;
	const struct location *use = find_use(update, info);
	int r = 0;

	if (use && (use->far_end || use->bridge || !use->group)) {
		describe_use(use, reason);
		refuse(update, bridge, info->name, reason);
		return;
	}
	group = choose_group(update, bridge, info->ifindex, reason);
	if (group && use) {
		if (is_port_of(use, group))
			return;
		describe_use(use, reason);
		group = NULL;
	} else if (group && !attachment_is_machine(info)) {
		snprintf(reason, sizeof(reason),
			 "it is not an interface of a machine; to attach a NIC, add it to 'ports'");
		group = NULL;
	}
	if (!group) {
		refuse(update, bridge, info->name, reason);
		return;
	}
	if (!was_attached(update, bridge, info->name))
		r = context_check_unused(&reasons, bridge->sw->name, update->links, info);
	update->ret->passing |= r < 0;
	memcpy(port.interface, info->name, sizeof(port.interface));
	if (r == 0)
		r = model_editor_add_port(update->editor, bridge->sw->name, group->name, &port,
					  &reasons);
	if (r == -ENOMEM) {
		update->result = errors_add(update->errors, r, "%s", info->name);
	} else if (r < 0) {
		take_reason(&reasons, reason);
		refuse(update, bridge, info->name, reason);
	}
}

static int attach_all(struct update *update)
{
	_cleanup_free_ struct link_info *links = NULL;
	size_t n = 0;
	int r = link_list(update->links, is_enslaved, update, &links, &n);

	if (r == 0)
		r = name_index_fill(&update->names, update->model);
	if (r == 0)
		r = model_editor_new(update->model, &update->editor);
	if (r < 0)
		return errors_add(update->errors, r, "attachment bridges");
	for (size_t i = 0; i < n; i++)
		attach(update, find_bridge(update, links[i].master), &links[i]);
	return update->result;
}

int attachments_update(struct link_monitor *links, const struct model *before, struct model *model,
		       struct attachments *ret, struct errors *errors)
{
	struct update update = {
		.links = links, .before = before, .model = model, .ret = ret, .errors = errors
	};
	int r;

	attachments_done(ret);
	model_remove_attached(model);
	if (!attachments_any(model))
		return 0;
	r = find_bridges(&update);
	if (r == 0)
		r = attach_all(&update);
	model_editor_free(update.editor);
	name_index_done(&update.names);
	free(update.bridges);
	free(update.vlans);
	return r;
}

/* ---- comparison ---- */
static size_t count_attached(const struct model *model)
{
	size_t n = 0;

	for (size_t s = 0; s < model->n_switches; s++)
		for (size_t g = 0; g < model->switches[s].n_groups; g++)
			for (size_t p = 0; p < model->switches[s].groups[g].n_ports; p++)
				n += model->switches[s].groups[g].ports[p].attached;
	return n;
}

static bool group_has_attached(const struct group_cfg *group, const char *interface)
{
	for (size_t p = 0; p < group->n_ports; p++)
		if (group->ports[p].attached && strcmp(group->ports[p].interface, interface) == 0)
			return true;
	return false;
}

static bool has_attached(const struct model *model, const char *switch_name, const char *group_name,
			 const char *interface)
{
	const struct switch_cfg *sw = model_find_switch(model, switch_name);
	const struct group_cfg *group = sw ? model_find_group(sw, group_name) : NULL;

	return group && group_has_attached(group, interface);
}

bool attachments_equal(const struct model *a, const struct model *b)
{
	if (count_attached(a) != count_attached(b))
		return false;
	for (size_t s = 0; s < a->n_switches; s++) {
		for (size_t g = 0; g < a->switches[s].n_groups; g++) {
			const struct group_cfg *group = &a->switches[s].groups[g];

			for (size_t p = 0; p < group->n_ports; p++)
				if (group->ports[p].attached &&
				    !has_attached(b, a->switches[s].name, group->name,
						  group->ports[p].interface))
					return false;
		}
	}
	return true;
}
