// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Interfaces of ports that are unsuitable or that other software uses. */
#include "port_testing.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 };

static const struct ul_port *record_of(const struct port_fixture *fixture)
{
	return &fixture->dp->ports[0];
}

static uint32_t problems_of(const struct port_fixture *fixture)
{
	return (record_of(fixture)->flags & UL_PORT_PROBLEM_FLAGS) >> UL_PORT_PROBLEM_SHIFT;
}

static struct port_fixture *with_port(const char *name)
{
	struct port_fixture *fixture = port_fixture_new(true);

	put_group(fixture, 0, 100, 0, 0);
	add_port(fixture, 0, name, mac_a);
	deliver_events(fixture);
	return fixture;
}

static void set_master(struct port_fixture *fixture, const char *name, const char *master)
{
	struct record *record = fixture->base->record;

	cr_assert_eq(set_u32(record, ifindex_of(record, name), IFLA_MASTER,
			     master ? ifindex_of(record, master) : 0),
		     0);
	deliver_events(fixture);
}

Test(port_guard, what_is_no_ethernet_is_not_connected, .timeout = 30)
{
	struct port_fixture *fixture = with_port("lo");
	struct link_info info = link_now(fixture->base, "lo");

	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(record_of(fixture)->ifindex, 0);
	cr_expect_eq(problems_of(fixture), UL_PROBLEM_NOT_ETHERNET);
	cr_expect(has_error(fixture->base, "sw: lo: cannot be an uplink or a port"));
	cr_expect(ports_link_event(fixture->ports, &info, LINK_CHANGED));
	cr_expect_eq(fixture->base->fake.errors.n, 1, "one message for all its events");
	cr_expect_not(dataplane_fake_is_attached(&fixture->base->fake, info.ifindex));
	port_fixture_free(fixture);
}

/* The interface may go while no daemon runs. */
Test(port_guard, a_missing_interface_has_no_problem, .timeout = 30)
{
	struct port_fixture *fixture = with_port("p0");

	cr_assert_eq(apply_ports(fixture), 0);
	port_write_problems(fixture->dp, 0, UL_PROBLEM_NOT_ETHERNET);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(problems_of(fixture), 0);
	port_fixture_free(fixture);
}

Test(port_guard, an_interface_that_appears_in_a_bridge_is_connected_when_it_leaves_it,
     .timeout = 30)
{
	struct port_fixture *fixture = with_port("p0");
	struct record *record = fixture->base->record;

	cr_assert_eq(apply_ports(fixture), 0);
	cr_assert_eq(try_make(record, "br0", "bridge", NULL), 0);
	make_veth(record, "other", "m0");
	set_master(fixture, "other", "br0");
	rename_link(record, "other", "p0");
	deliver_events(fixture);
	cr_expect_eq(record_of(fixture)->ifindex, 0);
	cr_expect_eq(problems_of(fixture), UL_PROBLEM_ENSLAVED);
	cr_expect_eq(fixture->base->fake.errors.n, 1);
	set_master(fixture, "p0", NULL);
	cr_expect_eq(record_of(fixture)->ifindex, ifindex_of(record, "p0"));
	cr_expect_eq(problems_of(fixture), 0);
	cr_expect_eq(count_events(fixture->base, EVENT_PROBLEM_CLEARED, "p0"), 1);
	port_fixture_free(fixture);
}

Test(port_guard, a_port_that_is_put_into_a_bridge_is_reported, .timeout = 30)
{
	struct port_fixture *fixture = with_port("p0");
	struct record *record = fixture->base->record;

	make_veth(record, "p0", "m0");
	cr_assert_eq(try_make(record, "br0", "bridge", NULL), 0);
	deliver_events(fixture);
	cr_assert_eq(apply_ports(fixture), 0);
	set_master(fixture, "p0", "br0");
	cr_expect_eq(problems_of(fixture), UL_PROBLEM_ENSLAVED);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(problems_of(fixture), UL_PROBLEM_ENSLAVED, "also after a reload");
	cr_expect_eq(record_of(fixture)->ifindex, ifindex_of(record, "p0"));
	cr_expect_eq(count_events(fixture->base, EVENT_PROBLEM, "p0"), 1);
	set_master(fixture, "p0", NULL);
	cr_expect_eq(problems_of(fixture), 0);
	/* A port that is gone has no problem. */
	set_master(fixture, "p0", "br0");
	delete_link(record, "p0");
	deliver_events(fixture);
	cr_expect_eq(problems_of(fixture), 0);
	port_fixture_free(fixture);
}

