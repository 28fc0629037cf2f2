// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "vswitch/vswitch.h"
#include "vswitch_testing.h"

TestSuite(vswitch_preflight);

struct preflight_test {
	struct fixture *fixture;
	struct vswitch_context context;
	struct model model;
	struct group_cfg group;
	struct port_cfg port;
	struct errors errors;
};

static bool owns_nothing(void *userdata, const char *switch_name)
{
	(void)userdata;
	(void)switch_name;
	return false;
}

/* A switch with uplink "nic0" and a group without ports; neither exists as an interface. */
static struct preflight_test *preflight_test_new(void)
{
	struct preflight_test *test = calloc(1, sizeof(*test));

	cr_assert(test);
	test->fixture = fixture_new(true);
	add_uplink(&test->fixture->cfg, "nic0");
	test->fixture->cfg.groups = &test->group;
	test->fixture->cfg.n_groups = 1;
	test->model = (struct model){ .switches = &test->fixture->cfg, .n_switches = 1 };
	test->context = (struct vswitch_context){ .links = test->fixture->record->monitor,
						  .bpffs = "/nonexistent",
						  .owns = owns_nothing };
	return test;
}

static void preflight_test_free(struct preflight_test *test)
{
	errors_done(&test->errors);
	fixture_free(test->fixture);
	free(test);
}

static void add_port(struct preflight_test *test, const char *name, bool host)
{
	snprintf(test->port.interface, sizeof(test->port.interface), "%s", name);
	test->port.host = host;
	test->group.ports = &test->port;
	test->group.n_ports = 1;
}

static int check(struct preflight_test *test, const struct switch_cfg *before)
{
	errors_done(&test->errors);
	return vswitch_check(&test->context, &test->fixture->cfg, before, &test->model,
			     &test->errors);
}

static void enslave(struct preflight_test *test, const char *name)
{
	struct record *record = test->fixture->record;

	cr_assert_eq(try_make(record, "br0", "bridge", NULL), 0);
	cr_assert_eq(set_u32(record, ifindex_of(record, name), IFLA_MASTER,
			     ifindex_of(record, "br0")),
		     0);
	await(record, 0, "br0", LINK_ADDED);
	run_pending(record);
}

static void make(struct preflight_test *test, const char *name, const char *peer)
{
	size_t from = test->fixture->record->n;

	make_veth(test->fixture->record, name, peer);
	await(test->fixture->record, from, name, LINK_ADDED);
	await(test->fixture->record, from, peer, LINK_ADDED);
}

Test(vswitch_preflight, missing_interfaces_are_accepted)
{
	struct preflight_test *test = preflight_test_new();

	add_port(test, "vm0", false);
	cr_expect_eq(check(test, NULL), 0);
	cr_expect_eq(check(test, &test->fixture->cfg), 0);
	cr_expect_eq(test->errors.n, 0);
	preflight_test_free(test);
}

Test(vswitch_preflight, an_mtu_above_the_driver_s_maximum_is_refused)
{
	struct preflight_test *test = preflight_test_new();
	struct switch_cfg before = test->fixture->cfg;

	make(test, "nic0", "peer");
	test->fixture->cfg.mtu = 70000;
	cr_expect_eq(check(test, NULL), -ERANGE);
	cr_expect_eq(check(test, &before), -ERANGE);
	cr_assert_eq(test->errors.n, 1);
	cr_expect(strstr(test->errors.messages[0],
			 "sw: mtu: 70000: the driver of nic0 accepts at most 65535"),
		  "%s", test->errors.messages[0]);
	/* It is in force already: a change of something else is not refused. */
	before.mtu = 70000;
	cr_expect_eq(check(test, &before), 0);
	before.n_uplinks = 0;
	cr_expect_eq(check(test, &before), -ERANGE);
	preflight_test_free(test);
}

Test(vswitch_preflight, a_new_uplink_that_belongs_to_a_bridge_is_refused)
{
	struct preflight_test *test = preflight_test_new();
	struct switch_cfg before = test->fixture->cfg;

	make(test, "nic0", "peer");
	enslave(test, "nic0");
	cr_expect_eq(check(test, &before), 0);
	cr_expect_eq(check(test, NULL), -EBUSY);
	cr_assert_eq(test->errors.n, 1);
	cr_expect(strstr(test->errors.messages[0], "sw: nic0 belongs to a bridge or bond"));
	before.n_uplinks = 0;
	cr_expect_eq(check(test, &before), -EBUSY);
	preflight_test_free(test);
}

/* At the start a port that cannot be connected must not keep the others down. */
Test(vswitch_preflight, a_new_port_that_belongs_to_a_bridge_is_refused_after_the_start)
{
	struct preflight_test *test = preflight_test_new();
	struct switch_cfg before = test->fixture->cfg;
	struct group_cfg empty = {};

	make(test, "vm0", "vm0-p");
	enslave(test, "vm0");
	add_port(test, "vm0", false);
	cr_expect_eq(check(test, NULL), 0);
	cr_expect_eq(check(test, &test->fixture->cfg), 0);
	before.groups = &empty;
	cr_expect_eq(check(test, &before), -EBUSY);
	cr_assert_eq(test->errors.n, 1);
	cr_expect(strstr(test->errors.messages[0], "sw: vm0 belongs to a bridge or bond"));
	preflight_test_free(test);
}

