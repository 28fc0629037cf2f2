// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include <getopt.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

#include "common/util.h"
#include "control/protocol.h"
#include "integration/exporter/exporter.h"

/* Exit statuses, as of uplinkd. */
enum { EXPORTER_OK = 0, EXPORTER_WRONG = 1, EXPORTER_SYSTEM = 2 };

static const char usage[] =
	"uplinkd-exporter [--listen ADDRESS:PORT] [--socket PATH]\n"
	"\n"
	"Metrics of uplinkd for Prometheus, on http://ADDRESS:PORT/metrics. Runs in the\n"
	"foreground. Needs access to the control socket of uplinkd.\n"
	"\n"
	"      --listen A:P     numeric address and port (" EXPORTER_ADDRESS ")\n"
	"      --socket PATH    control socket of uplinkd (/run/uplinkd/uplinkd.sock)\n"
	"  -V, --version        print the version\n"
	"  -h, --help           print this help\n"
	"\n"
	"Exit status: 0 clean, 1 wrong command line, 2 system error.\n";

struct options {
	const char *listen, *socket;
};

/* Returns true to go on; otherwise *status is the exit status. */
static bool parse(int argc, char **argv, struct options *options, int *status)
{
	static const struct option long_options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "socket", required_argument, NULL, 's' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c;

	*status = EXPORTER_OK;
	while ((c = getopt_long(argc, argv, "Vh", long_options, NULL)) >= 0) {
		if (c == 'l') {
			options->listen = optarg;
		} else if (c == 's') {
			options->socket = optarg;
		} else if (c == 'V') {
			printf("uplinkd-exporter %s\n", UL_VERSION);
			return false;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			*status = c == 'h' ? EXPORTER_OK : EXPORTER_WRONG;
			return false;
		}
	}
	if (optind == argc)
		return true;
	fprintf(stderr, "uplinkd-exporter: %s: takes no arguments\n", argv[optind]);
	*status = EXPORTER_WRONG;
	return false;
}

int main(int argc, char **argv)
{
	struct options options = { .listen = EXPORTER_ADDRESS,
				   .socket = "/run/uplinkd/" CONTROL_SOCKET_NAME };
	struct server *server = NULL;
	int status, number, r;
	sigset_t ends;

	if (!parse(argc, argv, &options, &status))
		return status;
	/* before there is a thread, which inherits the mask */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);

	r = server_start(options.listen, options.socket, &server);
	if (r < 0)
		return r == -EINVAL ? EXPORTER_WRONG : EXPORTER_SYSTEM;
	log_info("uplinkd-exporter %s: http://%s/metrics", UL_VERSION, options.listen);
	sd_notify(false, "READY=1");
	while (sigwait(&ends, &number) != 0)
		;
	sd_notify(false, "STOPPING=1");
	server_stop(server);
	return EXPORTER_OK;
}
