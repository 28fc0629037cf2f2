// SPDX-License-Identifier: GPL-2.0
/* The command line: the table of subcommands, the table of options, help, and what was probably
 * meant. */
#include <stdarg.h>
#include <stddef.h>

#include "ctl/ctl.h"

static const struct command {
	const char *name;    /* one or two words */
	const char *usage;   /* of its arguments and options */
	int min, max;	     /* number of arguments */
	const char *options; /* those besides the global ones, blank after each */
	int (*run)(struct ctl *ctl);
	const char *help;
} commands[] = {
	{ "status", "[SWITCH]", 0, 1, "", cmd_status,
	  "one screen: uplinks, traffic, port groups, problems" },
	{ "show uplinks", "[SWITCH]", 0, 1, "", cmd_show_uplinks,
	  "the NICs, their state and traffic" },
	{ "show ports", "[SWITCH]", 0, 1, "", cmd_show_ports, "the machines' interfaces" },
	{ "show groups", "[SWITCH]", 0, 1, "", cmd_show_groups,
	  "port groups: VLAN, policy, security" },
	{ "show lacp", "[SWITCH]", 0, 1, "", cmd_show_lacp,
	  "LACP: both ends of each uplink, and why one is out" },
	{ "show fdb", "[SWITCH]", 0, 1, "", cmd_show_fdb,
	  "which port has which MAC address, by VLAN" },
	{ "show counters", "[SWITCH] [--all]", 0, 1, "all ", cmd_show_counters,
	  "what became of the frames, by reason" },
	{ "which", "SWITCH GROUP SRC [DST] [--sport N --dport N]", 3, 4, "sport dport ", cmd_which,
	  "the uplink that a pair of addresses uses, and why" },
	{ "port add", "SWITCH GROUP IFACE [--mac MAC]", 3, 3, "mac ", cmd_port_add,
	  "attach a machine's interface now, until reboot" },
	{ "port del", "IFACE", 1, 1, "", cmd_port_del, "detach it" },
	{ "uplink drain", "IFACE", 1, 1, "", cmd_uplink_drain, "maintenance: move all flows away" },
	{ "uplink undrain", "IFACE", 1, 1, "", cmd_uplink_undrain, "use it again" },
	{ "monitor", "[--past]", 0, 0, "past ", cmd_monitor, "events as they happen" },
	{ "reload", "", 0, 0, "", cmd_reload, "apply the configuration file again" },
	{ "check", "FILE", 1, 1, "", cmd_check, "validate a configuration file, change nothing" },
};

static const struct option {
	const char *name;
	const char *argument; /* NULL: a flag */
	size_t offset;	      /* in struct ctl: const char * or bool */
	bool global;
	const char *help;
} options[] = {
	{ "run-dir", "DIR", offsetof(struct ctl, run_dir), true,
	  "where uplinkd has its socket (/run/uplinkd)" },
	{ "bpffs", "DIR", offsetof(struct ctl, bpffs), true,
	  "where the maps are pinned (/sys/fs/bpf)" },
	{ "socket", "PATH", offsetof(struct ctl, socket), true,
	  "uplinkd's socket, when not RUN-DIR/uplinkd.sock" },
	{ "json", NULL, offsetof(struct ctl, json), true, "print JSON" },
	{ "help", NULL, offsetof(struct ctl, help), true, "this text" },
	{ "version", NULL, offsetof(struct ctl, version), true, "print the version" },
	{ "mac", "MAC", offsetof(struct ctl, mac), false, "" },
	{ "sport", "N", offsetof(struct ctl, source_port), false, "" },
	{ "dport", "N", offsetof(struct ctl, destination_port), false, "" },
	{ "all", NULL, offsetof(struct ctl, all), false, "" },
	{ "past", NULL, offsetof(struct ctl, past), false, "" },
};

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

