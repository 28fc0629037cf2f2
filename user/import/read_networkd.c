// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * systemd-networkd: .netdev files create interfaces, .network files configure those that [Match]
 * selects by name. Drop-ins of NAME.d/ are read after their file; a file hides those of the same
 * name in later folders. Wildcards match interfaces that other sources name, so that `live
 * networkd` resolves them.
 */
#include <fnmatch.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/util.h"
#include "import/reader.h"

#define MAX_ENTRIES 10000 /* of a file and its drop-ins */

struct entry {
	char *section, *key, *value;
	unsigned int number; /* of the section in its file */
	struct net_place place;
};

struct unit {
	struct entry *entries;
	size_t n;
};

struct networkd {
	struct network *network;
	struct unit unit; /* the file that is being read */
	struct net_place place;
};

/* ---- files ---- */
static void unit_done(struct unit *unit)
{
	for (size_t i = 0; i < unit->n; i++)
		free(unit->entries[i].section); /* one allocation holds all three */
	free(unit->entries);
	*unit = (struct unit){ 0 };
}

static void add_entry(struct networkd *reader, struct net_place place, const char *section,
		      unsigned int number, const char *key, const char *value)
{
	struct unit *unit = &reader->unit;
	size_t a = strlen(section) + 1, b = strlen(key) + 1, c = strlen(value) + 1;
	struct entry *entries;
	char *text;

	if (unit->n == MAX_ENTRIES) {
		network_error(reader->network, place, -E2BIG, "more than %d settings", MAX_ENTRIES);
		return;
	}
	entries = reallocarray(unit->entries, unit->n + 1, sizeof(*entries));
	if (entries)
		unit->entries = entries;
	text = malloc(a + b + c);
	if (!entries || !text) {
		free(text);
		network_error(reader->network, place, -ENOMEM, "no memory");
		return;
	}
	entries[unit->n++] = (struct entry){ text, text + a, text + a + b, number, place };
	memcpy(text, section, a);
	memcpy(text + a, key, b);
	memcpy(text + a + b, value, c);
}

static void parse_file(struct networkd *reader, const char *path)
{
	struct net_place place;
	_cleanup_free_ char *text = source_read_file(reader->network, path, &place);
	char *rest = text, *line, section[64] = "";
	unsigned int number = 0; /* differs from those of other files */

	while (rest && (line = strsep(&rest, "\n")) && !reader->network->failed) {
		char *equals;

		place.line++;
		line = trim(line);
		if (!line[0] || line[0] == '#' || line[0] == ';')
			continue;
		equals = strchr(line, '=');
		if (line[0] == '[' && line[strlen(line) - 1] == ']') {
			line[strlen(line) - 1] = '\0';
			snprintf(section, sizeof(section), "%s", line + 1);
			number++;
		} else if (!equals || !section[0]) {
			network_error(reader->network, place, -EINVAL,
				      "%.60s: must be [SECTION] or KEY=VALUE in a section", line);
		} else {
			*equals = '\0';
			add_entry(reader, place, section, number, trim(line), trim(equals + 1));
		}
	}
}

