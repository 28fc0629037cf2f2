// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The typed writers of mapped records: values, order and word size of their stores. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "dataplane_fake.h"

static struct dataplane_fake fake;
static struct dataplane *const dp = &fake.dp;

static void setup(void)
{
	dataplane_fake_init(&fake, 8, 4);
}

static void teardown(void)
{
	dataplane_fake_done(&fake);
}

TestSuite(dataplane_records, .init = setup, .fini = teardown, .timeout = 300);

static const uint8_t mac_a[6] = { 0x52, 0x54, 0, 0, 0, 1 }, mac_b[6] = { 2, 3, 4, 5, 6, 7 };

Test(dataplane_records, each_field_of_an_uplink)
{
	struct ul_uplink expected = { .ifindex = 7,
				      .flags = UL_UP_SEND | UL_UP_CARRIER,
				      .netdev = 0xffff888012345678ULL,
				      .xdp_mode = UL_XDP_GENERIC,
				      .error = ENOMEM,
				      .speed_mbps = 25000,
				      .max_frame = 1518,
				      .lacp_port = 3,
				      .problems = UL_PROBLEM_MTU };

	memcpy(expected.mac, mac_a, 6);
	((struct ul_uplink *)dp->mapping[UL_MAP_UPLINKS])[2].error = 0;
	uplink_write_error(dp, 2, -ENOMEM);
	uplink_write_ifindex(dp, 2, 7);
	uplink_write_flags(dp, 2, UL_UP_SEND | UL_UP_CARRIER);
	uplink_write_netdev(dp, 2, 0xffff888012345678ULL);
	uplink_write_xdp_mode(dp, 2, UL_XDP_GENERIC);
	uplink_write_mac(dp, 2, mac_a);
	uplink_write_speed(dp, 2, 25000);
	uplink_write_max_frame(dp, 2, 1518);
	uplink_write_lacp_port(dp, 2, 3);
	uplink_write_problems(dp, 2, UL_PROBLEM_MTU);
	cr_expect_eq(memcmp(&dp->uplinks[2], &expected, sizeof(expected)), 0);
	cr_expect_eq(dp->uplinks[1].ifindex + dp->uplinks[3].ifindex, 0, "a neighbour changed");
}

Test(dataplane_records, whole_uplink)
{
	static const struct ul_uplink none;
	struct ul_uplink next = { .ifindex = 9,
				  .flags = UL_UP_SEND,
				  .netdev = 5,
				  .speed_mbps = 3,
				  .max_frame = 4,
				  .lacp_port = 5,
				  .problems = 6,
				  .xdp_mode = UL_XDP_NATIVE,
				  .name = "eth-of-15-bytes" };

	memcpy(next.mac, mac_b, 6);
	uplink_write(dp, 0, &next);
	cr_expect_eq(memcmp(&dp->uplinks[0], &next, sizeof(next)), 0);
	snprintf(next.name, sizeof(next.name), "e0");
	uplink_write(dp, 0, &next);
	cr_expect_str_eq(dp->uplinks[0].name, "e0");
	uplink_clear(dp, 0);
	cr_expect_eq(memcmp(&dp->uplinks[0], &none, sizeof(none)), 0);
}

