// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The monitor against the kernel, each test in a new network namespace. */
#include "link_testing.h"

Test(link_monitor, first_dump_then_life_of_a_veth, .timeout = 300)
{
	static const uint8_t mac[6] = { 2, 0, 0, 1, 2, 3 };
	struct record *t = record_new();
	struct link_info info;
	struct seen *seen;
	size_t from;

	seen = find_seen(t, 0, "lo", LINK_ADDED);
	cr_assert(seen, "reported by the first dump");
	cr_assert_eq(seen->info.ifindex, 1);

	from = t->n;
	make_veth(t, "va", "vb");
	seen = await(t, from, "va", LINK_ADDED);
	cr_assert_eq(seen->changes, LINK_ADDED);
	cr_assert_str_eq(seen->info.kind, "veth");
	cr_assert_eq(seen->info.ifindex, ifindex_of(t, "va"));
	cr_assert_eq(seen->info.mtu, 1500);
	cr_assert_eq(seen->info.master, 0);
	cr_assert(!seen->info.admin_up && !seen->info.carrier && !seen->info.promiscuous &&
		  seen->info.arp);
	await(t, from, "vb", LINK_ADDED);
	cr_assert_eq(link_get_by_name(t->monitor, "va", &info), 0);
	cr_assert_eq(link_get(t->monitor, info.ifindex, &info), 0);
	cr_assert_str_eq(info.name, "va");

	from = t->n;
	set_up(t, "va", true);
	seen = await(t, from, "va", LINK_STATE);
	cr_assert(seen->info.admin_up && !seen->info.carrier, "the peer is down");
	from = t->n;
	set_up(t, "vb", true);
	seen = await(t, from, "va", LINK_STATE);
	cr_assert(seen->info.admin_up && seen->info.carrier);

	from = t->n;
	cr_assert_eq(set_u32(t, ifindex_of(t, "va"), IFLA_MTU, 9000), 0);
	seen = await(t, from, "va", LINK_CHANGED);
	cr_assert_eq(seen->changes, LINK_CHANGED);
	cr_assert_eq(seen->info.mtu, 9000);
	from = t->n;
	cr_assert_eq(link_set_mac(t->monitor, ifindex_of(t, "va"), mac), 0);
	seen = await(t, from, "va", LINK_CHANGED);
	cr_assert_arr_eq(seen->info.mac, mac, 6);

	from = t->n;
	delete_link(t, "va");
	seen = await(t, from, "va", LINK_REMOVED);
	cr_assert_eq(seen->changes, LINK_REMOVED);
	cr_assert_eq(seen->info.mtu, 9000, "the last state");
	await(t, from, "vb", LINK_REMOVED);
	cr_assert(!has_link(t->monitor, "va"));
	cr_assert(!has_link(t->monitor, "vb"));
	record_free(t);
}

Test(link_monitor, rename_is_removed_and_added, .timeout = 300)
{
	struct record *t = record_new();
	struct seen *removed, *added;
	uint32_t ifindex;
	size_t from;

	make_veth(t, "va", "vb");
	ifindex = await(t, 0, "va", LINK_ADDED)->info.ifindex;
	from = t->n;
	rename_link(t, "va", "vx");
	added = await(t, from, "vx", LINK_ADDED);
	removed = await(t, from, "va", LINK_REMOVED);
	cr_assert_lt(removed, added, "LINK_REMOVED precedes LINK_ADDED");
	cr_assert_eq(removed->info.ifindex, ifindex);
	cr_assert_eq(added->info.ifindex, ifindex);
	cr_assert(!has_link(t->monitor, "va"));
	cr_assert_eq(info_of(t->monitor, "vx")->ifindex, ifindex);
	record_free(t);
}

/*
 * Names exchanged while events are lost: each name leads to its interface, without stale entries.
 */
