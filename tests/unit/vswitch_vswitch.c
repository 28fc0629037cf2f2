// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Whole configurations, with interfaces in a namespace and a data plane in memory. */
#include "context/saved_settings.h"
#include "switch_testing.h"
#include "timely/client.h"
#include "timely/internal.h"
#include "uplink/internal.h"

TestSuite(vswitch_vswitch);

static const struct ul_uplink *uplink_of(const struct switch_test *test, const char *name)
{
	int index = uplinks_index(test->vs.uplinks, name);

	cr_assert_geq(index, 0, "%s", name);
	return &test->fixture->fake.dp.uplinks[index];
}

static const struct ul_port *port_of(const struct switch_test *test, const char *name)
{
	const struct dataplane *dp = &test->fixture->fake.dp;

	for (uint32_t slot = 0; slot < dp->max_ports; slot++)
		if (dp->ports[slot].flags & UL_PORT_USED && strcmp(dp->ports[slot].name, name) == 0)
			return &dp->ports[slot];
	return NULL;
}

/* A veth whose other end, "NAME-p", is up, so that it has a carrier when it is set up. */
static uint32_t make_nic(struct switch_test *test, const char *name)
{
	struct record *record = test->fixture->record;
	size_t from = record->n;
	char peer[UL_NAME_LEN];

	snprintf(peer, sizeof(peer), "%.12s-p", name);
	make_veth(record, name, peer);
	set_up(record, peer, true);
	await(record, from, name, LINK_ADDED);
	run_pending(record);
	return ifindex_of(record, name);
}

/* As the daemon does: everything that the monitor reported since from. */
static void deliver(struct switch_test *test, size_t from)
{
	struct record *record = test->fixture->record;

	run_pending(record);
	for (; from < record->n; from++)
		vswitch_link_event(&test->vs, &record->seen[from].info, record->seen[from].changes);
}

static struct switch_test *test_with_nics(uint32_t n, enum ul_channel channel)
{
	struct switch_test *test = switch_test_new(true, n, channel);
	char name[UL_NAME_LEN];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "up%u", i);
		make_nic(test, name);
	}
	return test;
}

static void add_port(struct switch_test *test, const char *name)
{
	struct group_cfg *group = &test->groups[0];
	struct port_cfg *port = &test->ports[group->n_ports];

	cr_assert_lt(group->n_ports, SWITCH_TEST_PORTS);
	snprintf(port->interface, sizeof(port->interface), "%s", name);
	port->has_mac = true;
	memcpy(port->mac, (const uint8_t[]){ 0x52, 0x54, 0, 0, 0, (uint8_t)group->n_ports }, 6);
	group->ports = test->ports;
	group->n_ports++;
}

static uint32_t sending(const struct switch_test *test)
{
	const struct dataplane *dp = &test->fixture->fake.dp;
	uint32_t mask = 0;

	for (uint32_t i = 0; i < dp->meta->n_uplinks; i++)
		mask |= (uint32_t) !!(dp->uplinks[i].flags & UL_UP_SEND) << i;
	return mask;
}

static size_t count_attachments(const struct switch_test *test)
{
	const struct dataplane_fake *fake = &test->fixture->fake;
	size_t n = 0;

	for (size_t i = 0; i < fake->n_calls; i++)
		n += fake->calls[i].kind == FAKE_ATTACH_PORT || fake->calls[i].kind == FAKE_DETACH;
	return n;
}

Test(vswitch_vswitch, a_first_configuration_fills_the_maps)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);
	const struct dataplane *dp = &test->fixture->fake.dp;
	const struct ul_port *port;
	uint32_t slot;

	make_nic(test, "vm0");
	add_port(test, "vm0");
	test->fixture->cfg.receive = UL_RECEIVE_AUTO;
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(dp->meta->n_uplinks, 2);
	cr_expect_eq(dp->meta->channel, UL_CHANNEL_NONE);
	cr_expect_eq(dp->meta->mtu, TEST_MTU);
	cr_expect_eq(dp->meta->generation, 1);
	cr_expect_eq(sending(test), 0x3);
	port = port_of(test, "vm0");
	cr_assert(port);
	cr_expect_neq(port->ifindex, 0);
	cr_expect_eq(port->vlan.vid, 100);
	cr_expect_eq(dp->policies[port->policy].in_use, 0x3);
	cr_expect_str_eq(dp->groups[port->group].name, "group0");
	cr_expect_eq(dp->groups[port->group].policy, port->policy);
	cr_expect_eq(table_get(&dp->fdb, ul_fdb_key(100, port->mac), &slot), 0);
	cr_expect_eq(slot, (uint32_t)(port - dp->ports));
	cr_expect_eq(dataplane_fake_member(&test->fixture->fake, 100, 0), (int)slot);
	cr_expect_eq(test->fixture->fake.errors.n, 0);
	switch_test_free(test);
}

