// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* show, status and which on pinned maps: tables, and the JSON that uplinkctl(8) promises. */
#include <linux/bpf.h>

#include "record_shapes.h"

static struct fake fake;
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

TestSuite(ctl_pinned, .init = mount_it, .fini = unmount_it, .timeout = 300);

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
		"vswitch0: ok, no problems found\n"
		"\n"
		"vswitch0: static channel, MTU 1500, receive auto; 2 uplinks, 1 group, 1 port\n"
		"\n"
		"  UPLINK  STATE     SPEED  SHARE OF TRAFFIC       SENT  RECEIVED  DROPPED\n"
		"  eth0    in use  10 Gb/s  #########     75 %  1.20 MB    900 kB        0\n"
		"  eth1    in use  10 Gb/s  ###           25 %   700 kB       0 B        0\n"
		"\n"
		"  GROUP  VLAN  LOAD BALANCING  SERVED BY  STANDBY  PORTS\n"
		"  prod   100   src-dst-ip      eth0 eth1  -            1\n",
		"%s", run.out);
}

/* The exit status of --check is that of the findings, not of the notes. */
Test(ctl_pinned, check)
{
	_cleanup_run_ struct run good = run_ctl("status", "vswitch0", "--check", HERE, NULL);

	cr_expect_eq(good.status, CTL_DONE, "%s", good.out);
	fake_init(&fake, 2);
	fake.uplinks[1].flags |= UL_UP_SPARE;
	fake_pin(&fs, &fake, "noted");
	_cleanup_run_ struct run note = run_ctl("status", "noted", "--check", HERE, NULL);

	cr_expect(strstr(note.out, "noted: 1 note\n  - eth1 has recovered"), "%s", note.out);
	cr_expect_eq(note.status, CTL_DONE);
	fake_cut(&fake, 1);
	fake_pin(&fs, &fake, "broken");
	_cleanup_run_ struct run bad = run_ctl("status", "--check", HERE, NULL),
				 unchecked = run_ctl("status", "broken", HERE, NULL),
				 json = run_ctl("--json", "status", "--check", HERE, NULL);

	cr_expect_eq(bad.status, CTL_WRONG_REQUEST);
	cr_expect(strncmp(bad.out, "broken: 1 warning\n  ! eth1 has no carrier", 40) == 0, "%s",
		  bad.out);
	cr_expect_eq(unchecked.status, CTL_DONE);
	cr_expect_eq(json.status, CTL_WRONG_REQUEST);
	json_decref(run_json(&json));
}

#define CHANNEL_LEGEND                                                                       \
	"Flags:  P - bundled             D - down                I - stand-alone\n"          \
	"        s - suspended           H - hot-standby         w - waiting for up-delay\n" \
	"        x - drained\n"                                                              \
	"Channel: S - layer 2, U - in use, D - down, M - fewer than min-links\n\n"

