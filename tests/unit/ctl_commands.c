// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The command line: help, and which errors are reported, without a switch or a daemon. */
#include <criterion/criterion.h>

#include "ctl_run.h"

TestSuite(ctl_commands, .timeout = 300);

#define NOWHERE "--bpffs", "/tmp/ul-no-such-dir", "--run-dir", "/tmp/ul-no-such-dir"

/* Words (up to NULL), exit status, and a part of standard output or standard error. */
static const struct {
	const char *words[12];
	int status;
	const char *out, *err;
	/* clang-format off */
} lines[] = {
	{ { NULL }, CTL_WRONG_REQUEST, "", "Usage: uplinkctl [OPTION...] COMMAND" },
	{ { "--help" }, CTL_DONE, "which SWITCH GROUP SRC [DST]", "" },
	{ { "-h" }, CTL_DONE, "Exit status: 0 done", "" },
	{ { "help" }, CTL_DONE, "--bpffs DIR", "" },
	{ { "status", "--help" }, CTL_DONE, "Usage: uplinkctl [OPTION...] status [SWITCH] [--check] [--all]\n\nproblems, uplinks", "" },
	{ { "help", "show", "counters" }, CTL_DONE, "\nOptions:\n  --all ", "" },
	{ { "help", "which" }, CTL_DONE, "--sport N ", "" },
	{ { "show", "--help" }, CTL_DONE, "Commands:\n  show uplinks ", "" },
	{ { "--help", "port", "add" }, CTL_DONE, "uplinkctl [OPTION...] port add SWITCH GROUP IFACE [--mac MAC]", "" },
	{ { "nonsense", "--help" }, CTL_DONE, "uplinkctl [OPTION...] COMMAND", "" },
	{ { "--version" }, CTL_DONE, "uplinkctl " UL_VERSION "\n", "" },
	{ { "status", "--version" }, CTL_DONE, "uplinkctl " UL_VERSION "\n", "" },
	/* the most similar name */
	{ { "statsu" }, CTL_WRONG_REQUEST, "", "uplinkctl: statsu: unknown command; the most similar command is 'status'" },
	/* unique prefixes */
	{ { "stat", NOWHERE }, CTL_SYSTEM, "", "no switch found" },
	{ { "sh", "up", NOWHERE }, CTL_SYSTEM, "", "no switch found" },
	{ { "u", "d", "eth0", NOWHERE }, CTL_SYSTEM, "", "uplinkd is not running" },
	{ { "s" }, CTL_WRONG_REQUEST, "", "uplinkctl: s: ambiguous command: may be status, show, switch-config, support-bundle, schema\n" },
	{ { "r" }, CTL_WRONG_REQUEST, "", "r: ambiguous command: may be reload, rollback\n" },
	{ { "sh", "g", "--help" }, CTL_DONE, "uplinkctl [OPTION...] show groups [SWITCH]", "" },
	{ { "show", "" }, CTL_WRONG_REQUEST, "", "unknown subcommand" },
	{ { "" }, CTL_WRONG_REQUEST, "", "unknown command" },
	{ { "sho", "x" }, CTL_WRONG_REQUEST, "", "show x: unknown subcommand: must be uplinks" },
	{ { "show", "c" }, CTL_WRONG_REQUEST, "", "c: ambiguous command: may be counters, channel, config\n" },
	{ { "-V" }, CTL_DONE, "uplinkctl " UL_VERSION "\n", "" },
	{ { "p", "--help" }, CTL_DONE, "Commands:\n  port add ", "" },
	{ { "relaod" }, CTL_WRONG_REQUEST, "", "the most similar command is 'reload'" },
	{ { "uplinks" }, CTL_WRONG_REQUEST, "", "the most similar command is 'show uplinks'" },
	{ { "drain", "eth0" }, CTL_WRONG_REQUEST, "", "the most similar command is 'uplink drain'" },
	{ { "shwo", "fdb" }, CTL_WRONG_REQUEST, "", "the most similar command is 'show fdb'" },
	{ { "xyzzy" }, CTL_WRONG_REQUEST, "", "xyzzy: unknown command; see 'uplinkctl --help'" },
	{ { "show" }, CTL_WRONG_REQUEST, "", "show: missing subcommand: must be uplinks, ports, groups, lacp, fdb, counters, channel or config\n" },
	{ { "show", "everything" }, CTL_WRONG_REQUEST, "", "show everything: unknown subcommand: must be uplinks, ports, groups, lacp, fdb, counters, channel or config\n" },
	{ { "port", "remove" }, CTL_WRONG_REQUEST, "", "port remove: unknown subcommand: must be add or del\n" },
	{ { "--jsno" }, CTL_WRONG_REQUEST, "", "--jsno: unknown option; the most similar option is '--json'" },
	{ { "--frobnicate" }, CTL_WRONG_REQUEST, "", "--frobnicate: unknown option" },
	{ { "-x" }, CTL_WRONG_REQUEST, "", "-x: unknown option" },
	/* options */
	{ { "--bpffs" }, CTL_WRONG_REQUEST, "", "--bpffs: DIR is missing" },
	{ { "--json=yes", "status" }, CTL_WRONG_REQUEST, "", "--json: takes no value" },
	{ { "status", "--mac", "02:00:00:00:00:01" }, CTL_WRONG_REQUEST, "", "status: has no option --mac; usage: uplinkctl status [SWITCH]" },
	{ { "show", "uplinks", "--all" }, CTL_WRONG_REQUEST, "", "show uplinks: has no option --all" },
	{ { "show", "ports", "-o" }, CTL_WRONG_REQUEST, "", "-o: COL,... is missing" },
	{ { "show", "ports", "-o", "name", "--json" }, CTL_WRONG_REQUEST, "", "-o: cannot be combined with --json" },
	{ { "which", "a", "b", "c", "-oname" }, CTL_WRONG_REQUEST, "", "which: has no option --columns" },
	{ { "show", "ports", "-o", "help" }, CTL_DONE, "name                 PORT\n", "" },
	{ { "show", "lacp", "--columns=help" }, CTL_DONE, "partner              PARTNER\n", "" },
	{ { "show", "channel", "status" , "vswitch0" }, CTL_WRONG_REQUEST, "", "show channel: status: unknown word: must be 'summary'" },
	{ { "port", "add", "a", "b", "c", "--sport", "1" }, CTL_WRONG_REQUEST, "", "port add: has no option --sport" },
	/* number of arguments */
	{ { "which", "vswitch0", "prod" }, CTL_WRONG_REQUEST, "", "which: arguments are missing; usage: uplinkctl which SWITCH GROUP SRC [DST]" },
	{ { "which", "a", "b", "c", "d", "e" }, CTL_WRONG_REQUEST, "", "which: too many arguments" },
	{ { "reload", "a", "b" }, CTL_WRONG_REQUEST, "", "reload: too many arguments; usage: uplinkctl reload [--confirm SECONDS] [FILE]\n" },
	{ { "reload", "/tmp/ul-no-such-file" }, CTL_WRONG_REQUEST, "", "uplinkctl: /tmp/ul-no-such-file: cannot be read: No such file" },
	{ { "reload", "--confirm", "0" }, CTL_WRONG_REQUEST, "", "--confirm 0: must be a number of seconds, 1-86400" },
	{ { "confirm", "now" }, CTL_WRONG_REQUEST, "", "confirm: too many arguments" },
	{ { "check" }, CTL_WRONG_REQUEST, "", "check: arguments are missing; usage: uplinkctl check [--kernel] FILE" },
	{ { "import", "nonsense" }, CTL_WRONG_REQUEST, "", "uplinkctl: nonsense: unknown source: must be live, ip:PATH" },
	{ { "adopt", "ip:/tmp" }, CTL_WRONG_REQUEST, "", "adopt: ip:/tmp: only the running network (live) can be moved" },
	{ { "adopt", "ovs", "ip:/tmp" }, CTL_WRONG_REQUEST, "", "adopt: ip:/tmp: only the running network (live) can be moved" },
	{ { "adopt", "live", "netplan" }, CTL_WRONG_REQUEST, "", "adopt: netplan: only the running network (live) can be moved" },
	{ { "adopt", "--undo", "--dry-run" }, CTL_WRONG_REQUEST, "", "adopt: --undo: cannot be combined with other arguments" },
	{ { "adopt", "--dry-run", "--confirm", "60" }, CTL_WRONG_REQUEST, "", "--confirm has no effect" },
	{ { "adopt", "--confirm", "5" }, CTL_WRONG_REQUEST, "", "--confirm 5: must be a number of seconds, 10-86400" },
	{ { "status", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", NULL }, CTL_WRONG_REQUEST, "", "status: too many arguments" },
	/* values */
	{ { "port", "add", "s", "g", "i", "--mac", "02:00" }, CTL_WRONG_REQUEST, "", "--mac 02:00: must be a MAC address" },
	{ { "port", "add", "s", "g", "i", "--mac=01:00:5e:00:00:01" }, CTL_WRONG_REQUEST, "", "must be a unicast address" },
	/* no daemon, no switch: both orders of options, both ways to give a value */
	{ { NOWHERE, "status" }, CTL_SYSTEM, "", "uplinkctl: /tmp/ul-no-such-dir/uplinkd: no switch found; start uplinkd" },
	{ { "status", "--bpffs=/tmp/ul-no-such-dir" }, CTL_SYSTEM, "", "/tmp/ul-no-such-dir/uplinkd: no switch found" },
	{ { "show", NOWHERE, "ports", "vswitch0" }, CTL_SYSTEM, "", "no switch found" },
	{ { "--json", NOWHERE, "which", "a", "b", "10.0.0.1", "10.0.0.2" }, CTL_SYSTEM, "", "no switch found" },
	{ { "diff", NOWHERE }, CTL_SYSTEM, "", "uplinkd is not running" },
	{ { "show", "config", NOWHERE }, CTL_SYSTEM, "", "uplinkd is not running" },
	{ { "rollback", NOWHERE }, CTL_SYSTEM, "", "uplinkd is not running" },
	{ { "reload", NOWHERE }, CTL_SYSTEM, "", "uplinkd is not running (socket /tmp/ul-no-such-dir/uplinkd.sock): start it with" },
	{ { "port", "del", "vnet0", "--socket", "/tmp/ul-no-such-dir/s" }, CTL_SYSTEM, "", "uplinkd is not running (socket /tmp/ul-no-such-dir/s)" },
	{ { "uplink", "drain", "eth0", NOWHERE }, CTL_SYSTEM, "", "uplinkd is not running" },
	{ { "uplink", "undrain", NOWHERE, "--", "eth0" }, CTL_SYSTEM, "", "uplinkd is not running" },
};
/* clang-format on */

Test(ctl_commands, lines)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *const *w = lines[i].words;
		_cleanup_run_ struct run run = run_ctl(w[0], w[1], w[2], w[3], w[4], w[5], w[6],
						       w[7], w[8], w[9], w[10], w[11], NULL);

		cr_expect_eq(run.status, lines[i].status,
			     "line %zu (%s ...): status %d, expected %d", i, w[0] ? w[0] : "",
			     run.status, lines[i].status);
		cr_expect(strstr(run.out, lines[i].out), "line %zu (%s ...): out: %s\nexpected: %s",
			  i, w[0] ? w[0] : "", run.out, lines[i].out);
		cr_expect(strstr(run.err, lines[i].err), "line %zu (%s ...): err: %s\nexpected: %s",
			  i, w[0] ? w[0] : "", run.err, lines[i].err);
		if (lines[i].status == CTL_DONE)
			cr_expect_str_eq(run.err, "", "line %zu: done, but standard error has: %s",
					 i, run.err);
		else
			cr_expect_str_eq(run.out, "",
					 "line %zu: failed, but standard output has: %s", i,
					 run.out);
	}
}

