/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* For the tests of user/uplink/: uplinks whose calls upward are recorded. */
#ifndef UL_TESTS_UPLINK_TESTING_H
#define UL_TESTS_UPLINK_TESTING_H

#include "uplink/internal.h"
#include "vswitch_testing.h"

struct uplink_test {
	struct fixture *fixture;
	struct uplinks *uplinks;
	unsigned int n_link_state, n_detach, n_gone;
	bool carrier, admin_up; /* as reported last */
	int link_state_error;	/* of on_link_state() */
};

static inline int test_on_link_state(void *userdata, uint32_t index, bool carrier, bool admin_up)
{
	struct uplink_test *test = userdata;

	(void)index;
	test->n_link_state++;
	test->carrier = carrier;
	test->admin_up = admin_up;
	return test->link_state_error;
}

static inline void test_on_detach(void *userdata, uint32_t index)
{
	struct uplink_test *test = userdata;

	/* The programs are still attached: the flags must go first. */
	cr_expect(test->fixture->fake.dp.uplinks[index].ifindex);
	uplink_write_flags(&test->fixture->fake.dp, index, 0);
	test->n_detach++;
}

static inline void test_on_gone(void *userdata, uint32_t index)
{
	struct uplink_test *test = userdata;

	(void)index;
	test->n_gone++;
}

/* Records with the names, without interfaces. */
static inline struct uplink_test *uplink_test_new(bool with_links, const char *const *names,
						  uint32_t n)
{
	struct uplink_test *test = calloc(1, sizeof(*test));
	struct uplinks_callbacks callbacks = { .on_link_state = test_on_link_state,
					       .on_detach = test_on_detach,
					       .on_gone = test_on_gone,
					       .userdata = test };
	uint8_t to[UL_MAX_UPLINKS];

	cr_assert(test);
	test->fixture = fixture_new(with_links);
	for (uint32_t i = 0; i < n; i++)
		add_uplink(&test->fixture->cfg, names[i]);
	cr_assert_eq(uplinks_new(&test->fixture->context, &callbacks, &test->uplinks), 0);
	uplinks_new_order(test->uplinks, to);
	uplinks_reorder(&test->fixture->fake.dp, to, test->fixture->cfg.uplinks, n);
	uplinks_renumber(test->uplinks, to);
	return test;
}

static inline void uplink_test_free(struct uplink_test *test)
{
	uplinks_free(test->uplinks);
	fixture_free(test->fixture);
	free(test);
}

/* A NIC with a carrier: a veth whose other end, "NAME-p", is up. */
static inline uint32_t uplink_test_make(struct uplink_test *test, const char *name)
{
	struct record *record = test->fixture->record;
	size_t from = record->n;
	char peer[UL_NAME_LEN];

	snprintf(peer, sizeof(peer), "%.12s-p", name);
	make_veth(record, name, peer);
	set_up(record, peer, true);
	return await(record, from, name, LINK_ADDED)->info.ifindex;
}

#endif
