// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The command line: the table of subcommands, the table of options, parsing, help, and the most
 * similar name for a mistyped one. */
#include <locale.h>
#include <stdarg.h>
#include <stddef.h>

#include "common/similar.h"
#include "ctl/commands.h"

/* clang-format off */
const struct command ctl_commands[] = {
	{ "status",	    "[SWITCH] [--check] [--all]",	     0, 1, "check all ",    cmd_status,		"problems, uplinks and port groups on one screen" },
	{ "diagnose",	    "[SWITCH] [--probe [--address A,...]] [--switch-output FILE [--ports P,...]]", 0, 1, "probe address switch-output ports ", cmd_diagnose,
	  "findings with evidence and remedies; exit status 1 if any" },
	{ "show uplinks",   "[SWITCH] [-o COL,...]",				     0, 1, "columns ",		    cmd_show_uplinks,	"uplinks: state, speed, XDP mode and traffic" },
	{ "show ports",	    "[SWITCH] [-o COL,...]",				     0, 1, "columns ",		    cmd_show_ports,	"ports: group, MAC address, uplink and traffic" },
	{ "show groups",    "[SWITCH] [-o COL,...]",				     0, 1, "columns ",		    cmd_show_groups,	"port groups: VLAN, teaming policy and security" },
	{ "show lacp",	    "[SWITCH] [-o COL,...]",				     0, 1, "columns ",		    cmd_show_lacp,	"LACP: actor, partner, states, counters and findings" },
	{ "show pagp",	    "[SWITCH] [-o COL,...]",				     0, 1, "columns ",		    cmd_show_pagp,	"PAgP: actor, partner, states, counters and findings" },
	{ "show fdb",	    "[SWITCH] [-o COL,...]",				     0, 1, "columns ",		    cmd_show_fdb,	"forwarding table: VLAN, MAC address and port" },
	{ "show counters",  "[SWITCH] [--all] [-o COL,...]",	     0, 1, "all columns ",	    cmd_show_counters,	"packet and drop counters by reason" },
	{ "show channel",   "[summary] [SWITCH]",		     0, 2, "",		    cmd_show_channel,	"the channel: one line per uplink with flag letters" },
	{ "show config",    "",					     0, 0, "",		    cmd_show_config,	"configuration in force, without defaults" },
	{ "which",	    "SWITCH GROUP SRC [DST] [--sport N --dport N]", 3, 4, "sport dport ", cmd_which,
	  "the uplink of a flow, with hash, bucket and reason" },
	{ "what-if",	    "[SWITCH] [--without UPLINK,...] [--load-balancing M]", 0, 1, "without load-balancing ", cmd_what_if,
	  "the load without some uplinks, or with another method" },
	{ "switch-config",  "SWITCH --vendor V [--ports P,...]", 1, 1, "vendor ports ", cmd_switch_config,
	  "the matching configuration of the physical switch" },
	{ "port add",	    "SWITCH GROUP IFACE [--mac MAC] [--may-exist]", 3, 3, "mac may-exist ",	    cmd_port_add,	"attach an interface to a port group until reboot" },
	{ "port del",	    "IFACE [--if-exists]",		     1, 1, "if-exists ",		    cmd_port_del,	"detach a port" },
	{ "uplink drain",   "IFACE",				     1, 1, "",		    cmd_uplink_drain,	"move all flows off an uplink, for maintenance" },
	{ "uplink undrain", "IFACE",				     1, 1, "",		    cmd_uplink_undrain,	"return a drained uplink to service" },
	{ "wait",	    "[SWITCH] [--timeout SECONDS]",	     0, 1, "timeout ",	    cmd_wait,		"wait for a usable uplink of each switch" },
	{ "monitor",	    "[--past]",				     0, 0, "past ",	    cmd_monitor,	"print events as they occur" },
	{ "metrics",	    "[--format F] [--output FILE]",	     0, 0, "format output ", cmd_metrics,	"metrics for Prometheus, as served by the exporter" },
	{ "history",	    "[SWITCH] [--since TIME] [--uplink IFACE] [-n N]", 0, 1, "since until uplink port code lines ", cmd_history,
	  "the last 10,000 events, including former runs" },
	{ "top",	    "[SWITCH] [--once] [--sort KEY] [--filter TEXT]", 0, 1, "once sort filter interval ", cmd_top,
	  "rates of uplinks, groups and ports, live" },
	{ "support-bundle", "[FILE] [--mask]",			     0, 1, "mask ",	    cmd_support_bundle,	"records, history, versions, configuration in one archive" },
	{ "capture",	    "PORT|UPLINK [-w FILE] [--vlan VID] [--mac MAC]", 1, 1, "write vlan mac count snaplen ", cmd_capture,
	  "frames, also those that redirection hides from tcpdump" },
	{ "diff",	    "[FILE]",				     0, 1, "",		    cmd_diff,		"changes a reload would make (exit status 1)" },
	{ "reload",	    "[--confirm SECONDS] [FILE]",	     0, 1, "confirm ",	    cmd_reload,		"apply the configuration files again, or FILE" },
	{ "confirm",	    "",					     0, 0, "",		    cmd_confirm,	"keep the change of 'reload --confirm' or 'adopt'" },
	{ "rollback",	    "",					     0, 0, "",		    cmd_rollback,	"revert the change of 'reload --confirm' or 'adopt' now" },
	{ "completion",	    "SHELL",				     1, 1, "",		    cmd_completion,	"completion script for bash, zsh or fish" },
	{ "schema",	    "",					     0, 0, "",		    cmd_schema,		"JSON Schema of the configuration, for editors" },
	{ "check",	    "[--kernel] FILE",			     1, 1, "kernel ",	    cmd_check,		"validate a configuration file without applying it" },
	{ "adopt",	    "[--dry-run [SOURCE...]] [--confirm SECONDS] [--uplinks IFACE,...] [--leave] [--yes] | --undo", 0, 8,
	  "uplinks dry-run confirm leave yes undo ", cmd_adopt,	"move this host from bonds and bridges to uplinkd" },
	{ "import",	    "[SOURCE...] [--uplinks IFACE,...]",     0, 8, "uplinks ",	    cmd_import,		"print a configuration from bonds, bridges, Open vSwitch" },
};
const struct option ctl_options[] = {
	{ "run-dir", "DIR",	offsetof(struct ctl, run_dir),	true,   0, "run directory of uplinkd (default: /run/uplinkd)" },
	{ "bpffs",   "DIR",	offsetof(struct ctl, bpffs),	true,   0, "mount point of the BPF file system (default: /sys/fs/bpf)" },
	{ "state-dir", "DIR",	offsetof(struct ctl, state_dir), true,  0, "state directory of uplinkd (default: /var/lib/uplinkd)" },
	{ "socket",  "PATH",	offsetof(struct ctl, socket),	true,   0, "socket of uplinkd (default: RUN-DIR/uplinkd.sock)" },
	{ "json",    NULL,	offsetof(struct ctl, json),	true, 'j',  "print JSON" },
	{ "help",    NULL,	offsetof(struct ctl, help),	true, 'h',  "print help, after a command: on that command" },
	{ "version", NULL,	offsetof(struct ctl, version),	true, 'V',  "print the version" },
	{ "mac",     "MAC",	offsetof(struct ctl, mac),	false,  0, "port add: address of the port; capture: source or destination" },
	{ "may-exist", NULL,	offsetof(struct ctl, may_exist), false, 0, "no error if the same port exists already" },
	{ "if-exists", NULL,	offsetof(struct ctl, if_exists), false, 0, "no error if there is no such port" },
	{ "sport",   "N",	offsetof(struct ctl, source_port), false,  0, "TCP or UDP source port (src-dst-ip-port only)" },
	{ "dport",   "N",	offsetof(struct ctl, destination_port), false,  0, "TCP or UDP destination port (src-dst-ip-port only)" },
	{ "all",     NULL,	offsetof(struct ctl, all),	false,  0, "include counters that are zero, and lines that would be folded" },
	{ "check",   NULL,	offsetof(struct ctl, check),	false, 0, "exit status 1 when there is an error or a warning" },
	{ "columns", "COL,...",	offsetof(struct ctl, columns),	false, 'o', "the columns of the table, or 'help' to list them" },
	{ "without", "UPLINK,...", offsetof(struct ctl, without), false, 0, "uplinks that are left out" },
	{ "load-balancing", "M", offsetof(struct ctl, load_balancing), false, 0, "the method of all port groups instead of theirs" },
	{ "switch-output", "FILE", offsetof(struct ctl, switch_output), false, 0, "pasted output of the physical switch; '-': standard input" },
	{ "format",  "F",	offsetof(struct ctl, format),	false, 0, "openmetrics (default) or prometheus, the older text format" },
	{ "output",  "FILE",	offsetof(struct ctl, output),	false, 0, "replace FILE atomically instead of printing" },
	{ "vendor",  "V",	offsetof(struct ctl, vendor),	false, 0, "cisco-ios, cisco-nxos, arista-eos, juniper-junos, ..." },
	{ "probe",   NULL,	offsetof(struct ctl, probe),	false, 0, "send marked frames between the uplinks, after a notice" },
	{ "address", "A,...",	offsetof(struct ctl, address),	false, 0, "with --probe: probe these addresses through each uplink; ADDRESS or VLAN:ADDRESS" },
	{ "ports",   "P,...",	offsetof(struct ctl, ports),	false, 0, "switch ports of the uplinks: PORT or PORT@DEVICE" },
	{ "dry-run", NULL,	offsetof(struct ctl, dry_run),	false, 0, "print the plan and change nothing" },
	{ "uplinks", "IFACE,...", offsetof(struct ctl, uplinks), false, 0, "interfaces to treat as NICs although their kind is another, such as veth" },
	{ "confirm", "SECONDS",	offsetof(struct ctl, confirm), false,  0, "roll back after SECONDS without confirm" },
	{ "timeout", "SECONDS",	offsetof(struct ctl, timeout), false,  0, "give up after SECONDS (default: 120)" },
	{ "leave",   NULL,	offsetof(struct ctl, leave),	false,  0, "accept the loss of what is not mapped" },
	{ "yes",     NULL,	offsetof(struct ctl, yes),	false,  0, "accept that redirected frames bypass the filters that are named" },
	{ "undo",    NULL,	offsetof(struct ctl, undo),	false,  0, "roll back a switch-over that is not confirmed" },
	{ "kernel",  NULL,	offsetof(struct ctl, kernel),	false,  0, "also load the BPF programs for trial (root)" },
	{ "since",   "TIME",	offsetof(struct ctl, since),	false,  0, "events since this time: 03:00, '2026-11-22 03:00', 2h (ago), @SECONDS" },
	{ "until",   "TIME",	offsetof(struct ctl, until),	false,  0, "events up to this time" },
	{ "uplink",  "IFACE",	offsetof(struct ctl, uplink),	false,  0, "events of this uplink" },
	{ "port",    "IFACE",	offsetof(struct ctl, port),	false,  0, "events of this port" },
	{ "code",    "CODE,...", offsetof(struct ctl, code),	false,  0, "events with these codes, such as uplink-state,finding" },
	{ "lines",   "N",	offsetof(struct ctl, lines),	false, 'n', "the last N events" },
	{ "mask",    NULL,	offsetof(struct ctl, mask),	false,  0, "replace MAC and IP addresses, in the same way in all files" },
	{ "write",   "FILE",	offsetof(struct ctl, write),	false, 'w', "write pcapng to FILE instead of text; '-': standard output" },
	{ "vlan",    "VID",	offsetof(struct ctl, vlan),	false,  0, "frames with this outer tag; 0: untagged" },
	{ "count",   "N",	offsetof(struct ctl, count),	false,  0, "stop after N frames" },
	{ "snaplen", "BYTES",	offsetof(struct ctl, snaplen),	false,  0, "bytes of each frame (default: 16384)" },
	{ "once",    NULL,	offsetof(struct ctl, once),	false,  0, "print the rates of one interval as text and exit" },
	{ "sort",    "KEY",	offsetof(struct ctl, sort),	false,  0, "rate (default), drops or name" },
	{ "filter",  "TEXT",	offsetof(struct ctl, filter),	false,  0, "ports and groups whose name contains TEXT" },
	{ "interval", "SECONDS", offsetof(struct ctl, interval), false, 0, "time between two readings of the counters (default: 1)" },
	{ "past",    NULL,	offsetof(struct ctl, past),	false,  0, "print the stored events first (the last 1024)" },
};
/* clang-format on */

