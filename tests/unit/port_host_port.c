// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The host's own ports: real veth pairs in a namespace, the data plane in ordinary memory. */
#include <sys/resource.h>

#include "config/value.h"
#include "port_testing.h"

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 0x52, 0x54, 0, 0, 0, 2 };

static struct port_fixture *with_host_port(const uint8_t *mac)
{
	struct port_fixture *fixture = port_fixture_new(true);

	put_group(fixture, 0, 100, 0, 0);
	add_port(fixture, 0, "vmk0", mac)->host = true;
	return fixture;
}

static struct link_monitor *links_of(const struct port_fixture *fixture)
{
	return fixture->base->record->monitor;
}

static bool is_there(const struct port_fixture *fixture, const char *name)
{
	struct link_info info;

	return link_refresh_get_by_name(links_of(fixture), name, &info) == 0;
}

Test(port_host_port, the_pair_is_created_and_deleted_with_the_port, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(mac_a);
	struct link_info host;

	fixture->base->cfg.mtu = 1400;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(host_port_find_pair(links_of(fixture), "vmk0", "vmk0-sw"), 0);
	cr_expect_eq(host_port_find_pair(links_of(fixture), "vmk0", "vmk1-sw"), -ENODEV);
	host = link_now(fixture->base, "vmk0");
	cr_expect_arr_eq(host.mac, mac_a, 6);
	cr_expect_eq(host.mtu, 1400);
	cr_expect(host.admin_up);
	cr_expect_eq(link_now(fixture->base, "vmk0-sw").mtu, 1400);
	cr_expect_eq(fixture->dp->ports[0].ifindex, link_now(fixture->base, "vmk0-sw").ifindex);
	cr_expect(fixture->dp->ports[0].flags & UL_PORT_HOST);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), 0);
	ports_release_all(fixture->ports);
	cr_expect_not(is_there(fixture, "vmk0"));
	cr_expect_not(is_there(fixture, "vmk0-sw"));
	port_fixture_free(fixture);
}

Test(port_host_port, without_a_configured_address_the_port_has_that_of_the_interface,
     .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(NULL);
	uint8_t mac[6];

	cr_assert_eq(apply_ports(fixture), 0);
	memcpy(mac, link_now(fixture->base, "vmk0").mac, sizeof(mac));
	cr_expect_arr_eq(fixture->dp->ports[0].mac, mac, 6);
	cr_expect_eq(fdb_slot(fixture, 100, mac), 0);
	port_fixture_free(fixture);
}

/* The neighbours have its address in their tables. */
Test(port_host_port, a_deleted_pair_is_created_again_with_its_address, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(NULL);
	uint8_t mac[6];

	cr_assert_eq(apply_ports(fixture), 0);
	memcpy(mac, fixture->dp->ports[0].mac, sizeof(mac));
	deliver_events(fixture);
	delete_link(fixture->base->record, "vmk0");
	for (int i = 0; i < 3; i++) /* events about the new pair follow those about the old one */
		deliver_events(fixture);
	cr_assert_eq(host_port_find_pair(links_of(fixture), "vmk0", "vmk0-sw"), 0);
	cr_expect_arr_eq(link_now(fixture->base, "vmk0").mac, mac, 6);
	cr_expect_eq(fixture->dp->ports[0].ifindex, link_now(fixture->base, "vmk0-sw").ifindex);
	cr_expect_eq(fdb_slot(fixture, 100, mac), 0);
	cr_expect_eq(count_events(fixture->base, EVENT_HOST_PORT, "vmk0"), 1);
	port_fixture_free(fixture);
}

Test(port_host_port, a_changed_address_becomes_that_of_the_port, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(NULL);
	uint8_t before[6];

	cr_assert_eq(apply_ports(fixture), 0);
	deliver_events(fixture);
	memcpy(before, fixture->dp->ports[0].mac, sizeof(before));
	cr_assert_eq(link_set_mac(links_of(fixture), ifindex_of(fixture->base->record, "vmk0"),
				  mac_b),
		     0);
	deliver_events(fixture);
	cr_expect_arr_eq(fixture->dp->ports[0].mac, mac_b, 6);
	cr_expect_eq(fdb_slot(fixture, 100, mac_b), 0);
	cr_expect_eq(fdb_slot(fixture, 100, before), -ENOENT);
	cr_expect_eq(count_events(fixture->base, EVENT_PORT_ADDRESS, "vmk0"), 1);
	port_fixture_free(fixture);
}

