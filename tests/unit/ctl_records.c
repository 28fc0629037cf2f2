// SPDX-License-Identifier: GPL-2.0
/* The shapes that --json promises, and the findings of status, on switches made by hand. */
#include <criterion/criterion.h>
#include <linux/bpf.h>

#include "ctl/problems.h"
#include "ctl/records.h"
#include "ctl_run.h"
#include "view_fake.h"

TestSuite(ctl_records, .timeout = 30);
TestSuite(ctl_problems, .timeout = 30);

static struct fake fake;
static struct view view;

static struct snapshot *take(void)
{
	struct snapshot *snapshot = NULL;

	fake_view(&fake, &view);
	cr_assert_eq(snapshot_take(&view, &snapshot), 0);
	/* the fake has no counter map in memory: put them where snapshot_take() would */
	for (uint32_t i = 0; i < snapshot->n_uplinks; i++)
		snapshot->uplinks[i].stats = fake.stats[i];
	for (uint32_t i = 0; i < FAKE_PORTS; i++)
		snapshot->port_stats[i] = fake.stats[UL_OBJECT_PORT0 + i];
	snapshot->nobody_stats = fake.stats[UL_OBJECT_NONE];
	return snapshot;
}

static json_int_t number(json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

static const char *text(json_t *record, const char *key)
{
	const char *value = json_string_value(json_object_get(record, key));

	return value ? value : "(none)";
}

/* ---- shapes, as interfaces.md promises them (and what was added)
 * ------------------------------------------------------ */
#define UPLINK_KEYS                                                                                                                         \
	"switch:s name:s index:i ifindex:i mac:sn carrier:b admin_up:b usable:b drained:b xdp_mode:s speed_mbps:i tx_packets:i tx_bytes:i " \
	"rx_packets:i rx_bytes:i state:s share:r receiving:b dropped_packets:i dropped_bytes:i"
#define PORT_KEYS                                                                                                                           \
	"switch:s group:sn name:s slot:i ifindex:i mac:sn present:b delivery:s host:b runtime:b state:s uplink:sn tx_packets:i tx_bytes:i " \
	"rx_packets:i rx_bytes:i dropped_packets:i dropped_bytes:i"
#define GROUP_KEYS                                                                                                                           \
	"switch:s name:s index:i vlan_mode:s vlan:s ports:i promiscuous:b mac_changes:b forged_transmits:b mac_learning:b load_balancing:s " \
	"active:a standby:a serving:a buckets:o last_octet:b"
#define FDB_KEYS "switch:s vlan:i trunk:b mac:s port:sn ifindex:i group:sn learned:b"
#define COUNTER_KEYS "switch:s scope:s name:s reason:s packets:i bytes:i kind:s help:s"
#define WHICH_KEYS \
	"switch:s group:s hash:i bucket:i buckets:i uplink:sn ifindex:i reason:s source:s destination:sn load_balancing:s home:sn"
#define PROBLEM_KEYS "switch:s severity:s code:s object:s message:s remedy:s"

Test(ctl_records, uplinks)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *records = NULL;
	json_t *eth0, *eth1;

	fake_init(&fake, 2);
	fake.stats[0].sent = (struct ul_count){ 10, 6000 };
	fake.stats[0].to_port = (struct ul_count){ 5, 500 };
	fake.stats[0].flooded = (struct ul_count){ 1, 60 };
	fake.stats[0].control = (struct ul_count){ 2, 240 };
	fake.stats[0].unknown_unicast = (struct ul_count){ 3, 200 };
	fake.stats[0].failover = (struct ul_count){ 1000, 1000000 }; /* a note: counted beside
									another reason */
	fake.stats[1].sent = (struct ul_count){ 1, 3000 };
	fake_cut(&fake, 1);
	snapshot = take();
	records = record_uplinks(snapshot);
	cr_assert_eq(json_array_size(records), 2);
	eth0 = json_array_get(records, 0);
	eth1 = json_array_get(records, 1);
	expect_keys("show uplinks", eth0, UPLINK_KEYS);
	expect_keys("show uplinks", eth1, UPLINK_KEYS);
	cr_expect_str_eq(text(eth0, "switch"), "vswitch0");
	cr_expect_str_eq(text(eth0, "name"), "eth0");
	cr_expect_str_eq(text(eth1, "mac"), "02:00:00:00:00:01");
	cr_expect_eq(number(eth1, "index"), 1);
	cr_expect_eq(number(eth1, "ifindex"), 1001);
	cr_expect_str_eq(text(eth0, "xdp_mode"), "native");
	cr_expect_eq(number(eth0, "speed_mbps"), 10000);
	cr_expect_eq(number(eth0, "tx_packets"), 10);
	cr_expect_eq(number(eth0, "tx_bytes"), 6000);
	cr_expect_eq(number(eth0, "rx_packets"), 5 + 1 + 2 + 3,
		     "all that came in, drops too, notes not: %lld",
		     (long long)number(eth0, "rx_packets"));
	cr_expect_eq(number(eth0, "rx_bytes"), 1000);
	cr_expect_eq(number(eth0, "dropped_packets"), 3);
	cr_expect_float_eq(json_number_value(json_object_get(eth0, "share")), 0.7, 1e-9);
	cr_expect(json_is_true(json_object_get(eth0, "carrier")) &&
		  json_is_true(json_object_get(eth0, "usable")));
	cr_expect(json_is_false(json_object_get(eth1, "carrier")) &&
		  json_is_false(json_object_get(eth1, "usable")));
	cr_expect(json_is_true(json_object_get(eth1, "admin_up")));
	cr_expect_str_eq(text(eth0, "state"), "in use");
	cr_expect_str_eq(text(eth1, "state"), "no carrier");
}

