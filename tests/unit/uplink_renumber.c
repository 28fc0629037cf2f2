// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "uplink/internal.h"
#include "vswitch_testing.h"

TestSuite(uplink_renumber);

static int ignore_link(void *userdata, uint32_t index, bool carrier, bool admin_up)
{
	(void)userdata;
	(void)index;
	(void)carrier;
	(void)admin_up;
	return 0;
}

static void ignore(void *userdata, uint32_t index)
{
	(void)userdata;
	(void)index;
}

static struct uplinks *uplinks_of(struct fixture *fixture)
{
	static const struct uplinks_callbacks callbacks = { .on_link_state = ignore_link,
							    .on_detach = ignore,
							    .on_gone = ignore };
	struct uplinks *uplinks = NULL;

	cr_assert_eq(uplinks_new(&fixture->context, &callbacks, &uplinks), 0);
	return uplinks;
}

static void set_order(struct fixture *fixture, const char *names)
{
	fixture->cfg.n_uplinks = 0;
	for (; *names; names++)
		add_uplink(&fixture->cfg, (const char[]){ *names, '\0' });
}

/* Records with the names of the configuration; "a" has ifindex 'a', and so on. */
static void put_records(struct fixture *fixture)
{
	struct dataplane *dp = &fixture->fake.dp;

	for (uint32_t i = 0; i < fixture->cfg.n_uplinks; i++) {
		struct ul_uplink record = { .ifindex = (uint32_t)fixture->cfg.uplinks[i][0],
					    .flags = UL_UP_SEND | UL_UP_RECEIVE };

		memcpy(record.name, fixture->cfg.uplinks[i], sizeof(record.name));
		uplink_write(dp, i, &record);
		cr_assert_eq(table_set(&dp->ifaces, ul_iface_key(record.ifindex), i), 0);
	}
	meta_write_n_uplinks(dp, fixture->cfg.n_uplinks);
}

static void renumber(struct fixture *fixture, struct uplinks *uplinks)
{
	uint8_t to[UL_MAX_UPLINKS];

	uplinks_new_order(uplinks, to);
	uplinks_reorder(&fixture->fake.dp, to, fixture->cfg.uplinks, fixture->cfg.n_uplinks);
	uplinks_renumber(uplinks, to);
}

/* Every record is where the configuration has its name, with its interface. */
static void expect_order(const struct fixture *fixture)
{
	const struct dataplane *dp = &fixture->fake.dp;

	cr_expect_eq(dp->meta->n_uplinks, fixture->cfg.n_uplinks);
	for (uint32_t i = 0; i < fixture->cfg.n_uplinks; i++) {
		const struct ul_uplink *record = &dp->uplinks[i];
		uint32_t index = UINT32_MAX;

		cr_expect_str_eq(record->name, fixture->cfg.uplinks[i]);
		if (!record->ifindex)
			continue;
		cr_expect_eq(record->ifindex, (uint32_t)record->name[0]);
		cr_expect_eq(table_get(&dp->ifaces, ul_iface_key(record->ifindex), &index), 0);
		cr_expect_eq(index, i, "%s", record->name);
	}
	for (uint32_t i = fixture->cfg.n_uplinks; i < UL_MAX_UPLINKS; i++)
		cr_expect_eq(dp->uplinks[i].ifindex, 0);
}

Test(uplink_renumber, records_follow_the_configuration)
{
	static const char *const orders[] = { "ba",	  "abc",      "cba",	  "cab", "bca",
					      "abcdefgh", "hgfedcba", "badcfehg", "a" };

	for (size_t from = 0; from < ARRAY_SIZE(orders); from++) {
		for (size_t to = 0; to < ARRAY_SIZE(orders); to++) {
			struct fixture *fixture = fixture_new(false);
			struct uplinks *uplinks;

			set_order(fixture, orders[from]);
			put_records(fixture);
			uplinks = uplinks_of(fixture);
			set_order(fixture, orders[to]);
			/* Those that left were released. */
			for (uint32_t i = 0; i < fixture->fake.dp.meta->n_uplinks; i++)
				if (!switch_has_uplink(&fixture->cfg,
						       fixture->fake.dp.uplinks[i].name))
					uplink_clear(&fixture->fake.dp, i);
			renumber(fixture, uplinks);
			expect_order(fixture);
			uplinks_free(uplinks);
			fixture_free(fixture);
		}
	}
}