Test(ctl_commands, help_fits_a_terminal)
{
	_cleanup_run_ struct run run = run_ctl("--help", NULL);
	char *rest = run.out, *line;

	while ((line = strsep(&rest, "\n")))
		cr_expect_leq(text_width(line), 100, "%s", line);
}

#ifndef UNIT_MAN_PAGE
#define UNIT_MAN_PAGE "docs/uplinkctl.8.scd"
#endif

/* "  show uplinks [SWITCH]   ..." -> "\n*show uplinks*"; "  --json   ..." -> "*--json*" */
static void expect_documented(const char *page, const char *line)
{
	char copy[256], wanted[64] = "", *rest = copy, *word;
	bool option = line[2] == '-';

	snprintf(copy, sizeof(copy), "%s", line + 2);
	while ((word = strsep(&rest, " ")) && *word && *word != '[' &&
	       !(*word >= 'A' && *word <= 'Z')) {
		size_t n = strlen(wanted);

		if (option && word[1] != '-') /* "-j," in front of "--json" */
			continue;
		snprintf(wanted + n, sizeof(wanted) - n, "%s%s",
			 n	? " " :
			 option ? "*" :
				  "\n*",
			 word);
	}
	strcat(wanted, "*");
	cr_expect(strstr(page, wanted), "the man page does not have %s", wanted);
}