const size_t ctl_n_commands = ARRAY_SIZE(ctl_commands);
const size_t ctl_n_options = ARRAY_SIZE(ctl_options);

int ctl_fail(struct ctl *ctl, int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("uplinkctl: ", ctl->err);
	vfprintf(ctl->err, format, ap);
	fputc('\n', ctl->err);
	va_end(ap);
	return status;
}

int ctl_print_table(struct ctl *ctl, json_t *records, const struct column *columns,
		    size_t n_columns, int indent)
{
	_cleanup_(errors_done) struct errors errors = {};
	int r = records_print(records, columns, n_columns, &ctl->style, indent, ctl->columns,
			      &errors, ctl->out);

	if (r == -EINVAL)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "%s", errors.messages[0]);
	return r < 0 ? ctl_fail(ctl, CTL_SYSTEM, "%s", strerror(-r)) : CTL_DONE;
}

bool ctl_columns_help(struct ctl *ctl, const struct column *columns, size_t n_columns)
{
	if (!ctl->columns || strcmp(ctl->columns, "help") != 0)
		return false;
	columns_help(columns, n_columns, ctl->out);
	return true;
}

int ctl_open_switches(struct ctl *ctl, const char *name, struct switches *ret)
{
	_cleanup_(errors_done) struct errors errors = {};
	int r = switches_open(ctl->bpffs, name, ret, &errors);

	for (size_t i = 0; i < errors.n; i++)
		ctl_fail(ctl, 0, "%s", errors.messages[i]);
	return r == 0 ? CTL_DONE : r == -ENODEV ? CTL_WRONG_REQUEST : CTL_SYSTEM;
}

