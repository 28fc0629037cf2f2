// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "daemon/switch_over.h"

#include <linux/rtnetlink.h>

#include "common/util.h"

#define MAX_OBJECTS (UL_MAX_PORTS + 64)

void switch_over_free(struct switch_over *over)
{
	if (!over)
		return;
	for (size_t i = 0; i < over->n_links; i++)
		link_membership_done(&over->links[i].membership);
	free(over->links);
	free(over->owners);
	link_messages_done(&over->messages);
	free(over);
}

/* ---- request ---- */
static int get_name(const json_t *value, const char *what, char ret[UL_NAME_LEN],
		    struct errors *errors)
{
	const char *text = json_string_value(value);

	if (!text || !text[0] || strlen(text) >= UL_NAME_LEN || strpbrk(text, "/ \t\n")) {
		errors_add(errors, 0, "switch-over: %s: %.32s: must be the name of an interface",
			   what, text ? text : "no text");
		return -EINVAL;
	}
	snprintf(ret, UL_NAME_LEN, "%s", text);
	return 0;
}

static const struct port_cfg *find_port(const struct model *model, const char *name)
{
	const struct port_cfg *port = NULL;

	for (size_t i = 0; !port && i < model->n_switches; i++)
		port = switch_find_port(&model->switches[i], name);
	return port;
}

static bool is_uplink(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->n_switches; i++)
		if (switch_has_uplink(&model->switches[i], name))
			return true;
	return false;
}

/* A request without a bridge has none. */
static bool has_bridge(const struct model *model, const json_t *bridge)
{
	const char *name = json_string_value(bridge);

	for (size_t i = 0; name && name[0] && i < model->n_switches; i++)
		if (switch_has_bridge(&model->switches[i], name))
			return true;
	return false;
}

static int add_link(struct switch_over *over, const json_t *item, const struct model *model,
		    struct errors *errors)
{
	struct switch_over_link *link = &over->links[over->n_links];
	const struct port_cfg *port;
	int r = get_name(json_object_get(item, "name"), "links[].name", link->name, errors);

	if (r < 0)
		return r;
	port = find_port(model, link->name);
	link->first = json_is_true(json_object_get(item, "first"));
	link->stays = json_is_true(json_object_get(item, "stays"));
	over->n_links++;
	if (is_uplink(model, link->name) && !link->stays)
		return 0;
	if (!link->first && ((port && !port->host && !link->stays) ||
			     has_bridge(model, json_object_get(item, "bridge"))))
		return 0;
	errors_add(
		errors, 0,
		"switch-over: links[].name: %s: must be an uplink, a port or in an attachment bridge",
		link->name);
	return -EINVAL;
}

static int add_owner(struct switch_over *over, const json_t *item, const struct model *model,
		     struct errors *errors)
{
	struct switch_over_owner *owner = &over->owners[over->n_owners];
	const struct port_cfg *port;
	int r = get_name(json_object_get(item, "name"), "owners[].name", owner->name, errors);

	if (r == 0)
		r = get_name(json_object_get(item, "to"), "owners[].to", owner->to, errors);
	if (r < 0)
		return r;
	over->n_owners++;
	port = find_port(model, owner->to);
	if (port && port->host)
		return 0;
	errors_add(errors, 0, "switch-over: owners[].to: %s: must be a host port", owner->to);
	return -EINVAL;
}

static int add_down(struct switch_over *over, const json_t *item, const struct model *model,
		    struct errors *errors)
{
	struct switch_over_owner *owner = &over->owners[over->n_owners];
	int r = get_name(item, "down[]", owner->name, errors);

	(void)model;
	if (r < 0)
		return r;
	owner->down = true;
	over->n_owners++;
	return 0;
}

static int read_list(struct switch_over *over, const json_t *request, const char *key,
		     const struct model *model,
		     int (*add)(struct switch_over *over, const json_t *item,
				const struct model *model, struct errors *errors),
		     struct errors *errors)
{
	const json_t *list = json_object_get(request, key);
	size_t i;
	json_t *item;
	int r = 0;

	if (json_array_size(list) > MAX_OBJECTS) {
		errors_add(errors, 0, "switch-over: %s: %zu entries: must be at most %d", key,
			   json_array_size(list), MAX_OBJECTS);
		return -EINVAL;
	}
	json_array_foreach(list, i, item)
		if (r == 0)
			r = add(over, item, model, errors);
	return r;
}

