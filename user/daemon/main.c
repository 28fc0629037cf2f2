// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>

#include "daemon/daemon.h"

static const char usage[] =
	"uplinkd [-c FILE] [--check | --teardown] [--bpffs DIR] [--run-dir DIR] [--log-level LEVEL]\n"
	"\n"
	"The daemon of vSwitches whose uplinks are teamed in the kernel. Runs in the foreground.\n"
	"\n"
	"  -c, --config FILE    configuration (/etc/uplinkd/uplinkd.yaml)\n"
	"      --check          say what is wrong with the configuration, and do no more\n"
	"      --teardown       take everything out of the kernel that was left there, and restore the NICs\n"
	"      --bpffs DIR      where the BPF file system is mounted (/sys/fs/bpf)\n"
	"      --run-dir DIR    lock, socket, state (/run/uplinkd)\n"
	"      --log-level L    error, warning, info or debug (info)\n"
	"      --version        print the version\n"
	"      --help           print this\n"
	"\n"
	"Exit status: 0 clean, 1 the configuration is wrong, 2 the system refused something.\n";

static enum daemon_status check_only(const char *path)
{
	_cleanup_(config_errors_done) struct config_errors errors = {};
	struct model *model = NULL;
	int r = config_load(path, &model, &errors);

	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%s\n", errors.messages[i]);
	model_free(model);
	return r < 0 ? DAEMON_BAD_CONFIG : DAEMON_OK;
}

int main(int argc, char **argv)
{
	enum {
		OPT_CHECK = 256,
		OPT_TEARDOWN,
		OPT_BPFFS,
		OPT_RUN_DIR,
		OPT_LOG_LEVEL,
		OPT_VERSION,
		OPT_HELP
	};
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "teardown", no_argument, NULL, OPT_TEARDOWN },
		{ "bpffs", required_argument, NULL, OPT_BPFFS },
		{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
		{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "help", no_argument, NULL, OPT_HELP },
		{}
	};
	struct daemon_options daemon = { "/etc/uplinkd/uplinkd.yaml", "/sys/fs/bpf",
					 "/run/uplinkd" };
	bool check = false, teardown = false;
	enum log_level level;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) >= 0) {
		switch (opt) {
		case 'c':
			daemon.config = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_TEARDOWN:
			teardown = true;
			break;
		case OPT_BPFFS:
			daemon.bpffs = optarg;
			break;
		case OPT_RUN_DIR:
			daemon.run_dir = optarg;
			break;
		case OPT_VERSION:
			printf("uplinkd %s\n", UL_VERSION);
			return 0;
		case OPT_HELP:
			fputs(usage, stdout);
			return 0;
		case OPT_LOG_LEVEL:
			if (log_level_from_string(optarg, &level) < 0) {
				fprintf(stderr,
					"uplinkd: --log-level: %s: must be error, warning, info or debug\n",
					optarg);
				return DAEMON_BAD_CONFIG;
			}
			log_set_level(level);
			break;
		default:
			fprintf(stderr, "see uplinkd --help\n");
			return DAEMON_BAD_CONFIG;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "uplinkd: %s: no arguments are taken; see uplinkd --help\n",
			argv[optind]);
		return DAEMON_BAD_CONFIG;
	}
	if (check)
		return (int)check_only(daemon.config);
	return (int)(teardown ? daemon_teardown(&daemon) : daemon_run(&daemon));
}