int ctl_print_json(struct ctl *ctl, json_t *value)
{
	int r = value ? json_dumpf(value, ctl->out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;

	json_decref(value);
	fputc('\n', ctl->out);
	return r < 0 ? CTL_SYSTEM : CTL_DONE;
}

/* "show uplinks" is in the family "show". */
bool ctl_in_family(const struct command *command, const char *family)
{
	size_t n = strlen(family);

	return strncmp(command->name, family, n) == 0 && command->name[n] == ' ';
}

/* ---- the most similar name ---- */
/* Lower is more similar; 32: not similar. A prefix, or the second word of a command ("uplinks" for
 * "show uplinks"), counts as similar. */
static int dissimilarity(const char *typed, const char *name)
{
	const char *second = strchr(name, ' ');
	int d = text_distance(typed, name), limit = (int)strlen(typed) / 3 + 1;

	if (second && text_distance(typed, second + 1) < d)
		d = text_distance(typed, second + 1);
	if (strlen(typed) >= 2 && (strncmp(typed, name, strlen(typed)) == 0 ||
				   (second && strncmp(typed, second + 1, strlen(typed)) == 0)))
		d = 1;
	return d <= limit ? d : 32;
}

static const char *suggest_command(const char *first, const char *second)
{
	const char *best = NULL;
	char both[64];
	int lowest = 32;

	snprintf(both, sizeof(both), "%s %s", first, second ? second : "");
	for (size_t i = 0; i < ctl_n_commands; i++) {
		int d = dissimilarity(first, ctl_commands[i].name),
		    d_both = second ? dissimilarity(both, ctl_commands[i].name) : 32;

		if (d_both < d)
			d = d_both;
		if (d < lowest) {
			lowest = d;
			best = ctl_commands[i].name;
		}
	}
	return best;
}

static int unknown_command(struct ctl *ctl, const char *first, const char *second)
{
	const char *similar = suggest_command(first, second);
	size_t n = strlen(first), family = 0;

	for (size_t i = 0; i < ctl_n_commands; i++)
		family += ctl_in_family(&ctl_commands[i], first);
	if (family) {
		fprintf(ctl->err, "uplinkctl: %s%s%s: %s subcommand: must be", first,
			second ? " " : "", second ? second : "", second ? "unknown" : "missing");
		for (size_t i = 0; i < ctl_n_commands; i++)
			if (ctl_in_family(&ctl_commands[i], first))
				fprintf(ctl->err, " %s%s", ctl_commands[i].name + n + 1,
					--family > 1 ? "," :
					family	     ? " or" :
						       "");
		fputc('\n', ctl->err);
		return CTL_WRONG_REQUEST;
	}
	if (similar)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"%s: unknown command; the most similar command is '%s'", first,
				similar);
	return ctl_fail(ctl, CTL_WRONG_REQUEST, "%s: unknown command; see 'uplinkctl --help'",
			first);
}

