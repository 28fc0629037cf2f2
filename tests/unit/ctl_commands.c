// SPDX-License-Identifier: GPL-2.0
/* The command line: what is refused and how, without any switch or daemon there. */
#include <criterion/criterion.h>

#include "ctl_run.h"

TestSuite(ctl_commands, .timeout = 30);

#define NOWHERE "--bpffs", "/tmp/ul-no-such-dir", "--run-dir", "/tmp/ul-no-such-dir"

/* Words (up to NULL), exit status, and a part of standard output or standard error. */
static const struct {
	const char *words[12];
	int status;
	const char *out, *err;
} lines[] = {
	{ { NULL }, CTL_WRONG_REQUEST, "", "uplinkctl [OPTION...] COMMAND" },
	{ { "--help" }, CTL_DONE, "which SWITCH GROUP SRC [DST]", "" },
	{ { "-h" }, CTL_DONE, "Exit status: 0 done", "" },
	{ { "help" }, CTL_DONE, "--bpffs DIR", "" },
	{ { "status", "--help" }, CTL_DONE, "uplinkctl status [SWITCH]: one screen", "" },
	{ { "--help", "port", "add" },
	  CTL_DONE,
	  "uplinkctl port add SWITCH GROUP IFACE [--mac MAC]",
	  "" },
	{ { "nonsense", "--help" }, CTL_DONE, "uplinkctl [OPTION...] COMMAND", "" },
	{ { "--version" }, CTL_DONE, "uplinkctl " UL_VERSION "\n", "" },
	{ { "status", "--version" }, CTL_DONE, "uplinkctl " UL_VERSION "\n", "" },
	/* what was meant */
	{ { "statsu" }, CTL_WRONG_REQUEST, "", "unknown command 'statsu': did you mean 'status'?" },
	{ { "stat" }, CTL_WRONG_REQUEST, "", "did you mean 'status'?" },
	{ { "relaod" }, CTL_WRONG_REQUEST, "", "did you mean 'reload'?" },
	{ { "uplinks" }, CTL_WRONG_REQUEST, "", "did you mean 'show uplinks'?" },
	{ { "drain", "eth0" }, CTL_WRONG_REQUEST, "", "did you mean 'uplink drain'?" },
	{ { "shwo", "fdb" }, CTL_WRONG_REQUEST, "", "did you mean 'show fdb'?" },
	{ { "xyzzy" }, CTL_WRONG_REQUEST, "", "unknown command 'xyzzy': see 'uplinkctl --help'" },
	{ { "show" },
	  CTL_WRONG_REQUEST,
	  "",
	  "show what?: must be uplinks, ports, groups, lacp, fdb or counters\n" },
	{ { "show", "everything" },
	  CTL_WRONG_REQUEST,
	  "",
	  "show everything: must be uplinks, ports, groups, lacp, fdb or counters\n" },
	{ { "port", "remove" }, CTL_WRONG_REQUEST, "", "port remove: must be add or del\n" },
	{ { "--jsno" }, CTL_WRONG_REQUEST, "", "unknown option '--jsno': did you mean '--json'?" },
	{ { "--frobnicate" }, CTL_WRONG_REQUEST, "", "unknown option '--frobnicate'" },
	{ { "-x" }, CTL_WRONG_REQUEST, "", "unknown option '-x'" },
	/* options */
	{ { "--bpffs" }, CTL_WRONG_REQUEST, "", "--bpffs: the DIR is missing" },
	{ { "--json=yes", "status" }, CTL_WRONG_REQUEST, "", "--json takes no value" },
	{ { "status", "--mac", "02:00:00:00:00:01" },
	  CTL_WRONG_REQUEST,
	  "",
	  "'status' has no option --mac: uplinkctl status [SWITCH]" },
	{ { "show", "uplinks", "--all" },
	  CTL_WRONG_REQUEST,
	  "",
	  "'show uplinks' has no option --all" },
	{ { "port", "add", "a", "b", "c", "--sport", "1" },
	  CTL_WRONG_REQUEST,
	  "",
	  "'port add' has no option --sport" },
	/* number of arguments */
	{ { "which", "vswitch0", "prod" },
	  CTL_WRONG_REQUEST,
	  "",
	  "'which' needs more arguments: uplinkctl which SWITCH GROUP SRC [DST]" },
	{ { "which", "a", "b", "c", "d", "e" },
	  CTL_WRONG_REQUEST,
	  "",
	  "'which' takes fewer arguments" },
	{ { "reload", "now" }, CTL_WRONG_REQUEST, "", "'reload' takes no arguments" },
	{ { "check" }, CTL_WRONG_REQUEST, "", "'check' needs more arguments: uplinkctl check FILE" },
	{ { "status", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", NULL },
	  CTL_WRONG_REQUEST,
	  "",
	  "'status' takes fewer arguments" },
	/* values */
	{ { "port", "add", "s", "g", "i", "--mac", "02:00" },
	  CTL_WRONG_REQUEST,
	  "",
	  "--mac 02:00: must be a MAC address" },
	{ { "port", "add", "s", "g", "i", "--mac=01:00:5e:00:00:01" },
	  CTL_WRONG_REQUEST,
	  "",
	  "is a group address" },
	/* nobody there: both orders of options, both ways to give a value */
	{ { NOWHERE, "status" },
	  CTL_SYSTEM,
	  "",
	  "there is no switch below /tmp/ul-no-such-dir/uplinkd: start uplinkd" },
	{ { "status", "--bpffs=/tmp/ul-no-such-dir" },
	  CTL_SYSTEM,
	  "",
	  "there is no switch below /tmp/ul-no-such-dir/uplinkd" },
	{ { "show", NOWHERE, "ports", "vswitch0" }, CTL_SYSTEM, "", "there is no switch below" },
	{ { "--json", NOWHERE, "which", "a", "b", "10.0.0.1", "10.0.0.2" },
	  CTL_SYSTEM,
	  "",
	  "there is no switch below" },
	{ { "reload", NOWHERE },
	  CTL_SYSTEM,
	  "",
	  "uplinkd is not running (socket /tmp/ul-no-such-dir/uplinkd.sock): start it with" },
	{ { "port", "del", "vnet0", "--socket", "/tmp/ul-no-such-dir/s" },
	  CTL_SYSTEM,
	  "",
	  "uplinkd is not running (socket /tmp/ul-no-such-dir/s)" },
	{ { "uplink", "drain", "eth0", NOWHERE }, CTL_SYSTEM, "", "uplinkd is not running" },
	{ { "uplink", "undrain", NOWHERE, "--", "eth0" }, CTL_SYSTEM, "", "uplinkd is not running" },
};

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
		cr_expect_leq(text_width(line), 130, "%s", line);
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