Test(port_guard, detached_programs_are_attached_again, .timeout = 30)
{
	struct port_fixture *fixture = with_port("p0");
	struct dataplane_fake *fake = &fixture->base->fake;
	struct link_info info;

	make_veth(fixture->base->record, "p0", "m0");
	deliver_events(fixture);
	cr_assert_eq(apply_ports(fixture), 0);
	info = link_now(fixture->base, "p0");
	fake->n_calls = 0;
	fake->problems = UL_PROBLEM_DETACHED | UL_PROBLEM_TC;
	port_guard(fixture->ports, 0, &info);
	cr_expect_eq(dataplane_fake_count(fake, FAKE_ATTACH_PORT, info.ifindex), 1);
	cr_expect_eq(problems_of(fixture), UL_PROBLEM_TC);
	/* A failure is reported, and the next attempt does not follow at once. */
	fake->attach_port_error = -EPERM;
	port_guard(fixture->ports, 0, &info);
	port_guard(fixture->ports, 0, &info);
	cr_expect_eq(dataplane_fake_count(fake, FAKE_ATTACH_PORT, info.ifindex), 2);
	cr_expect_eq(problems_of(fixture), UL_PROBLEM_TC | UL_PROBLEM_DETACHED);
	port_fixture_free(fixture);
}

static void put_connected(struct port_fixture *fixture, uint32_t slot, const char *name)
{
	struct link_monitor *links = fixture->base->record->monitor;
	uint32_t ifindex = ifindex_of(fixture->base->record, name);

	put_port(fixture, slot, 0, mac_a, ifindex);
	fixture->ports->state[slot].attached = ifindex;
	cr_assert_eq(link_set_ipv6(links, ifindex, true), 0);
}

/* Also more ports than are queried one by one. */
Test(port_guard, one_pass_checks_every_port, .timeout = 60)
{
	enum { PORTS = 100 };
	struct port_fixture *fixture = port_fixture_new(true);
	struct record *record = fixture->base->record;

	put_group(fixture, 0, 100, 0, 0);
	cr_assert_geq(fixture->dp->max_ports, (uint32_t)PORTS);
	for (uint32_t slot = 0; slot < PORTS; slot += 2) {
		char name[UL_NAME_LEN], peer[UL_NAME_LEN];

		snprintf(name, sizeof(name), "p%u", slot);
		snprintf(peer, sizeof(peer), "p%u", slot + 1);
		make_veth(record, name, peer);
		put_connected(fixture, slot, name);
		put_connected(fixture, slot + 1, peer);
	}
	fixture->base->fake.problems = UL_PROBLEM_TC;
	record->monitor->dumped_ms = now_ms() - 60000;
	ports_guard(fixture->ports);
	for (uint32_t slot = 0; slot < PORTS; slot++) {
		const struct ul_port *port = &fixture->dp->ports[slot];
		bool on = true;

		cr_expect_eq((port->flags & UL_PORT_PROBLEM_FLAGS) >> UL_PORT_PROBLEM_SHIFT,
			     UL_PROBLEM_TC, "port %u", slot);
		cr_assert_eq(link_get_ipv6(record->monitor, port->ifindex, &on), 0);
		cr_expect_not(on, "port %u", slot);
	}
	port_fixture_free(fixture);
}

/* Of a set that another program has written: nothing in a free slot is checked. */
static void put_free_slot(struct port_fixture *fixture, uint32_t slot, const char *name)
{
	struct ul_port *ports = fixture->dp->mapping[UL_MAP_PORTS];

	ports[slot] = (struct ul_port){ .ifindex = ifindex_of(fixture->base->record, name),
					.flags = UL_PORT_HOST | UL_PROBLEM_PORT_MTU
									<< UL_PORT_PROBLEM_SHIFT,
					.group = 0xffffff,
					.policy = 0xffffff };
	memset(ports[slot].name, 'x', sizeof(ports[slot].name));
}