/* Linked to /dev/null, a file is masked. */
static bool is_masked(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

static void parse_unit(struct networkd *reader, const char *folder, const char *name)
{
	_cleanup_(source_list_done) struct source_list drop_ins = {};
	char path[PATH_MAX], drop_in[PATH_MAX];

	if (!source_join(reader->network, path, sizeof(path), folder, name))
		return;
	if (is_masked(path))
		return;
	parse_file(reader, path);
	if (strlen(path) + 3 > sizeof(path))
		return;
	strcat(path, ".d");
	if (!source_is_folder(path) ||
	    source_list_folder(reader->network, path, ".conf", &drop_ins) < 0)
		return;
	for (size_t i = 0; i < drop_ins.n && !reader->network->failed; i++)
		if (source_join(reader->network, drop_in, sizeof(drop_in), path, drop_ins.names[i]))
			parse_file(reader, drop_in);
}

/* ---- values ---- */
static bool is_yes(const char *value)
{
	return strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 ||
	       strcasecmp(value, "on") == 0 || strcmp(value, "1") == 0;
}

/* NULL: absent. The last assignment counts. */
static const struct entry *find(const struct unit *unit, const char *section, const char *key)
{
	for (size_t i = unit->n; i-- > 0;)
		if (strcmp(unit->entries[i].section, section) == 0 &&
		    strcmp(unit->entries[i].key, key) == 0)
			return &unit->entries[i];
	return NULL;
}

static const char *value_of(const struct unit *unit, const char *section, const char *key)
{
	const struct entry *entry = find(unit, section, key);

	return entry ? entry->value : "";
}

/* "200ms", "2s", "2": seconds without a unit. Milliseconds in text; anything else stays. */
static void to_ms(const char *value, char *text, size_t size)
{
	char *end;
	double number = strtod(value, &end);
	bool valid = end != value && number >= 0 && number <= 1e6;

	if (valid && strcmp(end, "ms") == 0)
		snprintf(text, size, "%.0f", number);
	else if (valid && (!*end || strcmp(end, "s") == 0 || strcmp(end, "sec") == 0))
		snprintf(text, size, "%.0f", number * 1000);
	else
		snprintf(text, size, "%s", value);
}

static void set_mtu(struct networkd *reader, struct net_interface *interface,
		    const struct entry *entry)
{
	uint64_t mtu;

	if (parse_u64(entry->value, 68, 65535, &mtu) < 0)
		network_error(reader->network, entry->place, -EINVAL,
			      "%s: MTUBytes=%.40s: must be 68-65535", interface->name,
			      entry->value);
	else
		interface->mtu = (unsigned int)mtu;
}

/* "10" or "10-20" */
static bool parse_vlans(const char *value, unsigned int *first, unsigned int *last)
{
	char text[16], *dash;
	uint64_t a, b;

	if (strlen(value) >= sizeof(text))
		return false;
	strcpy(text, value);
	dash = strchr(text, '-');
	if (dash)
		*dash = '\0';
	if (parse_u64(text, 1, 4094, &a) < 0)
		return false;
	b = a;
	if (dash && parse_u64(dash + 1, a, 4094, &b) < 0)
		return false;
	*first = (unsigned int)a;
	*last = (unsigned int)b;
	return true;
}

/* ---- .netdev ---- */
static void set_bond_option(struct networkd *reader, struct net_interface *bond,
			    const struct entry *entry)
{
	/* clang-format off */
	static const struct {
		const char *key, *option;
		bool time;
	} options[] = {
		{ "Mode", "mode", false },
		{ "TransmitHashPolicy", "xmit_hash_policy", false },
		{ "LACPTransmitRate", "lacp_rate", false },
		{ "MIIMonitorSec", "miimon", true },
		{ "MinLinks", "min_links", false },
		{ "AdSelect", "ad_select", false },
		{ "AdActorSystemPriority", "ad_actor_sys_prio", false },
		{ "AdActorSystem", "ad_actor_system", false },
		{ "AdUserPortKey", "ad_user_port_key", false },
		{ "UpDelaySec", "updelay", true },
		{ "DownDelaySec", "downdelay", true },
		{ "PrimaryReselectPolicy", "primary_reselect", false },
		{ "FailOverMACPolicy", "fail_over_mac", false },
		{ "GratuitousARP", "num_grat_arp", false },
		{ "AllSlavesActive", "all_slaves_active", false },
		{ "ARPIntervalSec", "arp_interval", true },
		{ "ARPIPTargets", "arp_ip_target", false },
		{ "ARPValidate", "arp_validate", false },
		{ "ARPAllTargets", "arp_all_targets", false },
		{ "ResendIGMP", "resend_igmp", false },
		{ "PacketsPerSlave", "packets_per_slave", false },
		{ "LearnPacketIntervalSec", "lp_interval", true },
		{ "DynamicTransmitLoadBalancing", "tlb_dynamic_lb", false },
	};
	/* clang-format on */
	const char *option = entry->key, *value = entry->value;
	char ms[64];

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].key, entry->key) != 0)
			continue;
		option = options[i].option;
		if (options[i].time) {
			to_ms(value, ms, sizeof(ms));
			value = ms;
		} else if (strcmp(option, "all_slaves_active") == 0) {
			value = is_yes(value) ? "1" : "0";
		}
	}
	net_bond_set(reader->network, entry->place, bond, option, value);
}