Test(ctl_records, uplink_states)
{
	const uint32_t works = UL_UP_SEND | UL_UP_RECEIVE | UL_UP_CARRIER | UL_UP_ADMIN;
	static const char *const states[] = { "in use",	    "standby", "unused",
					      "spare",	    "waiting", "drained",
					      "no carrier", "down",    "missing" };
	const uint8_t active[] = { 0 }, standby[] = { 1 };
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *records = NULL;

	_Static_assert(ARRAY_SIZE(states) == N_UPLINK_STATES, "each state");
	fake_init(&fake, N_UPLINK_STATES);
	fake_policy(&fake, 0, UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, active, 1, standby, 1);
	fake.uplinks[3].flags = (works & ~(uint32_t)UL_UP_SEND) | UL_UP_SPARE;
	fake.uplinks[4].flags = works & ~(uint32_t)UL_UP_SEND;
	fake.uplinks[5].flags = (works & ~(uint32_t)UL_UP_SEND) | UL_UP_DRAINED;
	fake.uplinks[6].flags = UL_UP_ADMIN;
	fake.uplinks[7].flags = 0;
	fake.uplinks[8] = (struct ul_uplink){ .name = "eth8" };
	snapshot = take();
	records = record_uplinks(snapshot);
	for (size_t i = 0; i < N_UPLINK_STATES; i++)
		cr_expect_str_eq(text(json_array_get(records, i), "state"), states[i], "eth%zu", i);
	cr_expect(json_is_null(json_object_get(json_array_get(records, 8), "mac")),
		  "no MAC is null, not zeros");
}