Test(ctl_pinned, channel_summary)
{
	fake_init(&fake, 4);
	fake.meta.channel = UL_CHANNEL_LACP;
	fake_cut(&fake, 1);
	fake.uplinks[2].flags &= ~(uint32_t)UL_UP_SEND;
	fake.lacp_ports[0].updated_ms = fake.lacp_ports[2].updated_ms = 1;
	fake.lacp_ports[2].flags = UL_LACP_OUT;
	strcpy(fake.lacp_ports[2].reason, "no LACPDU for 20 s");
	strcpy(fake.lacp_ports[0].neighbour.device, "sw1");
	strcpy(fake.lacp_ports[0].neighbour.port, "Gi1/0/1");
	fake.uplinks[3].flags |= UL_UP_DRAINED;
	fake_pin(&fs, &fake, "uplinks");
	_cleanup_run_ struct run run = run_ctl("show", "channel", "summary", "uplinks", HERE, NULL),
				 all = run_ctl("show", "channel", HERE, NULL),
				 json = run_ctl("show", "channel", "uplinks", "--json", HERE, NULL);
	json_auto_t *records = run_json(&json);
	json_t *record = json_array_get(records, 0);

	cr_expect_str_eq(
		run.out,
		CHANNEL_LEGEND
		"Number of channels in use: 1\n\n"
		"Group  Channel              Protocol  Ports\n"
		"------+--------------------+---------+------------------------------------------\n"
		"1      uplinks(SU)          LACP      eth0(P)            sw1 Gi1/0/1\n"
		"                                      eth1(D)            no carrier\n"
		"                                      eth2(s)            no LACPDU for 20 s\n"
		"                                      eth3(x)            drained\n",
		"%s", run.out);
	cr_expect(strstr(all.out, "1      storage(SU)          none      eth0(I)"), "%s", all.out);
	cr_expect(strstr(all.out, "3      vswitch0(SU)         -         eth0(P)\n"), "%s",
		  all.out);
	expect_keys("channel", record,
		    "switch:s channel:s protocol:sn in_use:b min_links_missed:b uplinks:a");
	expect_keys("channel", json_array_get(json_object_get(record, "uplinks"), 0),
		    "uplink:s flag:s meaning:s state:s neighbour_device:sn neighbour_port:sn "
		    "reason:sn");
}

Test(ctl_pinned, switch_config)
{
	_cleanup_run_ struct run good = run_ctl("switch-config", "vswitch0", "--vendor",
						"cisco-nxos", "--ports", "Eth1/1@a,Eth1/1@b", HERE,
						NULL),
				 json = run_ctl("switch-config", "vswitch0", "--vendor=aruba-cx",
						"--json", HERE, NULL),
				 none = run_ctl("switch-config", "vswitch0", HERE, NULL),
				 wrong = run_ctl("switch-config", "vswitch0", "--vendor", "cisco",
						 HERE, NULL),
				 ports = run_ctl("switch-config", "vswitch0", "--vendor",
						 "mikrotik", "--ports", "ether1", HERE, NULL);
	json_auto_t *records = run_json(&json);

	cr_expect_eq(good.status, CTL_DONE, "%s", good.err);
	cr_expect(strstr(good.out, "! a, for vswitch0: static channel\n"), "%s", good.out);
	cr_expect(strstr(good.out, "\n\n! b, for vswitch0: static channel\n"), "%s", good.out);
	cr_expect(strstr(good.out, "  vpc 1\n"), "%s", good.out);
	expect_keys("switch-config", json_array_get(records, 0),
		    "switch:s vendor:s device:s text:s");
	cr_expect_eq(none.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(none.err, "switch-config: --vendor is missing: must be cisco-ios, "), "%s",
		  none.err);
	cr_expect_eq(wrong.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(wrong.err, "--vendor cisco: must be cisco-ios, cisco-nxos, arista-eos, "
				    "juniper-junos, aruba-cx or mikrotik\n"),
		  "%s", wrong.err);
	cr_expect_eq(ports.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(ports.err, "--ports: ether1: has 1 ports: must have one for each of the 2 "
				    "uplinks of vswitch0\n"),
		  "%s", ports.err);
}

