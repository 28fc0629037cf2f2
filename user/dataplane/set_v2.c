// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "dataplane/set_v2.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "channels.h"
#include "dataplane/check.h"
#include "dataplane/internal.h"
#include "dataplane/journal.h"

_Static_assert(sizeof(struct lacp_saved) == sizeof(struct lacp_saved_v2) &&
		       LACP_SAVED_VERSION == LACP_SAVED_VERSION_V2,
	       "the saved LACP state is copied");
_Static_assert(sizeof(struct ul_lacp_answer) == sizeof(struct ul_lacp_answer_v2) &&
		       sizeof(struct ul_policy) == sizeof(struct ul_policy_v2) &&
		       sizeof(struct ul_group) == sizeof(struct ul_group_v2),
	       "copied");
_Static_assert((int)UL_M_FAILOVER_ORDER == (int)UL_M_FAILOVER_ORDER_V2 &&
		       (int)UL_M_SRC_DST_IP == (int)UL_M_SRC_DST_IP_V2,
	       "the numbers of methods");
_Static_assert((int)UL_UP_FOR_ALL == (int)UL_UP_FOR_ALL_V2 &&
		       (int)UL_UP_DRAINED == (int)UL_UP_DRAINED_V2 &&
		       (int)UL_PORT_XDP_TCP == (int)UL_PORT_XDP_TCP_V2 &&
		       (int)UL_PORT_RUNTIME == (int)UL_PORT_RUNTIME_V2 &&
		       (int)UL_SAVED_TX_VLAN == (int)UL_SAVED_TX_VLAN_V2,
	       "the bits of flags");

/* ---- reading ---- */
/* 0; -EPROTO: another kind of map; other negative errno. */
static int check_map(int fd, uint32_t type, uint32_t value_size, uint32_t *ret_n)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0)
		return -errno;
	if (info.type != type || info.key_size != sizeof(uint32_t) || info.value_size != value_size)
		return -EPROTO;
	*ret_n = info.max_entries;
	return 0;
}

/* Reads an array of n entries, or as many as it has with n 0. 0; -EPROTO: another kind of map;
 * other negative errno. */
static int read_array(const char *dir, const char *name, uint32_t value_size, uint32_t n,
		      void **ret, uint32_t *ret_n)
{
	_cleanup_close_ int fd = pin_open(dir, name);
	_cleanup_free_ uint8_t *values = NULL;
	uint32_t entries;
	int r;

	if (fd < 0)
		return fd;
	r = check_map(fd, BPF_MAP_TYPE_ARRAY, value_size, &entries);
	if (r < 0)
		return r;
	if (n && entries != n)
		return -EPROTO;
	values = calloc(entries, value_size);
	if (!values)
		return -ENOMEM;
	for (uint32_t i = 0; i < entries; i++)
		if (bpf_map_lookup_elem(fd, &i, values + (size_t)i * value_size) < 0)
			return -errno;
	if (ret_n)
		*ret_n = entries;
	*ret = TAKE_PTR(values);
	return 0;
}

#define READ(dir, name, array, n, ret_n) \
	read_array(dir, name, sizeof(*(array)), n, (void **)&(array), ret_n)

static int read_meta(const char *dir, struct ul_meta_v2 *ret)
{
	_cleanup_free_ struct ul_meta_v2 *meta = NULL;
	int r = READ(dir, "ul_meta", meta, 1, NULL);

	if (r == 0 && meta->abi_version != UL_ABI_VERSION_V2)
		r = -EPROTO;
	if (r == 0)
		*ret = *meta;
	return r;
}

void set_v2_end_names(struct set_v2 *set)
{
	for (uint32_t i = 0; i < UL_MAX_UPLINKS_V2; i++)
		set->uplinks[i].name[UL_NAME_LEN_V2 - 1] = '\0';
	for (uint32_t i = 0; i < set->n_ports; i++)
		set->ports[i].name[UL_NAME_LEN_V2 - 1] = '\0';
	for (uint32_t i = 0; i < set->n_groups; i++)
		set->groups[i].name[UL_GROUP_NAME_LEN_V2 - 1] = '\0';
}

