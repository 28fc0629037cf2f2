// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Findings of switches built in memory. Those of LACP: records_lacp_findings.c. */
#include "record_shapes.h"
#include "records/findings.h"

TestSuite(findings, .timeout = 300);

static struct fake fake;
static struct view view;

static struct snapshot *take(void)
{
	return take_snapshot(&fake, &view);
}

/* expected: "error no_uplink prod|warning ...", in order. */
static void expect_found(struct snapshot *before, const char *expected)
{
	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *findings = findings_find(now, before);
	char found[1024] = "";
	json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		size_t n = strlen(found);

		expect_keys("findings", finding, FINDING_KEYS);
		snprintf(found + n, sizeof(found) - n, "%s%s %s %s", n ? "|" : "",
			 text(finding, "severity"), text(finding, "code"), text(finding, "object"));
	}
	cr_expect_str_eq(found, expected);
}

Test(findings, none)
{
	fake_init(&fake, 2);
	expect_found(NULL, "");
}

Test(findings, uplinks)
{
	fake_init(&fake, 2);
	fake_cut(&fake, 1);
	expect_found(NULL, "warning uplink_no_carrier eth1");
	fake.uplinks[1].flags &= ~(uint32_t)UL_UP_ADMIN;
	expect_found(NULL, "warning uplink_down eth1");
	fake.uplinks[1].ifindex = 0;
	expect_found(NULL, "warning uplink_missing eth1");
	fake_init(&fake, 2);
	fake.uplinks[1].flags = (fake.uplinks[1].flags & ~(uint32_t)UL_UP_SEND) | UL_UP_DRAINED;
	expect_found(NULL, "note uplink_drained eth1");
	fake.uplinks[1].flags = (fake.uplinks[1].flags & ~(uint32_t)UL_UP_DRAINED) | UL_UP_SPARE;
	expect_found(NULL, "note uplink_spare eth1");
	fake.uplinks[1].flags &= ~(uint32_t)UL_UP_SPARE;
	expect_found(NULL, "note uplink_waiting eth1");
	fake.meta.channel = UL_CHANNEL_LACP;
	expect_found(NULL, "warning uplink_waiting eth1");
}

Test(findings, name_the_uplinks_that_take_over)
{
	fake_init(&fake, 3);
	fake_cut(&fake, 1);
	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *findings = findings_find(now, NULL);

	cr_expect_str_eq(text(json_array_get(findings, 0), "message"),
			 "eth1 has no carrier: its flows use eth0 and eth2");
}

Test(findings, groups)
{
	const uint8_t active[] = { 0 }, standby[] = { 1 };

	fake_init(&fake, 2);
	fake_policy(&fake, 0, UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, active, 1, standby, 1);
	fake_group(&fake, 1, "dev", 200, 0);
	expect_found(NULL, "");
	fake_cut(&fake, 0);
	expect_found(NULL, "warning standby_in_use prod, dev|warning uplink_no_carrier eth0");
	fake_cut(&fake, 1);
	expect_found(
		NULL,
		"error no_uplink prod, dev|warning uplink_no_carrier eth0|warning uplink_no_carrier eth1");
}

Test(findings, ports)
{
	fake_init(&fake, 2);
	fake.ports[0].ifindex = 0;
	expect_found(NULL, "note port_missing vnet0");
}

/* An interface that exists and could not be connected is not missing; and one that is connected
 * may be out of date. */
Test(findings, failed_attempts)
{
	fake_init(&fake, 2);
	fake.ports[0].flags |= (uint32_t)ENOMEM << UL_PORT_ERROR_SHIFT;
	expect_found(NULL, "warning port_failed vnet0");
	fake.ports[0].ifindex = 0;
	expect_found(NULL, "warning port_failed vnet0");

	fake_init(&fake, 2);
	fake.uplinks[1].error = EBUSY;
	expect_found(NULL, "warning uplink_failed eth1");
	fake.uplinks[1].ifindex = 0;
	expect_found(NULL, "warning uplink_failed eth1");

	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *findings = findings_find(now, NULL);

	cr_expect_str_eq(
		text(json_array_get(findings, 0), "message"),
		"eth1 could not be connected: Device or resource busy: its flows use eth0");
}

Test(findings, stopped_daemon)
{
	fake_init(&fake, 1);
	fake.meta.n_uplinks = 0;
	fake.groups[0].flags = 0;
	fake_stop_daemon(&fake, 65);
	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *findings = findings_find(now, NULL);

	cr_assert_eq(json_array_size(findings), 1);
	cr_expect_str_eq(text(json_array_get(findings, 0), "code"), "daemon_stopped");
	cr_expect(strstr(text(json_array_get(findings, 0), "message"), "since 1 min 5 s"), "%s",
		  text(json_array_get(findings, 0), "message"));
}