Test(link_monitor, exchanged_names_after_loss, .timeout = 300)
{
	struct record *t = record_new();
	uint32_t a, b;

	make_veth(t, "va", "vb");
	a = await(t, 0, "va", LINK_ADDED)->info.ifindex;
	b = await(t, 0, "vb", LINK_ADDED)->info.ifindex;
	netlink_close(&t->monitor->events); /* loses the following events */
	cr_assert_eq(netlink_open(&t->monitor->events, NETLINK_ROUTE, true), 0);
	rename_link(t, "va", "tmp");
	rename_link(t, "vb", "va");
	rename_link(t, "tmp", "vb");

	cr_assert_eq(link_monitor_resync(t->monitor), 0);
	cr_assert_eq(info_of(t->monitor, "va")->ifindex, b);
	cr_assert_eq(info_of(t->monitor, "vb")->ifindex, a);
	cr_assert_eq(t->monitor->table.n, 3);
	record_free(t);
}

Test(link_monitor, moved_to_another_namespace_is_removed, .timeout = 300)
{
	_cleanup_close_ int here = -1, there = -1;
	struct record *t = record_new();
	size_t from;

	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	make_veth(t, "va", "vb");
	await(t, 0, "vb", LINK_ADDED);
	cr_assert_eq(unshare(CLONE_NEWNET), 0);
	there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(setns(here, CLONE_NEWNET), 0);
	from = t->n;
	cr_assert_eq(set_u32(t, ifindex_of(t, "va"), IFLA_NET_NS_FD, (uint32_t)there), 0);
	await(t, from, "va", LINK_REMOVED);
	cr_assert(!has_link(t->monitor, "va"));
	cr_assert(has_link(t->monitor, "vb"));
	cr_assert_null(find_seen(t, from, "vb", LINK_REMOVED));
	record_free(t);
}

/* A bridge sends RTM_DELLINK of AF_BRIDGE when a port leaves it. */
Test(link_monitor, leaving_a_bridge_is_no_removal, .timeout = 300)
{
	struct record *t = record_new();
	uint32_t bridge, port;
	size_t from;

	if (try_make(t, "br", "bridge", NULL) == -EOPNOTSUPP)
		cr_skip("this kernel has no bridge");
	make_veth(t, "va", "vb");
	bridge = ifindex_of(t, "br");
	port = ifindex_of(t, "va");
	await(t, 0, "va", LINK_ADDED);
	from = t->n;
	cr_assert_eq(set_u32(t, port, IFLA_MASTER, bridge), 0);
	cr_assert_eq(await(t, from, "va", LINK_CHANGED)->info.master, bridge);
	run_pending(t);
	from = t->n;
	cr_assert_eq(set_u32(t, port, IFLA_MASTER, 0), 0);
	cr_assert_eq(await(t, from, "va", LINK_CHANGED)->info.master, 0);
	set_up(t, "va", true);
	await(t, from, "va", LINK_STATE);
	cr_assert_null(find_seen(t, from, "va", LINK_REMOVED | LINK_ADDED));
	record_free(t);
}

#define N_PAIRS 250

/*
 * The receive buffer has room for few events while 500 interfaces appear; the table must still be
 * correct.
 */
