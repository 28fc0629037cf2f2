// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Teaming of switches and port groups: inheritance item by item, the active and standby lists, and
 * what fits a channel. headers/methods.h has the methods that a channel allows, and the reason.
 */
#include "config/reader.h"

#include "common/util.h"
#include "config/value.h"

/* ---- the lists ---- */
static bool contains(const uint8_t *list, uint32_t n, uint8_t uplink)
{
	return memchr(list, uplink, n) != NULL;
}

static void refuse_foreign(struct reader *reader, const struct switch_cfg *sw, const char *key,
			   size_t i, const struct tree_node *node)
{
	char uplinks[UL_MAX_UPLINKS * (UL_NAME_LEN + 2)] = "";
	size_t used = 0;

	for (uint32_t u = 0; u < sw->n_uplinks; u++)
		used += (size_t)snprintf(uplinks + used, sizeof(uplinks) - used, "%s%s",
					 u ? ", " : "", sw->uplinks[u]);
	item_mistake(reader, key, i, node, "must be an uplink of the switch (%s)", uplinks);
}

/* When the switch's own list was refused, an unknown name is not a mistake of this list. */
static int read_uplink_list(struct reader *reader, struct section *section, const char *key,
			    const struct switch_cfg *sw, bool sure, uint8_t *list, uint32_t *n)
{
	const struct tree_node *node = section_list(reader, section, key);
	int result = 0;

	if (!node)
		return section_bad(section, key) ? -EINVAL : 0;
	*n = 0;
	for (size_t i = 0; i < list_length(node); i++) {
		const struct tree_node *item = list_item(reader, node, i);
		const char *name = item ? tree_text(item) : NULL;
		int uplink = name ? switch_uplink_index(sw, name) : -1;

		if (!item)
			return -EINVAL;
		if (uplink < 0) {
			if (sure || !name)
				refuse_foreign(reader, sw, key, i, item);
			result = -EINVAL;
		} else if (contains(list, *n, (uint8_t)uplink)) {
			item_mistake(reader, key, i, item, "is given twice: must be given once");
			result = -EINVAL;
		} else {
			list[(*n)++] = (uint8_t)uplink;
		}
	}
	return result;
}

static void report_overlap(struct reader *reader, const struct section *section,
			   const struct switch_cfg *sw, const struct teaming *teaming)
{
	bool own = section_given(section, "standby");

	for (uint32_t i = 0; i < teaming->n_standby; i++) {
		if (contains(teaming->active, teaming->n_active, teaming->standby[i]))
			mistakes_add(&reader->mistakes, own ? "standby" : "active",
				     "%s: is in %s too%s: must be either active or standby",
				     sw->uplinks[teaming->standby[i]], own ? "active" : "standby",
				     section_given(section, own ? "active" : "standby") ?
					     "" :
					     " (inherited from the switch)");
	}
}

static void default_active(const struct switch_cfg *sw, struct teaming *teaming)
{
	teaming->n_active = 0;
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		if (!contains(teaming->standby, teaming->n_standby, (uint8_t)i))
			teaming->active[teaming->n_active++] = (uint8_t)i;
}

static void resolve_lists(struct reader *reader, struct section *section,
			  const struct switch_cfg *sw, struct switch_state *state, bool in_group,
			  struct teaming *teaming)
{
	bool given = section_given(section, "active");
	bool active_bad = read_uplink_list(reader, section, "active", sw, !state->uplinks_bad,
					   teaming->active, &teaming->n_active) < 0;
	bool standby_bad = read_uplink_list(reader, section, "standby", sw, !state->uplinks_bad,
					    teaming->standby, &teaming->n_standby) < 0;

	if (in_group) {
		active_bad = active_bad || (!given && state->active_bad);
		standby_bad = standby_bad ||
			      (!section_given(section, "standby") && state->standby_bad);
		given = given || state->active_given;
	} else {
		state->active_given = given;
		state->active_bad = active_bad;
		state->standby_bad = standby_bad;
	}

	if (!given)
		default_active(sw, teaming);
	if (active_bad || standby_bad || state->uplinks_bad)
		return;
	if (teaming->n_active == 0)
		mistakes_add(&reader->mistakes, "standby",
			     "holds all uplinks: must leave at least one active");
	else if (section_given(section, "active") || section_given(section, "standby"))
		report_overlap(reader, section, sw, teaming);
}