Test(ctl_pinned, diagnose_with_the_output_of_the_switch)
{
	static const char output[] = "1 Po1(SU) - Gi1/0/1(P) Gi1/0/2(s)\n";
	char path[80];
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/ul-output-%d", (int)getpid());
	file = fopen(path, "we");
	cr_assert(file);
	fwrite(output, 1, sizeof(output) - 1, file);
	fclose(file);
	_cleanup_run_ struct run found = run_ctl("diagnose", "vswitch0", "--switch-output", path,
						 "--ports", "Gi1/0/1,Gi1/0/2", "--json", HERE,
						 NULL),
				 text = run_ctl("diagnose", "vswitch0", "--switch-output", path,
						"--ports", "Gi1/0/1,Gi1/0/2", HERE, NULL),
				 unknown = run_ctl("diagnose", "vswitch0", "--switch-output", path,
						   HERE, NULL),
				 many = run_ctl("diagnose", "--switch-output", path, HERE, NULL),
				 absent = run_ctl("diagnose", "--switch-output", "/nonexistent",
						  HERE, NULL),
				 useless = run_ctl("diagnose", "vswitch0", "--switch-output",
						   "/dev/null", HERE, NULL),
				 ports = run_ctl("diagnose", "vswitch0", "--ports", "a,b", HERE,
						 NULL),
				 healthy = run_ctl("diagnose", "vswitch0", HERE, NULL);
	json_auto_t *findings = run_json(&found);

	unlink(path);
	cr_expect_eq(found.status, CTL_FINDINGS);
	cr_assert_eq(json_array_size(findings), 1, "%s", found.out);
	expect_keys("diagnose", json_array_get(findings, 0), FINDING_KEYS);
	cr_expect_eq(text.status, CTL_FINDINGS);
	cr_expect(strstr(text.out,
			 "vswitch0: 1 error\n\n!! switch_not_bundled  eth1  error, proven\n"
			 "    eth1: the switch port Gi1/0/2 is suspended\n"
			 "    evidence  output of the switch: Gi1/0/2(s) in Po1\n"),
		  "%s", text.out);
	cr_expect_eq(unknown.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(unknown.err, "name them by --ports"), "%s", unknown.err);
	cr_expect_eq(many.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(many.err, "SWITCH is missing: there are 2 switches"), "%s", many.err);
	cr_expect_eq(absent.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(absent.err, "--switch-output: /nonexistent: No such file"), "%s",
		  absent.err);
	cr_expect_eq(useless.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(useless.err, "has none of the known outputs"), "%s", useless.err);
	cr_expect_eq(ports.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(ports.err, "--ports: needs --switch-output"), "%s", ports.err);
	cr_expect_eq(healthy.status, CTL_DONE, "%s", healthy.out);
}

Test(ctl_pinned, what_if)
{
	_cleanup_run_ struct run text = run_ctl("what-if", "--without", "eth1", "vswitch0", HERE,
						NULL),
				 json = run_ctl("what-if", "vswitch0", "--load-balancing",
						"src-mac", "--json", HERE, NULL);
	json_auto_t *record = run_json(&json);
	/* clang-format off */
	static const struct { const char *words[4], *err; } wrong[] = {
		{ { "vswitch0" }, "what-if: --without or --load-balancing is missing" },
		{ { "vswitch0", "--without=eth7" }, "--without: eth7: is not an uplink of vswitch0" },
		{ { "vswitch0", "--without=eth0,eth7" }, "--without: eth7: is not an uplink of vswitch0" },
		{ { "vswitch0", "--without=eth0," }, "--without: : is not an uplink of vswitch0" },
		{ { "--load-balancing=src-mac" }, "what-if: SWITCH is missing: there are 2 switches" },
		{ { "vswitch0", "--load-balancing=port-id" }, "--load-balancing: port-id: must be one of the methods of channel 'static': src-dst-ip, " },
	};
	/* clang-format on */

	cr_expect_eq(text.status, CTL_DONE, "%s", text.err);
	cr_expect(strstr(text.out, "  UPLINK    SPEED  SENT NOW   THEN  OF SPEED  NOTE\n"), "%s",
		  text.out);
	cr_expect(strstr(text.out, "  eth1  eth0      512"), "%s", text.out);
	cr_expect(strstr(text.out, "likely: the load"), "%s", text.out);
	cr_expect_str_eq(json_string_value(json_object_get(record, "load_balancing")), "src-mac");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const char *const *w = wrong[i].words;
		_cleanup_run_ struct run run = run_ctl(HERE, "what-if", w[0], w[1], w[2], NULL);

		cr_expect_eq(run.status, CTL_WRONG_REQUEST, "%s", run.err);
		cr_expect(strstr(run.err, wrong[i].err), "%s", run.err);
	}
}