Test(link_monitor, lost_events_end_in_a_full_dump, .timeout = 300)
{
	struct record *t = record_new();
	char name[UL_NAME_LEN], peer[UL_NAME_LEN];
	unsigned int resyncs = t->monitor->resyncs;
	size_t from = t->n;

	cr_assert_gt(netlink_set_receive_buffer(&t->monitor->events, 4096), 0);
	for (int i = 0; i < N_PAIRS; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		snprintf(peer, sizeof(peer), "b%d", i);
		make_veth(t, name, peer);
	}
	run_pending(t);
	cr_assert_gt(t->monitor->resyncs, resyncs, "events were lost");
	cr_assert_eq(t->monitor->table.n, 2 * N_PAIRS + 1);
	for (int i = 0; i < N_PAIRS; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		cr_assert(has_link(t->monitor, name), "%s", name);
		cr_assert_eq(info_of(t->monitor, name)->ifindex, ifindex_of(t, name));
		cr_assert(find_seen(t, from, name, LINK_ADDED), "%s was reported", name);
	}

	from = t->n;
	resyncs = t->monitor->resyncs;
	for (int i = 0; i < N_PAIRS - 1; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		delete_link(t, name);
	}
	run_pending(t);
	cr_assert_gt(t->monitor->resyncs, resyncs);
	cr_assert_eq(t->monitor->table.n, 3);
	cr_assert(has_link(t->monitor, "a249"));
	cr_assert(!has_link(t->monitor, "a0"));
	for (int i = 0; i < N_PAIRS - 1; i++) {
		snprintf(peer, sizeof(peer), "b%d", i);
		cr_assert(find_seen(t, from, peer, LINK_REMOVED), "%s was reported", peer);
	}
	record_free(t);
}

Test(link_monitor, xdp_features_follow_the_peers_gro, .timeout = 300)
{
	struct record *t = record_new();
	struct ethtool_value gro = { .cmd = ETHTOOL_SGRO, .data = 1 };
	struct seen *seen;
	uint32_t peer;
	size_t from;

	make_veth(t, "va", "vb");
	seen = await(t, 0, "va", LINK_ADDED);
	if (!t->monitor->genl.family) {
		cr_assert(!seen->info.xdp_features_known);
		cr_assert_eq(seen->info.xdp_features, 0);
		cr_skip("this kernel has no netdev generic netlink (before 6.3)");
	}
	cr_assert(seen->info.xdp_features_known);
	cr_assert(seen->info.xdp_features & NETDEV_XDP_ACT_BASIC);
	cr_assert(!(seen->info.xdp_features & NETDEV_XDP_ACT_NDO_XMIT));

	peer = ifindex_of(t, "vb");
	set_up(t, "vb", true); /* a veth that is down has no NAPI */
	run_pending(t);
	from = t->n;
	cr_assert_eq(ethtool_call(t->monitor, peer, &gro), 0);
	seen = await(t, from, "va", LINK_CHANGED);
	cr_assert(seen->info.xdp_features & NETDEV_XDP_ACT_NDO_XMIT, "%#x",
		  seen->info.xdp_features);

	from = t->n;
	gro.data = 0;
	cr_assert_eq(ethtool_call(t->monitor, peer, &gro), 0);
	seen = await(t, from, "va", LINK_CHANGED);
	cr_assert(!(seen->info.xdp_features & NETDEV_XDP_ACT_NDO_XMIT));

	/* A later refresh keeps the features. */
	cr_assert_eq(link_monitor_refresh(t->monitor, ifindex_of(t, "va")), 0);
	cr_assert(info_of(t->monitor, "va")->xdp_features_known);
	record_free(t);
}

/* A change of t0's carrier within 200 ms. One change per test may be late, for busy machines. */
static struct seen *in_time(struct record *t, size_t from, int round, unsigned int *late)
{
	struct seen *seen = await_ms(t, from, "t0", LINK_STATE, 200);

	if (seen)
		return seen;
	cr_assert_eq(++*late, 1,
		     "round %d: the second time that the carrier is not seen within 200 ms", round);
	return await(t, from, "t0", LINK_STATE);
}

/*
 * The kernel's event for a lost carrier is up to one second late if another link changed within the
 * last second (taps and NICs, not veth).
 */
Test(link_monitor, polled_carrier_is_in_time, .timeout = 300)
{
	struct record *t = record_new();
	_cleanup_close_ int tap = make_tap("t0"), other = make_tap("t1");
	struct seen *seen;
	unsigned int late = 0;
	uint64_t began;
	size_t from;

	set_up(t, "t0", true);
	set_up(t, "t1", true);
	await(t, 0, "t0", LINK_ADDED);
	cr_assert_eq(link_monitor_poll_carrier(t->monitor, ifindex_of(t, "t0"), 10), 0);
	for (int i = 0; i < 5; i++) {
		tap_carrier(other, 0);
		tap_carrier(other, 1);
		from = t->n;
		began = now_ms();
		tap_carrier(tap, 0);
		seen = in_time(t, from, i, &late);
		cr_assert(!seen->info.carrier && seen->info.admin_up);
		cr_log_info("seen after %d ms", (int)(now_ms() - began));
		from = t->n;
		tap_carrier(tap, 1);
		cr_assert(in_time(t, from, i, &late)->info.carrier);
	}
	record_free(t);
}