/* ---- help ---- */
#define HELP_COLUMN 40

bool ctl_takes_option(const struct command *command, const struct option *option)
{
	size_t n = strlen(option->name);

	for (const char *at = command->options; (at = strstr(at, option->name)); at++)
		if (at[n] == ' ' && (at == command->options || at[-1] == ' '))
			return true;
	return false;
}

/* "  NAME USAGE     HELP", the help in HELP_COLUMN or on a separate line. */
static void print_help_line(const struct style *style, const char *name, const char *usage,
			    const char *help, FILE *out)
{
	int width = 2 + (int)strlen(name) + 1 + (int)strlen(usage);

	fprintf(out, "  %s%s%s %s", tint_start(style, TINT_BOLD), name, tint_end(style, TINT_BOLD),
		usage);
	if (width >= HELP_COLUMN)
		fprintf(out, "\n%*s%s\n", HELP_COLUMN, "", help);
	else
		fprintf(out, "%*s%s\n", HELP_COLUMN - width, "", help);
}

static void print_option(const struct style *style, const struct option *option, FILE *out)
{
	char name[32];

	if (option->letter)
		snprintf(name, sizeof(name), "-%c, --%s", option->letter, option->name);
	else
		snprintf(name, sizeof(name), "--%s", option->name);
	print_help_line(style, name, option->argument ? option->argument : "", option->help, out);
}