Test(ctl_pinned, tables)
{
	_cleanup_run_ struct run uplinks = run_ctl("show", "uplinks", "vswitch0", HERE, NULL),
				 fdb = run_ctl("show", "fdb", "vswitch0", HERE, NULL);
	_cleanup_run_ struct run which =
		run_ctl("which", "vswitch0", "prod", "10.0.0.1", "10.0.0.2", HERE, NULL);

	cr_expect(
		strstr(uplinks.out,
		       "eth1    in use  10 Gb/s  native  02:00:00:00:00:01    700 kB       0 B        0\n"),
		"%s", uplinks.out);
	cr_expect_str_eq(fdb.out,
			 "SWITCH    VLAN  MAC                PORT   GROUP  STATE      AGE S\n"
			 "vswitch0  100   52:54:00:00:00:01  vnet0  prod   confirmed      -\n",
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
	cr_expect_str_eq(
		run.err,
		"uplinkctl: vswitch1: no such switch; existing switches: storage, vswitch0\n", "%s",
		run.err);
	cr_expect_eq(group.status, CTL_WRONG_REQUEST);
}

Test(ctl_pinned, wait_for_usable_uplinks)
{
	_cleanup_run_ struct run all = run_ctl("wait", "--timeout", "0", HERE, NULL);

	cr_expect_eq(all.status, CTL_DONE, "%s", all.err);
	cr_expect_str_eq(all.out, "");
	fake_cut(&fake, 0);
	fake_pin(&fs, &fake, "half");
	_cleanup_run_ struct run half = run_ctl("wait", "--timeout", "0", HERE, NULL);

	cr_expect_eq(half.status, CTL_DONE, "one uplink is left: %s", half.err);
	fake_cut(&fake, 1);
	fake_pin(&fs, &fake, "dark");
	_cleanup_run_ struct run none = run_ctl("wait", "--timeout", "0", HERE, NULL),
				 other = run_ctl("wait", "half", HERE, NULL);

	cr_expect_eq(none.status, CTL_SYSTEM);
	cr_expect_str_eq(none.err,
			 "uplinkctl: dark: no usable uplink after 0 s; see 'uplinkctl status'\n",
			 "%s", none.err);
	cr_expect_eq(other.status, CTL_DONE, "%s", other.err);
}

Test(ctl_pinned, wait_for_a_switch_that_does_not_exist)
{
	_cleanup_run_ struct run run = run_ctl("wait", "vswitch1", "--timeout", "0", HERE, NULL),
				 wrong = run_ctl("wait", "--timeout", "90000", HERE, NULL);

	cr_expect_eq(run.status, CTL_SYSTEM);
	cr_expect(strstr(run.err, "vswitch1: no such switch"), "%s", run.err);
	cr_expect_eq(wrong.status, CTL_WRONG_REQUEST);
	cr_expect_str_eq(wrong.err,
			 "uplinkctl: --timeout 90000: must be a number of seconds, 0-86400\n", "%s",
			 wrong.err);
}

Test(ctl_pinned, other_version)
{
	fake.meta.abi_version = UL_ABI_VERSION + 1;
	fake_pin_map(fs.path, "ul_meta", BPF_MAP_TYPE_ARRAY, sizeof(struct ul_meta), 1, 0,
		     &fake.meta);
	_cleanup_run_ struct run run = run_ctl("show", "uplinks", "storage", HERE, NULL);

	char wanted[80];

	snprintf(wanted, sizeof(wanted),
		 "storage: cannot read the maps: their ABI version is not %d", UL_ABI_VERSION);
	cr_expect_eq(run.status, CTL_SYSTEM);
	cr_expect(strstr(run.err, wanted), "%s", run.err);
}