Test(port_host_port, an_address_of_another_port_or_against_the_configuration_is_refused,
     .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(NULL);
	struct link_info info = { .name = "vmk0" };
	uint8_t before[6];

	add_port(fixture, 0, "vmk1", mac_a)->host = true;
	cr_assert_eq(apply_ports(fixture), 0);
	memcpy(before, fixture->dp->ports[0].mac, sizeof(before));
	memcpy(info.mac, mac_a, sizeof(info.mac));
	host_port_changed(fixture->ports, 0, &info);
	cr_expect_arr_eq(fixture->dp->ports[0].mac, before, 6);
	cr_expect(strstr(last_event(fixture->base)->text, "belongs to another port"));
	memcpy(info.mac, mac_b, sizeof(info.mac));
	host_port_changed(fixture->ports, 1, &info);
	cr_expect_arr_eq(fixture->dp->ports[1].mac, mac_a, 6);
	cr_expect(strstr(last_event(fixture->base)->text, "not the address in the configuration"));
	cr_expect_eq(count_events(fixture->base, EVENT_ADDRESS_REFUSED, NULL), 2);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), 1);
	cr_expect_eq(fdb_slot(fixture, 100, mac_b), -ENOENT);
	port_fixture_free(fixture);
}

Test(port_host_port, a_name_of_another_interface_is_an_error_of_this_port_alone, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(mac_a);

	make_veth(fixture->base->record, "vmk0-sw", "other");
	run_pending(fixture->base->record);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(fixture->dp->ports[0].ifindex, 0);
	cr_expect(has_error(fixture->base, "a name belongs to another interface"));
	cr_expect(is_there(fixture, "other"));
	port_fixture_free(fixture);
}

/* Moved to a container, or renamed: the port stays connected. */
Test(port_host_port, a_host_end_that_is_out_of_reach_is_reported, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(mac_a);
	uint32_t ifindex;

	cr_assert_eq(apply_ports(fixture), 0);
	ifindex = fixture->dp->ports[0].ifindex;
	set_up(fixture->base->record, "vmk0", false);
	rename_link(fixture->base->record, "vmk0", "eth0");
	deliver_events(fixture);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(fixture->dp->ports[0].ifindex, ifindex);
	cr_expect_eq(fdb_slot(fixture, 100, mac_a), 0);
	cr_expect_eq(count_events(fixture->base, EVENT_HOST_PORT, "vmk0"), 1);
	cr_expect_eq(fixture->base->fake.errors.n, 0);
	port_fixture_free(fixture);
}

Test(port_host_port, a_pair_that_could_not_be_made_is_tried_again, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(mac_a);

	set_capability(CAP_NET_ADMIN, false);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect(has_error(fixture->base, "host port vmk0: cannot create the veth pair"));
	cr_expect_neq(fixture->dp->ports[0].flags & UL_PORT_ERROR_MASK, 0);
	port_retry_due(fixture->ports, now_ms() + 500);
	cr_expect_eq(fixture->base->fake.errors.n, 1, "not due yet");
	port_retry_due(fixture->ports, now_ms() + 1500);
	cr_expect_eq(fixture->base->fake.errors.n, 2);
	set_capability(CAP_NET_ADMIN, true);
	port_retry_due(fixture->ports, now_ms() + 5000);
	deliver_events(fixture);
	cr_expect_eq(host_port_find_pair(links_of(fixture), "vmk0", "vmk0-sw"), 0);
	cr_expect_eq(fixture->dp->ports[0].ifindex, link_now(fixture->base, "vmk0-sw").ifindex);
	cr_expect_eq(fixture->dp->ports[0].flags & UL_PORT_ERROR_MASK, 0);
	cr_expect_null(fixture->ports->retry_timer, "nothing is left to be tried");
	port_fixture_free(fixture);
}

static void limit_descriptors(rlim_t soft)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = soft;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Another address than after the next start would be in the tables of the neighbours. */
Test(port_host_port, without_an_answer_about_the_id_of_the_machine_no_pair_is_made, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(NULL);
	int applied;

	limit_descriptors(0);
	applied = apply_ports(fixture);
	limit_descriptors(256);
	cr_assert_eq(applied, 0);
	cr_expect_not(is_there(fixture, "vmk0"));
	cr_expect(has_error(fixture->base, "cannot read the id of the machine"));
	cr_expect_neq(fixture->dp->ports[0].flags & UL_PORT_ERROR_MASK, 0);
	port_retry_due(fixture->ports, now_ms() + 5000);
	deliver_events(fixture);
	cr_expect_eq(host_port_find_pair(links_of(fixture), "vmk0", "vmk0-sw"), 0);
	cr_expect_eq(fixture->dp->ports[0].flags & UL_PORT_ERROR_MASK, 0);
	port_fixture_free(fixture);
}

