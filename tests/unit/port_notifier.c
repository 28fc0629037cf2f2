// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Which ports moved and what is announced for them, without a kernel. */
#include "port_testing.h"
#include "teaming/policy.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 0x52, 0x54, 0, 0, 0, 2 };

/* Policy 0 on two uplinks; group 0: VLAN 100; group 1: VLAN 200, learning. */
static struct port_fixture *on_two_uplinks(void)
{
	struct port_fixture *fixture = port_fixture_new(false);

	put_uplinks(fixture, 2);
	put_policy(fixture, 0, 0);
	put_group(fixture, 0, 100, 0, 0);
	put_group(fixture, 1, 200, UL_GROUP_LEARNING, 0);
	return fixture;
}

static void move_to(struct port_fixture *fixture, uint8_t uplink, bool notify)
{
	bool changed = fixture->dp->policies[0].bucket[0] != uplink;

	put_policy(fixture, 0, uplink);
	notifier_moved(fixture->notifier, 0, notify, changed);
}

static size_t moves(const struct port_fixture *fixture)
{
	return count_events(fixture->base, EVENT_PORT_MOVED, NULL);
}

static void expect_sent(const struct port_fixture *fixture, size_t i, uint32_t ifindex,
			uint16_t vid, const uint8_t mac[6])
{
	cr_assert_lt(i, fixture->n_sent);
	cr_expect_eq(fixture->sent[i].ifindex, ifindex);
	cr_expect_eq(fixture->sent[i].vid, vid);
	cr_expect_arr_eq(fixture->sent[i].mac, mac, 6);
}

Test(port_notifier, a_port_that_moves_is_reported_and_announced)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, true);
	cr_expect_eq(fixture->n_sent, 0, "the first uplink is no move");
	move_to(fixture, 1, true);
	cr_assert_eq(fixture->n_sent, 1);
	expect_sent(fixture, 0, 101, 100, mac_a);
	cr_assert_eq(moves(fixture), 1);
	cr_expect_str_eq(last_event(fixture->base)->object, "p3");
	cr_expect_str_eq(last_event(fixture->base)->text, "moved to uplink eth1");
	move_to(fixture, 1, true);
	cr_expect_eq(fixture->n_sent, 1, "no second move");
	notifier_run(fixture->notifier, now_ms() + 1500);
	cr_expect_eq(fixture->n_sent, 2);
	port_fixture_free(fixture);
}

/* The programs then recognise it when the switch floods it to the other uplinks. */
Test(port_notifier, what_is_announced_is_noted_as_sent)
{
	struct port_fixture *fixture = on_two_uplinks();
	const uint64_t *sent = fixture->dp->mapping[UL_MAP_SENT];
	size_t n = 0;

	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, true);
	move_to(fixture, 1, true);
	cr_assert_eq(fixture->n_sent, 1);
	for (size_t i = 0; i < UL_RECENT; i++)
		if (sent[i]) {
			cr_expect_eq((uint32_t)sent[i], fixture->base->fake.jiffies);
			n++;
		}
	cr_expect_eq(n, 1);
	port_fixture_free(fixture);
}

static void expect_query(const struct port_fixture *fixture, size_t i, uint32_t ifindex,
			 uint16_t vid, uint16_t ethertype)
{
	cr_assert_lt(i, fixture->n_queries);
	cr_expect_eq(fixture->queries[i].ifindex, ifindex);
	cr_expect_eq(fixture->queries[i].vid, vid);
	cr_expect_eq(fixture->queries[i].ethertype, ethertype);
}

/* The switch behind the new uplink learns the memberships from the answers. */
Test(port_notifier, the_machine_is_queried_for_its_memberships)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, true);
	cr_expect_eq(fixture->n_queries, 0);
	move_to(fixture, 1, true);
	cr_assert_eq(fixture->n_queries, 2);
	expect_query(fixture, 0, 7, 0, 0x0800);
	expect_query(fixture, 1, 7, 0, 0x86dd);
	notifier_run(fixture->notifier, now_ms() + 1500);
	cr_expect_eq(fixture->n_queries, 4, "a lost query is repeated");
	notifier_run(fixture->notifier, now_ms() + 20000);
	cr_expect_eq(fixture->n_queries, 4, "and then no longer");
	port_fixture_free(fixture);
}

Test(port_notifier, without_notify_nothing_is_announced)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, false);
	move_to(fixture, 1, false);
	cr_expect_eq(fixture->n_sent, 0);
	cr_expect_eq(moves(fixture), 0);
	move_to(fixture, 1, true);
	cr_expect_eq(moves(fixture), 0, "the move was seen");
	port_fixture_free(fixture);
}

