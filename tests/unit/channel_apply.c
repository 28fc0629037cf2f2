// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The ports of a channel follow the configuration, without a kernel: no uplink has an interface. */
#include "channel_testing.h"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static struct channel_fixture *with_uplinks(enum ul_channel kind, uint32_t n)
{
	struct channel_fixture *fixture = channel_fixture_new(kind, false);

	for (uint32_t i = 0; i < n; i++) {
		char name[UL_NAME_LEN];

		snprintf(name, sizeof(name), "eth%u", i);
		put_uplink(fixture, name, 0, i % 2 ? mac_b : mac_a);
	}
	return fixture;
}

static void swap_uplinks(struct channel_fixture *fixture, uint32_t a, uint32_t b)
{
	struct ul_uplink first = fixture->dp->uplinks[a], second = fixture->dp->uplinks[b];

	uplink_write(fixture->dp, a, &second);
	uplink_write(fixture->dp, b, &first);
}

Test(channel_apply, every_uplink_has_a_port_of_the_protocol_core)
{
	struct channel_fixture *fixture = with_uplinks(UL_CHANNEL_LACP, 3);
	struct lacp_port_info info;

	fixture->base->cfg.lacp.headless_s = 5;
	cr_assert_eq(channel_apply(fixture->channel), 0);
	for (uint16_t i = 0; i < 3; i++) {
		cr_assert(fixture->channel->port[i]);
		cr_expect_eq(fixture->channel->port[i]->number, i + 1);
		cr_assert_eq(lacp_port_info(fixture->channel->lacp, (uint16_t)(i + 1), now_ms(),
					    &info),
			     0);
		cr_expect_not(info.enabled);
		cr_expect_eq(fixture->dp->lacp_ports[i].actor.port, i + 1, "recorded");
	}
	cr_expect_null(fixture->channel->port[3]);
	cr_expect_eq(fixture->n_states, 3, "the state of each was published");
	cr_expect_eq(fixture->n_recorded, 1);
	cr_expect_eq(fixture->dp->meta->headless_ns, 5000000000ULL);
	cr_expect_arr_eq(fixture->dp->meta->lacp_system, mac_a, 6);
	channel_fixture_free(fixture);
}

Test(channel_apply, without_lacp_there_is_no_protocol_core)
{
	static const enum ul_channel kinds[] = { UL_CHANNEL_NONE, UL_CHANNEL_STATIC };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct channel_fixture *fixture = with_uplinks(kinds[i], 2);

		fixture->base->fake.lacp[1].version = LACP_SAVED_VERSION;
		cr_assert_eq(channel_apply(fixture->channel), 0);
		cr_expect_null(fixture->channel->lacp);
		cr_expect(fixture->channel->port[1], "for LLDP and the like");
		cr_expect_eq(fixture->n_states, 0);
		cr_expect_eq(fixture->n_recorded, 1);
		cr_expect_eq(fixture->base->fake.lacp[1].version, 0, "an old record is void");
		fixture->base->fake.n_calls = 0;
		cr_assert_eq(channel_apply(fixture->channel), 0);
		cr_expect_eq(fixture->base->fake.n_calls, 0, "only the first time");
		channel_fixture_free(fixture);
	}
}

Test(channel_apply, ports_follow_uplinks_that_change_places)
{
	struct channel_fixture *fixture = with_uplinks(UL_CHANNEL_LACP, 2);
	struct channel_port *first;

	cr_assert_eq(channel_apply(fixture->channel), 0);
	first = fixture->channel->port[0];
	((struct ul_lacp_answer *)fixture->dp->lacp_answers)[1].answered = 9;
	swap_uplinks(fixture, 0, 1);
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect_eq(fixture->channel->port[1], first);
	cr_expect_eq(first->index, 1);
	cr_expect_eq(first->number, 1);
	cr_expect_eq(fixture->dp->lacp_answers[1].answered, 0, "those of the other uplink");
	cr_expect_eq(fixture->dp->lacp_ports[1].actor.port, 1);
	cr_expect_eq(fixture->base->fake.lacp[1].actor.port, 1, "saved at the new index");
	channel_fixture_free(fixture);
}

Test(channel_apply, a_removed_uplink_leaves_no_record)
{
	struct channel_fixture *fixture = with_uplinks(UL_CHANNEL_LACP, 2);
	struct lacp_port_info info;

	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect_neq(fixture->base->fake.lacp[1].version, 0);
	channel_remove_uplink(fixture->channel, 1);
	channel_remove_uplink(fixture->channel, 1);
	cr_expect_null(fixture->channel->port[1]);
	cr_expect_eq(fixture->base->fake.lacp[1].version, 0);
	cr_expect_eq(lacp_port_info(fixture->channel->lacp, 2, now_ms(), &info), -ENOENT);
	channel_link_changed(fixture->channel, 1);
	channel_drain(fixture->channel, 1, true);
	channel_fixture_free(fixture);
}

/* The record of the map lost its number, for example by `uplinkctl`'s removal and re-creation. */
Test(channel_apply, a_port_without_its_uplink_is_dropped)
{
	struct channel_fixture *fixture = with_uplinks(UL_CHANNEL_LACP, 2);

	cr_assert_eq(channel_apply(fixture->channel), 0);
	uplink_write_lacp_port(fixture->dp, 0, 0);
	uplink_write_lacp_port(fixture->dp, 1, 0);
	meta_write_n_uplinks(fixture->dp, 1);
	uplink_write_lacp_port(fixture->dp, 0, 5);
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect_eq(fixture->channel->port[0]->number, 5);
	cr_expect_null(fixture->channel->port[1]);
	channel_fixture_free(fixture);
}

Test(channel_apply, lacp_starts_and_stops_with_the_configuration)
{
	struct channel_fixture *fixture = with_uplinks(UL_CHANNEL_STATIC, 2);

	cr_assert_eq(channel_apply(fixture->channel), 0);
	fixture->base->cfg.channel = UL_CHANNEL_LACP;
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_assert(fixture->channel->lacp);
	cr_expect(fixture->channel->port[0]->added);
	cr_expect_neq(fixture->base->fake.lacp[0].version, 0);
	fixture->base->cfg.channel = UL_CHANNEL_NONE;
	fixture->n_states = 0;
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect_null(fixture->channel->lacp);
	cr_expect_not(fixture->channel->port[0]->added);
	cr_expect_eq(fixture->n_states, 0);
	cr_expect_eq(fixture->base->fake.lacp[0].version, 0);
	cr_expect_eq(fixture->dp->lacp_ports[0].updated_ms, 0, "LACP does not run");
	channel_fixture_free(fixture);
}

Test(channel_apply, records_behind_the_last_uplink_are_cleared)
{
	struct channel_fixture *fixture = with_uplinks(UL_CHANNEL_LACP, 2);

	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		fixture->base->fake.lacp[i].version = LACP_SAVED_VERSION;
	cr_assert_eq(channel_apply(fixture->channel), 0);
	for (uint32_t i = 0; i < UL_MAX_UPLINKS; i++)
		cr_expect_eq(fixture->base->fake.lacp[i].version != 0, i < 2, "uplink %u", i);
	channel_fixture_free(fixture);
}