Test(ctl_records, ports_and_groups)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *ports = NULL, *groups = NULL;
	const uint8_t both[] = { 0, 1 };
	json_t *vnet0, *vnet3, *prod, *dmz;

	fake_init(&fake, 2);
	fake.meta.channel = UL_CHANNEL_NONE;
	fake_policy(&fake, 0, UL_M_SRC_DST_IP, UL_POLICY_ANY_UPLINK, both, 2, NULL, 0);
	fake_policy(&fake, 1, UL_M_PORT_ID, 0, both, 2, NULL, 0);
	fake_group(&fake, 1, "dmz", 0, 1);
	fake.groups[1].flags |= UL_GROUP_PROMISCUOUS | UL_GROUP_FORGED_OK;
	fake_port(&fake, 3, "vnet3", 1, 4);
	fake.ports[3].flags = UL_PORT_USED | UL_PORT_RUNTIME;
	fake.ports[3].ifindex = 0;
	fake.stats[UL_OBJECT_PORT0 + 3].to_uplink.packets = 4;
	fake.stats[UL_OBJECT_PORT0 + 3].forged_source.packets = 5;
	fake.stats[UL_OBJECT_PORT0 + 3].sent.packets = 6;
	snapshot = take();
	ports = record_ports(snapshot);
	groups = record_groups(snapshot);
	cr_assert_eq(json_array_size(ports), 2);
	vnet0 = json_array_get(ports, 0);
	vnet3 = json_array_get(ports, 1);
	expect_keys("show ports", vnet0, PORT_KEYS);
	expect_keys("show ports", vnet3, PORT_KEYS);
	cr_expect(json_is_null(json_object_get(vnet0, "uplink")), "a hash decides frame by frame");
	cr_expect_str_eq(text(vnet3, "uplink"), "eth1", "port-id: port number 3 of 2 uplinks");
	cr_expect_str_eq(text(vnet0, "delivery"), "xdp");
	cr_expect_str_eq(text(vnet3, "delivery"), "tc");
	cr_expect_str_eq(text(vnet3, "group"), "dmz");
	cr_expect_str_eq(text(vnet3, "state"), "missing");
	cr_expect(json_is_true(json_object_get(vnet3, "runtime")));
	cr_expect_eq(number(vnet3, "rx_packets"), 9);
	cr_expect_eq(number(vnet3, "tx_packets"), 6);
	cr_expect_eq(number(vnet3, "dropped_packets"), 5);

	cr_assert_eq(json_array_size(groups), 2);
	prod = json_array_get(groups, 0);
	dmz = json_array_get(groups, 1);
	expect_keys("show groups", prod, GROUP_KEYS);
	cr_expect_str_eq(text(prod, "vlan"), "100");
	cr_expect_str_eq(text(prod, "vlan_mode"), "vst");
	cr_expect_str_eq(text(prod, "load_balancing"), "src-dst-ip");
	cr_expect_eq(number(json_object_get(prod, "buckets"), "eth1"), 512);
	cr_expect_str_eq(text(dmz, "vlan"), "0");
	cr_expect_str_eq(text(dmz, "load_balancing"), "port-id");
	cr_expect(json_is_true(json_object_get(dmz, "promiscuous")) &&
		  json_is_false(json_object_get(dmz, "mac_learning")));
	cr_expect_eq(number(dmz, "ports"), 1);
}

Test(ctl_records, fdb)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *records = NULL;
	uint64_t previous = 0;
	size_t i;
	json_t *record;

	fake_init(&fake, 2);
	fake_group(&fake, 1, "trunk", UL_VLAN_TRUNK, 0);
	for (uint8_t port = 1; port < FAKE_PORTS; port++) {
		char name[UL_NAME_LEN];

		snprintf(name, sizeof(name), "vnet%u", port);
		fake_port(&fake, port, name, port % 2, (uint8_t)(port + 1));
	}
	/* a key without a value yet, and one that is being moved, so that it is in both of its
	 * buckets */
	fake.fdb[63].key[3] = 1ULL << 63 | 0x8000;
	snapshot = take();
	records = record_fdb(snapshot);
	cr_assert_eq(json_array_size(records), FAKE_PORTS);
	json_array_foreach(records, i, record) {
		uint64_t order = (uint64_t)number(record, "vlan");

		expect_keys("show fdb", record, FDB_KEYS);
		cr_expect_geq(order, previous, "sorted by VLAN");
		previous = order;
		cr_expect_eq(json_is_true(json_object_get(record, "trunk")),
			     order == UL_VLAN_TRUNK);
	}
	cr_expect_str_eq(text(json_array_get(records, 0), "mac"), "52:54:00:00:00:01");
	cr_expect_str_eq(text(json_array_get(records, 0), "port"), "vnet0");
	cr_expect_str_eq(text(json_array_get(records, 7), "port"), "vnet7");
}

Test(ctl_records, counters)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	json_auto_t *some = NULL, *all = NULL;
	json_t *record;
	size_t i;

	fake_init(&fake, 2);
	fake.stats[1].reflected = (struct ul_count){ 3, 180 };
	fake.stats[UL_OBJECT_PORT0].sent = (struct ul_count){ UINT32_MAX + 7ULL, 1 };
	fake.stats[UL_OBJECT_NONE].unknown_port = (struct ul_count){ 1, 60 };
	snapshot = take();
	some = record_counters(snapshot, false);
	all = record_counters(snapshot, true);
	cr_assert_eq(json_array_size(some), 3);
	json_array_foreach(some, i, record)
		expect_keys("show counters", record, COUNTER_KEYS);
	record = json_array_get(some, 0);
	cr_expect_str_eq(text(record, "scope"), "uplink");
	cr_expect_str_eq(text(record, "name"), "eth1");
	cr_expect_str_eq(text(record, "reason"), "reflected");
	cr_expect_str_eq(text(record, "kind"), "drop");
	cr_expect_eq(number(record, "packets"), 3);
	record = json_array_get(some, 1);
	cr_expect_str_eq(text(record, "scope"), "port");
	cr_expect_eq(number(record, "packets"), (json_int_t)UINT32_MAX + 7, "64 bits");
	cr_expect_str_eq(text(json_array_get(some, 2), "scope"), "switch");
	cr_expect_eq(json_array_size(all), 3 * UL_N_REASONS + 1);
}