Test(vswitch_vswitch, the_same_configuration_again_attaches_nothing)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);
	struct ul_policy policy;
	size_t n_events;

	make_nic(test, "vm0");
	add_port(test, "vm0");
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	policy = test->fixture->fake.dp.policies[0];
	n_events = test->fixture->n_events;
	test->fixture->fake.n_calls = 0;
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(count_attachments(test), 0);
	cr_expect_eq(memcmp(&policy, &test->fixture->fake.dp.policies[0], sizeof(policy)), 0);
	cr_expect_eq(test->fixture->n_events, n_events);
	cr_expect_eq(test->fixture->fake.dp.meta->generation, 2);
	switch_test_free(test);
}

Test(vswitch_vswitch, an_uplink_that_leaves_is_restored_and_the_others_move_up)
{
	struct switch_test *test = test_with_nics(3, UL_CHANNEL_NONE);
	const struct dataplane *dp = &test->fixture->fake.dp;
	uint32_t remaining;
	struct link_info info;

	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	remaining = uplink_of(test, "up2")->ifindex;
	info = link_now(test->fixture, "up0");
	cr_assert(info.promiscuous);
	switch_test_set_uplinks(test, (const char *const[]){ "up2", "up1" }, 2);
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(test->fixture->fake.dp.uplinks[0].ifindex, remaining);
	cr_expect_eq(test->fixture->fake.dp.meta->n_uplinks, 2);
	cr_expect_eq(sending(test), 0x3);
	cr_expect_eq(dp->policies[dp->groups[0].policy].in_use, 0x3);
	info = link_now(test->fixture, "up0");
	cr_expect_not(info.promiscuous);
	cr_expect(info.arp);
	cr_expect_not(dataplane_fake_is_attached(&test->fixture->fake, info.ifindex));
	/* An uplink that only moved was in use throughout. */
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_STATE, "up2"), 1);
	switch_test_free(test);
}

Test(vswitch_vswitch, groups_and_policies_of_the_former_configuration_go_last)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);
	const struct dataplane *dp = &test->fixture->fake.dp;
	uint32_t first, second;

	make_nic(test, "vm0");
	add_port(test, "vm0");
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	first = port_of(test, "vm0")->policy;
	snprintf(test->groups[0].name, sizeof(test->groups[0].name), "renamed");
	test->groups[0].teaming.failback = false;
	test->groups[0].teaming.n_active = 1;
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	second = port_of(test, "vm0")->policy;
	cr_expect_neq(first, second);
	cr_expect_eq(dp->policies[first].n_buckets, 0);
	cr_expect_str_eq(dp->groups[port_of(test, "vm0")->group].name, "renamed");
	for (uint32_t i = 0; i < dp->max_groups; i++)
		cr_expect_str_neq(dp->groups[i].name, "group0");
	switch_test_free(test);
}

Test(vswitch_vswitch, at_the_start_an_uplink_that_fails_does_not_refuse_the_others)
{
	struct switch_test *test = test_with_nics(1, UL_CHANNEL_NONE);

	test->fixture->fake.attach_uplink_error = -EINVAL;
	cr_expect_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(sending(test), 0);
	/* Later a new one does, and the switch says which. */
	make_nic(test, "up1");
	switch_test_set_uplinks(test, (const char *const[]){ "up0", "up1" }, 2);
	cr_expect_eq(vswitch_apply_all(&test->vs), -EINVAL);
	switch_test_free(test);
}

Test(vswitch_vswitch, more_settings_than_policies_are_refused)
{
	struct switch_test *test = switch_test_new(true, 1, UL_CHANNEL_NONE);
	struct group_cfg *groups = calloc(UL_MAX_POLICIES + 1, sizeof(*groups));

	cr_assert(groups);
	for (size_t g = 0; g <= UL_MAX_POLICIES; g++) {
		groups[g] = test->groups[0];
		snprintf(groups[g].name, sizeof(groups[g].name), "group%zu", g);
		groups[g].teaming.failback = g & 1;
		groups[g].teaming.notify_switches = g & 2;
		groups[g].teaming.modulo = g & 4;
		groups[g].teaming.last_octet = g & 8;
		groups[g].teaming.method = (enum ul_method)(g >> 4);
	}
	test->fixture->cfg.groups = groups;
	test->fixture->cfg.n_groups = UL_MAX_POLICIES + 1;
	cr_expect_eq(vswitch_apply_all(&test->vs), -ENOSPC);
	cr_expect(has_error(test->fixture, "sw: more than 64 different teaming settings"));
	free(groups);
	switch_test_free(test);
}