int set_v2_check(const struct set_v2 *set)
{
	if (set->meta.n_uplinks > UL_MAX_UPLINKS_V2 || set->meta.channel > UL_CHANNEL_LACP ||
	    set->meta.receive > UL_RECEIVE_TC)
		return -EPROTO;
	for (uint32_t i = 0; i < UL_MAX_UPLINKS_V2; i++)
		if (set->uplinks[i].xdp_mode > UL_XDP_GENERIC ||
		    set->uplinks[i].lacp_port > UL_MAX_UPLINKS_V2 ||
		    !check_name(set->uplinks[i].name, sizeof(set->uplinks[i].name)))
			return -EPROTO;
	for (uint32_t i = 0; i < set->n_ports; i++)
		if (set->ports[i].flags & UL_PORT_USED_V2 &&
		    !check_name(set->ports[i].name, sizeof(set->ports[i].name)))
			return -EPROTO;
	for (uint32_t i = 0; i < set->n_groups; i++)
		if (!check_group((const void *)&set->groups[i]))
			return -EPROTO;
	for (uint32_t i = 0; i < UL_MAX_POLICIES_V2; i++)
		if (!check_policy((const void *)&set->policies[i]))
			return -EPROTO;
	return 0;
}

static int open_stats(const char *dir, struct set_v2 *set)
{
	set->stats_fd = pin_open(dir, "ul_stats");
	return set->stats_fd < 0 ? set->stats_fd :
				   check_map(set->stats_fd, BPF_MAP_TYPE_PERCPU_ARRAY,
					     sizeof(struct ul_stats_v2), &set->n_stats);
}

static int read_set(const char *dir, struct set_v2 *set)
{
	int r = read_meta(dir, &set->meta);

	if (r == 0)
		r = READ(dir, "ul_uplinks", set->uplinks, UL_MAX_UPLINKS_V2, NULL);
	if (r == 0)
		r = READ(dir, "ul_ports", set->ports, 0, &set->n_ports);
	if (r == 0)
		r = READ(dir, "ul_groups", set->groups, 0, &set->n_groups);
	if (r == 0)
		r = READ(dir, "ul_policies", set->policies, UL_MAX_POLICIES_V2, NULL);
	if (r == 0)
		r = READ(dir, "ul_fdb", set->fdb, 0, &set->n_fdb_rows);
	if (r == 0)
		r = READ(dir, "ul_lacp_answers", set->answers, UL_MAX_UPLINKS_V2, NULL);
	if (r == 0)
		r = READ(dir, "ul_lacp", set->lacp, UL_MAX_UPLINKS_V2, NULL);
	if (r == 0) {
		set_v2_end_names(set);
		r = set_v2_check(set);
	}
	return r < 0 ? r : open_stats(dir, set);
}

void set_v2_close(struct set_v2 *set)
{
	if (!set)
		return;
	free(set->uplinks);
	free(set->ports);
	free(set->groups);
	free(set->policies);
	free(set->fdb);
	free(set->answers);
	free(set->lacp);
	ul_closep(&set->stats_fd);
	free(set);
}

static void set_v2_closep(struct set_v2 **set)
{
	set_v2_close(*set);
}

int set_v2_open(const char *bpffs, const char *switch_name, struct set_v2 **ret)
{
	_cleanup_(set_v2_closep) struct set_v2 *set = calloc(1, sizeof(*set));
	char dir[PATH_MAX];
	int r;

	if (!set)
		return -ENOMEM;
	set->stats_fd = -1;
	r = pin_switch_dir(dir, bpffs, switch_name, PINS_CURRENT);
	if (r == 0)
		r = read_set(dir, set);
	if (r < 0)
		return r == -EPROTO ? -ENOENT : r;
	*ret = TAKE_PTR(set);
	return 0;
}

/* ---- settings ---- */
static bool has_record(const struct journal *journal, uint32_t ifindex, const char *name)
{
	for (size_t i = 0; i < journal_count(journal); i++) {
		const struct ul_saved_settings *record = journal_at(journal, i);

		if (ifindex ? record->ifindex == ifindex : strcmp(record->name, name) == 0)
			return true;
	}
	return false;
}

