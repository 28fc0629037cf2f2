// SPDX-License-Identifier: GPL-2.0
#include "config/check.h"

#include <search.h>

#include "common/util.h"
#include "config/value.h"

struct interface_use {
	char name[UL_NAME_LEN];
	struct place place;
};

/* One node per switch and address; its places form a chain, because several VLANs may have the same
 * address. */
struct mac_use {
	uint8_t mac[6];
	struct place place;
	struct mac_use *next;
};

static int compare_interfaces(const void *a, const void *b)
{
	return strcmp(((const struct interface_use *)a)->name,
		      ((const struct interface_use *)b)->name);
}

static int compare_macs(const void *a, const void *b)
{
	const struct mac_use *x = a, *y = b;

	if (x->place.sw != y->place.sw)
		return x->place.sw < y->place.sw ? -1 : 1;
	return memcmp(x->mac, y->mac, sizeof(x->mac));
}

static void free_mac_chain(void *node)
{
	struct mac_use *use = node, *next;

	for (; use; use = next) {
		next = use->next;
		free(use);
	}
}

void uses_done(struct uses *uses)
{
	tdestroy(uses->interfaces, free);
	tdestroy(uses->macs, free_mac_chain);
	*uses = (struct uses){ 0 };
}

/* "switches[0].port-groups[1].ports[2]" in a file, "vswitch0, group prod" in a request */
static const char *place_text(const struct check *check, const struct place *place,
			      char text[REPORT_PATH_LEN])
{
	size_t sw = (size_t)(place->sw - check->model->switches);

	if (!check->report->file && place->group)
		snprintf(text, REPORT_PATH_LEN, "%s, group %s", place->sw->name,
			 place->group->name);
	else if (!check->report->file)
		snprintf(text, REPORT_PATH_LEN, "%s", place->sw->name);
	else if (place->group)
		snprintf(text, REPORT_PATH_LEN, "switches[%zu].port-groups[%zu].ports[%zu]", sw,
			 (size_t)(place->group - place->sw->groups), place->at);
	else
		snprintf(text, REPORT_PATH_LEN, "switches[%zu].uplinks[%zu]", sw, place->at);
	return text;
}

/* ---- interfaces
 * ------------------------------------------------------------------------------------------------------
 */
static bool scan_switch_interfaces(const struct switch_cfg *sw, const char *name, struct place *ret)
{
	for (size_t i = 0; i < sw->n_uplinks; i++) {
		if (strcmp(sw->uplinks[i], name) == 0) {
			*ret = (struct place){ .sw = sw, .at = i };
			return true;
		}
	}
	for (size_t g = 0; g < sw->n_groups; g++) {
		const struct group_cfg *group = &sw->groups[g];

		for (size_t i = 0; i < group->n_ports; i++) {
			const struct port_cfg *port = &group->ports[i];
			char far_end[UL_NAME_LEN];

			host_port_far_end(port->interface, far_end);
			*ret = (struct place){ .sw = sw,
					       .group = group,
					       .at = i,
					       .far_end = port->host &&
							  strcmp(far_end, name) == 0 };
			if (ret->far_end || strcmp(port->interface, name) == 0)
				return true;
		}
	}
	return false;
}

/* 1: found, 0: not found (and noted), -ENOMEM */
static int find_interface(struct check *check, const char *name, const struct place *place,
			  struct place *ret)
{
	struct interface_use *use, **found;

	if (!check->uses) {
		for (size_t s = 0; s < check->model->n_switches; s++)
			if (scan_switch_interfaces(&check->model->switches[s], name, ret))
				return 1;
		return 0;
	}

	use = calloc(1, sizeof(*use));
	if (!use)
		return -ENOMEM;
	snprintf(use->name, sizeof(use->name), "%s", name);
	use->place = *place;
	found = tsearch(use, &check->uses->interfaces, compare_interfaces);
	if (found && *found == use)
		return 0;
	if (found)
		*ret = (*found)->place;
	free(use);
	return found ? 1 : -ENOMEM;
}

int check_interface(struct check *check, const char *name, const struct place *place,
		    const char *key)
{
	char where[REPORT_PATH_LEN];
	struct place other = { 0 };
	int r = find_interface(check, name, place, &other);

	if (r <= 0)
		return r;
	place_text(check, &other, where);
	if (other.far_end)
		report_mistake(
			check->report, key,
			"%s: is already the far end of a host port (%s): must be another name",
			name, where);
	else if (!other.group && !place->group)
		report_mistake(check->report, key, "%s: is already an uplink (%s)", name, where);
	else if (other.group && place->group)
		report_mistake(check->report, key, "%s: is already a port (%s)", name, where);
	else
		report_mistake(check->report, key,
			       "%s: is already %s (%s): must be either an uplink or a port", name,
			       other.group ? "a port" : "an uplink", where);
	return -EEXIST;
}

