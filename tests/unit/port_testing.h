/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* For the tests of user/port/: the ports of a switch on a data plane in ordinary memory. Records
 * are put there directly, or by ports_apply() from a configuration of one or two groups. */
#ifndef UL_TESTS_PORT_TESTING_H
#define UL_TESTS_PORT_TESTING_H

#include <net/ethernet.h>

#include "port/internal.h"
#include "vswitch_testing.h"

#define TEST_GROUPS 2
#define TEST_PORTS 4 /* of a group in the configuration */

/* An announcement that was sent. */
struct sent_rarp {
	uint32_t ifindex;
	uint16_t vid; /* 0: untagged */
	uint8_t mac[6];
};

struct port_fixture {
	struct fixture *base;
	struct dataplane *dp;
	struct ports *ports;
	struct notifier *notifier;
	struct group_cfg groups[TEST_GROUPS];
	struct port_cfg port_cfgs[TEST_GROUPS][TEST_PORTS];
	struct sent_rarp sent[2048];
	size_t n_sent;
	struct sent_query {
		uint32_t ifindex;
		uint16_t vid, ethertype;
	} queries[256];
	size_t n_queries;
};

static inline int port_fixture_send(void *userdata, uint32_t ifindex, const uint8_t *frame,
				    size_t length)
{
	struct port_fixture *fixture = userdata;
	struct sent_rarp *sent;
	uint16_t vid = get_be16(frame + 12) == 0x8100 ? get_be16(frame + 14) : 0;
	uint16_t ethertype = get_be16(frame + (vid ? 16 : 12));

	if (ethertype != 0x8035) {
		cr_assert_lt(fixture->n_queries, ARRAY_SIZE(fixture->queries));
		fixture->queries[fixture->n_queries++] =
			(struct sent_query){ ifindex, vid, ethertype };
		return 0;
	}
	cr_assert_lt(fixture->n_sent, ARRAY_SIZE(fixture->sent));
	sent = &fixture->sent[fixture->n_sent++];
	sent->ifindex = ifindex;
	sent->vid = get_be16(frame + 12) == ETHERTYPE_VLAN ? get_be16(frame + 14) : 0;
	memcpy(sent->mac, frame + 6, sizeof(sent->mac));
	return 0;
}

static inline void port_fixture_left(void *userdata, uint32_t slot)
{
	struct port_fixture *fixture = userdata;

	notifier_forget(fixture->notifier, slot);
}

/* with_links: in a network namespace of the test, as root only. Addresses are aged, but there are
 * no events of programs. */
static inline struct port_fixture *port_fixture_new(bool with_links)
{
	struct port_fixture *fixture = calloc(1, sizeof(*fixture));
	const struct ports_callbacks callbacks = { port_fixture_left, fixture };

	cr_assert(fixture);
	fixture->base = fixture_new(with_links);
	fixture->dp = &fixture->base->fake.dp;
	for (size_t g = 0; g < TEST_GROUPS; g++)
		fixture->groups[g].ports = fixture->port_cfgs[g];
	fixture->base->cfg.groups = fixture->groups;
	cr_assert_eq(ports_new(&fixture->base->context, &callbacks, &fixture->ports), 0);
	cr_assert_eq(notifier_new(&fixture->base->context, port_fixture_send, fixture,
				  &fixture->notifier),
		     0);
	cr_assert_eq(mac_ages_new(&fixture->ports->ages), 0);
	return fixture;
}

static inline void port_fixture_free(struct port_fixture *fixture)
{
	notifier_free(fixture->notifier);
	ports_free(fixture->ports);
	fixture_free(fixture->base);
	free(fixture);
}

/* ---- records ---- */
/* A group in VLAN vid, or with UL_VLAN_TRUNK a trunk group of VLANs 10 and 20. */
static inline void put_group(struct port_fixture *fixture, uint32_t index, uint16_t vid,
			     uint32_t flags, uint32_t policy)
{
	bool trunk = vid == UL_VLAN_TRUNK;
	struct ul_group group = {
		.flags = UL_GROUP_USED | flags,
		.vlan_mode = trunk ? UL_VLAN_VGT :
			     vid   ? UL_VLAN_VST :
				     UL_VLAN_EST,
		.vid = vid,
		.policy = policy,
	};

	if (trunk)
		group.vlans[0] = 1ULL << 10 | 1ULL << 20;
	group_write(fixture->dp, index, &group);
}