/* Usage, purpose and options of one command. */
static int print_command_help(struct ctl *ctl, const struct command *command, FILE *out)
{
	bool title = false;

	fprintf(out, "Usage: uplinkctl [OPTION...] %s%s%s\n\n%s\n", command->name,
		command->usage[0] ? " " : "", command->usage, command->help);
	for (size_t i = 0; i < ctl_n_options; i++) {
		if (ctl_options[i].global || !ctl_takes_option(command, &ctl_options[i]))
			continue;
		if (!title)
			fputs("\nOptions:\n", out);
		title = true;
		print_option(&ctl->style, &ctl_options[i], out);
	}
	fputs("\nSee 'uplinkctl --help' for the options of all commands, and uplinkctl(8).\n", out);
	return CTL_DONE;
}

/* All commands, or those of a family ("show") when it is not NULL and has any. */
static int print_help(struct ctl *ctl, const char *family, FILE *out)
{
	const struct style *style = &ctl->style;
	bool known = false;

	for (size_t i = 0; family && i < ctl_n_commands; i++)
		known |= ctl_in_family(&ctl_commands[i], family);
	fputs("Usage: uplinkctl [OPTION...] COMMAND\n\nShow and control the vSwitches of uplinkd.\n\nCommands:\n",
	      out);
	for (size_t i = 0; i < ctl_n_commands; i++)
		if (!known || ctl_in_family(&ctl_commands[i], family))
			print_help_line(style, ctl_commands[i].name, ctl_commands[i].usage,
					ctl_commands[i].help, out);
	fputs("\nOptions, before or after the command:\n", out);
	for (size_t i = 0; i < ctl_n_options; i++)
		if (ctl_options[i].global)
			print_option(style, &ctl_options[i], out);
	fputs("\n'status', 'show' and 'which' read the pinned maps: they need root and no daemon, or the\n"
	      "daemon and membership in its group (control.group).\n"
	      "Exit status: 0 done, 1 wrong request, 2 daemon or system error. See uplinkctl(8).\n",
	      out);
	return CTL_DONE;
}