/* ---- findings
 * ----------------------------------------------------------------------------------------------------------
 */
/* "error no_uplink prod|warning ...": what was found, in order. */
static void expect_found(struct snapshot *before, const char *expected)
{
	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *problems = problems_find(now, before);
	char found[1024] = "";
	json_t *problem;
	size_t i;

	json_array_foreach(problems, i, problem) {
		size_t n = strlen(found);

		expect_keys("problems", problem, PROBLEM_KEYS);
		snprintf(found + n, sizeof(found) - n, "%s%s %s %s", n ? "|" : "",
			 text(problem, "severity"), text(problem, "code"), text(problem, "object"));
	}
	cr_expect_str_eq(found, expected);
}

Test(ctl_problems, none)
{
	fake_init(&fake, 2);
	expect_found(NULL, "");
}

Test(ctl_problems, uplinks)
{
	fake_init(&fake, 2);
	fake_cut(&fake, 1);
	expect_found(NULL, "warning uplink_no_carrier eth1");
	fake.uplinks[1].flags &= ~(uint32_t)UL_UP_ADMIN;
	expect_found(NULL, "warning uplink_down eth1");
	fake.uplinks[1].ifindex = 0;
	expect_found(NULL, "warning uplink_missing eth1");
	fake_init(&fake, 2);
	fake.uplinks[1].flags = (fake.uplinks[1].flags & ~(uint32_t)UL_UP_SEND) | UL_UP_DRAINED;
	expect_found(NULL, "note uplink_drained eth1");
	fake.uplinks[1].flags = (fake.uplinks[1].flags & ~(uint32_t)UL_UP_DRAINED) | UL_UP_SPARE;
	expect_found(NULL, "note uplink_spare eth1");
	fake.uplinks[1].flags &= ~(uint32_t)UL_UP_SPARE;
	expect_found(NULL, "note uplink_waiting eth1");
	fake.meta.channel = UL_CHANNEL_LACP;
	expect_found(NULL, "warning uplink_waiting eth1");
}

Test(ctl_problems, tells_where_the_flows_are)
{
	fake_init(&fake, 3);
	fake_cut(&fake, 1);
	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *problems = problems_find(now, NULL);

	cr_expect_str_eq(text(json_array_get(problems, 0), "message"),
			 "eth1 has no carrier: its flows are on eth0 and eth2");
}

Test(ctl_problems, groups)
{
	const uint8_t active[] = { 0 }, standby[] = { 1 };

	fake_init(&fake, 2);
	fake_policy(&fake, 0, UL_M_FAILOVER_ORDER, UL_POLICY_ORDERED, active, 1, standby, 1);
	fake_group(&fake, 1, "dev", 200, 0);
	expect_found(NULL, "");
	fake_cut(&fake, 0);
	expect_found(NULL, "warning standby_in_use prod, dev|warning uplink_no_carrier eth0");
	fake_cut(&fake, 1);
	expect_found(
		NULL,
		"error no_uplink prod, dev|warning uplink_no_carrier eth0|warning uplink_no_carrier eth1");
}

Test(ctl_problems, ports)
{
	fake_init(&fake, 2);
	fake.ports[0].ifindex = 0;
	expect_found(NULL, "note port_missing vnet0");
}

Test(ctl_problems, stopped_daemon)
{
	fake_init(&fake, 1);
	fake.meta.n_uplinks = 0;
	fake.groups[0].flags = 0;
	fake_stop_daemon(&fake, 65);
	_cleanup_(snapshot_freep) struct snapshot *now = take();
	json_auto_t *problems = problems_find(now, NULL);

	cr_assert_eq(json_array_size(problems), 1);
	cr_expect_str_eq(text(json_array_get(problems, 0), "code"), "daemon_stopped");
	cr_expect(strstr(text(json_array_get(problems, 0), "message"), "since 1 min 5 s"), "%s",
		  text(json_array_get(problems, 0), "message"));
}