Test(vswitch_vswitch, link_events_move_the_buckets)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);
	size_t from;

	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	from = test->fixture->record->n;
	set_up(test->fixture->record, "up0-p", false);
	deliver(test, from);
	cr_expect_eq(sending(test), 0x2);
	cr_expect_eq(test->fixture->fake.dp.policies[0].in_use, 0x2);
	from = test->fixture->record->n;
	delete_link(test->fixture->record, "up1");
	deliver(test, from);
	cr_expect_eq(sending(test), 0);
	cr_expect_eq(uplink_of(test, "up1")->ifindex, 0);
	switch_test_free(test);
}

Test(vswitch_vswitch, interfaces_are_connected_when_they_appear)
{
	struct switch_test *test = switch_test_new(true, 1, UL_CHANNEL_NONE);
	size_t from;

	add_port(test, "vm0");
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(count_events(test->fixture, EVENT_UPLINK_WAITING, "up0"), 1);
	cr_expect_eq(count_events(test->fixture, EVENT_PORT_WAITING, "vm0"), 1);
	from = test->fixture->record->n;
	make_nic(test, "up0");
	make_nic(test, "vm0");
	make_nic(test, "other");
	deliver(test, from);
	cr_expect_neq(uplink_of(test, "up0")->ifindex, 0);
	cr_expect_eq(sending(test), 0x1);
	cr_expect_neq(port_of(test, "vm0")->ifindex, 0);
	cr_expect(link_now(test->fixture, "other").arp);
	switch_test_free(test);
}

Test(vswitch_vswitch, packet_sockets_that_cannot_be_opened_are_tried_again)
{
	struct switch_test *test = test_with_nics(1, UL_CHANNEL_NONE);
	const struct ul_uplink *uplink;

	set_capability(CAP_NET_RAW, false);
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	uplink = uplink_of(test, "up0");
	cr_expect(has_error(test->fixture, "up0: cannot receive LACP"));
	cr_expect_eq(uplink->error, EPERM);
	cr_expect_eq(sending(test), 0x1, "frames pass all the same");
	set_capability(CAP_NET_RAW, true);
	uplink_on_retry(NULL, 0, &test->vs.uplinks->uplink[0]);
	cr_expect_eq(uplink->error, 0);
	cr_expect_eq(test->vs.sockets[0].ifindex, uplink->ifindex);
	switch_test_free(test);
}

/* What port_tc stores at a frame from each port's own address. */
static void confirm_ports(struct switch_test *test)
{
	struct ul_port *ports = test->fixture->fake.dp.mapping[UL_MAP_PORTS];

	for (uint32_t slot = 0; slot < test->fixture->fake.dp.max_ports; slot++)
		ports[slot].seen = ports[slot].life;
}

/* A moved port is announced on its new uplink, and the event names that. */
Test(vswitch_vswitch, a_port_that_moves_is_announced)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);

	make_nic(test, "vm0");
	add_port(test, "vm0");
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_assert_eq(test->n_sent, 0);
	confirm_ports(test); /* a machine that has not sent is not announced */
	cr_assert_eq(vswitch_drain(&test->vs, "up0", true), 0);
	cr_assert_eq(vswitch_drain(&test->vs, "up0", false), 0);
	cr_assert_eq(vswitch_drain(&test->vs, "up1", true), 0);
	cr_expect_gt(test->n_sent, 0);
	cr_expect_geq(count_events(test->fixture, EVENT_PORT_MOVED, "vm0"), 1);
	switch_test_free(test);
}