Test(dataplane_records, each_field_of_a_port)
{
	static const struct ul_port none;
	struct ul_port expected = { .ifindex = 12,
				    .flags = UL_PORT_USED | UL_PROBLEM_TC << UL_PORT_PROBLEM_SHIFT,
				    .vlan = { UL_VLAN_VST, 100, UL_GROUP_LEARNING },
				    .group = 1,
				    .number = 77,
				    .max_frame = 9018,
				    .policy = 63,
				    .name = "a-name-of-15-ch" };

	memcpy(expected.mac, mac_b, 6);
	port_write_name(dp, 3, "a-name-of-15-chars-and-more");
	port_write_ifindex(dp, 3, 12);
	port_write_vlan(dp, 3, expected.vlan);
	port_write_group(dp, 3, 1);
	port_write_number(dp, 3, 77);
	port_write_max_frame(dp, 3, 9018);
	port_write_policy(dp, 3, 63);
	port_write_mac(dp, 3, mac_a);
	port_write_mac(dp, 3, mac_b);
	port_write_mac(dp, 3, dp->ports[3].mac);
	port_write_flags(dp, 3, UL_PORT_USED);
	port_write_problems(dp, 3, UL_PROBLEM_XDP);
	port_write_problems(dp, 3, UL_PROBLEM_TC);
	cr_expect_eq(memcmp(&dp->ports[3], &expected, sizeof(expected)), 0);
	port_clear(dp, 3);
	cr_expect_eq(memcmp(&dp->ports[3], &none, sizeof(none)), 0);
}

/* A program may hold an older life of the slot and store it into seen at any time. */
Test(dataplane_records, life_of_a_port_outlives_the_port)
{
	struct ul_port *ports = dp->mapping[UL_MAP_PORTS];

	ports[3].seen = 7;
	port_raise_life(dp, 3);
	port_raise_life(dp, 3);
	cr_expect_eq(dp->ports[3].life, 2);
	port_clear(dp, 3);
	cr_expect_eq(dp->ports[3].life, 2);
	cr_expect_eq(dp->ports[3].seen, 7);
}

/* ---- what readers see between two instructions of a writer ---- */
/* The record goes into memory that this process shares with a child. The child executes the writer
 * one instruction at a time, and after each one this process looks at the record as a program on
 * another CPU would. */
static void *share(enum ul_map which)
{
	size_t size = dp->mapping_size[which];
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(shared, MAP_FAILED);
	memcpy(shared, dp->mapping[which], size);
	free(dp->mapping[which]);
	dp->mapping[which] = shared;
	return shared;
}

static void unshare(enum ul_map which)
{
	cr_assert_eq(munmap(dp->mapping[which], dp->mapping_size[which]), 0);
	dp->mapping[which] = NULL;
}

static uint64_t load_word(const void *at)
{
	return *(const volatile uint64_t *)at;
}

/* Calls look(word at `at`) after each instruction of write(). */
static void step_through(void (*write)(void), const void *at, void (*look)(uint64_t word))
{
	pid_t pid = fork();
	int status, n = 0;

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		write();
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSTOPPED(status));
	for (; n < 1000000; n++) {
		cr_assert_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0, "%s", strerror(errno));
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status))
			break;
		look(load_word(at));
	}
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x after %d steps",
		  (unsigned int)status, n);
}

static uint64_t before, after;
static uint32_t n_before, n_after, n_torn;

static void count_word(uint64_t word)
{
	if (word == before)
		n_before++;
	else if (word == after)
		n_after++;
	else
		n_torn++;
}

static void write_mac_a(void)
{
	port_write_mac(dp, 0, mac_a);
}

static void write_mac_b(void)
{
	port_write_mac(dp, 0, mac_b);
}

static void write_vlan_a(void)
{
	port_write_vlan(dp, 0, (struct ul_port_vlan){ UL_VLAN_EST, 100, 0xff });
}

static void write_vlan_b(void)
{
	port_write_vlan(dp, 0, (struct ul_port_vlan){ UL_VLAN_VGT, 4095, 0xff00 });
}

static void write_system_a(void)
{
	meta_write_lacp_system(dp, mac_a, false);
}

static void write_system_b(void)
{
	meta_write_lacp_system(dp, mac_b, true);
}

static void write_uplink_mac_a(void)
{
	uplink_write_mac(dp, 0, mac_a);
}

static void write_uplink_mac_b(void)
{
	uplink_write_mac(dp, 0, mac_b);
}

