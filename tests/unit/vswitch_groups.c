// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "vswitch/internal.h"
#include "vswitch_testing.h"

TestSuite(vswitch_groups);

#define N_MANY 4094

static struct fixture *groups_fixture(uint32_t max_groups)
{
	struct fixture *fixture = fixture_new(false);

	dataplane_fake_done(&fixture->fake);
	dataplane_fake_init(&fixture->fake, 16, max_groups);
	return fixture;
}

static void set_groups(struct fixture *fixture, const char *const *names, size_t n)
{
	free(fixture->cfg.groups);
	fixture->cfg.groups = calloc(n + 1, sizeof(*fixture->cfg.groups));
	cr_assert(fixture->cfg.groups);
	fixture->cfg.n_groups = n;
	for (size_t i = 0; i < n; i++) {
		struct group_cfg *group = &fixture->cfg.groups[i];

		snprintf(group->name, sizeof(group->name), "%s", names[i]);
		group->vlan_mode = UL_VLAN_VST;
		group->vid = (uint16_t)(100 + i);
	}
}

/* Writes the groups and returns their match. */
static struct group_match apply(struct fixture *fixture)
{
	uint32_t *policies = calloc(fixture->cfg.n_groups + 1, sizeof(*policies));
	struct group_match match = {};

	cr_assert(policies);
	cr_assert_eq(groups_match(&fixture->context, &fixture->cfg, &match), 0);
	cr_assert_eq(groups_apply(&fixture->context, policies, &match), 0);
	groups_prune(&fixture->context, &match);
	free(policies);
	return match;
}

static void done(struct fixture *fixture)
{
	free(fixture->cfg.groups);
	fixture_free(fixture);
}

Test(vswitch_groups, a_group_keeps_the_record_of_its_name)
{
	struct fixture *fixture = groups_fixture(16);
	struct group_match first, second;

	set_groups(fixture, (const char *const[]){ "web", "db", "mail" }, 3);
	first = apply(fixture);
	set_groups(fixture, (const char *const[]){ "mail", "backup", "web" }, 3);
	second = apply(fixture);
	cr_expect_eq(second.record[0], first.record[2]);
	cr_expect_eq(second.record[2], first.record[0]);
	cr_expect_str_eq(fixture->fake.dp.groups[second.record[0]].name, "mail");
	cr_expect_eq(fixture->fake.dp.groups[second.record[0]].vid, 100);
	/* "db" was still in use by ports when "backup" needed a record. */
	cr_expect_neq(second.record[1], first.record[1]);
	cr_expect_eq(second.n_leaving, 1);
	cr_expect_eq(fixture->fake.dp.groups[first.record[1]].flags, 0);
	cr_expect_str_eq(fixture->fake.dp.groups[first.record[1]].name, "");
	group_match_done(&first);
	group_match_done(&second);
	done(fixture);
}

Test(vswitch_groups, a_pruned_record_is_used_again)
{
	struct fixture *fixture = groups_fixture(3);
	struct group_match match;

	set_groups(fixture, (const char *const[]){ "a", "b" }, 2);
	match = apply(fixture);
	group_match_done(&match);
	for (int i = 0; i < 6; i++) {
		set_groups(fixture, (const char *const[]){ i % 2 ? "c" : "d", "b" }, 2);
		match = apply(fixture);
		cr_expect_eq(match.record[1], 1);
		cr_expect_eq(match.record[0], i % 2 ? 0 : 2);
		group_match_done(&match);
	}
	done(fixture);
}

Test(vswitch_groups, too_many_groups_are_refused_with_the_name)
{
	struct fixture *fixture = groups_fixture(2);
	struct group_match match = {};

	set_groups(fixture, (const char *const[]){ "a", "b", "c" }, 3);
	cr_assert_eq(groups_match(&fixture->context, &fixture->cfg, &match), 0);
	cr_expect_eq(groups_apply(&fixture->context, (const uint32_t[3]){}, &match), -ENOSPC);
	cr_expect(has_error(fixture, "sw: no room for port group c"));
	group_match_done(&match);
	done(fixture);
}

Test(vswitch_groups, security_vlans_and_policy_reach_the_record)
{
	struct fixture *fixture = groups_fixture(4);
	const struct ul_group *record;
	struct group_match match = {};
	struct group_cfg *group;

	set_groups(fixture, (const char *const[]){ "trunk" }, 1);
	group = &fixture->cfg.groups[0];
	group->vlan_mode = UL_VLAN_VGT;
	group->vid = UL_VLAN_TRUNK;
	group->vlans[3] = 0x8001;
	group->security.promiscuous = group->security.mac_learning = true;
	cr_assert_eq(groups_match(&fixture->context, &fixture->cfg, &match), 0);
	cr_assert_eq(groups_apply(&fixture->context, (const uint32_t[]){ 7 }, &match), 0);
	record = &fixture->fake.dp.groups[match.record[0]];
	cr_expect_eq(record->flags, UL_GROUP_USED | UL_GROUP_PROMISCUOUS | UL_GROUP_LEARNING);
	cr_expect_eq(record->vlan_mode, UL_VLAN_VGT);
	cr_expect_eq(record->vid, UL_VLAN_TRUNK);
	cr_expect_eq(record->policy, 7);
	cr_expect_eq(record->vlans[3], 0x8001);
	group->security = (struct security){ .guest_control_pass = true };
	group->qinq = true;
	cr_assert_eq(groups_apply(&fixture->context, (const uint32_t[]){ 7 }, &match), 0);
	cr_expect_eq(record->flags, UL_GROUP_USED | UL_GROUP_CONTROL_OK | UL_GROUP_QINQ);
	group->qinq = false;
	group->security = (struct security){ .mac_changes = true, .forged_transmits = true };
	cr_assert_eq(groups_apply(&fixture->context, (const uint32_t[]){ 8 }, &match), 0);
	cr_expect_eq(record->flags, UL_GROUP_USED | UL_GROUP_MAC_CHANGES | UL_GROUP_FORGED_OK);
	cr_expect_eq(record->policy, 8);
	group_match_done(&match);
	done(fixture);
}

/* The names are compared n log n times; a match by the wrong name would change records. */
Test(vswitch_groups, all_vlans_in_another_order)
{
	struct fixture *fixture = groups_fixture(4160);
	char(*text)[16] = calloc(N_MANY, sizeof(*text));
	const char **names = calloc(N_MANY, sizeof(*names));
	struct group_match first, second;

	cr_assert(text && names);
	for (size_t i = 0; i < N_MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "vlan%zu", i + 1);
		names[i] = text[i];
	}
	set_groups(fixture, names, N_MANY);
	first = apply(fixture);
	for (size_t i = 0; i < N_MANY; i++)
		names[i] = text[N_MANY - 1 - i];
	set_groups(fixture, names, N_MANY);
	second = apply(fixture);
	cr_expect_eq(second.n_leaving, 0);
	for (size_t i = 0; i < N_MANY; i++) {
		cr_assert_eq(second.record[i], first.record[N_MANY - 1 - i]);
		cr_assert_str_eq(fixture->fake.dp.groups[second.record[i]].name, names[i]);
	}
	group_match_done(&first);
	group_match_done(&second);
	free(names);
	free(text);
	done(fixture);
}