/* Its address is the one that it has. */
Test(port_host_port, a_pair_that_exists_needs_no_id_of_the_machine, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(NULL);
	int applied;

	make_veth(fixture->base->record, "vmk0-sw", "vmk0");
	run_pending(fixture->base->record);
	limit_descriptors(0);
	applied = apply_ports(fixture);
	limit_descriptors(256);
	cr_assert_eq(applied, 0);
	cr_expect_not(fixture->ports->state[0].unmade);
	cr_expect_not(has_error(fixture->base, "machine"));
	port_fixture_free(fixture);
}

/* The pair is there and its port connected; only the host's end could not be set up. */
Test(port_host_port, what_could_not_be_set_is_set_by_the_guard, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(mac_a);
	uint64_t now = now_ms();

	cr_assert_eq(apply_ports(fixture), 0);
	deliver_events(fixture);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now), 0);
	set_up(fixture->base->record, "vmk0", false);
	run_pending(fixture->base->record);
	set_capability(CAP_NET_ADMIN, false);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now), UL_PROBLEM_HOST_ADDRESS);
	cr_expect_neq(fixture->dp->ports[0].ifindex, 0);
	set_capability(CAP_NET_ADMIN, true);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now), UL_PROBLEM_HOST_ADDRESS,
		     "not due yet");
	cr_expect_eq(host_port_guard(fixture->ports, 0, now + 60000), 0);
	cr_expect(link_now(fixture->base, "vmk0").admin_up);
	/* Now it is the administrator who sets it down. */
	set_up(fixture->base->record, "vmk0", false);
	run_pending(fixture->base->record);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now + 120000), 0);
	cr_expect_not(link_now(fixture->base, "vmk0").admin_up);
	port_fixture_free(fixture);
}

Test(port_host_port, a_name_in_use_is_not_tried_again, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(mac_a);

	make_veth(fixture->base->record, "vmk0-sw", "other");
	run_pending(fixture->base->record);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_null(fixture->ports->retry_timer);
	port_fixture_free(fixture);
}

/* ---- addresses and routes ---- */
static const struct address own = { AF_INET, 24, { 192, 0, 2, 10 } };

static struct port_cfg *with_settings(struct port_fixture *fixture)
{
	static struct address addresses[1];
	static struct route routes[1];
	struct port_cfg *cfg = add_port(fixture, 0, "vmk0", mac_a);

	addresses[0] = own;
	routes[0] = (struct route){ .to = { AF_INET, 24, { 198, 51, 100 } }, .metric = 5 };
	*cfg = (struct port_cfg){ .interface = "vmk0",
				  .host = true,
				  .addresses = addresses,
				  .n_addresses = 1,
				  .gateways = { { AF_INET, 0, { 192, 0, 2, 1 } } },
				  .n_gateways = 1,
				  .routes = routes,
				  .n_routes = 1 };
	return cfg;
}

static uint64_t missing(const struct port_fixture *fixture, const struct port_cfg *cfg)
{
	uint32_t ifindex = link_now(fixture->base, "vmk0").ifindex;
	struct route routes[PORT_MAX_ROUTES];
	uint64_t addresses = 0, others = 0;
	size_t n = port_routes(cfg, false, routes);

	cr_assert_eq(link_find_missing_addresses(links_of(fixture), ifindex, cfg->addresses,
						 cfg->n_addresses, &addresses),
		     0);
	cr_assert_eq(link_find_missing_routes(links_of(fixture), ifindex, routes, n, &others), 0);
	return addresses | others << 32;
}

static void remove_settings(const struct port_fixture *fixture)
{
	uint32_t ifindex = link_now(fixture->base, "vmk0").ifindex;

	cr_assert_eq(link_remove_own_routes(links_of(fixture), ifindex, NULL, 0), 0);
	cr_assert_eq(link_remove_addresses(links_of(fixture), ifindex, NULL, 0), 0);
}

Test(port_host_port, removed_addresses_and_routes_are_added_again_with_a_back_off, .timeout = 300)
{
	struct port_fixture *fixture = port_fixture_new(true);
	struct port_cfg *cfg;
	uint64_t now = 1000000;

	put_group(fixture, 0, 100, 0, 0);
	cfg = with_settings(fixture);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(missing(fixture, cfg), 0);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now), 0);

	remove_settings(fixture);
	cr_expect_eq(missing(fixture, cfg), 1 | 3ULL << 32);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now), 0);
	cr_expect_eq(missing(fixture, cfg), 0);
	remove_settings(fixture);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now + 500), UL_PROBLEM_HOST_ADDRESS);
	cr_expect_eq(missing(fixture, cfg), 1 | 3ULL << 32);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now + 1000), 0);
	cr_expect_eq(missing(fixture, cfg), 0);

	/* an administrator's decision */
	cr_assert_eq(link_set_up(links_of(fixture), link_now(fixture->base, "vmk0").ifindex, false),
		     0);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now + 500000), 0);
	port_fixture_free(fixture);
}

