// SPDX-License-Identifier: GPL-2.0
/* Teaming of switches and port groups: inheritance item by item, the active and standby lists, and
 * what fits a channel.
 *
 * A physical switch that bundles the links hashes its frames over all of them, and takes a
 * machine's frames from any of them: so every hash fits, and nothing that keeps a machine to one
 * link or a link in reserve. Without a bundle it learns each MAC address on one link: so only what
 * keeps a machine to one uplink fits. */
#include "config/reader.h"

#include "common/util.h"
#include "config/value.h"

static bool suits_no_channel(enum ul_method method)
{
	return method == UL_M_PORT_ID || method == UL_M_SRC_MAC || method == UL_M_FAILOVER_ORDER;
}

static bool suits_channel(enum ul_method method)
{
	return method != UL_M_PORT_ID && method != UL_M_FAILOVER_ORDER;
}

/* ---- the lists
 * ------------------------------------------------------------------------------------------------------------
 */
static int find_uplink(const struct switch_cfg *sw, const char *name)
{
	for (uint32_t i = 0; i < sw->n_uplinks; i++)
		if (strcmp(sw->uplinks[i], name) == 0)
			return (int)i;
	return -1;
}

static bool contains(const uint8_t *list, uint32_t n, uint8_t uplink)
{
	return memchr(list, uplink, n) != NULL;
}

static void refuse_foreign(struct reader *reader, const struct switch_cfg *sw, const char *key,
			   size_t i, const yaml_node_t *node)
{
	char uplinks[UL_MAX_UPLINKS * (UL_NAME_LEN + 2)] = "";
	size_t used = 0;

	for (uint32_t u = 0; u < sw->n_uplinks; u++)
		used += (size_t)snprintf(uplinks + used, sizeof(uplinks) - used, "%s%s",
					 u ? ", " : "", sw->uplinks[u]);
	item_mistake(reader, key, i, node, "must be an uplink of the switch (%s)", uplinks);
}

/* An unknown name is no mistake of this list when the switch's own list was refused. */
static int read_uplinks(struct reader *reader, struct section *section, const char *key,
			const struct switch_cfg *sw, bool sure, uint8_t *list, uint32_t *n)
{
	const yaml_node_t *node = section_list(reader, section, key);
	int result = 0;

	if (!node)
		return section_bad(section, key) ? -EINVAL : 0;
	*n = 0;
	for (size_t i = 0; i < tree_n_items(node); i++) {
		const yaml_node_t *item = list_item(reader, node, i);
		const char *name = item ? tree_text(item) : NULL;
		int uplink = name ? find_uplink(sw, name) : -1;

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
			report_mistake(&reader->report, own ? "standby" : "active",
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
	bool active_bad = read_uplinks(reader, section, "active", sw, !state->uplinks_bad,
				       teaming->active, &teaming->n_active) < 0;
	bool standby_bad = read_uplinks(reader, section, "standby", sw, !state->uplinks_bad,
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
		report_mistake(&reader->report, "standby",
			       "holds all uplinks: must leave at least one active");
	else if (section_given(section, "active") || section_given(section, "standby"))
		report_overlap(reader, section, sw, teaming);
}

/* ---- what fits the channel
 * --------------------------------------------------------------------------------------------------
 */
static bool method_fits(struct reader *reader, const struct section *section,
			enum ul_channel channel, enum ul_method method)
{
	if (!section_given(section, "load-balancing") || section_bad(section, "load-balancing"))
		return true;
	if (channel == UL_CHANNEL_NONE && !suits_no_channel(method)) {
		report_mistake(
			&reader->report, "load-balancing",
			"%s needs a channel, but channel is none: set channel to static or lacp, or load-balancing to port-id",
			method_name(method));
		return false;
	}
	if (channel != UL_CHANNEL_NONE && !suits_channel(method)) {
		report_mistake(
			&reader->report, "load-balancing",
			"%s keeps a machine to one uplink, but channel is %s: set channel to none, or load-balancing to src-dst-ip",
			method_name(method), channel_name(channel));
		return false;
	}
	return true;
}

static bool standby_fits(struct reader *reader, const struct section *section,
			 enum ul_channel channel, const struct teaming *teaming)
{
	char shown[TREE_TEXT_LEN];

	if (channel == UL_CHANNEL_NONE || !section_given(section, "standby") ||
	    section_bad(section, "standby") || !teaming->n_standby)
		return true;
	report_mistake(
		&reader->report, "standby",
		"%s: a channel has no standby uplinks, but channel is %s: set channel to none, or standby to []",
		tree_show(&reader->tree, section_value(section, "standby"), shown),
		channel_name(channel));
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

/* The physical switch knows one bundle, so all groups of a channel share the switch's teaming.
 * refused: bits of keys that have a message. */
static void report_differences(struct reader *reader, const struct section *section,
			       uint32_t refused, enum ul_channel channel,
			       const struct teaming *teaming, const struct teaming *inherited)
{
	size_t n;
	const struct config_key *keys = config_section_keys(SECTION_TEAMING, &n);

	for (size_t i = 0; i < n; i++) {
		char shown[TREE_TEXT_LEN];

		if (!(section->given & ~section->bad & ~refused & 1U << i) ||
		    !item_differs(&keys[i], teaming, inherited))
			continue;
		report_mistake(
			&reader->report, keys[i].name,
			"%s differs from the switch's teaming, but channel is %s: set channel to none, or %s in the switch's teaming",
			tree_show(&reader->tree, section->value[i], shown), channel_name(channel),
			keys[i].name);
	}
}

static uint32_t key_bit(const char *name)
{
	size_t n;

	return 1U << (config_key_find(SECTION_TEAMING, name) -
		      config_section_keys(SECTION_TEAMING, &n));
}

void teaming_read(struct reader *reader, const yaml_node_t *node, const struct switch_cfg *sw,
		  struct switch_state *state, const struct teaming *inherited,
		  struct teaming *teaming)
{
	size_t outside = report_enter(&reader->report, "teaming");
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
			refused |= key_bit("load-balancing");
		if (!standby_fits(reader, &section, sw->channel, teaming))
			refused |= key_bit("standby");
		if (inherited && sw->channel != UL_CHANNEL_NONE)
			report_differences(reader, &section, refused, sw->channel, teaming,
					   inherited);
	}
	report_leave(&reader->report, outside);
}