Test(port_guard, a_free_slot_is_not_guarded, .timeout = 30)
{
	struct port_fixture *fixture = with_port("p0");
	const struct ul_port *port = &fixture->dp->ports[7];
	struct ul_port before;

	make_veth(fixture->base->record, "p0", "m0");
	deliver_events(fixture);
	cr_assert_eq(apply_ports(fixture), 0);
	put_free_slot(fixture, 7, "m0");
	before = *port;
	fixture->base->fake.problems = UL_PROBLEM_TC;
	ports_guard(fixture->ports);
	cr_expect_eq(problems_of(fixture), UL_PROBLEM_TC);
	cr_expect_eq(memcmp(port, &before, sizeof(before)), 0);
	/* also by the timer, for host ports */
	cr_assert_eq(sd_event_source_set_time(fixture->ports->guard_timer, 0), 0);
	while (sd_event_run(fixture->base->context.event, 0) > 0)
		;
	cr_expect_eq(memcmp(port, &before, sizeof(before)), 0);
	port_fixture_free(fixture);
}

Test(port_guard, an_alternative_name_connects_and_its_loss_disconnects, .timeout = 30)
{
	struct port_fixture *fixture = with_port("alt0");
	struct record *record = fixture->base->record;
	uint32_t ifindex;
	struct link_info info;

	make_veth(record, "tap7", "m0");
	ifindex = ifindex_of(record, "tap7");
	add_alt_name(record, ifindex, "alt0");
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(record_of(fixture)->ifindex, ifindex);
	del_alt_name(record, ifindex, "alt0");
	info = link_now(fixture->base, "tap7");
	cr_expect(ports_link_event(fixture->ports, &info, LINK_CHANGED));
	cr_expect_eq(record_of(fixture)->ifindex, 0);
	cr_expect_not(dataplane_fake_is_attached(&fixture->base->fake, ifindex));
	port_fixture_free(fixture);
}

/* ---- run-time ports ---- */
static void change_address(const char *verb, const char *address, const char *name)
{
	char command[128];

	snprintf(command, sizeof(command), "ip address %s %s dev %s", verb, address, name);
	cr_assert_eq(system(command), 0);
}

static struct port_fixture *with_runtime_port(const char *name)
{
	struct port_fixture *fixture = with_port(name);

	fixture->port_cfgs[0][0].runtime = true;
	return fixture;
}

/* A port may be requested before its interface exists. */
Test(port_guard, a_run_time_port_takes_no_interface_with_an_address, .timeout = 30)
{
	struct port_fixture *fixture = with_runtime_port("p0");
	struct record *record = fixture->base->record;

	cr_assert_eq(apply_ports(fixture), 0);
	make_veth(record, "p0", "m0");
	change_address("add", "192.0.2.1/24", "p0");
	deliver_events(fixture);
	cr_expect_eq(record_of(fixture)->ifindex, 0);
	cr_expect(has_error(fixture->base, "p0: cannot be a run-time port: it has an address"));
	cr_expect_neq(record_of(fixture)->flags & UL_PORT_ERROR_MASK, 0);
	port_retry_due(fixture->ports, now_ms() + 2000);
	cr_expect_eq(fixture->base->fake.errors.n, 1, "one message for all attempts");
	change_address("del", "192.0.2.1/24", "p0");
	port_retry_due(fixture->ports, now_ms() + 10000);
	cr_expect_eq(record_of(fixture)->ifindex, ifindex_of(record, "p0"));
	/* What is connected stays so: the daemon does not undo what other software does. */
	change_address("add", "192.0.2.1/24", "p0");
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(record_of(fixture)->ifindex, ifindex_of(record, "p0"));
	port_fixture_free(fixture);
}

Test(port_guard, a_run_time_port_takes_no_lower_interface, .timeout = 30)
{
	struct port_fixture *fixture = with_runtime_port("p0");
	struct record *record = fixture->base->record;

	make_veth(record, "p0", "m0");
	deliver_events(fixture);
	put_vlan(record->monitor, "p0.7", ifindex_of(record, "p0"));
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(record_of(fixture)->ifindex, 0);
	cr_expect(has_error(fixture->base, "p0.7 is on top of it"));
	port_fixture_free(fixture);
}

/* The file belongs to root. */
Test(port_guard, a_port_of_the_file_may_be_any_interface, .timeout = 30)
{
	struct port_fixture *fixture = with_port("p0");
	struct record *record = fixture->base->record;

	make_veth(record, "p0", "m0");
	change_address("add", "192.0.2.1/24", "p0");
	deliver_events(fixture);
	put_vlan(record->monitor, "p0.7", ifindex_of(record, "p0"));
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(record_of(fixture)->ifindex, ifindex_of(record, "p0"));
	port_fixture_free(fixture);
}