/* Masters are added when the state is read, one for each link at most. */
static struct switch_over *allocate(size_t n_links, size_t n_owners)
{
	struct switch_over *over = calloc(1, sizeof(*over));

	if (!over)
		return NULL;
	over->links = calloc(n_links + 1, sizeof(*over->links));
	over->owners = calloc(n_owners + n_links + 1, sizeof(*over->owners));
	if (over->links && over->owners)
		return over;
	switch_over_free(over);
	return NULL;
}

int switch_over_new(const json_t *request, const struct model *model, struct switch_over **ret,
		    struct errors *errors)
{
	struct switch_over *over =
		allocate(json_array_size(json_object_get(request, "links")),
			 json_array_size(json_object_get(request, "owners")) +
				 json_array_size(json_object_get(request, "down")));
	int r;

	if (!over)
		return errors_add(errors, -ENOMEM, "switch-over");
	r = read_list(over, request, "links", model, add_link, errors);
	if (r == 0)
		r = read_list(over, request, "owners", model, add_owner, errors);
	if (r == 0)
		r = read_list(over, request, "down", model, add_down, errors);
	if (r == 0 && over->n_links == 0) {
		errors_add(errors, 0, "switch-over: links: must have an uplink");
		r = -EINVAL;
	}
	if (r < 0) {
		switch_over_free(over);
		return r;
	}
	over->phase = switch_over_has_first(over) ? SWITCH_OVER_FIRST : SWITCH_OVER_CUT;
	*ret = over;
	return 0;
}

/* ---- recording ---- */
static struct switch_over_owner *find_owner(const struct switch_over *over, const char *name)
{
	for (size_t i = 0; i < over->n_owners; i++)
		if (strcmp(over->owners[i].name, name) == 0)
			return &over->owners[i];
	return NULL;
}

static void record_state(struct switch_over_owner *owner, const struct link_info *info)
{
	owner->ifindex = info->ifindex;
	owner->up = info->admin_up;
	memcpy(owner->mac, info->mac, sizeof(owner->mac));
}

static int record_owner(struct switch_over_owner *owner, struct link_monitor *links,
			struct errors *errors)
{
	struct link_info info;
	int r = link_refresh_get_by_name(links, owner->name, &info);

	if (r < 0)
		return errors_add(errors, r, "switch-over: %s: cannot be read", owner->name);
	record_state(owner, &info);
	return 0;
}

/* The MAC address of a bond is random when it has lost its last member. */
static void record_master(struct switch_over *over, const struct link_info *info)
{
	struct switch_over_owner *owner = find_owner(over, info->name);

	if (owner)
		return;
	owner = &over->owners[over->n_owners++];
	snprintf(owner->name, sizeof(owner->name), "%s", info->name);
	record_state(owner, info);
}

static int record_link(struct switch_over *over, struct switch_over_link *link,
		       struct link_monitor *links, struct errors *errors)
{
	struct link_info info, master;
	int r = link_refresh_get_by_name(links, link->name, &info);

	if (r < 0)
		return errors_add(errors, r, "switch-over: %s: cannot be read", link->name);
	link->up = info.admin_up;
	if (!info.master)
		return 0;
	r = link_refresh_get(links, info.master, &master);
	if (r == 0)
		r = link_get_membership(info.ifindex, &link->membership);
	if (r < 0)
		return errors_add(errors, r, "switch-over: %s: its master cannot be read",
				  link->name);
	snprintf(link->master, sizeof(link->master), "%s", master.name);
	record_master(over, &master);
	return 0;
}

/* The owners that give something away. moves: room for all owners. */
static size_t list_moves(const struct switch_over *over, struct link_move *moves)
{
	size_t n = 0;

	for (size_t i = 0; i < over->n_owners; i++) {
		const struct switch_over_owner *owner = &over->owners[i];

		if (!owner->to[0])
			continue;
		moves[n] = (struct link_move){ .from = owner->ifindex, .to = owner->ifindex };
		memcpy(moves[n].from_name, owner->name, sizeof(owner->name));
		memcpy(moves[n].to_name, owner->to, sizeof(owner->to));
		n++;
	}
	return n;
}