Test(ctl_commands, man_page_has_every_command_and_option)
{
	_cleanup_run_ struct run run = run_ctl("--help", NULL);
	_cleanup_fclose_ FILE *file = fopen(UNIT_MAN_PAGE, "re");
	static char page[65536];
	char *rest = run.out, *line;
	int n = 0;

	cr_assert(file, "%s: run from the top folder, or set UNIT_MAN_PAGE", UNIT_MAN_PAGE);
	cr_assert_gt(fread(page, 1, sizeof(page) - 1, file), 1000);
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "  ", 2) != 0 || line[2] == ' ')
			continue;
		expect_documented(page, line);
		n++;
	}
	cr_expect_geq(n, 19, "only %d lines of --help were understood", n);
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

Test(ctl_commands, check)
{
	char good[] = "/tmp/ul-check-XXXXXX", bad[] = "/tmp/ul-check-XXXXXX";

	write_file(
		good,
		"switches:\n  - name: vswitch0\n    uplinks: [eth0, eth1]\n    channel: static\n    port-groups:\n"
		"      - name: prod\n        vlan: 100\n        ports:\n          - {interface: vnet0, mac: \"52:54:00:12:34:56\"}\n");
	write_file(
		bad,
		"switches:\n  - name: vswitch0\n    uplinks: [eth0, eth1]\n    channel: maybe\n    port-groups:\n"
		"      - name: prod\n        vlan: 5000\n");

	_cleanup_run_ struct run valid = run_ctl("check", good, NULL),
				 json = run_ctl("check", good, "--json", NULL);
	_cleanup_run_ struct run invalid = run_ctl("check", bad, NULL),
				 json_invalid = run_ctl("check", "--json", bad, NULL);
	_cleanup_run_ struct run missing = run_ctl("check", "/tmp/ul-no-such-dir/x.yaml", NULL);
	json_auto_t *record = run_json(&json), *errors = run_json(&json_invalid);

	unlink(good);
	unlink(bad);
	cr_expect_eq(valid.status, CTL_DONE, "%s", valid.err);
	cr_expect(strstr(valid.out, ": valid: 1 switch, 2 uplinks, 1 port group, 1 port\n"), "%s",
		  valid.out);
	expect_keys("check", record,
		    "file:s valid:b errors:a switches:i uplinks:i groups:i ports:i");
	cr_expect_eq(json_integer_value(json_object_get(record, "uplinks")), 2);

	cr_expect_eq(invalid.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(invalid.err, "switches[0].channel"), "%s", invalid.err);
	cr_expect(strstr(invalid.err, "switches[0].port-groups[0].vlan"),
		  "all mistakes at once: %s", invalid.err);
	cr_expect_eq(json_invalid.status, CTL_WRONG_REQUEST);
	cr_expect_geq(json_array_size(json_object_get(errors, "errors")), 2);
	cr_expect(json_is_false(json_object_get(errors, "valid")));

	cr_expect_eq(missing.status, CTL_WRONG_REQUEST);
	cr_expect(strstr(missing.err, "/tmp/ul-no-such-dir/x.yaml"), "%s", missing.err);
}