Test(port_host_port, settings_that_left_the_configuration_are_removed, .timeout = 300)
{
	struct port_fixture *fixture = port_fixture_new(true);
	struct port_cfg *cfg, before;

	put_group(fixture, 0, 100, 0, 0);
	cfg = with_settings(fixture);
	before = *cfg;
	cr_assert_eq(apply_ports(fixture), 0);
	cfg->n_routes = cfg->n_gateways = 0;
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(missing(fixture, &before), 3ULL << 32);
	port_fixture_free(fixture);
}

/* One error must not leave them for good. */
Test(port_host_port, settings_that_could_not_be_removed_are_removed_by_the_guard, .timeout = 300)
{
	struct port_fixture *fixture = port_fixture_new(true);
	struct port_cfg *cfg, before;
	uint64_t now = now_ms();

	put_group(fixture, 0, 100, 0, 0);
	cfg = with_settings(fixture);
	before = *cfg;
	cr_assert_eq(apply_ports(fixture), 0);
	cfg->n_routes = cfg->n_gateways = cfg->n_addresses = 0;
	set_capability(CAP_NET_ADMIN, false);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(missing(fixture, &before), 0);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now), UL_PROBLEM_HOST_ADDRESS);
	set_capability(CAP_NET_ADMIN, true);
	cr_expect_eq(host_port_guard(fixture->ports, 0, now + 60000), 0);
	cr_expect_eq(missing(fixture, &before), 1 | 3ULL << 32);
	port_fixture_free(fixture);
}

Test(port_host_port, another_route_with_the_same_metric_is_left_and_reported, .timeout = 300)
{
	struct port_fixture *fixture = port_fixture_new(true);
	const struct route other = { .to = { AF_INET, 24, { 198, 51, 100 } }, .metric = 5 };
	struct port_cfg *cfg;

	put_group(fixture, 0, 100, 0, 0);
	cfg = with_settings(fixture);
	cr_assert_eq(link_create_veth(links_of(fixture), "other", "far", NULL), 0);
	cr_assert_eq(link_set_up(links_of(fixture), link_now(fixture->base, "far").ifindex, true),
		     0);
	cr_assert_eq(link_set_up(links_of(fixture), link_now(fixture->base, "other").ifindex, true),
		     0);
	cr_assert_eq(link_add_own_route(links_of(fixture), link_now(fixture->base, "other").ifindex,
					&other),
		     0);
	cr_assert_eq(apply_ports(fixture), 0);
	cr_expect_eq(missing(fixture, cfg), 2ULL << 32);
	cr_expect_eq(host_port_guard(fixture->ports, 0, 1000000), UL_PROBLEM_HOST_ADDRESS);
	cr_assert_eq(link_remove_own_routes(links_of(fixture),
					    link_now(fixture->base, "other").ifindex, NULL, 0),
		     0);
	cr_expect_eq(host_port_guard(fixture->ports, 0, 1500000), 0);
	cr_expect_eq(missing(fixture, cfg), 0);
	port_fixture_free(fixture);
}

Test(port_host_port, the_mtu_is_set_again, .timeout = 300)
{
	struct port_fixture *fixture = with_host_port(mac_a);

	fixture->base->cfg.mtu = 1500;
	cr_assert_eq(apply_ports(fixture), 0);
	for (int i = 0; i < 2; i++) {
		const char *end = i ? "vmk0" : "vmk0-sw";

		cr_assert_eq(link_set_mtu(links_of(fixture), link_now(fixture->base, end).ifindex,
					  1400),
			     0);
		cr_expect_eq(host_port_guard(fixture->ports, 0, 1000000 + 200000ULL * (uint64_t)i),
			     0);
		cr_expect_eq(link_now(fixture->base, end).mtu, 1500);
	}
	port_fixture_free(fixture);
}

/* ---- MAC address ---- */
Test(port_host_port, the_derived_address_depends_on_machine_instance_and_name)
{
	static const uint8_t machine[16] = { 1, 2, 3 }, another[16] = { 1, 2, 4 };
	static const char bpffs[] = "/sys/fs/bpf";
	uint8_t mac[6], other[6];

	host_port_derive_mac(machine, bpffs, "vmk0", mac);
	cr_expect(mac_is_unicast(mac));
	cr_expect(mac[0] & 2, "locally administered");
	host_port_derive_mac(machine, bpffs, "vmk0", other);
	cr_expect_arr_eq(other, mac, 6);
	host_port_derive_mac(another, bpffs, "vmk0", other);
	cr_expect_arr_neq(other, mac, 6);
	host_port_derive_mac(machine, "/tmp/bpf", "vmk0", other);
	cr_expect_arr_neq(other, mac, 6);
	host_port_derive_mac(machine, bpffs, "vmk1", other);
	cr_expect_arr_neq(other, mac, 6);
}