static void read_vlan(struct networkd *reader, struct net_interface *vlan, struct net_place place)
{
	const char *id = value_of(&reader->unit, "VLAN", "Id");
	unsigned int first, last;

	net_set_kind(vlan, NET_VLAN);
	if (parse_vlans(id, &first, &last) && first == last)
		vlan->vid = first;
	else
		network_error(reader->network, place, -EINVAL, "%s: Id=%.40s: must be 1-4094",
			      vlan->name, id);
	vlan->service_tag = strcasecmp(value_of(&reader->unit, "VLAN", "Protocol"), "802.1ad") == 0;
}

static void read_netdev(struct networkd *reader)
{
	const struct unit *unit = &reader->unit;
	const struct entry *name = find(unit, "NetDev", "Name"),
			   *mtu = find(unit, "NetDev", "MTUBytes");
	const char *kind = value_of(unit, "NetDev", "Kind");
	struct net_interface *interface;

	if (!name)
		return;
	interface = network_get(reader->network, name->place, name->value);
	if (!interface)
		return;
	interface->place = name->place;
	if (mtu)
		set_mtu(reader, interface, mtu);
	if (strcmp(kind, "bond") == 0) {
		net_set_kind(interface, NET_BOND);
		if (interface->bond.mode == NET_BOND_UNREAD)
			interface->bond.mode = NET_BOND_RR; /* the kernel's default */
		for (size_t i = 0; i < unit->n; i++)
			if (strcmp(unit->entries[i].section, "Bond") == 0)
				set_bond_option(reader, interface, &unit->entries[i]);
	} else if (strcmp(kind, "bridge") == 0) {
		net_set_kind(interface, NET_BRIDGE);
		interface->vlan_aware = is_yes(value_of(unit, "Bridge", "VLANFiltering"));
	} else if (strcmp(kind, "vlan") == 0) {
		read_vlan(reader, interface, name->place);
	} else if (strcmp(kind, "tap") == 0) {
		net_set_kind(interface, NET_TAP);
	} else if (strcmp(kind, "veth") == 0) {
		net_set_kind(interface, NET_VETH);
	} else {
		net_set_other(interface, kind[0] ? kind : "unknown");
	}
}

/* ---- .network ---- */
static void add_dhcp(struct net_interface *interface, const char *value)
{
	interface->dhcp = is_yes(value) || strcmp(value, "ipv4") == 0 ||
			  strcmp(value, "ipv6") == 0 || strcmp(value, "both") == 0;
}

static void set_vlan_parent(struct networkd *reader, const struct net_interface *interface,
			    const struct entry *entry)
{
	struct net_interface *vlan = network_get(reader->network, entry->place, entry->value);

	if (!vlan)
		return;
	net_set_kind(vlan, NET_VLAN);
	network_set_name(reader->network, entry->place, vlan->parent, interface->name);
}

static void set_master(struct networkd *reader, struct net_interface *interface,
		       const struct entry *entry, bool bond)
{
	struct net_interface *master = network_get(reader->network, entry->place, entry->value);

	if (!master)
		return;
	network_set_name(reader->network, entry->place, interface->master, master->name);
	interface->is_member = bond;
	interface->is_declared = true;
}

