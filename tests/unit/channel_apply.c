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
	fixture->base->cfg.n_uplinks = 1;
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

/* ---- times of records ---- */
static void link_that_is_up(void *userdata, uint32_t uplink, bool fresh, struct channel_link *ret)
{
	(void)userdata;
	(void)fresh;
	*ret = (struct channel_link){
		.ifindex = uplink + 1, .up = true, .speed_mbps = 1000, .full_duplex = true
	};
	for (size_t i = 0; i < CHANNEL_SOCKETS; i++)
		ret->fd[i] = -1;
}

/* A daemon that was in sync with its partner is gone. tx_ms, answered_ms: of its record, and of the
 * data plane since then. */
static struct channel_fixture *restart(uint64_t tx_ms, uint64_t answered_ms)
{
	const uint8_t in_sync = LACP_ACTIVITY | LACP_TIMEOUT | LACP_AGGREGATION |
				LACP_SYNCHRONIZATION | LACP_COLLECTING | LACP_DISTRIBUTING;
	struct channel_fixture *fixture = with_uplinks(UL_CHANNEL_LACP, 1);
	struct lacp_saved *saved = &fixture->base->fake.lacp[0];
	struct ul_lacp_answer *answer = (struct ul_lacp_answer *)&fixture->dp->lacp_answers[0];

	cr_assert_eq(channel_apply(fixture->channel), 0);
	saved->flags = LACP_SAVED_SELECTED;
	saved->tx_ms = tx_ms;
	saved->actor.state = in_sync;
	saved->partner = (struct lacp_saved_info){
		.system_priority = 1, .key = 1, .port_priority = 1, .port = 1, .state = in_sync
	};
	memcpy(saved->partner.system, mac_b, sizeof(mac_b));
	answer->answered = 1;
	answer->last_ns = answered_ms * 1000000;
	channel_free(fixture->channel);
	channel_fixture_open(fixture);
	fixture->channel->callbacks.link_of = link_that_is_up;
	cr_assert_eq(channel_apply(fixture->channel), 0);
	return fixture;
}

Test(channel_apply, a_saved_time_that_has_not_come_yet_is_not_the_present)
{
	const uint64_t now = now_ms(), later = now + 3600000, before = now - 10000;
	const struct {
		uint64_t tx_ms, answered_ms;
		bool resumed;
	} rows[] = {
		{ now, 0, true },	  { before, 0, false },	    { before, now, true },
		{ later, 0, false },	  { before, later, false }, { later, later, false },
		{ later, before, false }, { now, later, true },	    { later, now, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct channel_fixture *fixture = restart(rows[i].tx_ms, rows[i].answered_ms);

		cr_expect_eq(fixture->collecting[0], rows[i].resumed, "row %zu", i);
		channel_fixture_free(fixture);
	}
}

Test(channel_apply, an_answer_that_has_not_come_yet_was_not_heard)
{
	struct channel_fixture *fixture = restart(now_ms(), 0);
	struct ul_lacp_answer *answer = (struct ul_lacp_answer *)&fixture->dp->lacp_answers[0];
	struct lacp_port_info info;

	answer->answered++;
	answer->last_ns = now_ns() + 3600000000000ULL;
	channel_poll(fixture->channel);
	cr_assert_eq(lacp_port_info(fixture->channel->lacp, 1, now_ms(), &info), 0);
	cr_expect_leq(info.last_rx_age_ms, 60000u);

	usleep(2000);
	answer->answered++;
	answer->last_ns = now_ns();
	channel_poll(fixture->channel);
	cr_assert_eq(lacp_port_info(fixture->channel->lacp, 1, now_ms(), &info), 0);
	cr_expect_eq(info.stats.answered, 1u);
	channel_fixture_free(fixture);
}