/* The physical switches keep the port where it was last. */
Test(port_notifier, a_time_without_uplink_is_no_move)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, true);
	move_to(fixture, UL_NO_UPLINK, true);
	move_to(fixture, 0, true);
	cr_expect_eq(fixture->n_sent, 0);
	move_to(fixture, UL_NO_UPLINK, true);
	move_to(fixture, 1, true);
	cr_expect_eq(fixture->n_sent, 1);
	port_fixture_free(fixture);
}

Test(port_notifier, a_port_without_interface_or_address_is_not_announced)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 0);
	put_port(fixture, 4, 0, NULL, 8);
	move_to(fixture, 0, true);
	move_to(fixture, 1, true);
	cr_expect_eq(fixture->n_sent, 0);
	cr_expect_eq(moves(fixture), 1, "the one with an interface");
	port_fixture_free(fixture);
}

Test(port_notifier, a_port_that_leaves_during_the_run_is_not_announced_again)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, true);
	move_to(fixture, 1, true);
	cr_expect_eq(fixture->n_sent, 1);
	port_write_ifindex(fixture->dp, 3, 0);
	notifier_run(fixture->notifier, now_ms() + 1500);
	cr_expect_eq(fixture->n_sent, 1);
	port_fixture_free(fixture);
}

Test(port_notifier, repetitions_follow_the_present_uplink)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, true);
	move_to(fixture, 1, true);
	put_policy(fixture, 0, UL_NO_UPLINK);
	notifier_run(fixture->notifier, now_ms() + 1500);
	cr_expect_eq(fixture->n_sent, 1, "none serves it");
	put_policy(fixture, 0, 0);
	notifier_run(fixture->notifier, now_ms() + 2500);
	cr_assert_eq(fixture->n_sent, 2);
	expect_sent(fixture, 1, 100, 100, mac_a);
	port_fixture_free(fixture);
}

Test(port_notifier, learned_addresses_are_announced_after_the_own_one)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 1, mac_a, 7);
	move_to(fixture, 0, true);
	cr_assert_eq(address_add_own(fixture->ports, 3), 0);
	for (uint8_t i = 0; i < 3; i++)
		cr_assert_eq(address_learn(fixture->ports, 3,
					   ul_fdb_key(200, (const uint8_t[6]){ 2, 0, 0, 0, 0, i }),
					   false, now_ms()),
			     0);
	move_to(fixture, 1, true);
	cr_assert_eq(fixture->n_sent, 4);
	expect_sent(fixture, 0, 101, 200, mac_a);
	for (uint8_t i = 0; i < 3; i++)
		expect_sent(fixture, 3 - i, 101, 200, (const uint8_t[6]){ 2, 0, 0, 0, 0, i });
	port_fixture_free(fixture);
}

/* The machine sent its first frame just before the uplink failed: the event of the link comes
 * first, the one with the address later. */
Test(port_notifier, an_address_that_is_learned_after_the_move_is_in_the_next_round)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 1, NULL, 7);
	move_to(fixture, 0, true);
	move_to(fixture, 1, true);
	cr_expect_eq(fixture->n_sent, 0);
	cr_assert_eq(address_learn(fixture->ports, 3, ul_fdb_key(200, mac_b), false, now_ms()), 0);
	notifier_run(fixture->notifier, now_ms() + 1500);
	cr_assert_eq(fixture->n_sent, 1);
	expect_sent(fixture, 0, 101, 200, mac_b);
	table_remove(&fixture->dp->fdb, ul_fdb_key(200, mac_b));
	notifier_run(fixture->notifier, now_ms() + 2500);
	cr_expect_eq(fixture->n_sent, 1, "it is not in the table any longer");
	port_fixture_free(fixture);
}

/* A src-mac policy on two uplinks; odd buckets are served by `odd`. */
static void put_src_mac(struct port_fixture *fixture, uint8_t odd, bool changed)
{
	struct ul_policy policy = {
		.method = UL_M_SRC_MAC,
		.n_buckets = UL_MAX_BUCKETS,
		.n_active = 2,
		.n_members = 2,
	};

	for (uint32_t b = 0; b < UL_MAX_BUCKETS; b++)
		policy.bucket[b] = b % 2 ? odd : 0;
	policy_write(fixture->dp, 0, &policy);
	notifier_moved(fixture->notifier, 0, true, changed);
}

static void learn(struct port_fixture *fixture, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(address_learn(fixture->ports, 3,
					   ul_fdb_key(200, (const uint8_t[6]){ 2, 0, 0, 0,
									       (uint8_t)(i >> 8),
									       (uint8_t)i }),
					   false, now_ms()),
			     0);
}