/* Bond= stands in the same file. */
static void set_primary(struct networkd *reader, const struct net_interface *interface,
			const struct entry *entry)
{
	const struct entry *bond = find(&reader->unit, "Network", "Bond");
	struct net_interface *master =
		bond ? network_get(reader->network, bond->place, bond->value) : NULL;

	if (master)
		net_bond_set(reader->network, entry->place, master, "primary", interface->name);
}

static void apply_network(struct networkd *reader, struct net_interface *interface,
			  const struct entry *entry)
{
	struct network *network = reader->network;
	const char *key = entry->key, *value = entry->value;
	char words[256], *rest = words, *word;

	if (strcmp(key, "Address") == 0) {
		network_add_address(network, entry->place, interface, value);
	} else if (strcmp(key, "Gateway") == 0 && value[0] != '_') {
		network_add_route(network, entry->place, interface->name, "default", value, 0);
	} else if (strcmp(key, "DNS") == 0) {
		snprintf(words, sizeof(words), "%s", value);
		while ((word = next_word(&rest)))
			network_add_dns(network, entry->place, interface->name, word);
	} else if (strcmp(key, "DHCP") == 0) {
		add_dhcp(interface, value);
	} else if (strcmp(key, "Bond") == 0 || strcmp(key, "Bridge") == 0) {
		set_master(reader, interface, entry, strcmp(key, "Bond") == 0);
	} else if (strcmp(key, "PrimarySlave") == 0 && is_yes(value)) {
		set_primary(reader, interface, entry);
	} else if (strcmp(key, "VLAN") == 0) {
		set_vlan_parent(reader, interface, entry);
	} else if (strcmp(key, "VRF") == 0 || strcmp(key, "MACVLAN") == 0 ||
		   strcmp(key, "Tunnel") == 0 || strcmp(key, "VXLAN") == 0) {
		network_unmapped(network, entry->place, "%s: %s=%.60s: not mapped", interface->name,
				 key, value);
	}
}

static void apply_bridge_vlan(struct networkd *reader, struct net_interface *interface,
			      const struct entry *entry)
{
	struct net_vlans *vlans = &interface->vlans;
	unsigned int first, last;

	if (!parse_vlans(entry->value, &first, &last)) {
		network_error(reader->network, entry->place, -EINVAL,
			      "%s: %.20s=%.40s: must be 1-4094 or a range such as 10-20",
			      interface->name, entry->key, entry->value);
		return;
	}
	vlans->given = true;
	if (strcmp(entry->key, "PVID") == 0) {
		vlans->pvid = (int)first;
		if (!net_vlan_has(vlans->untagged, first))
			net_vlan_set(vlans->tagged, first);
		return;
	}
	for (unsigned int vid = first; vid <= last; vid++) {
		if (strcmp(entry->key, "EgressUntagged") == 0) {
			net_vlan_set(vlans->untagged, vid);
			vlans->tagged[vid / 64] &= ~(1ULL << vid % 64);
		} else if (!net_vlan_has(vlans->untagged, vid)) {
			net_vlan_set(vlans->tagged, vid);
		}
	}
}

/* The destination stands in the same section, before or after the gateway. */
static void apply_route(struct networkd *reader, const struct net_interface *interface,
			const struct entry *gateway)
{
	const struct unit *unit = &reader->unit;
	const char *to = "default";

	if (strcmp(gateway->key, "Gateway") != 0 || gateway->value[0] == '_')
		return;
	for (size_t i = 0; i < unit->n; i++) {
		const struct entry *entry = &unit->entries[i];

		if (entry->number == gateway->number && entry->place.file == gateway->place.file &&
		    strcmp(entry->key, "Destination") == 0)
			to = entry->value;
	}
	network_add_route(reader->network, gateway->place, interface->name, to, gateway->value, 0);
}