Test(vswitch_preflight, the_names_of_a_host_port_must_be_free_or_its_own)
{
	static const struct {
		const char *name, *peer;
		int expected;
		const char *in_the_way;
	} cases[] = {
		{ "vmk0", "vmk0-sw", 0, NULL },
		{ "vmk0", "other", -EEXIST, "vmk0 belongs to another interface" },
		{ "other", "vmk0-sw", -EEXIST, "vmk0-sw belongs to another interface" },
		{ "other", "another", 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct preflight_test *test = preflight_test_new();
		struct switch_cfg before = test->fixture->cfg;
		struct group_cfg empty = {};

		before.groups = &empty;
		make(test, cases[i].name, cases[i].peer);
		add_port(test, "vmk0", true);
		cr_expect_eq(check(test, &before), cases[i].expected, "%s, %s", cases[i].name,
			     cases[i].peer);
		cr_assert_eq(test->errors.n, cases[i].expected ? 1 : 0);
		if (cases[i].in_the_way)
			cr_expect(strstr(test->errors.messages[0], cases[i].in_the_way), "%s",
				  test->errors.messages[0]);
		preflight_test_free(test);
	}
}

Test(vswitch_preflight, every_problem_is_reported_in_one_pass)
{
	struct preflight_test *test = preflight_test_new();
	struct switch_cfg before = test->fixture->cfg;
	struct group_cfg empty = {};

	before.groups = &empty;
	before.n_uplinks = 0;
	make(test, "nic0", "peer");
	make(test, "vm0", "vm0-p");
	enslave(test, "nic0");
	cr_assert_eq(set_u32(test->fixture->record, ifindex_of(test->fixture->record, "vm0"),
			     IFLA_MASTER, ifindex_of(test->fixture->record, "br0")),
		     0);
	run_pending(test->fixture->record);
	test->fixture->cfg.mtu = 70000;
	add_port(test, "vm0", false);
	cr_expect_lt(check(test, &before), 0);
	cr_expect_eq(test->errors.n, 3);
	preflight_test_free(test);
}

/* ---- kinds and names of interfaces ---- */
Test(vswitch_preflight, what_is_no_ethernet_is_refused_as_uplink_and_as_port)
{
	struct preflight_test *test = preflight_test_new();
	struct switch_cfg before = test->fixture->cfg;
	struct group_cfg empty = {};

	snprintf(test->fixture->cfg.uplinks[0], UL_NAME_LEN, "lo");
	cr_expect_eq(check(test, NULL), -EMEDIUMTYPE);
	cr_assert_eq(test->errors.n, 1);
	cr_expect(strstr(test->errors.messages[0], "sw: lo: cannot be an uplink or a port"), "%s",
		  test->errors.messages[0]);
	cr_expect_eq(check(test, &before), -EMEDIUMTYPE);

	snprintf(test->fixture->cfg.uplinks[0], UL_NAME_LEN, "nic0");
	before.groups = &empty;
	add_port(test, "lo", false);
	cr_expect_eq(check(test, &before), -EMEDIUMTYPE);
	cr_expect_eq(check(test, NULL), 0, "at the start the other ports must work");
	preflight_test_free(test);
}

static void expect_one_message(const struct preflight_test *test, const char *text)
{
	cr_assert_eq(test->errors.n, 1);
	cr_expect(strstr(test->errors.messages[0], text), "%s", test->errors.messages[0]);
}

Test(vswitch_preflight, one_interface_under_two_names_is_refused)
{
	struct preflight_test *test = preflight_test_new();
	struct switch_cfg before = test->fixture->cfg;
	struct group_cfg empty = {};

	before.groups = &empty;
	make(test, "nic0", "peer");
	/* The kernel sends no event for the name, because the interface is down. */
	add_alt_name(test->fixture->record, ifindex_of(test->fixture->record, "nic0"), "enp1s0");
	add_port(test, "enp1s0", false);
	cr_expect_eq(check(test, &before), -EEXIST);
	expect_one_message(test, "are names of one interface");
	cr_expect_eq(check(test, NULL), -EEXIST);
	/* It is in force: a change of something else must be possible. */
	cr_expect_eq(check(test, &test->fixture->cfg), 0);

	test->group.n_ports = 0;
	add_uplink(&test->fixture->cfg, "enp1s0");
	cr_expect_eq(check(test, &before), -EEXIST);
	expect_one_message(test, "nic0");
	preflight_test_free(test);
}

Test(vswitch_preflight, one_interface_in_two_switches_is_refused)
{
	struct preflight_test *test = preflight_test_new();
	struct switch_cfg both[2] = { test->fixture->cfg, test->fixture->cfg };

	make(test, "nic0", "peer");
	add_alt_name(test->fixture->record, ifindex_of(test->fixture->record, "nic0"), "enp1s0");
	snprintf(both[1].name, sizeof(both[1].name), "other");
	snprintf(both[1].uplinks[0], UL_NAME_LEN, "enp1s0");
	test->model = (struct model){ .switches = both, .n_switches = 2 };
	cr_expect_eq(vswitch_check(&test->context, &both[1], NULL, &test->model, &test->errors),
		     -EEXIST);
	expect_one_message(test, "are names of one interface in two switches");
	preflight_test_free(test);
}

/* What `uplinkd --check` compares with the interfaces of the machine. */
Test(vswitch_preflight, checks_without_a_switch)
{
	struct preflight_test *test = preflight_test_new();
	struct link_monitor *links = test->fixture->record->monitor;

	make(test, "nic0", "peer");
	enslave(test, "nic0");
	add_port(test, "vm0", false);
	cr_expect_eq(vswitch_check_interfaces(links, &test->model, &test->errors), 0,
		     "missing, or in a bridge for now");
	cr_expect_eq(test->errors.n, 0);
	add_port(test, "lo", false);
	cr_expect_eq(vswitch_check_interfaces(links, &test->model, &test->errors), -EMEDIUMTYPE);
	expect_one_message(test, "sw: lo: cannot be an uplink or a port");
	errors_done(&test->errors);
	add_alt_name(test->fixture->record, ifindex_of(test->fixture->record, "nic0"), "enp1s0");
	link_now(test->fixture, "enp1s0");
	add_port(test, "enp1s0", false);
	cr_expect_eq(vswitch_check_interfaces(links, &test->model, &test->errors), -EEXIST);
	expect_one_message(test, "are names of one interface");
	preflight_test_free(test);
}

/* ---- run-time ports ---- */
static void command(const char *text)
{
	cr_assert_eq(system(text), 0, "%s", text);
}

static int check_runtime(struct preflight_test *test, const char *name)
{
	run_pending(test->fixture->record);
	errors_done(&test->errors);
	return vswitch_check_runtime_port(test->context.links, "sw", name, &test->errors);
}

static void expect_refused(struct preflight_test *test, const char *name, const char *reason)
{
	cr_expect_eq(check_runtime(test, name), -EBUSY, "%s", name);
	cr_assert_eq(test->errors.n, 1);
	cr_expect(strstr(test->errors.messages[0], reason), "%s", test->errors.messages[0]);
}

Test(vswitch_preflight, interfaces_of_the_host_are_no_run_time_ports)
{
	struct preflight_test *test = preflight_test_new();

	make(test, "vnet1", "m1");
	make(test, "eth9", "m9");
	cr_expect_eq(check_runtime(test, "vnet1"), 0, "a veth whose other end is here, too");
	cr_expect_eq(check_runtime(test, "later"), 0, "it is checked when it appears");
	put_vlan(test->fixture->record->monitor, "eth9.100",
		 ifindex_of(test->fixture->record, "eth9"));
	expect_refused(test, "eth9", "eth9.100 is on top of it and would lose its frames");
	command("ip address add 192.0.2.1/24 dev m9");
	expect_refused(test, "m9", "it has an address of the host");
	command("ip address add 2001:db8::1/64 dev vnet1");
	expect_refused(test, "vnet1", "it has an address of the host");
	command("ip address flush dev vnet1");
	command("ip address add fe80::1/64 dev vnet1");
	cr_expect_eq(check_runtime(test, "vnet1"), 0, "the kernel gives one to each interface");
	preflight_test_free(test);
}

/* Only ENODEV means that there is none; otherwise an interface of the host might pass as a port. */
Test(vswitch_preflight, an_interface_that_cannot_be_queried_is_refused)
{
	struct preflight_test *test = preflight_test_new();
	struct switch_cfg before = test->fixture->cfg;
	int query = mnl_socket_get_fd(test->context.links->query.socket);
	int former = dup(query), null = open("/dev/null", O_RDWR | O_CLOEXEC);

	before.n_groups = 0;
	add_port(test, "vm0", false);
	cr_assert(former >= 0 && null >= 0 && dup2(null, query) == query);
	cr_expect_eq(check(test, &before), -ENOTSOCK);
	cr_assert_eq(test->errors.n, 1);
	cr_expect_str_eq(test->errors.messages[0],
			 "sw: vm0: cannot query the interface: Socket operation on non-socket");
	errors_done(&test->errors);
	cr_expect_eq(check_runtime(test, "vm0"), -ENOTSOCK);
	cr_expect_eq(test->errors.n, 1);
	cr_assert_eq(dup2(former, query), query);
	close(former);
	close(null);
	cr_expect_eq(check(test, &before), 0);
	cr_expect_eq(check_runtime(test, "vm0"), 0);
	preflight_test_free(test);
}