/* Polling survives a rename, stops on request, and ends with the interface. */
Test(link_monitor, polling_ends, .timeout = 300)
{
	struct record *t = record_new();
	uint32_t a, b;
	int tap = make_tap("t0"), other = make_tap("t1");

	cr_assert_eq(link_monitor_poll_carrier(t->monitor, 12345, 10), -ENODEV);
	cr_assert_eq(link_monitor_poll_carrier(t->monitor, 12345, 0), 0);
	a = await(t, 0, "t0", LINK_ADDED)->info.ifindex;
	b = await(t, 0, "t1", LINK_ADDED)->info.ifindex;
	cr_assert_eq(link_monitor_poll_carrier(t->monitor, a, 5), 0);
	cr_assert_eq(link_monitor_poll_carrier(t->monitor, a, 10), 0);
	cr_assert_eq(link_monitor_poll_carrier(t->monitor, b, 10), 0);
	cr_assert_eq(t->monitor->n_polls, 2, "one entry for each interface");
	rename_link(t, "t0", "t9");
	await(t, 0, "t9", LINK_ADDED);
	cr_assert_eq(t->monitor->n_polls, 2);
	cr_assert_eq(link_monitor_poll_carrier(t->monitor, b, 0), 0);
	cr_assert_eq(t->monitor->n_polls, 1);
	close(tap);
	await(t, 0, "t9", LINK_REMOVED);
	for (uint64_t end = now_ms() + DEADLINE_MS; t->monitor->n_polls && now_ms() < end;)
		sd_event_run(t->event, 100000);
	cr_assert_eq(t->monitor->n_polls, 0);
	close(other);
	record_free(t);
}

static void busy_handler(struct record *t, const struct link_info *info, unsigned int changes)
{
	if (!t->monitor || strcmp(info->name, "va") != 0 || !(changes & LINK_ADDED))
		return;
	t->hook_ifindex = info->ifindex;
	cr_assert_eq(info_of(t->monitor, "va")->ifindex, info->ifindex);
	cr_assert_eq(link_set_up(t->monitor, info->ifindex, true), 0);
	cr_assert(info_of(t->monitor, "va")->admin_up, "in the table at once");
	cr_assert_eq(link_set_mtu(t->monitor, info->ifindex, 2000), 0);
	cr_assert_eq(link_create_veth(t->monitor, "vc", "vd", NULL), 0);
	cr_assert(has_link(t->monitor, "vd"));
	cr_assert_eq(link_monitor_poll_carrier(t->monitor, info->ifindex, 50), 0);
	cr_assert_eq(link_monitor_resync(t->monitor), 0);
}

Test(link_monitor, handler_may_call_the_monitor, .timeout = 300)
{
	struct record *t = record_new();
	struct seen *seen;

	t->hook = busy_handler;
	make_veth(t, "va", "vb");
	seen = await(t, 0, "va", LINK_STATE);
	cr_assert(seen->info.admin_up);
	cr_assert_eq(await(t, 0, "va", LINK_CHANGED)->info.mtu, 2000);
	await(t, 0, "vd", LINK_ADDED);
	cr_assert_eq(t->deepest, 1, "no recursive call");
	cr_assert_eq(seen->info.ifindex, t->hook_ifindex);
	record_free(t);
}