Test(ctl_problems, counters_that_grow)
{
	_cleanup_(snapshot_freep) struct snapshot *before = NULL;

	fake_init(&fake, 2);
	fake.stats[0].inactive_uplink.packets = 10;
	fake.stats[UL_OBJECT_PORT0].forged_source.packets = 1;
	before = take();
	cr_expect(problems_want_second_look(before));
	expect_found(before, "note inactive_uplink eth0|note forged_source vnet0");
	fake.stats[0].inactive_uplink.packets++;
	fake.stats[UL_OBJECT_PORT0].forged_source.packets++;
	expect_found(before, "warning inactive_uplink eth0|warning forged_source vnet0");
	expect_found(NULL, "note inactive_uplink eth0|note forged_source vnet0");
	/* a counter that was reset does not grow */
	fake.stats[0].inactive_uplink.packets = 1;
	fake.stats[UL_OBJECT_PORT0].forged_source.packets = 0;
	expect_found(before, "note inactive_uplink eth0");
}

/* On a declared channel one reflected frame proves that the switch ports are not bundled; without a
 * channel the switch floods to all uplinks. */
Test(ctl_problems, reflected)
{
	fake_init(&fake, 2);
	fake.stats[1].reflected.packets = 1;
	expect_found(NULL, "error reflected eth1");
	fake.meta.channel = UL_CHANNEL_NONE;
	expect_found(NULL, "");
	_cleanup_(snapshot_freep) struct snapshot *now = take();

	cr_expect_not(problems_want_second_look(now));
}

/* ---- all together, from pinned maps
 * ---------------------------------------------------------------------------------- */
static struct fake_fs fs;

static void mount_it(void)
{
	fake_mount(&fs);
	fake_init(&fake, 2);
	fake.stats[0].sent = (struct ul_count){ 1000, 1200000 };
	fake.stats[0].to_port = (struct ul_count){ 900, 900000 };
	fake.stats[1].sent = (struct ul_count){ 500, 700000 };
	fake_pin(&fs, &fake, "vswitch0");
	fake.meta.channel = UL_CHANNEL_NONE;
	fake_pin(&fs, &fake, "storage");
	setenv("LC_ALL", "C", 1);
}

static void unmount_it(void)
{
	fake_unmount(&fs);
}

TestSuite(ctl_pinned, .init = mount_it, .fini = unmount_it, .timeout = 30);

#define HERE "--bpffs", fs.directory, "--run-dir", fs.directory

