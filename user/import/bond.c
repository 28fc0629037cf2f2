// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Options of kernel bonding by their names in sysfs. `ip -d -j`, sysfs, ifupdown, netplan and
 * systemd-networkd set the same options; the readers translate their spelling.
 */
#include <arpa/inet.h>

#include "common/util.h"
#include "import/network.h"

/* clang-format off */
static const char *const modes[] = {
	[NET_BOND_RR] = "balance-rr",
	[NET_BOND_ACTIVE_BACKUP] = "active-backup",
	[NET_BOND_XOR] = "balance-xor",
	[NET_BOND_BROADCAST] = "broadcast",
	[NET_BOND_8023AD] = "802.3ad",
	[NET_BOND_TLB] = "balance-tlb",
	[NET_BOND_ALB] = "balance-alb",
	[NET_BOND_SLB] = "balance-slb",
	[NET_BOND_TCP] = "balance-tcp",
	[NET_BOND_UNREAD] = "unknown",
};

static const char *const hashes[] = {
	[NET_HASH_LAYER2] = "layer2",
	[NET_HASH_LAYER34] = "layer3+4",
	[NET_HASH_LAYER23] = "layer2+3",
	[NET_HASH_ENCAP23] = "encap2+3",
	[NET_HASH_ENCAP34] = "encap3+4",
	[NET_HASH_VLAN_SRCMAC] = "vlan+srcmac",
};
/* clang-format on */

#define N_KERNEL_MODES (NET_BOND_ALB + 1)

const char *net_bond_mode_name(enum net_bond_mode mode)
{
	return modes[mode];
}

const char *net_bond_hash_name(enum net_bond_hash hash)
{
	return hashes[hash];
}

/* A name of the list or its number, as bonding accepts both; -1: neither. */
static int find_value(const char *const *names, size_t n, const char *value)
{
	uint64_t number;

	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], value) == 0)
			return (int)i;
	return parse_u64(value, 0, n - 1, &number) == 0 ? (int)number : -1;
}

struct bond_option {
	const char *name;
	const char *must; /* be, for messages */
	/* false: a value that the option cannot have */
	bool (*set)(struct net_bond *bond, const char *value);
	/* The option has no counterpart. `idle`: its values without effect, blank-separated. */
	const char *reason, *idle;
};

static bool set_mode(struct net_bond *bond, const char *value)
{
	int mode = find_value(modes, N_KERNEL_MODES, value);

	if (mode >= 0)
		bond->mode = (enum net_bond_mode)mode;
	return mode >= 0;
}

static bool set_hash(struct net_bond *bond, const char *value)
{
	int hash = find_value(hashes, ARRAY_SIZE(hashes), value);

	if (hash < 0)
		return false;
	bond->hash = (enum net_bond_hash)hash;
	return true;
}

static bool set_rate(struct net_bond *bond, const char *value)
{
	static const char *const rates[] = { "slow", "fast" };
	int rate = find_value(rates, ARRAY_SIZE(rates), value);

	if (rate >= 0)
		bond->fast = rate == 1;
	return rate >= 0;
}

static bool set_active(struct net_bond *bond, const char *value)
{
	static const char *const states[] = { "off", "on" };
	int state = find_value(states, ARRAY_SIZE(states), value);

	if (state >= 0)
		bond->passive = state == 0;
	return state >= 0;
}

static bool set_selection(struct net_bond *bond, const char *value)
{
	static const char *const selections[] = { "stable", "bandwidth", "count" };
	int selection = find_value(selections, ARRAY_SIZE(selections), value);

	if (selection >= 0)
		bond->selection = (unsigned int)selection;
	return selection >= 0;
}

static bool set_number(unsigned int *field, const char *value, uint64_t max)
{
	uint64_t number;

	if (parse_u64(value, 0, max, &number) < 0)
		return false;
	*field = (unsigned int)number;
	return true;
}

static bool set_min_links(struct net_bond *bond, const char *value)
{
	return set_number(&bond->min_links, value, INT32_MAX);
}

static bool set_priority(struct net_bond *bond, const char *value)
{
	return set_number(&bond->system_priority, value, 65535);
}

static bool set_up_delay(struct net_bond *bond, const char *value)
{
	return set_number(&bond->up_delay_ms, value, INT32_MAX);
}

static bool set_system(struct net_bond *bond, const char *value)
{
	uint8_t mac[6];

	if (mac_parse(value, mac) < 0)
		return false;
	bond->has_system_id = !mac_is_zero(mac);
	memcpy(bond->system_id, mac, sizeof(mac));
	return true;
}