/* The name of the far end is used nowhere else, and noted likewise. */
static int check_far_end(struct check *check, const struct port_cfg *port,
			 const struct place *place)
{
	struct place far_end = *place, other = { 0 };
	char name[UL_NAME_LEN], where[REPORT_PATH_LEN];
	const char *what;
	int r;

	far_end.far_end = true;
	host_port_far_end(port->interface, name);
	if (strcmp(name, port->interface) == 0) {
		report_mistake(check->report, "interface",
			       "%s: its far end would have the same name: must be another name",
			       name);
		return -EEXIST;
	}
	r = find_interface(check, name, &far_end, &other);
	if (r <= 0)
		return r;
	what = other.far_end ? "the far end of another host port" :
	       other.group   ? "a port" :
			       "an uplink";
	report_mistake(
		check->report, "interface",
		"%s: its far end would be %s, which is already %s (%s): must be another name",
		port->interface, name, what, place_text(check, &other, where));
	return -EEXIST;
}

/* ---- MAC addresses
 * ---------------------------------------------------------------------------------------------------
 */
static bool scan_macs(const struct place *place, const uint8_t mac[6], struct place *ret,
		      unsigned int *ret_vid)
{
	for (size_t g = 0; g < place->sw->n_groups; g++) {
		const struct group_cfg *group = &place->sw->groups[g];

		if (!vlans_overlap(place->group, group, ret_vid))
			continue;
		for (size_t i = 0; i < group->n_ports; i++) {
			if (group->ports[i].has_mac && memcmp(group->ports[i].mac, mac, 6) == 0) {
				*ret = (struct place){ .sw = place->sw, .group = group, .at = i };
				return true;
			}
		}
	}
	return false;
}

/* 1: found, 0: not found (and noted), -ENOMEM */
static int find_mac(struct check *check, const struct port_cfg *port, const struct place *place,
		    struct place *ret, unsigned int *ret_vid)
{
	struct mac_use *use, *first, **found;

	if (!check->uses)
		return scan_macs(place, port->mac, ret, ret_vid);

	use = calloc(1, sizeof(*use));
	if (!use)
		return -ENOMEM;
	memcpy(use->mac, port->mac, sizeof(use->mac));
	use->place = *place;
	found = tsearch(use, &check->uses->macs, compare_macs);
	if (!found) {
		free(use);
		return -ENOMEM;
	}
	first = *found;
	if (first == use)
		return 0;
	for (const struct mac_use *other = first; other; other = other->next) {
		if (vlans_overlap(place->group, other->place.group, ret_vid)) {
			*ret = other->place;
			free(use);
			return 1;
		}
	}
	use->next = first->next;
	first->next = use;
	return 0;
}

static int check_mac(struct check *check, const struct port_cfg *port, const struct place *place,
		     unsigned int doubts)
{
	char where[REPORT_PATH_LEN], mac[MAC_TEXT_LEN];
	struct place other = { 0 };
	unsigned int vid = 0;
	int r;

	if (doubts & DOUBT_MAC)
		return 0;
	if (!port->has_mac) {
		if (port->host || place->group->security.mac_learning ||
		    doubts & (DOUBT_HOST | DOUBT_LEARNING))
			return 0;
		report_mistake(
			check->report, "mac",
			"missing: must be given, or mac-learning: true for the group, or host: true");
		return -EINVAL;
	}
	mac_format(port->mac, mac);
	if (!mac_is_unicast(port->mac)) {
		report_mistake(check->report, "mac",
			       "%s: must be a unicast MAC address and not zero", mac);
		return -EINVAL;
	}
	if (doubts & DOUBT_VLAN)
		return 0;

	r = find_mac(check, port, place, &other, &vid);
	if (r <= 0)
		return r;
	place_text(check, &other, where);
	if (vid)
		report_mistake(check->report, "mac", "%s: is already used in VLAN %u (%s)", mac,
			       vid, where);
	else
		report_mistake(check->report, "mac",
			       "%s: is already used in the untagged VLAN (%s)", mac, where);
	return -EEXIST;
}

int check_port(struct check *check, const struct port_cfg *port, const struct place *place,
	       unsigned int doubts)
{
	int r, result = 0;

	if (!(doubts & DOUBT_INTERFACE)) {
		if (!interface_name_valid(port->interface)) {
			report_mistake(
				check->report, "interface",
				"%s: must be an interface name: 1-15 characters without '/', ':' and spaces",
				port->interface[0] ? port->interface : "\"\"");
			result = -EINVAL;
		} else {
			result = check_interface(check, port->interface, place, "interface");
			if (result == 0 && port->host)
				result = check_far_end(check, port, place);
		}
	}
	if (result == -ENOMEM)
		return result;

	r = check_mac(check, port, place, doubts);
	if (r == -ENOMEM)
		return r;
	if (result == 0)
		result = r;

	if (port->n_addresses && !port->host && !(doubts & DOUBT_HOST)) {
		report_mistake(
			check->report, "address",
			"needs host: true, but host is false: set host: true, or remove address");
		if (result == 0)
			result = -EINVAL;
	}
	return result;
}

/* ---- teaming
 * ---------------------------------------------------------------------------------------------------------
 */
bool teaming_equal(const struct teaming *a, const struct teaming *b)
{
	return a->method == b->method && a->modulo == b->modulo && a->last_octet == b->last_octet &&
	       a->detection == b->detection && a->notify_switches == b->notify_switches &&
	       a->failback == b->failback && a->n_active == b->n_active &&
	       a->n_standby == b->n_standby && memcmp(a->active, b->active, a->n_active) == 0 &&
	       memcmp(a->standby, b->standby, a->n_standby) == 0;
}
