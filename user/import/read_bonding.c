// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Kernel bonding: the text of /proc/net/bonding/BOND, and the folders BOND/bonding/ of
 * /sys/class/net, whose files are named as the options.
 */
#include <limits.h>

#include "common/util.h"
#include "import/reader.h"

static struct net_interface *get_bond(struct network *network, struct net_place place,
				      const char *name)
{
	struct net_interface *bond = network_get(network, place, name);

	if (bond)
		net_set_kind(bond, NET_BOND);
	return bond;
}

static void add_member(struct network *network, struct net_place place, const char *bond,
		       const char *name)
{
	struct net_interface *member = network_get(network, place, name);

	if (!member)
		return;
	net_set_kind(member, NET_PHYSICAL);
	member->is_member = network_set_name(network, place, member->master, bond);
}

/* ---- /proc/net/bonding ---- */
/* The titles of the text with the options that they show. */
static const char *proc_option(const char *title)
{
	/* clang-format off */
	static const char *const options[][2] = {
		{ "Transmit Hash Policy", "xmit_hash_policy" },
		{ "Currently Active Slave", "active_slave" },
		{ "Up Delay (ms)", "updelay" },
		{ "Down Delay (ms)", "downdelay" },
		{ "MII Polling Interval (ms)", "miimon" },
		{ "ARP Polling Interval (ms)", "arp_interval" },
		{ "LACP active", "lacp_active" },
		{ "LACP rate", "lacp_rate" },
		{ "Min links", "min_links" },
		{ "Aggregator selection policy (ad_select)", "ad_select" },
		{ "System priority", "ad_actor_sys_prio" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i][0], title) == 0)
			return options[i][1];
	return NULL;
}

/* "IEEE 802.3ad Dynamic link aggregation", "fault-tolerance (active-backup) (fail_over_mac ...)" */
static const char *proc_mode(const char *text)
{
	/* clang-format off */
	static const char *const modes[][2] = {
		{ "load balancing (round-robin)", "balance-rr" },
		{ "fault-tolerance (active-backup)", "active-backup" },
		{ "load balancing (xor)", "balance-xor" },
		{ "fault-tolerance (broadcast)", "broadcast" },
		{ "IEEE 802.3ad Dynamic link aggregation", "802.3ad" },
		{ "transmit load balancing", "balance-tlb" },
		{ "adaptive load balancing", "balance-alb" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strncmp(modes[i][0], text, strlen(modes[i][0])) == 0)
			return modes[i][1];
	return text;
}

/* "nic1 (primary_reselect failure)" */
static void read_primary(struct network *network, struct net_place place,
			 struct net_interface *bond, char *value)
{
	char *reselect = strstr(value, "(primary_reselect ");

	if (reselect) {
		*reselect = '\0';
		reselect += strlen("(primary_reselect ");
		reselect[strcspn(reselect, ")")] = '\0';
		net_bond_set(network, place, bond, "primary_reselect", reselect);
	}
	net_bond_set(network, place, bond, "primary", trim(value));
}

static void read_proc_line(struct network *network, struct net_place place,
			   struct net_interface *bond, const char *title, char *value)
{
	const char *option = proc_option(title);

	if (strcmp(title, "Bonding Mode") == 0) {
		net_bond_set(network, place, bond, "mode", proc_mode(value));
	} else if (strcmp(title, "Primary Slave") == 0) {
		read_primary(network, place, bond, value);
	} else if (option) {
		/* "layer3+4 (1)" */
		value[strcspn(value, " ")] = '\0';
		net_bond_set(network, place, bond, option, value);
	}
}

void read_proc_bonding(struct network *network, struct net_place place, const char *name,
		       const char *text)
{
	struct net_interface *bond = get_bond(network, place, name);
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line;
	bool in_member = false;

	if (!bond)
		return;
	while (rest && (line = strsep(&rest, "\n"))) {
		char *colon = strstr(line, ": "), *title;

		place.line++;
		if (!colon)
			continue;
		*colon = '\0';
		title = trim(line);
		if (strcmp(title, "Slave Interface") == 0) {
			in_member = true;
			add_member(network, place, name, trim(colon + 2));
		} else if (!in_member) {
			read_proc_line(network, place, bond, title, trim(colon + 2));
		}
	}
	if (bond->bond.mode == NET_BOND_UNREAD) {
		place.line = 0;
		network_error(network, place, -EINVAL,
			      "no line \"Bonding Mode\": must be a file of /proc/net/bonding");
	}
}

/* ---- sysfs ---- */
/* "802.3ad 4": the first word is the value, of a list all are. */
static void read_sysfs_file(struct network *network, struct net_interface *bond, const char *path,
			    const char *option)
{
	struct net_place place;
	_cleanup_free_ char *text = source_read_file(network, path, &place);
	char *rest = text, *word;

	if (!text)
		return;
	if (strcmp(option, "slaves") == 0) {
		while ((word = next_word(&rest)))
			add_member(network, place, bond->name, word);
		return;
	}
	word = next_word(&rest);
	if (word)
		net_bond_set(network, place, bond, option, word);
}

/* State that the kernel shows, not settings. */
static bool is_state(const char *file)
{
	static const char *const files[] = { "ad_actor_key",   "ad_aggregator",	 "ad_num_ports",
					     "ad_partner_key", "ad_partner_mac", "mii_status",
					     "queue_id",       "num_unsol_na",	 "ns_ip6_target" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i], file) == 0)
			return true;
	return false;
}

static void read_sysfs_bond(struct network *network, const char *folder, const char *name)
{
	_cleanup_(source_list_done) struct source_list files = {};
	struct net_place place = { network_add_file(network, folder), 0 };
	struct net_interface *bond;
	char path[PATH_MAX];

	if (!place.file || source_list_folder(network, folder, "", &files) < 0)
		return;
	bond = get_bond(network, place, name);
	for (size_t i = 0; bond && i < files.n && !network->failed; i++)
		if (!is_state(files.names[i]) &&
		    source_join(network, path, sizeof(path), folder, files.names[i]))
			read_sysfs_file(network, bond, path, files.names[i]);
}

void read_sysfs_bonding(struct network *network, const char *folder)
{
	_cleanup_(source_list_done) struct source_list links = {};
	struct net_place place = { network_add_file(network, folder), 0 };
	char path[PATH_MAX];
	bool found = false;

	if (!place.file || source_list_folder(network, folder, "", &links) < 0)
		return;
	for (size_t i = 0; i < links.n && !network->failed; i++) {
		char name[300];

		snprintf(name, sizeof(name), "%s/bonding", links.names[i]);
		if (!source_join(network, path, sizeof(path), folder, name) ||
		    !source_is_folder(path))
			continue;
		read_sysfs_bond(network, path, links.names[i]);
		found = true;
	}
	if (!found && !network->failed)
		network_error(network, place, -ENOENT, "no folder BOND/bonding in it");
}