static void expect_whole(const char *what, void (*write_a)(void), void (*write_b)(void),
			 const void *at)
{
	n_before = n_after = n_torn = 0;
	write_b();
	after = load_word(at);
	write_a();
	before = load_word(at);
	cr_assert_neq(before, after, "%s", what);
	step_through(write_b, at, count_word);
	cr_expect_eq(n_torn, 0, "%s: a mixture after %u instructions", what, n_torn);
	cr_expect_gt(n_before, 0, "%s", what);
	cr_expect_gt(n_after, 0, "%s", what);
}

Test(dataplane_records, words_are_stored_whole)
{
	dp->ports = share(UL_MAP_PORTS);
	dp->uplinks = share(UL_MAP_UPLINKS);
	dp->meta = share(UL_MAP_META);
	expect_whole("MAC of a port", write_mac_a, write_mac_b, &dp->ports[0].mac);
	expect_whole("VLAN of a port", write_vlan_a, write_vlan_b, &dp->ports[0].vlan);
	expect_whole("MAC of an uplink", write_uplink_mac_a, write_uplink_mac_b,
		     &dp->uplinks[0].mac);
	expect_whole("LACP system", write_system_a, write_system_b, &dp->meta->lacp_system);
	unshare(UL_MAP_PORTS);
	unshare(UL_MAP_UPLINKS);
	unshare(UL_MAP_META);
}

/* Interface and flags are neighbours, so one word has both. */
_Static_assert(offsetof(struct ul_uplink, ifindex) == 0 && offsetof(struct ul_uplink, flags) == 4,
	       "one aligned word");

static const struct ul_uplink may_send = { .ifindex = 7, .flags = UL_UP_SEND | UL_UP_CARRIER },
			      must_not_send = { .ifindex = 9, .flags = UL_UP_CARRIER };

static void must_not_send_replaces(void)
{
	uplink_write(dp, 0, &must_not_send);
}

static void may_send_replaces(void)
{
	uplink_write(dp, 0, &may_send);
}

static void count_flags(uint64_t word)
{
	uint32_t seen[2]; /* ifindex, flags */

	memcpy(seen, &word, sizeof(seen));
	if (seen[0] == 9 && seen[1] & UL_UP_SEND)
		n_torn++;
	else
		n_after += seen[0] == 9;
	cr_assert(seen[1] & UL_UP_CARRIER, "a flag that both records have was cleared");
}

Test(dataplane_records, an_uplink_that_must_not_send_is_never_seen_sending)
{
	dp->uplinks = share(UL_MAP_UPLINKS);
	n_after = n_torn = 0;
	uplink_write(dp, 0, &may_send);
	step_through(must_not_send_replaces, dp->uplinks, count_flags);
	cr_expect_gt(n_after, 0);
	uplink_write(dp, 0, &must_not_send);
	step_through(may_send_replaces, dp->uplinks, count_flags);
	cr_expect_eq(n_torn, 0, "after %u instructions", n_torn);
	unshare(UL_MAP_UPLINKS);
}

/* ---- groups, policies, VLANs ---- */
Test(dataplane_records, group)
{
	static const struct ul_group none;
	struct ul_group next = { .flags = UL_GROUP_USED | UL_GROUP_LEARNING,
				 .vlan_mode = UL_VLAN_VGT,
				 .vid = UL_VLAN_TRUNK,
				 .policy = 5,
				 .vlans = { 1, [63] = 1ULL << 62 },
				 .name = "trunk" };

	group_write(dp, 3, &next);
	cr_expect_eq(memcmp(&dp->groups[3], &next, sizeof(next)), 0);
	next = (struct ul_group){
		.flags = UL_GROUP_USED, .vlan_mode = UL_VLAN_VST, .vid = 4, .name = "t"
	};
	group_write(dp, 3, &next);
	cr_expect_eq(memcmp(&dp->groups[3], &next, sizeof(next)), 0);
	group_clear(dp, 3);
	cr_expect_eq(memcmp(&dp->groups[3], &none, sizeof(none)), 0);
}