/* ---- parsing ---- */
static const struct option *find_option(const char *name, size_t length)
{
	for (size_t i = 0; i < ctl_n_options; i++)
		if (strlen(ctl_options[i].name) == length &&
		    strncmp(ctl_options[i].name, name, length) == 0)
			return &ctl_options[i];
	return NULL;
}

/* The parsed command line. */
struct words {
	const char *words[CTL_MAX_ARGUMENTS + 3];
	char family[16]; /* words[0] in full, see find_command() */
	int n;
	const struct option *used[16];
	int n_used;
};

/* One option at argv[*i]; moves *i over its argument. */
static int parse_option(struct ctl *ctl, int argc, char *const argv[], int *i, struct words *words)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	const struct option *option =
		find_option(name, equals ? (size_t)(equals - name) : strlen(name));
	void *target;

	if (!option) {
		for (size_t o = 0; o < ctl_n_options; o++)
			if (text_distance(name, ctl_options[o].name) <= 2)
				return ctl_fail(
					ctl, CTL_WRONG_REQUEST,
					"%s: unknown option; the most similar option is '--%s'",
					argv[*i], ctl_options[o].name);
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"%s: unknown option; see 'uplinkctl --help'", argv[*i]);
	}
	target = (char *)ctl + option->offset;
	if (words->n_used < (int)ARRAY_SIZE(words->used))
		words->used[words->n_used++] = option;
	if (!option->argument) {
		if (equals)
			return ctl_fail(ctl, CTL_WRONG_REQUEST, "--%s: takes no value",
					option->name);
		*(bool *)target = true;
		return CTL_DONE;
	}
	if (!equals && *i + 1 >= argc)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--%s: %s is missing", option->name,
				option->argument);
	*(const char **)target = equals ? equals + 1 : argv[++*i];
	return CTL_DONE;
}

/* -j, -V and -h */
static bool is_short_option(struct ctl *ctl, const char *word)
{
	for (size_t o = 0; o < ctl_n_options; o++) {
		if (word[0] != '-' || !word[1] || word[1] != ctl_options[o].letter || word[2] ||
		    ctl_options[o].argument)
			continue;
		*(bool *)((char *)ctl + ctl_options[o].offset) = true;
		return true;
	}
	return false;
}

/* The option with an argument and the letter of word: "-o COL", "-oCOL". NULL: there is none. */
static const struct option *find_letter(const char *word)
{
	for (size_t o = 0; word[0] == '-' && word[1] && o < ctl_n_options; o++)
		if (ctl_options[o].argument && ctl_options[o].letter == word[1])
			return &ctl_options[o];
	return NULL;
}