/* Settings queue their notices for the event loop. */
Test(link_monitor, settings_do_not_call_the_handler, .timeout = 300)
{
	struct record *t = record_new();
	size_t from = t->n;

	cr_assert_eq(link_create_veth(t->monitor, "va", "vb", NULL), 0);
	cr_assert(has_link(t->monitor, "va"));
	cr_assert_eq(t->n, from);
	await(t, from, "va", LINK_ADDED);
	from = t->n;
	cr_assert_eq(link_set_up(t->monitor, ifindex_of(t, "va"), true), 0);
	cr_assert(info_of(t->monitor, "va")->admin_up);
	cr_assert_eq(t->n, from);
	await(t, from, "va", LINK_STATE);
	record_free(t);
}

/* Waiting events are older than an answer and do not revert the table. */
Test(link_monitor, events_before_answers, .timeout = 300)
{
	static const uint32_t mtus[] = { 2000, 3000, 4000 };
	struct record *t = record_new();
	uint32_t ifindex;
	size_t from, n = 0;

	make_veth(t, "va", "vb");
	ifindex = await(t, 0, "va", LINK_ADDED)->info.ifindex;
	run_pending(t);
	from = t->n;
	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++)
		cr_assert_eq(set_u32(t, ifindex, IFLA_MTU, mtus[i]), 0);
	cr_assert_eq(link_monitor_refresh(t->monitor, ifindex), 0);
	cr_assert_eq(info_of(t->monitor, "va")->mtu, 4000);
	run_pending(t);
	for (size_t i = from; i < t->n; i++) {
		if (t->seen[i].info.ifindex != ifindex)
			continue;
		cr_assert_lt(n, ARRAY_SIZE(mtus), "more changes than there were");
		cr_assert_eq(t->seen[i].info.mtu, mtus[n++]);
	}
	cr_assert_eq(n, ARRAY_SIZE(mtus));
	record_free(t);
}

Test(link_monitor, refresh_of_a_gone_interface, .timeout = 300)
{
	struct record *t = record_new();
	uint32_t ifindex;

	make_veth(t, "va", "vb");
	ifindex = await(t, 0, "va", LINK_ADDED)->info.ifindex;
	delete_link(t, "va");
	cr_assert_eq(link_monitor_refresh(t->monitor, ifindex), -ENODEV);
	cr_assert_eq(link_get(t->monitor, ifindex, &(struct link_info){}), -ENODEV);
	cr_assert_eq(link_monitor_refresh(t->monitor, 0), -ENODEV);
	await(t, 0, "va", LINK_REMOVED);
	record_free(t);
}

Test(link_monitor, copies_by_number_name_and_alternative_name, .timeout = 300)
{
	struct record *t = record_new();
	struct link_info info, untouched = { .ifindex = 77 };
	uint32_t ifindex;
	size_t from;

	make_veth(t, "va", "vb");
	ifindex = await(t, 0, "va", LINK_ADDED)->info.ifindex;
	add_alt_name(t, ifindex, "added-down");
	run_pending(t);
	cr_assert_eq(link_refresh_get_by_name(t->monitor, "added-down", &info), 0);
	cr_assert_str_eq(info.name, "va");
	set_up(t, "va", true);
	await(t, 0, "va", LINK_STATE);
	run_pending(t);
	from = t->n;
	add_alt_name(t, ifindex, "uplink-left");
	add_alt_name(t, ifindex, "a-name-beyond-fifteen-characters");
	cr_assert(link_has_name(&await(t, from, "va", LINK_CHANGED)->info, "uplink-left"));

	cr_assert_eq(link_get(t->monitor, ifindex, &info), 0);
	cr_assert_str_eq(info.name, "va");
	cr_assert(info.ethernet);
	cr_assert_eq(link_get_by_name(t->monitor, "uplink-left", &info), 0);
	cr_assert_eq(info.ifindex, ifindex);
	cr_assert_str_eq(info.name, "va");
	cr_assert_eq(link_get_by_name(t->monitor, "lo", &info), 0);
	cr_assert(!info.ethernet);

	/* The refreshed copy is newer than the events that wait. */
	cr_assert_eq(set_u32(t, ifindex, IFLA_MTU, 2000), 0);
	cr_assert_eq(link_refresh_get(t->monitor, ifindex, &info), 0);
	cr_assert_eq(info.mtu, 2000);
	cr_assert_eq(set_u32(t, ifindex, IFLA_MTU, 3000), 0);
	cr_assert_eq(link_refresh_get_by_name(t->monitor, "uplink-left", &info), 0);
	cr_assert_eq(info.mtu, 3000);

	/* A refresh by name finds an interface whose event still waits. */
	rename_link(t, "va", "vx");
	make_veth(t, "va", "vc");
	cr_assert_eq(link_refresh_get_by_name(t->monitor, "va", &info), 0);
	cr_assert_neq(info.ifindex, ifindex);
	delete_link(t, "vx");
	cr_assert_eq(link_refresh_get_by_name(t->monitor, "uplink-left", &untouched), -ENODEV);
	cr_assert_eq(link_refresh_get(t->monitor, ifindex, &untouched), -ENODEV);
	cr_assert_eq(link_get(t->monitor, ifindex, &untouched), -ENODEV);
	cr_assert_eq(link_get_by_name(t->monitor, "vx", &untouched), -ENODEV);
	cr_assert_eq(untouched.ifindex, 77);
	record_free(t);
}

