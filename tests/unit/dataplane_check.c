// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Records of another program in maps of the right version: what would lead out of the maps is
 * refused, and what a daemon leaves at any moment is not. */
#include <criterion/criterion.h>

#include "channels.h"
#include "dataplane/check.h"
#include "dataplane/set.h"
#include "dataplane/set_v2.h"
#include "dataplane_fake.h"
#include "methods.h"
#include "view_fake.h"

static struct fake fake;
static struct check_records records;

static void setup(void)
{
	fake_init(&fake, 3);
	records = (struct check_records){ .meta = &fake.meta,
					  .uplinks = fake.uplinks,
					  .ports = fake.ports,
					  .groups = fake.groups,
					  .policies = fake.policies,
					  .vlans = fake.vlans,
					  .n_ports = FAKE_PORTS,
					  .n_groups = FAKE_GROUPS };
}

TestSuite(dataplane_check, .init = setup);

Test(dataplane_check, a_switch_passes)
{
	cr_expect_eq(check_records(&records), 0);
}

Test(dataplane_check, an_empty_set_passes)
{
	static struct dataplane_fake set;

	dataplane_fake_init(&set, 16, 8);
	cr_expect_eq(set_check(&set.dp), 0);
	dataplane_fake_done(&set);
}

#define FILL(name) memset(name, 'x', sizeof(name))

/* Tables of the daemon have UL_MAX_PORTS slots. */
Test(dataplane_check, a_set_with_more_ports_than_a_switch_has)
{
	static struct dataplane_fake set;

	dataplane_fake_init(&set, UL_MAX_PORTS, 8);
	cr_expect_eq(set_check(&set.dp), 0);
	dataplane_fake_done(&set);
	dataplane_fake_init(&set, UL_MAX_PORTS + 1, 8);
	cr_expect_lt(set_check(&set.dp), 0);
	dataplane_fake_done(&set);
}

/* clang-format off */
#define MISTAKES(X) \
	X(version, fake.meta.abi_version++) \
	X(uplinks_of_the_switch, fake.meta.n_uplinks = UL_MAX_UPLINKS + 1) \
	X(ports_of_the_switch, fake.meta.max_ports = FAKE_PORTS + 1) \
	X(groups_of_the_switch, fake.meta.max_groups = FAKE_GROUPS + 1) \
	X(channel, fake.meta.channel = UL_N_CHANNELS) \
	X(receive, fake.meta.receive = UL_RECEIVE_TC + 1) \
	X(name_of_the_switch, FILL(fake.meta.name)) \
	X(version_of_the_daemon, FILL(fake.meta.version)) \
	X(name_of_an_uplink, FILL(fake.uplinks[UL_MAX_UPLINKS - 1].name)) \
	X(control_character, fake.uplinks[0].name[1] = '\n') \
	X(escape_of_a_terminal, fake.ports[0].name[1] = '\033') \
	X(byte_that_is_not_ascii, fake.groups[0].name[0] = (char)0xe1) \
	X(xdp_mode, fake.uplinks[0].xdp_mode = UL_XDP_GENERIC + 1) \
	X(number_of_a_lacp_port, fake.uplinks[0].lacp_port = UL_MAX_UPLINKS + 1) \
	X(name_of_a_port, FILL(fake.ports[0].name)) \
	X(group_of_a_port, fake.ports[0].group = FAKE_GROUPS) \
	X(policy_of_a_port, fake.ports[0].policy = UL_MAX_POLICIES) \
	X(mode_of_a_port, fake.ports[0].vlan.mode = UL_VLAN_VGT + 1) \
	X(vlan_of_a_port, fake.ports[0].vlan.vid = UL_VLAN_TRUNK + 1) \
	X(name_of_a_group, FILL(fake.groups[FAKE_GROUPS - 1].name)) \
	X(policy_of_a_group, fake.groups[0].policy = UL_MAX_POLICIES) \
	X(mode_of_a_group, fake.groups[0].vlan_mode = UL_VLAN_VGT + 1) \
	X(vlan_of_a_group, fake.groups[0].vid = UL_VLAN_TRUNK + 1) \
	X(method, fake.policies[0].method = UL_N_METHODS) \
	X(buckets_of_a_policy, fake.policies[UL_MAX_POLICIES - 1].n_buckets = UL_MAX_BUCKETS + 1) \
	X(active_uplinks, fake.policies[0].n_active = UL_MAX_UPLINKS + 1) \
	X(members_of_a_policy, fake.policies[0].n_members = UL_MAX_UPLINKS + 1) \
	X(member, fake.policies[0].member[0] = UL_MAX_UPLINKS) \
	X(bucket, fake.policies[0].bucket[UL_MAX_BUCKETS - 1] = UL_MAX_UPLINKS) \
	X(flood_list, fake.vlans[UL_N_VLANS - 1].n_members = FAKE_PORTS + 1)
/* clang-format on */

#define REFUSED(name, mistake)                                  \
	Test(dataplane_check, refused_##name)                   \
	{                                                       \
		mistake;                                        \
		cr_expect_eq(check_records(&records), -EPROTO); \
	}
MISTAKES(REFUSED)

Test(dataplane_check, a_free_slot_may_have_anything)
{
	memset(&fake.ports[3], 0xff, sizeof(fake.ports[3]));
	fake.ports[3].flags = ~(uint32_t)UL_PORT_USED;
	cr_expect_eq(check_records(&records), 0);
}

/* What view_open() and set_v2_open() do with it. */
Test(dataplane_check, an_old_set)
{
	static struct ul_uplink_v2 uplinks[UL_MAX_UPLINKS_V2];
	static struct ul_group_v2 groups[2];
	static struct ul_policy_v2 policies[UL_MAX_POLICIES_V2];
	struct set_v2 set = {
		.uplinks = uplinks, .groups = groups, .policies = policies, .n_groups = 2
	};

	cr_expect_eq(set_v2_check(&set), 0);
	groups[1].vid = UL_VLAN_TRUNK + 1;
	cr_expect_eq(set_v2_check(&set), -EPROTO);
	groups[1].vid = 0;
	policies[5].bucket[7] = UL_MAX_UPLINKS;
	cr_expect_eq(set_v2_check(&set), -EPROTO);
	policies[5].bucket[7] = 0;
	uplinks[2].xdp_mode = UL_XDP_GENERIC + 1;
	cr_expect_eq(set_v2_check(&set), -EPROTO);
	uplinks[2].xdp_mode = 0;
	uplinks[2].lacp_port = UL_MAX_UPLINKS_V2 + 1;
	cr_expect_eq(set_v2_check(&set), -EPROTO);
	uplinks[2].lacp_port = 0;
	set.meta.n_uplinks = UL_MAX_UPLINKS_V2 + 1;
	cr_expect_eq(set_v2_check(&set), -EPROTO);
}