Test(findings, counters_that_increase)
{
	_cleanup_(snapshot_freep) struct snapshot *before = NULL;

	fake_init(&fake, 2);
	fake.stats[0].inactive_uplink.packets = 10;
	fake.stats[UL_ENDPOINT_PORT0].forged_source.packets = 1;
	before = take();
	cr_expect_eq(findings_interval_ms(before), 250);
	expect_found(before, "note inactive_uplink eth0|note forged_source vnet0");
	fake.stats[0].inactive_uplink.packets++;
	fake.stats[UL_ENDPOINT_PORT0].forged_source.packets++;
	expect_found(before, "warning inactive_uplink eth0|warning forged_source vnet0");
	expect_found(NULL, "note inactive_uplink eth0|note forged_source vnet0");
	/* a counter that was reset does not increase */
	fake.stats[0].inactive_uplink.packets = 1;
	fake.stats[UL_ENDPOINT_PORT0].forged_source.packets = 0;
	expect_found(before, "note inactive_uplink eth0");
}

/* ---- frames with own addresses from outside ---- */
/* Frames that own ports flooded and that came back on eth1, between two snapshots. */
static void expect_reflections(enum ul_channel channel, uint64_t flooded, uint64_t reflected,
			       const char *expected)
{
	_cleanup_(snapshot_freep) struct snapshot *before = NULL;

	fake_init(&fake, 2);
	fake.meta.channel = channel;
	fake.stats[1].reflected.packets = 7;
	before = take();
	fake.stats[1].reflected.packets += reflected;
	fake.stats[UL_ENDPOINT_PORT0].flooded.packets += flooded;
	expect_found(before, expected);
}

Test(findings, switch_ports_that_are_not_bundled_return_what_ports_flood)
{
	expect_reflections(UL_CHANNEL_STATIC, 20, 20, "error reflected eth1");
	expect_reflections(UL_CHANNEL_STATIC, 20, 9, "error reflected eth1");
	_cleanup_(snapshot_freep) struct snapshot *before = take();

	fake.stats[1].reflected.packets += 20;
	fake.stats[UL_ENDPOINT_PORT0].flooded.packets += 20;
	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *findings = findings_find(now, before);
	json_t *finding = json_array_get(findings, 0);

	cr_expect(strstr(text(finding, "message"), "the switch ports are not bundled"), "%s",
		  text(finding, "message"));
	cr_expect(strstr(text(finding, "remedy"), "show etherchannel summary"), "%s",
		  text(finding, "remedy"));
}

/* None of these proves anything about the switch. */
Test(findings, innocent_frames_with_own_addresses)
{
	expect_reflections(UL_CHANNEL_STATIC, 0, 0, "note reflected eth1");
	expect_reflections(UL_CHANNEL_STATIC, 100, 0, "note reflected eth1");
	expect_reflections(UL_CHANNEL_STATIC, 100, 1, "note reflected eth1");
	expect_reflections(UL_CHANNEL_STATIC, 100, 3, "note reflected eth1");
	expect_reflections(UL_CHANNEL_NONE, 100, 100, "");
	/* The machine sends outside, and its port here is still up. */
	expect_reflections(UL_CHANNEL_STATIC, 0, 50, "warning address_outside eth1");
	expect_reflections(UL_CHANNEL_STATIC, 5, 50, "warning address_outside eth1");
	/* A counter that was reset. */
	_cleanup_(snapshot_freep) struct snapshot *before = take();

	fake.stats[1].reflected.packets = 2;
	expect_found(before, "note reflected eth1");
	fake_init(&fake, 2);
	fake.stats[1].reflected.packets = 50;
	expect_found(NULL, "note reflected eth1");
	_cleanup_(snapshot_freep) struct snapshot *now = take();

	cr_expect_eq(findings_interval_ms(now), 1000);
}

/* ---- addresses ---- */
Test(findings, addresses_that_are_active_outside)
{
	fake_init(&fake, 2);
	fake_learned(&fake, 0, 100, 1, 5000, 4999);
	fake_learned(&fake, 0, 100, 2, 5000, 5001);
	fake_learned(&fake, 0, 100, 3, 5000, 0);
	_cleanup_(snapshot_freep) struct snapshot *now = take();

	now->jiffies = 5002;
	json_auto_t *findings = findings_find(now, NULL);

	cr_assert_eq(json_array_size(findings), 2);
	cr_expect_str_eq(text(json_array_get(findings, 0), "code"), "address_contested");
	cr_expect_str_eq(
		text(json_array_get(findings, 0), "message"),
		"port vnet0: 02:00:00:00:00:01 in VLAN 100 is active here and outside: frames to it go both ways");
	cr_expect_str_eq(text(json_array_get(findings, 1), "code"), "address_moved");
	cr_expect_str_eq(text(json_array_get(findings, 1), "severity"), "note");
}

