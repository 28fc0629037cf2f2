// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* show lacp as text, from pinned maps. */
#include <criterion/criterion.h>

#include "ctl_run.h"
#include "lacp_fake.h"

TestSuite(ctl_lacp, .timeout = 300);

static struct fake fake;
static struct fake_fs fs;

static void expect_in(const char *out, const char *words)
{
	cr_expect(strstr(out, words), "'%s' is not in:\n%s", words, out);
}

Test(ctl_lacp, text)
{
	fake_lacp(&fake);
	fake_take_out(&fake, "no LACPDU for 20 s: the switch port has no LACP, or a static channel",
		      1U << LACP_FIND_NO_PDU);
	fake.lacp_ports[1].actor.state = 0x47;
	fake.lacp_ports[1].neighbour = (struct ul_neighbour){ .seen_ms = now_ms(),
							      .protocol = UL_NEIGHBOUR_CDP,
							      .device = "cat-1",
							      .port = "Te1/1" };
	fake_mount(&fs);
	fake_pin(&fs, &fake, "vswitch0");
	setenv("COLUMNS", "250", 1);
	_cleanup_run_ struct run run = run_ctl("show", "lacp", "--bpffs", fs.directory, NULL);
	_cleanup_run_ struct run json =
		run_ctl("show", "lacp", "vswitch0", "--json", "--bpffs", fs.directory, NULL);
	json_auto_t *records = run_json(&json);

	cr_assert_eq(run.status, CTL_DONE, "%s", run.err);
	expect_in(run.out,
		  "vswitch0  LACP active, fast rate, system 65535,02:00:00:00:00:01 key 1\n");
	expect_in(run.out, "ATGSCD--");
	expect_in(run.out, "A-GSCD--");
	expect_in(run.out, "ATG---F-");
	expect_in(run.out, "32768,00:1c:73:aa:bb:01");
	expect_in(run.out, "128,9");
	expect_in(run.out, "0.9/1.0/1.1 s");
	expect_in(run.out, "none/none");
	expect_in(run.out, "cat-1 Te1/1 (cdp)");
	expect_in(run.out, "  eth0: collecting and distributing\n");
	expect_in(run.out,
		  "  eth1: no LACPDU for 20 s: the switch port has no LACP, or a static channel\n");
	expect_in(run.out, "no_lacpdu\n");
	expect_in(run.out, "set the switch ports to LACP");
	expect_in(run.out, "EXCESS");
	expect_in(run.out, "118");
	cr_expect_eq(json_array_size(records), 2);
	fake_unmount(&fs);
}

Test(ctl_lacp, text_without_daemon_and_without_lacp)
{
	fake_lacp(&fake);
	fake_stop_daemon(&fake, 20);
	fake_mount(&fs);
	fake_pin(&fs, &fake, "vswitch0");
	fake_init(&fake, 1);
	fake_pin(&fs, &fake, "vswitch1");
	_cleanup_run_ struct run run = run_ctl("show", "lacp", "--bpffs", fs.directory, NULL);

	cr_assert_eq(run.status, CTL_DONE, "%s", run.err);
	expect_in(
		run.out,
		"uplinkd is not running, this is the last known state; uplink_xdp answers LACPDUs for another 4 min");
	expect_in(run.out, "vswitch1  static channel, no LACP\n");
	fake_unmount(&fs);
}
