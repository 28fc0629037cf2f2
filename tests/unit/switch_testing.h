/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/* For the tests of user/vswitch/: a composed switch "sw" with uplinks "up0", "up1", ... and one
 * port group whose policy has all of them active. */
#ifndef UL_TESTS_SWITCH_TESTING_H
#define UL_TESTS_SWITCH_TESTING_H

#include "vswitch/internal.h"
#include "vswitch_testing.h"

#define SWITCH_TEST_PORTS 4

struct switch_test {
	struct fixture *fixture;
	struct vswitch vs;
	struct group_cfg groups[2];
	struct port_cfg ports[SWITCH_TEST_PORTS];
	unsigned int n_sent; /* announcements */
};

static inline int test_send(void *userdata, uint32_t ifindex, const uint8_t *frame, size_t length)
{
	struct switch_test *test = userdata;

	(void)ifindex;
	(void)frame;
	(void)length;
	test->n_sent++;
	return 0;
}

static inline void switch_test_set_uplinks(struct switch_test *test, const char *const *names,
					   uint32_t n)
{
	struct switch_cfg *cfg = &test->fixture->cfg;

	cfg->n_uplinks = 0;
	for (uint32_t i = 0; i < n; i++)
		add_uplink(cfg, names[i]);
	for (size_t g = 0; g < ARRAY_SIZE(test->groups); g++) {
		test->groups[g].teaming.n_active = n;
		for (uint32_t i = 0; i < n; i++)
			test->groups[g].teaming.active[i] = (uint8_t)i;
	}
}

static inline void switch_test_compose(struct switch_test *test)
{
	test->vs = (struct vswitch){ .context = test->fixture->context };
	cr_assert_eq(vswitch_compose(&test->vs, NULL, test_send, test), 0);
}

/* With links nothing is renumbered yet; without, the records of the uplinks have their names. */
static inline struct switch_test *switch_test_new(bool with_links, uint32_t n_uplinks,
						  enum ul_channel channel)
{
	static const char *const names[] = { "up0", "up1", "up2", "up3" };
	struct switch_test *test = calloc(1, sizeof(*test));
	uint8_t to[UL_MAX_UPLINKS];

	cr_assert(test && n_uplinks <= ARRAY_SIZE(names));
	test->fixture = fixture_new(with_links);
	test->fixture->cfg.channel = channel;
	test->fixture->cfg.groups = test->groups;
	test->fixture->cfg.n_groups = 1;
	for (size_t g = 0; g < ARRAY_SIZE(test->groups); g++) {
		test->groups[g].teaming.method = channel == UL_CHANNEL_NONE ? UL_M_PORT_ID :
									      UL_M_SRC_DST_IP;
		test->groups[g].teaming.failback = true;
		test->groups[g].teaming.notify_switches = true;
		test->groups[g].vlan_mode = UL_VLAN_VST;
		test->groups[g].vid = (uint16_t)(100 + g);
		snprintf(test->groups[g].name, sizeof(test->groups[g].name), "group%zu", g);
	}
	switch_test_set_uplinks(test, names, n_uplinks);
	switch_test_compose(test);
	if (with_links)
		return test;
	uplinks_new_order(test->vs.uplinks, to);
	cr_assert_eq(timely_order(test->vs.timely, to), 0);
	uplinks_renumber(test->vs.uplinks, to);
	return test;
}

static inline void switch_test_free(struct switch_test *test)
{
	vswitch_decompose(&test->vs);
	fixture_free(test->fixture);
	free(test);
}

#endif