/* With src-mac a learned address may move although its port does not, and the reverse. */
Test(port_notifier, only_learned_addresses_that_moved_are_announced)
{
	struct port_fixture *fixture = on_two_uplinks();
	const struct ul_policy *policy = &fixture->dp->policies[0];

	put_port(fixture, 3, 1, mac_a, 7);
	put_src_mac(fixture, 1, false);
	learn(fixture, 40);
	fixture->n_sent = 0;
	put_src_mac(fixture, 0, true);
	notifier_run(fixture->notifier, now_ms() + 50);
	cr_expect_gt(fixture->n_sent, 8);
	cr_expect_lt(fixture->n_sent, 32);
	for (size_t i = 0; i < fixture->n_sent; i++) {
		cr_expect_eq(policy_bucket_of_port(policy, fixture->sent[i].mac, 3) % 2, 1,
			     "an address that stayed was announced");
		cr_expect_eq(fixture->sent[i].ifindex, 100);
	}
	port_fixture_free(fixture);
}

/* None of them moved: the policy serves another bucket by another uplink. */
Test(port_notifier, buckets_of_others_are_no_move)
{
	struct port_fixture *fixture = on_two_uplinks();
	struct ul_policy policy;
	int own;

	put_port(fixture, 3, 1, mac_a, 7);
	put_src_mac(fixture, 1, false);
	cr_assert_eq(address_learn(fixture->ports, 3, ul_fdb_key(200, mac_b), false, now_ms()), 0);
	announcer_cancel(fixture->notifier->announcer, 3);
	fixture->n_sent = fixture->n_queries = 0;
	policy = fixture->dp->policies[0];
	own = policy_bucket_of_port(&policy, mac_b, 3);
	for (int b = 0; b < UL_MAX_BUCKETS; b++)
		if (b != own && b != policy_bucket_of_port(&policy, mac_a, 3))
			policy.bucket[b] = !policy.bucket[b];
	policy_write(fixture->dp, 0, &policy);
	notifier_moved(fixture->notifier, 0, true, true);
	notifier_run(fixture->notifier, now_ms() + 20);
	cr_expect_eq(fixture->n_sent, 0);
	cr_expect_eq(fixture->n_queries, 0, "its machine has no reason to report memberships");
	port_fixture_free(fixture);
}

/* The second move begins while the first is announced: both are announced to the end. */
Test(port_notifier, moves_during_a_run_add_up)
{
	struct port_fixture *fixture = on_two_uplinks();
	bool odd = false, even = false;
	struct ul_policy policy;

	put_port(fixture, 3, 1, NULL, 7);
	put_src_mac(fixture, 1, false);
	learn(fixture, 40);
	put_src_mac(fixture, 0, true);
	policy = fixture->dp->policies[0];
	for (uint32_t b = 0; b < UL_MAX_BUCKETS; b += 2)
		policy.bucket[b] = 1;
	policy_write(fixture->dp, 0, &policy);
	notifier_moved(fixture->notifier, 0, true, true);
	fixture->n_sent = 0;
	notifier_run(fixture->notifier, now_ms() + 1500);
	for (size_t i = 0; i < fixture->n_sent; i++) {
		bool is_odd = policy_bucket_of_port(&policy, fixture->sent[i].mac, 3) % 2;

		odd |= is_odd;
		even |= !is_odd;
	}
	cr_expect(odd && even);
	port_fixture_free(fixture);
}

/* A drain moves all of them at once. */
Test(port_notifier, many_learned_addresses_are_spread_over_time)
{
	struct port_fixture *fixture = on_two_uplinks();
	uint64_t at = now_ms();
	int intervals = 0;

	put_port(fixture, 3, 1, NULL, 7);
	move_to(fixture, 0, true);
	learn(fixture, 1000);
	move_to(fixture, 1, true);
	cr_expect_leq(fixture->n_sent, ANNOUNCE_BURST, "in the turn of the drain");
	while (fixture->n_sent < 1000 && intervals < 20) {
		size_t before = fixture->n_sent;

		at += ANNOUNCE_INTERVAL_MS + 1;
		notifier_run(fixture->notifier, at + 10);
		cr_expect_leq(fixture->n_sent - before, ANNOUNCE_BURST);
		intervals++;
	}
	cr_expect_eq(fixture->n_sent, 1000);
	cr_expect_geq(intervals, 7);
	port_fixture_free(fixture);
}

Test(port_notifier, a_trunk_port_is_announced_in_its_vlans)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_group(fixture, 2, UL_VLAN_TRUNK, 0, 0);
	put_port(fixture, 3, 2, mac_a, 7);
	move_to(fixture, 0, true);
	move_to(fixture, 1, true);
	cr_assert_eq(fixture->n_sent, 2);
	expect_sent(fixture, 0, 101, 10, mac_a);
	expect_sent(fixture, 1, 101, 20, mac_a);
	port_fixture_free(fixture);
}

