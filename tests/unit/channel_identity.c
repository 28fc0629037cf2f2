// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "channel_testing.h"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb },
		     given[6] = { 2, 0, 0, 0, 0, 0xcc }, zero[6];

static struct lacp_config make(struct channel_fixture *fixture)
{
	struct lacp_config config;

	channel_make_config(&fixture->base->context, &config);
	cr_expect_arr_eq(config.system, fixture->dp->meta->lacp_system, 6);
	return config;
}

Test(channel_identity, the_system_id_is_the_first_address_and_stays)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_LACP, false);

	make(fixture);
	cr_expect_arr_eq(fixture->dp->meta->lacp_system, zero, 6, "no uplink");
	put_uplink(fixture, "eth0", 0, zero);
	put_uplink(fixture, "eth1", 8, mac_b);
	make(fixture);
	cr_expect_arr_eq(fixture->dp->meta->lacp_system, mac_b, 6);
	uplink_write_mac(fixture->dp, 0, mac_a);
	uplink_write_mac(fixture->dp, 1, mac_a);
	make(fixture);
	cr_expect_arr_eq(fixture->dp->meta->lacp_system, mac_b, 6, "also when its uplink is gone");
	cr_expect_not(fixture->dp->meta->lacp_system_given);
	channel_fixture_free(fixture);
}

Test(channel_identity, a_configured_system_id_lasts_as_long_as_it_is_configured)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_LACP, false);
	struct lacp_cfg *cfg = &fixture->base->cfg.lacp;

	put_uplink(fixture, "eth0", 7, mac_a);
	make(fixture);
	cfg->has_system_id = true;
	memcpy(cfg->system_id, given, sizeof(given));
	make(fixture);
	cr_expect_arr_eq(fixture->dp->meta->lacp_system, given, 6);
	cr_expect(fixture->dp->meta->lacp_system_given);
	cfg->has_system_id = false;
	make(fixture);
	cr_expect_arr_eq(fixture->dp->meta->lacp_system, mac_a, 6);
	cr_expect_not(fixture->dp->meta->lacp_system_given);
	channel_fixture_free(fixture);
}

Test(channel_identity, the_configuration_reaches_the_protocol_core)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_LACP, false);
	struct lacp_config config;

	fixture->base->cfg.up_delay_ms = 1234;
	fixture->base->cfg.lacp = (struct lacp_cfg){
		.activity = CFG_LACP_ACTIVE,
		.rate = CFG_LACP_FAST,
		.mux = CFG_LACP_INDEPENDENT,
		.fallback = LACP_FALLBACK_INDIVIDUAL,
		.selection = LACP_BANDWIDTH,
		.system_priority = 100,
		.key = 7,
		.min_links = 2,
		.max_links = 3,
	};
	config = make(fixture);
	cr_expect(config.active && config.fast && config.independent);
	cr_expect_eq(config.fallback, LACP_FALLBACK_INDIVIDUAL);
	cr_expect_eq(config.policy, LACP_BANDWIDTH);
	cr_expect_eq(config.system_priority, 100);
	cr_expect_eq(config.key, 7);
	cr_expect_eq(config.min_links, 2);
	cr_expect_eq(config.max_links, 3);
	cr_expect_eq(config.wait_to_restore_ms, 1234);
	fixture->base->cfg.lacp = (struct lacp_cfg){ .key = 1 };
	config = make(fixture);
	cr_expect_not(config.active || config.fast || config.independent);
	cr_expect_eq(config.fallback, LACP_FALLBACK_NONE);
	cr_expect_eq(config.policy, LACP_STABLE);
	channel_fixture_free(fixture);
}

Test(channel_identity, an_uplink_gets_the_lowest_free_number_and_keeps_it)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_LACP, false);
	const struct switch_context *context = &fixture->base->context;

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++) {
		char name[UL_NAME_LEN];

		snprintf(name, sizeof(name), "eth%u", i);
		put_uplink(fixture, name, 10 + i, mac_a);
		cr_expect(channel_assign_number(context, i), "uplink %u is new", i);
		cr_expect_eq(fixture->dp->uplinks[i].lacp_port, i + 1);
		cr_expect_not(channel_assign_number(context, i), "uplink %u", i);
	}
	uplink_write_lacp_port(fixture->dp, 5, 0);
	uplink_write_lacp_port(fixture->dp, 2, 0);
	cr_expect(channel_assign_number(context, 5));
	cr_expect_eq(fixture->dp->uplinks[5].lacp_port, 3);
	channel_fixture_free(fixture);
}

/* Of a set that another program has written, or of a daemon that was killed while uplinks changed
 * places. */
Test(channel_identity, a_number_that_a_lower_index_has_counts_as_none)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_LACP, false);
	const struct switch_context *context = &fixture->base->context;
	static const uint8_t numbers[] = { 2, 1, 2, 2 };

	for (uint32_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char name[UL_NAME_LEN];

		snprintf(name, sizeof(name), "eth%u", i);
		put_uplink(fixture, name, 10 + i, mac_a);
		uplink_write_lacp_port(fixture->dp, i, numbers[i]);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(numbers); i++)
		cr_expect_eq(channel_assign_number(context, i), i >= 2, "uplink %u", i);
	cr_expect_eq(fixture->dp->uplinks[0].lacp_port, 2);
	cr_expect_eq(fixture->dp->uplinks[1].lacp_port, 1);
	cr_expect_eq(fixture->dp->uplinks[2].lacp_port, 3);
	cr_expect_eq(fixture->dp->uplinks[3].lacp_port, 4);
	channel_fixture_free(fixture);
}
