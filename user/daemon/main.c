// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <getopt.h>

#include "common/paths.h"
#include "daemon/state.h"

static const char usage[] =
	"uplinkd [-c FILE] [--check [--kernel] | --teardown | --prepare USER | --finish |\n"
	"        --drop-ins] [--bpffs DIR] [--run-dir DIR] [--state-dir DIR] [--managers DIR]\n"
	"        [--log-level LEVEL]\n"
	"\n"
	"Daemon of virtual switches with teamed uplinks, in eBPF. Runs in the foreground.\n"
	"\n"
	"  -c, --config FILE    this file instead of " CONFIG_FILE " and\n"
	"                       " CONFIG_FOLDER "/*.yaml\n"
	"      --check          validate the configuration and exit\n"
	"      --kernel         with --check: also load the programs for trial (root)\n"
	"      --teardown       detach everything and restore NIC settings\n"
	"      --prepare USER   as root: give pins and run directory to the user of the service\n"
	"      --finish         as root: after the service has stopped\n"
	"      --drop-ins       as root: write the files that keep network managers off the\n"
	"                       interfaces of the configuration in force\n"
	"      --bpffs DIR      mount point of the BPF file system (/sys/fs/bpf)\n"
	"      --run-dir DIR    lock, socket and state (/run/uplinkd)\n"
	"      --state-dir DIR  confirmed configuration, history (/var/lib/uplinkd; with --run-dir:\n"
	"                       the folder 'state' in it)\n"
	"      --managers DIR   where these files go (/run; with --run-dir: nowhere)\n"
	"      --log-level L    error, warning, info or debug (info)\n"
	"  -V, --version        print the version\n"
	"  -h, --help           print this help\n"
	"\n"
	"Exit status: 0 clean, 1 wrong configuration or command line, 2 system error.\n";

static void ignore_link(void *userdata, const struct link_info *info, unsigned int changes)
{
	(void)userdata;
	(void)info;
	(void)changes;
}

/* Compares with the interfaces of this machine, as far as they exist. Without netlink only the file
 * is checked. */
static int check_interfaces(const struct model *model, struct errors *errors)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	struct link_monitor *links = NULL;
	int r = 0;

	if (sd_event_new(&event) >= 0 && link_monitor_new(event, ignore_link, NULL, &links) == 0)
		r = vswitch_check_interfaces(links, model, errors);
	link_monitor_free(links);
	return r < 0 && r != -ENOMEM ? -EINVAL : r; /* a mistake in the file */
}

static enum daemon_status check_only(const struct daemon_options *options, bool kernel)
{
	_cleanup_(errors_done) struct errors errors = {};
	_cleanup_(config_source_done) struct config_source source = {};
	struct model *model = NULL;
	enum daemon_status status;
	int r = config_source_read(options->config, options->config_folder, &source, &errors);

	if (r == 0)
		r = config_source_parse(&source, &model, &errors);
	if (r == 0)
		r = check_interfaces(model, &errors);
	status = daemon_status_of_load(r);
	if (r == 0 && kernel && vswitch_try_programs(model, &errors) < 0)
		status = DAEMON_SYSTEM;
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%s\n", errors.messages[i]);
	model_free(model);
	return status;
}

struct command {
	struct daemon_options options;
	bool check, kernel, teardown, finish, drop_ins;
	const char *prepare; /* the user */
};

/* Returns true to go on; otherwise *status is the exit status. */
static bool parse(int argc, char **argv, struct command *command, int *status)
{
	enum {
		OPT_CHECK = 256,
		OPT_KERNEL,
		OPT_TEARDOWN,
		OPT_PREPARE,
		OPT_FINISH,
		OPT_DROP_INS,
		OPT_MANAGERS,
		OPT_BPFFS,
		OPT_RUN_DIR,
		OPT_STATE_DIR,
		OPT_LOG_LEVEL
	};
	/* clang-format off */
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "kernel", no_argument, NULL, OPT_KERNEL },
		{ "teardown", no_argument, NULL, OPT_TEARDOWN },
		{ "prepare", required_argument, NULL, OPT_PREPARE },
		{ "finish", no_argument, NULL, OPT_FINISH },
		{ "drop-ins", no_argument, NULL, OPT_DROP_INS },
		{ "managers", required_argument, NULL, OPT_MANAGERS },
		{ "bpffs", required_argument, NULL, OPT_BPFFS },
		{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
		{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
		{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	/* clang-format on */
	enum log_level level;
	int opt;

	*status = DAEMON_BAD_CONFIG;
	while ((opt = getopt_long(argc, argv, "c:Vh", options, NULL)) >= 0) {
		switch (opt) {
		case 'c':
			command->options.config = optarg;
			command->options.config_folder = NULL;
			break;
		case OPT_CHECK:
			command->check = true;
			break;
		case OPT_KERNEL:
			command->kernel = true;
			break;
		case OPT_TEARDOWN:
			command->teardown = true;
			break;
		case OPT_PREPARE:
			command->prepare = optarg;
			break;
		case OPT_FINISH:
			command->finish = true;
			break;
		case OPT_DROP_INS:
			command->drop_ins = true;
			break;
		case OPT_MANAGERS:
			command->options.managers_root = optarg;
			break;
		case OPT_BPFFS:
			command->options.bpffs = optarg;
			break;
		case OPT_RUN_DIR:
			command->options.run_dir = optarg;
			break;
		case OPT_STATE_DIR:
			command->options.state_dir = optarg;
			break;
		case OPT_LOG_LEVEL:
			if (log_level_from_string(optarg, &level) < 0) {
				fprintf(stderr,
					"uplinkd: --log-level: %s: must be error, warning, info or debug\n",
					optarg);
				return false;
			}
			log_set_level(level);
			break;
		case 'V':
		case 'h':
			fputs(opt == 'V' ? "uplinkd " UL_VERSION "\n" : usage, stdout);
			*status = DAEMON_OK;
			return false;
		default:
			fprintf(stderr, "uplinkd: see uplinkd --help\n");
			return false;
		}
	}
	if (command->kernel && !command->check) {
		fprintf(stderr, "uplinkd: --kernel: needs --check\n");
		return false;
	}
	if (optind < argc)
		fprintf(stderr, "uplinkd: %s: unexpected argument; see uplinkd --help\n",
			argv[optind]);
	return optind == argc;
}

static enum daemon_status run(const struct command *command)
{
	if (command->check)
		return check_only(&command->options, command->kernel);
	if (command->prepare)
		return daemon_prepare(&command->options, command->prepare);
	if (command->finish)
		return daemon_finish(&command->options);
	if (command->drop_ins)
		return daemon_drop_ins(&command->options);
	return command->teardown ? daemon_teardown(&command->options) :
				   daemon_run(&command->options);
}

int main(int argc, char **argv)
{
	struct command command = { .options = { .config = CONFIG_FILE,
						.config_folder = CONFIG_FOLDER,
						.bpffs = "/sys/fs/bpf",
						.run_dir = PATHS_RUN_DIR } };
	char state_dir[PATH_MAX];
	int status;

	if (!parse(argc, argv, &command, &status))
		return status;
	if (!command.options.state_dir)
		command.options.state_dir = paths_state_dir(command.options.run_dir, state_dir);
	if (!command.options.managers_root && strcmp(command.options.run_dir, PATHS_RUN_DIR) == 0)
		command.options.managers_root = MANAGERS_ROOT;
	return (int)run(&command);
}