Test(findings, many_addresses_outside_are_summed_up)
{
	fake_init(&fake, 2);
	for (uint8_t i = 1; i <= 20; i++)
		fake_learned(&fake, 0, 100, i, 1000, 2000);
	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *findings = findings_find(now, NULL);

	cr_assert_eq(json_array_size(findings), 9);
	cr_expect_str_eq(text(json_array_get(findings, 8), "message"),
			 "12 more learned addresses are active outside");
}

Test(findings, ports_with_too_many_sources)
{
	fake_init(&fake, 2);
	fake.ports[0].flags |= UL_PORT_MUTED;
	expect_found(NULL, "warning sources_limited vnet0");
	fake.ports[0].flags |= UL_PORT_LIMITED;
	fake.stats[UL_ENDPOINT_PORT0].learn_limit.packets = 5;
	expect_found(NULL, "warning sources_limited vnet0|note learn_limit vnet0");
}

Test(findings, problems_of_interfaces)
{
	fake_init(&fake, 2);
	fake.uplinks[0].problems = UL_PROBLEM_ENSLAVED;
	fake.uplinks[1].problems = UL_PROBLEM_MTU | UL_PROBLEM_ARP;
	fake.ports[0].flags |= UL_PROBLEM_TC << UL_PORT_PROBLEM_SHIFT;
	expect_found(NULL, "error enslaved eth0|warning setting eth1|warning setting eth1|"
			   "warning foreign_tc vnet0");
	/* The reason replaces "missing". */
	fake_init(&fake, 2);
	fake.uplinks[1].ifindex = fake.ports[0].ifindex = 0;
	fake.uplinks[1].problems = UL_PROBLEM_NOT_ETHERNET;
	fake.ports[0].flags |= UL_PROBLEM_NOT_ETHERNET << UL_PORT_PROBLEM_SHIFT;
	expect_found(NULL, "error not_ethernet eth1|error not_ethernet vnet0");
}

Test(findings, every_problem_has_a_remedy_that_names_the_interface)
{
	static const uint32_t all[] = {
#define X(NAME, bit, code, text) UL_PROBLEM_##NAME,
		UL_PROBLEMS(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		fake_init(&fake, 1);
		fake.uplinks[0].problems = all[i];
		_cleanup_(snapshot_freep) struct snapshot *now = take();
		json_auto_t *findings = findings_find(now, NULL);
		const char *remedy = text(json_array_get(findings, 0), "remedy");

		cr_assert_eq(json_array_size(findings), 1);
		cr_expect(strstr(remedy, "eth0") || all[i] == UL_PROBLEM_DETACHED, "%s", remedy);
		cr_expect(strncmp(text(json_array_get(findings, 0), "message"), "eth0: ", 6) == 0);
	}
}

/* A broadcast is queued once per veth port before the first copy is received. */
Test(findings, flood_list_longer_than_the_backlog)
{
	fake_init(&fake, 2);
	fake.vlans[100] = (struct ul_vlan){ UL_VLAN_ACCESS | UL_VLAN_TRUNKED, 1000 };
	fake.vlans[200] = (struct ul_vlan){ UL_VLAN_ACCESS, 1000 };
	fake.vlans[UL_VLAN_TRUNK] = (struct ul_vlan){ 0, 50 };
	_cleanup_(snapshot_freep) struct snapshot *now = take();

	cr_expect_gt(now->backlog.limit, 0, "the setting of this host");
	for (uint64_t limit = 1050; limit >= 1049; limit--) {
		now->backlog = (struct backlog){ limit, 77 };
		json_auto_t *findings = findings_find(now, NULL);
		json_t *finding = json_array_get(findings, 0);

		cr_assert_eq(json_array_size(findings), limit < 1050);
		if (!finding)
			continue;
		cr_expect_str_eq(text(finding, "code"), "backlog_short");
		cr_expect_str_eq(text(finding, "object"), "VLAN 100");
		cr_expect_str_eq(text(finding, "remedy"),
				 "sysctl -w net.core.netdev_max_backlog=2100");
		cr_expect(
			strstr(text(finding, "message"),
			       "VLAN 100 has 1050 ports, and net.core.netdev_max_backlog is 1049"));
		cr_expect(strstr(text(finding, "message"), "77 frames"));
	}
}
