// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* PAgP follows the configuration, without a kernel: no uplink has an interface. */
#include "channel_testing.h"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static struct channel_fixture *with_uplinks(uint32_t n)
{
	struct channel_fixture *fixture = channel_fixture_new(UL_CHANNEL_PAGP, false);

	for (uint32_t i = 0; i < n; i++) {
		char name[UL_NAME_LEN];

		snprintf(name, sizeof(name), "eth%u", i);
		put_uplink(fixture, name, 0, i % 2 ? mac_b : mac_a);
	}
	return fixture;
}

static struct ul_pagp_port record_of(const struct channel_fixture *fixture, uint16_t number)
{
	struct ul_pagp_port record;

	cr_assert_eq(pagp_record(fixture->channel->pagp, number, now_ms(), &record), 0);
	return record;
}

Test(channel_pagp, every_uplink_has_a_port_of_the_protocol_core)
{
	struct channel_fixture *fixture = with_uplinks(3);

	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect_null(fixture->channel->lacp);
	for (uint16_t i = 0; i < 3; i++) {
		cr_expect_eq(record_of(fixture, (uint16_t)(i + 1)).state, PAGP_PORT_DOWN);
		cr_expect_eq(fixture->dp->pagp_ports[i].actor.port, i + 1, "recorded");
		cr_expect_eq(fixture->dp->pagp_ports[i].writing, 0);
		cr_expect_arr_eq(fixture->dp->pagp_ports[i].actor.device, mac_a, 6);
		cr_expect_eq(fixture->dp->lacp_ports[i].updated_ms, 0, "no LACP");
	}
	cr_expect_eq(fixture->dp->pagp_ports[3].version, 0);
	cr_expect_eq(fixture->n_states, 3, "the state of each was published");
	channel_fixture_free(fixture);
}

Test(channel_pagp, a_drained_uplink)
{
	struct channel_fixture *fixture = with_uplinks(2);

	uplink_write_flags(fixture->dp, 1, UL_UP_DRAINED);
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect(record_of(fixture, 2).flags & UL_PAGP_DRAINED);
	channel_drain(fixture->channel, 0, true);
	cr_expect(record_of(fixture, 1).flags & UL_PAGP_DRAINED);
	channel_fixture_free(fixture);
}

Test(channel_pagp, another_channel_ends_it_and_clears_its_records)
{
	static const enum ul_channel kinds[] = { UL_CHANNEL_NONE, UL_CHANNEL_STATIC,
						 UL_CHANNEL_LACP };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct channel_fixture *fixture = with_uplinks(2);

		cr_assert_eq(channel_apply(fixture->channel), 0);
		fixture->base->cfg.channel = kinds[i];
		cr_assert_eq(channel_apply(fixture->channel), 0);
		cr_expect_null(fixture->channel->pagp);
		cr_expect_eq(!!fixture->channel->lacp, kinds[i] == UL_CHANNEL_LACP);
		cr_expect_eq(fixture->dp->pagp_ports[0].version, 0);
		cr_expect_eq(fixture->dp->pagp_ports[1].version, 0);
		fixture->base->cfg.channel = UL_CHANNEL_PAGP;
		cr_assert_eq(channel_apply(fixture->channel), 0);
		cr_expect_not_null(fixture->channel->pagp);
		cr_expect_null(fixture->channel->lacp);
		cr_expect_eq(fixture->dp->pagp_ports[0].version, PAGP_RECORD_VERSION);
		channel_fixture_free(fixture);
	}
}

/* With links, tests/netns/test_pagp.py has restarts. */
Test(channel_pagp, ports_keep_their_numbers_when_an_uplink_leaves)
{
	struct channel_fixture *fixture = with_uplinks(2);
	struct ul_uplink second;

	cr_assert_eq(channel_apply(fixture->channel), 0);
	channel_remove_uplink(fixture->channel, 0);
	second = fixture->dp->uplinks[1];
	uplink_write(fixture->dp, 0, &second);
	uplink_write(fixture->dp, 1, &(struct ul_uplink){});
	meta_write_n_uplinks(fixture->dp, 1);
	fixture->base->cfg.n_uplinks = 1;
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect_eq(fixture->dp->pagp_ports[0].actor.port, 2);
	cr_expect_eq(fixture->dp->pagp_ports[1].version, 0);
	channel_fixture_free(fixture);
}

Test(channel_pagp, settings_change_at_run_time)
{
	struct channel_fixture *fixture = with_uplinks(1);

	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect_eq(record_of(fixture, 1).actor_flags, 0);
	fixture->base->cfg.pagp.mode = CFG_PAGP_AUTO;
	cr_assert_eq(channel_apply(fixture->channel), 0);
	cr_expect_eq(record_of(fixture, 1).actor_flags, PAGP_AUTO_MODE);
	channel_fixture_free(fixture);
}