static void apply_to(struct networkd *reader, struct net_interface *interface)
{
	for (size_t i = 0; i < reader->unit.n && !reader->network->failed; i++) {
		const struct entry *entry = &reader->unit.entries[i];

		if (strcmp(entry->section, "Network") == 0)
			apply_network(reader, interface, entry);
		else if (strcmp(entry->section, "Address") == 0 &&
			 strcmp(entry->key, "Address") == 0)
			network_add_address(reader->network, entry->place, interface, entry->value);
		else if (strcmp(entry->section, "Route") == 0)
			apply_route(reader, interface, entry);
		else if (strcmp(entry->section, "BridgeVLAN") == 0)
			apply_bridge_vlan(reader, interface, entry);
		else if (strcmp(entry->section, "Link") == 0 && strcmp(entry->key, "MTUBytes") == 0)
			set_mtu(reader, interface, entry);
	}
}

static bool configures_something(const struct unit *unit)
{
	for (size_t i = 0; i < unit->n; i++)
		if (strcmp(unit->entries[i].section, "Match") != 0)
			return true;
	return false;
}

/* Applies to the interfaces that a word of Name= matches; their number. */
static size_t apply_word(struct networkd *reader, struct net_place place, const char *word)
{
	struct network *network = reader->network;
	size_t n = network->n_interfaces, matched = 0;
	struct net_interface *interface;

	if (!strpbrk(word, "*?[!")) {
		interface = network_get(network, place, word);
		if (interface)
			apply_to(reader, interface);
		return 1;
	}
	for (size_t i = 0; i < n && !network->failed; i++) {
		interface = network->interfaces[i];
		if (fnmatch(word, interface->name, 0) == 0) {
			apply_to(reader, interface);
			matched++;
		}
	}
	return matched;
}

static void read_network(struct networkd *reader)
{
	const struct unit *unit = &reader->unit;
	const struct entry *name = find(unit, "Match", "Name");
	char words[512], *rest = words, *word;

	if (!configures_something(unit))
		return;
	if (!name) {
		network_unmapped(
			reader->network, unit->entries[0].place,
			"not mapped: [Match] has no Name; interfaces are matched by name only");
		return;
	}
	snprintf(words, sizeof(words), "%s", name->value);
	while ((word = next_word(&rest)))
		if (strcmp(word, "lo") != 0 && apply_word(reader, name->place, word) == 0)
			network_unmapped(
				reader->network, name->place,
				"Name=%.60s: not mapped: matches no interface of the sources; add the source live",
				word);
}

/* ---- folders ---- */
static bool is_hidden(const char *const *folders, size_t n_folders, const char *name)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < n_folders; i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folders[i], name) <
			    sizeof(path) &&
		    access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static void read_kind(struct networkd *reader, const char *const *folders, size_t n_folders,
		      const char *suffix, void (*read)(struct networkd *reader))
{
	for (size_t f = 0; f < n_folders && !reader->network->failed; f++) {
		_cleanup_(source_list_done) struct source_list list = {};

		if (source_list_folder(reader->network, folders[f], suffix, &list) < 0)
			continue;
		for (size_t i = 0; i < list.n && !reader->network->failed; i++) {
			if (is_hidden(folders, f, list.names[i]))
				continue;
			parse_unit(reader, folders[f], list.names[i]);
			if (!reader->network->failed && reader->unit.n)
				read(reader);
			unit_done(&reader->unit);
		}
	}
}

void read_networkd(struct network *network, const char *const *folders, size_t n_folders)
{
	struct networkd reader = { .network = network };
	struct net_place place = { n_folders ? folders[0] : NULL, 0 };
	bool found = false;

	for (size_t i = 0; i < n_folders; i++)
		found = found || source_is_folder(folders[i]);
	if (!found) {
		network_error(network, place, -ENOENT, "must be a folder");
		return;
	}
	read_kind(&reader, folders, n_folders, ".netdev", read_netdev);
	read_kind(&reader, folders, n_folders, ".network", read_network);
	unit_done(&reader.unit);
}