static struct link_move *allocate_moves(const struct switch_over *over)
{
	return calloc(over->n_owners + 1, sizeof(struct link_move));
}

int switch_over_record(struct switch_over *over, struct link_monitor *links, struct errors *errors)
{
	_cleanup_free_ struct link_move *moves = NULL;
	size_t n_owners = over->n_owners;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_owners; i++)
		r = record_owner(&over->owners[i], links, errors);
	for (size_t i = 0; r == 0 && i < over->n_links; i++)
		r = record_link(over, &over->links[i], links, errors);
	if (r < 0)
		return r;
	moves = allocate_moves(over);
	if (!moves)
		return errors_add(errors, -ENOMEM, "switch-over");
	return link_collect(moves, list_moves(over, moves), &over->messages, errors);
}

/* ---- moving ---- */
bool switch_over_has_first(const struct switch_over *over)
{
	for (size_t i = 0; i < over->n_links; i++)
		if (over->links[i].first)
			return true;
	return false;
}

static int release_links(const struct switch_over *over, struct link_monitor *links, bool first,
			 struct errors *errors)
{
	for (size_t i = over->n_links; i-- > 0;) {
		const struct switch_over_link *link = &over->links[i];
		struct link_info info;
		int r;

		if (link->first != first || link->stays)
			continue;
		r = link_refresh_get_by_name(links, link->name, &info);
		if (r == 0)
			r = link_release(links, info.ifindex);
		if (r < 0 && r != -ENODEV) /* a machine that ended meanwhile */
			return errors_add(errors, r, "switch-over: %s: cannot leave %s", link->name,
					  link->master);
	}
	return 0;
}

/* Where each address has to arrive. */
static int find_targets(struct link_move *moves, size_t n, struct link_monitor *links,
			struct errors *errors)
{
	for (size_t i = 0; i < n; i++) {
		struct link_info info;
		int r = link_refresh_get_by_name(links, moves[i].to_name, &info);

		if (r < 0)
			return errors_add(errors, r, "switch-over: host port %s", moves[i].to_name);
		moves[i].to = info.ifindex;
	}
	return 0;
}

static int move_messages(const struct switch_over *over, struct link_monitor *links,
			 struct errors *errors)
{
	_cleanup_free_ struct link_move *moves = allocate_moves(over);
	size_t n = moves ? list_moves(over, moves) : 0;
	int r = moves ? find_targets(moves, n, links, errors) : -ENOMEM;

	if (r == 0)
		r = link_messages_apply(&over->messages, NULL, 0, false, errors);
	if (r == 0)
		r = link_messages_apply(&over->messages, moves, n, true, errors);
	return r;
}

static int set_down(const struct switch_over *over, struct link_monitor *links,
		    struct errors *errors)
{
	for (size_t i = 0; i < over->n_owners; i++) {
		const struct switch_over_owner *owner = &over->owners[i];
		int r = owner->down && owner->up ? link_set_up(links, owner->ifindex, false) : 0;

		if (r < 0 && r != -ENODEV) /* deleted meanwhile */
			return errors_add(errors, r, "switch-over: %s: cannot be set down",
					  owner->name);
	}
	return 0;
}

int switch_over_move(const struct switch_over *over, struct link_monitor *links, bool first,
		     struct errors *errors)
{
	int r = first ? 0 : move_messages(over, links, errors);

	if (r == 0 && !first)
		r = set_down(over, links, errors);
	return r < 0 ? r : release_links(over, links, first, errors);
}

/* ---- rollback ---- */
/* Present state by name. 0; 1: it does not exist any longer, with a message; negative errno. */
static int find_again(const char *name, struct link_monitor *links, struct link_info *ret,
		      struct errors *errors)
{
	int r = link_refresh_get_by_name(links, name, ret);

	if (r == 0)
		return 0;
	errors_add(errors, r, "switch-over: %s: cannot be restored", name);
	return r == -ENODEV ? 1 : r;
}

static int return_link(const struct switch_over_link *link, struct link_monitor *links,
		       struct errors *errors)
{
	struct link_info info, master = {};
	int r = find_again(link->name, links, &info, errors);