Test(port_notifier, ports_follow_renumbered_uplinks)
{
	uint8_t to[UL_MAX_UPLINKS];
	struct port_fixture *fixture = on_two_uplinks();

	memset(to, UL_NO_UPLINK, sizeof(to));
	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, true);
	to[0] = 1;
	to[1] = 0;
	notifier_renumber(fixture->notifier, to);
	move_to(fixture, 1, true);
	cr_expect_eq(fixture->n_sent, 0, "the same uplink under its new index");
	to[1] = UL_NO_UPLINK;
	notifier_renumber(fixture->notifier, to);
	move_to(fixture, 1, true);
	cr_expect_eq(fixture->n_sent, 1, "another uplink with the index of the one that left");
	port_fixture_free(fixture);
}

/* Who is announced takes the address from the host where the machine may still run. */
Test(port_notifier, only_addresses_that_are_here_are_announced)
{
	struct port_fixture *fixture = on_two_uplinks();
	uint64_t key = ul_fdb_key(200, mac_b);
	static const struct {
		const char *name;
		bool confirmed, absent;
		uint64_t here, outside; /* jiffies before now; 0: never */
		size_t n_sent;
	} table[] = {
		{ "confirmed, here", true, false, 10, 0, 2 },
		{ "tentative, here", false, false, 10, 0, 1 },
		{ "confirmed, elsewhere", true, false, 10, 5, 1 },
		{ "confirmed, contested", true, false, 5, 10, 1 },
		{ "absent", false, true, 10, 0, 0 },
		{ "tentative, elsewhere", false, false, 10, 5, 0 },
	};

	put_port(fixture, 3, 1, mac_a, 7);
	move_to(fixture, 0, true);
	cr_assert_eq(address_learn(fixture->ports, 3, key, false, now_ms()), 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint64_t now = fixture->base->fake.jiffies;

		port_set_seen(fixture->dp, 3, fixture->dp->ports[3].life - !table[i].confirmed);
		port_write_flags(fixture->dp, 3,
				 UL_PORT_USED | (table[i].absent ? UL_PORT_ABSENT : 0));
		table_set_use(&fixture->dp->fdb, key, now - table[i].here,
			      table[i].outside ? now - table[i].outside : 0);
		fixture->n_sent = 0;
		move_to(fixture, (i + 1) % 2, true);
		cr_expect_eq(fixture->n_sent, table[i].n_sent, "%s: %zu", table[i].name,
			     fixture->n_sent);
	}
	port_fixture_free(fixture);
}

Test(port_notifier, a_learned_address_of_a_trunk_port_is_announced_in_its_vlan)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_group(fixture, 2, UL_VLAN_TRUNK, UL_GROUP_LEARNING, 0);
	put_port(fixture, 3, 2, NULL, 7);
	cr_assert_eq(address_learn(fixture->ports, 3, ul_fdb_key(20, mac_b), false, now_ms()), 0);
	cr_assert_eq(address_learn(fixture->ports, 3, ul_fdb_key(20 | UL_VID_SERVICE, mac_b), false,
				   now_ms()),
		     0);
	move_to(fixture, 0, true);
	move_to(fixture, 1, true);
	cr_assert_eq(fixture->n_sent, 1, "a service tag has no RARP");
	expect_sent(fixture, 0, 101, 20, mac_b);
	port_fixture_free(fixture);
}

Test(port_notifier, the_next_port_of_a_slot_is_another_one)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 7);
	move_to(fixture, 0, true);
	move_to(fixture, 1, true);
	cr_expect_eq(fixture->n_sent, 1);
	notifier_forget(fixture->notifier, 3);
	put_port(fixture, 3, 0, mac_b, 8);
	move_to(fixture, 0, true);
	notifier_run(fixture->notifier, now_ms() + 1500);
	cr_expect_eq(fixture->n_sent, 1, "its first uplink is no move");
	port_fixture_free(fixture);
}

/* An uplink that flaps moves all its ports each time. */
Test(port_notifier, reports_of_moves_are_limited)
{
	struct port_fixture *fixture = on_two_uplinks();

	put_port(fixture, 3, 0, mac_a, 7);
	for (int i = 0; i < 4 * MOVE_REPORT_BURST; i++) {
		move_to(fixture, i % 2, true);
		announcer_cancel(fixture->notifier->announcer, 3);
		fixture->n_sent = fixture->n_queries = 0;
	}
	cr_expect_geq(moves(fixture), MOVE_REPORT_BURST);
	cr_expect_lt(moves(fixture), 2 * MOVE_REPORT_BURST);
	port_fixture_free(fixture);
}