static int parse_letter(struct ctl *ctl, const struct option *option, int argc, char *const argv[],
			int *i, struct words *words)
{
	const char *value = argv[*i][2] ? argv[*i] + 2 : *i + 1 < argc ? argv[++*i] : NULL;

	if (!value)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "-%c: %s is missing", option->letter,
				option->argument);
	*(const char **)((char *)ctl + option->offset) = value;
	if (words->n_used < (int)ARRAY_SIZE(words->used))
		words->used[words->n_used++] = option;
	return CTL_DONE;
}

static int parse_words(struct ctl *ctl, int argc, char *const argv[], struct words *words)
{
	bool only_words = false;
	int status;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!only_words && strcmp(word, "--") == 0) {
			only_words = true;
		} else if (!only_words && is_short_option(ctl, word)) {
			continue;
		} else if (!only_words && strncmp(word, "--", 2) == 0) {
			status = parse_option(ctl, argc, argv, &i, words);
			if (status)
				return status;
		} else if (!only_words && find_letter(word)) {
			status = parse_letter(ctl, find_letter(word), argc, argv, &i, words);
			if (status)
				return status;
		} else if (!only_words && word[0] == '-' && word[1]) {
			return ctl_fail(ctl, CTL_WRONG_REQUEST,
					"%s: unknown option; see 'uplinkctl --help'", word);
		} else if (words->n == (int)ARRAY_SIZE(words->words)) {
			return ctl_fail(ctl, CTL_WRONG_REQUEST, "%s: too many arguments", word);
		} else {
			words->words[words->n++] = word;
		}
	}
	return CTL_DONE;
}

/* A word of a command's name, with its length. */
struct name_part {
	const char *text;
	size_t n;
};

static struct name_part first_word(const struct command *command)
{
	return (struct name_part){ command->name, strcspn(command->name, " ") };
}

/* The second word within the family, or n 0. */
static struct name_part second_word(const struct command *command, struct name_part family)
{
	struct name_part first = first_word(command);
	const char *rest = command->name + first.n;

	if (first.n != family.n || strncmp(first.text, family.text, family.n) != 0 || !*rest)
		return (struct name_part){ rest, 0 };
	return (struct name_part){ rest + 1, strlen(rest + 1) };
}

static bool is_same(struct name_part a, struct name_part b)
{
	return a.n == b.n && strncmp(a.text, b.text, a.n) == 0;
}

/*
 * The only name that typed begins, or that it is. family: of the second word; NULL: the first word
 * is looked up. Returns n 0 for none, with the number of different names that begin so.
 */
static struct name_part complete(const char *typed, const struct name_part *family, int *ret_n)
{
	struct name_part found = { NULL, 0 };
	size_t n = strlen(typed);

	*ret_n = 0;
	for (size_t i = 0; n && i < ctl_n_commands; i++) {
		struct name_part name = family ? second_word(&ctl_commands[i], *family) :
						 first_word(&ctl_commands[i]);

		if (name.n < n || strncmp(name.text, typed, n) != 0 || is_same(name, found))
			continue;
		found = name;
		++*ret_n;
		if (name.n == n) {
			*ret_n = 1;
			return found;
		}
	}
	return *ret_n == 1 ? found : (struct name_part){ NULL, 0 };
}

static int report_ambiguous(struct ctl *ctl, const char *typed, const struct name_part *family)
{
	struct name_part before = { NULL, 0 };
	const char *separator = "";

	fprintf(ctl->err, "uplinkctl: %s: ambiguous command: may be ", typed);
	for (size_t i = 0; i < ctl_n_commands; i++) {
		struct name_part name = family ? second_word(&ctl_commands[i], *family) :
						 first_word(&ctl_commands[i]);

		if (name.n < strlen(typed) || strncmp(name.text, typed, strlen(typed)) != 0 ||
		    is_same(name, before))
			continue;
		fprintf(ctl->err, "%s%.*s", separator, (int)name.n, name.text);
		separator = ", ";
		before = name;
	}
	fputc('\n', ctl->err);
	return CTL_WRONG_REQUEST;
}