int ctl_print_json(struct ctl *ctl, json_t *value)
{
	int r = value ? json_dumpf(value, ctl->out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;

	json_decref(value);
	fputc('\n', ctl->out);
	return r < 0 ? CTL_SYSTEM : CTL_DONE;
}

/* ---- what was probably meant
 * ----------------------------------------------------------------------------------------- */
/* Number of letters to insert, delete, change or swap to make b of a. */
static int distance(const char *a, const char *b)
{
	int cost[32][32];
	int n = (int)strlen(a), m = (int)strlen(b);

	if (n > 31 || m > 31)
		return 32;
	for (int i = 0; i <= n; i++) {
		for (int j = 0; j <= m; j++) {
			int best;

			if (i == 0 || j == 0) {
				cost[i][j] = i + j;
				continue;
			}
			best = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (cost[i - 1][j] + 1 < best)
				best = cost[i - 1][j] + 1;
			if (cost[i][j - 1] + 1 < best)
				best = cost[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    cost[i - 2][j - 2] + 1 < best)
				best = cost[i - 2][j - 2] + 1;
			cost[i][j] = best;
		}
	}
	return cost[n][m];
}

/* Lower is nearer; 32: not at all. A word that is begun or is one of two ("uplinks" for "show
 * uplinks") is near. */
static int nearness(const char *typed, const char *name)
{
	const char *second = strchr(name, ' ');
	int d = distance(typed, name), limit = (int)strlen(typed) / 3 + 1;

	if (second && distance(typed, second + 1) < d)
		d = distance(typed, second + 1);
	if (strlen(typed) >= 2 && (strncmp(typed, name, strlen(typed)) == 0 ||
				   (second && strncmp(typed, second + 1, strlen(typed)) == 0)))
		d = 1;
	return d <= limit ? d : 32;
}

static const char *suggest_command(const char *first, const char *second)
{
	const char *best = NULL;
	char both[64];
	int nearest = 32;

	snprintf(both, sizeof(both), "%s %s", first, second ? second : "");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int d = nearness(first, commands[i].name),
		    d_both = second ? nearness(both, commands[i].name) : 32;

		if (d_both < d)
			d = d_both;
		if (d < nearest) {
			nearest = d;
			best = commands[i].name;
		}
	}
	return best;
}

static int unknown_command(struct ctl *ctl, const char *first, const char *second)
{
	const char *meant = suggest_command(first, second);
	size_t n = strlen(first), family = 0;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		family += strncmp(commands[i].name, first, n) == 0 && commands[i].name[n] == ' ';
	if (family) {
		/* The first word is right: say what may follow. */
		fprintf(ctl->err, "uplinkctl: %s%s%s%s: must be", first, second ? " " : "",
			second ? second : "", second ? "" : " what?");
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			if (strncmp(commands[i].name, first, n) == 0 && commands[i].name[n] == ' ')
				fprintf(ctl->err, " %s%s", commands[i].name + n + 1,
					--family > 1 ? "," :
					family	     ? " or" :
						       "");
		fputc('\n', ctl->err);
		return CTL_WRONG_REQUEST;
	}
	if (meant)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "unknown command '%s': did you mean '%s'?",
				first, meant);
	return ctl_fail(ctl, CTL_WRONG_REQUEST, "unknown command '%s': see 'uplinkctl --help'",
			first);
}

/* ---- help
 * ------------------------------------------------------------------------------------------------------------
 */
static void print_usage(struct ctl *ctl, const struct command *command, FILE *out)
{
	fprintf(out, "uplinkctl %s%s%s", command->name, command->usage[0] ? " " : "",
		command->usage);
	fprintf(out, ": %s\n", command->help);
}

static int print_help(struct ctl *ctl, FILE *out)
{
	const struct style *style = &ctl->style;

	fprintf(out, "uplinkctl [OPTION...] COMMAND: look at and control uplinkd's vSwitches\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		int width = (int)(strlen(command->name) + 1 + strlen(command->usage));

		fprintf(out, "  %s%s%s %s", tint_start(style, TINT_BOLD), command->name,
			tint_end(style, TINT_BOLD), command->usage);
		if (width > 38)
			fprintf(out, "\n%42s%s\n", "", command->help);
		else
			fprintf(out, "%*s%s\n", 40 - width, "", command->help);
	}
	fputs("\nOptions, before or after the command:\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];

		if (option->global)
			fprintf(out, "  --%s %s%*s%s\n", option->name,
				option->argument ? option->argument : "",
				(int)(37 - strlen(option->name) -
				      (option->argument ? strlen(option->argument) : 0)),
				"", option->help);
	}
	fputs("\nExit status: 0 done, 1 the request is wrong, 2 the daemon or the system. Reading needs no daemon. See uplinkctl(8).\n",
	      out);
	return CTL_DONE;
}

/* ---- parsing
 * ---------------------------------------------------------------------------------------------------------
 */
static bool takes_option(const struct command *command, const struct option *option)
{
	size_t n = strlen(option->name);

	if (option->global)
		return true;
	for (const char *at = command->options; (at = strstr(at, option->name)); at++)
		if (at[n] == ' ' && (at == command->options || at[-1] == ' '))
			return true;
	return false;
}