static int reported_error;

static void on_failure(void *userdata, int error, const char *text)
{
	cr_assert(strstr(text, "cannot read events"), "%s", text);
	reported_error = error;
}

/* The kernel cannot write into this buffer; a full dump replaces the lost event. */
Test(link_monitor, failures_in_the_event_loop_are_reported_and_repaired, .timeout = 300)
{
	struct record *t = record_new();
	uint8_t *buffer = t->monitor->events.buffer;

	make_veth(t, "va", "vb");
	await(t, 0, "vb", LINK_ADDED);
	run_pending(t);
	link_monitor_set_failure_handler(t->monitor, on_failure);
	t->monitor->events.buffer = (uint8_t *)8;
	set_up(t, "va", true);
	for (uint64_t end = now_ms() + DEADLINE_MS; !reported_error && now_ms() < end;)
		sd_event_run(t->event, 100000);
	t->monitor->events.buffer = buffer;
	cr_assert_eq(reported_error, -EFAULT);
	await(t, 0, "va", LINK_STATE);
	cr_assert(info_of(t->monitor, "va")->admin_up);
	record_free(t);
}

/* The kernel sends no event. */
Test(link_monitor, a_refresh_of_all_shows_ipv6, .timeout = 300)
{
	enum { MAX_AGE_MS = 3600000 };
	struct record *t = record_new();
	uint32_t ifindex;
	struct link_info info;

	make_veth(t, "va", "vb");
	run_pending(t);
	ifindex = ifindex_of(t, "va");
	for (int on = 1; on >= 0; on--) {
		cr_assert_eq(link_set_ipv6(t->monitor, ifindex, !on), 0);
		t->monitor->dumped_ms = now_ms() - MAX_AGE_MS - 1;
		cr_assert_eq(link_refresh_all(t->monitor, MAX_AGE_MS), 0);
		cr_assert_eq(link_set_ipv6(t->monitor, ifindex, on), 0);
		cr_assert_eq(link_refresh_all(t->monitor, MAX_AGE_MS), 0);
		cr_assert_eq(link_get(t->monitor, ifindex, &info), 0);
		cr_expect_eq(info.ipv6, !on, "the last dump is recent enough");
		t->monitor->dumped_ms = now_ms() - MAX_AGE_MS - 1;
		cr_assert_eq(link_refresh_all(t->monitor, MAX_AGE_MS), 0);
		cr_assert_eq(link_get(t->monitor, ifindex, &info), 0);
		cr_expect_eq(info.ipv6, on);
	}
	record_free(t);
}