/* A second process finds the maps of the first one: frames pass throughout, and nothing is news. */
Test(vswitch_vswitch, a_restart_adopts_the_maps)
{
	struct switch_test *test = test_with_nics(3, UL_CHANNEL_NONE);
	struct ul_policy policy;
	uint32_t policies_used = 0;

	test->groups[0].teaming.failback = false;
	test->fixture->cfg.up_delay_ms = 60000;
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	/* up0 recovers, and is held back by failback: false. */
	cr_assert_eq(vswitch_drain(&test->vs, "up0", true), 0);
	cr_assert_eq(vswitch_drain(&test->vs, "up0", false), 0);
	cr_assert(uplink_of(test, "up0")->flags & UL_UP_SPARE);
	cr_assert_eq(vswitch_drain(&test->vs, "up2", true), 0);
	cr_assert_eq(vswitch_drain(&test->vs, "up2", false), 0);
	policy = test->fixture->fake.dp.policies[0];
	vswitch_decompose(&test->vs);
	cr_expect_eq(sending(test), 0x7);

	test->fixture->n_events = 0;
	switch_test_compose(test);
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(sending(test), 0x7);
	cr_expect_eq(memcmp(&policy, &test->fixture->fake.dp.policies[0], sizeof(policy)), 0);
	for (uint32_t i = 0; i < UL_MAX_POLICIES; i++)
		policies_used += test->fixture->fake.dp.policies[i].n_buckets != 0;
	cr_expect_eq(policies_used, 1);
	cr_expect_eq(test->fixture->n_events, 0);
	switch_test_free(test);
}

Test(vswitch_vswitch, a_drain_outlives_a_restart_and_ends_with_the_membership)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);

	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_assert_eq(vswitch_drain(&test->vs, "up1", true), 0);
	vswitch_decompose(&test->vs);
	switch_test_compose(test);
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(sending(test), 0x1);
	cr_expect_eq(vswitch_drain(&test->vs, "up1", true), -EALREADY);
	switch_test_set_uplinks(test, (const char *const[]){ "up0" }, 1);
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	switch_test_set_uplinks(test, (const char *const[]){ "up0", "up1" }, 2);
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(sending(test), 0x3);
	switch_test_free(test);
}

/* An interface may move to another switch, which connects it later in the same request. */
Test(vswitch_vswitch, release_removed_frees_uplinks_and_ports)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);
	struct switch_cfg next;
	struct group_cfg empty;
	uint32_t uplink, port;

	make_nic(test, "vm0");
	add_port(test, "vm0");
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	uplink = uplink_of(test, "up1")->ifindex;
	port = port_of(test, "vm0")->ifindex;
	next = test->fixture->cfg;
	next.n_uplinks = 1;
	empty = test->groups[0];
	empty.n_ports = 0;
	next.groups = &empty;
	vswitch_release_removed(&test->vs, &next);
	cr_expect_not(dataplane_fake_is_attached(&test->fixture->fake, uplink));
	cr_expect_not(dataplane_fake_is_attached(&test->fixture->fake, port));
	cr_expect_null(port_of(test, "vm0"));
	cr_expect_eq(sending(test), 0x1);
	/* The transaction failed: the former configuration connects them again. */
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(sending(test), 0x3);
	cr_expect(dataplane_fake_is_attached(&test->fixture->fake, uplink));
	cr_expect(dataplane_fake_is_attached(&test->fixture->fake, port));
	switch_test_free(test);
}

/* With 0 the selection by bandwidth would prefer another aggregator. */
Test(vswitch_vswitch, a_speed_that_cannot_be_read_stays_that_of_before)
{
	struct switch_test *test = test_with_nics(1, UL_CHANNEL_NONE);
	struct link_monitor *links = test->fixture->record->monitor;
	const struct timely_link *link;
	struct link_info info;
	int socket = links->ioctl_fd;

	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	deliver(test, 0);
	link = &test->vs.timely->local->member[0].link;
	cr_assert(link->carrier);
	cr_assert_eq(link->speed_mbps, 10000);
	info = link_now(test->fixture, "up0");
	links->ioctl_fd = -1;
	vswitch_link_event(&test->vs, &info, LINK_STATE);
	links->ioctl_fd = socket;
	cr_expect_eq(link->speed_mbps, 10000);
	cr_expect(link->full_duplex);
	cr_expect(has_error(test->fixture, "up0: its speed cannot be read"));
	cr_expect_eq(uplink_of(test, "up0")->error, EBADF);
	uplink_on_retry(NULL, 0, &test->vs.uplinks->uplink[0]);
	cr_expect_eq(uplink_of(test, "up0")->error, 0);
	switch_test_free(test);
}

/* ---- interfaces that leave, and errors that pass ---- */
static void leave_up1(struct switch_test *test)
{
	switch_test_set_uplinks(test, (const char *const[]){ "up0" }, 1);
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
}