/* A connected port with the interface ifindex. mac NULL: no address. */
static inline void put_port(struct port_fixture *fixture, uint32_t slot, uint32_t group,
			    const uint8_t *mac, uint32_t ifindex)
{
	struct dataplane *dp = fixture->dp;
	char name[UL_NAME_LEN];

	snprintf(name, sizeof(name), "p%u", slot);
	port_write_name(dp, slot, name);
	port_write_group(dp, slot, group);
	port_write_policy(dp, slot, dp->groups[group].policy);
	port_write_vlan(dp, slot,
			(struct ul_port_vlan){ .mode = dp->groups[group].vlan_mode,
					       .vid = dp->groups[group].vid,
					       .group_flags = dp->groups[group].flags });
	port_write_number(dp, slot, slot);
	if (mac)
		port_write_mac(dp, slot, mac);
	port_write_ifindex(dp, slot, ifindex);
	port_write_flags(dp, slot, UL_PORT_USED);
}

/* What port_tc stores: the life that it saw at a frame from the own address. */
static inline void port_set_seen(struct dataplane *dp, uint32_t slot, uint32_t seen)
{
	struct ul_port *ports = dp->mapping[UL_MAP_PORTS];

	ports[slot].seen = seen;
}

/* A port-id policy in which uplink serves every port; UL_NO_UPLINK: none does. */
static inline void put_policy(struct port_fixture *fixture, uint32_t index, uint8_t uplink)
{
	struct ul_policy policy = {
		.method = UL_M_PORT_ID,
		.n_buckets = UL_MAX_BUCKETS,
		.n_active = 1,
		.n_members = 1,
	};

	memset(policy.bucket, uplink, sizeof(policy.bucket));
	policy_write(fixture->dp, index, &policy);
}

/* n uplinks; uplink i has the interface 100 + i. */
static inline void put_uplinks(struct port_fixture *fixture, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct ul_uplink uplink = { .ifindex = 100 + i };

		snprintf(uplink.name, sizeof(uplink.name), "eth%u", i);
		uplink_write(fixture->dp, i, &uplink);
	}
	meta_write_n_uplinks(fixture->dp, n);
}

/* The slot to which the address leads in the VLAN, or -ENOENT. */
static inline int fdb_slot(const struct port_fixture *fixture, uint16_t vid, const uint8_t mac[6])
{
	uint32_t slot;

	return table_get(&fixture->dp->fdb, ul_fdb_key(vid, mac), &slot) < 0 ?
		       -ENOENT :
		       (int)(slot & UL_FDB_SLOT);
}

/* ---- configuration ---- */
/* Adds a port to group g of the configuration. mac NULL: none given. */
static inline struct port_cfg *add_port(struct port_fixture *fixture, size_t g, const char *name,
					const uint8_t *mac)
{
	struct group_cfg *group = &fixture->groups[g];
	struct port_cfg *port = &group->ports[group->n_ports++];

	cr_assert_leq(group->n_ports, TEST_PORTS);
	*port = (struct port_cfg){ .has_mac = mac };
	snprintf(port->interface, sizeof(port->interface), "%s", name);
	if (mac)
		memcpy(port->mac, mac, sizeof(port->mac));
	if (fixture->base->cfg.n_groups <= g)
		fixture->base->cfg.n_groups = g + 1;
	return port;
}

/* Groups of the configuration have the same indexes in the map. */
static inline int apply_ports(struct port_fixture *fixture)
{
	static const uint32_t index[TEST_GROUPS] = { 0, 1 };
	int r = ports_apply(fixture->ports, index);

	return r < 0 ? r : ports_apply_addresses(fixture->ports);
}

/* Passes the pending events of interfaces to the ports. */
static inline void deliver_events(struct port_fixture *fixture)
{
	struct record *record = fixture->base->record;

	run_pending(record);
	for (size_t i = 0; i < record->n; i++)
		ports_link_event(fixture->ports, &record->seen[i].info, record->seen[i].changes);
	record->n = 0;
}

#endif