static const struct option *find_option(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].name) == length &&
		    strncmp(options[i].name, name, length) == 0)
			return &options[i];
	return NULL;
}

/* What has been read of the command line. */
struct words {
	const char *words[CTL_MAX_ARGUMENTS + 3];
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
		for (size_t o = 0; o < ARRAY_SIZE(options); o++)
			if (distance(name, options[o].name) <= 2)
				return ctl_fail(ctl, CTL_WRONG_REQUEST,
						"unknown option '%s': did you mean '--%s'?",
						argv[*i], options[o].name);
		return ctl_fail(ctl, CTL_WRONG_REQUEST,
				"unknown option '%s': see 'uplinkctl --help'", argv[*i]);
	}
	target = (char *)ctl + option->offset;
	if (words->n_used < (int)ARRAY_SIZE(words->used))
		words->used[words->n_used++] = option;
	if (!option->argument) {
		if (equals)
			return ctl_fail(ctl, CTL_WRONG_REQUEST, "--%s takes no value",
					option->name);
		*(bool *)target = true;
		return CTL_DONE;
	}
	if (!equals && *i + 1 >= argc)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "--%s: the %s is missing", option->name,
				option->argument);
	*(const char **)target = equals ? equals + 1 : argv[++*i];
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
		} else if (!only_words && strcmp(word, "-h") == 0) {
			ctl->help = true;
		} else if (!only_words && strncmp(word, "--", 2) == 0) {
			status = parse_option(ctl, argc, argv, &i, words);
			if (status)
				return status;
		} else if (!only_words && word[0] == '-' && word[1]) {
			return ctl_fail(ctl, CTL_WRONG_REQUEST,
					"unknown option '%s': see 'uplinkctl --help'", word);
		} else if (words->n == (int)ARRAY_SIZE(words->words)) {
			return ctl_fail(ctl, CTL_WRONG_REQUEST, "too many arguments, from '%s' on",
					word);
		} else {
			words->words[words->n++] = word;
		}
	}
	return CTL_DONE;
}

/* The command that the first words name, and how many words it has. */
static const struct command *find_command(const struct words *words, int *ret_n_words)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const char *name = commands[i].name, *second = strchr(name, ' ');
		size_t n = second ? (size_t)(second - name) : strlen(name);

		if (strlen(words->words[0]) != n || strncmp(words->words[0], name, n) != 0)
			continue;
		if (second && (words->n < 2 || strcmp(words->words[1], second + 1) != 0))
			continue;
		*ret_n_words = second ? 2 : 1;
		return &commands[i];
	}
	return NULL;
}

static int run_command(struct ctl *ctl, const struct command *command, const struct words *words,
		       int n_words)
{
	int n = words->n - n_words;

	for (int i = 0; i < words->n_used; i++)
		if (!takes_option(command, words->used[i]))
			return ctl_fail(ctl, CTL_WRONG_REQUEST,
					"'%s' has no option --%s: uplinkctl %s %s", command->name,
					words->used[i]->name, command->name, command->usage);
	if (n < command->min || n > command->max)
		return ctl_fail(ctl, CTL_WRONG_REQUEST, "'%s' %s: uplinkctl %s %s", command->name,
				n < command->min ? "needs more arguments" :
				command->max	 ? "takes fewer arguments" :
						   "takes no arguments",
				command->name, command->usage);
	for (int i = 0; i < n; i++)
		ctl->arguments[i] = words->words[n_words + i];
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

	status = parse_words(&ctl, argc, argv, &words);
	if (status)
		return status;
	if (ctl.version) {
		fprintf(out, "uplinkctl %s\n", UL_VERSION);
		return CTL_DONE;
	}
	if (words.n == 0 || strcmp(words.words[0], "help") == 0) {
		if (ctl.help || words.n > 0)
			return print_help(&ctl, out);
		print_help(&ctl, err);
		return CTL_WRONG_REQUEST;
	}
	command = find_command(&words, &n_words);
	if (!command && ctl.help)
		return print_help(&ctl, out);
	if (!command)
		return unknown_command(&ctl, words.words[0], words.n > 1 ? words.words[1] : NULL);
	if (ctl.help) {
		print_usage(&ctl, command, out);
		return CTL_DONE;
	}
	return run_command(&ctl, command, &words, n_words);
}