/* With a filter in place of a link it would receive nothing. */
Test(vswitch_vswitch, an_uplink_that_could_not_be_detached_is_detached_later)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);
	struct dataplane_fake *fake = &test->fixture->fake;
	uint32_t left;

	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_not(vswitch_is_releasing(&test->vs));
	left = uplink_of(test, "up1")->ifindex;
	fake->detach_error = -ENOBUFS;
	leave_up1(test);
	cr_expect(vswitch_is_releasing(&test->vs));
	cr_expect(dataplane_fake_is_attached(fake, left));
	fake->detach_error = 0;
	for (uint64_t end = now_ms() + 30000; vswitch_is_releasing(&test->vs) && now_ms() < end;)
		sd_event_run(test->fixture->record->event, 100000);
	cr_expect_not(vswitch_is_releasing(&test->vs));
	cr_expect_not(dataplane_fake_is_attached(fake, left));
	cr_expect(dataplane_fake_is_attached(fake, uplink_of(test, "up0")->ifindex));
	switch_test_free(test);
}

Test(vswitch_vswitch, settings_that_could_not_be_restored_are_restored_later)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_NONE);
	uint32_t before;

	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect(link_now(test->fixture, "up1").promiscuous);
	set_capability(CAP_NET_ADMIN, false);
	leave_up1(test);
	cr_expect(vswitch_is_releasing(&test->vs));
	before = test->vs.release_retry_ms;
	vswitch_release_left(&test->vs);
	cr_expect_eq(test->vs.release_retry_ms, 2 * before);
	cr_expect(link_now(test->fixture, "up1").promiscuous);
	set_capability(CAP_NET_ADMIN, true);
	vswitch_release_left(&test->vs);
	cr_expect_not(vswitch_is_releasing(&test->vs));
	cr_expect_eq(test->vs.release_retry_ms, 0);
	cr_expect_not(link_now(test->fixture, "up1").promiscuous);
	cr_expect_eq(journal_count(test->fixture->context.journal), 1, "of up0");
	switch_test_free(test);
}

/* Of a set that another program has written: such an interface would count as a member for ever. */
Test(vswitch_vswitch, apply_removes_interfaces_that_no_member_has)
{
	struct switch_test *test = test_with_nics(1, UL_CHANNEL_NONE);
	struct switch_context *context = &test->vs.context;
	struct dataplane *dp = &test->fixture->fake.dp;
	const uint32_t endpoints[] = { 0,
				       5,
				       UL_ENDPOINT_NONE,
				       UL_ENDPOINT_PORT0,
				       UL_ENDPOINT_PORT0 + 7,
				       UL_ENDPOINT_PORT0 + dp->max_ports };
	struct link_info info;
	uint32_t endpoint;

	make_nic(test, "vm0");
	make_nic(test, "other");
	add_port(test, "vm0");
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	info = link_now(test->fixture, "other");
	cr_assert_eq(saved_settings_note(context, &info, SAVED_UPLINK, UL_SAVED_NOT_PROMISC), 0);
	cr_assert_eq(link_set_promiscuous(context->links, info.ifindex, true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		cr_assert_eq(table_set(&dp->ifaces, ul_iface_key(info.ifindex), endpoints[i]), 0);
		cr_assert_eq(vswitch_apply_all(&test->vs), 0);
		cr_expect_eq(table_get(&dp->ifaces, ul_iface_key(info.ifindex), &endpoint), -ENOENT,
			     "%u", endpoints[i]);
	}
	cr_expect_not(link_now(test->fixture, "other").promiscuous);
	cr_expect_eq(table_get(&dp->ifaces, ul_iface_key(uplink_of(test, "up0")->ifindex),
			       &endpoint),
		     0);
	cr_expect_eq(table_get(&dp->ifaces, ul_iface_key(port_of(test, "vm0")->ifindex), &endpoint),
		     0);
	switch_test_free(test);
}

/* The maps are shared with whoever may open them. */
Test(vswitch_vswitch, sizes_that_another_program_writes_are_not_used)
{
	struct switch_test *test = test_with_nics(2, UL_CHANNEL_LACP);
	struct ul_meta *meta = test->fixture->fake.dp.mapping[UL_MAP_META];
	struct link_info info;

	make_nic(test, "vm0");
	add_port(test, "vm0");
	cr_assert_eq(vswitch_apply_all(&test->vs), 0);
	meta->n_uplinks = 1000;
	meta->max_ports = meta->max_groups = 1000000;
	info = link_now(test->fixture, "up1");
	info.carrier = false;
	vswitch_link_event(&test->vs, &info, LINK_STATE);
	info = link_now(test->fixture, "vm0");
	vswitch_link_event(&test->vs, &info, LINK_REMOVED);
	cr_expect_eq(vswitch_apply_all(&test->vs), 0);
	cr_expect_eq(meta->n_uplinks, 2);
	switch_test_free(test);
}