static bool set_member(char field[NET_NAME_LEN], const char *value)
{
	if (strlen(value) >= NET_NAME_LEN)
		return false;
	strcpy(field, strcmp(value, "none") == 0 || strcmp(value, "None") == 0 ? "" : value);
	return true;
}

static bool set_primary(struct net_bond *bond, const char *value)
{
	return set_member(bond->primary, value);
}

static bool set_active_member(struct net_bond *bond, const char *value)
{
	return set_member(bond->active, value);
}

static bool set_reselect(struct net_bond *bond, const char *value)
{
	static const char *const choices[] = { "always", "better", "failure" };
	int choice = find_value(choices, ARRAY_SIZE(choices), value);

	if (choice >= 0)
		bond->failback_off = choice == 2;
	return choice >= 0;
}

#define MONITOR "uplinkd reads the carrier itself"
#define NO_ARP \
	"failure-detection: beacon is not available in this version; uplinkd detects the loss of the link"

/* clang-format off */
static const struct bond_option options[] = {
	{ "mode", "a mode of bonding such as 802.3ad", set_mode, NULL, NULL },
	{ "xmit_hash_policy", "layer2, layer2+3, layer3+4, encap2+3, encap3+4 or vlan+srcmac", set_hash, NULL, NULL },
	{ "lacp_rate", "slow or fast", set_rate, NULL, NULL },
	{ "lacp_active", "on or off", set_active, NULL, NULL },
	{ "ad_select", "stable, bandwidth or count", set_selection, NULL, NULL },
	{ "min_links", "a number", set_min_links, NULL, NULL },
	{ "ad_actor_sys_prio", "0-65535", set_priority, NULL, NULL },
	{ "ad_actor_system", "a MAC address", set_system, NULL, NULL },
	{ "updelay", "a number of milliseconds", set_up_delay, NULL, NULL },
	{ "primary", "the name of a member", set_primary, NULL, NULL },
	{ "active_slave", "the name of a member", set_active_member, NULL, NULL },
	{ "primary_reselect", "always, better or failure", set_reselect, NULL, NULL },
	/* without a counterpart */
	{ "downdelay", NULL, NULL, "uplinkd leaves a dead link at once", "0" },
	{ "arp_interval", NULL, NULL, NO_ARP, "0" },
	{ "arp_ip_target", NULL, NULL, NO_ARP, "" },
	{ "arp_validate", NULL, NULL, NO_ARP, "none 0 null" },
	{ "ad_user_port_key", NULL, NULL, "the key of the channel is lacp.key; the partner does not compare it", "0" },
	{ "fail_over_mac", NULL, NULL, "each port keeps its MAC address", "none 0" },
	{ "all_slaves_active", NULL, NULL, "frames of a duplicate path are dropped", "0" },
	{ "num_grat_arp", NULL, NULL, "notify-switches sends RARP at 0, 1, 2, 4 and 7 s", "1" },
	/* nothing that a configuration must contain */
	{ "miimon", NULL, NULL, MONITOR, "*" },
	{ "use_carrier", NULL, NULL, MONITOR, "*" },
	{ "arp_all_targets", NULL, NULL, NO_ARP, "*" },
	{ "arp_missed_max", NULL, NULL, NO_ARP, "*" },
	{ "resend_igmp", NULL, NULL, "notify-switches does that", "*" },
	{ "lp_interval", NULL, NULL, "of balance-tlb and balance-alb", "*" },
	{ "tlb_dynamic_lb", NULL, NULL, "of balance-tlb", "*" },
	{ "packets_per_slave", NULL, NULL, "of balance-rr", "*" },
	{ "peer_notif_delay", NULL, NULL, "notify-switches does that", "*" },
};
/* clang-format on */

/* "*" is every value. */
static bool is_idle(const char *idle, const char *value)
{
	size_t n = strlen(value);

	if (strcmp(idle, "*") == 0 || n == 0)
		return true;
	for (const char *at = idle; (at = strstr(at, value)); at++)
		if ((at == idle || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

void net_bond_set(struct network *network, struct net_place place, struct net_interface *bond,
		  const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct bond_option *option = &options[i];

		if (strcmp(option->name, name) != 0)
			continue;
		if (option->set && !option->set(&bond->bond, value))
			network_error(network, place, -EINVAL, "%s: %s %.80s: must be %s",
				      bond->name, name, value, option->must);
		else if (!option->set && !is_idle(option->idle, value))
			network_unmapped(network, place, "%s: %s %.80s: not mapped: %s", bond->name,
					 name, value, option->reason);
		return;
	}
	network_unmapped(network, place, "%s: %.80s %.80s: not mapped: unknown option of bonding",
			 bond->name, name, value);
}