	if (r == 0 && link->master[0])
		r = find_again(link->master, links, &master, errors);
	if (r != 0)
		return r < 0 ? r : 0;
	/* Other software has given it another place meanwhile. */
	if ((info.master || link->stays) && info.master != master.ifindex)
		return 0;
	if (master.ifindex)
		r = link_enslave(links, info.ifindex, master.ifindex, &link->membership);
	if (r == 0 && link->up && !link->stays)
		r = link_set_up(links, info.ifindex, true);
	return r < 0 ? errors_add(errors, r, "switch-over: %s: cannot return to %s", link->name,
				  link->master) :
		       0;
}

static int return_owner(const struct switch_over_owner *owner, struct link_monitor *links,
			struct errors *errors)
{
	struct link_info info;
	int r = find_again(owner->name, links, &info, errors);

	if (r != 0)
		return r < 0 ? r : 0;
	if (!mac_is_zero(owner->mac))
		r = link_set_mac(links, info.ifindex, owner->mac);
	if (r == 0 && owner->up && !info.admin_up)
		r = link_set_up(links, info.ifindex, true);
	return r < 0 ? errors_add(errors, r, "switch-over: %s: its settings cannot be restored",
				  owner->name) :
		       0;
}

/* Everything else on a host port disappears with it. */
static int remove_rules(const struct switch_over *over, const struct link_move *moves, size_t n,
			struct errors *errors)
{
	struct link_messages rules = {};
	int r = 0;

	for (size_t i = 0; r == 0 && i < over->messages.n; i++) {
		const struct nlmsghdr *message = over->messages.list[i];

		if (message->nlmsg_type == RTM_NEWRULE)
			r = link_messages_add(&rules, message, message->nlmsg_len);
	}
	if (r == 0)
		r = link_messages_apply(&rules, moves, n, false, errors);
	link_messages_done(&rules);
	return r;
}

/* Where the messages return to: an owner may have another ifindex by now. absent: room for all
 * owners; gets those without an interface, and those that could not be looked up. 0 or the first
 * negative errno. */
static int find_former(struct link_move *moves, size_t n, struct link_move *absent,
		       size_t *n_absent, struct link_monitor *links, struct errors *errors)
{
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		struct link_info info;
		int r = link_refresh_get_by_name(links, moves[i].from_name, &info);

		memcpy(moves[i].to_name, moves[i].from_name, sizeof(moves[i].to_name));
		if (r == 0)
			moves[i].to = info.ifindex;
		else
			absent[(*n_absent)++] = moves[i];
		if (r == 0 || r == -ENODEV) /* reported with its settings */
			continue;
		errors_add(errors, r,
			   "switch-over: %s: its addresses and routes cannot be restored",
			   moves[i].from_name);
		result = result < 0 ? result : r;
	}
	return result;
}

/* What belonged to a deleted owner is left out, except for rules: the kernel keeps them without
 * their interface. */
static int return_messages(const struct switch_over *over, struct link_monitor *links,
			   struct errors *errors)
{
	_cleanup_free_ struct link_move *moves = allocate_moves(over),
					*absent = allocate_moves(over);
	_cleanup_free_ struct nlmsghdr **list = calloc(over->messages.n + 1, sizeof(*list));
	struct link_messages left = { .list = list };
	size_t n, n_absent = 0;
	int r, found, applied;

	if (!moves || !absent || !list)
		return errors_add(errors, -ENOMEM, "switch-over");
	n = list_moves(over, moves);
	r = remove_rules(over, moves, n, errors);
	found = find_former(moves, n, absent, &n_absent, links, errors);
	for (size_t i = 0; i < over->messages.n; i++) {
		struct nlmsghdr *message = over->messages.list[i];

		if (message->nlmsg_type == RTM_NEWRULE ||
		    !link_message_refers_to(message, absent, n_absent))
			list[left.n++] = message;
	}
	applied = link_messages_apply(&left, moves, n, true, errors);
	if (r == 0)
		r = found;
	return r < 0 ? r : applied;
}

int switch_over_undo(const struct switch_over *over, struct link_monitor *links,
		     struct errors *errors)
{
	int result = 0, r;

	for (size_t i = 0; i < over->n_links; i++) {
		r = return_link(&over->links[i], links, errors);
		result = r < 0 ? r : result;
	}
	for (size_t i = 0; i < over->n_owners; i++) {
		r = return_owner(&over->owners[i], links, errors);
		result = r < 0 ? r : result;
	}
	r = return_messages(over, links, errors);
	return r < 0 ? r : result;
}