static int note(struct journal *journal, struct ul_saved_settings *record, const uint8_t mac[6],
		const char *name)
{
	if (!record->settings || has_record(journal, record->ifindex, name))
		return 0;
	memcpy(record->mac, mac, sizeof(record->mac));
	memcpy(record->name, name, strnlen(name, sizeof(record->name) - 1));
	return journal_add(journal, record);
}

int set_v2_note_settings(const struct set_v2 *set, struct journal *journal)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < UL_MAX_UPLINKS_V2; i++) {
		const struct ul_uplink_v2 *uplink = &set->uplinks[i];
		struct ul_saved_settings record = {
			.ifindex = uplink->ifindex,
			.settings = uplink->saved | (uplink->saved_mtu ? UL_SAVED_MTU : 0),
			.mtu = uplink->saved_mtu,
			.flags = uplink->ifindex ? 0 : UL_SAVED_AWAY,
		};

		r = note(journal, &record, uplink->mac, uplink->name);
	}
	for (uint32_t i = 0; r == 0 && i < set->n_ports; i++) {
		const struct ul_port_v2 *port = &set->ports[i];
		bool host = port->flags & UL_PORT_HOST_V2;
		bool ipv6 = port->flags & UL_PORT_SAVED_IPV6_V2 && port->ifindex && !host;
		/* the pair of a host port: its end at the host, whose ifindex is not known */
		struct ul_saved_settings record = { .ifindex = host ? 0 : port->ifindex,
						    .settings = host ? UL_SAVED_ABSENT :
								ipv6 ? UL_SAVED_IPV6 :
								       0,
						    .flags = UL_SAVED_OF_PORT };

		/* A free slot may have anything. */
		if (port->flags & UL_PORT_USED_V2)
			r = note(journal, &record, port->mac, port->name);
	}
	return r;
}

/* ---- records ---- */
static void carry_meta(const struct ul_meta_v2 *from, struct ul_meta *to)
{
	to->n_uplinks = from->n_uplinks;
	to->generation = from->generation;
	to->channel = from->channel;
	to->mtu = from->mtu;
	to->receive = from->receive;
	to->headless_ns = from->headless_ns;
	memcpy(to->lacp_system, from->lacp_system, sizeof(to->lacp_system));
	to->lacp_system_given = from->lacp_system_given;
}

static int carry_uplink(struct dataplane *dp, uint32_t index, const struct ul_uplink_v2 *from)
{
	struct ul_uplink *to = &((struct ul_uplink *)dp->mapping[UL_MAP_UPLINKS])[index];

	*to = (struct ul_uplink){
		.ifindex = from->ifindex,
		.flags = from->flags,
		.netdev = from->netdev,
		.xdp_mode = from->xdp_mode,
		.speed_mbps = from->speed_mbps,
		.max_frame = from->max_frame,
		.lacp_port = from->lacp_port,
	};
	memcpy(to->mac, from->mac, sizeof(to->mac));
	memcpy(to->name, from->name, sizeof(to->name));
	return to->ifindex ? table_set(&dp->ifaces, ul_iface_key(to->ifindex), index) : 0;
}

/* life and seen are 0: its address is confirmed. */
static int carry_port(struct dataplane *dp, uint32_t slot, const struct ul_port_v2 *from)
{
	struct ul_port *to = &((struct ul_port *)dp->mapping[UL_MAP_PORTS])[slot];

	if (!(from->flags & UL_PORT_USED_V2) || from->group >= dp->max_groups ||
	    from->policy >= UL_MAX_POLICIES || from->vlan.mode > UL_VLAN_VGT ||
	    from->vlan.vid > UL_VLAN_TRUNK)
		return 0;
	*to = (struct ul_port){
		.ifindex = from->ifindex,
		.flags = from->flags & (UL_PORT_USED | UL_PORT_XDP | UL_PORT_HOST |
					UL_PORT_RUNTIME | UL_PORT_XDP_TCP),
		.vlan = { .mode = from->vlan.mode,
			  .vid = from->vlan.vid,
			  .group_flags = from->vlan.group_flags },
		.group = from->group,
		.number = from->number,
		.max_frame = from->max_frame,
		.policy = from->policy,
	};
	memcpy(to->mac, from->mac, sizeof(to->mac));
	memcpy(to->name, from->name, sizeof(to->name));
	return to->ifindex ?
		       table_set(&dp->ifaces, ul_iface_key(to->ifindex), UL_ENDPOINT_PORT0 + slot) :
		       0;
}