Test(ctl_pinned, json_of_each_command)
{
	static const struct {
		const char *what, *keys;
		size_t n; /* rows of one switch */
	} shows[] = {
		{ "uplinks", UPLINK_KEYS, 2 },	 { "ports", PORT_KEYS, 1 },
		{ "groups", GROUP_KEYS, 1 },	 { "fdb", FDB_KEYS, 1 },
		{ "counters", COUNTER_KEYS, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(shows); i++) {
		_cleanup_run_ struct run all = run_ctl("show", shows[i].what, "--json", HERE, NULL),
					 one = run_ctl(HERE, "--json", "show", shows[i].what,
						       "vswitch0", NULL);
		json_auto_t *rows = run_json(&all), *some = run_json(&one);

		cr_expect_eq(all.status, CTL_DONE);
		cr_assert_eq(json_array_size(rows), 2 * shows[i].n, "show %s: %zu rows",
			     shows[i].what, json_array_size(rows));
		cr_expect_eq(json_array_size(some), shows[i].n, "show %s vswitch0", shows[i].what);
		expect_keys(shows[i].what, json_array_get(rows, 0), shows[i].keys);
		cr_expect_str_eq(text(json_array_get(rows, 0), "switch"), "storage",
				 "switches are sorted by name");
	}
	_cleanup_run_ struct run which =
		run_ctl("which", "vswitch0", "prod", "10.0.0.1", "10.0.0.2", "--json", HERE, NULL);
	json_auto_t *answer = run_json(&which);

	cr_expect_eq(which.status, CTL_DONE);
	expect_keys("which", answer, WHICH_KEYS);
	cr_expect_str_eq(text(answer, "uplink"), "eth1");
	cr_expect_eq(number(answer, "ifindex"), 1001);
	cr_expect_eq(number(answer, "hash"), 3);
	cr_expect_eq(number(answer, "bucket"), 3);
	cr_expect_eq(number(answer, "buckets"), 1024);

	_cleanup_run_ struct run status = run_ctl("status", "--json", HERE, NULL);
	json_auto_t *screen = run_json(&status);
	json_t *one = json_array_get(json_object_get(screen, "switches"), 1);

	expect_keys("status", screen, "daemon:o switches:a");
	expect_keys(
		"status", one,
		"name:s channel:s receive:s mtu:i generation:i abi_version:i daemon_alive:b ports:i uplinks:a groups:a problems:a");
	expect_keys("status", json_array_get(json_object_get(one, "uplinks"), 0), UPLINK_KEYS);
	expect_keys("status", json_array_get(json_object_get(one, "groups"), 0), GROUP_KEYS);
	cr_expect(json_is_false(json_object_get(json_object_get(screen, "daemon"), "running")));
}

Test(ctl_pinned, screen)
{
	_cleanup_run_ struct run run = run_ctl("status", "vswitch0", HERE, NULL);

	cr_expect_eq(run.status, CTL_DONE, "%s", run.err);
	cr_expect_str_eq(
		run.out,
		"vswitch0  static channel, MTU 1500, receive auto\n"
		"\n"
		"  UPLINK  STATE     SPEED  SHARE OF TRAFFIC               SENT  RECEIVED  DROPPED\n"
		"  eth0    in use  10 Gb/s  ###############       75 %  1.20 MB    900 kB        0\n"
		"  eth1    in use  10 Gb/s  #####                 25 %   700 kB       0 B        0\n"
		"\n"
		"  GROUP  VLAN  LOAD BALANCING  SERVED BY  STANDBY  PORTS\n"
		"  prod   100   src-dst-ip      eth0 eth1  -            1\n"
		"\n"
		"  ok: no problems found\n",
		"%s", run.out);
}

Test(ctl_pinned, tables)
{
	_cleanup_run_ struct run uplinks = run_ctl("show", "uplinks", "vswitch0", HERE, NULL),
				 fdb = run_ctl("show", "fdb", "vswitch0", HERE, NULL);
	_cleanup_run_ struct run which =
		run_ctl("which", "vswitch0", "prod", "10.0.0.1", "10.0.0.2", HERE, NULL);

	cr_expect(
		strstr(uplinks.out,
		       "vswitch0  1      eth1    in use  10 Gb/s  native  02:00:00:00:00:01         500"),
		"%s", uplinks.out);
	cr_expect_str_eq(fdb.out,
			 "SWITCH    VLAN  MAC                PORT   GROUP\n"
			 "vswitch0  100   52:54:00:00:00:01  vnet0  prod\n",
			 "%s", fdb.out);
	cr_expect_str_eq(which.out,
			 "10.0.0.1 -> 10.0.0.2 in vswitch0/prod: eth1\n"
			 "  home uplink: hash 3 mod 2 = 1, which is eth1\n"
			 "  src-dst-ip hash 0x00000003, bucket 3 of 1024\n",
			 "%s", which.out);
}

Test(ctl_pinned, wrong_names)
{
	_cleanup_run_ struct run run = run_ctl("status", "vswitch1", HERE, NULL),
				 group = run_ctl("which", "vswitch0", "x", "10.0.0.1", "10.0.0.2",
						 HERE, NULL);

	cr_expect_eq(run.status, CTL_WRONG_REQUEST);
	cr_expect_str_eq(run.err,
			 "uplinkctl: there is no switch 'vswitch1', but 'storage' and 'vswitch0'\n",
			 "%s", run.err);
	cr_expect_eq(group.status, CTL_WRONG_REQUEST);
}

Test(ctl_pinned, other_version)
{
	fake.meta.abi_version = UL_ABI_VERSION + 1;
	fake_pin_map(fs.path, "ul_meta", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_meta), 1, 0,
		     &fake.meta);
	_cleanup_run_ struct run run = run_ctl("show", "uplinks", "storage", HERE, NULL);

	char wanted[64];

	snprintf(wanted, sizeof(wanted), "storage: these maps are not of ABI version %d",
		 UL_ABI_VERSION);
	cr_expect_eq(run.status, CTL_SYSTEM);
	cr_expect(strstr(run.err, wanted), "%s", run.err);
}