Test(uplink_renumber, the_plan_has_the_new_index_of_each_old_one)
{
	struct fixture *fixture = fixture_new(false);
	uint8_t to[UL_MAX_UPLINKS];
	struct uplinks *uplinks;

	set_order(fixture, "abc");
	put_records(fixture);
	uplinks = uplinks_of(fixture);
	cr_expect_not(uplinks_new_order(uplinks, to));
	cr_expect_arr_eq(to, ((const uint8_t[]){ 0, 1, 2, UL_NO_UPLINK }), 4);
	set_order(fixture, "cxa");
	cr_expect(uplinks_new_order(uplinks, to));
	cr_expect_arr_eq(to, ((const uint8_t[]){ 2, UL_NO_UPLINK, 0, UL_NO_UPLINK }), 4);
	/* One that leaves the end moves no other. */
	set_order(fixture, "ab");
	cr_expect_not(uplinks_new_order(uplinks, to));
	cr_expect_arr_eq(to, ((const uint8_t[]){ 0, 1, UL_NO_UPLINK, UL_NO_UPLINK }), 4);
	uplinks_free(uplinks);
	fixture_free(fixture);
}

Test(uplink_renumber, counters_start_at_zero_only_where_the_uplink_is_another)
{
	struct fixture *fixture = fixture_new(false);
	struct uplinks *uplinks;

	set_order(fixture, "abc");
	put_records(fixture);
	uplinks = uplinks_of(fixture);
	set_order(fixture, "acb");
	renumber(fixture, uplinks);
	cr_expect_eq(dataplane_fake_count(&fixture->fake, FAKE_RESET_STATS, 0), 0);
	cr_expect_eq(dataplane_fake_count(&fixture->fake, FAKE_RESET_STATS, 1), 1);
	cr_expect_eq(dataplane_fake_count(&fixture->fake, FAKE_RESET_STATS, 2), 1);
	uplinks_free(uplinks);
	fixture_free(fixture);
}

Test(uplink_renumber, a_retry_that_is_due_stays_with_its_uplink)
{
	struct fixture *fixture = fixture_new(false);
	struct uplinks *uplinks;
	sd_event_source *timer = NULL;
	void *userdata;

	set_order(fixture, "ab");
	put_records(fixture);
	uplinks = uplinks_of(fixture);
	cr_assert_eq(sd_event_add_time_relative(fixture->context.event, &timer, CLOCK_MONOTONIC,
						1000000, 0, uplink_on_retry, &uplinks->uplink[1]),
		     0);
	uplinks->uplink[1].retry_timer = timer;
	uplinks->uplink[1].refused = 77;
	uplinks->uplink[1].replaced = true;
	set_order(fixture, "ba");
	renumber(fixture, uplinks);
	cr_expect_eq(uplinks->uplink[0].retry_timer, timer);
	cr_expect_eq(uplinks->uplink[0].refused, 77);
	cr_expect_eq(uplinks->uplink[0].index, 0);
	userdata = sd_event_source_get_userdata(timer);
	cr_expect_eq(userdata, &uplinks->uplink[0]);
	cr_expect_null(uplinks->uplink[1].retry_timer);
	cr_expect(uplinks_is_replaced(uplinks, 0));
	cr_expect_not(uplinks_is_replaced(uplinks, 1));
	cr_expect(uplinks->uplink[0].known && uplinks->uplink[1].known);
	uplinks_free(uplinks);
	fixture_free(fixture);
}

Test(uplink_renumber, a_new_uplink_has_an_empty_record_with_its_name)
{
	struct fixture *fixture = fixture_new(false);
	struct uplinks *uplinks;

	set_order(fixture, "a");
	put_records(fixture);
	uplinks = uplinks_of(fixture);
	set_order(fixture, "xa");
	renumber(fixture, uplinks);
	cr_expect_str_eq(fixture->fake.dp.uplinks[0].name, "x");
	cr_expect_eq(fixture->fake.dp.uplinks[0].ifindex, 0);
	cr_expect_eq(fixture->fake.dp.uplinks[0].flags, 0);
	cr_expect_not(uplinks->uplink[0].known);
	cr_expect_eq(fixture->fake.dp.uplinks[1].flags, UL_UP_SEND | UL_UP_RECEIVE);
	uplinks_free(uplinks);
	fixture_free(fixture);
}