static const struct command *command_of(struct name_part first, struct name_part second)
{
	for (size_t i = 0; i < ctl_n_commands; i++) {
		struct name_part own = second_word(&ctl_commands[i], first);

		if (is_same(first_word(&ctl_commands[i]), first) &&
		    (second.n ? is_same(own, second) : !own.n))
			return &ctl_commands[i];
	}
	return NULL;
}

/* The command that the first words name or begin, and how many words it has. A family without its
 * second word has its full name in words afterwards. Otherwise *ret is NULL, or the exit status is
 * not CTL_DONE and an error has been printed. */
static int find_command(struct ctl *ctl, struct words *words, const struct command **ret,
			int *ret_n_words)
{
	struct name_part first, second;
	int n;

	*ret = NULL;
	first = complete(words->words[0], NULL, &n);
	if (n > 1)
		return report_ambiguous(ctl, words->words[0], NULL);
	if (!n)
		return CTL_DONE;
	*ret_n_words = 1;
	*ret = command_of(first, (struct name_part){ NULL, 0 });
	if (*ret)
		return CTL_DONE;
	snprintf(words->family, sizeof(words->family), "%.*s", (int)first.n, first.text);
	words->words[0] = words->family;
	if (words->n < 2)
		return CTL_DONE;
	second = complete(words->words[1], &first, &n);
	if (n > 1)
		return report_ambiguous(ctl, words->words[1], &first);
	*ret_n_words = 2;
	*ret = n ? command_of(first, second) : NULL;
	return CTL_DONE;
}

static int run_command(struct ctl *ctl, const struct command *command, const struct words *words,
		       int n_words)
{
	int n = words->n - n_words;

	for (int i = 0; i < words->n_used; i++)
		if (!words->used[i]->global && !ctl_takes_option(command, words->used[i]))
			return ctl_fail(ctl, CTL_WRONG_REQUEST,
					"%s: has no option --%s; usage: uplinkctl %s %s",
					command->name, words->used[i]->name, command->name,
					command->usage);
	if (n < command->min || n > command->max)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "%s: %s; usage: uplinkctl %s%s%s",
				command->name,
				n < command->min ? "arguments are missing" : "too many arguments",
				command->name, command->usage[0] ? " " : "", command->usage);
	for (int i = 0; i < n; i++)
		ctl->arguments[i] = words->words[n_words + i];
	if (ctl->columns && ctl->json)
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"-o: cannot be combined with --json, which has all columns");
	return command->run(ctl);
}

int ctl_main(int argc, char *const argv[], FILE *out, FILE *err)
{
	struct ctl ctl = { .run_dir = "/run/uplinkd",
			   .bpffs = "/sys/fs/bpf",
			   .out = out,
			   .err = err,
			   .style = style_detect(fileno(out)) };
	const struct command *command;
	struct words words = {};
	int status, n_words;

	/* the width of characters, for tables */
	setlocale(LC_CTYPE, ctl.style.utf8 ? "C.UTF-8" : "C");
	status = parse_words(&ctl, argc, argv, &words);
	if (status)
		return status;
	if (ctl.version) {
		fprintf(out, "uplinkctl %s\n", UL_VERSION);
		return CTL_DONE;
	}
	if (words.n > 0 && strcmp(words.words[0], "help") == 0) {
		memmove(words.words, words.words + 1, sizeof(words.words) - sizeof(*words.words));
		words.n--;
		ctl.help = true;
	}
	if (words.n == 0) {
		print_help(&ctl, NULL, ctl.help ? out : err);
		return ctl.help ? CTL_DONE : CTL_WRONG_REQUEST;
	}
	status = find_command(&ctl, &words, &command, &n_words);
	if (status)
		return status;
	if (ctl.help)
		return command ? print_command_help(&ctl, command, out) :
				 print_help(&ctl, words.words[0], out);
	if (!command)
		return unknown_command(&ctl, words.words[0], words.n > 1 ? words.words[1] : NULL);
	return run_command(&ctl, command, &words, n_words);
}