/* ---- what fits the channel ---- */
static bool method_fits(struct reader *reader, const struct section *section,
			enum ul_channel channel, enum ul_method method)
{
	if (!section_given(section, "load-balancing") || section_bad(section, "load-balancing") ||
	    ul_method_fits(method, channel))
		return true;
	if (channel == UL_CHANNEL_NONE)
		mistakes_add(
			&reader->mistakes, "load-balancing",
			"%s needs a channel, but channel is none: set channel to static or lacp, or load-balancing to port-id",
			method_name(method));
	else
		mistakes_add(
			&reader->mistakes, "load-balancing",
			"%s keeps a machine to one uplink, but channel is %s: set channel to none, or load-balancing to src-dst-ip",
			method_name(method), channel_name(channel));
	return false;
}

static bool standby_fits(struct reader *reader, const struct section *section,
			 enum ul_channel channel, const struct teaming *teaming)
{
	char shown[TREE_TEXT_LEN];

	if (channel == UL_CHANNEL_NONE || !section_given(section, "standby") ||
	    section_bad(section, "standby") || !teaming->n_standby)
		return true;
	mistakes_add(
		&reader->mistakes, "standby",
		"%s: a channel has no standby uplinks, but channel is %s: set channel to none, or standby to []",
		tree_show(section_value(section, "standby"), shown), channel_name(channel));
	return false;
}

static bool item_differs(const struct config_key *key, const struct teaming *a,
			 const struct teaming *b)
{
	if (strcmp(key->name, "active") == 0)
		return a->n_active != b->n_active || memcmp(a->active, b->active, a->n_active) != 0;
	if (strcmp(key->name, "standby") == 0)
		return a->n_standby != b->n_standby ||
		       memcmp(a->standby, b->standby, a->n_standby) != 0;
	return memcmp((const char *)a + key->offset, (const char *)b + key->offset, key->size) != 0;
}

/* The physical switch has one bundle, so all groups of a channel share the switch's teaming.
 * refused: bits of keys that have a message already. */
static void report_differences(struct reader *reader, const struct section *section,
			       uint32_t refused, enum ul_channel channel,
			       const struct teaming *teaming, const struct teaming *inherited)
{
	for (size_t i = 0; i < section->n_keys; i++) {
		const struct config_key *key = &section->keys[i];
		char shown[TREE_TEXT_LEN];

		if (!(section->given & ~section->bad & ~refused & 1U << i) ||
		    key->type == KEY_UNAVAILABLE || !item_differs(key, teaming, inherited))
			continue;
		mistakes_add(
			&reader->mistakes, key->name,
			"%s differs from the switch's teaming, but channel is %s: set channel to none, or %s in the switch's teaming",
			tree_show(section->value[i], shown), channel_name(channel), key->name);
	}
}

static uint32_t key_bit(const struct section *section, const char *name)
{
	uint32_t bit = 0;

	for (size_t i = 0; i < section->n_keys; i++)
		if (strcmp(section->keys[i].name, name) == 0)
			bit = 1U << i;
	return bit;
}

void teaming_read(struct reader *reader, const struct tree_node *node, const struct switch_cfg *sw,
		  struct switch_state *state, const struct teaming *inherited,
		  struct teaming *teaming)
{
	struct mistakes_scope outside = mistakes_enter(&reader->mistakes, "teaming");
	struct section section;
	uint32_t refused = 0;

	if (inherited)
		*teaming = *inherited;
	else
		teaming->method = sw->channel == UL_CHANNEL_NONE ? UL_M_PORT_ID : UL_M_SRC_DST_IP;

	section_read(reader, node, SECTION_TEAMING, teaming, !inherited, &section);
	resolve_lists(reader, &section, sw, state, inherited, teaming);

	if (!state->channel_bad) {
		if (!method_fits(reader, &section, sw->channel, teaming->method))
			refused |= key_bit(&section, "load-balancing");
		if (!standby_fits(reader, &section, sw->channel, teaming))
			refused |= key_bit(&section, "standby");
		if (inherited && sw->channel != UL_CHANNEL_NONE)
			report_differences(reader, &section, refused, sw->channel, teaming,
					   inherited);
	}
	mistakes_leave(&reader->mistakes, outside);
}