Test(dataplane_records, policy_counts_changed_buckets)
{
	struct ul_policy next = { .method = UL_M_PORT_ID,
				  .flags = UL_POLICY_ORDERED,
				  .n_buckets = 1024,
				  .in_use = 3,
				  .n_active = 2,
				  .n_members = 3,
				  .member = { 1, 0, 2 } };

	for (int b = 0; b < UL_MAX_BUCKETS; b++)
		next.bucket[b] = (uint8_t)(b % 2);
	cr_expect_eq(policy_write(dp, 63, &next), UL_MAX_BUCKETS);
	cr_expect_eq(memcmp(&dp->policies[63], &next, sizeof(next)), 0);
	cr_expect_eq(policy_write(dp, 63, &next), 0);
	next.bucket[0] = next.bucket[1023] = 2;
	next.method = UL_M_SRC_IP;
	cr_expect_eq(policy_write(dp, 63, &next), 2);
	cr_expect_eq(memcmp(&dp->policies[63], &next, sizeof(next)), 0);
	policy_write_in_use(dp, 63, 7);
	next.in_use = 7;
	cr_expect_eq(memcmp(&dp->policies[63], &next, sizeof(next)), 0);
	cr_expect_eq(dp->policies[62].bucket[1023], UL_NO_UPLINK, "a neighbour changed");
}

Test(dataplane_records, vlan)
{
	vlan_write(dp, UL_VLAN_TRUNK, UL_VLAN_TRUNKED, 9);
	cr_expect_eq(dp->vlans[UL_VLAN_TRUNK].flags, UL_VLAN_TRUNKED);
	cr_expect_eq(dp->vlans[UL_VLAN_TRUNK].n_members, 9);
}

/* ---- meta, LACP ---- */
Test(dataplane_records, meta)
{
	struct ul_meta expected = *dp->meta;

	expected.lease_ns = 1ULL << 40;
	expected.headless_ns = 90000000000ULL;
	expected.n_uplinks = UL_MAX_UPLINKS;
	expected.channel = UL_CHANNEL_LACP;
	expected.receive = UL_RECEIVE_TC;
	expected.mtu = 9000;
	expected.generation = 2;
	expected.lacp_system_given = 1;
	memcpy(expected.lacp_system, mac_a, 6);
	snprintf(expected.version, sizeof(expected.version), "1.2.3-a-long-ve");
	meta_write_lease(dp, 1ULL << 40);
	meta_write_headless(dp, 90000000000ULL);
	meta_write_n_uplinks(dp, UL_MAX_UPLINKS);
	meta_write_settings(dp, UL_CHANNEL_LACP, UL_RECEIVE_TC, 9000);
	meta_raise_generation(dp);
	meta_raise_generation(dp);
	meta_write_lacp_system(dp, mac_a, true);
	meta_write_version(dp, "1.2.3-a-long-version");
	cr_expect_eq(memcmp(dp->meta, &expected, sizeof(expected)), 0);
}

Test(dataplane_records, lacp)
{
	static const struct ul_lacp_answer none;
	struct ul_lacp_answer *answers = dp->mapping[UL_MAP_LACP_ANSWERS];
	struct ul_lacp_port record = { .updated_ms = 5, .reason = "in the channel" };

	lacp_record_write(dp, 23, &record);
	cr_expect_eq(memcmp(&dp->lacp_ports[23], &record, sizeof(record)), 0);
	answers[1].answered = answers[2].answered = 4;
	lacp_answers_clear(dp, 1);
	cr_expect_eq(memcmp(&dp->lacp_answers[1], &none, sizeof(none)), 0);
	cr_expect_eq(dp->lacp_answers[2].answered, 4, "a neighbour changed");
}

Test(dataplane_records, index_out_of_range, .signal = SIGABRT)
{
	port_write_flags(dp, 8, UL_PORT_USED);
}