/* ---- addresses ---- */
static int carry_address(struct dataplane *dp, uint64_t key, uint32_t slot, uint64_t jiffies)
{
	uint8_t mac[6];

	if (slot >= dp->max_ports || !(dp->ports[slot].flags & UL_PORT_USED))
		return 0;
	mac_from_key(key, mac);
	if (memcmp(dp->ports[slot].mac, mac, sizeof(mac)) == 0)
		return table_set(&dp->fdb, key, slot);
	if (ul_fdb_key_vid(key) == UL_VLAN_TRUNK)
		return 0;
	return table_set_used(&dp->fdb, key, slot | UL_FDB_LEARNED, jiffies, 0);
}

static int carry_addresses(const struct set_v2 *set, struct dataplane *dp)
{
	uint64_t jiffies = dataplane_jiffies(dp);
	int r = 0;

	for (uint32_t row = 0; row < set->n_fdb_rows; row++)
		for (int cell = 0; r == 0 && cell < 4; cell++)
			if (set->fdb[row].key[cell] && set->fdb[row].value[cell])
				r = carry_address(dp, set->fdb[row].key[cell],
						  set->fdb[row].value[cell] - 1, jiffies);
	return r;
}

/* ---- counters ---- */
static int carry_stats(const struct set_v2 *set, struct dataplane *dp, uint32_t n_endpoints)
{
	int n_cpus = set->stats_fd < 0 ? 0 : libbpf_num_possible_cpus();
	_cleanup_free_ struct ul_stats_v2 *from = NULL;
	_cleanup_free_ struct ul_stats *to = NULL;

	if (n_cpus <= 0)
		return n_cpus;
	from = calloc((size_t)n_cpus, sizeof(*from));
	to = calloc((size_t)n_cpus, sizeof(*to));
	if (!from || !to)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_endpoints; i++) {
		if (bpf_map_lookup_elem(set->stats_fd, &i, from) < 0)
			return -errno;
		for (int cpu = 0; cpu < n_cpus; cpu++)
			memcpy(&to[cpu], &from[cpu], sizeof(from[cpu]));
		if (bpf_map_update_elem(dp->map_fd[UL_MAP_STATS], &i, to, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

int set_v2_carry_over(const struct set_v2 *set, struct dataplane *dp)
{
	uint32_t n_ports = least(set->n_ports, dp->max_ports);
	int r = 0;

	carry_meta(&set->meta, dp->mapping[UL_MAP_META]);
	memcpy(dp->mapping[UL_MAP_GROUPS], set->groups,
	       least(set->n_groups, dp->max_groups) * sizeof(*set->groups));
	memcpy(dp->mapping[UL_MAP_POLICIES], set->policies,
	       UL_MAX_POLICIES * sizeof(*set->policies));
	memcpy(dp->mapping[UL_MAP_LACP_ANSWERS], set->answers,
	       UL_MAX_UPLINKS * sizeof(*set->answers));
	for (uint32_t i = 0; r == 0 && i < UL_MAX_UPLINKS; i++) {
		r = carry_uplink(dp, i, &set->uplinks[i]);
		if (r == 0)
			r = dataplane_save_lacp(dp, i, (const void *)&set->lacp[i]);
	}
	for (uint32_t slot = 0; r == 0 && slot < n_ports; slot++)
		r = carry_port(dp, slot, &set->ports[slot]);
	if (r == 0)
		r = carry_addresses(set, dp);
	return r < 0 ? r : carry_stats(set, dp, least(set->n_stats, UL_ENDPOINT_PORT0 + n_ports));
}
